//! Runs `vectors/sam-permission.json`, and what holds for every document.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{Context, Decision, Request, Resource, Truth, decide, explain};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../vectors/sam-permission.json")).unwrap()
}

fn apis(vectors: &Value) -> Vec<Api<'_>> {
    let rows = vectors["apis"].as_array().unwrap();
    rows.iter().map(|row| Api { name: row[0].as_str().unwrap(), action: row[1].as_str().unwrap(), resource: row[2].as_str() }).collect()
}

fn text(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

fn run(case: &Value, apis: &[Api<'_>]) -> &'static str {
    let read = |document: &Value| match case["kind"].as_str() {
        Some("stored") => compile_stored(&text(document), "p", apis),
        _ => Document::parse(&text(document)).unwrap().compile(apis),
    };
    let policies: Vec<Policy> = case["documents"].as_array().unwrap().iter().map(read).collect();
    let mut context = Context::new();
    for (key, value) in case["request"]["context"].as_object().unwrap() {
        context.set(key, value.as_str().unwrap());
    }
    let action = match case["request"]["api"].as_str() {
        Some(name) => apis.iter().find(|api| api.name == name).unwrap().action,
        None => case["request"]["action"].as_str().unwrap(),
    };
    let resource = Resource::parse(case["request"]["resource"].as_str().unwrap()).unwrap();
    let request = Request { action, alias: None, resource, principal: None, context: &context };
    match decide(&request, &policies) {
        Decision::Allow { .. } => "Allow",
        Decision::ExplicitDeny { .. } => "ExplicitDeny",
        Decision::ImplicitDeny => "ImplicitDeny",
    }
}

#[test]
fn every_case() {
    let vectors = vectors();
    let apis = apis(&vectors);
    let cases = vectors["cases"].as_array().unwrap();
    let valid = |good: bool| if good { "Valid" } else { "Malformed" };
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let got = match case["kind"].as_str().unwrap() {
                "validate" => valid(Document::parse(&text(&case["document"])).is_ok()),
                "trust" => valid(TrustDocument::parse(&text(&case["document"])).is_ok()),
                _ => run(case, &apis),
            };
            (case["expected"] != got).then(|| format!("{}: {got}, expected {} ({})", case["name"], case["expected"], case["why"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(cases.len() >= 100);
}

#[test]
fn problems_are_told_with_their_place() {
    let told = |text: &str| Document::parse(text).unwrap_err().to_string();
    assert_eq!(
        told(r#"{"statements":[{"effect":"alow","api":"*"}]}"#),
        "`statements[1].effect`: expected `allow` or `deny`; did you mean `allow`?"
    );
    assert_eq!(
        told(r#"{"statements":[{"effect":"deny","api":["*","x"]}]}"#),
        "`statements[1].api[2]`: expected `*`, `<group>:*`, `<group>:<beginning>*` or `<group>:<name>`"
    );
    assert_eq!(
        told(r#"{"statements":[{"effect":"deny","api":"*","condition":"currentTime == 1"}]}"#),
        "`statements[1].condition`: `currentTime` is not known here"
    );
}

#[test]
fn an_explanation_shows_what_a_condition_saw() {
    let document = r#"{"statements":[{"effect":"allow","api":"User:*","condition":"pathVariable('user_name') == samUserName"}]}"#;
    let vectors = vectors();
    let policy = Document::parse(document).unwrap().compile(&apis(&vectors)).labelled("permission of bob");
    let mut context = Context::new();
    context.set("sam:UserName", "bob");
    context.set("sam:PathVariable/user_name", "carol");
    let resource = Resource::parse("acs:ram::1:user/carol").unwrap();
    let request = Request { action: "ram:CreateUser", alias: None, resource, principal: None, context: &context };
    let told = explain(&request, &policy);
    assert!(told[0].action && told[0].applies == Truth::No);
    let seen = &told[0].conditions[0];
    assert_eq!((seen.operator.as_str(), seen.key.as_str()), ("==", "sam:PathVariable/user_name"));
    assert_eq!((seen.wanted[0].as_str(), seen.seen.clone().unwrap()[0].as_str()), ("the value of sam:UserName", "carol"));
}

fn term() -> impl Strategy<Value = Condition> {
    let relation = prop::sample::select(vec![
        Relation::Equal,
        Relation::NotEqual,
        Relation::Less,
        Relation::LessOrEqual,
        Relation::Greater,
        Relation::GreaterOrEqual,
    ]);
    let date = prop_oneof![Just(Term::CurrentDate), (1970u16..=9999, 1u8..=12, 1u8..=28).prop_map(|(y, m, d)| Term::Date(y, m, d))];
    let date = (date.clone(), relation.clone(), date).prop_map(|(a, r, b)| Condition::Compare(a, r, b));
    let number = prop_oneof![Just("0"), Just("-12.50"), Just("007")].prop_map(|n| Term::Number(n.to_owned()));
    let number = (number.clone(), relation, number).prop_map(|(a, r, b)| Condition::Compare(a, r, b));
    let text =
        prop_oneof![Just(Term::UserName), "[a-z_]{1,8}".prop_map(Term::PathVariable), r#"[a-zé'"\\ ()!]{0,8}"#.prop_map(Term::Text),];
    let equality = prop::sample::select(vec![Relation::Equal, Relation::NotEqual]);
    let text = (text.clone(), equality, text).prop_map(|(a, r, b)| Condition::Compare(a, r, b));
    let address = prop::sample::select(vec!["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]).prop_map(|n| Condition::Address(n.to_owned()));
    prop_oneof![date, number, text, address]
}

fn condition() -> impl Strategy<Value = Condition> {
    term().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::Or),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::And),
            inner.prop_map(|part| Condition::Not(Box::new(part))),
        ]
    })
}

fn statement() -> impl Strategy<Value = Statement> {
    let api = prop::sample::select(vec!["*", "User:*", "User:list*", "User:createUser", "Role:*", "Sim:listSims", "Operator:g*"]);
    let apis = prop::collection::vec(api.prop_map(str::to_owned), 1..4);
    let effect = prop::sample::select(vec![Effect::Allow, Effect::Deny]);
    (effect, apis, prop::option::of(condition())).prop_map(|(effect, apis, condition)| Statement { effect, apis, condition })
}

fn document() -> impl Strategy<Value = Document> {
    prop::collection::vec(statement(), 0..5).prop_map(|statements| Document { statements })
}

fn answer(documents: &[Document], action: &str, user: &str) -> Decision {
    let vectors = vectors();
    let policies: Vec<Policy> = documents.iter().map(|document| document.compile(&apis(&vectors))).collect();
    let mut context = Context::new();
    context.set("acs:SourceIp", "192.0.2.7");
    context.set("acs:CurrentTime", "2026-01-02T03:04:05Z");
    context.set("sam:UserName", "a");
    context.set("sam:PathVariable/a", user);
    let resource = Resource::parse("acs:ram::1:user/a").unwrap();
    decide(&Request { action, alias: None, resource, principal: None, context: &context }, &policies)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_out_reads_the_same(document in document()) {
        let printed = document.to_string();
        let again = Document::parse(&printed).unwrap();
        prop_assert_eq!(&again, &document, "{}", printed);
    }

    #[test]
    fn a_deny_wins_and_order_is_irrelevant(mut document in document(), action in prop::sample::select(vec!["ram:CreateUser", "ram:ListUsers", "ram:CreateAccessKey", "oss:GetObject"])) {
        let straight = answer(&[document.clone()], action, "a");
        document.statements.reverse();
        let turned = answer(&[document.clone()], action, "a");
        prop_assert_eq!(std::mem::discriminant(&straight), std::mem::discriminant(&turned));
        let split: Vec<Document> = document.statements.iter().map(|one| Document { statements: vec![one.clone()] }).collect();
        prop_assert_eq!(std::mem::discriminant(&straight), std::mem::discriminant(&answer(&split, action, "a")));
        document.statements.push(Statement { effect: Effect::Deny, apis: vec!["*".to_owned()], condition: None });
        let denied = matches!(answer(&[document], action, "a"), Decision::ExplicitDeny { .. });
        prop_assert!(denied);
    }

    #[test]
    fn arbitrary_conditions_are_refused_quietly(text in r#"[a-zA-Z0-9 ()'"!=<>,.é-]{0,60}"#) {
        if let Err(problem) = Condition::parse(&text) { prop_assert!(!problem.is_empty()) }
    }

    #[test]
    fn arbitrary_text_is_refused_quietly(text in any::<String>()) {
        let _ = (Document::parse(&text), TrustDocument::parse(&text), compile_stored(&text, "p", &[]));
    }
}
