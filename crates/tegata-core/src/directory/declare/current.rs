//! What is: the directory of one account, read in a dozen statements.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tegata_model::{AccountId, GroupId, KeyId, PolicyId, RoleId, UserId};
use tegata_store::{
    Store, StoreError, directory,
    group::{self, GroupRow},
    policy::{self, PolicyKind, PolicyRow, Target},
    role::{self, RoleRow},
    tag,
    user::{self, UserRow},
};

use super::super::{PolicyRef, PolicyType};
use crate::{resource::ResourceName, view::Read};

/// More than any quota lets there be.
const ALL: u32 = u32::MAX;

/// A policy by kind and folded name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(pub(super) PolicyKind, pub(super) String);

impl Key {
    pub(super) fn of(policy: &PolicyRef) -> Self {
        let kind = if policy.kind == PolicyType::System { PolicyKind::System } else { PolicyKind::Custom };
        Self(kind, policy.name.folded())
    }

    pub(super) fn custom(folded: &str) -> Self {
        Self(PolicyKind::Custom, folded.to_owned())
    }
}

/// Who is where and who has what, by folded names: the part that a plan changes, before or after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) users: BTreeMap<String, UserIs>,
    pub(super) groups: BTreeMap<String, GroupIs>,
    pub(super) roles: BTreeMap<String, RoleIs>,
    pub(super) policies: BTreeMap<Key, PolicyIs>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserIs {
    pub(super) name: String,
    pub(super) active: bool,
    pub(super) policies: BTreeSet<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupIs {
    pub(super) name: String,
    pub(super) members: BTreeSet<String>,
    pub(super) policies: BTreeSet<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RoleIs {
    pub(super) name: String,
    pub(super) trust: String,
    pub(super) policies: BTreeSet<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PolicyIs {
    pub(super) name: String,
    pub(super) document: String,
}

impl State {
    /// The groups of every user that is in one, by folded names.
    pub(super) fn groups_of_users(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, group) in &self.groups {
            for member in &group.members {
                of.entry(member).or_default().push(key);
            }
        }
        of
    }
}

/// The directory as it was read, with the rows that tell id and generation.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub(super) users: BTreeMap<String, UserRow>,
    pub(super) groups: BTreeMap<String, GroupRow>,
    pub(super) roles: BTreeMap<String, RoleRow>,
    pub(super) policies: BTreeMap<Key, PolicyRow>,
    pub(super) keys: HashMap<UserId, Vec<KeyId>>,
    pub(super) versions: HashMap<PolicyId, Vec<u32>>,
    /// What roles and policies carry, by id: key and value.
    pub(super) tags: HashMap<[u8; 16], Vec<(String, String)>>,
    /// Whom trust documents meant when they were saved.
    pub(super) bindings: Vec<(RoleId, String, [u8; 16])>,
    pub(super) state: State,
}

impl Current {
    /// Rows before what is beneath them, so that a generation is never newer than what it stands for.
    pub(super) async fn read(store: &Store, account: AccountId) -> Result<Self, StoreError> {
        let mut current = Self::default();
        let (mut users, mut groups, mut roles, mut policies) = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
        for row in user::list(store, account, "", ALL).await? {
            let key = row.name.folded();
            let is = UserIs { name: row.name.to_string(), active: row.status.is_active(), policies: BTreeSet::new() };
            users.insert(row.id, key.clone());
            current.state.users.insert(key.clone(), is);
            current.users.insert(key, row);
        }
        for row in group::list(store, account, "", ALL).await? {
            let key = row.name.folded();
            let is = GroupIs { name: row.name.to_string(), members: BTreeSet::new(), policies: BTreeSet::new() };
            groups.insert(row.id, key.clone());
            current.state.groups.insert(key.clone(), is);
            current.groups.insert(key, row);
        }
        for row in role::list(store, account, "", ALL).await? {
            let key = row.name.folded();
            let is = RoleIs { name: row.name.to_string(), trust: row.trust_document.clone(), policies: BTreeSet::new() };
            roles.insert(row.id, key.clone());
            current.state.roles.insert(key.clone(), is);
            current.roles.insert(key, row);
        }
        for owner in [Some(account), None] {
            for row in policy::list(store, owner, "", ALL).await? {
                let key = Key(row.kind, row.name.folded());
                policies.insert(row.id, key.clone());
                current.state.policies.insert(key.clone(), PolicyIs { name: row.name.to_string(), document: String::new() });
                current.policies.insert(key, row);
            }
            for (id, document) in directory::documents(store, owner).await? {
                if let Some(is) = policies.get(&id).and_then(|key| current.state.policies.get_mut(key)) {
                    is.document = document;
                }
            }
        }
        for (id, version) in directory::versions(store, account).await? {
            current.versions.entry(id).or_default().push(version);
        }
        current.bindings = directory::bindings(store, account).await?;
        current.read_tags(store, account).await?;
        for (key, owner) in directory::access_keys(store, account).await? {
            current.keys.entry(owner).or_default().push(key);
        }
        // Whoever was made or deleted between two statements is left out; the generations tell if it matters.
        for (group, user) in directory::memberships(store, account).await? {
            if let (Some(group), Some(user)) = (groups.get(&group), users.get(&user))
                && let Some(is) = current.state.groups.get_mut(group)
            {
                is.members.insert(user.clone());
            }
        }
        for (target, policy) in directory::attachments(store, account).await? {
            let Some(policy) = policies.get(&policy).cloned() else { continue };
            let state = &mut current.state;
            let held = match target {
                Target::User(id) => users.get(&id).and_then(|key| state.users.get_mut(key)).map(|is| &mut is.policies),
                Target::Group(id) => groups.get(&id).and_then(|key| state.groups.get_mut(key)).map(|is| &mut is.policies),
                Target::Role(id) => roles.get(&id).and_then(|key| state.roles.get_mut(key)).map(|is| &mut is.policies),
            };
            if let Some(held) = held {
                held.insert(policy);
            }
        }
        Ok(current)
    }

    async fn read_tags(&mut self, store: &Store, account: AccountId) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        if let (Some((first, _)), Some((last, _))) = (self.roles.first_key_value(), self.roles.last_key_value()) {
            rows.extend(tag::of_roles(store, account, first, last).await?);
        }
        let mut custom = self.policies.keys().filter(|key| key.0 == PolicyKind::Custom);
        if let Some(first) = custom.next() {
            rows.extend(tag::of_policies(store, account, &first.1, &custom.next_back().unwrap_or(first).1).await?);
        }
        for row in rows {
            self.tags.entry(row.target_id).or_default().push((row.key, row.value));
        }
        Ok(())
    }

    /// What something carries; what is not there yet carries nothing.
    pub(super) fn tags_of(&self, resource: &ResourceName) -> &[(String, String)] {
        let id = match resource {
            ResourceName::Role { name, .. } => self.roles.get(&name.folded()).map(|row| *row.id.as_bytes()),
            ResourceName::Policy { name, .. } => self.policies.get(&Key::custom(&name.folded())).map(|row| *row.id.as_bytes()),
            _ => None,
        };
        id.and_then(|id| self.tags.get(&id)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn keys_of(&self, user: &str) -> &[KeyId] {
        self.users.get(user).and_then(|row| self.keys.get(&row.id)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn user_read(&self, key: &str) -> Option<Read> {
        self.users.get(key).map(|row| Read::User(row.id, row.generation))
    }

    pub(super) fn group_read(&self, key: &str) -> Option<Read> {
        self.groups.get(key).map(|row| Read::Group(row.id, row.generation))
    }

    pub(super) fn role_read(&self, key: &str) -> Option<Read> {
        self.roles.get(key).map(|row| Read::Role(row.id, row.generation))
    }

    pub(super) fn policy_read(&self, key: &Key) -> Option<Read> {
        self.policies.get(key).map(|row| Read::Policy(row.id, row.generation))
    }

    pub(super) fn user_ids(&self) -> HashMap<String, UserId> {
        self.users.iter().map(|(key, row)| (key.clone(), row.id)).collect()
    }

    pub(super) fn group_ids(&self) -> HashMap<String, GroupId> {
        self.groups.iter().map(|(key, row)| (key.clone(), row.id)).collect()
    }

    pub(super) fn role_ids(&self) -> HashMap<String, RoleId> {
        self.roles.iter().map(|(key, row)| (key.clone(), row.id)).collect()
    }

    pub(super) fn policy_ids(&self) -> HashMap<Key, PolicyId> {
        self.policies.iter().map(|(key, row)| (key.clone(), row.id)).collect()
    }
}
