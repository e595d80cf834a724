//! Second factors: devices for one-time codes, and whose they are. The seed leaves once, with the answer that makes the device.

use tegata_model::{AccountNumber, MfaDeviceId, MfaDeviceName, SecretKey, Timestamp, UserName};
use tegata_store::{
    mfa_device::{self, MfaDeviceRow},
    user,
};

use super::{Listed, Page, User, changes, done, find_user, own, user_name};
use crate::{
    actions::{
        Action, RAM_BIND_MFA_DEVICE, RAM_CREATE_VIRTUAL_MFA_DEVICE, RAM_DELETE_VIRTUAL_MFA_DEVICE, RAM_GET_USER_MFA_INFO,
        RAM_LIST_VIRTUAL_MFA_DEVICES, RAM_UNBIND_MFA_DEVICE,
    },
    audit::Entry,
    authz::{self, Permit},
    caller::Caller,
    error::{DeniedBy, Holding, Input, OpError, ProblemKind, Quota},
    keyring::Place,
    mail::Happening,
    operation::{Effect, Operation},
    otp::{self, OneTimeCode},
    resource::ResourceName,
    view::View,
};

/// What may be said of a device for one-time codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaDevice {
    /// The account it belongs to.
    pub account: AccountNumber,
    /// Its name.
    pub name: MfaDeviceName,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whose factor it is since when.
    pub bound: Option<(User, Timestamp)>,
}

/// A device that has just been made, with its seed.
#[derive(Debug)]
pub struct CreatedMfaDevice {
    /// The device.
    pub device: MfaDevice,
    /// Its seed in base32, told this once.
    pub seed: SecretKey,
    /// The same as an `otpauth://` address, for the picture that an authenticator application reads.
    pub address: SecretKey,
}

fn device_name(account: AccountNumber, name: &MfaDeviceName) -> ResourceName {
    ResourceName::MfaDevice { account, name: name.clone() }
}

fn factor(of: ResourceName) -> ResourceName {
    ResourceName::Factor { of: Box::new(of) }
}

/// The device of that name. One of another account is as absent as one that never was.
async fn find_device(view: &View<'_>, caller: &Caller, account: AccountNumber, name: &MfaDeviceName) -> Result<MfaDeviceRow, OpError> {
    let row =
        if account == own(caller) { mfa_device::find_by_name(&view.core().store, caller.account(), &name.folded()).await? } else { None };
    row.ok_or_else(|| OpError::NotFound(device_name(account, name)))
}

/// Make a device for one-time codes, which is nobody's factor yet.
#[derive(Debug, Clone)]
pub struct CreateVirtualMfaDevice {
    /// Its name.
    pub name: MfaDeviceName,
}

impl CreateVirtualMfaDevice {
    /// Permission is asked on all devices, and failing that, where no statement denies it, on the device by its name: so can users
    /// make the one device that bears their own name.
    pub(crate) fn permit(&self, view: &View<'_>, caller: &Caller) -> Result<Permit, OpError> {
        let all = ResourceName::MfaDevices { account: own(caller) };
        let refusal = match authz::permit(view, caller, Self::ACTION, &all, &[]) {
            Err(OpError::Denied(denial)) if matches!(denial.by, DeniedBy::Layer { explicit: false, .. }) => OpError::Denied(denial),
            decided => return decided,
        };
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[]).map_err(|_| refusal)
    }
}

impl Operation for CreateVirtualMfaDevice {
    const ACTION: Action = RAM_CREATE_VIRTUAL_MFA_DEVICE;
    type Output = CreatedMfaDevice;

    fn resource(&self, caller: &Caller) -> ResourceName {
        device_name(own(caller), &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<CreatedMfaDevice>, OpError> {
        let permit = self.permit(view, caller)?;
        let (core, account) = (view.core(), caller.account());
        let limit = core.limits().quotas.mfa_devices;
        if mfa_device::find_by_name(&core.store, account, &self.name.folded()).await?.is_some() {
            return Err(OpError::Exists(self.resource(caller)));
        }
        if mfa_device::count(&core.store, account).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::MfaDevices, limit));
        }
        let id = MfaDeviceId::from_bytes(core.new_id()?);
        let seed = otp::new_seed(core.entropy.as_ref())?;
        let place = Place { table: "mfa_devices", row: id.as_bytes(), account: &account };
        let row = MfaDeviceRow {
            id,
            account_id: account,
            name: self.name.clone(),
            sealed_seed: core.keyring.seal_row(core.entropy.as_ref(), &place, &seed).map_err(OpError::internal)?,
            user_id: None,
            last_step: 0,
            created_at: view.now(),
            bound_at: None,
        };
        let mut changes = changes(view, caller);
        changes.push(mfa_device::insert(&row));
        changes.push(mfa_device::at_most(account, limit));
        let alias = &caller.evidence.principal().account.alias;
        let address = otp::address(row.name.as_str(), alias.as_str(), &seed);
        let device = MfaDevice { account: own(caller), name: row.name, created_at: row.created_at, bound: None };
        Ok(done(CreatedMfaDevice { device, seed, address }, changes, permit).or_exists(self.resource(caller)))
    }
}

/// List the devices of the caller's account.
#[derive(Debug, Clone)]
pub struct ListVirtualMfaDevices {
    /// Which part.
    pub page: Page,
}

