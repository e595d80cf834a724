//! The authorization server: whole replies, and what it makes of bad input.

use std::fmt::Write as _;

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Request, header};
use tegata_core::{
    RequestMeta,
    signin::SignedIn,
    testing::{BENCH, TestKey},
};
use tegata_model::{AccessKeyId, RequestId, SecretKey};
use tegata_oauth::{AuthorizationRequest, Parameters};
use tegata_sign::form;

use super::world::{Answer, Pairs, World, pairs, who_am_i};

const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const VENDOR: &str = "4038181954557748008";
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const CALLBACK: &str = "http://127.0.0.1:12345/cli/callback";

pub(super) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub(super) fn post(path: &str, fields: &Pairs, authorization: Option<&str>) -> Request<Body> {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, FORM);
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(Body::from(form::encode(fields))).unwrap()
}

pub(super) fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_slice(&answer.body).unwrap()
}

pub(super) fn text(answer: &Answer, name: &str) -> String {
    json(answer)[name].as_str().unwrap_or_else(|| panic!("{name}: {}", answer.text())).to_owned()
}

/// The reply with everything that is random replaced.
fn masked(answer: &Answer) -> String {
    let mut whole = answer.whole();
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(&answer.body) {
        let secrets = [
            "access_token",
            "refresh_token",
            "id_token",
            "jti",
            "sub",
            "accessKeyId",
            "accessKeySecret",
            "securityToken",
            "AppSecretValue",
        ];
        for name in secrets {
            if let Some(secret) = value[name].as_str().filter(|secret| secret.len() > 19) {
                whole = whole.replace(secret, &name.to_uppercase());
            }
        }
    }
    whole
}

