//! OSS version 1 against the recorded vectors, spoiled in every way, and against itself.

use crate::common::{Pairs, Request, nudged, pair, spoiled, text, vectors};
use crate::oss_common::{Keys, addressing, expected_address, judged, keys, request};
use proptest::prelude::*;
use tegata_model::{AccessKeyId, SecretKey, Timestamp};
use tegata_sign::{
    Addressing, ArrivedProblem, Credential, Deviation, ObjectAddress, Placement, Scheme,
    oss::{self, OssProblem, Unsigned},
    oss_v1,
};

#[test]
fn every_vector() {
    let file = vectors("oss-v1.json");
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 75);
    for case in cases {
        let name = text(case, "id");
        let (request, keys) = (request(case), keys(&file, text(case, "credentials")));
        let url = text(case, "mode") == "url";
        let verdict = judged(&request, &keys);
        assert_eq!(verdict.is_ok(), case["spec_conformant"].as_bool().unwrap(), "{name}: {verdict:?}");
        let Ok(verified) = verdict else {
            assert_eq!(name, "v1-android-05-presign-get-sts", "the only client bug that is refused");
            continue;
        };
        assert_eq!(verified.address(), Some(&expected_address(case)), "{name}");
        let alias = request.header("security-token").is_some();
        let deviation = if alias {
            Some(Deviation::TokenHeaderAlias)
        } else {
            text(case, "host").ends_with(".aliyuncs.com").then_some(Deviation::Addressing)
        };
        assert_eq!(verified.deviation(), deviation, "{name}");

        let presented = oss_v1::present(&request.arrived(), &addressing()).unwrap();
        assert_eq!(presented.scheme(), Scheme::OssV1);
        assert_eq!(presented.placement(), if url { Placement::Url } else { Placement::Header });
        assert_eq!(presented.string_to_sign(), text(case, "string_to_sign"), "{name}");
        assert_eq!(presented.signed_at().is_some(), !url);
        assert_eq!(presented.expires_at().is_some(), url);

        // The signer produces it.
        let address = expected_address(case);
        let strip =
            |list: &Pairs, names: &[&str]| -> Pairs { list.iter().filter(|(n, _)| !names.contains(&n.as_str())).cloned().collect() };
        let headers = strip(&request.headers, &["authorization", "x-oss-security-token"]);
        let query =
            if url { strip(&request.query, &["OSSAccessKeyId", "Expires", "Signature", "security-token"]) } else { request.query.clone() };
        let unsigned = Unsigned { method: &request.method, address: &address, query: &query, headers: &headers };
        let token = keys.token.as_deref().filter(|_| !alias);
        let credential = Credential { access_key_id: &keys.id, secret: &keys.secret, security_token: token };
        if url {
            let added = oss_v1::presign(&unsigned, &credential, presented.expires_at().unwrap()).unwrap();
            assert_eq!(added.last().unwrap().1, text(case, "signature"), "{name}");
        } else {
            let added = oss_v1::sign(&unsigned, &credential, presented.signed_at().unwrap()).unwrap();
            assert_eq!(added.last().unwrap().1, text(case, "authorization"), "{name}");
            assert!(added.last().unwrap().1.ends_with(text(case, "signature")));
        }

        // And nothing else is accepted.
        let refuse = |what: &str, spoiled: Request| {
            assert!(judged(&spoiled, &keys).is_err(), "{name}: {what} accepted: {spoiled:?}");
        };
        refuse("method", request.with(|r| r.method = if r.method == "GET" { "PUT" } else { "GET" }.into()));
        refuse("path", request.with(|r| r.path.push('x')));
        refuse("sub-resource", request.with(|r| r.query.push(pair("acl", if r.parameter("acl").is_some() { "x" } else { "" }))));
        refuse("response header", request.with(|r| r.query.push(pair("response-content-type", "text/html"))));
        refuse("x-oss query", request.with(|r| r.query.push(pair("x-oss-anything", ""))));
        refuse("x-oss header", request.with(|r| r.headers.push(pair("x-oss-meta-new", "1"))));
        refuse(
            "host",
            request.with(|r| {
                let host = r.headers.iter_mut().find(|(n, _)| n == "host").unwrap();
                if host.1.starts_with("examplebucket.") { host.1.insert(0, 'x') } else { r.path.insert(1, 'x') }
            }),
        );
        for at in 0..request.query.len() {
            let (parameter, value) = &request.query[at];
            let piece = if value.is_empty() { parameter.clone() } else { format!("{parameter}={value}") };
            let resource = presented.string_to_sign().rsplit('?').next().unwrap();
            let signed =
                resource.split('&').any(|p| p == piece) || ["OSSAccessKeyId", "Expires", "Signature"].contains(&parameter.as_str());
            for (what, list) in spoiled(&request.query, at) {
                let changed = request.with(|r| r.query = list);
                if signed || what == "twice" {
                    refuse(&format!("{parameter} {what}"), changed);
                } else {
                    assert!(judged(&changed, &keys).is_ok(), "{name}: {parameter} is not signed");
                }
            }
        }
        for at in 0..request.headers.len() {
            let header = request.headers[at].0.as_str();
            let dated = request.header("x-oss-date").is_none() && header == "date" && !url;
            let signed = header.starts_with("x-oss-") || ["content-type", "content-md5", "authorization"].contains(&header) || dated;
            for (what, list) in spoiled(&request.headers, at) {
                let changed = request.with(|r| r.headers = list);
                if signed || header == "security-token" || (header == "host" && what == "twice") {
                    refuse(&format!("{header} {what}"), changed);
                } else if header != "host" {
                    assert!(judged(&changed, &keys).is_ok(), "{name}: {header} {what} is not signed");
                }
            }
        }
        let other = Keys { secret: SecretKey::new(nudged(keys.secret.expose())), ..keys };
        assert!(judged(&request, &other).is_err());
    }
}

