//! What stands beside a device for one-time codes: which request used its newest code, and what takes a lost device away.

use tegata_model::{MfaDeviceId, SessionId, Timestamp, UserId};

use crate::{Claim, Must, Row, Step, Store, StoreError, row::Fields};

const FIND_USE: &str = "SELECT device_id, step, request, source, session_id, used_at FROM otp_uses WHERE device_id = $1";
const NOTE_USE: &str = "INSERT INTO otp_uses (device_id, step, request, source, session_id, used_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (device_id) DO UPDATE SET step = excluded.step, request = excluded.request, source = excluded.source, \
    session_id = excluded.session_id, used_at = excluded.used_at";
const SWEEP_USES: &str = "DELETE FROM otp_uses WHERE used_at <= $1";
const INSERT_CODE: &str = "INSERT INTO backup_codes (user_id, hash, device_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const CODES: &str = "SELECT hash FROM backup_codes WHERE user_id = $1 AND device_id = $2";
const USE_CODE: &str = "DELETE FROM backup_codes WHERE user_id = $1 AND hash = $2 AND device_id = $3";
const FORGET_CODES: &str = "DELETE FROM backup_codes WHERE user_id = $1";

/// The newest code of a device that began a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtpUse {
    /// The device.
    pub device: MfaDeviceId,
    /// The step of the code.
    pub step: i64,
    /// A code of the whole request, made under a key of the server.
    pub request: Vec<u8>,
    /// The network that it came from; empty where that was not known.
    pub source: String,
    /// The session that it began.
    pub session: SessionId,
    /// When.
    pub at: Timestamp,
}

impl OtpUse {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("otp_uses", row);
        Ok(Self {
            device: f.id("device_id", MfaDeviceId::from_bytes)?,
            step: f.int("step")?,
            request: f.bytes("request")?,
            source: f.text("source")?,
            session: f.id("session_id", SessionId::from_bytes)?,
            at: f.at("used_at")?,
        })
    }
}

/// The newest code of this device that began a session, if any has lately.
pub async fn newest_use(store: &Store, device: MfaDeviceId) -> Result<Option<OtpUse>, StoreError> {
    store.find(FIND_USE, &[device.into()], OtpUse::read).await
}

/// Notes which request used a code. Goes with [`crate::mfa_device::use_step`], which claims the step.
pub fn note_use(used: &OtpUse) -> Step {
    let params = vec![
        used.device.into(),
        used.step.into(),
        used.request.as_slice().into(),
        used.source.as_str().into(),
        used.session.into(),
        used.at.into(),
    ];
    Step::new(NOTE_USE, params, Must::Anything)
}

/// Gives a user these backup codes, and no others, for this device.
pub fn set_backup_codes(user: UserId, device: MfaDeviceId, hashes: &[Vec<u8>]) -> Vec<Step> {
    let insert =
        |hash: &Vec<u8>| Step::new(INSERT_CODE, vec![user.into(), hash.as_slice().into(), device.into()], Must::BeNew("backup code"));
    std::iter::once(forget_backup_codes(user)).chain(hashes.iter().map(insert)).collect()
}

/// What is kept of the backup codes that were not used yet.
pub async fn backup_codes(store: &Store, user: UserId, device: MfaDeviceId) -> Result<Vec<Vec<u8>>, StoreError> {
    store.list(CODES, vec![user.into(), device.into()], |row| Fields::new("backup_codes", row).bytes("hash")).await
}

/// Uses a backup code. Succeeds at most once.
pub fn use_backup_code(user: UserId, device: MfaDeviceId, hash: &[u8]) -> Step {
    Step::new(USE_CODE, vec![user.into(), hash.into(), device.into()], Must::Claim(Claim::Code))
}

/// Takes all backup codes from a user.
pub fn forget_backup_codes(user: UserId) -> Step {
    Step::new(FORGET_CODES, vec![user.into()], Must::Anything)
}

/// Removes uses that nobody may repeat any more.
pub fn sweep(used_before: Timestamp) -> Step {
    Step::new(SWEEP_USES, vec![used_before.into()], Must::Anything)
}
