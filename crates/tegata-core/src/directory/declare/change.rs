//! One step of a plan: what it changes, and what somebody who did it singly would need.

use serde::Serialize;
use tegata_model::{DisplayName, GroupName, PolicyName, RoleName, UserName};

use super::{
    super::{PolicyRef, PolicyType, group_name, own, role_name, user_name},
    current::{Current, Key},
    desired::SYSTEM_PREFIX,
};
use crate::{
    actions::{
        Action, RAM_ADD_USER_TO_GROUP, RAM_ATTACH_POLICY_TO_GROUP, RAM_ATTACH_POLICY_TO_ROLE, RAM_ATTACH_POLICY_TO_USER, RAM_CREATE_GROUP,
        RAM_CREATE_POLICY, RAM_CREATE_POLICY_VERSION, RAM_CREATE_ROLE, RAM_CREATE_USER, RAM_DELETE_ACCESS_KEY, RAM_DELETE_GROUP,
        RAM_DELETE_POLICY, RAM_DELETE_ROLE, RAM_DELETE_USER, RAM_DETACH_POLICY_FROM_GROUP, RAM_DETACH_POLICY_FROM_ROLE,
        RAM_DETACH_POLICY_FROM_USER, RAM_REMOVE_USER_FROM_GROUP, RAM_UPDATE_GROUP, RAM_UPDATE_LOGIN_PROFILE, RAM_UPDATE_POLICY_DESCRIPTION,
        RAM_UPDATE_ROLE, RAM_UPDATE_USER,
    },
    caller::Caller,
    resource::ResourceName,
    view::Read,
};

/// To whom a policy is attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A user.
    User(UserName),
    /// A group.
    Group(GroupName),
    /// A role.
    Role(RoleName),
}

/// A trust document, with everybody it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Trust {
    /// The document as it will be written.
    pub document: String,
    /// Whom it means: the text it is remembered under, and who that is.
    #[serde(skip)]
    pub(super) bindings: Vec<(String, Bound)>,
}

/// Whom a principal of a trust document means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bound {
    /// Whoever has this id.
    Subject([u8; 16]),
    /// A user of the account, who may be made by the same plan.
    User(String),
    /// A role of the account, which may be made by the same plan.
    Role(String),
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Change {
    /// A policy is made.
    CreatePolicy {
        /// Its name.
        policy: PolicyName,
        /// What it is for; may be empty.
        description: String,
        /// Its document.
        document: String,
    },
    /// A policy gets another document, which counts from then on.
    ChangePolicy {
        /// Its name.
        policy: PolicyName,
        /// The document from now on.
        document: String,
        /// What is different, in words.
        differences: Vec<String>,
        /// The version that goes to make room, if there are as many as there may be.
        #[serde(skip_serializing_if = "Option::is_none")]
        drops_version: Option<u32>,
    },
    /// A policy is said to be for something else.
    DescribePolicy {
        /// Its name.
        policy: PolicyName,
        /// What it is for from now on; may be empty.
        description: String,
    },
    /// A user is made.
    CreateUser {
        /// Its name.
        user: UserName,
        /// What it is called for people; its name if nothing is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<DisplayName>,
        /// Its e-mail address; may be empty.
        email: String,
        /// Its telephone number; may be empty.
        phone: String,
        /// A remark; may be empty.
        comments: String,
    },
    /// What is said of a user changes; what is `None` stays.
    ChangeUser {
        /// Its name.
        user: UserName,
        /// What it is called for people from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<DisplayName>,
        /// Its e-mail address from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<String>,
        /// Its telephone number from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        phone: Option<String>,
        /// The remark from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        comments: Option<String>,
    },
    /// A group is made.
    CreateGroup {
        /// Its name.
        group: GroupName,
        /// A remark; may be empty.
        comments: String,
    },
    /// What is said of a group changes.
    ChangeGroup {
        /// Its name.
        group: GroupName,
        /// The remark from now on.
        comments: String,
    },
    /// A role is made.
    CreateRole {
        /// Its name.
        role: RoleName,
        /// What it is for; may be empty.
        description: String,
        /// Its longest session.
        max_session_seconds: u64,
        /// Whom it trusts.
        trust: Trust,
    },
    /// A role changes; what is `None` stays.
    ChangeRole {
        /// Its name.
        role: RoleName,
        /// What it is for from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Its longest session from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        max_session_seconds: Option<u64>,
        /// Whom it trusts from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        trust: Option<Trust>,
        /// What is different in its trust, in words.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        differences: Vec<String>,
    },
    /// A policy is attached.
    AttachPolicy {
        /// To whom.
        to: Recipient,
        /// Which one; `system:` before its name tells a system policy.
        #[serde(serialize_with = "policy_text")]
        policy: PolicyRef,
    },
    /// A policy is detached.
    DetachPolicy {
        /// From whom.
        from: Recipient,
        /// Which one; `system:` before its name tells a system policy.
        #[serde(serialize_with = "policy_text")]
        policy: PolicyRef,
    },
    /// A user joins a group.
    AddMember {
        /// The group.
        group: GroupName,
        /// The user.
        user: UserName,
    },
    /// A user leaves a group.
    RemoveMember {
        /// The group.
        group: GroupName,
        /// The user.
        user: UserName,
    },
    /// A user is deleted.
    DeleteUser {
        /// Its name.
        user: UserName,
        /// How many access keys go with it.
        access_keys: usize,
    },
    /// A group is deleted.
    DeleteGroup {
        /// Its name.
        group: GroupName,
    },
    /// A role is deleted, and its sessions end.
    DeleteRole {
        /// Its name.
        role: RoleName,
    },
    /// A policy is deleted.
    DeletePolicy {
        /// Its name.
        policy: PolicyName,
    },
}

