//! Who may use the official application in an account: users and roles, never groups.

use tegata_model::{RoleName, Timestamp, UserName};
use tegata_store::{
    grant,
    installation::{self, AssignmentMode, AssignmentRow, Identity, InstallationRow},
    role, user,
};

use super::{application_name, changes, done, installed_as, official_by_name};
use crate::{
    actions::{
        Action, TEGATA_ASSIGN_APPLICATION, TEGATA_LIST_APPLICATION_ASSIGNMENTS, TEGATA_SET_ASSIGNMENT_MODE, TEGATA_UNASSIGN_APPLICATION,
    },
    authz,
    caller::Caller,
    error::{Input, OpError, ProblemKind, Quota},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::{Read, View},
};

/// Whom an assignment is for, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityName {
    /// A user of the account.
    User(UserName),
    /// A role of the account.
    Role(RoleName),
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Who.
    pub identity: IdentityName,
    /// Since when.
    pub assigned_at: Timestamp,
}

/// The installation whose assignments are meant, noted as read.
async fn find(view: &View<'_>, caller: &Caller, app_id: &str) -> Result<InstallationRow, OpError> {
    let Some(client) = official_by_name(app_id) else {
        let rule = "only official applications have assignments; others are for everybody of the account";
        return Err(OpError::invalid(Input::ApplicationId, ProblemKind::Malformed, rule));
    };
    let found = view.installation(caller.account(), installed_as(&client)).await?;
    found.ok_or_else(|| OpError::NotFound(application_name(caller, app_id)))
}

/// The identity of that name, noted as read: an assignment is for the one who has the name now.
async fn identity(view: &View<'_>, caller: &Caller, name: &IdentityName) -> Result<Identity, OpError> {
    let (store, account, number) = (&view.core().store, caller.account(), caller.evidence.principal().account.number);
    match name {
        IdentityName::User(name) => {
            let found = user::find_by_name(store, account, &name.folded()).await?;
            let row = found.ok_or_else(|| OpError::NotFound(ResourceName::User { account: number, name: name.clone() }))?;
            view.note(&[Read::User(row.id, row.generation)]);
            Ok(Identity::User(row.id))
        }
        IdentityName::Role(name) => {
            let found = role::find_by_name(store, account, &name.folded()).await?;
            let row = found.ok_or_else(|| OpError::NotFound(ResourceName::Role { account: number, name: name.clone() }))?;
            view.note(&[Read::Role(row.id, row.generation)]);
            Ok(Identity::Role(row.id))
        }
    }
}

/// Let a user or a role use the official application.
#[derive(Debug, Clone)]
pub struct AssignClient {
    /// The public id, or the name.
    pub app_id: String,
    /// Whom.
    pub identity: IdentityName,
}

impl Operation for AssignClient {
    const ACTION: Action = TEGATA_ASSIGN_APPLICATION;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        application_name(caller, &self.app_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let installation = find(view, caller, &self.app_id).await?;
        let identity = identity(view, caller, &self.identity).await?;
        let limit = view.core().limits().quotas.assignments;
        if installation::assignments(&view.core().store, installation.id).await?.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(OpError::LimitExceeded(Quota::Assignments, limit));
        }
        let mut changes = changes(view, caller);
        let row = AssignmentRow { installation_id: installation.id, identity, created_at: view.now() };
        changes.extend(installation::assign(&row));
        Ok(done((), changes, permit))
    }
}

/// Let a user or a role use the official application no more: everything that it got through it ends at once.
#[derive(Debug, Clone)]
pub struct UnassignClient {
    /// The public id, or the name.
    pub app_id: String,
    /// Whom.
    pub identity: IdentityName,
}

impl Operation for UnassignClient {
    const ACTION: Action = TEGATA_UNASSIGN_APPLICATION;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        application_name(caller, &self.app_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let installation = find(view, caller, &self.app_id).await?;
        let identity = identity(view, caller, &self.identity).await?;
        if !installation::is_assigned(&view.core().store, installation.id, identity).await? {
            return Err(OpError::NotFound(self.resource(caller)));
        }
        let mut changes = changes(view, caller);
        changes.extend(installation::unassign(installation.id, identity));
        changes.push(grant::end_of_identity(installation.id, identity.id_bytes(), view.now()));
        Ok(done((), changes, permit))
    }
}

/// Say whether everybody of the account may use the official application, or those who are assigned. Whoever loses it by this has
/// nothing of what it got through it any more; the assignments there are stay as they are.
#[derive(Debug, Clone)]
pub struct SetAssignmentMode {
    /// The public id, or the name.
    pub app_id: String,
    /// Who may use it.
    pub mode: AssignmentMode,
}

impl Operation for SetAssignmentMode {
    const ACTION: Action = TEGATA_SET_ASSIGNMENT_MODE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        application_name(caller, &self.app_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let installation = find(view, caller, &self.app_id).await?;
        let mut changes = changes(view, caller);
        if installation.mode != self.mode {
            changes.push(installation::set_mode(installation.id, self.mode));
            if self.mode == AssignmentMode::OnDemand {
                // The owner of an account needs no assignment.
                let root = user::find_root(&view.core().store, caller.account()).await?;
                let owner = root.map_or([0; 16], |root| *root.id.as_bytes());
                changes.push(grant::end_of_unassigned(installation.id, owner, view.now()));
            }
        }
        Ok(done((), changes, permit))
    }
}

/// List who may use the official application.
#[derive(Debug, Clone)]
pub struct ListAssignments {
    /// The public id, or the name.
    pub app_id: String,
}

impl Operation for ListAssignments {
    const ACTION: Action = TEGATA_LIST_APPLICATION_ASSIGNMENTS;
    type Output = Vec<Assignment>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application_name(caller, &self.app_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<Assignment>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let installation = find(view, caller, &self.app_id).await?;
        let store = &view.core().store;
        let mut found = Vec::new();
        for row in installation::assignments(store, installation.id).await? {
            // Whoever has been deleted since keeps its row, which nobody can use again.
            let name = match row.identity {
                Identity::User(id) => user::find(store, id).await?.map(|user| IdentityName::User(user.name)),
                Identity::Role(id) => role::find(store, id).await?.map(|role| IdentityName::Role(role.name)),
            };
            found.extend(name.map(|identity| Assignment { identity, assigned_at: row.created_at }));
        }
        Ok(Effect::nothing(found))
    }
}
