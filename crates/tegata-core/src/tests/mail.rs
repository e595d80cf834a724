//! Letters: what is asked for by mail, what people are told, and what the links of letters do.

use std::{sync::Arc, time::Duration};

use tegata_model::{Status, Timestamp};
use tegata_store::{access_key, audit, login_profile, mfa_device, user};

use super::{
    grants,
    sign_in::{alice, ask, change, create, give_factor, name, secret},
};
use crate::{
    Caller, OpError,
    directory::{
        AttachPolicyToUser, CreateAccessKey, CreatePolicy, LoginProfileChange, PolicyRef, PolicyType, SetSecurityPreference,
        UnbindMfaDevice, UpdateUser, change_password, update_login_profile,
    },
    limits::{Hashing, Limits},
    mail::{Asked, Language, MailError, Mailer, Message, What, is_address},
    signin::Refusal,
    testing::{TestCore, TestMailer},
};

const RIGHT: &str = "correct horse";
const NEW: &str = "battery staple";
const BOB: &str = "bob@people.test";
const PAGE: Asked = Asked::AtAPage(Language::English);

/// Bob has a password and an address.
async fn world(core: &TestCore) {
    create(core, "bob", RIGHT).await.unwrap();
    address(core, "bob", BOB).await;
}

async fn address(core: &TestCore, who: &str, address: &str) {
    let change = UpdateUser {
        name: name(who),
        new_name: None,
        display_name: None,
        email: Some(address.parse().unwrap()),
        phone: None,
        comments: None,
    };
    ask(core, change).await.unwrap();
}

async fn letters(core: &TestCore) -> Vec<Message> {
    core.send_letters().await.unwrap();
    core.mailer.take()
}

async fn asked(core: &TestCore, address: &str, how: Asked) -> Vec<Message> {
    core.request_password_reset(&core.meta(), address, how).await.unwrap();
    letters(core).await
}

/// What stands behind `/kind/` in a letter.
fn token(message: &Message, kind: &str) -> tegata_model::SecretKey {
    let marker = format!("http://tegata.test/{kind}/");
    let (_, rest) = message.body.split_once(&marker).unwrap_or_else(|| panic!("no link in {}", message.body));
    secret(rest.split_whitespace().next().unwrap())
}

async fn reset(core: &TestCore, token: &tegata_model::SecretKey, new: &str) -> Result<(), Refusal> {
    core.reset_password(&core.meta(), token, Arc::new(secret(new))).await.unwrap()
}

async fn signs_in(core: &TestCore, browser: &str, password: &str) -> bool {
    core.sign_in(&core.meta(), browser, "bob@acme", secret(password)).await.unwrap().is_ok()
}

async fn audited(core: &TestCore, action: &str) -> Vec<String> {
    let rows = audit::tail(&core.store, audit::Filter::default(), 200).await.unwrap();
    rows.into_iter().filter(|row| row.action == action).map(|row| row.detail).collect()
}

