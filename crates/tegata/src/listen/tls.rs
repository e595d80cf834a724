//! TLS: an operator's certificate from files, or a throwaway CA for `dev`.

use std::{fs, net::IpAddr, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair,
    KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _},
};
use tegata_core::clock::{Clock as _, SystemClock};
use tokio_rustls::TlsAcceptor;

use super::ListenError;
use crate::config::TlsFiles;

/// How long the throwaway CA and its certificate are good for.
const THROWAWAY: Duration = Duration::from_hours(7 * 24);
/// Machines of one person may disagree a little about the time.
const BACKDATED: Duration = Duration::from_hours(1);

/// Reads an operator's certificate and key.
pub(crate) fn from_files(files: &TlsFiles) -> Result<TlsAcceptor, ListenError> {
    let problem = |file: &Path| {
        let file = file.display().to_string();
        move |problem: String| ListenError::Tls { file, problem }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| problem(&files.certificate)(error.to_string()))?;
    if chain.is_empty() {
        return Err(problem(&files.certificate)("it holds no certificate (PEM)".to_owned()));
    }
    let mode = fs::metadata(&files.key).map_err(|error| problem(&files.key)(error.to_string()))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(problem(&files.key)("it can be read by everybody; close it with `chmod o-rwx`".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| problem(&files.key)(error.to_string()))?;
    acceptor(chain, key).map_err(|error| problem(&files.certificate)(error))
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<TlsAcceptor, String> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A certificate that only those trust who were given its CA, and that vouches for nothing but the names asked for.
pub(crate) struct Throwaway {
    /// What serves it.
    pub(crate) acceptor: TlsAcceptor,
    /// The certificate of its CA, PEM. The key of the CA is gone already.
    pub(crate) ca_pem: String,
}

/// Makes a throwaway CA and a certificate for `names` (host names and addresses).
pub(crate) fn throwaway(names: &[String]) -> Result<Throwaway, ListenError> {
    let made = make_throwaway(names).map_err(|error| ListenError::Throwaway(error.to_string()))?;
    let acceptor = acceptor(made.chain, made.key).map_err(ListenError::Throwaway)?;
    Ok(Throwaway { acceptor, ca_pem: made.ca_pem })
}

struct Made {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    ca_pem: String,
}

fn make_throwaway(names: &[String]) -> Result<Made, rcgen::Error> {
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(SystemClock.now().unix()).unwrap_or(0));
    let dated = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = now - BACKDATED;
        params.not_after = now + THROWAWAY;
        params
    };
    let mut ca = dated("tegata dev throwaway CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    ca.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    ca.name_constraints =
        Some(NameConstraints { permitted_subtrees: names.iter().map(|name| permitted(name)).collect(), excluded_subtrees: Vec::new() });
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;

    let mut leaf = dated("tegata dev");
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    for name in names {
        leaf.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into()?),
        });
    }
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &ca)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(Made { chain: vec![certificate.der().clone(), ca.der().clone()], key, ca_pem: ca.pem() })
}

fn permitted(name: &str) -> GeneralSubtree {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => GeneralSubtree::IpAddress(CidrSubnet::V4(v4.octets(), [255; 4])),
        Ok(IpAddr::V6(v6)) => GeneralSubtree::IpAddress(CidrSubnet::V6(v6.octets(), [255; 16])),
        Err(_) => GeneralSubtree::DnsName(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
    use tokio_rustls::TlsConnector;

    use super::*;

    async fn handshake(made: &Throwaway, ca_pem: &str, name: &str) -> Result<(), String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (near, far) = tokio::io::duplex(16 * 1024);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let (served, connected) = tokio::join!(made.acceptor.accept(far), TlsConnector::from(Arc::new(client)).connect(name, near));
        let _ = served;
        connected.map(|_| ()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_throwaway_certificate_is_good_for_its_names_only() {
        let names = ["localhost", "127.0.0.1", "::1", "sts.cn-hangzhou.aliyuncs.com"].map(str::to_owned);
        let made = throwaway(&names).unwrap();
        for name in &names {
            handshake(&made, &made.ca_pem, name).await.unwrap();
        }
        assert!(handshake(&made, &made.ca_pem, "example.com").await.is_err());
        assert!(handshake(&made, &throwaway(&names).unwrap().ca_pem, "localhost").await.is_err(), "each run has its own CA");
        assert!(!made.ca_pem.contains("PRIVATE"));
    }

    #[test]
    fn an_operators_files_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let made = make_throwaway(&["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let files = TlsFiles { certificate: certificate.clone(), key: key.clone() };
        assert!(from_files(&files).is_err_and(|error| error.to_string().contains("cert.pem")));
        fs::write(&certificate, &made.ca_pem).unwrap();
        let pair = KeyPair::generate().unwrap();
        fs::write(&key, pair.serialize_pem()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(from_files(&files).is_err_and(|error| error.to_string().contains("chmod o-rwx")));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(from_files(&files).is_err(), "a key of another certificate");
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&certificate, own.cert.pem()).unwrap();
        fs::write(&key, own.signing_key.serialize_pem()).unwrap();
        from_files(&files).map(|_| ()).unwrap();
    }
}
