//! Migrations come in pairs: both engines end with the same tables, columns, keys and indexes.

use std::collections::BTreeSet;

use crate::{Location, Options, Store, StoreError, Value, engine, testing::TestStore};

// table, column, family of type, nullable, part of the primary key
const SQLITE_COLUMNS: &str = "SELECT m.name, c.name, CASE c.type WHEN 'INTEGER' THEN 'int' WHEN 'TEXT' THEN 'text' ELSE 'bytes' END, \
    c.\"notnull\", c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'";
const POSTGRES_COLUMNS: &str = "SELECT c.table_name::text, c.column_name::text, \
    CASE c.data_type WHEN 'bigint' THEN 'int' WHEN 'text' THEN 'text' WHEN 'bytea' THEN 'bytes' ELSE 'other' END, \
    CASE c.is_nullable WHEN 'NO' THEN 1::bigint ELSE 0 END, \
    coalesce((SELECT k.ordinal_position::bigint FROM information_schema.table_constraints t JOIN information_schema.key_column_usage k \
    ON k.constraint_name = t.constraint_name AND k.table_schema = t.table_schema WHERE t.constraint_type = 'PRIMARY KEY' \
    AND t.table_name = c.table_name AND k.column_name = c.column_name), 0) \
    FROM information_schema.columns c WHERE c.table_schema = 'public'";
// index, position, column, unique, partial
const SQLITE_INDEXES: &str = "SELECT i.name, x.seqno, x.name, i.\"unique\", i.partial FROM sqlite_master m \
    JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) x WHERE m.type = 'table' AND i.origin = 'c'";
const POSTGRES_INDEXES: &str = "SELECT r.relname::text, k.at - 1, a.attname::text, i.indisunique::int, (i.indpred IS NOT NULL)::int \
    FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid JOIN pg_namespace n ON n.oid = r.relnamespace \
    CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k(attnum, at) \
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE n.nspname = 'public' AND NOT i.indisprimary";
// table, column, the table it refers to
const SQLITE_REFERENCES: &str = "SELECT m.name, f.\"from\", f.\"table\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
    WHERE m.type = 'table'";
const POSTGRES_REFERENCES: &str = "SELECT t.relname::text, a.attname::text, u.relname::text FROM pg_constraint c \
    JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class u ON u.oid = c.confrelid \
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'";

async fn set(store: &Store, statement: &'static str) -> BTreeSet<String> {
    store.query(statement, &[]).await.unwrap().into_iter().map(|row| format!("{:?}", row.0)).collect()
}

#[tokio::test]
async fn both_engines_have_the_same_catalog() {
    let sqlite = TestStore::sqlite().await.unwrap();
    let columns = set(&sqlite, SQLITE_COLUMNS).await;
    assert!(columns.len() > 100, "{}", columns.len());
    let Some(postgres) = TestStore::postgres().await.unwrap() else { return };
    for (on_sqlite, on_postgres) in
        [(SQLITE_COLUMNS, POSTGRES_COLUMNS), (SQLITE_INDEXES, POSTGRES_INDEXES), (SQLITE_REFERENCES, POSTGRES_REFERENCES)]
    {
        let (left, right) = (set(&sqlite, on_sqlite).await, set(&postgres, on_postgres).await);
        assert!(!left.is_empty());
        assert_eq!(left.difference(&right).collect::<Vec<_>>(), Vec::<&String>::new(), "only on SQLite");
        assert_eq!(right.difference(&left).collect::<Vec<_>>(), Vec::<&String>::new(), "only on PostgreSQL");
    }
}

#[tokio::test]
async fn every_sqlite_table_is_strict() {
    let store = TestStore::sqlite().await.unwrap();
    let loose = store.query("SELECT name FROM pragma_table_list WHERE strict = 0 AND name NOT LIKE 'sqlite%'", &[]).await.unwrap();
    assert_eq!(loose, Vec::new());
}

#[tokio::test]
async fn opening_again_changes_nothing_and_a_newer_schema_is_refused() {
    for store in TestStore::each().await.unwrap() {
        let again = Store::open(store.location(), &Options::default()).await.unwrap();
        again.ping().await.unwrap();
        let mut changes = crate::ChangeSet::new(super::sample::NOW);
        let insert = "INSERT INTO schema_migrations (number, name) VALUES ($1, $2)";
        changes.push(crate::Step::new(insert, vec![Value::Int(9000), "9000_future".into()], crate::Must::Hold));
        store.commit(changes).await.unwrap();
        let refused = Store::open(store.location(), &Options::default()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Schema { found: 9000, .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    let Some(store) = TestStore::postgres().await.unwrap() else { return };
    let Location::Postgres { url } = store.location() else { panic!("a PostgreSQL store") };
    engine::postgres_batch(url.expose(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    let options = Options::default();
    let (one, two) = tokio::join!(Store::open(store.location(), &options), Store::open(store.location(), &options));
    one.unwrap().ping().await.unwrap();
    two.unwrap().ping().await.unwrap();
}
