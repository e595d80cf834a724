//! Federation: the operations on providers, and anonymous calls in each layout that clients send.

use std::fmt::Write as _;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tegata_core::testing::START;
use tegata_oauth::{Algorithm, testing::TestKey as IssuerKey};
use tegata_sign::form;

use super::world::{Answer, Pairs, World, pairs};

const IDP: &str = "https://idp.test";
const PROVIDER: &str = "acs:ram::1000000000000001:oidc-provider/ci";
const DEPLOYER: &str = "acs:ram::1000000000000001:role/deployer";
const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Federated":["acs:ram::1000000000000001:oidc-provider/ci"]},"Condition":{"StringEquals":{"oidc:aud":"sts","oidc:sub":"repo:acme/app:ref:refs/heads/main"}}}]}"#;
const WIDE: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Federated":["acs:ram::1000000000000001:oidc-provider/ci"]},"Condition":{"StringLike":{"oidc:sub":"repo:*"}}}]}"#;

async fn alice(world: &World, version: &str, action: &str, rest: &[(&str, &str)]) -> Answer {
    let mut parameters = pairs([("Action", action), ("Version", version)]);
    parameters.extend(rest.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    world.issuer(world.rpc(&world.key("alice"), parameters)).await
}

async fn ims(world: &World, action: &str, rest: &[(&str, &str)]) -> Answer {
    alice(world, "2019-08-15", action, rest).await
}

async fn ram(world: &World, action: &str, rest: &[(&str, &str)]) -> Answer {
    alice(world, "2015-05-01", action, rest).await
}

async fn federated() -> (World, IssuerKey) {
    let world = World::new().await;
    let key = IssuerKey::generate("k1", Algorithm::Es256).unwrap();
    world.test.outbound.issuer(IDP, &key.jwks(), &[]);
    let made = ims(&world, "CreateOIDCProvider", &[("OIDCProviderName", "ci"), ("IssuerUrl", IDP), ("ClientIds", "sts,other")]).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let made = ram(&world, "CreateRole", &[("RoleName", "deployer"), ("AssumeRolePolicyDocument", TRUST)]).await;
    assert_eq!(made.status, 200, "{}", made.text());
    (world, key)
}

fn claims() -> Value {
    let now = START.unix();
    json!({"iss": IDP, "sub": "repo:acme/app:ref:refs/heads/main", "aud": ["sts", "more"], "iat": now, "exp": now + 600})
}

fn business(token: &str) -> Pairs {
    pairs([("OIDCProviderArn", PROVIDER), ("RoleArn", DEPLOYER), ("OIDCToken", token), ("RoleSessionName", "build-7")])
}

fn common() -> Pairs {
    pairs([("Action", "AssumeRoleWithOIDC"), ("Version", "2015-04-01"), ("Format", "json"), ("Timestamp", "2020-01-01T00:00:00Z")])
}

fn post(query: &Pairs, body: &Pairs) -> Request<Body> {
    let request = Request::post(format!("/?{}", form::encode(query))).header("host", "127.0.0.1:8420");
    request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(form::encode(body))).unwrap()
}

fn without_credential(answer: &Answer) -> String {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let given = &json["Credentials"];
    let values = ["AccessKeyId", "AccessKeySecret", "SecurityToken"].map(|name| given[name].as_str().unwrap_or("-").to_owned());
    values.iter().fold(answer.whole(), |text, value| if value == "-" { text } else { text.replace(value, "RANDOM") })
}

