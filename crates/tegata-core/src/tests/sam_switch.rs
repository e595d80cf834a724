//! Going on as another user: what it gives, how long, what ends it, and who hears of it. And what sessions keep of permissions.

use std::time::Duration;

use tegata_model::Status;
use tegata_store::{ChangeSet, user};

use super::{
    denied as denial,
    permissions::{ask, denied, list, new_user, permit, session, statement},
    sam::{MINUTE, RIGHT, as_user, caller, code_of, refused, sign_in},
    sign_in::{create, give_factor, name},
    unauthenticated,
};
use crate::{
    Caller, DeniedBy, LayerKind, OpError,
    directory::{Page, change_password, change_password_of},
    sam::*,
    testing::{START, TestCore, TestKey},
    trail::{AuditFilter, ListAuditEvents},
};

const HOUR: Duration = Duration::from_hours(1);

/// Lets somebody of an operator go on as a user of acme.
async fn trust(core: &TestCore, target: &str, operator: &str, who: &str) {
    let principal = format!("srn:soracom:{operator}::{who}");
    let document = serde_json::json!({ "statements": [{ "effect": "allow", "principal": { "soracom": [principal] } }] }).to_string();
    ask(core, "root", SetTrust { user: name(target), document }).await.unwrap();
}

fn to(core: &TestCore, user: &str) -> SwitchUser {
    SwitchUser { operator: core.acme.operator_id.as_str().to_owned(), user: user.to_owned(), lifetime: None }
}

async fn switched(core: &TestCore, who: &Caller, user: &str) -> (StartedSession, Caller) {
    let session = core.perform(who, &to(core, user)).await.unwrap();
    let caller = caller(core, &session).await.unwrap();
    (session, caller)
}

fn layer(error: OpError) -> DeniedBy {
    denial(error).by
}

const SWITCHER: &str = r#"{"statements":[{"effect":"allow","api":["User:list*","Operator:generateAuthToken","Auth:switchUser","Auth:exchangeForTemporaryKey"]}]}"#;

#[tokio::test]
async fn a_switch_gives_the_rights_of_the_other_for_an_hour_after_the_password() {
    for core in TestCore::each().await.unwrap() {
        let acme = core.acme.operator_id.as_str().to_owned();
        create(&core, "alice", RIGHT).await.unwrap();
        give_factor(&core, "alice").await;
        core.clock.advance(MINUTE);
        trust(&core, "dan", &acme, "User:alice").await;
        permit(&core, "dan", SWITCHER).await;
        let code = code_of(&core, "alice", 0).await;
        let first = sign_in(&core, "alice", RIGHT, Some(&code)).await.unwrap().unwrap();
        let alice = caller(&core, &first).await.unwrap();
        let signed_in = core.now();
        core.clock.advance(20 * MINUTE);
        // The other has no password and no key, and needs none.
        let (session, dan) = switched(&core, &alice, "DAN").await;
        assert_eq!((session.user.as_ref(), session.expires_at), (Some(&name("dan")), signed_in.plus(HOUR)));
        assert!(alice.second_factor() && !dan.second_factor());
        core.perform(&dan, &list()).await.unwrap();
        denied(core.perform(&dan, &new_user("x")).await);
        // No renewal reaches further, and no switch from a session that has nearly reached it.
        for lifetime in [None, Some(2 * HOUR), Some(Duration::from_hours(48))] {
            assert_eq!(core.perform(&dan, &RenewToken { lifetime }).await.unwrap().expires_at, signed_in.plus(HOUR));
        }
        core.clock.advance(38 * MINUTE);
        assert_eq!(layer(core.perform(&alice, &to(&core, "dan")).await.unwrap_err()), DeniedBy::ChainEnded);
        core.clock.advance(2 * MINUTE);
        assert_eq!(unauthenticated(core.perform(&dan, &list()).await), "token-expired");
        assert_eq!(unauthenticated(caller(&core, &session).await), "token-expired");
        caller(&core, &first).await.unwrap();
    }
}

