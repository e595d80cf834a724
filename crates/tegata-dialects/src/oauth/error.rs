//! Refusals in the words of this wire: one table from the core's causes to registered codes.

use std::{error::Error, time::Duration};

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use tegata_core::{AuthnFailure, GrantFailure, OpError};
use tegata_model::RequestId;
use tegata_oauth::{DpopError, ErrorCode, OauthError};

use super::reply;
use crate::edge::{limits, span::Failure};

/// A refusal, ready to be sent.
#[derive(Debug)]
pub(crate) struct OauthFault {
    pub(crate) status: StatusCode,
    pub(crate) code: ErrorCode,
    pub(crate) description: String,
    /// How the caller could prove itself (RFC 9110 §11.6.1).
    pub(crate) challenge: Option<Challenge>,
    /// A nonce for the next proof of possession.
    pub(crate) nonce: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) denied: bool,
    pub(crate) cause: Option<Box<dyn Error + Send + Sync>>,
}

/// How a caller could prove itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// By its id and secret.
    Basic,
    /// By an access token.
    Bearer,
    /// By an access token and a proof of possession.
    Dpop,
}

impl OauthFault {
    pub(crate) fn new(status: StatusCode, code: ErrorCode, description: impl Into<String>) -> Self {
        Self { status, code, description: description.into(), challenge: None, nonce: None, retry_after: None, denied: false, cause: None }
    }

    /// Nobody has said who asks.
    pub(crate) fn anonymous() -> Self {
        Self { challenge: Some(Challenge::Basic), ..Self::new(StatusCode::UNAUTHORIZED, ErrorCode::InvalidClient, "no client is named") }
    }

    /// No access token came with the request.
    pub(crate) fn no_token() -> Self {
        Self {
            challenge: Some(Challenge::Bearer),
            ..Self::new(StatusCode::UNAUTHORIZED, ErrorCode::InvalidToken, "an access token is needed in the header `Authorization`")
        }
    }

    /// The answer with the body of RFC 6749 §5.2. Both spellings of the request's id are read by somebody.
    pub(crate) fn response(&self, id: RequestId) -> Response {
        let request_id = id.to_uuid();
        let body = json!({
            "error": self.code.name(),
            "error_description": plain(&self.description),
            "request_id": request_id,
            "requestId": request_id,
        });
        let mut response = reply::json(self.status, &body, id);
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge {
            let code = self.code.name();
            let text = match challenge {
                Challenge::Basic => "Basic realm=\"tegata\", charset=\"UTF-8\"".to_owned(),
                Challenge::Bearer => format!("Bearer realm=\"tegata\", error=\"{code}\""),
                Challenge::Dpop => format!("DPoP realm=\"tegata\", algs=\"ES256 RS256\", error=\"{code}\""),
            };
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header::WWW_AUTHENTICATE, value);
            }
        }
        if let Some(value) = self.nonce.as_deref().and_then(|nonce| HeaderValue::from_str(nonce).ok()) {
            headers.insert("dpop-nonce", value);
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}

/// Only what RFC 6749 §5.2 lets a description hold.
fn plain(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '?' }).collect()
}

impl Failure for OauthFault {
    fn code(&self) -> &str {
        self.code.name()
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

impl From<OauthError> for OauthFault {
    fn from(error: OauthError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.code, error.description)
    }
}

impl From<limits::BodyProblem> for OauthFault {
    fn from(problem: limits::BodyProblem) -> Self {
        let (status, text) = match problem {
            limits::BodyProblem::TooLarge(limit) => (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes")),
            limits::BodyProblem::Incomplete => (StatusCode::BAD_REQUEST, "the body ended before its announced length".to_owned()),
        };
        Self::new(status, ErrorCode::InvalidRequest, text)
    }
}

impl From<DpopError> for OauthFault {
    fn from(error: DpopError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidDpopProof, error.to_string())
    }
}

impl From<OpError> for OauthFault {
    fn from(error: OpError) -> Self {
        let text = error.to_string();
        let bad = |code| Self::new(StatusCode::BAD_REQUEST, code, text.clone());
        match error {
            OpError::Authentication(failure) => failure.into(),
            OpError::Grant(failure) => failure.into(),
            OpError::Denied(_) => Self { denied: true, ..Self::new(StatusCode::FORBIDDEN, ErrorCode::AccessDenied, text) },
            OpError::NotFound(_)
            | OpError::Exists(_)
            | OpError::NotEmpty(_)
            | OpError::InUse(..)
            | OpError::LimitExceeded(..)
            | OpError::Invalid(_)
            | OpError::Organisation(_)
            | OpError::Precondition(_) => bad(ErrorCode::InvalidRequest),
            OpError::Conflict => Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable, text),
            OpError::Throttled(wait) => {
                Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TemporarilyUnavailable, text) }
            }
            OpError::Internal(cause) => {
                Self { cause: Some(cause), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError, text) }
            }
        }
    }
}

