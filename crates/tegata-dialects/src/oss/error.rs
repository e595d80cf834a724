//! The error table of this wire: every cause, its status, its code and its fine-grained code (EC).

mod problem;
#[cfg(test)]
mod tests;

use std::error::Error;

use http::StatusCode;
use tegata_core::{
    AuthnFailure, CallerKind, Denial, DeniedBy, Input, LayerKind, OpError, Precondition, Presented, Problem, ProblemKind, ResourceName,
};
use tegata_model::NameError;
use tegata_sign::{Mismatch, Scheme, TimeProblem, form::percent_encode};

use super::operation::{OVERRIDES, Target};
use crate::edge::{limits::Head, span::Failure};

/// An error as this wire says it.
#[derive(Debug)]
pub(crate) struct OssError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) ec: Option<&'static str>,
    /// What else is said, in order.
    pub(crate) extras: Vec<Extra>,
    /// Elements of `AccessDeniedDetail`.
    pub(crate) detail: Option<Box<[(&'static str, &'static str); 4]>>,
    pub(crate) denied: bool,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// What an error says beside its code and message.
#[derive(Debug)]
pub(crate) enum Extra {
    /// An element of the body.
    Element(&'static str, String),
    /// A header of the reply.
    Header(&'static str, String),
}

/// What an error says of the proof it is about.
#[derive(Debug)]
pub(crate) struct Asked {
    scheme: Scheme,
    access_key_id: String,
    security_token: Option<String>,
}

impl Asked {
    pub(crate) fn of(presented: &Presented) -> Self {
        Self {
            scheme: presented.scheme(),
            access_key_id: presented.access_key_id().to_string(),
            security_token: presented.security_token().map(str::to_owned),
        }
    }

    /// A text that the client signed, without its security token: error bodies end up in logs and bug reports.
    fn without_token(&self, text: &str) -> String {
        match &self.security_token {
            None => text.to_owned(),
            Some(token) => text.replace(token.as_str(), "***").replace(&percent_encode(token), "***"),
        }
    }
}

impl Failure for OssError {
    fn code(&self) -> &str {
        self.code
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

const NO_SUCH_KEY_ID: &str = "The OSS Access Key Id you provided does not exist in our records.";

impl OssError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code,
            message: message.into(),
            ec: None,
            extras: Vec::new(),
            detail: None,
            denied: false,
            cause: None,
        }
    }

    fn ec(self, ec: &'static str) -> Self {
        Self { ec: Some(ec), ..self }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.extras.push(Extra::Element(name, value.into()));
        self
    }

    fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.extras.push(Extra::Header(name, value));
        self
    }

    /// A request without a signature: there is nothing public here.
    pub(crate) fn anonymous(head: &Head) -> Self {
        if head.query.iter().any(|(name, _)| OVERRIDES.contains(&name.as_str())) {
            return Self::new(400, "InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.");
        }
        AuthnFailure::Anonymous.into()
    }

    /// An argument with a value that cannot be right.
    pub(crate) fn argument(name: &'static str, value: &str, rule: &str) -> Self {
        Self::new(400, "InvalidArgument", format!("the value of `{name}` is not valid: {rule}"))
            .with("ArgumentName", name)
            .with("ArgumentValue", shown(value))
    }

    /// No bucket can have this name.
    pub(crate) fn bucket_name(name: &str, error: &NameError) -> Self {
        Self::new(400, "InvalidBucketName", format!("The specified bucket is not valid. ({error})")).with("BucketName", shown(name))
    }

    /// No object can have this key.
    pub(crate) fn object_name(rule: &str) -> Self {
        Self::new(400, "InvalidObjectName", format!("The specified object is not valid. ({rule})"))
    }

