//! Users with everything the operator API tells of them at once, and their end.

use std::collections::HashMap;

use tegata_model::{Timestamp, UserId, UserName};
use tegata_store::{
    access_key, api_token, auth_key, group, login_profile, mfa_device, organisation,
    policy::{self, Target},
    sam_document, sam_role, tag,
    user::{self, UserRow},
};

use super::{AuthKey, role::SamRole};
use crate::{
    actions::{Action, RAM_DELETE_USER, RAM_GET_USER, RAM_LIST_USERS},
    authz,
    caller::Caller,
    directory::{changes, done, find_user, own, user_name},
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// The most users that one account has.
const MOST: u32 = 10_000;

/// A user, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamUser {
    /// Its name.
    pub name: UserName,
    /// A remark; empty if none was given.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is said of it was last changed.
    pub updated_at: Timestamp,
    /// Whether it has a password.
    pub has_password: bool,
    /// What it may do by itself, if anything is written.
    pub permission: Option<String>,
    /// Its auth keys.
    pub keys: Vec<AuthKey>,
    /// The sets of permissions that are attached to it.
    pub roles: Vec<SamRole>,
}

impl SamUser {
    /// Reads what belongs to the user. Ask for permission first.
    pub(super) async fn read(view: &View<'_>, row: UserRow) -> Result<Self, OpError> {
        let store = &view.core().store;
        let permission = sam_document::permission(store, row.id).await?.map(|row| row.document);
        let roles = sam_role::of_user(store, row.id).await?.into_iter().map(SamRole::of).collect();
        Self::with(view, row, permission, roles).await
    }

    async fn with(view: &View<'_>, row: UserRow, permission: Option<String>, roles: Vec<SamRole>) -> Result<Self, OpError> {
        let profile = login_profile::find(&view.core().store, row.id).await?;
        Ok(Self {
            keys: view.core().auth_keys_of(row.id).await?,
            name: row.name,
            description: row.comments,
            created_at: row.created_at,
            updated_at: row.updated_at,
            has_password: profile.is_some_and(|profile| profile.password_hash.is_some()),
            permission,
            roles,
        })
    }
}

/// Read a user with what belongs to it.
#[derive(Debug, Clone)]
pub struct DescribeSamUser {
    /// Its name.
    pub name: UserName,
}

impl Operation for DescribeSamUser {
    const ACTION: Action = RAM_GET_USER;
    type Output = SamUser;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<SamUser>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let row = find_user(view, caller, &self.name).await?;
        Ok(Effect::nothing(SamUser::read(view, row).await?))
    }
}

/// List the users of the account with what belongs to them; its owner is not among them.
#[derive(Debug, Clone)]
pub struct ListSamUsers;

impl Operation for ListSamUsers {
    const ACTION: Action = RAM_LIST_USERS;
    type Output = Vec<SamUser>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Users { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<SamUser>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let (store, account) = (&view.core().store, caller.account());
        let mut permissions: HashMap<UserId, String> = sam_document::permissions(store, account).await?.into_iter().collect();
        let roles: HashMap<_, _> = sam_role::list(store, account).await?.into_iter().map(|row| (row.id, SamRole::of(row))).collect();
        let mut attached: HashMap<UserId, Vec<SamRole>> = HashMap::new();
        for (user, role) in sam_role::attachments(store, account).await? {
            attached.entry(user).or_default().extend(roles.get(&role).cloned());
        }
        let mut users = Vec::new();
        for row in user::list(store, account, "", MOST).await? {
            let (permission, roles) = (permissions.remove(&row.id), attached.remove(&row.id).unwrap_or_default());
            users.push(SamUser::with(view, row, permission, roles).await?);
        }
        Ok(Effect::nothing(users))
    }
}

/// Delete a user with all that belongs to it: keys, tokens, password, second factor, permissions,
/// policies, roles and memberships.
#[derive(Debug, Clone)]
pub struct RemoveUser {
    /// Its name.
    pub name: UserName,
}

impl Operation for RemoveUser {
    const ACTION: Action = RAM_DELETE_USER;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let row = find_user(view, caller, &self.name).await?;
        authz::second_factor(view, caller, Self::ACTION, &resource, row.id).await?;
        let store = &view.core().store;
        let mut changes = changes(view, caller);
        for key in access_key::of_user(store, row.id).await? {
            changes.extend(access_key::delete(key.id, row.id));
        }
        if let Some(profile) = login_profile::find(store, row.id).await? {
            changes.extend(login_profile::delete(&profile));
        }
        if let Some(device) = mfa_device::of_user(store, row.id).await? {
            changes.extend(mfa_device::unbind(device.id, row.id));
            changes.push(mfa_device::delete(device.id));
        }
        for group in group::of_user(store, row.id).await? {
            changes.extend(group::remove_member(group.id, row.id));
        }
        changes.push(policy::detach_all(Target::User(row.id)));
        changes.push(api_token::delete_of_user(row.id));
        changes.push(organisation::forget(row.id));
        changes.push(auth_key::delete_all(row.id));
        changes.extend(sam_document::forget(row.id));
        changes.push(tag::forget(*row.id.as_bytes()));
        changes.push(user::delete(row.id));
        Ok(done((), changes, permit))
    }
}
