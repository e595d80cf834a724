//! Why something could not be stored or read. Texts are safe to send; what the driver said lives in `source()`.

use std::{error::Error, sync::Arc};

/// What the driver said, shared because one failed commit answers many callers.
pub type Source = Arc<dyn Error + Send + Sync>;

/// A read failed, or a commit failed for a reason that is nobody's decision.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A stored value cannot be what it should be. Nothing is guessed; the row is refused.
    #[error("column `{column}` of row `{id}` in table `{table}` cannot be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The first column of the row: text as it is, bytes as hexadecimal digits.
        id: String,
    },
    /// The disk, or the quota of the database, is full. Nothing of the change set was kept.
    #[error("the database has no space left")]
    Full,
    /// The database does not answer now. Whether a commit that met this was kept is unknown: it was not acknowledged.
    #[error("the database is not available")]
    Unavailable(#[source] Source),
    /// This store was closed.
    #[error("the store is closed")]
    Closed,
    /// This store was opened for reading only.
    #[error("the store is open for reading only")]
    ReadOnly,
    /// The schema was made by another version of this program.
    #[error("the database schema has version {found}, this program needs {needed}")]
    Schema {
        /// The newest migration in the database; 0 if there is none.
        found: i64,
        /// The newest migration this program knows.
        needed: i64,
    },
    /// A setting of the database would lose acknowledged commits.
    #[error("the database would lose acknowledged commits: {0}")]
    NotDurable(&'static str),
    /// The location cannot be used.
    #[error("the database location is not usable")]
    Location(#[source] Source),
    /// Anything else the driver reported: a mistake in a statement, or a damaged file.
    #[error("the database reported an error")]
    Engine(#[source] Source),
}

/// Why a change set was not committed. Nothing of it was kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// A row that the decision rested on has changed since it was read (or something still refers to a row that was
    /// to go): read again and decide again.
    #[error("what was read has changed")]
    Changed,
    /// Something that can be used once was used before.
    #[error("already used")]
    Claimed(crate::Claim),
    /// A row that had to be new exists, by one of its unique names.
    #[error("the {0} exists")]
    Exists(&'static str),
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
