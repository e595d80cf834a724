//! What an app may have: the match of its definition, of what the organisation offers, and of what whoever adds it can hand out.
//!
//! Everything here is pure: the same input gives the same answer, and nothing is looked up.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    catalogue::{
        AppRights, CUSTOMER_ADMIN, OrgRole, PROVIDER_ACCOUNT_ADMIN, PROVIDER_ADMIN, PROVIDER_DEVELOPER, Profile, ServiceMode, Services,
    },
    refusal::{Barrier, Refusal},
};

/// Roles of one service in the scope of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All that there are when it is added.
    All,
    /// These.
    These(BTreeSet<String>),
}

/// The scope of an app as it is defined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppScope {
    /// Roles of the organisation.
    pub org_roles: BTreeSet<String>,
    /// Roles of services, by the id of the service.
    pub services: BTreeMap<String, Wanted>,
}

/// Roles that somebody or something has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Roles of the organisation.
    pub org_roles: BTreeSet<String>,
    /// Roles of services, by the id of the service.
    pub services: BTreeMap<String, BTreeSet<String>>,
}

/// An upper bound that whoever adds an app asks for; what is `None` is not bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requested {
    /// Roles of the organisation.
    pub org_roles: Option<BTreeSet<String>>,
    /// Roles of services.
    pub services: Option<BTreeMap<String, BTreeSet<String>>>,
}

/// Why a role of the definition is missing in what the app got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The organisation does not have the service.
    ServiceNotInOrg,
    /// The organisation has the service and does not offer the role.
    RoleNotOffered,
    /// Whoever added it cannot hand out the role.
    AdderLacksRole,
}

impl Why {
    /// A short stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::ServiceNotInOrg => "service_not_in_org",
            Self::RoleNotOffered => "role_not_offered",
            Self::AdderLacksRole => "adder_lacks_role",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::ServiceNotInOrg, Self::RoleNotOffered, Self::AdderLacksRole].into_iter().find(|why| why.word() == word)
    }
}

/// A role of the definition that is missing in what the app got.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dropped {
    /// The id of the service it is a role of; `None` for a role of the organisation.
    pub service: Option<String>,
    /// The role; `*` for all of a service.
    pub role: String,
    /// Why.
    pub why: Why,
}

/// What an app gets, and what it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// What it gets.
    pub roles: Roles,
    /// What is missing, sorted.
    pub dropped: Vec<Dropped>,
}

/// Somebody who acts on the apps of an organisation, with the roles that count there.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    /// True for the owner of the account, who may everything.
    pub owner: bool,
    /// Roles in the organisation itself.
    pub here: Roles,
    /// Roles in the provider above it, where the organisation is a customer.
    pub above: BTreeSet<String>,
    /// True if it is assigned to this customer.
    pub assigned: bool,
    /// True if it hands out only those roles of services that it has, whatever its roles say: an app, or a token that was narrowed.
    pub own_only: bool,
}

/// What somebody can hand out, and so what its apps may have at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handout {
    org_roles: BTreeSet<String>,
    all_services: bool,
    services: BTreeMap<String, BTreeSet<String>>,
    full: bool,
}

impl Actor {
    /// The roles that count in the organisation: its own, and as whom a role of the provider acts.
    fn bases(&self, profile: &Profile) -> Vec<(&'static OrgRole, AppRights)> {
        let mut bases: Vec<_> = self.here.org_roles.iter().filter_map(|name| profile.role(name)).map(|role| (role, role.apps)).collect();
        if let Some(admin) = profile.role(CUSTOMER_ADMIN) {
            if self.above.contains(PROVIDER_ADMIN) {
                bases.push((admin, AppRights::Full));
            } else if self.above.contains(PROVIDER_ACCOUNT_ADMIN) && self.assigned {
                bases.push((admin, AppRights::None));
            }
        }
        bases
    }

    /// The roles that count in the organisation, by name.
    pub fn roles_here(&self, profile: &Profile) -> BTreeSet<String> {
        if self.owner {
            return profile.roles.iter().filter(|role| !role.covers.is_empty()).take(1).map(|role| role.name.to_owned()).collect();
        }
        self.bases(profile).into_iter().map(|(role, _)| role.name.to_owned()).collect()
    }

