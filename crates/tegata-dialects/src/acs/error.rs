//! The error table of this wire: every cause, its status and its code.

use std::{borrow::Cow, error::Error, time::Duration};

use http::{Method, StatusCode};
use tegata_core::{
    AuthnFailure, CallerKind, Denial, DeniedBy, FederationFailure, Holding, Input, LayerKind, OpError, Problem, ProblemKind, Quota,
    ResourceName, org::Refusal,
};
use tegata_sign::{Mismatch, acs::AcsProblem, acs_rpc::RpcProblem, acs3::Acs3Problem, arrived::ArrivedProblem};

use super::{params::Received, reply::Tree};
use crate::edge::{
    limits::{BodyProblem, HeadProblem},
    span::Failure,
};

/// An error as this wire says it.
#[derive(Debug)]
pub(crate) struct AcsError {
    pub(crate) status: StatusCode,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) detail: Option<Tree>,
    pub(crate) retry_after: Option<Duration>,
    denied: bool,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure for AcsError {
    fn code(&self) -> &str {
        &self.code
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

impl AcsError {
    fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code: code.into(), message: message.into(), detail: None, retry_after: None, denied: false, cause: None }
    }

    /// A mandatory parameter is absent or empty.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(400, format!("Missing{name}"), format!("{name} is mandatory for this action."))
    }

    /// A parameter with a value that cannot be right.
    pub(crate) fn invalid(name: &str, rule: &str) -> Self {
        Self::new(400, format!("InvalidParameter.{name}"), format!("the parameter `{name}` is not valid: {rule}"))
    }

    /// A parameter with a value that is wrong in a way that has a code of its own: `Length`, `InvalidChars`, `Format`.
    pub(crate) fn invalid_in(name: &str, way: &str, rule: &str) -> Self {
        Self::new(400, format!("InvalidParameter.{name}.{way}"), format!("the parameter `{name}` is not valid: {rule}"))
    }

    /// A user at a domain that is not that of the caller's account.
    pub(crate) fn no_user_at(domain: &str) -> Self {
        Self::new(404, "EntityNotExist.User", format!("the users of this account are not at `{}`", shown(domain)))
    }

    /// A parameter that stands twice.
    pub(crate) fn repeated(name: &str) -> Self {
        Self::new(400, "InvalidParameter", format!("the parameter `{}` is repeated", shown(name)))
    }

    /// A body that should be a form and cannot be read as one.
    pub(crate) fn body(problem: &str) -> Self {
        Self::new(400, "InvalidParameter", format!("the form in the body cannot be read: {problem}"))
    }

    /// An operation that is not offered.
    pub(crate) fn no_action(action: &str, why: &str) -> Self {
        Self::new(404, "InvalidAction.NotFound", format!("the operation `{}` cannot be used: {why}", shown(action)))
    }

    /// A version of no API here.
    pub(crate) fn version(version: &str) -> Self {
        let known = "STS is `2015-04-01`, RAM `2015-05-01`, IMS `2019-08-15`, our own `2026-11-01`";
        Self::new(400, "InvalidVersion", format!("the version `{}` is not known: {known}", shown(version)))
    }

    /// A method that this wire does not use.
    pub(crate) fn method(method: &Method) -> Self {
        Self::new(405, "UnsupportedHTTPMethod", format!("the method `{}` is not used here: use GET or POST", shown(method.as_str())))
    }

    /// A request without a signature.
    pub(crate) fn unsigned(received: &Received) -> Self {
        let has_key = received.parameter("AccessKeyId").is_some_and(|id| !id.is_empty());
        Self::missing(if has_key { "Signature" } else { "AccessKeyId" })
    }
}

/// A stranger's text as an answer may carry it.
fn shown(text: &str) -> String {
    text.chars().take(128).collect()
}

