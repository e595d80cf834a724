//! Accounts and what belongs to them.
//!
//! | module | what |
//! |---|---|
//! | `provision`, `system` | as the operator of the machine makes them: with the data folder in hand, before anybody can sign in |
//! | `alias`, `summary`, `key_policy`, `tag`, `diagnosis` | likewise: the account itself, what it demands of keys, labels, why something was refused |
//! | `user`, `handle`, `key`, `group`, `role`, `policy`, `attachment`, `oidc_provider` | as signed-in administrators do, within their own account |
//! | `login`, `mfa`, `password_policy`, `preference` | what people sign in with, and what their account asks of it |
//! | `declare` | all of that at once, as a declaration says |
//!
//! Permission is asked on the name before anybody looks whether it exists. Whatever is written raises the generation of
//! what it belongs to and touches the account, so that it acts at the next request.

mod alias;
mod api_token;
mod attachment;
mod declare;
mod device_policy;
mod diagnosis;
mod group;
mod handle;
mod key;
pub(crate) mod key_policy;
mod login;
mod mfa;
mod oidc_provider;
mod password_policy;
mod policy;
mod preference;
mod provision;
mod role;
mod summary;
mod system;
pub(crate) mod tag;
mod user;

pub use alias::{ClearAccountAlias, DescribeAccountAlias, DescribeDefaultDomain, SetAccountAlias, SetDefaultDomain};
pub use api_token::{API_TOKEN_LIFE, ApiToken, ApiTokenDetails, CreateApiToken, CreatedApiToken, ListApiTokens, RevokeApiToken};
pub use attachment::{
    AttachPolicyToGroup, AttachPolicyToRole, AttachPolicyToUser, AttachedPolicy, DetachPolicyFromGroup, DetachPolicyFromRole,
    DetachPolicyFromUser, Entities, ListEntitiesForPolicy, ListPoliciesForGroup, ListPoliciesForRole, ListPoliciesForUser,
};
pub use declare::{
    ApplyDirectory, Change, Declaration, ExportDirectory, Line, Plan, PlanDirectory, Recipient, Sections, Shift, Sign, Trust, Unreadable,
};
pub use device_policy::{DescribeDevicePolicy, DeviceOrigin, DevicePolicy, SetDevicePolicy};
pub use diagnosis::{DecodeDiagnosticMessage, Diagnosis, MatchedPolicy, MatchedStatement};
pub use group::{
    AddUserToGroup, CreateGroup, DeleteGroup, DescribeGroup, Group, ListGroups, ListGroupsForUser, ListUsersForGroup, Member,
    RemoveUserFromGroup, UpdateGroup,
};
pub use handle::{UserHandle, on_user};
pub use key::{AccessKey, CreateAccessKey, CreatedAccessKey, DeleteAccessKey, DescribeKeyUse, KeyUse, ListAccessKeys, UpdateAccessKey};
pub use key_policy::{DescribeKeyPolicy, KeyPolicy, ListLongTermKeys, LongTermKey, SetKeyPolicy};
pub use login::{
    DeleteLoginProfile, DescribeLoginProfile, LoginProfile, LoginProfileChange, NewLoginProfile, change_owner_password, change_password,
    change_password_of, create_login_profile, update_login_profile,
};
pub(crate) use login::{REMEMBERED, own_password};
pub use mfa::{
    BindMfaDevice, CreateVirtualMfaDevice, CreatedMfaDevice, DeleteVirtualMfaDevice, DescribeFactor, FindFactor, ListVirtualMfaDevices,
    MfaDevice, UnbindMfaDevice,
};
pub use oidc_provider::{
    AddClientId, AddFingerprint, CreateOidcProvider, DeleteOidcProvider, DescribeOidcProvider, ListOidcProviders, OidcProvider,
    RemoveClientId, RemoveFingerprint, UpdateOidcProvider,
};
pub use password_policy::{DescribePasswordPolicy, PasswordPolicy, PasswordRule, SetPasswordPolicy};
pub use policy::{
    CreatePolicy, CreatePolicyVersion, DeletePolicy, DeletePolicyVersion, DescribePolicy, DescribePolicyVersion, ListPolicies,
    ListPolicyVersions, ManagedPolicy, PolicyRef, PolicyType, PolicyVersion, SetDefaultPolicyVersion, UpdatePolicyDescription,
};
pub use preference::{DescribeSecurityPreference, SecurityPreference, SetSecurityPreference};
pub use provision::{Attachable, NewAccessKey, NewAccount, NewClient, NewRole, NewUser, Provision, ProvisionError, Provisioned};
pub use role::{CreateRole, DeleteRole, DescribeRole, ListRoles, Role, TrustWarning, UpdateRole};
pub use summary::{AccountSummary, DescribeAccountSummary};
pub use system::{SYSTEM_POLICIES, SystemPolicy};
pub use tag::{
    ListTagResources, RESOURCES_AT_ONCE, TAGS_AT_ONCE, Tag, TagFilter, TagResources, Taggable, TaggableKind, TaggedResource, UntagResources,
};
use user::address_moved;
pub use user::{CreateUser, DeleteUser, DescribeUser, ListUserBasicInfos, ListUsers, UpdateUser, User, UserBasicInfo};

