//! Texts of the SORACOM permission language: what a user may do, what all users of an account may do, and who may go on as a user.

use tegata_model::{AccountId, Timestamp, UserId};

use crate::{Must, Row, Step, Store, StoreError, account, row::Fields, user};

const OF_USER: &str = "SELECT CAST(0 AS BIGINT), '', document FROM sam_permissions WHERE user_id = $1 \
    UNION ALL SELECT CAST(1 AS BIGINT), r.name, r.document FROM sam_role_users a JOIN sam_roles r ON r.id = a.role_id WHERE a.user_id = $1 \
    UNION ALL SELECT CAST(2 AS BIGINT), '', document FROM sam_defaults WHERE account_id = $2 \
    UNION ALL SELECT CAST(3 AS BIGINT), '', document FROM sam_trusts WHERE user_id = $1 ORDER BY 1, 2";
const PERMISSION: &str = "SELECT document, description, updated_at FROM sam_permissions WHERE user_id = $1";
const PERMISSIONS: &str = "SELECT user_id, document FROM sam_permissions WHERE account_id = $1";
const SET_PERMISSION: &str = "INSERT INTO sam_permissions (user_id, account_id, document, description, updated_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET document = excluded.document, \
    description = excluded.description, updated_at = excluded.updated_at";
const REMOVE_PERMISSION: &str = "DELETE FROM sam_permissions WHERE user_id = $1";
const DEFAULTS: &str = "SELECT document FROM sam_defaults WHERE account_id = $1";
const SET_DEFAULTS: &str = "INSERT INTO sam_defaults (account_id, document, updated_at) VALUES ($1, $2, $3) \
    ON CONFLICT (account_id) DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at";
const REMOVE_DEFAULTS: &str = "DELETE FROM sam_defaults WHERE account_id = $1";
const TRUST: &str = "SELECT document FROM sam_trusts WHERE user_id = $1";
const SET_TRUST: &str = "INSERT INTO sam_trusts (user_id, account_id, document, updated_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (user_id) DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at";
const REMOVE_TRUST: &str = "DELETE FROM sam_trusts WHERE user_id = $1";
const FORGET_TRUST: &str = "DELETE FROM sam_trusts WHERE user_id = $1";
const FORGET_PERMISSION: &str = "DELETE FROM sam_permissions WHERE user_id = $1";
const FORGET_ROLES: &str = "DELETE FROM sam_role_users WHERE user_id = $1";
const BINDINGS: &str = "SELECT principal, subject FROM sam_trust_bindings WHERE user_id = $1 ORDER BY principal";
const BIND: &str = "INSERT INTO sam_trust_bindings (user_id, principal, subject) VALUES ($1, $2, $3) \
    ON CONFLICT (user_id, principal) DO UPDATE SET subject = excluded.subject";
const UNBIND_ALL: &str = "DELETE FROM sam_trust_bindings WHERE user_id = $1";

/// Where a document of a user comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Written for this user.
    User,
    /// A role of this name, attached to the user.
    Role(String),
    /// Written for every user of the account.
    Default,
    /// Not what the user may do, but who may go on as the user.
    Trust,
}

/// Everything written about a user, by source and name: what it may do, and who may go on as it.
pub async fn of_user(store: &Store, account: AccountId, user: UserId) -> Result<Vec<(Source, String)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("sam_permissions", row);
        let (kind, name, document) = (f.int("kind")?, f.text("name")?, f.text("document")?);
        let source = match kind {
            0 => Source::User,
            1 => Source::Role(name),
            2 => Source::Default,
            3 => Source::Trust,
            _ => return Err(f.corrupt("kind")),
        };
        Ok((source, document))
    };
    store.list(OF_USER, vec![user.into(), account.into()], read).await
}

/// What one user may do by itself, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionRow {
    /// The text.
    pub document: String,
    /// For people; empty if nothing was said.
    pub description: String,
    /// When it was written.
    pub updated_at: Timestamp,
}

impl PermissionRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("sam_permissions", row);
        Ok(Self { document: f.text("document")?, description: f.text("description")?, updated_at: f.at("updated_at")? })
    }
}

