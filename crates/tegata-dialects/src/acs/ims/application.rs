//! OAuth applications: made, given secrets, installed.

use std::time::Duration;

use tegata_core::client::{
    Client, ClientKind, ClientSecret, ClientSettings, CreateClient, CreateClientSecret, DeleteClient, DeleteClientSecret, DescribeClient,
    DescribeClientSecret, DescribeExternalClient, DescribeInstallation, IdTokenAlg, InstallClient, InstallExternalClient, Installation,
    ListClientSecrets, ListClients, ListExternalClients, ListInstallations, PREDEFINED_SCOPES, UninstallClient, UninstallExternalClient,
    UpdateClient, scope_description,
};
use tegata_model::Timestamp;
use tegata_oauth::{RedirectUri, Scope};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text, wrapped},
    catalogue::{Kind, MARKER, MAX_ITEMS, Parameter, may, need},
    error::AcsError,
    reply::Tree,
};

/// An application that exists.
const APP_ID: Parameter = need("AppId", Kind::Text);
const APP_TYPES: Kind = Kind::Word(&["WebApp", "NativeApp", "ServerApp"]);
/// How ID tokens are signed. The parameter is ours: others sign them in one way.
const ALGS: Kind = Kind::Word(&["RS256", "ES256"]);
/// Longest name for people, in characters.
const DISPLAY_NAME: usize = 24;
/// Longest overlap of two secrets.
const OVERLAP: Duration = Duration::from_hours(30 * 24);

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateApplication",
        "Make an OAuth application; it can do nothing before it is installed",
        create,
        [
            need("AppType", APP_TYPES),
            need("DisplayName", Kind::Text),
            may("AppName", Kind::Text),
            may("RedirectUris", Kind::Text),
            may("PredefinedScopes", Kind::Text),
            may("RequiredScopes", Kind::Text),
            may("SecretRequired", Kind::Flag),
            may("IsMultiTenant", Kind::Flag),
            may("AccessTokenValidity", Kind::Number),
            may("RefreshTokenValidity", Kind::Number),
            may("ProtocolVersion", Kind::Word(&["2.0", "2.1"])),
            may("IdTokenAlg", ALGS)
        ]
    ),
    entry!("GetApplication", "What is said of an application", describe, [APP_ID]),
    entry!(
        "UpdateApplication",
        "Change what is said of an application",
        update,
        [
            APP_ID,
            may("NewDisplayName", Kind::Text),
            may("NewRedirectUris", Kind::Text),
            may("NewPredefinedScopes", Kind::Text),
            may("NewRequiredScopes", Kind::Text),
            may("NewSecretRequired", Kind::Flag),
            may("NewIsMultiTenant", Kind::Flag),
            may("NewAccessTokenValidity", Kind::Number),
            may("NewRefreshTokenValidity", Kind::Number),
            may("NewIdTokenAlg", ALGS)
        ]
    ),
    entry!("DeleteApplication", "Delete an application; everything that was issued to it ends at once", delete, [APP_ID]),
    entry!("ListApplications", "The applications of the account", list, []),
    entry!("ListPredefinedScopes", "The scopes that applications can hold", scopes, [may("AppType", APP_TYPES)]),
    entry!(
        "CreateAppSecret",
        "Make a secret of an application, shown this once; those that there are can be given an end",
        create_secret,
        [APP_ID, may("OverlapSeconds", Kind::Number)]
    ),
    entry!(
        "GetAppSecret",
        "What may be said of a secret; the secret itself rests nowhere",
        describe_secret,
        [APP_ID, need("AppSecretId", Kind::Text)]
    ),
    entry!("DeleteAppSecret", "Delete a secret; it stops counting at once", delete_secret, [APP_ID, need("AppSecretId", Kind::Text)]),
    entry!("ListAppSecretIds", "The secrets of an application, without the secrets themselves", list_secrets, [APP_ID]),
    entry!("ProvisionApplication", "Install an application of the account", install, [APP_ID, may("Scopes", Kind::Text)]),
    entry!("DeprovisionApplication", "Take an application out of use; everything issued through it ends at once", uninstall, [APP_ID]),
    entry!("GetApplicationProvisionInfo", "How an application of the account is installed", describe_installation, [APP_ID]),
    entry!(
        "ListApplicationProvisionInfos",
        "What is installed in the account",
        list_installations,
        [may("SourceType", Kind::Word(&["inner", "external"]))]
    ),
    entry!(
        "ProvisionExternalApplication",
        "Install the official application, or one of another account: the administrator's consent for the account",
        install_external,
        [APP_ID, may("Scopes", Kind::Text)]
    ),
    entry!(
        "DeprovisionExternalApplication",
        "Take the official application, or one of another account, out of use; everything issued through it ends at once",
        uninstall_external,
        [APP_ID]
    ),
    entry!("GetExternalApplication", "How the official application, or one of another account, is installed", describe_external, [APP_ID]),
    entry!("ListExternalApplications", "What is installed in the account and does not belong to it", list_external, [MARKER, MAX_ITEMS]),
];

