//! Servers on loopback that try what they can.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server that answers every connection with these bytes, and counts them.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

async fn server(answer: &'static [u8], repeat: usize, tls: Option<TlsAcceptor>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, heads) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (counter, kept) = (Arc::clone(&asked), Arc::clone(&heads));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            match &tls {
                None => serve(stream, answer, repeat, &kept).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, answer, repeat, &kept).await;
                    }
                }
            }
        }
    });
    Server { address, asked, heads }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8], repeat: usize, heads: &Mutex<Vec<String>>) {
    let mut head = vec![0; 4096];
    let size = stream.read(&mut head).await.unwrap_or(0);
    heads.lock().unwrap().push(String::from_utf8_lossy(&head[..size]).into_owned());
    for _ in 0..repeat {
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
}

fn fetcher() -> Fetcher {
    Fetcher::new(&config::Outbound { private: vec!["127.0.0.1".parse().unwrap()], ca_file: None }, true)
}

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn a_plain_answer_without_any_credential() {
    let server = server(GOOD, 1, None).await;
    let url = format!("http://{}/.well-known/openid-configuration?x=1", server.address);
    assert_eq!(fetcher().get(&url).await.unwrap(), Fetched { body: b"{}".to_vec(), certificates: Vec::new() });
    let heads = server.heads.lock().unwrap();
    assert!(heads[0].starts_with("GET /.well-known/openid-configuration?x=1 HTTP/1.1\r\n"), "{heads:?}");
    assert!(heads[0].contains(&format!("host: {}", server.address)) && !heads[0].to_lowercase().contains("authorization"), "{heads:?}");
}

#[tokio::test]
async fn what_is_never_asked() {
    let server = server(GOOD, 1, None).await;
    let port = server.address.port();
    let strict = Fetcher::new(&config::Outbound::default(), false);
    for url in [
        format!("http://127.0.0.1:{port}/"),
        "ftp://example.com/".to_owned(),
        "https://user@example.com/".to_owned(),
        "/path".to_owned(),
        String::new(),
        "https://example.com:0/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "https:///x".to_owned(),
    ] {
        assert!(matches!(strict.get(&url).await, Err(OutboundError::Url(..))), "{url}");
    }
    // Neither by name nor by number, in any spelling.
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "169.254.169.254".to_owned(),
        "[::ffff:127.0.0.1]".to_owned(),
        "[fd00::1]".to_owned(),
        "100.100.100.200".to_owned(),
    ] {
        let refused = strict.get(&format!("https://{host}/")).await;
        assert!(matches!(refused, Err(OutboundError::Address { .. })), "{host}: {refused:?}");
    }
    assert_eq!(server.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let good = server(GOOD, 1, None).await;
    let inner = server(GOOD, 1, None).await;
    let scripted = |answers: Vec<Vec<SocketAddr>>| Fetcher { resolver: Resolver::Scripted(Mutex::new(answers.into())), ..fetcher() };
    let elsewhere = SocketAddr::new("169.254.169.254".parse().unwrap(), 80);
    // The first answer is good, the second would be inside: there is no second question.
    let flipping = scripted(vec![vec![good.address], vec![inner.address]]);
    flipping.get("http://issuer.test/").await.unwrap();
    assert_eq!((good.asked.load(Ordering::SeqCst), inner.asked.load(Ordering::SeqCst)), (1, 0));
    // A good address does not sweeten a bad one.
    let mixed = scripted(vec![vec![good.address, elsewhere]]);
    assert!(matches!(mixed.get("http://issuer.test/").await, Err(OutboundError::Address { address, .. }) if address == elsewhere.ip()));
    assert!(matches!(scripted(vec![vec![]]).get("http://issuer.test/").await, Err(OutboundError::Unreachable { .. })));
    assert_eq!(good.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn redirects_floods_and_silence() {
    let inner = server(GOOD, 1, None).await;
    let redirect: &'static str =
        Box::leak(format!("HTTP/1.1 302 Found\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n", inner.address).into_boxed_str());
    let redirecting = server(redirect.as_bytes(), 1, None).await;
    let answer = fetcher().get(&format!("http://{}/", redirecting.address)).await;
    assert!(matches!(answer, Err(OutboundError::Status { status: 302, .. })), "{answer:?}");
    assert_eq!(inner.asked.load(Ordering::SeqCst), 0);

    // Fifty megabytes, told or untold.
    let chunk: &'static [u8] = Box::leak(vec![b' '; 1 << 20].into_boxed_slice());
    let told: &'static [u8] = Box::leak([b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n", chunk].concat().into_boxed_slice());
    let untold: &'static [u8] = Box::leak([&b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"[..], chunk].concat().into_boxed_slice());
    for body in [told, untold] {
        let flood = server(body, 50, None).await;
        assert!(matches!(fetcher().get(&format!("http://{}/", flood.address)).await, Err(OutboundError::TooLong(_))));
    }
    // Connections are taken by the system and never looked at.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hasty = Fetcher { patience: Duration::from_millis(200), ..fetcher() };
    let started = std::time::Instant::now();
    assert!(matches!(hasty.get(&format!("http://{}/", silent.local_addr().unwrap())).await, Err(OutboundError::Unreachable { .. })));
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(Fetcher::new(&config::Outbound::default(), false).patience, Duration::from_secs(5));
}

#[tokio::test]
async fn certificates_are_told_with_the_authority_that_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    std::fs::write(&ca_file, authority.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key.into())
        .unwrap();
    let server = server(GOOD, 1, Some(TlsAcceptor::from(Arc::new(config)))).await;
    let url = format!("https://{}/", server.address);
    let settings = config::Outbound { private: vec!["127.0.0.0/8".parse().unwrap()], ca_file: Some(ca_file) };
    let fetched = Fetcher::new(&settings, false).get(&url).await.unwrap();
    let wanted = [leaf.der(), authority.der()].map(|one| hex(&SHA1_FOR_LEGACY_USE_ONLY, one));
    assert!(wanted.iter().all(|digest| digest.len() == 40 && fetched.certificates.contains(digest)), "{:?}", fetched.certificates);
    assert!(fetched.certificates.contains(&hex(&SHA256, authority.der())) && fetched.certificates.len() == 4);
    // An authority that is not trusted, and a name that the certificate does not have.
    let unknown = Fetcher::new(&config::Outbound { ca_file: None, ..settings.clone() }, false).get(&url).await;
    assert!(matches!(unknown, Err(OutboundError::Certificate { .. })), "{unknown:?}");
    let named = Fetcher { resolver: Resolver::Scripted(Mutex::new([vec![server.address]].into())), ..Fetcher::new(&settings, false) };
    assert!(matches!(named.get("https://other.test/").await, Err(OutboundError::Certificate { .. })));
}
