//! Refusals as this wire says them: the native fields, and those of RFC 6749 §5.2 beside them, in one body that every known client reads.

use std::{error::Error, time::Duration};

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tegata_core::{AuthnFailure, GrantFailure, OpError, org};
use tegata_model::RequestId;
use tegata_oauth::{JsonError, OauthError};

use super::reply;
use crate::edge::{
    limits::{BodyProblem, HeadProblem},
    span::Failure,
};

/// A refusal, ready to be sent.
#[derive(Debug)]
pub(crate) struct CspFault {
    pub(crate) status: StatusCode,
    /// The code that standard clients look at.
    pub(crate) error: &'static str,
    /// Why, in words.
    pub(crate) description: String,
    /// True where clients look for certain words in the native message, which then says them instead of the description.
    native: bool,
    /// The word for why an organization refused it.
    pub(crate) reason: Option<&'static str>,
    /// How the caller could prove itself.
    challenge: Option<Challenge>,
    pub(crate) retry_after: Option<Duration>,
    denied: bool,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// How a caller could prove itself.
#[derive(Debug, Clone, Copy)]
enum Challenge {
    Basic,
    Bearer,
}

const BASIC: &str = "Basic realm=\"tegata\", charset=\"UTF-8\"";
const BEARER: &str = "Bearer realm=\"tegata\"";
/// What a command line compares the answer for a bad API token with.
const BAD_API_TOKEN: &str = "Invalid refresh token: it is unknown, has run out or was taken back";

impl CspFault {
    pub(crate) fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status,
            error,
            description: description.into(),
            native: false,
            reason: None,
            challenge: None,
            retry_after: None,
            denied: false,
            cause: None,
        }
    }

    /// Something is wrong with the request itself.
    pub(crate) fn request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// A parameter is not there.
    pub(crate) fn missing(name: &str) -> Self {
        Self::request(format!("`{name}` is missing"))
    }

    /// A parameter cannot be what it is.
    pub(crate) fn invalid(name: &str, rule: &str) -> Self {
        Self::request(format!("`{name}` is not valid: {rule}"))
    }

    /// The client has not proven itself.
    pub(crate) fn client(description: impl Into<String>) -> Self {
        Self { challenge: Some(Challenge::Basic), ..Self::new(StatusCode::UNAUTHORIZED, "invalid_client", description) }
    }

    /// No access token came with the request, or none that is good.
    pub(crate) fn bearer(description: impl Into<String>) -> Self {
        Self { challenge: Some(Challenge::Bearer), ..Self::new(StatusCode::UNAUTHORIZED, "invalid_token", description) }
    }

    /// The API token is not good, whyever.
    pub(crate) fn api_token() -> Self {
        let said = "the API token is unknown, expired or revoked";
        Self { native: true, ..Self::new(StatusCode::BAD_REQUEST, "invalid_grant", said) }
    }

    /// There is nothing at this path.
    pub(crate) fn no_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
    }

    /// The path has no such method.
    pub(crate) fn no_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the method is not used at this path")
    }

    /// Something that is named is not there.
    pub(crate) fn not_found(description: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", description)
    }

    /// The answer. `message` is always a text.
    pub(crate) fn response(&self, id: RequestId) -> Response {
        let mut response = reply::json(self.status, &self.body(id), id);
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge {
            let challenge = match challenge {
                Challenge::Basic => BASIC,
                Challenge::Bearer => BEARER,
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }

    fn body(&self, id: RequestId) -> Value {
        let request = id.to_uuid().to_ascii_lowercase();
        let module = self.module();
        let code = format!("{module}.{:03}", self.number());
        json!({
            "statusCode": self.status.as_u16(),
            "moduleCode": module,
            "cspErrorCode": code,
            "errorCode": code,
            "metadata": self.reason.map(|reason| json!({ "reason": reason })),
            "traceId": request,
            "requestId": request,
            "message": format!("{}: {}", self.error, if self.native { BAD_API_TOKEN } else { &self.description }),
            "error": self.error,
            "error_description": plain(&self.description),
        })
    }

    /// 340 is what clients have seen for API tokens; the others are our own.
    fn module(&self) -> u16 {
        match self.error {
            "invalid_grant" => 340,
            "invalid_client" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope" => 341,
            "invalid_token" | "access_denied" => 342,
            _ => 300,
        }
    }

    fn number(&self) -> u16 {
        match self.error {
            "invalid_grant" | "invalid_client" | "invalid_token" | "invalid_request" => 1,
            "unauthorized_client" | "access_denied" | "not_found" => 2,
            "unsupported_grant_type" | "method_not_allowed" => 3,
            "invalid_scope" | "conflict" => 4,
            "limit_exceeded" => 5,
            "temporarily_unavailable" => 6,
            _ => 9,
        }
    }
}

/// Only what RFC 6749 §5.2 lets a description hold.
fn plain(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '?' }).collect()
}

