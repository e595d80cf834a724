//! Roles and whom they trust.

use std::time::Duration;

use tegata_model::{AccountNumber, Description, Epoch, Generation, PrincipalNumber, RoleId, RoleName, Status, Timestamp};
pub use tegata_policy::lint::Warning as TrustWarning;
use tegata_policy::{DocumentKind, PrincipalName, lint, ram};
use tegata_store::{
    Step, account, oidc_provider,
    policy::{self, Target},
    role::{self, RoleRow},
    tag::Tagged,
    user,
};

use super::{
    Listed, Page, changes, done, find_role, new_number, own, role_name,
    tag::{self, Tag, TagFilter},
};
use crate::{
    actions::{Action, RAM_CREATE_ROLE, RAM_DELETE_ROLE, RAM_GET_ROLE, RAM_LIST_ROLES, RAM_UPDATE_ROLE},
    caller::Caller,
    error::{Holding, Input, OpError, ProblemKind, Quota},
    operation::{Effect, Operation},
    principal::{oidc_provider_of, principal_text},
    resource::ResourceName,
    view::{Read, View},
};

/// The least that the longest session of a role may be.
const SHORTEST_MAXIMUM: Duration = Duration::from_hours(1);
/// The most that it may be.
const LONGEST_MAXIMUM: Duration = Duration::from_hours(12);

/// What is said of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its account.
    pub account: AccountNumber,
    /// Its public number.
    pub number: PrincipalNumber,
    /// Its name.
    pub name: RoleName,
    /// What it is for; empty if nothing was said.
    pub description: String,
    /// Whom it trusts, as written.
    pub trust_document: String,
    /// Its longest session.
    pub max_session: Duration,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Its tags, by key; empty where they were not asked for.
    pub tags: Vec<Tag>,
    /// What its trust document lets in besides what its author may have had in mind; told when it is saved, empty at other times.
    pub warnings: Vec<TrustWarning>,
}

