//! What people sign in with: passwords, what an account asks of them, second factors, and what users may do for themselves.

use std::{sync::Arc, time::Duration};

use tegata_model::{AccountNumber, Epoch, MfaDeviceName, SecretKey, Status, UserName};
use tegata_store::{audit, login_profile, mfa_device, user};

use super::{assume, denied};
use crate::{
    Caller, DeniedBy, Holding, Input, OpError, Operation, ProblemKind, Quota, ResourceName,
    directory::*,
    error::Problem,
    hashing, otp,
    testing::{TestCore, TestKey},
};

pub(super) fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

fn device(text: &str) -> MfaDeviceName {
    text.parse().unwrap()
}

fn acme() -> AccountNumber {
    AccountNumber::new(1_000_000_000_000_001).unwrap()
}

pub(super) fn secret(text: &str) -> SecretKey {
    SecretKey::new(text.to_owned())
}

fn password(text: &str) -> Arc<SecretKey> {
    Arc::new(secret(text))
}

pub(super) async fn alice(core: &TestCore) -> Caller {
    core.user("alice").await.unwrap()
}

/// What alice, who may do everything, is answered.
pub(super) async fn ask<O: Operation>(core: &TestCore, operation: O) -> Result<O::Output, OpError> {
    core.perform(&alice(core).await, &operation).await
}

/// What somebody else is answered.
async fn by<O: Operation>(core: &TestCore, who: &str, operation: O) -> Result<O::Output, OpError> {
    core.perform(&core.user(who).await.unwrap(), &operation).await
}

pub(super) async fn create(core: &TestCore, user: &str, text: &str) -> Result<LoginProfile, OpError> {
    let new = NewLoginProfile {
        user: name(user),
        password: Some(password(text)),
        reset_required: false,
        mfa_required: false,
        status: Status::Active,
    };
    create_login_profile(core, &alice(core).await, new).await
}

pub(super) fn change(user: &str, text: Option<&str>) -> LoginProfileChange {
    let password = text.map(password);
    LoginProfileChange { user: name(user), password, reset_required: None, mfa_required: None, status: None }
}

async fn change_own(core: &TestCore, who: &str, old: &str, new: &str) -> Result<(), OpError> {
    change_password(core, &core.user(who).await.unwrap(), secret(old), Arc::new(secret(new))).await
}

fn problem<T: std::fmt::Debug>(result: Result<T, OpError>) -> Problem {
    match result.unwrap_err() {
        OpError::Invalid(problem) => problem,
        other => panic!("{other:?}"),
    }
}

async fn row(core: &TestCore, user: &str) -> login_profile::LoginProfileRow {
    let user = user::find_by_name(&core.store, core.acme.account, user).await.unwrap().unwrap();
    login_profile::find(&core.store, user.id).await.unwrap().unwrap()
}

async fn has_password(core: &TestCore, user: &str, text: &str) -> bool {
    hashing::verify(&secret(text), row(core, user).await.password_hash.as_ref().unwrap())
}

