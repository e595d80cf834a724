//! Becoming a role by the word of an OpenID provider: who gets in, and above all who does not.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tegata_model::{SecretKey, Status};
use tegata_oauth::{Algorithm, testing::TestKey as IssuerKey};
use tegata_store::{
    ChangeSet,
    audit::{self, CallerKind, Filter, Outcome},
    oidc_provider,
};

use super::unauthenticated;
use crate::{
    AuthnFailure, Caller, FederationFailure, OpError, Operation, RequestMeta,
    authn::{Federated, Proof},
    directory::*,
    object::ListObjects,
    sts::{AssumeRoleWithOidc, CallerIdentity, GetCallerIdentity},
    testing::{START, TestCore, TestKey},
    why,
};

const IDP: &str = "https://idp.test";
const CERTIFICATE: &str = "00112233445566778899aabbccddeeff00112233";

async fn ask<O: Operation>(core: &TestCore, operation: O) -> O::Output {
    core.perform(&core.user("alice").await.unwrap(), &operation).await.unwrap()
}

fn provider() -> CreateOidcProvider {
    CreateOidcProvider {
        name: "ci".parse().unwrap(),
        issuer: IDP.parse().unwrap(),
        client_ids: vec!["sts".parse().unwrap()],
        fingerprints: vec![CERTIFICATE.to_ascii_uppercase().parse().unwrap()],
        issuance_limit: Some(Duration::from_hours(1)),
        description: None,
    }
}

fn trust(condition: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",
           "Principal":{{"Federated":"acs:ram::1000000000000001:oidc-provider/ci"}},"Condition":{condition}}}]}}"#
    )
}

const ACME: &str = r#"{"StringEquals":{"oidc:iss":"https://idp.test","oidc:aud":"sts"},"StringLike":{"oidc:sub":"repo:acme/*"}}"#;

/// An issuer with one key, the provider `ci` for it, and the role `deployer` that trusts its tokens for `acme`.
pub(super) async fn world(core: &TestCore) -> IssuerKey {
    let key = IssuerKey::generate("k1", Algorithm::Es256).unwrap();
    core.outbound.issuer(IDP, &key.jwks(), &["ffff", CERTIFICATE]);
    ask(core, provider()).await;
    let name = "deployer".parse().unwrap();
    ask(core, CreateRole { name, trust_document: trust(ACME), description: None, max_session: None, tags: Vec::new() }).await;
    let policy = PolicyRef { kind: PolicyType::Custom, name: "uploader".parse().unwrap() };
    ask(core, AttachPolicyToRole { policy, to: "deployer".parse().unwrap() }).await;
    key
}

pub(super) fn claims() -> Value {
    let now = START.unix();
    json!({"iss": IDP, "sub": "repo:acme/app:ref:refs/heads/main", "aud": "sts", "iat": now - 10, "exp": now + 300})
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut changed = claims();
    changed[name] = value.into();
    changed
}

pub(super) async fn present(core: &TestCore, provider: &str, token: &str) -> Result<Caller, OpError> {
    let account = "1000000000000001".parse().unwrap();
    let federated = Federated { account, provider: provider.parse().unwrap(), token: SecretKey::new(token.to_owned()) };
    core.authenticate(Proof::Federated(federated), core.meta()).await
}

pub(super) fn deployer() -> AssumeRoleWithOidc {
    AssumeRoleWithOidc {
        account: "1000000000000001".parse().unwrap(),
        role: "deployer".parse().unwrap(),
        session_name: "build-7".parse().unwrap(),
        lifetime: None,
        policy: None,
    }
}

async fn assume(core: &TestCore, key: &IssuerKey) -> TestKey {
    let caller = present(core, "ci", &key.token(&claims()).unwrap()).await.unwrap();
    core.perform(&caller, &deployer()).await.unwrap().credential.into()
}