async fn own_token(world: &World) -> String {
    let fields = pairs([("grant_type", "client_credentials")]);
    let answer = world.issuer(post("/oauth/token", &fields, Some(&basic(BENCH.0, BENCH.1)))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    text(&answer, "access_token")
}

pub(super) async fn rpc(world: &World, user: &str, version: &str, action: &str, more: &[(&str, &str)]) -> Answer {
    let mut parameters = pairs([("Action", action), ("Version", version), ("Format", "JSON")]);
    parameters.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    world.issuer(world.rpc(&world.key(user), parameters)).await
}

/// A code for bob's command line, as the page would give it.
async fn code(world: &World) -> String {
    code_for(world, VENDOR).await
}

/// The same for a client with this id.
pub(super) async fn code_for(world: &World, client: &str) -> String {
    for (version, action, more) in [
        ("2019-08-15", "ProvisionExternalApplication", vec![("AppId", VENDOR)]),
        ("2026-11-01", "AssignApplication", vec![("AppId", "official-cli"), ("UserName", "bob")]),
    ] {
        let answer = rpc(world, "alice", version, action, &more).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    code_to(world, client, CALLBACK).await
}

/// What bob agrees to, sent there.
pub(super) async fn code_to(world: &World, client: &str, place: &str) -> String {
    let request = pairs([
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", place),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let request = AuthorizationRequest::parse(&Parameters::of(request).unwrap()).unwrap();
    let core = &world.test;
    let caller = core.user("bob").await.unwrap();
    let bob = SignedIn { user: core.user_id(&caller).unwrap(), role: None, at: core.now(), session: None, second_factor: false };
    let meta = RequestMeta { id: RequestId::from_bytes([9; 16]), source: None, secure: false, user_agent: String::new(), call: None };
    core.approve(&meta, &request, &bob, true).await.unwrap().code.expose().to_owned()
}

#[tokio::test]
async fn a_client_for_itself() {
    let world = World::new().await;
    let fields = pairs([("grant_type", "client_credentials"), ("scope", "profile"), ("Timestamp", "2026-01-02T03:04:05Z")]);
    let mut seen = masked(&world.issuer(post("/oauth/token?", &fields, Some(&basic(BENCH.0, BENCH.1)))).await);
    let token = own_token(&world).await;
    let fields = pairs([("token", token.as_str()), ("client_id", BENCH.0), ("client_secret", BENCH.1)]);
    let _ = write!(seen, "--- introspect\n{}", masked(&world.issuer(post("/oauth/introspect", &fields, None)).await));
    let _ = write!(seen, "--- revoke\n{}", masked(&world.issuer(post("/v1/revoke", &fields, None)).await));
    let _ = write!(seen, "--- introspect\n{}", masked(&world.issuer(post("/oauth/introspect", &fields, None)).await));
    insta::assert_snapshot!("oauth_client_credentials", seen);
}

#[tokio::test]
async fn the_vendors_tool_signs_in() {
    let world = World::new().await;
    let code = code(&world).await;
    let fields = pairs([
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", VENDOR),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    let answer = world.issuer(post("/v1/token", &fields, None)).await;
    let mut seen = masked(&answer);
    let (access, refresh) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    assert!(json(&answer)["expires_in"].as_u64().unwrap() > 1200);
    // An empty body that calls itself JSON, and one with nothing in it.
    for body in ["", "{}"] {
        let request = Request::post("/v1/exchange?")
            .header(header::AUTHORIZATION, format!("Bearer {access}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        let answer = world.issuer(request).await;
        let _ = write!(seen, "--- exchange\n{}", masked(&answer));
        let key = TestKey {
            key_id: AccessKeyId::new(&text(&answer, "AccessKeyId")).unwrap(),
            secret: SecretKey::new(text(&answer, "AccessKeySecret")),
            token: Some(SecretKey::new(text(&answer, "SecurityToken"))),
        };
        let who = world.issuer(world.rpc(&key, who_am_i())).await;
        assert_eq!((text(&who, "IdentityType").as_str(), text(&who, "Arn").as_str()), ("RAMUser", "acs:ram::1000000000000001:user/bob"));
    }
    let fields = pairs([
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("client_id", VENDOR),
        ("Timestamp", "2026-01-02T03:04:05Z"),
    ]);
    let _ = write!(seen, "--- refresh\n{}", masked(&world.issuer(post("/v1/token?", &fields, None)).await));
    let info = Request::get("/v1/userinfo").header(header::AUTHORIZATION, format!("Bearer {access}")).body(Body::empty()).unwrap();
    let _ = write!(seen, "--- user info\n{}", masked(&world.issuer(info).await));
    // The code again ends everything.
    let fields = pairs([
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", VENDOR),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    let _ = write!(seen, "--- code again\n{}", masked(&world.issuer(post("/v1/token", &fields, None)).await));
    let request = Request::post("/v1/exchange").header(header::AUTHORIZATION, format!("Bearer {access}")).body(Body::empty()).unwrap();
    let _ = write!(seen, "--- exchange\n{}", masked(&world.issuer(request).await));
    insta::assert_snapshot!("oauth_vendor", seen);
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let world = World::new().await;
    let own = basic(BENCH.0, BENCH.1);
    let good = pairs([("grant_type", "client_credentials")]);
    let mut seen = String::new();
    let mut line = |name: &str, answer: &Answer| {
        let told = json(answer);
        let said = answer.header("www-authenticate").to_owned();
        let _ = writeln!(seen, "{name}\n    {} {} {} {said}", answer.status.as_u16(), told["error"], told["error_description"]);
        assert_eq!(told["request_id"], told["requestId"]);
        assert_eq!(answer.header("cache-control"), "no-store");
    };
    for (name, fields) in [
        ("no grant", pairs([("x", "y")])),
        ("empty grant", pairs([("grant_type", "")])),
        ("password", pairs([("grant_type", "password"), ("username", "bob"), ("password", "x")])),
        ("implicit", pairs([("grant_type", "implicit")])),
        ("device", pairs([("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", "x")])),
        ("twice", pairs([("grant_type", "client_credentials"), ("grant_type", "client_credentials")])),
        ("both ways", pairs([("grant_type", "client_credentials"), ("client_secret", BENCH.1)])),
        ("two clients", pairs([("grant_type", "client_credentials"), ("client_id", "1")])),
        ("scope", pairs([("grant_type", "client_credentials"), ("scope", "/internal/ram/usersts")])),
        ("scope form", pairs([("grant_type", "client_credentials"), ("scope", "a\"<script>")])),
        ("no code", pairs([("grant_type", "authorization_code")])),
        ("code", pairs([("grant_type", "authorization_code"), ("code", "x")])),
        ("verifier", pairs([("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", "short")])),
        ("refresh", pairs([("grant_type", "refresh_token"), ("refresh_token", "x")])),
        ("refresh long", pairs([("grant_type", "refresh_token"), ("refresh_token", &"x".repeat(600))])),
    ] {
        line(name, &world.issuer(post("/oauth/token", &fields, Some(&own))).await);
    }
    for (name, authorization) in [
        ("nobody", None),
        ("unknown", Some(basic("1", "x"))),
        ("wrong secret", Some(basic(BENCH.0, "x"))),
        ("no colon", Some(format!("Basic {}", STANDARD.encode("x")))),
        ("no base64", Some("Basic %%%".to_owned())),
        ("another scheme", Some("Digest x".to_owned())),
    ] {
        line(name, &world.issuer(post("/oauth/token", &good, authorization.as_deref())).await);
    }
    let official = pairs([("grant_type", "client_credentials"), ("client_id", VENDOR)]);
    line("official for itself", &world.issuer(post("/v1/token", &official, None)).await);
    let unknown = pairs([("grant_type", "refresh_token"), ("client_id", VENDOR), ("refresh_token", "x")]);
    line("official with nothing", &world.issuer(post("/v1/token", &unknown, None)).await);
    let body = Request::post("/oauth/token").header(header::CONTENT_TYPE, "application/json").body(Body::from("{}")).unwrap();
    line("no form", &world.issuer(body).await);
    let large = pairs([("grant_type", "client_credentials"), ("x", &"y".repeat(70_000))]);
    line("large", &world.issuer(post("/oauth/token", &large, Some(&own))).await);
    let proof =
        Request::post("/oauth/token").header(header::CONTENT_TYPE, FORM).header("dpop", "x").body(Body::from("grant_type=x")).unwrap();
    line("proof", &world.issuer(proof).await);
    let token = own_token(&world).await;
    for (name, authorization) in [
        ("no token", None),
        ("bearer none", Some("Bearer None".to_owned())),
        ("of a client", Some(format!("Bearer {token}"))),
        ("as DPoP", Some(format!("DPoP {token}"))),
    ] {
        for path in ["/v1/exchange", "/oauth/userinfo"] {
            let mut request = Request::post(path);
            if let Some(value) = &authorization {
                request = request.header(header::AUTHORIZATION, value);
            }
            line(&format!("{name} at {path}"), &world.issuer(request.body(Body::empty()).unwrap()).await);
        }
    }
    line("introspect without token", &world.issuer(post("/oauth/introspect", &good, Some(&own))).await);
    let asked = pairs([("token", token.as_str()), ("client_id", BENCH.0)]);
    line("introspect without secret", &world.issuer(post("/oauth/introspect", &asked, None)).await);
    insta::assert_snapshot!("oauth_bad_requests", seen);
}

#[tokio::test]
async fn what_it_says_of_itself() {
    let world = World::new().await;
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let one = world.issuer(get("/.well-known/oauth-authorization-server")).await;
    let other = world.issuer(get("/.well-known/openid-configuration")).await;
    assert_eq!(one.body, other.body);
    insta::assert_snapshot!("oauth_metadata", serde_json::to_string_pretty(&json(&one)).unwrap());
    let keys = json(&world.issuer(get("/v1/keys")).await);
    let brief: Vec<_> =
        keys["keys"].as_array().unwrap().iter().map(|key| format!("{} {} {}", key["kty"], key["alg"], key["use"])).collect();
    assert_eq!(brief, ["\"EC\" \"ES256\" \"sig\"", "\"RSA\" \"RS256\" \"sig\"", "\"EC\" \"ES256\" \"sig\""]);
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none()));
}

#[tokio::test]
async fn applications_on_the_wire() {
    let world = World::new().await;
    let mut seen = String::new();
    let create = [
        ("AppName", "aliyun-cli-mcp-proxy"),
        ("AppType", "NativeApp"),
        ("DisplayName", "aliyun-cli-mcp-proxy"),
        ("PredefinedScopes", "/acs/mcp-server"),
        ("ProtocolVersion", "2.1"),
        ("AccessTokenValidity", "10800"),
        ("RefreshTokenValidity", "31536000"),
        ("RedirectUris", "http://127.0.0.1:8088/callback"),
    ];
    let made = rpc(&world, "alice", "2019-08-15", "CreateApplication", &create).await;
    let id = json(&made)["Application"]["AppId"].as_str().unwrap_or_default().to_owned();
    let mut secret_id = String::new();
    let mut note = |name: &str, answer: &Answer, secret_id: &str| {
        let mut whole = answer.whole().replace(&id, "APP-ID");
        let value = json(answer)["AppSecret"]["AppSecretValue"].as_str().unwrap_or_default().to_owned();
        for (secret, label) in [(value.as_str(), "VALUE"), (secret_id, "SECRET-ID")] {
            if !secret.is_empty() {
                whole = whole.replace(secret, label);
            }
        }
        let _ = write!(seen, "--- {name}\n{whole}");
    };
    note("CreateApplication", &made, "");
    for (action, more) in [
        ("GetApplication", vec![("AppId", id.as_str())]),
        ("UpdateApplication", vec![("AppId", &id), ("NewDisplayName", "proxy"), ("NewSecretRequired", "true")]),
        ("CreateAppSecret", vec![("AppId", &id)]),
        ("ListPredefinedScopes", vec![("AppType", "WebApp")]),
        ("ProvisionApplication", vec![("AppId", &id), ("Scopes", "openid")]),
        ("GetApplicationProvisionInfo", vec![("AppId", &id)]),
        ("ProvisionExternalApplication", vec![("AppId", VENDOR)]),
        ("ListExternalApplications", vec![]),
        ("ListApplicationProvisionInfos", vec![("SourceType", "external")]),
    ] {
        let answer = rpc(&world, "alice", "2019-08-15", action, &more).await;
        if action == "CreateAppSecret" {
            json(&answer)["AppSecret"]["AppSecretId"].as_str().unwrap_or_default().clone_into(&mut secret_id);
        }
        note(action, &answer, &secret_id);
    }
    for (action, more) in [
        ("GetAppSecret", vec![("AppId", id.as_str()), ("AppSecretId", secret_id.as_str())]),
        ("ListAppSecretIds", vec![("AppId", &id)]),
        ("DeleteAppSecret", vec![("AppId", &id), ("AppSecretId", &secret_id)]),
        ("DeprovisionApplication", vec![("AppId", &id)]),
        ("DeprovisionExternalApplication", vec![("AppId", VENDOR)]),
        ("DeleteApplication", vec![("AppId", &id)]),
        ("GetApplication", vec![("AppId", &id)]),
        ("ProvisionExternalApplication", vec![("AppId", BENCH.0)]),
        ("CreateApplication", vec![("AppType", "WebApp"), ("DisplayName", "Officia1 CLI")]),
        ("CreateApplication", vec![("AppType", "WebApp"), ("DisplayName", "x"), ("RedirectUris", "http://localhost/")]),
        ("CreateApplication", vec![("AppType", "WebApp"), ("DisplayName", "x"), ("PredefinedScopes", "/internal/ram/usersts")]),
        ("CreateApplication", vec![("AppType", "WebApp"), ("DisplayName", "x"), ("AccessTokenValidity", "899")]),
    ] {
        note(action, &rpc(&world, "alice", "2019-08-15", action, &more).await, &secret_id);
    }
    note("a stranger's", &rpc(&world, "mallory", "2019-08-15", "GetApplication", &[("AppId", BENCH.0)]).await, "");
    note("no right", &rpc(&world, "dan", "2019-08-15", "ListApplications", &[]).await, "");
    insta::assert_snapshot!("oauth_applications", seen);
}