#[tokio::test]
async fn there_and_back_gains_nothing_and_ends_with_the_first() {
    for core in TestCore::each().await.unwrap() {
        let acme = core.acme.operator_id.as_str().to_owned();
        create(&core, "alice", RIGHT).await.unwrap();
        trust(&core, "dan", &acme, "User:alice").await;
        trust(&core, "alice", &acme, "User:dan").await;
        permit(&core, "dan", SWITCHER).await;
        let (first, alice) = as_user(&core, "alice").await;
        core.clock.advance(10 * MINUTE);
        let (mut sessions, mut last, mut next) = (Vec::new(), alice, "dan");
        let end = loop {
            match core.perform(&last, &to(&core, next)).await {
                Ok(session) => {
                    assert_eq!(session.expires_at, START.plus(HOUR), "back and forth adds nothing");
                    last = caller(&core, &session).await.unwrap();
                    assert!(!last.second_factor());
                    sessions.push(session);
                    next = if next == "dan" { "alice" } else { "dan" };
                }
                Err(error) => break layer(error),
            }
            assert!(sessions.len() < 20);
        };
        assert_eq!((end, sessions.len() >= 2), (DeniedBy::ChainEnded, true));
        // A temporary key on the way gains nothing either.
        let back = caller(&core, &sessions[1]).await.unwrap();
        assert_eq!(back.user_name(), Some(&name("alice")));
        let key = core.perform(&back, &ForTemporaryKey).await.unwrap();
        assert_eq!(key.expires_at, START.plus(HOUR));
        // The end of any of them is the end of those after it.
        core.perform(&caller(&core, &sessions[2]).await.unwrap(), &SignOut).await.unwrap();
        caller(&core, &sessions[1]).await.unwrap();
        assert_eq!(unauthenticated(caller(&core, &sessions[3]).await), "session-ended");
        core.perform(&caller(&core, &first).await.unwrap(), &SignOut).await.unwrap();
        for session in &sessions {
            assert_eq!(unauthenticated(caller(&core, session).await), "session-ended");
        }
    }
}

#[tokio::test]
async fn a_switch_keeps_the_permissions_of_its_moment_and_ends_with_either_user() {
    for core in TestCore::each().await.unwrap() {
        let acme = core.acme.operator_id.as_str().to_owned();
        create(&core, "alice", RIGHT).await.unwrap();
        trust(&core, "dan", &acme, "User:alice").await;
        permit(&core, "dan", SWITCHER).await;
        let (_, alice) = as_user(&core, "alice").await;
        let (_, before) = switched(&core, &alice, "dan").await;
        permit(&core, "dan", &statement("allow", "User:createUser", "")).await;
        core.perform(&before, &list()).await.unwrap();
        denied(core.perform(&before, &new_user("x")).await);
        let (_, after) = switched(&core, &alice, "dan").await;
        denied(core.perform(&after, &list()).await);
        core.perform(&after, &new_user("x")).await.unwrap();
        // Trust that is taken away lets nobody in any more.
        ask(&core, "root", RemoveTrust { user: name("dan") }).await.unwrap();
        let by = layer(core.perform(&alice, &to(&core, "dan")).await.unwrap_err());
        assert_eq!(by, DeniedBy::Layer { layer: LayerKind::Trust, explicit: false });
        // Whoever is switched off is out at once, on either side.
        let turn = async |who: &str, status| {
            let row = user::find_by_name(&core.store, core.acme.account, who).await.unwrap().unwrap();
            let mut changes = ChangeSet::new(core.now());
            changes.push(user::set_status(row.id, status));
            changes.touch(core.acme.account);
            core.store.commit(changes).await.unwrap();
        };
        turn("dan", Status::Inactive).await;
        assert!(core.perform(&after, &new_user("y")).await.is_err());
        turn("dan", Status::Active).await;
        trust(&core, "dan", &acme, "User:alice").await;
        let (session, _) = switched(&core, &alice, "dan").await;
        turn("alice", Status::Inactive).await;
        assert!(caller(&core, &session).await.is_err());
        turn("alice", Status::Active).await;
        ask(&core, "root", RemoveUser { name: name("dan") }).await.unwrap();
        assert!(caller(&core, &session).await.is_err());
    }
}

