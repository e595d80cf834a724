//! Role sessions: who gets one, what it may reach, and everything that ends it.

use std::time::Duration;

use tegata_model::{Epoch, RoleName, SourceIdentity, Status};
use tegata_policy::LayerKind;
use tegata_store::{ChangeSet, access_key, account, role, session, user};

use super::{assume, denied, temporary, unauthenticated};
use crate::{
    DeniedBy, Input, OpError, ProblemKind,
    authn::Proof,
    directory::{Attachable, NewRole},
    sts::{AssumeRole, CallerIdentity, GetCallerIdentity},
    testing::{START, TestCore},
};

#[tokio::test]
async fn both_layers_must_allow_and_owners_are_refused() {
    for core in TestCore::each().await.unwrap() {
        let bob = core.user("bob").await.unwrap();
        let credential = core.perform(&bob, &assume("app-uploader")).await.unwrap();
        assert!(credential.access_key_id.is_temporary());
        assert_eq!(credential.expires_at, START.plus(Duration::from_hours(1)));

        let root = core.user("root").await.unwrap();
        assert_eq!(denied(core.perform(&root, &assume("app-uploader")).await.unwrap_err()).by, DeniedBy::OwnerMayNotAssume);

        // alice may do everything, but the role does not trust her.
        let alice = core.user("alice").await.unwrap();
        let denial = denied(core.perform(&alice, &assume("app-uploader")).await.unwrap_err());
        assert_eq!(denial.by, DeniedBy::Layer { layer: LayerKind::Trust, explicit: false });

        // dan has no policy; the refusal names his layer first and remembers the trust layer for `why`.
        let dan = core.user("dan").await.unwrap();
        let denial = denied(core.perform(&dan, &assume("app-uploader")).await.unwrap_err());
        assert_eq!(denial.by, DeniedBy::Layer { layer: LayerKind::Identity, explicit: false });
        assert_eq!(denial.verdict.unwrap().layers.len(), 2);

        // Whoever may ask learns that a role is absent; a stranger learns nothing.
        assert!(matches!(core.perform(&alice, &assume("absent")).await, Err(OpError::NotFound(_))));
        let mallory = core.user("mallory").await.unwrap();
        let absent = denied(core.perform(&mallory, &assume("absent")).await.unwrap_err());
        let untrusting = denied(core.perform(&mallory, &assume("app-uploader")).await.unwrap_err());
        assert_eq!(absent.by, untrusting.by);
        assert_eq!(absent.to_string().replace("absent", "app-uploader"), untrusting.to_string());
        assert!(untrusting.verdict.is_none(), "a foreign trust policy is not for strangers to read");
    }
}

#[tokio::test]
async fn lifetime_is_within_the_role() {
    let core = TestCore::new().await.unwrap();
    let bob = core.user("bob").await.unwrap();
    for (seconds, good) in [(899, false), (900, true), (3600, true), (3601, false)] {
        let caller = core.user("bob").await.unwrap();
        let input = AssumeRole { lifetime: Some(Duration::from_secs(seconds)), ..assume("app-uploader") };
        match core.perform(&caller, &input).await {
            Ok(credential) => assert!(good && credential.expires_at == START.plus(Duration::from_secs(seconds))),
            Err(OpError::Invalid(problem)) => assert!(!good && problem.input == Input::Lifetime && problem.kind == ProblemKind::OutOfRange),
            Err(other) => panic!("{other:?}"),
        }
    }
    let input = AssumeRole { policy: Some("{".into()), ..assume("app-uploader") };
    assert!(matches!(core.perform(&bob, &input).await, Err(OpError::Invalid(problem)) if problem.input == Input::SessionPolicy));
    let caller = core.user("bob").await.unwrap();
    let long = format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"oss:*","Resource":"{}"}}]}}"#, "x".repeat(2048));
    let input = AssumeRole { policy: Some(long), ..assume("app-uploader") };
    assert!(matches!(core.perform(&caller, &input).await, Err(OpError::Invalid(problem)) if problem.kind == ProblemKind::TooLarge));
}

