//! Apps as they are defined: `…/oauth-apps`, here and at the partner console.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tegata_core::org::{
    App, AppSecret, DeleteApps, DescribeApp, EndRotation, ListApps, NewApp, SecretChange, UpdateApp, create_app, replace_secret,
    rotate_own_secret, rotate_secret,
};
use tegata_model::SecretKey;

use super::{
    Asked, Csp, CspFault, Reply, Row,
    parts::{Page, flag, ids, list, nothing_of, number, scope, several, shown_scope, text},
    proof::{bearer_caller, client_caller},
    rows,
};

pub(crate) const ROWS: &[Row] = rows! {
    "POST" "/csp/gateway/am/api/orgs/{org}/oauth-apps" "CreateOAuthApp" create;
    "GET" "/csp/gateway/am/api/orgs/{org}/oauth-apps" "ListOAuthApps" list_apps;
    "DELETE" "/csp/gateway/am/api/orgs/{org}/oauth-apps" "DeleteOAuthApps" delete;
    "GET" "/csp/gateway/am/api/orgs/{org}/oauth-apps/{id}" "GetOAuthApp" describe;
    "PATCH" "/csp/gateway/am/api/orgs/{org}/oauth-apps/{id}" "UpdateOAuthApp" update;
    "POST" "/csp/gateway/am/api/orgs/{org}/oauth-apps/{id}/secret" "RotateOAuthAppSecret" rotate;
    "PUT" "/csp/gateway/am/api/orgs/{org}/oauth-apps/{id}/secret" "ReplaceOAuthAppSecret" replace;
    "DELETE" "/csp/gateway/am/api/orgs/{org}/oauth-apps/{id}/secret" "EndOAuthAppSecretRotation" end_rotation;
    "POST" "/cphub/api/auth/v2/orgs/{org}/oauth-apps" "PartnerCreateOAuthApp" create;
    "GET" "/cphub/api/auth/v2/orgs/{org}/oauth-apps" "PartnerListOAuthApps" list_apps;
    "DELETE" "/cphub/api/auth/v2/orgs/{org}/oauth-apps" "PartnerDeleteOAuthApps" delete;
    "GET" "/cphub/api/auth/v2/orgs/{org}/oauth-apps/{id}" "PartnerGetOAuthApp" describe;
    "PATCH" "/cphub/api/auth/v2/orgs/{org}/oauth-apps/{id}" "PartnerUpdateOAuthApp" update;
    "POST" "/cphub/api/auth/v2/orgs/{org}/oauth-apps/{id}/secret" "PartnerRotateOAuthAppSecret" partner_rotate;
    "PUT" "/cphub/api/auth/v2/orgs/{org}/oauth-apps/{id}/secret" "PartnerReplaceOAuthAppSecret" replace;
    "POST" "/cphub/api/auth/v2/clients/{id}/secret" "PartnerRotateOwnSecret" rotate_own;
};

/// Members that belong to kinds of apps that there are not.
const OTHER_KINDS: [&str; 12] = [
    "redirectUris",
    "postLogoutRedirectUris",
    "allowOpenRedirectUris",
    "refreshTokenTTL",
    "allowedOrgs",
    "publicClient",
    "forcePkce",
    "isHidden",
    "serviceDefinitionId",
    "crossOrgAccessClaimsSupported",
    "allowedActors",
    "additionalAttributeMasks",
];

/// How the one wire and the other call the same member, longest first.
const OVERLAP: &str = "secretRotationExpirationInSeconds";

fn grants(members: &Map<String, Value>) -> Result<(), CspFault> {
    match list(members, "grantTypes")? {
        Some(kinds) if kinds.is_empty() || kinds.iter().any(|kind| kind != "client_credentials") => {
            Err(CspFault::invalid("grantTypes", "only `client_credentials` is supported here"))
        }
        _ => Ok(()),
    }
}

fn secret(members: &Map<String, Value>, name: &str) -> Result<Option<Arc<SecretKey>>, CspFault> {
    Ok(text(members, name)?.map(|text| Arc::new(SecretKey::new(text.to_owned()))))
}

fn shown_secret(made: &AppSecret) -> Reply {
    Reply::json(json!({ "clientId": made.id, "clientSecret": made.secret.expose() }))
}

fn shown(app: &App) -> Value {
    json!({
        "id": app.id,
        "clientId": app.id,
        "displayName": app.display_name,
        "description": app.description,
        "organizationId": app.org,
        "grantTypes": ["client_credentials"],
        "accessTokenTTL": app.access_lifetime.as_secs(),
        "allowedScopes": shown_scope(&app.scope),
        "ownerOnlySecretRotation": app.owner_rotates,
        OVERLAP: app.overlap.as_secs(),
        "createdAt": app.created.0.unix(),
        "createdBy": app.created.1,
        "lastUpdatedAt": app.updated.0.unix(),
        "lastUpdatedBy": app.updated.1,
        "lastUsedAt": app.used_at.map(tegata_model::Timestamp::unix),
        "secretAge": app.secret_age.map(|age| age.as_secs()),
        "oldSecretValidUntil": app.old_secret_until.map(tegata_model::Timestamp::unix),
        "added": app.added,
        "publicClient": false,
        "immutable": false,
        "isHidden": false,
        "useCspIssuerUrl": false,
    })
}

