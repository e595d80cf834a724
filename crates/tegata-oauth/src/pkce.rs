//! Proof key for code exchange (RFC 7636), by S256 only.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A text was not a challenge or a verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// RFC 7636 §4.2 with S256: 43 characters.
    #[error("a code challenge is 43 characters of base64url")]
    Challenge,
    /// RFC 7636 §4.1.
    #[error("a code verifier is 43 to 128 letters, digits and `-`, `.`, `_`, `~`")]
    Verifier,
}

/// A challenge: what a code will answer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// Checks the form.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let good = text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32);
        if good { Ok(Self(text.to_owned())) } else { Err(PkceError::Challenge) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if the verifier is the one that this was made of.
    pub fn answers(&self, verifier: &Verifier) -> bool {
        let made = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.0.as_bytes()));
        tegata_model::secret::constant_time_eq(made.as_bytes(), self.0.as_bytes())
    }
}

/// A verifier: what proves that whoever redeems a code is who asked for it.
pub struct Verifier(String);

impl Verifier {
    /// Checks the form.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let good = (43..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
        if good { Ok(Self(text.to_owned())) } else { Err(PkceError::Verifier) }
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_example_of_the_standard() {
        let challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert!(challenge.answers(&Verifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap()));
        assert!(!challenge.answers(&Verifier::parse(&"a".repeat(128)).unwrap()));
        for bad in [&"a".repeat(42), &"a".repeat(129), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX="] {
            assert!(Verifier::parse(bad).is_err(), "{bad}");
        }
        for bad in ["", &"a".repeat(44), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"] {
            assert!(Challenge::parse(bad).is_err(), "{bad}");
        }
    }
}