impl From<OpError> for AcsError {
    fn from(error: OpError) -> Self {
        let message = error.to_string();
        match error {
            OpError::Authentication(failure) => failure.into(),
            // Whoever is not let in by a token hears the same, whatever the reason: see `FederationFailure::Untrusted`.
            OpError::Denied(denial) if denial.caller_kind == CallerKind::Federated => FederationFailure::Untrusted.into(),
            OpError::Denied(denial) if denial.by == DeniedBy::NoPassword => {
                Self { denied: true, ..Self::new(403, "NotSupport.Account", message) }
            }
            OpError::Denied(denial) => {
                Self { denied: true, detail: Some(access_denied_detail(&denial)), ..Self::new(403, "NoPermission", message) }
            }
            OpError::NotFound(resource) => Self::new(404, coded("EntityNotExist", &resource), message),
            OpError::Exists(resource) => Self::new(409, coded("EntityAlreadyExists", &resource), message),
            OpError::NotEmpty(resource) => Self::new(409, coded("DeleteConflict", &resource), message),
            OpError::InUse(resource, holding) => {
                let code = format!("{}.{}", coded("DeleteConflict", &resource), held(holding));
                Self::new(409, code, message)
            }
            OpError::LimitExceeded(quota, _) => Self::new(409, limit_code(quota), message),
            OpError::Invalid(problem) if problem.input == Input::OneTimeCode => Self::new(403, "CheckAuthenticationCodeFail", message),
            OpError::Invalid(problem) => Self::new(400, invalid_code(&problem), message),
            OpError::Precondition(_) => Self::new(412, "PreconditionFailed", message),
            OpError::Conflict => Self::new(409, "OperationConflict", message),
            // Grants and apps of organisations are asked for elsewhere.
            OpError::Grant(_) => Self::new(403, "NoPermission", message),
            OpError::Organisation(refusal) => match refusal {
                Refusal::AppNotFound(_) | Refusal::UserNotFound(_) => Self::new(404, "EntityNotExist.OrganizationApp", message),
                other => Self::new(400, format!("OrganizationRefused.{}", other.word()), message),
            },
            OpError::Throttled(wait) => Self { retry_after: Some(wait), ..Self::new(400, "Throttling.User", message) },
            OpError::Internal(cause) => Self { cause: Some(cause), ..Self::new(500, "InternalError", message) },
        }
    }
}

impl From<AuthnFailure> for AcsError {
    fn from(failure: AuthnFailure) -> Self {
        let message = failure.to_string();
        match failure {
            AuthnFailure::Anonymous => Self::missing("AccessKeyId"),
            AuthnFailure::UnknownKey => Self::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
            // The key is what it should be and may not be used: as good as switched off, and the message says why.
            AuthnFailure::KeyInactive | AuthnFailure::KeyTooOld(_) | AuthnFailure::KeyElsewhere | AuthnFailure::KeyOfPerson => {
                Self::new(400, "InvalidAccessKeyId.Inactive", message)
            }
            AuthnFailure::OwnerInactive => Self::new(403, "Forbidden.AccessKeyDisabled", message),
            AuthnFailure::TokenMissing => Self::new(400, "MissingSecurityToken", message),
            AuthnFailure::TokenMalformed => Self::new(400, "InvalidSecurityToken.Malformed", message),
            // A session that was ended asks for a new credential, as one whose time is over does.
            AuthnFailure::TokenExpired | AuthnFailure::SessionEnded => Self::new(400, "InvalidSecurityToken.Expired", message),
            AuthnFailure::TokenMismatch => Self::new(400, "InvalidSecurityToken.MismatchWithAccessKey", message),
            AuthnFailure::Signature(mismatch) => Self::new(400, "SignatureDoesNotMatch", mismatch_message(&mismatch)),
            AuthnFailure::Time(problem) => Self::new(400, "InvalidTimeStamp.Expired", problem.to_string()),
            AuthnFailure::Replayed => Self::new(400, "SignatureNonceUsed", message),
            AuthnFailure::Federation(failure) => failure.into(),
            // No client asks here.
            AuthnFailure::Client => Self::new(403, "NoPermission", message),
        }
    }
}

