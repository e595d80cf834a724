//! Facts about this store as a whole, by key: who it belongs to, whether it is for development.

use crate::{Must, Step, Store, StoreError, row::Fields};

const READ: &str = "SELECT value FROM meta WHERE key = $1";
const WRITE: &str = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const INSERT: &str = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// The value under a key.
pub async fn read(store: &Store, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    store.find(READ, &[key.into()], |row| Fields::new("meta", row).bytes("value")).await
}

/// Sets the value, whatever was there.
pub fn write(key: &str, value: &[u8]) -> Step {
    Step::new(WRITE, vec![key.into(), value.into()], Must::Hold)
}

/// Sets the value only if there was none: of two processes that start together, one wins.
pub fn insert(key: &str, value: &[u8]) -> Step {
    Step::new(INSERT, vec![key.into(), value.into()], Must::BeNew("meta value"))
}
