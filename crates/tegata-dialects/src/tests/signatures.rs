//! Proofs that are wrong in one way each, and the code that every client of the field expects for it.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use tegata_model::{AccessKeyId, SecretKey};
use tegata_sign::form;

use super::world::{By, TestKey, World, ask, assume_role, pairs, who_am_i};

fn with_token(key: &TestKey, token: Option<&str>) -> TestKey {
    TestKey {
        key_id: key.key_id.clone(),
        secret: SecretKey::new(key.secret.expose().to_owned()),
        token: token.map(|token| SecretKey::new(token.to_owned())),
    }
}

/// The same token with one character changed.
fn tampered(key: &TestKey) -> TestKey {
    let token = key.token.as_ref().unwrap().expose();
    let mut bytes = token.as_bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    with_token(key, Some(std::str::from_utf8(&bytes).unwrap()))
}

fn wrong_secret(key: &TestKey) -> TestKey {
    let token = key.token.as_ref().map(|token| token.expose().to_owned());
    TestKey { secret: SecretKey::new("wrong".to_owned()), ..with_token(key, token.as_deref()) }
}

#[tokio::test]
async fn credentials_that_do_not_fit() {
    let world = World::new().await;
    let (dan, session, other) = (world.key("dan"), world.uploader(None).await, world.uploader(None).await);
    let token = |key: &TestKey| key.token.as_ref().unwrap().expose().to_owned();
    let unknown = TestKey { key_id: AccessKeyId::new("LTAIunknown").unwrap(), ..wrong_secret(&dan) };
    let invented = TestKey { key_id: AccessKeyId::new("STS.invented").unwrap(), ..wrong_secret(&dan) };
    for (what, key, acs, oss) in [
        ("good", with_token(&session, Some(&token(&session))), "200 OK", "404 NoSuchKey 0026-00000001"),
        ("wrong secret", wrong_secret(&dan), "400 SignatureDoesNotMatch", "403 SignatureDoesNotMatch 0002-00000040"),
        ("wrong temporary secret", wrong_secret(&session), "400 SignatureDoesNotMatch", "403 SignatureDoesNotMatch 0002-00000040"),
        ("unknown key", unknown, "404 InvalidAccessKeyId.NotFound", "403 InvalidAccessKeyId 0002-00000902"),
        ("invented temporary key", invented, "404 InvalidAccessKeyId.NotFound", "403 InvalidAccessKeyId 0002-00000002"),
        ("no token", with_token(&session, None), "400 MissingSecurityToken", "403 InvalidAccessKeyId 0002-00000902"),
        ("tampered token", tampered(&session), "400 InvalidSecurityToken.Malformed", "403 InvalidSecurityToken 0002-00000006"),
        (
            "garbage token",
            with_token(&session, Some("garbage")),
            "400 InvalidSecurityToken.Malformed",
            "403 InvalidSecurityToken 0002-00000006",
        ),
        (
            "another session's token",
            with_token(&session, Some(&token(&other))),
            "400 InvalidSecurityToken.MismatchWithAccessKey",
            "403 AccessKeyIdAndSecurityTokenNotMatch 0002-00000004",
        ),
        (
            "a token beside a long-term key",
            with_token(&dan, Some(&token(&other))),
            "400 InvalidSecurityToken.MismatchWithAccessKey",
            "403 AccessKeyIdAndSecurityTokenNotMatch 0002-00000004",
        ),
    ] {
        assert_eq!(world.issuer(world.rpc(&key, who_am_i())).await.brief(), acs, "{what}, RPC");
        assert_eq!(world.issuer(world.acs3(&key, "GetCallerIdentity", &Vec::new())).await.brief(), acs, "{what}, ACS3");
        assert_eq!(world.oss(&key, By::V1, ask("GET", "/photos/none")).await.brief(), oss, "{what}, V1");
        let oss = oss.replace("SignatureDoesNotMatch 0002-00000040", "SignatureDoesNotMatch 0002-00000201");
        assert_eq!(world.oss(&key, By::V4, ask("GET", "/photos/none")).await.brief(), oss, "{what}, V4");
    }
}

