//! RPC 1.0 against the recorded vectors, spoiled in every way, and against itself.

use crate::common::{Request, header_list, nudged, pair, spoiled, text, vectors};
use proptest::prelude::*;
use serde_json::Value;
use tegata_model::{AccessKeyId, SecretKey, Timestamp};
use tegata_sign::{ArrivedProblem, Credential, Deviation, Scheme, acs, acs_rpc, acs_rpc::RpcProblem, form};

const COMMON: [&str; 7] =
    ["AccessKeyId", "Signature", "SignatureMethod", "SignatureNonce", "SignatureVersion", "SecurityToken", "Timestamp"];

fn request(case: &Value) -> Request {
    let r = &case["request"];
    Request::new(text(r, "method"), text(r, "target"), header_list(&r["headers"]), text(r, "body"))
}

fn secret(case: &Value) -> SecretKey {
    SecretKey::new(text(case, "access_key_secret").into())
}

/// The deviation, if it is accepted as a request of that key.
fn judged(request: &Request, key: &str, secret: &SecretKey) -> Result<Option<Deviation>, String> {
    let presented = acs::present(&request.arrived()).map_err(|e| e.to_string())?.ok_or("unsigned")?;
    if presented.access_key_id().as_str() != key {
        return Err("another key".into());
    }
    presented.verify(secret).map(|v| v.deviation()).map_err(|e| e.to_string())
}

#[test]
fn every_vector() {
    replay("rpc-v1.json", 24);
}

/// What the `aliyun` command line sent to a development server, in each of its modes.
#[test]
fn the_vendors_command_line() {
    replay("aliyun-cli.json", 20);
}

fn replay(file: &str, count: usize) {
    let file = vectors(file);
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), count);
    for case in cases {
        let name = text(case, "name");
        if case["signed"].as_bool() == Some(false) {
            // Judged by what it carries, not by a signature.
            assert!(matches!(acs::present(&request(case).arrived()), Ok(None)), "{name}");
            continue;
        }
        let (request, key, secret) = (request(case), text(case, "access_key_id"), secret(case));
        let verdict = judged(&request, key, &secret);
        let lenient = case["valid_with_plus_for_space"].as_bool() == Some(true);
        let valid = case["valid"].as_bool().unwrap();
        assert_eq!(verdict.is_ok(), valid || lenient, "{name}: {verdict:?}");
        if name.starts_with("negative-") {
            continue;
        }
        assert_eq!(verdict.unwrap(), lenient.then_some(Deviation::SpaceAsPlus), "{name}");

        let presented = acs_rpc::present(&request.arrived()).unwrap();
        assert_eq!(presented.scheme(), Scheme::AcsRpc);
        assert_eq!(presented.string_to_sign(), text(case, "string_to_sign"), "{name}");
        let all: Vec<_> = request.query.iter().chain(&request.form).map(|(n, v)| (n.as_str(), v.as_str())).collect();
        for (name, value) in &all {
            assert_eq!(case["decoded_params"][name].as_str(), Some(*value));
        }
        let signed: Vec<_> = all.iter().copied().filter(|(name, _)| *name != "Signature").collect();
        let canonical = acs_rpc::canonical_query(&signed);
        assert_eq!(canonical, text(case, "canonical_query"), "{name}");
        let again = form::decode(&canonical).unwrap();
        let again: Vec<_> = again.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(acs_rpc::canonical_query(&again), canonical, "idempotent");
        if let Some(expected) = case["lenient_string_to_sign"].as_str() {
            assert_eq!(acs_rpc::string_to_sign(&request.method, &canonical.replace("%20", "+")), expected);
        }

        // The signer produces it.
        let business: Vec<_> = request.query.iter().chain(&request.form).filter(|(n, _)| !COMMON.contains(&n.as_str())).cloned().collect();
        let id = AccessKeyId::new(key).unwrap();
        let credential = Credential { access_key_id: &id, secret: &secret, security_token: request.parameter("SecurityToken") };
        let at = Timestamp::parse_iso(request.parameter("Timestamp").unwrap()).unwrap();
        let added = acs_rpc::sign(&request.method, &business, &credential, at, request.parameter("SignatureNonce").unwrap());
        assert_eq!(added.last().unwrap().1, text(case, "computed_signature"), "{name}");
        assert_eq!(presented.signed_at(), Some(at));
        assert_eq!(presented.nonce(), request.parameter("SignatureNonce"));
        assert_eq!(presented.security_token(), request.parameter("SecurityToken"));

        // And nothing else is accepted.
        let refuse = |what: &str, spoiled: Request| {
            let verdict = judged(&spoiled, key, &secret);
            assert!(verdict.is_err(), "{name}: {what} accepted: {spoiled:?}");
        };
        refuse("method", request.with(|r| r.method = if r.method == "GET" { "POST" } else { "GET" }.into()));
        refuse("path", request.with(|r| r.path = "/x".into()));
        refuse("added", request.with(|r| r.query.push(pair("Extra", ""))));
        refuse("added to form", request.with(|r| r.form.push(pair("Extra", "1"))));
        for at in 0..request.query.len() {
            for (what, list) in spoiled(&request.query, at) {
                refuse(what, request.with(|r| r.query = list));
            }
        }
        for at in 0..request.form.len() {
            for (what, list) in spoiled(&request.form, at) {
                refuse(what, request.with(|r| r.form = list));
            }
        }
        // Query and form are one list: where a parameter stands is not signed, its only occurrence is.
        assert!(judged(&request.with(|r| r.form.append(&mut r.query)), key, &secret).is_ok());
        assert!(judged(&request.with(|r| r.headers.clear()), key, &secret).is_ok(), "headers are noise");
        let other = SecretKey::new(nudged(secret.expose()));
        assert!(judged(&request, key, &other).is_err());
    }
}

