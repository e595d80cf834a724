//! Organisations and services as they are seen, and what an organisation offers.

use std::collections::BTreeSet;

use tegata_store::{
    account::{self, AccountRow},
    organisation,
};

use super::{
    catalogue::{OrgKind, OrgRole, PROVIDER_ADMIN, Service},
    changes, done, own, own_part, part,
    refusal::{AppField, Barrier, Refusal},
    standing::{Asker, Org, actor_of, asker, enter, person},
};
use crate::{
    actions::{
        Action, CSP_GET_ORGANIZATION, CSP_LIST_ORGANIZATION_ROLES, CSP_LIST_OWN_ORGANIZATIONS, CSP_LIST_SERVICES, CSP_SET_OFFERED_ROLES,
    },
    authz,
    caller::Caller,
    error::{DeniedBy, OpError},
    operation::{Effect, Operation},
    resource::{OrgPart, ResourceName},
    view::{Read, View},
};

/// What is said of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: String,
    /// What its account is called.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// What kind it is.
    pub kind: OrgKind,
    /// The id of the organisation above it.
    pub parent: Option<String>,
}

async fn shown(view: &View<'_>, account: AccountRow) -> Result<Organisation, OpError> {
    let org = Org::of(&view.core().store, account).await?;
    shown_org(view, &org).await
}

async fn shown_org(view: &View<'_>, org: &Org) -> Result<Organisation, OpError> {
    let parent = match org.account.parent_id {
        Some(id) => account::find(&view.core().store, id).await?.map(|row| row.organisation_id.as_str().to_owned()),
        None => None,
    };
    Ok(Organisation {
        id: org.id().as_str().to_owned(),
        name: org.account.alias.to_string(),
        display_name: org.display_name.clone(),
        kind: org.kind,
        parent,
    })
}

/// Read what is said of an organisation: for whoever has a role in it.
#[derive(Debug, Clone)]
pub struct DescribeOrganisation {
    /// Its id.
    pub org: String,
}

impl Operation for DescribeOrganisation {
    const ACTION: Action = CSP_GET_ORGANIZATION;
    type Output = Organisation;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Organisation { account: own(caller), org: self.org.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Organisation>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        at.any_role(caller)?;
        Ok(Effect::nothing(shown_org(view, &at.org).await?))
    }
}

/// List the organisations that one belongs to, has a role in, or looks after: for people.
#[derive(Debug, Clone, Copy)]
pub struct ListOwnOrganisations;

impl Operation for ListOwnOrganisations {
    const ACTION: Action = CSP_LIST_OWN_ORGANIZATIONS;
    type Output = Vec<Organisation>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        own_part(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<Organisation>>, OpError> {
        let resource = self.resource(caller);
        authz::not_forbidden(view, caller, Self::ACTION, &resource)?;
        let user = person(caller, Self::ACTION, &resource)?;
        let store = &view.core().store;
        let home = caller.account();
        let mut ids = vec![home];
        ids.extend(organisation::bound_to(store, user).await?.into_iter().map(|binding| binding.account_id));
        ids.extend(organisation::customers(store, home).await?);
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for id in ids {
            if !seen.insert(id) {
                continue;
            }
            let Some(account) = account::find(store, id).await?.filter(|row| row.status.is_active()) else { continue };
            let reaches = match actor_of(store, &account, user, view.now()).await? {
                Some(_) if id == home => true,
                Some((actor, _)) => {
                    let org = Org::of(store, account.clone()).await?;
                    actor.has_any(org.profile())
                }
                None => false,
            };
            if reaches {
                found.push(shown(view, account).await?);
            }
        }
        Ok(Effect::nothing(found))
    }
}

/// List the roles that an organisation knows: for whoever has one in it.
#[derive(Debug, Clone)]
pub struct ListOrgRoles {
    /// The id of the organisation.
    pub org: String,
}

impl Operation for ListOrgRoles {
    const ACTION: Action = CSP_LIST_ORGANIZATION_ROLES;
    type Output = &'static [OrgRole];

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Organisation { account: own(caller), org: self.org.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<&'static [OrgRole]>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        at.any_role(caller)?;
        Ok(Effect::nothing(at.org.profile().roles))
    }
}

/// List services: those that an organisation offers with the roles that it does, or all that there are.
#[derive(Debug, Clone)]
pub struct ListServices {
    /// The id of the organisation; all services if nothing is said.
    pub org: Option<String>,
}

impl Operation for ListServices {
    const ACTION: Action = CSP_LIST_SERVICES;
    type Output = Vec<Service>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.org.as_deref().map_or_else(|| own_part(caller), |org| part(caller, org, OrgPart::Service, "*"))
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<Service>>, OpError> {
        let resource = self.resource(caller);
        let all = view.core().services.all();
        let Some(org) = &self.org else {
            authz::not_forbidden(view, caller, Self::ACTION, &resource)?;
            if asker(caller) == Asker::Nobody {
                return Err(authz::denied(caller, Self::ACTION, &resource, DeniedBy::Organisation(Barrier::NoAccess), None));
            }
            return Ok(Effect::nothing(all.to_vec()));
        };
        let at = enter(view, caller, Self::ACTION, &resource, org).await?;
        at.any_role(caller)?;
        let offered = at.org.offered(&view.core().store).await?;
        let some = all.iter().filter_map(|service| {
            let roles: Vec<String> = offered.get(&service.id)?.iter().filter(|role| service.roles.contains(role)).cloned().collect();
            (!roles.is_empty()).then(|| Service { roles, ..service.clone() })
        });
        Ok(Effect::nothing(some.collect()))
    }
}

/// Say which roles of services an organisation offers from now on. What it does not offer any more is gone from new tokens. A
/// customer is given at most what its provider offers, by the provider's administrators.
#[derive(Debug, Clone)]
pub struct SetOfferedRoles {
    /// The id of the organisation.
    pub org: String,
    /// As (id of the service, role).
    pub roles: Vec<(String, String)>,
}

impl Operation for SetOfferedRoles {
    const ACTION: Action = CSP_SET_OFFERED_ROLES;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::Service, "*")
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        at.person(caller)?;
        let refuse = |refusal: Refusal| at.refuse(caller, refusal);
        let store = &view.core().store;
        let bound = if let Some(parent) = at.org.account.parent_id {
            if !at.actor.above.contains(PROVIDER_ADMIN) {
                return Err(refuse(Barrier::NotPermitted.into()));
            }
            let parent = account::find(store, parent).await?.ok_or_else(|| refuse(Barrier::NoAccess.into()))?;
            view.note(&[Read::Account(parent.id, parent.generation)]);
            Some(organisation::offered(store, parent.id).await?)
        } else {
            if !at.handout(caller)?.is_full() {
                return Err(refuse(Barrier::NotPermitted.into()));
            }
            None
        };
        for (id, role) in &self.roles {
            let service = view.core().services.find(id).ok_or_else(|| refuse(Refusal::UnknownService(id.clone())))?;
            if !service.roles.contains(role) {
                return Err(refuse(Refusal::UnknownServiceRole(service.name.clone(), role.clone())));
            }
            if bound.as_ref().is_some_and(|bound| !bound.contains(&(id.clone(), role.clone()))) {
                let rule = format!("the provider does not offer the role `{role}` itself");
                return Err(refuse(Refusal::Field(AppField::Roles, rule)));
            }
        }
        let mut changes = changes(view, &at);
        changes.extend(organisation::offer_only(at.org.account.id, &self.roles, view.now()));
        Ok(done((), changes, &at))
    }
}