#[tokio::test]
async fn clocks_that_are_wrong() {
    let world = World::new().await;
    let alice = world.key("alice");
    let requests = || (world.rpc(&alice, who_am_i()), world.acs3(&alice, "GetCallerIdentity", &Vec::new()));
    let (late_rpc, late_acs3) = requests();
    let url_v1 = world.presigned(&alice, By::V1, ask("GET", "/photos/none"), Duration::from_mins(1));
    let url_v4 = world.presigned(&alice, By::V4, ask("GET", "/photos/none"), Duration::from_mins(1));
    let far = world.presigned(&alice, By::V1, ask("GET", "/photos/none"), Duration::from_hours(9 * 24));
    assert_eq!(world.gateway(url_v1.request()).await.brief(), "404 NoSuchKey 0026-00000001");
    assert_eq!(world.gateway(url_v4.request()).await.brief(), "404 NoSuchKey 0026-00000001");
    assert_eq!(world.gateway(far.request()).await.brief(), "400 InvalidArgument 0002-00000232");
    world.test.clock.advance(Duration::from_secs(901));
    assert_eq!(world.issuer(late_rpc).await.brief(), "400 InvalidTimeStamp.Expired");
    assert_eq!(world.issuer(late_acs3).await.brief(), "400 InvalidTimeStamp.Expired");
    assert_eq!(world.gateway(url_v1.request()).await.brief(), "403 AccessDenied 0002-00000069");
    assert_eq!(world.gateway(url_v4.request()).await.brief(), "403 AccessDenied 0002-00000236");
    let (future_rpc, _) = requests();
    let future_url = world.presigned(&alice, By::V4, ask("GET", "/photos/none"), Duration::from_mins(1));
    world.test.clock.set(world.test.now().minus(Duration::from_secs(1000)));
    assert_eq!(world.issuer(future_rpc).await.brief(), "400 InvalidTimeStamp.Expired");
    assert_eq!(world.gateway(future_url.request()).await.brief(), "403 AccessDenied 0002-00000235");
    let dated = |date: &str| ask("GET", "/photos/none").header("date", date);
    assert_eq!(world.oss(&alice, By::V1, dated("Thu, 01 Jan 2026 00:00:00 GMT")).await.brief(), "403 RequestTimeTooSkewed 0002-00000504");
    assert_eq!(world.oss(&alice, By::V1, dated("yesterday")).await.brief(), "403 AccessDenied 0002-00000505");
    let undated = Request::get("/photos/none").header("host", "localhost").header("authorization", "OSS LTAITESTalice:AAAA");
    assert_eq!(world.gateway(undated.body(Body::empty()).unwrap()).await.brief(), "403 AccessDenied 0002-00000503");
}

#[tokio::test]
async fn a_nonce_works_once_whatever_came_of_it() {
    let world = World::new().await;
    for (user, first) in [("appserver", "200 OK"), ("dan", "403 NoPermission")] {
        let query = form::encode(&world.rpc_query(&world.key(user), assume_role("alice")));
        let request = || Request::post(format!("/?{query}")).body(Body::empty()).unwrap();
        assert_eq!(world.issuer(request()).await.brief(), first);
        assert_eq!(world.issuer(request()).await.brief(), "400 SignatureNonceUsed");
    }
}

#[tokio::test]
async fn a_bad_signature_burns_nobodys_nonce() {
    let world = World::new().await;
    let query = world.rpc_query(&world.key("dan"), who_am_i());
    let forged: Vec<_> =
        query.iter().map(|(name, value)| (name.clone(), if name == "Signature" { "AAAA".to_owned() } else { value.clone() })).collect();
    let request = |query: &[(String, String)]| Request::post(format!("/?{}", form::encode(query))).body(Body::empty()).unwrap();
    assert_eq!(world.issuer(request(&forged)).await.brief(), "400 SignatureDoesNotMatch");
    assert_eq!(world.issuer(request(&query)).await.brief(), "200 OK");
}

