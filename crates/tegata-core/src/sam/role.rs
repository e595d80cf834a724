//! Permissions under a name, attached to users.

use tegata_model::{RoleName, SamRoleId, Timestamp, UserName};
use tegata_store::{
    sam_role::{self, SamRoleRow},
    user,
};

use super::{
    document::{check, check_description},
    user::SamUser,
};
use crate::{
    actions::{
        Action, SAM_ATTACH_ROLE, SAM_CREATE_ROLE, SAM_DELETE_ROLE, SAM_DETACH_ROLE, SAM_GET_ROLE, SAM_LIST_ROLE_USERS, SAM_LIST_ROLES,
        SAM_LIST_USER_ROLES, SAM_UPDATE_ROLE,
    },
    authz,
    caller::Caller,
    directory::{changes, done, find_user, own, user_name},
    error::{Holding, OpError, Quota},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// A set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamRole {
    /// Its name.
    pub name: RoleName,
    /// What it is for; empty if nothing was said.
    pub description: String,
    /// What it allows and denies.
    pub document: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl SamRole {
    pub(super) fn of(row: SamRoleRow) -> Self {
        Self {
            name: row.name,
            description: row.description,
            document: row.document,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn role_name(caller: &Caller, name: &RoleName) -> ResourceName {
    ResourceName::SamRole { account: own(caller), name: name.clone() }
}

fn all(caller: &Caller) -> ResourceName {
    ResourceName::SamRoles { account: own(caller) }
}

/// The set of that name. Ask for permission first.
async fn find(view: &View<'_>, caller: &Caller, name: &RoleName) -> Result<SamRoleRow, OpError> {
    let row = sam_role::find_by_name(&view.core().store, caller.account(), &name.folded()).await?;
    row.ok_or_else(|| OpError::NotFound(role_name(caller, name)))
}

/// List the sets of permissions of the account.
#[derive(Debug, Clone)]
pub struct ListSamRoles;

impl Operation for ListSamRoles {
    const ACTION: Action = SAM_LIST_ROLES;
    type Output = Vec<SamRole>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        all(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<SamRole>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let rows = sam_role::list(&view.core().store, caller.account()).await?;
        Ok(Effect::nothing(rows.into_iter().map(SamRole::of).collect()))
    }
}

/// Read a set of permissions.
#[derive(Debug, Clone)]
pub struct DescribeSamRole {
    /// Its name.
    pub name: RoleName,
}

impl Operation for DescribeSamRole {
    const ACTION: Action = SAM_GET_ROLE;
    type Output = SamRole;

    fn resource(&self, caller: &Caller) -> ResourceName {
        role_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<SamRole>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(SamRole::of(find(view, caller, &self.name).await?)))
    }
}

/// Make a set of permissions.
#[derive(Debug, Clone)]
pub struct CreateSamRole {
    /// Its name.
    pub name: RoleName,
    /// What it allows and denies.
    pub document: String,
    /// What it is for.
    pub description: Option<String>,
}

impl Operation for CreateSamRole {
    const ACTION: Action = SAM_CREATE_ROLE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        role_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        check(&self.document)?;
        let description = self.description.clone().unwrap_or_default();
        check_description(&description)?;
        let (store, account, limit) = (&view.core().store, caller.account(), view.core().limits().quotas.roles);
        if sam_role::find_by_name(store, account, &self.name.folded()).await?.is_some() {
            return Err(OpError::Exists(self.resource(caller)));
        }
        if sam_role::count(store, account).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::Roles, limit));
        }
        let row = SamRoleRow {
            id: SamRoleId::from_bytes(view.core().new_id()?),
            account_id: account,
            name: self.name.clone(),
            description,
            document: self.document.clone(),
            created_at: view.now(),
            updated_at: view.now(),
        };
        let mut changes = changes(view, caller);
        changes.push(sam_role::insert(&row));
        changes.push(sam_role::at_most(account, limit));
        Ok(done((), changes, permit).or_exists(self.resource(caller)))
    }
}

/// Change what a set of permissions allows and denies. Sessions that exist keep what they were given.
#[derive(Debug, Clone)]
pub struct UpdateSamRole {
    /// Its name.
    pub name: RoleName,
    /// What it allows and denies from now on.
    pub document: String,
    /// What it is for; what was said before stays, if nothing is said.
    pub description: Option<String>,
}

