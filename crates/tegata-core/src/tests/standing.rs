//! Every grant against everything that it stands on: whichever is taken away, no grant yields anything any more.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{SecretKey, Status};
use tegata_oauth::{Challenge, Scope, Verifier};
use tegata_sign::{Arrived, acs3};
use tegata_store::{ChangeSet, account, user};

use super::{
    assume,
    grants::{
        CALLBACK, CHALLENGE, VENDOR, VERIFIER, access, bench_caller, by_alice, client, exchange, failure, for_user, install, is_active,
        redeem, refresh, request, secret, signed_in,
    },
    sign_in::{create, give_factor},
};
use crate::{
    Caller, Fallen, GrantFailure, OpError,
    authn::{About, Proof},
    client::{AssignClient, DeleteClient, IdentityName, UnassignClient, UninstallClient, UninstallExternalClient},
    directory::{
        AttachPolicyToRole, AttachPolicyToUser, CreatePolicy, DeleteRole, DetachPolicyFromRole, LoginProfileChange, PolicyRef, PolicyType,
        UpdateRole, update_login_profile,
    },
    grant::{BeginDevice, ClientCredentials, ExchangeToken, IssuedTokens, RedeemDeviceCode, SignedHere},
    signin::Browser,
    testing::{BENCH, TestCore, TestKey, UPLOADER_TRUST},
};

const SINGLE: &str = "app-vaz16tltdxs96audqf35";
const RIGHT: &str = "correct horse";
const ROLE: &str = "app-uploader";
const MAY_EXCHANGE: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:ExchangeToken","Resource":"*"}]}"#;
/// Whom the role trusts once bob is not among them.
const WITHOUT_BOB: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
  "Principal":{"RAM":["acs:ram::1000000000000001:user/appserver"]}}]}"#;
const WITH_FACTOR: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
  "Principal":{"RAM":["acs:ram::1000000000000001:user/bob"]},"Condition":{"Bool":{"acs:MFAPresent":"true"}}}]}"#;
const FROM_HERE: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
  "Principal":{"RAM":["acs:ram::1000000000000001:user/bob"]},"Condition":{"IpAddress":{"acs:SourceIp":"198.51.100.0/24"}}}]}"#;

/// How somebody came to tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A browser, a code, as a person.
    Code,
    /// The same, of an application of the account, with a refresh token.
    OwnApplication,
    /// A browser that acts as a role.
    Role,
    /// A device that a person agreed to.
    Device,
    /// A device that a person agreed to while acting as a role.
    DeviceInRole,
    /// The single sign-on of the command line.
    SingleSignOn,
    /// A token for the key that a token was exchanged for.
    Exchanged,
    /// The same in a role.
    ExchangedInRole,
}

const WAYS: [Way; 8] =
    [Way::Code, Way::OwnApplication, Way::Role, Way::Device, Way::DeviceInRole, Way::SingleSignOn, Way::Exchanged, Way::ExchangedInRole];

impl Way {
    fn in_role(self) -> bool {
        matches!(self, Self::Role | Self::DeviceInRole | Self::ExchangedInRole)
    }

    fn app_id(self) -> &'static str {
        match self {
            Self::OwnApplication => BENCH.0,
            Self::SingleSignOn => SINGLE,
            _ => VENDOR,
        }
    }
}

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    UserDisabled,
    AccountDisabled,
    LoginInactive,
    NewPassword,
    Unassigned,
    Uninstalled,
    ApplicationDeleted,
    ConsentTakenBack,
    TrustWithdrawn,
    TrustAsksForMore,
    RoleDeleted,
    SwitchedBack,
    SignedOut,
}

const ENDINGS: [Ending; 13] = [
    Ending::UserDisabled,
    Ending::AccountDisabled,
    Ending::LoginInactive,
    Ending::NewPassword,
    Ending::Unassigned,
    Ending::Uninstalled,
    Ending::ApplicationDeleted,
    Ending::ConsentTakenBack,
    Ending::TrustWithdrawn,
    Ending::TrustAsksForMore,
    Ending::RoleDeleted,
    Ending::SwitchedBack,
    Ending::SignedOut,
];