impl Failure for CspFault {
    fn code(&self) -> &str {
        self.error
    }

    fn status(&self) -> StatusCode {
        self.status
    }

    fn denied(&self) -> bool {
        self.denied
    }

    fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }
}

impl From<OauthError> for CspFault {
    fn from(error: OauthError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.code.name(), error.description)
    }
}

impl From<JsonError> for CspFault {
    fn from(error: JsonError) -> Self {
        Self::request(format!("the body cannot be read: {error}"))
    }
}

impl From<HeadProblem> for CspFault {
    fn from(problem: HeadProblem) -> Self {
        Self::request(problem.to_string())
    }
}

impl From<BodyProblem> for CspFault {
    fn from(problem: BodyProblem) -> Self {
        match problem {
            BodyProblem::TooLarge(limit) => Self::request(format!("the body is larger than {limit} bytes")),
            BodyProblem::Incomplete => Self::request("the body ended before its announced length"),
        }
    }
}

impl From<OpError> for CspFault {
    fn from(error: OpError) -> Self {
        let text = error.to_string();
        let reason = org::word_of(&error);
        match error {
            OpError::Authentication(failure) => failure.into(),
            OpError::Grant(failure) => failure.into(),
            OpError::Organisation(refusal) => {
                let fault = match refusal {
                    org::Refusal::AppNotFound(_) | org::Refusal::UserNotFound(_) => Self::not_found(text),
                    _ => Self::request(text),
                };
                Self { reason, ..fault }
            }
            OpError::Denied(_) => Self { denied: true, reason, ..Self::new(StatusCode::FORBIDDEN, "access_denied", text) },
            OpError::NotFound(_) => Self::not_found(text),
            OpError::Exists(_) | OpError::NotEmpty(_) | OpError::InUse(..) => Self::new(StatusCode::CONFLICT, "conflict", text),
            OpError::LimitExceeded(..) => Self::new(StatusCode::BAD_REQUEST, "limit_exceeded", text),
            OpError::Invalid(_) | OpError::Precondition(_) => Self::request(text),
            OpError::Conflict => {
                let wait = Some(Duration::from_secs(1));
                Self { retry_after: wait, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", text) }
            }
            OpError::Throttled(wait) => {
                Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", text) }
            }
            OpError::Internal(cause) => Self { cause: Some(cause), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", text) },
        }
    }
}

impl From<AuthnFailure> for CspFault {
    fn from(failure: AuthnFailure) -> Self {
        match failure {
            AuthnFailure::Client => Self::client("the client is not known, or its secret is wrong"),
            AuthnFailure::Anonymous => Self::bearer("an access token is needed in `csp-auth-token` or `Authorization`"),
            AuthnFailure::TokenExpired => Self::bearer("the access token has run out"),
            AuthnFailure::TokenMalformed => Self::bearer("the access token is not one of ours"),
            AuthnFailure::SessionEnded
            | AuthnFailure::Replayed
            | AuthnFailure::UnknownKey
            | AuthnFailure::KeyInactive
            | AuthnFailure::OwnerInactive
            | AuthnFailure::TokenMissing
            | AuthnFailure::TokenMismatch
            | AuthnFailure::Signature(_)
            | AuthnFailure::Time(_)
            | AuthnFailure::KeyTooOld(_)
            | AuthnFailure::KeyElsewhere
            | AuthnFailure::KeyOfPerson
            | AuthnFailure::Federation(_) => Self::bearer(failure.to_string()),
        }
    }
}

impl From<GrantFailure> for CspFault {
    fn from(failure: GrantFailure) -> Self {
        let text = failure.to_string();
        let bad = |error| Self::new(StatusCode::BAD_REQUEST, error, text.clone());
        match failure {
            GrantFailure::Unproven => Self::client(text),
            GrantFailure::NotForYou => {
                Self::new(StatusCode::BAD_REQUEST, "unauthorized_client", "the app has no access in this organization")
            }
            // Where a token is used, its reader says so instead.
            GrantFailure::Fallen(_) => {
                Self::new(StatusCode::BAD_REQUEST, "unauthorized_client", format!("the app has no access in this organization: {text}"))
            }
            GrantFailure::Scope(_) => bad("invalid_scope"),
            GrantFailure::Insufficient(_) => Self { denied: true, ..Self::new(StatusCode::FORBIDDEN, "access_denied", text) },
            GrantFailure::Unsupported => bad("unsupported_grant_type"),
            GrantFailure::RefreshUnknown => Self::api_token(),
            GrantFailure::Audience
            | GrantFailure::KeyNeeded
            | GrantFailure::KeyOther
            | GrantFailure::Subject(_)
            | GrantFailure::Waiting
            | GrantFailure::TooSoon
            | GrantFailure::DeviceRefused
            | GrantFailure::DeviceExpired => bad("invalid_request"),
            GrantFailure::CodeUnknown
            | GrantFailure::CodeUsed(_)
            | GrantFailure::CodeExpired
            | GrantFailure::Redirect
            | GrantFailure::Verifier
            | GrantFailure::RefreshReplaced
            | GrantFailure::RefreshReused(_)
            | GrantFailure::Expired => bad("invalid_grant"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use tegata_core::{Fallen, Precondition};
    use tegata_model::Timestamp;

    use super::*;

    fn line(out: &mut String, cause: &str, fault: impl Into<CspFault>) {
        let fault: CspFault = fault.into();
        let body = fault.body(RequestId::from_bytes([1; 16]));
        let reason = fault.reason.unwrap_or("-");
        let challenge = fault.challenge.map_or("-".to_owned(), |challenge| format!("{challenge:?}"));
        let wait = fault.retry_after.map_or("-".to_owned(), |wait| wait.as_secs().to_string());
        let code = body["cspErrorCode"].as_str().unwrap();
        let _ = writeln!(
            out,
            "{cause:<36} {} {code} {:<24} {reason} {challenge} {wait} {}",
            fault.status.as_u16(),
            fault.error,
            body["message"].as_str().unwrap()
        );
    }

    /// The complete table.
    #[test]
    fn every_refusal_has_its_status_and_code() {
        let mut out = String::new();
        for (name, refusal) in crate::tests::organisation_refusals() {
            line(&mut out, &format!("Organisation {name}"), OpError::Organisation(refusal));
        }
        let later = Duration::from_secs(2);
        for (name, error) in [
            ("Invalid", OpError::invalid(tegata_core::Input::Scopes, tegata_core::ProblemKind::Malformed, "the rule")),
            ("Conflict", OpError::Conflict),
            ("Throttled", OpError::Throttled(later)),
            ("Precondition", OpError::Precondition(Precondition::Failed("If-Match"))),
            ("LimitExceeded", OpError::LimitExceeded(tegata_core::Quota::Users, 7)),
            ("Internal", OpError::internal("a secret cause")),
        ] {
            line(&mut out, name, error);
        }
        for failure in [
            AuthnFailure::Anonymous,
            AuthnFailure::Client,
            AuthnFailure::TokenMalformed,
            AuthnFailure::TokenExpired,
            AuthnFailure::SessionEnded,
            AuthnFailure::OwnerInactive,
            AuthnFailure::Replayed,
            AuthnFailure::KeyTooOld(later),
        ] {
            line(&mut out, failure.reason(), failure);
        }
        for failure in [
            GrantFailure::Unproven,
            GrantFailure::NotForYou,
            GrantFailure::Scope("SCOPE".to_owned()),
            GrantFailure::RefreshUnknown,
            GrantFailure::Expired,
            GrantFailure::Fallen(Fallen::Account),
            GrantFailure::Fallen(Fallen::Client),
            GrantFailure::Fallen(Fallen::Installation),
            GrantFailure::Insufficient("SCOPE"),
            GrantFailure::Audience,
            GrantFailure::Subject("WHY"),
            GrantFailure::Unsupported,
        ] {
            line(&mut out, &format!("{failure:?}"), failure.clone());
        }
        let at = Timestamp::from_unix(0);
        line(&mut out, "NotModified", OpError::Precondition(Precondition::NotModified { etag: "E".to_owned(), modified: at }));
        for fault in [CspFault::no_path(), CspFault::no_method(), CspFault::missing("name"), CspFault::invalid("name", "the rule")] {
            line(&mut out, "-", fault);
        }
        insta::assert_snapshot!(out);
    }
}
