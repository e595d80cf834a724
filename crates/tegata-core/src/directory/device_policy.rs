//! Where devices may ask from when a person signs them in.

use tegata_model::AccountId;
pub use tegata_store::device_policy::DeviceOrigin;
use tegata_store::{
    Store, StoreError,
    device_policy::{self, DevicePolicyRow},
};

use super::{changes, done, own};
use crate::{
    actions::{Action, TEGATA_GET_DEVICE_POLICY, TEGATA_SET_DEVICE_POLICY},
    authz,
    caller::Caller,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Where the devices of an account may ask from: from the network of the person who agrees, unless the account says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevicePolicy {
    /// From where.
    pub origin: DeviceOrigin,
}

impl DevicePolicy {
    pub(crate) async fn of(store: &Store, account: AccountId) -> Result<Self, StoreError> {
        let row = device_policy::find(store, account).await?;
        Ok(Self { origin: row.map_or(DeviceOrigin::SameNetwork, |row| row.origin) })
    }
}

/// Read where devices may ask from.
#[derive(Debug, Clone)]
pub struct DescribeDevicePolicy;

impl Operation for DescribeDevicePolicy {
    const ACTION: Action = TEGATA_GET_DEVICE_POLICY;
    type Output = DevicePolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<DevicePolicy>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(DevicePolicy::of(&view.core().store, caller.account()).await?))
    }
}

/// Say where devices may ask from.
#[derive(Debug, Clone)]
pub struct SetDevicePolicy {
    /// From where.
    pub origin: DeviceOrigin,
}

impl Operation for SetDevicePolicy {
    const ACTION: Action = TEGATA_SET_DEVICE_POLICY;
    type Output = DevicePolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<DevicePolicy>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let mut changes = changes(view, caller);
        let row = DevicePolicyRow { account_id: caller.account(), origin: self.origin, updated_at: view.now() };
        changes.extend(device_policy::set(&row));
        Ok(done(DevicePolicy { origin: self.origin }, changes, permit))
    }
}
