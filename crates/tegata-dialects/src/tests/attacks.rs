//! What an attacker would wish nobody tried.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use tegata_sign::form;

use super::world::{By, World, ask, assume_role, who_am_i};

#[tokio::test]
async fn a_signed_url_is_for_one_method_and_one_answer() {
    let world = World::new().await;
    let alice = world.key("alice");
    assert_eq!(world.oss(&alice, By::V4, ask("PUT", "/photos/k").body(b"old")).await.status, 200);
    for (by, ec) in [(By::V1, "0002-00000040"), (By::V4, "0002-00000201")] {
        let mismatch = format!("403 SignatureDoesNotMatch {ec}");
        let url = || world.presigned(&alice, by, ask("GET", "/photos/k"), Duration::from_mins(1));
        assert_eq!(world.gateway(url().request()).await.body, b"old");
        let mut put = url().body(b"new");
        put.method = "PUT";
        assert_eq!(world.gateway(put.request()).await.brief(), mismatch);
        let mut delete = url();
        delete.method = "DELETE";
        assert_eq!(world.gateway(delete.request()).await.brief(), mismatch);
        assert_eq!(world.gateway(url().query("response-content-type", "text/html").request()).await.brief(), mismatch);
        assert_eq!(world.gateway(url().header("x-oss-range-behavior", "standard").request()).await.brief(), mismatch);
        let mut other = url();
        other.path = "/photos/other";
        assert_eq!(world.gateway(other.request()).await.brief(), mismatch);
        assert_eq!(world.gateway(url().request()).await.body, b"old");
        let signed =
            world.presigned(&alice, by, ask("GET", "/photos/k").query("response-content-type", "text/html"), Duration::from_mins(1));
        let answer = world.gateway(signed.request()).await;
        assert_eq!((answer.header("content-type"), answer.header("content-disposition")), ("text/html", "attachment"));
    }
    let injected = ask("GET", "/photos/k").query("response-cache-control", "a\r\nset-cookie: b=c");
    assert_eq!(world.oss(&alice, By::V4, injected).await.brief(), "400 InvalidArgument");
    let anonymous = ask("GET", "/photos/k").query("response-content-type", "text/html");
    assert_eq!(world.gateway(anonymous.request()).await.brief(), "400 InvalidRequest");
}

#[tokio::test]
async fn nothing_stands_twice() {
    let world = World::new().await;
    let alice = world.key("alice");
    for by in [By::V1, By::V4] {
        for (name, value) in [("range", "bytes=0-1"), ("if-match", "*"), ("if-modified-since", "Fri, 02 Jan 2026 03:04:04 GMT")] {
            let twice = ask("GET", "/photos/k").header(name, value).header(name, value);
            assert_eq!(world.oss(&alice, by, twice).await.brief(), "400 InvalidArgument", "{name}");
        }
        let mut request = ask("GET", "/photos/k");
        let address = request.address();
        let unsigned = tegata_sign::oss::Unsigned { method: "GET", address: &address, query: &[], headers: &[] };
        let added = match by {
            By::V1 => tegata_sign::oss_v1::sign(&unsigned, &alice.credential(), world.test.now()).unwrap(),
            _ => tegata_sign::oss_v4::sign(&unsigned, &[], &alice.credential(), "cn-hangzhou", world.test.now()).unwrap(),
        };
        request.headers = added;
        for name in ["authorization", "date", "x-oss-date"] {
            let Some(value) = request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()) else { continue };
            let mut twice = request.request();
            twice.headers_mut().append(http::HeaderName::from_static(name), value.parse().unwrap());
            assert_eq!(world.gateway(twice).await.brief(), "400 InvalidArgument", "{by:?} {name}");
        }
        let mut twice = request.request();
        twice.headers_mut().append("host", "other".parse().unwrap());
        assert_eq!(world.gateway(twice).await.brief(), "400 InvalidArgument", "{by:?} host");
        let url = world.presigned(&alice, by, ask("GET", "/photos/k"), Duration::from_mins(1));
        let repeated = url.query.first().cloned().unwrap();
        let url = url.query(&repeated.0, &repeated.1);
        assert_eq!(world.gateway(url.request()).await.brief(), "400 InvalidArgument", "{by:?} {}", repeated.0);
    }
    let query = world.rpc_query(&alice, who_am_i());
    for (name, value) in &query {
        let in_query = form::encode(&[query.clone(), vec![(name.clone(), value.clone())]].concat());
        let answer = world.issuer(Request::post(format!("/?{in_query}")).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.brief(), "400 InvalidParameter", "{name}");
        assert!(answer.text().contains(&format!("`{name}`")), "{}", answer.text());
        let in_form = Request::post(format!("/?{}", form::encode(&query)))
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(Body::from(form::encode(&[(name.clone(), "x".to_owned())])))
            .unwrap();
        assert_eq!(world.issuer(in_form).await.brief(), "400 InvalidParameter", "{name}");
    }
}

