//! Who gains and who loses: what the steps of a plan come to for users and roles.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tegata_model::AccountNumber;
use tegata_policy::{DocumentKind, PrincipalName, ram};
use tegata_store::policy::PolicyKind;

use super::{
    change::Change,
    current::{Current, Key, State},
    desired::SYSTEM_PREFIX,
    plan::effective,
};

/// One thing that somebody has afterwards and had not, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "shift", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Shift {
    /// What a user may use.
    User {
        /// Gains it, or loses it.
        gains: bool,
        /// The policy, as declarations name it.
        policy: String,
        /// The groups that it comes through, if it does not come to the user itself.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        through: Vec<String>,
        /// The user.
        user: String,
    },
    /// What a role may use.
    Role {
        /// Gains it, or loses it.
        gains: bool,
        /// The policy, as declarations name it.
        policy: String,
        /// The role.
        role: String,
    },
    /// Whom a role trusts.
    Trust {
        /// Begins to, or ceases to.
        gains: bool,
        /// The role.
        role: String,
        /// Whom, in words.
        principal: String,
    },
}

pub(super) fn shifts(before: &State, after: &State, account: AccountNumber) -> Vec<Shift> {
    let mut shifts = Vec::new();
    let (had, has) = (effective(before), effective(after));
    let none = BTreeMap::new();
    let everybody: BTreeSet<&str> = had.keys().chain(has.keys()).copied().collect();
    for user in everybody {
        let (had, has) = (had.get(user).unwrap_or(&none), has.get(user).unwrap_or(&none));
        let name = after.users.get(user).or_else(|| before.users.get(user)).map_or(user, |is| is.name.as_str());
        for (from, to, gains) in [(had, has, true), (has, had, false)] {
            for (policy, through) in to.iter().filter(|(policy, _)| !from.contains_key(*policy)) {
                let groups = if through.contains(&None) { Vec::new() } else { through.iter().flatten().map(ToString::to_string).collect() };
                let policy = word(if gains { after } else { before }, policy);
                shifts.push(Shift::User { gains, policy, through: groups, user: name.to_owned() });
            }
        }
    }
    let roles: BTreeSet<&String> = before.roles.keys().chain(after.roles.keys()).collect();
    for key in roles {
        let (was, is) = (before.roles.get(key), after.roles.get(key));
        let Some(role) = is.or(was).map(|role| &role.name) else { continue };
        let held = |role: Option<&super::current::RoleIs>| role.map(|role| role.policies.clone()).unwrap_or_default();
        let (had, has) = (held(was), held(is));
        for policy in has.difference(&had) {
            shifts.push(Shift::Role { gains: true, policy: word(after, policy), role: role.clone() });
        }
        for policy in had.difference(&has) {
            shifts.push(Shift::Role { gains: false, policy: word(before, policy), role: role.clone() });
        }
        let trusted = |role: Option<&super::current::RoleIs>| role.map(|role| trusted(&role.trust, account)).unwrap_or_default();
        let (had, has) = (trusted(was), trusted(is));
        for principal in has.difference(&had) {
            shifts.push(Shift::Trust { gains: true, role: role.clone(), principal: principal.clone() });
        }
        // A role that is deleted trusts nobody; that needs no saying.
        for principal in had.difference(&has).filter(|_| is.is_some()) {
            shifts.push(Shift::Trust { gains: false, role: role.clone(), principal: principal.clone() });
        }
    }
    shifts
}

fn word(state: &State, policy: &Key) -> String {
    let name = state.policies.get(policy).map_or(policy.1.as_str(), |is| is.name.as_str());
    if policy.0 == PolicyKind::System { format!("{SYSTEM_PREFIX}{name}") } else { name.to_owned() }
}

