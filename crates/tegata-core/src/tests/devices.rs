//! Devices that wait for a person: the way through, and what somebody who relays the sign-in of another would try.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tegata_model::{RoleName, SecretKey};
use tegata_oauth::{Challenge, Verifier};

use super::sign_in::{alice, ask, create, secret};
use crate::{
    Caller, Core, GrantFailure, OpError, RequestMeta,
    authn::{About, PresentedClient, PresentedToken, Proof},
    client::{AssignClient, IdentityName, InstallExternalClient, UnassignClient},
    directory::{DeviceOrigin, SetDevicePolicy},
    grant::{BeginDevice, BegunDevice, ExchangeForSession, IssuedTokens, RedeemDeviceCode},
    limits::Limits,
    signin::{Browser, DeviceRefusal, Readiness},
    sts::{AssumeRole, GetCallerIdentity, ListAccessConfigurations},
    testing::{BENCH, TestCore},
};

const VENDOR: &str = "4038181954557748008";
const SINGLE: &str = "app-vaz16tltdxs96audqf35";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const RIGHT: &str = "correct horse";

fn from(core: &TestCore, address: &str) -> RequestMeta {
    RequestMeta { source: address.parse::<IpAddr>().ok(), ..core.meta() }
}

fn shown(app_id: &str, about: About) -> PresentedClient {
    let own = (app_id == BENCH.0).then(|| secret(BENCH.1));
    PresentedClient { app_id: app_id.to_owned(), secret: own, respelled: None, about, key: None }
}

async fn begin(core: &TestCore, meta: &RequestMeta, app_id: &str, shows_number: bool) -> BegunDevice {
    let challenge = Some(Challenge::parse(CHALLENGE).unwrap());
    let begin = BeginDevice { client: shown(app_id, About::Itself), scope: None, challenge, shows_number };
    core.begin_device(meta, begin).await.unwrap()
}

async fn fetch(core: &Core, meta: RequestMeta, app_id: &str, code: &SecretKey) -> Result<IssuedTokens, OpError> {
    let again = || secret(code.expose());
    let caller = core.authenticate(Proof::Client(shown(app_id, About::Device(again()))), meta).await?;
    let verifier = Some(Verifier::parse(VERIFIER).unwrap());
    core.perform_grant(&caller, &RedeemDeviceCode { code: again(), verifier, key: None }).await
}

fn failure<T: std::fmt::Debug>(result: Result<T, OpError>) -> GrantFailure {
    match result {
        Err(OpError::Grant(failure)) => failure,
        other => panic!("expected a grant failure, got {other:?}"),
    }
}

/// Bob's browser; the application is installed and bob is assigned.
async fn ready(core: &TestCore) -> Browser {
    ask(core, InstallExternalClient { app_id: VENDOR.to_owned(), scopes: None }).await.unwrap();
    ask(core, AssignClient { app_id: VENDOR.to_owned(), identity: IdentityName::User("bob".parse().unwrap()) }).await.unwrap();
    create(core, "bob", RIGHT).await.unwrap();
    let stepped = core.sign_in(&core.meta(), "a browser", "bob@acme", secret(RIGHT)).await.unwrap().unwrap();
    core.browser(&stepped.cookie, &core.meta()).await.unwrap().unwrap()
}

async fn access(core: &TestCore, token: &SecretKey) -> Result<Caller, OpError> {
    core.authenticate(Proof::Access(PresentedToken { token: secret(token.expose()), key: None }), core.meta()).await
}

#[tokio::test]
async fn a_device_waits_and_signs_in_once() {
    for core in TestCore::each().await.unwrap() {
        let browser = ready(&core).await;
        let begun = begin(&core, &core.meta(), VENDOR, true).await;
        let number = begun.number.unwrap();
        let poll = async || fetch(&core, core.meta(), VENDOR, &begun.code).await;
        assert_eq!(failure(poll().await), GrantFailure::Waiting);
        assert_eq!(failure(poll().await), GrantFailure::TooSoon);
        core.clock.advance(Duration::from_secs(6));
        assert_eq!(failure(poll().await), GrantFailure::TooSoon, "the pause has become longer");
        core.clock.advance(Duration::from_secs(15));
        assert_eq!(failure(poll().await), GrantFailure::Waiting);
        let typed = begun.user_code.to_lowercase().replace('-', " ");
        let request = core.device_request(&core.meta(), &browser, &typed).await.unwrap().unwrap();
        assert!(request.numbers().contains(&number) && request.numbers().len() == 3, "{:?} {number}", request.numbers());
        assert_eq!((request.user_code(), request.claims(), request.address().as_str()), (begun.user_code.as_str(), "test/1", "192.0.2.7"));
        assert!(matches!(request.readiness, Readiness::ConsentNeeded(_)));
        let picked = number.to_string();
        core.approve_device(&core.meta(), &browser, &typed, Some(&picked)).await.unwrap().unwrap();
        // Decided once.
        let again = core.approve_device(&core.meta(), &browser, &typed, Some(&picked)).await.unwrap();
        assert_eq!(again, Err(DeviceRefusal::Unknown));
        // Another spelling of the client, and then the right one: with a refresh token, and good for a key.
        assert_eq!(failure(fetch(&core, core.meta(), SINGLE, &begun.code).await), GrantFailure::CodeUnknown);
        let issued = poll().await.unwrap();
        assert!(issued.refresh_token.is_some() && issued.id_token.is_some());
        core.perform(&access(&core, &issued.access_token).await.unwrap(), &ExchangeForSession).await.unwrap();
        // Somebody else has the code too: what it gave is over.
        assert!(matches!(failure(poll().await), GrantFailure::CodeUsed(_)));
        assert!(access(&core, &issued.access_token).await.is_err());
    }
}

