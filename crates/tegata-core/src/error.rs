//! Why an operation did not happen: one enum for the whole core, rendered by one table per dialect.

use std::{error::Error, fmt, time::Duration};

use tegata_policy::{LayerKind, Verdict};
use tegata_sign::{Mismatch, TimeProblem};

use crate::{
    directory::PasswordRule,
    grant::GrantFailure,
    org::{Barrier, Refusal},
    resource::ResourceName,
};

/// Seconds of a day.
const DAY: u64 = 24 * 3600;

/// Why an operation did not happen. Exhaustive on purpose: a new cause does not compile until every dialect has named it.
///
/// `Display` is safe to send and to log; what is only for us lives in `source()` and reaches only the log.
#[derive(Debug)]
pub enum OpError {
    /// Who asks could not be established.
    Authentication(AuthnFailure),
    /// Who asks is known and may not.
    Denied(Box<Denial>),
    /// What was named does not exist, and the caller may know that.
    NotFound(ResourceName),
    /// What was to be made exists already.
    Exists(ResourceName),
    /// What was to be deleted still has something, or is needed: which.
    InUse(ResourceName, Holding),
    /// There may be no more than this many.
    LimitExceeded(Quota, u32),
    /// What was to be deleted still holds something.
    NotEmpty(ResourceName),
    /// One input cannot be right.
    Invalid(Problem),
    /// A grant yields nothing.
    Grant(GrantFailure),
    /// An organisation refuses something about its apps and roles.
    Organisation(Refusal),
    /// The object does not meet the condition the caller set, or has not changed since.
    Precondition(Precondition),
    /// Others kept changing what this operation depends on; nothing was done.
    Conflict,
    /// Too much at once; try again after this long.
    Throttled(Duration),
    /// Ours to fix. The reply says nothing more; the log has the source.
    Internal(Box<dyn Error + Send + Sync>),
}

/// Why nobody was authenticated.
#[derive(Debug)]
pub enum AuthnFailure {
    /// The request carries no proof, and this operation needs one.
    Anonymous,
    /// No such access key.
    UnknownKey,
    /// The access key is switched off.
    KeyInactive,
    /// The access key is older than its account allows: at most this old.
    KeyTooOld(Duration),
    /// The access key may not be used from this address.
    KeyElsewhere,
    /// The access key belongs to somebody who signs in, and its account wants no keys for people.
    KeyOfPerson,
    /// The account, user or role behind the key is switched off or gone.
    OwnerInactive,
    /// A temporary key without its security token.
    TokenMissing,
    /// The token was not made by us, or was altered.
    TokenMalformed,
    /// The token's time is over.
    TokenExpired,
    /// The token belongs to another key, or came with a long-term key.
    TokenMismatch,
    /// The session was taken back before its time.
    SessionEnded,
    /// The signature is not what the secret makes of this request.
    Signature(Box<Mismatch>),
    /// The request is not from now.
    Time(TimeProblem),
    /// The nonce was used before.
    Replayed,
    /// A token of an identity provider was not accepted.
    Federation(FederationFailure),
    /// No such client, or it has not proven to be the one.
    Client,
}

/// Why a token of an identity provider did not say who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FederationFailure {
    /// It is no token that could be accepted, whoever signed it: why, in words fit for the sender.
    Invalid(String),
    /// The account takes no tokens of this provider, or this one is of another issuer. Says the same as a role that trusts nobody.
    Untrusted,
    /// It was made for somebody else.
    Audience,
    /// Its time is over, or it was issued too long ago.
    Expired,
    /// Its signature does not hold: why.
    Signature(String),
    /// The keys of its issuer could not be had, or not over a connection that proves who it is. The log has the cause.
    Issuer,
}

