//! Who asks, by which key or session, on what evidence.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};
use tegata_model::{
    AccessKeyId, AccountAlias, AccountId, ClientId, ClientSecretId, InstallationId, OperatorId, RequestId, SourceIdentity, Timestamp,
    UserId, UserName,
};
use tegata_sign::Verified;

use crate::{
    error::CallerKind,
    principal::{LiveAccess, LiveClient, LiveKey, LiveOrg, LiveSession, LiveToken, OrgProof, Principal, Who},
    sam::LiveSam,
    signin::LiveBrowser,
    token::Ancestor,
    why::escape,
};

/// Longest text of a stranger in a caller's name, in bytes.
const STRANGER: usize = 256;

/// What the edge knows of a request besides its proof.
#[derive(Debug, Clone)]
pub struct RequestMeta {
    /// Our id of the request: told to the caller, kept in the audit.
    pub id: RequestId,
    /// The caller's address; `None` when it could not be established.
    pub source: Option<IpAddr>,
    /// True when the request came over TLS.
    pub secure: bool,
    /// What the client calls itself, at most 256 bytes.
    pub user_agent: String,
    /// What was called, where the trail shall say so.
    pub call: Option<ApiCall>,
}

/// What was called, as a dialect with paths tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiCall {
    /// The name of the operation there.
    pub api: String,
    /// The kind of path: with the names of its variables in place of their values.
    pub kind: String,
    /// The path, at most 256 bytes.
    pub path: String,
}

impl ApiCall {
    /// A call; a path of a stranger is escaped and cut.
    pub fn new(api: &str, kind: String, path: &str) -> Self {
        Self { api: api.to_owned(), kind, path: shown(path) }
    }
}

impl RequestMeta {
    /// The address as text, or `-`.
    pub fn source_text(&self) -> String {
        self.source.map_or_else(|| "-".to_owned(), |address| address.to_string())
    }
}

/// The authenticated principal of one request. Made by [`crate::Core::authenticate`] only; not `Clone`, since it
/// carries the proof that is still to be spent.
#[derive(Debug)]
pub struct Caller {
    pub(crate) evidence: Evidence,
    pub(crate) meta: RequestMeta,
    pub(crate) verified: Option<Verified>,
    pub(crate) unspent: Option<Unspent>,
}

/// What the caller was recognised by, and as whom.
#[derive(Debug, Clone)]
pub(crate) enum Evidence {
    /// A long-term access key.
    Key(Arc<LiveKey>),
    /// A temporary key of a role session.
    Session(Arc<LiveSession>),
    /// A token of an identity provider.
    Token(Arc<LiveToken>),
    /// An OAuth client, by its public id.
    Client {
        /// The client, in the account it asks in.
        client: Arc<LiveClient>,
        /// Which secret of its own it has shown, where it has.
        shown: Option<ClientSecretId>,
    },
    /// An access token of our own.
    Access(Arc<LiveAccess>),
    /// A browser that a person has signed in with.
    Browser(Arc<LiveBrowser>),
    /// An access token for an organisation, or an API token.
    Org(Arc<LiveOrg>),
    /// An API key and its token.
    Sam(Arc<LiveSam>),
}

/// Of whom an access token for an organisation speaks. The organisation is the caller's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgBearer {
    /// A user; what it may do is what its roles say now.
    User(UserId),
    /// An application; what it may do is what its instance has.
    App {
        /// The application.
        client: ClientId,
        /// Its instance in the organisation.
        installation: InstallationId,
    },
}

/// A proof that works once: claimed in the commit of the effect or of the refusal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unspent {
    pub(crate) nonce: [u8; 16],
}

impl Evidence {
    /// True if both are the same reading of the same credential.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one), Self::Key(two)) => Arc::ptr_eq(one, two),
            (Self::Session(one), Self::Session(two)) => Arc::ptr_eq(one, two),
            (Self::Token(one), Self::Token(two)) => Arc::ptr_eq(one, two),
            (Self::Client { client: one, .. }, Self::Client { client: two, .. }) => Arc::ptr_eq(one, two),
            (Self::Access(one), Self::Access(two)) => Arc::ptr_eq(one, two),
            (Self::Browser(one), Self::Browser(two)) => Arc::ptr_eq(one, two),
            (Self::Org(one), Self::Org(two)) => Arc::ptr_eq(one, two),
            (Self::Sam(one), Self::Sam(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }

    pub(crate) fn principal(&self) -> &Arc<Principal> {
        match self {
            Self::Key(key) => &key.owner,
            Self::Session(session) => &session.role,
            Self::Token(token) => &token.provider,
            Self::Client { client, .. } => &client.principal,
            Self::Access(access) => &access.principal,
            Self::Browser(browser) => &browser.principal,
            Self::Org(org) => &org.principal,
            Self::Sam(sam) => &sam.principal,
        }
    }
}

impl Caller {
    /// The same caller of the same request, by evidence that was read again.
    pub(crate) fn refreshed(&self, evidence: Evidence) -> Self {
        Self { evidence, meta: self.meta.clone(), verified: None, unspent: self.unspent }
    }

