//! Sessions of API keys and tokens: how they begin, what they are worth, and everything that ends them.

use std::{sync::Arc, time::Duration};

use tegata_model::{PasswordHash, Status, UserName};
use tegata_store::{
    audit::{self, Filter},
    mfa_device, user,
};

use super::{
    denied,
    sign_in::{alice, ask, change, codes, create, give_factor, name, secret},
    unauthenticated,
};
use crate::{
    Caller, DeniedBy, OpError, Operation, RequestMeta,
    authn::Proof,
    directory::{CreateAccessKey, DeleteUser, Page, change_owner_password, update_login_profile},
    hashing,
    limits::{Hashing, Limits},
    sam::*,
    session::{ListSessions, RevokeSessions, SessionFilter, Whose},
    testing::{START, TestCore},
};

pub(super) const RIGHT: &str = "correct horse";
pub(super) const MINUTE: Duration = Duration::from_mins(1);

pub(super) fn user_shown(core: &TestCore, who: &str, password: &str) -> Shown {
    Shown::User { operator: core.acme.operator_id.as_str().to_owned(), name: who.to_owned(), password: Arc::new(secret(password)) }
}

pub(super) fn wanted(shown: Shown, code: Option<&str>) -> SamSignIn {
    let request = match &shown {
        Shown::User { name, password, .. } => format!("{name} {} {code:?}", password.expose()),
        other => format!("{other:?} {code:?}"),
    };
    SamSignIn { shown, code: code.map(str::to_owned), lifetime: None, request: request.into_bytes() }
}

pub(super) async fn sign_in(core: &TestCore, who: &str, password: &str, code: Option<&str>) -> SignedIn {
    core.sam_sign_in(&core.meta(), wanted(user_shown(core, who, password), code)).await
}

pub(super) async fn by_key(core: &TestCore, key: &NewAuthKey, code: Option<&str>) -> SignedIn {
    let shown = Shown::AuthKey { key_id: key.key_id.clone(), secret: secret(key.secret.expose()) };
    core.sam_sign_in(&core.meta(), wanted(shown, code)).await
}

pub(super) fn refused(result: SignedIn) -> Refusal {
    result.unwrap().unwrap_err()
}

pub(super) async fn caller_of(core: &TestCore, api_key: &str, token: &str) -> Result<Caller, OpError> {
    core.authenticate(Proof::Sam(PresentedPair { api_key: secret(api_key), token: secret(token) }), core.meta()).await
}

pub(super) async fn caller(core: &TestCore, session: &StartedSession) -> Result<Caller, OpError> {
    caller_of(core, session.api_key.expose(), session.token.expose()).await
}

pub(super) async fn as_user(core: &TestCore, who: &str) -> (StartedSession, Caller) {
    let session = sign_in(core, who, RIGHT, None).await.unwrap().unwrap();
    let caller = caller(core, &session).await.unwrap();
    (session, caller)
}

pub(super) async fn code_of(core: &TestCore, who: &str, offset: i64) -> String {
    codes(core, &format!("{who}-phone"), offset).await.1.digits().to_owned()
}

/// The owner of acme with a password.
pub(super) async fn owner(core: &TestCore) -> (StartedSession, Caller) {
    let mut work = core.provision();
    let hash: PasswordHash = hashing::hash(&secret("owner horse"), [7; 16]).unwrap();
    work.login_profile(&core.acme, core.acme.root, hash).unwrap();
    work.commit().await.unwrap();
    let session = owner_again(core, "owner horse", None).await.unwrap().unwrap();
    let caller = caller(core, &session).await.unwrap();
    (session, caller)
}

pub(super) async fn owner_again(core: &TestCore, password: &str, code: Option<&str>) -> SignedIn {
    let shown = Shown::Owner { email: "root@acme.test".into(), password: Arc::new(secret(password)) };
    core.sam_sign_in(&core.meta(), wanted(shown, code)).await
}

