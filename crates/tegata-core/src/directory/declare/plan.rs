//! The difference between what is and what shall be: pure once both are read, so the same question has the same answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tegata_model::{GroupName, PolicyName, RoleName, UserName};
use tegata_policy::{DocumentKind, PrincipalName, ram};
use tegata_store::{login_profile, mfa_device, policy::PolicyKind};

use super::{
    super::{PolicyRef, PolicyType, own, policy as policies, role as roles, user_name},
    change::{Bound, Change, Recipient, Trust, policy_word},
    current::{Current, GroupIs, Key, PolicyIs, RoleIs, State, UserIs},
    desired::{Declaration, DeclaredGroup, DeclaredPolicy, DeclaredRole, DeclaredUser},
    documents,
};
use crate::{
    caller::Caller,
    error::{Holding, Input, OpError, ProblemKind, Quota},
    principal::principal_text,
    resource::ResourceName,
    view::View,
};

/// What is found different, and what the directory is like afterwards.
pub(super) struct Planned {
    pub(super) changes: Vec<Change>,
    pub(super) after: State,
    /// Users, groups, roles and policies that are there and not declared, and stay.
    pub(super) left: [usize; 4],
}

/// Steps in the order in which they can be done.
#[derive(Default)]
struct Steps {
    made: Vec<Change>,
    taken: Vec<Change>,
    given: Vec<Change>,
    deleted: Vec<Change>,
}

/// Who goes, by folded names.
#[derive(Default)]
struct Doomed {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
    roles: BTreeSet<String>,
    policies: BTreeSet<String>,
    /// Those of the policies that nobody named: they are only not declared.
    pruned_policies: BTreeSet<String>,
    with_keys: BTreeSet<String>,
}

struct Planner<'a> {
    view: &'a View<'a>,
    caller: &'a Caller,
    declared: &'a Declaration,
    current: &'a Current,
    after: State,
    doomed: Doomed,
    steps: Steps,
}

/// Compares. `prune`: what is not declared goes, in the sections that are there.
pub(super) async fn plan(
    view: &View<'_>,
    caller: &Caller,
    declared: &Declaration,
    current: &Current,
    prune: bool,
) -> Result<Planned, OpError> {
    let (doomed, left) = doom(declared, current, prune);
    let after = current.state.clone();
    let mut planner = Planner { view, caller, declared, current, after, doomed, steps: Steps::default() };
    planner.policies()?;
    planner.users()?;
    planner.groups()?;
    planner.roles()?;
    planner.deletions()?;
    planner.nothing_to_sign_in_with().await?;
    planner.trusts().await?;
    planner.quotas()?;
    let Steps { mut made, taken, given, deleted } = planner.steps;
    made.extend(taken);
    made.extend(given);
    made.extend(deleted);
    Ok(Planned { changes: made, after: planner.after, left })
}

/// Who goes, and how many of each stay without being declared.
fn doom(declared: &Declaration, current: &Current, prune: bool) -> (Doomed, [usize; 4]) {
    let removed = &declared.removed;
    let with_keys: BTreeSet<String> = removed.users_with_keys.iter().map(UserName::folded).collect();
    let named = |names: BTreeSet<String>, there: &dyn Fn(&String) -> bool| names.into_iter().filter(there).collect::<BTreeSet<_>>();
    let mut doomed = Doomed {
        users: named(removed.users.iter().map(UserName::folded).chain(with_keys.iter().cloned()).collect(), &|key| {
            current.users.contains_key(key)
        }),
        groups: named(removed.groups.iter().map(GroupName::folded).collect(), &|key| current.groups.contains_key(key)),
        roles: named(removed.roles.iter().map(RoleName::folded).collect(), &|key| current.roles.contains_key(key)),
        policies: named(removed.policies.iter().map(PolicyName::folded).collect(), &|key| current.policies.contains_key(&Key::custom(key))),
        pruned_policies: BTreeSet::new(),
        with_keys,
    };
    let custom: Vec<String> = current.policies.keys().filter(|key| key.0 == PolicyKind::Custom).map(|key| key.1.clone()).collect();
    let undeclared = |there: Vec<&String>, declared: Option<Vec<&String>>, doomed: &BTreeSet<String>| -> (Vec<String>, bool) {
        let whole = declared.is_some();
        let declared: BTreeSet<&String> = declared.into_iter().flatten().collect();
        let rest = there.into_iter().filter(|key| !declared.contains(key) && !doomed.contains(*key)).cloned().collect();
        (rest, whole)
    };
    let (users, prune_users) =
        undeclared(current.users.keys().collect(), declared.users.as_ref().map(|map| map.keys().collect()), &doomed.users);
    let (groups, prune_groups) =
        undeclared(current.groups.keys().collect(), declared.groups.as_ref().map(|map| map.keys().collect()), &doomed.groups);
    let (roles, prune_roles) =
        undeclared(current.roles.keys().collect(), declared.roles.as_ref().map(|map| map.keys().collect()), &doomed.roles);
    let (policies, prune_policies) =
        undeclared(custom.iter().collect(), declared.policies.as_ref().map(|map| map.keys().collect()), &doomed.policies);
    let mut left = [users.len(), groups.len(), roles.len(), policies.len()];
    if prune {
        doomed.pruned_policies = if prune_policies { policies.iter().cloned().collect() } else { BTreeSet::new() };
        let parts = [
            (users, prune_users, &mut doomed.users),
            (groups, prune_groups, &mut doomed.groups),
            (roles, prune_roles, &mut doomed.roles),
            (policies, prune_policies, &mut doomed.policies),
        ];
        for ((rest, whole, set), left) in parts.into_iter().zip(&mut left) {
            if whole {
                set.extend(rest);
                *left = 0;
            }
        }
    }
    (doomed, left)
}

