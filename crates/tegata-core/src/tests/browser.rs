//! Browsers that people sign in with: each step, what ends it, and what cannot be had by trying.

use std::{sync::Arc, time::Duration};

use tegata_model::Status;

use super::sign_in::{alice, ask, change, codes, create, give_factor, secret};
use crate::{
    OpError,
    directory::{LoginProfileChange, SetSecurityPreference, update_login_profile},
    limits::{Hashing, Limits},
    signin::{Browser, Refusal, Stage, Step, Stepped},
    testing::{TestCore, one_time_code},
};

const RIGHT: &str = "correct horse";
const KNOWN_BY: &str = "a browser";

async fn sign_in(core: &TestCore, who: &str, password: &str) -> Step {
    core.sign_in(&core.meta(), KNOWN_BY, who, secret(password)).await
}

async fn browser(core: &TestCore, stepped: &Stepped) -> Option<Browser> {
    core.browser(&stepped.cookie, &core.meta()).await.unwrap()
}

fn refused(step: Step) -> Refusal {
    step.unwrap().unwrap_err()
}

#[tokio::test]
async fn names_are_written_in_every_way_there_is() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        for who in ["bob@acme", "BOB@acme", "bob@ACME.onaliyun.com", " bob@acme ", "bob@1000000000000001"] {
            let stepped = sign_in(&core, who, RIGHT).await.unwrap().unwrap();
            assert_eq!(browser(&core, &stepped).await.unwrap().person(), "bob@acme", "{who}");
        }
        for who in ["bob", "bob@globex", "@acme", "bob@", "bob@acme.example", "", "\u{0}", &"x".repeat(4000)] {
            assert_eq!(refused(sign_in(&core, who, RIGHT).await), Refusal::Wrong, "{who}");
            core.clock.advance(Duration::from_mins(16));
        }
        assert_eq!(refused(sign_in(&core, "alice@acme", RIGHT).await), Refusal::Wrong, "who has no password has none to be right");
        assert_eq!(refused(sign_in(&core, "bob@acme", &"x".repeat(100_000)).await), Refusal::Wrong);
    }
}

/// Names that strangers make up leave a row only where a password is checked, which the pool bounds.
#[tokio::test]
async fn a_full_pool_counts_no_tries() {
    let core = TestCore::new().await.unwrap();
    create(&core, "bob", RIGHT).await.unwrap();
    let limits = Limits { hashing: Hashing { at_once: 1, waiting: 0, waiting_per_address: 0 }, ..Limits::default() };
    let busy = TestCore::node(&core.store, Arc::clone(&core.clock), 9, limits).await.unwrap();
    let turn = busy.hashing.turn(None).await.unwrap();
    for who in ["bob@acme", "ghost@acme"] {
        for _ in 0..20 {
            assert_eq!(refused(busy.sign_in(&core.meta(), KNOWN_BY, who, secret("wrong")).await), Refusal::Busy, "{who}");
        }
    }
    drop(turn);
    assert_eq!(refused(sign_in(&core, "ghost@acme", "wrong").await), Refusal::Wrong);
    sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
}

#[tokio::test]
async fn whatever_a_sign_in_stands_on_ends_it() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        let stepped = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
        assert_eq!(stepped.stage, Stage::SignedIn);
        assert!(core.browser(&secret("guessed"), &core.meta()).await.unwrap().is_none());
        let alive = browser(&core, &stepped).await.unwrap();
        let caller = core.browser_caller(&alive, core.meta()).unwrap();
        // A new password, however it came.
        update_login_profile(&core, &alice(&core).await, change("bob", Some("battery staple"))).await.unwrap();
        assert!(browser(&core, &stepped).await.is_none());
        let late = core.perform(&caller, &crate::sts::GetCallerIdentity).await;
        assert!(matches!(late, Err(OpError::Authentication(_))), "{late:?}");
        assert_eq!(refused(sign_in(&core, "bob@acme", RIGHT).await), Refusal::Wrong);

        let stepped = sign_in(&core, "bob@acme", "battery staple").await.unwrap().unwrap();
        let off = |status| LoginProfileChange { status: Some(status), ..change("bob", None) };
        update_login_profile(&core, &alice(&core).await, off(Status::Inactive)).await.unwrap();
        assert!(browser(&core, &stepped).await.is_none());
        assert_eq!(refused(sign_in(&core, "bob@acme", "battery staple").await), Refusal::Inactive);
        assert_eq!(refused(sign_in(&core, "bob@acme", "wrong").await), Refusal::Wrong, "only whoever has the password hears that");
        update_login_profile(&core, &alice(&core).await, off(Status::Active)).await.unwrap();
        assert!(browser(&core, &stepped).await.is_none(), "what was ended stays so");

        let stepped = sign_in(&core, "bob@acme", "battery staple").await.unwrap().unwrap();
        core.clock.advance(Duration::from_hours(6) - Duration::from_secs(1));
        assert!(browser(&core, &stepped).await.is_some());
        core.clock.advance(Duration::from_secs(1));
        assert!(browser(&core, &stepped).await.is_none(), "six hours are over");
    }
}