#[test]
fn addresses_are_told_from_other_texts() {
    for good in ["a@b", "root@acme.test", "no-reply+1@mail.example.com"] {
        assert!(is_address(good), "{good}");
    }
    for bad in ["", "@", "a@", "@b", "a b@c", "a@b@c", "a@b\r\nBcc: x@y", "<a@b>", "a,b@c", "ä@b", &format!("{}@b", "x".repeat(300))] {
        assert!(!is_address(bad), "{bad}");
    }
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_letter() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        give_factor(&core, "bob").await;
        let stepped = core.sign_in(&core.meta(), "a browser", "bob@acme", secret(RIGHT)).await.unwrap().unwrap();
        letters(&core).await;
        // By address, in any case, and by name.
        for typed in [BOB, "Bob@People.TEST", " bob@acme "] {
            let sent = asked(&core, typed, PAGE).await;
            assert_eq!((sent.len(), sent[0].to.as_str()), (1, BOB), "{typed}");
            core.clock.advance(Duration::from_mins(61));
        }
        let sent = asked(&core, BOB, PAGE).await;
        assert_eq!(sent[0].subject, "Set a new password at tegata.test");
        assert!(sent[0].body.contains("bob@acme") && sent[0].body.contains("192.0.2.7"), "{}", sent[0].body);
        let older = token(&sent[0], "reset");
        let newest = token(&asked(&core, BOB, PAGE).await[0], "reset");
        assert_eq!(reset(&core, &older, NEW).await, Err(Refusal::Expired), "only the newest");
        assert_eq!(core.password_reset(&newest).await.unwrap().unwrap().name, "bob@acme");
        assert!(matches!(reset(&core, &newest, "short").await, Err(Refusal::Password(_))));
        assert!(matches!(reset(&core, &newest, RIGHT).await, Err(Refusal::Password(_))), "the one that was forgotten");
        assert_eq!(reset(&core, &newest, NEW).await, Ok(()), "a bad choice has not spent it");
        assert_eq!(reset(&core, &newest, "another staple").await, Err(Refusal::Expired), "once");
        assert!(core.password_reset(&newest).await.unwrap().is_none());
        // Nobody was signed in, whoever was is no more, and the second factor is asked as before.
        assert!(core.browser(&stepped.cookie, &core.meta()).await.unwrap().is_none());
        let again = core.sign_in(&core.meta(), "a browser", "bob@acme", secret(NEW)).await.unwrap().unwrap();
        assert_eq!(again.stage, crate::signin::Stage::OneTimeCode);
        let told = letters(&core).await;
        assert_eq!(told.iter().map(|letter| letter.kind).collect::<Vec<_>>(), ["password-changed"]);
        assert_eq!(audited(&core, "tegata:ResetPassword").await.len(), 1);
    }
}

#[tokio::test]
async fn what_was_issued_before_a_reset_ends() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        let stepped = core.sign_in(&core.meta(), "a browser", "bob@acme", secret(RIGHT)).await.unwrap().unwrap();
        let key = super::temporary(&core, "bob", None).await;
        assert!(core.caller(&key).await.is_ok());
        letters(&core).await;
        let link = token(&asked(&core, BOB, PAGE).await[0], "reset");
        core.clock.advance(Duration::from_mins(30));
        assert_eq!(reset(&core, &link, NEW).await, Err(Refusal::Expired), "half an hour is over");
        let link = token(&asked(&core, BOB, PAGE).await[0], "reset");
        reset(&core, &link, NEW).await.unwrap();
        assert!(core.browser(&stepped.cookie, &core.meta()).await.unwrap().is_none());
        assert!(core.caller(&key).await.is_err(), "sessions that began with a key of the person end too");
        assert!(!signs_in(&core, "a browser", RIGHT).await && signs_in(&core, "a browser", NEW).await);
    }
}

#[tokio::test]
async fn a_token_is_spent_once_however_many_come_at_once() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        let link = token(&asked(&core, BOB, PAGE).await[0], "reset");
        let tries = (0..6).map(|n| {
            let (core, link) = (&core, &link);
            async move { reset(core, link, &format!("battery staple {n}")).await }
        });
        let done = futures_util::future::join_all(tries).await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1, "{done:?}");
    }
}

#[tokio::test]
async fn nobody_learns_who_is_known_and_nobody_is_flooded() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        for _ in 0..5 {
            for nobody in ["ghost@people.test", "ghost@acme", "", "\u{0}", &"x".repeat(5000), "mallory@globex"] {
                assert!(asked(&core, nobody, PAGE).await.is_empty(), "{nobody}");
            }
        }
        let mut sent = 0;
        for _ in 0..6 {
            sent += asked(&core, BOB, PAGE).await.len();
            core.clock.advance(Duration::from_mins(10));
        }
        assert_eq!(sent, 3, "three in an hour");
        core.clock.advance(Duration::from_mins(1));
        assert_eq!(asked(&core, BOB, PAGE).await.len(), 1);
        // Programs name an owner, and nobody else.
        assert!(asked(&core, BOB, Asked::ByProgram(Language::English)).await.is_empty());
        // An account that keeps passwords to its administrators sends none.
        core.clock.advance(Duration::from_hours(2));
        ask(&core, SetSecurityPreference { users_change_password: Some(false), ..Default::default() }).await.unwrap();
        assert!(asked(&core, BOB, PAGE).await.is_empty());
        ask(&core, SetSecurityPreference { users_change_password: Some(true), ..Default::default() }).await.unwrap();
        let off = LoginProfileChange { status: Some(Status::Inactive), ..change("bob", None) };
        update_login_profile(&core, &alice(&core).await, off).await.unwrap();
        assert!(asked(&core, BOB, PAGE).await.is_empty());
    }
}

