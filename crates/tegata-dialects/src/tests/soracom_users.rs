//! The operator API where it is about users, what they may do, roles and the log: every row, with whole answers.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use super::soracom::{RIGHT, Sam, body, code};

/// What was sent and what came back, line by line.
struct Tour<'a> {
    sam: &'a Sam,
    seen: String,
}

impl Tour<'_> {
    async fn ask(&mut self, pair: &Value, method: &str, path: &str, sent: &str) -> Value {
        let answer = self.sam.send(Some(pair), method, path, sent.replace("OP", &self.sam.operator)).await;
        let next = answer.header("x-soracom-next-key");
        let more = if next.is_empty() { "" } else { " (more)" };
        writeln!(self.seen, "{method} {} {}", plain(path), plain(sent)).unwrap();
        writeln!(self.seen, "    {}{more} {}", answer.status.as_u16(), plain(&answer.text())).unwrap();
        body(&answer)
    }
}

/// Without what differs from run to run.
fn plain(text: &str) -> String {
    let mut out = text.to_owned();
    for (prefix, length) in [("keyId-", 32), ("secret-", 64)] {
        let mut from = 0;
        while let Some(at) = out.get(from..).unwrap_or_default().find(prefix).map(|at| at + from + prefix.len()) {
            if out.get(at..).unwrap_or_default().chars().take(length).filter(char::is_ascii_alphanumeric).count() == length {
                out.replace_range(at..at + length, "X");
            }
            from = at;
        }
    }
    out
}

fn document(effect: &str, api: &str) -> String {
    json!({ "statements": [{ "effect": effect, "api": api }] }).to_string()
}

fn member(name: &str, document: &str) -> String {
    json!({ name: document }).to_string()
}

