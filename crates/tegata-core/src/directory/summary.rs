//! How much of everything an account has, and may have.

use tegata_store::{group, mfa_device, policy, role, user};

use super::settings;
use crate::{
    actions::{Action, RAM_GET_ACCOUNT_SUMMARY},
    authz,
    caller::Caller,
    error::OpError,
    limits::Quotas,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// How much an account has, and may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountSummary {
    /// Its users, the owner not among them.
    pub users: u64,
    /// Its groups.
    pub groups: u64,
    /// Its roles.
    pub roles: u64,
    /// Its own policies.
    pub policies: u64,
    /// Its devices for one-time codes.
    pub mfa_devices: u64,
    /// Those of them that are somebody's factor.
    pub mfa_devices_in_use: u64,
    /// How much it may have.
    pub quotas: Quotas,
}

/// Read how much of everything one's account has, and may have.
#[derive(Debug, Clone)]
pub struct DescribeAccountSummary;

impl Operation for DescribeAccountSummary {
    const ACTION: Action = RAM_GET_ACCOUNT_SUMMARY;
    type Output = AccountSummary;

    fn resource(&self, caller: &Caller) -> ResourceName {
        settings(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<AccountSummary>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let (store, account) = (&view.core().store, caller.account());
        Ok(Effect::nothing(AccountSummary {
            users: user::count(store, account).await?,
            groups: group::count(store, account).await?,
            roles: role::count(store, account).await?,
            policies: policy::count(store, account).await?,
            mfa_devices: mfa_device::count(store, account).await?,
            mfa_devices_in_use: mfa_device::count_bound(store, account).await?,
            quotas: view.core().limits().quotas,
        }))
    }
}
