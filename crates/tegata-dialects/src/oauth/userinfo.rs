//! `/oauth/userinfo` and `/v1/userinfo`: of whom a token speaks (OpenID Connect Core 1.0 §5.3).

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::request::Parts;
use serde_json::Value;
use tegata_core::{RequestMeta, grant::UserInfo};

use super::{Oauth, Shared, answer, error::OauthFault, proof::token_caller, reply::Reply};

pub(crate) async fn receive(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "UserInfo", |oauth, parts, _, meta| async move {
        let mut who = None;
        let result = tell(&oauth, &parts, meta, &mut who).await;
        (who, result)
    })
    .await
}

async fn tell(oauth: &Oauth, parts: &Parts, meta: RequestMeta, who: &mut Option<String>) -> Result<Reply, OauthFault> {
    let id = meta.id;
    let caller = token_caller(oauth, parts, meta).await?;
    *who = Some(caller.audit_name());
    let mut found = oauth.core.perform(&caller, &UserInfo).await?;
    found.about.insert("sub".to_owned(), found.subject.into());
    if parts.uri.path() == "/v1/userinfo" {
        found.about.insert("requestid".to_owned(), id.to_uuid().into());
    }
    Ok(Reply::json(Value::Object(found.about)))
}
