//! Signed requests of every scheme.
//!
//! Two kinds of promise. Of what came: order means nothing, and a wrong secret fits nothing. Of what we sign ourselves, with
//! the parts of the input: it verifies, it means what was signed, and it verifies no more once a signed part has changed.

use std::{sync::LazyLock, time::Duration};

use tegata_model::{AccessKeyId, SecretKey, Timestamp};
use tegata_sign::{
    Addressing, Arrived, Credential, ObjectAddress, Presented, acs, acs_rpc, acs3, form,
    oss::{self, Unsigned},
    oss_v1, oss_v4,
};

use super::check_error;
use crate::{
    deep,
    wire::{Pairs, Wire, sha256, without},
};

/// When everything here is signed.
const AT: Timestamp = Timestamp::from_unix(1_767_323_045);
const REGION: &str = "cn-hangzhou";
const ENDPOINT: &str = "oss.tegata.test";

struct Key {
    id: AccessKeyId,
    secret: SecretKey,
    other: SecretKey,
}

impl Key {
    fn credential<'a>(&'a self, token: Option<&'a str>) -> Credential<'a> {
        Credential { access_key_id: &self.id, secret: &self.secret, security_token: token }
    }
}

fn key() -> &'static Key {
    static KEY: LazyLock<Option<Key>> = LazyLock::new(|| {
        let secret = |text: &str| SecretKey::new(text.to_owned());
        Some(Key { id: AccessKeyId::new("LTAIfuzz").ok()?, secret: secret("a secret"), other: secret("another secret") })
    });
    #[expect(clippy::expect_used, reason = "the id is a constant that fits its rule")]
    KEY.as_ref().expect("a key id")
}

fn addressing() -> Addressing {
    Addressing {
        suffixes: vec![ENDPOINT.to_owned()],
        cnames: vec![("img.cname.test".to_owned(), "examplebucket".to_owned())],
        region: REGION.to_owned(),
    }
}

/// The promises of a signature that was read, whoever made it. `again` reads the same request in the opposite order.
fn judged(presented: &Presented, again: Option<&Presented>) {
    deep();
    assert!(again.is_some(), "a request is not accepted in the opposite order");
    if let Some(again) = again {
        assert_eq!(again.string_to_sign(), presented.string_to_sign(), "the order of parts is signed");
        assert_eq!(again.canonical_request(), presented.canonical_request(), "the order of parts is signed");
    }
    assert!(presented.security_token() != Some(""), "an empty token counts as one");
    for now in [AT, Timestamp::from_unix(i64::MAX), Timestamp::from_unix(i64::MIN)] {
        for problem in [presented.check_time(now, Duration::from_mins(15)), presented.check_lifetime(now, Duration::from_mins(15))] {
            if let Err(problem) = problem {
                check_error(&problem);
            }
        }
    }
    assert!(presented.verify(&key().other).is_err(), "a signature by nobody verifies");
    // A short token may occur in the id by chance; what is signed holds line feeds or escapes, which no id has.
    let shown = format!("{presented:?}");
    assert!(!shown.contains(presented.string_to_sign()), "what is signed is shown");
    assert!(
        presented
            .security_token()
            .is_none_or(|token| token.len() < 12 || presented.access_key_id().as_str().contains(token) || !shown.contains(token)),
        "a token is shown"
    );
}

/// The promises of what we signed ourselves: `signed` verifies, `altered` does not.
fn ours(signed: &Presented, altered: Option<&Presented>) {
    assert!(signed.verify(&key().secret).is_ok(), "what was signed does not verify");
    assert!(signed.verify(&key().other).is_err(), "what was signed verifies with another secret");
    if let Some(altered) = altered {
        assert!(altered.verify(&key().secret).is_err(), "a changed request verifies");
    }
}

/// RPC, signature version 1.0.
pub fn rpc(input: &[u8]) {
    let Some(wire) = Wire::read(input) else { return };
    match acs_rpc::present(&wire.arrived()) {
        Err(problem) => check_error(&problem),
        Ok(presented) => judged(&presented, acs_rpc::present(&wire.reversed().arrived()).ok().as_ref()),
    }
    let reserved = |name: &str| {
        let ours = ["AccessKeyId", "Signature", "SignatureMethod", "SignatureNonce", "SignatureVersion", "SecurityToken", "Timestamp"];
        name.is_empty() || ours.contains(&name)
    };
    let parameters = without(&[wire.query.clone(), wire.form.clone()].concat(), reserved);
    let added = acs_rpc::sign(&wire.method, &parameters, &key().credential(Some("a token")), AT, "a nonce");
    let arrived = |query: &[(String, String)], method: &str| {
        let query = form::decode(&form::encode(query)).unwrap_or_default();
        acs_rpc::present(&Arrived { method, path: "/", query: &query, headers: &[], form: &[], body_sha256: None }).ok()
    };
    let mut query = [parameters, added].concat();
    let Some(signed) = arrived(&query, &wire.method) else { return };
    assert_eq!(
        (signed.nonce(), signed.signed_at(), signed.security_token()),
        (Some("a nonce"), Some(AT), Some("a token")),
        "another text was read"
    );
    ours(&signed, arrived(&query, if wire.method == "GET" { "POST" } else { "GET" }).as_ref());
    query.push(("Zusatz".to_owned(), String::new()));
    ours(&signed, arrived(&query, &wire.method).as_ref());
}

