//! Why a call did not succeed.

use std::fmt;

/// What the server said when it refused, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The code, such as `NoPermission`.
    pub code: String,
    /// The message.
    pub message: String,
    /// The id under which the server can explain it.
    pub request_id: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {} (request {})", self.status, self.code, self.message, self.request_id)
    }
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused.
    #[error("{0}")]
    Refused(Refusal),
    /// The server could not be reached, or broke off.
    #[error("`{url}` could not be reached: {cause}")]
    Unreachable {
        /// Where to.
        url: String,
        /// What happened.
        cause: String,
    },
    /// The answer was not what this call answers.
    #[error("the answer of `{url}` could not be read: {cause}")]
    Answer {
        /// From where.
        url: String,
        /// What was wrong.
        cause: String,
    },
    /// The request could not be made.
    #[error("the request could not be made: {0}")]
    Request(String),
}

impl ClientError {
    /// The refusal, if that is what it is.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Unreachable { .. } | Self::Answer { .. } | Self::Request(_) => None,
        }
    }
}