async fn create(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let members = asked.json()?;
    nothing_of(members, &OTHER_KINDS)?;
    grants(members)?;
    let new = NewApp {
        org: asked.variable("org").to_owned(),
        id: text(members, "id")?.map(str::to_owned),
        secret: secret(members, "secret")?,
        display_name: text(members, "displayName")?.ok_or_else(|| CspFault::missing("displayName"))?.to_owned(),
        description: text(members, "description")?.unwrap_or_default().to_owned(),
        access_seconds: number(members, "accessTokenTTL")?,
        overlap_seconds: number(members, OVERLAP)?,
        owner_rotates: flag(members, "ownerOnlySecretRotation")?.unwrap_or_default(),
        scope: scope(members.get("allowedScopes").unwrap_or(&json!({})))?,
        wrap: None,
    };
    Ok(shown_secret(&create_app(&csp.core, &caller, new).await?))
}

async fn list_apps(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let page = Page::read(asked)?;
    let org = asked.variable("org").to_owned();
    let path = format!("/csp/gateway/am/api/orgs/{org}/oauth-apps");
    let search = asked.parameter("searchTerm").unwrap_or_default().to_owned();
    let found = csp.core.perform(&caller, &ListApps { org, search, skip: page.skip(), limit: page.limit() }).await?;
    Ok(Reply::json(page.show(&path, &found.items.iter().map(shown).collect::<Vec<_>>(), found.total)))
}

async fn describe(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let describe = DescribeApp { org: asked.variable("org").to_owned(), id: asked.variable("id").to_owned() };
    Ok(Reply::json(shown(&csp.core.perform(&caller, &describe).await?)))
}

async fn update(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let members = asked.json()?;
    nothing_of(members, &OTHER_KINDS)?;
    nothing_of(members, &["secret"])?;
    grants(members)?;
    if text(members, "id")?.is_some_and(|id| id != asked.variable("id")) {
        return Err(CspFault::invalid("id", "it cannot be changed"));
    }
    let update = UpdateApp {
        org: asked.variable("org").to_owned(),
        id: asked.variable("id").to_owned(),
        display_name: text(members, "displayName")?.map(str::to_owned),
        description: text(members, "description")?.map(str::to_owned),
        access_seconds: number(members, "accessTokenTTL")?,
        overlap_seconds: number(members, OVERLAP)?,
        owner_rotates: flag(members, "ownerOnlySecretRotation")?,
        scope: members.get("allowedScopes").filter(|value| !value.is_null()).map(scope).transpose()?,
    };
    Ok(Reply::json(shown(&csp.core.perform(&caller, &update).await?)))
}

async fn delete(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let members = asked.json()?;
    let name = if members.contains_key("clientIdsToDelete") { "clientIdsToDelete" } else { "ids" };
    let delete = DeleteApps { org: asked.variable("org").to_owned(), ids: ids(members, name)? };
    Ok(Reply::json(several(&csp.core.perform(&caller, &delete).await?)))
}

fn secret_change(asked: &Asked, members: &Map<String, Value>, overlap: &str) -> Result<SecretChange, CspFault> {
    Ok(SecretChange {
        org: asked.variable("org").to_owned(),
        id: asked.variable("id").to_owned(),
        secret: secret(members, "newClientSecret")?,
        overlap_seconds: number(members, overlap)?,
        wrap: None,
    })
}

async fn rotate(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let change = secret_change(asked, asked.json()?, OVERLAP)?;
    Ok(shown_secret(&rotate_secret(&csp.core, &caller, change).await?))
}

/// The partner console calls the time otherwise, and wants both members.
async fn partner_rotate(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    Ok(shown_secret(&rotate_secret(&csp.core, &caller, partner_change(asked)?).await?))
}

fn partner_change(asked: &Asked) -> Result<SecretChange, CspFault> {
    let change = secret_change(asked, asked.json()?, "secretExpirationTimeInSeconds")?;
    match (&change.secret, change.overlap_seconds) {
        (None, _) => Err(CspFault::missing("newClientSecret")),
        (_, None) => Err(CspFault::missing("secretExpirationTimeInSeconds")),
        _ => Ok(change),
    }
}

async fn rotate_own(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = client_caller(csp, asked).await?;
    Ok(shown_secret(&rotate_own_secret(&csp.core, &caller, partner_change(asked)?).await?))
}

async fn replace(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let change = secret_change(asked, asked.json()?, OVERLAP)?;
    Ok(shown_secret(&replace_secret(&csp.core, &caller, change).await?))
}

async fn end_rotation(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let end = EndRotation { org: asked.variable("org").to_owned(), id: asked.variable("id").to_owned() };
    csp.core.perform(&caller, &end).await?;
    Ok(Reply::json(json!({ "clientId": end.id })))
}
