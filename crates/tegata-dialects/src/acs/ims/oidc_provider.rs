//! OpenID providers.

use std::{fmt::Display, str::FromStr, time::Duration};

use tegata_core::directory::{
    AddClientId, AddFingerprint, CreateOidcProvider, DeleteOidcProvider, DescribeOidcProvider, ListOidcProviders, OidcProvider,
    RemoveClientId, RemoveFingerprint, UpdateOidcProvider,
};
use tegata_model::{OidcProviderName, Timestamp};

use crate::acs::{
    arn,
    ask::{Ask, Entry, Fields, entry, paged, text},
    catalogue::{Kind, MARKER, MAX_ITEMS, Parameter, may, need},
    error::AcsError,
    reply::Tree,
};

/// A provider that exists.
const NAME: Parameter = need("OIDCProviderName", Kind::OidcProvider);

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateOIDCProvider",
        "Take the tokens of an OpenID provider, where a role trusts it",
        create,
        [
            need("OIDCProviderName", Kind::Text),
            need("IssuerUrl", Kind::Text),
            may("ClientIds", Kind::Text),
            may("Fingerprints", Kind::Text),
            may("IssuanceLimitTime", Kind::Number),
            may("Description", Kind::Text)
        ]
    ),
    entry!("GetOIDCProvider", "What is said of an OpenID provider", describe, [NAME]),
    entry!(
        "UpdateOIDCProvider",
        "Change the audiences of an OpenID provider, or what is said of it",
        update,
        [NAME, may("ClientIds", Kind::Text), may("IssuanceLimitTime", Kind::Number), may("NewDescription", Kind::Text)]
    ),
    entry!("DeleteOIDCProvider", "Take no more tokens of an OpenID provider; sessions that began with one end", delete, [NAME]),
    entry!("ListOIDCProviders", "The OpenID providers of the account", list, [MARKER, MAX_ITEMS]),
    entry!("AddClientIdToOIDCProvider", "Accept one more audience", add_client_id, [NAME, need("ClientId", Kind::Text)]),
    entry!("RemoveClientIdFromOIDCProvider", "Accept an audience no more", remove_client_id, [NAME, need("ClientId", Kind::Text)]),
    entry!("AddFingerprintToOIDCProvider", "Accept one more certificate", add_fingerprint, [NAME, need("Fingerprint", Kind::Text)]),
    entry!(
        "RemoveFingerprintFromOIDCProvider",
        "Accept a certificate no more",
        remove_fingerprint,
        [NAME, need("Fingerprint", Kind::Text)]
    ),
];

fn millis(at: Timestamp) -> Tree {
    Tree::Text((at.unix().saturating_mul(1000)).to_string())
}

fn joined<T: AsRef<str>>(words: &[T]) -> Tree {
    Tree::Text(words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(","))
}

fn shape(provider: &OidcProvider) -> Tree {
    Tree::Object(vec![
        ("OIDCProviderName", text(&provider.name)),
        ("Arn", Tree::Text(arn::oidc_provider(provider.account, &provider.name))),
        ("IssuerUrl", text(&provider.issuer)),
        ("ClientIds", joined(&provider.client_ids)),
        ("Fingerprints", joined(&provider.fingerprints)),
        ("IssuanceLimitTime", Tree::Number(provider.issuance_limit.as_secs() / 3600)),
        ("Description", text(&provider.description)),
        ("CreateDate", Tree::Text(provider.created_at.to_iso())),
        ("UpdateDate", Tree::Text(provider.updated_at.to_iso())),
        ("GmtCreate", millis(provider.created_at)),
        ("GmtModified", millis(provider.updated_at)),
    ])
}

fn whole(provider: &OidcProvider) -> Fields {
    vec![("OIDCProvider", shape(provider))]
}

fn name(ask: &Ask<'_>) -> Result<OidcProviderName, AcsError> {
    ask.params.required("OIDCProviderName")
}

/// A list separated by commas; `None` if it is absent.
fn separated<T: FromStr<Err: Display>>(ask: &Ask<'_>, parameter: &'static str) -> Result<Option<Vec<T>>, AcsError> {
    let Some(text) = ask.params.text(parameter) else { return Ok(None) };
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let each = words.map(|word| word.parse().map_err(|error: T::Err| AcsError::invalid(parameter, &error.to_string())));
    each.collect::<Result<_, _>>().map(Some)
}

fn hours(ask: &Ask<'_>) -> Result<Option<Duration>, AcsError> {
    match ask.params.text("IssuanceLimitTime") {
        None | Some("") => Ok(None),
        Some(text) => {
            let hours = text.parse::<u16>().map_err(|_| AcsError::invalid("IssuanceLimitTime", "a whole number of hours is needed"))?;
            Ok(Some(Duration::from_hours(hours.into())))
        }
    }
}

/// A text that may be absent; an empty one says nothing.
fn words<T: FromStr<Err: Display>>(ask: &Ask<'_>, parameter: &'static str) -> Result<Option<T>, AcsError> {
    if ask.params.text(parameter) == Some("") { Ok(None) } else { ask.params.optional(parameter) }
}

async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = CreateOidcProvider {
        name: name(ask)?,
        issuer: ask.params.required("IssuerUrl")?,
        client_ids: separated(ask, "ClientIds")?.unwrap_or_default(),
        fingerprints: separated(ask, "Fingerprints")?.unwrap_or_default(),
        issuance_limit: hours(ask)?,
        description: words(ask, "Description")?,
    };
    Ok(whole(&ask.perform(input).await?))
}

async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(whole(&ask.perform(DescribeOidcProvider { name: name(ask)? }).await?))
}

async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = UpdateOidcProvider {
        name: name(ask)?,
        client_ids: separated(ask, "ClientIds")?,
        issuance_limit: hours(ask)?,
        description: words(ask, "NewDescription")?,
    };
    Ok(whole(&ask.perform(input).await?))
}

async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeleteOidcProvider { name: name(ask)? }).await?;
    Ok(Vec::new())
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListOidcProviders { page: ask.page(100)? }).await?;
    Ok(paged("OIDCProviders", "OIDCProvider", listed, |provider| shape(&provider)))
}

async fn add_client_id(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(whole(&ask.perform(AddClientId { name: name(ask)?, client_id: ask.params.required("ClientId")? }).await?))
}

async fn remove_client_id(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(whole(&ask.perform(RemoveClientId { name: name(ask)?, client_id: ask.params.required("ClientId")? }).await?))
}

async fn add_fingerprint(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(whole(&ask.perform(AddFingerprint { name: name(ask)?, fingerprint: ask.params.required("Fingerprint")? }).await?))
}

async fn remove_fingerprint(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(whole(&ask.perform(RemoveFingerprint { name: name(ask)?, fingerprint: ask.params.required("Fingerprint")? }).await?))
}
