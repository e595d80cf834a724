//! Who stands where: an organisation, what it offers, the roles that count in it, and whether a caller may act there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tegata_model::{AccountId, ClientId, InstallationId, OrganisationId, Timestamp, UserId};
use tegata_policy::StatementRef;
use tegata_store::{
    Store,
    account::{self, AccountRow},
    app,
    installation::{self, InstallationRow},
    organisation::{self, BindingRow, OrgKind},
    user::{self, UserKind},
};

use super::{
    catalogue::{self, PROVIDER_ACCOUNT_ADMIN, PROVIDER_ADMIN, Profile},
    refusal::{Barrier, Refusal},
    scope::{Actor, Handout, Roles},
};
use crate::{
    Core,
    actions::Action,
    authz,
    caller::{Caller, Evidence, OrgBearer},
    error::{Denial, DeniedBy, OpError},
    principal::{Stamps, Who},
    resource::ResourceName,
    view::{Read, View},
};

/// An account as an organisation.
#[derive(Debug, Clone)]
pub(crate) struct Org {
    pub(crate) account: AccountRow,
    pub(crate) kind: OrgKind,
    pub(crate) display_name: String,
}

impl Org {
    pub(crate) async fn of(store: &Store, account: AccountRow) -> Result<Self, OpError> {
        let said = organisation::find(store, account.id).await?;
        let usual = if account.parent_id.is_some() { OrgKind::Customer } else { OrgKind::Provider };
        let (kind, name) = said.map_or((usual, String::new()), |row| (row.kind, row.display_name));
        let display_name = if name.is_empty() { account.alias.to_string() } else { name };
        Ok(Self { account, kind, display_name })
    }

    pub(crate) fn id(&self) -> &OrganisationId {
        &self.account.organisation_id
    }

    pub(crate) fn profile(&self) -> &'static Profile {
        catalogue::profile(self.kind)
    }

    /// What is offered in it.
    pub(crate) async fn offered(&self, store: &Store) -> Result<BTreeMap<String, BTreeSet<String>>, OpError> {
        offered(store, self.account.id).await
    }
}

async fn offered(store: &Store, account: AccountId) -> Result<BTreeMap<String, BTreeSet<String>>, OpError> {
    let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (service, role) in organisation::offered(store, account).await? {
        services.entry(service).or_default().insert(role);
    }
    Ok(services)
}

fn counting(rows: Vec<BindingRow>, now: Timestamp) -> impl Iterator<Item = BindingRow> {
    rows.into_iter().filter(move |row| row.expires_at.is_none_or(|expires| now < expires))
}

/// What a user is in an organisation: as its owner, by its roles there, and by its roles in the provider above.
pub(crate) async fn actor_of(store: &Store, org: &AccountRow, user: UserId, now: Timestamp) -> Result<Option<(Actor, Read)>, OpError> {
    let Some(row) = user::find(store, user).await? else { return Ok(None) };
    if !row.status.is_active() {
        return Ok(None);
    }
    let read = Read::User(row.id, row.generation);
    let mut actor = Actor::default();
    for binding in counting(organisation::bound(store, org.id, user).await?, now) {
        if !binding.service.is_empty() {
            actor.here.services.entry(binding.service).or_default().insert(binding.role);
        } else if binding.role == PROVIDER_ACCOUNT_ADMIN && row.account_id != org.id {
            actor.assigned = true;
        } else {
            actor.here.org_roles.insert(binding.role);
        }
    }
    let root = row.kind == UserKind::Root;
    if row.account_id == org.id {
        actor.owner = root;
        return Ok(Some((actor, read)));
    }
    if Some(row.account_id) == org.parent_id {
        for binding in counting(organisation::bound(store, row.account_id, user).await?, now) {
            if binding.service.is_empty() {
                actor.above.insert(binding.role);
            }
        }
        if root {
            actor.above.insert(PROVIDER_ADMIN.to_owned());
        }
        return Ok(Some((actor, read)));
    }
    let stranger = actor.here.is_empty();
    Ok((!stranger).then_some((actor, read)))
}

/// Roles as tokens say them, and everything that was read for them.
#[derive(Debug, Clone)]
pub(crate) struct Perms {
    pub(crate) roles: Roles,
    pub(crate) reads: Vec<Read>,
}

/// What an instance of an app may have in tokens now: what it got, less what its organisation does not offer any more. `None` if it
/// is no instance.
pub(crate) async fn instance_perms(core: &Core, installation: InstallationId) -> Result<Option<Perms>, OpError> {
    let store = &core.store;
    let Some(found) = installation::find(store, installation).await? else { return Ok(None) };
    let Some(account) = account::find(store, found.account_id).await? else { return Ok(None) };
    perms_of(store, &found, &account).await
}

