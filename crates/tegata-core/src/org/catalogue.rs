//! The roles there are: those of organisations by kind, which are built in, and those of services, which are configuration.

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::OrganisationId;
pub use tegata_store::organisation::OrgKind;

/// What a role lets somebody do with apps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppRights {
    /// Everything, up to its own level.
    Full,
    /// What the other roles of the same person reach.
    Limited,
    /// Nothing.
    None,
}

/// What a role means for services when an app has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceMode {
    /// Every role that the organisation offers comes with it.
    Implied,
    /// Roles of services are named one by one.
    Explicit,
    /// It takes none.
    None,
}

/// A role of an organisation.
#[derive(Debug, Clone, Copy)]
pub struct OrgRole {
    /// Its name, as tokens and requests say it.
    pub name: &'static str,
    /// For people.
    pub display_name: &'static str,
    /// The weaker roles that it includes, and those that they include.
    pub covers: &'static [&'static str],
    /// True if it counts only beside another role.
    pub addon: bool,
    /// What it lets somebody do with apps.
    pub apps: AppRights,
    /// What it means for services in an app.
    pub services: ServiceMode,
    /// True if whoever has it hands out every role of every service; else only those that one has.
    pub hands_out_all: bool,
}

/// The roles of one kind of organisation, and its rules.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// The roles.
    pub roles: &'static [OrgRole],
    /// The roles that somebody with limited rights can hand out; `None` for what the other roles cover.
    pub limited: Option<&'static [&'static str]>,
    /// True if an app may have roles of services beside any role, or alone, and an add-on role alone.
    pub loose: bool,
}

impl Profile {
    /// The role of this name.
    pub fn role(&self, name: &str) -> Option<&'static OrgRole> {
        self.roles.iter().find(|role| role.name == name)
    }
}

/// What a provider's developer is called: it unlocks apps in customer organisations too.
pub(super) const PROVIDER_DEVELOPER: &str = "provider_developer";
/// Acts as the administrator of every customer.
pub(super) const PROVIDER_ADMIN: &str = "provider_admin";
/// Acts as the administrator of the customers it is assigned to.
pub(super) const PROVIDER_ACCOUNT_ADMIN: &str = "provider_account_admin";
/// As whom those two act.
pub(super) const CUSTOMER_ADMIN: &str = "customer_admin";

const fn plain(name: &'static str, display_name: &'static str, services: ServiceMode) -> OrgRole {
    OrgRole { name, display_name, covers: &[], addon: false, apps: AppRights::None, services, hands_out_all: false }
}

const fn addon(name: &'static str, display_name: &'static str, apps: AppRights, services: ServiceMode) -> OrgRole {
    OrgRole { name, display_name, covers: &[], addon: true, apps, services, hands_out_all: false }
}

const PROVIDER: Profile = Profile {
    roles: &[
        OrgRole {
            name: PROVIDER_ADMIN,
            display_name: "Provider Administrator",
            covers: &[
                "provider_ops_admin",
                "provider_ops_user",
                PROVIDER_ACCOUNT_ADMIN,
                "provider_billing_user",
                "provider_support_user",
                "provider_service_manager",
                PROVIDER_DEVELOPER,
            ],
            addon: false,
            apps: AppRights::Full,
            services: ServiceMode::Implied,
            hands_out_all: true,
        },
        OrgRole {
            name: "provider_ops_admin",
            display_name: "Provider Operations Administrator",
            covers: &["provider_ops_user"],
            addon: false,
            apps: AppRights::None,
            services: ServiceMode::Implied,
            hands_out_all: true,
        },
        plain("provider_ops_user", "Provider Operations User", ServiceMode::Explicit),
        plain(PROVIDER_ACCOUNT_ADMIN, "Provider Account Administrator", ServiceMode::None),
        plain("provider_billing_user", "Provider Billing User", ServiceMode::None),
        plain("provider_support_user", "Provider Support User", ServiceMode::None),
        plain("provider_service_manager", "Provider Service Manager", ServiceMode::Explicit),
        addon(PROVIDER_DEVELOPER, "Provider Developer", AppRights::Limited, ServiceMode::None),
    ],
    limited: None,
    loose: false,
};

