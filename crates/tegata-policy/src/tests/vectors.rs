//! Runs `vectors/ram-policy.json`.

use serde_json::Value;

use crate::*;

fn read(document: &Value, kind: DocumentKind) -> Policy {
    ram::parse(&document.to_string(), kind).unwrap()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn principal(value: &Value) -> Option<Principal<'_>> {
    let (account, name) = (text(value, "account"), text(value, "name"));
    Some(match value["type"].as_str()? {
        "Account" => Principal::Account { account },
        "RAMUser" => Principal::User { account, name, id: None },
        "AssumedRoleUser" => Principal::RoleSession { account, role: name, id: None },
        "Service" => Principal::Service(name),
        "Federated" => Principal::Federated { arn: text(value, "arn"), id: None },
        other => panic!("{other}"),
    })
}

fn context(value: &Value) -> Context {
    let mut context = Context::new();
    for (key, value) in value.as_object().unwrap() {
        match value {
            Value::Array(values) => context.set_many(key, values.iter().map(|v| v.as_str().unwrap().to_owned()).collect()),
            value => context.set(key, value.as_str().unwrap()),
        }
    }
    context
}

fn validate(case: &Value) -> &'static str {
    let document = match &case["document"] {
        Value::String(text) => text.clone(),
        document => document.to_string(),
    };
    let kind = if case["doc_type"] == "trust" { DocumentKind::Trust } else { DocumentKind::Identity };
    if ram::parse(&document, kind).is_ok() { "Valid" } else { "Malformed" }
}

fn run(case: &Value) -> &'static str {
    let of = |name: &str, kind| match &case[name] {
        Value::Null => None,
        Value::Array(documents) => Some(documents.iter().map(|document| read(document, kind)).collect::<Vec<_>>()),
        document => Some(vec![read(document, kind)]),
    };
    let present = [
        (LayerKind::Session, of("session_policy", DocumentKind::Identity)),
        (LayerKind::Identity, of("identity_policies", DocumentKind::Identity)),
        (LayerKind::Trust, of("trust_policy", DocumentKind::Trust)),
    ];
    let layers: Vec<Layer<'_>> = present
        .iter()
        .filter_map(|(kind, policies)| policies.as_ref().map(|policies| Layer { kind: *kind, policies: policies.iter().collect() }))
        .collect();
    let request = &case["request"];
    let context = context(&request["context"]);
    let request = Request {
        alias: None,
        action: text(request, "action"),
        resource: Resource::parse(request["resource"].as_str().unwrap_or("acs:ram:*:100000000000001:role/deploy")).unwrap(),
        principal: principal(&request["principal"]),
        context: &context,
    };
    let verdict = evaluate(&request, &layers);
    assert_eq!(verdict.allowed, verdict.deciding.decision.is_allow());
    match verdict.deciding.decision {
        Decision::Allow { .. } => "Allow",
        Decision::ExplicitDeny { .. } => "ExplicitDeny",
        Decision::ImplicitDeny => "ImplicitDeny",
    }
}

#[test]
fn every_case() {
    let vectors: Value = serde_json::from_str(include_str!("../../../../vectors/ram-policy.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 85);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let got = if case["kind"] == "validate" { validate(case) } else { run(case) };
            (case["expected"] != got).then(|| format!("{}: {got}, expected {} ({})", case["name"], case["expected"], case["why"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
