//! `tegata agent`: temporary keys for the programs of this machine, always one that is good for a while.
//!
//! A URL on loopback with a secret path, for what reads a credentials URI; a socket that only its own user may use, for the rest.
//! A page in a browser can reach loopback too, and a name can be made to lead there: hence the checks of every request.

use std::{
    fs::{self, DirBuilder},
    io,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
    time::Duration,
};

use axum::body::Body;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tegata_client::{Provider, rpc::nonce};
use tegata_model::secret::constant_time_eq;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener, UnixStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
};

use super::{
    access::{Opened, now},
    credentials, exec, runtime,
};
use crate::{
    cli::client::{AgentFlags, CredentialForm},
    config::Environment,
    failure::Failure,
    terminal,
};

/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clients at a time, on each of the two ways.
const CLIENTS: usize = 64;
/// How often it is looked whether the key should be renewed.
const LOOK: Duration = Duration::from_secs(30);
/// Pause after the system refused to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// `tegata agent`
pub(crate) fn agent(flags: &AgentFlags, environment: &Environment) -> Result<ExitCode, Failure> {
    // Nobody else looks into a process that holds keys; what it starts is not affected.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let opened = Opened::new(&flags.access, environment)?;
    runtime()?.block_on(serve(flags, opened, environment))
}

async fn serve(flags: &AgentFlags, opened: Opened, environment: &Environment) -> Result<ExitCode, Failure> {
    let failed = |what: &str, error: io::Error| Failure::new(format!("{what}: {error}"));
    // What cannot give a temporary key now is told now.
    opened.temporary().await?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, flags.port));
    let listener = TcpListener::bind(address).await.map_err(|error| failed(&format!("`{address}` cannot be listened on"), error))?;
    let address = listener.local_addr().map_err(|error| failed("the address cannot be told", error))?;
    let secret = format!("/{}{}", nonce()?, nonce()?);
    let socket = socket_path(flags, environment).map(Socket::bind).transpose()?;
    let uri = format!("http://{address}{secret}");

    let origin = opened.origin.to_string();
    let mut command = flags.command.split_first().map(|(program, arguments)| {
        let mut command = Command::new(program);
        command.args(arguments);
        command
    });
    if let Some(command) = &mut command {
        exec::surround(command, &opened, environment)?;
        command.env("ALIBABA_CLOUD_CREDENTIALS_URI", &uri).env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
        command.envs(socket.as_ref().map(|socket| ("TEGATA_AGENT_SOCKET", &socket.path)));
    }
    let provider = Arc::new(opened.provider);
    tokio::spawn(keep_fresh(Arc::clone(&provider)));
    let by_url = Way { address: Some(address), path: secret, provider: Arc::clone(&provider) };
    tokio::spawn(accept_all(Arc::new(by_url), async move || listener.accept().await.map(|(stream, _)| Some(stream))));
    let path = socket.as_ref().map(|socket| socket.path.clone());
    // The file goes when this function ends, however it ends.
    let _file = socket.map(|Socket { listener, file, .. }| {
        let by_socket = Way { address: None, path: "/credentials".to_owned(), provider };
        tokio::spawn(accept_all(Arc::new(by_socket), async move || own_client(&listener).await));
        file
    });
    if let Some(command) = command {
        return exec::run(command, exec::Signals::new()?).await;
    }
    let mut stop = Stop::listen()?;
    terminal::say(&format!("export ALIBABA_CLOUD_CREDENTIALS_URI={uri}"));
    if let Some(path) = &path {
        terminal::say(&format!("export TEGATA_AGENT_SOCKET={}", credentials::quoted(&path.to_string_lossy())));
    }
    terminal::note(&format!("Gives temporary keys of {origin} until it is stopped (Ctrl-C)."));
    stop.asked().await;
    Ok(ExitCode::SUCCESS)
}

/// The signals that end an agent.
struct Stop([Signal; 3]);

impl Stop {
    /// From now on they no longer end the process.
    fn listen() -> Result<Self, Failure> {
        let one = |kind| signal(kind).map_err(|error| Failure::new(format!("signals cannot be listened to: {error}")));
        Ok(Self([one(SignalKind::interrupt())?, one(SignalKind::terminate())?, one(SignalKind::hangup())?]))
    }

