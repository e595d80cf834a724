//! `tegata apps …`: OAuth applications, where they are installed, and who may use the official one.

use serde_json::{Value, json};
use tegata_client::Api;

use super::{
    access::{Opened, now},
    org_apps,
    own::{self, items, text},
    runtime,
    table::{fields, print_json, rows},
};
use crate::{
    cli::{
        apps::{
            AppAssignFlags, AppCreateFlags, AppEditFlags, AppFlags, AppForeignFlags, AppInstallFlags, AppKind, AppMode, AppModeFlags,
            AppRotateFlags, AppsListFlags, IdTokenAlg, Switch,
        },
        client::Form,
    },
    config::Environment,
    failure::Failure,
    terminal,
};

/// The official application by its name, and its ids.
const OFFICIAL: [&str; 4] = ["official-cli", "4038181954557748008", "4103531455503354461", "tegata-cli"];

/// Calls an operation of IMS. Parameters without a value are left out.
async fn ims(opened: &Opened, action: &str, parameters: &[(&str, Option<&str>)]) -> Result<Value, Failure> {
    let given = parameters.iter().filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?.to_owned())));
    let given: Vec<(String, String)> = given.collect();
    let key = opened.credential().await?;
    Ok(opened.rpc()?.call(&key, Api::IMS, action, &given, now()).await?)
}

fn is_official(app: &str) -> bool {
    OFFICIAL.contains(&app)
}

/// An application of the account or an app of its organization.
enum Found {
    Application(String),
    OrgApp(String),
}

/// What is called by this id or this name. Ids are unique over both kinds; a name that several have is refused.
async fn find(opened: &Opened, app: &str) -> Result<Found, Failure> {
    if app.len() == 19 && app.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Found::Application(app.to_owned()));
    }
    let org_apps = org_apps::known(opened).await?;
    if let Some(one) = org_apps.iter().find(|one| text(one, "AppId") == app) {
        return Ok(Found::OrgApp(text(one, "AppId").to_owned()));
    }
    let mut found: Vec<Found> = org_apps
        .iter()
        .filter(|one| text(one, "DisplayName").eq_ignore_ascii_case(app))
        .map(|one| Found::OrgApp(text(one, "AppId").to_owned()))
        .collect();
    match ims(opened, "ListApplications", &[]).await {
        Ok(listed) => found.extend(
            items(&listed, "/Applications/Application")
                .iter()
                .filter(|one| text(one, "AppName").eq_ignore_ascii_case(app))
                .map(|one| Found::Application(text(one, "AppId").to_owned())),
        ),
        // Whoever has roles in the organization alone sees its apps.
        Err(_) if !found.is_empty() => {}
        Err(failure) => return Err(failure),
    }
    if found.len() > 1 {
        let ids: Vec<String> = found.iter().map(|(Found::Application(id) | Found::OrgApp(id))| id.clone()).collect();
        return Err(Failure::new(format!("`{app}` is the name of several: say the id, one of {}", ids.join(", "))));
    }
    found.pop().ok_or_else(|| Failure::new(format!("there is no application `{app}` in this account")))
}

/// The id of an application of the account, which may be called by its name.
async fn id_of(opened: &Opened, app: &str) -> Result<String, Failure> {
    match find(opened, app).await? {
        Found::Application(id) => Ok(id),
        Found::OrgApp(id) => Err(Failure::new(format!("`{id}` is an app of an organization: use `tegata apps add` and `remove`"))),
    }
}

