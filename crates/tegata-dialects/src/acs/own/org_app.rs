//! Apps of organizations: made, changed, given new secrets, added with what they get, taken out. By the same operations as the
//! organizations' own wire, for whoever signs requests.
//!
//! Roles of services are written `service/role`, the service by its name or its id; `service/*` are all of one.

use std::collections::BTreeSet;

use tegata_core::{
    OpError,
    org::{
        AddApps, App, AppScope, AppSecret, DeleteApps, DescribeApp, DescribeInstance, Dropped, EndRotation, Instance, ListApps,
        ListInstances, ListServices, Missing, NewApp, OrgKind, Refusal, RemoveApps, Requested, ResyncInstance, SecretChange, Service,
        SetOrganisationKind, UpdateApp, Wanted, Wrap, create_app, replace_secret, rotate_secret,
    },
};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text, wrapped},
    catalogue::{Kind, Parameter, may, need},
    error::AcsError,
    reply::Tree,
};

const ORG: Parameter = may("OrganizationId", Kind::Text);
const APP: Parameter = need("AppId", Kind::Text);

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateOrganizationApp",
        "Make an app of an organization; its secret is shown this once, or waits for a code that is good once",
        create,
        [
            ORG,
            need("DisplayName", Kind::Text),
            may("AppId", Kind::Text),
            may("Description", Kind::Text),
            may("OrganizationRoles", Kind::Text),
            may("ServiceRoles", Kind::Text),
            may("AccessTokenSeconds", Kind::Number),
            may("OverlapSeconds", Kind::Number),
            may("OwnerRotates", Kind::Flag),
            may("WrapSeconds", Kind::Number)
        ]
    ),
    entry!("ListOrganizationApps", "The apps of an organization", list, [ORG, may("Search", Kind::Text)]),
    entry!("GetOrganizationApp", "What is said of an app, and what it got where it was added", describe, [ORG, APP]),
    entry!(
        "UpdateOrganizationApp",
        "Change what is said of an app; what it got where it was added stays",
        update,
        [
            ORG,
            APP,
            may("DisplayName", Kind::Text),
            may("Description", Kind::Text),
            may("OrganizationRoles", Kind::Text),
            may("ServiceRoles", Kind::Text),
            may("AccessTokenSeconds", Kind::Number),
            may("OverlapSeconds", Kind::Number),
            may("OwnerRotates", Kind::Flag)
        ]
    ),
    entry!("DeleteOrganizationApp", "Delete an app for good, with everything that was issued to it", delete, [ORG, APP]),
    entry!(
        "RotateOrganizationAppSecret",
        "A new secret of an app, shown this once or waiting for a code; the old one goes on for a while, or ends at once with 0",
        rotate,
        [ORG, APP, may("OverlapSeconds", Kind::Number), may("WrapSeconds", Kind::Number)]
    ),
    entry!("EndOrganizationAppSecretRotation", "End the old secret of an app before its time", end_rotation, [ORG, APP]),
    entry!(
        "AddOrganizationApp",
        "Add an app to its organization: it gets what it is defined for, what is offered, and what one can hand out",
        add,
        [ORG, APP, may("DryRun", Kind::Flag)]
    ),
    entry!("RemoveOrganizationApp", "Take an app out of its organization; its access ends at once", remove, [ORG, APP]),
    entry!("ResyncOrganizationApp", "Take an app out and add it again in one step, as oneself", resync, [ORG, APP]),
    entry!("ListOrganizationInstances", "The apps that were added to an organization, with what they got", instances, [ORG]),
    entry!(
        "SetOrganizationKind",
        "Say which kind of organization an account is, `provider`, `standalone`, `customer` or `reseller`: that decides its roles",
        set_kind,
        [ORG, need("Kind", Kind::Text), may("DisplayName", Kind::Text)]
    ),
];

fn org(ask: &Ask<'_>) -> String {
    ask.params.text("OrganizationId").filter(|org| !org.is_empty()).map_or_else(|| ask.caller.organisation_id().to_owned(), str::to_owned)
}

