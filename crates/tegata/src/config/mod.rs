//! Configuration: a file, the environment and flags become one typed [`Config`], or a list of every problem.
//!
//! Order, strongest first: flags, environment, file, default. Secrets come from files or the environment, never from
//! flags. Nothing else in this program reads the environment.

mod address;
mod database;
mod environment;
mod mail;
mod problem;
mod raw;
mod resolve;
mod show;

#[cfg(test)]
mod tests;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use tegata_core::{
    Addressing,
    limits::Limits,
    org::{RolePolicies, Services},
};
use tegata_dialects::Network;
use zeroize::Zeroizing;

pub(crate) use self::{
    address::host_name,
    environment::{Environment, VENDOR_PREFIXES},
    mail::{Mail, MailTls, language_word},
    problem::{Problem, Problems},
    resolve::{Flags, resolve},
    show::show,
};
use crate::logging::{Format, Level};

/// Everything a server needs to know before it starts; valid by construction.
#[derive(Debug)]
pub(crate) struct Config {
    /// The folder of this server.
    pub(crate) data: PathBuf,
    /// Where the bytes of objects live.
    pub(crate) blobs: PathBuf,
    /// Where rows live.
    pub(crate) database: Database,
    /// Where the master key comes from.
    pub(crate) master_key: MasterKeySource,
    /// The issuer's listener.
    pub(crate) http: Http,
    /// The object gateway's listener.
    pub(crate) oss: Oss,
    /// Certificate and key for both listeners; plain HTTP without.
    pub(crate) tls: Option<TlsFiles>,
    /// Where metrics are served; always loopback.
    pub(crate) metrics: Option<SocketAddr>,
    /// Proxies whose word on the caller's address counts.
    pub(crate) trusted_proxies: Vec<Network>,
    /// The way out to other servers.
    pub(crate) outbound: Outbound,
    /// The server that letters are given to; without one none are written.
    pub(crate) mail: Option<Mail>,
    /// The log.
    pub(crate) log: Log,
    /// The services whose roles organisations offer.
    pub(crate) services: Services,
    /// Which policies stand for which roles of organisations.
    pub(crate) role_policies: RolePolicies,
    /// Limits of the core.
    pub(crate) limits: Limits,
    /// Limits of the listeners.
    pub(crate) connections: Connections,
    /// What is allowed but unwise, in sentences.
    pub(crate) warnings: Vec<String>,
    /// Where each value came from, for `config show`.
    origins: resolve::Origins,
}

/// Where rows live.
#[derive(Debug)]
pub(crate) enum Database {
    /// A file in the data folder.
    Sqlite,
    /// A PostgreSQL server. The URL may hold the password.
    Postgres {
        /// `postgres://user:password@host/name`
        url: SecretText,
        /// Certificates that the server's own must lead to.
        ca_file: Option<PathBuf>,
    },
}

/// Where the master key comes from.
#[derive(Debug)]
pub(crate) enum MasterKeySource {
    /// A file; made on the first start.
    File(PathBuf),
    /// The environment.
    Environment(SecretText),
}

/// The issuer's listener.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// How the world names it; `None` until a free port has been picked (loopback only).
    pub(crate) public_url: Option<String>,
}

/// The object gateway's listener.
#[derive(Debug, Clone)]
pub(crate) struct Oss {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// How the world names it, `host` or `host:port`; `None` until a free port has been picked (loopback only).
    pub(crate) public_host: Option<String>,
    /// How buckets are addressed.
    pub(crate) addressing: Addressing,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    /// The chain, PEM, leaf first.
    pub(crate) certificate: PathBuf,
    /// The private key, PEM.
    pub(crate) key: PathBuf,
}

/// The way out to other servers. Whether issuers may be named by `http` URLs stands with the limits of the core.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbound {
    /// Addresses that are not public and may be asked all the same.
    pub(crate) private: Vec<Network>,
    /// Authorities (PEM) that are trusted besides the system's.
    pub(crate) ca_file: Option<PathBuf>,
}

/// The log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    /// How much.
    pub(crate) level: Level,
    /// In which form.
    pub(crate) format: Format,
}

/// Limits of the listeners.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connections {
    /// Most connections of one listener at a time; more wait in the system's queue.
    pub(crate) most: usize,
    /// How long a client may take to send the head of a request, or to stay silent between two.
    pub(crate) head: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self { most: 4096, head: Duration::from_secs(30) }
    }
}

/// A text that is not printed.
#[derive(Clone)]
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text.
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The one door out.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText(redacted)")
    }
}
