//! Browsers that people have signed in with, or are about to. What stands in their cookies rests here as a hash only.

use tegata_model::{AccountId, Epoch, LoginProfileId, RoleId, SessionId, Timestamp, UserId};

use crate::{Claim, Must, Row, Step, Store, StoreError, row::Fields};

const FIND: &str = "SELECT id, token_hash, browser_hash, account_id, user_id, profile_id, profile_epoch, user_epoch, account_epoch, stage, \
    second_factor, role_id, role_epoch, role_session_id, role_expires_at, signed_in_at, expires_at, epoch FROM browser_sessions \
    WHERE token_hash = $1";
const FIND_BY_ID: &str = "SELECT id, token_hash, browser_hash, account_id, user_id, profile_id, profile_epoch, user_epoch, account_epoch, \
    stage, second_factor, role_id, role_epoch, role_session_id, role_expires_at, signed_in_at, expires_at, epoch FROM browser_sessions \
    WHERE id = $1";
const FIND_BY_ACTING: &str = "SELECT id, token_hash, browser_hash, account_id, user_id, profile_id, profile_epoch, user_epoch, \
    account_epoch, stage, second_factor, role_id, role_epoch, role_session_id, role_expires_at, signed_in_at, expires_at, epoch \
    FROM browser_sessions WHERE role_session_id = $1";
const INSERT: &str = "INSERT INTO browser_sessions (id, token_hash, browser_hash, account_id, user_id, profile_id, profile_epoch, \
    user_epoch, account_epoch, stage, second_factor, role_id, role_epoch, role_session_id, role_expires_at, signed_in_at, expires_at, \
    epoch) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING";
const SET_ROLE: &str = "UPDATE browser_sessions SET role_id = $2, role_epoch = $3, role_session_id = $4, role_expires_at = $5, \
    epoch = epoch + 1 WHERE id = $1 AND epoch = $6";
const EXPECT: &str = "SELECT 1 FROM browser_sessions WHERE id = $1 AND epoch = $2";
const DELETE: &str = "DELETE FROM browser_sessions WHERE id = $1";
const FORGET: &str = "DELETE FROM browser_sessions WHERE user_id = $1";
const END: &str = "UPDATE browser_sessions SET token_hash = $2, expires_at = $3, epoch = epoch + 1 WHERE id = $1";
const KNOWN: &str = "SELECT count(*) FROM browser_sessions WHERE browser_hash = $1 AND user_id = $2 AND stage = 2";
const SWEEP: &str = "DELETE FROM browser_sessions WHERE expires_at IN \
    (SELECT expires_at FROM browser_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)";
const INSERT_LINK: &str = "INSERT INTO sign_in_links (hash, user_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const FIND_LINK: &str = "SELECT user_id FROM sign_in_links WHERE hash = $1 AND expires_at > $2";
const USE_LINK: &str = "DELETE FROM sign_in_links WHERE hash = $1";
const FORGET_LINKS: &str = "DELETE FROM sign_in_links WHERE user_id = $1";
const SWEEP_LINKS: &str = "DELETE FROM sign_in_links WHERE expires_at <= $1";

/// How far somebody has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The password was right; a one-time code is still to come.
    OneTimeCode,
    /// A new password has to be set.
    NewPassword,
    /// A second factor has to be set up.
    NewFactor,
    /// Signed in.
    SignedIn,
}

impl Stage {
    fn from_i64(number: i64) -> Option<Self> {
        [Self::OneTimeCode, Self::NewPassword, Self::SignedIn, Self::NewFactor].into_iter().find(|stage| stage.to_i64() == number)
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::OneTimeCode => 0,
            Self::NewPassword => 1,
            Self::SignedIn => 2,
            Self::NewFactor => 3,
        }
    }
}

/// One browser of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSessionRow {
    /// Immutable id.
    pub id: SessionId,
    /// SHA-256 of what stands in the cookie.
    pub token_hash: Vec<u8>,
    /// SHA-256 of what the browser is known by.
    pub browser_hash: Vec<u8>,
    /// The account of the person.
    pub account_id: AccountId,
    /// The person.
    pub user_id: UserId,
    /// What it signed in with.
    pub profile_id: LoginProfileId,
    /// The epoch that this had.
    pub profile_epoch: Epoch,
    /// The epoch that the person had.
    pub user_epoch: Epoch,
    /// The epoch that the account had.
    pub account_epoch: Epoch,
    /// How far it has come.
    pub stage: Stage,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// The role that the person acts as.
    pub role_id: Option<RoleId>,
    /// The epoch that the role had.
    pub role_epoch: Epoch,
    /// What can end this acting: its own id, new with each switch.
    pub role_session_id: Option<SessionId>,
    /// When the acting ends.
    pub role_expires_at: Option<Timestamp>,
    /// When the person last showed what it signs in with.
    pub signed_in_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Raised by every change to it.
    pub epoch: Epoch,
}

