//! The RAM policy language (RAM policy language §4.1 grammar, §4.5 conditions, §4.7 trust policies), read strictly.
//!
//! What the language does not define is refused, never ignored: other spellings of member names, unknown
//! members, members given twice, empty lists, values of the wrong kind. A rule somebody believed in must not
//! vanish in silence.

use std::collections::HashSet;

use tegata_model::{RoleName, UserName};

use crate::{
    DocumentKind, Effect, Malformed, Policy, PrincipalName,
    condition::{Comparison, Family, Operator, Order},
    expr::Expr,
    json::Json,
    malformed::{Path, shown},
    pattern::{ActionPattern, ResourcePattern},
    policy::Statement,
    principal::PrincipalPattern,
};

const fn operator(name: &'static str, family: Family, negated: bool) -> Operator {
    Operator { name, family, negated }
}

/// All operators of the language.
static OPERATORS: [Operator; 21] = [
    operator("StringEquals", Family::Text, false),
    operator("StringNotEquals", Family::Text, true),
    operator("StringEqualsIgnoreCase", Family::TextWithoutCase, false),
    operator("StringNotEqualsIgnoreCase", Family::TextWithoutCase, true),
    operator("StringLike", Family::TextLike, false),
    operator("StringNotLike", Family::TextLike, true),
    operator("NumericEquals", Family::Number(Order::Equal), false),
    operator("NumericNotEquals", Family::Number(Order::Equal), true),
    operator("NumericLessThan", Family::Number(Order::Less), false),
    operator("NumericLessThanEquals", Family::Number(Order::LessOrEqual), false),
    operator("NumericGreaterThan", Family::Number(Order::Greater), false),
    operator("NumericGreaterThanEquals", Family::Number(Order::GreaterOrEqual), false),
    operator("DateEquals", Family::Date(Order::Equal), false),
    operator("DateNotEquals", Family::Date(Order::Equal), true),
    operator("DateLessThan", Family::Date(Order::Less), false),
    operator("DateLessThanEquals", Family::Date(Order::LessOrEqual), false),
    operator("DateGreaterThan", Family::Date(Order::Greater), false),
    operator("DateGreaterThanEquals", Family::Date(Order::GreaterOrEqual), false),
    operator("Bool", Family::Bool, false),
    operator("IpAddress", Family::Ip, false),
    operator("NotIpAddress", Family::Ip, true),
];

/// Reads and compiles one document. A session policy is an `Identity` document.
///
/// At most 64 KiB and 16 levels deep; the limits of an operation, in characters, are the caller's business.
pub fn parse(text: &str, kind: DocumentKind) -> Result<Policy, Malformed> {
    let path = Path::DOCUMENT;
    let json = Json::read(text).map_err(|problem| path.problem(problem))?;
    let [version, statements] = members(&json, &path, ["Version", "Statement"])?;
    match required(version, &path, "Version")? {
        Json::Text(version) if version == "1" => {}
        _ => return Err(path.member("Version").problem("the only version is the string `1`")),
    }
    let path = path.member("Statement");
    let Json::List(statements) = required(statements, &Path::DOCUMENT, "Statement")? else {
        return Err(path.problem("expected a list of statements"));
    };
    if statements.is_empty() {
        return Err(path.problem("expected at least one statement"));
    }
    let statements = (1..).zip(statements).map(|(index, json)| statement(json, &path.item(index), kind));
    statements.collect::<Result<_, _>>().map(Policy::new)
}

fn statement(json: &Json, path: &Path<'_>, kind: DocumentKind) -> Result<Statement, Malformed> {
    const NAMES: [&str; 6] = ["Effect", "Action", "NotAction", "Resource", "Principal", "Condition"];
    let [effect, action, not_action, resource, principal, condition] = members(json, path, NAMES)?;
    let effect = match required(effect, path, "Effect")? {
        Json::Text(word) if word == "Allow" => Effect::Allow,
        Json::Text(word) if word == "Deny" => Effect::Deny,
        Json::Text(word) => return Err(path.member("Effect").wrong_word("expected `Allow` or `Deny`", word, &["Allow", "Deny"])),
        _ => return Err(path.member("Effect").problem("expected `Allow` or `Deny`")),
    };
    let action = match (action, not_action) {
        (Some(action), None) => actions(action, &path.member("Action"))?,
        (None, Some(action)) => Expr::Not(Box::new(actions(action, &path.member("NotAction"))?)),
        _ => return Err(path.problem("expected exactly one of `Action` and `NotAction`")),
    };
    let (resource, principal) = match kind {
        DocumentKind::Identity => {
            refused(principal, path, "Principal", "only a trust policy names principals")?;
            (resources(required(resource, path, "Resource")?, &path.member("Resource"))?, Expr::Always)
        }
        DocumentKind::Trust => {
            refused(resource, path, "Resource", "a trust policy speaks of its own role only")?;
            (Expr::Always, principals(required(principal, path, "Principal")?, &path.member("Principal"))?)
        }
    };
    let condition = condition.map_or(Ok(Expr::Always), |json| conditions(json, &path.member("Condition")))?;
    Ok(Statement { effect, action, resource, principal, condition })
}

