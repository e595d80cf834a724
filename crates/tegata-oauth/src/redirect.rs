//! Redirect URIs: what may be registered, and when one that arrives is the one that was registered (RFC 6749 §3.1.2, RFC 8252 §7).

use std::fmt;

/// Longest URI, in bytes.
pub const MAX_URI: usize = 2048;

/// Why a redirect URI cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// Too long, or characters that no URI has.
    #[error("a redirect URI has at most {MAX_URI} characters of those that URIs are made of")]
    Characters,
    /// No scheme, or nothing after it.
    #[error("a redirect URI is absolute: a scheme, and where it leads")]
    Absolute,
    /// It has a fragment.
    #[error("a redirect URI has no fragment")]
    Fragment,
    /// It names a user.
    #[error("a redirect URI names no user or password")]
    UserInfo,
    /// A host that is encoded or otherwise not what it seems.
    #[error("the host of a redirect URI is a plain name or address with an optional port")]
    Host,
    /// Plain HTTP to somewhere else than this computer.
    #[error("`http` is for `127.0.0.1` and `[::1]` only; `localhost` may be anybody's")]
    Http,
    /// A scheme of its own without a dot, or one that browsers run.
    #[error("a scheme of one's own is a domain name in reverse, such as `com.example.app`")]
    Scheme,
}

/// A redirect URI that was registered, or could be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RedirectUri {
    text: String,
    /// For an `http` URI of this computer: the host, and what follows the port.
    loopback: Option<(String, String)>,
}

impl RedirectUri {
    /// Checks the rules for registering.
    pub fn parse(text: &str) -> Result<Self, RedirectError> {
        if text.is_empty() || text.len() > MAX_URI || !text.bytes().all(allowed) {
            return Err(RedirectError::Characters);
        }
        if text.contains('#') {
            return Err(RedirectError::Fragment);
        }
        let (scheme, rest) = text.split_once(':').ok_or(RedirectError::Absolute)?;
        let good_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
        if !good_scheme || rest.is_empty() {
            return Err(RedirectError::Absolute);
        }
        if scheme != "http" && scheme != "https" {
            // RFC 8252 §7.1
            return if scheme.contains('.') { Ok(Self { text: text.to_owned(), loopback: None }) } else { Err(RedirectError::Scheme) };
        }
        let rest = rest.strip_prefix("//").ok_or(RedirectError::Absolute)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, after) = rest.split_at_checked(end).ok_or(RedirectError::Absolute)?;
        if authority.contains('@') {
            return Err(RedirectError::UserInfo);
        }
        let host = host_of(authority).ok_or(RedirectError::Host)?;
        if scheme == "https" {
            return Ok(Self { text: text.to_owned(), loopback: None });
        }
        if host != "127.0.0.1" && host != "[::1]" {
            return Err(RedirectError::Http);
        }
        Ok(Self { text: text.to_owned(), loopback: Some((host.to_owned(), after.to_owned())) })
    }

    /// As it was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True if `presented` is this URI: to the letter, but for the port where it leads to a native client on the same computer.
    pub fn matches(&self, presented: &str, native: bool) -> bool {
        if self.text == presented {
            return true;
        }
        let Some(mine) = self.loopback.as_ref().filter(|_| native) else { return false };
        Self::parse(presented).is_ok_and(|other| other.loopback.as_ref() == Some(mine))
    }

    /// Where browsers are sent, as `form-action` of a content security policy names it: scheme, host and port, or scheme alone.
    pub fn origin(&self) -> String {
        let (scheme, rest) = self.text.split_once(':').unwrap_or((&self.text, ""));
        match rest.strip_prefix("//") {
            Some(rest) if scheme == "http" || scheme == "https" => {
                let authority = rest.split(['/', '?']).next().unwrap_or_default();
                format!("{scheme}://{authority}")
            }
            _ => format!("{scheme}:"),
        }
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// The host of an authority without user: a name, an IPv4 address or an IPv6 address in brackets; the port, if any, is a port.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        (authority.get(..address.len() + 2)?, port)
    } else {
        let (host, port) = authority.find(':').map_or((authority, ""), |at| authority.split_at(at));
        let plain = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if !plain {
            return None;
        }
        (host, port)
    };
    match port.strip_prefix(':') {
        None => port.is_empty().then_some(host),
        Some(digits) => {
            let good = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|n| n > 0);
            good.then_some(host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://app.example.com/cb",
            "https://app.example.com:8443/cb?x=1",
            "http://127.0.0.1/cli/callback",
            "http://[::1]:1/cb",
            "com.example.app:/oauth",
        ] {
            assert!(RedirectUri::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/cb",
            "https:",
            "https://",
            "https://app.example.com/cb#f",
            "https://me@app.example.com/",
            "https://me:pw@app.example.com/",
            "https://app.example.com:99999/",
            "https://app.example.com:/",
            "https://app%2eexample.com/",
            "https://[::1/",
            "http://localhost/cb",
            "http://127.0.0.1:12345@evil.example/cb",
            "http://127.0.0.1.evil.example/",
            "http://0x7f000001/",
            "http://2130706433/",
            "javascript:alert(1)",
            "data:text/html,x",
            "HTTPS://app.example.com/",
            "https://app.example.com/ x",
            "https://app.example.com\\@evil/",
            "https://é.example/",
            "myapp:/cb",
        ] {
            assert!(RedirectUri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_port_of_a_native_client_is_free() {
        let native = RedirectUri::parse("http://127.0.0.1/cli/callback").unwrap();
        assert!(native.matches("http://127.0.0.1:12345/cli/callback", true));
        assert!(native.matches("http://127.0.0.1/cli/callback", false));
        for other in [
            "http://127.0.0.1:12345/cli/callback/",
            "http://127.0.0.1:12345/cli/callback?x",
            "http://127.0.0.1:12345/cli%2Fcallback",
            "http://localhost:12345/cli/callback",
            "http://[::1]:12345/cli/callback",
            "http://127.0.0.1:12345@evil.example/cli/callback",
            "http://127.0.0.2:12345/cli/callback",
            "https://127.0.0.1:12345/cli/callback",
            "http://127.0.0.1:0/cli/callback",
            "http://127.0.0.1:12345/cli/callback#f",
            "http://127.0.0.1:12345/CLI/callback",
            "http://127.0.0.1:12345/cli/../cli/callback",
        ] {
            assert!(!native.matches(other, true), "{other}");
        }
        assert!(!native.matches("http://127.0.0.1:12345/cli/callback", false));
        let web = RedirectUri::parse("https://app.example.com/cb").unwrap();
        assert!(!web.matches("https://app.example.com:443/cb", true));
        assert_eq!(web.origin(), "https://app.example.com");
        assert_eq!(RedirectUri::parse("com.example.app:/x").unwrap().origin(), "com.example.app:");
    }
}
