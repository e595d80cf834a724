//! Authorization codes. Only the hash of a code rests here; each is claimed once, by one conditional update.

use tegata_model::{AccountId, ClientId, GrantId, Timestamp};

use crate::{Claim, Must, Row, Step, Store, StoreError, row::Fields};

const FIND: &str = "SELECT hash, grant_id, account_id, client_id, redirect_uri, challenge, nonce, expires_at, used_at FROM codes \
    WHERE hash = $1";
const INSERT: &str = "INSERT INTO codes (hash, grant_id, account_id, client_id, redirect_uri, challenge, nonce, expires_at, used_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
const CLAIM: &str = "UPDATE codes SET used_at = $2 WHERE hash = $1 AND used_at IS NULL";

/// One code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRow {
    /// SHA-256 of the code.
    pub hash: Vec<u8>,
    /// The grant it opens.
    pub grant_id: GrantId,
    /// The account of the grant.
    pub account_id: AccountId,
    /// To whom it was sent.
    pub client_id: ClientId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The S256 challenge that was given for it.
    pub challenge: Option<String>,
    /// The nonce that belongs into the ID token.
    pub nonce: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

impl CodeRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("codes", row);
        Ok(Self {
            hash: f.bytes("hash")?,
            grant_id: f.id("grant_id", GrantId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            client_id: f.id("client_id", ClientId::from_bytes)?,
            redirect_uri: f.text("redirect_uri")?,
            challenge: f.optional_text("challenge")?,
            nonce: f.optional_text("nonce")?,
            expires_at: f.at("expires_at")?,
            used_at: f.optional_at("used_at")?,
        })
    }
}

/// The code with this hash.
pub async fn find(store: &Store, hash: &[u8]) -> Result<Option<CodeRow>, StoreError> {
    store.find(FIND, &[hash.into()], CodeRow::read).await
}

/// A new code. Its grant goes before it.
pub fn insert(row: &CodeRow) -> Step {
    let params = vec![
        row.hash.as_slice().into(),
        row.grant_id.into(),
        row.account_id.into(),
        row.client_id.into(),
        row.redirect_uri.as_str().into(),
        row.challenge.clone().into(),
        row.nonce.clone().into(),
        row.expires_at.into(),
        row.used_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("code"))
}

/// Uses the code. Succeeds at most once.
pub fn claim(hash: &[u8], now: Timestamp) -> Step {
    Step::new(CLAIM, vec![hash.into(), now.into()], Must::Claim(Claim::Code))
}