#[tokio::test]
async fn a_password_gives_a_pair_that_speaks_for_its_user() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "alice", RIGHT).await.unwrap();
        let (session, caller) = as_user(&core, "alice").await;
        assert!(session.api_key.expose().starts_with("api-") && session.api_key.expose().len() == 40);
        assert!(session.token.expose().starts_with("eyJra"), "the header begins with its kid");
        assert_eq!(session.expires_at, START.plus(Duration::from_hours(24)));
        assert_eq!(caller.audit_name(), "user alice");
        let operator = core.perform(&caller, &DescribeOperator).await.unwrap();
        assert_eq!((operator.id.clone(), operator.email.as_str()), (core.acme.operator_id.clone(), "root@acme.test"));
        core.perform(&caller, &CreateAccessKey { user: Some(name("dan")) }).await.unwrap();
        // Anything wrong says the same.
        for (who, password) in [("alice", "wrong"), ("ghost", RIGHT), ("dan", RIGHT), ("", "")] {
            assert_eq!(refused(sign_in(&core, who, password, None).await), Refusal::Wrong, "{who}");
        }
        let foreign =
            Shown::User { operator: core.globex.operator_id.as_str().into(), name: "alice".into(), password: Arc::new(secret(RIGHT)) };
        assert_eq!(refused(core.sam_sign_in(&core.meta(), wanted(foreign, None)).await), Refusal::Wrong);
        core.clock.advance(Duration::from_hours(24));
        assert_eq!(unauthenticated(super::sam::caller(&core, &session).await), "token-expired");
    }
}

#[tokio::test]
async fn only_the_pair_that_was_made_is_good() {
    let core = TestCore::new().await.unwrap();
    create(&core, "alice", RIGHT).await.unwrap();
    create(&core, "bob", RIGHT).await.unwrap();
    let (alice, _) = as_user(&core, "alice").await;
    let (bob, _) = as_user(&core, "bob").await;
    let (key, token) = (alice.api_key.expose(), alice.token.expose());
    let mixed = caller_of(&core, bob.api_key.expose(), token).await;
    assert_eq!(unauthenticated(mixed), "token-mismatch");
    let parts: Vec<&str> = token.split('.').collect();
    let others: Vec<&str> = bob.token.expose().split('.').collect();
    for forged in [
        format!("{}.{}.{}", parts[0], others[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}A"),
        format!("{token}.{token}"),
        // {"alg":"none"}
        format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
        String::new(),
        "a.b.c".to_owned(),
        "x".repeat(9000),
    ] {
        assert_eq!(unauthenticated(caller_of(&core, key, &forged).await), "token-malformed", "{forged}");
    }
    assert_eq!(unauthenticated(caller_of(&core, "api-0", token).await), "token-mismatch");
    let bearer = crate::authn::PresentedToken { token: secret(token), key: None };
    assert!(core.authenticate(Proof::Access(bearer), core.meta()).await.is_err(), "it is no access token");
}

#[tokio::test]
async fn sessions_end_with_what_they_stand_on() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        // Its own end, and nobody else's.
        let (first, as_first) = as_user(&core, "bob").await;
        let (second, _) = as_user(&core, "bob").await;
        let renewed = core.perform(&caller(&core, &second).await.unwrap(), &SignOut).await;
        renewed.unwrap();
        assert_eq!(unauthenticated(caller(&core, &second).await), "session-ended");
        core.perform(&as_first, &SignOut).await.unwrap();
        assert_eq!(unauthenticated(caller(&core, &first).await), "session-ended");
        // By hand, from the list.
        let (session, _) = as_user(&core, "bob").await;
        let page = Page { after: String::new(), limit: 10 };
        let listed = ask(&core, ListSessions { filter: SessionFilter::default(), page }).await.unwrap();
        assert_eq!((listed.items.len(), listed.items[0].key_id.as_str(), listed.items[0].name.as_str()), (1, "", "api-key"));
        ask(&core, RevokeSessions { whose: Whose::Session(listed.items[0].id) }).await.unwrap();
        assert_eq!(unauthenticated(caller(&core, &session).await), "session-ended");
        // A new password.
        let (session, _) = as_user(&core, "bob").await;
        update_login_profile(&core, &alice(&core).await, change("bob", Some("battery staple"))).await.unwrap();
        assert_eq!(unauthenticated(caller(&core, &session).await), "session-ended");
        // All of a user, by somebody who may.
        let session = sign_in(&core, "bob", "battery staple", None).await.unwrap().unwrap();
        ask(&core, EndSessions { of: Holder::User(name("bob")) }).await.unwrap();
        assert_eq!(unauthenticated(caller(&core, &session).await), "session-ended");
        // A sign-in that is switched off.
        let session = sign_in(&core, "bob", "battery staple", None).await.unwrap().unwrap();
        let off = crate::directory::LoginProfileChange { status: Some(Status::Inactive), ..change("bob", None) };
        update_login_profile(&core, &alice(&core).await, off).await.unwrap();
        assert_eq!(unauthenticated(caller(&core, &session).await), "session-ended");
        assert_eq!(refused(sign_in(&core, "bob", "battery staple", None).await), Refusal::Inactive);
    }
}