#[tokio::test]
async fn profiles_are_made_changed_and_deleted() {
    for core in TestCore::each().await.unwrap() {
        assert!(matches!(create(&core, "ghost", "correct horse").await, Err(OpError::NotFound(ResourceName::User { .. }))));
        assert!(matches!(
            ask(&core, DescribeLoginProfile { user: name("bob") }).await,
            Err(OpError::NotFound(ResourceName::LoginProfile { .. }))
        ));
        let made = create(&core, "Bob", "correct horse").await.unwrap();
        assert_eq!((made.user.as_str(), made.has_password, made.initial, made.status), ("bob", true, true, Status::Active));
        assert_eq!(ask(&core, DescribeLoginProfile { user: name("bob") }).await.unwrap(), made);
        assert!(row(&core, "bob").await.password_hash.unwrap().expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(matches!(create(&core, "bob", "correct horse").await, Err(OpError::Exists(ResourceName::LoginProfile { .. }))));

        core.clock.advance(Duration::from_mins(1));
        let first = row(&core, "bob").await;
        let kept = LoginProfileChange { reset_required: Some(true), mfa_required: Some(true), ..change("bob", None) };
        let changed = update_login_profile(&core, &alice(&core).await, kept).await.unwrap();
        assert!(changed.reset_required && changed.mfa_required && changed.updated_at > made.updated_at);
        assert_eq!(row(&core, "bob").await.epoch, Epoch(0), "nothing that began with it ends");
        update_login_profile(&core, &alice(&core).await, change("bob", Some("battery staple"))).await.unwrap();
        assert!(has_password(&core, "bob", "battery staple").await && !has_password(&core, "bob", "correct horse").await);
        assert_eq!((row(&core, "bob").await.epoch, row(&core, "bob").await.id), (Epoch(1), first.id));
        let off = LoginProfileChange { status: Some(Status::Inactive), ..change("bob", None) };
        update_login_profile(&core, &alice(&core).await, off).await.unwrap();
        assert_eq!(row(&core, "bob").await.epoch, Epoch(2));

        assert!(matches!(ask(&core, DeleteUser { name: name("bob") }).await, Err(OpError::InUse(_, Holding::AccessKeys))));
        ask(&core, DeleteLoginProfile { user: name("bob") }).await.unwrap();
        assert!(matches!(ask(&core, DeleteLoginProfile { user: name("bob") }).await, Err(OpError::NotFound(_))));
        create(&core, "bob", "correct horse").await.unwrap();
        assert_ne!(row(&core, "bob").await.id, first.id, "made again, it is another one");

        ask(&core, CreateUser { name: name("eve"), display_name: None, email: None, phone: None, comments: None }).await.unwrap();
        create(&core, "eve", "correct horse").await.unwrap();
        assert!(matches!(ask(&core, DeleteUser { name: name("eve") }).await, Err(OpError::InUse(_, Holding::LoginProfile))));
        ask(&core, DeleteLoginProfile { user: name("eve") }).await.unwrap();
        ask(&core, DeleteUser { name: name("eve") }).await.unwrap();
    }
}

#[tokio::test]
async fn strangers_cost_no_hash() {
    let core = TestCore::new().await.unwrap();
    let hashing = crate::limits::Hashing { at_once: 1, waiting: 0, waiting_per_address: 0 };
    let limits = crate::limits::Limits { hashing, ..crate::limits::Limits::default() };
    let busy = TestCore::node(&core.store, Arc::clone(&core.clock), 9, limits).await.unwrap();
    let turn = busy.hashing.turn(None).await.unwrap();
    let new = NewLoginProfile {
        user: name("bob"),
        password: Some(password("correct horse")),
        reset_required: false,
        mfa_required: false,
        status: Status::Active,
    };
    let asks = async |who: &str| create_login_profile(&busy, &core.user(who).await.unwrap(), new.clone()).await;
    denied(asks("dan").await.unwrap_err());
    assert!(matches!(asks("mallory").await, Err(OpError::NotFound(_))));
    assert!(matches!(asks("alice").await, Err(OpError::Throttled(_))), "who may is asked to come back");
    drop(turn);
    asks("alice").await.unwrap();
}

#[tokio::test]
async fn the_policy_of_an_account_binds_wherever_a_password_is_set() {
    for core in TestCore::each().await.unwrap() {
        let default = ask(&core, DescribePasswordPolicy).await.unwrap();
        assert_eq!(default, PasswordPolicy::default());
        assert_eq!(problem(create(&core, "bob", "short").await).message, "the password is too weak; it needs at least 8 characters");
        create(&core, "bob", "correct horse").await.unwrap();

        let strict = SetPasswordPolicy {
            min_length: Some(12),
            require_lowercase: Some(true),
            require_uppercase: Some(true),
            require_numbers: Some(true),
            require_symbols: Some(true),
            different_characters: Some(6),
            forbid_user_name: Some(true),
            ..SetPasswordPolicy::default()
        };
        let set = ask(&core, strict).await.unwrap();
        assert_eq!(ask(&core, DescribePasswordPolicy).await.unwrap(), set);
        assert_eq!((set.min_length, set.max_attempts, set.initial_age_days), (12, 5, 14), "what is not said stays");
        let weak = problem(update_login_profile(&core, &alice(&core).await, change("bob", Some("bobob"))).await);
        assert_eq!((weak.input, weak.kind), (Input::Password, ProblemKind::TooSmall));
        assert_eq!(
            weak.message,
            "the password is too weak; it needs at least 12 characters, an upper-case letter, a digit, \
             a character that is no letter and no digit, at least 6 different characters, not the name of the user in it"
        );
        let weak = problem(change_own(&core, "bob", "correct horse", "CORRECT HORSE 1").await);
        assert_eq!((weak.input, weak.message.as_str()), (Input::NewPassword, "the password is too weak; it needs a lower-case letter"));
        change_own(&core, "bob", "correct horse", "Correct Horse 1").await.unwrap();

        for (input, bad) in [
            (Input::MinPasswordLength, SetPasswordPolicy { min_length: Some(7), ..SetPasswordPolicy::default() }),
            (Input::MinPasswordLength, SetPasswordPolicy { min_length: Some(33), ..SetPasswordPolicy::default() }),
            (Input::MaxPasswordAge, SetPasswordPolicy { max_age_days: Some(1096), ..SetPasswordPolicy::default() }),
            (Input::ReusePrevention, SetPasswordPolicy { reuse_prevention: Some(25), ..SetPasswordPolicy::default() }),
            (Input::MaxLoginAttempts, SetPasswordPolicy { max_attempts: Some(33), ..SetPasswordPolicy::default() }),
            (Input::DifferentCharacters, SetPasswordPolicy { different_characters: Some(9), ..SetPasswordPolicy::default() }),
            (Input::InitialPasswordAge, SetPasswordPolicy { initial_age_days: Some(91), ..SetPasswordPolicy::default() }),
        ] {
            let problem = problem(ask(&core, bad).await);
            assert_eq!((problem.input, problem.kind), (input, ProblemKind::OutOfRange), "{}", problem.message);
        }
        assert_eq!(ask(&core, DescribePasswordPolicy).await.unwrap(), set, "a refusal changes nothing");
        let other = core.perform(&core.user("mallory").await.unwrap(), &DescribePasswordPolicy).await.unwrap();
        assert_eq!(other, default, "each account has its own");
    }
}

#[tokio::test]
async fn users_change_their_own_password_with_the_old_one() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", "correct horse").await.unwrap();
        ask(&core, SetPasswordPolicy { reuse_prevention: Some(3), ..SetPasswordPolicy::default() }).await.unwrap();
        let wrong = problem(change_own(&core, "bob", "wrong horse", "battery staple").await);
        assert_eq!((wrong.input, wrong.kind), (Input::OldPassword, ProblemKind::Mismatch));
        assert_eq!(problem(change_own(&core, "bob", "correct horse", "correct horse").await).kind, ProblemKind::Reused);
        change_own(&core, "bob", "correct horse", "battery staple").await.unwrap();
        let now = row(&core, "bob").await;
        assert_eq!((now.initial, now.reset_required, now.epoch, now.password_count), (false, false, Epoch(1), 2));
        assert!(has_password(&core, "bob", "battery staple").await);
        change_own(&core, "bob", "battery staple", "another one").await.unwrap();
        for used in ["correct horse", "battery staple", "another one"] {
            let refused = problem(change_own(&core, "bob", "another one", used).await);
            assert_eq!((refused.input, refused.kind), (Input::NewPassword, ProblemKind::Reused), "{used}");
        }
        change_own(&core, "bob", "another one", "yet another one").await.unwrap();
        change_own(&core, "bob", "yet another one", "correct horse").await.unwrap();

        // The owner and a role session have none.
        for caller in [core.user("root").await.unwrap(), core.caller(&super::temporary(&core, "bob", None).await).await.unwrap()] {
            let refused = change_password(&core, &caller, secret("a"), Arc::new(secret("battery staple"))).await.unwrap_err();
            assert_eq!(denied(refused).by, DeniedBy::NoPassword);
        }
        assert!(matches!(
            change_own(&core, "dan", "correct horse", "battery staple").await,
            Err(OpError::NotFound(ResourceName::LoginProfile { .. }))
        ));
    }
}