use tegata_model::{AccountNumber, GroupName, PrincipalNumber, RoleName, UserName};
use tegata_store::{
    ChangeSet,
    group::{self as group_rows, GroupRow},
    role::{self as role_rows, RoleRow},
    user::{self as user_rows, UserRow},
};

use crate::{
    audit::Entry,
    authz::Permit,
    caller::Caller,
    clock::random,
    error::OpError,
    operation::Effect,
    resource::ResourceName,
    view::{Read, View},
};

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where the page before ended, as [`Listed::next`] said; empty for the first.
    pub after: String,
    /// At most this many.
    pub limit: usize,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// In order of their names.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

impl Page {
    /// One more row than a page shows tells whether it is the last.
    pub(crate) fn rows(&self) -> u32 {
        u32::try_from(self.limit).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Makes a page of the rows that [`Page::rows`] brought.
    fn cut<R, T>(&self, mut rows: Vec<R>, marker: impl Fn(&R) -> String, show: impl FnMut(R) -> T) -> Listed<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = if more { rows.last().map(marker) } else { None };
        Listed { items: rows.into_iter().map(show).collect(), next }
    }
}

/// The caller's account, which everything here belongs to.
pub(crate) fn own(caller: &Caller) -> AccountNumber {
    caller.evidence.principal().account.number
}

pub(crate) fn user_name(caller: &Caller, name: &UserName) -> ResourceName {
    ResourceName::User { account: own(caller), name: name.clone() }
}

fn group_name(caller: &Caller, name: &GroupName) -> ResourceName {
    ResourceName::Group { account: own(caller), name: name.clone() }
}

pub(crate) fn role_name(caller: &Caller, name: &RoleName) -> ResourceName {
    ResourceName::Role { account: own(caller), name: name.clone() }
}

/// The user of that name, noted as read. Ask for permission first.
pub(crate) async fn find_user(view: &View<'_>, caller: &Caller, name: &UserName) -> Result<UserRow, OpError> {
    let row = user_rows::find_by_name(&view.core().store, caller.account(), &name.folded()).await?;
    let row = row.ok_or_else(|| OpError::NotFound(user_name(caller, name)))?;
    view.note(&[Read::User(row.id, row.generation)]);
    Ok(row)
}

/// The group of that name, noted as read. Ask for permission first.
async fn find_group(view: &View<'_>, caller: &Caller, name: &GroupName) -> Result<GroupRow, OpError> {
    let row = group_rows::find_by_name(&view.core().store, caller.account(), &name.folded()).await?;
    let row = row.ok_or_else(|| OpError::NotFound(group_name(caller, name)))?;
    view.note(&[Read::Group(row.id, row.generation)]);
    Ok(row)
}

/// The role of that name, noted as read. Ask for permission first.
pub(crate) async fn find_role(view: &View<'_>, caller: &Caller, name: &RoleName) -> Result<RoleRow, OpError> {
    let row = role_rows::find_by_name(&view.core().store, caller.account(), &name.folded()).await?;
    let row = row.ok_or_else(|| OpError::NotFound(role_name(caller, name)))?;
    view.note(&[Read::Role(row.id, row.generation)]);
    Ok(row)
}

/// A change of the caller's account: whoever remembers anything of it reads again.
pub(crate) fn changes(view: &View<'_>, caller: &Caller) -> ChangeSet {
    let mut changes = ChangeSet::new(view.now());
    changes.touch(caller.account());
    changes
}

/// What belongs to the caller's account as a whole: its settings.
fn settings(caller: &Caller) -> ResourceName {
    ResourceName::AccountSettings { account: own(caller) }
}

/// An effect allowed by a permit.
pub(crate) fn done<T>(output: T, changes: ChangeSet, permit: Permit) -> Effect<T> {
    Effect::with(output, changes, Entry { by: permit.spend(), ..Entry::default() })
}

/// A public number for a new user or role.
fn new_number(view: &View<'_>) -> Result<PrincipalNumber, OpError> {
    let (first, last) = (*PrincipalNumber::RANGE.start(), *PrincipalNumber::RANGE.end());
    let drawn = u64::from_be_bytes(random(view.core().entropy.as_ref())?);
    PrincipalNumber::new(first + drawn % (last - first + 1)).map_err(OpError::internal)
}
