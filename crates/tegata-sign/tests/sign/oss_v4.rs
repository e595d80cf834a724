//! OSS version 4 against the recorded vectors, spoiled in every way, and against itself.

use std::time::Duration;

use crate::common::{Pairs, Request, hex, nudged, pair, sha256, spoiled, text, vectors};
use crate::oss_common::{Keys, addressing, expected_address, judged, keys, request};
use proptest::prelude::*;
use tegata_model::{AccessKeyId, SecretKey, Timestamp};
use tegata_sign::{
    Credential, Deviation, ObjectAddress, Placement, Scheme, TimeProblem, form,
    oss::{self, OssProblem, Unsigned},
    oss_v4,
};

const REGION: &str = "cn-hangzhou";
const URL_NAMES: [&str; 7] = [
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-additional-headers",
    "x-oss-security-token",
    "x-oss-signature",
];

fn without(list: &Pairs, names: &[&str]) -> Pairs {
    list.iter().filter(|(n, _)| !names.contains(&n.as_str())).cloned().collect()
}

#[test]
fn every_vector() {
    let file = vectors("oss-v4.json");
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 81);
    for case in cases {
        let name = text(case, "id");
        let (request, keys) = (request(case), keys(&file, text(case, "credentials")));
        let url = text(case, "mode") == "url";
        let verdict = judged(&request, &keys);
        assert_eq!(verdict.is_ok(), case["spec_conformant"].as_bool().unwrap(), "{name}: {verdict:?}");
        let verified = verdict.unwrap();
        assert_eq!(verified.address(), Some(&expected_address(case)), "{name}");
        assert_eq!(verified.deviation(), text(case, "host").ends_with(".aliyuncs.com").then_some(Deviation::Addressing), "{name}");

        let presented = oss_v4::present(&request.arrived(), &addressing()).unwrap();
        assert_eq!(presented.scheme(), Scheme::OssV4);
        assert_eq!(presented.placement(), if url { Placement::Url } else { Placement::Header });
        assert_eq!(presented.canonical_request(), Some(text(case, "canonical_request")), "{name}");
        assert_eq!(presented.string_to_sign(), text(case, "string_to_sign"), "{name}");
        let at = presented.signed_at().unwrap();
        assert_eq!(hex(oss_v4::Scope::new(at, REGION).signing_key(&keys.secret).as_slice()), text(case, "signing_key_hex"), "{name}");

        // The signer produces it.
        let address = expected_address(case);
        let headers = without(&request.headers, &["authorization", "x-oss-security-token"]);
        let query = if url { without(&request.query, &URL_NAMES) } else { request.query.clone() };
        let list = request
            .header("authorization")
            .and_then(|a| a.split_once("AdditionalHeaders="))
            .map(|(_, rest)| rest.split(',').next().unwrap());
        let list = list.or(request.parameter("x-oss-additional-headers"));
        let additional: Vec<_> = list.map(|l| l.split(';').collect()).unwrap_or_default();
        let unsigned = Unsigned { method: &request.method, address: &address, query: &query, headers: &headers };
        let credential = Credential { access_key_id: &keys.id, secret: &keys.secret, security_token: keys.token.as_deref() };
        let added = if url {
            let lifetime = Duration::from_secs(request.parameter("x-oss-expires").unwrap().parse().unwrap());
            assert_eq!(presented.expires_at(), Some(at.plus(lifetime)));
            oss_v4::presign(&unsigned, &additional, &credential, REGION, at, lifetime).unwrap()
        } else {
            oss_v4::sign(&unsigned, &additional, &credential, REGION, at).unwrap()
        };
        assert!(added.last().unwrap().1.ends_with(text(case, "signature")), "{name}");

        // And nothing else is accepted.
        let refuse = |what: &str, spoiled: Request| {
            assert!(judged(&spoiled, &keys).is_err(), "{name}: {what} accepted: {spoiled:?}");
        };
        refuse("method", request.with(|r| r.method = if r.method == "GET" { "PUT" } else { "GET" }.into()));
        refuse("path", request.with(|r| r.path.push('x')));
        refuse("query", request.with(|r| r.query.push(pair("unheard-of", ""))));
        refuse("response header", request.with(|r| r.query.push(pair("response-content-type", "text/html"))));
        refuse("x-oss header", request.with(|r| r.headers.push(pair("x-oss-meta-new", "1"))));
        if request.header("content-md5").is_none() {
            refuse("content-md5", request.with(|r| r.headers.push(pair("content-md5", "x"))));
        }
        refuse(
            "host",
            request.with(|r| {
                let host = r.headers.iter_mut().find(|(n, _)| n == "host").unwrap();
                if host.1.starts_with("examplebucket.") { host.1.insert(0, 'x') } else { r.path.insert(1, 'x') }
            }),
        );
        for at in 0..request.query.len() {
            for (what, list) in spoiled(&request.query, at) {
                refuse(&format!("{} {what}", request.query[at].0), request.with(|r| r.query = list));
            }
        }
        for at in 0..request.headers.len() {
            let header = request.headers[at].0.as_str();
            let dated = request.header("x-oss-date").is_none() && header == "date" && !url;
            let signed = header.starts_with("x-oss-")
                || ["content-type", "content-md5", "authorization"].contains(&header)
                || additional.contains(&header)
                || dated;
            for (what, list) in spoiled(&request.headers, at) {
                let changed = request.with(|r| r.headers = list);
                if signed || (header == "host" && what == "twice") {
                    refuse(&format!("{header} {what}"), changed);
                } else if header != "host" {
                    assert!(judged(&changed, &keys).is_ok(), "{name}: {header} {what} is not signed");
                }
            }
        }
        for at in 0..additional.len() {
            let fewer = additional.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, n)| *n).collect::<Vec<_>>().join(";");
            let all = additional.join(";");
            refuse(
                "additional header unlisted",
                request.with(|r| {
                    for (_, value) in r.headers.iter_mut().chain(&mut r.query) {
                        *value = value.replace(&all, &fewer);
                    }
                }),
            );
        }
        let other = Keys { secret: SecretKey::new(nudged(keys.secret.expose())), ..keys };
        assert!(judged(&request, &other).is_err());
    }
}

