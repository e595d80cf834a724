//! The vendor's single sign-on, as its command line and libraries speak it: JSON in and out, at the root of the server.
//!
//! | on this wire | in this house |
//! |---|---|
//! | account | the person's account |
//! | access configuration | a role that the person may become now |
//! | `POST /device-authorization`, `POST /token` | the device grant |
//! | `POST /cloud-credentials` | [`tegata_core::sts::AssumeRole`] |
//!
//! The client tells only two things apart while it waits: `AuthorizationPending`, after which it pauses, and
//! `InvalidDeviceCodeError`, which ends it. Anything else it asks again at once, so nothing else is said. A failure of
//! `/cloud-credentials` is never a 5xx: the client would crash.

use std::{future::Future, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, request::Parts};
use serde::Deserialize;
use serde_json::{Value, json};
use tegata_core::{
    Caller, CallerKind, RequestMeta,
    authn::{About, PresentedClient, Proof},
    grant::{BeginDevice, RedeemDeviceCode},
    sts::{AssumeRole, ListAccessConfigurations},
};
use tegata_model::{RoleId, SecretKey};
use tegata_oauth::{Challenge, ErrorCode, OauthError, Verifier, token_request::DEVICE_CODE};

use super::{NAME, Oauth, Shared, error::OauthFault, proof::token_caller, reply};
use crate::edge::{
    limits::small_body,
    meta,
    span::{self, Journal},
};

/// The one client of these endpoints.
const CLIENT: &str = "app-vaz16tltdxs96audqf35";
/// Largest body of a request, in bytes.
const BODY: usize = 16 * 1024;

/// What an endpoint makes of its request.
type Made = Result<Value, OauthFault>;

/// Answers a request. What is refused is told by the names of this wire.
async fn answer<F>(
    oauth: Arc<Oauth>,
    request: Request,
    name: &'static str,
    codes: fn(&OauthFault) -> (StatusCode, &'static str),
    handler: impl FnOnce(Arc<Oauth>, Parts, Body, RequestMeta) -> F,
) -> Response
where
    F: Future<Output = (Option<String>, Made)>,
{
    let (parts, body) = request.into_parts();
    let meta = meta::read(&oauth.core, &parts, &oauth.settings.trusted_proxies);
    span::within(NAME, &meta.clone(), || async move {
        let mut journal = Journal::new();
        journal.operation = name;
        let id = meta.id;
        let (caller, result) = handler(oauth, parts, body, meta).await;
        if let Some(caller) = caller {
            journal.named(caller);
        }
        let response = match result {
            Ok(mut body) => {
                if let Some(members) = body.as_object_mut() {
                    members.insert("RequestId".to_owned(), id.to_uuid().into());
                }
                reply::json(StatusCode::OK, &body, id)
            }
            Err(fault) => {
                journal.failure(&fault);
                let (status, code) = codes(&fault);
                let body = json!({ "ErrorCode": code, "ErrorMessage": fault.description, "RequestId": id.to_uuid() });
                reply::json(status, &body, id)
            }
        };
        (response, journal)
    })
    .await
}

async fn read<T: for<'a> Deserialize<'a>>(body: Body) -> Result<T, OauthFault> {
    let bytes = small_body(&mut body.into_data_stream(), BODY).await?;
    let shape = |error: serde_json::Error| OauthError::request(format!("the body is not the JSON that is expected here: {error}"));
    Ok(serde_json::from_slice(&bytes).map_err(shape)?)
}

/// What is told where nobody waits.
fn usual(fault: &OauthFault) -> (StatusCode, &'static str) {
    match (fault.code, fault.status) {
        (_, status @ StatusCode::TOO_MANY_REQUESTS) => (status, "Throttling"),
        (ErrorCode::InvalidToken | ErrorCode::ExpiredToken | ErrorCode::InvalidGrant, _) => {
            (StatusCode::UNAUTHORIZED, "InvalidAccessToken")
        }
        (ErrorCode::InvalidClient, _) => (StatusCode::BAD_REQUEST, "InvalidClient"),
        (ErrorCode::AccessDenied | ErrorCode::InsufficientScope, _) => (StatusCode::FORBIDDEN, "NoPermission"),
        (_, status) if status.is_server_error() => (StatusCode::BAD_REQUEST, "InternalError"),
        (_, status) => (status, "InvalidParameter"),
    }
}

/// What is told to whoever waits.
fn waiting(fault: &OauthFault) -> (StatusCode, &'static str) {
    let code = match fault.code {
        ErrorCode::AuthorizationPending | ErrorCode::SlowDown => "AuthorizationPending",
        _ if fault.status.is_server_error() => return (fault.status, "InternalError"),
        _ => "InvalidDeviceCodeError",
    };
    (StatusCode::BAD_REQUEST, code)
}

fn known(client_id: &str) -> Result<(), OauthFault> {
    if client_id == CLIENT {
        return Ok(());
    }
    Err(OauthFault::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidClient, "the client is not known here"))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begin {
    client_id: String,
    code_challenge: String,
    code_challenge_method: String,
}

/// `POST /device-authorization`
pub(crate) async fn begin(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "DeviceAuthorization", usual, |oauth, _, body, meta| async move { (None, beginning(&oauth, body, &meta).await) })
        .await
}