impl Ending {
    /// Whether what came this way stands on it.
    fn ends(self, way: Way) -> bool {
        match self {
            Self::UserDisabled
            | Self::AccountDisabled
            | Self::LoginInactive
            | Self::NewPassword
            | Self::Uninstalled
            | Self::ConsentTakenBack => true,
            // Applications of the account are for everybody in it, and official ones are never deleted.
            Self::Unassigned => way != Way::OwnApplication,
            Self::ApplicationDeleted => way == Way::OwnApplication,
            Self::TrustWithdrawn | Self::TrustAsksForMore | Self::RoleDeleted | Self::SwitchedBack | Self::SignedOut => way.in_role(),
        }
    }
}

fn the_role() -> IdentityName {
    IdentityName::Role(ROLE.parse().unwrap())
}

async fn ready(core: &TestCore) {
    install(core).await;
    by_alice(core, &AssignClient { app_id: VENDOR.to_owned(), identity: the_role() }).await.unwrap();
    let policy = || PolicyRef { kind: PolicyType::Custom, name: "may-exchange".parse().unwrap() };
    let made = CreatePolicy { name: policy().name, description: None, document: MAY_EXCHANGE.to_owned(), tags: vec![] };
    by_alice(core, &made).await.unwrap();
    by_alice(core, &AttachPolicyToUser { policy: policy(), to: "bob".parse().unwrap() }).await.unwrap();
    by_alice(core, &AttachPolicyToRole { policy: policy(), to: ROLE.parse().unwrap() }).await.unwrap();
    create(core, "bob", RIGHT).await.unwrap();
}

/// Bob's browser, as itself or as the role; its cookie finds it again.
async fn browser(core: &TestCore, in_role: bool) -> (Browser, SecretKey) {
    let stepped = core.sign_in(&core.meta(), "a browser", "bob@acme", secret(RIGHT)).await.unwrap().unwrap();
    let found = core.browser(&stepped.cookie, &core.meta()).await.unwrap().unwrap();
    if in_role {
        assert!(core.switch_role(&core.meta(), &found, "acme", ROLE).await.unwrap());
    }
    (core.browser(&stepped.cookie, &core.meta()).await.unwrap().unwrap(), stepped.cookie)
}

async fn code(core: &TestCore, way: Way, browser: &Browser) -> Result<SecretKey, OpError> {
    let asked = match way {
        Way::OwnApplication => request(BENCH.0, "https://bench.test/cb", &[("scope", "openid profile"), ("access_type", "offline")]),
        _ => request(VENDOR, CALLBACK, &[]),
    };
    core.approve(&core.meta(), &asked, &browser.who(), true).await.map(|approved| approved.code)
}

fn callback(way: Way) -> &'static str {
    if way == Way::OwnApplication { "https://bench.test/cb" } else { CALLBACK }
}

/// The code of a device that bob has agreed to.
async fn device(core: &TestCore, app_id: &str, browser: &Browser) -> Result<SecretKey, OpError> {
    let client =
        crate::authn::PresentedClient { app_id: app_id.to_owned(), secret: None, respelled: None, about: About::Itself, key: None };
    let challenge = Some(Challenge::parse(CHALLENGE).unwrap());
    let begun = core.begin_device(&core.meta(), BeginDevice { client, scope: None, challenge, shows_number: false }).await?;
    core.approve_device(&core.meta(), browser, &begun.user_code, None).await?.unwrap();
    Ok(begun.code)
}

async fn fetch(core: &TestCore, app_id: &str, code: &SecretKey) -> Result<IssuedTokens, OpError> {
    let caller = client(core, core.meta(), app_id, None, About::Device(secret(code.expose()))).await?;
    let verifier = Some(Verifier::parse(VERIFIER).unwrap());
    core.perform_grant(&caller, &RedeemDeviceCode { code: secret(code.expose()), verifier, key: None }).await
}

