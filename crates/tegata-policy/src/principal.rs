//! Who asks, and who a trust document speaks of.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Truth;

/// Who makes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal<'a> {
    /// The owner of an account. No `root` principal of a trust document means the owner: an owner assumes no role.
    Account {
        /// The public number of the account.
        account: &'a str,
    },
    /// A user.
    User {
        /// The public number of the user's account.
        account: &'a str,
        /// The user's name, compared without case.
        name: &'a str,
        /// The user's immutable id; without it a principal bound to an id cannot be judged.
        id: Option<[u8; 16]>,
    },
    /// A session of a role.
    RoleSession {
        /// The public number of the role's account.
        account: &'a str,
        /// The role's name, compared without case.
        role: &'a str,
        /// The role's immutable id; without it a principal bound to an id cannot be judged.
        id: Option<[u8; 16]>,
    },
    /// A service acting for itself, such as `ecs.aliyuncs.com`.
    Service(&'a str),
    /// A subject of an identity provider.
    Federated {
        /// The provider's ARN, compared without case.
        arn: &'a str,
        /// The provider's immutable id; without it a principal bound to an id cannot be judged.
        id: Option<[u8; 16]>,
    },
}

/// A principal as a trust document names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalName {
    /// `acs:ram::<account>:root`: every user and role session of the account, not its owner.
    AccountMembers {
        /// The public number of the account.
        account: String,
    },
    /// The owner of an account. The RAM language has no word for it.
    Owner {
        /// The account, as the language of the document names it.
        account: String,
    },
    /// `acs:ram::<account>:user/<name>`.
    User {
        /// The public number of the account.
        account: String,
        /// The user's name as written.
        name: String,
    },
    /// `acs:ram::<account>:role/<name>`: every session of that role.
    Role {
        /// The public number of the account.
        account: String,
        /// The role's name as written.
        name: String,
    },
    /// The host-like name of a service.
    Service(String),
    /// The ARN of a SAML or OIDC provider.
    Federated(String),
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccountMembers { account } => write!(f, "acs:ram::{account}:root"),
            Self::Owner { account } => write!(f, "owner of {account}"),
            Self::User { account, name } => write!(f, "acs:ram::{account}:user/{name}"),
            Self::Role { account, name } => write!(f, "acs:ram::{account}:role/{name}"),
            Self::Service(name) | Self::Federated(name) => f.write_str(name),
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Whoever bears the name now.
    Name,
    /// Whoever had it when the document was saved.
    Id([u8; 16]),
    /// Nobody: the bearer was unknown or is gone.
    Nobody,
}

/// One principal of a document, by name or bound to an id.
#[derive(Debug, Clone)]
pub(crate) struct PrincipalPattern {
    pub(crate) name: PrincipalName,
    pub(crate) binding: Binding,
}

impl PrincipalPattern {
    pub(crate) fn new(name: PrincipalName) -> Self {
        Self { name, binding: Binding::Name }
    }

    pub(crate) fn matches(&self, seen: Option<&Principal<'_>>) -> Truth {
        let Some(seen) = seen else { return Truth::No };
        if self.binding == Binding::Nobody {
            return Truth::No;
        }
        match (&self.name, seen) {
            (
                PrincipalName::AccountMembers { account },
                Principal::User { account: seen, .. } | Principal::RoleSession { account: seen, .. },
            )
            | (PrincipalName::Owner { account }, Principal::Account { account: seen }) => (account == seen).into(),
            (PrincipalName::User { account, name }, Principal::User { account: in_account, name: seen, id })
            | (PrincipalName::Role { account, name }, Principal::RoleSession { account: in_account, role: seen, id }) => {
                match (self.binding, id) {
                    (Binding::Id(bound), Some(id)) => (bound == *id).into(),
                    // The name may have passed to somebody else since, so it proves nothing either way.
                    (Binding::Id(_), None) if account == in_account => Truth::Unknown,
                    (Binding::Name, _) => (account == in_account && name.eq_ignore_ascii_case(seen)).into(),
                    (Binding::Id(_) | Binding::Nobody, _) => Truth::No,
                }
            }
            (PrincipalName::Service(name), Principal::Service(seen)) => name.eq_ignore_ascii_case(seen).into(),
            (PrincipalName::Federated(arn), Principal::Federated { arn: seen, id }) => match (self.binding, id) {
                (Binding::Id(bound), Some(id)) => (bound == *id).into(),
                (Binding::Id(_), None) if arn.eq_ignore_ascii_case(seen) => Truth::Unknown,
                (Binding::Name, _) => arn.eq_ignore_ascii_case(seen).into(),
                (Binding::Id(_) | Binding::Nobody, _) => Truth::No,
            },
            _ => Truth::No,
        }
    }
}
