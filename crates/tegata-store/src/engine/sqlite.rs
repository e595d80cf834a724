//! SQLite: one writer thread that commits many change sets at once, and readers with connections of their own.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, config::DbConfig, params, types::ValueRef};
use tokio::sync::{mpsc, oneshot};

use super::{Options, Shared, StatementKey, judge};
use crate::{ChangeSet, CommitError, Row, StoreError, Value, migrate};

/// How long one process waits for another that writes or checkpoints.
const BUSY: Duration = Duration::from_secs(5);

type Answer = Result<(), CommitError>;

pub(super) struct Sqlite {
    /// `None`: for reading only.
    queue: Option<mpsc::Sender<Work>>,
    points: Arc<Readers>,
    lists: Arc<Readers>,
}

enum Work {
    Commit(ChangeSet, oneshot::Sender<Answer>),
    Close(oneshot::Sender<()>),
}

impl Sqlite {
    pub(super) fn open(path: &Path, read_only: bool, options: &Options, shared: Arc<Shared>) -> Result<Self, StoreError> {
        let queue = if read_only {
            check_schema(&connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)?;
            None
        } else {
            create_private(path)?;
            let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
            prepare_writer(&connection)?;
            migrate(&mut connection)?;
            let (queue, work) = mpsc::channel(options.queue.max(1));
            let batch = options.batch.max(1);
            std::thread::Builder::new()
                .name("tegata-writer".to_owned())
                .spawn(move || write_until_closed(&connection, work, batch, &shared))
                .map_err(|error| StoreError::Engine(Arc::new(error)))?;
            Some(queue)
        };
        Ok(Self { queue, points: Arc::new(Readers::open(path, options.readers.max(1))?), lists: Arc::new(Readers::open(path, 2)?) })
    }

    pub(super) async fn commit(&self, changes: ChangeSet) -> Answer {
        let queue = self.queue.as_ref().ok_or(StoreError::ReadOnly)?;
        let (answer, answered) = oneshot::channel();
        queue.send(Work::Commit(changes, answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) fn query(&self, statement: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.points.read(statement, params)
    }

    pub(super) async fn list(&self, statement: &'static str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let readers = Arc::clone(&self.lists);
        let rows = tokio::task::spawn_blocking(move || readers.read(statement, &params)).await;
        rows.map_err(|error| StoreError::Engine(Arc::new(error)))?
    }

    pub(super) async fn close(&self) {
        if let Some(queue) = &self.queue {
            let (done, closed) = oneshot::channel();
            if queue.send(Work::Close(done)).await.is_ok() {
                let _ = closed.await;
            }
        }
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| StoreError::Location(Arc::new(error)))?;
    connection.busy_timeout(BUSY).map_err(engine)?;
    // Otherwise the planner looks at bound values, and prepares many a kept statement anew each time one is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(engine)?;
    Ok(connection)
}

/// Makes the file readable by its owner only; its WAL inherits that.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ()).map_err(|error| StoreError::Location(Arc::new(error)))
}

/// WAL, every commit on disk before it is answered, references checked. Verified, not hoped for.
fn prepare_writer(connection: &Connection) -> Result<(), StoreError> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(engine)?;
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192; \
             PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(engine)?;
    if mode != "wal" {
        return Err(StoreError::NotDurable("the file system does not support the write-ahead log"));
    }
    if pragma(connection, "PRAGMA synchronous")? != 2 {
        return Err(StoreError::NotDurable("synchronous is not FULL"));
    }
    if pragma(connection, "PRAGMA foreign_keys")? != 1 {
        return Err(StoreError::NotDurable("foreign keys are not checked"));
    }
    Ok(())
}

fn pragma(connection: &Connection, sql: &str) -> Result<i64, StoreError> {
    connection.query_row(sql, [], |row| row.get(0)).map_err(engine)
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(engine)?;
    transaction.execute_batch(migrate::CREATE_STRICT).map_err(engine)?;
    let found = pragma(&transaction, migrate::NEWEST)?;
    for migration in migrate::pending(found)? {
        transaction.execute_batch(migration.sqlite).map_err(engine)?;
        transaction.execute(&numbered(migrate::RECORD), params![migration.number, migration.name]).map_err(engine)?;
    }
    transaction.commit().map_err(engine)
}

