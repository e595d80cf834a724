//! Identity providers, and the keys their issuers published.

use std::time::Duration;

use tegata_model::{Epoch, Generation, OidcProviderId, Status, Timestamp};

use super::sample::{NOW, account};
use crate::{
    ChangeSet, CommitError, Step, Store, account,
    issuer_keys::{self, IssuerKeysRow},
    oidc_provider::{self, OidcProviderRow},
    testing::TestStore,
};

async fn apply(store: &Store, steps: impl IntoIterator<Item = Step>) -> Result<(), CommitError> {
    let mut changes = ChangeSet::new(NOW);
    changes.extend(steps);
    store.commit(changes).await
}

fn provider(n: u8, name: &str, issuer: &str) -> OidcProviderRow {
    OidcProviderRow {
        id: OidcProviderId::from_bytes([n; 16]),
        account_id: account(1).id,
        name: name.parse().unwrap(),
        issuer: issuer.parse().unwrap(),
        client_ids: vec!["sts.example".parse().unwrap(), "other".parse().unwrap()],
        fingerprints: vec!["ab".repeat(20).parse().unwrap()],
        issuance_limit: Duration::from_hours(12),
        description: "for tests".into(),
        status: Status::Active,
        epoch: Epoch(0),
        generation: Generation(1),
        created_at: NOW,
        updated_at: NOW,
    }
}

#[tokio::test]
async fn providers() {
    for store in TestStore::each().await.unwrap() {
        let mut row = provider(1, "CI", "https://ci.test");
        let account = row.account_id;
        apply(&store, [account::insert(&super::sample::account(1)), oidc_provider::insert(&row)]).await.unwrap();
        for found in [
            oidc_provider::find(&store, row.id).await,
            oidc_provider::find_by_name(&store, account, "ci").await,
            oidc_provider::find_by_issuer(&store, account, &row.issuer).await,
        ] {
            assert_eq!(found.unwrap().as_ref(), Some(&row));
        }
        for taken in [provider(2, "ci", "https://other.test"), provider(2, "other", "https://ci.test")] {
            assert!(matches!(apply(&store, [oidc_provider::insert(&taken)]).await, Err(CommitError::Exists("OIDC provider"))));
        }
        let more = provider(2, "another", "https://Ci.test");
        apply(&store, [oidc_provider::insert(&more), oidc_provider::at_most(account, 2)]).await.unwrap();
        assert_eq!(oidc_provider::count(&store, account).await.unwrap(), 2);
        assert_eq!(oidc_provider::list(&store, account, "another", 9).await.unwrap(), std::slice::from_ref(&row));
        let third = [oidc_provider::insert(&provider(3, "third", "https://3.test")), oidc_provider::at_most(account, 2)];
        assert!(matches!(apply(&store, third).await, Err(CommitError::Changed)));

        row.client_ids.clear();
        row.fingerprints.clear();
        row.issuance_limit = Duration::from_hours(1);
        apply(
            &store,
            [oidc_provider::update(&row), oidc_provider::raise_epoch(row.id), oidc_provider::set_status(row.id, Status::Inactive)],
        )
        .await
        .unwrap();
        (row.epoch, row.generation, row.status) = (Epoch(1), Generation(4), Status::Inactive);
        assert_eq!(oidc_provider::find(&store, row.id).await.unwrap().as_ref(), Some(&row));
        assert!(matches!(apply(&store, [oidc_provider::expect(row.id, Generation(3))]).await, Err(CommitError::Changed)));
        apply(&store, [oidc_provider::expect(row.id, Generation(4)), oidc_provider::delete(row.id)]).await.unwrap();
        assert_eq!(oidc_provider::find(&store, row.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn keys_of_issuers_are_replaced_by_newer_ones_only() {
    for store in TestStore::each().await.unwrap() {
        let row = |keys: &[u8], at| IssuerKeysRow {
            issuer: "https://ci.test".into(),
            keys: keys.to_vec(),
            certificates: vec!["aa".into(), "bb".into()],
            fetched_at: Timestamp::from_unix(at),
        };
        for (keys, at, kept) in [(&b"one"[..], 10, &b"one"[..]), (b"two", 20, b"two"), (b"late", 15, b"two")] {
            apply(&store, [issuer_keys::keep(&row(keys, at))]).await.unwrap();
            assert_eq!(issuer_keys::find(&store, "https://ci.test").await.unwrap().unwrap().keys, kept);
        }
        apply(&store, [issuer_keys::sweep(Timestamp::from_unix(20))]).await.unwrap();
        assert_eq!(issuer_keys::find(&store, "https://ci.test").await.unwrap(), Some(row(b"two", 20)));
        apply(&store, [issuer_keys::sweep(Timestamp::from_unix(21))]).await.unwrap();
        assert_eq!(issuer_keys::find(&store, "https://ci.test").await.unwrap(), None);
    }
}
