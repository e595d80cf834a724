//! `/oauth/token` and `/v1/token`: tokens for what a client shows.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, request::Parts};
use serde_json::{Map, Value};
use tegata_core::{
    Caller, RequestMeta,
    authn::About,
    grant::{ClientCredentials, ExchangeSubject, IssuedTokens, RedeemCode, RedeemDeviceCode, RefreshGrant},
};
use tegata_model::SecretKey;
use tegata_oauth::{ErrorCode, TokenRequest};

use super::{
    Oauth, Shared, answer, code_page,
    error::OauthFault,
    proof::{self, client_caller, parameters},
    reply::Reply,
    subject,
};

pub(crate) async fn receive(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "Token", |oauth, parts, body, meta| async move {
        let mut who = None;
        let result = issue(&oauth, parts, body, meta, &mut who).await;
        (who, result)
    })
    .await
}

async fn issue(oauth: &Arc<Oauth>, parts: Parts, body: Body, meta: RequestMeta, who: &mut Option<String>) -> Result<Reply, OauthFault> {
    let parameters = parameters(&parts, body).await?;
    let request = TokenRequest::parse(&parameters)?;
    if let TokenRequest::Exchange { .. } = &request {
        subject::check(&request, &oauth.settings)?;
    }
    let key = proof::key(oauth, &parts, None)?;
    let thumbprint = key.as_ref().map(|key| key.thumbprint.clone());
    let about = match &request {
        TokenRequest::Code { code, .. } => About::Code(copy(code)),
        TokenRequest::Refresh { token, .. } => About::Token(copy(token)),
        TokenRequest::Exchange { subject, .. } => About::Token(copy(subject)),
        TokenRequest::Device { code, .. } => About::Device(copy(code)),
        TokenRequest::ClientCredentials { .. } => About::Itself,
    };
    // An official application that shows a code or token of nobody has no account to be asked in: what it shows is not good.
    let shows_grant = matches!(request, TokenRequest::Code { .. } | TokenRequest::Refresh { .. });
    let caller = client_caller(oauth, &parts, &parameters, about, key, meta).await.map_err(|fault| match fault.code {
        ErrorCode::UnauthorizedClient if shows_grant => {
            OauthFault::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidGrant, "the code or refresh token is not known")
        }
        _ => fault,
    })?;
    *who = Some(caller.audit_name());
    if let TokenRequest::Exchange { subject: token, scope, .. } = request {
        let exchanged = oauth.core.perform(&caller, &ExchangeSubject { token, scope, key: thumbprint }).await?;
        return Ok(subject::reply(oauth, &exchanged));
    }
    let issued = perform(oauth, &caller, request, thumbprint).await?;
    let mut reply = Reply::json(shown(&issued));
    if issued.key_bound {
        reply.nonce = Some(oauth.core.proof_nonce()?);
    }
    Ok(reply)
}

async fn perform(oauth: &Oauth, caller: &Caller, request: TokenRequest, key: Option<String>) -> Result<IssuedTokens, OauthFault> {
    let core = &oauth.core;
    Ok(match request {
        TokenRequest::ClientCredentials { scope } => core.perform_grant(caller, &ClientCredentials { scope, key }).await?,
        TokenRequest::Code { code, redirect_uri, verifier } => {
            let redirect_uri = redirect_uri.map(|uri| code_page::named(&oauth.settings, uri));
            core.perform_grant(caller, &RedeemCode { code, redirect_uri, verifier, key }).await?
        }
        TokenRequest::Refresh { token, scope } => core.perform_grant(caller, &RefreshGrant { token, scope, key }).await?,
        TokenRequest::Device { code, verifier } => core.perform_grant(caller, &RedeemDeviceCode { code, verifier, key }).await?,
        TokenRequest::Exchange { .. } => {
            return Err(OauthFault::new(StatusCode::BAD_REQUEST, ErrorCode::UnsupportedGrantType, "the grant is not offered"));
        }
    })
}

fn copy(secret: &SecretKey) -> SecretKey {
    SecretKey::new(secret.expose().to_owned())
}

/// The body of RFC 6749 §5.1.
fn shown(issued: &IssuedTokens) -> Value {
    let mut body = Map::new();
    let mut say = |name: &str, value: Value| body.insert(name.to_owned(), value);
    say("access_token", issued.access_token.expose().into());
    say("token_type", if issued.key_bound { "DPoP" } else { "Bearer" }.into());
    say("expires_in", issued.lifetime.as_secs().into());
    if let Some(token) = &issued.refresh_token {
        say("refresh_token", token.expose().into());
    }
    if let Some(lifetime) = issued.refresh_lifetime {
        say("refresh_expires_in", lifetime.as_secs().into());
    }
    if let Some(token) = &issued.id_token {
        say("id_token", token.expose().into());
    }
    if !issued.scope.is_empty() {
        say("scope", issued.scope.to_string().into());
    }
    Value::Object(body)
}