fn check_schema(connection: &Connection) -> Result<(), StoreError> {
    let needed = migrate::needed();
    let found = pragma(connection, migrate::NEWEST).unwrap_or(0);
    if found == needed { Ok(()) } else { Err(StoreError::Schema { found, needed }) }
}

/// `$1` is a *name* here, given its number by order of appearance; `?1` is the number.
fn numbered(statement: &str) -> String {
    statement.replace('$', "?")
}

// ---- the writer ------------------------------------------------------------------------------------------------------------------

fn write_until_closed(connection: &Connection, mut work: mpsc::Receiver<Work>, batch: usize, shared: &Shared) {
    let mut writer = Writer { connection, statements: HashMap::new(), shared };
    let mut waiting = Vec::with_capacity(batch);
    let mut closing = Vec::new();
    while let Some(first) = work.blocking_recv() {
        let mut next = Some(first);
        // Whatever has queued up meanwhile shares this commit; nobody waits for more to come.
        while let Some(item) = next {
            match item {
                Work::Commit(changes, answer) => waiting.push((changes, answer)),
                Work::Close(done) => {
                    work.close();
                    closing.push(done);
                }
            }
            next = if waiting.len() < batch { work.try_recv().ok() } else { None };
        }
        writer.commit(&mut waiting);
    }
    writer.statements.clear();
    // A closed store is one file: the log is copied back and emptied. If a reader is in the way, the next opening does it.
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    for done in closing {
        let _ = done.send(());
    }
}

struct Writer<'c> {
    connection: &'c Connection,
    statements: HashMap<StatementKey, Prepared<'c>>,
    shared: &'c Shared,
}

struct Prepared<'c> {
    statement: Statement<'c>,
    /// It answers rows (a SELECT, or RETURNING): count those instead of changes.
    answers: bool,
    reads: bool,
    parameters: usize,
}

const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
const SAVE: &str = "SAVEPOINT change_set";
const KEEP: &str = "RELEASE change_set";
const UNDO: &str = "ROLLBACK TO change_set";