impl Role {
    pub(super) fn of(row: RoleRow, account: AccountNumber) -> Self {
        Self {
            account,
            number: row.number,
            name: row.name,
            description: row.description,
            trust_document: row.trust_document,
            max_session: row.max_session,
            created_at: row.created_at,
            updated_at: row.updated_at,
            tags: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn tagged(self, tags: Vec<Tag>) -> Self {
        Self { tags, ..self }
    }

    /// The same with what is to be said of its trust document.
    fn warned(self, warnings: Vec<TrustWarning>) -> Self {
        Self { warnings, ..self }
    }
}

/// Checks a trust document and binds everybody it names to an immutable id: the steps that remember it, and what is to be said of it.
///
/// Whoever it names in the caller's account must exist. A name of another account that does not exist is bound to nobody and
/// stays so: to refuse it would tell which names other accounts have.
async fn bind(
    view: &View<'_>,
    caller: &Caller,
    id: RoleId,
    document: &str,
    input: Input,
) -> Result<(Vec<Step>, Vec<TrustWarning>), OpError> {
    super::policy::check_length(view, document, input)?;
    let trust = ram::parse(document, DocumentKind::Trust)
        .map_err(|problem| OpError::invalid(input, ProblemKind::Malformed, problem.to_string()))?;
    let mut steps = vec![role::unbind_all(id)];
    for principal in trust.principals() {
        let (subject, foreign) = subject(view, caller, &principal).await?;
        match subject {
            Some(subject) => steps.push(role::bind(id, &principal_text(&principal), subject)),
            None if foreign => {}
            None => {
                let rule = format!("`Principal` names `{}`, who does not exist", principal_text(&principal));
                return Err(OpError::invalid(input, ProblemKind::Malformed, rule));
            }
        }
    }
    Ok((steps, lint::warnings(&trust, &caller.account_number())))
}

/// Whom a principal means now, and whether that is up to another account.
pub(super) async fn subject(view: &View<'_>, caller: &Caller, principal: &PrincipalName) -> Result<(Option<[u8; 16]>, bool), OpError> {
    let store = &view.core().store;
    let provider = match principal {
        PrincipalName::Federated(arn) => oidc_provider_of(arn),
        _ => None,
    };
    let number = match (principal, &provider) {
        (PrincipalName::Federated(_), Some((number, _))) => Some(*number),
        (PrincipalName::Federated(arn), None) if arn.contains(":oidc-provider/") => None,
        // Services and SAML federations are bound by name: they are not rows of ours.
        (PrincipalName::Service(_) | PrincipalName::Federated(_) | PrincipalName::Owner { .. }, _) => return Ok((Some([0; 16]), false)),
        (PrincipalName::AccountMembers { account } | PrincipalName::User { account, .. } | PrincipalName::Role { account, .. }, _) => {
            account.parse::<AccountNumber>().ok()
        }
    };
    let Some(number) = number else { return Ok((None, false)) };
    let Some(owner) = account::find_by_number(store, number).await? else {
        return Ok((None, true));
    };
    let foreign = owner.id != caller.account();
    // What belongs to another account may change as it likes without disturbing this one.
    let note = |read| {
        if !foreign {
            view.note(&[read]);
        }
    };
    let found = match principal {
        PrincipalName::User { name, .. } => user::find_by_name(store, owner.id, &name.to_ascii_lowercase()).await?.map(|row| {
            note(Read::User(row.id, row.generation));
            *row.id.as_bytes()
        }),
        PrincipalName::Role { name, .. } => role::find_by_name(store, owner.id, &name.to_ascii_lowercase()).await?.map(|row| {
            note(Read::Role(row.id, row.generation));
            *row.id.as_bytes()
        }),
        PrincipalName::Federated(_) => match &provider {
            Some((_, name)) => oidc_provider::find_by_name(store, owner.id, &name.folded()).await?.map(|row| {
                note(Read::OidcProvider(row.id, row.generation));
                *row.id.as_bytes()
            }),
            None => None,
        },
        PrincipalName::AccountMembers { .. } | PrincipalName::Service(_) | PrincipalName::Owner { .. } => Some(*owner.id.as_bytes()),
    };
    Ok((found, foreign))
}

/// Checks the longest session of a role.
pub(super) fn longest(asked: Duration, input: Input) -> Result<Duration, OpError> {
    if (SHORTEST_MAXIMUM..=LONGEST_MAXIMUM).contains(&asked) {
        return Ok(asked);
    }
    let rule = format!("the longest session of a role is {} to {} seconds", SHORTEST_MAXIMUM.as_secs(), LONGEST_MAXIMUM.as_secs());
    Err(OpError::invalid(input, ProblemKind::OutOfRange, rule))
}

/// Make a role, which may do nothing yet.
#[derive(Debug, Clone)]
pub struct CreateRole {
    /// Its name.
    pub name: RoleName,
    /// Whom it trusts.
    pub trust_document: String,
    /// What it is for.
    pub description: Option<Description>,
    /// Its longest session; one hour if nothing is said.
    pub max_session: Option<Duration>,
    /// The tags it begins with: at most 20.
    pub tags: Vec<Tag>,
}

impl Operation for CreateRole {
    const ACTION: Action = RAM_CREATE_ROLE;
    type Output = Role;

    fn resource(&self, caller: &Caller) -> ResourceName {
        role_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Role>, OpError> {
        let whom = ResourceName::Roles { account: own(caller) };
        let permit = tag::permit_with(view, caller, Self::ACTION, &whom, &self.tags).await?;
        tag::check(view, &self.tags)?;
        let (store, account, limit) = (&view.core().store, caller.account(), view.core().limits().quotas.roles);
        let id = RoleId::from_bytes(view.core().new_id()?);
        let (bindings, warnings) = bind(view, caller, id, &self.trust_document, Input::TrustDocument).await?;
        let max_session = longest(self.max_session.unwrap_or(SHORTEST_MAXIMUM), Input::MaxSession)?;
        if role::find_by_name(store, account, &self.name.folded()).await?.is_some() {
            return Err(OpError::Exists(self.resource(caller)));
        }
        if role::count(store, account).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::Roles, limit));
        }
        let row = self.row(view, caller, id, max_session)?;
        let mut changes = changes(view, caller);
        changes.push(role::insert(&row));
        changes.extend(bindings);
        changes.push(role::at_most(account, limit));
        changes.extend(tag::steps(view, caller, Tagged::Role(id), &self.tags));
        Ok(done(Role::of(row, own(caller)).tagged(self.tags.clone()).warned(warnings), changes, permit).or_exists(self.resource(caller)))
    }
}

