//! Cache versions rise before the committer is answered, and within a poll in other processes.

use std::time::Duration;

use super::sample::{NOW, account};
use crate::{ChangeSet, CommitError, Options, Store, account, feed, testing::TestStore};

fn touching(n: u8) -> ChangeSet {
    let mut changes = ChangeSet::new(NOW);
    changes.push(account::raise_epoch(account(n).id));
    changes.touch(account(n).id);
    changes.touch(account(n).id);
    changes
}

async fn with_account(store: &Store, n: u8) {
    let mut changes = ChangeSet::new(NOW);
    changes.push(account::insert(&account(n)));
    store.commit(changes).await.unwrap();
}

#[tokio::test]
async fn a_touched_account_has_a_new_version_when_the_commit_is_answered() {
    for store in TestStore::each().await.unwrap() {
        with_account(&store, 1).await;
        let (mine, other) = (store.version(&account(1).id), store.version(&account(2).id));
        store.commit(touching(1)).await.unwrap();
        assert!(store.version(&account(1).id) > mine);
        assert_eq!(store.version(&account(2).id), other);
        let mine = store.version(&account(1).id);
        assert!(matches!(store.commit(touching(3)).await, Err(CommitError::Changed)));
        assert_eq!(store.version(&account(1).id), mine);
        assert_eq!(store.query("SELECT seq FROM feed", &[]).await.unwrap().len(), 1, "once per change set, none for a refused one");
        assert!(store.fresh());
    }
}

#[tokio::test]
async fn other_processes_see_it_within_a_second_even_across_a_gap() {
    let Some(store) = TestStore::postgres().await.unwrap() else { return };
    with_account(&store, 1).await;
    let other = Store::open(store.location(), &Options::default()).await.unwrap();
    let seen = other.version(&account(1).id);
    store.commit(touching(1)).await.unwrap();
    until(|| other.version(&account(1).id) > seen).await;

    let (seen, elsewhere) = (other.version(&account(1).id), other.version(&account(7).id));
    let mut changes = touching(1);
    changes.push(feed::sweep(NOW.plus(Duration::from_secs(1))));
    store.commit(changes).await.unwrap();
    let mut sweep = ChangeSet::new(NOW);
    sweep.push(feed::sweep(NOW.plus(Duration::from_secs(1))));
    store.commit(sweep).await.unwrap();
    until(|| other.version(&account(1).id) > seen).await;
    assert!(other.fresh());
    let _ = elsewhere;
    other.clone().close().await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(!other.fresh(), "nobody reads the feed any more");
}

async fn until(condition: impl Fn() -> bool) {
    for _ in 0..100 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within a second");
}
