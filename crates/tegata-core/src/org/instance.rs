//! Apps where they were added: what they got there, why something is missing, and how it is changed.

use tegata_model::{Epoch, Generation, InstallationId, Timestamp};
use tegata_store::{
    app::{self, InstanceRow},
    client,
    installation::{self, AssignmentMode, InstallationRow},
};

use super::{
    app::{Found, Listing, Refusable, Several, find, judge},
    changes, done, fields, part,
    refusal::{AppField, Barrier, Refusal},
    scope::{AppScope, Effective, Requested, Roles, Wanted, closure, dropped_text, read_dropped},
    standing::{Standing, enter},
};
use crate::{
    actions::{Action, CSP_ADD_CLIENTS, CSP_GET_CLIENT, CSP_LIST_CLIENTS, CSP_REMOVE_CLIENTS, CSP_RESYNC_CLIENT, CSP_UPDATE_CLIENT_ROLES},
    caller::Caller,
    error::OpError,
    operation::{Effect, Operation},
    resource::{OrgPart, ResourceName},
    view::View,
};

/// Apps that one request may add.
const ADDED_AT_ONCE: usize = 10;
/// Apps that one request may take out.
const REMOVED_AT_ONCE: usize = 200;

/// A role of the definition that an instance does not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The id of the service it is a role of; `None` for a role of the organisation.
    pub service: Option<String>,
    /// The role; `*` for all of a service.
    pub role: String,
    /// Why, by a short stable word: why it was left out, `defined_later`, or `taken_away`.
    pub why: &'static str,
}

/// What an app has in the organisation it was added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The id of the app.
    pub id: String,
    /// The id of the organisation.
    pub org: String,
    /// For people.
    pub display_name: String,
    /// What the app is for.
    pub description: String,
    /// What it has: what it got, less what the organisation does not offer any more.
    pub roles: Roles,
    /// What its definition says and it does not have, and why.
    pub missing: Vec<Missing>,
    /// What it has and its definition does not say any more, as words.
    pub extra: Vec<String>,
    /// True if its definition was changed since: adding it again would give something else.
    pub outdated: bool,
    /// When and by whom it was added.
    pub added: (Timestamp, String),
    /// When and by whom its roles were changed last.
    pub changed: (Timestamp, String),
}

/// What adding an app came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The id of the app.
    pub id: String,
    /// What it got and what not, or why it was not added.
    pub outcome: Result<Effective, Refusal>,
}

