//! Why an organisation refuses something about its apps and roles.

use std::fmt;

use super::scope::Dropped;

/// Who asks may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Barrier {
    /// Neither a role that manages this fully nor the developer role.
    NotPermitted,
    /// The developer role counts only beside another.
    DeveloperAlone,
    /// Nothing that who asks has reaches this organisation, or there is none.
    NoAccess,
    /// It would be more than who asks can hand out.
    Exceeds,
    /// The secret of this app is replaced by those who own it.
    OwnersOnly,
    /// A secret that is being replaced replaces nothing itself.
    OldSecret,
    /// This is for people, and an app asks.
    PeopleOnly,
}

impl Barrier {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::NotPermitted, Self::DeveloperAlone, Self::NoAccess, Self::Exceeds, Self::OwnersOnly, Self::OldSecret, Self::PeopleOnly];

    /// A short stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotPermitted => "not_permitted_role",
            Self::DeveloperAlone => "developer_role_alone",
            Self::NoAccess => "no_access_to_org",
            Self::Exceeds => "scope_exceeds_creator",
            Self::OwnersOnly => "owner_only_rotation",
            Self::OldSecret => "old_secret",
            Self::PeopleOnly => "people_only",
        }
    }
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPermitted => "it needs a role that manages this, or the developer role beside another",
            Self::DeveloperAlone => "the developer role counts only beside another role",
            Self::NoAccess => "no role of the caller reaches this organisation",
            Self::Exceeds => "it would hold a role that the caller cannot hand out",
            Self::OwnersOnly => "the secret of this app is replaced by those who own it",
            Self::OldSecret => "a secret that is being replaced cannot replace another",
            Self::PeopleOnly => "this is for people, not for apps",
        })
    }
}

/// A member of what is said of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppField {
    /// Its id.
    Id,
    /// Its secret.
    Secret,
    /// Its name for people.
    DisplayName,
    /// What it is for.
    Description,
    /// How long its tokens live.
    AccessTokenTtl,
    /// How long an old secret goes on counting.
    Overlap,
    /// The ids of several apps.
    Ids,
    /// Roles of a user or an app.
    Roles,
}

/// Why an organisation refuses something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Who asks may not.
    Barred(Barrier),
    /// The organisation has no role of this name.
    UnknownOrgRole(String),
    /// There is no such service.
    UnknownService(String),
    /// The service (by name) has no such role.
    UnknownServiceRole(String, String),
    /// No role of the scope takes roles of services.
    ServiceRolesNotAllowed,
    /// Only add-on roles.
    AddonAlone,
    /// No role at all.
    EmptyScope,
    /// There is no such app, or it is not in this organisation.
    AppNotFound(String),
    /// The app belongs to another organisation.
    ForeignApp(String),
    /// The app is in the organisation already.
    AlreadyAdded(String),
    /// Nothing would be left, and why.
    EmptyEffective(Vec<Dropped>),
    /// There is no such user in the organisation.
    UserNotFound(String),
    /// A member cannot be right: the rule.
    Field(AppField, String),
}

impl From<Barrier> for Refusal {
    fn from(barrier: Barrier) -> Self {
        Self::Barred(barrier)
    }
}

impl Refusal {
    /// A short stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Barred(barrier) => barrier.word(),
            Self::UnknownOrgRole(_) => "unknown_org_role",
            Self::UnknownService(_) => "unknown_service",
            Self::UnknownServiceRole(..) => "unknown_service_role",
            Self::ServiceRolesNotAllowed => "service_roles_not_allowed_for_org_role",
            Self::AddonAlone => "addon_role_alone",
            Self::EmptyScope => "empty_scope",
            Self::AppNotFound(_) => "app_not_found",
            Self::ForeignApp(_) => "foreign_app",
            Self::AlreadyAdded(_) => "already_added",
            Self::EmptyEffective(_) => "empty_effective_scope",
            Self::UserNotFound(_) => "user_not_found",
            Self::Field(..) => "invalid_field",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barred(barrier) => barrier.fmt(f),
            Self::UnknownOrgRole(role) => write!(f, "this kind of organisation has no role `{role}`"),
            Self::UnknownService(service) => write!(f, "there is no service `{service}`"),
            Self::UnknownServiceRole(service, role) => write!(f, "the service `{service}` has no role `{role}`"),
            Self::ServiceRolesNotAllowed => f.write_str("roles of services need an organisation role that takes them one by one"),
            Self::AddonAlone => f.write_str("an add-on role counts only beside another role"),
            Self::EmptyScope => f.write_str("at least one role is needed"),
            Self::AppNotFound(id) => write!(f, "there is no app `{id}` in this organisation"),
            Self::ForeignApp(id) => write!(f, "the app `{id}` was made in another organisation, and only its own can add it"),
            Self::AlreadyAdded(id) => write!(f, "the app `{id}` is already part of the organisation"),
            Self::EmptyEffective(dropped) => {
                f.write_str("nothing is left of the scope of the app")?;
                for (at, one) in dropped.iter().enumerate() {
                    let kind = one.service.as_deref().unwrap_or("organisation");
                    write!(f, "{} `{}` ({kind}): {}", if at == 0 { ":" } else { "," }, one.role, one.why.word())?;
                }
                Ok(())
            }
            Self::UserNotFound(id) => write!(f, "there is no user `{id}` in this organisation"),
            Self::Field(_, rule) => f.write_str(rule),
        }
    }
}
