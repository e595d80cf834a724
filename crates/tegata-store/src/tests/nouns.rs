//! Each noun: what goes in comes out, what changes raises generations, what cannot be is refused.

use tegata_model::{AccountId, BlobId, Epoch, Generation, PasswordHash, SessionId, Status, Timestamp};

use super::sample::{
    NOW, account, audit, bucket, group, key, login_profile, mfa_device, object, password_policy, policy, role, security_preference, user,
};
use crate::{
    ChangeSet, Claim, CommitError, Must, Step, Store, StoreError, Value, access_key, account,
    audit::{self, Filter, Outcome, RefusalCount},
    bucket, group,
    keyring::{self, KeyringRow},
    login_profile, mfa_device, object, password_policy,
    policy::{self, Target},
    replay, role, security_preference, session,
    testing::TestStore,
    user,
};

async fn apply(store: &Store, steps: impl IntoIterator<Item = Step>) -> Result<(), CommitError> {
    let mut changes = ChangeSet::new(NOW);
    changes.extend(steps);
    store.commit(changes).await
}

async fn with_account(store: &Store) -> AccountId {
    apply(store, [account::insert(&account(1))]).await.unwrap();
    account(1).id
}

#[tokio::test]
async fn accounts() {
    for store in TestStore::each().await.unwrap() {
        let mut row = account(1);
        apply(&store, [account::insert(&row), account::insert(&account(2))]).await.unwrap();
        for found in [
            account::find(&store, row.id).await,
            account::find_by_number(&store, row.number).await,
            account::find_by_alias(&store, &row.alias).await,
        ] {
            assert_eq!(found.unwrap().as_ref(), Some(&row));
        }
        assert_eq!(account::list(&store).await.unwrap().len(), 2);
        apply(&store, [account::raise_epoch(row.id), account::set_status(row.id, Status::Inactive)]).await.unwrap();
        (row.epoch, row.generation, row.status) = (Epoch(1), Generation(3), Status::Inactive);
        assert_eq!(account::find(&store, row.id).await.unwrap(), Some(row));
        assert_eq!(account::find(&store, account(3).id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn users_groups_and_keys() {
    for store in TestStore::each().await.unwrap() {
        let account = with_account(&store).await;
        let mut root = user(account, 1, "root");
        root.kind = user::UserKind::Root;
        root.login = Some("root@acme.test".into());
        let alice = user(account, 2, "Alice");
        apply(&store, [user::insert(&root), user::insert(&alice)]).await.unwrap();
        assert_eq!(user::find_by_name(&store, account, "alice").await.unwrap().as_ref(), Some(&alice));
        assert_eq!(user::find_by_name(&store, account, "root").await.unwrap(), None);
        assert_eq!(user::find_root(&store, account).await.unwrap().as_ref(), Some(&root));
        assert_eq!(user::find_by_login(&store, "root@acme.test").await.unwrap(), Some(root));
        assert_eq!(user::list(&store, account, "", 10).await.unwrap(), std::slice::from_ref(&alice));
        assert!(matches!(apply(&store, [user::insert(&user(account, 3, "ALICE"))]).await, Err(CommitError::Exists("user"))));

        let staff = group(account, 1, "staff");
        apply(&store, [group::insert(&staff)]).await.unwrap();
        apply(&store, group::add_member(staff.id, alice.id, super::sample::NOW)).await.unwrap();
        assert!(matches!(
            apply(&store, group::add_member(staff.id, alice.id, super::sample::NOW)).await,
            Err(CommitError::Exists("membership"))
        ));
        assert_eq!(group::members(&store, staff.id).await.unwrap(), [alice.id]);
        let of_alice = group::of_user(&store, alice.id).await.unwrap();
        assert_eq!(of_alice.iter().map(|group| (group.id, group.generation)).collect::<Vec<_>>(), [(staff.id, Generation(2))]);
        assert_eq!(user::find(&store, alice.id).await.unwrap().unwrap().generation, Generation(2));
        assert!(matches!(apply(&store, [group::delete(staff.id)]).await, Err(CommitError::Changed)), "it has a member");
        apply(&store, group::remove_member(staff.id, alice.id)).await.unwrap();
        apply(&store, [group::delete(staff.id)]).await.unwrap();
        assert_eq!(group::find_by_name(&store, account, "staff").await.unwrap(), None);

        let row = key(&alice, 1);
        apply(&store, access_key::insert(&row)).await.unwrap();
        assert_eq!(access_key::find(&store, row.key_id.as_str()).await.unwrap().as_ref(), Some(&row));
        assert_eq!(access_key::of_user(&store, alice.id).await.unwrap(), std::slice::from_ref(&row));
        apply(&store, [access_key::expect(row.id, row.generation), access_key::set_status(row.id, Status::Inactive)]).await.unwrap();
        assert!(matches!(apply(&store, [access_key::expect(row.id, row.generation)]).await, Err(CommitError::Changed)));
        assert!(matches!(apply(&store, [user::delete(alice.id)]).await, Err(CommitError::Changed)), "it has a key");
        apply(&store, access_key::delete(row.id, alice.id)).await.unwrap();
        apply(&store, [user::delete(alice.id)]).await.unwrap();
        assert_eq!(access_key::find(&store, "LTAIkey1").await.unwrap(), None);
    }
}

#[tokio::test]
async fn roles_and_policies() {
    for store in TestStore::each().await.unwrap() {
        let account = with_account(&store).await;
        let row = role(account, 1, "App-Uploader");
        apply(&store, [role::insert(&row), role::bind(row.id, "b", [2; 16]), role::bind(row.id, "a", [1; 16])]).await.unwrap();
        assert_eq!(role::find_by_name(&store, account, "app-uploader").await.unwrap().as_ref(), Some(&row));
        assert_eq!(role::bindings(&store, row.id).await.unwrap(), [("a".to_owned(), [1; 16]), ("b".to_owned(), [2; 16])]);

        let mut targets = vec![*row.id.as_bytes()];
        let alice = user(account, 9, "alice");
        apply(&store, [user::insert(&alice)]).await.unwrap();
        for n in 10..22_u8 {
            let (policy, version) = policy(if n % 2 == 0 { Some(account) } else { None }, n, &format!("Policy-{n}"));
            let mut steps = vec![policy::insert(&policy)];
            steps.extend(policy::add_version(&version));
            steps.extend(policy::attach(Target::Role(row.id), policy.id, account, NOW));
            apply(&store, steps).await.unwrap();
            targets.push([n; 16]);
        }
        targets.push(*alice.id.as_bytes());
        let (shared, _) = policy(Some(account), 10, "Policy-10");
        apply(&store, policy::attach(Target::User(alice.id), shared.id, account, NOW)).await.unwrap();
        let attached = policy::attached_to(&store, &targets).await.unwrap();
        assert_eq!(attached.len(), 13);
        assert_eq!((attached[0].document.as_str(), attached[0].generation), ("document of Policy-10", Generation(2)));
        assert_eq!(attached.iter().filter(|policy| policy.target_id == *alice.id.as_bytes()).count(), 1);
        assert_eq!(policy::attached_to(&store, &[]).await.unwrap(), []);
        assert_eq!(role::find(&store, row.id).await.unwrap().unwrap().generation, Generation(13));

        assert_eq!(policy::find_by_name(&store, None, "policy-11").await.unwrap().unwrap().account_id, None);
        assert_eq!(policy::find_by_name(&store, Some(account), "policy-11").await.unwrap(), None);
        assert_eq!(policy::list(&store, Some(account), "policy-12", 2).await.unwrap().len(), 2);
        assert_eq!(policy::targets(&store, shared.id).await.unwrap().len(), 2);
        assert!(matches!(apply(&store, policy::delete(shared.id)).await, Err(CommitError::Changed)), "it is attached");
        assert_eq!(policy::versions(&store, shared.id).await.unwrap().len(), 1, "and its versions came back");
        assert!(matches!(
            apply(&store, policy::attach(Target::User(alice.id), shared.id, account, NOW)).await,
            Err(CommitError::Exists("attachment"))
        ));
        apply(&store, policy::detach(Target::User(alice.id), shared.id)).await.unwrap();
        apply(&store, [policy::detach_all(Target::Role(row.id))]).await.unwrap();
        apply(&store, policy::delete(shared.id)).await.unwrap();
        apply(&store, role::delete(row.id)).await.unwrap();
        assert_eq!(role::find(&store, row.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn objects_are_listed_in_byte_order() {
    for store in TestStore::each().await.unwrap() {
        let account = with_account(&store).await;
        let photos = bucket(account, 1, "photos");
        apply(&store, [bucket::insert(&photos), bucket::insert(&bucket(account, 2, "phone"))]).await.unwrap();
        assert!(matches!(apply(&store, [bucket::insert(&bucket(account, 3, "photos"))]).await, Err(CommitError::Exists("bucket"))));
        assert_eq!(bucket::find_by_name(&store, &photos.name).await.unwrap().as_ref(), Some(&photos));
        let names = |rows: Vec<bucket::BucketRow>| rows.into_iter().map(|row| row.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(bucket::list(&store, account, "pho", "", 10).await.unwrap()), ["phone", "photos"]);
        assert_eq!(names(bucket::list(&store, account, "", "phone", 10).await.unwrap()), ["photos"]);
        assert_eq!(names(bucket::list(&store, account, "phot", "", 10).await.unwrap()), ["photos"]);

        let keys = ["Z", "a", "a/b", "a/é", "a0", "sixteen-bytes-xx", "ä", "\u{1F600}"];
        for (n, key) in keys.iter().rev().enumerate() {
            apply(&store, [object::put(&object(photos.id, key, u8::try_from(n).unwrap()), None)]).await.unwrap();
        }
        let listed = async |prefix: &str, after: &str, limit| {
            let rows = object::list(&store, photos.id, prefix.as_bytes(), after.as_bytes(), limit).await.unwrap();
            rows.into_iter().map(|row| row.key.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(listed("", "", 100).await, keys);
        assert_eq!(listed("a/", "", 100).await, ["a/b", "a/é"]);
        assert_eq!(listed("a", "a/b", 2).await, ["a/é", "a0"]);
        assert_eq!(listed("b", "", 2).await, Vec::<String>::new());
        assert_eq!(object::list(&store, photos.id, &[0xFF], &[], 9).await.unwrap(), []);

        let (old, new) = (object(photos.id, "a", 6), object(photos.id, "a", 99));
        assert_eq!(object::find(&store, photos.id, &old.key).await.unwrap().as_ref(), Some(&old));
        assert!(matches!(apply(&store, [object::put(&new, None)]).await, Err(CommitError::Changed)), "somebody put it first");
        apply(&store, [object::put(&new, Some(old.blob_id))]).await.unwrap();
        assert!(matches!(apply(&store, [object::put(&new, Some(old.blob_id))]).await, Err(CommitError::Changed)));
        assert!(object::blob_in_use(&store, new.blob_id).await.unwrap());
        assert!(!object::blob_in_use(&store, old.blob_id).await.unwrap());
        assert!(matches!(apply(&store, [object::delete(photos.id, &old.key, old.blob_id)]).await, Err(CommitError::Changed)));
        apply(&store, [object::delete(photos.id, &new.key, new.blob_id)]).await.unwrap();

        assert!(object::any(&store, photos.id).await.unwrap());
        assert!(matches!(apply(&store, [bucket::delete(photos.id)]).await, Err(CommitError::Changed)), "it holds objects");
        assert!(!object::any(&store, bucket(account, 2, "phone").id).await.unwrap());
        apply(&store, [bucket::delete(bucket(account, 2, "phone").id)]).await.unwrap();
    }
}

#[test]
fn ends_of_prefixes() {
    assert_eq!(object::end_of_prefix(b"ab"), Some(b"ac".to_vec()));
    assert_eq!(object::end_of_prefix(b"a\xFF\xFF"), Some(b"b".to_vec()));
    assert_eq!(object::end_of_prefix(b"\xFF"), None);
    assert_eq!(object::end_of_prefix(b""), None);
}

#[tokio::test]
async fn sessions_nonces_and_keys_of_the_server() {
    for store in TestStore::each().await.unwrap() {
        let session = SessionId::from_bytes([4; 16]);
        assert_eq!(session::mark(&store, session).await.unwrap(), None);
        apply(&store, [session::raise_mark(session, NOW), session::raise_mark(session, NOW)]).await.unwrap();
        assert_eq!(session::mark(&store, session).await.unwrap(), Some(Epoch(2)));
        apply(&store, [session::insert_policy([6; 16], "{}", NOW)]).await.unwrap();
        assert_eq!(session::policy(&store, [6; 16]).await.unwrap().as_deref(), Some("{}"));
        apply(&store, session::sweep(Timestamp::from_unix(NOW.unix() - 1))).await.unwrap();
        assert!(session::policy(&store, [6; 16]).await.unwrap().is_some());
        apply(&store, session::sweep(NOW)).await.unwrap();
        assert_eq!(session::policy(&store, [6; 16]).await.unwrap(), None);
        assert_eq!(session::mark(&store, session).await.unwrap(), None);

        apply(&store, [replay::claim([1; 16], NOW)]).await.unwrap();
        assert!(matches!(apply(&store, [replay::claim([1; 16], NOW)]).await, Err(CommitError::Claimed(_))));
        apply(&store, [replay::sweep(NOW)]).await.unwrap();
        apply(&store, [replay::claim([1; 16], NOW)]).await.unwrap();

        let mut row = KeyringRow { kid: 1, purpose: "seal".into(), sealed: vec![0; 48], created_at: NOW, retired_at: None };
        apply(&store, [keyring::insert(&row)]).await.unwrap();
        assert!(matches!(apply(&store, [keyring::insert(&row)]).await, Err(CommitError::Exists("key"))));
        apply(&store, [keyring::retire(1, NOW)]).await.unwrap();
        row.retired_at = Some(NOW);
        assert_eq!(keyring::all(&store).await.unwrap(), [row]);
    }
}

#[tokio::test]
async fn the_audit_trail() {
    for store in TestStore::each().await.unwrap() {
        let (mine, other) = (account(1).id, account(2).id);
        apply(&store, (1..=9).map(|seq| audit::insert(audit(if seq == 5 { other } else { mine }, seq)))).await.unwrap();
        assert!(apply(&store, [audit::insert(audit(mine, 9))]).await.is_err(), "a number is used once");
        let four = audit(mine, 4);
        assert_eq!(audit::find_by_request(&store, four.request_id).await.unwrap().as_ref(), Some(&four));
        assert_eq!(audit::find_by_session(&store, mine, four.session_id.unwrap()).await.unwrap().as_ref(), Some(&four));
        assert_eq!(audit::find_by_session(&store, mine, SessionId::from_bytes([1; 16])).await.unwrap(), None);
        assert_eq!(audit::find_by_session(&store, other, four.session_id.unwrap()).await.unwrap(), None);
        assert_eq!(audit::find_by_request_of(&store, mine, four.request_id).await.unwrap().as_ref(), Some(&four));
        assert_eq!(audit::find_by_request_of(&store, other, four.request_id).await.unwrap(), None);
        assert_eq!(audit::last_seq(&store, four.node).await.unwrap(), Some(9));
        let seqs = async |filter, limit| -> Vec<i64> {
            audit::tail(&store, filter, limit).await.unwrap().into_iter().map(|row| row.seq).collect()
        };
        assert_eq!(seqs(Filter::default(), 3).await, [9, 8, 7]);
        assert_eq!(seqs(Filter { account: Some(other), ..Filter::default() }, 3).await, [5]);
        assert_eq!(seqs(Filter { outcome: Some(Outcome::Refused), ..Filter::default() }, 9).await, [9, 6, 3]);
        let between = Filter { account: Some(mine), since: Some(four.at), until: Some(audit(mine, 7).at), ..Filter::default() };
        assert_eq!(seqs(between, 9).await, [6, 4]);
        let numbers = |rows: Vec<audit::AuditRow>| rows.into_iter().map(|row| row.seq).collect::<Vec<_>>();
        let first = audit::page(&store, mine, four.at, None, 3).await.unwrap();
        let last = first.last().unwrap().position();
        assert_eq!(numbers(first), [9, 8, 7]);
        assert_eq!(numbers(audit::page(&store, mine, four.at, Some(last), 9).await.unwrap()), [6, 4]);

        let mut count =
            RefusalCount { minute: NOW, source: "10.0.0.0/24".into(), reason: "unknown key".into(), count: 3, sample: "a".into() };
        apply(&store, [audit::count_refusals(&count)]).await.unwrap();
        count.sample = "b".into();
        apply(&store, [audit::count_refusals(&count)]).await.unwrap();
        (count.count, count.sample) = (6, "a".into());
        assert_eq!(audit::refusals(&store, NOW, 10).await.unwrap(), [count]);
        apply(&store, [audit::sweep_refusals(Timestamp::from_unix(NOW.unix() + 1))]).await.unwrap();
        assert_eq!(audit::refusals(&store, NOW, 10).await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_unreadable_row_is_named_and_never_guessed() {
    for store in TestStore::each().await.unwrap() {
        let account = with_account(&store).await;
        let corrupt = async |statement: &'static str, value: Value, table: &str, column: &str| {
            apply(&store, [Step::new(statement, vec![value], Must::Anything)]).await.unwrap();
            match account::find(&store, account).await {
                Err(StoreError::Corrupt { table: t, column: c, id }) => {
                    assert_eq!((t, c, id.as_str()), (table, column, "01010101010101010101010101010101"));
                }
                other => panic!("{other:?}"),
            }
        };
        corrupt("UPDATE accounts SET status = $1", Value::Int(7), "accounts", "status").await;
        corrupt("UPDATE accounts SET status = 1, epoch = $1", Value::Int(-1), "accounts", "epoch").await;
        corrupt("UPDATE accounts SET epoch = 0, alias = $1", "No Alias".into(), "accounts", "alias").await;
        corrupt("UPDATE accounts SET alias = 'acme', number = $1", Value::Int(5), "accounts", "number").await;
        assert!(account::list(&store).await.is_err());

        let photos = bucket(account, 1, "photos");
        let bad = object(photos.id, "key", 1);
        apply(&store, [bucket::insert(&photos), object::put(&bad, None)]).await.unwrap();
        for key in [vec![0xFF], vec![0], Vec::new()] {
            let empty = key.is_empty();
            apply(&store, [Step::new("UPDATE objects SET key = $1", vec![key.into()], Must::Hold)]).await.unwrap();
            match object::list(&store, photos.id, &[], &[], 9).await {
                Err(StoreError::Corrupt { table: "objects", column: "key", .. }) => {}
                // The empty key is not after the empty marker.
                Ok(rows) if empty && rows.is_empty() => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(object::blob_in_use(&store, BlobId::from_bytes(*bad.blob_id.as_bytes())).await.unwrap());
    }
}

#[tokio::test]
async fn login_profiles_and_earlier_passwords() {
    for store in TestStore::each().await.unwrap() {
        let account = with_account(&store).await;
        let alice = user(account, 2, "alice");
        apply(&store, [user::insert(&alice)]).await.unwrap();
        let mut row = login_profile(&alice, 1);
        apply(&store, login_profile::insert(&row)).await.unwrap();
        assert_eq!(login_profile::find(&store, alice.id).await.unwrap().as_ref(), Some(&row));
        let second = login_profile::insert(&login_profile(&alice, 2));
        assert!(matches!(apply(&store, second).await, Err(CommitError::Exists("login profile"))));
        for number in 1..=4 {
            let old = PasswordHash::new(&format!("hash {number}"));
            apply(&store, login_profile::keep_earlier(row.id, number, &old, 3)).await.unwrap();
        }
        let earlier = login_profile::earlier(&store, row.id, 2).await.unwrap();
        assert_eq!(earlier.iter().map(PasswordHash::expose).collect::<Vec<_>>(), ["hash 4", "hash 3"]);
        assert_eq!(login_profile::earlier(&store, row.id, 9).await.unwrap().len(), 3, "the oldest is forgotten");
        row.password_hash = None;
        row.status = Status::Inactive;
        row.epoch = Epoch(1);
        apply(&store, login_profile::update(&row)).await.unwrap();
        assert_eq!(login_profile::find(&store, alice.id).await.unwrap().as_ref(), Some(&row));
        assert_eq!(user::find(&store, alice.id).await.unwrap().unwrap().generation, Generation(3));
        assert!(matches!(apply(&store, [user::delete(alice.id)]).await, Err(CommitError::Changed)), "it has a profile");
        apply(&store, login_profile::delete(&row)).await.unwrap();
        assert_eq!(login_profile::find(&store, alice.id).await.unwrap(), None);
        apply(&store, [user::delete(alice.id)]).await.unwrap();
    }
}

#[tokio::test]
async fn devices_are_bound_once_and_their_step_only_rises() {
    for store in TestStore::each().await.unwrap() {
        let account = with_account(&store).await;
        let (alice, bob) = (user(account, 2, "alice"), user(account, 3, "bob"));
        apply(&store, [user::insert(&alice), user::insert(&bob)]).await.unwrap();
        let (phone, tablet) = (mfa_device(account, 1, "Phone"), mfa_device(account, 2, "tablet"));
        apply(&store, [mfa_device::insert(&phone), mfa_device::insert(&tablet), mfa_device::at_most(account, 2)]).await.unwrap();
        assert!(matches!(apply(&store, [mfa_device::insert(&mfa_device(account, 3, "PHONE"))]).await, Err(CommitError::Exists(_))));
        assert_eq!(mfa_device::find_by_name(&store, account, "phone").await.unwrap(), Some(phone.clone()));
        assert_eq!(mfa_device::list(&store, account, "phone", 10).await.unwrap(), std::slice::from_ref(&tablet));
        assert_eq!(mfa_device::count(&store, account).await.unwrap(), 2);

        apply(&store, mfa_device::bind(phone.id, alice.id, NOW)).await.unwrap();
        for (device, user) in [(phone.id, bob.id), (tablet.id, alice.id)] {
            assert!(matches!(apply(&store, mfa_device::bind(device, user, NOW)).await, Err(CommitError::Changed)));
        }
        assert_eq!(mfa_device::of_user(&store, alice.id).await.unwrap().unwrap().bound_at, Some(NOW));
        assert!(matches!(apply(&store, [mfa_device::delete(phone.id)]).await, Err(CommitError::Changed)));
        apply(&store, [mfa_device::use_step(phone.id, 7)]).await.unwrap();
        for used in [7, 6] {
            let refused = apply(&store, [mfa_device::use_step(phone.id, used)]).await;
            assert!(matches!(refused, Err(CommitError::Claimed(Claim::OtpStep))), "{refused:?}");
        }
        assert!(matches!(apply(&store, mfa_device::unbind(phone.id, bob.id)).await, Err(CommitError::Changed)));
        apply(&store, mfa_device::unbind(phone.id, alice.id)).await.unwrap();
        assert_eq!(mfa_device::of_user(&store, alice.id).await.unwrap(), None);
        apply(&store, [mfa_device::delete(phone.id)]).await.unwrap();
    }
}

#[tokio::test]
async fn tries_are_counted_for_a_while() {
    use crate::attempt::{self, Secret};
    let (window, later) = (std::time::Duration::from_mins(1), |seconds| NOW.plus(std::time::Duration::from_secs(seconds)));
    for store in TestStore::each().await.unwrap() {
        let (one, other) = ([1; 16], [2; 16]);
        let claim = async |subject, secret, at| apply(&store, [attempt::claim(subject, secret, at, window, 2)]).await;
        claim(one, Secret::Password, NOW).await.unwrap();
        claim(one, Secret::Password, later(30)).await.unwrap();
        assert!(matches!(claim(one, Secret::Password, later(59)).await, Err(CommitError::Claimed(Claim::Attempt))));
        assert_eq!(attempt::since(&store, one, Secret::Password).await.unwrap(), Some(NOW));
        claim(one, Secret::OneTimeCode, later(59)).await.unwrap();
        claim(other, Secret::Password, later(59)).await.unwrap();
        claim(one, Secret::Password, later(60)).await.unwrap();
        claim(one, Secret::Password, later(61)).await.unwrap();
        assert!(claim(one, Secret::Password, later(119)).await.is_err(), "a new while has begun");
        apply(&store, [attempt::forget(one, Secret::Password)]).await.unwrap();
        claim(one, Secret::Password, later(119)).await.unwrap();
        apply(&store, [attempt::sweep(later(59))]).await.unwrap();
        assert_eq!(attempt::since(&store, other, Secret::Password).await.unwrap(), None);
        assert_eq!(attempt::since(&store, one, Secret::Password).await.unwrap(), Some(later(119)));
    }
}

#[tokio::test]
async fn settings_of_an_account() {
    for store in TestStore::each().await.unwrap() {
        let account = with_account(&store).await;
        assert_eq!(password_policy::find(&store, account).await.unwrap(), None);
        assert_eq!(security_preference::find(&store, account).await.unwrap(), None);
        let mut policy = password_policy(account);
        let mut preference = security_preference(account);
        for changed in [false, true] {
            (policy.require_symbols, policy.max_attempts, preference.users_manage_keys) = (changed, 9 + u32::from(changed), changed);
            preference.login_networks = if changed { "192.0.2.0/24;2001:db8::/32".into() } else { String::new() };
            apply(&store, password_policy::set(&policy).into_iter().chain(security_preference::set(&preference))).await.unwrap();
            assert_eq!(password_policy::find(&store, account).await.unwrap().as_ref(), Some(&policy));
            assert_eq!(security_preference::find(&store, account).await.unwrap().as_ref(), Some(&preference));
        }
        assert_eq!(account::find(&store, account).await.unwrap().unwrap().generation, Generation(5));
    }
}