/// The caller of a request that a key signs for this server.
async fn signed(core: &TestCore, key: &TestKey) -> Result<Caller, OpError> {
    let headers = vec![("host".to_owned(), "tegata.test".to_owned())];
    let body_sha256 = digest(&SHA256, b"").as_ref().try_into().unwrap();
    let (action, version) = ("ExchangeToken", "2026-11-01");
    let unsigned = acs3::Unsigned { method: "POST", path: "/", query: &[], headers: &headers, action, version, body_sha256 };
    let nonce = core.meta().id.to_string();
    let headers = [headers.clone(), acs3::sign(&unsigned, &key.credential(), core.now(), &nonce)].concat();
    let arrived = Arrived { method: "POST", path: "/", query: &[], headers: &headers, form: &[], body_sha256: Some(body_sha256) };
    core.authenticate(Proof::Signed(acs3::present(&arrived).unwrap()), core.meta()).await
}

async fn back(core: &TestCore, key: &TestKey) -> Result<IssuedTokens, OpError> {
    let caller = signed(core, key).await?;
    let scope = Scope::parse(Scope::USER_SESSION).unwrap();
    let signed = SignedHere::of(core, &caller, &["tegata.test"]);
    core.perform(&caller, &ExchangeToken { app_id: VENDOR.to_owned(), scope, actor: None, signed }).await
}

/// Everything that came of one sign-in, and what has not been fetched yet.
struct Held {
    tokens: IssuedTokens,
    /// Keys that came of it.
    keys: Vec<TestKey>,
    code: Option<SecretKey>,
    device: Option<SecretKey>,
}

async fn hold(core: &TestCore, way: Way, browser: &Browser) -> Held {
    let (mut code_kept, mut device_kept) = (None, None);
    let first = match way {
        Way::Code | Way::Role | Way::OwnApplication | Way::Exchanged | Way::ExchangedInRole => {
            let one = code(core, way, browser).await.unwrap();
            code_kept = Some(code(core, way, browser).await.unwrap());
            redeem(core, core.meta(), way.app_id(), one.expose(), callback(way)).await.unwrap()
        }
        Way::Device | Way::DeviceInRole | Way::SingleSignOn => {
            let one = device(core, way.app_id(), browser).await.unwrap();
            device_kept = Some(device(core, way.app_id(), browser).await.unwrap());
            fetch(core, way.app_id(), &one).await.unwrap()
        }
    };
    let mut keys = Vec::new();
    let mut tokens = first;
    match way {
        Way::OwnApplication => {}
        Way::SingleSignOn => {
            let caller = access(core, tokens.access_token.expose(), None).await.unwrap();
            keys.push(core.perform(&caller, &assume(ROLE)).await.unwrap().into());
        }
        _ => keys.push(exchange(core, tokens.access_token.expose()).await.unwrap()),
    }
    if matches!(way, Way::Exchanged | Way::ExchangedInRole) {
        tokens = back(core, &keys[0]).await.unwrap();
        keys.push(exchange(core, tokens.access_token.expose()).await.unwrap());
    }
    Held { tokens, keys, code: code_kept, device: device_kept }
}

async fn end(core: &TestCore, ending: Ending, way: Way, browser: &Browser) {
    let app_id = VENDOR.to_owned();
    let mut changes = ChangeSet::new(core.now());
    changes.touch(core.acme.account);
    match ending {
        Ending::UserDisabled => changes.push(user::set_status(browser.who().user, Status::Inactive)),
        Ending::AccountDisabled => changes.push(account::set_status(core.acme.account, Status::Inactive)),
        Ending::LoginInactive => {
            let off = LoginProfileChange { status: Some(Status::Inactive), ..super::sign_in::change("bob", None) };
            update_login_profile(core, &core.user("alice").await.unwrap(), off).await.unwrap();
        }
        Ending::NewPassword => {
            let new = super::sign_in::change("bob", Some("battery staple"));
            update_login_profile(core, &core.user("alice").await.unwrap(), new).await.unwrap();
        }
        Ending::Unassigned => {
            let identity = if way.in_role() { the_role() } else { for_user("bob") };
            by_alice(core, &UnassignClient { app_id, identity }).await.unwrap();
        }
        Ending::Uninstalled if way == Way::OwnApplication => {
            by_alice(core, &UninstallClient { app_id: BENCH.0.to_owned() }).await.unwrap();
        }
        Ending::Uninstalled => by_alice(core, &UninstallExternalClient { app_id }).await.unwrap(),
        Ending::ApplicationDeleted => by_alice(core, &DeleteClient { app_id: BENCH.0.to_owned() }).await.unwrap(),
        Ending::ConsentTakenBack => core.withdraw_consent(&core.meta(), &browser.who(), way.app_id()).await.unwrap(),
        Ending::TrustWithdrawn => trust(core, WITHOUT_BOB).await,
        Ending::TrustAsksForMore => trust(core, WITH_FACTOR).await,
        Ending::RoleDeleted => {
            for policy in ["uploader", "may-exchange"] {
                let policy = PolicyRef { kind: PolicyType::Custom, name: policy.parse().unwrap() };
                by_alice(core, &DetachPolicyFromRole { policy, from: ROLE.parse().unwrap() }).await.unwrap();
            }
            by_alice(core, &DeleteRole { name: ROLE.parse().unwrap() }).await.unwrap();
        }
        Ending::SwitchedBack => core.switch_back(browser).await.unwrap(),
        Ending::SignedOut => core.sign_out(&core.meta(), browser).await.unwrap(),
    }
    core.store.commit(changes).await.unwrap();
}