/// A refusal by policy. The reply says action, resource, layer and implicit or explicit; the deciding statements
/// are kept in the audit row, for those who may read the account's policies.
#[derive(Debug)]
pub struct Denial {
    /// The canonical action.
    pub action: &'static str,
    /// The resource, spelled for policies.
    pub resource: String,
    /// What decided.
    pub by: DeniedBy,
    /// How every layer decided, for the audit row; `None` where no policy was asked.
    pub verdict: Option<Verdict>,
    /// The account of the caller: 16 digits.
    pub account: String,
    /// How the caller is shown: a user's number, or `role:session`.
    pub caller: String,
    /// What kind of principal the caller is.
    pub caller_kind: CallerKind,
    /// A sealed text that leads back to this refusal, for [`crate::directory::DecodeDiagnosticMessage`]; set when it is answered.
    pub diagnostic: Option<String>,
    /// What would allow it, worked out for `why`; only for the audit row.
    pub(crate) why: Option<Box<crate::why::Reasons>>,
}

/// What decided a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeniedBy {
    /// A layer of policies.
    Layer {
        /// Which one.
        layer: LayerKind,
        /// True when a Deny statement matched, false when nothing allowed it.
        explicit: bool,
    },
    /// Account owners may not assume roles.
    OwnerMayNotAssume,
    /// The resource belongs to another account, which has not opened it.
    ForeignAccount,
    /// The session carries another source identity, and that may not change.
    SourceIdentityFixed,
    /// The chain of sessions is as long as it may be, or its deadline is nearly reached.
    ChainEnded,
    /// The account's key policy allows no keys for users who sign in.
    KeyPolicy,
    /// Only a user has a password of its own.
    NoPassword,
    /// The user has a second factor, and the caller did not give it.
    SecondFactor,
    /// Roles in an organisation, which allow here.
    Organisation(Barrier),
}

/// What kind of principal a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// The owner of an account.
    Owner,
    /// A user.
    User,
    /// A session of a role.
    RoleSession,
    /// Somebody whom an identity provider vouched for.
    Federated,
    /// An OAuth client, for itself.
    Client,
}

/// Why something cannot be deleted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holding {
    /// It has access keys.
    AccessKeys,
    /// It is a member of groups.
    Groups,
    /// Policies are attached to it.
    Policies,
    /// It has users, or is attached to some.
    Users,
    /// It is attached to groups.
    AttachedGroups,
    /// It is attached to roles.
    Roles,
    /// It has versions besides the one that counts.
    Versions,
    /// It is the version that counts.
    Default,
    /// It has something to sign in with.
    LoginProfile,
    /// It has a second factor.
    Factor,
    /// It is the second factor of a user.
    Bound,
}

impl Holding {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::AccessKeys,
        Self::Groups,
        Self::Policies,
        Self::Users,
        Self::AttachedGroups,
        Self::Roles,
        Self::Versions,
        Self::Default,
        Self::LoginProfile,
        Self::Factor,
        Self::Bound,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::AccessKeys => "still has access keys",
            Self::Groups => "is still a member of groups",
            Self::Policies => "still has policies attached",
            Self::Users => "still has users",
            Self::AttachedGroups => "is still attached to groups",
            Self::Roles => "is still attached to roles",
            Self::Versions => "still has versions besides its default",
            Self::Default => "is the default version",
            Self::LoginProfile => "still has a login profile",
            Self::Factor => "still has a second factor",
            Self::Bound => "is still the second factor of a user",
        }
    }
}

/// What there may be only so many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Users of an account.
    Users,
    /// Access keys of a user.
    KeysPerUser,
    /// Groups of an account.
    Groups,
    /// Groups of a user.
    GroupsPerUser,
    /// Roles of an account.
    Roles,
    /// Policies of an account.
    Policies,
    /// Versions of a policy.
    VersionsPerPolicy,
    /// Policies attached to a user.
    PoliciesPerUser,
    /// Policies attached to a group.
    PoliciesPerGroup,
    /// Policies attached to a role.
    PoliciesPerRole,
    /// Applications of an account.
    Clients,
    /// Secrets of an application that count.
    SecretsPerClient,
    /// Users and roles assigned to an application.
    Assignments,
    /// Tags of a role or policy.
    TagsPerResource,
    /// OpenID providers of an account.
    OidcProviders,
    /// Client ids of an OpenID provider.
    ClientIdsPerProvider,
    /// Fingerprints of an OpenID provider.
    FingerprintsPerProvider,
    /// Devices for one-time codes of an account.
    MfaDevices,
    /// API tokens of a user.
    ApiTokensPerUser,
}

