//! The second factor of a user or of the owner, the same devices as everywhere else: made, confirmed by a first code, taken off, and taken
//! off where the device is lost.
//!
//! A device bears the name of its user. It protects nothing before it is confirmed, and until then making it again gives it another seed.

use std::sync::Arc;

use tegata_model::{MfaDeviceId, MfaDeviceName, SecretKey};
use tegata_store::{
    ChangeSet, Claim, CommitError,
    attempt::{self, Secret},
    factor,
    mail_link::{self, Purpose},
    mfa_device::{self, MfaDeviceRow},
    user::{self, UserKind, UserRow},
};

use super::{Holder, Refusal, sign_in::Judged, user_of};
use crate::{
    Core, RequestMeta,
    actions::{
        Action, RAM_BIND_MFA_DEVICE, RAM_CREATE_VIRTUAL_MFA_DEVICE, RAM_GET_USER_MFA_INFO, RAM_UNBIND_MFA_DEVICE,
        SAM_REQUEST_FACTOR_REMOVAL,
    },
    audit::Entry,
    authz,
    caller::Caller,
    clock::random_text,
    directory::{CreateVirtualMfaDevice, changes, own},
    error::{Input, OpError, ProblemKind, Quota},
    grant::hash_of,
    keyring::Place,
    mail::{Happening, Language},
    operation::{Effect, Operation},
    otp::{self, OneTimeCode},
    resource::ResourceName,
    signin::CODES,
    view::View,
};

/// How many backup codes the owner is given.
const BACKUP_CODES: usize = 5;
/// Characters of one; those that are taken for one another are left out.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const BACKUP: &[u8] = b"backup code";

/// How far a second factor has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FactorState {
    /// There is none.
    Inactive,
    /// A device was made, and no code of it was seen yet: it protects nothing.
    Unconfirmed,
    /// Codes of it are asked for.
    Active,
}

/// The name of the device that a user makes for itself.
fn own_device(user: &UserRow, caller: &Caller) -> Result<MfaDeviceName, OpError> {
    let name = match user.kind {
        UserKind::Root => format!("root-{}", own(caller)),
        // Device names have fewer characters than those of users.
        UserKind::Member => match MfaDeviceName::new(user.name.as_str()) {
            Ok(name) => return Ok(name),
            Err(_) => format!("user-{}", user.number),
        },
    };
    MfaDeviceName::new(&name).map_err(OpError::internal)
}

/// The device of that user which is not confirmed yet.
async fn pending(view: &View<'_>, caller: &Caller, user: &UserRow) -> Result<Option<MfaDeviceRow>, OpError> {
    let name = own_device(user, caller)?;
    let found = mfa_device::find_by_name(&view.core().store, user.account_id, &name.folded()).await?;
    Ok(found.filter(|device| device.user_id.is_none()))
}

fn factor_of(resource: ResourceName) -> ResourceName {
    ResourceName::Factor { of: Box::new(resource) }
}

/// Read how far the second factor of a user or of the owner has come.
#[derive(Debug, Clone)]
pub struct FindFactorState {
    /// Whose.
    pub of: Holder,
}

impl Operation for FindFactorState {
    const ACTION: Action = RAM_GET_USER_MFA_INFO;
    type Output = FactorState;

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.of.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<FactorState>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let user = self.of.find(view, caller).await?;
        let state = if mfa_device::of_user(&view.core().store, user.id).await?.is_some() {
            FactorState::Active
        } else if pending(view, caller, &user).await?.is_some() {
            FactorState::Unconfirmed
        } else {
            FactorState::Inactive
        };
        Ok(Effect::nothing(state))
    }
}

/// Make a device for a user or for the owner, to be confirmed by a first code. Gives what an authenticator application reads.
#[derive(Debug, Clone)]
pub struct EnableFactor {
    /// For whom.
    pub of: Holder,
}

