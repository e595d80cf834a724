//! Policy documents and what is decided by them.

use serde_json::Value;
use tegata_policy::{
    Context, Decision, DocumentKind, Effect, Layer, LayerKind, Policy, Principal, PrincipalName, Request, Resource, StatementRef, Truth,
    decide, evaluate, explain, lint, ram,
};

use super::check_error;
use crate::deep;

/// Documents for identities, and session policies.
pub fn identity(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Some(policy) = parse(&text, DocumentKind::Identity) else { return };
    deep();
    assert!(policy.principals().is_empty(), "a document for identities names a principal");
    check(&text, DocumentKind::Identity, &policy);
}

/// Trust documents.
pub fn trust(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Some(policy) = parse(&text, DocumentKind::Trust) else { return };
    deep();
    check(&text, DocumentKind::Trust, &policy);
    for warning in lint::warnings(&policy, "1000000000000001") {
        assert!(warning.path.starts_with("Statement[") && warning.to_string().chars().count() <= 1200, "{warning}");
    }

    let mut asked: Vec<PrincipalName> = Vec::new();
    let nobody = policy.clone().bind(|name| {
        asked.push(name.clone());
        None
    });
    assert_eq!(asked, policy.principals(), "not every principal was asked for once");
    let context = context();
    questions(&text, &context, |request| {
        assert!(!decide(request, [&nobody]).is_allow(), "a policy bound to nobody allows somebody");
        let anonymous = Request { principal: None, ..*request };
        assert!(!decide(&anonymous, [&policy]).is_allow(), "a trust policy allows an anonymous request");
    });
}

fn parse(text: &str, kind: DocumentKind) -> Option<Policy> {
    match ram::parse(text, kind) {
        Ok(policy) => Some(policy.labelled("given")),
        Err(error) => {
            check_error(&error);
            None
        }
    }
}

/// The promises of every policy that could be read.
fn check(text: &str, kind: DocumentKind, policy: &Policy) {
    assert!(policy.len() > 0, "a policy without statements");
    // What is accepted reads the same however it is laid out: serde_json sorts members and drops white space.
    let canonical = serde_json::from_str::<Value>(text).map(|json| json.to_string());
    let again = canonical.ok().and_then(|text| ram::parse(&text, kind).ok()).map(|policy| policy.labelled("given"));
    assert!(again.is_some(), "an accepted document is not accepted in its plain layout");
    let Some(again) = again else { return };
    let unreadable = Policy::unreadable("unreadable");
    let context = context();
    questions(text, &context, |request| {
        let decision = decide(request, [policy]);
        assert_eq!(decide(request, [&again]), decision, "the layout of a document decides");
        assert_eq!(decide(request, [policy, &again]).is_allow(), decision.is_allow(), "the same policy twice decides otherwise than once");
        for with_unreadable in [decide(request, [policy, &unreadable]), decide(request, [&unreadable, policy])] {
            assert!(matches!(with_unreadable, Decision::ExplicitDeny { .. }), "an unreadable policy does not deny");
        }
        let layers = [LayerKind::Session, LayerKind::Identity].map(|kind| Layer { kind, policies: vec![policy] });
        assert_eq!(evaluate(request, &layers).allowed, decision.is_allow(), "two equal layers decide otherwise than one");
        let layers =
            [Layer { kind: LayerKind::Session, policies: vec![&unreadable] }, Layer { kind: LayerKind::Identity, policies: vec![policy] }];
        assert!(!evaluate(request, &layers).allowed, "an unreadable session policy allows");
        explained(request, policy, &decision);
    });
}

/// An explanation tells the statements that decided.
fn explained(request: &Request<'_>, policy: &Policy, decision: &Decision) {
    let told = explain(request, policy);
    assert_eq!(told.len(), policy.len(), "a statement is left out of the explanation");
    let those = |effect: Effect, applies: &dyn Fn(Truth) -> bool| -> Vec<StatementRef> {
        told.iter().filter(|one| one.effect == effect && applies(one.applies)).map(|one| one.at.clone()).collect()
    };
    let denies = those(Effect::Deny, &|applies| applies != Truth::No);
    let allows = those(Effect::Allow, &|applies| applies == Truth::Yes);
    let expected = match (denies.is_empty(), allows.is_empty()) {
        (false, _) => Decision::ExplicitDeny { by: denies },
        (true, false) => Decision::Allow { by: allows },
        (true, true) => Decision::ImplicitDeny,
    };
    assert_eq!(expected, *decision, "the explanation is not of the decision");
}

fn context() -> Context {
    let mut context = Context::new();
    context.set("acs:SourceIp", "192.0.2.7");
    context.set("acs:SecureTransport", "true");
    context.set("acs:CurrentTime", "2026-01-02T03:04:05Z");
    context.set("acs:MFAPresent", "false");
    context.set("sts:ExternalId", "abc");
    context.set_many("oidc:aud", vec!["one".to_owned(), "two".to_owned()]);
    context
}

