//! Clients made available in an account, and who may use them.

use tegata_model::{AccountId, ClientId, Epoch, Generation, InstallationId, RoleId, Timestamp, UserId};

use crate::{
    Must, Row, Step, Store, StoreError, Value,
    client::{joined, split},
    row::Fields,
};

const FIND: &str = "SELECT id, account_id, client_id, scopes, mode, installed_by, epoch, generation, created_at FROM installations \
    WHERE id = $1";
const FIND_BY_CLIENT: &str = "SELECT id, account_id, client_id, scopes, mode, installed_by, epoch, generation, created_at \
    FROM installations WHERE account_id = $1 AND client_id = $2";
const LIST: &str = "SELECT id, account_id, client_id, scopes, mode, installed_by, epoch, generation, created_at FROM installations \
    WHERE account_id = $1 ORDER BY created_at, id LIMIT 1000";
const OF_CLIENT: &str = "SELECT id, account_id, client_id, scopes, mode, installed_by, epoch, generation, created_at FROM installations \
    WHERE client_id = $1 ORDER BY id LIMIT 1000";
const INSERT: &str = "INSERT INTO installations (id, account_id, client_id, scopes, mode, installed_by, epoch, generation, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
const SET_SCOPES: &str = "UPDATE installations SET scopes = $2, generation = generation + 1 WHERE id = $1";
const SET_MODE: &str = "UPDATE installations SET mode = $2, generation = generation + 1 WHERE id = $1";
const EXPECT: &str = "SELECT 1 FROM installations WHERE id = $1 AND generation = $2";
const RAISE_EPOCH: &str = "UPDATE installations SET epoch = epoch + 1, generation = generation + 1 WHERE id = $1";
const RAISE_GENERATION: &str = "UPDATE installations SET generation = generation + 1 WHERE id = $1";
const DELETE_ASSIGNMENTS: &str = "DELETE FROM assignments WHERE installation_id = $1";
const DELETE_CONSENTS: &str = "DELETE FROM consents WHERE installation_id = $1";
const DELETE_INSTANCE: &str = "DELETE FROM instances WHERE installation_id = $1";
const DELETE: &str = "DELETE FROM installations WHERE id = $1";
const ASSIGNED: &str = "SELECT 1 FROM assignments WHERE installation_id = $1 AND identity_id = $2";
const ASSIGNMENTS: &str = "SELECT installation_id, identity_id, identity_kind, created_at FROM assignments WHERE installation_id = $1 \
    ORDER BY created_at, identity_id LIMIT 10000";
const ASSIGN: &str = "INSERT INTO assignments (installation_id, identity_id, identity_kind, created_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (installation_id, identity_id) DO NOTHING";
const UNASSIGN: &str = "DELETE FROM assignments WHERE installation_id = $1 AND identity_id = $2";
const ASSIGNMENTS_AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM assignments WHERE installation_id = $1) <= $2";

/// Who may use an installation of a client that asks for assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssignmentMode {
    /// Only those who are assigned.
    OnDemand,
    /// Everybody of the account.
    All,
}

impl AssignmentMode {
    fn from_i64(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::OnDemand),
            1 => Some(Self::All),
            _ => None,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::OnDemand => 0,
            Self::All => 1,
        }
    }
}

/// One installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationRow {
    /// Immutable id: a client installed again has another.
    pub id: InstallationId,
    /// The account it is available in.
    pub account_id: AccountId,
    /// Which client.
    pub client_id: ClientId,
    /// The scopes the account agreed to.
    pub scopes: Vec<String>,
    /// Who may use it.
    pub mode: AssignmentMode,
    /// The id of who installed it.
    pub installed_by: [u8; 16],
    /// Raised to end everything issued through it.
    pub epoch: Epoch,
    /// Raised by any change to it or its assignments.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
}

impl InstallationRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("installations", row);
        Ok(Self {
            id: f.id("id", InstallationId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            client_id: f.id("client_id", ClientId::from_bytes)?,
            scopes: split(&f.text("scopes")?),
            mode: f.number("mode", AssignmentMode::from_i64)?,
            installed_by: f.id("installed_by", |bytes| bytes)?,
            epoch: f.epoch()?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
        })
    }
}

/// A user or a role, by its immutable id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A user.
    User(UserId),
    /// A role.
    Role(RoleId),
}

impl Identity {
    /// The bytes of its id.
    pub fn id_bytes(&self) -> [u8; 16] {
        match self {
            Self::User(id) => *id.as_bytes(),
            Self::Role(id) => *id.as_bytes(),
        }
    }

    fn kind(self) -> i64 {
        match self {
            Self::User(_) => 0,
            Self::Role(_) => 1,
        }
    }
}

/// One assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssignmentRow {
    /// To what.
    pub installation_id: InstallationId,
    /// Who.
    pub identity: Identity,
    /// Since when.
    pub created_at: Timestamp,
}