#[tokio::test]
async fn the_owner_gets_a_token_for_a_program_in_its_language() {
    for core in TestCore::each().await.unwrap() {
        let alias = "acme".parse().unwrap();
        let link = core.root_sign_in_link(&alias).await.unwrap().unwrap();
        core.set_password_by_link(&core.meta(), &link, Arc::new(secret(RIGHT))).await.unwrap().unwrap();
        let sent = asked(&core, "root@acme.test", Asked::ByProgram(Language::Japanese)).await;
        assert_eq!(sent[0].subject, "新しいパスワードの設定（tegata.test）");
        assert!(!sent[0].body.contains("/reset/"), "{}", sent[0].body);
        let line = sent[0].body.lines().find(|line| line.trim().len() == 43).unwrap();
        assert_eq!(reset(&core, &secret(line.trim()), NEW).await, Ok(()));
    }
}

#[tokio::test]
async fn a_new_browser_is_told_of_and_a_known_one_is_not() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        assert!(signs_in(&core, "at home", RIGHT).await);
        let told = letters(&core).await;
        assert_eq!((told.len(), told[0].kind), (1, "signed-in"));
        for part in ["bob@acme", "test/1", "192.0.2.7", "2026-01-02", "ends that sign-in and all others"] {
            assert!(told[0].body.contains(part), "{part} in {}", told[0].body);
        }
        assert!(signs_in(&core, "at home", RIGHT).await);
        assert!(letters(&core).await.is_empty(), "known by now");
        assert!(signs_in(&core, "elsewhere", RIGHT).await);
        assert_eq!(letters(&core).await.len(), 1);
        // A browser is forgotten thirty days after its sign-in ended. (A password that somebody else has set would be too old by then.)
        let bob = core.user("bob").await.unwrap();
        change_password(&core, &bob, secret(RIGHT), Arc::new(secret(NEW))).await.unwrap();
        letters(&core).await;
        core.clock.advance(Duration::from_hours(31 * 24));
        core.tidy_up().await.unwrap();
        assert!(signs_in(&core, "at home", NEW).await);
        assert_eq!(letters(&core).await.len(), 1);
    }
}

/// A stranger who guesses uses up the tries of strangers; whoever has used the browser before has tries of its own.
#[tokio::test]
async fn a_stranger_locks_nobody_out_of_a_known_browser() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        assert!(signs_in(&core, "at home", RIGHT).await);
        for n in 0..20 {
            assert!(!signs_in(&core, &format!("stranger {n}"), "guess").await);
        }
        let elsewhere = core.sign_in(&core.meta(), "elsewhere", "bob@acme", secret(RIGHT)).await.unwrap();
        assert!(matches!(elsewhere, Err(Refusal::TooMany(_))), "{elsewhere:?}");
        assert!(signs_in(&core, "at home", RIGHT).await);
        // And guessing at a known browser is bounded like any other.
        for _ in 0..20 {
            assert!(!signs_in(&core, "at home", "guess").await);
        }
        let there = core.sign_in(&core.meta(), "at home", "bob@acme", secret(RIGHT)).await.unwrap();
        assert!(matches!(there, Err(Refusal::TooMany(_))), "{there:?}");
    }
}