#[test]
fn post_policy() {
    let file = vectors("oss-v1.json");
    let case = &file["post_policy"][0];
    let keys = keys(&file, text(case, "credentials"));
    let credential = Credential { access_key_id: &keys.id, secret: &keys.secret, security_token: None };
    assert_eq!(oss_v1::post_policy_signature(text(case, "policy"), &credential), text(case, "Signature"));
}

fn test_keys(token: Option<&str>) -> Keys {
    Keys { id: AccessKeyId::new("testid").unwrap(), secret: SecretKey::new("testsecret".into()), token: token.map(str::to_owned) }
}

const NOW: Timestamp = Timestamp::from_unix(1_733_227_932);

fn signed(address: &ObjectAddress, path: &str, host: &str, query: &[(String, String)], keys: &Keys, url: bool) -> Request {
    let headers = vec![pair("host", host), pair("content-type", "text/plain")];
    let unsigned = Unsigned { method: "GET", address, query, headers: &headers };
    let credential = Credential { access_key_id: &keys.id, secret: &keys.secret, security_token: keys.token.as_deref() };
    let mut request =
        Request { method: "GET".into(), path: path.into(), query: query.to_vec(), headers: headers.clone(), ..Request::default() };
    if url {
        request.query.extend(oss_v1::presign(&unsigned, &credential, Timestamp::from_unix(1_733_231_532)).unwrap());
    } else {
        request.headers.extend(oss_v1::sign(&unsigned, &credential, NOW).unwrap());
    }
    request
}

fn object(bucket: &str, key: &str) -> ObjectAddress {
    ObjectAddress::Object { bucket: bucket.into(), key: key.into() }
}

#[test]
fn bucket_in_host_and_path_is_read_either_way_and_the_signature_decides() {
    let keys = test_keys(None);
    let short = signed(&object("photos", "a"), "/photos/a", "photos.oss.tegata.test", &[], &keys, false);
    let verified = judged(&short, &keys).unwrap();
    assert_eq!((verified.address(), verified.deviation()), (Some(&object("photos", "a")), Some(Deviation::Addressing)));
    let long = signed(&object("photos", "photos/a"), "/photos/a", "photos.oss.tegata.test", &[], &keys, false);
    let verified = judged(&long, &keys).unwrap();
    assert_eq!((verified.address(), verified.deviation()), (Some(&object("photos", "photos/a")), None));
    // Another bucket in the path is a key, nothing else.
    let other = signed(&object("other", "a"), "/other/a", "photos.oss.tegata.test", &[], &keys, false);
    assert!(judged(&other, &keys).is_err());
    // Unsigned requests have one reading.
    let bare = |host: &str, path: &str| {
        let request = Request::new("GET", path, vec![pair("host", host)], "");
        oss::unsigned_address(&request.arrived(), &addressing())
    };
    assert_eq!(bare("photos.oss.tegata.test:9000", "/photos/a").unwrap(), object("photos", "photos/a"));
    assert_eq!(bare("elsewhere.example.test", "/photos/a").unwrap(), object("photos", "a"));
    assert_eq!(bare("[::1]:9000", "/photos").unwrap(), ObjectAddress::Bucket("photos".into()));
    assert_eq!(bare(".oss.tegata.test", "/").unwrap(), ObjectAddress::Service, "a dot where the bucket would be");
    assert_eq!(bare("OSS.Tegata.Test.", "/").unwrap(), ObjectAddress::Service);
    assert_eq!(bare("img.cname.test", "/a%2F..%2fb+c//").unwrap(), object("examplebucket", "a/../b+c//"));
    assert_eq!(bare("oss.tegata.test", "/b/%252e").unwrap(), object("b", "%2e"), "decoded once");
    for (host, path) in
        [("oss.tegata.test", "/b/%zz"), ("oss.tegata.test", "/b/%ff"), ("oss.tegata.test", "b"), ("oss.tegata.test", "/b/%")]
    {
        assert!(matches!(bare(host, path), Err(OssProblem::Path { .. })), "{path}");
    }
    for host in ["a/b.oss.tegata.test", "", "a b", "[::1", "host:port"] {
        assert!(matches!(bare(host, "/"), Err(OssProblem::Host { .. })), "{host}");
    }
}

