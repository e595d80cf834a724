//! What of the vendor's APIs is offered, what is not and why, and which permission each operation asks: data from which the
//! reference page is made. Whether an operation is offered is never written down here: the tables that answer requests say it.

use std::fmt::Write as _;

use super::catalogue::Product;

/// One operation of an API that this wire speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Of which API.
    pub product: Product,
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it can be used.
    pub offered: bool,
    /// Why not; empty where it can be used.
    pub reason: &'static str,
    /// On what a policy must allow `ram:<name>`.
    pub resource: &'static str,
}

/// Name, what permission is asked on, and the reason that counts where no table has it.
type Named = (&'static str, On, &'static str);

const YET: &str = "not there yet";
const SSO: &str = "comes with single sign-on";
const FLOWS: &str = "comes with the sign-in flows";

/// What permission is asked on.
#[derive(Debug, Clone, Copy)]
enum On {
    Users,
    User,
    Oneself,
    Groups,
    Group,
    UserAndGroup,
    Roles,
    Role,
    Policies,
    Policy,
    UserAndPolicy,
    GroupAndPolicy,
    RoleAndPolicy,
    Devices,
    Device,
    Tagged,
    OidcProviders,
    OidcProvider,
    SamlProviders,
    SamlProvider,
    Applications,
    Application,
    Account,
}

impl On {
    /// `…` stands for `acs:ram:*:<account>`.
    fn words(self) -> &'static str {
        match self {
            Self::Users => "`…:user/*`",
            Self::User => "`…:user/<name>`",
            Self::Oneself => "`…:user/<name>` of the caller",
            Self::Groups => "`…:group/*`",
            Self::Group => "`…:group/<name>`",
            Self::UserAndGroup => "the user and the group",
            Self::Roles => "`…:role/*`",
            Self::Role => "`…:role/<name>`",
            Self::Policies => "`…:policy/*`",
            Self::Policy => "`…:policy/<name>`",
            Self::UserAndPolicy => "the user and the policy",
            Self::GroupAndPolicy => "the group and the policy",
            Self::RoleAndPolicy => "the role and the policy",
            Self::Devices => "`…:mfa/*`",
            Self::Device => "`…:mfa/<name>`",
            Self::Tagged => "each role or policy named, else `…:role/*` or `…:policy/*`",
            Self::OidcProviders => "`…:oidc-provider/*`",
            Self::OidcProvider => "`…:oidc-provider/<name>`",
            Self::SamlProviders => "`…:saml-provider/*`",
            Self::SamlProvider => "`…:saml-provider/<name>`",
            Self::Applications => "`*`",
            Self::Application => "`…:application/<name>`",
            Self::Account => "`…:*`",
        }
    }
}

