//! Objects: what is checked, what is kept, what is streamed.

use axum::body::Body;
use bytes::Bytes;
use http::Request;

use super::world::{ALICE_ONLY, By, World, ask};

#[tokio::test]
async fn the_journey_of_a_temporary_key() {
    let world = World::new().await;
    let key = world.uploader(None).await;
    let narrow = world.uploader(Some(ALICE_ONLY)).await;
    for by in [By::V1, By::V4] {
        assert_eq!(world.oss(&narrow, by, ask("PUT", "/photos/alice/1").body(b"one")).await.brief(), "200 OK");
        assert_eq!(world.oss(&narrow, by, ask("GET", "/photos/alice/1")).await.body, b"one");
        assert_eq!(world.oss(&narrow, by, ask("GET", "/photos/").query("prefix", "alice/")).await.brief(), "200 OK");
        assert_eq!(world.oss(&narrow, by, ask("PUT", "/photos/bob/1").body(b"x")).await.brief(), "403 AccessDenied 0003-00000001");
        assert_eq!(world.oss(&narrow, by, ask("GET", "/photos/bob/1")).await.brief(), "403 AccessDenied 0003-00000001");
        // The session may delete, the role may not: a session policy only narrows.
        assert_eq!(world.oss(&narrow, by, ask("DELETE", "/photos/alice/1")).await.brief(), "403 AccessDenied 0003-00000001");
        assert_eq!(world.oss(&key, by, ask("PUT", "/photos/bob/1").body(b"x")).await.brief(), "200 OK");
        assert_eq!(world.oss(&world.key("alice"), by, ask("DELETE", "/photos/alice/1")).await.brief(), "204 OK");
    }
    world.test.clock.advance(std::time::Duration::from_secs(3601));
    assert_eq!(world.oss(&key, By::V4, ask("GET", "/photos/alice/1")).await.brief(), "403 SecurityTokenExpired 0002-00000007");
}

#[tokio::test]
async fn every_way_to_address_an_object() {
    let world = World::new().await;
    let alice = world.key("alice");
    assert_eq!(world.oss(&alice, By::V4, ask("PUT", "/photos/k").body(b"v")).await.status, 200);
    for host in ["photos.oss.tegata.test", "photos.localhost:8421", "pictures.example.com"] {
        for by in [By::V1, By::V4] {
            let signed_as = ask("GET", "/photos/k");
            let address = signed_as.address();
            let unsigned = tegata_sign::oss::Unsigned { method: "GET", address: &address, query: &[], headers: &[] };
            let added = match by {
                By::V1 => tegata_sign::oss_v1::sign(&unsigned, &alice.credential(), world.test.now()).unwrap(),
                _ => tegata_sign::oss_v4::sign(&unsigned, &[], &alice.credential(), "cn-hangzhou", world.test.now()).unwrap(),
            };
            let mut request = Request::get("/k").header("host", host);
            for (name, value) in added {
                request = request.header(name, value);
            }
            assert_eq!(world.gateway(request.body(Body::empty()).unwrap()).await.body, b"v", "{host} {by:?}");
        }
    }
}

#[tokio::test]
async fn what_a_put_checks() {
    let world = World::new().await;
    let alice = world.key("alice");
    let put = || ask("PUT", "/photos/k").body(b"hello world");
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, b"hello world").to_string();
    for (ask, expected) in [
        (put().header("content-md5", "XrY7u+Ae7tCTyyK7j1rNww=="), "200 OK"),
        (put().header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="), "400 InvalidDigest"),
        (put().header("content-md5", "nonsense"), "400 InvalidDigest"),
        (put().header("x-oss-hash-crc64ecma", &crc), "200 OK"),
        (put().header("x-oss-hash-crc64ecma", "1"), "400 InvalidCRC64"),
        (put().header("x-oss-hash-crc64ecma", "-1"), "400 InvalidArgument"),
        (put().header("content-length", "12"), "400 IncompleteBody"),
        (put().header("content-length", "10"), "400 IncompleteBody"),
        (put().header("transfer-encoding", "chunked"), "200 OK"),
        (put().header("content-length", "99999999999999"), "400 EntityTooLarge"),
        (put().header("x-oss-forbid-overwrite", "true"), "409 FileAlreadyExists"),
        (put().header("x-oss-forbid-overwrite", "maybe"), "400 InvalidArgument"),
        (put().header("if-match", "\"x\""), "400 NotImplemented"),
        (put().header("if-modified-since", "x"), "400 NotImplemented"),
        (put().header("x-oss-object-acl", "private"), "200 OK"),
        (put().header("x-oss-object-acl", "public-read"), "400 NotImplemented"),
        (put().header("x-oss-object-acl", "open"), "400 InvalidArgument"),
        (put().header("x-oss-storage-class", "Archive"), "400 NotImplemented"),
        (put().header("x-oss-copy-source", "/photos/x"), "400 NotImplemented"),
        (put().header("x-oss-callback", "e30="), "400 NotImplemented"),
        (put().header("x-oss-server-side-encryption", "AES256"), "400 NotImplemented"),
        (put().header("x-oss-meta-big", &"m".repeat(8193)), "400 InvalidArgument"),
        (put().query("partNumber", "1").query("uploadId", "x"), "400 OperationNotSupported 0037-00000001"),
        (put().query("acl", ""), "400 OperationNotSupported 0037-00000001"),
        (ask("POST", "/photos/k").query("uploads", ""), "400 OperationNotSupported 0037-00000001"),
        (ask("POST", "/photos").query("delete", ""), "400 OperationNotSupported 0037-00000001"),
        (ask("PATCH", "/photos/k"), "405 MethodNotAllowed"),
        (ask("PUT", "/other-bucket/k"), "404 NoSuchBucket 0015-00000101"),
    ] {
        let said = format!("{} {} {:?}", ask.method, ask.target(), ask.headers);
        assert_eq!(world.oss(&alice, By::V4, ask).await.brief(), expected, "{said}");
    }
    assert_eq!(world.oss(&alice, By::V1, ask("GET", "/photos/k")).await.body, b"hello world");
    let request = Request::put("/photos/k").header("host", "localhost");
    let unsigned = world.gateway(request.body(Body::empty()).unwrap()).await;
    assert_eq!(unsigned.brief(), "403 AccessDenied 0003-00000002");
}