fn signed(parameters: &[(String, String)]) -> Request {
    let (id, secret) = (AccessKeyId::new("testid").unwrap(), SecretKey::new("testsecret".into()));
    let credential = Credential { access_key_id: &id, secret: &secret, security_token: None };
    let added = acs_rpc::sign("POST", parameters, &credential, Timestamp::from_unix(1_700_000_000), "n");
    Request { method: "POST".into(), path: "/".into(), query: added, form: parameters.to_vec(), ..Request::default() }
}

#[test]
fn each_problem_has_its_name() {
    let request = signed(&[pair("Action", "GetCallerIdentity")]);
    let problem = |r: Request| acs_rpc::present(&r.arrived()).unwrap_err();
    let set =
        |name: &str, value: &str| request.with(|r| r.query.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| *v = value.into()));
    for name in ["AccessKeyId", "Signature", "SignatureMethod", "SignatureNonce", "SignatureVersion", "Timestamp"] {
        assert_eq!(problem(set(name, "")), RpcProblem::Missing { name });
        assert_eq!(problem(request.with(|r| r.query.retain(|(n, _)| n != name))), RpcProblem::Missing { name });
    }
    assert_eq!(problem(set("SignatureMethod", "HMAC-SHA256")), RpcProblem::UnsupportedAlgorithm { given: "HMAC-SHA256".into() });
    assert_eq!(problem(set("SignatureVersion", "2.0")), RpcProblem::UnsupportedVersion { given: "2.0".into() });
    assert_eq!(problem(set("AccessKeyId", "a b")), RpcProblem::AccessKeyId { given: "a b".into() });
    assert_eq!(problem(set("Timestamp", "2024-03-05 06:07:08")), RpcProblem::Timestamp { given: "2024-03-05 06:07:08".into() });
    let twice = ArrivedProblem::ParameterRepeated { name: "Action".into() };
    assert_eq!(problem(request.with(|r| r.query.push(pair("Action", "Other")))), twice.into());
    let private = request.with(|r| r.query.push(pair("SignatureType", "PRIVATEKEY")));
    assert_eq!(problem(private), RpcProblem::UnsupportedType { given: "PRIVATEKEY".into() });
    let many = request.with(|r| r.form = (0..1024).map(|i| pair(&format!("p{i}"), "")).collect());
    assert_eq!(problem(many), ArrivedProblem::TooMany { what: "parameters", limit: 1024 }.into());
    assert_eq!(problem(set("SignatureNonce", &"n".repeat(129))), ArrivedProblem::TooLong { what: "SignatureNonce", limit: 128 }.into());
}

#[test]
fn plus_for_space_does_not_reach_a_literal_plus() {
    // Signed in the lenient way with a space, sent with a plus: another text, refused.
    let key = SecretKey::new("testsecret".into());
    let request = signed(&[pair("Policy", "a b")]);
    assert_eq!(judged(&request, "testid", &key), Ok(None));
    assert!(judged(&request.with(|r| r.form[0].1 = "a+b".into()), "testid", &key).is_err());
    assert!(judged(&request.with(|r| r.form[0].1 = "a%20b".into()), "testid", &key).is_err());
}

proptest! {
    #[test]
    fn what_is_signed_verifies(parameters in prop::collection::btree_map("\\PC{1,12}", "\\PC{0,40}", 0..12)) {
        let parameters: Vec<_> = parameters.into_iter().filter(|(n, _)| !COMMON.contains(&n.as_str()) && n != "SignatureType").collect();
        let request = signed(&parameters);
        prop_assert_eq!(judged(&request, "testid", &SecretKey::new("testsecret".into())), Ok(None));
        let wire = form::decode(&form::encode(&request.query)).unwrap();
        prop_assert_eq!(wire, request.query);
    }

    #[test]
    fn presenting_never_panics(method in ".{0,8}", path in ".{0,20}", query in prop::collection::vec((".{0,12}", ".{0,20}"), 0..12), headers in prop::collection::vec((".{0,12}", ".{0,20}"), 0..8)) {
        let request = Request { method, path, query, headers, ..Request::default() };
        let _ = (acs::present(&request.arrived()), acs_rpc::present(&request.arrived()));
    }
}
