//! Where a request comes from. The caller's address is the peer's, unless the peer is a proxy that the operator trusts.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, request::Parts};
use tegata_core::{Core, RequestMeta};
pub use tegata_model::{Network, NetworkError};

/// Longest text of a client's own name that is kept, in bytes.
const USER_AGENT: usize = 256;

/// The other end of a connection. The listener puts it into the extensions of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// True when the connection is encrypted.
    pub tls: bool,
}

/// What the edge knows of a request besides its proof, under a fresh id.
pub(crate) fn read(core: &Core, parts: &Parts, trusted: &[Network]) -> RequestMeta {
    let peer = parts.extensions.get::<Peer>();
    let proxied = peer.is_some_and(|peer| trusts(trusted, peer.address.ip()));
    let agent = parts.headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    RequestMeta {
        id: core.new_request_id(),
        source: peer.and_then(|peer| source(peer.address.ip().to_canonical(), &parts.headers, trusted)),
        secure: peer.is_some_and(|peer| peer.tls) || (proxied && forwarded_over_tls(&parts.headers)),
        user_agent: agent.chars().take(USER_AGENT).collect(),
        call: None,
    }
}

fn trusts(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// The rightmost hop that is not a trusted proxy. An unreadable hop before it makes the address unknown.
fn source(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Option<IpAddr> {
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    let mut hop = peer;
    for line in lines.into_iter().rev() {
        for text in line.to_str().ok()?.rsplit(',') {
            if !trusts(trusted, hop) {
                return Some(hop);
            }
            hop = hop_address(text.trim())?;
        }
    }
    Some(hop)
}

/// An address with or without port.
fn hop_address(text: &str) -> Option<IpAddr> {
    let bare = || text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    bare().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip())).map(|address| address.to_canonical())
}

/// What the nearest proxy says about its own client.
fn forwarded_over_tls(headers: &HeaderMap) -> bool {
    let last = headers.get_all("x-forwarded-proto").iter().next_back().and_then(|value| value.to_str().ok());
    last.and_then(|value| value.rsplit(',').next()).is_some_and(|value| value.trim().eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn seen(peer: &str, lines: &[&str], trusted: &[&str]) -> Option<IpAddr> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        source(address(peer), &headers, &trusted)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(seen("9.9.9.9", &["1.1.1.1"], &[]), Some(address("9.9.9.9")));
        assert_eq!(seen("9.9.9.9", &["1.1.1.1"], &["10.0.0.0/8"]), Some(address("9.9.9.9")));
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 2.2.2.2"], &["10.0.0.0/8"]), Some(address("2.2.2.2")));
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "2.2.2.2, 10.3.0.1"], &["10.0.0.0/8"]), Some(address("2.2.2.2")));
        assert_eq!(seen("10.0.0.1", &["10.0.0.9"], &["10.0.0.0/8"]), Some(address("10.0.0.9")));
        assert_eq!(seen("10.0.0.1", &[], &["10.0.0.0/8"]), Some(address("10.0.0.1")));
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, unknown"], &["10.0.0.0/8"]), None);
        assert_eq!(seen("::1", &["[2001:db8::1]:443"], &["::1"]), Some(address("2001:db8::1")));
        assert_eq!(seen("::1", &["1.2.3.4:5"], &["::1"]), Some(address("1.2.3.4")));
    }
}