#[tokio::test]
async fn a_password_that_is_too_old_is_set_by_somebody_else() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", "correct horse").await.unwrap();
        let ages = SetPasswordPolicy { max_age_days: Some(30), initial_age_days: Some(2), ..SetPasswordPolicy::default() };
        ask(&core, ages).await.unwrap();
        core.clock.advance(Duration::from_hours(49));
        let refused = problem(change_own(&core, "bob", "correct horse", "battery staple").await);
        assert_eq!((refused.input, refused.kind), (Input::OldPassword, ProblemKind::OutOfRange));
        update_login_profile(&core, &alice(&core).await, change("bob", Some("another one"))).await.unwrap();
        change_own(&core, "bob", "another one", "battery staple").await.unwrap();
        core.clock.advance(Duration::from_hours(24 * 31));
        change_own(&core, "bob", "battery staple", "yet another one").await.unwrap();
        ask(&core, SetPasswordPolicy { hard_expiry: Some(true), ..SetPasswordPolicy::default() }).await.unwrap();
        core.clock.advance(Duration::from_hours(24 * 31));
        let refused = problem(change_own(&core, "bob", "yet another one", "battery staple").await);
        assert_eq!(refused.message, "the password is older than 30 days and no longer good; an administrator must set a new one");
    }
}

