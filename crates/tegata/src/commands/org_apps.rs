//! `tegata apps …` on apps of organizations: what they are for, what they got where they were added, and why something is missing.

use std::{io::Read as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    access::{Opened, server_alone},
    own::{call, items, text, texts},
    runtime,
    table::{fields, print_json, rows},
};
use crate::{
    cli::{
        apps::{AppAddFlags, AppCreateFlags, AppEditFlags, AppFlags, AppRotateFlags, AppTokenFlags, AppUnwrapFlags, AppsListFlags},
        client::Form,
    },
    config::Environment,
    data_dir,
    failure::Failure,
    terminal,
};

/// The apps of one's own organization; none where one has no role in it.
pub(super) async fn known(opened: &Opened) -> Result<Vec<Value>, Failure> {
    match call(opened, "ListOrganizationApps", &[]).await {
        Ok(listed) => Ok(items(&listed, "/Apps/App").to_vec()),
        Err(failure) if failure.to_string().contains("NoPermission") => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

/// The id of an app of one's organization that is called by its id or its name.
async fn id_of(opened: &Opened, app: &str) -> Result<String, Failure> {
    let listed = call(opened, "ListOrganizationApps", &[]).await?;
    let apps = items(&listed, "/Apps/App");
    if let Some(one) = apps.iter().find(|one| text(one, "AppId") == app) {
        return Ok(text(one, "AppId").to_owned());
    }
    let found: Vec<&str> =
        apps.iter().filter(|one| text(one, "DisplayName").eq_ignore_ascii_case(app)).map(|one| text(one, "AppId")).collect();
    match found.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(Failure::new(format!("there is no app `{app}` in this organization"))),
        several => Err(Failure::new(format!("`{app}` is the name of several apps: say the id, one of {}", several.join(", ")))),
    }
}

fn joined(roles: &[String]) -> Option<String> {
    (!roles.is_empty()).then(|| roles.join(" "))
}

/// The credentials as a program reads them.
fn credential(answer: &Value) -> Value {
    let one = answer.get("Credentials").unwrap_or(&Value::Null);
    json!({
        "clientId": text(one, "ClientId"),
        "clientSecret": text(one, "ClientSecret"),
        "orgId": text(one, "OrgId"),
        "tokenUrl": text(one, "TokenUrl"),
    })
}

/// Shows new credentials, or keeps them in a file for this user alone.
fn show_credential(answer: &Value, file: Option<&Path>, form: Form) -> Result<(), Failure> {
    let one = credential(answer);
    let mut written = String::new();
    if let Some(path) = file {
        let text = serde_json::to_string_pretty(&one).unwrap_or_default() + "\n";
        data_dir::write_file(path, text.as_bytes(), false).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        written = path.display().to_string();
    }
    if form == Form::Json {
        print_json(&if written.is_empty() { one } else { json!({ "clientId": one.get("clientId"), "file": written }) });
        return Ok(());
    }
    let id = text(&one, "clientId").to_owned();
    let secret = if written.is_empty() { format!("{}  (shown this once)", text(&one, "clientSecret")) } else { format!("in {written}") };
    fields(&[
        ("Id", id.clone()),
        ("Secret", secret),
        ("Organization", text(&one, "orgId").to_owned()),
        ("Token URL", text(&one, "tokenUrl").to_owned()),
        ("Next", format!("tegata apps add {id}")),
    ]);
    Ok(())
}

/// Shows the code that a new secret waits for, as the command that opens it.
fn show_code(answer: &Value, form: Form, opened: &Opened) -> Result<(), Failure> {
    let one = answer.get("Credentials").unwrap_or(&Value::Null);
    let (id, code, ends) = (text(one, "ClientId"), text(one, "WrapCode"), text(one, "WrapExpireDate"));
    if code.is_empty() {
        return Err(Failure::new("the server does not know `--wrap`; replace the secret that it has made: `tegata apps rotate`"));
    }
    let server = opened.server()?;
    if form == Form::Json {
        print_json(&json!({ "clientId": id, "code": code, "endpoint": server, "expiresAt": ends }));
        return Ok(());
    }
    fields(&[
        ("Id", id.to_owned()),
        ("Open by", format!("tegata apps unwrap --endpoint {server} {code}")),
        ("Until", format!("{ends}, once: if it says that it was opened before, rotate the secret")),
        ("Next", format!("tegata apps add {id}")),
    ]);
    Ok(())
}

/// `tegata apps unwrap`
pub(crate) fn unwrap(flags: &AppUnwrapFlags, environment: &Environment) -> Result<(), Failure> {
    let mut code = flags.code.clone();
    if code == "-" {
        code.clear();
        let read = std::io::stdin().take(4096).read_to_string(&mut code);
        read.map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    }
    // The secret is told once: what can go wrong here does so before.
    if let Some(path) = flags.file.as_deref() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if path.symlink_metadata().is_ok() || !folder.is_dir() {
            return Err(Failure::usage(format!("{}: the file must be new, in a folder that there is", path.display())));
        }
    }
    let (transport, server) = server_alone(&flags.server.access(), environment)?;
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let body = Bytes::from(json!({ "code": code.trim() }).to_string());
    let reply = runtime()?.block_on(transport.send("POST", &format!("{server}/unwrap"), &headers, body))?;
    let told: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200 {
        let said = text(&told, "error_description");
        return Err(Failure::new(if said.is_empty() { format!("the server said no ({})", reply.status) } else { said.to_owned() }));
    }
    let Some(path) = flags.file.as_deref() else {
        print_json(&told);
        return Ok(());
    };
    let whole = serde_json::to_string_pretty(&told).unwrap_or_default() + "\n";
    if let Err(error) = data_dir::write_file(path, whole.as_bytes(), true) {
        print_json(&told);
        return Err(Failure::new(format!("{}: {error}; the credentials are shown instead, and nowhere else", path.display())));
    }
    terminal::say(&format!("the credentials of {} are in {}", text(&told, "clientId"), path.display()));
    Ok(())
}