#[tokio::test]
async fn a_token_has_one_place() {
    let world = World::new().await;
    let key = world.uploader(None).await;
    let token = key.token.as_ref().unwrap().expose();
    let none = || ask("GET", "/photos/none");
    for (by, name) in [(By::V1, "security-token"), (By::V4, "x-oss-security-token")] {
        let header_and_url = none().query(name, token);
        assert_eq!(world.oss(&key, by, header_and_url).await.brief(), "400 InvalidArgument 0002-00000010", "{by:?}");
        let both = world.presigned(&key, by, none(), Duration::from_mins(1)).header("x-oss-security-token", token);
        assert_eq!(world.gateway(both.request()).await.brief(), "400 InvalidArgument 0002-00000010", "{by:?}");
        let alias = world.presigned(&key, by, none(), Duration::from_mins(1)).header("security-token", token);
        assert_eq!(world.gateway(alias.request()).await.brief(), "400 InvalidArgument 0002-00000010", "{by:?}");
        let mut only_header = world.presigned(&with_token(&key, None), by, none(), Duration::from_mins(1));
        only_header = only_header.header("x-oss-security-token", token);
        assert_eq!(world.gateway(only_header.request()).await.brief(), "400 InvalidRequest 0002-00000005", "{by:?}");
        let only_url = none().query(name, token);
        assert_eq!(world.oss(&with_token(&key, None), by, only_url).await.brief(), "400 InvalidRequest", "{by:?}");
        let url = world.presigned(&key, by, none(), Duration::from_mins(1));
        assert_eq!(world.gateway(url.request()).await.brief(), "404 NoSuchKey 0026-00000001", "{by:?}");
    }
    let alias = none().header("security-token", token);
    assert_eq!(world.oss(&with_token(&key, None), By::V1, alias).await.brief(), "404 NoSuchKey 0026-00000001");
}

#[tokio::test]
async fn malformed_proofs_are_never_anonymous() {
    let world = World::new().await;
    for (value, expected) in [
        ("OSS", "400 InvalidArgument"),
        ("OSS x", "400 InvalidArgument"),
        ("OSS a b:c", "403 InvalidAccessKeyId 0002-00000901"),
        ("OSS2 AccessKeyId:x,Signature:y", "400 InvalidArgument"),
        ("Basic eDp5", "400 InvalidArgument"),
        ("OSS4-HMAC-SHA256 Credential=a", "400 InvalidArgument"),
    ] {
        let request = Request::get("/photos/x")
            .header("host", "localhost")
            .header("date", world.test.now().to_http_date())
            .header("authorization", value);
        assert_eq!(world.gateway(request.body(Body::empty()).unwrap()).await.brief(), expected, "{value}");
    }
    for (value, expected) in [
        ("ACS3-HMAC-SM3 Credential=a", "400 InvalidSignatureMethod"),
        ("ACS3-HMAC-SHA256 x", "400 IncompleteSignature"),
        ("Bearer x", "400 InvalidSignatureMethod"),
    ] {
        let request =
            Request::post("/?Action=GetCallerIdentity&Version=2015-04-01").header("host", "localhost").header("authorization", value);
        assert_eq!(world.issuer(request.body(Body::empty()).unwrap()).await.brief(), expected, "{value}");
    }
    let mut twice = world.presigned(&world.key("alice"), By::V1, ask("GET", "/photos/x"), Duration::from_mins(1));
    twice = twice.header("authorization", "OSS a:b");
    assert_eq!(world.gateway(twice.request()).await.brief(), "400 InvalidArgument 0002-00000039");
}

#[tokio::test]
async fn every_named_parameter_of_a_proof() {
    let world = World::new().await;
    for (name, value, expected) in [
        ("Timestamp", Some("yesterday"), "400 InvalidTimeStamp.Format"),
        ("Timestamp", None, "400 MissingTimestamp"),
        ("SignatureNonce", None, "400 MissingSignatureNonce"),
        ("SignatureMethod", Some("HMAC-MD5"), "400 InvalidSignatureMethod"),
        ("SignatureVersion", Some("2.0"), "400 InvalidParameter.SignatureVersion"),
        ("AccessKeyId", None, "400 MissingAccessKeyId"),
        ("AccessKeyId", Some("a b"), "404 InvalidAccessKeyId.NotFound"),
        ("Signature", None, "400 MissingSignature"),
        ("SignatureType", Some("PRIVATEKEY"), "400 InvalidParameter.SignatureType"),
        ("SignatureType", Some("BEARERTOKEN"), "400 InvalidParameter.SignatureType"),
    ] {
        let mut query = world.rpc_query(&world.key("dan"), who_am_i());
        query.retain(|(known, _)| known != name);
        query.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        let request = Request::post(format!("/?{}", form::encode(&query))).body(Body::empty()).unwrap();
        assert_eq!(world.issuer(request).await.brief(), expected, "{name} {value:?}");
    }
    let mut query = world.rpc_query(&world.key("dan"), who_am_i());
    query.extend(pairs([("Unsigned", "1")]));
    let request = Request::post(format!("/?{}", form::encode(&query))).body(Body::empty()).unwrap();
    assert_eq!(world.issuer(request).await.brief(), "400 SignatureDoesNotMatch");
}
