//! What several topics read and show: roles, scopes, pages, several ids at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tegata_core::org::{AppScope, Refusal, RoleGrant, Roles, Several, Wanted};
use tegata_model::Timestamp;

use super::{Asked, CspFault};

/// Most things on one page.
const PAGE: u64 = 200;

/// An object, where one must stand.
pub(super) fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Map<String, Value>, CspFault> {
    value.as_object().ok_or_else(|| CspFault::invalid(name, "an object is needed"))
}

/// A list, where one may stand; nothing and `null` are the same.
pub(super) fn list<'a>(within: &'a Map<String, Value>, name: &str) -> Result<Option<&'a [Value]>, CspFault> {
    match within.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(_) => Err(CspFault::invalid(name, "a list is needed")),
    }
}

/// A text, where one may stand.
pub(super) fn text<'a>(within: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, CspFault> {
    match within.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(CspFault::invalid(name, "a text is needed")),
    }
}

/// Yes or no, where it may stand.
pub(super) fn flag(within: &Map<String, Value>, name: &str) -> Result<Option<bool>, CspFault> {
    match within.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(CspFault::invalid(name, "`true` or `false` is needed")),
    }
}

/// A whole number, where one may stand.
pub(super) fn number(within: &Map<String, Value>, name: &str) -> Result<Option<i64>, CspFault> {
    match within.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| CspFault::invalid(name, "a whole number of seconds is needed")),
    }
}

/// Refuses what this server has no meaning for, so that nobody believes that it was heard.
pub(super) fn nothing_of(within: &Map<String, Value>, names: &[&str]) -> Result<(), CspFault> {
    for name in names {
        let said = match within.get(*name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(members)) => !members.is_empty(),
            Some(Value::String(text)) => !text.is_empty(),
            Some(_) => true,
        };
        if said {
            return Err(CspFault::invalid(name, "it is not supported here"));
        }
    }
    Ok(())
}

/// The name in `{"name": …}`, or a bare text. A role on one resource alone does not exist here.
fn role_name<'a>(value: &'a Value, name: &str) -> Result<&'a str, CspFault> {
    match value {
        Value::String(text) => Ok(text),
        Value::Object(members) => {
            if text(members, "resource")?.is_some_and(|resource| !resource.is_empty() && resource != "*") {
                return Err(CspFault::invalid("resource", "roles on single resources are not supported here"));
            }
            text(members, "name")?.ok_or_else(|| CspFault::missing("name"))
        }
        _ => Err(CspFault::invalid(name, "a list of roles is needed, each with its `name`")),
    }
}

/// Names of roles; nothing where the list is missing.
pub(super) fn role_names(within: &Map<String, Value>, name: &str) -> Result<Option<BTreeSet<String>>, CspFault> {
    let Some(items) = list(within, name)? else { return Ok(None) };
    items.iter().map(|item| role_name(item, name).map(str::to_owned)).collect::<Result<_, _>>().map(Some)
}

fn service_id(members: &Map<String, Value>) -> Result<String, CspFault> {
    let link = text(members, "serviceDefinitionLink")?.and_then(|link| link.rsplit('/').next());
    let id = text(members, "serviceDefinitionId")?.or(link).ok_or_else(|| CspFault::missing("serviceDefinitionId"))?;
    Ok(id.to_owned())
}

/// Roles of services, `[{serviceDefinitionId, <names>: [{name}]}]`, the names of the lists in the order in which they count.
pub(super) fn service_roles(
    within: &Map<String, Value>,
    name: &str,
    lists: &[&str],
) -> Result<Option<BTreeMap<String, BTreeSet<String>>>, CspFault> {
    let Some(items) = list(within, name)? else { return Ok(None) };
    let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in items {
        let members = object(item, name)?;
        let entry = services.entry(service_id(members)?).or_default();
        for list in lists {
            entry.extend(role_names(members, list)?.unwrap_or_default());
        }
    }
    Ok(Some(services))
}

/// The scope of an app, as `allowedScopes` says it.
pub(super) fn scope(value: &Value) -> Result<AppScope, CspFault> {
    let members = object(value, "allowedScopes")?;
    let mut scope = AppScope::default();
    if list(members, "generalScopes")?.is_some_and(|words| words.iter().any(|word| word != "openid")) {
        return Err(CspFault::invalid("generalScopes", "none is supported here"));
    }
    if let Some(org) = members.get("organizationScopes").filter(|value| !value.is_null()) {
        let org = object(org, "organizationScopes")?;
        nothing_of(org, &["allRoles", "allPermissions", "permissions"])?;
        scope.org_roles = role_names(org, "roles")?.unwrap_or_default();
    }
    for item in list(members, "servicesScopes")?.unwrap_or_default() {
        let service = object(item, "servicesScopes")?;
        nothing_of(service, &["allPermissions", "permissions"])?;
        let id = service_id(service)?;
        let roles = role_names(service, "roles")?.unwrap_or_default();
        if flag(service, "allRoles")?.unwrap_or_default() {
            scope.services.insert(id, Wanted::All);
        } else if let Wanted::These(held) = scope.services.entry(id).or_insert_with(|| Wanted::These(BTreeSet::new())) {
            held.extend(roles);
        }
    }
    scope.services.retain(|_, wanted| !matches!(wanted, Wanted::These(roles) if roles.is_empty()));
    Ok(scope)
}

