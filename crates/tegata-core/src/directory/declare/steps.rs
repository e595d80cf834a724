//! A plan as rows to write, and whether whoever asks might do each of its steps singly.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use tegata_model::{GroupId, PolicyId, RoleId, UserId};
use tegata_store::{
    ChangeSet, access_key, group,
    policy::{self, PolicyKind, PolicyVersionRow, Target},
    role, tag as tag_rows, user,
};

use super::{
    super::{CreateGroup, CreatePolicy, CreateRole, CreateUser, address_moved, changes, tag},
    change::{Bound, Change, Recipient, Trust},
    current::{Current, Key, State},
    plan::Planned,
};
use crate::{
    actions::Action,
    authz::{self, Permit},
    caller::Caller,
    error::OpError,
    resource::ResourceName,
    view::View,
};

/// Asks for one right, as a single operation does: conditions see what the thing carries.
pub(super) fn permit_one(
    view: &View<'_>,
    caller: &Caller,
    current: &Current,
    action: Action,
    resource: &ResourceName,
) -> Result<Permit, OpError> {
    let keys: Vec<(String, &str)> = current.tags_of(resource).iter().map(|(key, value)| (tag::resource_key(key), value.as_str())).collect();
    let extra: Vec<(&str, &str)> = keys.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    authz::permit(view, caller, action, resource, &extra)
}

/// Asks for every step what a single operation would ask. The first right that is missing refuses all of it.
pub(super) fn permit(view: &View<'_>, caller: &Caller, current: &Current, changes: &[Change]) -> Result<Option<Permit>, OpError> {
    let mut all: Option<Permit> = None;
    for (action, resource) in changes.iter().flat_map(|change| change.asks(caller)) {
        let permit = permit_one(view, caller, current, action, &resource)?;
        all = Some(match all {
            Some(so_far) => so_far.and(permit),
            None => permit,
        });
    }
    Ok(all)
}

/// Who has which id: those there are, and those that are made on the way.
struct Ids {
    users: HashMap<String, UserId>,
    groups: HashMap<String, GroupId>,
    roles: HashMap<String, RoleId>,
    policies: HashMap<Key, PolicyId>,
}

impl Ids {
    fn target(&self, whom: &Recipient) -> Result<Target, OpError> {
        Ok(match whom {
            Recipient::User(name) => Target::User(known(&self.users, &name.folded())?),
            Recipient::Group(name) => Target::Group(known(&self.groups, &name.folded())?),
            Recipient::Role(name) => Target::Role(known(&self.roles, &name.folded())?),
        })
    }

    fn subject(&self, bound: &Bound) -> Result<[u8; 16], OpError> {
        Ok(match bound {
            Bound::Subject(id) => *id,
            Bound::User(key) => *known(&self.users, key)?.as_bytes(),
            Bound::Role(key) => *known(&self.roles, key)?.as_bytes(),
        })
    }
}

/// A plan only names what is there or what it makes.
fn known<K: std::hash::Hash + Eq, T: Copy>(ids: &HashMap<K, T>, key: &K) -> Result<T, OpError> {
    ids.get(key).copied().ok_or_else(|| OpError::internal("a plan names something that is not there"))
}