/// Asks the same questions of every document, and one made of its own words, so that statements apply.
fn questions(text: &str, context: &Context, mut ask: impl FnMut(&Request<'_>)) {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let statement = json.pointer("/Statement/0").cloned().unwrap_or_default();
    let word = |name: &str| {
        let value = statement.get(name)?;
        let value = value.get(0).unwrap_or(value);
        Some(value.as_str()?.replace('*', "x").replace('?', "y"))
    };
    let (own_action, own_resource) = (word("Action").unwrap_or_default(), word("Resource").unwrap_or_default());
    let own_resource = Resource::parse(&own_resource);
    let account = "1000000000000001";
    let principals = [
        None,
        Some(Principal::User { account, name: "bob", id: Some([7; 16]) }),
        Some(Principal::RoleSession { account, role: "app-uploader", id: None }),
        Some(Principal::Account { account }),
        Some(Principal::Service("ecs.aliyuncs.com")),
        Some(Principal::Federated { arn: "acs:ram::1000000000000001:saml-provider/x", id: None }),
    ];
    let fixed = Resource { service: "oss", region: "*", account, relative: "photos/2026/a.jpg" };
    for principal in principals {
        for (action, resource) in [
            ("oss:GetObject", fixed),
            ("sts:AssumeRole", Resource { service: "ram", region: "", account, relative: "role/app-uploader" }),
            (own_action.as_str(), own_resource.unwrap_or(fixed)),
            ("", Resource { service: "", region: "", account: "", relative: "" }),
        ] {
            ask(&Request { action, alias: None, resource, principal, context });
        }
    }
}

/// Wildcards, through a decision: the first line is a pattern, the rest a text. Compared with the plainest matcher there is.
///
/// Tried as it is, and with every byte made one of very few letters, so that patterns and texts meet often.
pub fn glob(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (pattern, text) = text.split_once('\n').unwrap_or((&text, ""));
    glob_on(pattern, text);
    let few = |text: &str, letters: [char; 4]| -> String {
        text.bytes().take(24).filter_map(|byte| letters.get(usize::from(byte % 4)).copied()).collect()
    };
    glob_on(&few(pattern, ['a', 'b', '*', '?']), &few(text, ['a', 'b', 'a', 'é']));
}

fn glob_on(pattern: &str, text: &str) {
    // The plain matcher takes pattern × text steps.
    if pattern.len().saturating_mul(text.len()) > 1 << 18 {
        return;
    }
    let context = Context::new();
    let resource = Resource { service: "oss", region: "*", account: "1", relative: text };
    let request = Request { action: "oss:GetObject", alias: None, resource, principal: None, context: &context };
    let document = |member: &str, value: String| {
        let mut statement = serde_json::json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        if let Some(members) = statement.as_object_mut() {
            members.insert(member.to_owned(), value.into());
        }
        serde_json::json!({ "Version": "1", "Statement": [statement] }).to_string()
    };
    let policy = match ram::parse(&document("Resource", format!("acs:oss:*:1:{pattern}")), DocumentKind::Identity) {
        Ok(policy) => policy,
        Err(error) => return check_error(&error),
    };
    deep();
    let expected = plainly(pattern, text);
    assert_eq!(decide(&request, [&policy]).is_allow(), expected, "`{pattern:?}` against `{text:?}`");
    // Actions are folded, which must not change what an unfolded pattern of plain letters matches.
    if pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'*' || byte == b'?')
        && let Ok(policy) = ram::parse(&document("Action", format!("oss:{pattern}")), DocumentKind::Identity)
    {
        let action = format!("OSS:{text}");
        let expected = plainly(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase());
        assert_eq!(
            decide(&Request { action: &action, ..request }, [&policy]).is_allow(),
            expected,
            "action `{pattern:?}` against `{text:?}`"
        );
    }
}

/// `*` is any run of characters, `?` one; by dynamic programming, a row per character of the pattern.
fn plainly(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut row: Vec<bool> = (0..=text.len()).map(|at| at == 0).collect();
    for wanted in pattern.chars() {
        let mut next = Vec::with_capacity(row.len());
        match wanted {
            '*' => {
                let mut any = false;
                next.extend(row.iter().map(|here| {
                    any |= here;
                    any
                }));
            }
            wanted => {
                next.push(false);
                next.extend(row.iter().zip(&text).map(|(before, seen)| *before && (wanted == '?' || wanted == *seen)));
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

/// Patterns to begin with, each with a text.
pub fn globs() -> Vec<Vec<u8>> {
    ["photos/*\nphotos/a.jpg", "*a*b*c\nxxaxxbxxc", "a?c\nabc", "**\n", "*ab*abab*\nabaabababab", "é?*\néxy", "*?*?\nab"]
        .map(|text| text.as_bytes().to_vec())
        .into()
}

#[cfg(test)]
mod tests {
    use super::plainly;

    #[test]
    fn the_plain_matcher_is_right() {
        for (pattern, text) in [("", ""), ("*", ""), ("*", "abc"), ("a*c", "abbc"), ("a?c", "abc"), ("*a*", "bab"), ("**", "x")] {
            assert!(plainly(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("?", ""), ("a*c", "abb"), ("a?c", "ac"), ("*a", "ab"), ("A", "a")] {
            assert!(!plainly(pattern, text), "{pattern} {text}");
        }
    }
}