async fn trust(core: &TestCore, document: &str) {
    let update =
        UpdateRole { name: ROLE.parse().unwrap(), trust_document: Some(document.to_owned()), description: None, max_session: None };
    by_alice(core, &update).await.unwrap();
}

/// What is still to be had: everything that yields anything, by name.
async fn yields(core: &TestCore, way: Way, held: &Held) -> Vec<&'static str> {
    let mut open = Vec::new();
    let mut tried = |name, ok| open.extend(Some(name).filter(|_| ok));
    let token = held.tokens.access_token.expose();
    if let Some(refresh_token) = &held.tokens.refresh_token {
        tried("refresh", refresh(core, way.app_id(), refresh_token.expose()).await.is_ok());
    }
    tried("user info", access(core, token, None).await.is_ok());
    if !matches!(way, Way::OwnApplication | Way::SingleSignOn) {
        tried("exchange for a key", exchange(core, token).await.is_ok());
    }
    if way == Way::SingleSignOn {
        let assumed = match access(core, token, None).await {
            Ok(caller) => core.perform(&caller, &assume(ROLE)).await.is_ok(),
            Err(_) => false,
        };
        tried("a role", assumed);
    }
    if let Some(code) = &held.code {
        tried("code", redeem(core, core.meta(), way.app_id(), code.expose(), callback(way)).await.is_ok());
    }
    if let Some(device) = &held.device {
        tried("device code", fetch(core, way.app_id(), device).await.is_ok());
    }
    for key in &held.keys {
        tried("key", core.caller(key).await.is_ok());
        if way != Way::SingleSignOn {
            tried("exchange for a token", back(core, key).await.is_ok());
        }
    }
    open
}

#[tokio::test]
async fn no_grant_of_any_kind_outlives_what_it_stands_on() {
    for way in WAYS {
        for ending in ENDINGS {
            // The conditions of a trust policy are asked where something is given out; what was given out before lives its hour.
            let at_giving = ending == Ending::TrustAsksForMore;
            for core in TestCore::each().await.unwrap() {
                ready(&core).await;
                let (browser, _) = browser(&core, way.in_role()).await;
                let held = hold(&core, way, &browser).await;
                end(&core, ending, way, &browser).await;
                let mut open = yields(&core, way, &held).await;
                open.retain(|name| !(at_giving && matches!(*name, "key" | "user info")));
                assert_eq!(open.is_empty(), ending.ends(way), "{way:?} {ending:?}: {open:?}");
                // The one who could ask is gone with its account and its application.
                if ending.ends(way) && !at_giving && ending != Ending::AccountDisabled && way != Way::OwnApplication {
                    assert!(!is_active(&core, held.tokens.access_token.expose()).await, "{way:?} {ending:?}");
                }
            }
        }
    }
}