#[tokio::test]
async fn a_nonce_works_once_and_strangers_cannot_burn_it() {
    for core in TestCore::each().await.unwrap() {
        let key = core.key("bob").unwrap();
        let mut forged = core.key("bob").unwrap();
        forged.secret = tegata_model::SecretKey::new("guess".into());
        let bad = core.authenticate(Proof::Signed(core.signed(&forged, "once").unwrap()), core.meta()).await;
        assert_eq!(unauthenticated(bad), "signature");

        let first = core.authenticate(Proof::Signed(core.signed(&key, "once").unwrap()), core.meta()).await.unwrap();
        core.perform(&first, &assume("app-uploader")).await.unwrap();
        let again = core.authenticate(Proof::Signed(core.signed(&key, "once").unwrap()), core.meta()).await;
        assert_eq!(unauthenticated(again), "replayed");

        // Another node has not seen it in memory; the claim in the commit decides there.
        let other = TestCore::node(&core.store, core.clock.clone(), 99, crate::limits::Limits::default()).await.unwrap();
        let caller = other.authenticate(Proof::Signed(core.signed(&key, "once").unwrap()), core.meta()).await.unwrap();
        assert_eq!(unauthenticated(other.perform(&caller, &assume("app-uploader")).await), "replayed");

        // A refusal spends its nonce too.
        let dan = core.key("dan").unwrap();
        let caller = core.authenticate(Proof::Signed(core.signed(&dan, "refused").unwrap()), core.meta()).await.unwrap();
        denied(core.perform(&caller, &assume("app-uploader")).await.unwrap_err());
        let caller = other.authenticate(Proof::Signed(core.signed(&dan, "refused").unwrap()), core.meta()).await.unwrap();
        core.perform(&caller, &assume("app-uploader")).await.unwrap_err();
        let caller = core.user("dan").await.unwrap();
        denied(core.perform(&caller, &assume("app-uploader")).await.unwrap_err());
    }
}

/// Commits steps as an administrator's operation would, and says whose directory changed.
async fn change(core: &TestCore, steps: impl IntoIterator<Item = tegata_store::Step>) {
    let mut changes = ChangeSet::new(core.now());
    changes.extend(steps);
    changes.touch(core.acme.account);
    core.store.commit(changes).await.unwrap();
}

#[tokio::test]
async fn every_ancestor_can_end_a_session_at_the_next_request() {
    for ancestor in
        ["key off", "key epoch", "user off", "user epoch", "account off", "account epoch", "role off", "role epoch", "role gone", "session"]
    {
        for core in TestCore::each().await.unwrap() {
            let key = temporary(&core, "bob", None).await;
            let store = &core.store;
            core.caller(&key).await.unwrap();
            let bob = user::find_by_name(store, core.acme.account, "bob").await.unwrap().unwrap().id;
            let role = role::find_by_name(store, core.acme.account, "app-uploader").await.unwrap().unwrap().id;
            let long_term = access_key::find(store, "LTAITESTbob").await.unwrap().unwrap().id;
            let session = crate::token::session_of(&key.key_id).unwrap();
            let steps: Vec<tegata_store::Step> = match ancestor {
                "key off" => vec![access_key::set_status(long_term, Status::Inactive)],
                "key epoch" => vec![access_key::raise_epoch(long_term)],
                "user off" => vec![user::set_status(bob, Status::Inactive)],
                "user epoch" => vec![user::raise_epoch(bob)],
                "account off" => vec![account::set_status(core.acme.account, Status::Inactive)],
                "account epoch" => vec![account::raise_epoch(core.acme.account)],
                "role off" => vec![role::set_status(role, Status::Inactive)],
                "role epoch" => vec![role::raise_epoch(role)],
                "role gone" => {
                    let mut steps = vec![tegata_store::policy::detach_all(tegata_store::policy::Target::Role(role))];
                    steps.extend(role::delete(role));
                    steps
                }
                _ => vec![session::raise_mark(session, core.now().plus(Duration::from_hours(1)))],
            };
            change(&core, steps).await;
            let reason = unauthenticated(core.caller(&key).await);
            assert!(matches!(reason, "session-ended" | "owner-inactive"), "{ancestor}: {reason}");
        }
    }
}