impl Quota {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Users,
        Self::KeysPerUser,
        Self::Groups,
        Self::GroupsPerUser,
        Self::Roles,
        Self::Policies,
        Self::VersionsPerPolicy,
        Self::PoliciesPerUser,
        Self::PoliciesPerGroup,
        Self::PoliciesPerRole,
        Self::TagsPerResource,
        Self::OidcProviders,
        Self::ClientIdsPerProvider,
        Self::FingerprintsPerProvider,
        Self::Clients,
        Self::SecretsPerClient,
        Self::Assignments,
        Self::MfaDevices,
        Self::ApiTokensPerUser,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Users => "users in an account",
            Self::KeysPerUser => "access keys for a user",
            Self::Groups => "groups in an account",
            Self::GroupsPerUser => "groups for a user",
            Self::Roles => "roles in an account",
            Self::Policies => "policies in an account",
            Self::VersionsPerPolicy => "versions of a policy",
            Self::PoliciesPerUser => "policies of this kind for a user",
            Self::PoliciesPerGroup => "policies of this kind for a group",
            Self::PoliciesPerRole => "policies of this kind for a role",
            Self::Clients => "applications in an account",
            Self::SecretsPerClient => "secrets of an application that count",
            Self::Assignments => "users and roles assigned to an application",
            Self::TagsPerResource => "tags for a role or policy",
            Self::OidcProviders => "OIDC providers in an account",
            Self::ClientIdsPerProvider => "client ids for an OIDC provider",
            Self::FingerprintsPerProvider => "fingerprints for an OIDC provider",
            Self::MfaDevices => "devices for one-time codes in an account",
            Self::ApiTokensPerUser => "API tokens of a user",
        }
    }
}

/// One input that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which input.
    pub input: Input,
    /// What is wrong with it.
    pub kind: ProblemKind,
    /// The rule in words, ready to be shown.
    pub message: String,
    /// The rules that a password breaks, for those who say them in other words.
    pub rules: Vec<PasswordRule>,
}

/// The inputs that operations can find wrong. Dialects know what each is called on their wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// How long a session shall live.
    Lifetime,
    /// The session policy.
    SessionPolicy,
    /// The origin of a chain.
    SourceIdentity,
    /// The digest the client says its body has (MD5).
    ContentMd5,
    /// The checksum the client says its body has (CRC-64).
    ContentCrc64,
    /// The body ended before or after the length announced.
    ContentLength,
    /// The body is larger than objects may be.
    ObjectSize,
    /// The range asked for.
    Range,
    /// A header of the object.
    Header,
    /// The bucket's properties differ from those it has.
    BucketProperties,
    /// The document of a policy.
    PolicyDocument,
    /// The trust document of a role that is made.
    TrustDocument,
    /// The trust document that a role shall have from now on.
    NewTrustDocument,
    /// The longest session of a role that is made.
    MaxSession,
    /// The longest session that a role shall have from now on.
    NewMaxSession,
    /// The user that is meant.
    UserName,
    /// Where a list is to go on.
    Marker,
    /// A text that credentials are looked for in.
    LeakedText,
    /// The declaration of a directory.
    Declaration,
    /// The plan that was looked at.
    Plan,
    /// The name that an account shall have.
    AccountAlias,
    /// Tags, or keys of tags.
    Tags,
    /// The things that are tagged.
    ResourceNames,
    /// What explains a refusal.
    DiagnosticMessage,
    /// How old keys may become.
    MaxKeyAge,
    /// From where keys may be used.
    KeyNetworks,
    /// Demands on keys as a whole.
    KeyPolicy,
    /// The application that is meant.
    ApplicationId,
    /// The name of an application.
    ApplicationName,
    /// Where codes may be sent.
    RedirectUris,
    /// Scopes of an application or an installation.
    Scopes,
    /// How long access tokens live.
    AccessLifetime,
    /// How long refresh tokens live.
    RefreshLifetime,
    /// The URL of an issuer.
    IssuerUrl,
    /// How long ago a token may have been issued.
    IssuanceLimit,
    /// What an API token is called.
    ApiTokenName,
    /// How long an API token lives, and may go unused.
    ApiTokenLife,
    /// The digest of a certificate.
    Fingerprint,
    /// The password that a user is given.
    Password,
    /// The password that the caller has so far.
    OldPassword,
    /// The password that the caller wants from now on.
    NewPassword,
    /// The one-time codes of a device.
    OneTimeCode,
    /// A setting of what is asked of passwords.
    MinPasswordLength,
    /// Another one: how many different characters.
    DifferentCharacters,
    /// Another one: how old a password may become.
    MaxPasswordAge,
    /// Another one: how long a password is good that somebody else has set.
    InitialPasswordAge,
    /// Another one: how many earlier passwords are remembered.
    ReusePrevention,
    /// Another one: how many wrong tries there may be.
    MaxLoginAttempts,
    /// How long a sign-in lasts.
    LoginSession,
    /// The networks to sign in from.
    LoginNetworks,
}

