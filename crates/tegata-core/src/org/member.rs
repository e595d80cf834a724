//! People of an organisation and the roles that they have there.

use std::collections::{BTreeMap, BTreeSet};

use tegata_model::{Timestamp, UserId};
use tegata_store::{
    account, organisation,
    organisation::BindingRow,
    user::{self, UserKind, UserRow},
};

use super::{
    app::Listing,
    catalogue::{OrgKind, PROVIDER_ACCOUNT_ADMIN, PROVIDER_ADMIN},
    changes, done, own_part, part,
    refusal::{AppField, Barrier, Refusal},
    scope::Roles,
    standing::{Standing, actor_of, enter, person},
};
use crate::{
    actions::{Action, CSP_GET_OWN_PROFILE, CSP_GET_OWN_ROLES, CSP_SEARCH_USERS, CSP_UPDATE_USER_ROLES},
    authz,
    caller::Caller,
    error::OpError,
    operation::{Effect, Operation},
    resource::{OrgPart, ResourceName},
    view::{Read, View},
};

/// Users that are looked through at once.
const STEP: u32 = 1000;

/// Somebody, as an organisation sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Immutable id.
    pub id: UserId,
    /// Their name in their account.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Their e-mail address; empty if none was given.
    pub email: String,
    /// What their account is called.
    pub account: String,
    /// True for the owner of the organisation.
    pub owner: bool,
    /// Their roles in the organisation, with those that they have as users of the provider above it.
    pub roles: Roles,
    /// Until when they have those that end: as (id of the service or nothing, role).
    pub expires: BTreeMap<(String, String), Timestamp>,
}

fn member(row: &UserRow, account: &str, owner: bool, roles: Roles) -> Member {
    Member {
        id: row.id,
        name: row.name.to_string(),
        display_name: row.display_name.clone(),
        email: row.email.clone(),
        account: account.to_owned(),
        owner,
        roles,
        expires: BTreeMap::new(),
    }
}

/// Somebody as they stand in an organisation; nothing for whoever does not stand there.
async fn standing_there(view: &View<'_>, at: &Standing, id: UserId) -> Result<Option<Member>, OpError> {
    let store = &view.core().store;
    let Some((actor, _)) = actor_of(store, &at.org.account, id, view.now()).await? else { return Ok(None) };
    let Some(row) = user::find(store, id).await? else { return Ok(None) };
    let account = account::find(store, row.account_id).await?.map(|row| row.alias.to_string()).unwrap_or_default();
    let mut org_roles = actor.roles_here(at.org.profile());
    org_roles.extend(actor.here.org_roles.iter().cloned());
    let roles = Roles { org_roles, services: actor.here.services };
    let mut found = member(&row, &account, actor.owner, roles);
    for binding in organisation::bound(store, at.org.account.id, id).await? {
        if let Some(expires) = binding.expires_at.filter(|expires| view.now() < *expires) {
            found.expires.insert((binding.service, binding.role), expires);
        }
    }
    Ok(Some(found))
}

/// Look for the users of an organisation.
#[derive(Debug, Clone)]
pub struct SearchMembers {
    /// The id of the organisation.
    pub org: String,
    /// Only those with this in their name, display name or e-mail address, without case; empty for all.
    pub term: String,
    /// How many to pass over.
    pub skip: usize,
    /// How many to show.
    pub limit: usize,
}

impl Operation for SearchMembers {
    const ACTION: Action = CSP_SEARCH_USERS;
    type Output = Listing<Member>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::User, "*")
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listing<Member>>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        if !at.handout(caller)?.is_full() {
            return Err(at.refuse(caller, Barrier::NotPermitted.into()));
        }
        let store = &view.core().store;
        let term = self.term.to_lowercase();
        let mut ids = Vec::new();
        let mut after = String::new();
        loop {
            let some = user::list(store, at.org.account.id, &after, STEP).await?;
            let Some(last) = some.last() else { break };
            after = last.name.folded();
            let full = some.len() == STEP as usize;
            let hit =
                |row: &&UserRow| [row.name.as_str(), &row.display_name, &row.email].iter().any(|text| text.to_lowercase().contains(&term));
            ids.extend(some.iter().filter(hit).map(|row| row.id));
            if !full {
                break;
            }
        }
        // Those of the provider above who have a role here.
        for binding in organisation::bound_in(store, at.org.account.id).await? {
            if !ids.contains(&binding.user_id)
                && let Some(row) = user::find(store, binding.user_id).await?
                && row.account_id != at.org.account.id
                && row.name.as_str().to_lowercase().contains(&term)
            {
                ids.push(row.id);
            }
        }
        let total = ids.len();
        let mut items = Vec::new();
        for id in ids.into_iter().skip(self.skip).take(self.limit) {
            items.extend(standing_there(view, &at, id).await?);
        }
        Ok(Effect::nothing(Listing { items, total }))
    }
}