fn failure<T: std::fmt::Debug>(result: Result<T, OpError>) -> String {
    match result {
        Err(OpError::Authentication(AuthnFailure::Federation(failure))) => failure.to_string(),
        Err(OpError::Denied(_)) => "denied".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_becomes_a_session_that_is_nothing_but_the_role() {
    for core in TestCore::each().await.unwrap() {
        let key = world(&core).await;
        let caller = present(&core, "CI", &format!("{}\n", key.token(&claims()).unwrap())).await.unwrap();
        assert_eq!(caller.audit_name(), "federated ci/repo:acme/app:ref:refs/heads/main");
        assert_eq!((caller.access_key_id(), caller.expires_at()), (None, Some(START.plus(Duration::from_mins(5)))));
        let made = core.perform(&caller, &deployer()).await.unwrap();
        assert_eq!(made.token.audiences, ["sts"]);
        assert_eq!(made.credential.expires_at, START.plus(Duration::from_hours(1)));
        let session = core.caller(&made.credential.into()).await.unwrap();
        assert!(matches!(
            core.perform(&session, &GetCallerIdentity).await.unwrap(),
            CallerIdentity::RoleSession { role, .. } if role.as_str() == "deployer"
        ));
        let list = ListObjects {
            bucket: "photos".parse().unwrap(),
            prefix: String::new(),
            delimiter: String::new(),
            after: String::new(),
            limit: 1,
        };
        core.perform(&session, &list).await.unwrap();
        let row = audit::find_by_request(&core.store, caller.meta().id).await.unwrap().unwrap();
        assert_eq!((row.caller_kind, row.outcome, row.access_key_id.as_deref()), (CallerKind::Federated, Outcome::Done, None));
        assert_eq!(
            (row.action.as_ref(), row.caller.as_str()),
            ("sts:AssumeRoleWithOIDC", "federated ci/repo:acme/app:ref:refs/heads/main")
        );
        assert!(row.session_id.is_some());
        // A token alone is nobody: it may become a role, and nothing else.
        assert_eq!(failure(core.perform(&caller, &GetCallerIdentity).await), "denied");
        assert_eq!(failure(core.perform(&caller, &list).await), "denied");
        assert_eq!(failure(core.perform(&caller, &super::assume("deployer")).await), "denied");
    }
}

#[tokio::test]
async fn who_is_not_let_in() {
    let core = TestCore::new().await.unwrap();
    let key = world(&core).await;
    let other = IssuerKey::generate("k1", Algorithm::Es256).unwrap();
    let now = START.unix();
    let untrusted = FederationFailure::Untrusted.to_string();
    let expired = FederationFailure::Expired.to_string();
    for (what, token, said) in [
        ("of another issuer", key.token(&with("iss", "https://evil.test")).unwrap(), untrusted.as_str()),
        ("with a slash more", key.token(&with("iss", "https://idp.test/")).unwrap(), &untrusted),
        ("for somebody else", key.token(&with("aud", json!(["other", "Sts"]))).unwrap(), "the token was made for another audience"),
        ("expired", key.token(&with("exp", now - 60)).unwrap(), &expired),
        ("issued too long ago", key.token(&with("iat", now - 3661)).unwrap(), &expired),
        ("from the future", key.token(&with("iat", now + 61)).unwrap(), "the token cannot be accepted: the token is not valid yet"),
        (
            "of ours",
            key.token(&with("iss", "HTTP://tegata.test/")).unwrap(),
            "the token cannot be accepted: it is one of this server's own",
        ),
        ("by another key", other.token(&claims()).unwrap(), "the signature of the token cannot be accepted: the signature does not hold"),
        ("that is none", "CAISxyz".to_owned(), "the token cannot be accepted: not three parts separated by dots"),
    ] {
        assert_eq!(failure(present(&core, "ci", &token).await), said, "{what}");
    }
    let header = json!({"alg": "HS256", "kid": "k1"}).to_string();
    let confused = key.message(&header, &claims().to_string()).unwrap();
    assert!(failure(present(&core, "ci", &confused).await).contains("the algorithm `HS256` is not accepted"));
    let none = key.message(r#"{"alg":"none"}"#, &claims().to_string()).unwrap();
    assert!(failure(present(&core, "ci", &none).await).contains("the algorithm `none` is not accepted"));

    // The edges of what is accepted.
    for token in [with("exp", now - 59), with("iat", now - 3660), with("iat", now + 60), with("aud", json!(["x", "sts"]))] {
        present(&core, "ci", &key.token(&token).unwrap()).await.unwrap();
    }
    // No such provider, and one of another account.
    let good = key.token(&claims()).unwrap();
    assert_eq!(failure(present(&core, "nobody", &good).await), untrusted);
    let elsewhere =
        Federated { account: "1000000000000002".parse().unwrap(), provider: "ci".parse().unwrap(), token: SecretKey::new(good.clone()) };
    assert_eq!(failure(core.authenticate(Proof::Federated(elsewhere), core.meta()).await), untrusted);

    // Known, and trusted by nobody: every role that is not theirs answers alike.
    let foreign = AssumeRoleWithOidc { account: "1000000000000002".parse().unwrap(), ..deployer() };
    let stranger = key.token(&with("sub", "repo:evil/app:ref:refs/heads/main")).unwrap();
    for (token, operation) in [
        (&stranger, deployer()),
        (&good, AssumeRoleWithOidc { role: "ghost".parse().unwrap(), ..deployer() }),
        (&good, AssumeRoleWithOidc { role: "app-uploader".parse().unwrap(), ..deployer() }),
        (&good, foreign),
    ] {
        let caller = present(&core, "ci", token).await.unwrap();
        assert_eq!(failure(core.perform(&caller, &operation).await), "denied");
    }
    // Whoever has a key of this server has to have the permission too.
    let bob = core.user("bob").await.unwrap();
    assert_eq!(failure(core.perform(&bob, &AssumeRoleWithOidc { role: "app-uploader".parse().unwrap(), ..deployer() }).await), "denied");
}

#[tokio::test]
async fn a_refusal_after_the_signature_is_explained_and_before_it_is_counted() {
    for core in TestCore::each().await.unwrap() {
        let key = world(&core).await;
        let subject = format!("repo:evil/\u{1b}[2J{}", "x".repeat(400));
        let caller = present(&core, "ci", &key.token(&with("sub", subject)).unwrap()).await.unwrap();
        assert_eq!(failure(core.perform(&caller, &deployer()).await), "denied");
        let report = why::report(&core.store, caller.meta().id).await.unwrap().unwrap();
        assert!(report.caller.len() <= 280 && report.caller.starts_with("federated ci/repo:evil/\\u{1b}[2Jxxx"), "{}", report.caller);
        assert!(report.to_allow[0].contains("meet or widen the condition of `trust policy of deployer` statement 1"), "{report}");
        assert!(report.to_string().contains("StringLike oidc:sub wants `repo:acme/*` and saw"), "{report}");
        // Without any statement for the provider, what to add names it, and asks for audience and subject.
        let caller = present(&core, "ci", &key.token(&claims()).unwrap()).await.unwrap();
        let other = AssumeRoleWithOidc { role: "app-uploader".parse().unwrap(), ..deployer() };
        assert_eq!(failure(core.perform(&caller, &other).await), "denied");
        let report = why::report(&core.store, caller.meta().id).await.unwrap().unwrap();
        let wanted = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Federated":"acs:ram::1000000000000001:oidc-provider/ci"},"Condition":{"StringEquals":{"oidc:aud":"sts","oidc:sub":"repo:acme/app:ref:refs/heads/main"}}}"#;
        assert!(report.to_allow[0].ends_with(wanted), "{}", report.to_allow[0]);

        let before = audit::tail(&core.store, Filter::default(), 100).await.unwrap().len();
        for _ in 0..50 {
            assert_eq!(unauthenticated(present(&core, "ci", &key.token(&with("aud", "x")).unwrap()).await), "oidc-audience");
        }
        core.tidy_up().await.unwrap();
        assert_eq!(audit::tail(&core.store, Filter::default(), 100).await.unwrap().len(), before);
        let counted = audit::refusals(&core.store, tegata_model::Timestamp::from_unix(0), 10).await.unwrap();
        assert!(
            counted.iter().any(|one| one.reason == "oidc-audience" && one.count == 50 && one.sample == "1000000000000001/ci"),
            "{counted:?}"
        );
    }
}

#[tokio::test]
async fn what_ends_a_session_that_began_with_a_token() {
    for core in TestCore::each().await.unwrap() {
        let key = world(&core).await;
        let alive = async |session: &TestKey| core.caller(session).await.map(drop);
        let commit = async |step| {
            let mut changes = ChangeSet::new(core.now());
            changes.push(step);
            changes.touch(core.acme.account);
            core.store.commit(changes).await.unwrap();
        };
        let id = oidc_provider::find_by_name(&core.store, core.acme.account, "ci").await.unwrap().unwrap().id;

        let session = assume(&core, &key).await;
        alive(&session).await.unwrap();
        commit(oidc_provider::set_status(id, Status::Inactive)).await;
        assert_eq!(unauthenticated(alive(&session).await), "session-ended");
        assert_eq!(unauthenticated(present(&core, "ci", &key.token(&claims()).unwrap()).await), "oidc-untrusted");
        commit(oidc_provider::set_status(id, Status::Active)).await;
        alive(&session).await.unwrap();
        commit(oidc_provider::raise_epoch(id)).await;
        assert_eq!(unauthenticated(alive(&session).await), "session-ended");

        // A caller that was recognised before is not recognised any more by the time it asks.
        let early = present(&core, "ci", &key.token(&claims()).unwrap()).await.unwrap();
        let session = assume(&core, &key).await;
        ask(&core, DeleteOidcProvider { name: "ci".parse().unwrap() }).await;
        assert_eq!(unauthenticated(alive(&session).await), "session-ended");
        assert_eq!(unauthenticated(core.perform(&early, &deployer()).await), "oidc-untrusted");

        // Made again under the same name, it inherits no role's trust.
        ask(&core, provider()).await;
        let caller = present(&core, "ci", &key.token(&claims()).unwrap()).await.unwrap();
        assert_eq!(failure(core.perform(&caller, &deployer()).await), "denied");
        ask(
            &core,
            UpdateRole { name: "deployer".parse().unwrap(), trust_document: Some(trust(ACME)), description: None, max_session: None },
        )
        .await;
        let session = assume(&core, &key).await;
        ask(
            &core,
            DetachPolicyFromRole {
                policy: PolicyRef { kind: PolicyType::Custom, name: "uploader".parse().unwrap() },
                from: "deployer".parse().unwrap(),
            },
        )
        .await;
        ask(&core, DeleteRole { name: "deployer".parse().unwrap() }).await;
        assert_eq!(unauthenticated(alive(&session).await), "session-ended");
    }
}

#[tokio::test]
async fn an_outage_of_the_issuer_locks_nobody_out_for_a_day() {
    for core in TestCore::each().await.unwrap() {
        let key = world(&core).await;
        let mut age = Duration::ZERO;
        let token = |age: Duration| {
            let now = START.plus(age).unix();
            key.token(&json!({"iss": IDP, "sub": "repo:acme/app:x", "aud": "sts", "iat": now, "exp": now + 300})).unwrap()
        };
        present(&core, "ci", &token(age)).await.unwrap();
        assert_eq!(core.outbound.asked(), 2, "discovery and keys, once");
        present(&core, "ci", &token(age)).await.unwrap();
        assert_eq!(core.outbound.asked(), 2);
        core.outbound.silence();
        // Another process, which never asked, has the keys from the store.
        let second =
            TestCore::node_with(&core.store, Arc::clone(&core.clock), 9, core.limits().clone(), Arc::clone(&core.outbound)).await.unwrap();
        for hours in [1, 12, 23] {
            age = Duration::from_hours(hours);
            core.clock.set(START.plus(age));
            present(&core, "ci", &token(age)).await.unwrap();
            let federated = Federated {
                account: "1000000000000001".parse().unwrap(),
                provider: "ci".parse().unwrap(),
                token: SecretKey::new(token(age)),
            };
            second.authenticate(Proof::Federated(federated), core.meta()).await.unwrap();
        }
        age = Duration::from_hours(25);
        core.clock.set(START.plus(age));
        assert_eq!(unauthenticated(present(&core, "ci", &token(age)).await), "oidc-issuer");
        // It is back, with another key beside the old one gone.
        let next = IssuerKey::generate("k2", Algorithm::Rs256).unwrap();
        core.outbound.issuer(IDP, &next.jwks(), &[CERTIFICATE]);
        core.clock.advance(Duration::from_secs(10));
        assert_eq!(unauthenticated(present(&core, "ci", &token(age)).await), "oidc-signature", "a key taken back is not used any more");
        let now = core.now().unix();
        let fresh = next.token(&json!({"iss": IDP, "sub": "repo:acme/app:x", "aud": "sts", "iat": now, "exp": now + 300})).unwrap();
        present(&core, "ci", &fresh).await.unwrap();
    }
}

#[tokio::test]
async fn tokens_with_keys_nobody_has_do_not_make_us_hammer_the_issuer() {
    let core = TestCore::new().await.unwrap();
    let key = world(&core).await;
    present(&core, "ci", &key.token(&claims()).unwrap()).await.unwrap();
    let asked = core.outbound.asked();
    core.clock.advance(Duration::from_mins(1));
    for n in 0..200 {
        let flood = key.message(&json!({"alg": "ES256", "kid": format!("k{}", n + 100)}).to_string(), &claims().to_string()).unwrap();
        assert_eq!(unauthenticated(present(&core, "ci", &flood).await), "oidc-signature");
    }
    assert_eq!(core.outbound.asked() - asked, 2, "one attempt in ten seconds");
    // Good tokens pass all the while, also those that wait at the same time.
    present(&core, "ci", &key.token(&claims()).unwrap()).await.unwrap();
    let fresh =
        TestCore::node_with(&core.store, Arc::clone(&core.clock), 9, core.limits().clone(), Arc::clone(&core.outbound)).await.unwrap();
    core.clock.advance(Duration::from_mins(50));
    let asked = core.outbound.asked();
    let now = core.now().unix();
    let token = key.token(&json!({"iss": IDP, "sub": "repo:acme/app:x", "aud": "sts", "iat": now, "exp": now + 300})).unwrap();
    let one = |meta: RequestMeta| {
        let federated = Federated {
            account: "1000000000000001".parse().unwrap(),
            provider: "ci".parse().unwrap(),
            token: SecretKey::new(token.clone()),
        };
        fresh.authenticate(Proof::Federated(federated), meta)
    };
    let all = futures_util::future::join_all((0..50).map(|_| one(core.meta()))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(core.outbound.asked() - asked, 2, "one fetch for all of them");
    // A token that no provider of ours could have sent asks nobody.
    let asked = core.outbound.asked();
    let foreign = key.token(&with("iss", "https://victim.test")).unwrap();
    assert_eq!(unauthenticated(present(&core, "ci", &foreign).await), "oidc-untrusted");
    assert_eq!(core.outbound.asked(), asked);
}

#[tokio::test]
async fn an_issuer_proves_itself_by_its_certificate() {
    let core = TestCore::new().await.unwrap();
    let key = world(&core).await;
    let token = key.token(&claims()).unwrap();
    core.outbound.issuer(IDP, &key.jwks(), &["ffff"]);
    assert_eq!(unauthenticated(present(&core, "ci", &token).await), "oidc-issuer");
    // Keys that were fetched for an account that asks for no certificate are no good for one that does.
    ask(&core, AddFingerprint { name: "ci".parse().unwrap(), fingerprint: "ab".repeat(20).parse().unwrap() }).await;
    assert_eq!(unauthenticated(present(&core, "ci", &token).await), "oidc-issuer");
    core.clock.advance(Duration::from_hours(1));
    core.outbound.issuer(IDP, &key.jwks(), &[&"ab".repeat(20)]);
    let now = core.now().unix();
    let token = key.token(&json!({"iss": IDP, "sub": "repo:acme/app:x", "aud": "sts", "iat": now, "exp": now + 300})).unwrap();
    present(&core, "ci", &token).await.unwrap();
    // A document that speaks for another issuer, and keys that are no keys.
    for (document, keys) in [
        (r#"{"issuer":"https://evil.test","jwks_uri":"https://idp.test/keys"}"#.to_owned(), key.jwks()),
        (r#"{"issuer":"https://idp.test","jwks_uri":"https://idp.test/keys"}"#.to_owned(), "x".repeat(300_000)),
    ] {
        let fresh = TestCore::new().await.unwrap();
        world(&fresh).await;
        fresh.outbound.put("https://idp.test/.well-known/openid-configuration", document, &[CERTIFICATE]);
        fresh.outbound.put("https://idp.test/keys", keys, &[]);
        assert_eq!(unauthenticated(present(&fresh, "ci", &key.token(&claims()).unwrap()).await), "oidc-issuer");
    }
}

#[tokio::test]
async fn providers_are_made_changed_listed_and_deleted() {
    for core in TestCore::each().await.unwrap() {
        let made = ask(&core, provider()).await;
        assert_eq!(made.fingerprints[0].as_str(), CERTIFICATE, "kept in lower case");
        let name = || "CI".parse().unwrap();
        assert_eq!(ask(&core, DescribeOidcProvider { name: name() }).await, made);
        let alice = core.user("alice").await.unwrap();
        let code =
            async |operation: CreateOidcProvider| match core.perform(&core.user("alice").await.unwrap(), &operation).await.unwrap_err() {
                OpError::Exists(resource) => format!("exists {resource}"),
                OpError::Invalid(problem) => format!("{:?}", problem.input),
                OpError::LimitExceeded(quota, limit) => format!("{quota:?} {limit}"),
                other => panic!("{other:?}"),
            };
        let other = || CreateOidcProvider { name: "other".parse().unwrap(), issuer: "https://other.test".parse().unwrap(), ..provider() };
        assert_eq!(
            code(CreateOidcProvider { issuer: other().issuer, ..provider() }).await,
            "exists acs:ram::1000000000000001:oidc-provider/ci"
        );
        assert_eq!(
            code(CreateOidcProvider { issuer: IDP.parse().unwrap(), ..other() }).await,
            "exists acs:ram::1000000000000001:oidc-provider/other"
        );
        assert_eq!(code(CreateOidcProvider { issuer: "http://other.test".parse().unwrap(), ..other() }).await, "IssuerUrl");
        assert_eq!(
            code(CreateOidcProvider { issuer: "HTTPS://tegata.test".to_lowercase().replace("https", "http").parse().unwrap(), ..other() })
                .await,
            "IssuerUrl"
        );
        assert_eq!(code(CreateOidcProvider { issuance_limit: Some(Duration::from_hours(169)), ..other() }).await, "IssuanceLimit");
        let many = (0..51).map(|n| format!("id{n}").parse().unwrap()).collect();
        assert_eq!(code(CreateOidcProvider { client_ids: many, ..other() }).await, "ClientIdsPerProvider 50");

        let add = AddClientId { name: name(), client_id: "more".parse().unwrap() };
        ask(&core, add.clone()).await;
        assert_eq!(ask(&core, add).await.client_ids.len(), 2, "twice is once");
        assert_eq!(ask(&core, RemoveClientId { name: name(), client_id: "sts".parse().unwrap() }).await.client_ids.len(), 1);
        let second: tegata_model::Fingerprint = "CD".repeat(20).parse().unwrap();
        assert_eq!(ask(&core, AddFingerprint { name: name(), fingerprint: second.clone() }).await.fingerprints.len(), 2);
        assert_eq!(ask(&core, RemoveFingerprint { name: name(), fingerprint: made.fingerprints[0].clone() }).await.fingerprints.len(), 1);
        let last = core.perform(&alice, &RemoveFingerprint { name: name(), fingerprint: second }).await;
        assert!(matches!(last, Err(OpError::Invalid(_))), "{last:?}");
        let update = UpdateOidcProvider {
            name: name(),
            client_ids: Some(vec!["new".parse().unwrap()]),
            issuance_limit: None,
            description: Some("CI".parse().unwrap()),
        };
        let now = ask(&core, update).await;
        assert_eq!((now.client_ids[0].as_str(), now.description.as_str(), now.issuance_limit), ("new", "CI", Duration::from_hours(1)));
        ask(&core, other()).await;
        let listed = ask(&core, ListOidcProviders { page: Page { after: String::new(), limit: 1 } }).await;
        assert_eq!((listed.items[0].name.as_str(), listed.next.as_deref()), ("ci", Some("ci")));
        ask(&core, DeleteOidcProvider { name: name() }).await;
        assert!(matches!(
            core.perform(&core.user("alice").await.unwrap(), &DescribeOidcProvider { name: name() }).await,
            Err(OpError::NotFound(_))
        ));
        // A role cannot be made to trust a provider that is not there; what it trusts too widely is said.
        let role = |document: &str| CreateRole {
            name: "r".parse().unwrap(),
            trust_document: document.to_owned(),
            description: None,
            max_session: None,
            tags: Vec::new(),
        };
        assert!(matches!(core.perform(&core.user("alice").await.unwrap(), &role(&trust(ACME))).await, Err(OpError::Invalid(_))));
        ask(&core, provider()).await;
        let wide = ask(&core, role(&trust(r#"{"StringLike":{"oidc:sub":"repo:*"}}"#))).await;
        assert_eq!(
            wide.warnings.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(),
            ["oidc-audience-missing", "oidc-subject-strangers"]
        );
        assert_eq!(ask(&core, DescribeRole { name: "r".parse().unwrap() }).await.warnings, []);
    }
}