#[test]
fn longest_suffix_wins() {
    let addressing = Addressing { suffixes: vec!["test".into(), "oss.test".into()], ..Addressing::default() };
    let request = Request::new("GET", "/k", vec![pair("host", "b.oss.test")], "");
    assert_eq!(oss::unsigned_address(&request.arrived(), &addressing).unwrap(), object("b", "k"));
}

#[test]
fn a_listing_signed_without_the_slash() {
    let keys = test_keys(None);
    let headers = vec![pair("host", "127.0.0.1:9000"), pair("date", &NOW.to_http_date())];
    let text = format!("GET\n\n\n{}\n/photos", NOW.to_http_date());
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"testsecret");
    let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, aws_lc_rs::hmac::sign(&key, text.as_bytes()));
    let list = |path: &str| {
        let mut headers = headers.clone();
        headers.push(pair("authorization", &format!("OSS testid:{signature}")));
        judged(&Request::new("GET", path, headers, ""), &keys).map(|v| (v.address().cloned(), v.deviation()))
    };
    let bucket = Some(ObjectAddress::Bucket("photos".into()));
    assert_eq!(list("/photos?prefix=a%2F"), Ok((bucket, Some(Deviation::SlashlessBucket))));
    assert!(list("/photos/?prefix=a%2F").is_err());
    assert!(list("/photos/a").is_err());
    assert!(list("/").is_err());
}

#[test]
fn one_signature_in_one_place_and_one_token() {
    let keys = test_keys(Some("CAIS"));
    let (header, url) = (
        signed(&object("b", "k"), "/b/k", "oss.tegata.test", &[], &keys, false),
        signed(&object("b", "k"), "/b/k", "oss.tegata.test", &[], &keys, true),
    );
    let problem = |r: Request| oss::present(&r.arrived(), &addressing()).unwrap_err();
    assert!(judged(&header, &keys).is_ok() && judged(&url, &keys).is_ok());
    assert_eq!(problem(header.with(|r| r.query = url.query.clone())), OssProblem::SignedTwice);
    assert_eq!(problem(url.with(|r| r.query.push(pair("x-oss-signature", "x")))), OssProblem::SignedTwice);
    assert_eq!(problem(header.with(|r| r.query.push(pair("Signature", "")))), OssProblem::SignedTwice);

    assert_eq!(problem(header.with(|r| r.query.push(pair("security-token", "CAIS")))), OssProblem::TokenTwice);
    assert_eq!(problem(header.with(|r| r.headers.push(pair("security-token", "CAIS")))), OssProblem::TokenTwice);
    let alias_and_url = header.with(|r| {
        r.headers.retain(|(n, _)| n != "x-oss-security-token");
        r.headers.push(pair("security-token", "CAIS"));
        r.query.push(pair("security-token", "CAIS"));
    });
    assert_eq!(problem(alias_and_url), OssProblem::TokenTwice);
    for name in ["security-token", "x-oss-security-token"] {
        assert_eq!(problem(url.with(|r| r.headers.push(pair(name, "CAIS")))), OssProblem::TokenTwice);
        let only_header = url.with(|r| {
            r.query.retain(|(n, _)| n != "security-token");
            r.headers.push(pair(name, "CAIS"));
        });
        assert_eq!(problem(only_header), OssProblem::TokenOnlyInHeader);
        let only_url = header.with(|r| {
            r.headers.retain(|(n, _)| n != "x-oss-security-token");
            r.query.push(pair(name, "CAIS"));
        });
        assert_eq!(problem(only_url), OssProblem::TokenOnlyInUrl);
    }
    for name in ["host", "date", "content-type", "x-oss-security-token", "authorization"] {
        let twice = header.with(|r| r.headers.push(pair(name, header.header(name).unwrap())));
        assert_eq!(problem(twice), ArrivedProblem::HeaderRepeated { name: name.into() }.into(), "{name}");
    }
    assert_eq!(
        problem(url.with(|r| r.query.push(pair("Expires", "9999999999")))),
        ArrivedProblem::ParameterRepeated { name: "Expires".into() }.into()
    );
}