impl Operation for EnableFactor {
    const ACTION: Action = RAM_CREATE_VIRTUAL_MFA_DEVICE;
    type Output = SecretKey;

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.of.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<SecretKey>, OpError> {
        let resource = self.resource(caller);
        self.of.owner_alone(caller, Self::ACTION)?;
        let permit = match &self.of {
            Holder::Owner => authz::permit(view, caller, Self::ACTION, &resource, &[])?,
            Holder::User(name) => match MfaDeviceName::new(name.as_str()) {
                Ok(name) => CreateVirtualMfaDevice { name }.permit(view, caller)?,
                Err(_) => authz::permit(view, caller, Self::ACTION, &ResourceName::MfaDevices { account: own(caller) }, &[])?,
            },
        };
        let user = self.of.find(view, caller).await?;
        let core = view.core();
        if mfa_device::of_user(&core.store, user.id).await?.is_some() {
            return Err(OpError::Exists(factor_of(resource)));
        }
        let name = own_device(&user, caller)?;
        let before = pending(view, caller, &user).await?;
        let limit = core.limits().quotas.mfa_devices;
        if before.is_none() && mfa_device::count(&core.store, user.account_id).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::MfaDevices, limit));
        }
        let id = MfaDeviceId::from_bytes(core.new_id()?);
        let seed = otp::new_seed(core.entropy.as_ref())?;
        let place = Place { table: "mfa_devices", row: id.as_bytes(), account: &user.account_id };
        let row = MfaDeviceRow {
            id,
            account_id: user.account_id,
            name,
            sealed_seed: core.keyring.seal_row(core.entropy.as_ref(), &place, &seed).map_err(OpError::internal)?,
            user_id: None,
            last_step: 0,
            created_at: view.now(),
            bound_at: None,
        };
        let mut changes = changes(view, caller);
        changes.extend(before.map(|before| mfa_device::delete(before.id)));
        changes.push(mfa_device::insert(&row));
        changes.push(mfa_device::at_most(user.account_id, limit));
        let address = otp::address(row.name.as_str(), caller.account_alias().as_str(), &seed);
        let device = ResourceName::MfaDevice { account: own(caller), name: row.name };
        Ok(Effect::with(address, changes, Entry { by: permit.spend(), ..Entry::default() }).or_exists(device))
    }
}

/// Confirm the device of a user or of the owner by a code that it shows. The owner is given backup codes, this once.
#[derive(Debug, Clone)]
pub struct VerifyFactor {
    /// Whose.
    pub of: Holder,
    /// The code.
    pub code: OneTimeCode,
}

impl Operation for VerifyFactor {
    const ACTION: Action = RAM_BIND_MFA_DEVICE;
    type Output = Vec<SecretKey>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.of.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<SecretKey>>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        self.of.owner_alone(caller, Self::ACTION)?;
        let user = self.of.find(view, caller).await?;
        let core = view.core();
        if mfa_device::of_user(&core.store, user.id).await?.is_some() {
            return Err(OpError::Exists(factor_of(resource)));
        }
        let device = pending(view, caller, &user).await?.ok_or_else(|| OpError::NotFound(factor_of(resource)))?;
        let step = otp::verify(&core.seed(&device)?, &self.code, view.now(), device.last_step).ok_or_else(wrong_code)?;
        let mut changes = changes(view, caller);
        changes.extend(mfa_device::bind(device.id, user.id, view.now()));
        changes.push(mfa_device::use_step(device.id, step));
        let mut codes = Vec::new();
        if self.of == Holder::Owner {
            let mut kept = Vec::with_capacity(BACKUP_CODES);
            for _ in 0..BACKUP_CODES {
                let code = random_text(core.entropy.as_ref(), LETTERS, 8)?;
                kept.push(core.keyring.mac(BACKUP, &backup_text(&user, &code)).map_err(OpError::internal)?);
                codes.push(SecretKey::new(code));
            }
            changes.extend(factor::set_backup_codes(user.id, device.id, &kept));
        }
        let entry = Entry { by: permit.spend(), note: Some(format!("bound device {}", device.name)), ..Entry::default() };
        Ok(Effect::with(codes, changes, entry).or_used(wrong_code()))
    }
}

