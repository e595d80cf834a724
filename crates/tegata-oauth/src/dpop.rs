//! Proofs of possession (RFC 9449): a small message, signed by the client's own key, for one request.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tegata_model::Timestamp;

use crate::{JwkSet, jws::Jws};

/// Longest proof that is looked at, in bytes.
pub const MAX_PROOF: usize = 8 * 1024;
/// How old a proof may be, and how far ahead its clock.
pub const WINDOW: Duration = Duration::from_mins(5);

/// Why a proof was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Not a proof at all.
    #[error("the proof is not a message of type `dpop+jwt` with the public key that signed it")]
    Form,
    /// The key is not one for signatures, or brings its private half.
    #[error("the key of the proof is not a public RSA, P-256 or P-384 key")]
    Key,
    /// The signature does not hold.
    #[error("the signature of the proof does not hold")]
    Signature,
    /// A claim is missing or wrong.
    #[error("`{0}` of the proof is missing or wrong")]
    Claim(&'static str),
    /// Made too long ago, or not yet.
    #[error("the proof is not from now")]
    Time,
}

/// A proof whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpopProof {
    thumbprint: String,
    htm: String,
    htu: String,
    iat: i64,
    jti: String,
    ath: Option<String>,
    nonce: Option<String>,
}

impl DpopProof {
    /// Reads a proof and verifies it with the key that it carries.
    pub fn verify(text: &str) -> Result<Self, DpopError> {
        if text.len() > MAX_PROOF {
            return Err(DpopError::Form);
        }
        let (message, jwk) = Jws::parse_with_key(text, "dpop+jwt").map_err(|_| DpopError::Form)?;
        if ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|private| jwk.contains_key(*private)) {
            return Err(DpopError::Key);
        }
        let thumbprint = thumbprint(&jwk).ok_or(DpopError::Key)?;
        let set = JwkSet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).map_err(|_| DpopError::Key)?;
        let payload = message.verify(&set).map_err(|_| DpopError::Signature)?;
        let claims = crate::json::object(payload).map_err(|_| DpopError::Form)?;
        let text = |name: &'static str| match claims.get(name) {
            Some(Value::String(text)) if !text.is_empty() && text.len() <= 2048 => Ok(text.clone()),
            _ => Err(DpopError::Claim(name)),
        };
        let optional = |name: &'static str| if claims.contains_key(name) { text(name).map(Some) } else { Ok(None) };
        let jti = text("jti")?;
        if jti.len() > 256 {
            return Err(DpopError::Claim("jti"));
        }
        Ok(Self {
            thumbprint,
            htm: text("htm")?,
            htu: text("htu")?,
            iat: claims.get("iat").and_then(Value::as_i64).ok_or(DpopError::Claim("iat"))?,
            jti,
            ath: optional("ath")?,
            nonce: optional("nonce")?,
        })
    }

    /// Checks that the proof is for this request: method, one of the URLs under which this endpoint is known, time, and the access
    /// token that comes with it, if any.
    pub fn check(&self, method: &str, urls: &[String], now: Timestamp, token: Option<&str>) -> Result<(), DpopError> {
        if self.htm != method {
            return Err(DpopError::Claim("htm"));
        }
        // RFC 9449 §4.3: query and fragment do not count.
        let bare = self.htu.split(['?', '#']).next().unwrap_or_default();
        if !urls.iter().any(|url| url == bare) {
            return Err(DpopError::Claim("htu"));
        }
        let age = now.unix().saturating_sub(self.iat).unsigned_abs();
        if age > WINDOW.as_secs() {
            return Err(DpopError::Time);
        }
        match (token, &self.ath) {
            (None, _) => Ok(()),
            (Some(token), Some(ath)) if *ath == URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())) => Ok(()),
            (Some(_), _) => Err(DpopError::Claim("ath")),
        }
    }

    /// Thumbprint of its key (RFC 7638).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// What makes it unique; used once per key.
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The nonce that the server gave, if it carries one.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }
}

/// The thumbprint of a public key (RFC 7638 §3): its needed members, in order of their names.
pub fn thumbprint(jwk: &Map<String, Value>) -> Option<String> {
    let member = |name: &str| jwk.get(name).and_then(Value::as_str);
    let canonical = match member("kty")? {
        "EC" => json!({ "crv": member("crv")?, "kty": "EC", "x": member("x")?, "y": member("y")? }),
        "RSA" => json!({ "e": member("e")?, "kty": "RSA", "n": member("n")? }),
        _ => return None,
    };
    // `serde_json` keeps members sorted by name, which is the order that the standard wants.
    Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.to_string().as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 §3.1.
    #[test]
    fn the_thumbprint_of_the_standard() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
                 tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n9\
                 1CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let jwk = json!({ "kty": "RSA", "n": n.replace(' ', ""), "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" });
        assert_eq!(thumbprint(jwk.as_object().unwrap()).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
