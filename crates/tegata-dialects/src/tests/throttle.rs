//! Every place where a secret can be tried, and the one count that all places share for one secret of one subject.
//!
//! Two lists are compared with the source itself, so that a place that is new does not compile away unseen: the routes of all dialects,
//! and the calls that look at a secret. Whoever adds one says here what it tries; the tests then try it.

use std::{collections::BTreeSet, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{StatusCode, header};
use tegata_core::testing::BENCH;
use tegata_sign::form;

use super::{
    pages::{Browser, PASSWORD, people, ready, request},
    world::{World, pairs},
};

/// What can be tried at a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tries {
    /// A password of a person, by its name: then a one-time code, or one that proves a new device.
    SignIn,
    /// A secret of a client.
    Client,
    /// The code that a waiting device shows.
    UserCode,
    /// A signature by a key of 256 bits, or a text that has as many: too many to be tried, so nothing is counted.
    Unguessable,
    /// The old password, in an operation.
    OldPassword,
    /// Nothing.
    Nothing,
    /// A dialect that finds its operations by itself: those that look at a secret are in `BELOW`.
    Below,
}

use Tries::{Below, Client, Nothing, OldPassword, SignIn, Unguessable, UserCode};

/// Every route of every dialect.
const ROUTES: &[(&str, &[Tries])] = &[
    ("/", &[Unguessable, OldPassword]),
    ("/errors", &[Nothing]),
    ("/oauth/authorize", &[SignIn]),
    ("/oauth2/v1/auth", &[SignIn]),
    ("/signin", &[SignIn]),
    ("/signout", &[Unguessable]),
    ("/choose-account", &[Unguessable]),
    ("/switch-role", &[Unguessable]),
    ("/welcome/{link}", &[Unguessable]),
    ("/apps/{id}/assignments", &[Unguessable]),
    ("/assets/{name}", &[Nothing]),
    ("/oauth/token", &[Client, Unguessable]),
    ("/v1/token", &[Client, Unguessable]),
    ("/oauth/introspect", &[Client, Unguessable]),
    ("/oauth/revoke", &[Client, Unguessable]),
    ("/v1/revoke", &[Client, Unguessable]),
    ("/oauth/userinfo", &[Unguessable]),
    ("/v1/userinfo", &[Unguessable]),
    ("/v1/exchange", &[Unguessable]),
    ("/oauth/device_authorization", &[Client]),
    ("/device", &[SignIn, UserCode]),
    // Of the one client id that has no secret.
    ("/device-authorization", &[Nothing]),
    ("/token", &[Unguessable]),
    ("/access-assignments/accounts", &[Unguessable]),
    ("/access-assignments/access-configurations", &[Unguessable]),
    ("/cloud-credentials", &[Unguessable]),
    // A code of 256 bits.
    ("/unwrap", &[Unguessable]),
    ("/oauth/keys", &[Nothing]),
    ("/v1/keys", &[Nothing]),
    ("/.well-known/oauth-authorization-server", &[Nothing]),
    ("/.well-known/openid-configuration", &[Nothing]),
    // A code that is worth nothing but to the process that asked for it.
    ("/oauth/code", &[Nothing]),
    ("/reset", &[Nothing]),
    ("/reset/{link}", &[Unguessable]),
    ("/not-me/{link}", &[Unguessable]),
    ("/v1/{*path}", &[Below]),
    ("/csp/{*rest}", &[Below]),
    ("/cphub/{*rest}", &[Below]),
];

/// The operations of dialects that find theirs by themselves at which a secret of a client, or a token, can be tried. All others take an
/// access token.
const BELOW: &[(&str, &[Tries])] = &[
    ("/csp/gateway/am/api/auth/authorize", &[Client]),
    ("/csp/gateway/am/api/auth/token", &[Client]),
    ("/csp/gateway/am/api/auth/introspect", &[Client, Unguessable]),
    ("/csp/gateway/am/api/auth/revoke", &[Client, Unguessable]),
    // Texts of 64 characters that we made.
    ("/csp/gateway/am/api/auth/api-tokens/authorize", &[Unguessable]),
    ("/csp/gateway/am/api/auth/api-tokens/details", &[Unguessable]),
    ("/cphub/api/auth/v1/authn/accesstoken", &[Unguessable]),
    ("/cphub/api/auth/v1/authn/accounts/{org}/accesstoken", &[Client]),
    ("/cphub/api/auth/v2/authn/authorize", &[Client]),
    ("/cphub/api/auth/v2/clients/{id}/secret", &[Client]),
];