#[tokio::test]
async fn tokens_are_renewed_up_to_the_deadline_and_the_key_stays() {
    let core = TestCore::new().await.unwrap();
    create(&core, "alice", RIGHT).await.unwrap();
    let (session, first) = as_user(&core, "alice").await;
    core.clock.advance(Duration::from_hours(23));
    let renewed = core.perform(&first, &RenewToken { lifetime: Some(Duration::from_hours(48)) }).await.unwrap();
    assert_eq!(renewed.expires_at, START.plus(Duration::from_hours(48)), "48 hours after the password, not after the renewal");
    core.clock.advance(Duration::from_hours(2));
    assert_eq!(unauthenticated(caller(&core, &session).await), "token-expired", "the old token ends when it said");
    let again = caller_of(&core, session.api_key.expose(), renewed.token.expose()).await.unwrap();
    core.clock.advance(Duration::from_hours(22));
    let last = core.perform(&again, &RenewToken { lifetime: None }).await.unwrap();
    assert_eq!(last.expires_at, START.plus(Duration::from_hours(48)));
    core.tidy_up().await.unwrap();
    caller_of(&core, session.api_key.expose(), last.token.expose()).await.unwrap();
    for seconds in [0, 179, 172_801] {
        let asked = core.perform(&again, &RenewToken { lifetime: Some(Duration::from_secs(seconds)) }).await;
        assert!(matches!(asked, Err(OpError::Invalid(_))), "{seconds}");
        let shown = SamSignIn { lifetime: Some(Duration::from_secs(seconds)), ..wanted(user_shown(&core, "alice", RIGHT), None) };
        assert!(matches!(core.sam_sign_in(&core.meta(), shown).await, Err(OpError::Invalid(_))), "{seconds}");
    }
}

#[tokio::test]
async fn auth_keys_begin_sessions_and_end_them_when_they_are_deleted() {
    for core in TestCore::each().await.unwrap() {
        let key = ask(&core, CreateAuthKey { holder: Holder::User(name("bob")) }).await.unwrap();
        assert_eq!((key.key_id.len(), key.secret.expose().len()), (38, 71));
        let session = by_key(&core, &key, None).await.unwrap().unwrap();
        assert_eq!(session.user, Some(name("bob")));
        let as_bob = caller(&core, &session).await.unwrap();
        assert!(matches!(core.perform(&as_bob, &ListAuthKeys { holder: Holder::User(name("bob")) }).await, Err(OpError::Denied(_))));
        let wrong = NewAuthKey { key_id: key.key_id.clone(), secret: secret("secret-x") };
        assert_eq!(refused(by_key(&core, &wrong, None).await), Refusal::Wrong);
        let unknown = NewAuthKey { key_id: "keyId-x".into(), secret: secret(key.secret.expose()) };
        assert_eq!(refused(by_key(&core, &unknown, None).await), Refusal::Wrong);
        // Its last use is known at once and written later.
        let listed = ask(&core, ListAuthKeys { holder: Holder::User(name("bob")) }).await.unwrap();
        assert_eq!(listed[0].used_at, Some(START));
        core.tidy_up().await.unwrap();
        let row = tegata_store::auth_key::find(&core.store, &key.key_id).await.unwrap().unwrap();
        assert_eq!(row.used_at, Some(START));
        assert!(!row.secret_hash.windows(8).any(|part| part == &key.secret.expose().as_bytes()[7..15]));
        let foreign = DeleteAuthKey { holder: Holder::User(name("dan")), key_id: key.key_id.clone() };
        assert!(matches!(ask(&core, foreign).await, Err(OpError::NotFound(_))));
        ask(&core, DeleteAuthKey { holder: Holder::User(name("bob")), key_id: key.key_id.clone() }).await.unwrap();
        assert_eq!(unauthenticated(caller(&core, &session).await), "session-ended");
        assert_eq!(refused(by_key(&core, &key, None).await), Refusal::Wrong);
    }
}