/// Where an app stands by one of its instances.
#[derive(Debug)]
pub(crate) struct AppPlace {
    org: Org,
    perms: Perms,
    stamps: Stamps,
}

/// Where the app stands that has this instance in this account; `None` where it stands nowhere. What was found is remembered while
/// nothing of the account changes: no role of an app ends by time.
async fn app_place(core: &Core, account: AccountId, installation: InstallationId) -> Result<Option<Arc<AppPlace>>, OpError> {
    if let Some(known) = core.memory.app_places.get(&installation)
        && known.org.account.id == account
        && known.stamps.current(&core.store)
    {
        return Ok(Some(known));
    }
    let store = &core.store;
    let mut stamps = Stamps::default();
    stamps.note(store, account);
    let Some(row) = installation::find(store, installation).await?.filter(|row| row.account_id == account) else { return Ok(None) };
    let Some(account) = account::find(store, account).await?.filter(|row| row.status.is_active()) else { return Ok(None) };
    let Some(perms) = perms_of(store, &row, &account).await? else { return Ok(None) };
    let place = Arc::new(AppPlace { org: Org::of(store, account).await?, perms, stamps });
    core.memory.app_places.insert(installation, Arc::clone(&place));
    Ok(Some(place))
}

/// The same for an installation in this account, both just read.
async fn perms_of(store: &Store, found: &InstallationRow, account: &AccountRow) -> Result<Option<Perms>, OpError> {
    let Some(row) = app::find_instance(store, found.id).await? else { return Ok(None) };
    let reads = vec![Read::Account(account.id, account.generation), Read::Installation(found.id, found.generation)];
    let roles = Roles::of_words(row.scope.split(' ')).offered_by(&offered(store, account.id).await?);
    Ok(Some(Perms { roles, reads }))
}

/// What a user may have in tokens for an organisation now: empty where it has no role, `None` where it is nobody there.
pub(crate) async fn user_perms(core: &Core, org: AccountId, user: UserId, now: Timestamp) -> Result<Option<Perms>, OpError> {
    let store = &core.store;
    let Some(account) = account::find(store, org).await? else { return Ok(None) };
    let mut reads = vec![Read::Account(account.id, account.generation)];
    let Some((actor, read)) = actor_of(store, &account, user, now).await? else { return Ok(None) };
    reads.push(read);
    let org = Org::of(store, account).await?;
    let mut roles = Roles { org_roles: actor.roles_here(org.profile()), services: actor.here.services };
    // The developer role unlocks, and is said; it gives nothing by itself.
    roles.org_roles.extend(actor.above.into_iter().filter(|role| role == catalogue::PROVIDER_DEVELOPER));
    Ok(Some(Perms { roles: roles.offered_by(&org.offered(store).await?), reads }))
}

/// Who asks, as far as organisations are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A person or machine user.
    User(UserId),
    /// An app, by what it got in an organisation.
    App { client: ClientId, installation: InstallationId },
    /// Somebody who has no roles in organisations: a role session, a stranger, an application.
    Nobody,
}

pub(crate) fn asker(caller: &Caller) -> Asker {
    if matches!(caller.evidence, Evidence::Client { .. } | Evidence::Access(_)) {
        return Asker::Nobody;
    }
    if matches!(caller.evidence, Evidence::Org(_)) {
        return match caller.organisation_bearer() {
            Some(OrgBearer::User(user)) => Asker::User(user),
            Some(OrgBearer::App { client, installation }) => Asker::App { client, installation },
            None => Asker::Nobody,
        };
    }
    match &caller.evidence.principal().who {
        Who::User(row) => Asker::User(row.id),
        Who::Role { .. } | Who::Provider(_) | Who::Client(_) => Asker::Nobody,
    }
}

/// Evidence that a caller stands in an organisation, and with which roles. Made by [`enter`] only.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) org: Org,
    pub(crate) actor: Actor,
    pub(crate) asker: Asker,
    action: Action,
    resource: ResourceName,
}

