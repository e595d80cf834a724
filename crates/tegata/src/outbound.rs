//! The one way out: `GET` of a URL that somebody else chose, under rules that keep this server from being used against its own network.
//!
//! `https` only, unless the operator allows otherwise. The host is resolved once, every address found is checked, and the connection goes to
//! one of those: a name that answers differently the next time changes nothing. No redirect is followed, no proxy of the environment is used,
//! no credential is sent. Five seconds and 256 KiB are all there is.

mod address;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ::aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use bytes::Bytes;
use http::{Request, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use tegata_core::{
    clock::{Clock as _, SystemClock},
    outbound::{Answer, Fetched, MAX_ANSWER, Outbound, OutboundError},
};
use tegata_dialects::Network;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::OnceCell,
};
use tokio_rustls::TlsConnector;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::config;

/// Longest wait for a whole answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Addresses of one host that are tried.
const TRIED: usize = 4;

/// Fetches, under the rules above.
pub(crate) struct Fetcher {
    private: Vec<Network>,
    insecure: bool,
    ca_file: Option<PathBuf>,
    patience: Duration,
    resolver: Resolver,
    /// Read when the first `https` URL is asked.
    tls: OnceCell<Result<Arc<Tls>, String>>,
}

/// Whom a host may be.
struct Tls {
    config: Arc<ClientConfig>,
    roots: Vec<CertificateDer<'static>>,
}

/// Where addresses come from.
enum Resolver {
    System,
    /// Answers laid out by a test, one for each question.
    #[cfg(test)]
    Scripted(std::sync::Mutex<std::collections::VecDeque<Vec<SocketAddr>>>),
}

impl Resolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::System => Ok(tokio::net::lookup_host((host, port)).await?.collect()),
            #[cfg(test)]
            Self::Scripted(answers) => answers.lock().unwrap().pop_front().ok_or_else(|| io::Error::other("asked once too often")),
        }
    }
}

impl Outbound for Fetcher {
    fn get<'a>(&'a self, url: &'a str) -> Answer<'a> {
        Box::pin(async move {
            let target = Target::read(url, self.insecure)?;
            tokio::time::timeout(self.patience, self.fetch(&target))
                .await
                .unwrap_or_else(|_| Err(target.unreachable(format!("no whole answer within {} ms", self.patience.as_millis()))))
        })
    }
}

/// A URL that may be asked, taken apart.
struct Target {
    host: String,
    port: u16,
    tls: bool,
    /// What the `Host` header says.
    authority: String,
    path: String,
}

impl Target {
    fn read(url: &str, insecure: bool) -> Result<Self, OutboundError> {
        let shown = || url.chars().take(128).flat_map(char::escape_debug).collect::<String>();
        let refused = |why| OutboundError::Url(shown(), why);
        let uri: Uri = url.parse().map_err(|_| refused("it cannot be read"))?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP && insecure => false,
            _ => return Err(refused("only `https` is")),
        };
        let authority = uri.authority().ok_or_else(|| refused("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(refused("it has a user name in it"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(refused("it has no host"));
        }
        let port = match (authority.port(), tls) {
            (Some(port), _) => authority
                .port_u16()
                .filter(|number| *number != 0 && !port.as_str().is_empty())
                .ok_or_else(|| refused("its port is none"))?,
            (None, true) => 443,
            (None, false) => 80,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { host, port, tls, authority: authority.as_str().to_owned(), path })
    }

    fn unreachable(&self, cause: impl Into<String>) -> OutboundError {
        OutboundError::Unreachable { host: self.authority.clone(), cause: cause.into() }
    }

    fn certificate(&self, cause: impl Into<String>) -> OutboundError {
        OutboundError::Certificate { host: self.authority.clone(), cause: cause.into() }
    }
}

impl Fetcher {
    /// With what the operator allows.
    pub(crate) fn new(settings: &config::Outbound, insecure: bool) -> Self {
        Self {
            private: settings.private.clone(),
            insecure,
            ca_file: settings.ca_file.clone(),
            patience: PATIENCE,
            resolver: Resolver::System,
            tls: OnceCell::new(),
        }
    }

