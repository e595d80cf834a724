//! Where a request comes from. The caller's address is the peer's, unless the peer is a proxy that the operator trusts.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, request::Parts};
use tegata_core::{Core, RequestMeta};

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

/// A block of addresses, such as `10.0.0.0/8` or `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text was not a block of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkError(String);

impl std::fmt::Display for NetworkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is not an address or a block of addresses such as `10.0.0.0/8`", self.0)
    }
}

impl std::error::Error for NetworkError {}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let refused = || NetworkError(text.chars().take(64).collect());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |digits| digits.parse::<u8>().map_err(|_| refused()))?;
        if prefix > longest { Err(refused()) } else { Ok(Self { address, prefix }) }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Network {
    /// True if the address lies inside; an IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(block), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
                block.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(block), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix.min(128))).unwrap_or(0);
                block.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
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

    #[test]
    fn networks() {
        let holds = |network: &str, text: &str| network.parse::<Network>().unwrap().contains(address(text));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && holds("::/0", "2001::1") && holds("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(!holds("127.0.0.1", "127.0.0.2") && !holds("0.0.0.0/0", "::1") && !holds("10.0.0.0/9", "10.128.0.1"));
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0.0/x", "example.com"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