/// As dates of installations are written, and of nothing else here.
fn millis(at: Timestamp) -> Tree {
    Tree::Text((at.unix().saturating_mul(1000)).to_string())
}

fn kind_word(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Web => "WebApp",
        ClientKind::Native => "NativeApp",
        ClientKind::Server => "ServerApp",
    }
}

/// Scopes with what they are good for; with the required ones told apart where there are such.
fn delegated(scopes: &[String], required: Option<&[String]>) -> Tree {
    let one = |scope: &String| {
        let mut fields = vec![("Name", text(scope)), ("Description", Tree::Text(scope_description(scope).to_owned()))];
        fields.extend(required.map(|required| ("Required", Tree::Flag(required.contains(scope)))));
        Tree::Object(fields)
    };
    Tree::Object(vec![wrapped("PredefinedScopes", "PredefinedScope", scopes.iter().map(one).collect())])
}

fn shown(client: &Client) -> Tree {
    Tree::Object(vec![
        ("AppId", text(&client.app_id)),
        ("AppName", text(&client.name)),
        ("AppType", Tree::Text(kind_word(client.kind).to_owned())),
        ("DisplayName", text(&client.display_name)),
        ("AccountId", text(&client.account)),
        ("SecretRequired", Tree::Flag(client.secret_required)),
        ("IsMultiTenant", Tree::Flag(client.multi_tenant)),
        ("AccessTokenValidity", Tree::Number(client.access_lifetime.as_secs())),
        ("RefreshTokenValidity", Tree::Number(client.refresh_lifetime.as_secs())),
        ("ProtocolVersion", text(&client.protocol_version)),
        ("IdTokenAlg", Tree::Text(client.id_token_alg.name().to_owned())),
        wrapped("RedirectUris", "RedirectUri", client.redirect_uris.iter().map(text).collect()),
        ("DelegatedScope", delegated(&client.scopes, Some(&client.required_scopes))),
        ("CreateDate", Tree::Text(client.created_at.to_iso())),
        ("UpdateDate", Tree::Text(client.updated_at.to_iso())),
    ])
}

/// A list with `;` between its items.
fn items(given: Option<&str>) -> Option<Vec<&str>> {
    given.map(|text| text.split(';').map(str::trim).filter(|item| !item.is_empty()).collect())
}

fn scope(ask: &Ask<'_>, parameter: &'static str) -> Result<Option<Scope>, AcsError> {
    let Some(words) = items(ask.params.text(parameter)) else { return Ok(None) };
    Scope::of(words).map(Some).map_err(|error| AcsError::invalid(parameter, &error.to_string()))
}

fn seconds(ask: &Ask<'_>, parameter: &'static str) -> Result<Option<Duration>, AcsError> {
    let parsed = ask.params.text(parameter).filter(|text| !text.is_empty()).map(str::parse::<u32>).transpose();
    let parsed = parsed.map_err(|_| AcsError::invalid(parameter, "a whole number of seconds is needed"))?;
    Ok(parsed.map(|seconds| Duration::from_secs(seconds.into())))
}

fn flag(ask: &Ask<'_>, parameter: &'static str) -> Result<Option<bool>, AcsError> {
    if ask.params.text(parameter).is_some_and(|text| !text.is_empty()) { ask.flag(parameter).map(Some) } else { Ok(None) }
}

/// The names of the settings, as they are when an application is made and when it is changed.
struct Names {
    display_name: &'static str,
    redirect_uris: &'static str,
    scopes: &'static str,
    required_scopes: &'static str,
    secret_required: &'static str,
    multi_tenant: &'static str,
    access: &'static str,
    refresh: &'static str,
    id_token_alg: &'static str,
}

const MADE: Names = Names {
    display_name: "DisplayName",
    redirect_uris: "RedirectUris",
    scopes: "PredefinedScopes",
    required_scopes: "RequiredScopes",
    secret_required: "SecretRequired",
    multi_tenant: "IsMultiTenant",
    access: "AccessTokenValidity",
    refresh: "RefreshTokenValidity",
    id_token_alg: "IdTokenAlg",
};

const CHANGED: Names = Names {
    display_name: "NewDisplayName",
    redirect_uris: "NewRedirectUris",
    scopes: "NewPredefinedScopes",
    required_scopes: "NewRequiredScopes",
    secret_required: "NewSecretRequired",
    multi_tenant: "NewIsMultiTenant",
    access: "NewAccessTokenValidity",
    refresh: "NewRefreshTokenValidity",
    id_token_alg: "NewIdTokenAlg",
};

