//! Applications of other accounts at the pages, ID tokens of both kinds, and what a client cannot bend on the way.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, StatusCode, header};
use serde_json::{Value, json as value};
use tegata_sign::form;

use super::{
    oauth::{CALLBACK, VENDOR, VERIFIER, basic, code_for, code_to, json, post, rpc, text},
    pages::{Browser, PASSWORD, people, ready, request, typed},
    world::{World, pairs},
};

const PLACE: &str = "https://photos.example/back";

fn part(token: &str, number: usize) -> Value {
    let text = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// An application of the caller's account: its id and its secret.
async fn made(world: &World, user: &str, name: &str, more: &[(&str, &str)]) -> (String, String) {
    let mut create = vec![("AppName", name), ("DisplayName", name), ("AppType", "WebApp"), ("RedirectUris", PLACE)];
    create.extend(more);
    let answer = rpc(world, user, "2019-08-15", "CreateApplication", &create).await;
    let id = json(&answer)["Application"]["AppId"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
    let answer = rpc(world, user, "2019-08-15", "CreateAppSecret", &[("AppId", &id)]).await;
    (id, json(&answer)["AppSecret"]["AppSecretValue"].as_str().unwrap().to_owned())
}

fn at(app_id: &str) -> String {
    request(&[("client_id", Some(app_id)), ("redirect_uri", Some(PLACE)), ("scope", Some("openid profile"))])
}

async fn policy(world: &World, allowed: &str) {
    let answer = rpc(world, "alice", "2026-11-01", "SetApplicationPolicy", &[("AllowForeignApplications", allowed)]).await;
    assert_eq!(json(&answer)["ApplicationPolicy"]["AllowForeignApplications"], allowed == "true", "{}", answer.text());
}

#[tokio::test]
async fn an_application_of_another_account() {
    let world = World::new().await;
    people(&world, &["alice", "bob", "dan"]).await;
    let (id, secret) = made(
        &world,
        "mallory",
        "photo-book",
        &[("IsMultiTenant", "true"), ("PredefinedScopes", "openid;profile"), ("IdTokenAlg", "ES256")],
    )
    .await;
    let install = async || rpc(&world, "alice", "2019-08-15", "ProvisionExternalApplication", &[("AppId", &id)]).await;
    let refused = install().await;
    assert_eq!(
        (refused.status, text(&refused, "Code").as_str()),
        (StatusCode::BAD_REQUEST, "InvalidParameter.AppId"),
        "{}",
        refused.text()
    );
    // Off: nobody gets further than a page that says what could be done.
    let mut alice = Browser::new(&world);
    alice.open(&at(&id)).await.sign_in("alice").await;
    assert_eq!(alice.status, StatusCode::FORBIDDEN);
    assert!(alice.away.is_none() && alice.page.contains("tegata apps foreign on"), "{}", alice.page);
    policy(&world, "true").await;
    // On: whoever is no administrator is told so, and an administrator reads whose it is, where it leads and what it changes.
    let mut dan = Browser::new(&world);
    dan.open(&at(&id)).await.sign_in("dan").await;
    assert_eq!(dan.brief(), "403 Unauthorized call");
    alice.open(&at(&id)).await;
    assert_eq!(alice.brief(), "200 Install an application of another account");
    for said in ["globex (1000000000000002)", "https://photos.example", "everybody of the account can use it", "<code>profile</code>"] {
        assert!(alice.page.contains(said), "{said}: {}", alice.page);
    }
    // Only while the sign-in is fresh.
    let old = alice.form(&[("decision", "allow")]);
    world.test.clock.advance(std::time::Duration::from_mins(6));
    let target = alice.at.clone();
    alice.go("POST", &target, &old).await;
    assert!(alice.away.is_none() && alice.heading() == "Sign in", "{}", alice.brief());
    alice.sign_in("alice").await;
    assert_eq!(alice.brief(), "200 Install an application of another account");
    // It is installed by a click, and the code needs another.
    alice.submit(&[("decision", "allow")]).await;
    assert!(alice.away.is_none(), "{}", alice.brief());
    assert_eq!(alice.brief(), "200 Allow photo-book?");
    assert!(alice.page.contains("belongs to another account, globex (1000000000000002)"), "{}", alice.page);
    alice.submit(&[("decision", "allow")]).await;
    assert!(alice.away.as_ref().unwrap().starts_with(PLACE));
    let mut bob = Browser::new(&world);
    bob.open(&at(&id)).await.sign_in("bob").await;
    assert_eq!(bob.brief(), "200 Allow photo-book?");
    bob.submit(&[("decision", "allow")]).await;
    let away = bob.away.clone().unwrap();
    let code = away.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let fields = pairs([("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", PLACE), ("code_verifier", VERIFIER)]);
    let answer = world.issuer(post("/oauth/token", &fields, Some(&basic(&id, &secret)))).await;
    let token = text(&answer, "id_token");
    assert_eq!((part(&token, 0)["alg"].as_str(), part(&token, 1)["aud"].as_str()), (Some("ES256"), Some(id.as_str())));
    let info = async |token: &str| {
        let request = Request::get("/oauth/userinfo").header(header::AUTHORIZATION, format!("Bearer {token}"));
        world.issuer(request.body(axum::body::Body::empty()).unwrap()).await.status
    };
    let access = text(&answer, "access_token");
    assert_eq!(info(&access).await, StatusCode::OK);
    // What the account takes back is over at the next request, and what is off is off though it is installed.
    policy(&world, "false").await;
    assert_eq!(info(&access).await, StatusCode::UNAUTHORIZED);
    bob.open(&at(&id)).await;
    assert_eq!(bob.status, StatusCode::FORBIDDEN);
    policy(&world, "true").await;
    assert_eq!(info(&access).await, StatusCode::OK);
    let listed = rpc(&world, "alice", "2019-08-15", "ListExternalApplications", &[]).await;
    assert!(listed.text().contains(&id), "{}", listed.text());
    assert_eq!(rpc(&world, "alice", "2019-08-15", "DeprovisionExternalApplication", &[("AppId", &id)]).await.status, StatusCode::OK);
    assert_eq!(info(&access).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn id_tokens_are_signed_as_the_client_asks() {
    let world = World::new().await;
    for (more, alg) in [(vec![], "RS256"), (vec![("IdTokenAlg", "RS256")], "RS256"), (vec![("IdTokenAlg", "ES256")], "ES256")] {
        let name = format!("app-{}-{alg}", more.len());
        let (id, secret) = made(&world, "alice", &name, &more).await;
        rpc(&world, "alice", "2019-08-15", "ProvisionApplication", &[("AppId", &id)]).await;
        let told = async |id: &str, secret: &str| {
            let code = code_to(&world, id, PLACE).await;
            let fields =
                pairs([("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", PLACE), ("code_verifier", VERIFIER)]);
            let token = text(&world.issuer(post("/oauth/token", &fields, Some(&basic(id, secret)))).await, "id_token");
            part(&token, 0)
        };
        let head = told(&id, &secret).await;
        assert_eq!(head["alg"], alg);
        // The key that is named is published, and of that kind.
        let keys = json(&world.issuer(Request::get("/v1/keys").body(axum::body::Body::empty()).unwrap()).await);
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == head["kid"]).cloned().unwrap();
        assert_eq!(key["kty"], if alg == "ES256" { "EC" } else { "RSA" });
        // It can be changed, and counts for the next token.
        let other = if alg == "ES256" { "RS256" } else { "ES256" };
        let changed = rpc(&world, "alice", "2019-08-15", "UpdateApplication", &[("AppId", &id), ("NewIdTokenAlg", other)]).await;
        assert_eq!(json(&changed)["Application"]["IdTokenAlg"], other, "{}", changed.text());
        assert_eq!(told(&id, &secret).await["alg"], other);
    }
    let metadata = world.issuer(Request::get("/.well-known/openid-configuration").body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(json(&metadata)["id_token_signing_alg_values_supported"], value!(["RS256", "ES256"]));
    for wrong in ["none", "HS256", "es256", "PS256"] {
        let create = [("AppType", "WebApp"), ("DisplayName", "x"), ("IdTokenAlg", wrong)];
        let answer = rpc(&world, "alice", "2019-08-15", "CreateApplication", &create).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_typed_code_is_of_the_person_who_was_chosen() {
    let world = World::new().await;
    ready(&world).await;
    let asked = typed("http://tegata.test:8420/oauth/code");
    let mut browser = Browser::new(&world);
    browser.open("/signin").await.sign_in("bob").await;
    browser.open("/signin?step=somebody-else").await.sign_in("alice").await;
    browser.open(&asked).await;
    assert_eq!(browser.heading(), "Choose an account");
    browser.submit(&[("account", "bob@acme")]).await;
    assert_eq!(browser.heading(), "Allow official-cli?");
    assert!(browser.page.contains("Signed in as bob@acme") && browser.page.contains("a code that you type into a terminal"));
    browser.submit(&[("decision", "allow")]).await;
    assert!(browser.at.starts_with("/oauth/code?code="), "{}", browser.at);
    assert!(browser.page.contains("Signed in as bob@acme") && browser.away.is_none(), "{}", browser.page);
    // Somebody else of the browser is the one who counts now: the code that was shown is not theirs to see.
    let shown = browser.at.clone();
    browser.open("/choose-account").await.submit(&[("account", "alice@acme")]).await;
    assert_eq!(browser.open(&shown).await.status, StatusCode::NOT_FOUND);
    // As somebody who was not signed in yet.
    browser.open(&asked).await.submit(&[("account", "somebody-else")]).await;
    assert_eq!(browser.heading(), "Sign in");
    let fields = [("username", "dan@acme"), ("password", PASSWORD)];
    assert_eq!(browser.submit(&fields).await.brief(), "403 You are not assigned");
    assert!(browser.page.contains("user dan"));
}

#[tokio::test]
async fn forged_tokens_are_nothing() {
    let world = World::new().await;
    ready(&world).await;
    let code = code_for(&world, VENDOR).await;
    let fields = pairs([
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", VENDOR),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    let token = text(&world.issuer(post("/v1/token", &fields, None)).await, "access_token");
    let body = token.split('.').nth(1).unwrap();
    let head = |head: Value| URL_SAFE_NO_PAD.encode(head.to_string());
    let mut known = part(&token, 0);
    let keys = world.issuer(Request::get("/v1/keys").body(axum::body::Body::empty()).unwrap()).await;
    let mut forged = vec![
        format!("{}.{body}.", head(value!({ "alg": "none", "typ": "at+jwt" }))),
        format!("{}.{body}", head(value!({ "alg": "none" }))),
        format!("{}.{body}.", token.split('.').next().unwrap()),
        format!("{token}A"),
        format!("{token}.{token}"),
    ];
    // Keyed with what everybody can read: the published key, as it stands there.
    let public = json(&keys)["keys"][0].to_string();
    for alg in ["HS256", "RS256", "none", "es256"] {
        known["alg"] = value!(alg);
        let signed = format!("{}.{body}", head(known.clone()));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
        forged.push(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()).as_ref())));
    }
    let get = async |token: &str| {
        let request = Request::get("/v1/userinfo").header(header::AUTHORIZATION, format!("Bearer {token}"));
        world.issuer(request.body(axum::body::Body::empty()).unwrap()).await.status
    };
    assert_eq!(get(&token).await, StatusCode::OK);
    for one in forged {
        assert_eq!(get(&one).await, StatusCode::UNAUTHORIZED, "{one}");
        let request = Request::post("/v1/exchange").header(header::AUTHORIZATION, format!("Bearer {one}"));
        assert_eq!(world.issuer(request.body(axum::body::Body::empty()).unwrap()).await.status, StatusCode::UNAUTHORIZED, "{one}");
    }
}

#[tokio::test]
async fn a_redirect_is_the_registered_one_to_the_letter() {
    let world = World::new().await;
    let (id, _) = made(&world, "alice", "album", &[]).await;
    for other in [
        "https://photos.example/back?x=1",
        "https://photos.example/back#",
        "https://photos.example/back/",
        "https://photos.example/BACK",
        "https://photos.example:8443/back",
        "https://photos.example:443/back",
        "https://user@photos.example/back",
        "https://photos.example@evil.example/back",
        "https://photos.example.evil.example/back",
        "https://PHOTOS.example/back",
        "https://photos.example/%62ack",
        "https://photos.example/x/../back",
        "https://photos.example\\@evil.example/back",
        "http://photos.example/back",
        "//photos.example/back",
        "https://[::1]/back",
        "https://photos.example./back",
        "https:photos.example/back",
        " https://photos.example/back",
        "https://photos.example/back\n",
    ] {
        let query = request(&[("client_id", Some(&id)), ("redirect_uri", Some(other)), ("state", Some("xyz"))]);
        let mut browser = Browser::new(&world);
        browser.open(&query).await;
        assert!(browser.away.is_none() && browser.status == StatusCode::BAD_REQUEST, "{other}: {}", browser.brief());
    }
    // What stands twice, or both in the URL and in the form, is refused wherever it stands.
    for name in ["client_id", "redirect_uri", "state", "scope", "response_type", "code_challenge"] {
        let twice = format!("{}&{}", at(&id), form::encode(&pairs([(name, "x")])));
        let mut browser = Browser::new(&world);
        browser.open(&format!("{twice}&{}", form::encode(&pairs([(name, "x")])))).await;
        assert!(browser.away.is_none() && browser.status == StatusCode::BAD_REQUEST, "{name}: {}", browser.brief());
    }
    let fields = pairs([("grant_type", "client_credentials")]);
    let both = post("/oauth/token?grant_type=client_credentials", &fields, Some(&basic(&id, "x")));
    assert!(world.issuer(both).await.status.is_client_error());
}
