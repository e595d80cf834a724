//! What an issuer says of itself (OpenID Connect Discovery 1.0 §3 and §4).

use crate::{
    JsonError,
    json::{self, text},
};

/// Largest document that is looked at, in bytes.
pub const MAX_DOCUMENT: usize = 256 * 1024;
/// Longest URL in it, in bytes.
const MAX_URL: usize = 2048;

/// A discovery document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Larger than any honest one.
    #[error("the document is larger than {MAX_DOCUMENT} bytes")]
    TooLarge,
    /// Not a JSON object.
    #[error("the document is {0}")]
    Json(JsonError),
    /// A member that must be there is absent or of the wrong kind.
    #[error("the document has no `{0}`")]
    Missing(&'static str),
    /// It speaks for somebody else.
    #[error("the document names the issuer `{0}`")]
    Issuer(String),
}

/// The members of a discovery document that a relying party needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// `issuer`: the very text of the `iss` of its tokens.
    pub issuer: String,
    /// `jwks_uri`: where its keys are.
    pub jwks_uri: String,
}

impl Discovery {
    /// Where an issuer's document is.
    pub fn url(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    /// Reads the document that was found for `issuer`. It must name that issuer, byte for byte (§4.3): otherwise one issuer could
    /// hand out the keys of another.
    pub fn parse(bytes: &[u8], issuer: &str) -> Result<Self, DiscoveryError> {
        if bytes.len() > MAX_DOCUMENT {
            return Err(DiscoveryError::TooLarge);
        }
        let members = json::object(bytes).map_err(DiscoveryError::Json)?;
        let member = |name| text(&members, name).filter(|text| text.len() <= MAX_URL).ok_or(DiscoveryError::Missing(name));
        let named = member("issuer")?;
        if named != issuer {
            return Err(DiscoveryError::Issuer(named.chars().take(128).flat_map(char::escape_debug).collect()));
        }
        Ok(Self { issuer: named.to_owned(), jwks_uri: member("jwks_uri")?.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_for_its_own_issuer_only() {
        assert_eq!(Discovery::url("https://a.test/"), "https://a.test/.well-known/openid-configuration");
        assert_eq!(Discovery::url("https://a.test/b"), "https://a.test/b/.well-known/openid-configuration");
        let document = br#"{"issuer":"https://a.test","jwks_uri":"https://a.test/keys","x":[1]}"#;
        assert_eq!(Discovery::parse(document, "https://a.test").unwrap().jwks_uri, "https://a.test/keys");
        for other in ["https://a.test/", "https://A.test", "http://a.test"] {
            assert!(matches!(Discovery::parse(document, other), Err(DiscoveryError::Issuer(_))), "{other}");
        }
        assert_eq!(Discovery::parse(br#"{"issuer":"https://a.test"}"#, "https://a.test"), Err(DiscoveryError::Missing("jwks_uri")));
        assert_eq!(Discovery::parse(br#"{"issuer":1}"#, "https://a.test"), Err(DiscoveryError::Missing("issuer")));
        let twice = br#"{"issuer":"https://b.test","issuer":"https://a.test","jwks_uri":"https://a.test/keys"}"#;
        assert!(matches!(Discovery::parse(twice, "https://a.test"), Err(DiscoveryError::Json(_))));
    }
}