#[tokio::test]
async fn two_nodes_give_tokens_once() {
    for core in TestCore::each().await.unwrap() {
        let browser = ready(&core).await;
        let other = TestCore::node(&core.store, Arc::clone(&core.clock), 9, Limits::default()).await.unwrap();
        let begun = begin(&core, &core.meta(), VENDOR, false).await;
        core.approve_device(&core.meta(), &browser, &begun.user_code, None).await.unwrap().unwrap();
        let (left, right) = tokio::join!(fetch(&core, core.meta(), VENDOR, &begun.code), fetch(&other, core.meta(), VENDOR, &begun.code));
        let (won, lost) = if left.is_ok() { (left, right) } else { (right, left) };
        assert!(matches!(failure(lost), GrantFailure::CodeUsed(_)));
        assert!(access(&core, &won.unwrap().access_token).await.is_err());
    }
}

#[tokio::test]
async fn who_relays_has_code_and_number_and_fails_from_another_network() {
    for core in TestCore::each().await.unwrap() {
        let browser = ready(&core).await;
        for (attacker, policy, good) in [
            ("198.51.100.9", None, false),
            ("", None, false),
            ("2001:db8::1", None, false),
            ("192.0.2.7", None, true),
            ("::ffff:192.0.2.7", None, true),
            ("198.51.100.9", Some(DeviceOrigin::Anywhere), true),
            ("192.0.2.7", Some(DeviceOrigin::Off), false),
            ("192.0.2.8", Some(DeviceOrigin::SameNetwork), false),
        ] {
            if let Some(origin) = policy {
                ask(&core, SetDevicePolicy { origin }).await.unwrap();
            }
            let begun = begin(&core, &from(&core, attacker), VENDOR, true).await;
            let number = begun.number.unwrap().to_string();
            let said = core.approve_device(&core.meta(), &browser, &begun.user_code, Some(&number)).await.unwrap();
            let fetched = fetch(&core, from(&core, attacker), VENDOR, &begun.code).await;
            assert_eq!((said.is_ok(), fetched.is_ok()), (good, good), "{attacker} {policy:?} {said:?}");
            core.clock.advance(Duration::from_mins(3));
        }
        // An address that is not known is not even its own neighbour, and the network of an IPv6 address is its first half.
        ask(&core, SetDevicePolicy { origin: DeviceOrigin::SameNetwork }).await.unwrap();
        for (device, person, good) in [("", "", false), ("2001:db8::1", "2001:db8::2", true), ("2001:db8::1", "2001:db8:0:1::1", false)] {
            let begun = begin(&core, &from(&core, device), VENDOR, false).await;
            let said = core.approve_device(&from(&core, person), &browser, &begun.user_code, None).await.unwrap();
            assert_eq!(said, if good { Ok(()) } else { Err(DeviceRefusal::Elsewhere) }, "{device} {person}");
        }
    }
}