/// Every call in the core that looks at a secret that could be guessed: the file, the call, and the count that stands before it.
const LOOKS: &[(&str, &str, &str)] = &[
    ("authn/client.rs", "secret_holds", "`guarded`: by client and network"),
    ("authn/client.rs", "hashing::verify", "`guarded`: secrets of clients that somebody chose, by client and network"),
    ("directory/login.rs", "hashing::verify", "`try_secret`: by user; a new password is compared with old ones too"),
    ("directory/mfa.rs", "otp::verify_pair", "asked of who may bind the device, with two codes of a seed that was just told"),
    ("grant/device.rs", "Secret::Device", "places among the devices that wait, by network"),
    ("mail/reset.rs", "hashing::verify", "as much work as a password takes, compared with nobody's: nothing is tried"),
    ("sam/factor.rs", "otp::verify", "`count_try`: by user, with the codes of the sign-in"),
    ("sam/sign_in.rs", "hashing::verify", "`count_try`: by user"),
    ("sam/sign_in.rs", "otp::verify", "`count_try`: by user, from wherever"),
    ("signin/browser.rs", "hashing::verify", "`count_try`: by user, or by user and known browser"),
    ("signin/browser.rs", "otp::verify", "`count_try`: by user, from wherever"),
    ("signin/device.rs", "find_by_user_code", "`count_try`: by user who types"),
    ("signin/factor.rs", "otp::verify", "`count_try`: by user, with the codes of the sign-in"),
];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") && !path.ends_with("snapshots") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()));
        }
    }
}

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    sources(&folder, &mut found);
    let root = format!("{}/", folder.display());
    found.into_iter().map(|(path, text)| (path.replace(&root, ""), text)).collect()
}

#[test]
fn every_route_says_what_can_be_tried_there() {
    let mut routes = BTreeSet::new();
    for (_, text) in files("src") {
        routes.extend(text.split(".route(").skip(1).filter_map(|rest| rest.split('"').nth(1).map(str::to_owned)));
    }
    let known: BTreeSet<String> = ROUTES.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(routes, known, "a route that is new says in `ROUTES` which secrets can be tried at it");
}

#[test]
fn every_operation_below_a_route_says_what_can_be_tried_there() {
    // Whoever finds its operations by itself asks for a client, or for a token that is none for access, in these functions alone.
    let looks = ["client_caller(", "header_client(", "for_app(", "for_app_in_body(", "for_api_token(", ".api_token_details("];
    let mut found = BTreeSet::new();
    for (path, text) in files("src/csp") {
        let rows = text.lines().filter(|line| line.trim_start().starts_with("\"POST\" "));
        let rows: Vec<(String, String)> = rows
            .filter_map(|line| {
                let mut words = line.trim().trim_end_matches(';').split(' ');
                let route = words.nth(1)?.trim_matches('"').to_owned();
                Some((route, words.nth(1)?.to_owned()))
            })
            .collect();
        for (route, handler) in rows {
            let Some(at) = text.find(&format!("fn {handler}(")) else { panic!("{path}: {handler}") };
            let body = text.get(at..).unwrap().split("\n}\n").next().unwrap();
            if looks.iter().any(|look| body.contains(look)) {
                found.insert(route);
            }
        }
    }
    let known: BTreeSet<String> = BELOW.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(found, known, "an operation that is new says in `BELOW` which secrets can be tried at it");
}

