//! Trust documents that let in more than their authors think. Pure: a document in, warnings out; what decides stays [`crate::evaluate`].
//!
//! A token of an OpenID provider says who its bearer is in `sub`, and for whom it was made in `aud`. A public provider signs tokens for
//! everybody: a role that trusts it without asking for both trusts strangers. Wildcards in `sub` are the usual way to ask for too little.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DocumentKind, Effect, Malformed, Policy, PrincipalName, condition::Comparison, policy::Statement, ram};

/// One thing in a trust document that lets in more than it seems to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What kind of warning, for programs: `oidc-subject-missing`.
    pub code: String,
    /// Where, such as `Statement[1].Condition` (the first is 1).
    pub path: String,
    /// What is let in, in words.
    pub problem: String,
    /// What to write instead.
    pub advice: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}; {}", self.path, self.problem, self.advice)
    }
}

/// Reads a trust document of a role of `account` and warns about it.
pub fn trust(text: &str, account: &str) -> Result<Vec<Warning>, Malformed> {
    ram::parse(text, DocumentKind::Trust).map(|policy| warnings(&policy, account))
}

/// Warns about a trust document that was read already. `account` is the number of the account that its role belongs to.
pub fn warnings(policy: &Policy, account: &str) -> Vec<Warning> {
    let mut found = Vec::new();
    for (index, (_, statement)) in (1..).zip(policy.statements()) {
        if statement.effect == Effect::Allow {
            Look { at: format!("Statement[{index}]"), found: &mut found }.statement(statement, account);
        }
    }
    found
}

struct Look<'f> {
    at: String,
    found: &'f mut Vec<Warning>,
}

impl Look<'_> {
    fn warn(&mut self, code: &str, below: &str, problem: String, advice: &str) {
        let warning = Warning { code: code.to_owned(), path: format!("{}.{below}", self.at), problem, advice: advice.to_owned() };
        if !self.found.contains(&warning) {
            self.found.push(warning);
        }
    }

    fn statement(&mut self, statement: &Statement, account: &str) {
        let mut principals = Vec::new();
        statement.principal.principals(&mut |pattern| principals.push(&pattern.name));
        let mut conditions = Vec::new();
        statement.condition.comparisons(&mut |comparison| conditions.push(comparison));
        let mut oidc = false;
        for principal in principals {
            match principal {
                PrincipalName::Federated(arn) if arn.contains(":oidc-provider/") => oidc = true,
                PrincipalName::AccountMembers { account: other } if other != account => self.foreign_account(other, &conditions),
                PrincipalName::Service(name) if conditions.is_empty() => self.warn(
                    "service-unconditional",
                    "Principal.Service",
                    format!("`{name}` may act here for any of its customers"),
                    "add a condition that only your own use of the service meets",
                ),
                PrincipalName::Service(_)
                | PrincipalName::AccountMembers { .. }
                | PrincipalName::Owner { .. }
                | PrincipalName::User { .. }
                | PrincipalName::Role { .. }
                | PrincipalName::Federated(_) => {}
            }
        }
        if oidc {
            self.audience(&conditions);
            self.subject(&conditions);
        }
    }

    fn foreign_account(&mut self, other: &str, conditions: &[&Comparison]) {
        if !demands(conditions, "sts:ExternalId") && !demands(conditions, "acs:PrincipalARN") {
            self.warn(
                "foreign-account",
                "Principal.RAM",
                format!("every user and every role session of the account {other} is let in"),
                "name the user or role that needs it, or demand an agreed value: \"StringEquals\":{\"sts:ExternalId\":[\"…\"]}",
            );
        }
    }

    fn audience(&mut self, conditions: &[&Comparison]) {
        if !demands(conditions, "oidc:aud") {
            self.warn(
                "oidc-audience-missing",
                "Condition",
                "tokens are let in whatever audience they were made for, as long as the provider accepts it".to_owned(),
                "demand the audience that only this use has: \"StringEquals\":{\"oidc:aud\":[\"…\"]}",
            );
        }
    }

    fn subject(&mut self, conditions: &[&Comparison]) {
        if !conditions.iter().any(|one| is(one, "oidc:sub") && positive(one)) {
            self.warn(
                "oidc-subject-missing",
                "Condition",
                "everybody is let in for whom the provider signs a token".to_owned(),
                "say who: \"StringEquals\":{\"oidc:sub\":[\"repo:acme/app:ref:refs/heads/main\"]}",
            );
        }
        for one in conditions.iter().filter(|one| is(one, "oidc:sub") && positive(one)) {
            let wildcards = one.operator() == "StringLike";
            for value in one.wanted() {
                let Some((code, problem, advice)) = subject_problem(value, wildcards) else { continue };
                let below = format!("Condition.{}.{}", one.operator(), one.key());
                self.warn(code, &below, format!("`{}` {problem}", crate::malformed::shown(value)), advice);
            }
        }
    }
}

