//! One request, one reply, over HTTP/1.1 with connections kept, in the clear or by TLS.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::sync::{mpsc, oneshot};

use crate::ClientError;

/// Longest reply that is read into memory, in bytes.
const MAX_REPLY: usize = 64 * 1024 * 1024;
/// Longest wait for a reply, or for the next piece of a long one.
const PATIENCE: Duration = Duration::from_mins(1);

/// Longest body that is sent without asking whether it is wanted, in bytes.
const UNASKED: u64 = 64 * 1024;
/// How long a server may leave that question open before it gets the body all the same.
const INDIFFERENT: Duration = Duration::from_secs(2);

type Outgoing = UnsyncBoxBody<Bytes, io::Error>;
type Encrypted = Client<HttpsConnector<HttpConnector>, Outgoing>;

/// Sends requests and keeps connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Transport {
    plain: Client<HttpConnector, Outgoing>,
    /// Made when the first `https` URL is called: reading the system's authorities takes longer than many a command.
    encrypted: Arc<OnceLock<Result<Encrypted, String>>>,
    ca_file: Option<Arc<PathBuf>>,
}

/// A whole reply.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// A header as text, empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A reply whose body is still to come.
#[derive(Debug)]
pub struct LongReply {
    url: String,
    response: Response<Incoming>,
}

impl LongReply {
    /// The status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header as text, empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The next piece of the body; `None` at its end. A body that breaks off is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.response.body_mut().frame()).await;
            let frame = frame.map_err(|_| late(&self.url))?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| unreachable(&self.url, with_cause(&error)))?;
            if let Ok(piece) = frame.into_data() {
                return Ok(Some(piece));
            }
        }
    }

    /// The whole reply, if it is short.
    pub async fn whole(self) -> Result<Reply, ClientError> {
        let (parts, body) = self.response.into_parts();
        let body = Limited::new(body, MAX_REPLY).collect();
        let body = tokio::time::timeout(PATIENCE, body).await.map_err(|_| late(&self.url))?;
        let body = body.map_err(|error| unreachable(&self.url, error.to_string()))?;
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes() })
    }
}

/// A body that is sent while it is read, in pieces from a channel.
#[derive(Debug)]
pub struct Upload {
    /// Bytes still to come, if anybody knows.
    left: Option<u64>,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    /// Answers when the server wants to see the body, or drops.
    wanted: Option<oneshot::Receiver<()>>,
    patience: Pin<Box<tokio::time::Sleep>>,
}

