//! Keys that sign tokens, sealed. Each kind of token has its own.

use tegata_model::{SigningKeyId, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, row::Fields};

const ALL: &str =
    "SELECT id, purpose, serial, sealed, created_at, active_at, expires_at FROM signing_keys ORDER BY active_at, id LIMIT 1000";
const INSERT: &str = "INSERT INTO signing_keys (id, purpose, serial, sealed, created_at, active_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
const RETIRE: &str = "UPDATE signing_keys SET expires_at = $2 WHERE id = $1 AND expires_at IS NULL";
const DROP: &str = "UPDATE signing_keys SET expires_at = $2 WHERE purpose = $1 AND (expires_at IS NULL OR expires_at > $2)";
const SWEEP: &str = "DELETE FROM signing_keys WHERE expires_at <= $1";

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyRow {
    /// Random; its public name is made of it.
    pub id: SigningKeyId,
    /// Which kind of token it signs, and how.
    pub purpose: String,
    /// Its number among the keys of this purpose, from 1.
    pub serial: i64,
    /// The key itself, sealed.
    pub sealed: Vec<u8>,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub active_at: Timestamp,
    /// When it is no longer published; `None` while it signs.
    pub expires_at: Option<Timestamp>,
}

impl SigningKeyRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("signing_keys", row);
        Ok(Self {
            id: f.id("id", SigningKeyId::from_bytes)?,
            purpose: f.text("purpose")?,
            serial: f.int("serial")?,
            sealed: f.bytes("sealed")?,
            created_at: f.at("created_at")?,
            active_at: f.at("active_at")?,
            expires_at: f.optional_at("expires_at")?,
        })
    }

    fn params(&self) -> Vec<crate::Value> {
        vec![
            self.id.into(),
            self.purpose.as_str().into(),
            self.serial.into(),
            self.sealed.as_slice().into(),
            self.created_at.into(),
            self.active_at.into(),
            self.expires_at.into(),
        ]
    }
}

/// Every key, in the order in which they come to sign.
pub async fn all(store: &Store) -> Result<Vec<SigningKeyRow>, StoreError> {
    store.list(ALL, Vec::new(), SigningKeyRow::read).await
}

/// A new key; refused if another process has given this number to one.
pub fn insert(row: &SigningKeyRow) -> Step {
    Step::new(INSERT, row.params(), Must::BeNew("signing key"))
}

/// The key signs nothing new and is published until `expires`.
pub fn retire(id: SigningKeyId, expires: Timestamp) -> Step {
    Step::new(RETIRE, vec![id.into(), expires.into()], Must::Hold)
}

/// No key of this purpose is published or counts any more.
pub fn drop_all(purpose: &str, now: Timestamp) -> Step {
    Step::new(DROP, vec![purpose.into(), now.into()], Must::Anything)
}

/// Removes keys that are no longer published.
pub fn sweep(now: Timestamp) -> Step {
    Step::new(SWEEP, vec![now.into()], Must::Anything)
}
