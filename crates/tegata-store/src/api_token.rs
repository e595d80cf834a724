//! Tokens of users for programs: long-lived, each for one organisation. Only a hash of each rests here.

use std::time::Duration;

use tegata_model::{AccountId, ApiTokenId, Timestamp, UserId};

use crate::{
    Must, Row, Step, Store, StoreError,
    client::{joined, length, seconds, split},
    row::Fields,
};

const FIND: &str = "SELECT id, account_id, user_id, name, hash, scopes, idle_seconds, created_at, expires_at, used_at, deactivated_at, \
    deactivated_by FROM api_tokens WHERE id = $1";
const FIND_BY_HASH: &str = "SELECT id, account_id, user_id, name, hash, scopes, idle_seconds, created_at, expires_at, used_at, \
    deactivated_at, deactivated_by FROM api_tokens WHERE hash = $1";
const OF_USER: &str = "SELECT id, account_id, user_id, name, hash, scopes, idle_seconds, created_at, expires_at, used_at, \
    deactivated_at, deactivated_by FROM api_tokens WHERE user_id = $1 ORDER BY created_at, id LIMIT 1000";
const INSERT: &str = "INSERT INTO api_tokens (id, account_id, user_id, name, hash, scopes, idle_seconds, created_at, expires_at, used_at, \
    deactivated_at, deactivated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM api_tokens WHERE user_id = $1 AND deactivated_at IS NULL) <= $2";
const EXPECT: &str = "SELECT 1 FROM api_tokens WHERE id = $1 AND deactivated_at IS NULL";
const USED: &str = "UPDATE api_tokens SET used_at = $2 WHERE id = $1 AND deactivated_at IS NULL";
const DEACTIVATE: &str = "UPDATE api_tokens SET deactivated_at = $2, deactivated_by = $3 WHERE id = $1 AND deactivated_at IS NULL";
const DELETE_OF_USER: &str = "DELETE FROM api_tokens WHERE user_id = $1";
const SWEEP: &str = "DELETE FROM api_tokens WHERE expires_at <= $1";

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenRow {
    /// Immutable id; what people name it by.
    pub id: ApiTokenId,
    /// The organisation it is for.
    pub account_id: AccountId,
    /// Whose it is.
    pub user_id: UserId,
    /// What its user calls it.
    pub name: String,
    /// The hash of the token.
    pub hash: Vec<u8>,
    /// What it is for at most; empty where it is for all that its user may.
    pub scopes: Vec<String>,
    /// How long it may go unused; whole seconds, zero where it may as long as it lives.
    pub idle: Duration,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
    /// When it was taken back.
    pub deactivated_at: Option<Timestamp>,
    /// By whom.
    pub deactivated_by: Option<String>,
}

impl ApiTokenRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("api_tokens", row);
        Ok(Self {
            id: f.id("id", ApiTokenId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            user_id: f.id("user_id", UserId::from_bytes)?,
            name: f.text("name")?,
            hash: f.bytes("hash")?,
            scopes: split(&f.text("scopes")?),
            idle: f.number("idle_seconds", length)?,
            created_at: f.at("created_at")?,
            expires_at: f.at("expires_at")?,
            used_at: f.optional_at("used_at")?,
            deactivated_at: f.optional_at("deactivated_at")?,
            deactivated_by: f.optional_text("deactivated_by")?,
        })
    }

    /// When it ends if nobody uses it from now on.
    pub fn until(&self) -> Timestamp {
        if self.idle.is_zero() {
            return self.expires_at;
        }
        self.used_at.unwrap_or(self.created_at).plus(self.idle).min(self.expires_at)
    }

    /// True while it can be used.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.deactivated_at.is_none() && now < self.until()
    }
}

/// The token with this id.
pub async fn find(store: &Store, id: ApiTokenId) -> Result<Option<ApiTokenRow>, StoreError> {
    store.find(FIND, &[id.into()], ApiTokenRow::read).await
}

/// The token with this hash.
pub async fn find_by_hash(store: &Store, hash: &[u8]) -> Result<Option<ApiTokenRow>, StoreError> {
    store.find(FIND_BY_HASH, &[hash.into()], ApiTokenRow::read).await
}

/// The tokens of a user, oldest first, those that were taken back among them; at most 1,000.
pub async fn of_user(store: &Store, user: UserId) -> Result<Vec<ApiTokenRow>, StoreError> {
    store.list(OF_USER, vec![user.into()], ApiTokenRow::read).await
}

/// A new token.
pub fn insert(row: &ApiTokenRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.user_id.into(),
        row.name.as_str().into(),
        row.hash.as_slice().into(),
        joined(&row.scopes),
        seconds(row.idle),
        row.created_at.into(),
        row.expires_at.into(),
        row.used_at.into(),
        row.deactivated_at.into(),
        row.deactivated_by.clone().into(),
    ];
    Step::new(INSERT, params, Must::BeNew("API token"))
}

/// The user has at most this many that were not taken back, the new one among them. Goes after [`insert`].
pub fn at_most(user: UserId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![user.into(), limit.into()], Must::Hold)
}

/// The token must still not have been taken back.
pub fn expect(id: ApiTokenId) -> Step {
    Step::new(EXPECT, vec![id.into()], Must::Hold)
}

/// The token was used.
pub fn used(id: ApiTokenId, now: Timestamp) -> Step {
    Step::new(USED, vec![id.into(), now.into()], Must::Hold)
}

/// Takes the token back.
pub fn deactivate(id: ApiTokenId, now: Timestamp, by: &str) -> Step {
    Step::new(DEACTIVATE, vec![id.into(), now.into(), by.into()], Must::Hold)
}

/// Removes the tokens of a user, who goes after them.
pub fn delete_of_user(user: UserId) -> Step {
    Step::new(DELETE_OF_USER, vec![user.into()], Must::Anything)
}

/// Removes tokens that ended before this.
pub fn sweep(before: Timestamp) -> Step {
    Step::new(SWEEP, vec![before.into()], Must::Anything)
}
