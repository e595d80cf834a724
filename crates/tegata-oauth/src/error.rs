//! Error codes (RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 8628 §3.5, RFC 8693 §2.2.2, RFC 9449 §5 and §8), with a reason in words.

use std::fmt;

/// One registered code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// Something of the request is missing, wrong or there twice.
    InvalidRequest,
    /// The client is not known, or has not proven itself.
    InvalidClient,
    /// The code or token is not good (any more).
    InvalidGrant,
    /// The client may not do this.
    UnauthorizedClient,
    /// No such grant here.
    UnsupportedGrantType,
    /// No such kind of answer here.
    UnsupportedResponseType,
    /// A scope that cannot be given.
    InvalidScope,
    /// The person has not said anything yet.
    AuthorizationPending,
    /// The same, and the device asks too often.
    SlowDown,
    /// The person or a rule said no.
    AccessDenied,
    /// The person would have to be asked.
    InteractionRequired,
    /// The person would have to sign in.
    LoginRequired,
    /// The access token is not good (any more).
    InvalidToken,
    /// The access token has run out.
    ExpiredToken,
    /// The access token lacks a scope.
    InsufficientScope,
    /// A resource that tokens are not made for.
    InvalidTarget,
    /// The proof of possession is not good.
    InvalidDpopProof,
    /// The proof of possession needs the nonce that comes with this answer.
    UseDpopNonce,
    /// The server failed.
    ServerError,
    /// Too much at once.
    TemporarilyUnavailable,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::UnsupportedResponseType,
        Self::InvalidScope,
        Self::AuthorizationPending,
        Self::SlowDown,
        Self::AccessDenied,
        Self::InteractionRequired,
        Self::LoginRequired,
        Self::InvalidToken,
        Self::ExpiredToken,
        Self::InsufficientScope,
        Self::InvalidTarget,
        Self::InvalidDpopProof,
        Self::UseDpopNonce,
        Self::ServerError,
        Self::TemporarilyUnavailable,
    ];

    /// As it stands in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::InvalidToken => "invalid_token",
            Self::ExpiredToken => "expired_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refusal: a code, and why in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OauthError {
    /// The code.
    pub code: ErrorCode,
    /// Why, in words that may be sent.
    pub description: String,
}

impl OauthError {
    /// A refusal with this code.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }

    /// Something is wrong with the request itself.
    pub fn request(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }
}