#[tokio::test]
async fn a_length_is_needed_unless_the_body_is_chunked() {
    let world = World::new().await;
    let alice = world.key("alice");
    let mut asked = ask("PUT", "/photos/k");
    let address = asked.address();
    let unsigned = tegata_sign::oss::Unsigned { method: "PUT", address: &address, query: &[], headers: &[] };
    asked.headers = tegata_sign::oss_v1::sign(&unsigned, &alice.credential(), world.test.now()).unwrap();
    let mut request = asked.request();
    request.headers_mut().remove("content-length");
    assert_eq!(world.gateway(request).await.brief(), "411 MissingContentLength");
}

#[tokio::test]
async fn a_broken_upload_leaves_nothing() {
    let world = World::new().await;
    let alice = world.key("alice");
    let mut asked = ask("PUT", "/photos/broken").header("content-length", "20");
    let address = asked.address();
    let unsigned = tegata_sign::oss::Unsigned { method: "PUT", address: &address, query: &[], headers: &asked.headers };
    asked.headers.extend(tegata_sign::oss_v4::sign(&unsigned, &[], &alice.credential(), "cn-hangzhou", world.test.now()).unwrap());
    let chunks = [Ok(Bytes::from_static(b"half of it")), Err(std::io::Error::other("the connection is gone"))];
    let request = asked.request().map(|_| Body::from_stream(futures_util::stream::iter(chunks)));
    assert_eq!(world.gateway(request).await.brief(), "400 IncompleteBody");
    assert_eq!(world.oss(&alice, By::V4, ask("GET", "/photos/broken")).await.brief(), "404 NoSuchKey 0026-00000001");
}

#[tokio::test]
async fn a_refused_body_is_not_read() {
    let world = World::new().await;
    let mut asked = ask("PUT", "/photos/x").header("content-length", "1000000").header("expect", "100-continue");
    let address = asked.address();
    let unsigned = tegata_sign::oss::Unsigned { method: "PUT", address: &address, query: &[], headers: &asked.headers };
    let dan = world.key("dan");
    asked.headers.extend(tegata_sign::oss_v1::sign(&unsigned, &dan.credential(), world.test.now()).unwrap());
    let body = futures_util::stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, std::io::Error>>> { panic!("the body was read") });
    let request = asked.request().map(|_| Body::from_stream(body));
    assert_eq!(world.gateway(request).await.brief(), "403 AccessDenied 0003-00000001");
}

#[tokio::test]
async fn ranges() {
    let world = World::new().await;
    let alice = world.key("alice");
    assert_eq!(world.oss(&alice, By::V4, ask("PUT", "/photos/r").body(b"0123456789")).await.status, 200);
    for (range, standard, status, content_range, body) in [
        ("bytes=0-4", "", 206, "bytes 0-4/10", "01234"),
        ("bytes=7-", "", 206, "bytes 7-9/10", "789"),
        ("bytes=-2", "", 206, "bytes 8-9/10", "89"),
        ("bytes=5-10", "", 200, "", "0123456789"),
        ("bytes=5-10", "standard", 206, "bytes 5-9/10", "56789"),
        ("bytes=10-", "", 200, "", "0123456789"),
        ("bytes=0-1,4-5", "standard", 200, "", "0123456789"),
        ("bytes=10-", "standard", 416, "", ""),
    ] {
        let mut get = ask("GET", "/photos/r").header("range", range);
        if !standard.is_empty() {
            get = get.header("x-oss-range-behavior", standard);
        }
        let answer = world.oss(&alice, By::V4, get).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-range")), (status, content_range), "{range}");
        if status != 416 {
            assert_eq!(answer.text(), body, "{range}");
            assert_eq!(answer.header("content-length"), body.len().to_string(), "{range}");
        }
    }
}

