//! A running server, shared by `serve` and `dev`: listeners, background work, and an orderly end.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::State, routing::get};
use http::StatusCode;
use tegata_core::Core;
use tegata_dialects::{GatewaySettings, IssuerSettings};
use tegata_model::AccountAlias;
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    cli::ServeFlags,
    commands::account,
    config::{self, Config, Environment, Flags},
    failure::Failure,
    listen::{self, Endpoint, Signals, Stop, bind, stop_channel},
    logging, mail,
    metrics::{self, Metrics},
    node::{self, Kind},
    terminal,
};

/// How often counted refusals are written and old nonces forgotten.
const TIDY_UP: Duration = Duration::from_secs(10);
/// How often blobs that no object names are looked for.
const SWEEP_BLOBS: Duration = Duration::from_hours(1);
/// How long the store may take to answer a readiness check.
const READY: Duration = Duration::from_secs(2);

/// `tegata serve`
pub(crate) fn run(flags: ServeFlags, environment: &Environment) -> Result<(), Failure> {
    let alias = account::read_alias("--account", &flags.account)?;
    let owner = flags.owner.clone();
    account::check_owner(owner.as_deref())?;
    let config = config::resolve(&flags.into(), environment)?;
    logging::start(config.log.level, config.log.format, !environment.no_colour && io::IsTerminal::is_terminal(&io::stderr()));
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    runtime()?.block_on(serve(config, &alias, owner.as_deref()))
}

impl From<ServeFlags> for Flags {
    fn from(flags: ServeFlags) -> Self {
        let ServeFlags { place, http, oss, metrics, log, account: _, owner: _ } = flags;
        Self { config: place.config, data: place.data, http, oss, metrics, log }
    }
}

/// The runtime of a server. Connections are cheap tasks; threads beyond the cores would only cost memory.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.clamp(2, 16))
        .max_blocking_threads(32)
        .thread_name("tegata")
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the threads of the server could not be started: {error}")))
}

async fn serve(config: Config, alias: &AccountAlias, owner: Option<&str>) -> Result<(), Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::new(format!("signals cannot be received: {error}")))?;
    let tls = config.tls.as_ref().map(listen::tls::from_files).transpose()?;
    let data = node::hold(&config)?;
    let sockets = Sockets::bind(&config).await?;
    let names = Names::of(&config, &sockets);
    let core = Arc::new(node::open(&config, &data, Kind::Serve, &names.issuer).await?);
    if core.is_empty().await? {
        match account::make(&core, alias, owner, &names).await {
            Ok(page) => {
                if !terminal::say(&page) {
                    return Err(Failure::new(
                        "the first account was made, but its key could not be shown; remove the data folder and start again",
                    ));
                }
                welcome(&core, alias, &names).await?;
            }
            // Another process on the same database was first.
            Err(error) if core.is_empty().await? => return Err(error),
            Err(_) => {}
        }
    }
    let server = Server::start(&config, core, sockets, &names, Secure { both: tls, issuer: None });
    tracing::info!(issuer = %names.issuer, oss = %names.oss, data = %data.path().display(), "ready");
    signals.next().await;
    server.stop(&mut signals).await
}

/// Shows, once and only to a person, the link by which the root of the first account gets a password.
async fn welcome(core: &Core, alias: &AccountAlias, names: &Names) -> Result<(), Failure> {
    if !terminal::is_person() {
        return Ok(());
    }
    let failed = |error: tegata_core::OpError| Failure::new(format!("no link to sign in could be made: {error}"));
    if let Some(link) = core.root_sign_in_link(alias).await.map_err(failed)? {
        let address = format!("{}/welcome/{}", names.issuer, link.expose());
        terminal::say(&format!("Set the password of the root user in a browser, within 30 minutes and once:\n  {address}\n"));
    }
    Ok(())
}