async fn beginning(oauth: &Oauth, body: Body, meta: &RequestMeta) -> Made {
    let asked: Begin = read(body).await?;
    known(&asked.client_id)?;
    if asked.code_challenge_method != "S256" {
        return Err(OauthError::request("`CodeChallengeMethod` must be `S256`").into());
    }
    let challenge = Challenge::parse(&asked.code_challenge).map_err(|error| OauthError::request(format!("`CodeChallenge`: {error}")))?;
    let client = PresentedClient { app_id: asked.client_id, secret: None, respelled: None, about: About::Itself, key: None };
    let begin = BeginDevice { client, scope: None, challenge: Some(challenge), shows_number: false };
    let begun = oauth.core.begin_device(meta, begin).await?;
    let page = format!("{}/device", oauth.settings.public_url);
    Ok(json!({
        "DeviceCode": begun.code.expose(),
        "UserCode": begun.user_code,
        "VerificationUri": page,
        "VerificationUriComplete": format!("{page}?user_code={}", begun.user_code),
        "ExpiresIn": begun.lifetime.as_secs(),
        "Interval": begun.interval.as_secs(),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Question {
    client_id: String,
    code_verifier: String,
    device_code: String,
    grant_type: String,
}

/// `POST /token`
pub(crate) async fn token(State(oauth): Shared, request: Request) -> Response {
    answer(oauth, request, "Token", waiting, |oauth, _, body, meta| async move {
        let mut who = None;
        let result = fetch(&oauth, body, meta, &mut who).await;
        (who, result)
    })
    .await
}

async fn fetch(oauth: &Oauth, body: Body, meta: RequestMeta, who: &mut Option<String>) -> Made {
    let asked: Question = read(body).await?;
    known(&asked.client_id)?;
    if asked.grant_type != DEVICE_CODE {
        return Err(OauthError::new(ErrorCode::UnsupportedGrantType, "the grant is not offered here").into());
    }
    let verifier = Verifier::parse(&asked.code_verifier).map_err(|error| OauthError::request(format!("`CodeVerifier`: {error}")))?;
    let code = || SecretKey::new(asked.device_code.clone());
    let client = PresentedClient { app_id: asked.client_id, secret: None, respelled: None, about: About::Device(code()), key: None };
    let caller = oauth.core.authenticate(Proof::Client(client), meta).await?;
    *who = Some(caller.audit_name());
    let redeem = RedeemDeviceCode { code: code(), verifier: Some(verifier), key: None };
    let issued = oauth.core.perform_grant(&caller, &redeem).await?;
    Ok(json!({ "AccessToken": issued.access_token.expose(), "TokenType": "Bearer", "ExpiresIn": issued.lifetime.as_secs() }))
}

/// Answers whoever shows a token.
async fn with_token<F>(
    oauth: Arc<Oauth>,
    request: Request,
    name: &'static str,
    handler: impl FnOnce(Arc<Oauth>, Arc<Caller>, Parts, Body) -> F,
) -> Response
where
    F: Future<Output = Made>,
{
    answer(oauth, request, name, usual, |oauth, parts, body, meta| async move {
        match token_caller(&oauth, &parts, meta).await {
            Ok(caller) => {
                let caller = Arc::new(caller);
                (Some(caller.audit_name()), handler(oauth, caller, parts, body).await)
            }
            Err(fault) => (None, Err(fault)),
        }
    })
    .await
}

/// `GET /access-assignments/accounts`
pub(crate) async fn accounts(State(oauth): Shared, request: Request) -> Response {
    with_token(oauth, request, "ListAccessAccounts", |oauth, caller, _, _| async move {
        oauth.core.perform(&caller, &ListAccessConfigurations).await?;
        let account = json!({ "AccountId": caller.account_number(), "DisplayName": caller.account_alias().as_str() });
        Ok(json!({ "Accounts": [account], "IsTruncated": false, "NextToken": "" }))
    })
    .await
}

/// `GET /access-assignments/access-configurations`
pub(crate) async fn configurations(State(oauth): Shared, request: Request) -> Response {
    with_token(oauth, request, "ListAccessConfigurations", |oauth, caller, parts, _| async move {
        let found = oauth.core.perform(&caller, &ListAccessConfigurations).await?;
        let named = parts.uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("AccountId="));
        let own = named == Some(caller.account_number().as_str());
        let shown = found.into_iter().filter(|_| own).map(|role| {
            json!({
                "AccessConfigurationId": role.id.to_string(),
                "AccessConfigurationName": role.name.as_str(),
                "AccessConfigurationDescription": role.description,
            })
        });
        Ok(json!({ "AccessConfigurationsForAccount": shown.collect::<Vec<_>>(), "IsTruncated": false, "NextToken": "" }))
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    account_id: String,
    access_configuration_id: String,
}

/// `POST /cloud-credentials`
pub(crate) async fn credentials(State(oauth): Shared, request: Request) -> Response {
    with_token(oauth, request, "CreateCloudCredential", |oauth, caller, _, body| async move {
        let wanted: Wanted = read(body).await?;
        let denied =
            || OauthFault::new(StatusCode::FORBIDDEN, ErrorCode::AccessDenied, "there is no such access configuration for this person");
        if caller.kind() == CallerKind::Owner || wanted.account_id != caller.account_number() {
            return Err(denied());
        }
        let id: RoleId = wanted.access_configuration_id.parse().map_err(|_| denied())?;
        // A role that is not there answers as one that does not trust the person.
        let role = oauth.core.access_configuration(&caller, id).await?.ok_or_else(denied)?;
        let given = oauth.core.perform(&caller, &AssumeRole::plain(&caller, role)?).await?;
        let credential = json!({
            "AccessKeyId": given.access_key_id.as_str(),
            "AccessKeySecret": given.secret.expose(),
            "SecurityToken": given.security_token.expose(),
            "Expiration": given.expires_at.to_iso(),
        });
        Ok(json!({ "CloudCredential": credential }))
    })
    .await
}