impl Operation for ListVirtualMfaDevices {
    const ACTION: Action = RAM_LIST_VIRTUAL_MFA_DEVICES;
    type Output = Listed<MfaDevice>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::MfaDevices { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listed<MfaDevice>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let store = &view.core().store;
        let rows = mfa_device::list(store, caller.account(), &self.page.after, self.page.rows()).await?;
        let listed = self.page.cut(rows, |row| row.name.folded(), |row| row);
        let mut items = Vec::with_capacity(listed.items.len());
        for row in listed.items {
            let user = match row.user_id {
                Some(id) => user::find(store, id).await?,
                None => None,
            };
            let bound = user.map(|user| (User::of(user), row.bound_at.unwrap_or(row.created_at)));
            items.push(MfaDevice { account: own(caller), name: row.name, created_at: row.created_at, bound });
        }
        Ok(Effect::nothing(Listed { items, next: listed.next }))
    }
}

/// Delete a device that is nobody's factor.
#[derive(Debug, Clone)]
pub struct DeleteVirtualMfaDevice {
    /// The account of the device.
    pub account: AccountNumber,
    /// Its name.
    pub name: MfaDeviceName,
}

impl Operation for DeleteVirtualMfaDevice {
    const ACTION: Action = RAM_DELETE_VIRTUAL_MFA_DEVICE;
    type Output = ();

    fn resource(&self, _caller: &Caller) -> ResourceName {
        device_name(self.account, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let row = find_device(view, caller, self.account, &self.name).await?;
        if row.user_id.is_some() {
            return Err(OpError::InUse(resource, Holding::Bound));
        }
        let mut changes = changes(view, caller);
        changes.push(mfa_device::delete(row.id));
        Ok(done((), changes, permit))
    }
}

/// Make a device the second factor of a user. Two codes that follow one another prove that the user has it.
#[derive(Debug, Clone)]
pub struct BindMfaDevice {
    /// Whose factor it shall be.
    pub user: UserName,
    /// The account of the device.
    pub account: AccountNumber,
    /// Its name.
    pub device: MfaDeviceName,
    /// A code.
    pub first: OneTimeCode,
    /// The code after it.
    pub second: OneTimeCode,
}

impl Operation for BindMfaDevice {
    const ACTION: Action = RAM_BIND_MFA_DEVICE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let user = find_user(view, caller, &self.user).await?;
        let device = find_device(view, caller, self.account, &self.device).await?;
        let core = view.core();
        if mfa_device::of_user(&core.store, user.id).await?.is_some() {
            return Err(OpError::Exists(factor(self.resource(caller))));
        }
        if device.user_id.is_some() {
            let device = Box::new(device_name(self.account, &self.device));
            return Err(OpError::Exists(ResourceName::BoundMfaDevice { device }));
        }
        let seed = core.seed(&device)?;
        let step = otp::verify_pair(&seed, &self.first, &self.second, view.now(), device.last_step).ok_or_else(wrong_codes)?;
        let mut changes = changes(view, caller);
        changes.extend(mfa_device::bind(device.id, user.id, view.now()));
        changes.push(mfa_device::use_step(device.id, step));
        let entry = Entry { by: permit.spend(), note: Some(format!("bound device {}", device.name)), ..Entry::default() };
        Ok(Effect::with((), changes, entry).or_used(wrong_codes()))
    }
}

/// The codes are not those of the device, not consecutive, not of now, or were used before: all say the same.
fn wrong_codes() -> OpError {
    let rule = "the codes are not two consecutive codes of this device that are good now and were not used before";
    OpError::invalid(Input::OneTimeCode, ProblemKind::Mismatch, rule)
}

/// Take its second factor from a user. The device stays, and can be bound again.
#[derive(Debug, Clone)]
pub struct UnbindMfaDevice {
    /// From whom.
    pub user: UserName,
}

impl Operation for UnbindMfaDevice {
    const ACTION: Action = RAM_UNBIND_MFA_DEVICE;
    type Output = MfaDeviceName;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<MfaDeviceName>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let user = find_user(view, caller, &self.user).await?;
        authz::second_factor(view, caller, Self::ACTION, &resource, user.id).await?;
        let device = mfa_device::of_user(&view.core().store, user.id).await?.ok_or_else(|| OpError::NotFound(factor(resource)))?;
        let mut changes = changes(view, caller);
        changes.extend(mfa_device::unbind(device.id, user.id));
        let happening = Happening::FactorRemoved { device: device.name.to_string() };
        view.core().notice(&mut changes, &caller.meta, &user, caller.account_alias(), happening)?;
        let entry = Entry { by: permit.spend(), note: Some(format!("unbound device {}", device.name)), ..Entry::default() };
        Ok(Effect::with(device.name, changes, entry))
    }
}

/// Read which device is the second factor of a user.
#[derive(Debug, Clone)]
pub struct DescribeFactor {
    /// Whose.
    pub user: UserName,
}

impl Operation for DescribeFactor {
    const ACTION: Action = RAM_GET_USER_MFA_INFO;
    type Output = MfaDeviceName;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<MfaDeviceName>, OpError> {
        let device = bound_to(view, caller, &self.user).await?;
        device.map(Effect::nothing).ok_or_else(|| OpError::NotFound(factor(self.resource(caller))))
    }
}

/// Read whether a user has a second factor, and which: none is an answer, not an error.
#[derive(Debug, Clone)]
pub struct FindFactor {
    /// Whose.
    pub user: UserName,
}

impl Operation for FindFactor {
    const ACTION: Action = RAM_GET_USER_MFA_INFO;
    type Output = Option<MfaDeviceName>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Option<MfaDeviceName>>, OpError> {
        Ok(Effect::nothing(bound_to(view, caller, &self.user).await?))
    }
}

/// The device that is the factor of that user, once permission was given.
async fn bound_to(view: &View<'_>, caller: &Caller, user: &UserName) -> Result<Option<MfaDeviceName>, OpError> {
    authz::permit(view, caller, RAM_GET_USER_MFA_INFO, &user_name(caller, user), &[])?;
    let user = find_user(view, caller, user).await?;
    Ok(mfa_device::of_user(&view.core().store, user.id).await?.map(|device| device.name))
}
