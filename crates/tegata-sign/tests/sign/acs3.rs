//! ACS3 against the recorded vectors, spoiled in every way, and against itself.

use crate::common::{Request, header_list, hex, nudged, pair, sha256, spoiled, text, vectors};
use proptest::prelude::*;
use serde_json::Value;
use tegata_model::{AccessKeyId, SecretKey, Timestamp};
use tegata_sign::{
    Arrived, ArrivedProblem, Credential, Scheme,
    acs::{self, AcsProblem},
    acs3::{self, Acs3Problem},
};

const ADDED: [&str; 8] = [
    "authorization",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
    "x-acs-accesskey-id",
    "x-acs-security-token",
];

fn request(case: &Value) -> Request {
    let r = &case["request"];
    Request::new(text(r, "method"), text(r, "target"), header_list(&r["headers"]), text(r, "body"))
}

fn judged(request: &Request, key: &str, secret: &SecretKey) -> Result<(), String> {
    let presented = acs::present(&request.arrived()).map_err(|e| e.to_string())?.ok_or("unsigned")?;
    if presented.access_key_id().as_str() != key {
        return Err("another key".into());
    }
    presented.verify(secret).map(drop).map_err(|e| e.to_string())
}

#[test]
fn every_vector() {
    let file = vectors("acs3.json");
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 23);
    for case in cases {
        let name = text(case, "name");
        let request = request(case);
        if case["unsigned"].as_bool() == Some(true) {
            assert_eq!(acs::present(&request.arrived()).unwrap_err(), AcsProblem::Bearer);
            continue;
        }
        if text(case, "algorithm") != acs3::ALGORITHM {
            let given = text(case, "algorithm").to_owned();
            assert_eq!(acs3::present(&request.arrived()).unwrap_err(), Acs3Problem::UnsupportedAlgorithm { given });
            continue;
        }
        let key = text(case, "access_key_id");
        let secret = SecretKey::new(text(case, "access_key_secret").into());
        let verdict = judged(&request, key, &secret);
        assert_eq!(verdict.is_ok(), case["valid"].as_bool().unwrap(), "{name}: {verdict:?}");
        if verdict.is_err() {
            continue;
        }
        let presented = acs3::present(&request.arrived()).unwrap();
        assert_eq!(presented.scheme(), Scheme::Acs3);
        assert_eq!(presented.canonical_request(), Some(text(case, "canonical_request")), "{name}");
        assert_eq!(presented.string_to_sign(), text(case, "string_to_sign"), "{name}");
        assert_eq!(hex(&sha256(&request.body)), text(case, "body_hash"), "{name}");
        assert_eq!(request.header("x-acs-content-sha256"), case["content_sha256_header"].as_str());
        assert_eq!(presented.security_token(), request.header("x-acs-security-token"));
        assert_eq!(acs3::operation(&request.arrived()).unwrap().0, request.header("x-acs-action").unwrap());

        // The signer produces it.
        let names: Vec<_> = text(case, "signed_headers").split(';').collect();
        let own: Vec<_> =
            request.headers.iter().filter(|(n, _)| names.contains(&n.as_str()) && !ADDED.contains(&n.as_str())).cloned().collect();
        let id = AccessKeyId::new(key).unwrap();
        let credential = Credential { access_key_id: &id, secret: &secret, security_token: request.header("x-acs-security-token") };
        let unsigned = acs3::Unsigned {
            method: &request.method,
            path: &request.path,
            query: &request.query,
            headers: &own,
            action: request.header("x-acs-action").unwrap(),
            version: request.header("x-acs-version").unwrap(),
            body_sha256: sha256(&request.body),
        };
        let at = presented.signed_at().unwrap();
        let added = acs3::sign(&unsigned, &credential, at, presented.nonce().unwrap());
        assert_eq!(added.last().unwrap().1, request.header("authorization").unwrap(), "{name}");
        assert!(added.last().unwrap().1.ends_with(text(case, "computed_signature")));

        // And nothing else is accepted.
        let refuse = |what: &str, spoiled: Request| {
            assert!(judged(&spoiled, key, &secret).is_err(), "{name}: {what} accepted: {spoiled:?}");
        };
        refuse("method", request.with(|r| r.method = if r.method == "GET" { "POST" } else { "GET" }.into()));
        refuse("path", request.with(|r| r.path = "/x".into()));
        refuse("query added", request.with(|r| r.query.push(pair("Extra", ""))));
        refuse("body", request.with(|r| r.body.push(b'x')));
        refuse("x-acs header added", request.with(|r| r.headers.push(pair("x-acs-extra", "1"))));
        refuse("token added", request.with(|r| r.headers.push(pair("x-acs-security-token", "CAISx"))));
        for at in 0..request.query.len() {
            for (what, list) in spoiled(&request.query, at) {
                refuse(what, request.with(|r| r.query = list));
            }
        }
        for (at, (header, _)) in request.headers.iter().enumerate() {
            for (what, list) in spoiled(&request.headers, at) {
                let changed = request.with(|r| r.headers = list);
                if names.contains(&header.as_str()) || header == "authorization" {
                    refuse(&format!("{header} {what}"), changed);
                } else {
                    assert!(judged(&changed, key, &secret).is_ok(), "{name}: {header} is not signed");
                }
            }
        }
        assert!(judged(&request, key, &SecretKey::new(nudged(secret.expose()))).is_err());
    }
}