#[tokio::test]
async fn both_accounts_hear_of_a_switch_between_them() {
    for core in TestCore::each().await.unwrap() {
        let globex = core.globex.operator_id.as_str().to_owned();
        // Somebody of the other account, who may do everything there.
        let mallory = core.user("mallory").await.unwrap();
        let key = core.perform(&mallory, &CreateAuthKey { holder: Holder::User(name("mallory")) }).await.unwrap();
        let started = super::sam::by_key(&core, &key, None).await.unwrap().unwrap();
        let as_mallory = caller(&core, &started).await.unwrap();
        let untrusted = layer(core.perform(&as_mallory, &to(&core, "dan")).await.unwrap_err());
        let absent = layer(core.perform(&as_mallory, &to(&core, "ghost")).await.unwrap_err());
        assert_eq!(untrusted, absent);
        trust(&core, "dan", &globex, "User:mallory").await;
        let (session, dan) = switched(&core, &as_mallory, "dan").await;
        assert_eq!((session.operator.as_str(), dan.user_name()), (core.acme.operator_id.as_str(), Some(&name("dan"))));
        denied(core.perform(&dan, &list()).await);
        let all = || ListAuditEvents { filter: AuditFilter::default(), page: Page { after: String::new(), limit: 100 } };
        let switches = |events: Vec<crate::trail::AuditEvent>| -> Vec<(String, bool)> {
            events.into_iter().filter(|event| event.action == "sam:SwitchUser").map(|event| (event.caller, event.done)).collect()
        };
        let there = switches(core.perform(&mallory, &all()).await.unwrap().items);
        assert_eq!(there.iter().filter(|(who, done)| who == "user mallory" && *done).count(), 1, "{there:?}");
        let here = ask(&core, "root", all()).await.unwrap().items;
        assert!(here.iter().any(|event| event.caller.contains("dan, switched to by mallory of globex") && !event.done), "what dan did");
        let here = switches(here);
        assert_eq!(here.len(), 1, "who was refused is no business of the other account: {here:?}");
        assert!(here[0].0.contains("mallory") && here[0].1, "{here:?}");
        // Either side ends it.
        ask(&core, "root", EndSessions { of: Holder::User(name("dan")) }).await.unwrap();
        assert_eq!(unauthenticated(caller(&core, &session).await), "session-ended");
    }
}

#[tokio::test]
async fn a_temporary_key_keeps_the_permissions_of_its_session() {
    for core in TestCore::each().await.unwrap() {
        permit(&core, "dan", SWITCHER).await;
        let dan = session(&core, "dan").await;
        let key = core.perform(&dan, &ForTemporaryKey).await.unwrap();
        let key = TestKey { key_id: key.access_key_id, secret: key.secret, token: Some(key.security_token) };
        core.perform(&core.caller(&key).await.unwrap(), &list()).await.unwrap();
        permit(&core, "dan", &statement("allow", "User:createUser", "")).await;
        core.perform(&core.caller(&key).await.unwrap(), &list()).await.unwrap();
        denied(core.perform(&core.caller(&key).await.unwrap(), &new_user("x")).await);
        core.clock.advance(Duration::from_hours(23));
        core.tidy_up().await.unwrap();
        core.perform(&core.caller(&key).await.unwrap(), &list()).await.unwrap();
        ask(&core, "root", RemoveUser { name: name("dan") }).await.unwrap();
        assert!(core.caller(&key).await.is_err());
    }
}

#[tokio::test]
async fn who_has_a_second_factor_needs_it_to_change_the_password() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        let (secret, new) = (super::sign_in::secret, || std::sync::Arc::new(super::sign_in::secret("battery staple")));
        let weak = sign_in(&core, "bob", RIGHT, None).await.unwrap().unwrap();
        give_factor(&core, "bob").await;
        core.clock.advance(MINUTE);
        let by_key = core.user("bob").await.unwrap();
        for caller in [caller(&core, &weak).await.unwrap(), by_key] {
            let error = change_password(&core, &caller, secret(RIGHT), new()).await.unwrap_err();
            assert_eq!(layer(error), DeniedBy::SecondFactor);
            let error = change_password_of(&core, &caller, name("BOB"), secret(RIGHT), new()).await.unwrap_err();
            assert_eq!(layer(error), DeniedBy::SecondFactor);
        }
        assert_eq!(refused(sign_in(&core, "bob", "battery staple", None).await), Refusal::Wrong);
        let code = code_of(&core, "bob", 0).await;
        let strong = sign_in(&core, "bob", RIGHT, Some(&code)).await.unwrap().unwrap();
        change_password(&core, &caller(&core, &strong).await.unwrap(), secret(RIGHT), new()).await.unwrap();
        // Somebody else who may is not asked for a factor of one's own.
        let root = core.user("root").await.unwrap();
        change_password_of(&core, &root, name("bob"), secret("battery staple"), std::sync::Arc::new(secret(RIGHT))).await.unwrap();
    }
}
