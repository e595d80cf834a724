//! Keys of this server, sealed under the master key.

use tegata_model::Timestamp;

use crate::{Must, Row, Step, Store, StoreError, row::Fields};

const ALL: &str = "SELECT kid, purpose, sealed, created_at, retired_at FROM keyring ORDER BY kid";
const INSERT: &str =
    "INSERT INTO keyring (kid, purpose, sealed, created_at, retired_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const RETIRE: &str = "UPDATE keyring SET retired_at = $2 WHERE kid = $1 AND retired_at IS NULL";
const DELETE: &str = "DELETE FROM keyring WHERE kid = $1";

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyringRow {
    /// Its number, carried by everything it made.
    pub kid: u32,
    /// What it may be used for.
    pub purpose: String,
    /// The key itself, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it only verifies and opens.
    pub retired_at: Option<Timestamp>,
}

impl KeyringRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("keyring", row);
        Ok(Self {
            kid: f.unsigned("kid", u32::try_from)?,
            purpose: f.text("purpose")?,
            sealed: f.bytes("sealed")?,
            created_at: f.at("created_at")?,
            retired_at: f.optional_at("retired_at")?,
        })
    }
}

/// Every key, by number.
pub async fn all(store: &Store) -> Result<Vec<KeyringRow>, StoreError> {
    store.list(ALL, Vec::new(), KeyringRow::read).await
}

/// A new key; refused if the number is taken (another process was quicker).
pub fn insert(row: &KeyringRow) -> Step {
    let params =
        vec![row.kid.into(), row.purpose.as_str().into(), row.sealed.as_slice().into(), row.created_at.into(), row.retired_at.into()];
    Step::new(INSERT, params, Must::BeNew("key"))
}

/// From `now` on the key makes nothing new.
pub fn retire(kid: u32, now: Timestamp) -> Step {
    Step::new(RETIRE, vec![kid.into(), now.into()], Must::Hold)
}

/// Drops the key: everything it made is dead.
pub fn delete(kid: u32) -> Step {
    Step::new(DELETE, vec![kid.into()], Must::Hold)
}
