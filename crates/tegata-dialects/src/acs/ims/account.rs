//! What belongs to the account as a whole: its domain, and how much of everything it has.

use tegata_core::directory::{DescribeAccountSummary, DescribeDefaultDomain, SetDefaultDomain};
use tegata_model::AccountAlias;

use super::principal;
use crate::acs::{
    ask::{Ask, Entry, Fields, entry},
    catalogue::{Kind, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("SetDefaultDomain", "Name the account, by the domain of its users", set_domain, [need("DefaultDomainName", Kind::Text)]),
    entry!("GetDefaultDomain", "The domain of the account's users", domain, []),
    entry!("GetAccountSummary", "How much of everything the account has, and may have", summary, []),
];

/// Longest domain, in characters.
const LONGEST: usize = 64;

fn shown(domain: String) -> Fields {
    vec![("DefaultDomainName", Tree::Text(domain))]
}

async fn set_domain(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let domain: String = ask.params.required("DefaultDomainName")?;
    let refused = |rule: &str| AcsError::invalid("DefaultDomainName", rule);
    if domain.chars().count() > LONGEST {
        return Err(refused("there may be at most 64 characters"));
    }
    let alias = principal::alias(&domain).ok_or_else(|| refused("it is `<account alias>.onaliyun.com`"))?;
    let alias: AccountAlias = alias.parse().map_err(|error: tegata_model::NameError| refused(&error.to_string()))?;
    let domain = principal::domain_of(&alias);
    ask.perform(SetDefaultDomain { alias }).await?;
    Ok(shown(domain))
}

async fn domain(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown(principal::domain_of(&ask.perform(DescribeDefaultDomain).await?)))
}

/// Numbers of what is not there are left out.
async fn summary(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let summary = ask.perform(DescribeAccountSummary).await?;
    let (has, may) = (Tree::Number, |most: u32| Tree::Number(most.into()));
    let quotas = summary.quotas;
    let fields = vec![
        ("Users", has(summary.users)),
        ("UsersQuota", may(quotas.users)),
        ("Groups", has(summary.groups)),
        ("GroupsQuota", may(quotas.groups)),
        ("GroupsPerUserQuota", may(quotas.groups_per_user)),
        ("Roles", has(summary.roles)),
        ("RolesQuota", may(quotas.roles)),
        ("Policies", has(summary.policies)),
        ("PoliciesQuota", may(quotas.policies)),
        ("PolicySizeQuota", Tree::Number(u64::try_from(quotas.document_chars).unwrap_or(u64::MAX))),
        ("VersionsPerPolicyQuota", may(quotas.versions_per_policy)),
        ("AccessKeysPerUserQuota", may(quotas.keys_per_user)),
        ("AccountAccessKeysPerAccountQuota", may(quotas.keys_per_user)),
        ("MFADevices", has(summary.mfa_devices)),
        ("MFADevicesInUse", has(summary.mfa_devices_in_use)),
        ("VirtualMFADevicesQuota", may(quotas.mfa_devices)),
        ("AttachedPoliciesPerUserQuota", may(quotas.policies_per_user)),
        ("AttachedPoliciesPerGroupQuota", may(quotas.policies_per_group)),
        ("AttachedPoliciesPerRoleQuota", may(quotas.policies_per_role)),
        ("AttachedSystemPoliciesPerUserQuota", may(quotas.system_policies)),
        ("AttachedSystemPoliciesPerGroupQuota", may(quotas.system_policies)),
        ("AttachedSystemPoliciesPerRoleQuota", may(quotas.system_policies)),
    ];
    Ok(vec![("SummaryMap", Tree::Object(fields))])
}