/// A problem of the declaration, told with its place.
pub(super) fn wrong(place: &str, problem: impl std::fmt::Display) -> OpError {
    OpError::invalid(Input::Declaration, ProblemKind::Malformed, format!("`{place}`: {problem}"))
}

/// The same problem, told with its place in the declaration.
fn placed(place: &str, error: OpError) -> OpError {
    match error {
        OpError::Invalid(problem) => OpError::invalid(Input::Declaration, problem.kind, format!("`{place}`: {}", problem.message)),
        other => other,
    }
}

impl Planner<'_> {
    fn policies(&mut self) -> Result<(), OpError> {
        for (key, declared) in self.declared.policies.iter().flatten() {
            let place = format!("policies.{}", declared.name);
            match self.current.policies.get(&Key::custom(key)) {
                None => self.new_policy(key, declared, &place)?,
                Some(row) => {
                    if let Some(description) = declared.description.clone().filter(|wanted| *wanted != row.description) {
                        self.steps.made.push(Change::DescribePolicy { policy: row.name.clone(), description });
                    }
                    self.changed_policy(key, declared, &place)?;
                }
            }
        }
        Ok(())
    }

    fn new_policy(&mut self, key: &str, declared: &DeclaredPolicy, place: &str) -> Result<(), OpError> {
        let document = declared.document.as_ref().ok_or_else(|| wrong(place, "a new policy needs a `document`"))?.to_string();
        policies::check(self.view, &document).map_err(|error| placed(&format!("{place}.document"), error))?;
        self.after.policies.insert(Key::custom(key), PolicyIs { name: declared.name.to_string(), document: document.clone() });
        let description = declared.description.clone().unwrap_or_default();
        self.steps.made.push(Change::CreatePolicy { policy: declared.name.clone(), description, document });
        Ok(())
    }

    fn changed_policy(&mut self, key: &str, declared: &DeclaredPolicy, place: &str) -> Result<(), OpError> {
        let key = Key::custom(key);
        let (Some(wanted), Some(is), Some(row)) = (&declared.document, self.after.policies.get_mut(&key), self.current.policies.get(&key))
        else {
            return Ok(());
        };
        let Some(differences) = documents::differences(&is.document, wanted) else { return Ok(()) };
        let document = wanted.to_string();
        policies::check(self.view, &document).map_err(|error| placed(&format!("{place}.document"), error))?;
        let limit = self.view.core().limits().quotas.versions_per_policy;
        let versions = self.current.versions.get(&row.id).map_or(&[][..], Vec::as_slice);
        let drops_version = if versions.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            let oldest = versions.iter().find(|version| **version != row.default_version);
            Some(*oldest.ok_or(OpError::LimitExceeded(Quota::VersionsPerPolicy, limit))?)
        } else {
            None
        };
        is.document.clone_from(&document);
        self.steps.made.push(Change::ChangePolicy { policy: row.name.clone(), document, differences, drops_version });
        Ok(())
    }

    fn users(&mut self) -> Result<(), OpError> {
        for (key, declared) in self.declared.users.iter().flatten() {
            let name = match self.current.users.get(key) {
                None => self.new_user(key, declared),
                Some(row) => {
                    let differs = |wanted: &Option<String>, is: &str| wanted.clone().filter(|wanted| wanted != is);
                    let (email, phone) = (differs(&declared.email, &row.email), differs(&declared.phone, &row.phone));
                    let comments = differs(&declared.comments, &row.comments);
                    let display_name = declared.display_name.clone().filter(|wanted| wanted.as_str() != row.display_name);
                    if display_name.is_some() || email.is_some() || phone.is_some() || comments.is_some() {
                        self.steps.made.push(Change::ChangeUser { user: row.name.clone(), display_name, email, phone, comments });
                    }
                    row.name.clone()
                }
            };
            if let Some(wanted) = &declared.policies {
                let place = format!("users.{}.policies", declared.name);
                let wanted = self.wanted_policies(wanted, &place)?;
                let Some(is) = self.after.users.get_mut(key) else { continue };
                let had = std::mem::replace(&mut is.policies, wanted.clone());
                self.reattach(&Recipient::User(name), &had, &wanted);
            }
        }
        Ok(())
    }

    fn new_user(&mut self, key: &str, declared: &DeclaredUser) -> UserName {
        let DeclaredUser { name, display_name, email, phone, comments, .. } = declared.clone();
        let is = UserIs { name: name.to_string(), active: true, policies: BTreeSet::new() };
        self.after.users.insert(key.to_owned(), is);
        self.steps.made.push(Change::CreateUser {
            user: name.clone(),
            display_name,
            email: email.unwrap_or_default(),
            phone: phone.unwrap_or_default(),
            comments: comments.unwrap_or_default(),
        });
        name
    }

    fn groups(&mut self) -> Result<(), OpError> {
        for (key, declared) in self.declared.groups.iter().flatten() {
            let DeclaredGroup { name, comments, members, policies } = declared;
            let name = if let Some(row) = self.current.groups.get(key) {
                if let Some(comments) = comments.clone().filter(|wanted| *wanted != row.comments) {
                    self.steps.made.push(Change::ChangeGroup { group: row.name.clone(), comments });
                }
                row.name.clone()
            } else {
                let is = GroupIs { name: name.to_string(), members: BTreeSet::new(), policies: BTreeSet::new() };
                self.after.groups.insert(key.clone(), is);
                self.steps.made.push(Change::CreateGroup { group: name.clone(), comments: comments.clone().unwrap_or_default() });
                name.clone()
            };
            if let Some(members) = members {
                let mut wanted = BTreeSet::new();
                for member in members {
                    if !self.after.users.contains_key(&member.folded()) || self.doomed.users.contains(&member.folded()) {
                        let place = format!("groups.{name}.members");
                        return Err(wrong(&place, format!("user `{member}` does not exist, or is deleted by this declaration")));
                    }
                    wanted.insert(member.folded());
                }
                let Some(is) = self.after.groups.get_mut(key) else { continue };
                let had = std::mem::replace(&mut is.members, wanted.clone());
                let user = |key: &String| self.after.users.get(key).and_then(|is| is.name.parse::<UserName>().ok());
                for user in wanted.difference(&had).filter_map(user) {
                    self.steps.given.push(Change::AddMember { group: name.clone(), user });
                }
                for user in had.difference(&wanted).filter_map(user) {
                    self.steps.taken.push(Change::RemoveMember { group: name.clone(), user });
                }
            }
            if let Some(wanted) = policies {
                let wanted = self.wanted_policies(wanted, &format!("groups.{name}.policies"))?;
                let Some(is) = self.after.groups.get_mut(key) else { continue };
                let had = std::mem::replace(&mut is.policies, wanted.clone());
                self.reattach(&Recipient::Group(name), &had, &wanted);
            }
        }
        Ok(())
    }

    fn roles(&mut self) -> Result<(), OpError> {
        for (key, declared) in self.declared.roles.iter().flatten() {
            let place = format!("roles.{}", declared.name);
            if let Some(max_session) = declared.max_session {
                roles::longest(max_session, Input::MaxSession).map_err(|error| placed(&place, error))?;
            }
            let name = if let Some(row) = self.current.roles.get(key) {
                let is = self.after.roles.get_mut(key);
                let changed = |is: &mut RoleIs, wanted: &serde_json::Value| {
                    let differences = documents::differences(&is.trust, wanted)?;
                    let before = std::mem::replace(&mut is.trust, wanted.to_string());
                    Some((before, differences))
                };
                let trust = is.zip(declared.trust.as_ref()).and_then(|(is, wanted)| changed(is, wanted));
                let description = declared.description.clone().filter(|wanted| *wanted != row.description);
                let max_session_seconds = declared.max_session.filter(|wanted| *wanted != row.max_session).map(|wanted| wanted.as_secs());
                if trust.is_some() || description.is_some() || max_session_seconds.is_some() {
                    let (trust, differences) = trust.map_or((None, Vec::new()), |(_, differences)| {
                        let document = self.after.roles.get(key).map(|is| is.trust.clone()).unwrap_or_default();
                        (Some(Trust { document, bindings: Vec::new() }), differences)
                    });
                    let role = row.name.clone();
                    self.steps.made.push(Change::ChangeRole { role, description, max_session_seconds, trust, differences });
                }
                row.name.clone()
            } else {
                self.new_role(key, declared, &place)?
            };
            if let Some(wanted) = &declared.policies {
                let wanted = self.wanted_policies(wanted, &format!("{place}.policies"))?;
                let Some(is) = self.after.roles.get_mut(key) else { continue };
                let had = std::mem::replace(&mut is.policies, wanted.clone());
                self.reattach(&Recipient::Role(name), &had, &wanted);
            }
        }
        Ok(())
    }

    fn new_role(&mut self, key: &str, declared: &DeclaredRole, place: &str) -> Result<RoleName, OpError> {
        let document = declared.trust.as_ref().ok_or_else(|| wrong(place, "a new role needs `trust`"))?.to_string();
        let is = RoleIs { name: declared.name.to_string(), trust: document.clone(), policies: BTreeSet::new() };
        self.after.roles.insert(key.to_owned(), is);
        self.steps.made.push(Change::CreateRole {
            role: declared.name.clone(),
            description: declared.description.clone().unwrap_or_default(),
            max_session_seconds: declared.max_session.unwrap_or(Duration::from_hours(1)).as_secs(),
            trust: Trust { document, bindings: Vec::new() },
        });
        Ok(declared.name.clone())
    }

    /// The policies of a list, all of which must be there afterwards.
    fn wanted_policies(&self, list: &[PolicyRef], place: &str) -> Result<BTreeSet<Key>, OpError> {
        let mut wanted = BTreeSet::new();
        for policy in list {
            let key = Key::of(policy);
            let doomed = policy.kind == PolicyType::Custom && self.doomed.policies.contains(&key.1);
            if doomed || !self.after.policies.contains_key(&key) {
                return Err(wrong(place, format!("policy `{}` does not exist, or is deleted by this declaration", policy_word(policy))));
            }
            wanted.insert(key);
        }
        Ok(wanted)
    }

    fn policy_ref(&self, key: &Key) -> Option<PolicyRef> {
        let kind = if key.0 == PolicyKind::System { PolicyType::System } else { PolicyType::Custom };
        let name = self.after.policies.get(key)?.name.parse().ok()?;
        Some(PolicyRef { kind, name })
    }

    fn reattach(&mut self, whom: &Recipient, had: &BTreeSet<Key>, wanted: &BTreeSet<Key>) {
        for policy in wanted.difference(had).filter_map(|key| self.policy_ref(key)).collect::<Vec<_>>() {
            self.steps.given.push(Change::AttachPolicy { to: whom.clone(), policy });
        }
        for policy in had.difference(wanted).filter_map(|key| self.policy_ref(key)).collect::<Vec<_>>() {
            self.steps.taken.push(Change::DetachPolicy { from: whom.clone(), policy });
        }
    }

    /// Whoever goes is first taken out of everything.
    fn deletions(&mut self) -> Result<(), OpError> {
        let doomed = std::mem::take(&mut self.doomed);
        for key in &doomed.policies {
            self.doom_policy(key, &doomed)?;
        }
        let none = BTreeSet::new();
        for key in &doomed.users {
            let Some(row) = self.current.users.get(key) else { continue };
            let access_keys = self.current.keys_of(key).len();
            if access_keys > 0 && !doomed.with_keys.contains(key) {
                return Err(OpError::InUse(user_name(self.caller, &row.name), Holding::AccessKeys));
            }
            for (group, is) in &mut self.after.groups {
                if is.members.remove(key)
                    && let Some(group) = self.current.groups.get(group)
                {
                    self.steps.taken.push(Change::RemoveMember { group: group.name.clone(), user: row.name.clone() });
                }
            }
            if let Some(is) = self.after.users.remove(key) {
                self.reattach(&Recipient::User(row.name.clone()), &is.policies, &none);
            }
            self.steps.deleted.push(Change::DeleteUser { user: row.name.clone(), access_keys });
        }
        for key in &doomed.groups {
            let (Some(row), Some(is)) = (self.current.groups.get(key), self.after.groups.remove(key)) else { continue };
            for user in is.members.iter().filter_map(|member| self.current.users.get(member)) {
                self.steps.taken.push(Change::RemoveMember { group: row.name.clone(), user: user.name.clone() });
            }
            self.reattach(&Recipient::Group(row.name.clone()), &is.policies, &none);
            self.steps.deleted.push(Change::DeleteGroup { group: row.name.clone() });
        }
        for key in &doomed.roles {
            let (Some(row), Some(is)) = (self.current.roles.get(key), self.after.roles.remove(key)) else { continue };
            self.reattach(&Recipient::Role(row.name.clone()), &is.policies, &none);
            self.steps.deleted.push(Change::DeleteRole { role: row.name.clone() });
        }
        for key in &doomed.policies {
            self.after.policies.remove(&Key::custom(key));
            if let Some(row) = self.current.policies.get(&Key::custom(key)) {
                self.steps.deleted.push(Change::DeletePolicy { policy: row.name.clone() });
            }
        }
        self.doomed = doomed;
        Ok(())
    }

    /// Takes a policy from whoever has it. One that is only not declared is not taken from somebody whom nobody mentioned.
    fn doom_policy(&mut self, key: &str, doomed: &Doomed) -> Result<(), OpError> {
        let policy = Key::custom(key);
        let Some(row) = self.current.policies.get(&policy) else { return Ok(()) };
        let named = PolicyRef { kind: PolicyType::Custom, name: row.name.clone() };
        let refused = |holding| {
            let resource = ResourceName::Policy { account: own(self.caller), name: row.name.clone() };
            if doomed.pruned_policies.contains(key) { Err(OpError::InUse(resource, holding)) } else { Ok(()) }
        };
        let mut detached = Vec::new();
        for (user, is) in self.after.users.iter_mut().filter(|(user, _)| !doomed.users.contains(*user)) {
            if is.policies.remove(&policy) {
                refused(Holding::Users)?;
                detached.extend(self.current.users.get(user).map(|row| Recipient::User(row.name.clone())));
            }
        }
        for (group, is) in self.after.groups.iter_mut().filter(|(group, _)| !doomed.groups.contains(*group)) {
            if is.policies.remove(&policy) {
                refused(Holding::AttachedGroups)?;
                detached.extend(self.current.groups.get(group).map(|row| Recipient::Group(row.name.clone())));
            }
        }
        for (role, is) in self.after.roles.iter_mut().filter(|(role, _)| !doomed.roles.contains(*role)) {
            if is.policies.remove(&policy) {
                refused(Holding::Roles)?;
                detached.extend(self.current.roles.get(role).map(|row| Recipient::Role(row.name.clone())));
            }
        }
        self.steps.taken.extend(detached.into_iter().map(|from| Change::DetachPolicy { from, policy: named.clone() }));
        Ok(())
    }

    /// Whoever goes has nothing left to sign in with: a declaration says nothing of it, so it takes nothing of it away.
    async fn nothing_to_sign_in_with(&self) -> Result<(), OpError> {
        let store = &self.view.core().store;
        for change in &self.steps.deleted {
            let Change::DeleteUser { user, .. } = change else { continue };
            let Some(row) = self.current.users.get(&user.folded()) else { continue };
            let resource = user_name(self.caller, user);
            if login_profile::find(store, row.id).await?.is_some() {
                return Err(OpError::InUse(resource, Holding::LoginProfile));
            }
            if mfa_device::of_user(store, row.id).await?.is_some() {
                return Err(OpError::InUse(resource, Holding::Factor));
            }
        }
        Ok(())
    }

    /// Finds whom every trust document that is written means.
    async fn trusts(&mut self) -> Result<(), OpError> {
        for change in &mut self.steps.made {
            let (Change::CreateRole { role, trust, .. } | Change::ChangeRole { role, trust: Some(trust), .. }) = change else {
                continue;
            };
            let place = format!("roles.{role}.trust");
            trust.bindings = bind(self.view, self.caller, &self.after, &trust.document).await.map_err(|error| placed(&place, error))?;
        }
        Ok(())
    }

    /// Nobody gets more than single operations would give.
    fn quotas(&self) -> Result<(), OpError> {
        let quotas = &self.view.core().limits().quotas;
        let (before, after) = (&self.current.state, &self.after);
        let custom = |state: &State| state.policies.keys().filter(|key| key.0 == PolicyKind::Custom).count();
        let within = |quota, limit: u32, before: usize, after: usize| {
            if after > before && after > usize::try_from(limit).unwrap_or(usize::MAX) {
                return Err(OpError::LimitExceeded(quota, limit));
            }
            Ok(())
        };
        within(Quota::Users, quotas.users, before.users.len(), after.users.len())?;
        within(Quota::Groups, quotas.groups, before.groups.len(), after.groups.len())?;
        within(Quota::Roles, quotas.roles, before.roles.len(), after.roles.len())?;
        within(Quota::Policies, quotas.policies, custom(before), custom(after))?;
        let groups_before = before.groups_of_users();
        for (user, groups) in after.groups_of_users() {
            within(Quota::GroupsPerUser, quotas.groups_per_user, groups_before.get(user).map_or(0, Vec::len), groups.len())?;
        }
        let attached = |quota, custom: u32, before: Option<&BTreeSet<Key>>, after: &BTreeSet<Key>| {
            for (kind, limit) in [(PolicyKind::Custom, custom), (PolicyKind::System, quotas.system_policies)] {
                let count = |set: &BTreeSet<Key>| set.iter().filter(|key| key.0 == kind).count();
                within(quota, limit, before.map_or(0, count), count(after))?;
            }
            Ok::<(), OpError>(())
        };
        for (key, is) in &after.users {
            let had = before.users.get(key).map(|is| &is.policies);
            attached(Quota::PoliciesPerUser, quotas.policies_per_user, had, &is.policies)?;
        }
        for (key, is) in &after.groups {
            let had = before.groups.get(key).map(|is| &is.policies);
            attached(Quota::PoliciesPerGroup, quotas.policies_per_group, had, &is.policies)?;
        }
        for (key, is) in &after.roles {
            let had = before.roles.get(key).map(|is| &is.policies);
            attached(Quota::PoliciesPerRole, quotas.policies_per_role, had, &is.policies)?;
        }
        Ok(())
    }
}