fn id(ask: &Ask<'_>) -> Result<String, AcsError> {
    ask.params.required("AppId")
}

fn seconds(ask: &Ask<'_>, name: &'static str) -> Result<Option<i64>, AcsError> {
    ask.params.optional(name)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', ';']).filter(|word| !word.is_empty())
}

async fn services(ask: &Ask<'_>) -> Result<Vec<Service>, AcsError> {
    ask.perform(ListServices { org: None }).await
}

/// The scope that the parameters say, if any of them does.
async fn scope(ask: &Ask<'_>) -> Result<Option<AppScope>, AcsError> {
    let (organisation, of_services) = (ask.params.text("OrganizationRoles"), ask.params.text("ServiceRoles"));
    if organisation.is_none() && of_services.is_none() {
        return Ok(None);
    }
    let mut scope = AppScope { org_roles: words(organisation.unwrap_or_default()).map(str::to_owned).collect(), ..AppScope::default() };
    let known = if of_services.is_some_and(|text| !text.is_empty()) { services(ask).await? } else { Vec::new() };
    for word in words(of_services.unwrap_or_default()) {
        let (service, role) = word.split_once('/').ok_or_else(|| AcsError::invalid("ServiceRoles", "`service/role` is needed"))?;
        let found = known.iter().find(|one| one.name == service || one.id == service);
        let found = found.ok_or_else(|| AcsError::from(OpError::Organisation(Refusal::UnknownService(service.to_owned()))))?;
        if role == "*" {
            scope.services.insert(found.id.clone(), Wanted::All);
            continue;
        }
        match scope.services.entry(found.id.clone()).or_insert_with(|| Wanted::These(BTreeSet::new())) {
            Wanted::All => {}
            Wanted::These(roles) => {
                roles.insert(role.to_owned());
            }
        }
    }
    Ok(Some(scope))
}

/// The name of a service, for people; its id where it has none.
fn named<'a>(known: &'a [Service], id: &'a str) -> &'a str {
    known.iter().find(|service| service.id == id).map_or(id, |service| service.name.as_str())
}

fn app(one: App, known: &[Service]) -> Tree {
    let App { id, org, display_name, description, scope, access_lifetime, overlap, owner_rotates, .. } = one;
    let of_services = scope.services.iter().flat_map(|(service, wanted)| {
        let name = named(known, service);
        match wanted {
            Wanted::All => vec![format!("{name}/*")],
            Wanted::These(roles) => roles.iter().map(|role| format!("{name}/{role}")).collect(),
        }
    });
    let mut fields = vec![
        ("AppId", Tree::Text(id)),
        ("Kind", text(&"organization")),
        ("OrganizationId", Tree::Text(org)),
        ("DisplayName", Tree::Text(display_name)),
        ("Description", Tree::Text(description)),
        wrapped("OrganizationRoles", "Role", scope.org_roles.into_iter().map(Tree::Text).collect()),
        wrapped("ServiceRoles", "Role", of_services.map(Tree::Text).collect()),
        ("AccessTokenSeconds", Tree::Number(access_lifetime.as_secs())),
        ("OverlapSeconds", Tree::Number(overlap.as_secs())),
        ("OwnerRotates", Tree::Flag(owner_rotates)),
        ("Added", Tree::Flag(one.added)),
        ("CreateDate", Tree::Text(one.created.0.to_iso())),
        ("CreatedBy", Tree::Text(one.created.1)),
        ("UpdateDate", Tree::Text(one.updated.0.to_iso())),
    ];
    fields.extend(one.used_at.map(|at| ("LastUsedDate", Tree::Text(at.to_iso()))));
    fields.extend(one.old_secret_until.map(|at| ("OldSecretUntil", Tree::Text(at.to_iso()))));
    Tree::Object(fields)
}

fn missing(service: Option<&str>, role: &str, why: &'static str, known: &[Service]) -> Tree {
    let role = service.map_or_else(|| role.to_owned(), |service| format!("{}/{role}", named(known, service)));
    Tree::Object(vec![("Role", Tree::Text(role)), ("Why", text(&why))])
}

