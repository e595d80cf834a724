//! Devices for one-time codes. The seed is sealed; the step of the newest code used only rises, whichever way it came in.

use tegata_model::{AccountId, MfaDeviceId, MfaDeviceName, Timestamp, UserId};

use crate::{Claim, Must, Row, Step, Store, StoreError, row::Fields, user};

const FIND_BY_NAME: &str = "SELECT id, account_id, name, sealed_seed, user_id, last_step, created_at, bound_at FROM mfa_devices \
    WHERE account_id = $1 AND name_folded = $2";
const OF_USER: &str = "SELECT id, account_id, name, sealed_seed, user_id, last_step, created_at, bound_at FROM mfa_devices \
    WHERE user_id = $1";
const LIST: &str = "SELECT id, account_id, name, sealed_seed, user_id, last_step, created_at, bound_at FROM mfa_devices \
    WHERE account_id = $1 AND name_folded > $2 ORDER BY name_folded LIMIT $3";
const COUNT: &str = "SELECT count(*) FROM mfa_devices WHERE account_id = $1";
const COUNT_BOUND: &str = "SELECT count(*) FROM mfa_devices WHERE account_id = $1 AND user_id IS NOT NULL";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM mfa_devices WHERE account_id = $1) <= $2";
const INSERT: &str = "INSERT INTO mfa_devices (id, account_id, name, name_folded, sealed_seed, user_id, last_step, created_at, bound_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
const BIND: &str = "UPDATE mfa_devices SET user_id = $2, bound_at = $3 WHERE id = $1 AND user_id IS NULL \
    AND NOT EXISTS (SELECT 1 FROM mfa_devices AS other WHERE other.user_id = $2)";
const UNBIND: &str = "UPDATE mfa_devices SET user_id = NULL, bound_at = NULL WHERE id = $1 AND user_id = $2";
const USE_STEP: &str = "UPDATE mfa_devices SET last_step = $2 WHERE id = $1 AND last_step < $2";
const DELETE: &str = "DELETE FROM mfa_devices WHERE id = $1 AND user_id IS NULL";

/// One device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaDeviceRow {
    /// Immutable id.
    pub id: MfaDeviceId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// Its name; unique in the account, without case.
    pub name: MfaDeviceName,
    /// The sealed seed; bound to this row by whoever sealed it.
    pub sealed_seed: Vec<u8>,
    /// Whose factor it is; a user has at most one.
    pub user_id: Option<UserId>,
    /// The time step of the newest code that was used; 0 before the first.
    pub last_step: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it became a user's factor.
    pub bound_at: Option<Timestamp>,
}

impl MfaDeviceRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("mfa_devices", row);
        Ok(Self {
            id: f.id("id", MfaDeviceId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            name: f.parsed("name", MfaDeviceName::new)?,
            sealed_seed: f.bytes("sealed_seed")?,
            user_id: f.optional_id("user_id", UserId::from_bytes)?,
            last_step: f.int("last_step")?,
            created_at: f.at("created_at")?,
            bound_at: f.optional_at("bound_at")?,
        })
    }
}

/// The device of the account with this name, folded as [`MfaDeviceName::folded`] does.
pub async fn find_by_name(store: &Store, account: AccountId, folded: &str) -> Result<Option<MfaDeviceRow>, StoreError> {
    store.find(FIND_BY_NAME, &[account.into(), folded.into()], MfaDeviceRow::read).await
}

/// The factor of a user.
pub async fn of_user(store: &Store, user: UserId) -> Result<Option<MfaDeviceRow>, StoreError> {
    store.find(OF_USER, &[user.into()], MfaDeviceRow::read).await
}

/// Devices of the account by folded name, those after `after` (`""` for all), at most `limit`.
pub async fn list(store: &Store, account: AccountId, after: &str, limit: u32) -> Result<Vec<MfaDeviceRow>, StoreError> {
    store.list(LIST, vec![account.into(), after.into(), limit.into()], MfaDeviceRow::read).await
}

/// How many devices the account has.
pub async fn count(store: &Store, account: AccountId) -> Result<u64, StoreError> {
    store.count(COUNT, &[account.into()]).await
}

/// How many devices of the account are somebody's factor.
pub async fn count_bound(store: &Store, account: AccountId) -> Result<u64, StoreError> {
    store.count(COUNT_BOUND, &[account.into()]).await
}

/// A new device; refused if its name is taken.
pub fn insert(row: &MfaDeviceRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.name.as_str().into(),
        row.name.folded().into(),
        row.sealed_seed.as_slice().into(),
        row.user_id.into(),
        row.last_step.into(),
        row.created_at.into(),
        row.bound_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("MFA device"))
}

/// The account has at most this many devices, the new one among them. Goes after [`insert`].
pub fn at_most(account: AccountId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![account.into(), limit.into()], Must::Hold)
}

/// Makes it the factor of a user, while it is nobody's and the user has none. Raises the generation of the user.
pub fn bind(id: MfaDeviceId, user: UserId, now: Timestamp) -> [Step; 2] {
    [user::raise_generation(user), Step::new(BIND, vec![id.into(), user.into(), now.into()], Must::Hold)]
}

/// It is no longer the factor of that user. Raises the generation of the user.
pub fn unbind(id: MfaDeviceId, user: UserId) -> [Step; 2] {
    [user::raise_generation(user), Step::new(UNBIND, vec![id.into(), user.into()], Must::Hold)]
}

/// Claims the time step of a code: of all who bring a code of this step or an earlier one, nobody gets in any more.
pub fn use_step(id: MfaDeviceId, step: i64) -> Step {
    Step::new(USE_STEP, vec![id.into(), step.into()], Must::Claim(Claim::OtpStep))
}

/// Removes the device while it is nobody's.
pub fn delete(id: MfaDeviceId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Hold)
}
