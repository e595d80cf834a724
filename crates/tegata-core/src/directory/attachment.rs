//! Which policies are attached to whom.

use tegata_model::{GroupName, PolicyName, RoleName, Timestamp, UserName};
use tegata_store::{
    group,
    policy::{self, AttachmentRow, Target},
    role, user,
};

use super::{
    Group, PolicyRef, PolicyType, Role, User, changes, done, find_group, find_role, find_user, group_name, own, role_name, tag, user_name,
};
use crate::{
    actions::{
        Action, RAM_ATTACH_POLICY_TO_GROUP, RAM_ATTACH_POLICY_TO_ROLE, RAM_ATTACH_POLICY_TO_USER, RAM_DETACH_POLICY_FROM_GROUP,
        RAM_DETACH_POLICY_FROM_ROLE, RAM_DETACH_POLICY_FROM_USER, RAM_LIST_ENTITIES_FOR_POLICY, RAM_LIST_POLICIES_FOR_GROUP,
        RAM_LIST_POLICIES_FOR_ROLE, RAM_LIST_POLICIES_FOR_USER,
    },
    authz::Permit,
    caller::Caller,
    error::{OpError, Quota},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// A policy as it is attached to one user, group or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// Who wrote it.
    pub kind: PolicyType,
    /// Its name.
    pub name: PolicyName,
    /// What it is for; empty if nothing was said.
    pub description: String,
    /// The version that counts.
    pub default_version: u32,
    /// When it was attached.
    pub attached_at: Timestamp,
}

impl AttachedPolicy {
    fn of(row: AttachmentRow) -> Self {
        Self {
            kind: PolicyType::of(row.kind),
            name: row.name,
            description: row.description,
            default_version: row.default_version,
            attached_at: row.attached_at,
        }
    }
}

/// To whom, by name.
enum Recipient<'a> {
    User(&'a UserName),
    Group(&'a GroupName),
    Role(&'a RoleName),
}

impl Recipient<'_> {
    fn resource(&self, caller: &Caller) -> ResourceName {
        match self {
            Self::User(name) => user_name(caller, name),
            Self::Group(name) => group_name(caller, name),
            Self::Role(name) => role_name(caller, name),
        }
    }

    fn attachment(&self, caller: &Caller, policy: &PolicyRef) -> ResourceName {
        ResourceName::Attachment { to: Box::new(self.resource(caller)), policy: Box::new(policy.resource(caller)) }
    }

    async fn find(&self, view: &View<'_>, caller: &Caller) -> Result<Target, OpError> {
        Ok(match self {
            Self::User(name) => Target::User(find_user(view, caller, name).await?.id),
            Self::Group(name) => Target::Group(find_group(view, caller, name).await?.id),
            Self::Role(name) => Target::Role(find_role(view, caller, name).await?.id),
        })
    }

    /// How many policies of that kind it may have, and what to call the limit.
    fn limit(&self, view: &View<'_>, kind: PolicyType) -> (Quota, u32) {
        let quotas = &view.core().limits().quotas;
        let (quota, custom) = match self {
            Self::User(_) => (Quota::PoliciesPerUser, quotas.policies_per_user),
            Self::Group(_) => (Quota::PoliciesPerGroup, quotas.policies_per_group),
            Self::Role(_) => (Quota::PoliciesPerRole, quotas.policies_per_role),
        };
        (quota, if kind == PolicyType::System { quotas.system_policies } else { custom })
    }

    /// Both ends must be allowed: who may touch a user but not a policy cannot give himself what the policy allows.
    async fn permit(&self, view: &View<'_>, caller: &Caller, action: Action, policy: &PolicyRef) -> Result<Permit, OpError> {
        let whom = tag::permit(view, caller, action, &self.resource(caller)).await?;
        Ok(whom.and(tag::permit(view, caller, action, &policy.resource(caller)).await?))
    }

    async fn attach(&self, view: &View<'_>, caller: &Caller, action: Action, named: &PolicyRef) -> Result<Effect<()>, OpError> {
        let permit = self.permit(view, caller, action, named).await?;
        let row = named.find(view, caller).await?;
        let target = self.find(view, caller).await?;
        let has = policy::attachments(&view.core().store, target).await?;
        let same_kind = |known: &&AttachmentRow| known.kind == named.kind.kind();
        if has.iter().filter(same_kind).any(|known| known.name == row.name) {
            return Err(OpError::Exists(self.attachment(caller, named)));
        }
        let (quota, limit) = self.limit(view, named.kind);
        if has.iter().filter(same_kind).count() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(OpError::LimitExceeded(quota, limit));
        }
        let mut changes = changes(view, caller);
        changes.extend(policy::attach(target, row.id, caller.account(), view.now()));
        changes.push(policy::attached_at_most(target, named.kind.kind(), limit));
        Ok(done((), changes, permit).or_exists(self.attachment(caller, named)))
    }

    async fn detach(&self, view: &View<'_>, caller: &Caller, action: Action, named: &PolicyRef) -> Result<Effect<()>, OpError> {
        let permit = self.permit(view, caller, action, named).await?;
        let row = named.find(view, caller).await?;
        let target = self.find(view, caller).await?;
        let has = policy::attachments(&view.core().store, target).await?;
        if !has.iter().any(|known| known.kind == row.kind && known.name == row.name) {
            return Err(OpError::NotFound(self.attachment(caller, named)));
        }
        let mut changes = changes(view, caller);
        changes.extend(policy::detach(target, row.id));
        Ok(done((), changes, permit))
    }

    async fn list(&self, view: &View<'_>, caller: &Caller, action: Action) -> Result<Effect<Vec<AttachedPolicy>>, OpError> {
        tag::permit(view, caller, action, &self.resource(caller)).await?;
        let target = self.find(view, caller).await?;
        let rows = policy::attachments(&view.core().store, target).await?;
        Ok(Effect::nothing(rows.into_iter().map(AttachedPolicy::of).collect()))
    }
}

