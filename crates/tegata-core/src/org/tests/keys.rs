//! Temporary keys of apps: what roles are worth where configuration says so, and what ends it.

use std::time::Duration;

use tegata_model::SecretKey;

use super::{
    apps::{add, app_caller, fresh, manager, new, world},
    id,
};
use crate::{
    Caller, GrantFailure, OpError,
    authn::Proof,
    grant::{ExchangeSubject, ExchangeToken, Narrowed, OrganisationToken, OrganisationTokens, RedeemApiToken, SignedHere, UserCredential},
    object::ListBuckets,
    org::*,
    sts::{AssumeRole, CallerIdentity, GetCallerIdentity},
    testing::{TestCore, TestKey, api_token_of},
    tests::{denied, put},
};

fn secret(text: &str) -> SecretKey {
    SecretKey::new(text.to_owned())
}

async fn made(core: &TestCore, org: &str, scope: AppScope) -> AppSecret {
    let app = create_app(core, &fresh(core, "alice").await, new(org, scope)).await.unwrap();
    core.perform(&fresh(core, "alice").await, &add(org, &app.id)).await.unwrap();
    app
}

async fn token(core: &TestCore, app: &AppSecret, scope: Option<&str>, seconds: Option<u64>) -> OrganisationTokens {
    let scope = scope.map(|words| words.split(' ').map(str::to_owned).collect());
    let narrowed = Narrowed { scope, lifetime: seconds.map(Duration::from_secs) };
    let caller = app_caller(core, &app.id, app.secret.expose()).await.unwrap();
    core.perform(&caller, &OrganisationToken { organisation: None, narrowed }).await.unwrap()
}

async fn exchange(core: &TestCore, app: &AppSecret, text: &str, scope: Option<&str>) -> Result<UserCredential, OpError> {
    let scope = scope.map(|words| tegata_oauth::Scope::parse(words).unwrap());
    let caller = app_caller(core, &app.id, app.secret.expose()).await.unwrap();
    core.perform(&caller, &ExchangeSubject { token: secret(text), scope, key: None }).await
}

async fn key(core: &TestCore, app: &AppSecret, scope: Option<&str>) -> TestKey {
    let issued = token(core, app, scope, None).await;
    let got = exchange(core, app, issued.access_token.expose(), None).await.unwrap();
    TestKey { key_id: got.access_key_id, secret: got.secret, token: Some(got.security_token) }
}

async fn buckets(core: &TestCore, key: &TestKey) -> Result<(), OpError> {
    let list = ListBuckets { prefix: String::new(), after: String::new(), limit: 10 };
    core.perform(&core.caller(key).await?, &list).await.map(drop)
}