    /// True if it has any role there at all.
    pub fn has_any(&self, profile: &Profile) -> bool {
        self.owner || !self.bases(profile).is_empty() || self.here.services.values().any(|roles| !roles.is_empty())
    }

    /// The same by a token that is for less: it counts as far as the token goes. In another organisation than the token's own only what
    /// reaches there from above does.
    #[must_use]
    pub fn narrowed(self, profile: &Profile, to: &Roles, at_home: bool) -> Self {
        if !at_home {
            let above = self.above.intersection(&to.org_roles).cloned().collect();
            return Self { above, assigned: self.assigned, own_only: true, ..Self::default() };
        }
        let counting = self.roles_here(profile);
        let reached = closure(profile, &counting);
        let org_roles = to.org_roles.iter().filter(|role| reached.contains(role.as_str())).cloned().collect();
        let mut services = self.here.services;
        for (service, roles) in &mut services {
            roles.retain(|role| to.services.get(service).is_some_and(|kept| kept.contains(role)));
        }
        Self { here: Roles { org_roles, services }, own_only: true, ..Self::default() }
    }

    /// What it can hand out, if it may manage apps at all (R1, R5).
    pub fn handout(&self, profile: &Profile) -> Result<Handout, Refusal> {
        let services = self.here.services.clone();
        if self.owner {
            let org_roles = profile.roles.iter().map(|role| role.name.to_owned()).collect();
            return Ok(Handout { org_roles, all_services: true, services, full: true });
        }
        let bases = self.bases(profile);
        let developer = bases.iter().any(|(_, apps)| *apps == AppRights::Limited)
            || (profile.role(CUSTOMER_ADMIN).is_some() && self.above.contains(PROVIDER_DEVELOPER));
        let full = bases.iter().any(|(_, apps)| *apps == AppRights::Full);
        if !full && !developer {
            return Err(Barrier::NotPermitted.into());
        }
        let counted: Vec<&OrgRole> = bases.iter().map(|(role, _)| *role).filter(|role| full || !role.addon).collect();
        if counted.is_empty() {
            // Somebody of the provider has other roles, and they do not reach this customer.
            let elsewhere = self.above.iter().any(|name| name != PROVIDER_DEVELOPER);
            return Err(if elsewhere { Barrier::NoAccess } else { Barrier::DeveloperAlone }.into());
        }
        let covered = || counted.iter().flat_map(|role| std::iter::once(role.name).chain(role.covers.iter().copied())).map(str::to_owned);
        let (org_roles, all) = match profile.limited {
            Some(fixed) if !full => (fixed.iter().map(|name| (*name).to_owned()).collect(), false),
            _ => (covered().collect(), counted.iter().any(|role| role.hands_out_all)),
        };
        Ok(Handout { org_roles, all_services: all && !self.own_only, services, full })
    }
}

impl Handout {
    /// True if it manages apps and people fully, up to its own level.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// True if it can hand out this role of the organisation.
    pub fn has_org(&self, role: &str) -> bool {
        self.org_roles.contains(role)
    }

    /// True if it can hand out this role of a service.
    pub fn has_service(&self, service: &str, role: &str) -> bool {
        self.all_services || self.services.get(service).is_some_and(|roles| roles.contains(role))
    }

    /// Refuses a definition that holds more than can be handed out (R2).
    pub fn judge(&self, scope: &AppScope, services: &Services) -> Result<(), Refusal> {
        for role in &scope.org_roles {
            if !self.has_org(role) {
                return Err(Barrier::Exceeds.into());
            }
        }
        for (service, wanted) in &scope.services {
            let holds = match wanted {
                Wanted::These(roles) => roles.iter().all(|role| self.has_service(service, role)),
                Wanted::All => {
                    let defined = services.find(service).map(|service| service.roles.as_slice()).unwrap_or_default();
                    self.all_services || (!defined.is_empty() && defined.iter().all(|role| self.has_service(service, role)))
                }
            };
            if !holds {
                return Err(Barrier::Exceeds.into());
            }
        }
        Ok(())
    }

    /// Refuses roles that hold more than can be handed out.
    pub fn judge_roles(&self, roles: &Roles) -> Result<(), Refusal> {
        let services = roles.services.iter().flat_map(|(service, roles)| roles.iter().map(move |role| (service, role)));
        let exceeds = roles.org_roles.iter().any(|role| !self.has_org(role)) || services.into_iter().any(|(s, r)| !self.has_service(s, r));
        if exceeds { Err(Barrier::Exceeds.into()) } else { Ok(()) }
    }
}

