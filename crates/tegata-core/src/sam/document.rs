//! Permissions of users and of accounts, and who may go on as a user: texts, checked when they are saved and kept as written.

use tegata_model::{OperatorId, UserName};
use tegata_policy::{
    PrincipalName,
    sam::{Document, TrustDocument},
};
use tegata_store::{
    account,
    sam_document::{self, PermissionRow},
    user,
};

use crate::{
    actions::{
        Action, SAM_DELETE_DEFAULT_PERMISSIONS, SAM_DELETE_USER_PERMISSION, SAM_DELETE_USER_TRUST_POLICY, SAM_GET_DEFAULT_PERMISSIONS,
        SAM_GET_USER_PERMISSION, SAM_GET_USER_TRUST_POLICY, SAM_UPDATE_DEFAULT_PERMISSIONS, SAM_UPDATE_USER_PERMISSION,
        SAM_UPDATE_USER_TRUST_POLICY,
    },
    authz,
    caller::Caller,
    directory::{changes, done, find_user, own, user_name},
    error::{Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    principal::principal_text,
    resource::ResourceName,
    view::{Read, View},
};

/// The longest description, in characters.
const DESCRIPTION: usize = 1024;

/// Refuses a permission document that would not be understood.
pub(super) fn check(document: &str) -> Result<(), OpError> {
    Document::parse(document)
        .map(drop)
        .map_err(|problem| OpError::invalid(Input::PolicyDocument, ProblemKind::Malformed, problem.to_string()))
}

/// Refuses a description that is too long.
pub(super) fn check_description(text: &str) -> Result<(), OpError> {
    if text.chars().count() <= DESCRIPTION && !text.contains('\0') {
        return Ok(());
    }
    let rule = format!("a description has at most {DESCRIPTION} characters");
    Err(OpError::invalid(Input::PolicyDocument, ProblemKind::OutOfRange, rule))
}

fn below(of: ResourceName, what: &'static str) -> ResourceName {
    ResourceName::Document { of: Box::new(of), what }
}

fn permission_of(caller: &Caller, user: &UserName) -> ResourceName {
    below(user_name(caller, user), "permission")
}

fn trust_of(caller: &Caller, user: &UserName) -> ResourceName {
    below(user_name(caller, user), "trust_policy")
}

fn defaults_of(caller: &Caller) -> ResourceName {
    below(ResourceName::Users { account: own(caller) }, "default_permissions")
}

/// Read what a user may do by itself. Empty text: nothing is written.
#[derive(Debug, Clone)]
pub struct DescribePermission {
    /// Whose.
    pub user: UserName,
}

impl Operation for DescribePermission {
    const ACTION: Action = SAM_GET_USER_PERMISSION;
    type Output = String;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<String>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let user = find_user(view, caller, &self.user).await?;
        let row = sam_document::permission(&view.core().store, user.id).await?;
        Ok(Effect::nothing(row.map(|row| row.document).unwrap_or_default()))
    }
}

/// Write what a user may do by itself. Sessions that exist keep what they were given.
#[derive(Debug, Clone)]
pub struct SetPermission {
    /// Whose.
    pub user: UserName,
    /// The document.
    pub document: String,
    /// What there is to say of it; what was said before stays, if nothing is said.
    pub description: Option<String>,
}

impl Operation for SetPermission {
    const ACTION: Action = SAM_UPDATE_USER_PERMISSION;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        check(&self.document)?;
        check_description(self.description.as_deref().unwrap_or_default())?;
        let user = find_user(view, caller, &self.user).await?;
        let before = sam_document::permission(&view.core().store, user.id).await?;
        let row = PermissionRow {
            document: self.document.clone(),
            description: self.description.clone().or(before.map(|row| row.description)).unwrap_or_default(),
            updated_at: view.now(),
        };
        let mut changes = changes(view, caller);
        changes.extend(sam_document::set_permission(user.id, user.account_id, &row));
        Ok(done((), changes, permit))
    }
}

/// Remove what a user may do by itself.
#[derive(Debug, Clone)]
pub struct RemovePermission {
    /// Whose.
    pub user: UserName,
}

impl Operation for RemovePermission {
    const ACTION: Action = SAM_DELETE_USER_PERMISSION;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let user = find_user(view, caller, &self.user).await?;
        if sam_document::permission(&view.core().store, user.id).await?.is_none() {
            return Err(OpError::NotFound(permission_of(caller, &self.user)));
        }
        let mut changes = changes(view, caller);
        changes.extend(sam_document::remove_permission(user.id));
        Ok(done((), changes, permit))
    }
}

/// Read what every user of the account may do. Empty text: nothing is written.
#[derive(Debug, Clone)]
pub struct DescribeDefaults;

impl Operation for DescribeDefaults {
    const ACTION: Action = SAM_GET_DEFAULT_PERMISSIONS;
    type Output = String;

