//! OAuth clients of an account. Those that are this program's own are code and have no row.

use std::time::Duration;

use tegata_model::{AccountId, ClientId, Epoch, Generation, Status, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, Value, row::Fields};

const FIND: &str = "SELECT id, account_id, app_id, name, display_name, kind, secret_required, multi_tenant, redirect_uris, scopes, \
    required_scopes, access_seconds, refresh_seconds, protocol_version, id_token_alg, status, epoch, generation, created_at, updated_at, \
    family FROM clients WHERE id = $1";
const FIND_BY_APP_ID: &str = "SELECT id, account_id, app_id, name, display_name, kind, secret_required, multi_tenant, redirect_uris, \
    scopes, required_scopes, access_seconds, refresh_seconds, protocol_version, id_token_alg, status, epoch, generation, created_at, \
    updated_at, family FROM clients WHERE app_id = $1";
const FIND_BY_NAME: &str = "SELECT id, account_id, app_id, name, display_name, kind, secret_required, multi_tenant, redirect_uris, \
    scopes, required_scopes, access_seconds, refresh_seconds, protocol_version, id_token_alg, status, epoch, generation, created_at, \
    updated_at, family FROM clients WHERE account_id = $1 AND name_folded = $2";
const LIST: &str = "SELECT id, account_id, app_id, name, display_name, kind, secret_required, multi_tenant, redirect_uris, scopes, \
    required_scopes, access_seconds, refresh_seconds, protocol_version, id_token_alg, status, epoch, generation, created_at, updated_at, \
    family FROM clients WHERE account_id = $1 AND family = $2 ORDER BY name_folded LIMIT 1000";
const INSERT: &str = "INSERT INTO clients (id, account_id, app_id, name, name_folded, display_name, kind, secret_required, multi_tenant, \
    redirect_uris, scopes, required_scopes, access_seconds, refresh_seconds, protocol_version, id_token_alg, status, epoch, generation, \
    created_at, updated_at, family) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
    $22) \
    ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE clients SET display_name = $2, secret_required = $3, multi_tenant = $4, redirect_uris = $5, scopes = $6, \
    required_scopes = $7, access_seconds = $8, refresh_seconds = $9, updated_at = $10, id_token_alg = $11, generation = generation + 1 WHERE id = $1";
const EXPECT: &str = "SELECT 1 FROM clients WHERE id = $1 AND generation = $2";
const RAISE_EPOCH: &str = "UPDATE clients SET epoch = epoch + 1, generation = generation + 1 WHERE id = $1";
const RAISE_GENERATION: &str = "UPDATE clients SET generation = generation + 1 WHERE id = $1";
const SET_STATUS: &str = "UPDATE clients SET status = $2, generation = generation + 1 WHERE id = $1";
const COUNT: &str = "SELECT count(*) FROM clients WHERE account_id = $1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM clients WHERE account_id = $1) <= $2";
const DELETE: &str = "DELETE FROM clients WHERE id = $1";

/// Where a client runs, and so what can be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKind {
    /// On a web server: it can keep a secret.
    Web,
    /// On a person's device: it cannot.
    Native,
    /// On a server, for itself and nobody else.
    Server,
}

impl ClientKind {
    fn from_i64(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Web),
            1 => Some(Self::Native),
            2 => Some(Self::Server),
            _ => None,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::Web => 0,
            Self::Native => 1,
            Self::Server => 2,
        }
    }
}

/// Which family of programs a client belongs to: each is administered by operations of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// An application: people sign in to it.
    Application,
    /// An app of an organisation: it acts for itself, with the roles that it was given there.
    OrgApp,
}

impl Family {
    fn from_i64(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Application),
            1 => Some(Self::OrgApp),
            _ => None,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::Application => 0,
            Self::OrgApp => 1,
        }
    }
}

/// One client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRow {
    /// Immutable id.
    pub id: ClientId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// The public id, as it stands in requests: 19 digits, or for an app of an organisation 5 to 256 characters; unique on this server.
    pub app_id: String,
    /// Its name: unique in the account, without case.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Where it runs.
    pub kind: ClientKind,
    /// Whether it must prove itself by a secret.
    pub secret_required: bool,
    /// Whether other accounts may install it.
    pub multi_tenant: bool,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// The scopes it may ever ask for.
    pub scopes: Vec<String>,
    /// Those of them that nobody can leave out.
    pub required_scopes: Vec<String>,
    /// How long its access tokens live; whole seconds.
    pub access_lifetime: Duration,
    /// How long its refresh tokens live at most; whole seconds.
    pub refresh_lifetime: Duration,
    /// The version of the protocol it was made for, as it was said.
    pub protocol_version: String,
    /// How its ID tokens are signed.
    pub id_token_alg: String,
    /// Whether it may be used at all.
    pub status: Status,
    /// Raised to end everything issued to it.
    pub epoch: Epoch,
    /// Raised by any change to it or its secrets.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is said of it was last changed.
    pub updated_at: Timestamp,
    /// Which family it belongs to.
    pub family: Family,
}