/// Looks whether the caller stands in this organisation. Whoever does not is told the same as if there were none.
///
/// An explicit Deny of any policy of the caller binds, and so does a session policy; what allows here are the roles.
pub(crate) async fn enter(
    view: &View<'_>,
    caller: &Caller,
    action: Action,
    resource: &ResourceName,
    org: &str,
) -> Result<Standing, OpError> {
    authz::not_forbidden(view, caller, action, resource)?;
    let barred = |barrier| authz::denied(caller, action, resource, DeniedBy::Organisation(barrier), None);
    if matches!(&caller.evidence, Evidence::Session(session) if session.session_policy.is_some()) {
        authz::permit(view, caller, action, resource, &[])?;
    }
    let store = &view.core().store;
    let id = OrganisationId::new(org).map_err(|_| barred(Barrier::NoAccess))?;
    let asker = asker(caller);
    let (org, actor) = match asker {
        Asker::User(user) => {
            let found = account::find_by_organisation(store, &id).await?.filter(|row| row.status.is_active());
            let account = found.ok_or_else(|| barred(Barrier::NoAccess))?;
            view.note(&[Read::Account(account.id, account.generation)]);
            let (actor, read) = actor_of(store, &account, user, view.now()).await?.ok_or_else(|| barred(Barrier::NoAccess))?;
            view.note(&[read]);
            (Org::of(store, account).await?, actor)
        }
        Asker::App { installation, .. } => {
            let found = app_place(view.core(), caller.account(), installation).await?;
            let place = found.filter(|place| *place.org.id() == id).ok_or_else(|| barred(Barrier::NoAccess))?;
            view.note(&place.perms.reads);
            let actor = Actor { here: place.perms.roles.clone(), own_only: true, ..Actor::default() };
            (place.org.clone(), actor)
        }
        Asker::Nobody => return Err(barred(Barrier::NoAccess)),
    };
    let actor = match caller.organisation_narrowed() {
        Some(words) => {
            let to = Roles::of_words(words.iter().map(String::as_str));
            actor.narrowed(org.profile(), &to, org.account.id == caller.account())
        }
        None => actor,
    };
    Ok(Standing { org, actor, asker, action, resource: resource.clone() })
}

impl Standing {
    /// The error for a refusal to this caller.
    pub(crate) fn refuse(&self, caller: &Caller, refusal: Refusal) -> OpError {
        refused(caller, self.action, &self.resource, refusal)
    }

    /// What the caller can hand out, if it manages apps at all.
    pub(crate) fn handout(&self, caller: &Caller) -> Result<Handout, OpError> {
        self.actor.handout(self.org.profile()).map_err(|refusal| self.refuse(caller, refusal))
    }

    /// Refuses whoever has no role at all here.
    pub(crate) fn any_role(&self, caller: &Caller) -> Result<(), OpError> {
        let has = self.actor.has_any(self.org.profile());
        if has { Ok(()) } else { Err(self.refuse(caller, Barrier::NotPermitted.into())) }
    }

    /// Refuses apps: this is for people.
    pub(crate) fn person(&self, caller: &Caller) -> Result<UserId, OpError> {
        match self.asker {
            Asker::User(user) => Ok(user),
            Asker::App { .. } | Asker::Nobody => Err(self.refuse(caller, Barrier::PeopleOnly.into())),
        }
    }

    /// By which roles it is allowed, for the audit row of the effect.
    pub(crate) fn spend(&self) -> Vec<StatementRef> {
        if self.actor.owner {
            return Vec::new();
        }
        let roles = self.actor.roles_here(self.org.profile()).into_iter().collect::<Vec<_>>().join(" ");
        vec![StatementRef { policy: format!("roles in the organisation: {roles}").into(), index: 1 }]
    }
}

/// The person who asks, where one does.
pub(crate) fn person(caller: &Caller, action: Action, resource: &ResourceName) -> Result<UserId, OpError> {
    match asker(caller) {
        Asker::User(user) => Ok(user),
        Asker::App { .. } | Asker::Nobody => Err(refused(caller, action, resource, Barrier::PeopleOnly.into())),
    }
}

/// The error for a refusal.
pub(crate) fn refused(caller: &Caller, action: Action, resource: &ResourceName, refusal: Refusal) -> OpError {
    match refusal {
        Refusal::Barred(barrier) => authz::denied(caller, action, resource, DeniedBy::Organisation(barrier), None),
        other => OpError::Organisation(other),
    }
}

/// The word for why something was refused, where an organisation refused it.
pub fn word_of(error: &OpError) -> Option<&'static str> {
    match error {
        OpError::Organisation(refusal) => Some(refusal.word()),
        OpError::Denied(denial) => match denial.as_ref() {
            Denial { by: DeniedBy::Organisation(barrier), .. } => Some(barrier.word()),
            _ => None,
        },
        _ => None,
    }
}