#[tokio::test]
async fn the_three_layouts_get_the_same_answer() {
    let (world, key) = federated().await;
    let token = format!("{}\n", key.token(&claims()).unwrap());
    let all: Pairs = common().into_iter().chain(business(&token)).collect();
    let by_query = Request::post(format!("/?{}&SignatureNonce=1", form::encode(&all)))
        .header("host", "127.0.0.1:8420")
        .header("x-acs-action", "AssumeRoleWithOIDC")
        .header("x-acs-version", "2015-04-01")
        .body(Body::empty())
        .unwrap();
    let by_get = Request::get(format!("/?{}", form::encode(&all))).header("host", "127.0.0.1:8420").body(Body::empty()).unwrap();
    let by_form = post(&common(), &business(&token));
    let mut seen = Vec::new();
    for request in [by_query, by_get, by_form] {
        let answer = without_credential(&world.issuer(request).await);
        let sized = answer.lines().filter(|line| !line.starts_with("content-length")).collect::<Vec<_>>().join("\n");
        seen.push(sized);
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    insta::assert_snapshot!("assume_role_with_oidc", seen[0]);
    // A signature beside the token changes nothing: the token is what counts.
    let mut signed = common();
    signed.retain(|(name, _)| name != "Timestamp");
    signed.extend(business(&token));
    assert_eq!(world.issuer(world.rpc(&world.key("dan"), signed)).await.status, 200);
}

#[tokio::test]
async fn refusals() {
    let (world, key) = federated().await;
    let good = key.token(&claims()).unwrap();
    let with = |name: &str, value: Value| {
        let mut changed = claims();
        changed[name] = value;
        key.token(&changed).unwrap()
    };
    let now = START.unix();
    let replaced = |name: &str, value: &str| {
        let mut changed = business(&good);
        changed.iter_mut().filter(|(known, _)| known == name).for_each(|(_, old)| value.clone_into(old));
        changed
    };
    let without = |name: &str| business(&good).into_iter().filter(|(known, _)| known != name).collect::<Pairs>();
    let long = "x".repeat(20_001);
    let mut out = String::new();
    for (what, body) in [
        ("no token", without("OIDCToken")),
        ("empty token", business("")),
        ("no provider", without("OIDCProviderArn")),
        ("no role", without("RoleArn")),
        ("no session name", without("RoleSessionName")),
        ("a SAML provider", replaced("OIDCProviderArn", "acs:ram::1000000000000001:saml-provider/ci")),
        ("not a token", business("a.b")),
        ("a long token", business(&long)),
        ("alg none", business(&key.message(r#"{"alg":"none"}"#, &claims().to_string()).unwrap())),
        ("HS256", business(&key.message(r#"{"alg":"HS256","kid":"k1"}"#, &claims().to_string()).unwrap())),
        ("crit", business(&key.message(r#"{"alg":"ES256","kid":"k1","crit":["x"]}"#, &claims().to_string()).unwrap())),
        ("another audience", business(&with("aud", "else".into()))),
        ("expired", business(&with("exp", (now - 100).into()))),
        ("issued long ago", business(&with("iat", (now - 50_000).into()))),
        ("another key", business(&IssuerKey::generate("k1", Algorithm::Es256).unwrap().token(&claims()).unwrap())),
        ("an unknown key", business(&key.message(r#"{"alg":"ES256","kid":"k9"}"#, &claims().to_string()).unwrap())),
        ("another subject", business(&with("sub", "repo:evil/app:x".into()))),
        ("another issuer", business(&with("iss", "https://else.test".into()))),
        ("an unknown provider", replaced("OIDCProviderArn", "acs:ram::1000000000000001:oidc-provider/nobody")),
        ("an unknown role", replaced("RoleArn", "acs:ram::1000000000000001:role/nobody")),
        ("a role of another account", replaced("RoleArn", "acs:ram::1000000000000002:role/deployer")),
    ] {
        let answer = world.issuer(post(&common(), &body)).await;
        let json: Value = serde_json::from_slice(&answer.body).unwrap();
        let message = json["Message"].as_str().unwrap().replace(answer.header("x-acs-request-id"), "ID");
        let _ = writeln!(out, "{what:<26} {} {:<46} {message}", answer.status.as_u16(), answer.code());
        if answer.code() == "AuthenticationFail.NoPermission" {
            assert_eq!(json.as_object().unwrap().len(), 5, "nothing that tells the reasons apart: {json}");
        }
    }
    insta::assert_snapshot!("refusals", out);
    // What this server hands out vouches for nobody: the token of a session, and a token that says to come from here.
    let session = world.uploader(None).await.token.unwrap();
    let own = with("iss", tegata_core::testing::ISSUER.into());
    for token in [session.expose(), &own] {
        let answer = world.issuer(post(&common(), &business(token))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "AuthenticationFail.OIDCToken.Invalid"), "{}", answer.text());
        assert!(!answer.text().contains(token));
    }
    // The issuer cannot be reached, and nothing was ever fetched.
    let other = IssuerKey::generate("k", Algorithm::Es256).unwrap();
    ims(&world, "CreateOIDCProvider", &[("OIDCProviderName", "gone"), ("IssuerUrl", "https://gone.test"), ("ClientIds", "sts")]).await;
    let mut claims = claims();
    claims["iss"] = "https://gone.test".into();
    let mut body = business(&other.token(&claims).unwrap());
    body[0].1 = "acs:ram::1000000000000001:oidc-provider/gone".to_owned();
    let answer = world.issuer(post(&common(), &body)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "AuthenticationFail.OIDCToken.HttpsUrlInvalid"));
    for (action, code) in [("AssumeRoleWithSAML", "InvalidAction.NotFound"), ("GenerateSessionAccessKey", "InvalidAction.NotFound")] {
        let answer = alice(&world, "2015-04-01", action, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (404, code));
    }
}

#[tokio::test]
async fn operations_on_providers() {
    let world = World::new().await;
    let mut out = String::new();
    let name = ("OIDCProviderName", "github");
    let fingerprint = "902EF2DEEB3C5B13EA4C3D5193629309E231AE55";
    for (action, rest) in [
        (
            "CreateOIDCProvider",
            &[
                name,
                ("IssuerUrl", "https://token.actions.example.test"),
                ("ClientIds", "sts.example.com, other"),
                ("Fingerprints", fingerprint),
                ("IssuanceLimitTime", "6"),
                ("Description", "CI <of> us & you"),
            ][..],
        ),
        ("GetOIDCProvider", &[name]),
        ("AddClientIdToOIDCProvider", &[name, ("ClientId", "third")]),
        ("RemoveClientIdFromOIDCProvider", &[name, ("ClientId", "other")]),
        ("AddFingerprintToOIDCProvider", &[name, ("Fingerprint", "00112233445566778899aabbccddeeff00112233")]),
        ("RemoveFingerprintFromOIDCProvider", &[name, ("Fingerprint", fingerprint)]),
        ("UpdateOIDCProvider", &[name, ("ClientIds", "only"), ("IssuanceLimitTime", "12"), ("NewDescription", "changed")]),
        ("ListOIDCProviders", &[("MaxItems", "1"), ("Format", "XML")]),
        ("DeleteOIDCProvider", &[name]),
        ("ListOIDCProviders", &[]),
    ] {
        let answer = ims(&world, action, rest).await;
        assert_eq!(answer.status, 200, "{action} {}", answer.text());
        let _ = writeln!(out, "## {action}\n{}", answer.text().replace(answer.header("x-acs-request-id"), "REQUEST-ID"));
    }
    insta::assert_snapshot!("providers", out);

    let mut out = String::new();
    let create = |rest: &[(&'static str, &'static str)]| [&[name, ("IssuerUrl", "https://a.test")], rest].concat();
    ims(&world, "CreateOIDCProvider", &create(&[])).await;
    for (action, rest) in [
        ("CreateOIDCProvider", create(&[])),
        ("CreateOIDCProvider", vec![("OIDCProviderName", "-x"), ("IssuerUrl", "https://a.test")]),
        ("CreateOIDCProvider", vec![("OIDCProviderName", "x")]),
        ("CreateOIDCProvider", vec![("OIDCProviderName", "x"), ("IssuerUrl", "https://b.test?q")]),
        ("CreateOIDCProvider", vec![("OIDCProviderName", "x"), ("IssuerUrl", "http://b.test")]),
        ("CreateOIDCProvider", vec![("OIDCProviderName", "x"), ("IssuerUrl", "http://tegata.test")]),
        ("CreateOIDCProvider", vec![("OIDCProviderName", "x"), ("IssuerUrl", "https://b.test"), ("ClientIds", "good,-bad")]),
        ("CreateOIDCProvider", vec![("OIDCProviderName", "x"), ("IssuerUrl", "https://b.test"), ("Fingerprints", "ab:cd")]),
        ("CreateOIDCProvider", vec![("OIDCProviderName", "x"), ("IssuerUrl", "https://b.test"), ("IssuanceLimitTime", "0")]),
        ("CreateOIDCProvider", vec![("OIDCProviderName", "x"), ("IssuerUrl", "https://b.test"), ("IssuanceLimitTime", "six")]),
        ("GetOIDCProvider", vec![("OIDCProviderName", "ghost")]),
        ("UpdateOIDCProvider", vec![("OIDCProviderName", "ghost")]),
        ("DeleteOIDCProvider", vec![]),
        ("ListOIDCProviders", vec![("MaxItems", "101")]),
        ("CreateSAMLProvider", vec![]),
    ] {
        let answer = ims(&world, action, &rest).await;
        let json: Value = serde_json::from_slice(&answer.body).unwrap();
        let _ = writeln!(out, "{} {:<40} {}", answer.status.as_u16(), answer.code(), json["Message"].as_str().unwrap());
    }
    insta::assert_snapshot!("provider_refusals", out);
}

#[tokio::test]
async fn warnings_about_trust() {
    let (world, _) = federated().await;
    let quiet = ram(&world, "UpdateRole", &[("RoleName", "deployer"), ("NewAssumeRolePolicyDocument", TRUST)]).await;
    assert!(!quiet.text().contains("Warning"), "{}", quiet.text());
    let wide = ram(&world, "UpdateRole", &[("RoleName", "deployer"), ("NewAssumeRolePolicyDocument", WIDE)]).await;
    let json: Value = serde_json::from_slice(&wide.body).unwrap();
    let codes: Vec<_> = json["Warnings"]["Warning"].as_array().unwrap().iter().map(|one| one["Code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["oidc-audience-missing", "oidc-subject-strangers"]);
    assert!(!ram(&world, "GetRole", &[("RoleName", "deployer")]).await.text().contains("Warning"));
}

#[test]
fn the_page_lists_what_the_table_has() {
    let page = include_str!("../../../../docs/federation.md");
    let listed: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).filter(|name| name.contains("OIDC")).collect();
    let offered = crate::acs::Product::Ims.entries().map(|entry| entry.spec.name).filter(|name| name.contains("OIDC"));
    assert_eq!(listed, offered.collect::<Vec<_>>());
}
