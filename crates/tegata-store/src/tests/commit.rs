//! Change sets: all or nothing, once or never, and together on SQLite.

use futures_util::future::join_all;

use super::sample::{NOW, account, user};
use crate::{
    ChangeSet, Claim, CommitError, Location, Must, Options, Step, Store, StoreError, Value, account, meta, replay, testing::TestStore, user,
};

async fn one(store: &Store, step: Step) -> Result<(), CommitError> {
    let mut changes = ChangeSet::new(NOW);
    changes.push(step);
    store.commit(changes).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_claims_of_one_nonce_exactly_one_wins() {
    for store in TestStore::each().await.unwrap() {
        let claims = (0..50).map(|n: u8| {
            let store = Store::clone(&store);
            tokio::spawn(async move {
                let mut changes = ChangeSet::new(NOW);
                changes.push(replay::claim([5; 16], NOW));
                changes.push(meta::insert(&format!("winner {n}"), b"x"));
                store.commit(changes).await
            })
        });
        let results: Vec<_> = join_all(claims).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(CommitError::Claimed(Claim::Nonce)))), "{results:?}");
        assert_eq!(store.query("SELECT 1 FROM meta", &[]).await.unwrap().len(), 1, "losers left nothing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_change_sets_share_a_commit_and_a_failing_one_harms_nobody() {
    for store in TestStore::each().await.unwrap() {
        let before = store.durable_commits();
        let sets = (0..200_u8).map(|n| {
            let store = Store::clone(&store);
            tokio::spawn(async move {
                let mut changes = ChangeSet::new(NOW);
                changes.push(meta::insert(&format!("set {n}"), &[n]));
                if n % 10 == 0 {
                    changes.push(account::expect(account(1).id, tegata_model::Generation(1)));
                }
                store.commit(changes).await
            })
        });
        let results: Vec<_> = join_all(sets).await.into_iter().map(Result::unwrap).collect();
        for (n, result) in results.iter().enumerate() {
            let stored = meta::read(&store, &format!("set {n}")).await.unwrap();
            if n % 10 == 0 {
                assert!(matches!(result, Err(CommitError::Changed)), "{result:?}");
                assert_eq!(stored, None);
            } else {
                assert!(result.is_ok(), "{result:?}");
                assert_eq!(stored, Some(vec![u8::try_from(n).unwrap()]));
            }
        }
        let commits = store.durable_commits() - before;
        if store.is_postgres() {
            assert_eq!(commits, 180);
        } else {
            assert!(commits < 180, "{commits} commits for 180 change sets");
        }
    }
}

#[tokio::test]
async fn one_after_the_other_each_has_a_commit_of_its_own() {
    for store in TestStore::each().await.unwrap() {
        let before = store.durable_commits();
        for n in 0..5_u8 {
            one(&store, meta::write("key", &[n])).await.unwrap();
        }
        assert!(matches!(one(&store, meta::insert("key", b"x")).await, Err(CommitError::Exists("meta value"))));
        store.commit(ChangeSet::new(NOW)).await.unwrap();
        assert_eq!(store.durable_commits() - before, 5);
    }
}

#[tokio::test]
async fn expectations_names_and_references() {
    for store in TestStore::each().await.unwrap() {
        let row = account(1);
        one(&store, account::insert(&row)).await.unwrap();
        assert!(matches!(one(&store, account::insert(&row)).await, Err(CommitError::Exists("account"))));
        one(&store, account::expect(row.id, row.generation)).await.unwrap();
        one(&store, account::raise_epoch(row.id)).await.unwrap();
        assert!(matches!(one(&store, account::expect(row.id, row.generation)).await, Err(CommitError::Changed)));
        // Its account does not exist.
        let stray = user(account(2).id, 1, "stray");
        assert!(matches!(one(&store, user::insert(&stray)).await, Err(CommitError::Changed)));
        assert_eq!(user::find(&store, stray.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_mistaken_statement_is_an_error_and_the_next_commit_works() {
    for store in TestStore::each().await.unwrap() {
        for statement in ["UPDATE nothing SET a = 1", "INSERT INTO meta (key, value) VALUES (NULL, $1)", "UPDATE meta SET key = 'x'"] {
            let mut changes = ChangeSet::new(NOW);
            changes.push(meta::write("kept out", b"x"));
            changes.push(Step::new(statement, vec![Value::Blob(vec![1])], Must::Anything));
            let failed = store.commit(changes).await.unwrap_err();
            assert!(matches!(failed, CommitError::Store(StoreError::Engine(_))), "{failed:?}");
        }
        one(&store, meta::write("kept", b"x")).await.unwrap();
        assert_eq!(meta::read(&store, "kept out").await.unwrap(), None);
    }
}

#[tokio::test]
async fn more_steps_than_one_pipeline_keep_their_order() {
    for store in TestStore::each().await.unwrap() {
        let mut changes = ChangeSet::new(NOW);
        changes.extend((0..100_u8).map(|n| meta::write("last", &[n])));
        store.commit(changes).await.unwrap();
        assert_eq!(meta::read(&store, "last").await.unwrap(), Some(vec![99]));
    }
}

#[tokio::test]
async fn read_only_reads_beside_a_writer_and_closing_keeps_everything() {
    let store = TestStore::sqlite().await.unwrap();
    let Location::Sqlite { path, .. } = store.location() else { panic!("a SQLite store") };
    one(&store, meta::write("key", b"value")).await.unwrap();
    let reading = Location::Sqlite { path: path.clone(), read_only: true };
    let reader = Store::open(&reading, &Options::default()).await.unwrap();
    assert_eq!(meta::read(&reader, "key").await.unwrap(), Some(b"value".to_vec()));
    assert!(matches!(one(&reader, meta::write("key", b"x")).await, Err(CommitError::Store(StoreError::ReadOnly))));
    drop(reader);
    let last = one(&store, meta::write("last", b"value"));
    let closing = Store::clone(&store).close();
    last.await.unwrap();
    closing.await;
    assert!(matches!(one(&store, meta::write("key", b"x")).await, Err(CommitError::Store(StoreError::Closed))));
    let alone = Store::open(&reading, &Options::default()).await.unwrap();
    assert_eq!(meta::read(&alone, "last").await.unwrap(), Some(b"value".to_vec()));
}

#[tokio::test]
async fn nothing_there_is_an_error_that_shows_no_password() {
    let options = Options { wait: std::time::Duration::from_secs(1), ..Options::default() };
    let url = "postgres://somebody:s3cr3t-word@127.0.0.1:1/nowhere";
    let location = Location::Postgres { url: tegata_model::SecretKey::new(url.into()) };
    let error = Store::open(&location, &options).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error:?} {location:?}").contains("s3cr3t"));
    let location = Location::Sqlite { path: "/nonexistent/folder/tegata.db".into(), read_only: false };
    assert!(matches!(Store::open(&location, &options).await, Err(StoreError::Location(_))));
}