async fn shown(view: &View<'_>, at: &Standing, found: &Found, row: &InstallationRow, said: InstanceRow) -> Result<Instance, OpError> {
    let (profile, definition) = (at.org.profile(), found.scope());
    let got = Roles::of_words(said.scope.split(' '));
    let offered = at.org.offered(&view.core().store).await?;
    let roles = got.clone().offered_by(&offered);
    let recorded = read_dropped(&said.dropped);
    let why = |service: Option<&str>, role: &str| {
        if let Some(one) = recorded.iter().find(|one| one.service.as_deref() == service && one.role == role) {
            return one.why.word();
        }
        let then = AppScope::of_words(&said.definition);
        let defined = match service {
            None => then.org_roles.contains(role),
            Some(service) => match then.services.get(service) {
                Some(Wanted::All) => true,
                Some(Wanted::These(roles)) => roles.contains(role),
                None => false,
            },
        };
        if defined { "taken_away" } else { "defined_later" }
    };
    let missing_in = |service: &str, role: &str| Missing {
        service: Some(service.to_owned()),
        role: role.to_owned(),
        why: match offered.get(service) {
            _ if !got.services.get(service).is_some_and(|roles| roles.contains(role)) => why(Some(service), role),
            None => "service_not_in_org",
            Some(_) => "role_not_offered",
        },
    };
    let has = |service: &str, role: &str| roles.services.get(service).is_some_and(|roles| roles.contains(role));
    let covered = closure(profile, &roles.org_roles);
    let mut missing: Vec<Missing> = definition
        .org_roles
        .iter()
        .filter(|role| !covered.contains(role.as_str()))
        .map(|role| Missing { service: None, role: role.clone(), why: why(None, role) })
        .collect();
    for (service, wanted) in &definition.services {
        match wanted {
            Wanted::These(wanted) => missing.extend(wanted.iter().filter(|role| !has(service, role)).map(|role| missing_in(service, role))),
            Wanted::All => {
                let all = offered.get(service);
                missing.extend(all.into_iter().flatten().filter(|role| !has(service, role)).map(|role| missing_in(service, role)));
                if all.is_none() {
                    missing.push(Missing { service: Some(service.clone()), role: "*".to_owned(), why: "service_not_in_org" });
                }
            }
        }
    }
    // What was left out and is no longer asked for by name: roles that come with an organisation role.
    let implied =
        definition.org_roles.iter().filter_map(|name| profile.role(name)).any(|role| role.services == super::ServiceMode::Implied);
    if implied {
        for one in recorded.iter().filter(|one| one.service.is_some()) {
            let service = one.service.as_deref().unwrap_or_default();
            if !has(service, &one.role) && !missing.iter().any(|m| m.service.as_deref() == Some(service) && m.role == one.role) {
                missing.push(Missing { service: one.service.clone(), role: one.role.clone(), why: one.why.word() });
            }
        }
    }
    missing.sort();
    let allowed = closure(profile, &definition.org_roles);
    let mut extra: Vec<String> =
        roles.org_roles.iter().filter(|role| !allowed.contains(role.as_str())).map(|r| format!("csp:{r}")).collect();
    for (service, held) in &roles.services {
        let defined = |role: &String| match definition.services.get(service) {
            Some(Wanted::All) => true,
            Some(Wanted::These(roles)) => roles.contains(role) || implied,
            None => implied,
        };
        extra.extend(held.iter().filter(|role| !defined(role)).map(|role| format!("external/{service}/{role}")));
    }
    Ok(Instance {
        id: found.client.app_id.clone(),
        org: at.org.id().as_str().to_owned(),
        display_name: found.client.display_name.clone(),
        description: found.app.description.clone(),
        roles,
        missing,
        extra,
        outdated: said.definition != found.app.scope,
        added: (row.created_at, said.added_by),
        changed: (said.changed_at, said.changed_by),
    })
}

fn installation_row(view: &View<'_>, at: &Standing, caller: &Caller, found: &Found) -> Result<InstallationRow, OpError> {
    Ok(InstallationRow {
        id: InstallationId::from_bytes(view.core().new_id()?),
        account_id: at.org.account.id,
        client_id: found.client.id,
        scopes: Vec::new(),
        mode: AssignmentMode::All,
        installed_by: caller.evidence.principal().id_bytes(),
        epoch: Epoch(0),
        generation: Generation(1),
        created_at: view.now(),
    })
}

fn instance_row(view: &View<'_>, caller: &Caller, found: &Found, id: InstallationId, got: &Effective) -> InstanceRow {
    let by = caller.audit_name();
    InstanceRow {
        installation_id: id,
        scope: got.roles.words().join(" "),
        definition: found.app.scope.clone(),
        dropped: dropped_text(&got.dropped),
        added_by: by.clone(),
        changed_by: by,
        changed_at: view.now(),
    }
}

/// Add apps to the organisation that they were made in. What each gets is worked out now, for whoever adds it, and kept.
#[derive(Debug, Clone)]
pub struct AddApps {
    /// The id of the organisation.
    pub org: String,
    /// The ids of the apps, at most 10.
    pub ids: Vec<String>,
    /// What they shall get at most.
    pub requested: Requested,
    /// True to be told what they would get, and nothing more.
    pub preview: bool,
}