impl From<FederationFailure> for AcsError {
    fn from(failure: FederationFailure) -> Self {
        let code = match &failure {
            FederationFailure::Invalid(_) => "AuthenticationFail.OIDCToken.Invalid",
            FederationFailure::Untrusted => "AuthenticationFail.NoPermission",
            FederationFailure::Audience => "AuthenticationFail.OIDCToken.AudienceNotMatch",
            FederationFailure::Expired => "AuthenticationFail.OIDCToken.Expired",
            FederationFailure::Signature(_) => "AuthenticationFail.OIDCToken.InvalidSignature",
            FederationFailure::Issuer => "AuthenticationFail.OIDCToken.HttpsUrlInvalid",
        };
        Self { denied: failure == FederationFailure::Untrusted, ..Self::new(401, code, failure.to_string()) }
    }
}

/// Clients cut this message at its colon and compare the rest with their own string; nothing may stand behind it.
fn mismatch_message(mismatch: &Mismatch) -> String {
    let Mismatch { string_to_sign, canonical_request, .. } = mismatch;
    let prefix = "Specified signature is not matched with our calculation. server string to sign is:";
    match canonical_request {
        None => format!("{prefix}{string_to_sign}"),
        Some(canonical) => format!("{prefix}{string_to_sign}\nserver canonical request is:{canonical}"),
    }
}

/// `EntityNotExist.Role` and its like.
fn coded(stem: &'static str, resource: &ResourceName) -> Cow<'static, str> {
    let kind = match resource {
        ResourceName::Account(_) => "AccountAlias",
        ResourceName::KeyPolicy { .. } => "KeyPolicy",
        ResourceName::AccountSettings { .. } | ResourceName::Directory { .. } => "Account",
        ResourceName::User { .. } | ResourceName::Users { .. } | ResourceName::Owner { .. } => "User",
        ResourceName::AccessKey { .. } => "User.AccessKey",
        ResourceName::Group { .. } | ResourceName::Groups { .. } => "Group",
        ResourceName::Membership { .. } => "User.Group",
        ResourceName::Role { .. } | ResourceName::Roles { .. } => "Role",
        ResourceName::Policy { .. } | ResourceName::Policies { .. } | ResourceName::SystemPolicy { .. } => "Policy",
        ResourceName::PolicyVersion { .. } => "Policy.Version",
        ResourceName::OidcProviders { .. } | ResourceName::OidcProvider { .. } => "OIDCProvider",
        ResourceName::Attachment { to, .. } => return format!("{}.Policy", coded(stem, to)).into(),
        ResourceName::LoginProfile { .. } => "User.LoginProfile",
        ResourceName::Factor { .. } => "User.MFADevice",
        ResourceName::ApiToken { .. } => "User.ApiToken",
        ResourceName::MfaDevices { .. } | ResourceName::MfaDevice { .. } => "VirtualMFADevice",
        ResourceName::BoundMfaDevice { .. } => "VirtualMFADevice.User",
        ResourceName::Buckets { .. } | ResourceName::Bucket { .. } => "Bucket",
        ResourceName::Object { .. } => "Object",
        ResourceName::Applications { .. } | ResourceName::Application { .. } => "Application",
        ResourceName::ApplicationSecret { .. } => "Application.AppSecret",
        ResourceName::Sessions { .. } | ResourceName::Session { .. } | ResourceName::SessionsOf(_) | ResourceName::SessionsOfKey { .. } => {
            "Session"
        }
        ResourceName::Requests { .. } | ResourceName::Request { .. } => "Request",
        ResourceName::Credentials { .. } => "Credential",
        ResourceName::Organisation { .. } => "Organization",
        ResourceName::OrgPart { .. } => "Organization.Part",
        ResourceName::Caller => return stem.into(),
    };
    format!("{stem}.{kind}").into()
}

/// What keeps something from being deleted.
fn held(holding: Holding) -> &'static str {
    match holding {
        Holding::AccessKeys => "AccessKey",
        Holding::Groups | Holding::AttachedGroups => "Group",
        Holding::Policies => "Policy",
        Holding::LoginProfile => "LoginProfile",
        Holding::Factor => "MFADevice",
        Holding::Users | Holding::Bound => "User",
        Holding::Roles => "Role",
        Holding::Versions => "Version",
        Holding::Default => "Default",
    }
}

