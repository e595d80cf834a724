//! Buckets: who owns a name, and how open it is.

use tegata_model::{AccountId, BucketId, BucketName, Generation, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, Value, row::Fields};

const FIND: &str = "SELECT id, account_id, name, acl, storage_class, generation, created_at FROM buckets WHERE id = $1";
const FIND_BY_NAME: &str = "SELECT id, account_id, name, acl, storage_class, generation, created_at FROM buckets WHERE name = $1";
const LIST: &str = "SELECT id, account_id, name, acl, storage_class, generation, created_at FROM buckets \
    WHERE account_id = $1 AND name > $2 AND name >= $3 AND name < $4 ORDER BY name LIMIT $5";
const INSERT: &str = "INSERT INTO buckets (id, account_id, name, acl, storage_class, generation, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM buckets WHERE id = $1 AND generation = $2";
const RAISE_GENERATION: &str = "UPDATE buckets SET generation = generation + 1 WHERE id = $1";
const SET_ACL: &str = "UPDATE buckets SET acl = $2, generation = generation + 1 WHERE id = $1";
const DELETE: &str = "DELETE FROM buckets WHERE id = $1";

/// How open a bucket is to those who are not asked who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acl {
    /// Closed.
    Private,
    /// Anybody may read.
    PublicRead,
    /// Anybody may read and write.
    PublicReadWrite,
}

impl Acl {
    fn from_i64(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Private),
            1 => Some(Self::PublicRead),
            2 => Some(Self::PublicReadWrite),
            _ => None,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::Private => 0,
            Self::PublicRead => 1,
            Self::PublicReadWrite => 2,
        }
    }
}

/// One bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRow {
    /// Immutable id.
    pub id: BucketId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Its name: unique on this server.
    pub name: BucketName,
    /// How open it is.
    pub acl: Acl,
    /// The storage class, as the dialect that made it spells it.
    pub storage_class: String,
    /// Raised by any change to it; not by its objects, which have rows of their own to expect.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
}

impl BucketRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("buckets", row);
        Ok(Self {
            id: f.id("id", BucketId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            name: f.parsed("name", BucketName::new)?,
            acl: f.number("acl", Acl::from_i64)?,
            storage_class: f.text("storage_class")?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
        })
    }
}

/// The bucket with this id.
pub async fn find(store: &Store, id: BucketId) -> Result<Option<BucketRow>, StoreError> {
    store.find(FIND, &[id.into()], BucketRow::read).await
}

/// The bucket with this name.
pub async fn find_by_name(store: &Store, name: &BucketName) -> Result<Option<BucketRow>, StoreError> {
    store.find(FIND_BY_NAME, &[name.into()], BucketRow::read).await
}

/// Buckets of the account whose names begin with `prefix` and come after `marker` (`""` for all), in byte order, at most `limit`.
pub async fn list(store: &Store, account: AccountId, prefix: &str, marker: &str, limit: u32) -> Result<Vec<BucketRow>, StoreError> {
    // Names are lower-case ASCII, so this character is above any continuation of the prefix.
    let end = format!("{prefix}\u{7f}");
    let params = vec![account.into(), marker.into(), prefix.into(), end.into(), limit.into()];
    store.list(LIST, params, BucketRow::read).await
}

/// A new bucket; refused if its name is taken, by whomever.
pub fn insert(row: &BucketRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        (&row.name).into(),
        row.acl.to_i64().into(),
        row.storage_class.as_str().into(),
        row.generation.into(),
        row.created_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("bucket"))
}

/// The bucket must still be as it was read.
pub fn expect(id: BucketId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Something beneath the bucket changed that matters to whoever decided on it.
pub fn raise_generation(id: BucketId) -> Step {
    Step::new(RAISE_GENERATION, vec![id.into()], Must::Hold)
}

/// Opens or closes the bucket.
pub fn set_acl(id: BucketId, acl: Acl) -> Step {
    Step::new(SET_ACL, vec![Value::from(id), acl.to_i64().into()], Must::Hold)
}

/// Removes the bucket. An object in it, even one put at the same moment, makes the commit say that something changed.
pub fn delete(id: BucketId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Hold)
}
