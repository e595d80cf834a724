//! Tokens for temporary keys and the other way round: no limit is ever lost on the way.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{AccessKeyId, Timestamp};
use tegata_oauth::Scope;
use tegata_sign::{Arrived, acs3};

use super::{
    assume,
    grants::{VENDOR, access, bench, by_alice, client, exchange, failure, install, is_active, redeem, request, secret, sign_in, signed_in},
    temporary, unauthenticated,
};
use crate::{
    Caller, Core, Fallen, GrantFailure, OpError,
    authn::{About, Proof},
    client::UninstallClient,
    directory::{AttachPolicyToRole, AttachPolicyToUser, CreatePolicy, PolicyRef, PolicyType},
    grant::{ExchangeSubject, ExchangeToken, Introspect, Introspection, IssuedTokens, SignedHere, UserCredential, UserInfo},
    limits::Limits,
    session::{RevokeSessions, Whose},
    testing::{BENCH, TestCore, TestKey},
};

const HERE: &str = "tegata.test";
const ALLOW: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:ExchangeToken","Resource":"*"}]}"#;

/// The caller of a request that a key signs by ACS3 for a host at a time.
async fn signed(core: &TestCore, key: &TestKey, host: &str, at: Timestamp, nonce: &str) -> Result<Caller, OpError> {
    let headers = vec![("host".to_owned(), host.to_owned())];
    let body_sha256 = digest(&SHA256, b"").as_ref().try_into().unwrap();
    let unsigned = acs3::Unsigned {
        method: "POST",
        path: "/",
        query: &[],
        headers: &headers,
        action: "ExchangeToken",
        version: "2026-11-01",
        body_sha256,
    };
    let headers = [headers.clone(), acs3::sign(&unsigned, &key.credential(), at, nonce)].concat();
    let arrived = Arrived { method: "POST", path: "/", query: &[], headers: &headers, form: &[], body_sha256: Some(body_sha256) };
    core.authenticate(Proof::Signed(acs3::present(&arrived).unwrap()), core.meta()).await
}

fn asked(core: &Core, caller: &Caller, app_id: &str, scope: &str, actor: Option<&str>) -> ExchangeToken {
    let signed = SignedHere::of(core, caller, &[HERE]);
    ExchangeToken { app_id: app_id.to_owned(), scope: Scope::parse(scope).unwrap(), actor: actor.map(str::to_owned), signed }
}

/// The token for a key, by a fresh request.
async fn token(core: &TestCore, key: &TestKey, app_id: &str, scope: &str, actor: Option<&str>) -> Result<IssuedTokens, OpError> {
    let nonce = core.meta().id.to_string();
    let caller = signed(core, key, HERE, core.now(), &nonce).await?;
    core.perform(&caller, &asked(core, &caller, app_id, scope, actor)).await
}

fn key_of(credential: UserCredential) -> TestKey {
    TestKey { key_id: credential.access_key_id, secret: credential.secret, token: Some(credential.security_token) }
}

/// Lets bob, and whoever has taken on the uploader's role, exchange.
async fn allow(core: &TestCore) {
    by_alice(core, &CreatePolicy { name: "may-exchange".parse().unwrap(), description: None, document: ALLOW.to_owned(), tags: vec![] })
        .await
        .unwrap();
    let policy = || PolicyRef { kind: PolicyType::Custom, name: "may-exchange".parse().unwrap() };
    by_alice(core, &AttachPolicyToUser { policy: policy(), to: "bob".parse().unwrap() }).await.unwrap();
    by_alice(core, &AttachPolicyToRole { policy: policy(), to: "app-uploader".parse().unwrap() }).await.unwrap();
}