/// `tegata apps create --kind organization`
pub(super) fn create(flags: &AppCreateFlags, opened: &Opened) -> Result<(), Failure> {
    let (roles, of_services) = (joined(&flags.roles), joined(&flags.service_roles));
    let life = flags.life.map(|seconds| seconds.to_string());
    let wrap = flags.wrap.map(|time| time.as_secs().to_string());
    let parameters = [
        ("DisplayName", Some(flags.name.as_str())),
        ("AppId", flags.id.as_deref()),
        ("Description", flags.description.as_deref()),
        ("OrganizationRoles", roles.as_deref()),
        ("ServiceRoles", of_services.as_deref()),
        ("AccessTokenSeconds", life.as_deref()),
        ("WrapSeconds", wrap.as_deref()),
    ];
    let made = runtime()?.block_on(call(opened, "CreateOrganizationApp", &parameters))?;
    if flags.wrap.is_some() {
        return show_code(&made, flags.printed.output, opened);
    }
    show_credential(&made, flags.credentials.as_deref(), flags.printed.output)
}

/// `tegata apps edit`
pub(super) fn edit(flags: &AppEditFlags, opened: &Opened) -> Result<(), Failure> {
    if flags.id_token_alg.is_some() || flags.multi_tenant.is_some() {
        return Err(Failure::usage("`--id-token-alg` and `--multi-tenant` are of applications of an account"));
    }
    let (roles, of_services) = (joined(&flags.roles), joined(&flags.service_roles));
    let life = flags.life.map(|seconds| seconds.to_string());
    let answer = runtime()?.block_on(async {
        let id = id_of(opened, &flags.app).await?;
        let parameters = [
            ("AppId", Some(id.as_str())),
            ("DisplayName", flags.name.as_deref()),
            ("Description", flags.description.as_deref()),
            ("OrganizationRoles", roles.as_deref()),
            ("ServiceRoles", of_services.as_deref()),
            ("AccessTokenSeconds", life.as_deref()),
        ];
        call(opened, "UpdateOrganizationApp", &parameters).await
    })?;
    if flags.printed.output == Form::Json {
        print_json(&answer);
        return Ok(());
    }
    let added = answer.pointer("/App/Added").and_then(Value::as_bool).unwrap_or_default();
    let next =
        if added { "; what it got where it was added stays until it is removed and added again, or `tegata apps resync`" } else { "" };
    terminal::say(&format!("changed{next}"));
    Ok(())
}

/// Why a role is missing, in words.
fn why(word: &str) -> &str {
    match word {
        "service_not_in_org" => "the organization does not have the service",
        "role_not_offered" => "the organization has the service and does not offer the role",
        "adder_lacks_role" => "whoever added it cannot hand it out",
        other => other,
    }
}