#[test]
fn post_policy() {
    let file = vectors("oss-v4.json");
    let case = &file["post_policy"][0];
    let keys = keys(&file, text(case, "credentials"));
    let credential = Credential { access_key_id: &keys.id, secret: &keys.secret, security_token: None };
    let at = Timestamp::parse_iso_basic("20241203T121212Z").unwrap();
    let signature = oss_v4::post_policy_signature(text(case, "policy"), &credential, &oss_v4::Scope::new(at, REGION));
    assert_eq!(signature, text(case, "x-oss-signature"));
}

const NOW: Timestamp = Timestamp::from_unix(1_733_227_932);
const HOUR: Duration = Duration::from_hours(1);

fn test_keys(token: Option<&str>) -> Keys {
    Keys { id: AccessKeyId::new("testid").unwrap(), secret: SecretKey::new("testsecret".into()), token: token.map(str::to_owned) }
}

fn object(bucket: &str, key: &str) -> ObjectAddress {
    ObjectAddress::Object { bucket: bucket.into(), key: key.into() }
}

fn signed(address: &ObjectAddress, path: &str, host: &str, query: &[(String, String)], keys: &Keys, url: bool) -> Request {
    let headers = vec![pair("host", host), pair("content-type", "text/plain"), pair("range", "bytes=0-9")];
    let unsigned = Unsigned { method: "GET", address, query, headers: &headers };
    let credential = Credential { access_key_id: &keys.id, secret: &keys.secret, security_token: keys.token.as_deref() };
    let mut request =
        Request { method: "GET".into(), path: path.into(), query: query.to_vec(), headers: headers.clone(), ..Request::default() };
    if url {
        request.query.extend(oss_v4::presign(&unsigned, &["range"], &credential, REGION, NOW, HOUR).unwrap());
    } else {
        request.headers.extend(oss_v4::sign(&unsigned, &["range"], &credential, REGION, NOW).unwrap());
    }
    request
}