#[tokio::test]
async fn the_keys_of_the_owner_are_the_owners_alone() {
    let core = TestCore::new().await.unwrap();
    let (_, owner) = owner(&core).await;
    assert_eq!(denied(ask(&core, CreateAuthKey { holder: Holder::Owner }).await.unwrap_err()).action, "sam:CreateAuthKey");
    let key = core.perform(&owner, &CreateAuthKey { holder: Holder::Owner }).await.unwrap();
    assert!(by_key(&core, &key, None).await.unwrap().unwrap().user.is_none());
    ask(&core, EnableFactor { of: Holder::Owner }).await.unwrap_err();
    let delete = DeleteAuthKey { holder: Holder::Owner, key_id: key.key_id };
    assert_eq!(denied(ask(&core, delete).await.unwrap_err()).action, "sam:DeleteAuthKey");
    for index in 1..20 {
        assert!(core.perform(&owner, &CreateAuthKey { holder: Holder::Owner }).await.is_ok(), "{index}");
    }
    assert!(matches!(core.perform(&owner, &CreateAuthKey { holder: Holder::Owner }).await, Err(OpError::LimitExceeded(..))));
    let new = Arc::new(secret("another horse 1"));
    change_owner_password(&core, &owner, secret("owner horse"), new).await.unwrap();
    assert_eq!(refused(owner_again(&core, "owner horse", None).await), Refusal::Wrong);
    owner_again(&core, "another horse 1", None).await.unwrap().unwrap();
    // Whoever is deleted takes its keys along.
    ask(&core, CreateAuthKey { holder: Holder::User(name("made")) }).await.unwrap_err();
    let made = crate::directory::CreateUser { name: name("made"), display_name: None, email: None, phone: None, comments: None };
    ask(&core, made).await.unwrap();
    let key = ask(&core, CreateAuthKey { holder: Holder::User(name("made")) }).await.unwrap();
    ask(&core, DeleteUser { name: name("made") }).await.unwrap();
    assert_eq!(refused(by_key(&core, &key, None).await), Refusal::Wrong);
}

#[tokio::test]
async fn a_code_is_asked_for_after_the_right_password_only_and_marks_the_session() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        give_factor(&core, "bob").await;
        core.clock.advance(MINUTE);
        let code = code_of(&core, "bob", 0).await;
        assert_eq!(refused(sign_in(&core, "bob", "wrong", None).await), Refusal::Wrong);
        assert_eq!(refused(sign_in(&core, "bob", "wrong", Some(&code)).await), Refusal::Wrong, "and the code is not burnt");
        assert_eq!(refused(sign_in(&core, "bob", RIGHT, None).await), Refusal::CodeNeeded);
        for bad in ["000000", "12345", "abcdef", ""] {
            assert_eq!(refused(sign_in(&core, "bob", RIGHT, Some(bad)).await), Refusal::Code, "{bad}");
        }
        let session = sign_in(&core, "bob", RIGHT, Some(&code)).await.unwrap().unwrap();
        assert!(caller(&core, &session).await.unwrap().second_factor());
        // The very request again: the very session. Any other request: nothing.
        core.clock.advance(Duration::from_secs(20));
        let again = sign_in(&core, "bob", RIGHT, Some(&code)).await.unwrap().unwrap();
        assert_eq!((again.api_key.expose(), again.token.expose()), (session.api_key.expose(), session.token.expose()));
        let longer = SamSignIn {
            lifetime: Some(Duration::from_hours(48)),
            request: b"longer".to_vec(),
            ..wanted(user_shown(&core, "bob", RIGHT), Some(&code))
        };
        assert_eq!(refused(core.sam_sign_in(&core.meta(), longer).await), Refusal::Code);
        for source in [Some([192, 0, 2, 8].into()), None] {
            let elsewhere = RequestMeta { source, ..core.meta() };
            let refusal = refused(core.sam_sign_in(&elsewhere, wanted(user_shown(&core, "bob", RIGHT), Some(&code))).await);
            assert_eq!(refusal, Refusal::Code, "{source:?}");
        }
        core.clock.advance(Duration::from_secs(11));
        assert_eq!(refused(sign_in(&core, "bob", RIGHT, Some(&code)).await), Refusal::Code, "31 seconds after");
        caller(&core, &session).await.unwrap();
    }
}