    fn resource(&self, caller: &Caller) -> ResourceName {
        defaults_of(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<String>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(sam_document::defaults(&view.core().store, caller.account()).await?.unwrap_or_default()))
    }
}

/// Write what every user of the account may do, its owner aside, who may do everything.
#[derive(Debug, Clone)]
pub struct SetDefaults {
    /// The document.
    pub document: String,
}

impl Operation for SetDefaults {
    const ACTION: Action = SAM_UPDATE_DEFAULT_PERMISSIONS;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        defaults_of(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        check(&self.document)?;
        let mut changes = changes(view, caller);
        changes.extend(sam_document::set_defaults(caller.account(), &self.document, view.now()));
        Ok(done((), changes, permit))
    }
}

/// Remove what every user of the account may do.
#[derive(Debug, Clone)]
pub struct RemoveDefaults;

impl Operation for RemoveDefaults {
    const ACTION: Action = SAM_DELETE_DEFAULT_PERMISSIONS;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        defaults_of(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        if sam_document::defaults(&view.core().store, caller.account()).await?.is_none() {
            return Err(OpError::NotFound(self.resource(caller)));
        }
        let mut changes = changes(view, caller);
        changes.extend(sam_document::remove_defaults(caller.account()));
        Ok(done((), changes, permit))
    }
}

/// Read who may go on as a user. Empty text: nobody.
#[derive(Debug, Clone)]
pub struct DescribeTrust {
    /// As whom.
    pub user: UserName,
}

impl Operation for DescribeTrust {
    const ACTION: Action = SAM_GET_USER_TRUST_POLICY;
    type Output = String;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<String>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let user = find_user(view, caller, &self.user).await?;
        Ok(Effect::nothing(sam_document::trust(&view.core().store, user.id).await?.unwrap_or_default()))
    }
}

/// Say who may go on as a user. Whom the document names is bound to its immutable id; sessions that exist go on.
///
/// Whoever it names in the caller's account must exist. A name of another account that does not exist is bound to nobody and stays so.
#[derive(Debug, Clone)]
pub struct SetTrust {
    /// As whom.
    pub user: UserName,
    /// The document.
    pub document: String,
}

impl Operation for SetTrust {
    const ACTION: Action = SAM_UPDATE_USER_TRUST_POLICY;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let malformed = |rule: String| OpError::invalid(Input::TrustDocument, ProblemKind::Malformed, rule);
        let document = TrustDocument::parse(&self.document).map_err(|problem| malformed(problem.to_string()))?;
        let user = find_user(view, caller, &self.user).await?;
        let mut bindings = Vec::new();
        for principal in document.compile().principals() {
            match subject(view, caller, &principal).await? {
                Subject::Bound(id) => bindings.push((principal_text(&principal), id)),
                Subject::Foreign => {}
                Subject::Missing => {
                    return Err(malformed(format!("`principal` names `{}`, who does not exist", principal_text(&principal))));
                }
            }
        }
        let mut changes = changes(view, caller);
        changes.extend(sam_document::set_trust(user.id, user.account_id, &self.document, &bindings, view.now()));
        Ok(done((), changes, permit))
    }
}

enum Subject {
    Bound([u8; 16]),
    /// Of another account, and unknown: not to be told.
    Foreign,
    Missing,
}

/// Whom a principal means now.
async fn subject(view: &View<'_>, caller: &Caller, principal: &PrincipalName) -> Result<Subject, OpError> {
    let store = &view.core().store;
    let (PrincipalName::Owner { account } | PrincipalName::User { account, .. }) = principal else {
        // Services are no rows of ours: none of them ever calls.
        return Ok(Subject::Bound([0; 16]));
    };
    let Ok(operator) = OperatorId::new(account) else { return Ok(Subject::Missing) };
    let Some(owner) = account::find_by_operator(store, &operator).await? else { return Ok(Subject::Foreign) };
    let foreign = owner.id != caller.account();
    let PrincipalName::User { name, .. } = principal else { return Ok(Subject::Bound(*owner.id.as_bytes())) };
    Ok(match user::find_by_name(store, owner.id, &name.to_ascii_lowercase()).await? {
        Some(row) => {
            if !foreign {
                view.note(&[Read::User(row.id, row.generation)]);
            }
            Subject::Bound(*row.id.as_bytes())
        }
        None if foreign => Subject::Foreign,
        None => Subject::Missing,
    })
}

/// From now on nobody goes on as the user; sessions that exist go on.
#[derive(Debug, Clone)]
pub struct RemoveTrust {
    /// As whom.
    pub user: UserName,
}

impl Operation for RemoveTrust {
    const ACTION: Action = SAM_DELETE_USER_TRUST_POLICY;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let user = find_user(view, caller, &self.user).await?;
        if sam_document::trust(&view.core().store, user.id).await?.is_none() {
            return Err(OpError::NotFound(trust_of(caller, &self.user)));
        }
        let mut changes = changes(view, caller);
        changes.extend(sam_document::remove_trust(user.id));
        Ok(done((), changes, permit))
    }
}