    async fn asked(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Renews the key before anybody needs it.
async fn keep_fresh(provider: Arc<Provider>) {
    loop {
        // Whoever asks is told what went wrong; here it is only tried again.
        let _ = provider.early(now).await;
        tokio::time::sleep(LOOK).await;
    }
}

/// A way to the key: which requests are answered on it.
struct Way {
    /// The address that the `Host` of requests must be. On the socket it says nothing.
    address: Option<SocketAddr>,
    path: String,
    provider: Arc<Provider>,
}

impl Way {
    async fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response<Body> {
        let plain = |status: StatusCode| {
            let mut response = Response::new(Body::from(format!("{status}\n")));
            *response.status_mut() = status;
            response
        };
        let mut response = match self.judge(method, uri, headers) {
            Err(status) => plain(status),
            Ok(()) => match self.provider.credential(now).await {
                Ok(key) => Response::new(Body::from(credentials::written(&key, CredentialForm::Uri))),
                Err(error) => {
                    let mut response =
                        Response::new(Body::from(json!({"Code": "Failed", "Message": Failure::from(error).to_string()}).to_string()));
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                    response
                }
            },
        };
        let fixed =
            [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/json"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        for (name, value) in fixed {
            response.headers_mut().insert(name, http::HeaderValue::from_static(value));
        }
        response
    }

    /// Whether a program asks, by the right name and the right path.
    fn judge(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), StatusCode> {
        let browser = headers.keys().any(|name| *name == header::ORIGIN || name.as_str().starts_with("sec-fetch-"));
        let mut hosts = headers.get_all(header::HOST).iter();
        let named = match &self.address {
            None => true,
            Some(address) => hosts.next().is_some_and(|found| is_literal(found.as_bytes(), *address)) && hosts.next().is_none(),
        };
        // A request for another server, as proxies get them, names a host of its own.
        if browser || !named || uri.authority().is_some() {
            return Err(StatusCode::FORBIDDEN);
        }
        let asked = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        if !constant_time_eq(asked.as_bytes(), self.path.as_bytes()) {
            return Err(StatusCode::NOT_FOUND);
        }
        if method == Method::GET { Ok(()) } else { Err(StatusCode::METHOD_NOT_ALLOWED) }
    }
}

/// True if a `Host` is this address itself and no name that leads to it. Some libraries leave the port out.
fn is_literal(host: &[u8], address: SocketAddr) -> bool {
    host == address.to_string().as_bytes() || host == address.ip().to_string().as_bytes()
}

/// Accepts for ever. `None` is somebody who may not come in.
async fn accept_all<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    way: Arc<Way>,
    mut accept: impl AsyncFnMut() -> io::Result<Option<S>>,
) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let stream = match accept().await {
            Ok(Some(stream)) => stream,
            Ok(None) => continue,
            Err(_) => {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let way = Arc::clone(&way);
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(|request: Request<Incoming>| {
                let way = Arc::clone(&way);
                async move { Ok::<_, std::convert::Infallible>(way.answer(request.method(), request.uri(), request.headers()).await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false).max_buf_size(16 * 1024);
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The next client of the socket, if it belongs to the user of this process, or to root, from whom nothing is hidden.
async fn own_client(listener: &UnixListener) -> io::Result<Option<UnixStream>> {
    let (stream, _) = listener.accept().await?;
    let user = stream.peer_cred()?.uid();
    Ok(may_come_in(user, rustix::process::geteuid().as_raw()).then_some(stream))
}

fn may_come_in(user: u32, own: u32) -> bool {
    user == own || user == 0
}

/// The place of the socket: what the flag says, else a file of its own in the folder that ends with the login.
fn socket_path(flags: &AgentFlags, environment: &Environment) -> Option<PathBuf> {
    let usual = || {
        let folder = environment.xdg_runtime_dir.as_ref().filter(|folder| folder.is_absolute())?;
        Some(folder.join(format!("tegata/agent-{}.sock", std::process::id())))
    };
    flags.socket.clone().or_else(usual)
}

/// A socket, and the file that stands for it.
struct Socket {
    listener: UnixListener,
    path: PathBuf,
    file: SocketFile,
}

/// Removes the file once nobody listens any more.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Socket {
    fn bind(path: PathBuf) -> Result<Self, Failure> {
        let path = std::path::absolute(&path).unwrap_or(path);
        let failed = |error: io::Error| Failure::new(format!("the socket `{}` cannot be made: {error}", path.display()));
        let folder = path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        if let Ok(found) = fs::symlink_metadata(&path) {
            if !found.file_type().is_socket() {
                return Err(Failure::new(format!("`{}` is there already and is no socket", path.display())));
            }
            if std::os::unix::net::UnixStream::connect(&path).is_ok() {
                return Err(Failure::new(format!(
                    "another agent answers at `{}`; choose another place with `--socket FILE`",
                    path.display()
                )));
            }
            // What is left of an agent that was killed.
            fs::remove_file(&path).map_err(failed)?;
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        let file = SocketFile(path.clone());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self { listener, path, file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tegata_client::{Transport, provider::Source};

    #[test]
    fn only_a_program_that_knows_the_place_is_answered() {
        let provider = Arc::new(Provider::new(Source::Program(Vec::new()), Transport::new(), None));
        let way = Way { address: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7))), path: "/secret".to_owned(), provider };
        let judge = |method: Method, uri: &str, headers: &[(&'static str, &'static str)]| {
            let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)));
            way.judge(&method, &uri.parse().unwrap(), &headers.collect()).err().map_or(200, |status| status.as_u16())
        };
        let host = ("host", "127.0.0.1:7");
        assert_eq!(judge(Method::GET, "/secret", &[host]), 200);
        // The vendor's Python library leaves the port out.
        assert_eq!(judge(Method::GET, "/secret", &[("host", "127.0.0.1")]), 200);
        for (headers, what) in [
            (&[][..], "no host"),
            (&[("host", "localhost:7")], "a name"),
            (&[("host", "evil.example:7")], "a name that leads here"),
            (&[("host", "127.0.0.1:8")], "another port"),
            (&[host, ("origin", "http://127.0.0.1:7")], "a page"),
            (&[host, ("origin", "null")], "a page without origin"),
            (&[host, ("sec-fetch-site", "none")], "a browser"),
            (&[host, ("sec-fetch-mode", "navigate")], "a browser"),
        ] {
            assert_eq!(judge(Method::GET, "/secret", headers), 403, "{what}");
        }
        assert_eq!(judge(Method::GET, "http://127.0.0.1:7/secret", &[host]), 403);
        for path in ["/", "/secre", "/secret/", "/secret?x", "/Secret", "/secretx", "/%73ecret"] {
            assert_eq!(judge(Method::GET, path, &[host]), 404, "{path}");
        }
        assert_eq!(judge(Method::POST, "/secret", &[host]), 405);
        assert_eq!(judge(Method::POST, "/other", &[host]), 404);
    }

    #[test]
    fn a_socket_is_for_one_user() {
        assert!(may_come_in(1000, 1000) && may_come_in(0, 1000));
        assert!(!may_come_in(1001, 1000) && !may_come_in(1000, 0));
    }
}