impl Writer<'_> {
    /// Commits all of them at once and answers each.
    fn commit(&mut self, waiting: &mut Vec<(ChangeSet, oneshot::Sender<Answer>)>) {
        if waiting.is_empty() {
            return;
        }
        let answers = self.commit_together(waiting);
        for ((changes, _), answer) in waiting.iter().zip(&answers) {
            if answer.is_ok() {
                changes.touched.iter().for_each(|account| self.shared.bump(account));
            }
        }
        for ((_, sender), answer) in waiting.drain(..).zip(answers) {
            // The committer may be gone; its change set stays.
            let _ = sender.send(answer);
        }
    }

    fn commit_together(&mut self, waiting: &[(ChangeSet, oneshot::Sender<Answer>)]) -> Vec<Answer> {
        // A savepoint per change set copies every page that it touches. So they are left out until one is missed.
        self.try_together(waiting, false).or_else(|| self.try_together(waiting, true)).unwrap_or_default()
    }

    /// `None`: without savepoints, one change set failed after it had written. Nothing was kept of any.
    fn try_together(&mut self, waiting: &[(ChangeSet, oneshot::Sender<Answer>)], savepoints: bool) -> Option<Vec<Answer>> {
        if let Err(error) = self.run(BEGIN, &[]) {
            return Some(fail_all(waiting.len(), &error));
        }
        let mut answers = Vec::with_capacity(waiting.len());
        for (changes, _) in waiting {
            let mut wrote = false;
            let answer = if savepoints { self.apply_saved(changes) } else { self.apply(changes, &mut wrote) };
            if self.connection.is_autocommit() {
                // A full disk or a failed write ends the whole transaction, and everybody's part of it.
                let error = answer.err().unwrap_or(CommitError::Changed);
                return Some(fail_all(waiting.len(), &store_error(error)));
            }
            if wrote && answer.is_err() && waiting.len() > 1 {
                let _ = self.run(ROLLBACK, &[]);
                return None;
            }
            answers.push(answer);
        }
        if answers.iter().all(Result::is_err) {
            let _ = self.run(ROLLBACK, &[]);
            return Some(answers);
        }
        let Err(error) = self.run(COMMIT, &[]) else {
            self.shared.count_commit();
            return Some(answers);
        };
        if !self.connection.is_autocommit() {
            let _ = self.run(ROLLBACK, &[]);
        }
        Some(answers.into_iter().map(|answer| answer.and(Err(CommitError::Store(error.clone())))).collect())
    }

    fn apply_saved(&mut self, changes: &ChangeSet) -> Answer {
        self.run(SAVE, &[])?;
        let answer = self.apply(changes, &mut false);
        if answer.is_err() && !self.connection.is_autocommit() {
            self.run(UNDO, &[])?;
        }
        if !self.connection.is_autocommit() {
            self.run(KEEP, &[])?;
        }
        answer
    }

    /// `wrote` becomes true once there is something to undo.
    fn apply(&mut self, changes: &ChangeSet, wrote: &mut bool) -> Answer {
        for step in &changes.steps {
            let (rows, reads) = self.execute(step.statement, &step.params).map_err(commit_error)?;
            *wrote |= !reads && rows > 0;
            judge(step.must, rows)?;
        }
        Ok(())
    }

    fn run(&mut self, statement: &'static str, params: &[Value]) -> Result<(), StoreError> {
        self.execute(statement, params).map(|_| ()).map_err(|error| store_error(commit_error(error)))
    }

    /// Rows written or found, and whether the statement only reads.
    fn execute(&mut self, statement: &'static str, params: &[Value]) -> Result<(u64, bool), rusqlite::Error> {
        let prepared = match self.statements.entry(StatementKey::of(statement)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let statement = self.connection.prepare(&numbered(statement))?;
                let (answers, reads, parameters) = (statement.column_count() > 0, statement.readonly(), statement.parameter_count());
                entry.insert(Prepared { statement, answers, reads, parameters })
            }
        };
        if prepared.parameters != params.len() {
            return Err(rusqlite::Error::InvalidParameterCount(params.len(), prepared.parameters));
        }
        bind(&mut prepared.statement, params)?;
        if !prepared.answers {
            return prepared.statement.raw_execute().map(|rows| (u64::try_from(rows).unwrap_or(u64::MAX), prepared.reads));
        }
        let (mut rows, mut count) = (prepared.statement.raw_query(), 0);
        while rows.next()?.is_some() {
            count += 1;
        }
        Ok((count, prepared.reads))
    }
}

fn fail_all(count: usize, error: &StoreError) -> Vec<Answer> {
    (0..count).map(|_| Err(CommitError::Store(error.clone()))).collect()
}

fn store_error(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        other => StoreError::Engine(Arc::new(other)),
    }
}

// ---- readers ---------------------------------------------------------------------------------------------------------------------

struct Readers {
    readers: Box<[Mutex<Reader>]>,
    next: AtomicUsize,
}

struct Reader {
    connection: Connection,
    numbered: HashMap<StatementKey, String>,
}

impl Readers {
    fn open(path: &Path, count: usize) -> Result<Self, StoreError> {
        let open = |_| {
            let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.set_prepared_statement_cache_capacity(128);
            connection.execute_batch("PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY;").map_err(engine)?;
            Ok(Mutex::new(Reader { connection, numbered: HashMap::new() }))
        };
        Ok(Self { readers: (0..count).map(open).collect::<Result<_, StoreError>>()?, next: AtomicUsize::new(0) })
    }

