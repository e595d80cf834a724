//! The way out: the one trait through which anything here asks another server for something.
//!
//! Whoever registers an identity provider makes this server fetch a URL of their choosing. So an implementation must hold these rules:
//! `https` only, unless the operator allows otherwise; the host is resolved once, every address found is checked, and the connection goes to
//! one of those very addresses; no redirect is followed; and time and size are limited.

use std::{fmt, future::Future, pin::Pin};

/// Longest answer, in bytes.
pub const MAX_ANSWER: usize = 256 * 1024;

/// What another server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The body of a 200.
    pub body: Vec<u8>,
    /// SHA-1 and SHA-256 digests of the certificates the server proved itself by, the authority at the end among them, in lower-case
    /// hex. Empty without TLS.
    pub certificates: Vec<String>,
}

/// Why nothing was fetched. `Display` is for our log: it may name addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// Not a URL that is ever asked.
    #[error("`{0}` is not a URL that is asked: {1}")]
    Url(String, &'static str),
    /// An address that strangers must not make us ask.
    #[error("`{host}` has the address {address}, which is not asked; `outbound.private` of the configuration may allow it")]
    Address {
        /// The host.
        host: String,
        /// Its address.
        address: std::net::IpAddr,
    },
    /// Nobody there, or not in time.
    #[error("`{host}` cannot be reached: {cause}")]
    Unreachable {
        /// The host.
        host: String,
        /// Why.
        cause: String,
    },
    /// The server did not prove who it is.
    #[error("`{host}` did not prove who it is: {cause}")]
    Certificate {
        /// The host.
        host: String,
        /// Why.
        cause: String,
    },
    /// Another answer than 200.
    #[error("`{host}` answered with status {status}")]
    Status {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// Longer than [`MAX_ANSWER`].
    #[error("the answer of `{0}` is longer than 256 KiB")]
    TooLong(String),
}

/// An answer that is still to come.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Fetched, OutboundError>> + Send + 'a>>;

/// Asks other servers. See the rules of this module.
pub trait Outbound: Send + Sync + 'static {
    /// Gets a URL, by `GET` and without any credential.
    fn get<'a>(&'a self, url: &'a str) -> Answer<'a>;
}

impl fmt::Debug for dyn Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbound")
    }
}