macro_rules! attachments {
    ($($whom:literal $kind:ident $name:ident: $attach:ident $to:ident, $detach:ident $from:ident, $list:ident $for:ident;)*) => { $(
        #[doc = concat!("Attach a policy to a ", $whom, ".")]
        #[derive(Debug, Clone)]
        pub struct $attach {
            /// Which policy.
            pub policy: PolicyRef,
            /// To whom.
            pub to: $name,
        }

        impl Operation for $attach {
            const ACTION: Action = $to;
            type Output = ();

            fn resource(&self, caller: &Caller) -> ResourceName {
                Recipient::$kind(&self.to).attachment(caller, &self.policy)
            }

            async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
                Recipient::$kind(&self.to).attach(view, caller, Self::ACTION, &self.policy).await
            }
        }

        #[doc = concat!("Detach a policy from a ", $whom, ".")]
        #[derive(Debug, Clone)]
        pub struct $detach {
            /// Which policy.
            pub policy: PolicyRef,
            /// From whom.
            pub from: $name,
        }

        impl Operation for $detach {
            const ACTION: Action = $from;
            type Output = ();

            fn resource(&self, caller: &Caller) -> ResourceName {
                Recipient::$kind(&self.from).attachment(caller, &self.policy)
            }

            async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
                Recipient::$kind(&self.from).detach(view, caller, Self::ACTION, &self.policy).await
            }
        }

        #[doc = concat!("List the policies that are attached to a ", $whom, " itself.")]
        #[derive(Debug, Clone)]
        pub struct $list {
            /// Whose.
            pub of: $name,
        }

        impl Operation for $list {
            const ACTION: Action = $for;
            type Output = Vec<AttachedPolicy>;

            fn resource(&self, caller: &Caller) -> ResourceName {
                Recipient::$kind(&self.of).resource(caller)
            }

            async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<AttachedPolicy>>, OpError> {
                Recipient::$kind(&self.of).list(view, caller, Self::ACTION).await
            }
        }
    )* };
}

attachments! {
    "user" User UserName: AttachPolicyToUser RAM_ATTACH_POLICY_TO_USER, DetachPolicyFromUser RAM_DETACH_POLICY_FROM_USER,
        ListPoliciesForUser RAM_LIST_POLICIES_FOR_USER;
    "group" Group GroupName: AttachPolicyToGroup RAM_ATTACH_POLICY_TO_GROUP, DetachPolicyFromGroup RAM_DETACH_POLICY_FROM_GROUP,
        ListPoliciesForGroup RAM_LIST_POLICIES_FOR_GROUP;
    "role" Role RoleName: AttachPolicyToRole RAM_ATTACH_POLICY_TO_ROLE, DetachPolicyFromRole RAM_DETACH_POLICY_FROM_ROLE,
        ListPoliciesForRole RAM_LIST_POLICIES_FOR_ROLE;
}

/// To whom of the caller's account a policy is attached, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entities {
    /// Users.
    pub users: Vec<(User, Timestamp)>,
    /// Groups.
    pub groups: Vec<(Group, Timestamp)>,
    /// Roles.
    pub roles: Vec<(Role, Timestamp)>,
}

/// List to whom of the caller's account a policy is attached.
#[derive(Debug, Clone)]
pub struct ListEntitiesForPolicy {
    /// Which policy.
    pub policy: PolicyRef,
}

impl Operation for ListEntitiesForPolicy {
    const ACTION: Action = RAM_LIST_ENTITIES_FOR_POLICY;
    type Output = Entities;

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.policy.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Entities>, OpError> {
        tag::permit(view, caller, Self::ACTION, &self.resource(caller)).await?;
        let row = self.policy.find(view, caller).await?;
        let store = &view.core().store;
        let mut entities = Entities::default();
        // Whoever is deleted between the two reads is left out.
        for (target, since) in policy::attached_in(store, row.id, caller.account()).await? {
            match target {
                Target::User(id) => entities.users.extend(user::find(store, id).await?.map(|row| (User::of(row), since))),
                Target::Group(id) => entities.groups.extend(group::find(store, id).await?.map(|row| (Group::of(row), since))),
                Target::Role(id) => {
                    entities.roles.extend(role::find(store, id).await?.map(|row| (Role::of(row, own(caller)), since)));
                }
            }
        }
        Ok(Effect::nothing(entities))
    }
}