/// Signs whatever canonical request the strict reading has, after a change to it: what a deviating client does.
fn resigned(request: &Request, change: impl FnOnce(&str) -> String) -> Request {
    let presented = oss_v4::present(&request.arrived(), &addressing()).unwrap();
    let canonical = change(presented.canonical_request().unwrap());
    let digest = hex(&sha256(canonical.as_bytes()));
    let (head, _) = presented.string_to_sign().rsplit_once('\n').unwrap();
    let key = oss_v4::Scope::new(NOW, REGION).signing_key(&SecretKey::new("testsecret".into()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key.as_slice());
    let signature = hex(aws_lc_rs::hmac::sign(&key, format!("{head}\n{digest}").as_bytes()).as_ref());
    request.with(|r| {
        let value = &mut r.headers.iter_mut().find(|(n, _)| n == "authorization").unwrap().1;
        let (head, _) = value.rsplit_once('=').unwrap();
        *value = format!("{head}={signature}");
    })
}

#[test]
fn an_empty_value_signed_with_an_equals_sign() {
    let keys = test_keys(None);
    let bucket = ObjectAddress::Bucket("photos".into());
    let query = [pair("prefix", ""), pair("max-keys", "10")];
    let strict = signed(&bucket, "/", "photos.oss.tegata.test", &query, &keys, false);
    assert_eq!(judged(&strict, &keys).unwrap().deviation(), None);
    let lenient = resigned(&strict, |canonical| canonical.replace("&prefix\n", "&prefix=\n"));
    let verified = judged(&lenient, &keys).unwrap();
    assert_eq!((verified.address(), verified.deviation()), (Some(&bucket), Some(Deviation::EmptyValueWithEquals)));
    assert!(judged(&lenient.with(|r| r.query[0].1 = "x".into()), &keys).is_err());
    assert!(judged(&lenient.with(|r| r.query.push(pair("acl", ""))), &keys).is_err());
}

#[test]
fn both_addressing_deviations() {
    let keys = test_keys(None);
    let request = signed(&object("photos", "a"), "/photos/a", "photos.oss.tegata.test", &[], &keys, false);
    assert_eq!(judged(&request, &keys).unwrap().address(), Some(&object("photos", "a")));
    let made_up = signed(&object("photos", "a"), "/a", "photos.oss-cn-test.aliyuncs.com", &[], &keys, false);
    assert_eq!(judged(&made_up, &keys).unwrap().deviation(), Some(Deviation::Addressing));
    let unconfigured = signed(&object("photos", "a"), "/photos/a", "gateway.example.test", &[], &keys, false);
    assert_eq!(judged(&unconfigured, &keys).unwrap().address(), Some(&object("photos", "a")));
}

#[test]
fn the_date_line_and_the_day_of_the_scope() {
    let keys = test_keys(None);
    let request = signed(&object("b", "k"), "/b/k", "oss.tegata.test", &[], &keys, false);
    let problem = |r: Request| oss::present(&r.arrived(), &addressing()).unwrap_err();
    for date in ["20241204T000000Z", "2024-12-03T12:12:12Z", "Wed, 04 Dec 2024 00:00:00 GMT", ""] {
        let changed = request.with(|r| r.headers.iter_mut().filter(|(n, _)| n == "x-oss-date").for_each(|(_, v)| *v = date.into()));
        assert_eq!(problem(changed), OssProblem::SigningDate { given: Some(date.into()) });
    }
    assert_eq!(problem(request.with(|r| r.headers.retain(|(n, _)| n != "x-oss-date"))), OssProblem::SigningDate { given: None });
    for date in [NOW.to_http_date(), NOW.to_iso_basic()] {
        let headers = [pair("host", "oss.tegata.test"), pair("date", &date)];
        let unsigned = Unsigned { method: "GET", address: &object("b", "k"), query: &[], headers: &headers };
        let credential = Credential { access_key_id: &keys.id, secret: &keys.secret, security_token: None };
        let added = oss_v4::sign(&unsigned, &[], &credential, REGION, NOW).unwrap();
        let request = Request {
            method: "GET".into(),
            path: "/b/k".into(),
            headers: headers.into_iter().chain(added).collect(),
            ..Request::default()
        };
        assert!(request.header("x-oss-date").is_none());
        assert!(judged(&request, &keys).is_ok(), "{date}");
    }
}

#[test]
fn each_problem_has_its_name() {
    let keys = test_keys(Some("CAIS"));
    let header = signed(&object("b", "k"), "/b/k", "oss.tegata.test", &[], &keys, false);
    let url = signed(&object("b", "k"), "/b/k", "oss.tegata.test", &[], &keys, true);
    assert!(judged(&header, &keys).is_ok() && judged(&url, &keys).is_ok());
    let problem = |r: Request| oss::present(&r.arrived(), &addressing()).unwrap_err();
    let authorization =
        |value: &str| header.with(|r| r.headers.iter_mut().filter(|(n, _)| n == "authorization").for_each(|(_, v)| *v = value.into()));
    let set_query =
        |name: &str, value: &str| url.with(|r| r.query.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| *v = value.into()));
    let credential = "Credential=testid/20241203/cn-hangzhou/oss/aliyun_v4_request";
    for fields in ["", "Signature=x", credential, "Credential=a,Credential=b,Signature=c", "Credential=a,Signature=c,More=d"] {
        assert_eq!(problem(authorization(&format!("OSS4-HMAC-SHA256 {fields}"))), OssProblem::Authorization, "{fields}");
    }
    assert_eq!(problem(authorization("OSS4-HMAC-SM3 x")), OssProblem::UnsupportedAlgorithm { given: "OSS4-HMAC-SM3".into() });
    for (given, expected) in [
        ("testid/20241203/cn-hangzhou/oss", OssProblem::CredentialScope { given: "testid/20241203/cn-hangzhou/oss".into() }),
        (
            "testid/20241203/cn-hangzhou/s3/aliyun_v4_request",
            OssProblem::CredentialScope { given: "testid/20241203/cn-hangzhou/s3/aliyun_v4_request".into() },
        ),
        ("testid/2024123/cn-hangzhou/oss/aliyun_v4_request", OssProblem::SigningDate { given: Some("2024123".into()) }),
        ("a/b/20241203/cn-hangzhou/oss/aliyun_v4_request", OssProblem::AccessKeyId { given: "a/b".into() }),
        ("testid/20241203/cn-beijing/oss/aliyun_v4_request", OssProblem::Region { given: "cn-beijing".into(), expected: REGION.into() }),
    ] {
        assert_eq!(problem(authorization(&format!("OSS4-HMAC-SHA256 Credential={given},Signature=x"))), expected);
        assert_eq!(problem(set_query("x-oss-credential", given)), expected);
    }
    let listed = |list: &str| problem(authorization(&format!("OSS4-HMAC-SHA256 {credential},AdditionalHeaders={list},Signature=x")));
    assert_eq!(listed(""), OssProblem::AdditionalHeadersEmpty);
    assert_eq!(problem(set_query("x-oss-additional-headers", "")), OssProblem::AdditionalHeadersEmpty);
    assert_eq!(listed("host;;range"), OssProblem::AdditionalHeaders { given: String::new() });
    assert_eq!(listed("a b"), OssProblem::AdditionalHeaders { given: "a b".into() });
    for given in ["0", "604801", "-1", "+5", "x", "99999999999999999999"] {
        assert_eq!(problem(set_query("x-oss-expires", given)), OssProblem::Lifetime { given: given.into() });
    }
    for name in ["x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-expires", "x-oss-signature"] {
        assert_eq!(problem(set_query(name, "")), OssProblem::Missing { name });
    }
    assert_eq!(problem(set_query("x-oss-signature-version", "OSS2")), OssProblem::UnsupportedAlgorithm { given: "OSS2".into() });
    let hashed = header.with(|r| r.headers.iter_mut().filter(|(n, _)| n == "x-oss-content-sha256").for_each(|(_, v)| *v = "00".into()));
    assert_eq!(problem(hashed), OssProblem::ContentSha256 { given: "00".into() });
    assert_eq!(problem(url.with(|r| r.headers.push(pair("security-token", "CAIS")))), OssProblem::TokenTwice);
    assert_eq!(problem(url.with(|r| r.headers.push(pair("authorization", "OSS a:b")))), OssProblem::SignedTwice);
    assert_eq!(problem(url.with(|r| r.query.push(pair("Signature", "x")))), OssProblem::SignedTwice);
    assert!(judged(&url.with(|r| r.method = "PUT".into()), &keys).is_err(), "a URL to read is none to write");
}

