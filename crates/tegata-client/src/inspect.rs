//! What a server shows of itself before it is believed: its certificate, and why it would not be trusted.

use std::{
    io,
    net::TcpStream,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tegata_model::Timestamp;
use x509_cert::{
    Certificate,
    der::Decode as _,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

use crate::transport::authorities;

/// Longest wait for a server in the middle of a handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// How many certificates it sent.
    pub chain: usize,
    /// The names that its own is for.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// From when it is valid.
    pub begins_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
}

/// Why a server is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distrust {
    /// Nobody who is trusted here has signed its certificate.
    UnknownAuthority,
    /// The certificate is for other names.
    OtherName,
    /// It is valid no longer, or not yet.
    OutOfTime,
    /// Something else.
    Other(String),
}

/// One handshake.
#[derive(Debug)]
pub struct Handshake {
    /// What the server showed, if it got so far.
    pub shown: Option<Shown>,
    /// Why it is not trusted; nothing if all is well.
    pub distrust: Option<Distrust>,
}

/// Judges as always, and keeps what it was shown.
#[derive(Debug)]
struct Witness {
    judge: Arc<WebPkiServerVerifier>,
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(own).chain(others).map(|certificate| certificate.clone().into_owned());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = all.collect();
        self.judge.verify_server_cert(own, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

/// Shakes hands with the server `name` over a connection, trusting as [`crate::Transport`] does. Blocks.
///
/// An error tells why it could not be tried at all.
pub fn handshake(mut connection: TcpStream, name: &str, ca_file: Option<&Path>) -> Result<Handshake, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(authorities(ca_file)?);
    let judge = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build().map_err(|error| error.to_string())?;
    let witness = Arc::new(Witness { judge, seen: Mutex::default() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Witness>::clone(&witness))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let server = ServerName::try_from(name.to_owned()).map_err(|_| format!("`{name}` is no name a certificate could be for"))?;
    let mut tls = ClientConnection::new(Arc::new(config), server).map_err(|error| error.to_string())?;
    let limited = connection.set_read_timeout(Some(PATIENCE)).and_then(|()| connection.set_write_timeout(Some(PATIENCE)));
    limited.map_err(|error| error.to_string())?;
    let mut distrust = None;
    while distrust.is_none() && tls.is_handshaking() {
        distrust = tls.complete_io(&mut connection).err().map(|error| why(&error));
    }
    let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Handshake { shown: seen.first().and_then(|own| shown(own, seen.len())), distrust })
}

fn why(error: &io::Error) -> Distrust {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(problem)) => match problem {
            CertificateError::UnknownIssuer => Distrust::UnknownAuthority,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Distrust::OtherName,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Distrust::OutOfTime,
            other => Distrust::Other(other.to_string()),
        },
        Some(rustls::Error::InvalidMessage(_)) => Distrust::Other("what answers there does not speak TLS".to_owned()),
        Some(other) => Distrust::Other(other.to_string()),
        None => Distrust::Other(error.to_string()),
    }
}

fn shown(own: &CertificateDer<'_>, chain: usize) -> Option<Shown> {
    let inside = Certificate::from_der(own).ok()?.tbs_certificate;
    let time = |time: &x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).ok().map(Timestamp::from_unix);
    let names = inside.get::<SubjectAltName>().ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
    let name = |name: &GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => match bytes.as_bytes() {
            bytes if bytes.len() == 4 => <[u8; 4]>::try_from(bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
            bytes => <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
        },
        _ => None,
    };
    Some(Shown {
        chain,
        names: names.iter().filter_map(name).collect(),
        issuer: inside.issuer.to_string(),
        begins_at: time(&inside.validity.not_before)?,
        ends_at: time(&inside.validity.not_after)?,
    })
}
