//! Long-term access keys. The secret is sealed; opening it is not this crate's business.

use tegata_model::{AccessKeyId, AccountId, Epoch, Generation, KeyId, Status, Timestamp, UserId};

use crate::{Must, Row, Step, Store, StoreError, Value, key_use, row::Fields, user};

const FIND: &str = "SELECT id, key_id, account_id, user_id, sealed_secret, status, epoch, generation, created_at FROM access_keys \
    WHERE key_id = $1";
const FIND_BY_ID: &str = "SELECT id, key_id, account_id, user_id, sealed_secret, status, epoch, generation, created_at FROM access_keys \
    WHERE id = $1";
const OF_USER: &str = "SELECT id, key_id, account_id, user_id, sealed_secret, status, epoch, generation, created_at FROM access_keys \
    WHERE user_id = $1 ORDER BY created_at, key_id LIMIT 100";
const OF_ACCOUNT: &str = "SELECT id, key_id, account_id, user_id, sealed_secret, status, epoch, generation, created_at FROM access_keys \
    WHERE account_id = $1 AND key_id > $2 ORDER BY key_id LIMIT $3";
const INSERT: &str = "INSERT INTO access_keys (id, key_id, account_id, user_id, sealed_secret, status, epoch, generation, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM access_keys WHERE id = $1 AND generation = $2";
const RAISE_EPOCH: &str = "UPDATE access_keys SET epoch = epoch + 1, generation = generation + 1 WHERE id = $1";
const SET_STATUS: &str = "UPDATE access_keys SET status = $2, generation = generation + 1 WHERE id = $1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM access_keys WHERE user_id = $1) <= $2";
const DELETE: &str = "DELETE FROM access_keys WHERE id = $1";

/// One access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyRow {
    /// Immutable id of the row.
    pub id: KeyId,
    /// The public id.
    pub key_id: AccessKeyId,
    /// The account of its user.
    pub account_id: AccountId,
    /// Whose it is.
    pub user_id: UserId,
    /// The sealed secret; bound to this row by whoever sealed it.
    pub sealed_secret: Vec<u8>,
    /// Whether it may be used.
    pub status: Status,
    /// Raised to end all sessions minted with it.
    pub epoch: Epoch,
    /// Raised by any change to it.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
}

impl AccessKeyRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("access_keys", row);
        Ok(Self {
            id: f.id("id", KeyId::from_bytes)?,
            key_id: f.parsed("key_id", AccessKeyId::new)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            user_id: f.id("user_id", UserId::from_bytes)?,
            sealed_secret: f.bytes("sealed_secret")?,
            status: f.status()?,
            epoch: f.epoch()?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
        })
    }
}

/// The key with this public id.
pub async fn find(store: &Store, key_id: &str) -> Result<Option<AccessKeyRow>, StoreError> {
    store.find(FIND, &[key_id.into()], AccessKeyRow::read).await
}

/// The key with this row id.
pub async fn find_by_id(store: &Store, id: KeyId) -> Result<Option<AccessKeyRow>, StoreError> {
    store.find(FIND_BY_ID, &[id.into()], AccessKeyRow::read).await
}

/// The keys of a user, oldest first; at most 100.
pub async fn of_user(store: &Store, user: UserId) -> Result<Vec<AccessKeyRow>, StoreError> {
    store.list(OF_USER, vec![user.into()], AccessKeyRow::read).await
}

/// The keys of an account in the order of their public ids, after one of them (or none: the empty text); at most `limit`.
pub async fn of_account(store: &Store, account: AccountId, after: &str, limit: u32) -> Result<Vec<AccessKeyRow>, StoreError> {
    store.list(OF_ACCOUNT, vec![account.into(), after.into(), limit.into()], AccessKeyRow::read).await
}

/// A new key; refused if its public id is taken. Raises the generation of its user.
pub fn insert(row: &AccessKeyRow) -> [Step; 2] {
    let params = vec![
        row.id.into(),
        (&row.key_id).into(),
        row.account_id.into(),
        row.user_id.into(),
        row.sealed_secret.as_slice().into(),
        row.status.into(),
        row.epoch.into(),
        row.generation.into(),
        row.created_at.into(),
    ];
    [user::raise_generation(row.user_id), Step::new(INSERT, params, Must::BeNew("access key"))]
}

/// The user has at most this many keys, the new one among them. Goes after [`insert`].
pub fn at_most(user: UserId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![user.into(), limit.into()], Must::Hold)
}

/// The key must still be as it was read.
pub fn expect(id: KeyId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Ends everything minted with the key.
pub fn raise_epoch(id: KeyId) -> Step {
    Step::new(RAISE_EPOCH, vec![id.into()], Must::Hold)
}

/// Switches the key on or off.
pub fn set_status(id: KeyId, status: Status) -> Step {
    Step::new(SET_STATUS, vec![Value::from(id), status.into()], Must::Hold)
}

/// Removes the key with its last use, and raises the generation of its user.
pub fn delete(id: KeyId, user: UserId) -> [Step; 3] {
    [user::raise_generation(user), key_use::forget(id), Step::new(DELETE, vec![id.into()], Must::Hold)]
}