fn refused<T: std::fmt::Debug>(result: Result<T, OpError>) -> GrantFailure {
    match result {
        Err(OpError::Grant(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_of_an_app_is_limited_to_what_its_roles_stand_for() {
    for core in TestCore::each().await.unwrap() {
        let org = world(&core).await;
        let app = made(&core, &org, manager(&["vcd:user", "vcd:admin"])).await;
        let reading = format!("external/{}/vcd:user", id("vcd"));
        let reader = key(&core, &app, Some(&reading)).await;
        buckets(&core, &reader).await.unwrap();
        denied(put(&core, &core.caller(&reader).await.unwrap(), "a", "x").await.unwrap_err());
        let writer = key(&core, &app, None).await;
        put(&core, &core.caller(&writer).await.unwrap(), "a", "x").await.unwrap();
        // It says what it is, and in the trail as well.
        let caller: Caller = core.caller(&writer).await.unwrap();
        let told = core.perform(&caller, &GetCallerIdentity).await.unwrap();
        assert!(matches!(&told, CallerIdentity::App { app_id, .. } if *app_id == app.id), "{told:?}");
        assert_eq!((caller.display(), caller.audit_name()), (app.id.clone(), format!("client {}", app.id)));
        // It becomes nobody else, and no other kind of token comes of it.
        let become_role = AssumeRole {
            account: core.acme.number,
            role: "app-uploader".parse().unwrap(),
            session_name: "x1".parse().unwrap(),
            lifetime: None,
            policy: None,
            external_id: None,
            source_identity: None,
        };
        denied(core.perform(&caller, &become_role).await.unwrap_err());
        let signed = SignedHere::of(&core, &caller, &["tegata.test"]);
        let back = ExchangeToken { app_id: app.id.clone(), scope: tegata_oauth::Scope::default(), actor: None, signed };
        assert!(core.perform(&caller, &back).await.is_err());
        // In the organisation it has no standing: that is what tokens are for.
        let asked = core
            .perform(&core.caller(&writer).await.unwrap(), &ListApps { org: org.clone(), search: String::new(), skip: 0, limit: 10 })
            .await;
        assert_eq!(asked.err().and_then(|error| word_of(&error)), Some("no_access_to_org"));
    }
}

#[tokio::test]
async fn what_cannot_be_exchanged_is_refused_by_name() {
    for core in TestCore::each().await.unwrap() {
        let org = world(&core).await;
        let (app, other) = (made(&core, &org, manager(&["vcd:user"])).await, made(&core, &org, manager(&["vcd:user"])).await);
        let issued = token(&core, &app, None, None).await;
        let text = issued.access_token.expose();
        let beyond = format!("external/{}/vcd:admin", id("vcd"));
        assert_eq!(refused(exchange(&core, &app, text, Some(&beyond)).await), GrantFailure::Scope(beyond));
        // Not the own one, no role that stands for something, no token at all, a user's.
        assert!(matches!(refused(exchange(&core, &other, text, None).await), GrantFailure::Subject(_)));
        let idle = exchange(&core, &app, text, Some("csp:provider_service_manager")).await;
        assert!(matches!(refused(idle), GrantFailure::Subject(why) if why.contains("role_policies")));
        assert!(matches!(refused(exchange(&core, &app, "x", None).await), GrantFailure::Subject(_)));
        let alice = core.authenticate(Proof::ApiToken(secret(&api_token_of("alice"))), core.meta()).await.unwrap();
        let of_alice = core.perform(&alice, &RedeemApiToken::default()).await.unwrap();
        let of_user = refused(exchange(&core, &app, of_alice.access_token.expose(), None).await);
        assert!(matches!(of_user, GrantFailure::Subject(why) if why.contains("users")));
        // A policy that does not exist gives nothing.
        let auditor = AppScope { services: [(id("vmc"), Wanted::These(["vmc:auditor".to_owned()].into()))].into(), ..manager(&[]) };
        let auditor = made(&core, &org, auditor).await;
        let issued = token(&core, &auditor, None, None).await;
        assert!(matches!(refused(exchange(&core, &auditor, issued.access_token.expose(), None).await), GrantFailure::Subject(_)));
        // It never lives longer than the token, which is not exchanged in its last moments.
        let short = token(&core, &app, None, Some(300)).await;
        let got = exchange(&core, &app, short.access_token.expose(), None).await.unwrap();
        assert_eq!(got.expires_at.since(core.now()), Duration::from_mins(5));
        core.clock.advance(Duration::from_secs(290));
        assert_eq!(refused(exchange(&core, &app, short.access_token.expose(), None).await), GrantFailure::Expired);
    }
}

#[tokio::test]
async fn a_key_of_an_app_ends_with_what_it_stands_on() {
    for core in TestCore::each().await.unwrap() {
        let org = world(&core).await;
        let app = made(&core, &org, manager(&["vcd:user", "vcd:admin"])).await;
        let got = key(&core, &app, None).await;
        buckets(&core, &got).await.unwrap();
        // What the organisation stops offering is gone from the key too, at once.
        let offer = |roles: &[&str]| SetOfferedRoles {
            org: org.clone(),
            roles: roles.iter().map(|role| (id("vcd"), (*role).to_owned())).collect(),
        };
        core.perform(&fresh(&core, "alice").await, &offer(&["vcd:user"])).await.unwrap();
        denied(put(&core, &core.caller(&got).await.unwrap(), "a", "x").await.unwrap_err());
        core.perform(&fresh(&core, "alice").await, &offer(&[])).await.unwrap();
        denied(buckets(&core, &got).await.unwrap_err());
        core.perform(&fresh(&core, "alice").await, &offer(&["vcd:user", "vcd:admin"])).await.unwrap();
        buckets(&core, &got).await.unwrap();
        // Out of the organisation: over, and adding it again revives nothing.
        let remove = RemoveApps { org: org.clone(), ids: vec![app.id.clone()] };
        core.perform(&fresh(&core, "alice").await, &remove).await.unwrap();
        assert!(matches!(core.caller(&got).await, Err(OpError::Authentication(_))));
        core.perform(&fresh(&core, "alice").await, &add(&org, &app.id)).await.unwrap();
        assert!(matches!(core.caller(&got).await, Err(OpError::Authentication(_))));
        // Deleted: the token, the exchange and the key are over.
        let issued = token(&core, &app, None, None).await;
        let again = key(&core, &app, None).await;
        let caller = app_caller(&core, &app.id, app.secret.expose()).await.unwrap();
        let delete = DeleteApps { org: org.clone(), ids: vec![app.id.clone()] };
        core.perform(&fresh(&core, "alice").await, &delete).await.unwrap();
        assert!(matches!(core.caller(&again).await, Err(OpError::Authentication(_))));
        assert!(core.authenticate(Proof::Organisation(secret(issued.access_token.expose())), core.meta()).await.is_err());
        let late = ExchangeSubject { token: secret(issued.access_token.expose()), scope: None, key: None };
        assert!(core.perform(&caller, &late).await.is_err());
    }
}

#[test]
fn roles_that_there_are_not_stand_for_nothing() {
    let read = |role: &str, policies: &[&str]| {
        let policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
        RolePolicies::new([(role.to_owned(), policies)], &Services::sample())
    };
    read("provider_support_user", &["reports"]).unwrap();
    read("vcd/vcd:user", &["reports", "AliyunOSSReadOnlyAccess"]).unwrap();
    for (role, policies) in [
        ("nobody", &["reports"][..]),
        ("csp:provider_admin", &["reports"]),
        ("vcd/none", &["reports"]),
        ("none/vcd:user", &["reports"]),
        ("vcd/vcd:user", &[]),
        ("vcd/vcd:user", &["not a name"]),
        ("", &["reports"]),
    ] {
        assert!(read(role, policies).is_err(), "{role} {policies:?}");
    }
}