/// A policy as declarations name it.
pub(super) fn policy_word(policy: &PolicyRef) -> String {
    match policy.kind {
        PolicyType::Custom => policy.name.to_string(),
        PolicyType::System => format!("{SYSTEM_PREFIX}{}", policy.name),
    }
}

fn policy_text<S: serde::Serializer>(policy: &PolicyRef, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&policy_word(policy))
}

impl Recipient {
    fn resource(&self, caller: &Caller) -> ResourceName {
        match self {
            Self::User(name) => user_name(caller, name),
            Self::Group(name) => group_name(caller, name),
            Self::Role(name) => role_name(caller, name),
        }
    }

    fn read(&self, current: &Current) -> Option<Read> {
        match self {
            Self::User(name) => current.user_read(&name.folded()),
            Self::Group(name) => current.group_read(&name.folded()),
            Self::Role(name) => current.role_read(&name.folded()),
        }
    }
}

impl Change {
    /// What somebody who did this singly would be asked for: the action, on each of the resources.
    pub(super) fn asks(&self, caller: &Caller) -> Vec<(Action, ResourceName)> {
        let account = own(caller);
        let custom = |name: &PolicyName| ResourceName::Policy { account, name: name.clone() };
        match self {
            Self::CreatePolicy { .. } => vec![(RAM_CREATE_POLICY, ResourceName::Policies { account })],
            Self::ChangePolicy { policy, .. } => vec![(RAM_CREATE_POLICY_VERSION, custom(policy))],
            Self::DescribePolicy { policy, .. } => vec![(RAM_UPDATE_POLICY_DESCRIPTION, custom(policy))],
            Self::DeletePolicy { policy } => vec![(RAM_DELETE_POLICY, custom(policy))],
            Self::CreateUser { .. } => vec![(RAM_CREATE_USER, ResourceName::Users { account })],
            Self::ChangeUser { user, email, .. } => {
                let mut asks = vec![(RAM_UPDATE_USER, user_name(caller, user))];
                if email.is_some() {
                    // A password can be set by whoever reads the person's letters.
                    asks.push((RAM_UPDATE_LOGIN_PROFILE, user_name(caller, user)));
                }
                asks
            }
            Self::DeleteUser { user, access_keys } => {
                let mut asks = vec![(RAM_DELETE_USER, user_name(caller, user))];
                if *access_keys > 0 {
                    asks.push((RAM_DELETE_ACCESS_KEY, user_name(caller, user)));
                }
                asks
            }
            Self::CreateGroup { .. } => vec![(RAM_CREATE_GROUP, ResourceName::Groups { account })],
            Self::ChangeGroup { group, .. } => vec![(RAM_UPDATE_GROUP, group_name(caller, group))],
            Self::DeleteGroup { group } => vec![(RAM_DELETE_GROUP, group_name(caller, group))],
            Self::CreateRole { .. } => vec![(RAM_CREATE_ROLE, ResourceName::Roles { account })],
            Self::ChangeRole { role, .. } => vec![(RAM_UPDATE_ROLE, role_name(caller, role))],
            Self::DeleteRole { role } => vec![(RAM_DELETE_ROLE, role_name(caller, role))],
            Self::AttachPolicy { to, policy } => {
                let action = match to {
                    Recipient::User(_) => RAM_ATTACH_POLICY_TO_USER,
                    Recipient::Group(_) => RAM_ATTACH_POLICY_TO_GROUP,
                    Recipient::Role(_) => RAM_ATTACH_POLICY_TO_ROLE,
                };
                vec![(action, to.resource(caller)), (action, policy.resource(caller))]
            }
            Self::DetachPolicy { from, policy } => {
                let action = match from {
                    Recipient::User(_) => RAM_DETACH_POLICY_FROM_USER,
                    Recipient::Group(_) => RAM_DETACH_POLICY_FROM_GROUP,
                    Recipient::Role(_) => RAM_DETACH_POLICY_FROM_ROLE,
                };
                vec![(action, from.resource(caller)), (action, policy.resource(caller))]
            }
            Self::AddMember { group, user } => {
                vec![(RAM_ADD_USER_TO_GROUP, user_name(caller, user)), (RAM_ADD_USER_TO_GROUP, group_name(caller, group))]
            }
            Self::RemoveMember { group, user } => {
                vec![(RAM_REMOVE_USER_FROM_GROUP, user_name(caller, user)), (RAM_REMOVE_USER_FROM_GROUP, group_name(caller, group))]
            }
        }
    }

