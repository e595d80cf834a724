//! `/oauth/introspect`: what a token is worth (RFC 7662 §2).

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::request::Parts;
use serde_json::{Value, json};
use tegata_core::{
    RequestMeta,
    authn::About,
    grant::{Introspect, Introspection},
};
use tegata_model::SecretKey;

use super::{
    Oauth, Shared, answer,
    error::OauthFault,
    proof::{client_caller, parameters},
    reply::Reply,
};

pub(crate) async fn receive(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "Introspect", |oauth, parts, body, meta| async move {
        let mut who = None;
        let result = introspect(&oauth, parts, body, meta, &mut who).await;
        (who, result)
    })
    .await
}

async fn introspect(oauth: &Oauth, parts: Parts, body: Body, meta: RequestMeta, who: &mut Option<String>) -> Result<Reply, OauthFault> {
    let parameters = parameters(&parts, body).await?;
    let token = SecretKey::new(parameters.need("token")?.to_owned());
    let caller = client_caller(oauth, &parts, &parameters, About::Itself, None, meta).await?;
    *who = Some(caller.audit_name());
    let found = oauth.core.perform(&caller, &Introspect { token }).await?;
    Ok(Reply::json(shown(&found, &oauth.settings.public_url)))
}

fn shown(found: &Introspection, issuer: &str) -> Value {
    match found {
        Introspection::Inactive => json!({ "active": false }),
        Introspection::Refresh { client_id, scope, expires_at } => json!({
            "active": true, "client_id": client_id, "scope": scope.to_string(), "exp": expires_at.unix(), "iss": issuer,
            "token_type": "refresh_token",
        }),
        Introspection::Access { claims, username } => {
            let mut body = json!({
                "active": true,
                "iss": claims.iss,
                "sub": claims.sub,
                "aud": if let [one] = claims.aud.as_slice() { json!(one) } else { json!(claims.aud) },
                "client_id": claims.client_id,
                "iat": claims.iat,
                "exp": claims.exp,
                "jti": claims.jti,
                "token_type": if claims.cnf.is_some() { "DPoP" } else { "Bearer" },
            });
            if let Some(members) = body.as_object_mut() {
                let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
                if !claims.scope.is_empty() {
                    say("scope", claims.scope.clone().into());
                }
                if let Some(name) = username {
                    say("username", name.clone().into());
                }
                if let Some(at) = claims.auth_time {
                    say("auth_time", at.into());
                }
                if let Some(key) = &claims.cnf {
                    say("cnf", json!({ "jkt": key.jkt }));
                }
                if let Some(actor) = &claims.act {
                    say("act", json!({ "sub": actor.sub }));
                }
            }
            body
        }
    }
}
