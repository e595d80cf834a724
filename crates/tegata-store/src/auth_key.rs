//! Auth keys: an id and a secret that begin sessions. They sign nothing, so only a hash of the secret rests here.

use tegata_model::{AccountId, AuthKeyId, Timestamp, UserId};

use crate::{Must, Row, Step, Store, StoreError, row::Fields, user};

const FIND: &str = "SELECT id, key_id, account_id, user_id, secret_hash, created_at, used_at FROM auth_keys WHERE key_id = $1";
const FIND_BY_ID: &str = "SELECT id, key_id, account_id, user_id, secret_hash, created_at, used_at FROM auth_keys WHERE id = $1";
const OF_USER: &str = "SELECT id, key_id, account_id, user_id, secret_hash, created_at, used_at FROM auth_keys \
    WHERE user_id = $1 ORDER BY created_at, key_id LIMIT 100";
const INSERT: &str = "INSERT INTO auth_keys (id, key_id, account_id, user_id, secret_hash, created_at, used_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM auth_keys WHERE id = $1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM auth_keys WHERE user_id = $1) <= $2";
const USED: &str = "UPDATE auth_keys SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)";
const DELETE: &str = "DELETE FROM auth_keys WHERE id = $1";
const DELETE_ALL: &str = "DELETE FROM auth_keys WHERE user_id = $1";

/// One auth key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthKeyRow {
    /// Immutable id of the row.
    pub id: AuthKeyId,
    /// The public id, `keyId-` and 32 characters.
    pub key_id: String,
    /// The account of its user.
    pub account_id: AccountId,
    /// Whose it is.
    pub user_id: UserId,
    /// A hash of the secret, which is long and random.
    pub secret_hash: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last began a session, as far as that was written.
    pub used_at: Option<Timestamp>,
}

impl AuthKeyRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("auth_keys", row);
        Ok(Self {
            id: f.id("id", AuthKeyId::from_bytes)?,
            key_id: f.text("key_id")?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            user_id: f.id("user_id", UserId::from_bytes)?,
            secret_hash: f.bytes("secret_hash")?,
            created_at: f.at("created_at")?,
            used_at: f.optional_at("used_at")?,
        })
    }
}

/// The key with this public id.
pub async fn find(store: &Store, key_id: &str) -> Result<Option<AuthKeyRow>, StoreError> {
    store.find(FIND, &[key_id.into()], AuthKeyRow::read).await
}

/// The key with this row id.
pub async fn find_by_id(store: &Store, id: AuthKeyId) -> Result<Option<AuthKeyRow>, StoreError> {
    store.find(FIND_BY_ID, &[id.into()], AuthKeyRow::read).await
}

/// The keys of a user, oldest first; at most 100.
pub async fn of_user(store: &Store, user: UserId) -> Result<Vec<AuthKeyRow>, StoreError> {
    store.list(OF_USER, vec![user.into()], AuthKeyRow::read).await
}

/// A new key; refused if its public id is taken. Raises the generation of its user.
pub fn insert(row: &AuthKeyRow) -> [Step; 2] {
    let params = vec![
        row.id.into(),
        row.key_id.as_str().into(),
        row.account_id.into(),
        row.user_id.into(),
        row.secret_hash.as_slice().into(),
        row.created_at.into(),
        row.used_at.into(),
    ];
    [user::raise_generation(row.user_id), Step::new(INSERT, params, Must::BeNew("auth key"))]
}

/// The user has at most this many keys, the new one among them. Goes after [`insert`].
pub fn at_most(user: UserId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![user.into(), limit.into()], Must::Hold)
}

/// The key must still be there. Nothing of it ever changes that anybody relies on.
pub fn expect(id: AuthKeyId) -> Step {
    Step::new(EXPECT, vec![id.into()], Must::Hold)
}

/// It has begun a session.
pub fn used(id: AuthKeyId, at: Timestamp) -> Step {
    Step::new(USED, vec![id.into(), at.into()], Must::Anything)
}

/// Removes the key, and raises the generation of its user.
pub fn delete(id: AuthKeyId, user: UserId) -> [Step; 2] {
    [user::raise_generation(user), Step::new(DELETE, vec![id.into()], Must::Hold)]
}

/// Removes every key of a user that is being deleted.
pub fn delete_all(user: UserId) -> Step {
    Step::new(DELETE_ALL, vec![user.into()], Must::Anything)
}