fn actions(json: &Json, path: &Path<'_>) -> Result<Expr, Malformed> {
    let patterns = strings(json, path)?.into_iter().map(|(text, path)| {
        let wrong = || path.problem("expected `*` or `<service>:<name>`, each with `*` and `?` as wildcards");
        ActionPattern::new(text).map(Expr::Action).ok_or_else(wrong)
    });
    patterns.collect::<Result<_, _>>().map(Expr::any_of)
}

fn resources(json: &Json, path: &Path<'_>) -> Result<Expr, Malformed> {
    let patterns = strings(json, path)?.into_iter().map(|(text, path)| {
        let wrong = || path.problem("expected `*` or `acs:<service>:<region>:<account>:<relative id>`");
        ResourcePattern::new(text).map(Expr::Resource).ok_or_else(wrong)
    });
    patterns.collect::<Result<_, _>>().map(Expr::any_of)
}

fn principals(json: &Json, path: &Path<'_>) -> Result<Expr, Malformed> {
    type Read = fn(&str) -> Option<PrincipalName>;
    let [ram, service, federated] = members(json, path, ["RAM", "Service", "Federated"])?;
    let kinds: [(&str, Option<&Json>, Read, &str); 3] = [
        ("RAM", ram, ram_principal, "expected `acs:ram::<account>:` and `root`, `user/<name>` or `role/<name>`, without wildcards"),
        ("Service", service, service_principal, "expected the name of a service such as `ecs.aliyuncs.com`"),
        (
            "Federated",
            federated,
            federated_principal,
            "expected `acs:ram::<account>:` and `saml-provider/<name>` or `oidc-provider/<name>`, without wildcards",
        ),
    ];
    let mut alternatives = Vec::new();
    for (name, json, read, wanted) in kinds {
        let Some(json) = json else { continue };
        for (text, path) in strings(json, &path.member(name))? {
            let principal = read(text).ok_or_else(|| path.problem(wanted))?;
            alternatives.push(Expr::Principal(PrincipalPattern::new(principal)));
        }
    }
    if alternatives.is_empty() {
        return Err(path.problem("expected at least one principal"));
    }
    Ok(Expr::any_of(alternatives))
}

/// The account and what follows it in `acs:ram::<account>:<relative>`.
fn account_and_relative(text: &str) -> Option<(&str, &str)> {
    let (account, relative) = text.strip_prefix("acs:ram::")?.split_once(':')?;
    let good = (1..=32).contains(&account.len()) && account.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some((account, relative))
}

fn ram_principal(text: &str) -> Option<PrincipalName> {
    let (account, relative) = account_and_relative(text)?;
    let account = account.to_owned();
    match relative.split_once('/') {
        None if relative == "root" => Some(PrincipalName::AccountMembers { account }),
        Some(("user", name)) => UserName::new(name).ok().map(|name| PrincipalName::User { account, name: name.as_str().to_owned() }),
        Some(("role", name)) => RoleName::new(name).ok().map(|name| PrincipalName::Role { account, name: name.as_str().to_owned() }),
        _ => None,
    }
}

fn service_principal(text: &str) -> Option<PrincipalName> {
    let good = (1..=253).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        && !text.starts_with('.')
        && text.contains('.');
    good.then(|| PrincipalName::Service(text.to_owned()))
}

fn federated_principal(text: &str) -> Option<PrincipalName> {
    let (_, relative) = account_and_relative(text)?;
    let (kind, name) = relative.split_once('/')?;
    let good = matches!(kind, "saml-provider" | "oidc-provider")
        && (1..=128).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    good.then(|| PrincipalName::Federated(text.to_owned()))
}