    /// The same caller of the same request, to be changed while the proof is spent before the effect.
    pub(crate) fn copied(&self) -> Self {
        Self { evidence: self.evidence.clone(), meta: self.meta.clone(), verified: None, unspent: self.unspent }
    }

    /// True when the credential was given a verified second factor. No key proves one, and neither does a session that began
    /// with a key.
    pub fn second_factor(&self) -> bool {
        match &self.evidence {
            Evidence::Browser(browser) => browser.row.second_factor,
            Evidence::Sam(sam) => sam.row.second_factor,
            Evidence::Session(session) => session.claims.sam.as_ref().is_some_and(|limits| limits.second_factor),
            Evidence::Key(_) | Evidence::Token(_) | Evidence::Client { .. } | Evidence::Access(_) | Evidence::Org(_) => false,
        }
    }

    /// True when this is the user itself, or a session that began with a key of the user.
    pub(crate) fn began_with(&self, user: UserId) -> bool {
        match (&self.evidence, &self.evidence.principal().who) {
            (_, Who::User(row)) if row.id == user => true,
            (Evidence::Session(session), _) => {
                session.claims.ancestors.iter().any(|ancestor| matches!(ancestor, Ancestor::User(id, _) if *id == user))
            }
            (Evidence::Browser(browser), _) => browser.row.user_id == user,
            (Evidence::Sam(sam), _) => sam.bound.iter().any(|ancestor| matches!(ancestor, Ancestor::User(id, _) if *id == user)),
            (Evidence::Key(_) | Evidence::Token(_) | Evidence::Client { .. } | Evidence::Access(_) | Evidence::Org(_), _) => false,
        }
    }

    /// The request this caller makes.
    pub fn meta(&self) -> &RequestMeta {
        &self.meta
    }

    /// Whoever speaks for itself in an organisation by an access token for it; nobody where another proof was shown.
    pub fn organisation_bearer(&self) -> Option<OrgBearer> {
        let Evidence::Org(org) = &self.evidence else { return None };
        let OrgProof::Access(..) = &org.shown else { return None };
        Some(match &org.principal.who {
            Who::User(row) => OrgBearer::User(row.id),
            Who::Client(row) => OrgBearer::App { client: row.id, installation: org.bound.installation()? },
            Who::Role { .. } | Who::Provider(_) => return None,
        })
    }

    /// What an access token for an organisation is for, where that is less than whoever it speaks for may: it may do no more here
    /// either.
    pub fn organisation_narrowed(&self) -> Option<&[String]> {
        match &self.evidence {
            Evidence::Org(org) => match &org.shown {
                OrgProof::Access(claims, _) => claims.narrowed.then_some(claims.perms.as_slice()),
                OrgProof::ApiToken(_) => None,
            },
            _ => None,
        }
    }

    /// What the signature check found: for object requests, the address that was signed.
    pub fn verified(&self) -> Option<&Verified> {
        self.verified.as_ref()
    }

    /// The account the caller belongs to.
    pub fn account(&self) -> AccountId {
        self.evidence.principal().account.id
    }

    /// The account's id as an organisation.
    pub fn organisation_id(&self) -> &str {
        self.evidence.principal().account.organisation_id.as_str()
    }

    /// The account's id as an operator.
    pub fn operator_id(&self) -> &OperatorId {
        &self.evidence.principal().account.operator_id
    }

    /// The account's 16-digit number, as text.
    pub fn account_number(&self) -> String {
        self.evidence.principal().account.number.to_string()
    }

    /// What the account is called.
    pub fn account_alias(&self) -> &AccountAlias {
        &self.evidence.principal().account.alias
    }

    /// The caller's name, if it is a user other than the owner.
    pub fn user_name(&self) -> Option<&UserName> {
        match &self.evidence.principal().who {
            Who::User(row) if self.kind() == CallerKind::User => Some(&row.name),
            Who::User(_) | Who::Role { .. } | Who::Provider(_) | Who::Client(_) => None,
        }
    }