/// `tegata apps list`
pub(crate) fn list(flags: &AppsListFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let (own, installed, org_apps) = runtime()?.block_on(async {
        let org_apps = org_apps::known(&opened).await?;
        let own = ims(&opened, "ListApplications", &[]).await;
        // Whoever has roles in the organization alone sees its apps.
        if own.is_err() && !org_apps.is_empty() {
            return Ok((Value::Null, Value::Null, org_apps));
        }
        Ok::<_, Failure>((own?, ims(&opened, "ListApplicationProvisionInfos", &[]).await?, org_apps))
    })?;
    let (own, installed) =
        (items(&own, "/Applications/Application"), items(&installed, "/ApplicationProvisionInfos/ApplicationProvisionInfo"));
    if flags.printed.output == Form::Json {
        print_json(&json!({ "applications": own, "installed": installed, "organizationApps": org_apps }));
        return Ok(());
    }
    let is_installed = |id: &str| if installed.iter().any(|one| text(one, "AppId") == id) { "installed" } else { "not installed" };
    let mut lines: Vec<[String; 4]> = Vec::new();
    for one in own {
        let id = text(one, "AppId");
        lines.push([id.to_owned(), text(one, "AppName").to_owned(), text(one, "AppType").to_owned(), is_installed(id).to_owned()]);
    }
    let is_own = |id: &str| own.iter().any(|one| text(one, "AppId") == id);
    for one in installed.iter().filter(|one| !is_own(text(one, "AppId"))) {
        let (id, name) = (text(one, "AppId").to_owned(), text(one, "AppName").to_owned());
        let kind = if is_official(&id) { "official" } else { "other account" };
        lines.push([id, name, kind.to_owned(), "installed".to_owned()]);
    }
    for one in &org_apps {
        let added = one.get("Added").and_then(Value::as_bool).unwrap_or_default();
        let state = if added { "added" } else { "not added" };
        lines.push([text(one, "AppId").to_owned(), text(one, "DisplayName").to_owned(), "organization".to_owned(), state.to_owned()]);
    }
    rows(["ID", "NAME", "KIND", "STATE"], &lines);
    Ok(())
}

/// `tegata apps show`
pub(crate) fn show(flags: &AppFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    if let Some(id) = org_app(&opened, &flags.app)? {
        return org_apps::show(&id, flags.printed.output, &opened);
    }
    let shown = runtime()?.block_on(async {
        if is_official(&flags.app) {
            let installed = ims(&opened, "GetExternalApplication", &[("AppId", Some(&flags.app))]).await?;
            let assigned = own::call(&opened, "ListApplicationAssignments", &[("AppId", Some(&flags.app))]).await?;
            return Ok::<_, Failure>(json!({
                "Installation": installed.get("ExternalApplication"),
                "Mode": assigned.get("Mode"),
                "Assignments": items(&assigned, "/Assignments/Assignment"),
            }));
        }
        let id = id_of(&opened, &flags.app).await?;
        let told = ims(&opened, "GetApplication", &[("AppId", Some(&id))]).await?;
        let secrets = ims(&opened, "ListAppSecretIds", &[("AppId", Some(&id))]).await?;
        Ok(json!({ "Application": told.get("Application"), "Secrets": items(&secrets, "/AppSecrets/AppSecret") }))
    })?;
    if flags.printed.output == Form::Json {
        print_json(&shown);
        return Ok(());
    }
    if let Some(one) = shown.get("Application") {
        let words = |pointer: &str| own::texts(one, pointer).join(", ");
        let scopes: Vec<&str> =
            items(one, "/DelegatedScope/PredefinedScopes/PredefinedScope").iter().map(|scope| text(scope, "Name")).collect();
        let secrets: Vec<&str> = items(&shown, "/Secrets").iter().map(|secret| text(secret, "AppSecretId")).collect();
        fields(&[
            ("Id", text(one, "AppId").to_owned()),
            ("Name", text(one, "AppName").to_owned()),
            ("Type", text(one, "AppType").to_owned()),
            ("Redirects", words("/RedirectUris/RedirectUri")),
            ("Scopes", scopes.join(" ")),
            ("ID tokens", text(one, "IdTokenAlg").to_owned()),
            ("Secrets", secrets.join(", ")),
            ("Made", text(one, "CreateDate").to_owned()),
        ]);
        return Ok(());
    }
    let line = |one: &Value| [text(one, "IdentityType").to_owned(), text(one, "Identity").to_owned(), text(one, "AssignDate").to_owned()];
    let lines: Vec<[String; 3]> = items(&shown, "/Assignments").iter().map(line).collect();
    rows(["ASSIGNED", "NAME", "SINCE"], &lines);
    if text(&shown, "Mode") == "All" {
        terminal::say("everybody of the account may use it, assigned or not");
    }
    Ok(())
}