impl Upload {
    /// A body of `length` bytes, and where its pieces go. A sender that is dropped early breaks the request off. Without a length
    /// the body ends when the sender is dropped, and a piece that is an error breaks the request off.
    pub fn new(length: Option<u64>) -> (mpsc::Sender<io::Result<Bytes>>, Self) {
        let (sender, pieces) = mpsc::channel(4);
        (sender, Self { left: length, pieces, wanted: None, patience: Box::pin(tokio::time::sleep(Duration::ZERO)) })
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(wanted) = &mut self.wanted {
            if Pin::new(wanted).poll(context).is_pending() && self.patience.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.wanted = None;
        }
        let Poll::Ready(piece) = self.pieces.poll_recv(context) else { return Poll::Pending };
        Poll::Ready(match piece {
            Some(Ok(piece)) => match self.left.map(|left| left.checked_sub(piece.len() as u64)) {
                Some(None) => Some(Err(io::Error::other("there is more to send than was announced"))),
                left => {
                    self.left = left.flatten();
                    Some(Ok(Frame::data(piece)))
                }
            },
            Some(Err(error)) => Some(Err(error)),
            None if self.left.is_some_and(|left| left > 0) => Some(Err(io::Error::other("there is less to send than was announced"))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport {
    /// A transport with no open connection, that trusts the authorities the system trusts.
    pub fn new() -> Self {
        let plain = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self { plain, encrypted: Arc::default(), ca_file: None }
    }

    /// The same, that trusts only the authorities in this file (PEM).
    #[must_use]
    pub fn trusting(self, ca_file: PathBuf) -> Self {
        Self { encrypted: Arc::default(), ca_file: Some(Arc::new(ca_file)), ..self }
    }

    /// The file of the only authorities that are trusted, if there is one.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref().map(PathBuf::as_path)
    }

    /// Sends a request and reads the whole reply.
    pub async fn send(&self, method: &str, url: &str, headers: &[(String, String)], body: Bytes) -> Result<Reply, ClientError> {
        let reply = self.request(method, url, headers, Full::new(body).map_err(|never| match never {}).boxed_unsync());
        tokio::time::timeout(PATIENCE, reply).await.map_err(|_| late(url))??.whole().await
    }

    /// Sends a request and gives the reply once its headers are there.
    pub async fn open(&self, method: &str, url: &str, headers: &[(String, String)]) -> Result<LongReply, ClientError> {
        let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
        tokio::time::timeout(PATIENCE, self.request(method, url, headers, body)).await.map_err(|_| late(url))?
    }

    /// Sends a request with a long body and reads the whole reply. However long it takes: whoever feeds the body watches it move.
    ///
    /// A long body waits until the server wants it (RFC 9110 §10.1.1): a refusal is then read before the server closes on us.
    pub async fn upload(&self, method: &str, url: &str, headers: &[(String, String)], mut body: Upload) -> Result<Reply, ClientError> {
        if body.left.is_some_and(|left| left <= UNASKED) {
            return self.request(method, url, headers, body.boxed_unsync()).await?.whole().await;
        }
        let (want, wanted) = oneshot::channel();
        body.wanted = Some(wanted);
        body.patience.as_mut().reset(tokio::time::Instant::now() + INDIFFERENT);
        let mut request = prepared(method, url, headers, body.boxed_unsync())?;
        request.headers_mut().insert(http::header::EXPECT, http::HeaderValue::from_static("100-continue"));
        let want = Mutex::new(Some(want));
        hyper::ext::on_informational(&mut request, move |_| {
            if let Some(want) = want.lock().ok().and_then(|mut want| want.take()) {
                let _ = want.send(());
            }
        });
        self.dispatch(url, request).await?.whole().await
    }

    async fn request(&self, method: &str, url: &str, headers: &[(String, String)], body: Outgoing) -> Result<LongReply, ClientError> {
        self.dispatch(url, prepared(method, url, headers, body)?).await
    }

    async fn dispatch(&self, url: &str, request: Request<Outgoing>) -> Result<LongReply, ClientError> {
        let response = match request.uri().scheme_str() {
            Some("http") => self.plain.request(request).await,
            Some("https") => {
                let made = self.encrypted.get_or_init(|| encrypted(self.ca_file()));
                made.as_ref().map_err(|problem| ClientError::Request(problem.clone()))?.request(request).await
            }
            _ => return Err(ClientError::Request(format!("`{}` is neither an `http` nor an `https` URL", place(url)))),
        };
        let response = response.map_err(|error| {
            // The client's own words for it say nothing to people.
            let cause = with_cause(&error);
            unreachable(url, cause.strip_prefix("client error (Connect): ").map_or(cause.clone(), str::to_owned))
        })?;
        Ok(LongReply { url: url.to_owned(), response })
    }
}

fn prepared(method: &str, url: &str, headers: &[(String, String)], body: Outgoing) -> Result<Request<Outgoing>, ClientError> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    // hyper leaves the length of nothing out, and some servers want to be told that nothing is all there is.
    if matches!(method, "PUT" | "POST") && body.size_hint().exact() == Some(0) {
        request = request.header(http::header::CONTENT_LENGTH, 0);
    }
    request.body(body).map_err(|error| ClientError::Request(error.to_string()))
}

fn encrypted(ca_file: Option<&Path>) -> Result<Encrypted, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(authorities(ca_file)?)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// The authorities in a file, else those the system trusts.
pub(crate) fn authorities(ca_file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca_file {
        let problem = |error: String| format!("the authorities in `{}` cannot be read: {error}", path.display());
        let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for certificate in found.map_err(|error| problem(error.to_string()))? {
            roots.add(certificate).map_err(|error| problem(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(problem("it holds no certificate (PEM)".to_owned()));
        }
    } else {
        // Systems carry certificates that no verifier reads any more; one of them is no reason to trust none.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this system has no certificate authorities; name a file of them with `--ca-file FILE`".to_owned());
        }
    }
    Ok(roots)
}

fn unreachable(url: &str, cause: String) -> ClientError {
    ClientError::Unreachable { url: place(url), cause }
}

fn late(url: &str) -> ClientError {
    unreachable(url, format!("no answer within {} s", PATIENCE.as_secs()))
}

/// A URL without its query: signatures and tokens stand there.
pub(crate) fn place(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
