//! Devices: what they send and are told, and the page where a person agrees.

use std::fmt::Write as _;

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};
use tegata_sign::form;

use super::{
    pages::{Browser, ready},
    world::{Answer, Pairs, World, pairs},
};

const VENDOR: &str = "4038181954557748008";
const SINGLE: &str = "app-vaz16tltdxs96audqf35";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn value(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn text(answer: &Answer, name: &str) -> String {
    value(answer)[name].as_str().unwrap_or_else(|| panic!("{name}: {}", answer.text())).to_owned()
}

async fn post(world: &World, path: &str, fields: &Pairs) -> Answer {
    let request =
        Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").header(header::USER_AGENT, "tool/1");
    world.issuer(request.body(Body::from(form::encode(fields))).unwrap()).await
}

async fn send(world: &World, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    world.issuer(request.body(Body::from(if method == "GET" { String::new() } else { body.to_string() })).unwrap()).await
}

/// The reply with everything that is random replaced.
fn masked(answer: &Answer) -> String {
    let mut whole = answer.whole();
    let found = value(answer);
    let mut hide = |holder: &Value, names: &[&str]| {
        for name in names {
            if let Some(secret) = holder[*name].as_str().filter(|secret| !secret.is_empty()) {
                whole = whole.replace(secret, &name.to_uppercase());
            }
        }
    };
    hide(&found, &["device_code", "access_token", "refresh_token", "id_token", "user_code", "DeviceCode", "UserCode"]);
    hide(&found, &["AccessToken"]);
    hide(&found["CloudCredential"], &["AccessKeyId", "AccessKeySecret", "SecurityToken"]);
    if let Some(roles) = found["AccessConfigurationsForAccount"].as_array() {
        for role in roles {
            hide(role, &["AccessConfigurationId"]);
        }
    }
    if let Some(number) = found["tegata_number"].as_str() {
        whole = whole.replace(&format!("\"tegata_number\":\"{number}\""), "\"tegata_number\":\"NN\"");
    }
    whole
}

#[tokio::test]
async fn a_device_signs_in() {
    let world = World::new().await;
    ready(&world).await;
    let mut seen = String::new();
    let begun = post(&world, "/oauth/device_authorization", &pairs([("client_id", VENDOR), ("tegata_number", "1")])).await;
    let _ = write!(seen, "--- begin\n{}", masked(&begun));
    let (code, user_code, number) = (text(&begun, "device_code"), text(&begun, "user_code"), text(&begun, "tegata_number"));
    let question = pairs([("grant_type", GRANT), ("client_id", VENDOR), ("device_code", code.as_str())]);
    let _ = write!(seen, "--- waits\n{}", masked(&post(&world, "/oauth/token", &question).await));
    let _ = write!(seen, "--- too soon\n{}", masked(&post(&world, "/oauth/token", &question).await));
    let mut bob = Browser::new(&world);
    let link = format!("/device?user_code={user_code}");
    let _ = writeln!(seen, "--- the link: {}", bob.open(&link).await.brief());
    // The number is on the device, so the link may carry the code.
    let _ = writeln!(seen, "--- bob: {}", bob.sign_in("bob").await.brief());
    assert!(
        bob.page.contains("192.0.2.7") && bob.page.contains("tool/1") && bob.page.matches("name=\"number\"").count() == 3,
        "{}",
        bob.page
    );
    let _ = writeln!(
        seen,
        "--- agrees: {}",
        bob.submit(&[("user_code", &user_code), ("number", &number), ("decision", "allow")]).await.brief()
    );
    let _ = write!(seen, "--- done\n{}", masked(&post(&world, "/oauth/token", &question).await));
    let _ = write!(seen, "--- once more\n{}", masked(&post(&world, "/oauth/token", &question).await));
    // One that cannot show a number: its code is typed by hand, whatever the link says.
    let begun = post(&world, "/oauth/device_authorization", &pairs([("client_id", VENDOR)])).await;
    let (code, user_code) = (text(&begun, "device_code"), text(&begun, "user_code"));
    let question = pairs([("grant_type", GRANT), ("client_id", VENDOR), ("device_code", code.as_str())]);
    let _ = writeln!(seen, "--- no number: {}", bob.open(&format!("/device?user_code={user_code}")).await.brief());
    assert!(
        !bob.page.contains(&user_code)
            || bob.page.matches(&user_code).count() == bob.page.matches(&format!("user_code={user_code}")).count()
    );
    let _ = writeln!(seen, "--- wrong code: {}", bob.submit(&[("user_code", "BCDF-GHJK")]).await.brief());
    let _ = writeln!(seen, "--- typed: {}", bob.submit(&[("user_code", &user_code.to_lowercase())]).await.brief());
    let other = bob.submit(&[("user_code", "BCDF-GHJK"), ("decision", "allow")]).await.brief();
    let _ = writeln!(seen, "--- a form of another code: {other}");
    bob.open("/device").await.submit(&[("user_code", &user_code)]).await;
    let _ = writeln!(seen, "--- refuses: {}", bob.submit(&[("user_code", &user_code), ("decision", "deny")]).await.brief());
    let _ = write!(seen, "--- refused\n{}", masked(&post(&world, "/oauth/token", &question).await));
    let begun = post(&world, "/oauth/device_authorization", &pairs([("client_id", VENDOR)])).await;
    let user_code = text(&begun, "user_code");
    let mut dan = Browser::new(&world);
    dan.open("/device").await.sign_in("dan").await;
    let _ = writeln!(seen, "--- who is not assigned: {}", dan.submit(&[("user_code", &user_code)]).await.brief());
    world.test.clock.advance(std::time::Duration::from_mins(10));
    let question = pairs([("grant_type", GRANT), ("client_id", VENDOR), ("device_code", text(&begun, "device_code").as_str())]);
    let _ = write!(seen, "--- too late\n{}", masked(&post(&world, "/oauth/token", &question).await));
    insta::assert_snapshot!("devices_sign_in", seen);
}

#[tokio::test]
async fn single_sign_on_of_the_vendor() {
    let world = World::new().await;
    ready(&world).await;
    let mut seen = String::new();
    let begin =
        json!({ "ClientId": SINGLE, "CodeChallenge": CHALLENGE, "CodeChallengeMethod": "S256", "PortalUrl": "http://x/acme/login" });
    let begun = send(&world, "POST", "/device-authorization", None, &begin).await;
    let _ = write!(seen, "--- begin\n{}", masked(&begun));
    let question = |begun: &Answer| json!({ "ClientId": SINGLE, "CodeVerifier": VERIFIER, "DeviceCode": text(begun, "DeviceCode"), "GrantType": GRANT });
    for _ in 0..2 {
        let waits = send(&world, "POST", "/token", None, &question(&begun)).await;
        assert_eq!((waits.status.as_u16(), text(&waits, "ErrorCode").as_str()), (400, "AuthorizationPending"), "never slower");
    }
    let mut bob = Browser::new(&world);
    bob.open(&format!("/device?user_code={}", text(&begun, "UserCode"))).await.sign_in("bob").await;
    bob.submit(&[("user_code", &text(&begun, "UserCode"))]).await;
    bob.submit(&[("user_code", &text(&begun, "UserCode")), ("decision", "allow")]).await;
    let got = send(&world, "POST", "/token", None, &question(&begun)).await;
    let _ = write!(seen, "--- token\n{}", masked(&got));
    let token = text(&got, "AccessToken");
    let accounts = send(&world, "GET", "/access-assignments/accounts?MaxResults=100", Some(&token), &Value::Null).await;
    let _ = write!(seen, "--- accounts\n{}", masked(&accounts));
    let account = value(&accounts)["Accounts"][0]["AccountId"].as_str().unwrap().to_owned();
    let path = format!("/access-assignments/access-configurations?AccountId={account}");
    let roles = send(&world, "GET", &path, Some(&token), &Value::Null).await;
    let _ = write!(seen, "--- configurations\n{}", masked(&roles));
    let role = value(&roles)["AccessConfigurationsForAccount"][0]["AccessConfigurationId"].as_str().unwrap().to_owned();
    let wanted = json!({ "AccountId": account, "AccessConfigurationId": role });
    let _ = write!(seen, "--- credential\n{}", masked(&send(&world, "POST", "/cloud-credentials", Some(&token), &wanted).await));
    for (name, token, wanted) in [
        ("another account", Some(token.as_str()), json!({ "AccountId": "1000000000000002", "AccessConfigurationId": role })),
        ("no such role", Some(token.as_str()), json!({ "AccountId": account, "AccessConfigurationId": "app-uploader" })),
        ("no body", Some(token.as_str()), Value::Null),
        ("a bad token", Some("x"), wanted.clone()),
        ("no token", None, wanted.clone()),
    ] {
        let answer = send(&world, "POST", "/cloud-credentials", token, &wanted).await;
        assert!(answer.status.is_client_error(), "{name}");
        let _ = writeln!(seen, "--- {name}: {} {}", answer.status.as_u16(), text(&answer, "ErrorCode"));
    }
    // Refused and too late are the same, and so is everything else that ends it.
    let refused = send(&world, "POST", "/device-authorization", None, &begin).await;
    bob.open("/device").await.submit(&[("user_code", &text(&refused, "UserCode"))]).await;
    bob.submit(&[("user_code", &text(&refused, "UserCode")), ("decision", "deny")]).await;
    let late = send(&world, "POST", "/device-authorization", None, &begin).await;
    let other = send(
        &world,
        "POST",
        "/device-authorization",
        None,
        &json!({ "ClientId": VENDOR, "CodeChallenge": CHALLENGE, "CodeChallengeMethod": "S256" }),
    )
    .await;
    let _ = writeln!(seen, "--- another client: {} {}", other.status.as_u16(), text(&other, "ErrorCode"));
    let answer = send(&world, "POST", "/token", None, &question(&refused)).await;
    let _ = writeln!(seen, "--- refused: {} {}", answer.status.as_u16(), text(&answer, "ErrorCode"));
    world.test.clock.advance(std::time::Duration::from_mins(10));
    let answer = send(&world, "POST", "/token", None, &question(&late)).await;
    let _ = writeln!(seen, "--- too late: {} {}", answer.status.as_u16(), text(&answer, "ErrorCode"));
    insta::assert_snapshot!("devices_single_sign_on", seen);
}