fn signed(path: &str, query: &[(String, String)], headers: &[(String, String)], body: &[u8]) -> Request {
    let (id, secret) = (AccessKeyId::new("STS.testid").unwrap(), SecretKey::new("testsecret".into()));
    let credential = Credential { access_key_id: &id, secret: &secret, security_token: Some("CAIS+/=") };
    let request = acs3::Unsigned {
        method: "POST",
        path,
        query,
        headers,
        action: "GetCallerIdentity",
        version: "2015-04-01",
        body_sha256: sha256(body),
    };
    let added = acs3::sign(&request, &credential, Timestamp::from_unix(1_700_000_000), "n");
    let headers = headers.iter().cloned().chain(added).collect();
    Request { method: "POST".into(), path: path.into(), query: query.to_vec(), headers, body: body.to_vec(), ..Request::default() }
}

/// The same request, its list of signed headers replaced and signed again by someone who has the secret.
fn signed_with_list(request: &Request, names: &[&str]) -> Request {
    let headers: Vec<_> = names.iter().map(|name| (*name, request.header(name).unwrap_or_default())).collect();
    let canonical = acs3::canonical_request(&request.method, &request.path, &request.query, &headers, &hex(&sha256(&request.body)));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"testsecret");
    let signature = hex(aws_lc_rs::hmac::sign(&key, acs3::string_to_sign(&canonical).as_bytes()).as_ref());
    let value = format!("ACS3-HMAC-SHA256 Credential=STS.testid,SignedHeaders={},Signature={signature}", names.join(";"));
    request.with(|r| r.headers.last_mut().unwrap().1 = value)
}

#[test]
fn the_minimum_must_be_signed_even_with_the_right_secret() {
    let own = [pair("host", "sts.test"), pair("content-type", "application/json")];
    let request = signed("/", &[], &own, b"{}");
    let secret = SecretKey::new("testsecret".into());
    let all: Vec<&str> = {
        let mut names: Vec<_> = request.headers.iter().map(|(n, _)| n.as_str()).filter(|n| *n != "authorization").collect();
        names.sort_unstable();
        names
    };
    assert_eq!(judged(&signed_with_list(&request, &all), "STS.testid", &secret), Ok(()));
    for left_out in &all {
        let fewer: Vec<_> = all.iter().copied().filter(|n| n != left_out).collect();
        let problem = acs3::present(&signed_with_list(&request, &fewer).arrived()).unwrap_err();
        assert_eq!(problem, Acs3Problem::Unsigned { name: (*left_out).to_owned() });
    }
    // Without a body its type says nothing.
    let empty = signed("/", &[], &own, b"");
    let fewer: Vec<_> = all.iter().copied().filter(|n| *n != "content-type").collect();
    assert_eq!(judged(&signed_with_list(&empty, &fewer), "STS.testid", &secret), Ok(()));

    let mut absent = all.clone();
    absent.push("z-absent");
    assert_eq!(
        acs3::present(&signed_with_list(&request, &absent).arrived()).unwrap_err(),
        Acs3Problem::SignedHeaderAbsent { name: "z-absent".into() }
    );
    let mut twice = all.clone();
    twice.push("host");
    assert!(matches!(acs3::present(&signed_with_list(&request, &twice).arrived()).unwrap_err(), Acs3Problem::SignedHeaders { .. }));
}

