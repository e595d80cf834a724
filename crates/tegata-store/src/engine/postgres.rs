//! PostgreSQL: a change set is one short serialisable transaction, its statements sent without waiting in between.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use futures_util::future::{join, join_all};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tegata_model::{AccountId, SecretKey};
use tokio::task::AbortHandle;
use tokio_postgres::{
    Config, Error, Statement,
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Options, Shared, judge};
use crate::{ChangeSet, CommitError, Row, Step, StoreError, Value, feed, migrate};

/// How often the feed is read.
const POLL: Duration = Duration::from_millis(250);
/// How often a change set is tried again after it met another one.
const ATTEMPTS: usize = 20;
/// Statements sent at once.
const PIPELINE: usize = 16;
/// Processes that start together migrate one after the other: any number that nobody else locks.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(8420842108420)";

pub(super) struct Postgres {
    pool: Pool,
    feed: Pool,
    shared: Arc<Shared>,
    poller: AbortHandle,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.poller.abort();
    }
}

impl Postgres {
    pub(super) async fn open(url: &SecretKey, options: &Options, shared: Arc<Shared>) -> Result<Self, StoreError> {
        let mut config: Config = url.expose().parse().map_err(|error: Error| StoreError::Location(Arc::new(error)))?;
        config.application_name("tegata").connect_timeout(options.wait);
        let tls = MakeRustlsConnect::new(tls(options)?);
        let pool = |size: usize| {
            let manager = Manager::from_config(config.clone(), tls.clone(), ManagerConfig { recycling_method: RecyclingMethod::Fast });
            Pool::builder(manager)
                .max_size(size.max(1))
                .runtime(Runtime::Tokio1)
                .wait_timeout(Some(options.wait))
                .create_timeout(Some(options.wait))
                .build()
                .map_err(|error| StoreError::Engine(Arc::new(error)))
        };
        let (pool, feed) = (pool(options.connections)?, pool(1)?);
        let head = {
            let client = take(&feed).await?;
            migrate(&client).await?;
            let setting = client.query_one("SHOW synchronous_commit", &[]).await.map_err(store_error)?;
            if setting.try_get::<_, String>(0).map_err(store_error)? == "off" {
                return Err(StoreError::NotDurable("synchronous_commit is off"));
            }
            head(&client).await?
        };
        shared.polled_at(Instant::now());
        let poller = tokio::spawn(poll(feed.clone(), Arc::clone(&shared), head)).abort_handle();
        Ok(Self { pool, feed, shared, poller })
    }

    pub(super) async fn commit(&self, changes: ChangeSet) -> Result<(), CommitError> {
        let (pool, shared) = (self.pool.clone(), Arc::clone(&self.shared));
        // A task of its own: a committer that goes away must not leave a connection inside a transaction.
        let task = tokio::spawn(async move {
            for _ in 1..ATTEMPTS {
                match commit_once(&pool, &changes).await {
                    Err(Failure::Again) => {}
                    Err(Failure::Refused(error)) => return Err(error),
                    Ok(()) => {
                        shared.count_commit();
                        changes.touched.iter().for_each(|account| shared.bump(account));
                        return Ok(());
                    }
                }
            }
            Err(CommitError::Changed)
        });
        task.await.map_err(|error| StoreError::Unavailable(Arc::new(error)))?
    }

    pub(super) async fn query(&self, statement: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        query(&take(&self.pool).await?, statement, params).await
    }

    pub(super) fn close(&self) {
        self.poller.abort();
        self.pool.close();
        self.feed.close();
    }
}

fn tls(options: &Options) -> Result<rustls::ClientConfig, StoreError> {
    let location = |error: Arc<dyn std::error::Error + Send + Sync>| StoreError::Location(error);
    let mut roots = rustls::RootCertStore::empty();
    if let Some(file) = &options.ca_file {
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| location(Arc::new(error)))? {
            let certificate = certificate.map_err(|error| location(Arc::new(error)))?;
            roots.add(certificate).map_err(|error| location(Arc::new(error)))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(|error| location(Arc::new(error)))?.with_root_certificates(roots).with_no_client_auth())
}

