//! The permissions that sessions were given when they began: each set of texts rests once, under its hash.

use tegata_model::Timestamp;

use crate::{Must, Step, Store, StoreError, row::Fields};

const FIND: &str = "SELECT content FROM sam_snapshots WHERE hash = $1";
const KEEP: &str = "INSERT INTO sam_snapshots (hash, content, expires_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO UPDATE \
    SET expires_at = CASE WHEN sam_snapshots.expires_at < excluded.expires_at THEN excluded.expires_at ELSE sam_snapshots.expires_at END";
const SWEEP: &str = "DELETE FROM sam_snapshots WHERE expires_at <= $1";

/// The content that has this hash.
pub async fn find(store: &Store, hash: &[u8]) -> Result<Option<String>, StoreError> {
    store.find(FIND, &[hash.into()], |row| Fields::new("sam_snapshots", row).text("content")).await
}

/// Keeps the content until then at least: the end of the session that was given it.
pub fn keep(hash: &[u8], content: &str, until: Timestamp) -> Step {
    Step::new(KEEP, vec![hash.into(), content.into(), until.into()], Must::Hold)
}

/// Forgets what no session that could still be alive was given.
pub fn sweep(now: Timestamp) -> Step {
    Step::new(SWEEP, vec![now.into()], Must::Anything)
}
