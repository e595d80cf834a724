//! Sets of permissions under a name, and the users they are attached to.

use tegata_model::{AccountId, RoleName, SamRoleId, Timestamp, UserId};

use crate::{Must, Row, Step, Store, StoreError, account, row::Fields, user};

const FIND_BY_NAME: &str = "SELECT id, account_id, name, description, document, created_at, updated_at FROM sam_roles \
    WHERE account_id = $1 AND name_folded = $2";
const LIST: &str = "SELECT id, account_id, name, description, document, created_at, updated_at FROM sam_roles \
    WHERE account_id = $1 ORDER BY name_folded LIMIT 1000";
const OF_USER: &str = "SELECT r.id, r.account_id, r.name, r.description, r.document, r.created_at, r.updated_at FROM sam_role_users a \
    JOIN sam_roles r ON r.id = a.role_id WHERE a.user_id = $1 ORDER BY r.name_folded";
const USERS: &str = "SELECT user_id FROM sam_role_users WHERE role_id = $1 ORDER BY user_id LIMIT 10000";
const ATTACHMENTS: &str = "SELECT a.user_id, a.role_id FROM sam_role_users a JOIN sam_roles r ON r.id = a.role_id \
    WHERE r.account_id = $1 ORDER BY a.user_id, r.name_folded";
const INSERT: &str = "INSERT INTO sam_roles (id, account_id, name, name_folded, description, document, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE sam_roles SET description = $2, document = $3, updated_at = $4 WHERE id = $1";
const DELETE: &str = "DELETE FROM sam_roles WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM sam_role_users WHERE role_id = $1)";
const COUNT: &str = "SELECT count(*) FROM sam_roles WHERE account_id = $1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM sam_roles WHERE account_id = $1) <= $2";
const EXPECT: &str = "SELECT 1 FROM sam_roles WHERE id = $1";
const ATTACH: &str = "INSERT INTO sam_role_users (user_id, role_id, attached_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const DETACH: &str = "DELETE FROM sam_role_users WHERE user_id = $1 AND role_id = $2";

/// One set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamRoleRow {
    /// Immutable id.
    pub id: SamRoleId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// Its name: unique in the account, without case.
    pub name: RoleName,
    /// For people; empty if nothing was said.
    pub description: String,
    /// What it allows and denies, as written.
    pub document: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl SamRoleRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("sam_roles", row);
        Ok(Self {
            id: f.id("id", SamRoleId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            name: f.parsed("name", RoleName::new)?,
            description: f.text("description")?,
            document: f.text("document")?,
            created_at: f.at("created_at")?,
            updated_at: f.at("updated_at")?,
        })
    }
}

/// The set of this name, folded as [`RoleName::folded`] does.
pub async fn find_by_name(store: &Store, account: AccountId, folded: &str) -> Result<Option<SamRoleRow>, StoreError> {
    store.find(FIND_BY_NAME, &[account.into(), folded.into()], SamRoleRow::read).await
}

/// All sets of the account by name, at most 1,000.
pub async fn list(store: &Store, account: AccountId) -> Result<Vec<SamRoleRow>, StoreError> {
    store.list(LIST, vec![account.into()], SamRoleRow::read).await
}

/// The sets attached to a user, by name.
pub async fn of_user(store: &Store, user: UserId) -> Result<Vec<SamRoleRow>, StoreError> {
    store.list(OF_USER, vec![user.into()], SamRoleRow::read).await
}

/// The users that a set is attached to, at most 10,000.
pub async fn users(store: &Store, role: SamRoleId) -> Result<Vec<UserId>, StoreError> {
    store.list(USERS, vec![role.into()], |row| Fields::new("sam_role_users", row).id("user_id", UserId::from_bytes)).await
}

/// Which sets are attached to whom in an account.
pub async fn attachments(store: &Store, account: AccountId) -> Result<Vec<(UserId, SamRoleId)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("sam_role_users", row);
        Ok((f.id("user_id", UserId::from_bytes)?, f.id("role_id", SamRoleId::from_bytes)?))
    };
    store.list(ATTACHMENTS, vec![account.into()], read).await
}

/// How many sets the account has.
pub async fn count(store: &Store, account: AccountId) -> Result<u64, StoreError> {
    store.count(COUNT, &[account.into()]).await
}

/// A new set; refused if its name is taken.
pub fn insert(row: &SamRoleRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.name.as_str().into(),
        row.name.folded().into(),
        row.description.as_str().into(),
        row.document.as_str().into(),
        row.created_at.into(),
        row.updated_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("SAM role"))
}

/// The account has at most this many sets, the new one among them. Goes after [`insert`].
pub fn at_most(account: AccountId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![account.into(), limit.into()], Must::Hold)
}

/// Writes what it allows and what is said of it. Raises the generation of the account, on which everything read of its users stands.
pub fn update(row: &SamRoleRow) -> [Step; 2] {
    let params = vec![row.id.into(), row.description.as_str().into(), row.document.as_str().into(), row.updated_at.into()];
    [account::raise_generation(row.account_id), Step::new(UPDATE, params, Must::Hold)]
}

/// Removes the set while it is attached to nobody.
pub fn delete(id: SamRoleId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Hold)
}

/// Attaches it to a user; refused if it is. Raises the generation of the user.
pub fn attach(id: SamRoleId, user: UserId, now: Timestamp) -> [Step; 3] {
    [
        user::raise_generation(user),
        Step::new(EXPECT, vec![id.into()], Must::Hold),
        Step::new(ATTACH, vec![user.into(), id.into(), now.into()], Must::BeNew("SAM role attachment")),
    ]
}

/// Detaches it from a user. Raises the generation of the user.
pub fn detach(id: SamRoleId, user: UserId) -> [Step; 2] {
    [user::raise_generation(user), Step::new(DETACH, vec![user.into(), id.into()], Must::Hold)]
}
