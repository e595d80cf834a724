//! ID tokens (OpenID Connect Core 1.0 §2 and §3.1.3.7): the claims that say who somebody is, for whom, and until when.

use std::time::Duration;

use serde_json::{Map, Value};
use tegata_model::Timestamp;

use crate::{
    JsonError,
    json::{self, text},
    jwk::JwkSet,
    jws::{Header, Jws, JwsError},
};

/// Longest `iss`, in bytes.
const MAX_ISSUER: usize = 255;
/// Longest `sub` and longest audience, in bytes. The standard says 255 for `sub`; CI systems are longer in their ways.
const MAX_NAME: usize = 1024;
/// Most audiences of a token.
const MAX_AUDIENCES: usize = 32;
/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;

/// The claims of an ID token that every relying party needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `iss`
    pub issuer: String,
    /// `sub`: who it is, to this issuer. A stranger's text.
    pub subject: String,
    /// `aud`: at least one.
    pub audiences: Vec<String>,
    /// `exp`
    pub expires_at: Timestamp,
    /// `iat`
    pub issued_at: Timestamp,
    /// `nbf`
    pub not_before: Option<Timestamp>,
}

/// A payload does not hold the claims of an ID token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// Not a JSON object.
    #[error("the payload is {0}")]
    Json(JsonError),
    /// A claim is absent, of the wrong kind, or too long.
    #[error("the claim `{0}` is absent or not what it must be")]
    Claim(&'static str),
}

/// An ID token could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Not a signed message of an accepted kind.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// Not the claims of an ID token.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
}

/// A token is not from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimesError {
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iat` lies further back than is accepted.
    #[error("the token was issued too long ago")]
    TooOld,
    /// `iat` or `nbf` lies in the future.
    #[error("the token is not valid yet")]
    NotYet,
}

impl Claims {
    /// Reads the payload of a token.
    pub fn parse(payload: &[u8]) -> Result<Self, ClaimsError> {
        let members = json::object(payload).map_err(ClaimsError::Json)?;
        let named = |name: &'static str, most| {
            text(&members, name).filter(|text| !text.is_empty() && text.len() <= most).ok_or(ClaimsError::Claim(name))
        };
        Ok(Self {
            issuer: named("iss", MAX_ISSUER)?.to_owned(),
            subject: named("sub", MAX_NAME)?.to_owned(),
            audiences: audiences(&members).ok_or(ClaimsError::Claim("aud"))?,
            expires_at: instant(&members, "exp")?.ok_or(ClaimsError::Claim("exp"))?,
            issued_at: instant(&members, "iat")?.ok_or(ClaimsError::Claim("iat"))?,
            not_before: instant(&members, "nbf")?,
        })
    }

    /// Whether the token is from now: not expired, not issued longer ago than `oldest`, not from the future. Clocks may
    /// differ by `leeway`.
    pub fn check_times(&self, now: Timestamp, leeway: Duration, oldest: Duration) -> Result<(), TimesError> {
        if self.expires_at.plus(leeway) <= now {
            return Err(TimesError::Expired);
        }
        let earliest = self.not_before.map_or(self.issued_at, |at| at.max(self.issued_at));
        if earliest > now.plus(leeway) {
            return Err(TimesError::NotYet);
        }
        if now.since(self.issued_at) > oldest.saturating_add(leeway) {
            return Err(TimesError::TooOld);
        }
        Ok(())
    }
}

fn audiences(members: &Map<String, Value>) -> Option<Vec<String>> {
    let good = |text: &str| !text.is_empty() && text.len() <= MAX_NAME;
    match members.get("aud")? {
        Value::String(one) => good(one).then(|| vec![one.clone()]),
        Value::Array(list) if (1..=MAX_AUDIENCES).contains(&list.len()) => {
            list.iter().map(|one| one.as_str().filter(|text| good(text)).map(str::to_owned)).collect()
        }
        _ => None,
    }
}

/// A `NumericDate` (RFC 7519 §2): seconds, perhaps with a fraction, which is dropped.
fn instant(members: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, ClaimsError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let wrong = ClaimsError::Claim(name);
    let Value::Number(number) = value else { return Err(wrong) };
    let seconds = match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole,
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked; the fraction is to be dropped")]
        (None, Some(fraction)) if (0.0..=253_402_300_799.0).contains(&fraction) => fraction as i64,
        (None, _) => return Err(wrong),
    };
    if (0..=LAST).contains(&seconds) { Ok(Some(Timestamp::from_unix(seconds))) } else { Err(wrong) }
}

/// An ID token that was read and not yet verified.
#[derive(Debug, Clone)]
pub struct IdToken {
    jws: Jws,
    claimed: Claims,
}

/// The claims of a token whose signature holds. Only [`IdToken::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedIdToken(Claims);

impl IdToken {
    /// Reads a token as it travels. White space around it is not part of it: clients send whole files.
    pub fn parse(text: &str) -> Result<Self, IdTokenError> {
        let jws = Jws::parse(text.trim_ascii())?;
        let claimed = Claims::parse(jws.unverified_payload())?;
        Ok(Self { jws, claimed })
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        self.jws.header()
    }

    /// What the token claims, before anybody has verified it: good for finding out whose keys are needed, and for refusing early.
    pub fn claimed(&self) -> &Claims {
        &self.claimed
    }

    /// Verifies the signature with the keys of the issuer.
    pub fn verify(self, keys: &JwkSet) -> Result<VerifiedIdToken, JwsError> {
        self.jws.verify(keys)?;
        Ok(VerifiedIdToken(self.claimed))
    }
}

impl VerifiedIdToken {
    /// What the issuer says.
    pub fn claims(&self) -> &Claims {
        &self.0
    }
}