#[tokio::test]
async fn not_me_ends_a_sign_in_and_the_password_with_it() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        let thief = core.sign_in(&core.meta(), "a thief's", "bob@acme", secret(RIGHT)).await.unwrap().unwrap();
        let link = token(&letters(&core).await[0], "not-me");
        let shown = core.disowned(&link).await.unwrap().unwrap();
        assert_eq!((shown.person.as_str(), shown.what, shown.at), ("bob@acme", What::SignedIn, core.now()));
        assert!(core.browser(&thief.cookie, &core.meta()).await.unwrap().is_some(), "looking does nothing");
        assert!(core.disown(&core.meta(), &link).await.unwrap());
        assert!(!core.disown(&core.meta(), &link).await.unwrap(), "once");
        assert!(core.disowned(&link).await.unwrap().is_none());
        assert!(core.browser(&thief.cookie, &core.meta()).await.unwrap().is_none());
        assert!(!signs_in(&core, "a thief's", RIGHT).await, "a password that somebody else knows is none");
        let sent = letters(&core).await;
        assert_eq!((sent.len(), sent[0].kind), (1, "new-password"));
        assert!(sent[0].body.contains("was not you") && !sent[0].body.contains("forgotten"), "{}", sent[0].body);
        let way = token(&sent[0], "reset");
        assert!(matches!(reset(&core, &way, RIGHT).await, Err(Refusal::Password(_))), "not the one that was taken away");
        reset(&core, &way, "quite another one").await.unwrap();
        letters(&core).await;
        assert!(signs_in(&core, "a thief's", "quite another one").await);
        assert_eq!(letters(&core).await.len(), 1, "the browser of the thief is known no more");
        assert_eq!(audited(&core, "tegata:DisownEvent").await.len(), 1);
    }
}

#[tokio::test]
async fn not_me_switches_a_key_off() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        let made = ask(&core, CreateAccessKey { user: Some(name("bob")) }).await.unwrap();
        let told = letters(&core).await;
        assert_eq!((told.len(), told[0].kind), (1, "key-made"));
        assert!(told[0].body.contains(made.key.key_id.as_str()) && !told[0].body.contains(made.secret.expose()));
        let link = token(&told[0], "not-me");
        core.clock.advance(Duration::from_hours(7 * 24) - Duration::from_secs(1));
        assert!(core.disown(&core.meta(), &link).await.unwrap());
        let row = access_key::find(&core.store, made.key.key_id.as_str()).await.unwrap().unwrap();
        assert_eq!(row.status, Status::Inactive);
        let made = ask(&core, CreateAccessKey { user: Some(name("alice")) }).await;
        assert!(made.is_ok() && letters(&core).await.iter().all(|letter| letter.to == BOB), "who has no address is told nothing");
    }
}

#[tokio::test]
async fn a_removed_factor_and_a_password_set_by_others_are_told_of() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        give_factor(&core, "bob").await;
        letters(&core).await;
        ask(&core, UnbindMfaDevice { user: name("bob") }).await.unwrap();
        update_login_profile(&core, &alice(&core).await, change("bob", Some(NEW))).await.unwrap();
        let mut told: Vec<_> = letters(&core).await.into_iter().map(|letter| letter.kind).collect();
        told.sort_unstable();
        assert_eq!(told, ["factor-removed", "password-changed"]);
        let bob = user::find_by_name(&core.store, core.acme.account, "bob").await.unwrap().unwrap();
        assert!(mfa_device::of_user(&core.store, bob.id).await.unwrap().is_none());
        assert!(login_profile::find(&core.store, bob.id).await.unwrap().is_some());
    }
}

