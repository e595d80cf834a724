//! Users: people and machines of an account, its root among them.

use tegata_model::{AccountId, Epoch, Generation, PrincipalNumber, Status, Timestamp, UserId, UserName};

use crate::{Must, Row, Step, Store, StoreError, Value, row::Fields};

const FIND: &str = "SELECT id, account_id, number, kind, name, login, display_name, status, epoch, generation, created_at, \
    email, phone, comments, updated_at FROM users WHERE id = $1";
const FIND_BY_NAME: &str = "SELECT id, account_id, number, kind, name, login, display_name, status, epoch, generation, created_at, \
    email, phone, comments, updated_at FROM users WHERE account_id = $1 AND name_folded = $2";
const FIND_BY_NUMBER: &str = "SELECT id, account_id, number, kind, name, login, display_name, status, epoch, generation, created_at, \
    email, phone, comments, updated_at FROM users WHERE number = $1 AND account_id = $2 AND kind = 1";
const FIND_BY_LOGIN: &str = "SELECT id, account_id, number, kind, name, login, display_name, status, epoch, generation, created_at, \
    email, phone, comments, updated_at FROM users WHERE login = $1";
const FIND_BY_EMAIL: &str = "SELECT id, account_id, number, kind, name, login, display_name, status, epoch, generation, created_at, \
    email, phone, comments, updated_at FROM users WHERE email = $1 AND email <> '' ORDER BY id LIMIT $2";
const FIND_ROOT: &str = "SELECT id, account_id, number, kind, name, login, display_name, status, epoch, generation, created_at, \
    email, phone, comments, updated_at FROM users WHERE account_id = $1 AND name_folded IS NULL AND kind = 0";
const LIST: &str = "SELECT id, account_id, number, kind, name, login, display_name, status, epoch, generation, created_at, \
    email, phone, comments, updated_at FROM users WHERE account_id = $1 AND name_folded > $2 ORDER BY name_folded LIMIT $3";
const INSERT: &str = "INSERT INTO users (id, account_id, number, kind, name, name_folded, login, display_name, status, epoch, generation, \
    created_at, email, phone, comments, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM users WHERE id = $1 AND generation = $2";
const RAISE_EPOCH: &str = "UPDATE users SET epoch = epoch + 1, generation = generation + 1 WHERE id = $1";
const RAISE_GENERATION: &str = "UPDATE users SET generation = generation + 1 WHERE id = $1";
const SET_STATUS: &str = "UPDATE users SET status = $2, generation = generation + 1 WHERE id = $1";
const UPDATE: &str = "UPDATE users SET name = $2, name_folded = $3, display_name = $4, email = $5, phone = $6, comments = $7, \
    updated_at = $8, generation = generation + 1 WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM users AS other \
    WHERE other.account_id = users.account_id AND other.name_folded = $3 AND other.id <> users.id)";
const COUNT: &str = "SELECT count(*) FROM users WHERE account_id = $1 AND kind = 1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM users WHERE account_id = $1 AND kind = 1) <= $2";
const DELETE: &str = "DELETE FROM users WHERE id = $1";

/// What a user is to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserKind {
    /// Its owner: one per account, not found by name.
    Root,
    /// Anybody else.
    Member,
}

impl UserKind {
    pub(crate) fn from_i64(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Root),
            1 => Some(Self::Member),
            _ => None,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::Root => 0,
            Self::Member => 1,
        }
    }
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Immutable id.
    pub id: UserId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// Public number of 18 digits.
    pub number: PrincipalNumber,
    /// Root or member.
    pub kind: UserKind,
    /// Its name; a member's is unique in the account, without case.
    pub name: UserName,
    /// A name to sign in with that is unique on this server, such as an e-mail address; kept as given, compared exactly.
    pub login: Option<String>,
    /// For people.
    pub display_name: String,
    /// Whether it may be used at all.
    pub status: Status,
    /// Raised to end everything issued to it.
    pub epoch: Epoch,
    /// Raised by any change to it or beneath it: keys, memberships, attachments.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its e-mail address; empty if none was given.
    pub email: String,
    /// Its telephone number; empty if none was given.
    pub phone: String,
    /// For people; empty if none were given.
    pub comments: String,
    /// When what is said of it was last changed.
    pub updated_at: Timestamp,
}

