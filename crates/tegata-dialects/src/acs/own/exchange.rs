//! An access token, or an API key with its token, for a temporary key.

use tegata_core::{
    grant::{ExchangeToken, SignedHere},
    sam::FromTemporaryKey,
};
use tegata_oauth::Scope;

use crate::acs::{
    ask::{Ask, Entry, Fields, entry},
    catalogue::{Kind, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "ExchangeToken",
        "An access token for the temporary key that signs the request, by ACS3",
        exchange,
        [need("AppId", Kind::Text), need("Scope", Kind::Text), may("ActorAppId", Kind::Text)]
    ),
    entry!("CreateApiSession", "An API key and token for the temporary key of a user that signs the request, by ACS3", api_key, []),
];

/// A public id that may be absent.
fn app_id(ask: &Ask<'_>, parameter: &'static str) -> Result<Option<String>, AcsError> {
    let Some(id) = ask.params.text(parameter).filter(|id| !id.is_empty()) else { return Ok(None) };
    let good = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if good { Ok(Some(id.to_owned())) } else { Err(AcsError::invalid(parameter, "it is not an id")) }
}

async fn exchange(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let scope = ask.params.text("Scope").unwrap_or_default();
    let scope = Scope::parse(scope).map_err(|error| AcsError::invalid("Scope", &error.to_string()))?;
    if scope.is_empty() {
        return Err(AcsError::missing("Scope"));
    }
    let operation = ExchangeToken {
        app_id: app_id(ask, "AppId")?.ok_or_else(|| AcsError::missing("AppId"))?,
        scope,
        actor: app_id(ask, "ActorAppId")?,
        signed: signed_here(ask),
    };
    let issued = ask.perform(operation).await?;
    Ok(vec![
        ("AccessToken", Tree::Text(issued.access_token.expose().to_owned())),
        ("TokenType", Tree::Text("Bearer".to_owned())),
        ("ExpiresIn", Tree::Number(issued.lifetime.as_secs())),
        ("Scope", Tree::Text(issued.scope.to_string())),
    ])
}

/// Whether the request was signed for this server, now.
fn signed_here(ask: &Ask<'_>) -> SignedHere {
    let hosts: Vec<&str> = ask.settings.urls().filter_map(|url| url.split_once("://")).map(|(_, host)| host).collect();
    SignedHere::of(ask.core, ask.caller, &hosts)
}

async fn api_key(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let session = ask.perform(FromTemporaryKey { signed: signed_here(ask) }).await?;
    let mut fields = vec![
        ("ApiKey", Tree::Text(session.api_key.expose().to_owned())),
        ("Token", Tree::Text(session.token.expose().to_owned())),
        ("OperatorId", Tree::Text(session.operator.as_str().to_owned())),
        ("Expiration", Tree::Text(session.expires_at.to_iso())),
    ];
    fields.extend(session.user.map(|user| ("UserName", Tree::Text(user.to_string()))));
    Ok(fields)
}