fn conditions(json: &Json, path: &Path<'_>) -> Result<Expr, Malformed> {
    let mut all = Vec::new();
    for (name, json) in object(json, path)? {
        let path = path.member(name);
        let Some(operator) = OPERATORS.iter().find(|operator| operator.name == name) else {
            let names: Vec<&'static str> = OPERATORS.iter().map(|operator| operator.name).collect();
            return Err(path.wrong_word("not an operator", name, &names));
        };
        let keys = object(json, &path)?;
        if keys.is_empty() {
            return Err(path.problem("expected at least one condition key"));
        }
        let mut known = HashSet::new();
        for (key, json) in keys {
            let path = path.member(key);
            if key.is_empty() {
                return Err(path.problem("expected the name of a condition key"));
            }
            if !known.insert(key.to_ascii_lowercase()) {
                return Err(path.problem("given twice; condition keys are compared without case"));
            }
            let wanted = condition_values(json, operator, &path)?;
            let comparison = Comparison::new(operator, key, wanted)
                .map_err(|index| value_path(json, &path, index, |path| path.problem(format!("expected {}", operator.family.wants()))))?;
            all.push(Expr::Compare(Box::new(comparison)));
        }
    }
    Ok(Expr::all_of(all))
}

/// The values as text. A JSON boolean is taken where the operator wants one.
fn condition_values(json: &Json, operator: &Operator, path: &Path<'_>) -> Result<Vec<String>, Malformed> {
    let values = one_or_more(json, path)?;
    let text = |(index, value): (usize, &Json)| match value {
        Json::Text(text) => Ok(text.clone()),
        Json::Bool(value) if operator.family == Family::Bool => Ok(value.to_string()),
        other => Err(value_path(json, path, index, |path| path.problem(format!("expected a string, found {}", other.kind())))),
    };
    values.iter().enumerate().map(text).collect()
}

/// Tells a problem at the value of this position, from 0: in a list with its number, alone without.
fn value_path(json: &Json, path: &Path<'_>, index: usize, tell: impl FnOnce(&Path<'_>) -> Malformed) -> Malformed {
    if matches!(json, Json::List(_)) { tell(&path.item(index.saturating_add(1))) } else { tell(path) }
}

/// A value alone or a list of at least one.
pub(crate) fn one_or_more<'j>(json: &'j Json, path: &Path<'_>) -> Result<&'j [Json], Malformed> {
    match json {
        Json::List(values) if values.is_empty() => Err(path.problem("expected at least one value")),
        Json::List(values) => Ok(values),
        one => Ok(std::slice::from_ref(one)),
    }
}

/// A string alone or a list of at least one, each with its place.
pub(crate) fn strings<'j, 'p>(json: &'j Json, path: &'p Path<'p>) -> Result<Vec<(&'j str, Path<'p>)>, Malformed> {
    let place = |index: usize| if matches!(json, Json::List(_)) { path.item(index) } else { *path };
    (1..)
        .zip(one_or_more(json, path)?)
        .map(|(index, value)| match value {
            Json::Text(text) => Ok((text.as_str(), place(index))),
            other => Err(place(index).problem(format!("expected a string, found {}", other.kind()))),
        })
        .collect()
}

/// The members of an object, each name once.
pub(crate) fn object<'j>(json: &'j Json, path: &Path<'_>) -> Result<Vec<(&'j str, &'j Json)>, Malformed> {
    let Json::Members(members) = json else {
        return Err(path.problem(format!("expected an object, found {}", json.kind())));
    };
    let mut known = HashSet::new();
    members
        .iter()
        .map(
            |(name, value)| {
                if known.insert(name.as_str()) { Ok((name.as_str(), value)) } else { Err(path.member(name).problem("given twice")) }
            },
        )
        .collect()
}

/// The members of an object that may have these names and no other.
pub(crate) fn members<'j, const N: usize>(
    json: &'j Json,
    path: &Path<'_>,
    names: [&'static str; N],
) -> Result<[Option<&'j Json>; N], Malformed> {
    let members = object(json, path)?;
    if let Some((name, _)) = members.iter().find(|(name, _)| !names.contains(name)) {
        return Err(path.member(name).wrong_word("not part of the language", name, &names));
    }
    Ok(names.map(|wanted| members.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value)))
}

pub(crate) fn required<'j>(json: Option<&'j Json>, path: &Path<'_>, name: &str) -> Result<&'j Json, Malformed> {
    json.ok_or_else(|| path.problem(format!("`{}` is missing", shown(name))))
}

fn refused(json: Option<&Json>, path: &Path<'_>, name: &str, why: &str) -> Result<(), Malformed> {
    json.map_or(Ok(()), |_| Err(path.member(name).problem(why)))
}

#[cfg(test)]
mod tests;
