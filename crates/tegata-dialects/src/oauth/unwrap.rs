//! `POST /unwrap`: the secret of an app for a code that is good once. The code stands in the body, since URLs are kept in many places.

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, header, request::Parts};
use serde_json::{Value, json};
use tegata_core::{RequestMeta, org::Unwrapped};
use tegata_model::SecretKey;
use tegata_oauth::OauthError;

use super::{Oauth, Shared, answer, error::OauthFault, proof::parameters, reply::Reply};
use crate::edge::limits::small_body;

/// Largest body of a request, in bytes.
const BODY: usize = 4096;

pub(crate) async fn receive(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "UnwrapSecret", |oauth, parts, body, meta| async move { (None, unwrap(&oauth, parts, body, meta).await) }).await
}

/// The code, from a form or from JSON.
async fn code(parts: &Parts, body: Body) -> Result<SecretKey, OauthFault> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        let form = parameters(parts, body).await?;
        return Ok(SecretKey::new(form.need("code")?.to_owned()));
    }
    let bytes = small_body(&mut body.into_data_stream(), BODY).await?;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let code = body.get("code").and_then(Value::as_str).ok_or_else(|| OauthError::request("`code` is missing"))?;
    Ok(SecretKey::new(code.to_owned()))
}

async fn unwrap(oauth: &Oauth, parts: Parts, body: Body, meta: RequestMeta) -> Result<Reply, OauthFault> {
    let code = code(&parts, body).await?;
    let (status, body) = match oauth.core.unwrap_secret(&meta, &code).await? {
        Unwrapped::Opened(one) => (
            StatusCode::OK,
            json!({ "clientId": one.id, "clientSecret": one.secret.expose(), "orgId": one.org, "tokenUrl": one.token_url }),
        ),
        Unwrapped::Before { at, from } => {
            let at = at.to_iso();
            let said = format!("the secret was opened before, at {at} from {from}; if that was not you, ask for another one at once");
            let body = json!({ "error": "already_opened", "error_description": said, "opened_at": at, "opened_from": from });
            (StatusCode::GONE, body)
        }
        Unwrapped::Unknown => {
            let said = "nothing waits for this code: it is wrong, or its time is over";
            (StatusCode::NOT_FOUND, json!({ "error": "unknown_code", "error_description": said }))
        }
    };
    Ok(Reply { status, ..Reply::json(body) })
}