    /// What kind of principal this is.
    pub fn kind(&self) -> CallerKind {
        self.evidence.principal().caller_kind()
    }

    /// The key id that signed; `None` where nothing was signed: tokens and clients speak for themselves.
    pub fn access_key_id(&self) -> Option<&AccessKeyId> {
        match &self.evidence {
            Evidence::Key(key) => Some(&key.key_id),
            Evidence::Session(session) => Some(&session.key_id),
            Evidence::Token(_)
            | Evidence::Client { .. }
            | Evidence::Access(_)
            | Evidence::Browser(_)
            | Evidence::Org(_)
            | Evidence::Sam(_) => None,
        }
    }

    /// The origin of the chain of sessions, where one was set.
    pub fn source_identity(&self) -> Option<&SourceIdentity> {
        match &self.evidence {
            Evidence::Key(_)
            | Evidence::Token(_)
            | Evidence::Client { .. }
            | Evidence::Access(_)
            | Evidence::Browser(_)
            | Evidence::Org(_)
            | Evidence::Sam(_) => None,
            Evidence::Session(session) => session.claims.source_identity.as_ref(),
        }
    }

    /// When the session or token ends; `None` for a long-term key.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match &self.evidence {
            Evidence::Key(_) | Evidence::Client { .. } => None,
            Evidence::Access(access) => Some(access.claims.expires_at()),
            Evidence::Browser(browser) => Some(browser.row.expires_at),
            Evidence::Org(org) => Some(org.expires_at()),
            Evidence::Sam(sam) => Some(sam.until),
            Evidence::Session(session) => Some(session.claims.expires_at),
            Evidence::Token(token) => Some(token.verified.claims().expires_at),
        }
    }

    /// How the caller is shown: a user's number, or `role:session`; the account's number for its owner.
    pub fn display(&self) -> String {
        let principal = self.evidence.principal();
        match &self.evidence {
            Evidence::Session(session) if matches!(principal.who, Who::Role { .. }) => {
                format!("{}:{}", principal.number_text(), session.claims.session_name)
            }
            Evidence::Key(_)
            | Evidence::Session(_)
            | Evidence::Client { .. }
            | Evidence::Access(_)
            | Evidence::Browser(_)
            | Evidence::Org(_)
            | Evidence::Sam(_) => principal.number_text(),
            Evidence::Token(token) => format!("{}:{}", principal.name(), shown(&token.verified.claims().subject)),
        }
    }

    /// How the caller is named in the audit: `acme root`, `user bob`, `role app-uploader/session`, `federated ci/repo:acme/app`.
    pub fn audit_name(&self) -> String {
        let principal = self.evidence.principal();
        match &self.evidence {
            Evidence::Session(session) if matches!(principal.who, Who::Role { .. }) => {
                format!("role {}/{}", principal.name(), session.claims.session_name)
            }
            Evidence::Client { .. } => format!("client {}", principal.name()),
            Evidence::Access(_) | Evidence::Org(_) | Evidence::Session(_) if matches!(principal.who, Who::Client(_)) => {
                format!("client {}", principal.name())
            }
            Evidence::Sam(sam) if sam.source.is_some() => {
                format!("user {}, switched to by {}", principal.name(), sam.source.as_deref().unwrap_or_default())
            }
            Evidence::Key(_) | Evidence::Session(_) | Evidence::Access(_) | Evidence::Browser(_) | Evidence::Org(_) | Evidence::Sam(_)
                if principal.is_owner() =>
            {
                format!("root of {}", principal.account.alias)
            }
            Evidence::Access(_) | Evidence::Browser(_) if matches!(principal.who, Who::Role { .. }) => format!("role {}", principal.name()),
            Evidence::Key(_) | Evidence::Session(_) | Evidence::Access(_) | Evidence::Browser(_) | Evidence::Org(_) | Evidence::Sam(_) => {
                format!("user {}", principal.name())
            }
            Evidence::Token(token) => format!("federated {}/{}", principal.name(), shown(&token.verified.claims().subject)),
        }
    }
}

/// A stranger's name for itself: escaped, and cut to its limit.
fn shown(text: &str) -> String {
    let mut out = escape(text);
    if out.len() > STRANGER {
        let end = (0..=STRANGER).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
        out.truncate(end);
        out.push('…');
    }
    out
}
