//! Listeners: plain or TLS, HTTP/1.1, limited in number and patience, and stopped without cutting anybody off.

mod graceful;
pub(crate) mod tls;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
pub(crate) use graceful::{Signals, Stop, stop_channel};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tegata_dialects::Peer;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;

use crate::{config::Connections, metrics::Metrics};

/// Bytes a connection may buffer; also the longest head of a request.
const BUFFER: usize = 128 * 1024;
/// Header lines of one request.
const HEADERS: usize = 128;
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long requests in progress may go on once a stop is asked for.
pub(crate) const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// Pause after the system refused to accept (out of file descriptors), so that it can recover.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An address cannot be listened on, or a certificate not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// Binding failed.
    #[error("`{address}` cannot be listened on: {error}; choose another address with `{flag} ADDR`")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// A TLS file is not usable.
    #[error("`{file}` cannot be used for TLS: {problem}")]
    Tls {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The throwaway CA could not be made.
    #[error("the throwaway certificate could not be made: {0}")]
    Throwaway(String),
}

/// Binds, and says which flag would help if that fails.
pub(crate) async fn bind(address: SocketAddr, flag: &'static str) -> Result<(TcpListener, SocketAddr), ListenError> {
    let failed = |error| ListenError::Bind { address, flag, error };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    Ok((socket, bound))
}

/// One listener and what answers on it.
pub(crate) struct Endpoint {
    /// Its name in metrics.
    pub(crate) name: &'static str,
    /// The bound socket.
    pub(crate) socket: TcpListener,
    /// Certificate and key, if it speaks TLS.
    pub(crate) tls: Option<TlsAcceptor>,
    /// What answers.
    pub(crate) router: Router,
}

/// Serves until a stop is asked for; then accepts nobody, lets requests in progress end, and cuts off what is left.
pub(crate) async fn serve(endpoint: Endpoint, limits: Connections, metrics: Arc<Metrics>, mut stop: Stop) {
    let Endpoint { name, socket, tls, router } = endpoint;
    let places = Arc::new(Semaphore::new(limits.most));
    let mut connections = JoinSet::new();
    loop {
        // A place first: whoever finds none waits in the system's queue and costs us nothing.
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, socket.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = stop.asked() => break,
            Some(_) = connections.join_next() => continue,
            next = next => next,
        };
        match accepted {
            Ok((stream, address)) => {
                let connection = Connection {
                    router: router.clone(),
                    peer: Peer { address, tls: tls.is_some() },
                    head: limits.head,
                    stop: stop.clone(),
                    metrics: Arc::clone(&metrics),
                };
                let tls = tls.clone();
                let open = metrics.connection(name);
                connections.spawn(async move {
                    let _held = (place, open);
                    connection.accept(stream, tls).await;
                });
            }
            Err(error) => {
                tracing::warn!(listener = name, %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(socket);
    let deadline = Instant::now() + LAST_REQUESTS;
    while let Ok(Some(_)) = timeout_at(deadline, connections.join_next()).await {}
    if !connections.is_empty() {
        tracing::warn!(listener = name, connections = connections.len(), "requests still in progress were cut off");
    }
    connections.shutdown().await;
}

/// One connection.
struct Connection {
    router: Router,
    peer: Peer,
    head: Duration,
    stop: Stop,
    metrics: Arc<Metrics>,
}

impl Connection {
    async fn accept(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Replies are written whole; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        match tls {
            None => self.speak(stream).await,
            Some(acceptor) => match timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => self.speak(stream).await,
                Ok(Err(error)) => tracing::debug!(peer = %self.peer.address, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(peer = %self.peer.address, "TLS handshake took too long"),
            },
        }
    }

    async fn speak(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { router, peer, head, mut stop, metrics } = self;
        let inner = TowerToHyperService::new(router);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let started = std::time::Instant::now();
            let reply = hyper::service::Service::call(&inner, request.map(Body::new));
            let metrics = Arc::clone(&metrics);
            async move {
                let reply = reply.await?;
                metrics.observe(&reply, started.elapsed());
                Ok::<_, Infallible>(reply)
            }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(BUFFER).max_headers(HEADERS);
        let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.asked() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %peer.address, %error, "connection ended");
        }
    }
}
