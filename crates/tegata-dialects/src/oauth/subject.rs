//! The exchange of an access token at the token endpoint (RFC 8693): what may be shown, what may be asked for, and the answer.

use http::StatusCode;
use serde_json::json;
use tegata_core::grant::UserCredential;
use tegata_oauth::{
    ErrorCode, OauthError, TokenRequest,
    token_request::{ACCESS_TOKEN, JWT, TEMPORARY_KEY},
};

use super::{Oauth, error::OauthFault, reply::Reply};
use crate::IssuerSettings;

/// How every security token begins. One proves nothing by itself: it stands in URLs that people share.
const SECURITY_TOKEN: &str = "CAIS";

/// Refuses what is not offered, by name.
pub(crate) fn check(request: &TokenRequest, settings: &IssuerSettings) -> Result<(), OauthFault> {
    let TokenRequest::Exchange { subject, subject_type, requested_type, audience, .. } = request else { return Ok(()) };
    if subject_type == TEMPORARY_KEY || subject.expose().starts_with(SECURITY_TOKEN) {
        let said = "a security token proves nothing by itself: sign `ExchangeToken` of version 2026-11-01 with its temporary key";
        return Err(OauthError::request(said).into());
    }
    if !matches!(subject_type.as_str(), ACCESS_TOKEN | JWT) {
        return Err(OauthError::request(format!("`subject_token_type` is `{ACCESS_TOKEN}`")).into());
    }
    if requested_type.as_deref().is_some_and(|kind| kind != TEMPORARY_KEY) {
        return Err(OauthError::request(format!("`requested_token_type` is `{TEMPORARY_KEY}`")).into());
    }
    let elsewhere = |place: &String| !settings.urls().any(|url| place.trim_end_matches('/') == url);
    if audience.as_ref().is_some_and(elsewhere) {
        return Err(OauthFault::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidTarget, "temporary keys are for this server only"));
    }
    Ok(())
}

/// The answer of RFC 8693 §2.2.1; the triple stands beside it under the names that people know.
pub(crate) fn reply(oauth: &Oauth, credential: &UserCredential) -> Reply {
    let token = credential.security_token.expose();
    let seconds = credential.expires_at.since(oauth.core.now()).as_secs();
    Reply::json(json!({
        "access_token": token, "issued_token_type": TEMPORARY_KEY, "token_type": "N_A", "expires_in": seconds,
        "AccessKeyId": credential.access_key_id.as_str(), "AccessKeySecret": credential.secret.expose(), "SecurityToken": token,
        "Expiration": credential.expires_at.to_iso(),
    }))
}