#[tokio::test]
async fn a_key_taken_back_between_authentication_and_commit_has_no_effect() {
    for core in TestCore::each().await.unwrap() {
        let bob = core.user("bob").await.unwrap();
        let long_term = access_key::find(&core.store, "LTAITESTbob").await.unwrap().unwrap().id;
        change(&core, [access_key::set_status(long_term, Status::Inactive)]).await;
        assert_eq!(unauthenticated(core.perform(&bob, &assume("app-uploader")).await), "key-inactive");
    }
}

#[tokio::test]
async fn a_recreated_name_inherits_nothing() {
    for core in TestCore::each().await.unwrap() {
        // The user bob is deleted and made again: the role's trust was in the old one.
        let bob = user::find_by_name(&core.store, core.acme.account, "bob").await.unwrap().unwrap().id;
        let old = temporary(&core, "bob", None).await;
        let keys = access_key::of_user(&core.store, bob).await.unwrap();
        let mut steps: Vec<_> = keys.iter().flat_map(|key| access_key::delete(key.id, bob)).collect();
        steps.push(tegata_store::policy::detach_all(tegata_store::policy::Target::User(bob)));
        steps.push(tegata_store::api_token::delete_of_user(bob));
        steps.push(user::delete(bob));
        change(&core, steps).await;
        let mut provision = core.provision();
        let again = provision.user(&core.acme, &crate::directory::NewUser { name: "bob".parse().unwrap(), number: None }).unwrap();
        let secret = tegata_model::SecretKey::new("another secret".into());
        let key = crate::directory::NewAccessKey { key_id: "LTAITESTbob2".parse().unwrap(), secret };
        provision.access_key(&core.acme, again, &key).unwrap();
        provision.attach(&core.acme, &"assume-uploader".parse().unwrap(), Attachable::User(again)).await.unwrap();
        provision.commit().await.unwrap();
        let key = crate::testing::TestKey { key_id: key.key_id, secret: key.secret, token: None };
        let caller = core.caller(&key).await.unwrap();
        let denial = denied(core.perform(&caller, &assume("app-uploader")).await.unwrap_err());
        assert_eq!(denial.by, DeniedBy::Layer { layer: LayerKind::Trust, explicit: false });
        assert_eq!(unauthenticated(core.caller(&old).await), "session-ended");
    }
}

#[tokio::test]
async fn sessions_of_a_role_do_not_survive_its_being_made_again() {
    for core in TestCore::each().await.unwrap() {
        let key = temporary(&core, "bob", None).await;
        let role = role::find_by_name(&core.store, core.acme.account, "app-uploader").await.unwrap().unwrap().id;
        let mut steps = vec![tegata_store::policy::detach_all(tegata_store::policy::Target::Role(role))];
        steps.extend(role::delete(role));
        change(&core, steps).await;
        let mut provision = core.provision();
        let again = NewRole {
            name: RoleName::new("app-uploader").unwrap(),
            number: None,
            description: String::new(),
            trust_document: crate::testing::UPLOADER_TRUST.into(),
            max_session: Duration::from_hours(1),
        };
        provision.role(&core.acme, &again).await.unwrap();
        provision.commit().await.unwrap();
        assert_eq!(unauthenticated(core.caller(&key).await), "session-ended");
        // The new role is there for new sessions, found by the same name.
        temporary(&core, "bob", None).await;
    }
}

pub(super) async fn chained(core: &TestCore) {
    let mut provision = core.provision();
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":[
        "acs:ram::1000000000000001:role/app-uploader","acs:ram::1000000000000001:role/second"]}}]}"#;
    let role = NewRole {
        name: RoleName::new("second").unwrap(),
        number: None,
        description: String::new(),
        trust_document: trust.into(),
        max_session: Duration::from_hours(12),
    };
    let role = provision.role(&core.acme, &role).await.unwrap();
    provision.attach(&core.acme, &"AliyunSTSAssumeRoleAccess".parse().unwrap(), Attachable::Role(role)).await.unwrap();
    let uploader = role::find_by_name(&core.store, core.acme.account, "app-uploader").await.unwrap().unwrap().id;
    provision.attach(&core.acme, &"AliyunSTSAssumeRoleAccess".parse().unwrap(), Attachable::Role(uploader)).await.unwrap();
    provision.commit().await.unwrap();
}