/// A number that stands for yes or no.
pub(crate) fn yes_or_no(number: i64) -> Option<bool> {
    match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// Several words as one text.
pub(crate) fn joined(words: &[String]) -> Value {
    words.join(" ").into()
}

/// The words of one text.
pub(crate) fn split(text: &str) -> Vec<String> {
    text.split(' ').filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}

/// Whole seconds.
pub(crate) fn seconds(length: Duration) -> Value {
    i64::try_from(length.as_secs()).unwrap_or(i64::MAX).into()
}

/// A length of time from whole seconds.
pub(crate) fn length(number: i64) -> Option<Duration> {
    u64::try_from(number).ok().map(Duration::from_secs)
}

impl ClientRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("clients", row);
        Ok(Self {
            id: f.id("id", ClientId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            app_id: f.text("app_id")?,
            name: f.text("name")?,
            display_name: f.text("display_name")?,
            kind: f.number("kind", ClientKind::from_i64)?,
            secret_required: f.number("secret_required", yes_or_no)?,
            multi_tenant: f.number("multi_tenant", yes_or_no)?,
            redirect_uris: split(&f.text("redirect_uris")?),
            scopes: split(&f.text("scopes")?),
            required_scopes: split(&f.text("required_scopes")?),
            access_lifetime: f.number("access_seconds", length)?,
            refresh_lifetime: f.number("refresh_seconds", length)?,
            protocol_version: f.text("protocol_version")?,
            id_token_alg: f.text("id_token_alg")?,
            status: f.status()?,
            epoch: f.epoch()?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
            updated_at: f.at("updated_at")?,
            family: f.number("family", Family::from_i64)?,
        })
    }
}

/// The client with this id.
pub async fn find(store: &Store, id: ClientId) -> Result<Option<ClientRow>, StoreError> {
    store.find(FIND, &[id.into()], ClientRow::read).await
}

/// The client with this public id.
pub async fn find_by_app_id(store: &Store, app_id: &str) -> Result<Option<ClientRow>, StoreError> {
    store.find(FIND_BY_APP_ID, &[app_id.into()], ClientRow::read).await
}

/// The client of that name, without case.
pub async fn find_by_name(store: &Store, account: AccountId, folded: &str) -> Result<Option<ClientRow>, StoreError> {
    store.find(FIND_BY_NAME, &[account.into(), folded.into()], ClientRow::read).await
}

/// The clients of one family of an account by name; at most 1,000.
pub async fn list(store: &Store, account: AccountId, family: Family) -> Result<Vec<ClientRow>, StoreError> {
    store.list(LIST, vec![account.into(), family.to_i64().into()], ClientRow::read).await
}

/// How many clients the account has.
pub async fn count(store: &Store, account: AccountId) -> Result<u64, StoreError> {
    store.count(COUNT, &[account.into()]).await
}

/// A new client; refused if its public id or its name is taken.
pub fn insert(row: &ClientRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.app_id.as_str().into(),
        row.name.as_str().into(),
        row.name.to_ascii_lowercase().into(),
        row.display_name.as_str().into(),
        row.kind.to_i64().into(),
        i64::from(row.secret_required).into(),
        i64::from(row.multi_tenant).into(),
        joined(&row.redirect_uris),
        joined(&row.scopes),
        joined(&row.required_scopes),
        seconds(row.access_lifetime),
        seconds(row.refresh_lifetime),
        row.protocol_version.as_str().into(),
        row.id_token_alg.as_str().into(),
        row.status.into(),
        row.epoch.into(),
        row.generation.into(),
        row.created_at.into(),
        row.updated_at.into(),
        row.family.to_i64().into(),
    ];
    Step::new(INSERT, params, Must::BeNew("client"))
}

/// Changes what may be changed of it: names, places, scopes, lifetimes.
pub fn update(row: &ClientRow) -> Step {
    let params = vec![
        row.id.into(),
        row.display_name.as_str().into(),
        i64::from(row.secret_required).into(),
        i64::from(row.multi_tenant).into(),
        joined(&row.redirect_uris),
        joined(&row.scopes),
        joined(&row.required_scopes),
        seconds(row.access_lifetime),
        seconds(row.refresh_lifetime),
        row.updated_at.into(),
        row.id_token_alg.as_str().into(),
    ];
    Step::new(UPDATE, params, Must::Hold)
}

/// The account has at most this many clients, the new one among them. Goes after [`insert`].
pub fn at_most(account: AccountId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![account.into(), limit.into()], Must::Hold)
}

/// The client must still be as it was read.
pub fn expect(id: ClientId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Ends everything issued to the client.
pub fn raise_epoch(id: ClientId) -> Step {
    Step::new(RAISE_EPOCH, vec![id.into()], Must::Hold)
}

/// Something beneath the client changed.
pub fn raise_generation(id: ClientId) -> Step {
    Step::new(RAISE_GENERATION, vec![id.into()], Must::Hold)
}

/// Switches the client on or off.
pub fn set_status(id: ClientId, status: Status) -> Step {
    Step::new(SET_STATUS, vec![Value::from(id), status.into()], Must::Hold)
}

/// Removes the client. Its secrets and its installation go before it.
pub fn delete(id: ClientId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Hold)
}
