//! API tokens of users: made once shown, listed, and taken back.

use std::time::Duration;

use tegata_core::directory::{API_TOKEN_LIFE, ApiToken, CreateApiToken, ListApiTokens, RevokeApiToken};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, said, text, wrapped},
    catalogue::{Kind, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateApiToken",
        "Make an API token of a user, shown this once, for tokens of its organization",
        create,
        [
            may("UserName", Kind::User),
            need("ApiTokenName", Kind::Text),
            may("Scope", Kind::Text),
            may("ValiditySeconds", Kind::Number),
            may("IdleSeconds", Kind::Number)
        ]
    ),
    entry!("ListApiTokens", "The API tokens of a user, oldest first", list, [may("UserName", Kind::User)]),
    entry!(
        "RevokeApiToken",
        "Take an API token back, with every access token that came of it",
        revoke,
        [may("UserName", Kind::User), need("ApiTokenId", Kind::Text)]
    ),
];

fn token(one: ApiToken) -> Tree {
    let mut fields = vec![
        ("ApiTokenId", Tree::Text(one.id)),
        ("ApiTokenName", Tree::Text(one.name)),
        ("CreateDate", Tree::Text(one.created_at.to_iso())),
        ("ExpireDate", Tree::Text(one.expires_at.to_iso())),
        ("IdleSeconds", Tree::Number(one.idle.as_secs())),
    ];
    fields.extend(said("Scope", one.scope.join(" ")));
    fields.extend(one.used_at.map(|at| ("LastUsedDate", Tree::Text(at.to_iso()))));
    if let Some((at, by)) = one.deactivated {
        fields.push(("RevokeDate", Tree::Text(at.to_iso())));
        fields.push(("RevokedBy", Tree::Text(by)));
    }
    Tree::Object(fields)
}

async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = CreateApiToken {
        user: ask.maybe_name("UserName")?,
        name: ask.params.required("ApiTokenName")?,
        scope: ask.params.text("Scope").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect(),
        lifetime: ask.params.seconds("ValiditySeconds")?.unwrap_or(API_TOKEN_LIFE),
        idle: ask.params.seconds("IdleSeconds")?.unwrap_or(Duration::ZERO),
    };
    let made = ask.perform(input).await?;
    Ok(vec![("ApiToken", token(made.token)), ("ApiTokenValue", text(&made.value.expose()))])
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListApiTokens { user: ask.maybe_name("UserName")? }).await?;
    Ok(vec![wrapped("ApiTokens", "ApiToken", listed.into_iter().map(token).collect())])
}

async fn revoke(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = RevokeApiToken { user: ask.maybe_name("UserName")?, id: ask.params.required("ApiTokenId")? };
    ask.perform(input).await?;
    Ok(Vec::new())
}