    /// This method means nothing for this kind of thing.
    pub(crate) fn method(method: &str, target: &Target) -> Self {
        Self::new(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
            .with("Method", shown(method))
            .with("ResourceType", target.kind())
    }

    /// An operation, or a variant of one, that is not offered.
    pub(crate) fn not_offered(name: &str) -> Self {
        Self::new(400, "OperationNotSupported", format!("The operation is not supported for this resource (`{}`)", shown(name)))
            .ec("0037-00000001")
    }

    /// A header that asks for something that is not offered.
    pub(crate) fn header(name: &str) -> Self {
        Self::new(400, "NotImplemented", "A header you provided implies functionality that is not implemented.").with("Header", shown(name))
    }

    /// Neither a length nor chunks.
    pub(crate) fn length_missing() -> Self {
        Self::new(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    }

    /// `Content-MD5` is not the digest of the body, or none at all.
    pub(crate) fn digest() -> Self {
        Self::new(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    }

    /// The user's own headers are too large together.
    pub(crate) fn meta_too_large(most: usize) -> Self {
        Self::new(400, "InvalidArgument", format!("the `x-oss-meta-` headers may have at most {most} bytes together"))
    }

    /// A body is not the XML it should be.
    pub(crate) fn malformed_xml() -> Self {
        let text = "The XML you provided was not well-formed or did not validate against our published schema.";
        Self::new(400, "MalformedXML", text).ec("0015-00000231")
    }

    /// The core's error, about the proof that was presented.
    pub(crate) fn of(error: OpError, asked: &Asked) -> Self {
        match error {
            OpError::Authentication(AuthnFailure::Signature(mismatch)) => Self::mismatch(&mismatch, asked),
            OpError::Authentication(AuthnFailure::Time(problem)) => Self::time(problem, asked.scheme),
            OpError::Authentication(AuthnFailure::UnknownKey) => {
                let ec = if asked.access_key_id.starts_with("STS.") { "0002-00000002" } else { "0002-00000902" };
                Self::new(403, "InvalidAccessKeyId", NO_SUCH_KEY_ID).ec(ec).with("OSSAccessKeyId", &asked.access_key_id)
            }
            OpError::Authentication(AuthnFailure::TokenMissing) => {
                Self::from(AuthnFailure::TokenMissing).with("OSSAccessKeyId", &asked.access_key_id)
            }
            other => other.into(),
        }
    }

    fn mismatch(mismatch: &Mismatch, asked: &Asked) -> Self {
        let string_to_sign = asked.without_token(&mismatch.string_to_sign);
        let bytes: Vec<String> = string_to_sign.bytes().map(|byte| format!("{byte:02X}")).collect();
        let text = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
        let error = Self::new(403, "SignatureDoesNotMatch", text)
            .with("OSSAccessKeyId", &asked.access_key_id)
            .with("SignatureProvided", shown(&mismatch.signature_provided))
            .with("StringToSign", string_to_sign)
            .with("StringToSignBytes", bytes.join(" "));
        match &mismatch.canonical_request {
            Some(canonical) => error.ec("0002-00000201").with("CanonicalRequest", asked.without_token(canonical)),
            None => error.ec("0002-00000040"),
        }
    }

    fn time(problem: TimeProblem, scheme: Scheme) -> Self {
        let version_4 = scheme == Scheme::OssV4;
        match problem {
            TimeProblem::Skewed { request_time, now, allowed } => {
                Self::new(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
                    .ec("0002-00000504")
                    .with("MaxAllowedSkewMilliseconds", allowed.as_millis().to_string())
                    .with("RequestTime", request_time.to_iso_millis())
                    .with("ServerTime", now.to_iso_millis())
            }
            TimeProblem::Expired { expires_at, now } => Self::new(403, "AccessDenied", "Request has expired.")
                .ec(if version_4 { "0002-00000236" } else { "0002-00000069" })
                .with("Expires", expires_at.to_iso_millis())
                .with("ServerTime", now.to_iso_millis()),
            TimeProblem::TooEarly { .. } => Self::new(403, "AccessDenied", problem.to_string()).ec("0002-00000235"),
            TimeProblem::TooFarAhead { .. } => Self::new(400, "InvalidArgument", problem.to_string()).ec("0002-00000232"),
        }
    }
}

/// A stranger's text as an answer may carry it.
fn shown(text: &str) -> String {
    text.chars().take(256).collect()
}

impl From<OpError> for OssError {
    fn from(error: OpError) -> Self {
        let message = error.to_string();
        match error {
            OpError::Authentication(failure) => failure.into(),
            OpError::Denied(denial) => Self::refused(&denial, message),
            OpError::NotFound(resource) => Self::not_found(&resource, message),
            OpError::Exists(ResourceName::Bucket { name, .. }) => {
                Self::new(409, "BucketAlreadyExists", "The requested bucket name is not available.").with("BucketName", name.as_str())
            }
            OpError::Exists(_) => Self::new(409, "FileAlreadyExists", message),
            OpError::NotEmpty(resource) => {
                let error = Self::new(409, "BucketNotEmpty", "The bucket you tried to delete is not empty.");
                if let ResourceName::Bucket { name, .. } = resource { error.with("BucketName", name.as_str()) } else { error }
            }
            OpError::Invalid(problem) => problem.into(),
            OpError::Precondition(precondition) => precondition.into(),
            OpError::Conflict | OpError::InUse(..) | OpError::LimitExceeded(..) => Self::new(409, "OperationConflict", message),
            // Grants and apps of organisations are asked for elsewhere.
            OpError::Grant(_) | OpError::Organisation(_) => Self::new(403, "AccessDenied", message),
            OpError::Throttled(wait) => Self::new(503, "ServiceUnavailable", "Please reduce your request rate, and retry later.")
                .with_header("retry-after", wait.as_millis().div_ceil(1000).max(1).to_string()),
            OpError::Internal(cause) => {
                Self { cause: Some(cause), ..Self::new(500, "InternalError", "Please contact the server administrator.") }
            }
        }
    }
}

impl From<AuthnFailure> for OssError {
    fn from(failure: AuthnFailure) -> Self {
        let message = failure.to_string();
        match failure {
            AuthnFailure::Anonymous => {
                Self::new(403, "AccessDenied", "Anonymous access is forbidden for this operation.").ec("0003-00000002")
            }
            AuthnFailure::UnknownKey | AuthnFailure::TokenMissing => {
                Self::new(403, "InvalidAccessKeyId", NO_SUCH_KEY_ID).ec("0002-00000902")
            }
            AuthnFailure::KeyInactive => {
                Self::new(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided is disabled.").ec("0002-00000904")
            }
            AuthnFailure::KeyTooOld(_) | AuthnFailure::KeyElsewhere | AuthnFailure::KeyOfPerson => {
                Self::new(403, "InvalidAccessKeyId", message).ec("0002-00000904")
            }
            AuthnFailure::OwnerInactive => Self::new(403, "UserDisable", "UserDisable"),
            AuthnFailure::TokenMalformed => {
                Self::new(403, "InvalidSecurityToken", "The security token you provided is invalid.").ec("0002-00000006")
            }
            // A session that was ended asks for a new credential, as one whose time is over does.
            AuthnFailure::TokenExpired | AuthnFailure::SessionEnded => {
                Self::new(403, "SecurityTokenExpired", "The security token you provided has expired.").ec("0002-00000007")
            }
            AuthnFailure::TokenMismatch => {
                let text = "The OSS access key id and security token you provided does not match.";
                Self::new(403, "AccessKeyIdAndSecurityTokenNotMatch", text).ec("0002-00000004")
            }
            // The full forms of these two need the request: see `OssError::of`.
            AuthnFailure::Signature(_) => Self::new(403, "SignatureDoesNotMatch", message),
            AuthnFailure::Time(problem) => Self::time(problem, Scheme::OssV1),
            // No token of an identity provider is taken here, and no client asks here.
            AuthnFailure::Replayed | AuthnFailure::Federation(_) | AuthnFailure::Client => Self::new(403, "AccessDenied", message),
        }
    }
}

impl OssError {
    fn refused(denial: &Denial, message: String) -> Self {
        let principal = match denial.caller_kind {
            CallerKind::Owner => "Account",
            CallerKind::User => "SubUser",
            CallerKind::RoleSession => "AssumedRoleUser",
            CallerKind::Federated => "Federated",
            CallerKind::Client => "Client",
        };
        let base = Self { denied: true, ..Self::new(403, "AccessDenied", message).ec("0003-00000001") };
        match denial.by {
            DeniedBy::Layer { layer, explicit } => Self {
                detail: Some(Box::new([
                    ("PolicyType", policy_type(layer)),
                    ("AuthPrincipalType", principal),
                    ("NoPermissionType", if explicit { "ExplicitDeny" } else { "ImplicitDeny" }),
                    ("AuthAction", denial.action),
                ])),
                ..base
            },
            DeniedBy::ForeignAccount => Self { message: "The bucket you access does not belong to you.".to_owned(), ..base },
            DeniedBy::OwnerMayNotAssume
            | DeniedBy::SourceIdentityFixed
            | DeniedBy::ChainEnded
            | DeniedBy::KeyPolicy
            | DeniedBy::NoPassword
            | DeniedBy::SecondFactor
            | DeniedBy::Organisation(_) => base,
        }
    }

    fn not_found(resource: &ResourceName, message: String) -> Self {
        match resource {
            ResourceName::Bucket { name, .. } => {
                Self::new(404, "NoSuchBucket", "The specified bucket does not exist.").ec("0015-00000101").with("BucketName", name.as_str())
            }
            ResourceName::Object { key, .. } => {
                Self::new(404, "NoSuchKey", "The specified key does not exist.").ec("0026-00000001").with("Key", key.as_str())
            }
            ResourceName::Account(_)
            | ResourceName::KeyPolicy { .. }
            | ResourceName::User { .. }
            | ResourceName::Role { .. }
            | ResourceName::OidcProviders { .. }
            | ResourceName::OidcProvider { .. }
            | ResourceName::Policy { .. }
            | ResourceName::Owner { .. }
            | ResourceName::Users { .. }
            | ResourceName::AccessKey { .. }
            | ResourceName::Groups { .. }
            | ResourceName::Group { .. }
            | ResourceName::Membership { .. }
            | ResourceName::Roles { .. }
            | ResourceName::Policies { .. }
            | ResourceName::SystemPolicy { .. }
            | ResourceName::PolicyVersion { .. }
            | ResourceName::Attachment { .. }
            | ResourceName::LoginProfile { .. }
            | ResourceName::Factor { .. }
            | ResourceName::ApiToken { .. }
            | ResourceName::MfaDevices { .. }
            | ResourceName::MfaDevice { .. }
            | ResourceName::BoundMfaDevice { .. }
            | ResourceName::AccountSettings { .. }
            | ResourceName::Buckets { .. }
            | ResourceName::Applications { .. }
            | ResourceName::Application { .. }
            | ResourceName::ApplicationSecret { .. }
            | ResourceName::Sessions { .. }
            | ResourceName::Session { .. }
            | ResourceName::SessionsOf(_)
            | ResourceName::SessionsOfKey { .. }
            | ResourceName::Requests { .. }
            | ResourceName::Request { .. }
            | ResourceName::Credentials { .. }
            | ResourceName::Directory { .. }
            | ResourceName::Organisation { .. }
            | ResourceName::OrgPart { .. }
            | ResourceName::Caller => Self::new(404, "NoSuchKey", message),
        }
    }
}

fn policy_type(layer: LayerKind) -> &'static str {
    match layer {
        LayerKind::Control => "ControlPolicy",
        LayerKind::Session => "SessionPolicy",
        LayerKind::Identity => "AccountLevelIdentityBasedPolicy",
        LayerKind::Trust => "AssumeRolePolicy",
        LayerKind::Resource => "ResourceBasedPolicy",
    }
}

impl From<Problem> for OssError {
    fn from(problem: Problem) -> Self {
        let Problem { input, kind, message, rules: _ } = problem;
        match input {
            Input::ContentMd5 => Self::digest(),
            Input::ContentCrc64 => {
                Self::new(400, "InvalidCRC64", "The x-oss-hash-crc64ecma you specified does not match what we calculated.")
            }
            Input::ContentLength => {
                Self::new(400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
            }
            Input::ObjectSize if kind == ProblemKind::TooSmall => {
                Self::new(400, "EntityTooSmall", "Your proposed upload smaller than the minimum allowed size.")
            }
            Input::ObjectSize => Self::new(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size."),
            Input::Range => Self::new(416, "InvalidRange", "The requested range cannot be satisfied"),
            Input::BucketProperties => Self::new(409, "BucketAlreadyExists", message),
            Input::Lifetime => Self::new(400, "InvalidArgument", message).ec("0002-00000232"),
            Input::Header
            | Input::SessionPolicy
            | Input::SourceIdentity
            | Input::PolicyDocument
            | Input::TrustDocument
            | Input::NewTrustDocument
            | Input::MaxSession
            | Input::NewMaxSession
            | Input::ApplicationId
            | Input::ApplicationName
            | Input::RedirectUris
            | Input::Scopes
            | Input::AccessLifetime
            | Input::RefreshLifetime
            | Input::UserName
            | Input::Marker
            | Input::LeakedText
            | Input::Declaration
            | Input::Plan
            | Input::AccountAlias
            | Input::Tags
            | Input::ResourceNames
            | Input::DiagnosticMessage
            | Input::MaxKeyAge
            | Input::KeyNetworks
            | Input::KeyPolicy
            | Input::IssuerUrl
            | Input::IssuanceLimit
            | Input::ApiTokenName
            | Input::ApiTokenLife
            | Input::Fingerprint
            | Input::Password
            | Input::OldPassword
            | Input::NewPassword
            | Input::OneTimeCode
            | Input::MinPasswordLength
            | Input::DifferentCharacters
            | Input::MaxPasswordAge
            | Input::InitialPasswordAge
            | Input::ReusePrevention
            | Input::MaxLoginAttempts
            | Input::LoginSession
            | Input::LoginNetworks => Self::new(400, "InvalidArgument", message),
        }
    }
}

impl From<Precondition> for OssError {
    fn from(precondition: Precondition) -> Self {
        match precondition {
            Precondition::NotModified { etag, modified } => Self::new(304, "NotModified", "not modified")
                .with_header("etag", etag)
                .with_header("last-modified", modified.to_http_date()),
            Precondition::Failed(name) => {
                Self::new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
                    .with("Condition", name)
            }
            Precondition::Exists => {
                Self::new(409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.")
            }
        }
    }
}
