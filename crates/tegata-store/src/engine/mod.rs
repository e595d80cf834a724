//! The store: where it is, one durable commit per change set, reads, and how stale a cache may be.
//!
//! Only the two files below this one name a driver. Both engines get the same statements, with `$1` markers.

mod postgres;
mod sqlite;

#[cfg(any(test, feature = "testing"))]
pub(crate) use postgres::batch as postgres_batch;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tegata_model::{AccountId, SecretKey};

use crate::{ChangeSet, Claim, CommitError, Must, Row, StoreError, Value, feed};

/// Where the rows are.
#[derive(Debug)]
pub enum Location {
    /// One file, for one serving process at a time. Commands beside a running server open it for reading only.
    Sqlite {
        /// The file; made if it is not there, unless for reading only.
        path: PathBuf,
        /// Neither migrates nor writes.
        read_only: bool,
    },
    /// A PostgreSQL database, shared by any number of processes.
    Postgres {
        /// `postgres://user:password@host/database` or `key=value` pairs.
        url: SecretKey,
    },
}

/// Sizes and limits. The defaults suit a small server.
#[derive(Debug, Clone)]
pub struct Options {
    /// SQLite: connections for point reads; lists have two more of their own.
    pub readers: usize,
    /// SQLite: change sets that may wait for the writer before committers are made to wait.
    pub queue: usize,
    /// SQLite: change sets committed together at most.
    pub batch: usize,
    /// PostgreSQL: connections at most.
    pub connections: usize,
    /// PostgreSQL: how long to wait for a connection.
    pub wait: Duration,
    /// PostgreSQL: certificates (PEM) that its server's certificate must lead to. Without it TLS trusts nobody, so that a server
    /// that insists on TLS is refused; local sockets and plain connections are not concerned.
    pub ca_file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, queue: 1024, batch: 256, connections: 16, wait: Duration::from_secs(5), ca_file: None }
    }
}

/// Everything that is stored, but for the bytes of objects. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    shared: Arc<Shared>,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let engine = match self.inner.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgres",
        };
        f.debug_struct("Store").field("engine", &engine).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store and brings its schema up to date; with `read_only` it only checks that it is.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if another version made the schema, [`StoreError::NotDurable`] if a setting would lose acknowledged
    /// commits, [`StoreError::Location`] and [`StoreError::Unavailable`] if there is nothing usable there.
    pub async fn open(location: &Location, options: &Options) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::new());
        let engine = match location {
            Location::Sqlite { path, read_only } => {
                let (path, read_only, options, shared) = (path.clone(), *read_only, options.clone(), Arc::clone(&shared));
                let opened = tokio::task::spawn_blocking(move || sqlite::Sqlite::open(&path, read_only, &options, shared));
                Engine::Sqlite(opened.await.map_err(|error| StoreError::Engine(Arc::new(error)))??)
            }
            Location::Postgres { url } => Engine::Postgres(postgres::Postgres::open(url, options, Arc::clone(&shared)).await?),
        };
        Ok(Self { inner: Arc::new(Inner { engine, shared }) })
    }

    /// Commits the change set, all of it or nothing. `Ok` means that it is on disk, and that [`Self::version`] of every touched
    /// account has risen. Dropping the future does not take the change set back.
    pub async fn commit(&self, mut changes: ChangeSet) -> Result<(), CommitError> {
        for account in &changes.touched {
            changes.steps.extend(feed::append(*account, changes.at));
        }
        if changes.steps.is_empty() {
            return Ok(());
        }
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.commit(changes).await,
            Engine::Postgres(postgres) => postgres.commit(changes).await,
        }
    }

    /// Reads a few rows. On SQLite this runs at once on the calling thread, so it is for point reads; noun files use
    /// `list` for more.
    pub(crate) async fn query(&self, statement: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.query(statement, params),
            Engine::Postgres(postgres) => postgres.query(statement, params).await,
        }
    }

    /// The one number that a statement answers.
    pub(crate) async fn count(&self, statement: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        let rows = self.query(statement, params).await?;
        Ok(match rows.first().and_then(|row| row.0.first()) {
            Some(Value::Int(count)) => u64::try_from(*count).unwrap_or(0),
            _ => 0,
        })
    }

    /// Reads at most one row.
    pub(crate) async fn find<T>(
        &self,
        statement: &'static str,
        params: &[Value],
        read: impl FnOnce(Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.query(statement, params).await?.into_iter().next().map(read).transpose()
    }

    /// Reads many rows, away from the threads that serve requests.
    pub(crate) async fn list<T>(
        &self,
        statement: &'static str,
        params: Vec<Value>,
        read: impl FnMut(Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = match &self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.list(statement, params).await?,
            Engine::Postgres(postgres) => postgres.query(statement, &params).await?,
        };
        rows.into_iter().map(read).collect()
    }

    /// How many durable commits this process has made; on SQLite one may hold many change sets. For metrics and tests.
    pub fn durable_commits(&self) -> u64 {
        self.inner.shared.commits.load(Ordering::Relaxed)
    }

    /// Rises whenever the directory of the account changes (and now and then without reason). Read it *before* the rows
    /// that are to be cached; what was cached at another version must be read again.
    pub fn version(&self, account: &AccountId) -> u64 {
        self.inner.shared.slot(account).map_or(0, |slot| slot.load(Ordering::Acquire))
    }

    /// False when changes by other processes may have gone unseen for more than a second: then nothing cached counts.
    pub fn fresh(&self) -> bool {
        match &self.inner.engine {
            Engine::Sqlite(_) => true,
            Engine::Postgres(_) => self.inner.shared.polled_within(Duration::from_secs(1)),
        }
    }

    /// Asks the database for an answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.query(feed::HEAD, &[]).await.map(|_| ())
    }

    /// Commits what is queued, then lets go of the database. Later calls by other clones fail with [`StoreError::Closed`].
    pub async fn close(self) {
        match &self.inner.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(postgres) => postgres.close(),
        }
    }
}