#[test]
fn the_order_of_additional_headers_is_ours() {
    let keys = test_keys(None);
    let headers = [pair("host", "oss.tegata.test"), pair("range", "bytes=0-1"), pair("cache-control", "x"), pair("content-type", "y")];
    let unsigned = Unsigned { method: "GET", address: &object("b", "k"), query: &[], headers: &headers };
    let credential = Credential { access_key_id: &keys.id, secret: &keys.secret, security_token: None };
    let added = oss_v4::sign(&unsigned, &["range", "cache-control", "host"], &credential, REGION, NOW).unwrap();
    let request =
        Request { method: "GET".into(), path: "/b/k".into(), headers: headers.into_iter().chain(added).collect(), ..Request::default() };
    let shuffled = request.with(|r| {
        let value = &mut r.headers.last_mut().unwrap().1;
        assert!(value.contains("AdditionalHeaders=cache-control;host;range"));
        *value = value.replace("cache-control;host;range", "range;Host;cache-control;content-type;host");
    });
    assert!(judged(&shuffled, &keys).is_ok());
}

#[test]
fn times() {
    let keys = test_keys(None);
    let present = |url| {
        let request = signed(&object("b", "k"), "/b/k", "oss.tegata.test", &[], &keys, url);
        oss_v4::present(&request.arrived(), &addressing()).unwrap()
    };
    let (skew, second) = (Duration::from_mins(15), Duration::from_secs(1));
    let header = present(false);
    assert_eq!(header.check_time(NOW.plus(skew), skew), Ok(()));
    assert_eq!(header.check_time(NOW.minus(skew), skew), Ok(()));
    for now in [NOW.plus(skew).plus(second), NOW.minus(skew).minus(second)] {
        assert_eq!(header.check_time(now, skew), Err(TimeProblem::Skewed { request_time: NOW, now, allowed: skew }));
    }
    let url = present(true);
    let expires_at = NOW.plus(HOUR);
    assert_eq!(url.check_time(expires_at, skew), Ok(()));
    let now = expires_at.plus(second);
    assert_eq!(url.check_time(now, skew), Err(TimeProblem::Expired { expires_at, now }));
    let not_before = NOW.minus(skew);
    assert_eq!(url.check_time(not_before, skew), Ok(()));
    let now = not_before.minus(second);
    assert_eq!(url.check_time(now, skew), Err(TimeProblem::TooEarly { not_before, now }));
    assert_eq!(url.check_lifetime(NOW, HOUR), Ok(()));
    assert!(matches!(url.check_lifetime(NOW, Duration::from_secs(3599)), Err(TimeProblem::TooFarAhead { .. })));
    let shown = format!("{url:?} {:?}", url.verify(&SecretKey::new("wrong".into())));
    assert!(!shown.contains("OSS4-HMAC"), "no signed text in logs: {shown}");
}