fn wrong_code() -> OpError {
    let rule = "the code is not one of this device that is good now and was not used before";
    OpError::invalid(Input::OneTimeCode, ProblemKind::Mismatch, rule)
}

fn backup_text(user: &UserRow, code: &str) -> Vec<u8> {
    [&user.id.as_bytes()[..], code.as_bytes()].concat()
}

/// Take the second factor off a user or the owner, confirmed or not. The device goes with it where it is the user's own.
#[derive(Debug, Clone)]
pub struct RevokeFactor {
    /// From whom.
    pub of: Holder,
}

impl Operation for RevokeFactor {
    const ACTION: Action = RAM_UNBIND_MFA_DEVICE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.of.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        self.of.owner_alone(caller, Self::ACTION)?;
        let user = self.of.find(view, caller).await?;
        authz::second_factor(view, caller, Self::ACTION, &resource, user.id).await?;
        let core = view.core();
        let mut changes = changes(view, caller);
        let device = match mfa_device::of_user(&core.store, user.id).await? {
            Some(device) => {
                let itself = device.name.folded() == own_device(&user, caller)?.folded();
                core.take_off(&mut changes, &caller.meta, &user, caller.account_alias(), &device, itself)?;
                device
            }
            None => match pending(view, caller, &user).await? {
                Some(device) => {
                    changes.push(mfa_device::delete(device.id));
                    device
                }
                None => return Err(OpError::NotFound(factor_of(resource))),
            },
        };
        let entry = Entry { by: permit.spend(), note: Some(format!("unbound device {}", device.name)), ..Entry::default() };
        Ok(Effect::with((), changes, entry))
    }
}

/// Takes the second factor off the owner, who gives its password once more.
pub async fn revoke_owner_factor(core: &Core, caller: &Caller, password: Arc<SecretKey>) -> Result<Result<(), Refusal>, OpError> {
    let operation = RevokeFactor { of: Holder::Owner };
    core.check(caller, &operation).await?;
    if let Err(refusal) = core.owner_again(&caller.meta, caller, password).await? {
        return Ok(Err(refusal));
    }
    core.perform(caller, &operation).await.map(Ok)
}

impl Core {
    /// Whether this is the password of the owner that the caller is.
    async fn owner_again(&self, meta: &RequestMeta, caller: &Caller, password: Arc<SecretKey>) -> Result<Result<(), Refusal>, OpError> {
        let user = user_of(caller.evidence.principal())?.clone();
        let name = user.login.clone().unwrap_or_default().to_lowercase();
        match self.judge_password(meta, Some(user), &name, &password).await? {
            Judged::Known(known) => {
                let mut changes = ChangeSet::new(self.now());
                changes.extend(known.tries.map(|subject| attempt::forget(subject, Secret::Password)));
                self.written(changes).await?;
                Ok(Ok(()))
            }
            Judged::Refused(refusal, _) => Ok(Err(refusal)),
        }
    }

    /// What takes a factor off a user, and tells the user.
    fn take_off(
        &self,
        changes: &mut ChangeSet,
        meta: &RequestMeta,
        user: &UserRow,
        alias: &tegata_model::AccountAlias,
        device: &MfaDeviceRow,
        with_device: bool,
    ) -> Result<(), OpError> {
        changes.extend(mfa_device::unbind(device.id, user.id));
        changes.push(factor::forget_backup_codes(user.id));
        if with_device {
            changes.push(mfa_device::delete(device.id));
        }
        self.notice(changes, meta, user, alias, Happening::FactorRemoved { device: device.name.to_string() })
    }

    async fn owner_by_password(
        &self,
        meta: &RequestMeta,
        email: &str,
        password: &Arc<SecretKey>,
    ) -> Result<Result<Box<super::sign_in::Known>, Refusal>, OpError> {
        let shown = super::Shown::Owner { email: email.to_owned(), password: Arc::clone(password) };
        Ok(match self.judge_shown(meta, &shown).await? {
            Judged::Known(known) => Ok(known),
            Judged::Refused(refusal, _) => Err(refusal),
        })
    }

