//! The schema, in numbered pairs: the same tables and columns on both engines. A released migration is never edited.

use crate::StoreError;

/// One step of the schema.
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

/// All of them, in order.
pub(crate) const MIGRATIONS: &[Migration] = migrations![
    1 "0001_directory", 2 "0002_objects", 3 "0003_audit", 4 "0004_administration", 5 "0005_sign_in",
    6 "0006_settings", 7 "0007_oidc_providers",
    8 "0008_sessions", 9 "0009_oauth", 10 "0010_browser", 11 "0011_devices",
    12 "0012_mail", 13 "0013_sam", 14 "0014_sam_permissions",
    15 "0015_organisations", 16 "0016_api_tokens", 17 "0017_application_policies",
    18 "0018_wrapped"
];

/// Where the engine remembers what it has applied.
pub(crate) const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)";
/// The same, for the engine whose integer type has another name.
pub(crate) const CREATE_STRICT: &str =
    "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT";
pub(crate) const NEWEST: &str = "SELECT coalesce(max(number), 0) FROM schema_migrations";
pub(crate) const RECORD: &str = "INSERT INTO schema_migrations (number, name) VALUES ($1, $2)";

/// The number of the newest migration.
pub(crate) fn needed() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// The migrations still to apply to a schema of version `found`.
pub(crate) fn pending(found: i64) -> Result<impl Iterator<Item = &'static Migration>, StoreError> {
    let needed = needed();
    if found > needed {
        return Err(StoreError::Schema { found, needed });
    }
    Ok(MIGRATIONS.iter().filter(move |migration| migration.number > found))
}
