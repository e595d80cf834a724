//! Fresh stores for tests: SQLite always, PostgreSQL when `TEGATA_TEST_POSTGRES` names a cluster (a `postgres://` URL or
//! `key=value` pairs) whose user may make databases.

use std::{
    ops::Deref,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use tegata_model::SecretKey;

use crate::{Location, Options, Store, StoreError, engine};

/// A store of its own, gone when this is dropped.
#[derive(Debug)]
pub struct TestStore {
    store: Store,
    location: Location,
    folder: tempfile::TempDir,
    database: Option<Database>,
}

impl TestStore {
    /// A fresh SQLite store.
    pub async fn sqlite() -> Result<Self, StoreError> {
        let folder = tempfile::tempdir().map_err(|error| StoreError::Location(std::sync::Arc::new(error)))?;
        let location = Location::Sqlite { path: folder.path().join("tegata.db"), read_only: false };
        let store = Store::open(&location, &Options::default()).await?;
        Ok(Self { store, location, folder, database: None })
    }

    /// A fresh PostgreSQL database; `None` when no cluster is named.
    pub async fn postgres() -> Result<Option<Self>, StoreError> {
        let Some(cluster) = cluster() else { return Ok(None) };
        let folder = tempfile::tempdir().map_err(|error| StoreError::Location(std::sync::Arc::new(error)))?;
        let database = Database::create(cluster).await?;
        let location = Location::Postgres { url: SecretKey::new(in_database(&database.cluster, &database.name)) };
        let store = Store::open(&location, &Options::default()).await?;
        Ok(Some(Self { store, location, folder, database: Some(database) }))
    }

    /// One of each engine there is.
    pub async fn each() -> Result<Vec<Self>, StoreError> {
        let mut stores = vec![Self::sqlite().await?];
        stores.extend(Self::postgres().await?);
        Ok(stores)
    }

    /// Where it is, to open it once more.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// A folder that lives as long as the store, for blobs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// True on PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.database.is_some()
    }
}

impl Deref for TestStore {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told of a cluster by the environment, not by the binary's config")]
fn cluster() -> Option<String> {
    std::env::var("TEGATA_TEST_POSTGRES").ok().filter(|text| !text.is_empty())
}

/// A database that is dropped with this.
#[derive(Debug)]
struct Database {
    cluster: String,
    name: String,
}

impl Database {
    async fn create(cluster: String) -> Result<Self, StoreError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("tegata_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        engine::postgres_batch(&cluster, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        engine::postgres_batch(&cluster, &format!("CREATE DATABASE {name}")).await?;
        Ok(Self { cluster, name })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (cluster, sql) = (std::mem::take(&mut self.cluster), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // A test's runtime cannot be waited on from here.
        let dropping = std::thread::spawn(move || {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                let _ = runtime.block_on(engine::postgres_batch(&cluster, &sql));
            }
        });
        let _ = dropping.join();
    }
}

/// The same cluster, another database.
fn in_database(cluster: &str, name: &str) -> String {
    let Some((scheme, rest)) = cluster.split_once("://") else { return format!("{cluster} dbname={name}") };
    let (place, settings) = rest.split_once('?').unwrap_or((rest, ""));
    let host = place.split_once('/').map_or(place, |(host, _)| host);
    let mark = if settings.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}/{name}{mark}{settings}")
}