/// The sockets of a server, bound before anything is opened, so that an address in use costs nothing.
pub(crate) struct Sockets {
    http: (TcpListener, SocketAddr),
    oss: (TcpListener, SocketAddr),
    metrics: Option<(TcpListener, SocketAddr)>,
}

impl Sockets {
    /// Binds the addresses of a configuration.
    pub(crate) async fn bind(config: &Config) -> Result<Self, Failure> {
        let metrics = match config.metrics {
            Some(address) => Some(bind(address, "--metrics").await?),
            None => None,
        };
        Ok(Self { http: bind(config.http.listen, "--http").await?, oss: bind(config.oss.listen, "--oss").await?, metrics })
    }
}

impl Sockets {
    /// The port of the object gateway.
    pub(crate) fn oss_port(&self) -> u16 {
        self.oss.1.port()
    }
}

/// How the world names this server.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// The issuer's URL.
    pub(crate) issuer: String,
    /// The object gateway's URL.
    pub(crate) oss: String,
    /// Its host, with its port unless that is the usual one.
    pub(crate) oss_host: String,
    /// Host names, besides that of the issuer, under which pages are shown.
    pub(crate) page_hosts: Vec<String>,
    /// The metrics' URL.
    pub(crate) metrics: Option<String>,
}

impl Names {
    /// The configured names; a listener that has none is on loopback and is named by the address it got.
    pub(crate) fn of(config: &Config, sockets: &Sockets) -> Self {
        let metrics = sockets.metrics.as_ref().map(|(_, address)| *address);
        Self::at(config, sockets.http.1, sockets.oss.1, metrics)
    }

    /// The names that a server with this configuration will have.
    pub(crate) fn configured(config: &Config) -> Self {
        Self::at(config, config.http.listen, config.oss.listen, config.metrics)
    }

    fn at(config: &Config, http: SocketAddr, oss: SocketAddr, metrics: Option<SocketAddr>) -> Self {
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let oss_host = config.oss.public_host.clone().unwrap_or_else(|| oss.to_string());
        Self {
            issuer: config.http.public_url.clone().unwrap_or_else(|| format!("{scheme}://{http}")),
            oss: format!("{scheme}://{oss_host}"),
            oss_host,
            page_hosts: Vec::new(),
            metrics: metrics.map(|address| format!("http://{address}/metrics")),
        }
    }
}

/// What speaks TLS.
#[derive(Default)]
pub(crate) struct Secure {
    /// On both listeners.
    pub(crate) both: Option<TlsAcceptor>,
    /// On a further listener for the issuer.
    pub(crate) issuer: Option<(TcpListener, TlsAcceptor)>,
}

/// A server that answers.
pub(crate) struct Server {
    core: Arc<Core>,
    tasks: JoinSet<()>,
    ask: tokio::sync::watch::Sender<bool>,
}

impl Server {
    /// From here on all listeners accept.
    pub(crate) fn start(config: &Config, core: Arc<Core>, sockets: Sockets, names: &Names, secure: Secure) -> Self {
        let further = secure.issuer.iter().filter_map(|(socket, _)| socket.local_addr().ok());
        let further = further.flat_map(|bound| {
            let hosts = std::iter::once(bound.ip().to_string()).chain(names.page_hosts.iter().cloned());
            // Clients leave out the port that https has anyway, and so do their proofs.
            let port = if bound.port() == 443 { String::new() } else { format!(":{}", bound.port()) };
            hosts.map(move |name| format!("https://{name}{port}"))
        });
        let issuer = IssuerSettings {
            public_url: names.issuer.clone(),
            other_urls: further.collect(),
            trusted_proxies: config.trusted_proxies.clone(),
            page_hosts: names.page_hosts.clone(),
        };
        let gateway = GatewaySettings {
            addressing: config.oss.addressing.clone(),
            public_host: names.oss_host.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
        };
        let issuer = health(Arc::clone(&core)).fallback_service(tegata_dialects::issuer(Arc::clone(&core), issuer));
        let gateway = tegata_dialects::gateway(Arc::clone(&core), gateway);
        let counted = Arc::new(Metrics::new());
        let mut endpoints = vec![
            Endpoint { name: "http", socket: sockets.http.0, tls: secure.both.clone(), router: issuer.clone() },
            Endpoint { name: "oss", socket: sockets.oss.0, tls: secure.both, router: gateway },
        ];
        if let Some((socket, acceptor)) = secure.issuer {
            endpoints.push(Endpoint { name: "https", socket, tls: Some(acceptor), router: issuer });
        }
        if let Some((socket, _)) = sockets.metrics {
            let router = metrics::router(Arc::clone(&counted), Arc::clone(&core));
            endpoints.push(Endpoint { name: "metrics", socket, tls: None, router });
        }
        let (ask, stop) = stop_channel();
        let mut tasks = JoinSet::new();
        for endpoint in endpoints {
            tasks.spawn(listen::serve(endpoint, config.connections, Arc::clone(&counted), stop.clone()));
        }
        tasks.spawn(mail::post(Arc::clone(&core), stop.clone()));
        tasks.spawn(background(Arc::clone(&core), config.data.clone(), stop));
        Self { core, tasks, ask }
    }