fn instance(one: Instance, known: &[Service]) -> Tree {
    let Instance { id, display_name, roles, missing: left, extra, outdated, added, changed, .. } = one;
    let of_services = roles.services.iter().flat_map(|(service, roles)| {
        let name = named(known, service);
        roles.iter().map(move |role| format!("{name}/{role}"))
    });
    let left = left.iter().map(|Missing { service, role, why }| missing(service.as_deref(), role, why, known));
    Tree::Object(vec![
        ("AppId", Tree::Text(id)),
        ("DisplayName", Tree::Text(display_name)),
        wrapped("OrganizationRoles", "Role", roles.org_roles.iter().cloned().map(Tree::Text).collect()),
        wrapped("ServiceRoles", "Role", of_services.map(Tree::Text).collect()),
        wrapped("Missing", "MissingRole", left.collect()),
        wrapped("Extra", "Role", extra.into_iter().map(Tree::Text).collect()),
        ("Outdated", Tree::Flag(outdated)),
        ("AddDate", Tree::Text(added.0.to_iso())),
        ("AddedBy", Tree::Text(added.1)),
        ("ChangeDate", Tree::Text(changed.0.to_iso())),
    ])
}

fn token_url(ask: &Ask<'_>) -> String {
    format!("{}/csp/gateway/am/api/auth/token", ask.settings.public_url)
}

/// How a secret travels.
fn wrap(ask: &Ask<'_>) -> Result<Option<Wrap>, AcsError> {
    let Some(seconds) = seconds(ask, "WrapSeconds")? else { return Ok(None) };
    match Wrap::new(seconds, token_url(ask)) {
        Some(wrap) => Ok(Some(wrap)),
        None => Err(AcsError::invalid("WrapSeconds", "a code is good for 60 to 86400 seconds")),
    }
}

/// The secret or the code that it waits for, and everything that a program needs to use it.
fn credentials(ask: &Ask<'_>, org: String, made: &AppSecret) -> Fields {
    let mut members = vec![("ClientId", Tree::Text(made.id.clone()))];
    match &made.wrapped {
        None => members.push(("ClientSecret", text(&made.secret.expose()))),
        Some(wrapped) => {
            members.push(("WrapCode", text(&wrapped.code.expose())));
            members.push(("WrapExpireDate", Tree::Text(wrapped.expires_at.to_iso())));
        }
    }
    members.push(("OrgId", Tree::Text(org)));
    members.push(("TokenUrl", Tree::Text(token_url(ask))));
    vec![("Credentials", Tree::Object(members))]
}

async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let org = org(ask);
    let new = NewApp {
        org: org.clone(),
        id: ask.params.optional("AppId")?,
        secret: None,
        display_name: ask.params.required("DisplayName")?,
        description: ask.params.text("Description").unwrap_or_default().to_owned(),
        access_seconds: seconds(ask, "AccessTokenSeconds")?,
        overlap_seconds: seconds(ask, "OverlapSeconds")?,
        owner_rotates: ask.flag("OwnerRotates")?,
        scope: scope(ask).await?.unwrap_or_default(),
        wrap: wrap(ask)?,
    };
    let made = create_app(ask.core, ask.caller, new).await?;
    Ok(credentials(ask, org, &made))
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let search = ask.params.text("Search").unwrap_or_default().to_owned();
    let listed = ask.perform(ListApps { org: org(ask), search, skip: 0, limit: 1000 }).await?;
    let known = services(ask).await?;
    Ok(vec![wrapped("Apps", "App", listed.items.into_iter().map(|one| app(one, &known)).collect())])
}

async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let (org, id) = (org(ask), id(ask)?);
    let one = ask.perform(DescribeApp { org: org.clone(), id: id.clone() }).await?;
    let known = services(ask).await?;
    let added = one.added;
    let mut fields = vec![("App", app(one, &known))];
    if added {
        fields.push(("Instance", instance(ask.perform(DescribeInstance { org, id }).await?, &known)));
    }
    Ok(fields)
}