impl AppScope {
    /// Whether these roles exist and may stand together (R3).
    pub fn check(&self, profile: &Profile, services: &Services) -> Result<(), Refusal> {
        let empty = |wanted: &Wanted| matches!(wanted, Wanted::These(roles) if roles.is_empty());
        if self.org_roles.is_empty() && self.services.values().all(empty) {
            return Err(Refusal::EmptyScope);
        }
        let mut roles = Vec::new();
        for name in &self.org_roles {
            roles.push(profile.role(name).ok_or_else(|| Refusal::UnknownOrgRole(name.clone()))?);
        }
        for (id, wanted) in &self.services {
            let service = services.find(id).ok_or_else(|| Refusal::UnknownService(id.clone()))?;
            if let Wanted::These(wanted) = wanted
                && let Some(role) = wanted.iter().find(|role| !service.roles.contains(role))
            {
                return Err(Refusal::UnknownServiceRole(service.name.clone(), role.clone()));
            }
        }
        if profile.loose {
            return Ok(());
        }
        if !self.services.values().all(empty) && !roles.iter().any(|role| role.services == ServiceMode::Explicit) {
            return Err(Refusal::ServiceRolesNotAllowed);
        }
        if !roles.is_empty() && roles.iter().all(|role| role.addon) {
            return Err(Refusal::AddonAlone);
        }
        Ok(())
    }

    /// What an app of this definition gets where `offered` is offered, when somebody with `handout` adds it (R4, R8).
    pub fn effective(
        &self,
        profile: &Profile,
        requested: &Requested,
        offered: &BTreeMap<String, BTreeSet<String>>,
        handout: &Handout,
    ) -> Result<Effective, Refusal> {
        let mut dropped = BTreeSet::new();
        let closure = closure(profile, &self.org_roles);
        let wanted: BTreeSet<&String> = match &requested.org_roles {
            None => self.org_roles.iter().collect(),
            Some(asked) => asked.iter().filter(|role| closure.contains(role.as_str()) || self.org_roles.contains(*role)).collect(),
        };
        let mut granted: BTreeSet<String> = wanted
            .iter()
            .flat_map(|name| {
                // An add-on role comes only where it is named.
                let covered = profile.role(name).map(|role| role.covers).unwrap_or_default().iter().copied();
                let covered = covered.filter(|name| profile.role(name).is_none_or(|role| !role.addon));
                std::iter::once(name.as_str()).chain(covered)
            })
            .filter(|name| handout.has_org(name))
            .map(str::to_owned)
            .collect();
        let covered =
            |name: &str, by: &BTreeSet<String>| by.iter().filter_map(|role| profile.role(role)).any(|role| role.covers.contains(&name));
        for name in wanted {
            if !granted.contains(name) {
                dropped.insert(Dropped { service: None, role: name.clone(), why: Why::AdderLacksRole });
            }
        }
        let all = granted.clone();
        granted.retain(|name| !covered(name, &all));

        let mut asked: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let implied = self.org_roles.iter().filter_map(|name| profile.role(name)).any(|role| role.services == ServiceMode::Implied);
        if implied {
            for (service, roles) in offered {
                asked.entry(service).or_default().extend(roles.iter().map(String::as_str));
            }
        }
        for (service, wanted) in &self.services {
            let entry = asked.entry(service).or_default();
            match wanted {
                Wanted::These(roles) => entry.extend(roles.iter().map(String::as_str)),
                Wanted::All => match offered.get(service).filter(|roles| !roles.is_empty()) {
                    Some(roles) => entry.extend(roles.iter().map(String::as_str)),
                    None => {
                        entry.insert("*");
                    }
                },
            }
        }
        let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (service, roles) in asked {
            for role in roles {
                if let Some(bound) = &requested.services
                    && !bound.get(service).is_some_and(|roles| roles.contains(role))
                {
                    continue;
                }
                let why = match offered.get(service).filter(|roles| !roles.is_empty()) {
                    None => Some(Why::ServiceNotInOrg),
                    Some(roles) if !roles.contains(role) => Some(Why::RoleNotOffered),
                    Some(_) if !handout.has_service(service, role) => Some(Why::AdderLacksRole),
                    Some(_) => None,
                };
                match why {
                    Some(why) => {
                        dropped.insert(Dropped { service: Some(service.to_owned()), role: role.to_owned(), why });
                    }
                    None => {
                        services.entry(service.to_owned()).or_default().insert(role.to_owned());
                    }
                }
            }
        }
        let dropped: Vec<Dropped> = dropped.into_iter().collect();
        if granted.is_empty() && services.is_empty() {
            return Err(Refusal::EmptyEffective(dropped));
        }
        Ok(Effective { roles: Roles { org_roles: granted, services }, dropped })
    }

