//! The operator API: whole replies, the code of every refusal, and requests as the vendor's command line sends them.

use std::fmt::Write as _;

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Request;
use serde_json::{Value, json};
use tegata_core::testing::one_time_code;

use super::{
    ram::{alice, by},
    world::{Answer, World, pairs},
};

/// A server where alice (everything), bob and the passwords of both are known.
pub(super) struct Sam {
    pub(super) world: World,
    pub(super) operator: String,
}

pub(super) const RIGHT: &str = "correct horse 1";

impl Sam {
    pub(super) async fn new() -> Self {
        let world = World::new().await;
        for user in ["alice", "bob"] {
            let made = alice(&world, "CreateLoginProfile", &[("UserName", user), ("Password", RIGHT)]).await;
            assert_eq!(made.status, 200, "{}", made.text());
        }
        let operator = world.test.acme.operator_id.as_str().to_owned();
        Self { world, operator }
    }

    pub(super) async fn send(&self, pair: Option<&Value>, method: &str, path: &str, body: impl Into<String>) -> Answer {
        let path = path.replace("OP", &self.operator);
        let mut request = Request::builder().method(method).uri(format!("/v1{path}")).header("user-agent", "soracom-cli/1.7.0");
        if let Some(pair) = pair {
            request = request.header("X-Soracom-Api-Key", pair["apiKey"].as_str().unwrap());
            request = request.header("X-Soracom-Token", pair["token"].as_str().unwrap());
        }
        self.world.issuer(request.header("x-soracom-lang", "en").body(Body::from(body.into())).unwrap()).await
    }

    pub(super) fn login(&self, user: &str, rest: &Value) -> String {
        let mut body = json!({ "operatorId": self.operator, "userName": user, "password": RIGHT });
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        body.to_string()
    }

    /// A session of the root user, by an auth key that is made as the program's operator would.
    pub(super) async fn root(&self) -> Value {
        let key = tegata_core::sam::NewAuthKey {
            key_id: "keyId-of-root".to_owned(),
            secret: tegata_model::SecretKey::new("secret-of-root".to_owned()),
        };
        let mut work = self.world.test.provision();
        work.auth_key(&self.world.test.acme, self.world.test.acme.root, &key).unwrap();
        work.commit().await.unwrap();
        let login = json!({ "authKeyId": "keyId-of-root", "authKey": "secret-of-root", "mfaOTPCode": "123456" }).to_string();
        body(&self.send(None, "POST", "/auth", login).await)
    }

