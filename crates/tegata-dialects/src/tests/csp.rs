//! The token endpoints of organizations, as every known client speaks to them.

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use serde_json::{Value, json};
use tegata_core::testing::{BENCH, api_token_of};

use super::world::{Answer, World};

const API: &str = "/csp/gateway/am/api";
const FORM: &str = "application/x-www-form-urlencoded";

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()))
}

async fn post(world: &World, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.issuer(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn form(world: &World, path: &str, body: &str) -> Answer {
    post(world, path, &[("content-type", FORM)], body).await
}

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.issuer(request.body(Body::empty()).unwrap()).await
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// Status and `error`, after a look at what every refusal has.
fn refused(answer: &Answer) -> (u16, String) {
    let body = json_of(answer);
    assert_eq!(answer.header("content-type"), "application/json", "{body}");
    assert_eq!(body["statusCode"], answer.status.as_u16(), "{body}");
    assert!(body["moduleCode"].is_u64() && body["cspErrorCode"].is_string() && body["errorCode"].is_string(), "{body}");
    assert!(body["requestId"].is_string() && body["traceId"].is_string() && body["error_description"].is_string(), "{body}");
    let error = body["error"].as_str().unwrap().to_owned();
    assert!(body["message"].as_str().unwrap().starts_with(&format!("{error}: ")), "{body}");
    (answer.status.as_u16(), error)
}

#[tokio::test]
async fn an_api_token_is_taken_in_every_spelling() {
    let world = World::new().await;
    let token = api_token_of("bob");
    let path = format!("{API}/auth/api-tokens/authorize");
    for (path, headers, body) in [
        (path.clone(), vec![("content-type", FORM)], format!("refresh_token={token}")),
        (path.clone(), vec![("content-type", FORM)], format!("api_token={token}")),
        (path.clone(), vec![("content-type", FORM)], format!("grant_type=api_token&refresh_token={token}")),
        (path.clone(), vec![("content-type", FORM)], format!("grant_type=api_token&api_token={token}")),
        (
            path.clone(),
            vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
            format!("grant_type=refresh_token&refresh_token={token}"),
        ),
        (path.clone(), vec![("content-type", FORM)], format!("api_token={token}&refresh_token={token}")),
        (format!("{path}?api_token={token}"), vec![], String::new()),
        (format!("{path}?grant_type=refresh_token&refresh_token={token}"), vec![], String::new()),
        (format!("/{path}"), vec![], format!("refresh_token={token}")),
        (path.clone(), vec![("content-type", "application/json")], json!({ "refresh_token": token }).to_string()),
    ] {
        let answer = post(&world, &path, &headers, &body).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
        let told = json_of(&answer);
        assert_eq!(told["refresh_token"], token.as_str());
        assert_eq!((&told["token_type"], &told["expires_in"], &told["scope"]), (&json!("bearer"), &json!(1800), &json!("")));
        assert!(told["id_token"].is_null() && told.get("error").is_none());
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    for body in ["refresh_token=unknown", &format!("api_token={}", "A".repeat(64))] {
        let answer = form(&world, &path, body).await;
        assert_eq!(refused(&answer), (400, "invalid_grant".to_owned()));
        assert!(json_of(&answer)["message"].as_str().unwrap().contains("invalid_grant: Invalid refresh token"));
        assert_eq!(json_of(&answer)["moduleCode"], 340);
    }
    for body in [
        String::new(),
        "refresh_token=".to_owned(),
        format!("refresh_token={token}&refresh_token=x"),
        format!("refresh_token={token}&api_token=x"),
    ] {
        assert_eq!(refused(&form(&world, &path, &body).await), (400, "invalid_request".to_owned()), "{body}");
    }
    let two = post(&world, &format!("{path}?refresh_token=other"), &[("content-type", FORM)], &format!("refresh_token={token}")).await;
    assert_eq!(refused(&two), (400, "invalid_request".to_owned()));
    let narrowed = form(&world, &path, &format!("refresh_token={token}&scope=csp:org_owner")).await;
    assert_eq!(refused(&narrowed), (400, "invalid_scope".to_owned()));
    let shorter = form(&world, &path, &format!("refresh_token={token}&accessTokenValiditySeconds=60")).await;
    assert_eq!(json_of(&shorter)["expires_in"], 60);
    let longer = form(&world, &path, &format!("refresh_token={token}&accessTokenValiditySeconds=99999")).await;
    assert_eq!(json_of(&longer)["expires_in"], 1800);
    for wrong in ["0", "-1", "x", "1.5"] {
        let answer = form(&world, &path, &format!("refresh_token={token}&accessTokenValiditySeconds={wrong}")).await;
        assert_eq!(refused(&answer), (400, "invalid_request".to_owned()), "{wrong}");
    }
    // The partner console's spelling.
    let answer = post(
        &world,
        "/cphub/api/auth/v1/authn/accesstoken",
        &[("content-type", "application/json")],
        &json!({ "refreshToken": token }).to_string(),
    )
    .await;
    assert_eq!((answer.status.as_u16(), json_of(&answer)["accessToken"].is_string()), (201, true));
    assert_eq!(json_of(&answer)["refreshToken"], token.as_str());
    let details = post(
        &world,
        &format!("{API}/auth/api-tokens/details"),
        &[("content-type", "application/json")],
        &json!({ "tokenValue": token }).to_string(),
    )
    .await;
    let details = json_of(&details);
    assert_eq!((&details["username"], &details["acct"], &details["deactivated"]), (&json!("bob"), &json!("bob@acme"), &json!(false)));
    let none =
        post(&world, &format!("{API}/auth/api-tokens/details"), &[("content-type", "application/json")], r#"{"tokenValue":"x"}"#).await;
    assert_eq!(refused(&none), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn no_other_grant_is_offered() {
    let world = World::new().await;
    for endpoint in ["authorize", "token"] {
        let path = format!("{API}/auth/{endpoint}");
        for grant in [
            "password",
            "impersonate_user",
            "client_delegate",
            "context_switch",
            "client_exchange",
            "audience_exchange",
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "x",
        ] {
            let headers = [("content-type", FORM), ("authorization", &basic(BENCH.0, BENCH.1))];
            let answer = post(&world, &path, &headers, &format!("grant_type={grant}&username=alice&password=x")).await;
            assert_eq!(refused(&answer), (400, "unsupported_grant_type".to_owned()), "{grant}");
        }
        assert_eq!(refused(&form(&world, &path, "").await), (400, "invalid_request".to_owned()));
        assert_eq!(
            refused(&form(&world, &path, "grant_type=client_credentials&grant_type=password").await),
            (400, "invalid_request".to_owned())
        );
        let anonymous = form(&world, &path, "grant_type=client_credentials").await;
        assert_eq!(refused(&anonymous), (401, "invalid_client".to_owned()));
        assert!(anonymous.header("www-authenticate").starts_with("Basic "));
        for wrong in
            [basic("nobody", "x"), basic(BENCH.0, "wrong"), basic(BENCH.0, ""), "Basic ?".to_owned(), "Bearer x".to_owned(), basic("", "x")]
        {
            let headers = [("content-type", FORM), ("authorization", wrong.as_str())];
            let answer = post(&world, &path, &headers, "grant_type=client_credentials").await;
            assert_eq!(refused(&answer), (401, "invalid_client".to_owned()), "{wrong}");
            world.test.clock.advance(std::time::Duration::from_hours(1));
        }
        // An application of people is no app of an organization.
        let headers = [("content-type", FORM), ("authorization", &basic(BENCH.0, BENCH.1))];
        let answer = post(&world, &path, &headers, "grant_type=client_credentials").await;
        assert_eq!(refused(&answer), (400, "unauthorized_client".to_owned()));
    }
    assert_eq!(refused(&get(&world, &format!("{API}/auth/token"), &[]).await), (405, "method_not_allowed".to_owned()));
    assert_eq!(refused(&get(&world, "/csp/gateway/none", &[]).await), (404, "not_found".to_owned()));
    assert_eq!(refused(&get(&world, "//csp//gateway/none", &[]).await), (404, "not_found".to_owned()));
    assert_eq!(get(&world, "//elsewhere", &[]).await.status, 404);
}

#[tokio::test]
async fn keys_are_told_in_every_form() {
    let world = World::new().await;
    let (pem, set, keys) = (
        json_of(&get(&world, &format!("{API}/auth/token-public-key"), &[]).await),
        json_of(&get(&world, &format!("{API}/auth/token-public-key?format=jwks"), &[]).await),
        json_of(&get(&world, &format!("{API}/auth/keys"), &[]).await),
    );
    assert_eq!(pem, set);
    assert_eq!((&pem["alg"], &pem["keys"]), (&json!("SHA256withRSA"), &keys["keys"]));
    assert!(
        pem["value"].as_str().unwrap().starts_with("-----BEGIN PUBLIC KEY-----")
            && pem["issuer"].as_str().is_some_and(|issuer| !issuer.is_empty())
    );
    assert_eq!(refused(&get(&world, &format!("{API}/auth/token-public-key?format=x"), &[]).await), (400, "invalid_request".to_owned()));
    let metadata = json_of(&get(&world, &format!("{API}/.well-known/openid-configuration"), &[]).await);
    assert_eq!(metadata["issuer"], pem["issuer"]);
    // No key of another kind is there, and these are nowhere else.
    let others = json_of(&get(&world, "/oauth/keys", &[]).await);
    let kid = &keys["keys"][0]["kid"];
    assert!(others["keys"].as_array().unwrap().iter().all(|key| key["kid"] != *kid));
    assert_eq!((&keys["keys"][0]["alg"], keys["keys"].as_array().unwrap().len()), (&json!("RS256"), 1));
}

#[tokio::test]
async fn tokens_are_introspected_and_taken_back_by_their_client_only() {
    let world = World::new().await;
    let token = api_token_of("bob");
    let issued = json_of(&form(&world, &format!("{API}/auth/api-tokens/authorize"), &format!("api_token={token}")).await);
    let access = issued["access_token"].as_str().unwrap();
    let (introspect, revoke) = (format!("{API}/auth/introspect"), format!("{API}/auth/revoke"));
    for (header, said) in [(None, "missing"), (Some("x"), "Basic"), (Some("Basic ?"), "invalid")] {
        let mut headers = vec![("content-type", FORM)];
        headers.extend(header.map(|header| ("authorization", header)));
        let answer = post(&world, &introspect, &headers, &format!("token={access}")).await;
        assert_eq!(refused(&answer), (400, "invalid_client".to_owned()));
        assert!(json_of(&answer)["message"].as_str().unwrap().contains(said), "{}", answer.text());
    }
    let bench = basic(BENCH.0, BENCH.1);
    let headers = [("content-type", FORM), ("authorization", bench.as_str())];
    let told = json_of(&post(&world, &introspect, &headers, &format!("token={access}")).await);
    assert_eq!((&told["active"], &told["username"], &told["token_type"]), (&json!(true), &json!("bob"), &json!("bearer")));
    let told = json_of(&post(&world, &introspect, &headers, &format!("token={token}")).await);
    assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("refresh_token")));
    assert_eq!(json_of(&post(&world, &introspect, &headers, "token=x").await), json!({ "active": false }));
    // It is not this client's, so nothing happens to it; the answer is the same.
    assert_eq!(post(&world, &revoke, &headers, &format!("token={access}")).await.status, 200);
    assert_eq!(json_of(&post(&world, &introspect, &headers, &format!("token={access}")).await)["active"], true);
    assert_eq!(refused(&post(&world, &revoke, &headers, "").await), (400, "invalid_request".to_owned()));
}

/// A secret that travels as a code: the answer holds none, the door tells it once, and says so afterwards.
#[tokio::test]
async fn a_wrapped_secret_is_told_once() {
    let world = World::new().await;
    let made = async |action: &str, seconds: &str, more: &[(&str, &str)]| {
        let mut asked = vec![("WrapSeconds".to_owned(), seconds.to_owned()), ("Format".to_owned(), "JSON".to_owned())];
        asked.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        world.issuer(world.acs3_of("2026-11-01", &world.key("root"), action, &asked)).await
    };
    let new = [("DisplayName", "report"), ("OrganizationRoles", "provider_service_manager")];
    for wrong in ["59", "86401", "-1"] {
        let answer = made("CreateOrganizationApp", wrong, &new).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
    }
    let created = made("CreateOrganizationApp", "600", &new).await;
    assert_eq!(created.status, 200, "{}", created.text());
    let created = json_of(&created)["Credentials"].clone();
    let id = created["ClientId"].as_str().unwrap();
    let rotated = made("RotateOrganizationAppSecret", "60", &[("AppId", id)]).await;
    let rotated = json_of(&rotated)["Credentials"].clone();
    for (one, kind) in [(&created, FORM), (&rotated, "application/json")] {
        assert!(one.get("ClientSecret").is_none() && one["WrapExpireDate"].is_string(), "{one}");
        let code = one["WrapCode"].as_str().unwrap();
        let body = if kind == FORM { format!("code={code}") } else { json!({ "code": code }).to_string() };
        // Nothing that follows links opens it, and no other code does.
        assert_eq!(get(&world, &format!("/unwrap?code={code}"), &[]).await.status, 405);
        let stranger = form(&world, "/unwrap", "code=guess").await;
        assert_eq!((stranger.status.as_u16(), json_of(&stranger)["error"].as_str()), (404, Some("unknown_code")));
        let first = post(&world, "/unwrap", &[("content-type", kind)], &body).await;
        assert_eq!((first.status.as_u16(), first.header("cache-control")), (200, "no-store"), "{}", first.text());
        let told = json_of(&first);
        assert_eq!((told["clientId"].as_str(), &told["orgId"], &told["tokenUrl"]), (Some(id), &one["OrgId"], &one["TokenUrl"]));
        assert_eq!(told["clientSecret"].as_str().unwrap().len(), 64);
        let again = post(&world, "/unwrap", &[("content-type", kind)], &body).await;
        let said = json_of(&again);
        assert_eq!((again.status.as_u16(), said["error"].as_str()), (410, Some("already_opened")), "{said}");
        assert!(said["opened_at"].is_string() && said["opened_from"].is_string() && !again.text().contains("clientSecret"), "{said}");
    }
    for (kind, body) in [(FORM, "x=1"), ("application/json", "{}"), ("application/json", "no"), ("text/plain", "code=x")] {
        assert_eq!(post(&world, "/unwrap", &[("content-type", kind)], body).await.status, 400, "{kind} {body}");
    }
}
