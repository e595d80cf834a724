//! Whole replies of the RPC-style API.

use axum::body::Body;
use http::Request;
use tegata_sign::form;

use super::world::{ALICE_ONLY, Answer, World, assume_role, pairs, who_am_i};

/// The reply with the three secrets replaced.
fn without_credentials(answer: &Answer) -> String {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    ["AccessKeyId", "AccessKeySecret", "SecurityToken"].into_iter().fold(answer.whole(), |text, name| {
        match json["Credentials"][name].as_str() {
            Some(value) => text.replace(value, name),
            None => text,
        }
    })
}

#[tokio::test]
async fn assume_role_in_both_signatures() {
    let world = World::new().await;
    let key = world.key("appserver");
    let rpc = world.issuer(world.rpc(&key, assume_role("alice"))).await;
    insta::assert_snapshot!("assume_role_json", without_credentials(&rpc));
    let mut parameters = assume_role("alice");
    parameters.extend(pairs([("SourceIdentity", "Alice"), ("DurationSeconds", "900"), ("Policy", ALICE_ONLY), ("Unknown", "x")]));
    let acs3 = world.issuer(world.acs3(&key, "AssumeRole", &parameters)).await;
    insta::assert_snapshot!("assume_role_acs3", without_credentials(&acs3));
}

#[tokio::test]
async fn who_everybody_is() {
    let world = World::new().await;
    let mut seen = String::new();
    for (who, key) in [("root", world.key("root")), ("dan", world.key("dan")), ("session", world.uploader(None).await)] {
        let answer = world.issuer(world.rpc(&key, who_am_i())).await;
        seen = format!("{seen}--- {who}\n{}", answer.whole());
    }
    let mut xml = who_am_i();
    xml.extend(pairs([("Format", "xml")]));
    seen = format!("{seen}--- xml\n{}", world.issuer(world.rpc(&world.key("dan"), xml)).await.whole());
    insta::assert_snapshot!("get_caller_identity", seen);
}

#[tokio::test]
async fn refusals_in_full() {
    let world = World::new().await;
    let dan = world.issuer(world.rpc(&world.key("dan"), assume_role("x1"))).await;
    insta::assert_snapshot!("assume_role_denied_json", dan.whole());
    let mut parameters = assume_role("x1");
    for (name, value) in &mut parameters {
        if name == "Format" {
            *value = "XML".to_owned();
        }
    }
    let root = world.issuer(world.rpc(&world.key("root"), parameters)).await;
    insta::assert_snapshot!("assume_role_denied_xml", root.whole());
    let mut wrong = world.key("dan");
    wrong.secret = tegata_model::SecretKey::new("wrong".to_owned());
    insta::assert_snapshot!("mismatch_rpc", world.issuer(world.rpc(&wrong, who_am_i())).await.whole());
    insta::assert_snapshot!("mismatch_acs3", world.issuer(world.acs3(&wrong, "GetCallerIdentity", &Vec::new())).await.whole());
}

#[tokio::test]
async fn every_parameter_of_assume_role_is_named_when_it_is_wrong() {
    let world = World::new().await;
    let key = world.key("appserver");
    let long = format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"{}","Resource":"*"}}]}}"#, "a".repeat(2100));
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    let mut seen = String::new();
    for (name, value) in [
        ("RoleArn", ""),
        ("RoleArn", "acs:ram::1000000000000001:user/bob"),
        ("RoleArn", "acs:ram::1000000000000001:role/nobody"),
        ("RoleArn", "acs:ram::1000000000000002:role/nobody"),
        ("RoleArn", "acs:ram::9000000000000009:role/nobody"),
        ("RoleSessionName", ""),
        ("RoleSessionName", "a"),
        ("RoleSessionName", "a b"),
        ("DurationSeconds", ""),
        ("DurationSeconds", "-1"),
        ("DurationSeconds", "+900"),
        ("DurationSeconds", "899"),
        ("DurationSeconds", "3601"),
        ("DurationSeconds", "99999999999999999999"),
        ("Policy", ""),
        ("Policy", "{}"),
        ("Policy", "{"),
        ("Policy", &long),
        ("Policy", deep.get(..2000).unwrap()),
        ("ExternalId", "x"),
        ("SourceIdentity", "a b"),
        ("Format", "yaml"),
        ("Version", "2016-01-01"),
        ("Version", ""),
        ("Action", "DropTables"),
        ("Action", ""),
        ("Action", "AssumeRoleWithOIDC"),
        ("Action", "GenerateSessionAccessKey"),
    ] {
        let mut parameters = assume_role("alice");
        parameters.retain(|(known, _)| known != name);
        parameters.push((name.to_owned(), value.to_owned()));
        let answer = world.issuer(world.rpc(&key, parameters)).await;
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let shown: String = value.chars().take(40).collect();
        seen = format!(
            "{seen}{name}={shown}\n    {} {}\n",
            answer.brief(),
            json["Message"].as_str().unwrap().replace(answer.header("x-acs-request-id"), "ID")
        );
    }
    insta::assert_snapshot!("assume_role_parameters", seen);
}

#[tokio::test]
async fn requests_that_are_no_calls() {
    let world = World::new().await;
    let mut seen = String::new();
    for (method, target) in [
        ("GET", "/"),
        ("POST", "/"),
        ("PUT", "/"),
        ("GET", "/nothing/here"),
        ("GET", "/?Action=GetCallerIdentity&Version=2015-04-01"),
        ("GET", "/?Action=GetCallerIdentity&Version=2015-04-01&AccessKeyId=LTAITESTdan"),
        ("GET", "/?Action=AssumeRoleWithOIDC&Version=2015-04-01"),
        ("GET", "/?Action=ListUsers&Version=2015-05-01"),
        ("GET", "/?Action=CreateUnicorn&Version=2015-05-01"),
        ("GET", "/?Action=ListPasskeys&Version=2019-08-15&Format=XML"),
        ("GET", "/?Action=a&Action=b"),
        ("GET", "/?Action=%zz"),
        ("GET", "/?BearerToken=x&Action=GetCallerIdentity&Version=2015-04-01"),
        ("GET", "/errors?code=NoPermission&request_id=0123-AB"),
        ("GET", "/errors?code=%3Cscript%3E&request_id=%24(rm)"),
    ] {
        let answer = world.issuer(Request::builder().method(method).uri(target).body(Body::empty()).unwrap()).await;
        seen = format!("{seen}--- {method} {target}\n{}\n", answer.whole());
    }
    insta::assert_snapshot!("no_calls", seen);
}

#[tokio::test]
async fn large_requests_are_refused_and_not_read() {
    let world = World::new().await;
    let get = Request::get(format!("/?Action={}", "a".repeat(4096))).body(Body::empty()).unwrap();
    let body = form::encode(&pairs([("Action", &"a".repeat(11 * 1024 * 1024))]));
    let post = Request::post("/").header("content-type", "application/x-www-form-urlencoded").body(Body::from(body)).unwrap();
    assert_eq!(world.issuer(get).await.brief(), "400 InvalidParameter");
    assert_eq!(world.issuer(post).await.brief(), "413 InvalidParameter");
    let many = form::encode(&(0..1100).map(|n| (format!("P{n}"), String::new())).collect::<Vec<_>>());
    let post = Request::post("/").header("content-type", "application/x-www-form-urlencoded").body(Body::from(many)).unwrap();
    assert_eq!(world.issuer(post).await.brief(), "400 InvalidParameter");
}