/// What an app got, and what it did not.
fn instance_fields(one: &Value) -> Vec<(&'static str, String)> {
    let got = [texts(one, "/OrganizationRoles/Role"), texts(one, "/ServiceRoles/Role")].concat().join(" ");
    let mut lines = vec![("Got", if got.is_empty() { "nothing".to_owned() } else { got })];
    for role in items(one, "/Missing/MissingRole") {
        lines.push(("Missing", format!("{}: {}", text(role, "Role"), why(text(role, "Why")))));
    }
    if one.get("Outdated").and_then(Value::as_bool).unwrap_or_default() {
        lines.push(("State", "the app was changed since it was added: remove and add it again, or `tegata apps resync`".to_owned()));
    }
    lines
}

/// `tegata apps show`, on an app of an organization
pub(super) fn show(id: &str, form: Form, opened: &Opened) -> Result<(), Failure> {
    let told = runtime()?.block_on(call(opened, "GetOrganizationApp", &[("AppId", Some(id))]))?;
    if form == Form::Json {
        print_json(&json!({ "App": told.get("App"), "Instance": told.get("Instance") }));
        return Ok(());
    }
    let one = told.get("App").unwrap_or(&Value::Null);
    let never = |text: &str| if text.is_empty() { "never".to_owned() } else { text.to_owned() };
    let life = one.get("AccessTokenSeconds").and_then(Value::as_u64).unwrap_or_default();
    let mut lines = vec![
        ("Id", text(one, "AppId").to_owned()),
        ("Name", text(one, "DisplayName").to_owned()),
        ("Kind", "organization".to_owned()),
        ("Description", text(one, "Description").to_owned()),
        ("Defined for", [texts(one, "/OrganizationRoles/Role"), texts(one, "/ServiceRoles/Role")].concat().join(" ")),
        ("Token life", format!("{life} s")),
        ("Made", format!("{} by {}", text(one, "CreateDate"), text(one, "CreatedBy"))),
        ("Last token", never(text(one, "LastUsedDate"))),
    ];
    match told.get("Instance") {
        Some(instance) => {
            lines.push(("Added", format!("{} by {}", text(instance, "AddDate"), text(instance, "AddedBy"))));
            lines.extend(instance_fields(instance));
        }
        None => lines.push(("Added", format!("no: it has no access; next: tegata apps add {id}"))),
    }
    fields(&lines);
    Ok(())
}

/// `tegata apps add`
pub(crate) fn add(flags: &AppAddFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let answer = runtime()?.block_on(async {
        let id = id_of(&opened, &flags.app).await?;
        let parameters = [("AppId", Some(id.as_str())), ("DryRun", flags.dry_run.then_some("true"))];
        call(&opened, "AddOrganizationApp", &parameters).await
    })?;
    shown_instance(&answer, flags.printed.output, if flags.dry_run { "would be added" } else { "added" });
    Ok(())
}

fn shown_instance(answer: &Value, form: Form, said: &str) {
    let one = answer.get("Instance").unwrap_or(&Value::Null);
    if form == Form::Json {
        print_json(one);
        return;
    }
    let mut lines = vec![("App", format!("{} {said}", text(one, "AppId")))];
    lines.extend(instance_fields(one));
    fields(&lines);
}

/// `tegata apps resync`
pub(crate) fn resync(flags: &AppFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let answer = runtime()?.block_on(async {
        let id = id_of(&opened, &flags.app).await?;
        call(&opened, "ResyncOrganizationApp", &[("AppId", Some(id.as_str()))]).await
    })?;
    shown_instance(&answer, flags.printed.output, "taken out and added again");
    Ok(())
}

/// `tegata apps remove`
pub(crate) fn remove(flags: &AppFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let answer = runtime()?.block_on(async {
        let id = id_of(&opened, &flags.app).await?;
        call(&opened, "RemoveOrganizationApp", &[("AppId", Some(id.as_str()))]).await
    })?;
    match flags.printed.output {
        Form::Json => print_json(&answer),
        Form::Table => {
            terminal::say("taken out; its access is over, and it can be added again");
        }
    }
    Ok(())
}