/// Read which roles one has in an organisation: for people.
#[derive(Debug, Clone)]
pub struct DescribeOwnRoles {
    /// The id of the organisation.
    pub org: String,
}

impl Operation for DescribeOwnRoles {
    const ACTION: Action = CSP_GET_OWN_ROLES;
    type Output = Member;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Organisation { account: super::own(caller), org: self.org.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Member>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        let user = at.person(caller)?;
        let found = standing_there(view, &at, user).await?;
        Ok(Effect::nothing(found.ok_or_else(|| at.refuse(caller, Barrier::NoAccess.into()))?))
    }
}

/// Read who one is: for people.
#[derive(Debug, Clone, Copy)]
pub struct DescribeOwnProfile;

impl Operation for DescribeOwnProfile {
    const ACTION: Action = CSP_GET_OWN_PROFILE;
    type Output = Member;

    fn resource(&self, caller: &Caller) -> ResourceName {
        own_part(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Member>, OpError> {
        let resource = self.resource(caller);
        authz::not_forbidden(view, caller, Self::ACTION, &resource)?;
        let id = person(caller, Self::ACTION, &resource)?;
        let store = &view.core().store;
        let row = user::find(store, id).await?.ok_or(OpError::NotFound(resource))?;
        view.note(&[Read::User(row.id, row.generation)]);
        let account = account::find(store, row.account_id).await?.map(|row| row.alias.to_string()).unwrap_or_default();
        Ok(Effect::nothing(member(&row, &account, row.kind == UserKind::Root, Roles::default())))
    }
}

/// A role that somebody shall have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleGrant {
    /// The id of the service; `None` for a role of the organisation.
    pub service: Option<String>,
    /// The role.
    pub role: String,
    /// Until when; `None` until it is taken away.
    pub expires: Option<Timestamp>,
}

/// Change the roles that a user has in an organisation. They count from the user's next request on.
#[derive(Debug, Clone)]
pub struct ChangeMember {
    /// The id of the organisation.
    pub org: String,
    /// Whose roles.
    pub user: UserId,
    /// How the user was named, for messages.
    pub named: String,
    /// Roles to be added.
    pub add: Vec<RoleGrant>,
    /// Roles to be taken away.
    pub remove: Roles,
}

impl ChangeMember {
    fn exists(&self, view: &View<'_>, at: &Standing, service: Option<&str>, role: &str) -> Result<(), Refusal> {
        match service {
            None => {
                let assigned = at.org.kind == OrgKind::Customer && role == PROVIDER_ACCOUNT_ADMIN;
                if assigned || at.org.profile().role(role).is_some() { Ok(()) } else { Err(Refusal::UnknownOrgRole(role.to_owned())) }
            }
            Some(id) => {
                let service = view.core().services.find(id).ok_or_else(|| Refusal::UnknownService(id.to_owned()))?;
                let known = service.roles.iter().any(|known| known == role);
                if known { Ok(()) } else { Err(Refusal::UnknownServiceRole(service.name.clone(), role.to_owned())) }
            }
        }
    }