impl Operation for UpdateSamRole {
    const ACTION: Action = SAM_UPDATE_ROLE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        role_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        check(&self.document)?;
        check_description(self.description.as_deref().unwrap_or_default())?;
        let mut row = find(view, caller, &self.name).await?;
        row.document.clone_from(&self.document);
        if let Some(description) = &self.description {
            row.description.clone_from(description);
        }
        row.updated_at = view.now();
        let mut changes = changes(view, caller);
        changes.extend(sam_role::update(&row));
        Ok(done((), changes, permit))
    }
}

/// Delete a set of permissions that is attached to nobody.
#[derive(Debug, Clone)]
pub struct DeleteSamRole {
    /// Its name.
    pub name: RoleName,
}

impl Operation for DeleteSamRole {
    const ACTION: Action = SAM_DELETE_ROLE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        role_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let row = find(view, caller, &self.name).await?;
        if !sam_role::users(&view.core().store, row.id).await?.is_empty() {
            return Err(OpError::InUse(resource, Holding::Users));
        }
        let mut changes = changes(view, caller);
        // It goes only while nobody has it, so that whoever was given it meanwhile makes this decide again.
        changes.push(sam_role::delete(row.id));
        Ok(done((), changes, permit))
    }
}

/// List the users that a set of permissions is attached to.
#[derive(Debug, Clone)]
pub struct ListSamRoleUsers {
    /// Its name.
    pub name: RoleName,
}

impl Operation for ListSamRoleUsers {
    const ACTION: Action = SAM_LIST_ROLE_USERS;
    type Output = Vec<SamUser>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        role_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<SamUser>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let store = &view.core().store;
        let row = find(view, caller, &self.name).await?;
        let mut users = Vec::new();
        for id in sam_role::users(store, row.id).await? {
            if let Some(row) = user::find(store, id).await? {
                users.push(SamUser::read(view, row).await?);
            }
        }
        users.sort_by_key(|user| user.name.folded());
        Ok(Effect::nothing(users))
    }
}

/// List the sets of permissions that are attached to a user.
#[derive(Debug, Clone)]
pub struct ListUserSamRoles {
    /// The user.
    pub user: UserName,
}

impl Operation for ListUserSamRoles {
    const ACTION: Action = SAM_LIST_USER_ROLES;
    type Output = Vec<SamRole>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<SamRole>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let user = find_user(view, caller, &self.user).await?;
        let rows = sam_role::of_user(&view.core().store, user.id).await?;
        Ok(Effect::nothing(rows.into_iter().map(SamRole::of).collect()))
    }
}

fn attached(caller: &Caller, user: &UserName, role: &RoleName) -> ResourceName {
    ResourceName::Attachment { to: Box::new(user_name(caller, user)), policy: Box::new(role_name(caller, role)) }
}

/// Attach a set of permissions to a user. Whoever does it must be allowed to on the user and on the set.
#[derive(Debug, Clone)]
pub struct AttachSamRole {
    /// To whom.
    pub user: UserName,
    /// Which.
    pub role: RoleName,
}

impl Operation for AttachSamRole {
    const ACTION: Action = SAM_ATTACH_ROLE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        attached(caller, &self.user, &self.role)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let user = find_user(view, caller, &self.user).await?;
        let role = find(view, caller, &self.role).await?;
        if sam_role::of_user(&view.core().store, user.id).await?.iter().any(|row| row.id == role.id) {
            return Err(OpError::Exists(resource));
        }
        let mut changes = changes(view, caller);
        changes.extend(sam_role::attach(role.id, user.id, view.now()));
        Ok(done((), changes, permit).or_exists(resource))
    }
}

/// Detach a set of permissions from a user.
#[derive(Debug, Clone)]
pub struct DetachSamRole {
    /// From whom.
    pub user: UserName,
    /// Which.
    pub role: RoleName,
}

impl Operation for DetachSamRole {
    const ACTION: Action = SAM_DETACH_ROLE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        attached(caller, &self.user, &self.role)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let user = find_user(view, caller, &self.user).await?;
        let role = find(view, caller, &self.role).await?;
        if !sam_role::of_user(&view.core().store, user.id).await?.iter().any(|row| row.id == role.id) {
            return Err(OpError::NotFound(resource));
        }
        let mut changes = changes(view, caller);
        changes.extend(sam_role::detach(role.id, user.id));
        Ok(done((), changes, permit))
    }
}