/// Where letters go is worth as much as the password: whoever may not set that may not move them, and the old address hears of it.
#[tokio::test]
async fn an_address_is_moved_only_by_who_may_set_the_password() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        let way = token(&asked(&core, BOB, PAGE).await[0], "reset");
        address(&core, "bob", "elsewhere@people.test").await;
        assert_eq!(reset(&core, &way, NEW).await, Err(Refusal::Expired), "what went to the old address is of no more use");
        let told = letters(&core).await;
        assert_eq!((told[0].kind, told[0].to.as_str()), ("address-changed", BOB));
        assert!(core.disown(&core.meta(), &token(&told[0], "not-me")).await.unwrap());
        assert!(letters(&core).await.is_empty(), "nothing goes to the new address any more");
        let bob = user::find_by_name(&core.store, core.acme.account, "bob").await.unwrap().unwrap();
        assert_eq!(bob.email, "");
        let only_users = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:UpdateUser","Resource":"*"}]}"#;
        let policy = CreatePolicy { name: "users".parse().unwrap(), document: only_users.to_owned(), description: None, tags: vec![] };
        ask(&core, policy).await.unwrap();
        let users = PolicyRef { kind: PolicyType::Custom, name: "users".parse().unwrap() };
        ask(&core, AttachPolicyToUser { policy: users, to: name("dan") }).await.unwrap();
        let move_to = |who: &str| UpdateUser {
            name: name(who),
            new_name: None,
            display_name: None,
            email: Some("dan@people.test".parse().unwrap()),
            phone: None,
            comments: None,
        };
        let dan: Caller = core.user("dan").await.unwrap();
        assert!(matches!(core.perform(&dan, &move_to("bob")).await, Err(OpError::Denied(_))));
        let dan: Caller = core.user("dan").await.unwrap();
        core.perform(&dan, &move_to("appserver")).await.unwrap();
    }
}

#[tokio::test]
async fn letters_are_tried_again_and_given_up_in_the_end() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        core.mailer.fail(Some(MailError::Unreachable("nobody there".to_owned())));
        ask(&core, CreateAccessKey { user: Some(name("bob")) }).await.unwrap();
        assert_eq!((core.send_letters().await.unwrap(), core.letters_waiting().await.unwrap()), (0, 1));
        core.mailer.fail(None);
        assert_eq!(core.send_letters().await.unwrap(), 0, "not yet");
        core.clock.advance(Duration::from_secs(30));
        assert_eq!(core.send_letters().await.unwrap(), 1);
        let first = core.mailer.take();
        assert_eq!((first.len(), core.letters_waiting().await.unwrap()), (1, 0));

        core.mailer.fail(Some(MailError::NotNow("it answered 451".to_owned())));
        update_login_profile(&core, &alice(&core).await, change("bob", Some(NEW))).await.unwrap();
        for _ in 0..60 {
            core.send_letters().await.unwrap();
            core.clock.advance(Duration::from_mins(30));
        }
        assert_eq!(core.letters_waiting().await.unwrap(), 0);
        let said = audited(&core, "tegata:SendLetter").await;
        assert!(said.iter().any(|detail| detail.contains("letter `password-changed` given up: ")), "{said:?}");

        core.mailer.fail(Some(MailError::Refused("it answered 550 for the recipient".to_owned())));
        update_login_profile(&core, &alice(&core).await, change("bob", Some(RIGHT))).await.unwrap();
        core.send_letters().await.unwrap();
        assert_eq!(core.letters_waiting().await.unwrap(), 0, "refused for good");
        // A link that has run out is not worth sending.
        core.mailer.fail(Some(MailError::NotNow("it answered 451".to_owned())));
        core.request_password_reset(&core.meta(), BOB, PAGE).await.unwrap();
        core.send_letters().await.unwrap();
        core.clock.advance(Duration::from_mins(31));
        core.mailer.fail(None);
        assert!(letters(&core).await.is_empty());
        assert_eq!(core.letters_waiting().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn two_nodes_send_each_letter_once() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        for n in 0..12 {
            update_login_profile(&core, &alice(&core).await, change("bob", Some(&format!("battery staple {n}")))).await.unwrap();
        }
        let mailer: Arc<dyn Mailer> = Arc::<TestMailer>::clone(&core.mailer);
        let outbound = Arc::clone(&core.outbound);
        let other = TestCore::node_of(&core.store, Arc::clone(&core.clock), 9, Limits::default(), outbound, Some(mailer)).await.unwrap();
        let (one, two, three) = tokio::join!(core.send_letters(), other.send_letters(), core.send_letters());
        assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 12);
        let mut ids: Vec<String> = core.mailer.take().into_iter().map(|letter| letter.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 12);
    }
}

