//! Host names and public URLs as people write them.

use std::net::IpAddr;

/// A host name (or address) in lower case, if it is one.
pub(crate) fn host_name(text: &str) -> Option<String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return Some(bare.to_ascii_lowercase());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label of digits only would be read as an address by some.
    let last_is_number = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    (text.len() <= 253 && text.split('.').all(label) && !last_is_number).then(|| text.to_ascii_lowercase())
}

/// `host` or `host:port`.
pub(super) fn split_host(text: &str) -> Option<(String, Option<u16>)> {
    let authority: http::uri::Authority = text.parse().ok()?;
    if text.contains('@') || (text.ends_with(':')) {
        return None;
    }
    let port = match authority.port() {
        // A port that is no number counts as none there; here it makes the text no host.
        None => (authority.host() == text).then_some(None)?,
        Some(port) => Some(port.as_u16()).filter(|port| *port != 0).map(Some)?,
    };
    Some((host_name(authority.host())?, port))
}

/// A URL of scheme and host, without path: `https://id.example.com`.
pub(super) fn read_public_url(text: &str) -> Result<String, &'static str> {
    const RULE: &str = "expected `https://` (or `http://`), a host name and nothing after it but a port";
    let (scheme, rest) = text.split_once("://").ok_or(RULE)?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if !matches!(scheme, "http" | "https") || split_host(rest).is_none() {
        return Err(RULE);
    }
    Ok(format!("{scheme}://{}", rest.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for (text, name) in [("Example.COM", "example.com"), ("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("a-b.c1", "a-b.c1")] {
            assert_eq!(host_name(text).as_deref(), Some(name));
        }
        let long = "a".repeat(64);
        for wrong in ["", ".", "a.", "-a", "a-", "a_b", "1.2.3", "a b", "a/b", "*.a", "a:1", long.as_str(), "é.example"] {
            assert_eq!(host_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_public_url_is_scheme_and_host() {
        assert_eq!(read_public_url("https://ID.example.com/").as_deref(), Ok("https://id.example.com"));
        assert_eq!(read_public_url("http://[::1]:8420").as_deref(), Ok("http://[::1]:8420"));
        for wrong in [
            "id.example.com",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://a:",
            "https://a:0",
            "https://a:99999",
            "HTTPS://a",
        ] {
            assert!(read_public_url(wrong).is_err(), "{wrong}");
        }
    }
}
