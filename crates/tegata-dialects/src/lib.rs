//! The wire dialects: HTTP in, an operation of the core, HTTP out. A dialect decides how a thing is said, never what is done.
//!
//! | module | dialect |
//! |---|---|
//! | [`acs`] | RPC-style cloud API (STS), signed by RPC V1 or ACS3 |
//! | [`csp`] | server-to-server apps of organizations: tokens, keys, and the API over them |
//! | [`oauth`] | the authorization server: tokens, and what is done with them |
//! | [`oss`] | object storage, signed by OSS V1 or V4 |
//! | `pages` | what people see: sign-in, consent, refusals |
//! | [`edge`] | what every dialect does before and after its own work |
//!
//! A handler reads its input, asks [`tegata_core`], and words the answer. No handler sees a row, a policy or a key.

pub mod acs;
pub mod csp;
pub mod edge;
pub mod oauth;
pub mod oss;
mod pages;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{Router, extract::Request};
pub use edge::{Network, NetworkError, Outcome, Peer};
use tegata_core::{Addressing, Core};

/// The names of all dialects, as they stand in [`Outcome::dialect`].
pub const DIALECTS: &[&str] = &[acs::NAME, csp::NAME, oauth::NAME, oss::NAME];

/// What the issuer's listener needs to know.
#[derive(Debug, Clone)]
pub struct IssuerSettings {
    /// How this server is reached, without a slash at the end: `https://id.example.com`.
    pub public_url: String,
    /// Further URLs of the same server, written likewise: those of its other listeners.
    pub other_urls: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Host names, besides that of the URL, under which pages are shown.
    pub page_hosts: Vec<String>,
}

impl IssuerSettings {
    /// True if pages are shown under this name. A server whose own name is one of this computer is known by all of those.
    pub(crate) fn is_page_host(&self, host: &str) -> bool {
        let own = self.public_url.split_once("://").map_or("", |(_, rest)| rest);
        let (own, host) = (bare(own), bare(host));
        let local = |name: &str| matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        !host.is_empty()
            && (host.eq_ignore_ascii_case(own)
                || (local(own) && local(host))
                || self.page_hosts.iter().any(|known| known.eq_ignore_ascii_case(host)))
    }
}

/// A host without its port.
fn bare(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if host.get(at..).is_some_and(|port| !port.contains(']')) => host.get(..at).unwrap_or(host),
        _ => host,
    }
}

impl IssuerSettings {
    /// All URLs of this server, the public one first.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.public_url).chain(&self.other_urls).map(String::as_str)
    }
}

/// What the object gateway's listener needs to know.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// Host names, names of single buckets, and the region.
    pub addressing: Addressing,
    /// The endpoint's name as replies give it, and the `HostId` of requests without a `Host`.
    pub public_host: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

/// The issuer: the [`acs`] dialect on `/`, the [`oauth`] and [`csp`] dialects on their paths.
pub fn issuer(core: Arc<Core>, settings: IssuerSettings) -> Router {
    let stray = {
        let (core, settings) = (Arc::clone(&core), settings.clone());
        move |request: Request| async move {
            if csp::is_ours(request.uri().path()) { csp::stray(core, settings, request).await } else { acs::not_found().await }
        }
    };
    acs::router(Arc::clone(&core), settings.clone())
        .merge(oauth::router(Arc::clone(&core), settings.clone()))
        .merge(csp::router(core, settings))
        .fallback(stray)
}

/// The object gateway: the [`oss`] dialect on every path, which no router splits or normalises.
pub fn gateway(core: Arc<Core>, settings: GatewaySettings) -> Router {
    oss::router(core, settings)
}
