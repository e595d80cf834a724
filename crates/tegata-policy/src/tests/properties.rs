//! What holds for every policy and every request.

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use crate::*;

const ACCOUNT: &str = "1000000000000001";
const KEYS: [&str; 3] = ["acs:SourceIp", "k", "K2"];
const VALUES: [&str; 10] = ["192.0.2.1", "::1", "1", "2.5", "true", "false", "2026-01-01T00:00:00Z", "a", "A", ""];

fn operand() -> impl Strategy<Value = (&'static str, Vec<&'static str>)> {
    let of = |operators: Vec<&'static str>, values: Vec<&'static str>| (select(operators), prop::collection::vec(select(values), 1..3));
    prop_oneof![
        of(vec!["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"], VALUES.to_vec()),
        of(vec!["StringLike", "StringNotLike"], vec!["*", "a*", "?", "1*2*", ""]),
        of(vec!["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"], vec!["1", "2.50", "-3"]),
        of(
            vec!["DateEquals", "DateNotEquals", "DateLessThanEquals", "DateGreaterThan"],
            vec!["2026-01-01T00:00:00Z", "2026-01-01T08:00:00+09:00"]
        ),
        of(vec!["Bool"], vec!["true", "false"]),
        of(vec!["IpAddress", "NotIpAddress"], vec!["192.0.2.0/24", "::/0", "203.0.113.9"]),
    ]
}

fn conditions() -> impl Strategy<Value = Value> {
    prop::collection::vec((operand(), select(&KEYS[..])), 0..3).prop_map(|all| {
        let mut out = json!({});
        for ((operator, values), key) in all {
            out[operator][key] = json!(values);
        }
        out
    })
}

pub(super) fn statement(effects: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let action = select(vec!["*", "oss:*", "oss:Get*", "OSS:getobject", "*:Put*", "sts:AssumeRole", "oss:??tObject"]);
    let resource =
        select(vec!["*", "acs:oss:*:*:media/*", "acs:oss::1000000000000001:media", "acs:*:*:*:*", "acs:oss:*:media", "acs:oss:*:2*:*"]);
    let actions = (select(vec!["Action", "Action", "NotAction"]), prop::collection::vec(action, 1..3));
    (select(effects), actions, prop::collection::vec(resource, 1..3), prop::option::of(conditions())).prop_map(
        |(effect, (name, actions), resources, condition)| {
            let mut out = json!({"Effect": effect, "Resource": resources});
            out[name] = json!(actions);
            if let Some(condition) = condition {
                out["Condition"] = condition;
            }
            out
        },
    )
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(statement(&["Allow", "Allow", "Allow", "Deny"]), 1..4)
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    prop::collection::vec(statements().prop_map(|statements| compile(&statements)), 0..3)
}

pub(super) fn compile(statements: &[Value]) -> Policy {
    ram::parse(&json!({"Version": "1", "Statement": statements}).to_string(), DocumentKind::Identity).unwrap()
}

/// A request that owns its texts.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    action: &'static str,
    resource: &'static str,
    owner: bool,
    context: Context,
}

impl Asked {
    pub(super) fn request(&self) -> Request<'_> {
        let resource = Resource::parse(self.resource).unwrap();
        let user = Principal::User { account: ACCOUNT, name: "alice", id: None };
        let principal = Some(if self.owner { Principal::Account { account: ACCOUNT } } else { user });
        Request { action: self.action, alias: None, resource, principal, context: &self.context }
    }
}

pub(super) fn asked() -> impl Strategy<Value = Asked> {
    let action = select(vec!["oss:GetObject", "oss:PutObject", "sts:AssumeRole", "ecs:DescribeInstances"]);
    let resource = select(vec![
        "acs:oss:*:1000000000000001:media/a.jpg",
        "acs:oss::1000000000000001:media",
        "acs:oss:*:2000000000000002:x",
        "acs:ecs:::i",
    ]);
    let values = prop::collection::vec(select(&VALUES[..]), 0..3);
    let context = prop::collection::vec((select(&KEYS[..]), values), 0..3).prop_map(|entries| {
        let mut context = Context::new();
        for (key, values) in entries {
            context.set_many(key, values.into_iter().map(str::to_owned).collect());
        }
        context
    });
    (action, resource, prop::bool::weighted(0.1), context).prop_map(|(action, resource, owner, context)| Asked {
        action,
        resource,
        owner,
        context,
    })
}

fn kind() -> impl Strategy<Value = LayerKind> {
    select(vec![LayerKind::Control, LayerKind::Session, LayerKind::Identity, LayerKind::Identity, LayerKind::Trust, LayerKind::Resource])
}

fn stack() -> impl Strategy<Value = Vec<(LayerKind, Vec<Policy>)>> {
    prop::collection::vec((kind(), policies()), 0..4)
}

fn layers(stack: &[(LayerKind, Vec<Policy>)]) -> Vec<Layer<'_>> {
    stack.iter().map(|(kind, policies)| Layer { kind: *kind, policies: policies.iter().collect() }).collect()
}

fn allowed(asked: &Asked, stack: &[(LayerKind, Vec<Policy>)]) -> bool {
    evaluate(&asked.request(), &layers(stack)).allowed
}

fn shape(decision: &Decision) -> (std::mem::Discriminant<Decision>, usize) {
    (std::mem::discriminant(decision), decision.by().len())
}