#[tokio::test]
async fn a_device_is_refused_and_codes_cannot_be_guessed() {
    for core in TestCore::each().await.unwrap() {
        let browser = ready(&core).await;
        let meta = core.meta();
        // The wrong number ends it, and so does no number at all.
        for wrong in [Some("9"), None] {
            let begun = begin(&core, &meta, VENDOR, true).await;
            let said = core.approve_device(&meta, &browser, &begun.user_code, wrong).await.unwrap();
            assert_eq!(said, Err(DeviceRefusal::Number));
            assert_eq!(failure(fetch(&core, core.meta(), VENDOR, &begun.code).await), GrantFailure::DeviceRefused);
        }
        let begun = begin(&core, &meta, VENDOR, false).await;
        core.refuse_device(&meta, &browser, &begun.user_code).await.unwrap().unwrap();
        assert_eq!(failure(fetch(&core, core.meta(), VENDOR, &begun.code).await), GrantFailure::DeviceRefused);
        // Too late, for the device and for the person.
        let begun = begin(&core, &meta, VENDOR, false).await;
        core.clock.advance(Duration::from_mins(10));
        assert_eq!(failure(fetch(&core, core.meta(), VENDOR, &begun.code).await), GrantFailure::DeviceExpired);
        assert_eq!(core.approve_device(&meta, &browser, &begun.user_code, None).await.unwrap(), Err(DeviceRefusal::Unknown));
        // Whoever guesses is stopped, on every node.
        core.clock.advance(Duration::from_mins(16));
        let begun = begin(&core, &meta, VENDOR, false).await;
        for _ in 0..40 {
            let said = core.device_request(&meta, &browser, "BCDF-GHJK").await.unwrap();
            assert_eq!(said.unwrap_err(), DeviceRefusal::Unknown);
        }
        let other = TestCore::node(&core.store, Arc::clone(&core.clock), 9, Limits::default()).await.unwrap();
        assert_eq!(other.approve_device(&meta, &browser, &begun.user_code, None).await.unwrap(), Err(DeviceRefusal::TooMany));
        // And whoever lets devices wait by the hundred.
        core.clock.advance(Duration::from_mins(16));
        for n in 0..=100 {
            let asked = BeginDevice { client: shown(VENDOR, About::Itself), scope: None, challenge: None, shows_number: false };
            assert_eq!(core.begin_device(&from(&core, "203.0.113.5"), asked).await.is_ok(), n < 100);
        }
    }
}

#[tokio::test]
async fn whoever_may_not_have_a_code_has_no_device_either() {
    for core in TestCore::each().await.unwrap() {
        let browser = ready(&core).await;
        let begun = begin(&core, &core.meta(), VENDOR, false).await;
        core.approve_device(&core.meta(), &browser, &begun.user_code, None).await.unwrap().unwrap();
        let bob = || IdentityName::User("bob".parse().unwrap());
        ask(&core, UnassignClient { app_id: VENDOR.to_owned(), identity: bob() }).await.unwrap();
        // Agreed to, and taken back before the device came.
        assert!(matches!(failure(fetch(&core, core.meta(), VENDOR, &begun.code).await), GrantFailure::Fallen(_)));
        let begun = begin(&core, &core.meta(), VENDOR, false).await;
        let request = core.device_request(&core.meta(), &browser, &begun.user_code).await.unwrap().unwrap();
        assert_eq!(request.readiness, Readiness::NotAssigned);
        assert!(matches!(core.approve_device(&core.meta(), &browser, &begun.user_code, None).await, Err(OpError::Grant(_))));
        // Signed out meanwhile.
        core.sign_out(&core.meta(), &browser).await.unwrap();
        assert!(core.approve_device(&core.meta(), &browser, &begun.user_code, None).await.is_err());
    }
}

#[tokio::test]
async fn single_sign_on_gives_roles_and_never_the_person() {
    for core in TestCore::each().await.unwrap() {
        let browser = ready(&core).await;
        let begun = begin(&core, &core.meta(), SINGLE, false).await;
        core.approve_device(&core.meta(), &browser, &begun.user_code, None).await.unwrap().unwrap();
        let issued = fetch(&core, core.meta(), SINGLE, &begun.code).await.unwrap();
        assert!(issued.refresh_token.is_none());
        let token = async || access(&core, &issued.access_token).await.unwrap();
        assert!(matches!(failure(core.perform(&token().await, &ExchangeForSession).await), GrantFailure::Insufficient(_)));
        let roles = core.perform(&token().await, &ListAccessConfigurations).await.unwrap();
        assert_eq!(roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), ["app-uploader"]);
        let caller = token().await;
        assert_eq!(core.access_configuration(&caller, roles[0].id).await.unwrap(), Some(roles[0].name.clone()));
        let assume = |name: &str| AssumeRole::plain(&caller, RoleName::new(name).unwrap()).unwrap();
        let key = core.perform(&token().await, &assume("app-uploader")).await.unwrap().into();
        core.perform(&core.caller(&key).await.unwrap(), &GetCallerIdentity).await.unwrap();
        assert!(core.perform(&token().await, &assume("ghost")).await.is_err());
        // The token does nothing else, keys of other kinds cannot list, and the key ends with what it came from.
        assert!(matches!(core.perform(&token().await, &crate::client::ListClients).await, Err(OpError::Denied(_))));
        assert!(matches!(core.perform(&alice(&core).await, &ListAccessConfigurations).await, Err(OpError::Denied(_))));
        ask(&core, UnassignClient { app_id: VENDOR.to_owned(), identity: IdentityName::User("bob".parse().unwrap()) }).await.unwrap();
        assert!(access(&core, &issued.access_token).await.is_err());
        core.sign_out(&core.meta(), &browser).await.unwrap();
    }
}