#[tokio::test]
async fn a_repeat_brings_nothing_back() {
    let core = TestCore::new().await.unwrap();
    create(&core, "bob", RIGHT).await.unwrap();
    give_factor(&core, "bob").await;
    core.clock.advance(MINUTE);
    // After the end of the session.
    let code = code_of(&core, "bob", 0).await;
    let session = sign_in(&core, "bob", RIGHT, Some(&code)).await.unwrap().unwrap();
    core.perform(&caller(&core, &session).await.unwrap(), &SignOut).await.unwrap();
    assert_eq!(refused(sign_in(&core, "bob", RIGHT, Some(&code)).await), Refusal::Code);
    // After a new password, and the old one again.
    core.clock.advance(MINUTE);
    let code = code_of(&core, "bob", 0).await;
    sign_in(&core, "bob", RIGHT, Some(&code)).await.unwrap().unwrap();
    for password in ["battery staple", RIGHT] {
        update_login_profile(&core, &alice(&core).await, change("bob", Some(password))).await.unwrap();
    }
    assert_eq!(refused(sign_in(&core, "bob", RIGHT, Some(&code)).await), Refusal::Code);
    // A code that was used at a browser, and one that is older than one that was.
    core.clock.advance(2 * MINUTE);
    let (old, new) = (code_of(&core, "bob", -1).await, code_of(&core, "bob", 0).await);
    let stepped = core.sign_in(&core.meta(), "a browser", "bob@acme", secret(RIGHT)).await.unwrap().unwrap();
    let browser = core.browser(&stepped.cookie, &core.meta()).await.unwrap().unwrap();
    core.one_time_code(&core.meta(), &browser, "a browser", &new).await.unwrap().unwrap();
    for code in [&new, &old] {
        assert_eq!(refused(sign_in(&core, "bob", RIGHT, Some(code)).await), Refusal::Code);
    }
    // And the other way round.
    core.clock.advance(2 * MINUTE);
    let code = code_of(&core, "bob", 0).await;
    sign_in(&core, "bob", RIGHT, Some(&code)).await.unwrap().unwrap();
    let stepped = core.sign_in(&core.meta(), "a browser", "bob@acme", secret(RIGHT)).await.unwrap().unwrap();
    let browser = core.browser(&stepped.cookie, &core.meta()).await.unwrap().unwrap();
    assert!(core.one_time_code(&core.meta(), &browser, "a browser", &code).await.unwrap().is_err());
}

#[tokio::test]
async fn one_code_on_two_nodes_at_once_begins_one_session() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        give_factor(&core, "bob").await;
        core.clock.advance(MINUTE);
        let other = TestCore::node(&core.store, Arc::clone(&core.clock), 9, Limits::default()).await.unwrap();
        let code = code_of(&core, "bob", 0).await;
        let meta = core.meta();
        let (same, otherwise) = (
            || wanted(user_shown(&core, "bob", RIGHT), Some(&code)),
            || SamSignIn { request: b"another request".to_vec(), ..wanted(user_shown(&core, "bob", RIGHT), Some(&code)) },
        );
        let (one, two) = tokio::join!(core.sam_sign_in(&meta, same()), other.sam_sign_in(&meta, same()));
        let (one, two) = (one.unwrap().unwrap(), two.unwrap().unwrap());
        assert_eq!(one.token.expose(), two.token.expose(), "the same request has the same session everywhere");
        core.clock.advance(MINUTE);
        let code = code_of(&core, "bob", 0).await;
        let first = SamSignIn { code: Some(code.clone()), ..same() };
        let second = SamSignIn { code: Some(code.clone()), ..otherwise() };
        let (one, two) = tokio::join!(core.sam_sign_in(&meta, first), other.sam_sign_in(&meta, second));
        let won = [one.unwrap().is_ok(), two.unwrap().is_ok()];
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    }
}