    pub(super) async fn pair(&self, user: &str) -> Value {
        let answer = self.send(None, "POST", "/auth?", self.login(user, &json!({}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }
}

pub(super) fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

pub(super) fn code(answer: &Answer) -> String {
    let body = body(answer);
    assert!(!body["message"].as_str().unwrap().contains('%'), "{body}");
    format!("{} {}", answer.status.as_u16(), body["code"].as_str().unwrap())
}

#[tokio::test]
async fn a_session_begins_is_used_and_ends() {
    let sam = Sam::new().await;
    let pair = sam.pair("alice").await;
    assert_eq!((pair["operatorId"].as_str(), pair["userName"].as_str()), (Some(sam.operator.as_str()), Some("alice")));
    // As the command line reads it: the second part, for the operator.
    let part = pair["token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(payload["operator"]["operatorId"], sam.operator.as_str());

    let operator = sam.send(Some(&pair), "GET", "/operators/OP?", "").await;
    assert_eq!(operator.status, 200);
    assert_eq!(operator.header("content-type"), "application/json");
    assert_eq!(operator.header("x-soracom-cli-version"), "");
    assert_eq!(body(&operator)["email"], "root@acme.test");
    let support = sam.send(Some(&pair), "POST", "/operators/OP/support/token?", "").await;
    assert_eq!((support.status.as_u16(), body(&support).as_object().unwrap().len()), (200, 1));
    assert!(body(&support)["token"].as_str().unwrap().starts_with("support-"));
    let renewed = sam.send(Some(&pair), "POST", "/operators/OP/token?", "{}").await;
    assert_eq!((renewed.status.as_u16(), body(&renewed).as_object().unwrap().len()), (200, 1));
    let ended = sam.send(Some(&pair), "POST", "/auth/logout?", "").await;
    assert_eq!((ended.status.as_u16(), ended.body.len()), (204, 0));
    assert_eq!(code(&sam.send(Some(&pair), "GET", "/operators/OP", "").await), "401 TGT0203");
}

#[tokio::test]
async fn every_refusal_has_its_code_and_none_asks_to_try_again() {
    let sam = Sam::new().await;
    let (alice, bob) = (sam.pair("alice").await, sam.pair("bob").await);
    let mut seen = String::new();
    let long = format!("{{\"email\":\"{}\"}}", "x".repeat(200_000));
    let named = |rest: Value| sam.login("alice", &rest);
    for (what, body) in [
        ("nothing", "{}".to_owned()),
        ("no body", String::new()),
        ("not JSON", "{".to_owned()),
        ("a list", "[]".to_owned()),
        ("a name twice", r#"{"email":"a","email":"b","password":"x"}"#.to_owned()),
        ("a number for a text", r#"{"email":1,"password":"x"}"#.to_owned()),
        ("too large", long),
        ("nobody", r#"{"email":"nobody@acme.test","password":"x","more":[]}"#.to_owned()),
        ("a wrong key", r#"{"authKeyId":"keyId-x","authKey":"secret-x"}"#.to_owned()),
        ("a text for a number", named(json!({ "tokenTimeoutSeconds": "60" }))),
        ("a short life", named(json!({ "tokenTimeoutSeconds": 179 }))),
        ("a long life", named(json!({ "tokenTimeoutSeconds": 172_801 }))),
        ("a negative life", named(json!({ "tokenTimeoutSeconds": -1 }))),
    ] {
        let answer = sam.send(None, "POST", "/auth", body).await;
        writeln!(seen, "auth, {what}: {}", code(&answer)).unwrap();
        assert!(answer.status.is_client_error() && answer.status != 429, "{what}");
    }
    let mixed = json!({ "apiKey": alice["apiKey"], "token": bob["token"] });
    let forged = json!({ "apiKey": alice["apiKey"], "token": "a.b.c" });
    for (what, pair, method, path, body) in [
        ("no pair", None, "GET", "/operators/OP", ""),
        ("another's token", Some(&mixed), "GET", "/operators/OP", ""),
        ("no token of ours", Some(&forged), "GET", "/operators/OP", ""),
        ("another operator", Some(&alice), "GET", "/operators/OX0000000009", ""),
        ("no permission", Some(&bob), "GET", "/operators/OP", ""),
        ("no permission for a token", Some(&bob), "POST", "/operators/OP/support/token", ""),
        ("no such path", Some(&alice), "GET", "/nowhere", ""),
        ("another method", Some(&alice), "PATCH", "/auth", ""),
        ("not decodable", Some(&alice), "GET", "/operators/%zz", ""),
        ("not a user's name", Some(&alice), "GET", "/operators/OP/users/a%20b/mfa", ""),
        ("no such user", Some(&alice), "GET", "/operators/OP/users/ghost/mfa", ""),
        ("the owner's alone", Some(&alice), "POST", "/operators/OP/auth_keys", ""),
        ("no such key", Some(&alice), "DELETE", "/operators/OP/auth_keys/keyId-x", ""),
        ("no factor", Some(&alice), "DELETE", "/operators/OP/users/bob/mfa", ""),
        ("not a code", Some(&alice), "POST", "/operators/OP/users/bob/mfa/verify", r#"{"mfaOTPCode":"1"}"#),
        ("no code", Some(&alice), "POST", "/operators/OP/users/bob/mfa/verify", "{}"),
        ("a switch to oneself", Some(&alice), "POST", "/auth/switch_user", r#"{"operatorId":"OP","userName":"alice"}"#),
        ("a switch without permission", Some(&bob), "POST", "/auth/switch_user", r#"{"operatorId":"OP","userName":"alice"}"#),
        (
            "a switch too long",
            Some(&alice),
            "POST",
            "/auth/switch_user",
            r#"{"operatorId":"OP","userName":"b","tokenTimeoutSeconds":3601}"#,
        ),
        ("no owner", Some(&alice), "POST", "/operators/OP/password", r#"{"currentPassword":"a","newPassword":"b"}"#),
        ("no address", None, "POST", "/auth/password_reset_token/issue", r#"{"email":"nobody"}"#),
        ("no reset token", None, "POST", "/auth/password_reset_token/verify", r#"{"token":"x","password":"another horse 1"}"#),
        ("removal by nobody", None, "POST", "/operators/mfa_revoke_token/issue", r#"{"email":"a@b.test","password":"x"}"#),
        (
            "removal by a wrong password",
            None,
            "POST",
            "/operators/mfa_revoke_token/verify",
            r#"{"email":"root@acme.test","password":"x","token":"t","backupCode":"b"}"#,
        ),
        ("exchange without permission", Some(&bob), "POST", "/auth/temporary_key", ""),
    ] {
        let answer = sam.send(pair, method, path, body.replace("OP", &sam.operator)).await;
        writeln!(seen, "{what}: {}", code(&answer)).unwrap();
        assert!(answer.status.is_client_error() && answer.status != 429, "{what}");
    }
    insta::assert_snapshot!(seen);
}

#[tokio::test]
async fn messages_are_said_in_the_language_that_is_asked_for() {
    let sam = Sam::new().await;
    for (language, begins) in [("ja", "ユーザー名"), ("en", "the user name"), ("fr", "the user name")] {
        let request = Request::post("/v1/auth").header("x-soracom-lang", language);
        let answer = sam.world.issuer(request.body(Body::from(sam.login("ghost", &json!({})))).unwrap()).await;
        assert_eq!(code(&answer), "401 AUM0002");
        assert!(body(&answer)["message"].as_str().unwrap().starts_with(begins), "{language}");
    }
    // A full answer, as a client sees it.
    let answer = sam.send(None, "POST", "/auth", "{}").await;
    assert_eq!(body(&answer).as_object().unwrap().keys().collect::<Vec<_>>(), ["code", "message"]);
}

/// Two commands within one step of the code, as a profile with a profile command makes them.
#[tokio::test]
async fn one_code_is_enough_for_two_commands() {
    let sam = Sam::new().await;
    let alice = sam.pair("alice").await;
    let path = "/operators/OP/users/bob/mfa";
    assert_eq!(body(&sam.send(Some(&alice), "GET", path, "").await), json!({ "status": "INACTIVE" }));
    let made = sam.send(Some(&alice), "POST", &format!("{path}?"), "").await;
    let uri = body(&made)["totpUri"].as_str().unwrap().to_owned();
    assert!(uri.starts_with("otpauth://totp/"), "{uri}");
    let seed = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert_eq!(body(&sam.send(Some(&alice), "GET", path, "").await), json!({ "status": "UNCONFIRMED" }));
    let shown = |steps| one_time_code(&seed, sam.world.test.now(), steps).unwrap();
    let confirmed = sam.send(Some(&alice), "POST", &format!("{path}/verify"), json!({ "mfaOTPCode": shown(0) }).to_string()).await;
    assert_eq!((confirmed.status.as_u16(), confirmed.body.len()), (204, 0));
    assert_eq!(body(&sam.send(Some(&alice), "GET", path, "").await), json!({ "status": "ACTIVE" }));

    assert_eq!(code(&sam.send(None, "POST", "/auth?", sam.login("bob", &json!({}))).await), "401 AUM0063");
    sam.world.test.clock.advance(std::time::Duration::from_mins(1));
    let login = sam.login("bob", &json!({ "mfaOTPCode": shown(0) }));
    let (first, second) = (sam.send(None, "POST", "/auth?", login.clone()).await, sam.send(None, "POST", "/auth?", login.clone()).await);
    assert_eq!((first.status.as_u16(), body(&first)), (200, body(&second)));
    // With a longer life it is another request.
    let longer = sam.login("bob", &json!({ "mfaOTPCode": shown(0), "tokenTimeoutSeconds": 172_800 }));
    assert_eq!(code(&sam.send(None, "POST", "/auth?", longer).await), "401 TGT0102");
    sam.send(Some(&body(&first)), "POST", "/auth/logout", "").await;
    assert_eq!(code(&sam.send(None, "POST", "/auth?", login).await), "401 TGT0102", "after logout");
    // The session without the code may not take the factor off; who may, can.
    assert_eq!(sam.send(Some(&alice), "DELETE", path, "").await.status, 204);
    assert_eq!(sam.send(None, "POST", "/auth?", sam.login("bob", &json!({}))).await.status, 200);
}

#[tokio::test]
async fn auth_keys_of_the_root_user() {
    let sam = Sam::new().await;
    let root = sam.root().await;
    assert!(root.get("userName").is_none());
    let made = sam.send(Some(&root), "POST", "/operators/OP/auth_keys?", "").await;
    assert_eq!(made.status, 201);
    let made = body(&made);
    assert_eq!((made["authKeyId"].as_str().unwrap().len(), made["authKey"].as_str().unwrap().len()), (38, 71));
    let listed = body(&sam.send(Some(&root), "GET", "/operators/OP/auth_keys", "").await);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(listed[0]["lastUsedDateTime"].is_i64() && listed[1].get("lastUsedDateTime").is_none(), "{listed}");
    let path = format!("/operators/OP/auth_keys/{}", made["authKeyId"].as_str().unwrap());
    assert_eq!(sam.send(Some(&root), "DELETE", &path, "").await.status, 204);
    assert_eq!(code(&sam.send(Some(&root), "DELETE", &path, "").await), "404 TGT0401");
    // MFA of the root user: the body of a DELETE, without a content type.
    assert_eq!(sam.send(Some(&root), "POST", "/operators/OP/mfa?", "").await.status, 200);
    assert_eq!(code(&sam.send(Some(&root), "DELETE", "/operators/OP/mfa?", r#"{"password":"pw"}"#).await), "400 AUM0002");
    assert_eq!(sam.send(Some(&root), "DELETE", "/operators/OP/tokens", "").await.status, 204);
    assert_eq!(code(&sam.send(Some(&root), "GET", "/operators/OP", "").await), "401 TGT0203");
}

#[tokio::test]
async fn a_session_is_exchanged_for_a_temporary_key_and_back() {
    let sam = Sam::new().await;
    let pair = sam.pair("alice").await;
    let key = body(&sam.send(Some(&pair), "POST", "/auth/temporary_key", "").await);
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    let key = super::world::TestKey {
        key_id: text("accessKeyId").parse().unwrap(),
        secret: tegata_model::SecretKey::new(text("accessKeySecret")),
        token: Some(tegata_model::SecretKey::new(text("securityToken"))),
    };
    let world = &sam.world;
    let foreign =
        world.issuer(world.acs3_for("elsewhere.test", "2026-11-01", &key, "CreateApiSession", &pairs([("Format", "JSON")]))).await;
    assert_eq!(foreign.status, 403, "{}", foreign.text());
    let back = world.issuer(world.acs3_for("tegata.test:8420", "2026-11-01", &key, "CreateApiSession", &pairs([("Format", "JSON")]))).await;
    assert_eq!(back.status, 200, "{}", back.text());
    let back = body(&back);
    assert_eq!((back["UserName"].as_str(), back["OperatorId"].as_str()), (Some("alice"), Some(sam.operator.as_str())));
    let second = json!({ "apiKey": back["ApiKey"], "token": back["Token"] });
    assert_eq!(sam.send(Some(&second), "GET", "/operators/OP", "").await.status, 200);
    // All of it ends with what it began with.
    sam.send(Some(&pair), "POST", "/auth/logout", "").await;
    assert_eq!(code(&sam.send(Some(&second), "GET", "/operators/OP", "").await), "401 TGT0203");
    let who = by(world, &world.key("alice"), "GetUser", &[("UserName", "alice")]).await;
    assert_eq!(who.status, 200);
}

#[test]
fn the_catalogue_is_without_doubles() {
    let mut seen = std::collections::BTreeSet::new();
    for spec in crate::soracom::catalogue() {
        assert!(seen.insert((spec.method.name(), spec.path)), "{}", spec.path);
        assert!(spec.api.contains(':') && !spec.summary.ends_with('.'), "{}", spec.api);
        assert!(spec.variables().count() == spec.path.matches('{').count());
    }
}