impl BrowserSessionRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("browser_sessions", row);
        Ok(Self {
            id: f.id("id", SessionId::from_bytes)?,
            token_hash: f.bytes("token_hash")?,
            browser_hash: f.bytes("browser_hash")?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            user_id: f.id("user_id", UserId::from_bytes)?,
            profile_id: f.id("profile_id", LoginProfileId::from_bytes)?,
            profile_epoch: f.small("profile_epoch").map(Epoch)?,
            user_epoch: f.small("user_epoch").map(Epoch)?,
            account_epoch: f.small("account_epoch").map(Epoch)?,
            stage: f.number("stage", Stage::from_i64)?,
            second_factor: f.flag("second_factor")?,
            role_id: f.optional_id("role_id", RoleId::from_bytes)?,
            role_epoch: f.small("role_epoch").map(Epoch)?,
            role_session_id: f.optional_id("role_session_id", SessionId::from_bytes)?,
            role_expires_at: f.optional_at("role_expires_at")?,
            signed_in_at: f.at("signed_in_at")?,
            expires_at: f.at("expires_at")?,
            epoch: f.epoch()?,
        })
    }
}

/// The browser whose cookie has this hash.
pub async fn find(store: &Store, token_hash: &[u8]) -> Result<Option<BrowserSessionRow>, StoreError> {
    store.find(FIND, &[token_hash.into()], BrowserSessionRow::read).await
}

/// The browser with this id.
pub async fn find_by_id(store: &Store, id: SessionId) -> Result<Option<BrowserSessionRow>, StoreError> {
    store.find(FIND_BY_ID, &[id.into()], BrowserSessionRow::read).await
}

/// The browser in which a role acts by this id.
pub async fn find_by_acting(store: &Store, acting: SessionId) -> Result<Option<BrowserSessionRow>, StoreError> {
    store.find(FIND_BY_ACTING, &[acting.into()], BrowserSessionRow::read).await
}

/// Whether this person has signed in with this browser before.
pub async fn is_known(store: &Store, browser_hash: &[u8], user: UserId) -> Result<bool, StoreError> {
    Ok(store.count(KNOWN, &[browser_hash.into(), user.into()]).await? > 0)
}

/// A new one.
pub fn insert(row: &BrowserSessionRow) -> Step {
    let params = vec![
        row.id.into(),
        row.token_hash.as_slice().into(),
        row.browser_hash.as_slice().into(),
        row.account_id.into(),
        row.user_id.into(),
        row.profile_id.into(),
        row.profile_epoch.into(),
        row.user_epoch.into(),
        row.account_epoch.into(),
        row.stage.to_i64().into(),
        row.second_factor.into(),
        row.role_id.into(),
        row.role_epoch.into(),
        row.role_session_id.into(),
        row.role_expires_at.into(),
        row.signed_in_at.into(),
        row.expires_at.into(),
        row.epoch.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("browser session"))
}

/// Writes which role the person acts as, if nothing else of the row has changed.
pub fn set_role(row: &BrowserSessionRow) -> Step {
    let params = vec![
        row.id.into(),
        row.role_id.into(),
        row.role_epoch.into(),
        row.role_session_id.into(),
        row.role_expires_at.into(),
        row.epoch.into(),
    ];
    Step::new(SET_ROLE, params, Must::Hold)
}

/// Holds only while nothing of it has changed.
pub fn expect(id: SessionId, epoch: Epoch) -> Step {
    Step::new(EXPECT, vec![id.into(), epoch.into()], Must::Hold)
}

/// Removes it, where it has come no further than a stage on the way.
pub fn delete(id: SessionId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Anything)
}

/// Ends all browsers of a person, and forgets that the person ever used them.
pub fn forget_all(user: UserId) -> Step {
    Step::new(FORGET, vec![user.into()], Must::Anything)
}

/// Ends it. The row stays until `until`, since it says which browser the person uses; no cookie fits it any more.
pub fn end(id: SessionId, until: Timestamp) -> Step {
    // No hash is as short as this.
    Step::new(END, vec![id.into(), id.as_bytes().as_slice().into(), until.into()], Must::Anything)
}

/// Removes some 1,000 of those that ended at `before` or earlier.
pub fn sweep(before: Timestamp) -> Step {
    Step::new(SWEEP, vec![before.into()], Must::Anything)
}

/// A link by which `user` may set a password, instead of all earlier ones.
pub fn insert_link(hash: &[u8], user: UserId, expires: Timestamp) -> [Step; 2] {
    [
        Step::new(FORGET_LINKS, vec![user.into()], Must::Anything),
        Step::new(INSERT_LINK, vec![hash.into(), user.into(), expires.into()], Must::BeNew("sign-in link")),
    ]
}

/// Whose link this is, while it is good.
pub async fn find_link(store: &Store, hash: &[u8], now: Timestamp) -> Result<Option<UserId>, StoreError> {
    let read = |row| Fields::new("sign_in_links", row).id("user_id", UserId::from_bytes);
    store.find(FIND_LINK, &[hash.into(), now.into()], read).await
}

/// Uses the link. Succeeds at most once.
pub fn use_link(hash: &[u8]) -> Step {
    Step::new(USE_LINK, vec![hash.into()], Must::Claim(Claim::Code))
}

/// Removes links that have run out.
pub fn sweep_links(now: Timestamp) -> Step {
    Step::new(SWEEP_LINKS, vec![now.into()], Must::Anything)
}