/// What the engine's threads and tasks share with the store.
struct Shared {
    versions: Box<[AtomicU64]>,
    commits: AtomicU64,
    /// When the last good reading of the feed *began*.
    polled: Mutex<Option<Instant>>,
}

/// Accounts share these counters by hash: a collision costs a read, never a stale answer.
const VERSION_SLOTS: usize = 1024;

impl Shared {
    fn new() -> Self {
        let versions = std::iter::repeat_with(|| AtomicU64::new(0)).take(VERSION_SLOTS).collect();
        Self { versions, commits: AtomicU64::new(0), polled: Mutex::new(None) }
    }

    fn slot(&self, account: &AccountId) -> Option<&AtomicU64> {
        // The end of an id is random, its beginning may be a time.
        let [.., high, low] = *account.as_bytes();
        self.versions.get(usize::from(u16::from_be_bytes([high, low])) % VERSION_SLOTS)
    }

    fn bump(&self, account: &AccountId) {
        if let Some(slot) = self.slot(account) {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn bump_all(&self) {
        for slot in &self.versions {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    fn polled_at(&self, began: Instant) {
        if let Ok(mut polled) = self.polled.lock() {
            *polled = Some(began);
        }
    }

    fn polled_within(&self, bound: Duration) -> bool {
        self.polled.lock().ok().and_then(|polled| *polled).is_some_and(|at| at.elapsed() <= bound)
    }
}

/// Judges what a step achieved.
fn judge(must: Must, rows: u64) -> Result<(), CommitError> {
    match must {
        Must::Anything => Ok(()),
        _ if rows == 1 => Ok(()),
        Must::Hold => Err(CommitError::Changed),
        Must::Claim(claim) => Err(claimed(claim)),
        Must::BeNew(what) => Err(CommitError::Exists(what)),
    }
}

fn claimed(claim: Claim) -> CommitError {
    CommitError::Claimed(claim)
}

/// A statement for a driver that keeps its own notes per statement: `&'static str` by address, so that nothing is hashed or compared
/// but two numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct StatementKey(usize, usize);

impl StatementKey {
    fn of(statement: &'static str) -> Self {
        Self(statement.as_ptr().addr(), statement.len())
    }
}