/// `ACS3-HMAC-SHA256`.
pub fn acs3(input: &[u8]) {
    let Some(wire) = Wire::read(input) else { return };
    match acs3::present(&wire.arrived()) {
        Err(problem) => check_error(&problem),
        Ok(presented) => judged(&presented, acs3::present(&wire.reversed().arrived()).ok().as_ref()),
    }
    let mut headers = without(&wire.headers, |name| name == "authorization" || name.starts_with("x-acs-"));
    if !headers.iter().any(|(name, value)| name == "host" && !value.trim().is_empty()) {
        headers.retain(|(name, _)| name != "host");
        headers.push(("host".to_owned(), "sts.test".to_owned()));
    }
    let query = without(&wire.query, str::is_empty);
    let request = acs3::Unsigned {
        method: &wire.method,
        path: &wire.path,
        query: &query,
        headers: &headers,
        action: "AssumeRole",
        version: "2015-04-01",
        body_sha256: wire.body_sha256(),
    };
    let added = acs3::sign(&request, &key().credential(Some("a token")), AT, "a nonce");
    let headers = [headers, added].concat();
    let arrived = Arrived {
        method: &wire.method,
        path: &wire.path,
        query: &query,
        headers: &headers,
        form: &[],
        body_sha256: Some(wire.body_sha256()),
    };
    let Ok(signed) = acs3::present(&arrived) else { return };
    assert_eq!(acs3::operation(&arrived), Some(("AssumeRole", "2015-04-01")), "another operation was read");
    let path = format!("{}x", wire.path);
    ours(&signed, acs3::present(&Arrived { path: &path, ..arrived }).ok().as_ref());
    let body = Some(sha256(b"another body"));
    assert!(acs3::present(&Arrived { body_sha256: body, ..arrived }).is_err(), "another body is accepted");
    let more = [query.clone(), vec![("Zusatz".to_owned(), String::new())]].concat();
    ours(&signed, acs3::present(&Arrived { query: &more, ..arrived }).ok().as_ref());
}

/// OSS version 1, header and URL.
pub fn oss_v1(input: &[u8]) {
    let Some(wire) = Wire::read(input) else { return };
    read_oss(&wire, |arrived, addressing| oss_v1::present(arrived, addressing).map_err(|problem| check_error(&problem)).ok());
    let own = Own::of(&wire, |name| matches!(name, "OSSAccessKeyId" | "Signature" | "Expires") || is_token(name));
    if let Ok(added) = oss_v1::sign(&own.unsigned(), &key().credential(Some("a token")), AT) {
        own.check(&[own.headers.clone(), added].concat(), &own.query);
    }
    if let Ok(added) = oss_v1::presign(&own.unsigned(), &key().credential(Some("a token")), AT) {
        own.check(&own.headers, &[own.query.clone(), added].concat());
    }
}

/// OSS version 4, header and URL.
pub fn oss_v4(input: &[u8]) {
    let Some(wire) = Wire::read(input) else { return };
    read_oss(&wire, |arrived, addressing| oss_v4::present(arrived, addressing).map_err(|problem| check_error(&problem)).ok());
    let own = Own::of(&wire, |name| name.starts_with("x-oss-") || is_token(name));
    let additional: Vec<&str> = own.headers.iter().map(|(name, _)| name.as_str()).take(3).collect();
    let credential = key().credential(Some("a token"));
    if let Ok(added) = oss_v4::sign(&own.unsigned(), &additional, &credential, REGION, AT) {
        own.check(&[own.headers.clone(), added].concat(), &own.query);
    }
    if let Ok(added) = oss_v4::presign(&own.unsigned(), &additional, &credential, REGION, AT, Duration::from_mins(10)) {
        own.check(&own.headers, &[own.query.clone(), added].concat());
    }
}

fn is_token(name: &str) -> bool {
    matches!(name, "security-token" | "x-oss-security-token")
}

