//! The token endpoints: access tokens for apps and for API tokens of users, and what is done with tokens.

use std::time::Duration;

use http::{StatusCode, header};
use serde_json::{Value, json};
use tegata_core::{
    OpError,
    authn::Proof,
    directory::ApiTokenDetails,
    grant::{
        GrantFailure, IntrospectOrganisationToken, Narrowed, OrganisationIntrospection, OrganisationToken, OrganisationTokens,
        RedeemApiToken, RevokeOrganisationToken,
    },
};
use tegata_model::SecretKey;

use super::{
    Asked, Csp, CspFault, Reply, Row,
    proof::{basic, caller_of, client_caller, in_body},
    rows,
};

pub(crate) const ROWS: &[Row] = rows! {
    "POST" "/csp/gateway/am/api/auth/authorize" "Authorize" authorize;
    "POST" "/csp/gateway/am/api/auth/token" "Token" authorize;
    "POST" "/csp/gateway/am/api/auth/api-tokens/authorize" "AuthorizeApiToken" authorize_api_token;
    "POST" "/csp/gateway/am/api/auth/api-tokens/details" "ApiTokenDetails" api_token_details;
    "POST" "/csp/gateway/am/api/auth/introspect" "Introspect" introspect;
    "POST" "/csp/gateway/am/api/auth/revoke" "Revoke" revoke;
};

/// `/auth/authorize` and `/auth/token`: one contract under two names. Apps ask for themselves; no other grant is offered, and those
/// that would let a client act for somebody else never will be.
async fn authorize(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    match asked.need("grant_type")? {
        "client_credentials" => {}
        other => {
            let shown: String = other.chars().take(64).flat_map(char::escape_debug).collect();
            let said = format!("the grant `{shown}` is not offered");
            return Err(CspFault::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", said));
        }
    }
    let organisation = asked.either(["orgId", "org_id"])?.map(ToOwned::to_owned);
    let issued = for_app(csp, asked, organisation).await?;
    Ok(Reply::json(shown(&issued, None)))
}

/// A token for the app that asks.
pub(super) async fn for_app(csp: &Csp, asked: &Asked, organisation: Option<String>) -> Result<OrganisationTokens, CspFault> {
    let narrowed = narrowed(asked)?;
    let caller = client_caller(csp, asked).await?;
    Ok(csp.core.perform(&caller, &OrganisationToken { organisation, narrowed }).await?)
}

/// A token for the app that the body shows.
pub(super) async fn for_app_in_body(csp: &Csp, asked: &Asked, organisation: String) -> Result<OrganisationTokens, CspFault> {
    let narrowed = narrowed(asked)?;
    let caller = caller_of(csp, asked, in_body(asked.need("clientId")?, asked.parameter("clientSecret"))).await?;
    Ok(csp.core.perform(&caller, &OrganisationToken { organisation: Some(organisation), narrowed }).await?)
}

/// What the request asks to be less.
fn narrowed(asked: &Asked) -> Result<Narrowed, CspFault> {
    let scope = asked.parameter("scope").map(|text| text.split_ascii_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>());
    let lifetime = asked.number("accessTokenValiditySeconds")?.map(Duration::from_secs);
    Ok(Narrowed { scope: scope.filter(|words| !words.is_empty()), lifetime })
}

/// `/auth/api-tokens/authorize`: whoever has the token may, and no client proves itself. What is said of a grant is ignored.
async fn authorize_api_token(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let token = asked.either(["api_token", "refresh_token"])?.ok_or_else(|| CspFault::missing("api_token"))?;
    let issued = for_api_token(csp, asked, token).await?;
    Ok(Reply::json(shown(&issued, Some(token))))
}

/// A token for an API token of a user.
pub(super) async fn for_api_token(csp: &Csp, asked: &Asked, token: &str) -> Result<OrganisationTokens, CspFault> {
    let narrowed = narrowed(asked)?;
    // A token that is taken back between the two steps is told like one that never was.
    let refused = |error| match error {
        OpError::Grant(GrantFailure::Fallen(_)) => CspFault::api_token(),
        other => CspFault::from(other),
    };
    let proof = Proof::ApiToken(SecretKey::new(token.to_owned()));
    let caller = csp.core.authenticate(proof, asked.meta.clone()).await.map_err(refused)?;
    asked.named(&caller);
    csp.core.perform(&caller, &RedeemApiToken { narrowed }).await.map_err(refused)
}

/// A success: `scope` is always a text, and there is never a key `error`.
fn shown(issued: &OrganisationTokens, api_token: Option<&str>) -> Value {
    json!({
        "access_token": issued.access_token.expose(),
        "token_type": "bearer",
        "expires_in": issued.lifetime.as_secs(),
        "scope": issued.scope.join(" "),
        "refresh_token": api_token,
        "id_token": null,
    })
}

/// `/auth/api-tokens/details`: what is said of a token to whoever has it.
async fn api_token_details(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let text = asked.json()?.get("tokenValue").and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| CspFault::missing("tokenValue"))?;
    let details = csp.core.api_token_details(&SecretKey::new(text.to_owned())).await?.ok_or_else(CspFault::api_token)?;
    Ok(Reply::json(details_shown(&details, text)))
}

