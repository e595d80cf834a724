//! Somebody who begins a sign-in himself, knows its code and its number, and lets another person agree to it: fails from another
//! network, at every endpoint where a device can begin.

use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tegata_core::{
    directory::{DeviceOrigin, SetDevicePolicy},
    testing::TestCore,
};
use tegata_sign::form;
use tower::ServiceExt as _;

use super::{
    pages::{Browser, ready},
    world::{World, pairs},
};
use crate::Peer;

const VENDOR: &str = "4038181954557748008";
const SINGLE: &str = "app-vaz16tltdxs96audqf35";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The person's address is 192.0.2.7.
const ELSEWHERE: [u8; 4] = [198, 51, 100, 66];

/// The two ways in which a device begins.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// RFC 8628, with a number.
    Grant,
    /// The vendor's single sign-on.
    SingleSignOn,
}

/// A request from an address, with more headers.
async fn from(world: &World, address: [u8; 4], path: &str, json: bool, body: String, more: &[(&str, &str)]) -> (StatusCode, Value) {
    let kind = if json { "application/json" } else { "application/x-www-form-urlencoded" };
    let mut request = Request::post(path).header(header::HOST, "tegata.test:8420").header(header::CONTENT_TYPE, kind);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body)).unwrap();
    request.extensions_mut().insert(Peer { address: (address, 4711).into(), tls: false });
    let answer = world.issuer.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// What the attacker has: the secret code, the code that people type, the number.
struct Begun {
    device: String,
    user: String,
    number: String,
}

async fn begin(world: &World, way: Way, address: [u8; 4], more: &[(&str, &str)]) -> Begun {
    let (path, json, body) = match way {
        Way::Grant => ("/oauth/device_authorization", false, form::encode(&pairs([("client_id", VENDOR), ("tegata_number", "1")]))),
        Way::SingleSignOn => {
            let asked = json!({ "ClientId": SINGLE, "CodeChallenge": CHALLENGE, "CodeChallengeMethod": "S256", "PortalUrl": "http://x/acme/login" });
            ("/device-authorization", true, asked.to_string())
        }
    };
    let (status, said) = from(world, address, path, json, body, more).await;
    assert_eq!(status, 200, "{said}");
    let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    match way {
        Way::Grant => Begun { device: text("device_code"), user: text("user_code"), number: text("tegata_number") },
        Way::SingleSignOn => Begun { device: text("DeviceCode"), user: text("UserCode"), number: String::new() },
    }
}

/// Whether the attacker gets tokens.
async fn fetched(world: &World, way: Way, address: [u8; 4], begun: &Begun) -> bool {
    world.test.clock.advance(std::time::Duration::from_secs(30));
    let (path, json, body) = match way {
        Way::Grant => {
            let asked = pairs([("grant_type", GRANT), ("client_id", VENDOR), ("device_code", begun.device.as_str())]);
            ("/oauth/token", false, form::encode(&asked))
        }
        Way::SingleSignOn => {
            let asked = json!({ "ClientId": SINGLE, "CodeVerifier": VERIFIER, "DeviceCode": begun.device, "GrantType": GRANT });
            ("/token", true, asked.to_string())
        }
    };
    from(world, address, path, json, body, &[]).await.0 == 200
}

/// The person does everything that it is told to: opens the link, types the code, picks the number, agrees.
async fn obeys(bob: &mut Browser<'_>, begun: &Begun) -> String {
    bob.open(&format!("/device?user_code={}", begun.user)).await;
    if bob.page.contains("name=\"user_code\"") && !bob.page.contains("name=\"decision\"") {
        bob.submit(&[("user_code", &begun.user)]).await;
    }
    if bob.page.contains("name=\"decision\"") {
        let mut fields = vec![("user_code", begun.user.as_str()), ("decision", "allow")];
        fields.extend((!begun.number.is_empty()).then_some(("number", begun.number.as_str())));
        bob.submit(&fields).await;
    }
    bob.brief()
}

async fn policy(test: &TestCore, origin: DeviceOrigin) {
    test.perform(&test.user("alice").await.unwrap(), &SetDevicePolicy { origin }).await.unwrap();
}

#[tokio::test]
async fn who_relays_a_sign_in_fails_from_another_network() {
    for way in [Way::Grant, Way::SingleSignOn] {
        let world = World::new().await;
        ready(&world).await;
        let mut bob = Browser::new(&world);
        bob.open("/signin").await.sign_in("bob").await;
        let forged: &[(&str, &str)] = &[("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7"), ("x-real-ip", "192.0.2.7")];
        for (address, more, origin, good) in [
            // In the same network it is the person's own device.
            ([192, 0, 2, 7], &[][..], None, true),
            (ELSEWHERE, &[], None, false),
            // Nobody believes what a stranger writes into its request about where it comes from.
            (ELSEWHERE, forged, None, false),
            ([192, 0, 2, 7], &[], Some(DeviceOrigin::Off), false),
            (ELSEWHERE, &[], Some(DeviceOrigin::Anywhere), true),
        ] {
            if let Some(origin) = origin {
                policy(&world.test, origin).await;
            }
            let begun = begin(&world, way, address, more).await;
            let said = obeys(&mut bob, &begun).await;
            assert_eq!(said.starts_with("200 Done"), good, "{way:?} {address:?} {origin:?}: {said}");
            assert_eq!(fetched(&world, way, address, &begun).await, good, "{way:?} {address:?} {origin:?}");
            if !good {
                // Nor does what was begun elsewhere come to life from the right place.
                assert!(!fetched(&world, way, [192, 0, 2, 7], &begun).await, "{way:?} {address:?} {origin:?}");
            }
        }
    }
}