    /// The same as words: `csp:<role>`, `external/<service>/<role>`, `external/<service>/*` for all roles of a service.
    pub fn to_words(&self) -> String {
        let mut words: Vec<String> = self.org_roles.iter().map(|role| format!("csp:{role}")).collect();
        for (service, wanted) in &self.services {
            match wanted {
                Wanted::All => words.push(format!("external/{service}/*")),
                Wanted::These(roles) => words.extend(roles.iter().map(|role| format!("external/{service}/{role}"))),
            }
        }
        words.join(" ")
    }

    /// Reads such words; what is none is left out.
    pub fn of_words(text: &str) -> Self {
        let mut scope = Self::default();
        for word in text.split(' ') {
            if let Some(role) = word.strip_prefix("csp:") {
                scope.org_roles.insert(role.to_owned());
            } else if let Some((service, role)) = word.strip_prefix("external/").and_then(|rest| rest.split_once('/')) {
                let entry = scope.services.entry(service.to_owned()).or_insert_with(|| Wanted::These(BTreeSet::new()));
                match entry {
                    _ if role == "*" => *entry = Wanted::All,
                    Wanted::All => {}
                    Wanted::These(roles) => {
                        roles.insert(role.to_owned());
                    }
                }
            }
        }
        scope
    }
}

impl Roles {
    /// The same as words, sorted: `csp:<role>`, `external/<service>/<role>`.
    pub fn words(&self) -> Vec<String> {
        let services = self.services.iter().flat_map(|(service, roles)| roles.iter().map(move |role| format!("external/{service}/{role}")));
        self.org_roles.iter().map(|role| format!("csp:{role}")).chain(services).collect()
    }

    /// Reads such words; what is none is left out.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut roles = Self::default();
        for word in words {
            if let Some(role) = word.strip_prefix("csp:") {
                roles.org_roles.insert(role.to_owned());
            } else if let Some((service, role)) = word.strip_prefix("external/").and_then(|rest| rest.split_once('/')) {
                roles.services.entry(service.to_owned()).or_default().insert(role.to_owned());
            }
        }
        roles
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.org_roles.is_empty() && self.services.values().all(BTreeSet::is_empty)
    }

    /// What is left when only these roles of services are offered any more.
    #[must_use]
    pub fn offered_by(mut self, offered: &BTreeMap<String, BTreeSet<String>>) -> Self {
        for (service, roles) in &mut self.services {
            roles.retain(|role| offered.get(service).is_some_and(|offered| offered.contains(role)));
        }
        self.services.retain(|_, roles| !roles.is_empty());
        self
    }
}

/// The roles and everything that they cover.
pub(super) fn closure<'a>(profile: &Profile, roles: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
    let covered = roles.iter().filter_map(|name| profile.role(name)).flat_map(|role| role.covers.iter().copied());
    roles.iter().map(String::as_str).chain(covered).collect()
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.service {
            Some(service) => write!(f, "external/{service}/{}={}", self.role, self.why.word()),
            None => write!(f, "csp:{}={}", self.role, self.why.word()),
        }
    }
}

/// What was left out, as one text.
pub(super) fn dropped_text(dropped: &[Dropped]) -> String {
    dropped.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Reads such a text; what is nothing of the kind is left out.
pub(super) fn read_dropped(text: &str) -> Vec<Dropped> {
    let read = |word: &str| {
        let (name, why) = word.rsplit_once('=')?;
        let why = Why::of_word(why)?;
        if let Some(role) = name.strip_prefix("csp:") {
            return Some(Dropped { service: None, role: role.to_owned(), why });
        }
        let (service, role) = name.strip_prefix("external/")?.split_once('/')?;
        Some(Dropped { service: Some(service.to_owned()), role: role.to_owned(), why })
    };
    text.split(' ').filter_map(read).collect()
}