fn limit_code(quota: Quota) -> &'static str {
    match quota {
        Quota::Users => "LimitExceeded.User",
        Quota::KeysPerUser => "LimitExceeded.User.AccessKey",
        Quota::Groups => "LimitExceeded.Group",
        Quota::GroupsPerUser => "LimitExceeded.User.Group",
        Quota::Roles => "LimitExceeded.Role",
        Quota::Policies => "LimitExceeded.Policy",
        Quota::VersionsPerPolicy => "LimitExceeded.Policy.Version",
        Quota::PoliciesPerUser => "LimitExceeded.User.Policy",
        Quota::PoliciesPerGroup => "LimitExceeded.Group.Policy",
        Quota::PoliciesPerRole => "LimitExceeded.Role.Policy",
        Quota::Clients => "LimitExceeded.Application",
        Quota::SecretsPerClient => "LimitExceeded.Application.AppSecret",
        Quota::Assignments => "LimitExceeded.Application.Assignment",
        Quota::TagsPerResource => "LimitExceeded.Tag",
        Quota::OidcProviders => "LimitExceeded.OIDCProvider",
        Quota::ClientIdsPerProvider => "LimitExceeded.OIDCProvider.ClientId",
        Quota::FingerprintsPerProvider => "LimitExceeded.OIDCProvider.Fingerprint",
        Quota::MfaDevices => "LimitExceeded.VirtualMFADevice",
        Quota::ApiTokensPerUser => "LimitExceeded.User.ApiToken",
    }
}

fn invalid_code(problem: &Problem) -> &'static str {
    match problem.input {
        Input::Lifetime => "InvalidParameter.DurationSeconds",
        Input::SessionPolicy if problem.kind == ProblemKind::TooLarge => "InvalidParameter.PolicySize",
        Input::SessionPolicy => "InvalidParameter.PolicyGrammar",
        Input::SourceIdentity => "InvalidParameter.SourceIdentity",
        Input::PolicyDocument if problem.kind == ProblemKind::TooLarge => "InvalidParameter.PolicyDocument.Length",
        Input::TrustDocument if problem.kind == ProblemKind::TooLarge => "InvalidParameter.AssumeRolePolicyDocument.Length",
        Input::NewTrustDocument if problem.kind == ProblemKind::TooLarge => "InvalidParameter.NewAssumeRolePolicyDocument.Length",
        Input::PolicyDocument | Input::TrustDocument | Input::NewTrustDocument => "MalformedPolicyDocument",
        Input::MaxSession => "InvalidParameter.MaxSessionDuration",
        Input::NewMaxSession => "InvalidParameter.NewMaxSessionDuration",
        Input::UserName => "InvalidParameter.UserName",
        Input::ApplicationId => "InvalidParameter.AppId",
        Input::ApplicationName => "InvalidParameter.AppName",
        Input::RedirectUris => "InvalidParameter.RedirectUris",
        Input::Scopes => "InvalidParameter.PredefinedScopes",
        Input::AccessLifetime => "InvalidParameter.AccessTokenValidity",
        Input::RefreshLifetime => "InvalidParameter.RefreshTokenValidity",
        Input::Marker => "InvalidParameter.Marker",
        Input::LeakedText => "InvalidParameter.Text",
        Input::Declaration => "InvalidParameter.Declaration",
        Input::Plan if problem.kind == ProblemKind::Mismatch => "InvalidParameter.PlanHash.Outdated",
        Input::Plan => "NobodyCouldAdminister",
        Input::AccountAlias => "InvalidParameter.AccountAlias.InvalidChars",
        Input::Tags => "InvalidParameter.Tag",
        Input::ResourceNames => "InvalidParameter.ResourceNames",
        Input::DiagnosticMessage => "InvalidParameter.EncodedDiagnosticMessage",
        Input::MaxKeyAge => "InvalidParameter.MaxAgeDays",
        Input::KeyNetworks => "InvalidParameter.Networks",
        Input::KeyPolicy => "InvalidParameter.AllowPeople",
        Input::IssuerUrl => "InvalidParameter.IssuerUrl",
        Input::IssuanceLimit => "InvalidParameter.IssuanceLimitTime",
        Input::ApiTokenName => "InvalidParameter.ApiTokenName",
        Input::ApiTokenLife => "InvalidParameter.ValiditySeconds",
        Input::Fingerprint => "InvalidParameter.Fingerprint",
        Input::Password => "InvalidParameter.Password.TooWeak",
        Input::OldPassword => "InvalidParameter.OldPassword.Incorrect",
        Input::NewPassword if problem.kind == ProblemKind::Reused => "InvalidParameter.NewPassword.ReusePrevention",
        Input::NewPassword => "InvalidParameter.NewPassword.TooWeak",
        Input::OneTimeCode => "CheckAuthenticationCodeFail",
        Input::MinPasswordLength => "InvalidParameter.MinimumPasswordLength",
        Input::DifferentCharacters => "InvalidParameter.MinimumPasswordDifferentCharacter",
        Input::MaxPasswordAge => "InvalidParameter.MaxPasswordAge",
        Input::InitialPasswordAge => "InvalidParameter.InitialPasswordAge",
        Input::ReusePrevention => "InvalidParameter.PasswordReusePrevention",
        Input::MaxLoginAttempts => "InvalidParameter.MaxLoginAttemps",
        Input::LoginSession => "InvalidParameter.LoginSessionDuration",
        Input::LoginNetworks => "InvalidParameter.LoginNetworkMasks",
        Input::ContentMd5
        | Input::ContentCrc64
        | Input::ContentLength
        | Input::ObjectSize
        | Input::Range
        | Input::Header
        | Input::BucketProperties => "InvalidParameter",
    }
}