    /// Stops accepting, lets requests end, writes what is only counted so far and closes the store. A further signal ends at once.
    pub(crate) async fn stop(self, signals: &mut Signals) -> Result<(), Failure> {
        let Self { core, mut tasks, ask } = self;
        tracing::info!("stopping");
        let _ = ask.send(true);
        let ended = async {
            while let Some(task) = tasks.join_next().await {
                if let Err(error) = task {
                    tracing::error!(%error, "a part of the server failed");
                }
            }
        };
        tokio::select! {
            () = ended => {}
            () = signals.next() => return Err(Failure::new("stopped at once; requests in progress were cut off")),
        }
        let Some(core) = Arc::into_inner(core) else {
            return Err(Failure::new("the store was still in use and could not be closed in order; what was acknowledged is on disk"));
        };
        core.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// `/healthz` (the process lives) and `/readyz` (the store answers).
fn health(core: Arc<Core>) -> Router {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready)).with_state(core)
}

async fn ready(State(core): State<Arc<Core>>) -> (StatusCode, &'static str) {
    match timeout(READY, core.ready()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer in time\n"),
    }
}

async fn background(core: Arc<Core>, data: PathBuf, mut stop: Stop) {
    let mut tidy_up = interval(TIDY_UP);
    let mut sweep = interval(SWEEP_BLOBS);
    for timer in [&mut tidy_up, &mut sweep] {
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is now; nothing needs tidying yet.
        timer.tick().await;
    }
    loop {
        tokio::select! {
            biased;
            () = stop.asked() => return,
            _ = tidy_up.tick() => {
                look_at_space(&core, &data);
                if let Err(error) = core.tidy_up().await {
                    tracing::warn!(%error, "tidying up failed; it is tried again");
                }
            }
            _ = sweep.tick() => match core.sweep_blobs().await {
                Ok(swept) => tracing::debug!(?swept, "looked for orphaned blobs"),
                Err(error) => tracing::warn!(%error, "looking for orphaned blobs failed; it is tried again"),
            },
        }
    }
}

/// The share of the disk, in hundredths, below which refusals are no longer recorded.
const SHORT_OF_SPACE: u64 = 10;

/// Strangers' refusals must not take the space that effects need.
fn look_at_space(core: &Core, data: &Path) {
    let Ok(disk) = rustix::fs::statvfs(data) else { return };
    let short = disk.f_bavail.saturating_mul(100) < disk.f_blocks.saturating_mul(SHORT_OF_SPACE);
    if core.space_is_short(short) {
        if short {
            tracing::warn!("less than {SHORT_OF_SPACE} % of the disk is free: refusals are counted, and no longer recorded one by one");
        } else {
            tracing::info!("there is space again: refusals are recorded");
        }
    }
}