/// The same, shown.
pub(super) fn shown_scope(scope: &AppScope) -> Value {
    let services: Vec<Value> = scope
        .services
        .iter()
        .map(|(id, wanted)| {
            let roles = if let Wanted::These(roles) = wanted { names(roles) } else { Vec::new() };
            json!({ "serviceDefinitionId": id, "allRoles": *wanted == Wanted::All, "allPermissions": false, "roles": roles,
                "permissions": [] })
        })
        .collect();
    let org = json!({ "allRoles": false, "allPermissions": false, "roles": names(&scope.org_roles), "permissions": [] });
    json!({ "generalScopes": [], "organizationScopes": org, "servicesScopes": services })
}

/// Roles by name.
pub(super) fn names(roles: &BTreeSet<String>) -> Vec<Value> {
    roles.iter().map(|role| json!({ "name": role })).collect()
}

/// Roles of services, shown.
pub(super) fn shown_services(services: &BTreeMap<String, BTreeSet<String>>) -> Vec<Value> {
    let shown = |(id, roles): (&String, &BTreeSet<String>)| {
        let link = format!("/csp/gateway/slc/api/definitions/external/{id}");
        json!({ "serviceDefinitionId": id, "serviceDefinitionLink": link, "serviceRoles": names(roles),
            "serviceRoleNames": roles.iter().collect::<Vec<_>>() })
    };
    services.iter().map(shown).collect()
}

/// What is to be added and what to be taken away.
pub(super) struct Change {
    pub(super) add: Vec<RoleGrant>,
    pub(super) remove: Roles,
}

/// `{organizationRoles: {rolesToAdd, rolesToRemove}, serviceRoles: [{serviceDefinitionId, rolesToAdd, rolesToRemove}]}`.
pub(super) fn change(members: &Map<String, Value>) -> Result<Change, CspFault> {
    nothing_of(members, &["customRoles"])?;
    let mut change = Change { add: Vec::new(), remove: Roles::default() };
    let mut add = |service: Option<&str>, within: &Map<String, Value>| -> Result<(), CspFault> {
        for item in list(within, "rolesToAdd")?.unwrap_or_default() {
            let role = role_name(item, "rolesToAdd")?.to_owned();
            let expires = item.as_object().map_or(Ok(None), |members| number(members, "expiresAt"))?.map(Timestamp::from_unix);
            change.add.push(RoleGrant { service: service.map(str::to_owned), role, expires });
        }
        Ok(())
    };
    if let Some(org) = members.get("organizationRoles").filter(|value| !value.is_null()) {
        let org = object(org, "organizationRoles")?;
        add(None, org)?;
        change.remove.org_roles = role_names(org, "rolesToRemove")?.unwrap_or_default();
    }
    for item in list(members, "serviceRoles")?.unwrap_or_default() {
        let service = object(item, "serviceRoles")?;
        let id = service_id(service)?;
        add(Some(&id), service)?;
        change.remove.services.entry(id).or_default().extend(role_names(service, "rolesToRemove")?.unwrap_or_default());
    }
    Ok(change)
}

/// Ids in a list of texts.
pub(super) fn ids(members: &Map<String, Value>, name: &str) -> Result<Vec<String>, CspFault> {
    let items = list(members, name)?.ok_or_else(|| CspFault::missing(name))?;
    let wrong = || CspFault::invalid(name, "a list of texts is needed");
    items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

/// What became of several ids.
pub(super) fn several(done: &Several) -> Value {
    let failed: Vec<Value> = done.failed.iter().map(|(id, refusal)| failure(id, refusal)).collect();
    json!({ "succeeded": done.succeeded, "failed": failed })
}

/// One id that nothing was done to, and why.
pub(super) fn failure(id: &str, refusal: &Refusal) -> Value {
    json!({ "id": id, "message": refusal.to_string(), "reason": refusal.word() })
}

/// Which part of a list: from the first on, counted from 1, and how many.
pub(super) struct Page {
    start: u64,
    limit: u64,
}

impl Page {
    pub(super) fn read(asked: &Asked) -> Result<Self, CspFault> {
        let limit = asked.number("pageLimit")?.unwrap_or(PAGE);
        if limit > PAGE {
            return Err(CspFault::invalid("pageLimit", "it is 1 to 200"));
        }
        Ok(Self { start: asked.number("pageStart")?.unwrap_or(1), limit })
    }

    pub(super) fn skip(&self) -> usize {
        usize::try_from(self.start - 1).unwrap_or(usize::MAX)
    }

    pub(super) fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    /// The page, with the links to those before and after it.
    pub(super) fn show(&self, path: &str, results: &[Value], total: usize) -> Value {
        let link = |start: u64| format!("{path}?pageStart={start}&pageLimit={}", self.limit);
        let next = self.start.saturating_add(self.limit);
        let next = (next <= u64::try_from(total).unwrap_or(u64::MAX)).then(|| link(next));
        let previous = (self.start > 1).then(|| link(self.start.saturating_sub(self.limit).max(1)));
        json!({ "results": results, "totalResults": total, "nextLink": next, "prevLink": previous })
    }
}
