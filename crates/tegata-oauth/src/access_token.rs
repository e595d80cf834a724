//! Access tokens as signed messages (RFC 9068), and what a server says of one (RFC 7662).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tegata_model::Timestamp;

use crate::{JwkSet, Jws, JwsError};

/// `typ` of an access token.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// `typ` of an ID token.
pub const ID_TOKEN_TYPE: &str = "JWT";

/// Confirmation: the key that a token is bound to (RFC 9449 §6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Thumbprint of the key.
    pub jkt: String,
}

/// Who acts for the subject (RFC 8693 §4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Who.
    pub sub: String,
}

/// The claims of an access token (RFC 9068 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who made it.
    pub iss: String,
    /// For whom it speaks: a random id.
    pub sub: String,
    /// For whom it is made.
    #[serde(with = "one_or_many")]
    pub aud: Vec<String>,
    /// The client's public id.
    pub client_id: String,
    /// When it was made; UTC seconds.
    pub iat: i64,
    /// When it ends; UTC seconds.
    pub exp: i64,
    /// Its own id.
    pub jti: String,
    /// Which scopes, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// When the person signed in; UTC seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The key it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Who acts for the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// What it stands on, for its maker only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub marks: String,
}

/// Why an access token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// The message itself.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// It is another kind of token.
    #[error("it is no access token")]
    Kind,
    /// Its claims are not what they should be.
    #[error("its claims cannot be read")]
    Claims,
}

impl AccessClaims {
    /// Verifies a token with our own keys for access tokens and reads its claims. Times and marks are not judged here.
    pub fn verify(text: &str, keys: &JwkSet) -> Result<Self, AccessTokenError> {
        let message = Jws::parse(text)?;
        // RFC 9068 §4: an ID token, or any other message that we signed, is no access token.
        let kind = message.header().kind.as_deref().map(str::to_ascii_lowercase);
        if !matches!(kind.as_deref(), Some(ACCESS_TOKEN_TYPE | "application/at+jwt")) || message.header().key_id.is_none() {
            return Err(AccessTokenError::Kind);
        }
        serde_json::from_slice(message.verify(keys)?).map_err(|_| AccessTokenError::Claims)
    }

    /// When it ends.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_unix(self.exp)
    }
}

/// The claims of an ID token (OpenID Connect Core 1.0 §2), with those of the scopes that were given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdClaims {
    /// Who made it.
    pub iss: String,
    /// Whom it is about: a random id.
    pub sub: String,
    /// The client's public id.
    pub aud: String,
    /// When it was made; UTC seconds.
    pub iat: i64,
    /// When it ends; UTC seconds.
    pub exp: i64,
    /// When the person signed in; UTC seconds.
    pub auth_time: i64,
    /// What the client gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Half the hash of the access token that came with it.
    pub at_hash: String,
    /// What the scopes say of the person.
    #[serde(flatten)]
    pub about: serde_json::Map<String, Value>,
}

mod one_or_many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }

    pub(super) fn serialize<S: Serializer>(value: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        Ok(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        })
    }
}
