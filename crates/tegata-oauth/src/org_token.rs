//! Access tokens for organisations: signed messages in the shape that cloud consoles of that family use, whose rights are a list of texts.

use serde::{Deserialize, Serialize};
use tegata_model::Timestamp;

use crate::{AccessTokenError, JwkSet, Jws};

/// `typ` of such a token.
pub const ORG_TOKEN_TYPE: &str = "JWT";
/// `domain` of clients: a fixed label.
pub const CLIENT_DOMAIN: &str = "tegata-client";
/// `domain` of users: a fixed label.
pub const USER_DOMAIN: &str = "tegata";

/// The claims of an access token for an organisation. There is no `aud`: whoever trusts the issuer reads `context_name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgClaims {
    /// Who made it.
    pub iss: String,
    /// For whom it speaks: the domain, a colon, and a client's public id or a user's random id.
    pub sub: String,
    /// The client that asked.
    pub azp: String,
    /// The same.
    pub client_id: String,
    /// Where the name belongs.
    pub domain: String,
    /// The name of the account at that place.
    pub acct: String,
    /// The name without its domain.
    pub username: String,
    /// Random.
    pub context: String,
    /// The organisation.
    pub context_name: String,
    /// When it was made; UTC seconds.
    pub iat: i64,
    /// When it ends; UTC seconds.
    pub exp: i64,
    /// Its own id.
    pub jti: String,
    /// What it is good for: roles in the organisation, and at its services.
    pub perms: Vec<String>,
    /// The same, separated by spaces.
    pub scope: String,
    /// Whether it is for less than whoever it speaks for may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub narrowed: bool,
    /// What it stands on, for its maker only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub marks: String,
}

impl OrgClaims {
    /// Verifies a token with our own keys for organisations and reads its claims. Times and marks are not judged here.
    pub fn verify(text: &str, keys: &JwkSet) -> Result<Self, AccessTokenError> {
        let message = Jws::parse(text)?;
        if message.header().kind.as_deref() != Some(ORG_TOKEN_TYPE) || message.header().key_id.is_none() {
            return Err(AccessTokenError::Kind);
        }
        serde_json::from_slice(message.verify(keys)?).map_err(|_| AccessTokenError::Claims)
    }

    /// When it ends.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_unix(self.exp)
    }
}