proptest! {
    #[test]
    fn what_is_signed_verifies(
        key in "[^/\\\\\\p{C}][^\\p{C}]{0,30}",
        query in prop::collection::btree_map("[^\\p{C}]{1,10}", "\\PC{0,20}", 0..5),
        url in any::<bool>(),
        path_style in any::<bool>(),
    ) {
        let keys = test_keys(Some("CAIS+/="));
        let query: Vec<_> = query.into_iter().filter(|(n, _)| n != "Signature" && !n.starts_with("x-oss-")).collect();
        let encoded = form::percent_encode_path(&key);
        let (host, path) = if path_style { ("127.0.0.1:80", format!("/b/{encoded}")) } else { ("b.oss.tegata.test", format!("/{encoded}")) };
        let request = signed(&object("b", &key), &path, host, &query, &keys, url);
        let verified = judged(&request, &keys).unwrap();
        prop_assert_eq!(verified.address(), Some(&object("b", &key)));
        prop_assert_eq!(verified.deviation(), None);

        // Canonical once, canonical for ever.
        let presented = oss_v4::present(&request.arrived(), &addressing()).unwrap();
        let line = presented.canonical_request().unwrap().split('\n').nth(2).unwrap().to_owned();
        let again = request.with(|r| r.query = form::decode(&line).unwrap());
        let again = if url { again.with(|r| r.query.push(pair("x-oss-signature", "0"))) } else { again };
        let presented = oss_v4::present(&again.arrived(), &addressing()).unwrap();
        prop_assert_eq!(presented.canonical_request().unwrap().split('\n').nth(2).unwrap(), line);
    }

    #[test]
    fn presenting_never_panics(path in "/?.{0,30}", authorization in prop::option::of("(OSS4-HMAC-SHA256 )?(Credential=|AdditionalHeaders=|Signature=|[,;=/ a-z]){0,8}.{0,20}"), query in prop::collection::vec(("(x-oss-[a-z-]{1,12}|x-oss-credential|x-oss-signature-version|.{0,5})", "(OSS4-HMAC-SHA256|.{0,12})"), 0..6), headers in prop::collection::vec(("(host|date|x-oss-date|.{0,8})", ".{0,20}"), 0..6)) {
        let headers = headers.into_iter().chain(authorization.map(|a| ("authorization".to_owned(), a))).collect();
        let request = Request { method: "GET".into(), path, query, headers, ..Request::default() };
        let _ = oss::present(&request.arrived(), &addressing());
        let _ = oss_v4::present(&request.arrived(), &addressing());
    }
}