#[tokio::test]
async fn only_from_the_networks_of_the_account() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        let stepped = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
        let networks = |text: &str| SetSecurityPreference {
            login_networks: Some(vec![text.to_owned()]),
            session_hours: Some(1),
            ..Default::default()
        };
        ask(&core, networks("198.51.100.0/24")).await.unwrap();
        assert!(browser(&core, &stepped).await.is_none(), "a cookie is no way around");
        assert_eq!(refused(sign_in(&core, "bob@acme", RIGHT).await), Refusal::Network);
        ask(&core, networks("192.0.2.0/24")).await.unwrap();
        let stepped = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
        assert_eq!(stepped.expires_at, core.now().plus(Duration::from_hours(1)));
        let nowhere = crate::RequestMeta { source: None, ..core.meta() };
        assert!(core.browser(&stepped.cookie, &nowhere).await.unwrap().is_none(), "from nowhere known is from outside");
    }
}

#[tokio::test]
async fn a_second_factor_is_asked_once_and_its_code_is_good_once() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        give_factor(&core, "bob").await;
        core.clock.advance(Duration::from_mins(2));
        let first = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
        assert_eq!(first.stage, Stage::OneTimeCode);
        let waiting = browser(&core, &first).await.unwrap();
        assert!(core.browser_caller(&waiting, core.meta()).is_none(), "half signed in is nobody");
        let (code, _) = codes(&core, "bob-phone", 0).await;
        let wrong = core.one_time_code(&core.meta(), &waiting, KNOWN_BY, "000000").await;
        assert_eq!(refused(wrong), Refusal::Code);
        let stepped = core.one_time_code(&core.meta(), &waiting, KNOWN_BY, code.digits()).await.unwrap().unwrap();
        let signed_in = browser(&core, &stepped).await.unwrap();
        assert!(core.browser_caller(&signed_in, core.meta()).unwrap().second_factor());
        assert!(browser(&core, &first).await.is_none(), "the cookie of the way here is worth nothing any more");
        let again = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
        let again = browser(&core, &again).await.unwrap();
        assert_eq!(refused(core.one_time_code(&core.meta(), &again, KNOWN_BY, code.digits()).await), Refusal::Code, "used");
        for _ in 0..9 {
            assert_eq!(refused(core.one_time_code(&core.meta(), &again, KNOWN_BY, "nonsense").await), Refusal::Code);
        }
        assert_eq!(refused(core.one_time_code(&core.meta(), &again, KNOWN_BY, "123456").await), Refusal::TooManyCodes);
    }
}