#[tokio::test]
async fn old_passwords_cannot_be_guessed() {
    for core in TestCore::each().await.unwrap() {
        create(&core, "bob", "correct horse").await.unwrap();
        ask(&core, SetPasswordPolicy { max_attempts: Some(3), ..SetPasswordPolicy::default() }).await.unwrap();
        // All at once, over as many keys and nodes as one likes: three are looked at.
        let tries = futures_util::future::join_all((0..8).map(|_| change_own(&core, "bob", "wrong horse", "battery staple"))).await;
        let looked_at = tries.iter().filter(|result| matches!(result, Err(OpError::Invalid(_)))).count();
        assert_eq!(looked_at, 3);
        assert_eq!(tries.iter().filter(|result| matches!(result, Err(OpError::Throttled(_)))).count(), 5);
        core.clock.advance(Duration::from_secs(10));
        match change_own(&core, "bob", "correct horse", "battery staple").await {
            Err(OpError::Throttled(wait)) => assert_eq!(wait, Duration::from_secs(15 * 60 - 10)),
            other => panic!("{other:?}"),
        }
        core.clock.advance(Duration::from_mins(15));
        change_own(&core, "bob", "correct horse", "battery staple").await.unwrap();
        // The right one begins the count anew.
        for _ in 0..3 {
            problem(change_own(&core, "bob", "wrong horse", "another one").await);
        }
        assert!(matches!(change_own(&core, "bob", "battery staple", "another one").await, Err(OpError::Throttled(_))));
        // So does an administrator who sets it.
        update_login_profile(&core, &alice(&core).await, change("bob", Some("fresh start"))).await.unwrap();
        change_own(&core, "bob", "fresh start", "another one").await.unwrap();
        core.clock.advance(Duration::from_mins(16));
        core.tidy_up().await.unwrap();
    }
}

/// Two codes of a device, the second of `offset` steps from now.
pub(super) async fn codes(core: &TestCore, name: &str, offset: i64) -> (otp::OneTimeCode, otp::OneTimeCode) {
    let row = mfa_device::find_by_name(&core.store, core.acme.account, name).await.unwrap().unwrap();
    let seed = core.seed(&row).unwrap();
    let step = otp::step_at(core.now()) + offset;
    (otp::code(&seed, step - 1).unwrap(), otp::code(&seed, step).unwrap())
}

async fn bind(core: &TestCore, user: &str, name: &str) -> BindMfaDevice {
    let (first, second) = codes(core, name, 0).await;
    BindMfaDevice { user: self::name(user), account: acme(), device: device(name), first, second }
}

/// Gives a user a second factor.
pub(super) async fn give_factor(core: &TestCore, user: &str) {
    ask(core, CreateVirtualMfaDevice { name: device(&format!("{user}-phone")) }).await.unwrap();
    ask(core, bind(core, user, &format!("{user}-phone")).await).await.unwrap();
}

