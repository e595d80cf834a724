//! Login profiles: what a user signs in with. The password rests as its argon2id hash; earlier ones are kept so that they are not used again.

use tegata_model::{AccountId, Epoch, LoginProfileId, PasswordHash, Status, Timestamp, UserId};

use crate::{Must, Row, Step, Store, StoreError, row::Fields, user};

const FIND: &str = "SELECT id, account_id, user_id, password_hash, password_count, changed_at, initial, reset_required, mfa_required, \
    status, epoch, created_at, updated_at, last_login_at FROM login_profiles WHERE user_id = $1";
const INSERT: &str = "INSERT INTO login_profiles (id, account_id, user_id, password_hash, password_count, changed_at, initial, \
    reset_required, mfa_required, status, epoch, created_at, updated_at, last_login_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE login_profiles SET password_hash = $2, password_count = $3, changed_at = $4, initial = $5, \
    reset_required = $6, mfa_required = $7, status = $8, epoch = $9, updated_at = $10 WHERE id = $1";
const EARLIER: &str = "SELECT password_hash FROM earlier_passwords WHERE profile_id = $1 ORDER BY number DESC LIMIT $2";
const KEEP_EARLIER: &str = "INSERT INTO earlier_passwords (profile_id, number, password_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const FORGET_EARLIER: &str = "DELETE FROM earlier_passwords WHERE profile_id = $1 AND number <= $2";
const SIGNED_IN: &str = "UPDATE login_profiles SET last_login_at = $2 WHERE id = $1";
const DELETE: &str = "DELETE FROM login_profiles WHERE id = $1";

/// One login profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginProfileRow {
    /// Immutable id: a profile made again is another one.
    pub id: LoginProfileId,
    /// The account of its user.
    pub account_id: AccountId,
    /// Whose it is; a user has at most one.
    pub user_id: UserId,
    /// The password, if there is one.
    pub password_hash: Option<PasswordHash>,
    /// How many passwords it has had.
    pub password_count: u32,
    /// When the password was last set.
    pub changed_at: Timestamp,
    /// True while the password is one that somebody else has set.
    pub initial: bool,
    /// Whether the password must be changed at the next sign-in.
    pub reset_required: bool,
    /// Whether a second factor must be enrolled to sign in.
    pub mfa_required: bool,
    /// Whether it may be used to sign in.
    pub status: Status,
    /// Raised to end what was begun by signing in with it.
    pub epoch: Epoch,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed by somebody.
    pub updated_at: Timestamp,
    /// When it was last signed in with.
    pub last_login_at: Option<Timestamp>,
}

impl LoginProfileRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("login_profiles", row);
        Ok(Self {
            id: f.id("id", LoginProfileId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            user_id: f.id("user_id", UserId::from_bytes)?,
            password_hash: f.optional_text("password_hash")?.map(|phc| PasswordHash::new(&phc)),
            password_count: f.small("password_count")?,
            changed_at: f.at("changed_at")?,
            initial: f.flag("initial")?,
            reset_required: f.flag("reset_required")?,
            mfa_required: f.flag("mfa_required")?,
            status: f.status()?,
            epoch: f.epoch()?,
            created_at: f.at("created_at")?,
            updated_at: f.at("updated_at")?,
            last_login_at: f.optional_at("last_login_at")?,
        })
    }
}

/// The profile of a user.
pub async fn find(store: &Store, user: UserId) -> Result<Option<LoginProfileRow>, StoreError> {
    store.find(FIND, &[user.into()], LoginProfileRow::read).await
}

/// The newest `most` of the passwords that the profile had before the one it has.
pub async fn earlier(store: &Store, profile: LoginProfileId, most: u32) -> Result<Vec<PasswordHash>, StoreError> {
    let read = |row| Fields::new("earlier_passwords", row).text("password_hash").map(|phc| PasswordHash::new(&phc));
    store.list(EARLIER, vec![profile.into(), most.into()], read).await
}

/// A new profile; refused if the user has one. Raises the generation of its user.
pub fn insert(row: &LoginProfileRow) -> [Step; 2] {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.user_id.into(),
        row.password_hash.as_ref().into(),
        row.password_count.into(),
        row.changed_at.into(),
        row.initial.into(),
        row.reset_required.into(),
        row.mfa_required.into(),
        row.status.into(),
        row.epoch.into(),
        row.created_at.into(),
        row.updated_at.into(),
        row.last_login_at.into(),
    ];
    [user::raise_generation(row.user_id), Step::new(INSERT, params, Must::BeNew("login profile"))]
}

/// Writes all of it but who it belongs to and when it was last signed in with. Raises the generation of its user, which
/// is expected to be as it was read.
pub fn update(row: &LoginProfileRow) -> [Step; 2] {
    let params = vec![
        row.id.into(),
        row.password_hash.as_ref().into(),
        row.password_count.into(),
        row.changed_at.into(),
        row.initial.into(),
        row.reset_required.into(),
        row.mfa_required.into(),
        row.status.into(),
        row.epoch.into(),
        row.updated_at.into(),
    ];
    [user::raise_generation(row.user_id), Step::new(UPDATE, params, Must::Hold)]
}

/// It has been signed in with. That changes nothing that anybody relies on.
pub fn signed_in(profile: LoginProfileId, now: Timestamp) -> Step {
    Step::new(SIGNED_IN, vec![profile.into(), now.into()], Must::Anything)
}

/// Keeps password `number` of the profile as an earlier one, and the newest `most` with it; goes before [`update`].
pub fn keep_earlier(profile: LoginProfileId, number: u32, hash: &PasswordHash, most: u32) -> [Step; 2] {
    let oldest = i64::from(number) - i64::from(most);
    [
        Step::new(KEEP_EARLIER, vec![profile.into(), number.into(), hash.into()], Must::Anything),
        Step::new(FORGET_EARLIER, vec![profile.into(), oldest.into()], Must::Anything),
    ]
}

/// Removes the profile with its earlier passwords, and raises the generation of its user.
pub fn delete(row: &LoginProfileRow) -> [Step; 3] {
    [
        user::raise_generation(row.user_id),
        Step::new(FORGET_EARLIER, vec![row.id.into(), i64::MAX.into()], Must::Anything),
        Step::new(DELETE, vec![row.id.into()], Must::Hold),
    ]
}