    /// The rows that it changes or leans on, as they were read. What it makes has none yet.
    pub(super) fn reads(&self, current: &Current) -> Vec<Read> {
        let policy = |name: &PolicyName| current.policy_read(&Key::custom(&name.folded()));
        let trusted = |trust: &Trust| {
            let read = |(_, bound): &(String, Bound)| match bound {
                Bound::Subject(_) => None,
                Bound::User(key) => current.user_read(key),
                Bound::Role(key) => current.role_read(key),
            };
            trust.bindings.iter().filter_map(read).collect::<Vec<_>>()
        };
        let both = |first: Option<Read>, second: Option<Read>| first.into_iter().chain(second).collect();
        match self {
            Self::CreatePolicy { .. } | Self::CreateUser { .. } | Self::CreateGroup { .. } => Vec::new(),
            Self::ChangePolicy { policy: name, .. } | Self::DescribePolicy { policy: name, .. } | Self::DeletePolicy { policy: name } => {
                policy(name).into_iter().collect()
            }
            Self::ChangeUser { user, .. } | Self::DeleteUser { user, .. } => current.user_read(&user.folded()).into_iter().collect(),
            Self::ChangeGroup { group, .. } | Self::DeleteGroup { group } => current.group_read(&group.folded()).into_iter().collect(),
            Self::DeleteRole { role } => current.role_read(&role.folded()).into_iter().collect(),
            Self::CreateRole { trust, .. } => trusted(trust),
            Self::ChangeRole { role, trust, .. } => {
                let mut reads: Vec<Read> = current.role_read(&role.folded()).into_iter().collect();
                reads.extend(trust.iter().flat_map(trusted));
                reads
            }
            Self::AttachPolicy { to: whom, policy } | Self::DetachPolicy { from: whom, policy } => {
                both(whom.read(current), current.policy_read(&Key::of(policy)))
            }
            Self::AddMember { group, user } | Self::RemoveMember { group, user } => {
                both(current.group_read(&group.folded()), current.user_read(&user.folded()))
            }
        }
    }
}