#[tokio::test]
async fn devices_are_made_bound_unbound_and_deleted() {
    for core in TestCore::each().await.unwrap() {
        let made = ask(&core, CreateVirtualMfaDevice { name: device("Phone") }).await.unwrap();
        assert_eq!(made.seed.expose().len(), 40);
        assert_eq!(
            made.address.expose(),
            format!("otpauth://totp/tegata:Phone@acme?secret={}&issuer=tegata&algorithm=SHA1&digits=6&period=30", made.seed.expose())
        );
        let row = mfa_device::find_by_name(&core.store, core.acme.account, "phone").await.unwrap().unwrap();
        assert!(!row.sealed_seed.windows(8).any(|part| part == &made.seed.expose().as_bytes()[..8]), "it rests sealed");
        assert_eq!(core.seed(&row).unwrap(), made.seed);
        assert!(matches!(ask(&core, CreateVirtualMfaDevice { name: device("PHONE") }).await, Err(OpError::Exists(_))));

        assert!(matches!(ask(&core, DescribeFactor { user: name("bob") }).await, Err(OpError::NotFound(ResourceName::Factor { .. }))));
        assert!(matches!(ask(&core, bind(&core, "ghost", "phone").await).await, Err(OpError::NotFound(ResourceName::User { .. }))));
        let elsewhere = BindMfaDevice { account: AccountNumber::new(1_000_000_000_000_002).unwrap(), ..bind(&core, "bob", "phone").await };
        assert!(matches!(ask(&core, elsewhere).await, Err(OpError::NotFound(ResourceName::MfaDevice { .. }))));
        let good = bind(&core, "bob", "phone").await;
        let swapped = BindMfaDevice { first: good.second.clone(), second: good.first.clone(), ..good.clone() };
        let wrong = problem(ask(&core, swapped).await);
        assert_eq!((wrong.input, wrong.kind), (Input::OneTimeCode, ProblemKind::Mismatch));
        ask(&core, good.clone()).await.unwrap();
        assert_eq!(ask(&core, DescribeFactor { user: name("bob") }).await.unwrap(), device("Phone"));
        let listed = ask(&core, ListVirtualMfaDevices { page: Page { after: String::new(), limit: 10 } }).await.unwrap();
        assert_eq!(listed.items[0].bound.as_ref().unwrap().0.name, name("bob"));

        assert!(matches!(ask(&core, good.clone()).await, Err(OpError::Exists(ResourceName::Factor { .. }))));
        let for_dan = BindMfaDevice { user: name("dan"), ..good.clone() };
        assert!(matches!(ask(&core, for_dan.clone()).await, Err(OpError::Exists(ResourceName::BoundMfaDevice { .. }))));
        let delete = DeleteVirtualMfaDevice { account: acme(), name: device("phone") };
        assert!(matches!(ask(&core, delete.clone()).await, Err(OpError::InUse(_, Holding::Bound))));
        assert_eq!(ask(&core, UnbindMfaDevice { user: name("bob") }).await.unwrap(), device("Phone"));
        assert!(matches!(ask(&core, UnbindMfaDevice { user: name("bob") }).await, Err(OpError::NotFound(_))));
        problem(ask(&core, for_dan).await);
        core.clock.advance(Duration::from_secs(90));
        ask(&core, bind(&core, "dan", "phone").await).await.unwrap();
        ask(&core, UnbindMfaDevice { user: name("dan") }).await.unwrap();
        ask(&core, delete.clone()).await.unwrap();
        assert!(matches!(ask(&core, delete).await, Err(OpError::NotFound(_))));
    }
}

#[tokio::test]
async fn a_user_with_a_factor_is_not_deleted_and_devices_are_counted() {
    for core in TestCore::each().await.unwrap() {
        ask(&core, CreateUser { name: name("eve"), display_name: None, email: None, phone: None, comments: None }).await.unwrap();
        give_factor(&core, "eve").await;
        assert!(matches!(ask(&core, DeleteUser { name: name("eve") }).await, Err(OpError::InUse(_, Holding::Factor))));
        ask(&core, UnbindMfaDevice { user: name("eve") }).await.unwrap();
        ask(&core, DeleteUser { name: name("eve") }).await.unwrap();
        let mut limits = crate::limits::Limits::default();
        limits.quotas.mfa_devices = 1;
        let small = TestCore::node(&core.store, Arc::clone(&core.clock), 9, limits).await.unwrap();
        let full = small.perform(&alice(&core).await, &CreateVirtualMfaDevice { name: device("more") }).await;
        assert!(matches!(full, Err(OpError::LimitExceeded(Quota::MfaDevices, 1))), "{full:?}");
    }
}