/// Everything the plan writes, as one change set.
pub(super) fn change_set(view: &View<'_>, caller: &Caller, current: &Current, planned: &Planned) -> Result<ChangeSet, OpError> {
    let (account, now) = (caller.account(), view.now());
    let mut ids = Ids { users: current.user_ids(), groups: current.group_ids(), roles: current.role_ids(), policies: current.policy_ids() };
    let mut steps = changes(view, caller);
    let mut bindings: Vec<(RoleId, &Trust)> = Vec::new();
    for change in &planned.changes {
        match change {
            Change::CreatePolicy { policy: name, document, .. } => {
                let mut row = CreatePolicy { name: name.clone(), document: document.clone(), description: None, tags: Vec::new() }
                    .row(view, caller)?;
                if let Change::CreatePolicy { description, .. } = change {
                    row.description.clone_from(description);
                }
                ids.policies.insert(Key::custom(&name.folded()), row.id);
                steps.push(policy::insert(&row));
                let version = PolicyVersionRow { policy_id: row.id, version: 1, document: document.clone(), created_at: now };
                steps.extend(policy::add_version(&version));
            }
            Change::DescribePolicy { policy: name, description } => {
                steps.push(policy::set_description(known(&ids.policies, &Key::custom(&name.folded()))?, description, now));
            }
            Change::ChangePolicy { policy: name, document, drops_version, .. } => {
                let key = Key::custom(&name.folded());
                let row = current.policies.get(&key).ok_or_else(|| OpError::internal("a plan changes a policy that is not there"))?;
                if let Some(version) = drops_version {
                    steps.extend(policy::delete_version(row.id, *version, now));
                }
                let version = row.last_version.saturating_add(1);
                let new = PolicyVersionRow { policy_id: row.id, version, document: document.clone(), created_at: now };
                steps.extend(policy::add_version(&new));
                steps.push(policy::set_default(row.id, version, now));
            }
            Change::CreateUser { user: name, display_name, email, phone, comments } => {
                let made = CreateUser { name: name.clone(), display_name: display_name.clone(), email: None, phone: None, comments: None };
                let mut row = made.row(view, caller)?;
                row.email.clone_from(email);
                row.phone.clone_from(phone);
                row.comments.clone_from(comments);
                ids.users.insert(name.folded(), row.id);
                steps.push(user::insert(&row));
            }
            Change::ChangeUser { user: name, display_name, email, phone, comments } => {
                let Some(mut row) = current.users.get(&name.folded()).cloned() else { continue };
                if email.as_ref().is_some_and(|email| *email != row.email) {
                    address_moved(view, caller, &row, &mut steps)?;
                }
                let set = |place: &mut String, text: Option<&str>| {
                    if let Some(text) = text {
                        text.clone_into(place);
                    }
                };
                set(&mut row.display_name, display_name.as_ref().map(AsRef::as_ref));
                set(&mut row.email, email.as_deref());
                set(&mut row.phone, phone.as_deref());
                set(&mut row.comments, comments.as_deref());
                row.updated_at = now;
                steps.push(user::update(&row));
            }
            Change::CreateGroup { group: name, comments } => {
                let mut row = CreateGroup { name: name.clone(), comments: None }.row(view, caller)?;
                row.comments.clone_from(comments);
                ids.groups.insert(name.folded(), row.id);
                steps.push(group::insert(&row));
            }
            Change::ChangeGroup { group: name, comments } => {
                let Some(mut row) = current.groups.get(&name.folded()).cloned() else { continue };
                row.comments.clone_from(comments);
                row.updated_at = now;
                steps.push(group::update(&row));
            }
            Change::CreateRole { role: name, description, max_session_seconds, trust } => {
                let made = CreateRole {
                    name: name.clone(),
                    trust_document: trust.document.clone(),
                    description: None,
                    max_session: None,
                    tags: Vec::new(),
                };
                let id = RoleId::from_bytes(view.core().new_id()?);
                let mut row = made.row(view, caller, id, Duration::from_secs(*max_session_seconds))?;
                row.description.clone_from(description);
                ids.roles.insert(name.folded(), id);
                steps.push(role::insert(&row));
                bindings.push((id, trust));
            }
            Change::ChangeRole { role: name, description, max_session_seconds, trust, .. } => {
                let Some(mut row) = current.roles.get(&name.folded()).cloned() else { continue };
                if let Some(trust) = trust {
                    steps.push(role::set_trust(row.id, &trust.document));
                    steps.push(role::unbind_all(row.id));
                    bindings.push((row.id, trust));
                }
                if let Some(description) = description {
                    row.description.clone_from(description);
                }
                if let Some(seconds) = max_session_seconds {
                    row.max_session = Duration::from_secs(*seconds);
                }
                row.updated_at = now;
                steps.push(role::update(&row));
            }
            Change::AttachPolicy { to, policy: named } => {
                let id = known(&ids.policies, &Key::of(named))?;
                steps.extend(policy::attach(ids.target(to)?, id, account, now));
            }
            Change::DetachPolicy { from, policy: named } => {
                let id = known(&ids.policies, &Key::of(named))?;
                steps.extend(policy::detach(ids.target(from)?, id));
            }
            Change::AddMember { group: name, user } => {
                steps.extend(group::add_member(known(&ids.groups, &name.folded())?, known(&ids.users, &user.folded())?, now));
            }
            Change::RemoveMember { group: name, user } => {
                steps.extend(group::remove_member(known(&ids.groups, &name.folded())?, known(&ids.users, &user.folded())?));
            }
            Change::DeleteUser { user: name, .. } => {
                let id = known(&ids.users, &name.folded())?;
                for key in current.keys_of(&name.folded()) {
                    steps.extend(access_key::delete(*key, id));
                }
                steps.push(tag_rows::forget(*id.as_bytes()));
                steps.push(tegata_store::api_token::delete_of_user(id));
                steps.push(tegata_store::organisation::forget(id));
                steps.push(tegata_store::auth_key::delete_all(id));
                steps.extend(tegata_store::sam_document::forget(id));
                steps.push(user::delete(id));
            }
            Change::DeleteGroup { group: name } => steps.push(group::delete(known(&ids.groups, &name.folded())?)),
            Change::DeleteRole { role: name } => steps.extend(role::delete(known(&ids.roles, &name.folded())?)),
            Change::DeletePolicy { policy: name } => {
                steps.extend(policy::delete(known(&ids.policies, &Key::custom(&name.folded()))?));
            }
        }
    }
    // Everybody who is made has an id by now.
    for (role, trust) in bindings {
        for (text, bound) in &trust.bindings {
            steps.push(role::bind(role, text, ids.subject(bound)?));
        }
    }
    quotas(view, caller, planned, &ids, &mut steps)?;
    Ok(steps)
}