#[tokio::test]
async fn a_chain_keeps_its_source_identity_its_ancestors_and_its_deadline() {
    for core in TestCore::each().await.unwrap() {
        chained(&core).await;
        let bob = core.user("bob").await.unwrap();
        let alice: SourceIdentity = "Alice".parse().unwrap();
        let first = AssumeRole { source_identity: Some(alice.clone()), ..assume("app-uploader") };
        let first = core.perform(&bob, &first).await.unwrap().into();
        let caller = core.caller(&first).await.unwrap();
        let other = AssumeRole { source_identity: Some("Eve".parse().unwrap()), ..assume("second") };
        assert_eq!(denied(core.perform(&caller, &other).await.unwrap_err()).by, DeniedBy::SourceIdentityFixed);
        let caller = core.caller(&first).await.unwrap();
        let second = core.perform(&caller, &assume("second")).await.unwrap();
        assert_eq!(second.source_identity, Some(alice));
        let mut key: crate::testing::TestKey = second.into();

        // Twelve hours after the key was used the chain is over, however often it was renewed.
        let mut last = core.now();
        for _ in 0..40 {
            let caller = core.caller(&key).await.unwrap();
            let input = AssumeRole { lifetime: Some(Duration::from_hours(12)), ..assume("second") };
            match core.perform(&caller, &input).await {
                Ok(next) => {
                    last = next.expires_at;
                    key = next.into();
                    core.clock.advance(Duration::from_mins(50));
                }
                Err(error) => {
                    assert_eq!(denied(error).by, DeniedBy::ChainEnded);
                    break;
                }
            }
        }
        assert!(last <= START.plus(Duration::from_hours(12)), "{last}");

        // The first session's end is the end of all that came of it.
        let session = crate::token::session_of(&first.key_id).unwrap();
        core.clock.set(START);
        core.caller(&key).await.unwrap();
        change(&core, [session::raise_mark(session, core.now().plus(Duration::from_hours(12)))]).await;
        assert_eq!(unauthenticated(core.caller(&key).await), "session-ended");
    }
}

#[tokio::test]
async fn identity_of_owner_user_and_session() {
    let core = TestCore::new().await.unwrap();
    let who = async |key: &crate::testing::TestKey| core.perform(&core.caller(key).await.unwrap(), &GetCallerIdentity).await.unwrap();
    assert!(matches!(who(&core.key("root").unwrap()).await, CallerIdentity::Owner { .. }));
    assert!(matches!(who(&core.key("bob").unwrap()).await, CallerIdentity::User { name, .. } if name.as_str() == "bob"));
    let key = temporary(&core, "bob", None).await;
    assert!(
        matches!(who(&key).await, CallerIdentity::RoleSession { role, session_name, .. } if role.as_str() == "app-uploader" && session_name.as_str() == "session")
    );
    core.clock.advance(Duration::from_mins(59));
    who(&key).await;
    core.clock.advance(Duration::from_mins(1));
    assert_eq!(unauthenticated(core.caller(&key).await), "token-expired");
}

#[tokio::test]
async fn one_durable_commit_per_effect_and_none_per_question() {
    let core = TestCore::new().await.unwrap();
    let before = core.durable_commits();
    let bob = core.user("bob").await.unwrap();
    core.perform(&bob, &assume("app-uploader")).await.unwrap();
    assert_eq!(core.durable_commits() - before, 1);
    let bob = core.user("bob").await.unwrap();
    core.perform(&bob, &GetCallerIdentity).await.unwrap();
    assert_eq!(core.durable_commits() - before, 1);
    assert_eq!(
        session::mark(&core.store, crate::token::session_of(&temporary(&core, "bob", None).await.key_id).unwrap()).await.unwrap(),
        None::<Epoch>
    );
}