    async fn fetch(&self, target: &Target) -> Result<Fetched, OutboundError> {
        let stream = self.connect(target).await?;
        if !target.tls {
            return Ok(Fetched { body: ask(target, stream).await?, certificates: Vec::new() });
        }
        let tls =
            self.tls.get_or_init(|| prepare(self.ca_file.clone())).await.as_ref().map_err(|problem| target.certificate(problem.clone()))?;
        let name = ServerName::try_from(target.host.clone()).map_err(|_| target.certificate("its name cannot stand in a certificate"))?;
        let stream = TlsConnector::from(Arc::clone(&tls.config)).connect(name, stream).await.map_err(|error| {
            let about_trust = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some();
            if about_trust { target.certificate(error.to_string()) } else { target.unreachable(error.to_string()) }
        })?;
        let chain: Vec<CertificateDer<'static>> =
            stream.get_ref().1.peer_certificates().unwrap_or_default().iter().map(|one| one.clone().into_owned()).collect();
        let certificates = tls.digests(&chain).map_err(|cause| target.certificate(cause))?;
        Ok(Fetched { body: ask(target, stream).await?, certificates })
    }

    /// A connection to an address that was checked: the one resolved here and no other.
    async fn connect(&self, target: &Target) -> Result<TcpStream, OutboundError> {
        let found = match target.host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, target.port)],
            Err(_) => self.resolver.resolve(&target.host, target.port).await.map_err(|error| target.unreachable(error.to_string()))?,
        };
        // One address that is not allowed spoils them all: nobody honest mixes them.
        if let Some(bad) = found.iter().find(|one| !self.may_ask(one.ip())) {
            return Err(OutboundError::Address { host: target.authority.clone(), address: bad.ip() });
        }
        let mut last = target.unreachable("it has no address");
        for address in found.iter().take(TRIED) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = target.unreachable(error.to_string()),
            }
        }
        Err(last)
    }

    fn may_ask(&self, address: IpAddr) -> bool {
        address::is_public(address) || self.private.iter().any(|network| network.contains(address))
    }
}

/// One request on its own connection, and the whole answer.
async fn ask(target: &Target, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Vec<u8>, OutboundError> {
    let failed = |error: hyper::Error| target.unreachable(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // It ends with the sender and the body, whatever becomes of them here.
    tokio::spawn(connection);
    let request = Request::get(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("tegata/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| target.unreachable(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(failed)?;
    if response.status() != StatusCode::OK {
        return Err(OutboundError::Status { host: target.authority.clone(), status: response.status().as_u16() });
    }
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            OutboundError::TooLong(target.authority.clone())
        } else {
            target.unreachable(error.to_string())
        }
    })?;
    Ok(body.to_bytes().to_vec())
}

/// Reads authorities away from the threads that serve.
async fn prepare(ca_file: Option<PathBuf>) -> Result<Arc<Tls>, String> {
    let read = tokio::task::spawn_blocking(move || Tls::read(ca_file.as_deref()));
    read.await.map_err(|error| error.to_string())?.map(Arc::new)
}

impl Tls {
    fn read(ca_file: Option<&Path>) -> Result<Self, String> {
        // Systems carry certificates that no verifier reads any more; one of them is no reason to trust none.
        let mut roots = rustls_native_certs::load_native_certs().certs;
        if let Some(path) = ca_file {
            let problem = |error: String| format!("the authorities in `{}` cannot be read: {error}", path.display());
            let own: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
            let own = own.map_err(|error| problem(error.to_string()))?;
            if own.is_empty() {
                return Err(problem("it holds no certificate (PEM)".to_owned()));
            }
            roots.extend(own);
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().cloned());
        if store.is_empty() {
            return Err("no authority is trusted: neither the system nor `outbound.ca_file` has one".to_owned());
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(store)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), roots })
    }

    /// Digests of what the server sent and of the authority that vouched for it, which servers mostly do not send.
    fn digests(&self, chain: &[CertificateDer<'static>]) -> Result<Vec<String>, String> {
        let (leaf, intermediates) = chain.split_first().ok_or("it sent no certificate")?;
        let anchors: Vec<_> = self.roots.iter().filter_map(|root| Some((root, anchor_from_trusted_cert(root).ok()?))).collect();
        let trusted: Vec<_> = anchors.iter().map(|(_, anchor)| anchor.clone()).collect();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(SystemClock.now().unix()).unwrap_or(0)));
        let end = EndEntityCert::try_from(leaf).map_err(|error| error.to_string())?;
        let path = end
            .verify_for_usage(ALL_VERIFICATION_ALGS, &trusted, intermediates, now, KeyUsage::server_auth(), None, None)
            .map_err(|error| error.to_string())?;
        let root = anchors.iter().find(|(_, anchor)| anchor == path.anchor()).map(|(root, _)| *root);
        Ok(chain.iter().chain(root).flat_map(|one| [hex(&SHA1_FOR_LEGACY_USE_ONLY, one), hex(&SHA256, one)]).collect())
    }
}

fn hex(algorithm: &'static Algorithm, bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    digest(algorithm, bytes).as_ref().iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