/// Who was refused what by which kind of policy; the statements stay in the audit.
fn access_denied_detail(denial: &Denial) -> Tree {
    let principal = principal_type(denial.caller_kind);
    let mut fields = vec![
        ("AuthAction", denial.action.to_owned()),
        ("AuthPrincipalType", principal.to_owned()),
        ("AuthPrincipalOwnerId", denial.account.clone()),
        ("AuthPrincipalDisplayName", denial.caller.clone()),
    ];
    match denial.by {
        DeniedBy::Layer { layer, explicit } => {
            fields.push(("NoPermissionType", if explicit { "ExplicitDeny" } else { "ImplicitDeny" }.to_owned()));
            fields.push(("PolicyType", policy_type(layer).to_owned()));
        }
        DeniedBy::OwnerMayNotAssume
        | DeniedBy::ForeignAccount
        | DeniedBy::SourceIdentityFixed
        | DeniedBy::ChainEnded
        | DeniedBy::KeyPolicy
        | DeniedBy::NoPassword
        | DeniedBy::SecondFactor
        | DeniedBy::Organisation(_) => {}
    }
    fields.extend(denial.diagnostic.clone().map(|message| ("EncodedDiagnosticMessage", message)));
    Tree::Object(fields.into_iter().map(|(name, text)| (name, Tree::Text(text))).collect())
}

pub(super) fn principal_type(kind: CallerKind) -> &'static str {
    match kind {
        CallerKind::Owner => "Account",
        CallerKind::User => "SubUser",
        CallerKind::RoleSession => "AssumedRoleUser",
        CallerKind::Federated => "Federated",
        CallerKind::Client => "Client",
    }
}

pub(super) fn policy_type(layer: LayerKind) -> &'static str {
    match layer {
        LayerKind::Control => "ControlPolicy",
        LayerKind::Session => "SessionPolicy",
        LayerKind::Identity => "AccountLevelIdentityBasedPolicy",
        LayerKind::Trust => "AssumeRolePolicy",
        LayerKind::Resource => "ResourceBasedPolicy",
    }
}