/// What is wrong with an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// Not in the form it must have.
    Malformed,
    /// Too long or too large.
    TooLarge,
    /// Too short or too small.
    TooSmall,
    /// Outside the range allowed here.
    OutOfRange,
    /// Does not agree with what arrived.
    Mismatch,
    /// Was used before.
    Reused,
}

/// How a conditional request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// The object is the one the caller has; no body is needed.
    NotModified {
        /// The entity tag, quoted.
        etag: String,
        /// When it was last written.
        modified: tegata_model::Timestamp,
    },
    /// The condition of this name does not hold.
    Failed(&'static str),
    /// The object exists and may not be overwritten.
    Exists,
}

impl OpError {
    /// An input problem.
    pub fn invalid(input: Input, kind: ProblemKind, message: impl Into<String>) -> Self {
        Self::Invalid(Problem { input, kind, message: message.into(), rules: Vec::new() })
    }

    /// A fault of ours, with its cause.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}

impl fmt::Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authentication(failure) => failure.fmt(f),
            Self::Denied(denial) => denial.fmt(f),
            Self::NotFound(resource) => write!(f, "`{resource}` does not exist"),
            Self::Exists(resource) => write!(f, "`{resource}` exists already"),
            Self::InUse(resource, holding) => write!(f, "`{resource}` {}", holding.words()),
            Self::LimitExceeded(quota, limit) => write!(f, "there may be at most {limit} {}", quota.words()),
            Self::NotEmpty(resource) => write!(f, "`{resource}` is not empty"),
            Self::Invalid(problem) => f.write_str(&problem.message),
            Self::Grant(failure) => failure.fmt(f),
            Self::Organisation(refusal) => refusal.fmt(f),
            Self::Precondition(Precondition::NotModified { .. }) => f.write_str("not modified"),
            Self::Precondition(Precondition::Failed(name)) => write!(f, "the condition `{name}` does not hold"),
            Self::Precondition(Precondition::Exists) => f.write_str("the object exists and may not be overwritten"),
            Self::Conflict => f.write_str("others kept changing what this depends on; nothing was done, try again"),
            Self::Throttled(wait) => write!(f, "too many requests at once; try again in {} s", wait.as_secs().max(1)),
            Self::Internal(_) => f.write_str("the server failed; nothing was done"),
        }
    }
}

impl Error for OpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Internal(cause) => Some(cause.as_ref()),
            _ => None,
        }
    }
}

impl fmt::Display for AuthnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "the request is not signed",
            Self::UnknownKey => "the access key id is not known",
            Self::KeyInactive => "the access key is disabled",
            Self::KeyTooOld(most) => {
                let days = most.as_secs() / DAY;
                return write!(
                    f,
                    "this account's key policy allows keys of at most {days} days, and this key is older: make a new one and delete it"
                );
            }
            Self::KeyElsewhere => {
                "this account's key policy does not allow keys from this address: use the key from an allowed network, or have it added"
            }
            Self::KeyOfPerson => {
                "this account's key policy allows no keys for users who sign in: sign in, or give the program a user or role of its own"
            }
            Self::OwnerInactive => "the account, user or role behind this key is disabled",
            Self::TokenMissing => "a temporary key needs its security token",
            Self::TokenMalformed => "the security token is not one of ours",
            Self::TokenExpired => "the security token has expired",
            Self::TokenMismatch => "the security token belongs to another access key",
            Self::SessionEnded => "the session was ended before its time",
            Self::Signature(_) => "the signature does not match",
            Self::Time(_) => "the request time is too far from the server's",
            Self::Replayed => "the nonce was used before",
            Self::Federation(failure) => return failure.fmt(f),
            Self::Client => "the client is not known, or has not proven to be the one",
        })
    }
}