/// Whom a trust document means, as a single operation would bind it: but whoever is made by the same plan counts as there,
/// and whoever is deleted as gone.
async fn bind(view: &View<'_>, caller: &Caller, after: &State, document: &str) -> Result<Vec<(String, Bound)>, OpError> {
    policies::check_length(view, document, Input::TrustDocument)?;
    let trust = ram::parse(document, DocumentKind::Trust)
        .map_err(|problem| OpError::invalid(Input::TrustDocument, ProblemKind::Malformed, problem.to_string()))?;
    let own = own(caller).to_string();
    let mut bindings = Vec::new();
    for principal in trust.principals() {
        let (subject, foreign) = match &principal {
            PrincipalName::User { account, name } if *account == own => {
                let key = name.to_ascii_lowercase();
                (after.users.contains_key(&key).then_some(Bound::User(key)), false)
            }
            PrincipalName::Role { account, name } if *account == own => {
                let key = name.to_ascii_lowercase();
                (after.roles.contains_key(&key).then_some(Bound::Role(key)), false)
            }
            other => {
                let (subject, foreign) = roles::subject(view, caller, other).await?;
                (subject.map(Bound::Subject), foreign)
            }
        };
        match subject {
            Some(subject) => bindings.push((principal_text(&principal), subject)),
            None if foreign => {}
            None => {
                let rule = format!("`Principal` names `{principal}`, who does not exist");
                return Err(OpError::invalid(Input::TrustDocument, ProblemKind::Malformed, rule));
            }
        }
    }
    Ok(bindings)
}

/// What everybody may use, and through what: folded name of the user, policy, groups (`None`: the user itself).
pub(super) fn effective(state: &State) -> BTreeMap<&str, BTreeMap<&Key, BTreeSet<Option<&str>>>> {
    let mut all: BTreeMap<&str, BTreeMap<&Key, BTreeSet<Option<&str>>>> = BTreeMap::new();
    for (key, user) in &state.users {
        for policy in &user.policies {
            all.entry(key).or_default().entry(policy).or_default().insert(None);
        }
    }
    for group in state.groups.values() {
        for member in &group.members {
            for policy in &group.policies {
                all.entry(member).or_default().entry(policy).or_default().insert(Some(&group.name));
            }
        }
    }
    all
}
