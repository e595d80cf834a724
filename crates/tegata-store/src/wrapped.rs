//! Secrets that wait for whoever shows a code: each is opened once. Only hashes of the codes rest here, and the secrets sealed.

use tegata_model::{AccountId, Timestamp};

use crate::{Claim, Must, Row, Step, Store, StoreError, row::Fields};

const FIND: &str = "SELECT hash, account_id, app_id, sealed, made_by, created_at, expires_at, opened_at, opened_from \
    FROM wrapped_secrets WHERE hash = $1";
const INSERT: &str = "INSERT INTO wrapped_secrets (hash, account_id, app_id, sealed, made_by, created_at, expires_at, opened_at, \
    opened_from) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, NULL) ON CONFLICT DO NOTHING";
const OPEN: &str = "UPDATE wrapped_secrets SET opened_at = $2, opened_from = $3, sealed = $4 \
    WHERE hash = $1 AND opened_at IS NULL AND expires_at > $2";
const SWEEP: &str = "DELETE FROM wrapped_secrets WHERE expires_at <= $1 OR (expires_at <= $2 AND opened_at IS NULL)";

/// One secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedRow {
    /// SHA-256 of the code.
    pub hash: Vec<u8>,
    /// The account of the app.
    pub account_id: AccountId,
    /// The public id of the app.
    pub app_id: String,
    /// What is told, sealed; empty once it was opened.
    pub sealed: Vec<u8>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Until when it can be opened.
    pub expires_at: Timestamp,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// From which address.
    pub opened_from: Option<String>,
}

impl WrappedRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("wrapped_secrets", row);
        Ok(Self {
            hash: f.bytes("hash")?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            app_id: f.text("app_id")?,
            sealed: f.bytes("sealed")?,
            made_by: f.text("made_by")?,
            created_at: f.at("created_at")?,
            expires_at: f.at("expires_at")?,
            opened_at: f.optional_at("opened_at")?,
            opened_from: f.optional_text("opened_from")?,
        })
    }
}

/// The secret under this hash, opened or not.
pub async fn find(store: &Store, hash: &[u8]) -> Result<Option<WrappedRow>, StoreError> {
    store.find(FIND, &[hash.into()], WrappedRow::read).await
}

/// A new secret, which nobody has opened.
pub fn insert(row: &WrappedRow) -> Step {
    let params = vec![
        row.hash.as_slice().into(),
        row.account_id.into(),
        row.app_id.as_str().into(),
        row.sealed.as_slice().into(),
        row.made_by.as_str().into(),
        row.created_at.into(),
        row.expires_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("wrapped secret"))
}

/// Opens the secret and forgets what was sealed. Succeeds at most once, and not after its time.
pub fn open(hash: &[u8], now: Timestamp, from: &str) -> Step {
    let nothing: &[u8] = &[];
    Step::new(OPEN, vec![hash.into(), now.into(), from.into(), nothing.into()], Must::Claim(Claim::Code))
}

/// Removes secrets that ran out before `kept`, and those that ran out by now and that nobody has opened.
pub fn sweep(kept: Timestamp, now: Timestamp) -> Step {
    Step::new(SWEEP, vec![kept.into(), now.into()], Must::Anything)
}