/// RAM 2015-05-01, whole.
const RAM: &[Named] = &[
    ("CreateUser", On::Users, YET),
    ("GetUser", On::User, YET),
    ("UpdateUser", On::User, YET),
    ("DeleteUser", On::User, YET),
    ("ListUsers", On::Users, YET),
    ("CreateLoginProfile", On::User, YET),
    ("GetLoginProfile", On::User, YET),
    ("UpdateLoginProfile", On::User, YET),
    ("DeleteLoginProfile", On::User, YET),
    ("ChangePassword", On::Oneself, YET),
    ("CreateAccessKey", On::User, YET),
    ("ListAccessKeys", On::User, YET),
    ("UpdateAccessKey", On::User, YET),
    ("DeleteAccessKey", On::User, YET),
    ("GetAccessKeyLastUsed", On::User, YET),
    ("CreateVirtualMFADevice", On::Devices, YET),
    ("ListVirtualMFADevices", On::Devices, YET),
    ("DeleteVirtualMFADevice", On::Device, YET),
    ("BindMFADevice", On::User, YET),
    ("UnbindMFADevice", On::User, YET),
    ("GetUserMFAInfo", On::User, YET),
    ("CreateGroup", On::Groups, YET),
    ("GetGroup", On::Group, YET),
    ("UpdateGroup", On::Group, YET),
    ("DeleteGroup", On::Group, YET),
    ("ListGroups", On::Groups, YET),
    ("AddUserToGroup", On::UserAndGroup, YET),
    ("RemoveUserFromGroup", On::UserAndGroup, YET),
    ("ListGroupsForUser", On::User, YET),
    ("ListUsersForGroup", On::Group, YET),
    ("CreateRole", On::Roles, YET),
    ("GetRole", On::Role, YET),
    ("UpdateRole", On::Role, YET),
    ("DeleteRole", On::Role, YET),
    ("ListRoles", On::Roles, YET),
    ("CreatePolicy", On::Policies, YET),
    ("GetPolicy", On::Policy, YET),
    ("UpdatePolicyDescription", On::Policy, YET),
    ("DeletePolicy", On::Policy, YET),
    ("ListPolicies", On::Policies, YET),
    ("CreatePolicyVersion", On::Policy, YET),
    ("GetPolicyVersion", On::Policy, YET),
    ("ListPolicyVersions", On::Policy, YET),
    ("SetDefaultPolicyVersion", On::Policy, YET),
    ("DeletePolicyVersion", On::Policy, YET),
    ("AttachPolicyToUser", On::UserAndPolicy, YET),
    ("AttachPolicyToGroup", On::GroupAndPolicy, YET),
    ("AttachPolicyToRole", On::RoleAndPolicy, YET),
    ("DetachPolicyFromUser", On::UserAndPolicy, YET),
    ("DetachPolicyFromGroup", On::GroupAndPolicy, YET),
    ("DetachPolicyFromRole", On::RoleAndPolicy, YET),
    ("ListPoliciesForUser", On::User, YET),
    ("ListPoliciesForGroup", On::Group, YET),
    ("ListPoliciesForRole", On::Role, YET),
    ("ListEntitiesForPolicy", On::Policy, YET),
    ("SetAccountAlias", On::Account, YET),
    ("GetAccountAlias", On::Account, YET),
    ("ClearAccountAlias", On::Account, YET),
    ("SetPasswordPolicy", On::Account, YET),
    ("GetPasswordPolicy", On::Account, YET),
    ("SetSecurityPreference", On::Account, YET),
    ("GetSecurityPreference", On::Account, YET),
    ("TagResources", On::Tagged, YET),
    ("UntagResources", On::Tagged, YET),
    ("ListTagResources", On::Tagged, YET),
    ("DecodeDiagnosticMessage", On::Account, YET),
];