/// Whom a trust document names, in words.
pub(super) fn trusted(document: &str, account: AccountNumber) -> BTreeSet<String> {
    let own = account.to_string();
    let Ok(trust) = ram::parse(document, DocumentKind::Trust) else { return BTreeSet::new() };
    let words = |principal: PrincipalName| match principal {
        PrincipalName::AccountMembers { account } if account == own => "everybody in this account".to_owned(),
        PrincipalName::AccountMembers { account } => format!("everybody in account {account}"),
        PrincipalName::User { account, name } if account == own => format!("user {name}"),
        PrincipalName::User { account, name } => format!("user {name} of account {account}"),
        PrincipalName::Role { account, name } if account == own => format!("role {name}"),
        PrincipalName::Role { account, name } => format!("role {name} of account {account}"),
        PrincipalName::Owner { account } => format!("owner of {account}"),
        PrincipalName::Service(name) => format!("service {name}"),
        PrincipalName::Federated(name) => format!("provider {name}"),
    };
    trust.principals().into_iter().map(words).collect()
}

/// What else the plan comes to: whom a changed policy acts on, and which trust documents go on naming somebody who is deleted.
pub(super) fn notes(changes: &[Change], before: &State, after: &State, account: AccountNumber) -> Vec<String> {
    let mut notes = Vec::new();
    let changed: Vec<_> =
        changes.iter().filter_map(|change| if let Change::ChangePolicy { policy, .. } = change { Some(policy) } else { None }).collect();
    if !changed.is_empty() {
        let effective = effective(after);
        for policy in changed {
            let key = Key::custom(&policy.folded());
            let users = effective.values().filter(|held| held.contains_key(&key)).count();
            let roles = after.roles.values().filter(|role| role.policies.contains(&key)).count();
            notes.push(format!("policy {policy} acts on {}", super::words::counted(&[(users, "user"), (roles, "role")])));
        }
    }
    let gone_users = before.users.iter().filter(|(key, _)| !after.users.contains_key(*key)).map(|(_, is)| format!("user {}", is.name));
    let gone_roles = before.roles.iter().filter(|(key, _)| !after.roles.contains_key(*key)).map(|(_, is)| format!("role {}", is.name));
    let gone: BTreeSet<String> = gone_users.chain(gone_roles).map(|name| name.to_ascii_lowercase()).collect();
    if !gone.is_empty() {
        for role in after.roles.values() {
            for principal in trusted(&role.trust, account).into_iter().filter(|name| gone.contains(&name.to_ascii_lowercase())) {
                notes.push(format!(
                    "role {} still names {principal}, who is deleted; whoever is made under that name is not meant",
                    role.name
                ));
            }
        }
    }
    notes
}

/// Trust that is not written anew and names somebody by a name that has passed on: who bears it now is not meant.
pub(super) fn passed_on(changes: &[Change], current: &Current, after: &State, account: AccountNumber) -> Vec<String> {
    let written: BTreeSet<String> = changes
        .iter()
        .filter_map(|change| match change {
            Change::ChangeRole { role, trust: Some(_), .. } => Some(role.folded()),
            _ => None,
        })
        .collect();
    let roles: BTreeMap<_, _> = current.roles.iter().map(|(key, row)| (row.id, (key, &row.name))).collect();
    let mut notes = Vec::new();
    for (role, principal, subject) in &current.bindings {
        let Some((key, name)) = roles.get(role) else { continue };
        if written.contains(*key) || !after.roles.contains_key(*key) {
            continue;
        }
        let (user, other) = (format!("user:{account}:"), format!("role:{account}:"));
        let now = principal
            .strip_prefix(&user)
            .and_then(|folded| Some((format!("user {folded}"), *current.users.get(folded)?.id.as_bytes())))
            .or_else(|| {
                principal
                    .strip_prefix(&other)
                    .and_then(|folded| Some((format!("role {folded}"), *current.roles.get(folded)?.id.as_bytes())))
            });
        if let Some((who, _)) = now.filter(|(_, id)| id != subject) {
            notes.push(format!(
                "role {name} names {who}, but means one of that name who is gone; save its trust again to mean who is there now"
            ));
        }
    }
    notes
}
