//! What the vectors do not say: unknown values, bound ids, layers, explanations.

use crate::*;

const ACCOUNT: &str = "1000000000000001";

fn policy(statements: &str) -> Policy {
    ram::parse(&format!(r#"{{"Version":"1","Statement":[{statements}]}}"#), DocumentKind::Identity).unwrap().labelled("p")
}

fn all(effect: &str) -> Policy {
    policy(&format!(r#"{{"Effect":"{effect}","Action":"*","Resource":"*"}}"#)).labelled(effect)
}

fn when(effect: &str, condition: &str) -> Policy {
    policy(&format!(r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{condition}}}"#))
}

fn trust(effect: &str, principal: &str) -> Policy {
    let text = format!(r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","Action":"sts:AssumeRole","Principal":{{{principal}}}}}]}}"#);
    ram::parse(&text, DocumentKind::Trust).unwrap().labelled("trust")
}

fn request(context: &Context) -> Request<'_> {
    let resource = Resource { service: "ram", region: "", account: ACCOUNT, relative: "role/deploy" };
    Request { action: "sts:AssumeRole", alias: None, resource, principal: None, context }
}

fn alice(id: Option<[u8; 16]>) -> Principal<'static> {
    Principal::User { account: ACCOUNT, name: "alice", id }
}

fn with(principal: Principal<'_>, policy: &Policy) -> Decision {
    decide(&Request { principal: Some(principal), ..request(&Context::new()) }, [policy])
}

fn one(policy: &str, index: usize) -> Vec<StatementRef> {
    vec![StatementRef { policy: policy.into(), index }]
}

#[test]
fn a_request_value_that_cannot_be_read_counts_for_a_deny_and_against_an_allow() {
    for (condition, good) in [
        (r#"{"IpAddress":{"k":"192.0.2.0/24"}}"#, "192.0.2.1"),
        (r#"{"NotIpAddress":{"k":"192.0.2.0/24"}}"#, "198.51.100.1"),
        (r#"{"NumericLessThan":{"k":"10"}}"#, "9.99"),
        (r#"{"NumericNotEquals":{"k":"10"}}"#, "9"),
        (r#"{"DateLessThan":{"k":"2026-01-01T00:00:00Z"}}"#, "2025-12-31T23:59:59Z"),
        (r#"{"DateNotEquals":{"k":"2026-01-01T00:00:00Z"}}"#, "2025-12-31T23:59:59Z"),
        (r#"{"Bool":{"k":"true"}}"#, "true"),
    ] {
        let mut context = Context::new();
        context.set("k", "what?");
        assert_eq!(decide(&request(&context), [&when("Allow", condition)]), Decision::ImplicitDeny, "{condition}");
        assert_eq!(decide(&request(&context), [&when("Deny", condition)]), Decision::ExplicitDeny { by: one("p", 1) }, "{condition}");
        assert_eq!(explain(&request(&context), &when("Allow", condition))[0].applies, Truth::Unknown);
        context.set("k", good);
        assert_eq!(decide(&request(&context), [&when("Allow", condition)]), Decision::Allow { by: one("p", 1) }, "{condition}");
        context.set_many("K", vec!["what?".into(), good.into()]);
        let negated = condition.contains("Not");
        assert_eq!(decide(&request(&context), [&when("Allow", condition)]).is_allow(), !negated, "{condition}");
    }
}

#[test]
fn an_unknown_condition_in_a_statement_about_something_else_is_no_matter() {
    let mut context = Context::new();
    context.set("acs:SourceIp", "what?");
    let other = policy(r#"{"Effect":"Deny","Action":"oss:*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"::1"}}}"#);
    assert!(decide(&request(&context), [&other, &all("Allow")]).is_allow());
}

#[test]
fn an_absent_key_fits_nothing() {
    let context = Context::new();
    let allows = |condition| decide(&request(&context), [&when("Allow", condition)]).is_allow();
    assert!(!allows(r#"{"StringLike":{"k":"*"}}"#));
    assert!(allows(r#"{"StringNotLike":{"k":"*"}}"#));
    assert!(allows(r#"{"NotIpAddress":{"k":"::1"},"NumericNotEquals":{"k":"1"},"DateNotEquals":{"k":"2026-01-01T00:00:00Z"}}"#));
}

#[test]
fn text_without_case_is_not_only_ascii() {
    let mut context = Context::new();
    context.set("k", "ÄRGER");
    assert!(decide(&request(&context), [&when("Allow", r#"{"StringEqualsIgnoreCase":{"k":"ärger"}}"#)]).is_allow());
    assert!(!decide(&request(&context), [&when("Allow", r#"{"StringNotEqualsIgnoreCase":{"k":"ärger"}}"#)]).is_allow());
}

#[test]
fn both_spellings_of_region_and_account_match_both() {
    let context = Context::new();
    for pattern in ["acs:ram::1000000000000001:role/*", "ACS:RAM:*:1000000000000001:role/*", "acs:r?m:::role/deploy", "acs:*:*:*:*"] {
        for region in ["", "*", "cn-hangzhou"] {
            let policy = policy(&format!(r#"{{"Effect":"Allow","Action":"STS:assume*","Resource":"{pattern}"}}"#));
            let resource = Resource { region, ..request(&context).resource };
            assert!(decide(&Request { resource, ..request(&context) }, [&policy]).is_allow(), "{pattern} {region}");
        }
    }
    let one_character = policy(r#"{"Effect":"Allow","Action":"*","Resource":"acs:ram:?:*:*"}"#);
    assert!(decide(&request(&context), [&one_character]).is_allow(), "empty is read as the star that it means");
    let named = policy(r#"{"Effect":"Allow","Action":"*","Resource":"acs:ram:cn-hangzhou:*:*"}"#);
    assert!(!decide(&request(&context), [&named]).is_allow(), "no region is every region, not this one");
}

#[test]
fn principals_by_name_and_bound_to_ids() {
    let policy = trust("Allow", r#""RAM":["acs:ram::1000000000000001:user/Alice"]"#);
    assert!(with(alice(None), &policy).is_allow());
    assert!(!with(Principal::RoleSession { account: ACCOUNT, role: "alice", id: None }, &policy).is_allow());
    assert!(!with(Principal::User { account: "1000000000000002", name: "alice", id: None }, &policy).is_allow());

    let bound = policy.clone().bind(|_| Some([7; 16]));
    assert!(with(alice(Some([7; 16])), &bound).is_allow());
    assert!(with(Principal::User { account: ACCOUNT, name: "renamed", id: Some([7; 16]) }, &bound).is_allow());
    assert!(!with(alice(Some([8; 16])), &bound).is_allow(), "a recreated alice inherits nothing");
    assert!(!with(alice(None), &bound).is_allow(), "without an id nothing is proved");
    assert!(!with(alice(Some([7; 16])), &policy.clone().bind(|_| None)).is_allow());
    assert!(with(alice(None), &policy).is_allow(), "the original is as it was");

    let denies = trust("Deny", r#""RAM":"acs:ram::1000000000000001:user/alice""#).bind(|_| Some([7; 16]));
    assert_eq!(with(alice(None), &denies), Decision::ExplicitDeny { by: one("trust", 1) });
    assert_eq!(with(alice(Some([8; 16])), &denies), Decision::ImplicitDeny);
    assert_eq!(with(Principal::User { account: "1000000000000002", name: "alice", id: None }, &denies), Decision::ImplicitDeny);
}

#[test]
fn the_other_kinds_of_principal() {
    let policy = trust(
        "Allow",
        r#""RAM":["acs:ram::1000000000000001:root","acs:ram::1000000000000001:role/builder"],"Service":"ecs.aliyuncs.com",
           "Federated":"acs:ram::1000000000000001:oidc-provider/ci""#,
    );
    let mut asked = Vec::new();
    let bound = policy.bind(|name| {
        asked.push(name.to_string());
        (!matches!(name, PrincipalName::Federated(_))).then_some([1; 16])
    });
    assert_eq!(asked.len(), 4);
    assert!(with(alice(Some([9; 16])), &bound).is_allow());
    assert!(with(Principal::RoleSession { account: ACCOUNT, role: "any", id: None }, &bound).is_allow());
    assert!(!with(Principal::Account { account: ACCOUNT }, &bound).is_allow(), "root is not the owner");
    assert!(with(Principal::Service("ecs.aliyuncs.com"), &bound).is_allow());
    assert!(!with(Principal::Service("oss.aliyuncs.com"), &bound).is_allow());
    assert!(
        !with(Principal::Federated { arn: "acs:ram::1000000000000001:oidc-provider/ci", id: None }, &bound).is_allow(),
        "bound to nobody"
    );
    assert!(!decide(&request(&Context::new()), [&bound]).is_allow(), "anonymous");
}

#[test]
fn a_provider_is_known_by_its_id_once_bound() {
    let policy = trust("Allow", r#""Federated":"acs:ram::1000000000000001:oidc-provider/CI""#);
    let ci = |id| Principal::Federated { arn: "acs:ram::1000000000000001:oidc-provider/ci", id };
    assert!(with(ci(None), &policy).is_allow(), "by name, without case");
    let bound = policy.bind(|_| Some([7; 16]));
    assert!(with(ci(Some([7; 16])), &bound).is_allow());
    assert!(!with(ci(Some([8; 16])), &bound).is_allow(), "made again under the same name");
    assert!(!with(ci(None), &bound).is_allow());
}

#[test]
fn an_action_may_have_a_second_spelling() {
    let context = Context::new();
    let asked = |text: &str| {
        let policy = ram::parse(text, DocumentKind::Identity).unwrap();
        let request = Request { action: "ram:GetOIDCProvider", alias: Some("ims:GetOIDCProvider"), ..request(&context) };
        decide(&request, [&policy])
    };
    let one = |effect: &str, key: &str, action: &str| {
        format!(r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","{key}":"{action}","Resource":"*"}}]}}"#)
    };
    for action in ["ram:GetOIDCProvider", "IMS:getoidcprovider", "ims:Get*", "ram:*"] {
        assert!(asked(&one("Allow", "Action", action)).is_allow(), "{action}");
        assert!(matches!(asked(&one("Deny", "Action", action)), Decision::ExplicitDeny { .. }), "{action}");
        assert!(!asked(&one("Allow", "NotAction", action)).is_allow(), "{action}");
    }
    assert!(!asked(&one("Allow", "Action", "oss:GetOIDCProvider")).is_allow());
}

#[test]
fn layers() {
    use LayerKind::{Control, Identity, Resource as Target, Session, Trust};
    let (allow, deny) = (all("Allow"), all("Deny"));
    let context = Context::new();
    let verdict = |spec: &[(LayerKind, char)]| {
        let layers: Vec<Layer<'_>> = spec
            .iter()
            .map(|(kind, says)| {
                let policies = match says {
                    'a' => vec![&allow],
                    'd' => vec![&allow, &deny],
                    _ => vec![],
                };
                Layer { kind: *kind, policies }
            })
            .collect();
        let verdict = evaluate(&request(&context), &layers);
        assert_eq!(verdict.layers.len(), spec.len());
        assert_eq!(verdict.allowed, verdict.deciding.decision.is_allow());
        let mut reversed = layers;
        reversed.reverse();
        assert_eq!(evaluate(&request(&context), &reversed).allowed, verdict.allowed);
        (verdict.allowed, verdict.deciding.layer)
    };
    for (spec, wanted) in [
        (&[][..], (false, Identity)),
        (&[(Identity, 'a')], (true, Identity)),
        (&[(Identity, '-')], (false, Identity)),
        (&[(Session, 'a')], (false, Identity)),
        (&[(Control, 'a'), (Session, 'a')], (false, Identity)),
        (&[(Session, 'a'), (Identity, 'a')], (true, Identity)),
        (&[(Session, '-'), (Identity, 'd')], (false, Session)),
        (&[(Session, 'a'), (Session, '-'), (Identity, 'a')], (false, Session)),
        (&[(Control, '-'), (Session, 'd'), (Identity, 'a')], (false, Control)),
        (&[(Identity, 'a'), (Trust, 'a')], (true, Identity)),
        (&[(Identity, 'a'), (Trust, '-')], (false, Trust)),
        (&[(Identity, '-'), (Trust, 'd')], (false, Trust)),
        (&[(Trust, 'a')], (true, Trust)),
        (&[(Identity, '-'), (Target, 'a')], (true, Target)),
        (&[(Identity, 'a'), (Target, '-')], (true, Identity)),
        (&[(Identity, '-'), (Target, '-')], (false, Identity)),
        (&[(Identity, 'd'), (Target, 'a')], (false, Identity)),
        (&[(Identity, 'a'), (Target, 'd')], (false, Target)),
        (&[(Session, '-'), (Identity, '-'), (Target, 'a')], (false, Session)),
        (&[(Target, 'a')], (true, Target)),
        (&[(Target, '-')], (false, Identity)),
        (&[(Trust, 'a'), (Target, '-')], (false, Identity)),
    ] {
        assert_eq!(verdict(spec), wanted, "{spec:?}");
    }
}

#[test]
fn an_owner_owns_only_what_is_his() {
    let context = Context::new();
    let identity = Layer { kind: LayerKind::Identity, policies: vec![] };
    let owner = |account, layers: &[Layer<'_>]| {
        let principal = Some(Principal::Account { account });
        evaluate(&Request { principal, ..request(&context) }, layers).allowed
    };
    assert!(owner(ACCOUNT, std::slice::from_ref(&identity)));
    assert!(!owner("1000000000000002", std::slice::from_ref(&identity)));
    assert!(!owner("", std::slice::from_ref(&identity)));
    let root = trust("Allow", r#""RAM":"acs:ram::1000000000000001:root""#);
    assert!(!owner(ACCOUNT, &[identity.clone(), Layer { kind: LayerKind::Trust, policies: vec![&root] }]), "an owner assumes no role");
    let silent = Layer { kind: LayerKind::Session, policies: vec![] };
    assert!(!owner(ACCOUNT, &[identity.clone(), silent]), "a session limits an owner too");
    let deny = all("Deny");
    assert!(!owner(ACCOUNT, &[identity, Layer { kind: LayerKind::Resource, policies: vec![&deny] }]));
}

#[test]
fn a_decision_names_all_its_statements() {
    let two = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"oss:*","Resource":"*"},
           {"Effect":"Allow","NotAction":"oss:*","Resource":"*"}"#,
    )
    .labelled("media");
    let decision = decide(&request(&Context::new()), [&two, &all("Allow")]);
    let told: Vec<String> = decision.by().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["`media` statement 1", "`media` statement 3", "`Allow` statement 1"]);
}

#[test]
fn an_explanation_says_which_part_failed() {
    let mut context = Context::new();
    context.set("acs:sourceip", "198.51.100.7");
    let policy = policy(
        r#"{"Effect":"Allow","Action":"oss:*","Resource":"acs:ram:*:*:role/deploy"},
           {"Effect":"Deny","Action":"*","Resource":"*",
            "Condition":{"NotIpAddress":{"acs:SourceIp":["192.0.2.0/24","::1"]},"Bool":{"acs:MFAPresent":true}}}"#,
    );
    let told = explain(&request(&context), &policy);
    assert_eq!((told[0].action, told[0].resource, told[0].principal, told[0].applies), (false, true, true, Truth::No));
    let [ip, mfa] = &told[1].conditions[..] else { panic!() };
    assert_eq!((ip.operator.as_str(), ip.key.as_str(), ip.held), ("NotIpAddress", "acs:SourceIp", Truth::Yes));
    assert_eq!(
        (&ip.wanted[..], ip.seen.as_deref().unwrap()),
        (&["192.0.2.0/24".to_owned(), "::1".into()][..], &["198.51.100.7".to_owned()][..])
    );
    assert_eq!((mfa.wanted.as_slice(), &mfa.seen, mfa.held), (&["true".to_owned()][..], &None, Truth::No));
    let text = serde_json::to_string(&told).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Explanation>>(&text).unwrap(), told);
    let layer = Layer { kind: LayerKind::Identity, policies: vec![&policy] };
    let verdict = evaluate(&request(&context), &[layer]);
    let text = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
}

#[test]
fn what_could_be_allowed_where_the_circumstances_are_not_known() {
    let of = |statements: &[(&str, &str, &str)]| {
        let statements: Vec<String> = statements
            .iter()
            .map(|(effect, principal, condition)| {
                format!(r#"{{"Effect":"{effect}","Action":"sts:AssumeRole","Principal":{{"RAM":"acs:ram::{principal}"}}{condition}}}"#)
            })
            .collect();
        let text = format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(","));
        ram::parse(&text, DocumentKind::Trust).unwrap()
    };
    let here = format!("{ACCOUNT}:user/alice");
    let other = format!("{ACCOUNT}:user/bob");
    let mfa = r#","Condition":{"Bool":{"acs:MFAPresent":"true"}}"#;
    let context = Context::new();
    let asked = Request { principal: Some(alice(None)), ..request(&context) };
    for (policy, could) in [
        (of(&[("Allow", &here, "")]), true),
        (of(&[("Allow", &here, mfa)]), true),
        (of(&[("Allow", &other, "")]), false),
        (of(&[("Allow", &here, ""), ("Deny", &here, "")]), false),
        (of(&[("Allow", &here, ""), ("Deny", &here, mfa)]), true),
        (of(&[("Allow", &here, ""), ("Deny", &other, "")]), true),
        (of(&[("Allow", &here, mfa)]).bind(|_| None), false),
        (Policy::unreadable("gone"), false),
    ] {
        assert_eq!(could_allow(&asked, [&policy]), could, "{policy:?}");
    }
    assert!(!could_allow(&asked, []));
}
