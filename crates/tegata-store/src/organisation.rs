//! Organisations: what kind an account is, which roles of services are offered in it, and which roles its people have.

use tegata_model::{AccountId, Timestamp, UserId};

use crate::{Must, Row, Step, Store, StoreError, account, row::Fields, user};

const FIND: &str = "SELECT account_id, kind, display_name, created_at FROM organisations WHERE account_id = $1";
const SET: &str = "INSERT INTO organisations (account_id, kind, display_name, created_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (account_id) DO UPDATE SET kind = excluded.kind, display_name = excluded.display_name";
const OFFERED: &str = "SELECT service, role FROM offered_roles WHERE account_id = $1 ORDER BY service, role LIMIT 10000";
const OFFER: &str = "INSERT INTO offered_roles (account_id, service, role, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const WITHDRAW_ALL: &str = "DELETE FROM offered_roles WHERE account_id = $1";
const BOUND: &str = "SELECT account_id, user_id, service, role, created_at, expires_at FROM role_bindings \
    WHERE account_id = $1 AND user_id = $2 ORDER BY service, role LIMIT 1000";
const BOUND_IN: &str = "SELECT account_id, user_id, service, role, created_at, expires_at FROM role_bindings \
    WHERE account_id = $1 ORDER BY user_id, service, role LIMIT 10000";
const BOUND_TO: &str = "SELECT account_id, user_id, service, role, created_at, expires_at FROM role_bindings \
    WHERE user_id = $1 ORDER BY account_id, service, role LIMIT 10000";
const BIND: &str = "INSERT INTO role_bindings (account_id, user_id, service, role, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (account_id, user_id, service, role) DO UPDATE SET expires_at = excluded.expires_at";
const UNBIND: &str = "DELETE FROM role_bindings WHERE account_id = $1 AND user_id = $2 AND service = $3 AND role = $4";
const FORGET: &str = "DELETE FROM role_bindings WHERE user_id = $1";
const CUSTOMERS: &str = "SELECT id FROM accounts WHERE parent_id = $1 ORDER BY number LIMIT 10000";

/// What kind of organisation an account is: it decides which roles there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrgKind {
    /// A provider, with customers below it.
    Provider,
    /// A customer of a provider.
    Customer,
    /// A reseller.
    Reseller,
    /// An organisation that stands for itself, with owners, administrators and members.
    Standalone,
}

impl OrgKind {
    fn from_i64(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Provider),
            1 => Some(Self::Customer),
            2 => Some(Self::Reseller),
            3 => Some(Self::Standalone),
            _ => None,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::Provider => 0,
            Self::Customer => 1,
            Self::Reseller => 2,
            Self::Standalone => 3,
        }
    }
}

/// What is said of an account as an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationRow {
    /// The account.
    pub account_id: AccountId,
    /// What kind it is.
    pub kind: OrgKind,
    /// For people; empty where nothing was said.
    pub display_name: String,
    /// When it was said first.
    pub created_at: Timestamp,
}

impl OrganisationRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("organisations", row);
        Ok(Self {
            account_id: f.id("account_id", AccountId::from_bytes)?,
            kind: f.number("kind", OrgKind::from_i64)?,
            display_name: f.text("display_name")?,
            created_at: f.at("created_at")?,
        })
    }
}

/// One role of a user in an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingRow {
    /// The organisation.
    pub account_id: AccountId,
    /// Whose role.
    pub user_id: UserId,
    /// The id of the service it is a role of; empty for a role of the organisation itself.
    pub service: String,
    /// The role.
    pub role: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when; `None` until it is taken back.
    pub expires_at: Option<Timestamp>,
}

impl BindingRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("role_bindings", row);
        Ok(Self {
            account_id: f.id("account_id", AccountId::from_bytes)?,
            user_id: f.id("user_id", UserId::from_bytes)?,
            service: f.text("service")?,
            role: f.text("role")?,
            created_at: f.at("created_at")?,
            expires_at: f.optional_at("expires_at")?,
        })
    }
}

/// What is said of this account as an organisation, where anything is.
pub async fn find(store: &Store, account: AccountId) -> Result<Option<OrganisationRow>, StoreError> {
    store.find(FIND, &[account.into()], OrganisationRow::read).await
}

/// Says what an account is as an organisation. Raises the generation of the account.
pub fn set(row: &OrganisationRow) -> [Step; 2] {
    let params = vec![row.account_id.into(), row.kind.to_i64().into(), row.display_name.as_str().into(), row.created_at.into()];
    [account::raise_generation(row.account_id), Step::new(SET, params, Must::Anything)]
}

/// The roles of services that are offered in an organisation, as (id of the service, role); at most 10,000.
pub async fn offered(store: &Store, account: AccountId) -> Result<Vec<(String, String)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("offered_roles", row);
        Ok((f.text("service")?, f.text("role")?))
    };
    store.list(OFFERED, vec![account.into()], read).await
}

/// Offers exactly these roles from now on. Raises the generation of the account.
pub fn offer_only(account: AccountId, roles: &[(String, String)], now: Timestamp) -> Vec<Step> {
    let mut steps = vec![account::raise_generation(account), Step::new(WITHDRAW_ALL, vec![account.into()], Must::Anything)];
    steps.extend(roles.iter().map(|(service, role)| {
        Step::new(OFFER, vec![account.into(), service.as_str().into(), role.as_str().into(), now.into()], Must::Anything)
    }));
    steps
}

/// The roles of a user in an organisation, those that have run out among them; at most 1,000.
pub async fn bound(store: &Store, account: AccountId, user: UserId) -> Result<Vec<BindingRow>, StoreError> {
    store.list(BOUND, vec![account.into(), user.into()], BindingRow::read).await
}

/// The roles of everybody in an organisation; at most 10,000.
pub async fn bound_in(store: &Store, account: AccountId) -> Result<Vec<BindingRow>, StoreError> {
    store.list(BOUND_IN, vec![account.into()], BindingRow::read).await
}

/// The roles of a user in all organisations; at most 10,000.
pub async fn bound_to(store: &Store, user: UserId) -> Result<Vec<BindingRow>, StoreError> {
    store.list(BOUND_TO, vec![user.into()], BindingRow::read).await
}

/// Gives a user a role, or changes until when it has it. Raises the generation of the user.
pub fn bind(row: &BindingRow) -> [Step; 2] {
    let params = vec![
        row.account_id.into(),
        row.user_id.into(),
        row.service.as_str().into(),
        row.role.as_str().into(),
        row.created_at.into(),
        row.expires_at.into(),
    ];
    [user::raise_generation(row.user_id), Step::new(BIND, params, Must::Anything)]
}

/// Takes a role from a user. Raises the generation of the user.
pub fn unbind(account: AccountId, user: UserId, service: &str, role: &str) -> [Step; 2] {
    let params = vec![account.into(), user.into(), service.into(), role.into()];
    [user::raise_generation(user), Step::new(UNBIND, params, Must::Anything)]
}

/// Takes all roles from a user that is going itself.
pub fn forget(user: UserId) -> Step {
    Step::new(FORGET, vec![user.into()], Must::Anything)
}

/// The accounts below this one; at most 10,000.
pub async fn customers(store: &Store, account: AccountId) -> Result<Vec<AccountId>, StoreError> {
    store.list(CUSTOMERS, vec![account.into()], |row| Fields::new("accounts", row).id("id", AccountId::from_bytes)).await
}
