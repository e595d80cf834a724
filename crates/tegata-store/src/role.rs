//! Roles that others may assume, and whom their trust documents meant when they were saved.

use std::time::Duration;

use tegata_model::{AccountId, Epoch, Generation, PrincipalNumber, RoleId, RoleName, Status, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, Value, row::Fields, tag};

const FIND: &str = "SELECT id, account_id, number, name, description, trust_document, max_session_seconds, status, epoch, generation, \
    created_at, updated_at FROM roles WHERE id = $1";
const FIND_BY_NAME: &str = "SELECT id, account_id, number, name, description, trust_document, max_session_seconds, status, epoch, \
    generation, created_at, updated_at FROM roles WHERE account_id = $1 AND name_folded = $2";
const LIST: &str = "SELECT id, account_id, number, name, description, trust_document, max_session_seconds, status, epoch, generation, \
    created_at, updated_at FROM roles WHERE account_id = $1 AND name_folded > $2 ORDER BY name_folded LIMIT $3";
const INSERT: &str = "INSERT INTO roles (id, account_id, number, name, name_folded, description, trust_document, max_session_seconds, \
    status, epoch, generation, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM roles WHERE id = $1 AND generation = $2";
const RAISE_EPOCH: &str = "UPDATE roles SET epoch = epoch + 1, generation = generation + 1 WHERE id = $1";
const RAISE_GENERATION: &str = "UPDATE roles SET generation = generation + 1 WHERE id = $1";
const SET_STATUS: &str = "UPDATE roles SET status = $2, generation = generation + 1 WHERE id = $1";
const SET_TRUST: &str = "UPDATE roles SET trust_document = $2, generation = generation + 1 WHERE id = $1";
const UPDATE: &str = "UPDATE roles SET description = $2, max_session_seconds = $3, updated_at = $4, generation = generation + 1 \
    WHERE id = $1";
const COUNT: &str = "SELECT count(*) FROM roles WHERE account_id = $1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM roles WHERE account_id = $1) <= $2";
const DELETE: &str = "DELETE FROM roles WHERE id = $1";
const BINDINGS: &str = "SELECT principal, subject FROM trust_bindings WHERE role_id = $1 ORDER BY principal";
const BIND: &str = "INSERT INTO trust_bindings (role_id, principal, subject) VALUES ($1, $2, $3) \
    ON CONFLICT (role_id, principal) DO UPDATE SET subject = excluded.subject";
const UNBIND_ALL: &str = "DELETE FROM trust_bindings WHERE role_id = $1";

/// One role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    /// Immutable id.
    pub id: RoleId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// Public number of 18 digits.
    pub number: PrincipalNumber,
    /// Its name: unique in the account, without case.
    pub name: RoleName,
    /// For people.
    pub description: String,
    /// Who may assume it, as written.
    pub trust_document: String,
    /// The longest session; whole seconds.
    pub max_session: Duration,
    /// Whether it may be used at all.
    pub status: Status,
    /// Raised to end all its sessions.
    pub epoch: Epoch,
    /// Raised by any change to it, its trust or what is attached to it.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is said of it was last changed.
    pub updated_at: Timestamp,
}

impl RoleRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("roles", row);
        Ok(Self {
            id: f.id("id", RoleId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            number: f.unsigned("number", PrincipalNumber::new)?,
            name: f.parsed("name", RoleName::new)?,
            description: f.text("description")?,
            trust_document: f.text("trust_document")?,
            max_session: f.number("max_session_seconds", |seconds| u64::try_from(seconds).ok().map(Duration::from_secs))?,
            status: f.status()?,
            epoch: f.epoch()?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
            updated_at: f.at("updated_at")?,
        })
    }
}

/// The role with this id.
pub async fn find(store: &Store, id: RoleId) -> Result<Option<RoleRow>, StoreError> {
    store.find(FIND, &[id.into()], RoleRow::read).await
}