    /// Sends the owner of an account, who gives its password, a token that takes off its lost second factor together with a backup code.
    /// False where there is no factor, no address, or no way to send letters.
    pub async fn request_factor_removal(
        &self,
        meta: &RequestMeta,
        email: &str,
        password: Arc<SecretKey>,
        language: Language,
    ) -> Result<Result<bool, Refusal>, OpError> {
        let known = match self.owner_by_password(meta, email, &password).await? {
            Ok(known) => known,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (now, user) = (self.now(), user_of(&known.person)?);
        let mut changes = ChangeSet::new(now);
        changes.extend(known.tries.map(|subject| attempt::forget(subject, Secret::Password)));
        if mfa_device::of_user(&self.store, user.id).await?.is_none() {
            self.written(changes).await?;
            return Ok(Ok(false));
        }
        if !self.factor_letter(&mut changes, meta, user, &known.person.account, Some(language))? {
            return Ok(Ok(false));
        }
        changes.push(self.recorder.at_a_page(now, meta, &known.person, SAM_REQUEST_FACTOR_REMOVAL, Entry::default()));
        match self.store.commit(changes).await {
            // Beyond three in an hour none is sent; whoever asks has the others.
            Ok(()) | Err(CommitError::Claimed(Claim::Letter)) => Ok(Ok(true)),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }

    /// Takes off the lost second factor of an owner by its password, the token of a letter and a backup code, and ends everything that was
    /// issued to the owner. False where the token or the code does not do.
    pub async fn remove_lost_factor(
        &self,
        meta: &RequestMeta,
        email: &str,
        password: Arc<SecretKey>,
        token: &SecretKey,
        backup: &SecretKey,
    ) -> Result<Result<bool, Refusal>, OpError> {
        let known = match self.owner_by_password(meta, email, &password).await? {
            Ok(known) => known,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (now, user) = (self.now(), user_of(&known.person)?);
        match self.count_try(ChangeSet::new(now), user.id, Secret::OneTimeCode, CODES).await {
            Ok(()) => {}
            Err(OpError::Throttled(_)) => return Ok(Err(Refusal::TooManyCodes)),
            Err(other) => return Err(other),
        }
        let device = mfa_device::of_user(&self.store, user.id).await?;
        let (Some(device), Some(owner)) = (device, self.factor_token(token).await?) else { return Ok(Ok(false)) };
        let code = backup.expose().trim().to_ascii_uppercase();
        let kept = factor::backup_codes(&self.store, user.id, device.id).await?;
        let text = backup_text(user, &code);
        let Some(used) = kept.into_iter().find(|kept| self.keyring.mac_holds(BACKUP, &text, kept)).filter(|_| owner == user.id) else {
            self.recorder.count(now, meta.source, "wrong-backup-code", user.name.as_str());
            return Ok(Ok(false));
        };
        let mut changes = ChangeSet::new(now);
        changes.push(factor::use_backup_code(user.id, device.id, &used));
        changes.push(mail_link::spend(&hash_of(token.expose()), Purpose::RemoveFactor, now));
        self.take_off(&mut changes, meta, user, &known.person.account.alias, &device, true)?;
        changes.push(user::raise_epoch(user.id));
        changes.push(attempt::forget(*user.id.as_bytes(), Secret::OneTimeCode));
        changes.extend(known.tries.map(|subject| attempt::forget(subject, Secret::Password)));
        changes.touch(user.account_id);
        let entry = Entry { note: Some(format!("by a backup code, device {}", device.name)), ..Entry::default() };
        changes.push(self.recorder.at_a_page(now, meta, &known.person, RAM_UNBIND_MFA_DEVICE, entry));
        match self.written(changes).await {
            Ok(()) => Ok(Ok(true)),
            // Somebody was quicker with the code or the token.
            Err(OpError::Conflict) => Ok(Ok(false)),
            Err(other) => Err(other),
        }
    }
}