/// `tegata apps create`
pub(crate) fn create(flags: &AppCreateFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let kind = match flags.kind {
        AppKind::Web => "WebApp",
        AppKind::Native => "NativeApp",
        AppKind::Server => "ServerApp",
        AppKind::Organization => return org_apps::create(flags, &opened),
    };
    let of_organizations = !flags.roles.is_empty()
        || !flags.service_roles.is_empty()
        || flags.life.is_some()
        || flags.description.is_some()
        || flags.id.is_some()
        || flags.credentials.is_some()
        || flags.wrap.is_some();
    if of_organizations {
        let said =
            "`--role`, `--service-role`, `--life`, `--description`, `--id`, `--credentials` and `--wrap` are of `--kind organization`";
        return Err(Failure::usage(said));
    }
    let (redirects, scopes) = (flags.redirects.join(";"), flags.scopes.join(";"));
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (redirects, scopes) = (given(&redirects), given(&scopes));
    let multi_tenant = flags.multi_tenant.map(|wanted| wanted.to_string());
    // The name for people is short on this wire.
    let display: String = flags.name.chars().take(24).collect();
    let made = runtime()?.block_on(async {
        let parameters = [
            ("AppName", Some(flags.name.as_str())),
            ("DisplayName", Some(display.as_str())),
            ("AppType", Some(kind)),
            ("RedirectUris", redirects.as_deref()),
            ("PredefinedScopes", scopes.as_deref()),
            ("IdTokenAlg", flags.id_token_alg.map(IdTokenAlg::name)),
            ("IsMultiTenant", multi_tenant.as_deref()),
        ];
        let made = ims(&opened, "CreateApplication", &parameters).await?;
        let one = made.get("Application").cloned().unwrap_or_default();
        let id = text(&one, "AppId").to_owned();
        let secret = if flags.kind == AppKind::Native {
            Value::Null
        } else {
            let made = ims(&opened, "CreateAppSecret", &[("AppId", Some(&id))]).await?;
            made.get("AppSecret").cloned().unwrap_or_default()
        };
        Ok::<_, Failure>(json!({ "Application": one, "AppSecret": secret }))
    })?;
    if flags.printed.output == Form::Json {
        print_json(&made);
        return Ok(());
    }
    let id = made.get("Application").map(|one| text(one, "AppId")).unwrap_or_default();
    let mut lines = vec![("Id", id.to_owned())];
    if let Some(secret) = made.get("AppSecret").map(|one| text(one, "AppSecretValue")).filter(|secret| !secret.is_empty()) {
        lines.push(("Secret", format!("{secret}  (shown this once)")));
    }
    lines.push(("Next", format!("tegata apps install {id}")));
    fields(&lines);
    Ok(())
}

/// `tegata apps rotate`
pub(crate) fn rotate(flags: &AppRotateFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    if let Some(id) = org_app(&opened, &flags.app)? {
        return org_apps::rotate(&id, flags, &opened);
    }
    if flags.wrap.is_some() {
        return Err(Failure::usage("`--wrap` is of apps of an organization"));
    }
    let overlap = flags.overlap.to_string();
    let made = runtime()?.block_on(async {
        let id = id_of(&opened, &flags.app).await?;
        ims(&opened, "CreateAppSecret", &[("AppId", Some(&id)), ("OverlapSeconds", Some(&overlap))]).await
    })?;
    let secret = made.get("AppSecret").unwrap_or(&Value::Null);
    match flags.printed.output {
        Form::Json => print_json(secret),
        Form::Table => fields(&[
            ("Secret", format!("{}  (shown this once)", text(secret, "AppSecretValue"))),
            ("Secret id", text(secret, "AppSecretId").to_owned()),
        ]),
    }
    Ok(())
}

/// The id, if this names an app of an organization.
fn org_app(opened: &Opened, app: &str) -> Result<Option<String>, Failure> {
    if is_official(app) {
        return Ok(None);
    }
    Ok(match runtime()?.block_on(find(opened, app))? {
        Found::OrgApp(id) => Some(id),
        Found::Application(_) => None,
    })
}

/// `tegata apps delete`
pub(crate) fn delete(flags: &AppFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    if let Some(id) = org_app(&opened, &flags.app)? {
        return org_apps::delete(&id, flags.printed.output, &opened);
    }
    let answer = runtime()?.block_on(async {
        let id = id_of(&opened, &flags.app).await?;
        ims(&opened, "DeleteApplication", &[("AppId", Some(&id))]).await
    })?;
    done(flags.printed.output, &answer, "deleted; everything that was issued to it is over");
    Ok(())
}

/// `tegata apps install`
pub(crate) fn install(flags: &AppInstallFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let answer = runtime()?.block_on(async {
        if flags.foreign || is_official(&flags.app) {
            return ims(&opened, "ProvisionExternalApplication", &[("AppId", Some(&flags.app))]).await;
        }
        let id = id_of(&opened, &flags.app).await?;
        ims(&opened, "ProvisionApplication", &[("AppId", Some(&id))]).await
    })?;
    let next = if is_official(&flags.app) { "; next: tegata apps assign official-cli --user NAME" } else { "" };
    done(flags.printed.output, &answer, &format!("installed{next}"));
    Ok(())
}