#[tokio::test]
async fn without_mail_nothing_is_written_but_that() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        let silent = TestCore::node(&core.store, Arc::clone(&core.clock), 9, Limits::default()).await.unwrap();
        let caller = silent.authenticate(crate::authn::Proof::Signed(core.signed(&core.key("alice").unwrap(), "n").unwrap()), core.meta());
        silent.perform(&caller.await.unwrap(), &CreateAccessKey { user: Some(name("bob")) }).await.unwrap();
        silent.request_password_reset(&core.meta(), BOB, PAGE).await.unwrap();
        assert!(!silent.writes_letters());
        assert_eq!(silent.letters_waiting().await.unwrap(), 0);
        let said = audited(&core, "tegata:SendLetter").await;
        assert!(said.iter().any(|detail| detail.contains("not sent: no [mail]")), "{said:?}");
    }
}

#[tokio::test]
async fn a_full_pool_asks_to_come_again() {
    let core = TestCore::new().await.unwrap();
    let limits = Limits { hashing: Hashing { at_once: 1, waiting: 0, waiting_per_address: 0 }, ..Limits::default() };
    let busy = TestCore::node(&core.store, Arc::clone(&core.clock), 9, limits).await.unwrap();
    let _turn = busy.hashing.turn(None).await.unwrap();
    assert!(matches!(busy.request_password_reset(&core.meta(), BOB, PAGE).await, Err(OpError::Throttled(_))));
}

#[tokio::test]
async fn letters_rest_sealed_and_in_their_own_row() {
    let core = TestCore::new().await.unwrap();
    world(&core).await;
    let rows = tegata_store::outbox::due(&core.store, Timestamp::from_unix(i64::MAX / 2), 10).await.unwrap();
    assert!(rows.iter().all(|row| !String::from_utf8_lossy(&row.sealed).contains("people.test")));
    core.request_password_reset(&core.meta(), BOB, PAGE).await.unwrap();
    let row = tegata_store::outbox::due(&core.store, core.now(), 10).await.unwrap().pop().unwrap();
    let text = format!("{row:?} {}", String::from_utf8_lossy(&row.sealed));
    assert!(!text.contains("/reset/") && !text.contains(BOB), "{text}");
    let sent = letters(&core).await;
    assert!(!format!("{sent:?}").contains("/reset/"), "a message does not print its links");
}

#[tokio::test]
async fn a_token_that_gives_a_factor_up_is_for_one_person_and_for_that_alone() {
    for core in TestCore::each().await.unwrap() {
        world(&core).await;
        letters(&core).await;
        let bob = user::find_by_name(&core.store, core.acme.account, "bob").await.unwrap().unwrap();
        let account = tegata_store::account::find(&core.store, core.acme.account).await.unwrap().unwrap();
        let mut changes = tegata_store::ChangeSet::new(core.now());
        assert!(core.factor_letter(&mut changes, &core.meta(), &bob, &account, Some(Language::English)).unwrap());
        core.store.commit(changes).await.unwrap();
        let sent = letters(&core).await;
        let line = sent[0].body.lines().find(|line| line.trim().len() == 43).unwrap();
        let given = secret(line.trim());
        assert_eq!(core.factor_token(&given).await.unwrap(), Some(bob.id));
        assert_eq!(reset(&core, &given, NEW).await, Err(Refusal::Expired), "for another purpose");
        assert!(core.disowned(&given).await.unwrap().is_none());
        core.clock.advance(Duration::from_mins(30));
        assert_eq!(core.factor_token(&given).await.unwrap(), None);
    }
}

#[tokio::test]
async fn not_me_takes_a_consent_back() {
    for core in TestCore::each().await.unwrap() {
        address(&core, "bob", BOB).await;
        grants::install(&core).await;
        let tokens = grants::sign_in(&core).await;
        let told = letters(&core).await;
        assert_eq!((told.len(), told[0].kind), (1, "consented"), "{told:?}");
        let access = tokens.access_token.expose();
        assert!(grants::access(&core, access, None).await.is_ok());
        grants::sign_in(&core).await;
        assert!(letters(&core).await.is_empty(), "agreed before");
        assert!(core.disown(&core.meta(), &token(&told[0], "not-me")).await.unwrap());
        assert!(grants::access(&core, access, None).await.is_err());
    }
}