fn known(at: &Standing, view: &View<'_>, requested: &Requested) -> Result<(), Refusal> {
    if let Some(role) = requested.org_roles.iter().flatten().find(|role| at.org.profile().role(role).is_none()) {
        return Err(Refusal::UnknownOrgRole(role.clone()));
    }
    for (id, roles) in requested.services.iter().flatten() {
        let service = view.core().services.find(id).ok_or_else(|| Refusal::UnknownService(id.clone()))?;
        if let Some(role) = roles.iter().find(|role| !service.roles.contains(role)) {
            return Err(Refusal::UnknownServiceRole(service.name.clone(), role.clone()));
        }
    }
    Ok(())
}

impl Operation for AddApps {
    const ACTION: Action = CSP_ADD_CLIENTS;
    type Output = Vec<Added>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::Instance, &self.ids.join(","))
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<Added>>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        let handout = at.handout(caller)?;
        let ids = fields::ids(&self.ids, ADDED_AT_ONCE).map_err(|refusal| at.refuse(caller, refusal))?;
        known(&at, view, &self.requested).map_err(|refusal| at.refuse(caller, refusal))?;
        let offered = at.org.offered(&view.core().store).await?;
        let mut changes = changes(view, &at);
        let (mut all, mut any) = (Vec::new(), false);
        for id in ids {
            let outcome = async {
                let found = find(view, &at, id).await?;
                if view.installation(at.org.account.id, found.client.id).await?.is_some() {
                    return Err(Refusable::Refused(Refusal::AlreadyAdded(id.to_owned())));
                }
                let got = found.scope().effective(at.org.profile(), &self.requested, &offered, &handout);
                got.map(|got| (found, got)).map_err(Refusable::Refused)
            };
            let outcome = match outcome.await {
                Ok((found, got)) => {
                    let row = installation_row(view, &at, caller, &found)?;
                    changes.push(installation::insert(&row));
                    changes.push(app::insert_instance(&instance_row(view, caller, &found, row.id, &got)));
                    any = true;
                    Ok(got)
                }
                Err(Refusable::Refused(refusal)) => Err(refusal),
                Err(Refusable::Failed(error)) => return Err(error),
            };
            all.push(Added { id: id.to_owned(), outcome });
        }
        if let [Added { outcome: Err(refusal), .. }] = all.as_slice() {
            return Err(at.refuse(caller, refusal.clone()));
        }
        if self.preview || !any {
            return Ok(Effect::nothing(all));
        }
        // Whoever adds the same app at the same moment is told that it is there already.
        Ok(done(all, changes, &at).or_again())
    }
}

/// An app as it was added, with everything about it.
struct Placed {
    found: Found,
    row: InstallationRow,
    said: InstanceRow,
}

async fn placed(view: &View<'_>, at: &Standing, id: &str) -> Result<Placed, Refusable> {
    let absent = || Refusable::Refused(Refusal::AppNotFound(id.to_owned()));
    let found = match find(view, at, id).await {
        Err(Refusable::Refused(Refusal::ForeignApp(_))) => return Err(absent()),
        other => other?,
    };
    let row = view.installation(at.org.account.id, found.client.id).await?.ok_or_else(absent)?;
    let said = app::find_instance(&view.core().store, row.id).await?.ok_or_else(absent)?;
    Ok(Placed { found, row, said })
}

/// Read which roles an app has in an organisation, and which not.
#[derive(Debug, Clone)]
pub struct DescribeInstance {
    /// The id of the organisation.
    pub org: String,
    /// The id of the app.
    pub id: String,
}

impl Operation for DescribeInstance {
    const ACTION: Action = CSP_GET_CLIENT;
    type Output = Instance;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::Instance, &self.id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Instance>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        at.handout(caller)?;
        let Placed { found, row, said } = placed(view, &at, &self.id).await.map_err(|error| error.into_error(&at, caller))?;
        Ok(Effect::nothing(shown(view, &at, &found, &row, said).await?))
    }
}

/// List the apps that have roles in an organisation.
#[derive(Debug, Clone)]
pub struct ListInstances {
    /// The id of the organisation.
    pub org: String,
    /// How many to pass over.
    pub skip: usize,
    /// How many to show.
    pub limit: usize,
}