#[tokio::test]
async fn codes_are_capped_over_all_addresses_and_refusals_wait_for_nothing() {
    let core = TestCore::new().await.unwrap();
    create(&core, "bob", RIGHT).await.unwrap();
    give_factor(&core, "bob").await;
    core.clock.advance(MINUTE);
    for index in 0..10_u8 {
        let meta = RequestMeta { source: Some([192, 0, 3, index].into()), ..core.meta() };
        let refusal = refused(core.sam_sign_in(&meta, wanted(user_shown(&core, "bob", RIGHT), Some("000000"))).await);
        assert_eq!(refusal, Refusal::Code);
    }
    let code = code_of(&core, "bob", 0).await;
    assert_eq!(refused(sign_in(&core, "bob", RIGHT, Some(&code)).await), Refusal::TooManyCodes);
    // Wrong passwords: a full pool keeps nobody waiting who is refused in any case.
    let mut tries = 0;
    while refused(sign_in(&core, "dan", "wrong", None).await) == Refusal::Wrong {
        tries += 1;
    }
    assert!((3..=10).contains(&tries), "{tries}");
    let limits = Limits { hashing: Hashing { at_once: 1, waiting: 0, waiting_per_address: 0 }, ..Limits::default() };
    let busy = TestCore::node(&core.store, Arc::clone(&core.clock), 9, limits).await.unwrap();
    let turn = busy.hashing.turn(None).await.unwrap();
    let throttled = refused(busy.sam_sign_in(&core.meta(), wanted(user_shown(&core, "dan", "wrong"), None)).await);
    assert!(matches!(throttled, Refusal::TooMany(wait) if wait > 10 * MINUTE), "{throttled:?}");
    let full = refused(busy.sam_sign_in(&core.meta(), wanted(user_shown(&core, "alice", "wrong"), None)).await);
    assert!(matches!(full, Refusal::Busy(_)), "{full:?}");
    drop(turn);
}

#[tokio::test]
async fn a_code_with_an_auth_key_counts_where_there_is_a_factor() {
    let core = TestCore::new().await.unwrap();
    let key = ask(&core, CreateAuthKey { holder: Holder::User(name("bob")) }).await.unwrap();
    assert!(!caller(&core, &by_key(&core, &key, Some("000000")).await.unwrap().unwrap()).await.unwrap().second_factor(), "ignored");
    give_factor(&core, "bob").await;
    core.clock.advance(MINUTE);
    assert_eq!(refused(by_key(&core, &key, Some("000000")).await), Refusal::Code);
    let without = by_key(&core, &key, None).await.unwrap().unwrap();
    assert!(!caller(&core, &without).await.unwrap().second_factor());
    let code = code_of(&core, "bob", 0).await;
    let with = by_key(&core, &key, Some(&code)).await.unwrap().unwrap();
    assert!(caller(&core, &with).await.unwrap().second_factor());
    create(&core, "bob", RIGHT).await.unwrap();
    assert_eq!(refused(sign_in(&core, "bob", RIGHT, Some(&code)).await), Refusal::Code, "burnt");
}

#[tokio::test]
async fn a_factor_is_made_confirmed_and_taken_off() {
    for core in TestCore::each().await.unwrap() {
        let (_, owner) = owner(&core).await;
        let state = async |caller: &Caller, of: Holder| core.perform(caller, &FindFactorState { of }).await.unwrap();
        for (of, device) in [(Holder::Owner, "root-1000000000000001"), (Holder::User(name("bob")), "bob")] {
            assert_eq!(state(&owner, of.clone()).await, FactorState::Inactive);
            let first = core.perform(&owner, &EnableFactor { of: of.clone() }).await.unwrap();
            assert!(first.expose().starts_with("otpauth://totp/tegata:"));
            let second = core.perform(&owner, &EnableFactor { of: of.clone() }).await.unwrap();
            assert_ne!(first.expose(), second.expose(), "made again");
            assert_eq!(state(&owner, of.clone()).await, FactorState::Unconfirmed);
            let code = codes(&core, device, 0).await.1;
            let wrong = VerifyFactor { of: of.clone(), code: "000000".parse().unwrap() };
            assert!(matches!(core.perform(&owner, &wrong).await, Err(OpError::Invalid(_))));
            let backup = core.perform(&owner, &VerifyFactor { of: of.clone(), code }).await.unwrap();
            assert_eq!(backup.len(), if of == Holder::Owner { 5 } else { 0 });
            assert_eq!(state(&owner, of.clone()).await, FactorState::Active);
            assert!(matches!(core.perform(&owner, &EnableFactor { of: of.clone() }).await, Err(OpError::Exists(_))));
        }
        // The owner has one now, and this session was begun without it.
        let refused_by = denied(core.perform(&owner, &RevokeFactor { of: Holder::Owner }).await.unwrap_err()).by;
        assert_eq!(refused_by, DeniedBy::SecondFactor);
        let new = Arc::new(secret("another horse 1"));
        let change = change_owner_password(&core, &owner, secret("owner horse"), new).await;
        assert_eq!(denied(change.unwrap_err()).by, DeniedBy::SecondFactor);
        core.perform(&owner, &CreateAuthKey { holder: Holder::Owner }).await.unwrap_err();
        core.clock.advance(MINUTE);
        assert_eq!(refused(owner_again(&core, "owner horse", None).await), Refusal::CodeNeeded);
        let code = codes(&core, "root-1000000000000001", 0).await.1;
        let session = owner_again(&core, "owner horse", Some(code.digits())).await.unwrap().unwrap();
        let strong = caller(&core, &session).await.unwrap();
        let wrong = revoke_owner_factor(&core, &strong, Arc::new(secret("wrong"))).await.unwrap();
        assert_eq!(wrong.unwrap_err(), Refusal::Wrong);
        revoke_owner_factor(&core, &strong, Arc::new(secret("owner horse"))).await.unwrap().unwrap();
        assert_eq!(state(&strong, Holder::Owner).await, FactorState::Inactive);
        // Another user's factor can be taken off by whoever may.
        core.perform(&strong, &RevokeFactor { of: Holder::User(name("bob")) }).await.unwrap();
        assert_eq!(state(&strong, Holder::User(name("bob"))).await, FactorState::Inactive);
        assert!(matches!(core.perform(&strong, &RevokeFactor { of: Holder::User(name("bob")) }).await, Err(OpError::NotFound(_))));
    }
}

