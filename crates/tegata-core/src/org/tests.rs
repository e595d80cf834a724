//! The vectors of `vectors/oauth-app-scopes.json`: through the pure function, and through the operations.

mod apps;
mod keys;
mod operations;
mod pure;
mod wrap;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{AppScope, OrgKind, Requested, Roles, Services, Wanted};

/// All cases.
pub(super) fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../../../../vectors/oauth-app-scopes.json")).unwrap();
    let cases = file["cases"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 79);
    cases
}

pub(super) fn kind(case: &Value) -> OrgKind {
    match case["profile"].as_str().unwrap() {
        "cpn-provider" => OrgKind::Provider,
        "cpn-customer" => OrgKind::Customer,
        "cpn-reseller" => OrgKind::Reseller,
        "csp" => OrgKind::Standalone,
        other => panic!("{other}"),
    }
}

/// The id of a service of the vectors; one that is not in the catalogue stands for itself.
pub(super) fn id(name: &str) -> String {
    Services::sample().named(name).map_or_else(|| name.to_owned(), |service| service.id.clone())
}

pub(super) fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

pub(super) fn services(value: &Value) -> BTreeMap<String, BTreeSet<String>> {
    value.as_object().into_iter().flatten().map(|(name, roles)| (id(name), texts(roles))).collect()
}

pub(super) fn scope(value: &Value) -> AppScope {
    let wanted = |roles: &Value| if roles == "*" { Wanted::All } else { Wanted::These(texts(roles)) };
    let services = value["services"].as_object().into_iter().flatten().map(|(name, roles)| (id(name), wanted(roles))).collect();
    AppScope { org_roles: texts(&value["org_roles"]), services }
}

pub(super) fn roles(value: &Value) -> Roles {
    Roles { org_roles: texts(&value["org_roles"]), services: services(&value["services"]) }
}

pub(super) fn requested(step: &Value) -> Requested {
    match step.get("requested") {
        None => Requested::default(),
        Some(asked) => Requested { org_roles: Some(texts(&asked["org_roles"])), services: Some(services(&asked["services"])) },
    }
}

/// What a step expects to be left out, as the core says it.
pub(super) fn dropped(step: &Value) -> Vec<String> {
    let word = |one: &Value| {
        let (role, why) = (one["role"].as_str().unwrap(), one["why"].as_str().unwrap());
        match one["service"].as_str() {
            Some(service) => format!("external/{}/{role}={why}", id(service)),
            None => format!("csp:{role}={why}"),
        }
    };
    let mut words: Vec<String> = step["expect"]["dropped"].as_array().unwrap().iter().map(word).collect();
    words.sort();
    words
}