#[test]
fn each_problem_has_its_name() {
    let request = signed("/", &[], &[pair("host", "sts.test")], b"");
    let problem = |r: Request| acs3::present(&r.arrived()).unwrap_err();
    let set =
        |name: &str, value: &str| request.with(|r| r.headers.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| *v = value.into()));
    for name in ["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"] {
        assert_eq!(problem(request.with(|r| r.headers.retain(|(n, _)| n != name))), Acs3Problem::Missing { name });
        assert_eq!(problem(set(name, "")), Acs3Problem::Missing { name });
    }
    for value in ["ACS3-HMAC-SM3 Credential=a", "ACS3-RSA-SHA256 x", "ACS3-"] {
        let given = value.split(' ').next().unwrap().to_owned();
        assert_eq!(problem(set("authorization", value)), Acs3Problem::UnsupportedAlgorithm { given });
    }
    for fields in
        ["", "Credential=a", "Credential=a,Credential=b,SignedHeaders=host,Signature=c", "Credential=a,SignedHeaders=host,Signature=c,X=d"]
    {
        assert_eq!(problem(set("authorization", &format!("ACS3-HMAC-SHA256 {fields}"))), Acs3Problem::Authorization, "{fields}");
    }
    for list in ["host;;x-acs-date", "Host", "host;authorization", "host;host"] {
        let value = format!("ACS3-HMAC-SHA256 Credential=a,SignedHeaders={list},Signature=c");
        assert_eq!(problem(set("authorization", &value)), Acs3Problem::SignedHeaders { given: list.into() });
    }
    assert_eq!(problem(set("x-acs-date", "20240305T060708Z")), Acs3Problem::Date { given: "20240305T060708Z".into() });
    assert_eq!(problem(set("x-acs-content-sha256", "00")), Acs3Problem::BodyHash { claimed: "00".into() });
    let unread = Arrived { body_sha256: None, ..request.arrived() };
    assert_eq!(acs3::present(&unread).unwrap_err(), Acs3Problem::BodyUnread);
    let twice = request.with(|r| r.headers.push(pair("authorization", "ACS3-HMAC-SHA256 x")));
    assert_eq!(acs::present(&twice.arrived()).unwrap_err(), ArrivedProblem::HeaderRepeated { name: "authorization".into() }.into());
    let capital = request.with(|r| r.headers.push(pair("X-Acs-Extra", "1")));
    assert_eq!(problem(capital), ArrivedProblem::Character { what: "name of a header" }.into());
    let feed = set("host", "a\nb");
    assert_eq!(problem(feed), ArrivedProblem::Character { what: "value of a header" }.into());
}

#[test]
fn dispatch_never_falls_back_to_anonymous() {
    let get = |headers: &[(&str, &str)], target: &str| Request::new("GET", target, headers.iter().map(|(n, v)| pair(n, v)).collect(), "");
    assert!(acs::present(&get(&[], "/?Action=AssumeRoleWithOIDC").arrived()).unwrap().is_none());
    assert_eq!(acs::present(&get(&[("x-acs-bearer-token", "t")], "/").arrived()).unwrap_err(), AcsProblem::Bearer);
    assert_eq!(acs::present(&get(&[], "/?BearerToken=t").arrived()).unwrap_err(), AcsProblem::Bearer);
    assert_eq!(acs::present(&get(&[], "/?Signature=x&SignatureType=BEARERTOKEN").arrived()).unwrap_err(), AcsProblem::Bearer);
    let basic = acs::present(&get(&[("authorization", "Basic secret")], "/").arrived()).unwrap_err();
    assert_eq!(basic, AcsProblem::Authorization { scheme: "Basic".into() });
    assert!(matches!(acs::present(&get(&[], "/?Signature=").arrived()).unwrap_err(), AcsProblem::Rpc(_)));
}

proptest! {
    #[test]
    fn what_is_signed_verifies(
        query in prop::collection::btree_map("\\PC{1,12}", "\\PC{0,40}", 0..8),
        headers in prop::collection::btree_map("[a-z]{3,8}-[a-z]{1,8}", "[ -~]{0,30}", 0..6),
        path in "/[a-zA-Z0-9%/._-]{0,20}",
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let query: Vec<_> = query.into_iter().collect();
        let headers: Vec<_> = headers.into_iter().chain([pair("host", "sts.test:8080")]).collect();
        let request = signed(&path, &query, &headers, &body);
        prop_assert_eq!(judged(&request, "STS.testid", &SecretKey::new("testsecret".into())), Ok(()));
    }

    #[test]
    fn presenting_never_panics(authorization in "(ACS3-HMAC-SHA256 )?(Credential=|SignedHeaders=|Signature=|[,;= a-z]){0,8}.{0,20}", headers in prop::collection::vec(("[a-z-]{0,12}", ".{0,20}"), 0..8)) {
        let headers = headers.into_iter().chain([("authorization".to_owned(), authorization)]).collect();
        let request = Request { method: "GET".into(), path: "/".into(), headers, ..Request::default() };
        let _ = (acs::present(&request.arrived()), acs3::present(&request.arrived()));
    }
}