#[test]
fn each_problem_has_its_name() {
    let keys = test_keys(None);
    let header = signed(&object("b", "k"), "/b/k", "oss.tegata.test", &[], &keys, false);
    let url = signed(&object("b", "k"), "/b/k", "oss.tegata.test", &[], &keys, true);
    let problem = |r: Request| oss::present(&r.arrived(), &addressing()).unwrap_err();
    let set_header =
        |name: &str, value: &str| header.with(|r| r.headers.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| *v = value.into()));
    let set_query =
        |name: &str, value: &str| url.with(|r| r.query.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| *v = value.into()));
    for value in ["OSS ", "OSS testid", "OSS :x", "OSS testid:"] {
        assert_eq!(problem(set_header("authorization", value)), OssProblem::Authorization, "{value}");
    }
    for (value, given) in [("OSS2 AccessKeyId:a", "OSS2"), ("Bearer secret", "Bearer"), ("", ""), ("OSSx", "OSSx")] {
        assert_eq!(problem(set_header("authorization", value)), OssProblem::UnsupportedAlgorithm { given: given.into() });
    }
    assert_eq!(problem(set_header("authorization", "OSS a b:x")), OssProblem::AccessKeyId { given: "a b".into() });
    assert_eq!(problem(header.with(|r| r.headers.retain(|(n, _)| n != "date"))), OssProblem::Date { given: None });
    for date in ["1733231532", "20241203T121212Z", "yesterday"] {
        assert_eq!(problem(set_header("date", date)), OssProblem::Date { given: Some(date.into()) });
    }
    for name in ["OSSAccessKeyId", "Expires", "Signature"] {
        assert_eq!(problem(set_query(name, " ")), OssProblem::Missing { name });
        assert_eq!(problem(url.with(|r| r.query.retain(|(n, _)| n != name))), OssProblem::Missing { name });
    }
    for given in ["+1733231532", "-1", "1e9", "99999999999999999999", "Tue, 03 Dec 2024 12:12:12 GMT"] {
        assert_eq!(problem(set_query("Expires", given)), OssProblem::Expires { given: given.into() });
    }
    let unsigned = Request::new("GET", "/b/k?Expires=1", vec![], "");
    assert!(oss::present(&unsigned.arrived(), &addressing()).unwrap().is_none());
}

proptest! {
    #[test]
    fn what_is_signed_verifies(
        key in "[^/\\\\\\p{C}][^\\p{C}]{0,30}",
        query in prop::collection::btree_map("(acl|uploads|prefix|x-oss-[a-z]{1,4}|response-expires)", "\\PC{0,20}", 0..5),
        url in any::<bool>(),
        path_style in any::<bool>(),
    ) {
        let keys = test_keys(Some("CAIS+/="));
        let query: Vec<_> = query.into_iter().collect();
        let encoded = tegata_sign::form::percent_encode_path(&key);
        let (host, path) = if path_style { ("127.0.0.1:80", format!("/b/{encoded}")) } else { ("b.oss.tegata.test", format!("/{encoded}")) };
        let request = signed(&object("b", &key), &path, host, &query, &keys, url);
        let verified = judged(&request, &keys).unwrap();
        prop_assert_eq!(verified.address(), Some(&object("b", &key)));
        prop_assert_eq!(verified.deviation(), None);
    }

    #[test]
    fn presenting_never_panics(path in "/?.{0,30}", authorization in prop::option::of("(OSS )?.{0,20}"), query in prop::collection::vec(("(OSSAccessKeyId|Expires|Signature|.{0,5})", ".{0,12}"), 0..6), headers in prop::collection::vec(("(host|date|x-oss-date|.{0,8})", ".{0,20}"), 0..6)) {
        let headers = headers.into_iter().chain(authorization.map(|a| ("authorization".to_owned(), a))).collect();
        let request = Request { method: "GET".into(), path, query, headers, ..Request::default() };
        let _ = oss::present(&request.arrived(), &addressing());
        let _ = oss_v1::present(&request.arrived(), &addressing());
        let _ = oss::unsigned_address(&request.arrived(), &addressing());
    }
}