/// What was counted while the plan was made must still be so.
fn quotas(view: &View<'_>, caller: &Caller, planned: &Planned, ids: &Ids, steps: &mut ChangeSet) -> Result<(), OpError> {
    let (account, quotas, after) = (caller.account(), &view.core().limits().quotas, &planned.after);
    let fits = |count: usize, limit: u32| count <= usize::try_from(limit).unwrap_or(usize::MAX);
    let made = |is: fn(&Change) -> bool| planned.changes.iter().any(is);
    let custom = after.policies.keys().filter(|key| key.0 == PolicyKind::Custom).count();
    if made(|change| matches!(change, Change::CreateUser { .. })) && fits(after.users.len(), quotas.users) {
        steps.push(user::at_most(account, quotas.users));
    }
    if made(|change| matches!(change, Change::CreateGroup { .. })) && fits(after.groups.len(), quotas.groups) {
        steps.push(group::at_most(account, quotas.groups));
    }
    if made(|change| matches!(change, Change::CreateRole { .. })) && fits(after.roles.len(), quotas.roles) {
        steps.push(role::at_most(account, quotas.roles));
    }
    if made(|change| matches!(change, Change::CreatePolicy { .. })) && fits(custom, quotas.policies) {
        steps.push(policy::at_most(account, quotas.policies));
    }
    let groups = after.groups_of_users();
    let (mut joined, mut attached) = (BTreeSet::new(), BTreeSet::new());
    for change in &planned.changes {
        match change {
            Change::AddMember { user: name, .. } => {
                let key = name.folded();
                if fits(groups.get(key.as_str()).map_or(0, Vec::len), quotas.groups_per_user) && joined.insert(key.clone()) {
                    steps.push(group::memberships_at_most(known(&ids.users, &key)?, quotas.groups_per_user));
                }
            }
            Change::AttachPolicy { to, policy: named } => {
                let kind = Key::of(named).0;
                let (held, custom) = match to {
                    Recipient::User(name) => {
                        (held(after, |after| Some(&after.users.get(&name.folded())?.policies)), quotas.policies_per_user)
                    }
                    Recipient::Group(name) => {
                        (held(after, |after| Some(&after.groups.get(&name.folded())?.policies)), quotas.policies_per_group)
                    }
                    Recipient::Role(name) => {
                        (held(after, |after| Some(&after.roles.get(&name.folded())?.policies)), quotas.policies_per_role)
                    }
                };
                let limit = if kind == PolicyKind::System { quotas.system_policies } else { custom };
                let target = ids.target(to)?;
                if fits(held.iter().filter(|key| key.0 == kind).count(), limit) && attached.insert((target.id(), kind)) {
                    steps.push(policy::attached_at_most(target, kind, limit));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn held<'s>(after: &'s State, find: impl Fn(&'s State) -> Option<&'s BTreeSet<Key>>) -> Vec<&'s Key> {
    find(after).into_iter().flatten().collect()
}