async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = UpdateApp {
        org: org(ask),
        id: id(ask)?,
        display_name: ask.params.optional("DisplayName")?,
        description: ask.params.optional("Description")?,
        access_seconds: seconds(ask, "AccessTokenSeconds")?,
        overlap_seconds: seconds(ask, "OverlapSeconds")?,
        owner_rotates: ask.maybe_flag("OwnerRotates")?,
        scope: scope(ask).await?,
    };
    let one = ask.perform(input).await?;
    Ok(vec![("App", app(one, &services(ask).await?))])
}

/// The refusal of the one that was named.
fn refused(failed: Vec<(String, Refusal)>) -> Result<Fields, AcsError> {
    match failed.into_iter().next() {
        Some((_, refusal)) => Err(OpError::Organisation(refusal).into()),
        None => Ok(Vec::new()),
    }
}

async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    refused(ask.perform(DeleteApps { org: org(ask), ids: vec![id(ask)?] }).await?.failed)
}

async fn rotate(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let (org, overlap_seconds) = (org(ask), seconds(ask, "OverlapSeconds")?);
    let change = SecretChange { org: org.clone(), id: id(ask)?, secret: None, overlap_seconds, wrap: wrap(ask)? };
    let made = if overlap_seconds == Some(0) {
        replace_secret(ask.core, ask.caller, SecretChange { overlap_seconds: None, ..change }).await?
    } else {
        rotate_secret(ask.core, ask.caller, change).await?
    };
    Ok(credentials(ask, org, &made))
}

async fn end_rotation(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(EndRotation { org: org(ask), id: id(ask)? }).await?;
    Ok(Vec::new())
}

async fn add(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let (org, id) = (org(ask), id(ask)?);
    let preview = ask.flag("DryRun")?;
    let input = AddApps { org: org.clone(), ids: vec![id.clone()], requested: Requested::default(), preview };
    let outcome = ask.perform(input).await?.into_iter().next().map(|added| added.outcome);
    let effective = match outcome {
        Some(Ok(effective)) => effective,
        Some(Err(refusal)) => return Err(OpError::Organisation(refusal).into()),
        None => return Err(OpError::internal("nothing was added").into()),
    };
    let known = services(ask).await?;
    let of_services = effective.roles.services.iter().flat_map(|(service, roles)| {
        let name = named(&known, service);
        roles.iter().map(move |role| Tree::Text(format!("{name}/{role}")))
    });
    let left = effective.dropped.iter().map(|Dropped { service, role, why }| missing(service.as_deref(), role, why.word(), &known));
    Ok(vec![(
        "Instance",
        Tree::Object(vec![
            ("AppId", Tree::Text(id)),
            wrapped("OrganizationRoles", "Role", effective.roles.org_roles.iter().cloned().map(Tree::Text).collect()),
            wrapped("ServiceRoles", "Role", of_services.collect()),
            wrapped("Missing", "MissingRole", left.collect()),
        ]),
    )])
}

async fn remove(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    refused(ask.perform(RemoveApps { org: org(ask), ids: vec![id(ask)?] }).await?.failed)
}

async fn resync(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let one = ask.perform(ResyncInstance { org: org(ask), id: id(ask)? }).await?;
    Ok(vec![("Instance", instance(one, &services(ask).await?))])
}

async fn instances(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListInstances { org: org(ask), skip: 0, limit: 1000 }).await?;
    let known = services(ask).await?;
    Ok(vec![wrapped("Instances", "Instance", listed.items.into_iter().map(|one| instance(one, &known)).collect())])
}

async fn set_kind(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let kind = match ask.params.required::<String>("Kind")?.as_str() {
        "provider" => OrgKind::Provider,
        "standalone" => OrgKind::Standalone,
        "customer" => OrgKind::Customer,
        "reseller" => OrgKind::Reseller,
        _ => return Err(AcsError::invalid("Kind", "`provider`, `standalone`, `customer` or `reseller`")),
    };
    ask.perform(SetOrganisationKind { org: org(ask), kind, name: ask.params.optional("DisplayName")? }).await?;
    Ok(Vec::new())
}