/// And nothing of it ends by itself: each way yields what it should while everything stands.
#[tokio::test]
async fn every_grant_yields_while_everything_stands() {
    for core in TestCore::each().await.unwrap() {
        ready(&core).await;
        for way in WAYS {
            let (browser, cookie) = browser(&core, way.in_role()).await;
            let held = hold(&core, way, &browser).await;
            let open = yields(&core, way, &held).await;
            let wanted = match way {
                Way::OwnApplication => 3,
                Way::SingleSignOn => 4,
                Way::Exchanged | Way::ExchangedInRole => 7,
                _ => 6,
            };
            assert_eq!(open.len(), wanted, "{way:?}: {open:?}");
            assert!(core.browser(&cookie, &core.meta()).await.unwrap().is_some());
        }
    }
}

/// What a trust policy asks of the moment is asked of the request that would be given something, and of the sign-in behind it.
#[tokio::test]
async fn the_conditions_of_a_trust_policy_are_asked_at_each_refresh() {
    for core in TestCore::each().await.unwrap() {
        ready(&core).await;
        let (browser, _) = browser(&core, true).await;
        let held = hold(&core, Way::Role, &browser).await;
        let mut token = held.tokens.refresh_token.unwrap();
        let mut again = async |good: bool, why: &str| {
            let issued = refresh(&core, VENDOR, token.expose()).await;
            match issued {
                Ok(issued) if good => token = issued.refresh_token.unwrap(),
                Err(OpError::Grant(GrantFailure::Fallen(Fallen::Trust))) if !good => {}
                other => panic!("{why}: {other:?}"),
            }
        };
        again(true, "trusted").await;
        trust(&core, FROM_HERE).await;
        again(false, "from another network").await;
        trust(&core, &FROM_HERE.replace("198.51.100", "192.0.2")).await;
        again(true, "from the right one").await;
        trust(&core, WITH_FACTOR).await;
        again(false, "signed in without a second factor").await;
        trust(&core, UPLOADER_TRUST).await;
        again(true, "trusted once more").await;
        // Where the browser acts as the role still, nothing new begins there either.
        trust(&core, WITHOUT_BOB).await;
        assert_eq!(failure(code(&core, Way::Role, &browser).await), GrantFailure::Fallen(Fallen::Trust));
    }
}

/// A sign-in with the second factor is what such a trust policy asks for.
#[tokio::test]
async fn a_second_factor_of_the_sign_in_counts_at_refresh() {
    for core in TestCore::each().await.unwrap() {
        ready(&core).await;
        give_factor(&core, "bob").await;
        core.clock.advance(Duration::from_mins(2));
        trust(&core, WITH_FACTOR).await;
        let first = core.sign_in(&core.meta(), "a browser", "bob@acme", secret(RIGHT)).await.unwrap().unwrap();
        let waiting = core.browser(&first.cookie, &core.meta()).await.unwrap().unwrap();
        let (code_of_device, _) = super::sign_in::codes(&core, "bob-phone", 0).await;
        let stepped = core.one_time_code(&core.meta(), &waiting, "a browser", code_of_device.digits()).await.unwrap().unwrap();
        let found = core.browser(&stepped.cookie, &core.meta()).await.unwrap().unwrap();
        assert!(core.switch_role(&core.meta(), &found, "acme", ROLE).await.unwrap());
        let browser = core.browser(&stepped.cookie, &core.meta()).await.unwrap().unwrap();
        let held = hold(&core, Way::Role, &browser).await;
        refresh(&core, VENDOR, held.tokens.refresh_token.unwrap().expose()).await.unwrap();
    }
}

/// Clients that ask for themselves stand on account, installation and themselves: see `a_client_that_is_gone_gets_nothing`.
#[tokio::test]
async fn what_ends_a_person_leaves_a_client_alone() {
    for core in TestCore::each().await.unwrap() {
        ready(&core).await;
        let bob = signed_in(&core, "bob").await;
        let mut changes = ChangeSet::new(core.now());
        changes.push(user::set_status(bob.user, Status::Inactive));
        changes.touch(core.acme.account);
        core.store.commit(changes).await.unwrap();
        let bench = bench_caller(&core).await.unwrap();
        core.perform_grant(&bench, &ClientCredentials { scope: None, key: None }).await.unwrap();
    }
}