#[test]
fn every_look_at_a_secret_is_counted() {
    let mut found = BTreeSet::new();
    let calls = ["hashing::verify(", "otp::verify(", "otp::verify_pair(", "secret_holds(", "find_by_user_code(", "Secret::Device"];
    for (path, text) in files("../tegata-core/src") {
        for call in calls {
            let used = text.lines().any(|line| line.contains(call) && !line.contains(&format!("fn {call}")));
            if used && !path.starts_with("testing") {
                found.insert((path.clone(), call.trim_end_matches('(').to_owned()));
            }
        }
    }
    let known: BTreeSet<(String, String)> = LOOKS.iter().map(|(file, call, _)| ((*file).to_owned(), (*call).to_owned())).collect();
    assert_eq!(found, known, "whoever looks at a secret says in `LOOKS` what counts the tries");
    // Dialects look at none themselves.
    for (path, text) in files("src") {
        assert!(!calls.iter().any(|call| text.contains(call)), "{path}");
    }
}

/// Where a password can be tried.
fn password_places() -> Vec<&'static str> {
    let mut places: Vec<&str> = ROUTES.iter().filter(|(_, tries)| tries.contains(&SignIn)).map(|(route, _)| *route).collect();
    places.push("ChangePassword");
    assert_eq!(ROUTES.iter().filter(|(_, tries)| tries.contains(&OldPassword)).count(), 1, "one route leads to `ChangePassword`");
    places
}

/// Tries a password of bob's at a place, as a stranger there; true if no more may be tried.
async fn is_throttled(world: &World, place: &str, password: &str) -> bool {
    if place == "ChangePassword" {
        let mut asked = pairs([("Action", "ChangePassword"), ("Version", "2015-05-01"), ("Format", "JSON")]);
        asked.extend(pairs([("OldPassword", password), ("NewPassword", "another password 1")]));
        let answer = world.issuer(world.rpc(&world.key("bob"), asked)).await;
        assert!(answer.status != 200 || password == PASSWORD, "{}", answer.text());
        return answer.status == StatusCode::TOO_MANY_REQUESTS || answer.code().contains("Throttling");
    }
    let target = match place {
        "/signin" | "/device" => place.to_owned(),
        _ => request(&[]).replace("/oauth2/v1/auth", place),
    };
    let mut stranger = Browser::new(world);
    stranger.open(&target).await.submit(&[("username", "bob@acme"), ("password", password)]).await;
    assert!(stranger.status != 200 || password == PASSWORD, "{place}");
    stranger.status == 429
}

#[tokio::test]
async fn tries_at_a_password_are_counted_together_wherever_they_are_made() {
    for guessed_at in password_places() {
        let world = World::new().await;
        ready(&world).await;
        let mut known = Browser::new(&world);
        known.open("/signin").await.sign_in("bob").await;
        // What an account lets its users do for themselves.
        let mut asked = pairs([("Action", "SetSecurityPreference"), ("Version", "2015-05-01"), ("Format", "JSON")]);
        asked.extend(pairs([("AllowUserToChangePassword", "true")]));
        assert_eq!(world.issuer(world.rpc(&world.key("alice"), asked)).await.status, 200);
        for _ in 0..5 {
            assert!(!is_throttled(&world, guessed_at, "a guess").await, "{guessed_at}");
        }
        for place in password_places() {
            assert!(is_throttled(&world, place, PASSWORD).await, "guessed at {guessed_at}, tried at {place}");
        }
        // And the right person, at its own browser, is not locked out by any of this.
        let csrf = known.form(&[]);
        known.raw("POST", "/signout", &[], &csrf).await;
        known.cookies.remove("tegata");
        known.open("/signin").await.sign_in("bob").await;
        assert_eq!(known.heading(), "You are signed in", "{guessed_at}");
        // After a while it is over.
        world.test.clock.advance(std::time::Duration::from_mins(15));
        assert!(!is_throttled(&world, "/signin", PASSWORD).await, "{guessed_at}");
    }
}

/// Shows a secret of a client at a place of the issuer.
async fn shows(world: &World, place: &str, secret: &str) -> StatusCode {
    shows_to(&world.issuer, world, place, secret).await
}