/// `tegata apps uninstall`
pub(crate) fn uninstall(flags: &AppInstallFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let answer = runtime()?.block_on(async {
        if flags.foreign || is_official(&flags.app) {
            return ims(&opened, "DeprovisionExternalApplication", &[("AppId", Some(&flags.app))]).await;
        }
        let id = id_of(&opened, &flags.app).await?;
        ims(&opened, "DeprovisionApplication", &[("AppId", Some(&id))]).await
    })?;
    done(flags.printed.output, &answer, "taken out of use; everything that was issued through it is over");
    Ok(())
}

/// `tegata apps edit`
pub(crate) fn edit(flags: &AppEditFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let id = match runtime()?.block_on(find(&opened, &flags.app))? {
        Found::OrgApp(_) => return org_apps::edit(flags, &opened),
        Found::Application(id) => id,
    };
    if flags.description.is_some() || !flags.roles.is_empty() || !flags.service_roles.is_empty() {
        return Err(Failure::usage("`--description`, `--role` and `--service-role` are of apps of an organization"));
    }
    let (life, multi_tenant) = (flags.life.map(|seconds| seconds.to_string()), flags.multi_tenant.map(|wanted| wanted.to_string()));
    let parameters = [
        ("AppId", Some(id.as_str())),
        ("NewDisplayName", flags.name.as_deref()),
        ("NewAccessTokenValidity", life.as_deref()),
        ("NewIdTokenAlg", flags.id_token_alg.map(IdTokenAlg::name)),
        ("NewIsMultiTenant", multi_tenant.as_deref()),
    ];
    let answer = runtime()?.block_on(ims(&opened, "UpdateApplication", &parameters))?;
    done(flags.printed.output, &answer, "changed; tokens that exist go on");
    Ok(())
}

/// `tegata apps foreign`
pub(crate) fn foreign(flags: &AppForeignFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let wanted = flags.switch.map(|switch| if switch == Switch::On { "true" } else { "false" });
    let parameters = [("AllowForeignApplications", wanted)];
    let action = if wanted.is_some() { "SetApplicationPolicy" } else { "GetApplicationPolicy" };
    let answer = runtime()?.block_on(own::call(&opened, action, &parameters))?;
    let is_on = answer.pointer("/ApplicationPolicy/AllowForeignApplications").and_then(Value::as_bool).unwrap_or_default();
    let said = if is_on {
        "on: an administrator can install what other accounts offer, with `tegata apps install ID --foreign` or at the first sign-in to it"
    } else {
        "off: applications of other accounts are not let in; those that are installed get nothing"
    };
    done(flags.printed.output, &answer, said);
    Ok(())
}

/// `tegata apps assign`
pub(crate) fn assign(flags: &AppAssignFlags, environment: &Environment) -> Result<(), Failure> {
    change(flags, environment, "AssignApplication", "assigned")
}

/// `tegata apps unassign`
pub(crate) fn unassign(flags: &AppAssignFlags, environment: &Environment) -> Result<(), Failure> {
    change(flags, environment, "UnassignApplication", "not assigned any more; what it got through it is over")
}

/// `tegata apps mode`
pub(crate) fn mode(flags: &AppModeFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let (mode, said) = match flags.mode {
        AppMode::All => ("All", "everybody of the account may use it"),
        AppMode::Assigned => ("OnDemand", "those who are assigned may use it; what others got through it is over"),
    };
    let parameters = [("AppId", Some(flags.app.as_str())), ("Mode", Some(mode))];
    let answer = runtime()?.block_on(own::call(&opened, "SetApplicationAssignmentMode", &parameters))?;
    done(flags.printed.output, &answer, said);
    Ok(())
}

fn change(flags: &AppAssignFlags, environment: &Environment, action: &str, said: &str) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let parameters = [("AppId", Some(flags.app.as_str())), ("UserName", flags.user.as_deref()), ("RoleName", flags.role.as_deref())];
    let answer = runtime()?.block_on(own::call(&opened, action, &parameters))?;
    done(flags.printed.output, &answer, said);
    Ok(())
}

fn done(form: Form, answer: &Value, said: &str) {
    match form {
        Form::Json => print_json(answer),
        Form::Table => {
            terminal::say(said);
        }
    }
}