/// What this user may do by itself.
pub async fn permission(store: &Store, user: UserId) -> Result<Option<PermissionRow>, StoreError> {
    store.find(PERMISSION, &[user.into()], PermissionRow::read).await
}

/// What the users of an account may do by themselves, as written.
pub async fn permissions(store: &Store, account: AccountId) -> Result<Vec<(UserId, String)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("sam_permissions", row);
        Ok((f.id("user_id", UserId::from_bytes)?, f.text("document")?))
    };
    store.list(PERMISSIONS, vec![account.into()], read).await
}

/// Writes it, in place of what was there. Raises the generation of the user.
pub fn set_permission(user: UserId, account: AccountId, row: &PermissionRow) -> [Step; 2] {
    let params = vec![user.into(), account.into(), row.document.as_str().into(), row.description.as_str().into(), row.updated_at.into()];
    [user::raise_generation(user), Step::new(SET_PERMISSION, params, Must::Hold)]
}

/// Removes it. Raises the generation of the user.
pub fn remove_permission(user: UserId) -> [Step; 2] {
    [user::raise_generation(user), Step::new(REMOVE_PERMISSION, vec![user.into()], Must::Hold)]
}

/// What every user of the account may do, as written.
pub async fn defaults(store: &Store, account: AccountId) -> Result<Option<String>, StoreError> {
    store.find(DEFAULTS, &[account.into()], |row| Fields::new("sam_defaults", row).text("document")).await
}

/// Writes it, in place of what was there. Raises the generation of the account.
pub fn set_defaults(account: AccountId, document: &str, now: Timestamp) -> [Step; 2] {
    let params = vec![account.into(), document.into(), now.into()];
    [account::raise_generation(account), Step::new(SET_DEFAULTS, params, Must::Hold)]
}

/// Removes it. Raises the generation of the account.
pub fn remove_defaults(account: AccountId) -> [Step; 2] {
    [account::raise_generation(account), Step::new(REMOVE_DEFAULTS, vec![account.into()], Must::Hold)]
}

/// Who may go on as the user, as written.
pub async fn trust(store: &Store, user: UserId) -> Result<Option<String>, StoreError> {
    store.find(TRUST, &[user.into()], |row| Fields::new("sam_trusts", row).text("document")).await
}

/// Whom each principal of the trust document meant when it was saved: (as written, immutable id).
pub async fn bindings(store: &Store, user: UserId) -> Result<Vec<(String, [u8; 16])>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("sam_trust_bindings", row);
        Ok((f.text("principal")?, f.id("subject", |bytes| bytes)?))
    };
    store.list(BINDINGS, vec![user.into()], read).await
}

/// Writes who may go on as the user, with whom each principal means. Raises the generation of the user.
pub fn set_trust(user: UserId, account: AccountId, document: &str, bindings: &[(String, [u8; 16])], now: Timestamp) -> Vec<Step> {
    let params = vec![user.into(), account.into(), document.into(), now.into()];
    let bind = |(principal, subject): &(String, [u8; 16])| {
        Step::new(BIND, vec![user.into(), principal.as_str().into(), (*subject).into()], Must::Hold)
    };
    let mut steps = vec![
        user::raise_generation(user),
        Step::new(UNBIND_ALL, vec![user.into()], Must::Anything),
        Step::new(SET_TRUST, params, Must::Hold),
    ];
    steps.extend(bindings.iter().map(bind));
    steps
}

/// From now on nobody may go on as the user. Raises the generation of the user.
pub fn remove_trust(user: UserId) -> [Step; 3] {
    [
        user::raise_generation(user),
        Step::new(UNBIND_ALL, vec![user.into()], Must::Anything),
        Step::new(REMOVE_TRUST, vec![user.into()], Must::Hold),
    ]
}

/// Removes everything written about a user that is about to be deleted.
pub fn forget(user: UserId) -> [Step; 4] {
    [UNBIND_ALL, FORGET_TRUST, FORGET_PERMISSION, FORGET_ROLES].map(|statement| Step::new(statement, vec![user.into()], Must::Anything))
}