fn id_token_alg(ask: &Ask<'_>, parameter: &'static str) -> Result<Option<IdTokenAlg>, AcsError> {
    let named = ask.params.text(parameter).filter(|text| !text.is_empty());
    let problem = || AcsError::invalid(parameter, "`RS256` and `ES256` are the algorithms");
    named.map(|name| IdTokenAlg::of_name(name).ok_or_else(problem)).transpose()
}

fn settings(ask: &Ask<'_>, names: &Names) -> Result<ClientSettings, AcsError> {
    let display_name = ask.params.text(names.display_name).filter(|name| !name.is_empty());
    if let Some(name) = display_name
        && (name.chars().count() > DISPLAY_NAME || name.chars().any(char::is_control))
    {
        return Err(AcsError::invalid(names.display_name, &format!("it has at most {DISPLAY_NAME} printable characters")));
    }
    let redirect_uris = match items(ask.params.text(names.redirect_uris)) {
        None => None,
        Some(uris) => {
            let parsed: Result<Vec<RedirectUri>, _> = uris.into_iter().map(RedirectUri::parse).collect();
            Some(parsed.map_err(|error| AcsError::invalid(names.redirect_uris, &error.to_string()))?)
        }
    };
    Ok(ClientSettings {
        display_name: display_name.map(ToOwned::to_owned),
        redirect_uris,
        scopes: scope(ask, names.scopes)?,
        required_scopes: scope(ask, names.required_scopes)?,
        secret_required: flag(ask, names.secret_required)?,
        multi_tenant: flag(ask, names.multi_tenant)?,
        access_lifetime: seconds(ask, names.access)?,
        refresh_lifetime: seconds(ask, names.refresh)?,
        id_token_alg: id_token_alg(ask, names.id_token_alg)?,
    })
}

fn app_id(ask: &Ask<'_>) -> Result<String, AcsError> {
    named(ask, "AppId")
}

/// An id that was given out; anything else is none.
fn named(ask: &Ask<'_>, parameter: &'static str) -> Result<String, AcsError> {
    let id: String = ask.params.required(parameter)?;
    let good = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if good { Ok(id) } else { Err(AcsError::invalid(parameter, "it is not an id")) }
}

async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let kind = match ask.params.text("AppType") {
        Some("WebApp") => ClientKind::Web,
        Some("NativeApp") => ClientKind::Native,
        Some("ServerApp") => ClientKind::Server,
        None | Some("") => return Err(AcsError::missing("AppType")),
        Some(_) => return Err(AcsError::invalid("AppType", "`WebApp`, `NativeApp` and `ServerApp` are the types")),
    };
    let protocol_version = match ask.params.text("ProtocolVersion") {
        None | Some("") => None,
        Some(version @ ("2.0" | "2.1")) => Some(version.to_owned()),
        Some(_) => return Err(AcsError::invalid("ProtocolVersion", "`2.0` and `2.1` are the versions")),
    };
    let name = match ask.params.text("AppName") {
        None | Some("") => None,
        Some(_) => Some(named(ask, "AppName")?),
    };
    let settings = settings(ask, &MADE)?;
    if settings.display_name.is_none() {
        return Err(AcsError::missing("DisplayName"));
    }
    let made = ask.perform(CreateClient { name, kind, protocol_version, settings }).await?;
    Ok(vec![("Application", shown(&made))])
}

async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(vec![("Application", shown(&ask.perform(DescribeClient { app_id: app_id(ask)? }).await?))])
}

async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = UpdateClient { app_id: app_id(ask)?, settings: settings(ask, &CHANGED)? };
    Ok(vec![("Application", shown(&ask.perform(input).await?))])
}

async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeleteClient { app_id: app_id(ask)? }).await?;
    Ok(Vec::new())
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListClients).await?;
    Ok(vec![wrapped("Applications", "Application", listed.iter().map(shown).collect())])
}

/// The list is the same for everybody; to ask for it one must be somebody who may list applications.
async fn scopes(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(ListClients).await?;
    let one = |scope: &tegata_core::client::PredefinedScope| {
        Tree::Object(vec![("Name", Tree::Text(scope.name.to_owned())), ("Description", Tree::Text(scope.description.to_owned()))])
    };
    Ok(vec![wrapped("PredefinedScopes", "PredefinedScope", PREDEFINED_SCOPES.iter().map(one).collect())])
}