async fn take(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| match error {
        PoolError::Closed => StoreError::Closed,
        other => StoreError::Unavailable(Arc::new(other)),
    })
}

async fn migrate(client: &Object) -> Result<(), StoreError> {
    client.batch_execute("BEGIN").await.map_err(store_error)?;
    let migrated = migrate_locked(client).await;
    client.batch_execute(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" }).await.map_err(store_error)?;
    migrated
}

async fn migrate_locked(client: &Object) -> Result<(), StoreError> {
    client.batch_execute(MIGRATION_LOCK).await.map_err(store_error)?;
    client.batch_execute(migrate::CREATE).await.map_err(store_error)?;
    let found = client.query_one(migrate::NEWEST, &[]).await.map_err(store_error)?.try_get(0).map_err(store_error)?;
    for migration in migrate::pending(found)? {
        client.batch_execute(migration.postgres).await.map_err(store_error)?;
        client.execute(migrate::RECORD, &[&migration.number, &migration.name]).await.map_err(store_error)?;
    }
    Ok(())
}

// ---- commits ---------------------------------------------------------------------------------------------------------------------

enum Failure {
    /// It met another change set; nothing was kept.
    Again,
    Refused(CommitError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.code() {
            Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED => Self::Again,
            // A row this refers to is gone, or something still refers to a row that was to go.
            // Or a name was taken between the check of an update and its write.
            Some(code) if [SqlState::FOREIGN_KEY_VIOLATION, SqlState::UNIQUE_VIOLATION].contains(code) => {
                Self::Refused(CommitError::Changed)
            }
            _ => Self::Refused(store_error(error).into()),
        }
    }
}

async fn commit_once(pool: &Pool, changes: &ChangeSet) -> Result<(), Failure> {
    let client = take(pool).await?;
    let result = commit_on(&client, changes).await;
    if result.is_err() && client.batch_execute("ROLLBACK").await.is_err() {
        // Nobody may get a connection that could still be inside the transaction.
        drop(Object::take(client));
    }
    result
}

async fn commit_on(client: &Object, changes: &ChangeSet) -> Result<(), Failure> {
    let mut prepared = Vec::with_capacity(changes.steps.len());
    for step in &changes.steps {
        prepared.push((step, client.prepare_cached(step.statement).await?));
    }
    // Futures of one join are first polled in order, and each sends when first polled: so the server sees them in order.
    let mut begin = Some(client.batch_execute("BEGIN ISOLATION LEVEL SERIALIZABLE"));
    for chunk in prepared.chunks(PIPELINE) {
        let begun = async {
            match begin.take() {
                Some(begin) => begin.await,
                None => Ok(()),
            }
        };
        let (begun, done) = join(begun, join_all(chunk.iter().map(|(step, statement)| execute(client, step, statement)))).await;
        begun?;
        done.into_iter().collect::<Result<(), Failure>>()?;
    }
    Ok(client.batch_execute("COMMIT").await?)
}

async fn execute(client: &Object, step: &Step, statement: &Statement) -> Result<(), Failure> {
    let rows = client.execute_raw(statement, step.params.iter().map(Param)).await?;
    judge(step.must, rows).map_err(Failure::Refused)
}

async fn query(client: &Object, statement: &'static str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
    let prepared = client.prepare_cached(statement).await.map_err(store_error)?;
    let params: Vec<Param<'_>> = params.iter().map(Param).collect();
    let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
    let rows = client.query(&prepared, &params).await.map_err(store_error)?;
    let read = |row: tokio_postgres::Row| {
        (0..row.len()).map(|column| row.try_get::<_, Got>(column).map(|Got(value)| value)).collect::<Result<Vec<_>, _>>().map(Row)
    };
    rows.into_iter().map(read).collect::<Result<_, _>>().map_err(store_error)
}

// ---- the feed --------------------------------------------------------------------------------------------------------------------

async fn head(client: &Object) -> Result<i64, StoreError> {
    let rows = query(client, feed::HEAD, &[]).await?;
    match rows.first().and_then(|row| row.0.first()) {
        Some(Value::Int(seq)) => Ok(*seq),
        _ => Err(StoreError::Corrupt { table: "feed_head", column: "seq", id: "1".to_owned() }),
    }
}

async fn poll(pool: Pool, shared: Arc<Shared>, mut seen: i64) {
    loop {
        tokio::time::sleep(POLL).await;
        let began = Instant::now();
        if let Ok(newest) = tokio::time::timeout(POLL * 2, poll_once(&pool, &shared, seen)).await.unwrap_or(Err(StoreError::Closed)) {
            seen = newest;
            shared.polled_at(began);
        }
    }
}

/// Bumps the versions of all accounts that changed after `seen`; the newest number.
async fn poll_once(pool: &Pool, shared: &Shared, mut seen: i64) -> Result<i64, StoreError> {
    let client = take(pool).await?;
    let newest = head(&client).await?;
    if newest < seen {
        // The database was put back to an older state.
        shared.bump_all();
        return Ok(newest);
    }
    while seen < newest {
        let rows = query(&client, feed::AFTER, &[Value::Int(seen)]).await?;
        let mut next = seen;
        for row in rows {
            match row.0.as_slice() {
                [Value::Int(seq), Value::Id(account)] if *seq == next + 1 => {
                    shared.bump(&AccountId::from_bytes(*account));
                    next = *seq;
                }
                _ => {
                    next = seen;
                    break;
                }
            }
        }
        if next == seen {
            // Rows that should follow are gone or unreadable: anything may have changed.
            shared.bump_all();
            return Ok(newest);
        }
        seen = next;
    }
    Ok(seen)
}

// ---- values ----------------------------------------------------------------------------------------------------------------------

#[derive(Debug)]
struct Param<'a>(&'a Value);

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => number.to_sql_checked(ty, out),
            Value::Text(text) => text.as_ref().to_sql_checked(ty, out),
            Value::Id(bytes) => bytes.as_slice().to_sql_checked(ty, out),
            Value::Blob(bytes) => bytes.as_slice().to_sql_checked(ty, out),
        }
    }

    // Which types a value fits is only known by looking at it, so `to_sql` checks.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