#[tokio::test]
async fn of_two_who_bring_the_same_code_one_gets_in() {
    for core in TestCore::each().await.unwrap() {
        give_factor(&core, "bob").await;
        let user = user::find_by_name(&core.store, core.acme.account, "bob").await.unwrap().unwrap();
        core.clock.advance(Duration::from_mins(1));
        let (_, code) = codes(&core, "bob-phone", 0).await;
        let claim = async || {
            let row = mfa_device::of_user(&core.store, user.id).await.unwrap().unwrap();
            let step = otp::verify(&core.seed(&row).unwrap(), &code, core.now(), row.last_step)?;
            let mut changes = tegata_store::ChangeSet::new(core.now());
            changes.push(mfa_device::use_step(row.id, step));
            core.store.commit(changes).await.ok().map(|()| step)
        };
        let both = futures_util::future::join(claim(), claim()).await;
        assert_eq!([both.0, both.1].into_iter().flatten().count(), 1);
        assert_eq!(claim().await, None, "and nobody after them");
        let (_, earlier) = codes(&core, "bob-phone", -1).await;
        let row = mfa_device::of_user(&core.store, user.id).await.unwrap().unwrap();
        assert_eq!(otp::verify(&core.seed(&row).unwrap(), &earlier, core.now(), row.last_step), None, "a step never falls");
    }
}

#[tokio::test]
async fn without_the_second_factor_nobody_takes_it_from_oneself() {
    for core in TestCore::each().await.unwrap() {
        give_factor(&core, "alice").await;
        let needs = |result: Result<(), OpError>| assert_eq!(denied(result.unwrap_err()).by, DeniedBy::SecondFactor);
        needs(create(&core, "alice", "correct horse").await.map(drop));
        needs(ask(&core, UnbindMfaDevice { user: name("alice") }).await.map(drop));
        needs(ask(&core, CreateAccessKey { user: None }).await.map(drop));
        needs(ask(&core, CreateAccessKey { user: Some(name("Alice")) }).await.map(drop));
        let key_id = core.key("alice").unwrap().key_id;
        let off = UpdateAccessKey { user: None, key_id: key_id.clone(), status: Status::Inactive };
        needs(ask(&core, off).await);
        needs(ask(&core, DeleteAccessKey { user: None, key_id }).await);
        ask(&core, ListAccessKeys { user: None }).await.unwrap();
        // The owner, who is somebody else, may; so may alice for others.
        let new = NewLoginProfile {
            user: name("alice"),
            password: Some(password("correct horse")),
            reset_required: false,
            mfa_required: false,
            status: Status::Active,
        };
        create_login_profile(&core, &core.user("root").await.unwrap(), new).await.unwrap();
        needs(update_login_profile(&core, &alice(&core).await, change("alice", Some("battery staple"))).await.map(drop));
        needs(ask(&core, DeleteLoginProfile { user: name("alice") }).await);
        // Who knows the password has not shown the factor.
        needs(change_own(&core, "alice", "correct horse", "battery staple").await);
        ask(&core, CreateAccessKey { user: Some(name("bob")) }).await.unwrap();
        let row = audit::tail(&core.store, audit::Filter::default(), 1000).await.unwrap();
        assert!(row.iter().any(|row| row.detail.contains("needs the second factor")), "{row:?}");

        // A role does not wash it off: a session that began with alice's key is alice in this.
        let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1000000000000001:user/alice"]}}]}"#;
        let admin = CreateRole {
            name: "admin".parse().unwrap(),
            trust_document: trust.to_owned(),
            description: None,
            tags: Vec::new(),
            max_session: None,
        };
        ask(&core, admin).await.unwrap();
        let everything = PolicyRef { kind: PolicyType::System, name: "AdministratorAccess".parse().unwrap() };
        ask(&core, AttachPolicyToRole { policy: everything, to: "admin".parse().unwrap() }).await.unwrap();
        let session: TestKey = ask(&core, assume("admin")).await.unwrap().into();
        let again = async || core.caller(&session).await.unwrap();
        needs(core.perform(&again().await, &UnbindMfaDevice { user: name("alice") }).await.map(drop));
        needs(core.perform(&again().await, &CreateAccessKey { user: Some(name("alice")) }).await.map(drop));
        by(&core, "root", UnbindMfaDevice { user: name("alice") }).await.unwrap();
        ask(&core, CreateAccessKey { user: None }).await.unwrap();
    }
}