#[tokio::test]
async fn a_password_that_has_to_be_replaced_is() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        let reset = LoginProfileChange { reset_required: Some(true), ..change("bob", None) };
        update_login_profile(&core, &alice(&core).await, reset).await.unwrap();
        let stepped = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
        assert_eq!(stepped.stage, Stage::NewPassword);
        let waiting = browser(&core, &stepped).await.unwrap();
        assert!(core.browser_caller(&waiting, core.meta()).is_none());
        for bad in ["short", RIGHT] {
            let said = refused(core.new_password(&core.meta(), &waiting, KNOWN_BY, Arc::new(secret(bad))).await);
            assert!(matches!(said, Refusal::Password(_)), "{bad}: {said:?}");
        }
        let done = core.new_password(&core.meta(), &waiting, KNOWN_BY, Arc::new(secret("battery staple"))).await.unwrap().unwrap();
        assert_eq!(done.stage, Stage::SignedIn);
        assert!(browser(&core, &done).await.is_some());
        assert_eq!(sign_in(&core, "bob@acme", "battery staple").await.unwrap().unwrap().stage, Stage::SignedIn);
        let needed = LoginProfileChange { mfa_required: Some(true), ..change("bob", None) };
        update_login_profile(&core, &alice(&core).await, needed).await.unwrap();
        assert_eq!(sign_in(&core, "bob@acme", "battery staple").await.unwrap().unwrap().stage, Stage::NewFactor);
    }
}

#[tokio::test]
async fn form_tokens_are_for_one_thing() {
    let core = TestCore::new().await.unwrap();
    let token = core.form_token(&["ab", "c"]).unwrap();
    assert!(core.form_token_holds(&["ab", "c"], &token));
    for other in [&["a", "bc"][..], &["ab"], &["ab", "c", ""], &["", "ab", "c"], &["abc"]] {
        assert!(!core.form_token_holds(other, &token), "{other:?}");
    }
    assert!(!core.form_token_holds(&["ab", "c"], "") && !core.form_token_holds(&["ab", "c"], "AAAA"));
}

/// What an account asks for and the person has not is set up on the way in: the seed is shown, a code proves it, and from then on it
/// is asked for.
#[tokio::test]
async fn a_second_factor_that_is_asked_for_is_set_up_on_the_way_in() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", RIGHT).await.unwrap();
        let needed = LoginProfileChange { mfa_required: Some(true), reset_required: Some(true), ..change("bob", None) };
        update_login_profile(&core, &alice(&core).await, needed).await.unwrap();
        let stepped = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
        assert_eq!(stepped.stage, Stage::NewFactor);
        let waiting = browser(&core, &stepped).await.unwrap();
        assert!(core.browser_caller(&waiting, core.meta()).is_none(), "half signed in is nobody");
        let shown = core.new_factor(&waiting).unwrap().unwrap();
        assert_eq!(core.new_factor(&waiting).unwrap().unwrap().seed, shown.seed, "the page can be shown again");
        assert!(shown.address.expose().starts_with("otpauth://totp/tegata:bob@acme?secret=") && shown.seed.expose().len() == 40);
        // Another browser on the way is shown another seed.
        let other = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
        let other = browser(&core, &other).await.unwrap();
        assert_ne!(core.new_factor(&other).unwrap().unwrap().seed, shown.seed);
        // Neither a wrong code nor the steps of other stages lead on.
        let code = one_time_code(shown.seed.expose(), core.now(), 0).unwrap();
        for wrong in ["000000", "", "nonsense"] {
            assert_eq!(refused(core.prove_factor(&core.meta(), &waiting, KNOWN_BY, wrong).await), Refusal::Code, "{wrong}");
        }
        assert_eq!(refused(core.one_time_code(&core.meta(), &waiting, KNOWN_BY, &code).await), Refusal::Expired);
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        let done = core.prove_factor(&core.meta(), &waiting, KNOWN_BY, &spaced).await.unwrap().unwrap();
        assert_eq!(done.stage, Stage::NewPassword, "and then what else was asked for");
        assert!(browser(&core, &stepped).await.is_none());
        assert_eq!(refused(core.prove_factor(&core.meta(), &other, KNOWN_BY, &code).await), Refusal::Code);
        let theirs = one_time_code(core.new_factor(&other).unwrap().unwrap().seed.expose(), core.now(), 0).unwrap();
        assert_eq!(refused(core.prove_factor(&core.meta(), &other, KNOWN_BY, &theirs).await), Refusal::Expired, "there is one by now");
        let waiting = browser(&core, &done).await.unwrap();
        let done = core.new_password(&core.meta(), &waiting, KNOWN_BY, Arc::new(secret("battery staple"))).await.unwrap().unwrap();
        let signed_in = browser(&core, &done).await.unwrap();
        assert!(core.browser_caller(&signed_in, core.meta()).unwrap().second_factor() && core.new_factor(&signed_in).unwrap().is_none());
        // From now on it is asked for, and its code was good once.
        let again = sign_in(&core, "bob@acme", "battery staple").await.unwrap().unwrap();
        assert_eq!(again.stage, Stage::OneTimeCode);
        let again = browser(&core, &again).await.unwrap();
        assert_eq!(refused(core.one_time_code(&core.meta(), &again, KNOWN_BY, &code).await), Refusal::Code);
        core.clock.advance(Duration::from_secs(30));
        let code = one_time_code(shown.seed.expose(), core.now(), 0).unwrap();
        core.one_time_code(&core.meta(), &again, KNOWN_BY, &code).await.unwrap().unwrap();
    }
}