/// The role of the account with this name, folded as [`RoleName::folded`] does.
pub async fn find_by_name(store: &Store, account: AccountId, folded: &str) -> Result<Option<RoleRow>, StoreError> {
    store.find(FIND_BY_NAME, &[account.into(), folded.into()], RoleRow::read).await
}

/// Roles of the account by folded name, those after `after` (`""` for all), at most `limit`.
pub async fn list(store: &Store, account: AccountId, after: &str, limit: u32) -> Result<Vec<RoleRow>, StoreError> {
    store.list(LIST, vec![account.into(), after.into(), limit.into()], RoleRow::read).await
}

/// A new role; refused if its name or number is taken.
pub fn insert(row: &RoleRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.number.into(),
        row.name.as_str().into(),
        row.name.folded().into(),
        row.description.as_str().into(),
        row.trust_document.as_str().into(),
        i64::try_from(row.max_session.as_secs()).unwrap_or(i64::MAX).into(),
        row.status.into(),
        row.epoch.into(),
        row.generation.into(),
        row.created_at.into(),
        row.updated_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("role"))
}

/// How many roles the account has.
pub async fn count(store: &Store, account: AccountId) -> Result<u64, StoreError> {
    store.count(COUNT, &[account.into()]).await
}

/// The account has at most this many roles, the new one among them. Goes after [`insert`].
pub fn at_most(account: AccountId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![account.into(), limit.into()], Must::Hold)
}

/// Writes what is said of a role besides its trust: description and longest session.
pub fn update(row: &RoleRow) -> Step {
    let seconds = i64::try_from(row.max_session.as_secs()).unwrap_or(i64::MAX);
    Step::new(UPDATE, vec![row.id.into(), row.description.as_str().into(), seconds.into(), row.updated_at.into()], Must::Hold)
}

/// The role must still be as it was read.
pub fn expect(id: RoleId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Ends all sessions of the role.
pub fn raise_epoch(id: RoleId) -> Step {
    Step::new(RAISE_EPOCH, vec![id.into()], Must::Hold)
}

/// Something beneath the role changed.
pub fn raise_generation(id: RoleId) -> Step {
    Step::new(RAISE_GENERATION, vec![id.into()], Must::Hold)
}

/// Switches the role on or off.
pub fn set_status(id: RoleId, status: Status) -> Step {
    Step::new(SET_STATUS, vec![Value::from(id), status.into()], Must::Hold)
}

/// Replaces the trust document; the bindings are replaced beside it with [`unbind_all`] and [`bind`].
pub fn set_trust(id: RoleId, document: &str) -> Step {
    Step::new(SET_TRUST, vec![id.into(), document.into()], Must::Hold)
}

/// Removes the role with its bindings and tags; what is attached to it goes with [`crate::policy::detach_all`].
pub fn delete(id: RoleId) -> [Step; 3] {
    [unbind_all(id), tag::forget(*id.as_bytes()), Step::new(DELETE, vec![id.into()], Must::Hold)]
}

/// Whom each principal of the trust document meant when it was saved: (as written, immutable id).
pub async fn bindings(store: &Store, role: RoleId) -> Result<Vec<(String, [u8; 16])>, StoreError> {
    let rows = store.query(BINDINGS, &[role.into()]).await?;
    let read = |row| {
        let mut f = Fields::new("trust_bindings", row);
        Ok((f.text("principal")?, f.id("subject", |bytes| bytes)?))
    };
    rows.into_iter().map(read).collect()
}

/// Remembers whom a principal of the trust document means. Goes beside [`insert`] or [`set_trust`], which raise the generation.
pub fn bind(role: RoleId, principal: &str, subject: [u8; 16]) -> Step {
    Step::new(BIND, vec![role.into(), principal.into(), subject.into()], Must::Hold)
}

/// Forgets whom the trust document meant.
pub fn unbind_all(role: RoleId) -> Step {
    Step::new(UNBIND_ALL, vec![role.into()], Must::Anything)
}