/// IMS 2019-08-15, whole.
const IMS: &[Named] = &[
    ("CreateUser", On::Users, YET),
    ("GetUser", On::User, YET),
    ("UpdateUser", On::User, YET),
    ("DeleteUser", On::User, YET),
    ("ListUsers", On::Users, YET),
    ("ListUserBasicInfos", On::Users, YET),
    ("CreateLoginProfile", On::User, YET),
    ("GetLoginProfile", On::User, YET),
    ("UpdateLoginProfile", On::User, YET),
    ("DeleteLoginProfile", On::User, YET),
    ("ChangePassword", On::Oneself, YET),
    ("CreateAccessKey", On::User, YET),
    ("ListAccessKeys", On::User, YET),
    ("UpdateAccessKey", On::User, YET),
    ("DeleteAccessKey", On::User, YET),
    ("GetAccessKeyLastUsed", On::User, YET),
    ("CreateGroup", On::Groups, YET),
    ("GetGroup", On::Group, YET),
    ("UpdateGroup", On::Group, YET),
    ("DeleteGroup", On::Group, YET),
    ("ListGroups", On::Groups, YET),
    ("AddUserToGroup", On::UserAndGroup, YET),
    ("RemoveUserFromGroup", On::UserAndGroup, YET),
    ("ListGroupsForUser", On::User, YET),
    ("ListUsersForGroup", On::Group, YET),
    ("CreateVirtualMFADevice", On::Devices, YET),
    ("ListVirtualMFADevices", On::Devices, YET),
    ("DeleteVirtualMFADevice", On::Device, YET),
    ("BindMFADevice", On::User, YET),
    ("UnbindMFADevice", On::User, YET),
    ("DisableVirtualMFA", On::User, YET),
    ("GetUserMFAInfo", On::User, YET),
    ("GetAccountMFAInfo", On::Account, YET),
    ("SetDefaultDomain", On::Account, YET),
    ("GetDefaultDomain", On::Account, YET),
    ("SetPasswordPolicy", On::Account, YET),
    ("GetPasswordPolicy", On::Account, YET),
    ("SetSecurityPreference", On::Account, YET),
    ("GetSecurityPreference", On::Account, YET),
    ("GetAccountSummary", On::Account, YET),
    ("TagResources", On::User, YET),
    ("UntagResources", On::User, YET),
    ("ListTagResources", On::Users, YET),
    ("GenerateCredentialReport", On::Account, "`tegata keys report` tells this"),
    ("GetCredentialReport", On::Account, "`tegata keys report` tells this"),
    ("CreateOIDCProvider", On::OidcProviders, YET),
    ("ListOIDCProviders", On::OidcProviders, YET),
    ("GetOIDCProvider", On::OidcProvider, YET),
    ("UpdateOIDCProvider", On::OidcProvider, YET),
    ("DeleteOIDCProvider", On::OidcProvider, YET),
    ("AddClientIdToOIDCProvider", On::OidcProvider, YET),
    ("RemoveClientIdFromOIDCProvider", On::OidcProvider, YET),
    ("AddFingerprintToOIDCProvider", On::OidcProvider, YET),
    ("RemoveFingerprintFromOIDCProvider", On::OidcProvider, YET),
    ("CreateSAMLProvider", On::SamlProviders, SSO),
    ("ListSAMLProviders", On::SamlProviders, SSO),
    ("GetSAMLProvider", On::SamlProvider, SSO),
    ("UpdateSAMLProvider", On::SamlProvider, SSO),
    ("DeleteSAMLProvider", On::SamlProvider, SSO),
    ("SetUserSsoSettings", On::Account, SSO),
    ("GetUserSsoSettings", On::Account, SSO),
    ("CreateApplication", On::Applications, FLOWS),
    ("ListApplications", On::Applications, FLOWS),
    ("ListPredefinedScopes", On::Applications, FLOWS),
    ("GetApplication", On::Application, FLOWS),
    ("UpdateApplication", On::Application, FLOWS),
    ("DeleteApplication", On::Application, FLOWS),
    ("CreateAppSecret", On::Application, FLOWS),
    ("GetAppSecret", On::Application, FLOWS),
    ("DeleteAppSecret", On::Application, FLOWS),
    ("ListAppSecretIds", On::Application, FLOWS),
    ("ProvisionApplication", On::Applications, FLOWS),
    ("DeprovisionApplication", On::Applications, FLOWS),
    ("ProvisionExternalApplication", On::Applications, FLOWS),
    ("DeprovisionExternalApplication", On::Applications, FLOWS),
    ("GetApplicationProvisionInfo", On::Applications, FLOWS),
    ("ListApplicationProvisionInfos", On::Applications, FLOWS),
    ("GetExternalApplication", On::Applications, FLOWS),
    ("ListExternalApplications", On::Applications, FLOWS),
    ("ListUsersInRecycleBin", On::User, "what is deleted is gone: there is no recycle bin"),
    ("GetUserInRecycleBin", On::User, "what is deleted is gone: there is no recycle bin"),
    ("DeleteUserInRecycleBin", On::User, "what is deleted is gone: there is no recycle bin"),
    ("RestoreUserFromRecycleBin", On::User, "what is deleted is gone: there is no recycle bin"),
    ("ListAccessKeysInRecycleBin", On::User, "what is deleted is gone: there is no recycle bin"),
    ("GetAccessKeyInfoInRecycleBin", On::User, "what is deleted is gone: there is no recycle bin"),
    ("DeleteAccessKeyInRecycleBin", On::User, "what is deleted is gone: there is no recycle bin"),
    ("RestoreAccessKeyFromRecycleBin", On::User, "what is deleted is gone: there is no recycle bin"),
    ("ListPasskeys", On::User, "comes with passkeys"),
    ("UpdatePasskey", On::User, "comes with passkeys"),
    ("DeletePasskey", On::User, "comes with passkeys"),
    ("SetVerificationInfo", On::User, "there are no text messages and no verified addresses here"),
    ("GetVerificationInfo", On::User, "there are no text messages and no verified addresses here"),
    ("UnbindVerification", On::User, "there are no text messages and no verified addresses here"),
    ("SetAccessKeyPolicy", On::Account, "`SetKeyPolicy` and `GetKeyPolicy` of this server do this"),
    ("GetAccessKeyPolicy", On::Account, "`SetKeyPolicy` and `GetKeyPolicy` of this server do this"),
    ("CreateServiceCredential", On::User, "there are no services here that take such credentials"),
    ("GetServiceCredential", On::User, "there are no services here that take such credentials"),
    ("ListServiceCredentials", On::User, "there are no services here that take such credentials"),
    ("UpdateServiceCredential", On::User, "there are no services here that take such credentials"),
    ("DeleteServiceCredential", On::User, "there are no services here that take such credentials"),
    ("GenerateGovernanceReport", On::Account, "`tegata keys report` and the audit tell this"),
    ("GetGovernanceReportStatus", On::Account, "`tegata keys report` and the audit tell this"),
    ("GetGovernanceItemReport", On::Account, "`tegata keys report` and the audit tell this"),
    ("ListRecentGovernanceMetrics", On::Account, "`tegata keys report` and the audit tell this"),
    ("GetAccountSecurityPracticeReport", On::Account, "`tegata keys report` and the audit tell this"),
];

