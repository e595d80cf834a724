//! A second factor that an account asks for and a person has not: it is set up on the way in.
//!
//! Until a code has proven it nothing rests. The seed is made from the id of the browser session, so that the page can show it again.

use data_encoding::BASE32_NOPAD;
use tegata_model::{MfaDeviceId, MfaDeviceName, SecretKey};
use tegata_store::{
    ChangeSet,
    attempt::{self, Secret},
    browser_session, login_profile,
    mfa_device::{self, MfaDeviceRow},
    user,
};

use super::{
    Browser, Refusal, Stage, Step,
    browser::{Begun, CODES, after_factor},
};
use crate::{
    Core, RequestMeta,
    actions::RAM_BIND_MFA_DEVICE,
    audit::Entry,
    directory::PasswordPolicy,
    error::{OpError, Quota},
    keyring::Place,
    otp::{self, OneTimeCode},
};

/// What the seed is made for.
const PURPOSE: &[u8] = b"new-factor";
/// How many names are tried for the device.
const NAMES: u32 = 20;

/// A device that is about to become a second factor.
#[derive(Debug)]
pub struct NewFactor {
    /// Its seed in base32.
    pub seed: SecretKey,
    /// The same as an `otpauth://` address, for the picture that an authenticator application reads.
    pub address: SecretKey,
}

impl Core {
    /// What the person's authenticator has to be told; nothing unless a factor is what comes next.
    pub fn new_factor(&self, browser: &Browser) -> Result<Option<NewFactor>, OpError> {
        if browser.stage() != Stage::NewFactor {
            return Ok(None);
        }
        let seed = self.seed_of(browser)?;
        let (name, account) = (browser.person_name(), browser.account().0);
        Ok(Some(NewFactor { address: otp::address(&name, &account, &seed), seed }))
    }

    fn seed_of(&self, browser: &Browser) -> Result<SecretKey, OpError> {
        let code = self.keyring.mac(PURPOSE, browser.0.row.id.as_bytes()).map_err(OpError::internal)?;
        let bytes = code.get(4..4 + otp::SEED).ok_or_else(|| OpError::internal("a code is longer than that"))?;
        Ok(SecretKey::new(BASE32_NOPAD.encode(bytes)))
    }

    /// Goes on once a code proves that the person's authenticator has the seed: from now on it is the person's second factor, and it
    /// has been shown. One commit.
    pub async fn prove_factor(&self, meta: &RequestMeta, browser: &Browser, name: &str, text: &str) -> Step {
        let (now, row) = (self.now(), &browser.0.row);
        if row.stage != Stage::NewFactor {
            return Ok(Err(Refusal::Expired));
        }
        match self.count_try(ChangeSet::new(now), row.user_id, Secret::OneTimeCode, CODES).await {
            Ok(()) => {}
            Err(OpError::Throttled(_)) => return Ok(Err(Refusal::TooManyCodes)),
            Err(other) => return Err(other),
        }
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let seed = self.seed_of(browser)?;
        let step = digits.parse::<OneTimeCode>().ok().and_then(|given| otp::verify(&seed, &given, now, 0));
        let Some(step) = step else { return Ok(Err(Refusal::Code)) };
        let Some(profile) = login_profile::find(&self.store, row.user_id).await? else { return Ok(Err(Refusal::Expired)) };
        let Some(user) = user::find(&self.store, row.user_id).await? else { return Ok(Err(Refusal::Expired)) };
        // Somebody has given the person one meanwhile: that one is asked for, from the beginning.
        if mfa_device::of_user(&self.store, user.id).await?.is_some() {
            return Ok(Err(Refusal::Expired));
        }
        let limit = self.limits.quotas.mfa_devices;
        if mfa_device::count(&self.store, user.account_id).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::MfaDevices, limit));
        }
        let id = MfaDeviceId::from_bytes(self.new_id()?);
        let place = Place { table: "mfa_devices", row: id.as_bytes(), account: &user.account_id };
        let device = MfaDeviceRow {
            id,
            account_id: user.account_id,
            name: self.free_name(&user).await?,
            sealed_seed: self.keyring.seal_row(self.entropy.as_ref(), &place, &seed).map_err(OpError::internal)?,
            user_id: None,
            last_step: 0,
            created_at: now,
            bound_at: None,
        };
        let policy = PasswordPolicy::in_account(self, row.account_id).await?;
        let mut changes = ChangeSet::new(now);
        changes.push(browser_session::expect(row.id, row.epoch));
        changes.push(user::expect(user.id, user.generation));
        changes.push(mfa_device::insert(&device));
        changes.push(mfa_device::at_most(user.account_id, limit));
        changes.extend(mfa_device::bind(id, user.id, now));
        changes.push(mfa_device::use_step(id, step));
        changes.push(attempt::forget(*user.id.as_bytes(), Secret::OneTimeCode));
        changes.push(browser_session::delete(row.id));
        changes.touch(user.account_id);
        let entry = Entry { note: Some(format!("bound device {} on the way in", device.name)), ..Entry::default() };
        changes.push(self.recorder.at_a_page(now, meta, &browser.0.person, RAM_BIND_MFA_DEVICE, entry));
        let begun = Begun {
            user: row.user_id,
            epochs: (row.account_epoch, row.user_epoch),
            profile: (row.profile_id, row.profile_epoch),
            browser: name,
            stage: after_factor(&profile, &policy, now),
        };
        match self.forward(meta, changes, row.account_id, begun, true).await {
            Ok(stepped) => Ok(Ok(stepped)),
            Err(OpError::Conflict) => Ok(Err(Refusal::Expired)),
            Err(other) => Err(other),
        }
    }

    /// The name of the person where that is free and a device can have it, else one like it.
    async fn free_name(&self, user: &user::UserRow) -> Result<MfaDeviceName, OpError> {
        let plain: String = user
            .name
            .as_str()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' })
            .take(60)
            .collect();
        for number in 1..=NAMES {
            let text = if number == 1 { plain.clone() } else { format!("{plain}-{number}") };
            let name = MfaDeviceName::new(&text).map_err(OpError::internal)?;
            if mfa_device::find_by_name(&self.store, user.account_id, &name.folded()).await?.is_none() {
                return Ok(name);
            }
        }
        Err(OpError::Conflict)
    }
}
