//! What a call is signed with.

use std::{fmt, sync::Arc};

use tegata_model::{AccessKeyId, SecretKey, Timestamp};

/// A long-term key, or a temporary one with its token and its end. Clones share the secret.
#[derive(Clone)]
pub struct Credential {
    /// The public id.
    pub access_key_id: AccessKeyId,
    /// The secret.
    pub secret: Arc<SecretKey>,
    /// The token of a temporary key.
    pub security_token: Option<Arc<SecretKey>>,
    /// When a temporary key ends.
    pub expires_at: Option<Timestamp>,
}

impl Credential {
    /// A long-term key.
    pub fn long_term(access_key_id: AccessKeyId, secret: SecretKey) -> Self {
        Self { access_key_id, secret: Arc::new(secret), security_token: None, expires_at: None }
    }

    /// The same key with another token, or with none.
    #[must_use]
    pub fn with_token(&self, token: Option<SecretKey>) -> Self {
        Self { security_token: token.map(Arc::new), ..self.clone() }
    }

    pub(crate) fn signing(&self) -> tegata_sign::Credential<'_> {
        tegata_sign::Credential {
            access_key_id: &self.access_key_id,
            secret: &self.secret,
            security_token: self.security_token.as_ref().map(|token| token.expose()),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