/// `tegata apps delete`, on an app of an organization
pub(super) fn delete(id: &str, form: Form, opened: &Opened) -> Result<(), Failure> {
    let answer = runtime()?.block_on(call(opened, "DeleteOrganizationApp", &[("AppId", Some(id))]))?;
    match form {
        Form::Json => print_json(&answer),
        Form::Table => {
            terminal::say("deleted for good; its secrets and everything that was issued to it are over");
        }
    }
    Ok(())
}

/// `tegata apps rotate`, on an app of an organization
pub(super) fn rotate(id: &str, flags: &AppRotateFlags, opened: &Opened) -> Result<(), Failure> {
    let overlap = flags.overlap.to_string();
    let wrap = flags.wrap.map(|time| time.as_secs().to_string());
    let parameters = [("AppId", Some(id)), ("OverlapSeconds", Some(overlap.as_str())), ("WrapSeconds", wrap.as_deref())];
    let made = runtime()?.block_on(call(opened, "RotateOrganizationAppSecret", &parameters))?;
    if flags.wrap.is_some() {
        return show_code(&made, flags.printed.output, opened);
    }
    show_credential(&made, None, flags.printed.output)
}

/// `tegata apps instances`
pub(crate) fn instances(flags: &AppsListFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let answer = runtime()?.block_on(call(&opened, "ListOrganizationInstances", &[]))?;
    let listed = items(&answer, "/Instances/Instance");
    if flags.printed.output == Form::Json {
        print_json(&json!(listed));
        return Ok(());
    }
    let line = |one: &Value| {
        let got = [texts(one, "/OrganizationRoles/Role"), texts(one, "/ServiceRoles/Role")].concat().join(" ");
        let missing = items(one, "/Missing/MissingRole").len();
        let outdated = one.get("Outdated").and_then(Value::as_bool).unwrap_or_default();
        let state = match (missing, outdated) {
            (_, true) => "outdated".to_owned(),
            (0, _) => "complete".to_owned(),
            (count, _) => format!("{count} missing"),
        };
        [text(one, "AppId").to_owned(), text(one, "DisplayName").to_owned(), got, state, text(one, "AddedBy").to_owned()]
    };
    let lines: Vec<[String; 5]> = listed.iter().map(line).collect();
    rows(["ID", "NAME", "GOT", "STATE", "ADDED BY"], &lines);
    Ok(())
}

/// `tegata apps token`
pub(crate) fn token(flags: &AppTokenFlags, environment: &Environment) -> Result<(), Failure> {
    let path = &flags.credentials;
    let wrong = |what: &str| Failure::new(format!("{}: {what}", path.display()));
    let file = std::fs::read(path).map_err(|error| wrong(&error.to_string()))?;
    let file: Value = serde_json::from_slice(&file).map_err(|error| wrong(&error.to_string()))?;
    let [id, secret] = ["clientId", "clientSecret"].map(|name| text(&file, name));
    if id.is_empty() || secret.is_empty() {
        return Err(wrong("`clientId` and `clientSecret` are needed"));
    }
    let (transport, url) = match text(&file, "tokenUrl") {
        "" => {
            let (transport, server) = server_alone(&flags.server.access(), environment)?;
            (transport, format!("{server}/csp/gateway/am/api/auth/token"))
        }
        url => {
            let mut transport = tegata_client::Transport::new();
            if let Some(ca_file) = &flags.server.ca_file {
                transport = transport.trusting(ca_file.clone());
            }
            (transport, url.to_owned())
        }
    };
    let mut pairs = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
    let mut say = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
    if !text(&file, "orgId").is_empty() {
        say("orgId", text(&file, "orgId"));
    }
    if !flags.scopes.is_empty() {
        say("scope", &flags.scopes.join(" "));
    }
    if let Some(seconds) = flags.seconds {
        say("accessTokenValiditySeconds", &seconds.to_string());
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let headers = vec![("authorization".to_owned(), basic), ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    let body = Bytes::from(tegata_sign::form::encode(&pairs));
    let reply = runtime()?.block_on(transport.send("POST", &url, &headers, body))?;
    let told: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200 {
        let message = if text(&told, "message").is_empty() { "the server said no" } else { text(&told, "message") };
        return Err(Failure::new(format!("no token ({}): {message}", reply.status)));
    }
    match flags.printed.output {
        Form::Json => print_json(&told),
        Form::Table => {
            terminal::say(text(&told, "access_token"));
        }
    }
    Ok(())
}