struct Got(Value);

impl<'a> FromSql<'a> for Got {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::BYTEA => match <[u8; 16]>::try_from(raw) {
                Ok(id) => Value::Id(id),
                Err(_) => Value::Blob(raw.to_vec()),
            },
            _ => Value::Text(String::from_sql(ty, raw)?.into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::BYTEA | Type::TEXT | Type::VARCHAR)
    }
}

// ---- errors ----------------------------------------------------------------------------------------------------------------------

fn store_error(error: Error) -> StoreError {
    match error.code() {
        Some(code) if *code == SqlState::DISK_FULL => StoreError::Full,
        // Classes 08 (connection), 53 (resources), 57 (operator intervention): later it may work.
        Some(code) if ["08", "53", "57"].iter().any(|class| code.code().starts_with(class)) => StoreError::Unavailable(Arc::new(error)),
        None if error.is_closed() || std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>) => {
            StoreError::Unavailable(Arc::new(error))
        }
        _ => StoreError::Engine(Arc::new(error)),
    }
}

/// Runs statements on a connection of their own.
#[cfg(any(test, feature = "testing"))]
pub(crate) async fn batch(url: &str, sql: &str) -> Result<(), StoreError> {
    let config: Config = url.parse().map_err(|error: Error| StoreError::Location(Arc::new(error)))?;
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(store_error)?;
    let connection = tokio::spawn(connection);
    let done = client.batch_execute(sql).await.map_err(store_error);
    drop(client);
    let _ = connection.await;
    done
}