impl From<AuthnFailure> for OauthFault {
    fn from(failure: AuthnFailure) -> Self {
        let text = failure.to_string();
        let unauthorized = |code, challenge| Self { challenge: Some(challenge), ..Self::new(StatusCode::UNAUTHORIZED, code, text.clone()) };
        match failure {
            AuthnFailure::Client | AuthnFailure::Anonymous => unauthorized(ErrorCode::InvalidClient, Challenge::Basic),
            AuthnFailure::TokenExpired => {
                let said = "the access token has run out";
                Self { challenge: Some(Challenge::Bearer), ..Self::new(StatusCode::UNAUTHORIZED, ErrorCode::ExpiredToken, said) }
            }
            AuthnFailure::TokenMalformed => {
                let said = "the access token is not one of ours";
                Self { challenge: Some(Challenge::Bearer), ..Self::new(StatusCode::UNAUTHORIZED, ErrorCode::InvalidToken, said) }
            }
            AuthnFailure::SessionEnded => unauthorized(ErrorCode::InvalidToken, Challenge::Bearer),
            AuthnFailure::Replayed => Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidDpopProof, "the proof was used before"),
            AuthnFailure::UnknownKey
            | AuthnFailure::KeyInactive
            | AuthnFailure::OwnerInactive
            | AuthnFailure::TokenMissing
            | AuthnFailure::TokenMismatch
            | AuthnFailure::Signature(_)
            | AuthnFailure::Time(_)
            | AuthnFailure::KeyTooOld(_)
            | AuthnFailure::KeyElsewhere
            | AuthnFailure::KeyOfPerson
            | AuthnFailure::Federation(_) => Self::new(StatusCode::UNAUTHORIZED, ErrorCode::InvalidToken, text),
        }
    }
}

impl From<GrantFailure> for OauthFault {
    fn from(failure: GrantFailure) -> Self {
        let text = failure.to_string();
        let code = match &failure {
            GrantFailure::Unproven => {
                return Self { challenge: Some(Challenge::Basic), ..Self::new(StatusCode::UNAUTHORIZED, ErrorCode::InvalidClient, text) };
            }
            GrantFailure::NotForYou => ErrorCode::UnauthorizedClient,
            GrantFailure::Scope(_) => ErrorCode::InvalidScope,
            GrantFailure::Insufficient(_) => {
                return Self { challenge: Some(Challenge::Bearer), ..Self::new(StatusCode::FORBIDDEN, ErrorCode::InsufficientScope, text) };
            }
            GrantFailure::Audience => {
                return Self { challenge: Some(Challenge::Bearer), ..Self::new(StatusCode::UNAUTHORIZED, ErrorCode::InvalidToken, text) };
            }
            GrantFailure::KeyNeeded => {
                return Self { challenge: Some(Challenge::Dpop), ..Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidDpopProof, text) };
            }
            GrantFailure::KeyOther => ErrorCode::InvalidDpopProof,
            GrantFailure::Subject(_) => ErrorCode::InvalidRequest,
            GrantFailure::Unsupported => ErrorCode::UnsupportedGrantType,
            GrantFailure::Waiting => ErrorCode::AuthorizationPending,
            GrantFailure::TooSoon => ErrorCode::SlowDown,
            GrantFailure::DeviceRefused => ErrorCode::AccessDenied,
            GrantFailure::DeviceExpired => ErrorCode::ExpiredToken,
            GrantFailure::CodeUnknown
            | GrantFailure::CodeUsed(_)
            | GrantFailure::CodeExpired
            | GrantFailure::Redirect
            | GrantFailure::Verifier
            | GrantFailure::RefreshUnknown
            | GrantFailure::RefreshReplaced
            | GrantFailure::RefreshReused(_)
            | GrantFailure::Expired
            | GrantFailure::Fallen(_) => ErrorCode::InvalidGrant,
        };
        Self::new(StatusCode::BAD_REQUEST, code, text)
    }
}