/// Times are seconds.
fn details_shown(details: &ApiTokenDetails, text: &str) -> Value {
    let ApiTokenDetails { token, organisation, user, user_name, login } = details;
    let (deactivated_on, deactivated_by) = token.deactivated.as_ref().map(|(at, by)| (at.unix(), by.as_str())).unzip();
    json!({
        "tokenName": token.name,
        "tokenId": token.id,
        "token": text,
        "orgId": organisation,
        "userId": user,
        "username": user_name,
        "acct": login,
        "domain": tegata_oauth::org_token::USER_DOMAIN,
        "idpId": tegata_oauth::org_token::USER_DOMAIN,
        "createdAt": token.created_at.unix(),
        "expiresAt": token.expires_at.unix(),
        "lastUsedAt": token.used_at.map(tegata_model::Timestamp::unix),
        "scope": token.scope,
        "allowedScopes": null,
        "deactivated": token.deactivated.is_some(),
        "deactivatedUpdatedBy": deactivated_by,
        "deactivatedUpdatedOn": deactivated_on,
    })
}

/// The client of an endpoint that knows it by its header only: one that is missing or malformed is a bad request here.
async fn header_client(csp: &Csp, asked: &Asked) -> Result<tegata_core::Caller, CspFault> {
    let bad = |said: String| CspFault::new(StatusCode::BAD_REQUEST, "invalid_client", said);
    let header = asked.header(header::AUTHORIZATION.as_str())?.ok_or_else(|| bad("the header `Authorization` is missing".to_owned()))?;
    let shown = basic(header).map_err(|fault| bad(fault.description)).inspect_err(|_| csp.core.refuse_malformed(asked.meta.source))?;
    caller_of(csp, asked, shown).await
}

/// `/auth/introspect`
async fn introspect(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = header_client(csp, asked).await?;
    let token = SecretKey::new(asked.need("token")?.to_owned());
    let found = csp.core.perform(&caller, &IntrospectOrganisationToken { token }).await?;
    Ok(Reply::json(match found {
        OrganisationIntrospection::Inactive => json!({ "active": false }),
        OrganisationIntrospection::ApiToken { subject, organisation, issued_at, expires_at } => json!({
            "active": true, "token_type": "refresh_token", "sub": subject, "orgId": organisation, "iat": issued_at, "exp": expires_at,
        }),
        OrganisationIntrospection::Access(claims) => json!({
            "active": true,
            "token_type": "bearer",
            "iss": claims.iss,
            "sub": claims.sub,
            "client_id": claims.client_id,
            "username": claims.username,
            "orgId": claims.context_name,
            "scope": claims.scope,
            "perms": claims.perms,
            "iat": claims.iat,
            "exp": claims.exp,
            "jti": claims.jti,
        }),
    }))
}

/// `/auth/revoke`: 200 whatever the token was (RFC 7009 §2.2).
async fn revoke(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = header_client(csp, asked).await?;
    let token = SecretKey::new(asked.need("token")?.to_owned());
    csp.core.perform(&caller, &RevokeOrganisationToken { token }).await?;
    Ok(Reply::json(json!({})))
}