impl From<AcsProblem> for AcsError {
    fn from(problem: AcsProblem) -> Self {
        let message = problem.to_string();
        match problem {
            AcsProblem::Arrived(problem) => problem.into(),
            AcsProblem::Rpc(problem) => problem.into(),
            AcsProblem::Acs3(problem) => problem.into(),
            AcsProblem::Bearer => {
                Self::new(400, "InvalidParameter.SignatureType", format!("{message}: sign the request with an access key"))
            }
            AcsProblem::Authorization { .. } => Self::new(400, "InvalidSignatureMethod", message),
        }
    }
}

impl From<ArrivedProblem> for AcsError {
    fn from(problem: ArrivedProblem) -> Self {
        match problem {
            ArrivedProblem::ParameterRepeated { name } => Self::repeated(&name),
            ArrivedProblem::TooMany { .. }
            | ArrivedProblem::TooLong { .. }
            | ArrivedProblem::Character { .. }
            | ArrivedProblem::HeaderRepeated { .. } => Self::new(400, "InvalidParameter", problem.to_string()),
        }
    }
}

impl From<RpcProblem> for AcsError {
    fn from(problem: RpcProblem) -> Self {
        let message = problem.to_string();
        match problem {
            RpcProblem::Arrived(problem) => problem.into(),
            RpcProblem::Missing { name } => Self::missing(name),
            RpcProblem::UnsupportedAlgorithm { .. } => Self::new(400, "InvalidSignatureMethod", message),
            RpcProblem::UnsupportedVersion { .. } => Self::new(400, "InvalidParameter.SignatureVersion", message),
            RpcProblem::UnsupportedType { .. } => Self::new(400, "InvalidParameter.SignatureType", message),
            RpcProblem::AccessKeyId { .. } => Self::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
            RpcProblem::Timestamp { .. } => Self::new(400, "InvalidTimeStamp.Format", message),
            RpcProblem::Path { .. } => Self::new(404, "InvalidApi.NotFound", message),
        }
    }
}

impl From<Acs3Problem> for AcsError {
    fn from(problem: Acs3Problem) -> Self {
        let message = problem.to_string();
        match problem {
            Acs3Problem::Arrived(problem) => problem.into(),
            Acs3Problem::Missing { name } => Self::missing(parameter_of(name)),
            Acs3Problem::UnsupportedAlgorithm { .. } => Self::new(400, "InvalidSignatureMethod", message),
            Acs3Problem::AccessKeyId { .. } => Self::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
            Acs3Problem::Authorization
            | Acs3Problem::SignedHeaders { .. }
            | Acs3Problem::SignedHeaderAbsent { .. }
            | Acs3Problem::Unsigned { .. } => Self::new(400, "IncompleteSignature", message),
            Acs3Problem::Date { .. } => Self::new(400, "InvalidTimeStamp.Format", message),
            Acs3Problem::BodyHash { .. } => Self::new(400, "InvalidParameter.ContentSha256", message),
            Acs3Problem::BodyUnread => {
                Self { cause: Some(message.into()), ..Self::new(500, "InternalError", "the server failed; nothing was done") }
            }
        }
    }
}

/// The parameter whose place a header of ACS3 takes.
fn parameter_of(header: &str) -> &str {
    match header {
        "x-acs-action" => "Action",
        "x-acs-version" => "Version",
        "x-acs-date" => "Timestamp",
        "x-acs-signature-nonce" => "SignatureNonce",
        "x-acs-content-sha256" => "ContentSha256",
        "host" => "Host",
        other => other,
    }
}

impl From<HeadProblem> for AcsError {
    fn from(problem: HeadProblem) -> Self {
        Self::new(400, "InvalidParameter", problem.to_string())
    }
}

impl From<BodyProblem> for AcsError {
    fn from(problem: BodyProblem) -> Self {
        match problem {
            BodyProblem::TooLarge(limit) => Self::new(413, "InvalidParameter", format!("the body is larger than {limit} bytes")),
            BodyProblem::Incomplete => Self::new(400, "ContentLengthDoesNotMatch", "the body ended before its announced length"),
        }
    }
}

#[cfg(test)]
mod tests;