impl CreateRole {
    /// The row that it makes.
    pub(super) fn row(&self, view: &View<'_>, caller: &Caller, id: RoleId, max_session: Duration) -> Result<RoleRow, OpError> {
        Ok(RoleRow {
            id,
            account_id: caller.account(),
            number: new_number(view)?,
            name: self.name.clone(),
            description: self.description.as_ref().map(ToString::to_string).unwrap_or_default(),
            trust_document: self.trust_document.clone(),
            max_session,
            status: Status::Active,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: view.now(),
            updated_at: view.now(),
        })
    }
}

/// Read a role.
#[derive(Debug, Clone)]
pub struct DescribeRole {
    /// Its name.
    pub name: RoleName,
}

impl Operation for DescribeRole {
    const ACTION: Action = RAM_GET_ROLE;
    type Output = Role;

    fn resource(&self, caller: &Caller) -> ResourceName {
        role_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Role>, OpError> {
        tag::permit(view, caller, Self::ACTION, &self.resource(caller)).await?;
        let row = find_role(view, caller, &self.name).await?;
        let tags = tag::of(view, Tagged::Role(row.id)).await?;
        Ok(Effect::nothing(Role::of(row, own(caller)).tagged(tags)))
    }
}

/// Change whom a role trusts, or what is said of it; what is `None` stays. Sessions that exist go on.
#[derive(Debug, Clone)]
pub struct UpdateRole {
    /// Its name.
    pub name: RoleName,
    /// Whom it trusts from now on.
    pub trust_document: Option<String>,
    /// What it is for from now on.
    pub description: Option<Description>,
    /// Its longest session from now on.
    pub max_session: Option<Duration>,
}

impl Operation for UpdateRole {
    const ACTION: Action = RAM_UPDATE_ROLE;
    type Output = Role;

    fn resource(&self, caller: &Caller) -> ResourceName {
        role_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Role>, OpError> {
        let permit = tag::permit(view, caller, Self::ACTION, &self.resource(caller)).await?;
        let mut row = find_role(view, caller, &self.name).await?;
        let mut changes = changes(view, caller);
        let mut warnings = Vec::new();
        if let Some(document) = &self.trust_document {
            let bindings;
            (bindings, warnings) = bind(view, caller, row.id, document, Input::NewTrustDocument).await?;
            changes.push(role::set_trust(row.id, document));
            changes.extend(bindings);
            row.trust_document.clone_from(document);
        }
        if let Some(description) = &self.description {
            row.description = description.to_string();
        }
        if let Some(asked) = self.max_session {
            row.max_session = longest(asked, Input::NewMaxSession)?;
        }
        row.updated_at = view.now();
        changes.push(role::update(&row));
        Ok(done(Role::of(row, own(caller)).warned(warnings), changes, permit))
    }
}

/// List the roles of the caller's account.
#[derive(Debug, Clone)]
pub struct ListRoles {
    /// Which part.
    pub page: Page,
    /// Only those that carry all of these.
    pub filter: Vec<TagFilter>,
}

impl Operation for ListRoles {
    const ACTION: Action = RAM_LIST_ROLES;
    type Output = Listed<Role>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Roles { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listed<Role>>, OpError> {
        tag::permit(view, caller, Self::ACTION, &self.resource(caller)).await?;
        let rows = tag::roles(view, caller, &self.page, &self.filter).await?;
        let account = own(caller);
        Ok(Effect::nothing(self.page.cut(rows, |(row, _)| row.name.folded(), |(row, tags)| Role::of(row, account).tagged(tags))))
    }
}

/// Delete a role that has no policies left. Its sessions end.
#[derive(Debug, Clone)]
pub struct DeleteRole {
    /// Its name.
    pub name: RoleName,
}

impl Operation for DeleteRole {
    const ACTION: Action = RAM_DELETE_ROLE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        role_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = tag::permit(view, caller, Self::ACTION, &resource).await?;
        let row = find_role(view, caller, &self.name).await?;
        if !policy::attachments(&view.core().store, Target::Role(row.id)).await?.is_empty() {
            return Err(OpError::InUse(resource, Holding::Policies));
        }
        let mut changes = changes(view, caller);
        // A policy attached meanwhile raises its generation, so this decides again.
        changes.extend(role::delete(row.id));
        Ok(done((), changes, permit))
    }
}