    /// A reader nobody uses now, or the turn of one that somebody does.
    fn take(&self) -> Option<MutexGuard<'_, Reader>> {
        for reader in &self.readers {
            match reader.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.readers.len().max(1);
        self.readers.get(turn).map(|reader| reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn read(&self, statement: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.take().ok_or(StoreError::Closed)?.read(statement, params).map_err(|error| store_error(commit_error(error)))
    }
}

impl Reader {
    fn read(&mut self, statement: &'static str, params: &[Value]) -> Result<Vec<Row>, rusqlite::Error> {
        let sql = self.numbered.entry(StatementKey::of(statement)).or_insert_with(|| numbered(statement));
        let mut prepared = self.connection.prepare_cached(sql)?;
        if prepared.parameter_count() != params.len() {
            return Err(rusqlite::Error::InvalidParameterCount(params.len(), prepared.parameter_count()));
        }
        bind(&mut prepared, params)?;
        let columns = prepared.column_count();
        let mut rows = prepared.raw_query();
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(value(row.get_ref(column)?));
            }
            read.push(Row(values));
        }
        Ok(read)
    }
}

/// What cannot be a value of ours (a REAL, text that is not UTF-8) becomes bytes, which no text or number column accepts.
fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Blob(number.to_be_bytes().to_vec()),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned().into()),
            Err(_) => Value::Blob(text.to_vec()),
        },
        ValueRef::Blob(bytes) => match <[u8; 16]>::try_from(bytes) {
            Ok(id) => Value::Id(id),
            Err(_) => Value::Blob(bytes.to_vec()),
        },
    }
}

fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<(), rusqlite::Error> {
    for (index, param) in params.iter().enumerate() {
        let index = index + 1;
        match param {
            Value::Null => statement.raw_bind_parameter(index, rusqlite::types::Null),
            Value::Int(number) => statement.raw_bind_parameter(index, number),
            Value::Text(text) => statement.raw_bind_parameter(index, text.as_ref()),
            Value::Id(bytes) => statement.raw_bind_parameter(index, bytes.as_slice()),
            Value::Blob(bytes) => statement.raw_bind_parameter(index, bytes.as_slice()),
        }?;
    }
    Ok(())
}

// ---- errors ----------------------------------------------------------------------------------------------------------------------

fn engine(error: rusqlite::Error) -> StoreError {
    store_error(commit_error(error))
}

fn commit_error(error: rusqlite::Error) -> CommitError {
    let Some(cause) = error.sqlite_error().copied() else { return StoreError::Engine(Arc::new(error)).into() };
    match cause.code {
        // A row this refers to is gone, or something still refers to a row that was to go.
        ErrorCode::ConstraintViolation if cause.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => CommitError::Changed,
        ErrorCode::DiskFull => StoreError::Full.into(),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure => {
            StoreError::Unavailable(Arc::new(error)).into()
        }
        _ => StoreError::Engine(Arc::new(error)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_flushes_every_commit_and_checks_references() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tegata.db");
        create_private(&path).unwrap();
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        prepare_writer(&connection).unwrap();
        assert_eq!(pragma(&connection, "PRAGMA synchronous").unwrap(), 2);
        assert_eq!(pragma(&connection, "PRAGMA foreign_keys").unwrap(), 1);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
        // What the check is there for.
        connection.execute_batch("PRAGMA synchronous = NORMAL").unwrap();
        assert_eq!(pragma(&connection, "PRAGMA synchronous").unwrap(), 1);
    }

    #[test]
    fn a_kept_statement_is_prepared_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tegata.db");
        create_private(&path).unwrap();
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        connection
            .execute_batch("CREATE TABLE letters (id INTEGER PRIMARY KEY, at INTEGER); INSERT INTO letters VALUES (1, 1), (2, 2)")
            .unwrap();
        for bound in 1..4 {
            // A bound limit is one of the values that the planner would look at.
            let mut statement = connection.prepare_cached("SELECT id FROM letters WHERE at <= ?1 ORDER BY at LIMIT ?2").unwrap();
            let found = statement.query_map([bound, bound], |row| row.get::<_, i64>(0)).unwrap().count();
            assert_eq!(found, usize::try_from(bound.min(2)).unwrap());
            assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0, "with {bound}");
        }
    }

    #[test]
    fn markers_become_numbers() {
        assert_eq!(numbered("SELECT $2 WHERE a = $10"), "SELECT ?2 WHERE a = ?10");
    }
}
