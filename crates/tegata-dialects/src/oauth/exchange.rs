//! `/v1/exchange`: a temporary key for a token of the official application. Nothing is read from the body, which clients leave empty
//! or fill with `{}`, both called JSON.

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::request::Parts;
use serde_json::json;
use tegata_core::{RequestMeta, grant::ExchangeForSession};

use super::{Oauth, Shared, answer, error::OauthFault, proof::token_caller, reply::Reply};

pub(crate) async fn receive(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "Exchange", |oauth, parts, _, meta| async move {
        let mut who = None;
        let result = exchange(&oauth, &parts, meta, &mut who).await;
        (who, result)
    })
    .await
}

async fn exchange(oauth: &Oauth, parts: &Parts, meta: RequestMeta, who: &mut Option<String>) -> Result<Reply, OauthFault> {
    let id = meta.id.to_uuid();
    let caller = token_caller(oauth, parts, meta).await?;
    *who = Some(caller.audit_name());
    let credential = oauth.core.perform(&caller, &ExchangeForSession).await?;
    let (key, secret) = (credential.access_key_id.as_str(), credential.secret.expose());
    let (token, expiration) = (credential.security_token.expose(), credential.expires_at.to_iso());
    // Some clients read one spelling, some the other.
    Ok(Reply::json(json!({
        "accessKeyId": key, "accessKeySecret": secret, "securityToken": token, "expiration": expiration, "requestId": id,
        "AccessKeyId": key, "AccessKeySecret": secret, "SecurityToken": token, "Expiration": expiration, "RequestId": id,
    })))
}