impl Operation for ListInstances {
    const ACTION: Action = CSP_LIST_CLIENTS;
    type Output = Listing<Instance>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::Instance, "*")
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listing<Instance>>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        at.handout(caller)?;
        let store = &view.core().store;
        let (mut items, mut total) = (Vec::new(), 0_usize);
        for row in installation::list(store, at.org.account.id).await? {
            let Some(said) = app::find_instance(store, row.id).await? else { continue };
            total += 1;
            if total <= self.skip || items.len() >= self.limit {
                continue;
            }
            let (Some(client), Some(app)) = (client::find(store, row.client_id).await?, app::find(store, row.client_id).await?) else {
                continue;
            };
            items.push(shown(view, &at, &Found { client, app }, &row, said).await?);
        }
        Ok(Effect::nothing(Listing { items, total }))
    }
}

/// Change the roles that an app has in an organisation. It never gets more than its definition says, than is offered, and than
/// whoever changes it can hand out. What is taken away is gone from tokens that exist, too.
#[derive(Debug, Clone)]
pub struct ChangeInstance {
    /// The id of the organisation.
    pub org: String,
    /// The id of the app.
    pub id: String,
    /// Roles to be added.
    pub add: Roles,
    /// Roles to be taken away.
    pub remove: Roles,
}

impl Operation for ChangeInstance {
    const ACTION: Action = CSP_UPDATE_CLIENT_ROLES;
    type Output = Instance;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::Instance, &self.id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Instance>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        let handout = at.handout(caller)?;
        let refuse = |refusal| at.refuse(caller, refusal);
        let asked = Requested { org_roles: Some(self.add.org_roles.clone()), services: Some(self.add.services.clone()) };
        known(&at, view, &asked).map_err(refuse)?;
        let placed = placed(view, &at, &self.id).await.map_err(|error| error.into_error(&at, caller))?;
        let Placed { found, row, mut said } = placed;
        judge(view, &at, &handout, &found).await.map_err(|error| error.into_error(&at, caller))?;
        let mut roles = Roles::of_words(said.scope.split(' '));
        let before = roles.clone();
        for role in &self.remove.org_roles {
            roles.org_roles.remove(role);
        }
        for (service, gone) in &self.remove.services {
            if let Some(held) = roles.services.get_mut(service) {
                held.retain(|role| !gone.contains(role));
            }
        }
        if !self.add.is_empty() {
            handout.judge_roles(&self.add).map_err(refuse)?;
            let offered = at.org.offered(&view.core().store).await?;
            let got = found.scope().effective(at.org.profile(), &asked, &offered, &handout).map_err(refuse)?;
            let granted = closure(at.org.profile(), &got.roles.org_roles);
            let beyond = self.add.org_roles.iter().find(|role| !granted.contains(role.as_str())).cloned();
            let beyond = beyond.or_else(|| {
                let mut all = self.add.services.iter().flat_map(|(service, roles)| roles.iter().map(move |role| (service, role)));
                all.find(|(service, role)| !got.roles.services.get(*service).is_some_and(|held| held.contains(*role)))
                    .map(|(_, role)| role.clone())
            });
            if let Some(role) = beyond {
                let rule = format!("the role `{role}` is not in the scope of the app, or not offered in the organisation");
                return Err(refuse(Refusal::Field(AppField::Roles, rule)));
            }
            roles.org_roles.extend(self.add.org_roles.iter().cloned());
            for (service, more) in &self.add.services {
                roles.services.entry(service.clone()).or_default().extend(more.iter().cloned());
            }
        }
        roles.services.retain(|_, held| !held.is_empty());
        if roles.is_empty() {
            return Err(refuse(Refusal::EmptyEffective(Vec::new())));
        }
        let profile = at.org.profile();
        let addon = |role: &String| profile.role(role).is_some_and(|role| role.addon);
        if !profile.loose && !roles.org_roles.is_empty() && roles.org_roles.iter().all(addon) {
            return Err(refuse(Refusal::AddonAlone));
        }
        let after = roles.words();
        let narrowed = before.words().iter().any(|word| !after.contains(word));
        said.scope = after.join(" ");
        said.changed_by = caller.audit_name();
        said.changed_at = view.now();
        let mut changes = changes(view, &at);
        changes.push(if narrowed { installation::raise_epoch(row.id) } else { installation::raise_generation(row.id) });
        changes.push(app::update_instance(&said));
        let shown = shown(view, &at, &found, &row, said).await?;
        Ok(done(shown, changes, &at))
    }
}