#[tokio::test]
async fn the_operation_stands_where_it_is_signed() {
    let world = World::new().await;
    let key = world.key("appserver");
    let mut rpc = world.rpc(&key, who_am_i());
    rpc.headers_mut().insert("x-acs-action", "AssumeRole".parse().unwrap());
    assert_eq!(world.issuer(rpc).await.outcome.unwrap().operation, "GetCallerIdentity");
    let mut parameters = assume_role("alice");
    parameters.retain(|(name, _)| name != "Version");
    assert_eq!(world.issuer(world.acs3(&key, "GetCallerIdentity", &parameters)).await.outcome.unwrap().operation, "GetCallerIdentity");
    let mut unsigned = world.acs3(&key, "GetCallerIdentity", &Vec::new());
    let stripped = unsigned.headers()["authorization"].to_str().unwrap().replace("x-acs-action;", "");
    unsigned.headers_mut().insert("authorization", stripped.parse().unwrap());
    assert_eq!(world.issuer(unsigned).await.brief(), "400 IncompleteSignature");
    let altered = world.acs3(&key, "AssumeRole", &assume_role("alice")).map(|_| Body::from(form::encode(&assume_role("mallory"))));
    assert_eq!(world.issuer(altered).await.brief(), "400 InvalidParameter.ContentSha256");
}

#[tokio::test]
async fn keys_are_only_characters() {
    let world = World::new().await;
    let alice = world.key("alice");
    for path in [
        "/photos/a/../b",
        "/photos/a/%2e%2e/b",
        "/photos/a//b",
        "/photos/a/./b",
        "/photos/..",
        "/photos/%2e%2e%2f%2e%2e%2fetc",
        "/photos/a%5Cb",
    ] {
        let body = path.as_bytes();
        assert_eq!(world.oss(&alice, By::V4, ask("PUT", path).body(body)).await.brief(), "200 OK", "{path}");
        assert_eq!(world.oss(&alice, By::V1, ask("GET", path)).await.body, body, "{path}");
    }
    // `a/../b` and `a/%2e%2e/b` are one key; each of the others is its own.
    let text = world.oss(&alice, By::V4, ask("GET", "/photos/")).await.text();
    assert_eq!(text.matches("<Key>").count(), 6, "{text}");
    let long = format!("/photos/{}", "k".repeat(1024));
    let just = format!("/photos/{}", "k".repeat(1023));
    for path in ["/photos/a%00b", "/photos/%2Fa", "/photos//a", "/photos/%5Ca", "/photos/a%1Fb", "/photos/%EF%BF%BE", &long] {
        for method in ["PUT", "GET", "HEAD", "DELETE"] {
            assert_eq!(world.oss(&alice, By::V4, ask(method, path)).await.brief(), "400 InvalidObjectName", "{method} {path}");
        }
    }
    for path in ["/photos/%FF", "/photos/%zz", "/photos/%"] {
        let request = ask("GET", path).header("date", &world.test.now().to_http_date()).header("authorization", "OSS LTAITESTalice:AAAA");
        assert_eq!(world.gateway(request.request()).await.brief(), "400 InvalidObjectName", "{path}");
    }
    assert_eq!(world.oss(&alice, By::V4, ask("PUT", &just)).await.brief(), "200 OK");
    for bucket in ["/PHOTOS/k", "/a/k", "/-ab/k", "/../photos", "/a_b", "/%00/k"] {
        assert_eq!(world.oss(&alice, By::V4, ask("GET", bucket)).await.brief(), "400 InvalidBucketName", "{bucket}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let world = World::new().await;
    let alice = world.key("alice");
    let long = format!("/photos/{}", "k".repeat(17 * 1024));
    assert_eq!(world.oss(&alice, By::V4, ask("GET", &long)).await.brief(), "400 InvalidArgument");
    let mut many = ask("GET", "/photos/k");
    for number in 0..130 {
        many = many.header(&format!("x-{number}"), "1");
    }
    assert_eq!(world.oss(&alice, By::V4, many).await.brief(), "400 InvalidArgument");
    let token = ask("GET", "/photos/k").header("x-oss-security-token", &"t".repeat(9000));
    assert_eq!(world.oss(&alice, By::V4, token).await.brief(), "400 InvalidArgument");
    let mut request = ask("GET", "/photos/k").request();
    request.headers_mut().insert("x-oss-meta-a", http::HeaderValue::from_bytes(b"\xff\xfe").unwrap());
    assert_eq!(world.gateway(request).await.brief(), "400 InvalidArgument");
}

#[tokio::test]
async fn strange_requests_never_fail_by_our_fault() {
    let world = World::new().await;
    let alice = world.key("alice");
    for target in [
        "/",
        "//",
        "/photos",
        "/photos/",
        "/photos/k",
        "/?",
        "/?=",
        "/?&&",
        "/?acl&acl",
        "/?%00=%00",
        "/photos?uploads",
        "/%",
        "/\\",
        "/photos/k?x-oss-signature",
    ] {
        for method in ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "X-OWN"] {
            for headers in [
                vec![],
                vec![("authorization", "")],
                vec![("authorization", "OSS :")],
                vec![("host", "a b")],
                vec![("authorization", "OSS4-HMAC-SHA256 ")],
            ] {
                let Ok(request) =
                    headers.iter().fold(Request::builder().method(method).uri(target), |r, (n, v)| r.header(*n, *v)).body(Body::empty())
                else {
                    continue;
                };
                let (parts, _) = request.into_parts();
                for router in [&world.issuer, &world.gateway] {
                    let request = Request::from_parts(parts.clone(), Body::empty());
                    let answer = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
                    assert!(!answer.status().is_server_error(), "{method} {target} {headers:?}");
                }
            }
            let Ok(_) = target.parse::<http::Uri>() else { continue };
            let path = target.split('?').next().unwrap();
            assert!(!world.oss(&alice, By::V4, ask(method, path)).await.status.is_server_error(), "{method} {path}");
        }
    }
}