#[tokio::test]
async fn a_lost_factor_is_taken_off_once_by_letter_and_backup_code() {
    for core in TestCore::each().await.unwrap() {
        let (session, owner) = owner(&core).await;
        let password = || Arc::new(secret("owner horse"));
        let letters =
            async || core.request_factor_removal(&core.meta(), "root@acme.test", password(), crate::mail::Language::English).await;
        assert_eq!(letters().await.unwrap(), Ok(false), "nothing to take off");
        core.perform(&owner, &EnableFactor { of: Holder::Owner }).await.unwrap();
        let code = codes(&core, "root-1000000000000001", 0).await.1;
        let backup = core.perform(&owner, &VerifyFactor { of: Holder::Owner, code }).await.unwrap();
        let wrong =
            core.request_factor_removal(&core.meta(), "root@acme.test", Arc::new(secret("x")), crate::mail::Language::English).await;
        assert_eq!(wrong.unwrap(), Err(Refusal::Wrong));
        let mut tokens = Vec::new();
        for _ in 0..2 {
            assert_eq!(letters().await.unwrap(), Ok(true));
            core.send_letters().await.unwrap();
            tokens.push(token_in(&core));
        }
        let remove = async |token: &str, code: &str| {
            core.remove_lost_factor(&core.meta(), "root@acme.test", password(), &secret(token), &secret(code)).await.unwrap()
        };
        assert_eq!(remove(&tokens[0], backup[0].expose()).await, Ok(false), "superseded");
        assert_eq!(remove(&tokens[1], "AAAAAAAA").await, Ok(false));
        let (one, two) = tokio::join!(remove(&tokens[1], backup[0].expose()), remove(&tokens[1], backup[0].expose()));
        assert_eq!([one, two].iter().filter(|result| **result == Ok(true)).count(), 1);
        assert_eq!(unauthenticated(caller(&core, &session).await), "session-ended");
        assert!(owner_again(&core, "owner horse", None).await.unwrap().is_ok(), "no code is asked for");
        let root = user::find_root(&core.store, core.acme.account).await.unwrap().unwrap();
        assert!(mfa_device::of_user(&core.store, root.id).await.unwrap().is_none());
    }
}

/// The token in the newest letter.
fn token_in(core: &TestCore) -> String {
    let letters = core.mailer.take();
    let text = letters.last().unwrap().body.clone();
    let found = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).find(|word| word.len() == 43);
    found.unwrap_or_else(|| panic!("no token in {text}")).to_owned()
}