impl UserRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("users", row);
        Ok(Self {
            id: f.id("id", UserId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            number: f.unsigned("number", PrincipalNumber::new)?,
            kind: f.number("kind", UserKind::from_i64)?,
            name: f.parsed("name", UserName::new)?,
            login: f.optional_text("login")?,
            display_name: f.text("display_name")?,
            status: f.status()?,
            epoch: f.epoch()?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
            email: f.text("email")?,
            phone: f.text("phone")?,
            comments: f.text("comments")?,
            updated_at: f.at("updated_at")?,
        })
    }
}

/// The user with this id.
pub async fn find(store: &Store, id: UserId) -> Result<Option<UserRow>, StoreError> {
    store.find(FIND, &[id.into()], UserRow::read).await
}

/// The member of the account with this name, folded as [`UserName::folded`] does.
pub async fn find_by_name(store: &Store, account: AccountId, folded: &str) -> Result<Option<UserRow>, StoreError> {
    store.find(FIND_BY_NAME, &[account.into(), folded.into()], UserRow::read).await
}

/// The member of the account with this public number.
pub async fn find_by_number(store: &Store, account: AccountId, number: PrincipalNumber) -> Result<Option<UserRow>, StoreError> {
    store.find(FIND_BY_NUMBER, &[number.into(), account.into()], UserRow::read).await
}

/// The user who signs in with exactly this.
pub async fn find_by_login(store: &Store, login: &str) -> Result<Option<UserRow>, StoreError> {
    store.find(FIND_BY_LOGIN, &[login.into()], UserRow::read).await
}

/// Users of all accounts with exactly this e-mail address, the oldest first; at most `limit`.
pub async fn find_by_email(store: &Store, email: &str, limit: u32) -> Result<Vec<UserRow>, StoreError> {
    store.list(FIND_BY_EMAIL, vec![email.into(), limit.into()], UserRow::read).await
}

/// The root of the account.
pub async fn find_root(store: &Store, account: AccountId) -> Result<Option<UserRow>, StoreError> {
    store.find(FIND_ROOT, &[account.into()], UserRow::read).await
}

/// Members of the account by folded name, those after `after` (`""` for all), at most `limit`.
pub async fn list(store: &Store, account: AccountId, after: &str, limit: u32) -> Result<Vec<UserRow>, StoreError> {
    store.list(LIST, vec![account.into(), after.into(), limit.into()], UserRow::read).await
}

/// A new user; refused if its name, number or login is taken.
pub fn insert(row: &UserRow) -> Step {
    let folded = (row.kind == UserKind::Member).then(|| row.name.folded());
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.number.into(),
        row.kind.to_i64().into(),
        row.name.as_str().into(),
        folded.into(),
        row.login.clone().into(),
        row.display_name.as_str().into(),
        row.status.into(),
        row.epoch.into(),
        row.generation.into(),
        row.created_at.into(),
        row.email.as_str().into(),
        row.phone.as_str().into(),
        row.comments.as_str().into(),
        row.updated_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("user"))
}

/// How many members the account has.
pub async fn count(store: &Store, account: AccountId) -> Result<u64, StoreError> {
    store.count(COUNT, &[account.into()]).await
}

/// The account has at most this many members, the new one among them. Goes after [`insert`].
pub fn at_most(account: AccountId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![account.into(), limit.into()], Must::Hold)
}

/// Writes what is said of a member: name, display name, e-mail address, telephone number, comments. Fails while another
/// member of the account has that name.
pub fn update(row: &UserRow) -> Step {
    let params = vec![
        row.id.into(),
        row.name.as_str().into(),
        row.name.folded().into(),
        row.display_name.as_str().into(),
        row.email.as_str().into(),
        row.phone.as_str().into(),
        row.comments.as_str().into(),
        row.updated_at.into(),
    ];
    Step::new(UPDATE, params, Must::Hold)
}

/// The user must still be as it was read.
pub fn expect(id: UserId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Ends everything issued to the user.
pub fn raise_epoch(id: UserId) -> Step {
    Step::new(RAISE_EPOCH, vec![id.into()], Must::Hold)
}

/// Something beneath the user changed.
pub fn raise_generation(id: UserId) -> Step {
    Step::new(RAISE_GENERATION, vec![id.into()], Must::Hold)
}

/// Switches the user on or off.
pub fn set_status(id: UserId, status: Status) -> Step {
    Step::new(SET_STATUS, vec![Value::from(id), status.into()], Must::Hold)
}

/// Removes the user. Its keys and memberships must be gone, or the commit says that something changed; what is attached
/// to it goes with [`crate::policy::detach_all`].
pub fn delete(id: UserId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Hold)
}