#[tokio::test]
async fn every_row_about_users_permissions_and_roles() {
    let sam = Sam::new().await;
    let root = sam.root().await;
    let mut tour = Tour { sam: &sam, seen: String::new() };
    let users = "/operators/OP/users";
    for (method, path, sent) in [
        ("POST", "/operators/OP/users/carol?", r#"{"description":"made here"}"#),
        ("POST", "/operators/OP/users/carol", "{}"),
        ("POST", "/operators/OP/users/default_permissions", "{}"),
        ("GET", "/operators/OP/users/carol", ""),
        ("PUT", "/operators/OP/users/carol", r#"{"description":"changed"}"#),
        ("PUT", "/operators/OP/users/ghost", "{}"),
        ("GET", "/operators/OP/users/ghost", ""),
        ("GET", "/operators/OP/users/carol/password", ""),
        ("GET", "/operators/OP/users/ghost/password", ""),
        ("DELETE", "/operators/OP/users/carol/password", ""),
        ("PUT", "/operators/OP/users/carol/password", r#"{"currentPassword":"a","newPassword":"battery staple 1"}"#),
        ("POST", "/operators/OP/users/carol/password", r#"{"password":"short"}"#),
        ("POST", "/operators/OP/users/carol/password", "{}"),
        ("POST", "/operators/OP/users/carol/password", r#"{"password":"correct horse 1"}"#),
        ("POST", "/operators/OP/users/carol/password", r#"{"password":"correct horse 1"}"#),
        ("GET", "/operators/OP/users/carol/password", ""),
        ("PUT", "/operators/OP/users/carol/password", r#"{"currentPassword":"wrong","newPassword":"battery staple 1"}"#),
        ("PUT", "/operators/OP/users/carol/password", r#"{"newPassword":"battery staple 1"}"#),
        ("PUT", "/operators/OP/users/ghost/password", r#"{"currentPassword":"wrong","newPassword":"battery staple 1"}"#),
        ("PUT", "/operators/OP/users/carol/password", r#"{"currentPassword":"correct horse 1","newPassword":"battery staple 1"}"#),
        ("GET", "/operators/OP/users/carol/permission", ""),
        ("DELETE", "/operators/OP/users/carol/permission", ""),
        ("PUT", "/operators/OP/users/carol/permission", r#"{"permission":"{\"statements\":[]}","description":"nothing"}"#),
        ("PUT", "/operators/OP/users/carol/permission", r#"{"permission":"{\"statements\":[{\"effect\":\"perhaps\",\"api\":\"*\"}]}"}"#),
        ("PUT", "/operators/OP/users/carol/permission", r#"{"permission":{"statements":[]}}"#),
        ("PUT", "/operators/OP/users/carol/permission", r#"{"permissions":"{\"statements\":[]}"}"#),
        ("PUT", "/operators/OP/users/ghost/permission", r#"{"permission":"{\"statements\":[]}"}"#),
        ("GET", "/operators/OP/users/carol/permission", ""),
        ("DELETE", "/operators/OP/users/carol/permission", ""),
        ("DELETE", "/operators/OP/users/ghost/permission", ""),
        ("GET", "/operators/OP/users/carol/trust_policy", ""),
        ("DELETE", "/operators/OP/users/carol/trust_policy", ""),
        (
            "PUT",
            "/operators/OP/users/carol/trust_policy",
            r#"{"trustPolicy":"{\"statements\":[{\"effect\":\"allow\",\"principal\":{\"soracom\":[\"srn:soracom:OP::User:bob\"]}}]}"}"#,
        ),
        (
            "PUT",
            "/operators/OP/users/carol/trust_policy",
            r#"{"trustPolicy":"{\"statements\":[{\"effect\":\"allow\",\"principal\":{\"soracom\":[\"srn:soracom:OP::User:ghost\"]}}]}"}"#,
        ),
        ("GET", "/operators/OP/users/carol/trust_policy", ""),
        ("DELETE", "/operators/OP/users/carol/trust_policy", ""),
        ("DELETE", "/operators/OP/users/ghost/trust_policy", ""),
        ("GET", "/operators/OP/users/default_permissions", ""),
        ("DELETE", "/operators/OP/users/default_permissions", ""),
        ("PUT", "/operators/OP/users/default_permissions", r#"{"permission":"{\"statements\":[]}"}"#),
        ("PUT", "/operators/OP/users/default_permissions", r#"{"permissions":"{\"statements\":[]}"}"#),
        ("GET", "/operators/OP/users/default_permissions", ""),
        ("DELETE", "/operators/OP/users/default_permissions", ""),
        ("GET", "/operators/OP/roles", ""),
        ("POST", "/operators/OP/roles/readers", r#"{"permission":"{\"statements\":[]}","description":"reads"}"#),
        ("POST", "/operators/OP/roles/readers", r#"{"permission":"{\"statements\":[]}"}"#),
        ("POST", "/operators/OP/roles/more", "{}"),
        ("POST", "/operators/OP/roles/srn:soracom:::Role:more", r#"{"permission":"{\"statements\":[]}"}"#),
        ("GET", "/operators/OP/roles?owner=all", ""),
        ("GET", "/operators/OP/roles?owner=soracom", ""),
        ("GET", "/operators/OP/roles?owner=somebody", ""),
        ("GET", "/operators/OP/roles/readers", ""),
        ("GET", "/operators/OP/roles/ghosts", ""),
        ("GET", "/operators/OP/roles/srn:soracom:::Role:SIMReadOnly", ""),
        ("GET", "/operators/OP/roles/srn%3Asoracom%3A%3A%3ARole%3ASIMReadOnly/versions", ""),
        ("PUT", "/operators/OP/roles/readers", r#"{"permission":"{\"statements\":[{\"effect\":\"allow\",\"api\":\"Role:list*\"}]}"}"#),
        ("PUT", "/operators/OP/roles/ghosts", r#"{"permission":"{\"statements\":[]}"}"#),
        ("GET", "/operators/OP/roles/readers/versions", ""),
        ("GET", "/operators/OP/roles/ghosts/versions", ""),
        ("POST", "/operators/OP/users/carol/roles", r#"{"roleId":"readers"}"#),
        ("POST", "/operators/OP/users/carol/roles", r#"{"roleId":"readers"}"#),
        ("POST", "/operators/OP/users/carol/roles", r#"{"roleId":"ghosts"}"#),
        ("POST", "/operators/OP/users/carol/roles", r#"{"roleId":"srn:soracom:::Role:SIMReadOnly"}"#),
        ("POST", "/operators/OP/users/carol/roles", "{}"),
        ("POST", "/operators/OP/users/ghost/roles", r#"{"roleId":"readers"}"#),
        ("GET", "/operators/OP/users/carol/roles", ""),
        ("GET", "/operators/OP/users/ghost/roles", ""),
        ("GET", "/operators/OP/roles/readers/users", ""),
        ("GET", "/operators/OP/roles/ghosts/users", ""),
        ("DELETE", "/operators/OP/roles/readers", ""),
        ("POST", "/operators/OP/users/carol/auth_keys?", ""),
        ("GET", "/operators/OP/users/carol", ""),
    ] {
        tour.ask(&root, method, path, sent).await;
    }
    let keys = tour.ask(&root, "GET", "/operators/OP/users/carol/auth_keys", "").await;
    let key = format!("{users}/carol/auth_keys/{}", keys[0]["authKeyId"].as_str().unwrap());
    for (method, path) in [
        ("GET", key.as_str()),
        ("DELETE", &key),
        ("DELETE", &key),
        ("GET", &key),
        ("GET", "/operators/OP/users/ghost/auth_keys"),
        ("POST", "/operators/OP/users/ghost/auth_keys"),
        ("DELETE", "/operators/OP/users/carol/roles/readers"),
        ("DELETE", "/operators/OP/users/carol/roles/readers"),
        ("DELETE", "/operators/OP/users/carol/roles/srn:soracom:::Role:SIMReadOnly"),
        ("DELETE", "/operators/OP/roles/readers"),
        ("DELETE", "/operators/OP/roles/readers"),
        ("DELETE", "/operators/OP/users/carol/password"),
        ("DELETE", "/operators/OP/users/carol"),
        ("DELETE", "/operators/OP/users/carol"),
        ("GET", users),
    ] {
        tour.ask(&root, method, path, "").await;
    }
    insta::assert_snapshot!(tour.seen);
}

#[tokio::test]
async fn a_permission_acts_at_the_next_sign_in_and_a_refusal_names_user_and_api() {
    let sam = Sam::new().await;
    let (root, bob) = (sam.root().await, sam.pair("bob").await);
    let permission = "/operators/OP/users/bob/permission";
    let refused = sam.send(Some(&bob), "GET", "/operators/OP/roles", "").await;
    assert_eq!(code(&refused), "403 AUM0017");
    let said = body(&refused)["message"].as_str().unwrap().to_owned();
    assert_eq!(said, "user bob has no permission for Role:listRoles; after a change of permissions sign in again");
    assert_eq!(sam.send(Some(&root), "PUT", permission, member("permission", &document("allow", "Role:*"))).await.status, 200);
    assert_eq!(code(&sam.send(Some(&bob), "GET", "/operators/OP/roles", "").await), "403 AUM0017", "not for the session that is there");
    let again = sam.pair("bob").await;
    assert_eq!(sam.send(Some(&again), "GET", "/operators/OP/roles", "").await.status, 200);
    // The same for default permissions, and a Deny wins over whatever allows.
    let defaults = "/operators/OP/users/default_permissions";
    assert_eq!(sam.send(Some(&root), "PUT", defaults, member("permissions", &document("deny", "Role:listRoles"))).await.status, 202);
    assert_eq!(sam.send(Some(&again), "GET", "/operators/OP/roles", "").await.status, 200);
    let third = sam.pair("bob").await;
    assert_eq!(code(&sam.send(Some(&third), "GET", "/operators/OP/roles", "").await), "403 AUM0017");
    // Logout needs no permission, and whoever is deleted is gone at once.
    assert_eq!(sam.send(Some(&third), "POST", "/auth/logout", "").await.status, 204);
    assert_eq!(sam.send(Some(&root), "DELETE", "/operators/OP/users/bob", "").await.status, 204);
    assert!(code(&sam.send(Some(&again), "GET", "/operators/OP/roles", "").await).starts_with("401 TGT02"));
}

#[tokio::test]
async fn passwords_are_changed_by_the_current_one() {
    let sam = Sam::new().await;
    let (alice, bob) = (sam.pair("alice").await, sam.pair("bob").await);
    let change = |old: &str, new: &str| json!({ "currentPassword": old, "newPassword": new }).to_string();
    let path = |user: &str| format!("/operators/OP/users/{user}/password");
    // One's own, by the preference of the account; nobody else's.
    assert_eq!(code(&sam.send(Some(&bob), "PUT", &path("alice"), change(RIGHT, "battery staple 1")).await), "403 AUM0017");
    assert_eq!(code(&sam.send(Some(&bob), "PUT", &path("bob"), change("wrong", "battery staple 1")).await), "400 TGT0405");
    assert_eq!(code(&sam.send(Some(&bob), "PUT", &path("bob"), change(RIGHT, "x")).await), "400 AUM0010");
    assert_eq!(sam.send(Some(&bob), "PUT", &path("bob"), change(RIGHT, "battery staple 1")).await.status, 200);
    assert_eq!(code(&sam.send(Some(&bob), "GET", "/operators/OP", "").await), "401 TGT0203", "it ends the sessions that it began");
    // Somebody else's, where that is allowed.
    assert_eq!(sam.send(Some(&alice), "PUT", &path("BOB"), change("battery staple 1", RIGHT)).await.status, 200);
    sam.pair("bob").await;
    assert_eq!(code(&sam.send(Some(&alice), "PUT", &path("root"), change("x", RIGHT)).await), "404 TGT0401");
    for _ in 0..10 {
        let answer = sam.send(Some(&alice), "PUT", &path("bob"), change("wrong", "battery staple 1")).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    assert_eq!(code(&sam.send(Some(&alice), "PUT", &path("bob"), change(RIGHT, "battery staple 1")).await), "400 TGT0103");
}

#[tokio::test]
async fn the_log_tells_who_called_what_from_where_and_with_which_end() {
    let sam = Sam::new().await;
    let root = sam.root().await;
    let bob = sam.pair("bob").await;
    sam.send(Some(&bob), "POST", "/operators/OP/users/x", "{}").await;
    sam.world.test.clock.advance(Duration::from_secs(1));
    sam.send(Some(&root), "POST", "/operators/OP/users/x?", "{}").await;
    sam.send(Some(&root), "DELETE", "/operators/OP/users/ghost", "").await;
    sam.send(Some(&root), "DELETE", "/operators/OP/users/x", "").await;
    sam.send(Some(&bob), "POST", "/auth/logout", "").await;
    // A right password without the code that is due.
    let made = sam.send(Some(&root), "POST", "/operators/OP/users/bob/mfa", "").await;
    let uri = body(&made)["totpUri"].as_str().unwrap().to_owned();
    let seed = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let shown = tegata_core::testing::one_time_code(&seed, sam.world.test.now(), 0).unwrap();
    sam.send(Some(&root), "POST", "/operators/OP/users/bob/mfa/verify", json!({ "mfaOTPCode": shown }).to_string()).await;
    assert_eq!(code(&sam.send(None, "POST", "/auth", sam.login("bob", &json!({}))).await), "401 AUM0063");
    assert_eq!(code(&sam.send(None, "POST", "/auth", sam.login("bob", &json!({ "mfaOTPCode": "000000" }))).await), "401 TGT0102");
    let mut seen = String::new();
    let (mut after, mut pages) = (String::new(), 0);
    loop {
        let path = format!("/audit_logs/api?limit=4&last_evaluated_key={after}");
        let answer = sam.send(Some(&root), "GET", &path, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        for event in body(&answer).as_array().unwrap() {
            writeln!(seen, "{event}").unwrap();
        }
        pages += 1;
        answer.header("x-soracom-next-key").clone_into(&mut after);
        if after.is_empty() || pages > 20 {
            break;
        }
    }
    assert!((3..20).contains(&pages), "{pages}");
    insta::assert_snapshot!(seen.replace(&sam.operator, "OP"));
    let of_kind = body(&sam.send(Some(&root), "GET", "/audit_logs/api?api_kind=/v1/auth/logout", "").await);
    assert_eq!((of_kind.as_array().unwrap().len(), of_kind[0]["statusCode"].as_i64()), (1, Some(204)), "{of_kind}");
    let until = sam.world.test.now().unix() * 1000 - 1000;
    let early = body(&sam.send(Some(&root), "GET", &format!("/audit_logs/api?to_epoch_ms={until}"), "").await);
    assert!(early.as_array().unwrap().iter().all(|event| event["requestedTimeEpochMs"].as_i64().unwrap() <= until), "{early}");
    assert!(!early.as_array().unwrap().is_empty());
    for bad in ["limit=0", "limit=1001", "limit=x", "from_epoch_ms=x", "last_evaluated_key=%25"] {
        assert_eq!(sam.send(Some(&root), "GET", &format!("/audit_logs/api?{bad}"), "").await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn switching_goes_by_trust_and_is_told_on_both_sides() {
    let sam = Sam::new().await;
    let root = sam.root().await;
    let to = |user: &str| json!({ "operatorId": sam.operator, "userName": user }).to_string();
    let alice = sam.pair("alice").await;
    let absent = sam.send(Some(&alice), "POST", "/auth/switch_user", to("ghost")).await;
    let untrusting = sam.send(Some(&alice), "POST", "/auth/switch_user", to("dan")).await;
    assert_eq!((code(&absent), absent.text()), ("400 TGT0301".to_owned(), untrusting.text()));
    let srn = format!("srn:soracom:{}::User:alice", sam.operator);
    let trust = json!({ "statements": [{ "effect": "allow", "principal": { "soracom": [srn] } }] }).to_string();
    assert_eq!(sam.send(Some(&root), "PUT", "/operators/OP/users/dan/trust_policy", member("trustPolicy", &trust)).await.status, 204);
    let list = member("permission", &document("allow", "User:list*"));
    assert_eq!(sam.send(Some(&root), "PUT", "/operators/OP/users/dan/permission", list).await.status, 200);
    let answer = sam.send(Some(&alice), "POST", "/auth/switch_user?", to("dan")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let dan = body(&answer);
    assert_eq!(dan["userName"], "dan");
    assert_eq!(sam.send(Some(&dan), "GET", "/operators/OP/users", "").await.status, 200);
    assert_eq!(code(&sam.send(Some(&dan), "POST", "/operators/OP/users/x", "{}").await), "403 AUM0017", "dan's rights, not alice's");
    assert_eq!(sam.send(Some(&dan), "POST", "/auth/logout", "").await.status, 204);
    let log = body(&sam.send(Some(&root), "GET", "/audit_logs/api", "").await);
    let told = |kind: &str| -> Vec<(String, i64)> {
        let of_kind = log.as_array().unwrap().iter().filter(|event| event["apiKind"] == kind);
        of_kind.map(|event| (event["userName"].as_str().unwrap().to_owned(), event["statusCode"].as_i64().unwrap())).collect()
    };
    assert_eq!(told("/v1/auth/switch_user"), [("alice".to_owned(), 200), ("alice".to_owned(), 400), ("alice".to_owned(), 400)]);
    assert_eq!(told("/v1/operators/{operator_id}/users/{user_name}"), [("dan".to_owned(), 403)]);
    assert_eq!(told("/v1/auth/logout"), [("dan".to_owned(), 204)]);
}