/// Turns every list of the document round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().rev().map(reversed).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), reversed(value))).collect(),
        other => other.clone(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = vec![
        "Version",
        "Statement",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "Principal",
        "Condition",
        "RAM",
        "Bool",
        "IpAddress",
        "1",
        "Allow",
        "*",
        "k",
    ];
    let text = prop_oneof![select(words).prop_map(str::to_owned), any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn adding_a_deny_never_allows(
        asked in asked(), stack in stack(), deny in statement(&["Deny"]), at in any::<prop::sample::Index>(), apart in any::<bool>(),
    ) {
        let before = allowed(&asked, &stack);
        let mut after = stack.clone();
        if stack.is_empty() || apart {
            after.push((LayerKind::Resource, vec![compile(&[deny])]));
        } else {
            after[at.index(stack.len())].1.push(compile(&[deny]));
        }
        prop_assert!(before || !allowed(&asked, &after));
    }

    #[test]
    fn adding_a_deny_to_a_document_never_allows(asked in asked(), statements in statements(), deny in statement(&["Deny"])) {
        let mut more = statements.clone();
        more.push(deny);
        let (before, after) = (decide(&asked.request(), [&compile(&statements)]), decide(&asked.request(), [&compile(&more)]));
        prop_assert!(before.is_allow() || !after.is_allow());
    }

    #[test]
    fn a_session_layer_never_widens(asked in asked(), stack in stack(), limit in policies(), control in any::<bool>()) {
        let mut after = stack.clone();
        after.push((if control { LayerKind::Control } else { LayerKind::Session }, limit));
        prop_assert!(allowed(&asked, &stack) || !allowed(&asked, &after));
    }

    #[test]
    fn order_is_irrelevant(asked in asked(), documents in prop::collection::vec(statements(), 1..4), stack in stack()) {
        let straight: Vec<Policy> = documents.iter().map(|statements| compile(statements)).collect();
        let turned: Vec<Policy> = documents.iter().rev().map(|statements| compile(reversed(&json!(statements)).as_array().unwrap())).collect();
        let (a, b) = (decide(&asked.request(), &straight), decide(&asked.request(), &turned));
        prop_assert_eq!(shape(&a), shape(&b));
        let mut other = stack.clone();
        other.reverse();
        prop_assert_eq!(allowed(&asked, &stack), allowed(&asked, &other));
    }

    #[test]
    fn an_unreadable_policy_never_allows(asked in asked(), mut stack in stack(), kind in kind(), at in any::<prop::sample::Index>()) {
        stack.push((kind, Vec::new()));
        let at = at.index(stack.len());
        stack[at].1.push(Policy::unreadable("lost"));
        let verdict = evaluate(&asked.request(), &layers(&stack));
        prop_assert!(!verdict.allowed);
        let denied = matches!(verdict.layers[at].decision, Decision::ExplicitDeny { .. });
        prop_assert!(denied);
    }

    #[test]
    fn an_explanation_agrees_with_the_decision(asked in asked(), statements in statements()) {
        let policy = compile(&statements).labelled("p");
        let told = explain(&asked.request(), &policy);
        prop_assert_eq!(told.len(), policy.len());
        let of = |effect, truths: &[Truth]| -> Vec<StatementRef> {
            told.iter().filter(|told| told.effect == effect && truths.contains(&told.applies)).map(|told| told.at.clone()).collect()
        };
        let (allows, denies) = (of(Effect::Allow, &[Truth::Yes]), of(Effect::Deny, &[Truth::Yes, Truth::Unknown]));
        let wanted = match (denies.is_empty(), allows.is_empty()) {
            (false, _) => Decision::ExplicitDeny { by: denies },
            (true, false) => Decision::Allow { by: allows },
            (true, true) => Decision::ImplicitDeny,
        };
        prop_assert_eq!(decide(&asked.request(), [&policy]), wanted);
        for told in told {
            let parts = Truth::all([told.action.into(), told.resource.into(), told.principal.into()].into_iter().chain(told.conditions.iter().map(|c| c.held)));
            prop_assert_eq!(parts, told.applies);
        }
    }

    #[test]
    fn arbitrary_text_is_refused_quietly(text in any::<String>()) {
        for kind in [DocumentKind::Identity, DocumentKind::Trust] {
            if let Err(error) = ram::parse(&text, kind) { prop_assert!(!error.to_string().is_empty()) }
        }
    }

    #[test]
    fn arbitrary_json_is_refused_quietly(value in any_json(), statement in any_json(), asked in asked()) {
        for text in [value.to_string(), json!({"Version": "1", "Statement": [statement]}).to_string()] {
            for kind in [DocumentKind::Identity, DocumentKind::Trust] {
                if let Ok(policy) = ram::parse(&text, kind) { let _ = decide(&asked.request(), [&policy]); }
            }
        }
    }

    #[test]
    fn a_damaged_document_is_read_or_refused(statements in statements(), at in any::<prop::sample::Index>(), with in any::<char>(), asked in asked()) {
        let mut text: Vec<char> = json!({"Version": "1", "Statement": statements}).to_string().chars().collect();
        let at = at.index(text.len());
        text[at] = with;
        if let Ok(policy) = ram::parse(&text.into_iter().collect::<String>(), DocumentKind::Identity) {
            let _ = explain(&asked.request(), &policy);
        }
    }
}