    /// What stands against it that does not depend on who is meant.
    fn judge(
        &self,
        view: &View<'_>,
        at: &Standing,
        handout: &super::Handout,
        offered: &BTreeMap<String, BTreeSet<String>>,
    ) -> Result<(), Refusal> {
        let removed = self.remove.services.iter().flat_map(|(service, roles)| roles.iter().map(move |role| (Some(service.as_str()), role)));
        let removed = self.remove.org_roles.iter().map(|role| (None, role)).chain(removed);
        let added = self.add.iter().map(|one| (one.service.as_deref(), &one.role));
        for (service, role) in added.chain(removed) {
            self.exists(view, at, service, role)?;
            let may = match service {
                // Who looks after a customer is said by the provider's administrators.
                None if role == PROVIDER_ACCOUNT_ADMIN && at.org.kind == OrgKind::Customer => at.actor.above.contains(PROVIDER_ADMIN),
                None => handout.has_org(role),
                Some(service) => handout.has_service(service, role),
            };
            if !may {
                return Err(Barrier::Exceeds.into());
            }
        }
        for one in &self.add {
            if let Some(service) = &one.service
                && !offered.get(service).is_some_and(|roles| roles.contains(&one.role))
            {
                let rule = format!("the role `{}` is not offered in this organisation", one.role);
                return Err(Refusal::Field(AppField::Roles, rule));
            }
        }
        Ok(())
    }
}

impl Operation for ChangeMember {
    const ACTION: Action = CSP_UPDATE_USER_ROLES;
    type Output = Member;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::User, &self.named)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Member>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        at.person(caller)?;
        let handout = at.handout(caller)?;
        if !handout.is_full() {
            return Err(at.refuse(caller, Barrier::NotPermitted.into()));
        }
        let store = &view.core().store;
        let offered = at.org.offered(store).await?;
        self.judge(view, &at, &handout, &offered).map_err(|refusal| at.refuse(caller, refusal))?;
        let absent = || at.refuse(caller, Refusal::UserNotFound(self.named.clone()));
        let row = user::find(store, self.user).await?.ok_or_else(absent)?;
        let bound = organisation::bound(store, at.org.account.id, row.id).await?;
        let ours = row.account_id == at.org.account.id || Some(row.account_id) == at.org.account.parent_id;
        if !ours && bound.is_empty() {
            return Err(absent());
        }
        view.note(&[Read::User(row.id, row.generation)]);
        let mut after: BTreeSet<&str> = bound
            .iter()
            .filter(|binding| binding.service.is_empty() && binding.expires_at.is_none_or(|expires| view.now() < expires))
            .map(|binding| binding.role.as_str())
            .collect();
        after.retain(|role| !self.remove.org_roles.contains(*role));
        after.extend(self.add.iter().filter(|one| one.service.is_none()).map(|one| one.role.as_str()));
        let addon = |role: &&str| at.org.profile().role(role).is_some_and(|role| role.addon);
        if !after.is_empty() && after.iter().all(addon) {
            return Err(at.refuse(caller, Refusal::AddonAlone));
        }
        let mut changes = changes(view, &at);
        changes.touch(row.account_id);
        for role in &self.remove.org_roles {
            changes.extend(organisation::unbind(at.org.account.id, row.id, "", role));
        }
        for (service, roles) in &self.remove.services {
            for role in roles {
                changes.extend(organisation::unbind(at.org.account.id, row.id, service, role));
            }
        }
        for one in &self.add {
            changes.extend(organisation::bind(&BindingRow {
                account_id: at.org.account.id,
                user_id: row.id,
                service: one.service.clone().unwrap_or_default(),
                role: one.role.clone(),
                created_at: view.now(),
                expires_at: one.expires,
            }));
        }
        let account = account::find(store, row.account_id).await?.map(|row| row.alias.to_string()).unwrap_or_default();
        let mut roles = Roles { org_roles: after.iter().map(|role| (*role).to_owned()).collect(), services: BTreeMap::new() };
        for binding in bound.iter().filter(|binding| !binding.service.is_empty()) {
            roles.services.entry(binding.service.clone()).or_default().insert(binding.role.clone());
        }
        for (service, gone) in &self.remove.services {
            if let Some(held) = roles.services.get_mut(service) {
                held.retain(|role| !gone.contains(role));
            }
        }
        for one in &self.add {
            if let Some(service) = &one.service {
                roles.services.entry(service.clone()).or_default().insert(one.role.clone());
            }
        }
        roles.services.retain(|_, held| !held.is_empty());
        let shown = member(&row, &account, row.kind == UserKind::Root && row.account_id == at.org.account.id, roles);
        Ok(done(shown, changes, &at))
    }
}