#[tokio::test]
async fn a_session_becomes_a_temporary_key_and_a_session_again_and_nothing_is_gained() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "alice", RIGHT).await.unwrap();
        create(&core, "bob", RIGHT).await.unwrap();
        let (_, bob) = as_user(&core, "bob").await;
        denied(core.perform(&bob, &ForTemporaryKey).await.unwrap_err());
        give_factor(&core, "alice").await;
        core.clock.advance(MINUTE);
        let code = code_of(&core, "alice", 0).await;
        let session = sign_in(&core, "alice", RIGHT, Some(&code)).await.unwrap().unwrap();
        let as_alice = caller(&core, &session).await.unwrap();
        let key = core.perform(&as_alice, &ForTemporaryKey).await.unwrap();
        assert_eq!(key.expires_at, session.expires_at);
        let key = crate::testing::TestKey { key_id: key.access_key_id, secret: key.secret, token: Some(key.security_token) };
        let by_key = core.caller(&key).await.unwrap();
        assert!(by_key.second_factor() && by_key.user_name() == Some(&name("alice")));
        // The fixture signs another way than the exchange asks for.
        let back = FromTemporaryKey { signed: crate::grant::SignedHere::of(&core, &by_key, &[]) };
        assert!(matches!(core.perform(&by_key, &back).await, Err(OpError::Grant(_))));
        core.perform(&as_alice, &SignOut).await.unwrap();
        assert_eq!(unauthenticated(core.caller(&key).await), "session-ended");
    }
}

#[tokio::test]
async fn switching_asks_for_trust_and_never_for_oneself_or_an_owner() {
    let core = TestCore::new().await.unwrap();
    create(&core, "alice", RIGHT).await.unwrap();
    create(&core, "bob", RIGHT).await.unwrap();
    let (_, caller) = as_user(&core, "alice").await;
    let to = |operator: &str, user: &str| SwitchUser { operator: operator.into(), user: user.into(), lifetime: None };
    let acme = core.acme.operator_id.as_str();
    for (operator, user) in [(acme, "alice"), (acme, "root"), (acme, "ghost"), (acme, "bob"), ("OP9999999999", "bob"), ("", "")] {
        let error = core.perform(&caller, &to(operator, user)).await.unwrap_err();
        let by = denied(error).by;
        assert_eq!(by, DeniedBy::Layer { layer: crate::LayerKind::Trust, explicit: false }, "{operator} {user}");
    }
    for seconds in [179, 3601] {
        let switch = SwitchUser { lifetime: Some(Duration::from_secs(seconds)), ..to(acme, "bob") };
        assert!(matches!(core.perform(&caller, &switch).await, Err(OpError::Invalid(_))), "{seconds}");
    }
    let (_, bob) = as_user(&core, "bob").await;
    assert!(matches!(
        denied(core.perform(&bob, &to(acme, "alice")).await.unwrap_err()).by,
        DeniedBy::Layer { layer: crate::LayerKind::Identity, .. }
    ));
    // By a key nobody switches: there is no session to stand on.
    denied(core.perform(&core.user("alice").await.unwrap(), &to(acme, "bob")).await.unwrap_err());
    let _: UserName = name("bob");
    assert_eq!(SwitchUser::ACTION.name(), "sam:SwitchUser");
}

#[tokio::test]
async fn a_support_token_tells_the_trail_who_made_it_and_opens_nothing() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        create(&core, "alice", RIGHT).await.unwrap();
        let (_, bob) = as_user(&core, "bob").await;
        assert_eq!(denied(core.perform(&bob, &CreateSupportToken).await.unwrap_err()).action, "sam:CreateSupportToken");
        let (session, alice) = as_user(&core, "alice").await;
        let made = core.perform(&alice, &CreateSupportToken).await.unwrap();
        let token = made.token.expose();
        assert!(token.starts_with("support-") && token.len() == 51, "{token}");
        assert_eq!(made.expires_at, START.plus(Duration::from_hours(1)));
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        let sum = sum.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let rows = audit::tail(&core.store, Filter::default(), 100).await.unwrap();
        let found: Vec<_> = rows.iter().filter(|row| row.detail.contains(&sum)).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].action, "sam:CreateSupportToken");
        assert!(rows.iter().all(|row| !format!("{row:?}").contains(token)));
        assert_ne!(core.perform(&alice, &CreateSupportToken).await.unwrap().token.expose(), token);
        for (key, shown) in [(session.api_key.expose(), token), (token, session.token.expose())] {
            assert!(caller_of(&core, key, shown).await.is_err());
        }
    }
}