async fn claims(core: &TestCore, text: &str) -> Arc<tegata_oauth::AccessClaims> {
    match core.perform(&bench(core).await, &Introspect { token: secret(text) }).await.unwrap() {
        Introspection::Access { claims, .. } => claims,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_loop_gains_nothing() {
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        allow(&core).await;
        let first = sign_in(&core).await;
        let mut text = first.access_token;
        let end = core.now().plus(first.lifetime);
        for round in 0..20 {
            core.clock.advance(Duration::from_mins(2));
            let key = exchange(&core, text.expose()).await.unwrap();
            let caller = core.caller(&key).await.unwrap();
            assert_eq!(caller.expires_at(), Some(end), "{round}");
            let issued = token(&core, &key, VENDOR, "/internal/ram/usersts", None).await.unwrap();
            assert_eq!((core.now().plus(issued.lifetime), issued.refresh_token.is_none()), (end, true), "{round}");
            // What was left out once does not come back.
            assert_eq!(issued.scope.to_string(), Scope::USER_SESSION);
            text = issued.access_token;
            if round > 0 {
                let more = token(&core, &key, VENDOR, "openid /internal/ram/usersts", None).await;
                assert_eq!(failure(more), GrantFailure::Scope("openid".to_owned()));
            }
        }
        // What comes of it all is the person still, and ends with the first sign-in.
        let key = exchange(&core, text.expose()).await.unwrap();
        assert_eq!(core.caller(&key).await.unwrap().audit_name(), "user bob");
        core.withdraw_consent(&core.meta(), &signed_in(&core, "bob").await, VENDOR).await.unwrap();
        assert!(core.caller(&key).await.is_err() && !is_active(&core, text.expose()).await);
    }
}

#[tokio::test]
async fn role_policy_and_deadline_stay() {
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        allow(&core).await;
        by_alice(
            &core,
            &crate::client::AssignClient {
                app_id: VENDOR.to_owned(),
                identity: crate::client::IdentityName::Role("app-uploader".parse().unwrap()),
            },
        )
        .await
        .unwrap();
        let person = exchange(&core, sign_in(&core).await.access_token.expose()).await.unwrap();
        // A short policy travels in the token, a long one has a row.
        let long = format!("{}{}", ALLOW.trim_end_matches("]}"), r#",{"Effect":"Allow","Action":"oss:GetObject","Resource":["#);
        let noise: Vec<String> =
            (0..90_u64).map(|n| format!("\"acs:oss:*:*:photos/{:x}\"", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        let long = format!("{long}{}]}}]}}", noise.join(","));
        let limits = Limits { session_policy_chars: 8192, ..Limits::default() };
        let node = TestCore::node(&core.store, Arc::clone(&core.clock), 12, limits).await.unwrap();
        for policy in [ALLOW.to_owned(), long] {
            let input = crate::sts::AssumeRole { policy: Some(policy), ..assume("app-uploader") };
            let caller = core.caller(&person).await.unwrap();
            let key: TestKey = node.perform(&caller, &input).await.unwrap().into();
            let issued = token(&core, &key, VENDOR, "/internal/ram/usersts", None).await.unwrap();
            let again = exchange(&core, issued.access_token.expose()).await.unwrap();
            let caller = core.caller(&again).await.unwrap();
            assert_eq!(caller.audit_name(), "role app-uploader/session");
            // The role may list objects; the policy of the session never let it.
            let list = crate::object::ListObjects {
                bucket: "photos".parse().unwrap(),
                prefix: String::new(),
                delimiter: String::new(),
                after: String::new(),
                limit: 1,
            };
            assert!(matches!(core.perform(&caller, &list).await, Err(OpError::Denied(_))));
            let (crate::caller::Evidence::Session(old), crate::caller::Evidence::Session(new)) =
                (&core.caller(&key).await.unwrap().evidence, &caller.evidence)
            else {
                panic!("both are sessions")
            };
            assert_eq!(old.claims.deadline, new.claims.deadline);
            assert!(new.claims.expires_at <= old.claims.expires_at && new.session_policy.is_some());
            assert_eq!(new.claims.granted.as_ref().unwrap().scope, Scope::USER_SESSION);
        }
        // A session that may not exchange does not.
        let none = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*"}]}"#;
        let key = temporary(&core, "bob", Some(none)).await;
        assert!(matches!(token(&core, &key, BENCH.0, "profile", None).await, Err(OpError::Denied(_))));
    }
}

#[tokio::test]
async fn a_token_for_an_application_of_the_account() {
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        let key = temporary(&core, "bob", None).await;
        // Every layer must allow it.
        assert!(matches!(token(&core, &key, BENCH.0, "profile", None).await, Err(OpError::Denied(_))));
        allow(&core).await;
        let issued = token(&core, &key, BENCH.0, "profile", Some(BENCH.0)).await.unwrap();
        let told = claims(&core, issued.access_token.expose()).await;
        assert_eq!((told.client_id.as_str(), told.act.as_ref().unwrap().sub.as_str()), (BENCH.0, BENCH.0));
        assert!(told.limits.is_empty() && told.exp <= core.caller(&key).await.unwrap().expires_at().unwrap().unix());
        // It cannot become a key, whoever asks: it has not the scope, and cannot get it.
        let caller = bench(&core).await;
        let subject = ExchangeSubject { token: secret(issued.access_token.expose()), scope: None, key: None };
        assert_eq!(failure(core.perform(&caller, &subject).await), GrantFailure::NotForYou);
        assert_eq!(
            failure(token(&core, &key, BENCH.0, "/internal/ram/usersts", None).await),
            GrantFailure::Scope(Scope::USER_SESSION.to_owned())
        );
        // The official application's come from its own sign-ins alone.
        assert_eq!(failure(token(&core, &key, VENDOR, "/internal/ram/usersts", None).await), GrantFailure::NotForYou);
        assert_eq!(failure(token(&core, &key, "tegata-cli", "openid", None).await), GrantFailure::KeyNeeded);
        assert!(matches!(token(&core, &key, "1", "profile", None).await, Err(OpError::NotFound(_))));
        assert!(matches!(token(&core, &key, BENCH.0, "profile", Some("1")).await, Err(OpError::NotFound(_))));
        // It is no sign-in: nobody is told of by `userinfo` without `openid`, and it ends with the session and with the application.
        let caller = access(&core, issued.access_token.expose(), None).await.unwrap();
        assert_eq!(failure(core.perform(&caller, &UserInfo).await), GrantFailure::Insufficient(Scope::OPENID));
        let session = crate::token::session_of(&AccessKeyId::new(key.key_id.as_str()).unwrap()).unwrap();
        by_alice(&core, &RevokeSessions { whose: Whose::Session(session) }).await.unwrap();
        assert!(!is_active(&core, issued.access_token.expose()).await);
        let key = temporary(&core, "bob", None).await;
        let issued = token(&core, &key, BENCH.0, "profile", None).await.unwrap();
        by_alice(&core, &UninstallClient { app_id: BENCH.0.to_owned() }).await.unwrap();
        assert!(!is_active(&core, issued.access_token.expose()).await);
        assert_eq!(failure(token(&core, &key, BENCH.0, "profile", None).await), GrantFailure::Fallen(Fallen::Installation));
    }
}

#[tokio::test]
async fn only_a_request_signed_for_this_server_now() {
    for core in TestCore::each().await.unwrap() {
        allow(&core).await;
        let key = temporary(&core, "bob", None).await;
        let try_it = async |caller: Result<Caller, OpError>| {
            let caller = caller?;
            core.perform(&caller, &asked(&core, &caller, BENCH.0, "profile", None)).await
        };
        let refused = async |caller| matches!(failure(try_it(caller).await), GrantFailure::Subject(_));
        let now = core.now();
        assert!(refused(signed(&core, &key, "elsewhere.test", now, "n1").await).await);
        assert!(refused(signed(&core, &key, HERE, now.minus(Duration::from_secs(301)), "n2").await).await);
        // By RPC, which does not sign whom a request is for; and by a key that is not temporary.
        assert!(refused(core.caller(&key).await).await);
        assert!(refused(signed(&core, &core.key("bob").unwrap(), HERE, now, "n3").await).await);
        try_it(signed(&core, &key, "TEGATA.test", now.minus(Duration::from_secs(299)), "n4").await).await.unwrap();
        // The same request again, here and on another node.
        assert_eq!(unauthenticated(try_it(signed(&core, &key, HERE, now, "n4").await).await), "replayed");
    }
}

#[tokio::test]
async fn a_client_exchanges_what_is_its_own() {
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        allow(&core).await;
        let text = sign_in(&core).await.access_token;
        let ask = |scope: Option<&str>| ExchangeSubject {
            token: secret(text.expose()),
            scope: scope.map(|text| Scope::parse(text).unwrap()),
            key: None,
        };
        let own = client(&core, core.meta(), VENDOR, None, About::Token(secret(text.expose()))).await.unwrap();
        let key = key_of(core.perform(&own, &ask(None)).await.unwrap());
        assert_eq!(core.caller(&key).await.unwrap().audit_name(), "user bob");
        // Fewer scopes stay fewer.
        let key = key_of(core.perform(&own, &ask(Some("/internal/ram/usersts"))).await.unwrap());
        assert_eq!(failure(token(&core, &key, VENDOR, "openid", None).await), GrantFailure::Scope("openid".to_owned()));
        assert_eq!(failure(core.perform(&own, &ask(Some("profile"))).await), GrantFailure::Scope("profile".to_owned()));
        let other = client(&core, core.meta(), "4103531455503354461", None, About::Token(secret(text.expose()))).await.unwrap();
        assert!(matches!(failure(core.perform(&other, &ask(None)).await), GrantFailure::Subject(_)));
        assert!(matches!(failure(core.perform(&bench(&core).await, &ask(None)).await), GrantFailure::Subject(_)));
        let none = ExchangeSubject { token: secret("CAISabc"), scope: None, key: None };
        assert!(matches!(failure(core.perform(&own, &none).await), GrantFailure::Subject(_)));
        // Of an application of the account, for nobody.
        let approved = core
            .approve(&core.meta(), &request(BENCH.0, "https://bench.test/cb", &[]), &signed_in(&core, "bob").await, true)
            .await
            .unwrap();
        let issued = redeem(&core, core.meta(), BENCH.0, approved.code.expose(), "https://bench.test/cb").await.unwrap();
        let subject = ExchangeSubject { token: issued.access_token, scope: None, key: None };
        assert_eq!(failure(core.perform(&bench(&core).await, &subject).await), GrantFailure::NotForYou);
    }
}

#[tokio::test]
async fn guessing_a_secret_is_stopped_where_it_is_done() {
    for core in TestCore::each().await.unwrap() {
        let from = |last: u8| crate::RequestMeta { source: Some([203, 0, 113, last].into()), ..core.meta() };
        let ask = async |node: &Core, last: u8, shown: &str| client(node, from(last), BENCH.0, Some(shown), About::Itself).await;
        // Mistakes are forgiven once the secret is right.
        for _ in 0..3 {
            for _ in 0..9 {
                assert_eq!(unauthenticated(ask(&core, 1, "wrong").await), "client");
            }
            ask(&core, 1, BENCH.1).await.unwrap();
        }
        for _ in 0..10 {
            assert_eq!(unauthenticated(ask(&core, 2, "wrong").await), "client");
        }
        for shown in ["wrong", BENCH.1] {
            assert!(matches!(ask(&core, 2, shown).await, Err(OpError::Throttled(wait)) if wait <= Duration::from_mins(15)));
        }
        // Another node knows after one more guess; the client itself, elsewhere, notices nothing.
        let other = TestCore::node(&core.store, Arc::clone(&core.clock), 9, Limits::default()).await.unwrap();
        assert!(matches!(ask(&other, 2, "wrong").await, Err(OpError::Throttled(_))));
        assert!(matches!(ask(&other, 2, BENCH.1).await, Err(OpError::Throttled(_))));
        let before = core.durable_commits();
        ask(&core, 3, BENCH.1).await.unwrap();
        ask(&other, 3, BENCH.1).await.unwrap();
        assert_eq!(core.durable_commits(), before);
        core.clock.advance(Duration::from_mins(15));
        ask(&core, 2, BENCH.1).await.unwrap();
    }
}