fn secret(secret: &ClientSecret, value: Option<&str>) -> Tree {
    let mut fields = vec![
        ("AppId", text(&secret.app_id)),
        ("AppSecretId", text(&secret.secret_id)),
        ("CreateDate", Tree::Text(secret.created_at.to_iso())),
    ];
    fields.extend(value.map(|value| ("AppSecretValue", Tree::Text(value.to_owned()))));
    fields.extend(secret.expires_at.map(|expires| ("ExpireDate", Tree::Text(expires.to_iso()))));
    Tree::Object(fields)
}

async fn create_secret(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let overlap = seconds(ask, "OverlapSeconds")?;
    if overlap.is_some_and(|overlap| overlap > OVERLAP) {
        return Err(AcsError::invalid("OverlapSeconds", &format!("it is at most {}", OVERLAP.as_secs())));
    }
    let made = ask.perform(CreateClientSecret { app_id: app_id(ask)?, overlap }).await?;
    Ok(vec![("AppSecret", secret(&made.secret, Some(made.value.expose())))])
}

async fn describe_secret(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = DescribeClientSecret { app_id: app_id(ask)?, secret_id: named(ask, "AppSecretId")? };
    Ok(vec![("AppSecret", secret(&ask.perform(input).await?, None))])
}

async fn delete_secret(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeleteClientSecret { app_id: app_id(ask)?, secret_id: named(ask, "AppSecretId")? }).await?;
    Ok(Vec::new())
}

async fn list_secrets(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListClientSecrets { app_id: app_id(ask)? }).await?;
    Ok(vec![wrapped("AppSecrets", "AppSecret", listed.iter().map(|one| secret(one, None)).collect())])
}

/// `name@app.alias.domain` in the vendor's spelling, with the account's number in the place of its alias.
fn principal_name(installation: &Installation) -> String {
    format!("{}@app.{}.onaliyun.com", installation.name, installation.account)
}

fn provision_info(installation: &Installation) -> Tree {
    Tree::Object(vec![
        ("AccountId", text(&installation.account)),
        ("AppId", text(&installation.app_id)),
        ("AppName", text(&installation.name)),
        ("DisplayName", text(&installation.display_name)),
        ("AppPrincipalName", Tree::Text(principal_name(installation))),
        ("TenantId", text(&installation.account)),
        ("DelegatedScope", delegated(&installation.scopes, None)),
        ("CreateDate", millis(installation.created_at)),
        ("UpdateDate", millis(installation.created_at)),
    ])
}

fn external(installation: &Installation) -> Tree {
    Tree::Object(vec![
        ("AppPrincipalName", Tree::Text(principal_name(installation))),
        ("ForeignAppId", text(&installation.app_id)),
        ("TenantId", text(&installation.account)),
        ("DisplayName", text(&installation.display_name)),
        ("DelegatedScope", delegated(&installation.scopes, None)),
        ("CreateDate", millis(installation.created_at)),
        ("UpdateDate", millis(installation.created_at)),
    ])
}

async fn install(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let made = ask.perform(InstallClient { app_id: app_id(ask)?, scopes: scope(ask, "Scopes")? }).await?;
    Ok(vec![("ApplicationProvisionInfo", provision_info(&made))])
}

async fn uninstall(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(UninstallClient { app_id: app_id(ask)? }).await?;
    Ok(Vec::new())
}

async fn describe_installation(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let found = ask.perform(DescribeInstallation { app_id: app_id(ask)? }).await?;
    Ok(vec![("ApplicationProvisionInfo", provision_info(&found))])
}

async fn list_installations(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let external = match ask.params.text("SourceType") {
        None | Some("") => None,
        Some("inner") => Some(false),
        Some("external") => Some(true),
        Some(_) => return Err(AcsError::invalid("SourceType", "`inner` and `external` are the types")),
    };
    let listed = ask.perform(ListInstallations { external }).await?;
    Ok(vec![wrapped("ApplicationProvisionInfos", "ApplicationProvisionInfo", listed.iter().map(provision_info).collect())])
}

async fn install_external(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let made = ask.perform(InstallExternalClient { app_id: app_id(ask)?, scopes: scope(ask, "Scopes")? }).await?;
    Ok(vec![("ExternalApplication", external(&made))])
}

async fn uninstall_external(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(UninstallExternalClient { app_id: app_id(ask)? }).await?;
    Ok(Vec::new())
}

async fn describe_external(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(vec![("ExternalApplication", external(&ask.perform(DescribeExternalClient { app_id: app_id(ask)? }).await?))])
}

async fn list_external(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListExternalClients).await?;
    let items = listed.iter().map(external).collect();
    Ok(vec![wrapped("ExternalApplications", "ExternalApplication", items), ("IsTruncated", Tree::Flag(false))])
}
