//! `/oauth/revoke` and `/v1/revoke`: a token is taken back (RFC 7009 §2).

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::request::Parts;
use tegata_core::{RequestMeta, authn::About, grant::Revoke};
use tegata_model::SecretKey;
use tegata_oauth::ErrorCode;

use super::{
    Oauth, Shared, answer,
    error::OauthFault,
    proof::{client_caller, parameters},
    reply::Reply,
};

pub(crate) async fn receive(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "Revoke", |oauth, parts, body, meta| async move {
        let mut who = None;
        let result = revoke(&oauth, parts, body, meta, &mut who).await;
        (who, result)
    })
    .await
}

async fn revoke(oauth: &Oauth, parts: Parts, body: Body, meta: RequestMeta, who: &mut Option<String>) -> Result<Reply, OauthFault> {
    let parameters = parameters(&parts, body).await?;
    let text = parameters.need("token")?;
    let copy = || SecretKey::new(text.to_owned());
    let caller = match client_caller(oauth, &parts, &parameters, About::Token(copy()), None, meta).await {
        Ok(caller) => caller,
        // An official application that shows a token of nobody: there is nothing to take back (RFC 7009 §2.2).
        Err(fault) if fault.code == ErrorCode::UnauthorizedClient => return Ok(Reply::empty()),
        Err(fault) => return Err(fault),
    };
    *who = Some(caller.audit_name());
    oauth.core.perform(&caller, &Revoke { token: copy() }).await?;
    Ok(Reply::empty())
}