const CUSTOMER: Profile = Profile {
    roles: &[
        OrgRole {
            name: CUSTOMER_ADMIN,
            display_name: "Customer Administrator",
            covers: &["customer_user", "customer_billing_user"],
            addon: false,
            apps: AppRights::Full,
            services: ServiceMode::Implied,
            hands_out_all: true,
        },
        plain("customer_user", "Customer User", ServiceMode::Explicit),
        plain("customer_billing_user", "Customer Billing User", ServiceMode::None),
    ],
    limited: None,
    loose: false,
};

const RESELLER: Profile = Profile {
    roles: &[
        OrgRole {
            name: "reseller_admin",
            display_name: "Reseller Administrator",
            covers: &["reseller_user"],
            addon: false,
            apps: AppRights::Full,
            services: ServiceMode::None,
            hands_out_all: false,
        },
        plain("reseller_user", "Reseller User", ServiceMode::None),
    ],
    limited: None,
    loose: false,
};

const STANDALONE: Profile = Profile {
    roles: &[
        OrgRole {
            name: "org_owner",
            display_name: "Organization Owner",
            covers: &["org_admin", "org_member", "developer", "support_user"],
            addon: false,
            apps: AppRights::Full,
            services: ServiceMode::Explicit,
            hands_out_all: true,
        },
        OrgRole {
            name: "org_admin",
            display_name: "Organization Administrator",
            covers: &["org_member", "developer", "support_user"],
            addon: false,
            apps: AppRights::Full,
            services: ServiceMode::Explicit,
            hands_out_all: true,
        },
        plain("org_member", "Organization Member", ServiceMode::Explicit),
        addon("developer", "Developer", AppRights::Limited, ServiceMode::Explicit),
        addon("support_user", "Support User", AppRights::None, ServiceMode::Explicit),
    ],
    limited: Some(&["org_member", "developer"]),
    loose: true,
};

/// The roles of a kind of organisation.
pub const fn profile(kind: OrgKind) -> &'static Profile {
    match kind {
        OrgKind::Provider => &PROVIDER,
        OrgKind::Customer => &CUSTOMER,
        OrgKind::Reseller => &RESELLER,
        OrgKind::Standalone => &STANDALONE,
    }
}

/// A service, and the roles it defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its id, a lower-case UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: Vec<String>,
}

/// The services there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services(Vec<Service>);

/// A service or a role of one is not named as it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a service or of a role: 1 to 64 letters, digits and `.`, `_`, `-`, `:`")]
pub struct ServiceNameError(String);

impl Services {
    /// These services, each with its roles. The id of a service comes from its name, so that it is the same on every node.
    pub fn new(named: impl IntoIterator<Item = (String, Vec<String>)>) -> Result<Self, ServiceNameError> {
        let mut services = Vec::new();
        for (name, roles) in named {
            for text in std::iter::once(&name).chain(&roles) {
                let good = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b));
                if text.is_empty() || text.len() > 64 || !good {
                    return Err(ServiceNameError(text.clone()));
                }
            }
            services.push(Service { id: id_of(&name), name, roles });
        }
        Ok(Self(services))
    }

    /// The three services of the sample directory.
    pub fn sample() -> Self {
        let services: [(&str, &[&str]); 3] = [
            ("vcd", &["vcd:admin", "vcd:user"]),
            ("vmc", &["vmc:admin", "vmc:auditor", "nsx:cloud_admin"]),
            ("aria", &["aria:editor", "aria:viewer"]),
        ];
        let service = |(name, roles): (&str, &[&str])| Service {
            id: id_of(name),
            name: name.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        };
        Self(services.into_iter().map(service).collect())
    }

    /// All of them.
    pub fn all(&self) -> &[Service] {
        &self.0
    }

    /// The service with this id.
    pub fn find(&self, id: &str) -> Option<&Service> {
        self.0.iter().find(|service| service.id == id)
    }

    /// The service of this name.
    pub fn named(&self, name: &str) -> Option<&Service> {
        self.0.iter().find(|service| service.name == name)
    }
}

fn id_of(name: &str) -> String {
    let digest = digest(&SHA256, &[b"tegata service ", name.as_bytes()].concat());
    OrganisationId::from_random(digest.as_ref().first_chunk::<16>().copied().unwrap_or_default()).as_str().to_owned()
}