const DENY_ALL: &str = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"ram:*","Resource":"*"}]}"#;

#[tokio::test]
async fn users_do_for_themselves_what_the_account_lets_them() {
    for core in TestCore::each().await.unwrap() {
        assert_eq!(ask(&core, DescribeSecurityPreference).await.unwrap(), SecurityPreference::default());
        create(&core, "dan", "correct horse").await.unwrap();
        // dan has no policies. By default users change their passwords and manage their second factor, and no keys.
        change_own(&core, "dan", "correct horse", "battery staple").await.unwrap();
        by(&core, "dan", CreateVirtualMfaDevice { name: device("Dan") }).await.unwrap();
        denied(by(&core, "dan", CreateVirtualMfaDevice { name: device("dans") }).await.unwrap_err());
        denied(by(&core, "dan", bind(&core, "bob", "dan").await).await.unwrap_err());
        by(&core, "dan", bind(&core, "dan", "dan").await).await.unwrap();
        by(&core, "dan", DescribeFactor { user: name("dan") }).await.unwrap();
        denied(by(&core, "dan", DescribeFactor { user: name("bob") }).await.unwrap_err());
        assert_eq!(denied(by(&core, "dan", UnbindMfaDevice { user: name("dan") }).await.unwrap_err()).by, DeniedBy::SecondFactor);
        ask(&core, UnbindMfaDevice { user: name("dan") }).await.unwrap();
        denied(by(&core, "dan", CreateAccessKey { user: None }).await.unwrap_err());
        denied(by(&core, "dan", DescribeLoginProfile { user: name("dan") }).await.unwrap_err());

        let turned = SetSecurityPreference {
            users_change_password: Some(false),
            users_manage_keys: Some(true),
            users_manage_factor: Some(false),
            session_hours: Some(24),
            login_networks: Some(vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()]),
            ..SetSecurityPreference::default()
        };
        let set = ask(&core, turned).await.unwrap();
        assert_eq!(ask(&core, DescribeSecurityPreference).await.unwrap(), set);
        denied(change_own(&core, "dan", "battery staple", "another one").await.unwrap_err());
        denied(by(&core, "dan", DeleteVirtualMfaDevice { account: acme(), name: device("dan") }).await.unwrap_err());
        let key = by(&core, "dan", CreateAccessKey { user: None }).await.unwrap().key.key_id;
        denied(by(&core, "dan", CreateAccessKey { user: Some(name("bob")) }).await.unwrap_err());
        by(&core, "dan", DeleteAccessKey { user: Some(name("DAN")), key_id: key }).await.unwrap();

        // A Deny binds, and so does every other layer.
        let policy = "no-ram".parse().unwrap();
        ask(&core, CreatePolicy { name: policy, document: DENY_ALL.to_owned(), description: None, tags: Vec::new() }).await.unwrap();
        let policy = PolicyRef { kind: PolicyType::Custom, name: "no-ram".parse().unwrap() };
        ask(&core, AttachPolicyToUser { policy, to: name("dan") }).await.unwrap();
        let refused = denied(by(&core, "dan", CreateAccessKey { user: None }).await.unwrap_err());
        assert!(matches!(refused.by, DeniedBy::Layer { explicit: true, .. }));
        // A role has no affairs of its own, whatever it is called.
        let session = core.caller(&super::temporary(&core, "bob", None).await).await.unwrap();
        denied(core.perform(&session, &CreateAccessKey { user: Some(name("bob")) }).await.unwrap_err());

        for (input, bad) in [
            (Input::LoginSession, SetSecurityPreference { session_hours: Some(0), ..SetSecurityPreference::default() }),
            (Input::LoginSession, SetSecurityPreference { session_hours: Some(25), ..SetSecurityPreference::default() }),
            (
                Input::LoginNetworks,
                SetSecurityPreference { login_networks: Some(vec!["192.0.2.0/33".into()]), ..SetSecurityPreference::default() },
            ),
            (
                Input::LoginNetworks,
                SetSecurityPreference { login_networks: Some(vec!["10.0.0.0/8".into(); 41]), ..SetSecurityPreference::default() },
            ),
        ] {
            assert_eq!(problem(ask(&core, bad).await).input, input);
        }
    }
}