/// Every operation of RAM and IMS, offered or not, in the order of the vendor's pages.
pub fn claims() -> impl Iterator<Item = Claim> {
    let claim = |product: Product, (name, on, reason): &Named| {
        let offered = product.entries().any(|entry| entry.spec.name == *name);
        Claim { product, name, offered, reason: if offered { "" } else { reason }, resource: on.words() }
    };
    let of = move |product: Product, all: &'static [Named]| all.iter().map(move |named| claim(product, named));
    of(Product::Ram, RAM).chain(of(Product::Ims, IMS))
}

/// The tables of the reference page.
pub fn claims_page() -> String {
    let mut page = String::new();
    for product in [Product::Ram, Product::Ims] {
        let all: Vec<Claim> = claims().filter(|claim| claim.product == product).collect();
        let offered = all.iter().filter(|claim| claim.offered).count();
        let _ = writeln!(page, "### {} {}: {offered} of {}\n", product.name().to_uppercase(), product.version(), all.len());
        page.push_str("| operation | offered | permission is asked on |\n|---|---|---|\n");
        for claim in all {
            let offered = if claim.offered { "yes".to_owned() } else { format!("no: {}", claim.reason) };
            let _ = writeln!(page, "| `{}` | {offered} | {} |", claim.name, claim.resource);
        }
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_offered_is_claimed_once() {
        let all: Vec<Claim> = claims().collect();
        for product in [Product::Ram, Product::Ims] {
            for entry in product.entries() {
                let name = entry.spec.name;
                let found = all.iter().filter(|claim| claim.product == product && claim.name == name).count();
                assert_eq!(found, 1, "{product:?} {name} must stand once in this table");
            }
        }
        for (at, claim) in all.iter().enumerate() {
            let repeated = all.iter().take(at).any(|other| (other.product, other.name) == (claim.product, claim.name));
            assert!(!repeated && claim.offered == claim.reason.is_empty(), "{claim:?}");
        }
    }

    /// Run with `INSTA_UPDATE=always`, as for snapshots, to write the page anew.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the switch of snapshot tests, which a developer sets")]
    fn the_page_says_what_the_tables_say() {
        const BEGIN: &str = "<!-- claims -->\n";
        const END: &str = "<!-- /claims -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ram.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (found, after) = rest.split_once(END).unwrap();
        let wanted = format!("\n{}", claims_page());
        if found != wanted && std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
            std::fs::write(path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
            return;
        }
        assert_eq!(found, wanted, "docs/ram.md is old: run this test with INSTA_UPDATE=always");
    }
}