/// Take an app out of an organisation and add it again in one step, as whoever asks could. Tokens that it had end.
#[derive(Debug, Clone)]
pub struct ResyncInstance {
    /// The id of the organisation.
    pub org: String,
    /// The id of the app.
    pub id: String,
}

impl Operation for ResyncInstance {
    const ACTION: Action = CSP_RESYNC_CLIENT;
    type Output = Instance;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::Instance, &self.id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Instance>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        let handout = at.handout(caller)?;
        let Placed { found, row, said } = placed(view, &at, &self.id).await.map_err(|error| error.into_error(&at, caller))?;
        stronger(&at, &handout, &said).map_err(|refusal| at.refuse(caller, refusal))?;
        let offered = at.org.offered(&view.core().store).await?;
        let got = found.scope().effective(at.org.profile(), &Requested::default(), &offered, &handout);
        let got = got.map_err(|refusal| at.refuse(caller, refusal))?;
        let new = installation_row(view, &at, caller, &found)?;
        let said = instance_row(view, caller, &found, new.id, &got);
        let mut changes = changes(view, &at);
        changes.extend(installation::delete(row.id));
        changes.push(installation::insert(&new));
        changes.push(app::insert_instance(&said));
        let shown = shown(view, &at, &found, &new, said).await?;
        Ok(done(shown, changes, &at))
    }
}

/// Refuses whoever cannot hand out what an app has: nobody takes away what is stronger than oneself.
fn stronger(at: &Standing, handout: &super::Handout, said: &InstanceRow) -> Result<(), Refusal> {
    if at.actor.owner {
        return Ok(());
    }
    handout.judge_roles(&Roles::of_words(said.scope.split(' '))).map_err(|_| Barrier::Exceeds.into())
}

/// Take apps out of an organisation: what they have there ends at once. They can be added again.
#[derive(Debug, Clone)]
pub struct RemoveApps {
    /// The id of the organisation.
    pub org: String,
    /// The ids of the apps, at most 200.
    pub ids: Vec<String>,
}

impl Operation for RemoveApps {
    const ACTION: Action = CSP_REMOVE_CLIENTS;
    type Output = Several;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::Instance, &self.ids.join(","))
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Several>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        let handout = at.handout(caller)?;
        let ids = fields::ids(&self.ids, REMOVED_AT_ONCE).map_err(|refusal| at.refuse(caller, refusal))?;
        let mut several = Several { succeeded: Vec::new(), failed: Vec::new() };
        let mut changes = changes(view, &at);
        for id in ids {
            let outcome = async {
                let placed = placed(view, &at, id).await?;
                stronger(&at, &handout, &placed.said).map(|()| placed).map_err(Refusable::Refused)
            };
            match outcome.await {
                Ok(placed) => {
                    changes.extend(installation::delete(placed.row.id));
                    several.succeeded.push(id.to_owned());
                }
                Err(Refusable::Refused(refusal)) => several.failed.push((id.to_owned(), refusal)),
                Err(Refusable::Failed(error)) => return Err(error),
            }
        }
        match several.failed.first() {
            Some((_, refusal)) if several.succeeded.is_empty() && several.failed.len() == 1 => Err(at.refuse(caller, refusal.clone())),
            _ => Ok(done(several, changes, &at)),
        }
    }
}