#[tokio::test]
async fn conditions() {
    let world = World::new().await;
    let alice = world.key("alice");
    let put = world.oss(&alice, By::V4, ask("PUT", "/photos/c").body(b"x")).await;
    let etag = put.header("etag").to_owned();
    let (before, after) = ("Fri, 02 Jan 2026 03:04:04 GMT", "Fri, 02 Jan 2026 03:04:06 GMT");
    for (name, value, expected) in [
        ("if-match", etag.as_str(), "200 OK"),
        ("if-match", "*", "200 OK"),
        ("if-match", "\"other\"", "412 PreconditionFailed"),
        ("if-none-match", etag.trim_matches('"'), "304 NotModified"),
        ("if-none-match", "\"a\", \"b\"", "200 OK"),
        ("if-modified-since", before, "200 OK"),
        ("if-modified-since", after, "304 NotModified"),
        ("if-modified-since", "yesterday", "200 OK"),
        ("if-unmodified-since", before, "412 PreconditionFailed"),
        ("if-unmodified-since", after, "200 OK"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = world.oss(&alice, By::V4, ask(method, "/photos/c").header(name, value)).await;
            assert_eq!(answer.brief(), expected, "{method} {name}: {value}");
        }
    }
}

#[tokio::test]
async fn bad_configurations_of_buckets() {
    let world = World::new().await;
    let alice = world.key("alice");
    let huge = format!("<CreateBucketConfiguration>{}</CreateBucketConfiguration>", " ".repeat(70_000));
    for (body, expected) in [
        ("<CreateBucketConfiguration/>", "200 OK"),
        (
            "<CreateBucketConfiguration><StorageClass>IA</StorageClass></CreateBucketConfiguration>",
            "400 OperationNotSupported 0037-00000001",
        ),
        ("<CreateBucketConfiguration><Other>1</Other></CreateBucketConfiguration>", "400 MalformedXML 0015-00000231"),
        ("<a/>", "400 MalformedXML 0015-00000231"),
        ("{}", "400 MalformedXML 0015-00000231"),
        (&huge, "400 MalformedXML"),
    ] {
        assert_eq!(world.oss(&alice, By::V4, ask("PUT", "/fresh").body(body.as_bytes())).await.brief(), expected, "{body:.80}");
    }
    assert_eq!(world.oss(&alice, By::V4, ask("PUT", "/fresh").header("x-oss-acl", "public-read")).await.brief(), "400 NotImplemented");
    assert_eq!(
        world.oss(&alice, By::V4, ask("PUT", "/fresh").header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")).await.brief(),
        "400 InvalidDigest"
    );
    assert_eq!(world.oss(&alice, By::V4, ask("PUT", "/fresh/k").body(b"x")).await.brief(), "200 OK");
    assert_eq!(world.oss(&alice, By::V4, ask("DELETE", "/fresh")).await.brief(), "409 BucketNotEmpty");
    for max in ["0", "1001", "-1", "x", "99999"] {
        assert_eq!(world.oss(&alice, By::V4, ask("GET", "/photos").query("max-keys", max)).await.brief(), "400 InvalidArgument", "{max}");
    }
    assert_eq!(world.oss(&alice, By::V4, ask("GET", "/photos").query("encoding-type", "x")).await.brief(), "400 InvalidArgument");
    let forged = ask("GET", "/photos").query("list-type", "2").query("continuation-token", "!!");
    assert_eq!(world.oss(&alice, By::V4, forged).await.brief(), "400 InvalidArgument");
}

#[tokio::test]
async fn active_content_cannot_run_here() {
    let world = World::new().await;
    let alice = world.key("alice");
    let put = ask("PUT", "/photos/p.html")
        .header("content-type", "text/html")
        .header("content-disposition", "inline; filename=p.html")
        .body(b"<script>");
    assert_eq!(world.oss(&alice, By::V4, put).await.status, 200);
    for method in ["GET", "HEAD"] {
        let answer = world.oss(&alice, By::V4, ask(method, "/photos/p.html")).await;
        assert_eq!(answer.header("content-disposition"), "attachment; filename=p.html");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "sandbox");
    }
    let get = ask("GET", "/photos/p.html").query("response-content-disposition", "inline");
    assert_eq!(world.oss(&alice, By::V4, get).await.header("content-disposition"), "attachment");
}