async fn shows_to(issuer: &axum::Router, world: &World, place: &str, secret: &str) -> StatusCode {
    let fields = match place {
        "/oauth/device_authorization" => pairs([("scope", "openid")]),
        _ if place.contains("introspect") || place.contains("revoke") => pairs([("token", "x")]),
        _ => pairs([("grant_type", "client_credentials"), ("orgId", world.test.acme.organisation_id.as_str())]),
    };
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{secret}", BENCH.0)));
    let (kind, body) = match place {
        _ if place.ends_with("/secret") => ("application/json", "{}".to_owned()),
        _ if place.ends_with("{org}/accesstoken") => {
            ("application/json", format!(r#"{{"clientId":"{}","clientSecret":"{secret}"}}"#, BENCH.0))
        }
        _ => ("application/x-www-form-urlencoded", form::encode(&fields)),
    };
    let place = place.replace("{id}", BENCH.0).replace("{org}", world.test.acme.organisation_id.as_str());
    let request = http::Request::post(place)
        .header(header::HOST, "tegata.test:8420")
        .header(header::AUTHORIZATION, basic)
        .header(header::CONTENT_TYPE, kind)
        .body(axum::body::Body::from(body))
        .unwrap();
    super::world::send(issuer, request).await.status
}

#[tokio::test]
async fn tries_at_a_clients_secret_are_counted_together_wherever_they_are_made() {
    let places: Vec<&str> = ROUTES.iter().chain(BELOW).filter(|(_, tries)| tries.contains(&Client)).map(|(route, _)| *route).collect();
    assert_eq!(places.len(), 13);
    for guessed_at in &places {
        let world = World::new().await;
        assert_ne!(shows(&world, guessed_at, BENCH.1).await, StatusCode::UNAUTHORIZED, "{guessed_at}");
        for _ in 0..10 {
            assert_eq!(shows(&world, guessed_at, "a-guess").await, StatusCode::UNAUTHORIZED, "{guessed_at}");
        }
        for place in &places {
            assert_eq!(shows(&world, place, BENCH.1).await, StatusCode::TOO_MANY_REQUESTS, "guessed at {guessed_at}, tried at {place}");
        }
        // On another node too, which has seen none of it.
        let other = world.other_node().await;
        assert_eq!(shows_to(&other, &world, guessed_at, "guess").await, StatusCode::TOO_MANY_REQUESTS, "{guessed_at}");
    }
}

/// One-time codes of a person, at every page that asks for them and in every browser: ten, and no more.
#[tokio::test]
async fn tries_at_a_one_time_code_are_counted_together() {
    let world = World::new().await;
    people(&world, &["alice", "bob"]).await;
    let made = async |action: &str, more: &[(&str, &str)]| {
        let mut asked = pairs([("Action", action), ("Version", "2015-05-01"), ("Format", "JSON")]);
        asked.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let answer = world.issuer(world.rpc(&world.key("alice"), asked)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap()
    };
    let device = made("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "phone")]).await;
    let seed = device["VirtualMFADevice"]["Base32StringSeed"].as_str().unwrap().to_owned();
    let code = |steps| tegata_core::testing::one_time_code(&seed, world.test.now(), steps).unwrap();
    let (first, second) = (code(0), code(1));
    let serial = "acs:ram::1000000000000001:mfa/phone";
    made(
        "BindMFADevice",
        &[("SerialNumber", serial), ("UserName", "bob"), ("AuthenticationCode1", &first), ("AuthenticationCode2", &second)],
    )
    .await;
    world.test.clock.advance(std::time::Duration::from_mins(2));
    let places = ["/signin".to_owned(), "/device".to_owned(), request(&[]), request(&[]).replace("/oauth2/v1/auth", "/oauth/authorize")];
    for (tried, place) in places.iter().cycle().take(10).enumerate() {
        let mut browser = Browser::new(&world);
        browser.open(place).await.sign_in("bob").await;
        assert_eq!(browser.heading(), "One-time code", "{place}");
        assert_eq!(browser.submit(&[("otp", "000000")]).await.status, 401, "{place} {tried}");
    }
    for place in &places {
        let mut browser = Browser::new(&world);
        browser.open(place).await.sign_in("bob").await;
        let right = tegata_core::testing::one_time_code(&seed, world.test.now(), 0).unwrap();
        assert_eq!(browser.submit(&[("otp", &right)]).await.status, 429, "{place}");
    }
}