fn is(comparison: &Comparison, key: &str) -> bool {
    comparison.key().eq_ignore_ascii_case(key)
}

/// True for an operator that only holds when the key is there and fits.
fn positive(comparison: &Comparison) -> bool {
    matches!(comparison.operator(), "StringEquals" | "StringEqualsIgnoreCase" | "StringLike")
}

/// True if some condition holds only for certain values of the key.
fn demands(conditions: &[&Comparison], key: &str) -> bool {
    conditions.iter().any(|one| {
        let open = one.operator() == "StringLike" && one.wanted().iter().any(|value| only_stars(value));
        is(one, key) && positive(one) && !open
    })
}

fn only_stars(value: &str) -> bool {
    value.contains('*') && value.bytes().all(|byte| matches!(byte, b'*' | b'?'))
}

type Problem = (&'static str, &'static str, &'static str);

const STRANGERS: &str = "oidc-subject-strangers";
const FORKS: &str = "oidc-subject-pull-requests";

/// What a wanted subject lets in besides what its author had in mind.
fn subject_problem(value: &str, wildcards: bool) -> Option<Problem> {
    let wild = |part: &str| wildcards && part.contains(['*', '?']);
    if wildcards && (only_stars(value) || value.starts_with(['*', '?'])) {
        return Some((STRANGERS, "is met by subjects of anybody", "begin with the fixed part that only you can have"));
    }
    if let Some(rest) = value.strip_prefix("system:serviceaccount:") {
        let namespace = rest.split(':').next().unwrap_or_default();
        let advice = "name the namespace: `system:serviceaccount:production:deployer`";
        return wild(namespace).then_some((STRANGERS, "is met in every namespace that fits, whoever may create one", advice));
    }
    // GitHub: `repo:OWNER/REPOSITORY:…`; GitLab: `project_path:GROUP/PROJECT:…`.
    if let Some((kind @ ("repo" | "project_path"), rest)) = value.split_once(':') {
        return forge_problem(kind, rest, wildcards);
    }
    // Elsewhere only the beginning tells one tenant from another.
    let first = value.split_inclusive(['/', ':', '|', '@']).next().unwrap_or_default();
    wild(first).then_some((STRANGERS, "is met by everybody whose name begins alike", "write the first part out, up to its `/`, `:` or `|`"))
}

fn forge_problem(kind: &str, rest: &str, wildcards: bool) -> Option<Problem> {
    let wild = |part: &str| wildcards && part.contains(['*', '?']);
    let (path, reference) = rest.split_once(':').map_or((rest, None), |(path, reference)| (path, Some(reference)));
    let owner = path.split('/').next().unwrap_or_default();
    if wild(owner) {
        let problem = "is met by strangers: anybody may take a name that fits before the first `/`";
        return Some((STRANGERS, problem, "write the owner out: `repo:acme/app:ref:refs/heads/main`"));
    }
    if kind != "repo" {
        return None;
    }
    let pull_request = "pull_request";
    let met = match reference {
        // Without a colon of its own, a star at the end runs on into what follows.
        None => wildcards && path.ends_with('*'),
        Some(reference) if wildcards => crate::glob::Glob::new(reference).matches(pull_request),
        Some(reference) => reference == pull_request,
    };
    met.then_some((
        FORKS,
        "is met by runs for pull requests, whose code others wrote",
        "name the branch, tag or environment: `repo:acme/app:ref:refs/heads/main`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(principal: &str, condition: &str) -> Vec<String> {
        let text = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}{}}}]}}"#,
            if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) }
        );
        trust(&text, "1000000000000001").unwrap().into_iter().map(|warning| warning.code).collect()
    }

    fn subject(operator: &str, value: &str) -> Vec<String> {
        let condition = format!(r#"{{"StringEquals":{{"oidc:aud":"sts"}},"{operator}":{{"OIDC:sub":"{value}"}}}}"#);
        codes(
            r#"{"Federated":"acs:ram::1000000000000001:oidc-provider/ci"}"#,
            &condition.replace(r#""StringEquals":{"oidc:aud":"sts"},"StringEquals":{"#, r#""StringEquals":{"oidc:aud":"sts","#),
        )
    }

    #[test]
    fn a_provider_needs_audience_and_subject() {
        let ci = r#"{"Federated":"acs:ram::1000000000000001:oidc-provider/ci"}"#;
        assert_eq!(codes(ci, ""), ["oidc-audience-missing", "oidc-subject-missing"]);
        assert_eq!(
            codes(ci, r#"{"StringLike":{"oidc:aud":"*","oidc:sub":"repo:acme/app:ref:refs/heads/main"}}"#),
            ["oidc-audience-missing"]
        );
        assert_eq!(codes(ci, r#"{"StringEquals":{"oidc:aud":"a"},"StringNotEquals":{"oidc:sub":"x"}}"#), ["oidc-subject-missing"]);
        assert_eq!(codes(ci, r#"{"StringEquals":{"oidc:aud":"a","oidc:sub":"repo:acme/app:ref:refs/heads/main"}}"#), [""; 0]);
        assert_eq!(codes(r#"{"Federated":"acs:ram::1000000000000001:saml-provider/ci"}"#, ""), [""; 0]);
    }

    #[test]
    fn wildcards_that_admit_strangers() {
        for (value, code) in [
            ("*", STRANGERS),
            ("**", STRANGERS),
            ("*:ref:refs/heads/main", STRANGERS),
            ("repo:*", STRANGERS),
            ("repo:acme*", STRANGERS),
            ("repo:*/app:ref:refs/heads/main", STRANGERS),
            ("repo:acme-*/app:*", STRANGERS),
            ("project_path:group*", STRANGERS),
            ("system:serviceaccount:*", STRANGERS),
            ("system:serviceaccount:*:deployer", STRANGERS),
            ("auth0*", STRANGERS),
            ("repo:acme/app:*", FORKS),
            ("repo:acme/*", FORKS),
            ("repo:acme/app:pull_request", FORKS),
            ("repo:acme/app*", FORKS),
        ] {
            assert_eq!(subject("StringLike", value), [code], "{value}");
        }
        for value in [
            "repo:acme/app:ref:refs/heads/main",
            "repo:acme/app:ref:refs/heads/*",
            "repo:acme/*:ref:refs/heads/main",
            "repo:acme/app:environment:*",
            "project_path:group/*:ref_type:branch:ref:main",
            "system:serviceaccount:prod:*",
            "auth0|5f*",
            "alice@example.com",
        ] {
            assert_eq!(subject("StringLike", value), [""; 0], "{value}");
        }
        assert_eq!(subject("StringEquals", "repo:acme/app:pull_request"), [FORKS]);
        assert_eq!(subject("StringEquals", "repo:*"), [""; 0], "no wildcard there");
    }

    #[test]
    fn accounts_and_services() {
        let foreign = r#"{"RAM":"acs:ram::1000000000000002:root"}"#;
        assert_eq!(codes(foreign, ""), ["foreign-account"]);
        assert_eq!(codes(foreign, r#"{"StringEquals":{"sts:ExternalId":"agreed"}}"#), [""; 0]);
        assert_eq!(codes(foreign, r#"{"StringLike":{"sts:ExternalId":"*"}}"#), ["foreign-account"]);
        assert_eq!(codes(r#"{"RAM":"acs:ram::1000000000000001:root"}"#, ""), [""; 0]);
        assert_eq!(codes(r#"{"RAM":"acs:ram::1000000000000002:user/bob"}"#, ""), [""; 0]);
        assert_eq!(codes(r#"{"Service":"ecs.aliyuncs.com"}"#, ""), ["service-unconditional"]);
        let denied = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Principal":{"RAM":"acs:ram::1000000000000002:root"}}]}"#;
        assert_eq!(trust(denied, "1000000000000001").unwrap(), []);
        let shown = trust(
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Principal":{"RAM":"acs:ram::1000000000000002:root"}}]}"#,
            "1",
        );
        assert!(
            shown.unwrap()[0].to_string().starts_with("`Statement[1].Principal.RAM`: every user and every role session of the account")
        );
    }

    #[test]
    fn the_recipes_have_nothing_to_be_warned_of() {
        let page = include_str!("../../../docs/federation.md");
        let recipes: Vec<&str> =
            page.split("```").filter_map(|block| block.strip_prefix("json")).filter(|block| block.contains("Principal")).collect();
        assert_eq!(recipes.len(), 3);
        for recipe in recipes {
            assert_eq!(trust(recipe, "1000000000000001").unwrap(), [], "{recipe}");
        }
    }
}