impl AuthnFailure {
    /// A short stable word for counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::UnknownKey => "unknown-key",
            Self::KeyInactive => "key-inactive",
            Self::KeyTooOld(_) => "key-too-old",
            Self::KeyElsewhere => "key-elsewhere",
            Self::KeyOfPerson => "key-of-person",
            Self::OwnerInactive => "owner-inactive",
            Self::TokenMissing => "token-missing",
            Self::TokenMalformed => "token-malformed",
            Self::TokenExpired => "token-expired",
            Self::TokenMismatch => "token-mismatch",
            Self::SessionEnded => "session-ended",
            Self::Signature(_) => "signature",
            Self::Time(_) => "time",
            Self::Replayed => "replayed",
            Self::Federation(failure) => failure.reason(),
            Self::Client => "client",
        }
    }
}

/// What everybody is told whom no role lets in, whether the provider is not known, the role does not exist, or it trusts others.
pub const UNTRUSTED: &str = "no role of that name trusts this token";

impl fmt::Display for FederationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "the token cannot be accepted: {why}"),
            Self::Untrusted => f.write_str(UNTRUSTED),
            Self::Audience => f.write_str("the token was made for another audience"),
            Self::Expired => f.write_str("the token has expired, or was issued too long ago"),
            Self::Signature(why) => write!(f, "the signature of the token cannot be accepted: {why}"),
            Self::Issuer => f.write_str("the keys of the issuer could not be had over a connection that proves who it is"),
        }
    }
}

impl FederationFailure {
    /// A short stable word for counters.
    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "oidc-invalid",
            Self::Untrusted => "oidc-untrusted",
            Self::Audience => "oidc-audience",
            Self::Expired => "oidc-expired",
            Self::Signature(_) => "oidc-signature",
            Self::Issuer => "oidc-issuer",
        }
    }
}

/// The words for a layer, as people read them.
pub fn layer_words(layer: LayerKind) -> &'static str {
    match layer {
        LayerKind::Control => "the control policy",
        LayerKind::Session => "the session policy",
        LayerKind::Identity => "the identity policies",
        LayerKind::Trust => "the role's trust policy",
        LayerKind::Resource => "the resource's policy",
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, resource, .. } = self;
        match self.by {
            DeniedBy::Layer { layer, explicit: true } => {
                write!(f, "`{action}` on `{resource}` is denied by a statement of {}", layer_words(layer))
            }
            DeniedBy::Layer { layer, explicit: false } => {
                write!(f, "`{action}` on `{resource}` is not allowed by any statement of {}", layer_words(layer))
            }
            DeniedBy::OwnerMayNotAssume => write!(f, "`{action}`: account owners may not assume roles; use a user's key"),
            DeniedBy::ForeignAccount => write!(f, "`{action}` on `{resource}`: it belongs to another account"),
            DeniedBy::SourceIdentityFixed => write!(f, "`{action}`: the source identity of a session cannot be changed"),
            DeniedBy::KeyPolicy => {
                write!(
                    f,
                    "`{action}` on `{resource}`: the account's key policy allows no keys for users who sign in; make a user or role for the program"
                )
            }
            DeniedBy::NoPassword => write!(f, "`{action}`: only a user has a password of its own; use the key of a user"),
            DeniedBy::SecondFactor => {
                write!(f, "`{action}` on `{resource}` needs the second factor of the user, and this key or session was not given it")
            }
            DeniedBy::Organisation(barrier) => write!(f, "`{action}` on `{resource}`: {barrier}"),
            DeniedBy::ChainEnded => write!(f, "`{action}`: this chain of sessions cannot go on; start again from a key"),
        }
    }
}

macro_rules! internal_from {
    ($($source:ty),*) => { $(impl From<$source> for OpError { fn from(cause: $source) -> Self { Self::Internal(Box::new(cause)) } })* };
}
internal_from!(tegata_store::StoreError, crate::clock::NoEntropy);