/// Codes that are tried while a factor is set up are counted with those of the factor.
#[tokio::test]
async fn setting_up_a_factor_is_no_way_to_try_codes() {
    let core = TestCore::new().await.unwrap();
    create(&core, "bob", RIGHT).await.unwrap();
    let needed = LoginProfileChange { mfa_required: Some(true), ..change("bob", None) };
    update_login_profile(&core, &alice(&core).await, needed).await.unwrap();
    let stepped = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
    let waiting = browser(&core, &stepped).await.unwrap();
    for _ in 0..10 {
        assert_eq!(refused(core.prove_factor(&core.meta(), &waiting, KNOWN_BY, "000000").await), Refusal::Code);
    }
    let right = one_time_code(core.new_factor(&waiting).unwrap().unwrap().seed.expose(), core.now(), 0).unwrap();
    assert_eq!(refused(core.prove_factor(&core.meta(), &waiting, KNOWN_BY, &right).await), Refusal::TooManyCodes);
    // The name of the person may be taken already.
    core.clock.advance(Duration::from_mins(16));
    ask(&core, crate::directory::CreateVirtualMfaDevice { name: "Bob".parse().unwrap() }).await.unwrap();
    let stepped = sign_in(&core, "bob@acme", RIGHT).await.unwrap().unwrap();
    let waiting = browser(&core, &stepped).await.unwrap();
    let right = one_time_code(core.new_factor(&waiting).unwrap().unwrap().seed.expose(), core.now(), 0).unwrap();
    core.prove_factor(&core.meta(), &waiting, KNOWN_BY, &right).await.unwrap().unwrap();
    let bound = ask(&core, crate::directory::DescribeFactor { user: "bob".parse().unwrap() }).await.unwrap();
    assert_eq!(bound.as_str(), "bob-2");
}

/// What is given to the owner of an account is bound by no policy: where it has a second factor, it has to have shown it just now.
#[tokio::test]
async fn the_owner_shows_its_second_factor_afresh() {
    for core in TestCore::each().await.unwrap() {
        super::grants::install(&core).await;
        let root = |at, second_factor| crate::signin::SignedIn { user: core.acme.root, role: None, at, session: None, second_factor };
        let asked = super::grants::request(super::grants::VENDOR, super::grants::CALLBACK, &[]);
        let start = core.now();
        core.clock.advance(Duration::from_hours(1));
        let approve = async |who| core.approve(&core.meta(), &asked, &who, true).await.is_ok();
        assert!(approve(root(start, false)).await, "there is none to show");
        ask(&core, crate::directory::CreateVirtualMfaDevice { name: "root-phone".parse().unwrap() }).await.unwrap();
        let device = tegata_store::mfa_device::find_by_name(&core.store, core.acme.account, "root-phone").await.unwrap().unwrap();
        let mut changes = tegata_store::ChangeSet::new(core.now());
        changes.extend(tegata_store::mfa_device::bind(device.id, core.acme.root, core.now()));
        core.store.commit(changes).await.unwrap();
        core.clock.advance(Duration::from_mins(2));
        assert!(!approve(root(start, true)).await && !approve(root(core.now(), false)).await);
        assert!(approve(root(core.now(), true)).await);
    }
}