impl AssignmentRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("assignments", row);
        let installation_id = f.id("installation_id", InstallationId::from_bytes)?;
        let id = f.id("identity_id", |bytes| bytes)?;
        let identity = f.number("identity_kind", |kind| match kind {
            0 => Some(Identity::User(UserId::from_bytes(id))),
            1 => Some(Identity::Role(RoleId::from_bytes(id))),
            _ => None,
        })?;
        Ok(Self { installation_id, identity, created_at: f.at("created_at")? })
    }
}

/// The installation with this id.
pub async fn find(store: &Store, id: InstallationId) -> Result<Option<InstallationRow>, StoreError> {
    store.find(FIND, &[id.into()], InstallationRow::read).await
}

/// The installation of that client in that account.
pub async fn find_by_client(store: &Store, account: AccountId, client: ClientId) -> Result<Option<InstallationRow>, StoreError> {
    store.find(FIND_BY_CLIENT, &[account.into(), client.into()], InstallationRow::read).await
}

/// The installations of an account, oldest first; at most 1,000.
pub async fn list(store: &Store, account: AccountId) -> Result<Vec<InstallationRow>, StoreError> {
    store.list(LIST, vec![account.into()], InstallationRow::read).await
}

/// Where a client is installed, its own account and others; at most 1,000.
pub async fn of_client(store: &Store, client: ClientId) -> Result<Vec<InstallationRow>, StoreError> {
    store.list(OF_CLIENT, vec![client.into()], InstallationRow::read).await
}

/// A new installation; refused if the client is installed in the account already.
pub fn insert(row: &InstallationRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.client_id.into(),
        joined(&row.scopes),
        row.mode.to_i64().into(),
        row.installed_by.into(),
        row.epoch.into(),
        row.generation.into(),
        row.created_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("installation"))
}

/// Changes the scopes the account agrees to.
pub fn set_scopes(id: InstallationId, scopes: &[String]) -> Step {
    Step::new(SET_SCOPES, vec![id.into(), joined(scopes)], Must::Hold)
}

/// Changes who may use it.
pub fn set_mode(id: InstallationId, mode: AssignmentMode) -> Step {
    Step::new(SET_MODE, vec![id.into(), mode.to_i64().into()], Must::Hold)
}

/// The installation must still be as it was read.
pub fn expect(id: InstallationId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Ends everything issued through the installation.
pub fn raise_epoch(id: InstallationId) -> Step {
    Step::new(RAISE_EPOCH, vec![id.into()], Must::Hold)
}

/// Something beneath the installation changed.
pub fn raise_generation(id: InstallationId) -> Step {
    Step::new(RAISE_GENERATION, vec![id.into()], Must::Hold)
}

/// Removes the installation with its assignments and consents. Tokens that name it find nothing.
pub fn delete(id: InstallationId) -> [Step; 4] {
    [
        Step::new(DELETE_INSTANCE, vec![id.into()], Must::Anything),
        Step::new(DELETE_ASSIGNMENTS, vec![id.into()], Must::Anything),
        Step::new(DELETE_CONSENTS, vec![id.into()], Must::Anything),
        Step::new(DELETE, vec![id.into()], Must::Hold),
    ]
}

/// True if the identity is assigned to the installation.
pub async fn is_assigned(store: &Store, id: InstallationId, identity: Identity) -> Result<bool, StoreError> {
    Ok(!store.query(ASSIGNED, &[id.into(), identity.id_bytes().into()]).await?.is_empty())
}

/// Who is assigned, in the order in which they were; at most 10,000.
pub async fn assignments(store: &Store, id: InstallationId) -> Result<Vec<AssignmentRow>, StoreError> {
    store.list(ASSIGNMENTS, vec![id.into()], AssignmentRow::read).await
}

/// Assigns an identity and raises the generation of the installation; nothing new if it is assigned already.
pub fn assign(row: &AssignmentRow) -> [Step; 2] {
    let params: Vec<Value> =
        vec![row.installation_id.into(), row.identity.id_bytes().into(), row.identity.kind().into(), row.created_at.into()];
    [Step::new(RAISE_GENERATION, vec![row.installation_id.into()], Must::Hold), Step::new(ASSIGN, params, Must::Anything)]
}

/// The installation has at most this many assignments, the new one among them. Goes after [`assign`].
pub fn assignments_at_most(id: InstallationId, limit: u32) -> Step {
    Step::new(ASSIGNMENTS_AT_MOST, vec![id.into(), limit.into()], Must::Hold)
}

/// Takes an assignment back and raises the generation of the installation.
pub fn unassign(id: InstallationId, identity: Identity) -> [Step; 2] {
    [
        Step::new(RAISE_GENERATION, vec![id.into()], Must::Hold),
        Step::new(UNASSIGN, vec![id.into(), identity.id_bytes().into()], Must::Anything),
    ]
}