/// What came, whoever signed it.
fn read_oss(wire: &Wire, present: impl Fn(&Arrived<'_>, &Addressing) -> Option<Presented>) {
    let addressing = addressing();
    if let Err(problem) = oss::unsigned_address(&wire.arrived(), &addressing) {
        check_error(&problem);
    }
    if let Some(presented) = present(&wire.arrived(), &addressing) {
        judged(&presented, present(&wire.reversed().arrived(), &addressing).as_ref());
        // What reads one scheme is also what tells them apart.
        let told = oss::present(&wire.arrived(), &addressing);
        if let Ok(Some(told)) = &told {
            assert_eq!(told.string_to_sign(), presented.string_to_sign(), "two readings of one request");
        }
        assert!(!matches!(told, Ok(None)), "a signed request counts as unsigned");
    }
}

/// An object request of ours, made of the parts of an input.
struct Own {
    method: String,
    address: ObjectAddress,
    path: String,
    query: Pairs,
    headers: Pairs,
}

impl Own {
    fn of(wire: &Wire, reserved: impl Fn(&str) -> bool) -> Self {
        let (bucket, name) = wire.path.strip_prefix('/').unwrap_or(&wire.path).split_once('/').unwrap_or((&wire.path, ""));
        let bucket = bucket.replace('/', "b");
        let address = match (bucket.is_empty(), name.is_empty()) {
            (true, _) => ObjectAddress::Service,
            (false, true) => ObjectAddress::Bucket(bucket),
            (false, false) => ObjectAddress::Object { bucket, key: name.to_owned() },
        };
        let path = form::percent_encode_path(&address.resource());
        let headers = without(&wire.headers, |name| {
            matches!(name, "authorization" | "host" | "date" | "x-oss-date" | "x-oss-content-sha256") || is_token(name)
        });
        let headers = [vec![("host".to_owned(), ENDPOINT.to_owned())], headers].concat();
        Self { method: wire.method.clone(), address, path, query: without(&wire.query, |name| name.is_empty() || reserved(name)), headers }
    }

    fn unsigned(&self) -> Unsigned<'_> {
        Unsigned { method: &self.method, address: &self.address, query: &self.query, headers: &self.headers }
    }

    /// Signed by us with these headers and this query, it verifies and names what was signed; under another path it does not.
    fn check(&self, headers: &[(String, String)], query: &[(String, String)]) {
        let addressing = addressing();
        let arrived = Arrived { method: &self.method, path: &self.path, query, headers, form: &[], body_sha256: None };
        let Ok(Some(signed)) = oss::present(&arrived, &addressing) else { return };
        ours(&signed, None);
        let verified = signed.verify(&key().secret).ok();
        assert_eq!(verified.as_ref().and_then(|verified| verified.address()), Some(&self.address), "another object was read");
        assert_eq!(signed.security_token(), Some("a token"), "another token was read");
        let longer = format!("{}x", self.path);
        ours(&signed, oss::present(&Arrived { path: &longer, ..arrived }, &addressing).ok().flatten().as_ref());
        let method = if self.method == "PUT" { "GET" } else { "PUT" };
        ours(&signed, oss::present(&Arrived { method, ..arrived }, &addressing).ok().flatten().as_ref());
    }
}

/// `Authorization` values, in a request that is good otherwise, for every scheme.
pub fn authorization(input: &[u8]) {
    let value = String::from_utf8_lossy(input).into_owned();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = vec![
        header("host", ENDPOINT),
        header("date", "Tue, 03 Dec 2024 12:12:12 GMT"),
        header("x-acs-action", "AssumeRole"),
        header("x-acs-version", "2015-04-01"),
        header("x-acs-date", "2024-12-03T12:12:12Z"),
        header("x-acs-signature-nonce", "a nonce"),
        header("x-acs-content-sha256", acs3::EMPTY_BODY_SHA256),
        header("accept", "application/json"),
        header("user-agent", "fuzz"),
    ];
    headers.push(("authorization".to_owned(), value));
    let arrived =
        Arrived { method: "GET", path: "/photos/a.jpg", query: &[], headers: &headers, form: &[], body_sha256: Some(sha256(b"")) };
    match acs::present(&arrived) {
        Err(problem) => check_error(&problem),
        Ok(presented) => {
            assert!(presented.is_some(), "a request with an authorization counts as unsigned");
            if let Some(presented) = presented {
                judged(&presented, Some(&presented));
            }
        }
    }
    match oss::present(&arrived, &addressing()) {
        Err(problem) => check_error(&problem),
        Ok(presented) => {
            assert!(presented.is_some(), "a request with an authorization counts as unsigned");
            if let Some(presented) = presented {
                judged(&presented, Some(&presented));
            }
        }
    }
}
