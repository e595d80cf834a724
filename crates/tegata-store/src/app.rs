//! Apps of organisations: what is said of them besides what every client has, and what they got where they were added.

use std::time::Duration;

use tegata_model::{ClientId, InstallationId, Timestamp};

use crate::{
    Must, Row, Step, Store, StoreError,
    client::{self, length, seconds},
    row::Fields,
};

const FIND: &str = "SELECT client_id, scope, description, owner_rotates, overlap_seconds, created_by, updated_by, used_at FROM apps \
    WHERE client_id = $1";
const INSERT: &str = "INSERT INTO apps (client_id, scope, description, owner_rotates, overlap_seconds, created_by, updated_by, used_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE apps SET scope = $2, description = $3, owner_rotates = $4, overlap_seconds = $5, updated_by = $6 \
    WHERE client_id = $1";
const USED: &str = "UPDATE apps SET used_at = $2 WHERE client_id = $1 AND (used_at IS NULL OR used_at < $2)";
const DELETE: &str = "DELETE FROM apps WHERE client_id = $1";
const FIND_INSTANCE: &str = "SELECT installation_id, scope, definition, dropped, added_by, changed_by, changed_at FROM instances \
    WHERE installation_id = $1";
const INSERT_INSTANCE: &str = "INSERT INTO instances (installation_id, scope, definition, dropped, added_by, changed_by, changed_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
const UPDATE_INSTANCE: &str = "UPDATE instances SET scope = $2, definition = $3, dropped = $4, changed_by = $5, changed_at = $6 \
    WHERE installation_id = $1";

/// What is said of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRow {
    /// The client it is.
    pub client_id: ClientId,
    /// Its scope, as words.
    pub scope: String,
    /// What it is for.
    pub description: String,
    /// True if it may not replace its own secret.
    pub owner_rotates: bool,
    /// How long a secret goes on counting once another was made.
    pub overlap: Duration,
    /// Who made it, as the audit names them.
    pub created_by: String,
    /// Who changed it last.
    pub updated_by: String,
    /// When it last got a token.
    pub used_at: Option<Timestamp>,
}

impl AppRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("apps", row);
        Ok(Self {
            client_id: f.id("client_id", ClientId::from_bytes)?,
            scope: f.text("scope")?,
            description: f.text("description")?,
            owner_rotates: f.flag("owner_rotates")?,
            overlap: f.number("overlap_seconds", length)?,
            created_by: f.text("created_by")?,
            updated_by: f.text("updated_by")?,
            used_at: f.optional_at("used_at")?,
        })
    }
}

/// What an app got where it was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRow {
    /// Where.
    pub installation_id: InstallationId,
    /// What it got, as words.
    pub scope: String,
    /// The scope of the app when this was worked out.
    pub definition: String,
    /// What was left out, and why.
    pub dropped: String,
    /// Who added it, as the audit names them.
    pub added_by: String,
    /// Who changed it last.
    pub changed_by: String,
    /// When it was added or changed last.
    pub changed_at: Timestamp,
}

impl InstanceRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("instances", row);
        Ok(Self {
            installation_id: f.id("installation_id", InstallationId::from_bytes)?,
            scope: f.text("scope")?,
            definition: f.text("definition")?,
            dropped: f.text("dropped")?,
            added_by: f.text("added_by")?,
            changed_by: f.text("changed_by")?,
            changed_at: f.at("changed_at")?,
        })
    }
}

/// What is said of this app.
pub async fn find(store: &Store, id: ClientId) -> Result<Option<AppRow>, StoreError> {
    store.find(FIND, &[id.into()], AppRow::read).await
}

/// What is said of a new app. Its client goes before it.
pub fn insert(row: &AppRow) -> Step {
    let params = vec![
        row.client_id.into(),
        row.scope.as_str().into(),
        row.description.as_str().into(),
        i64::from(row.owner_rotates).into(),
        seconds(row.overlap),
        row.created_by.as_str().into(),
        row.updated_by.as_str().into(),
        row.used_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("app"))
}

/// Changes what is said of an app. Raises the generation of its client.
pub fn update(row: &AppRow) -> [Step; 2] {
    let params = vec![
        row.client_id.into(),
        row.scope.as_str().into(),
        row.description.as_str().into(),
        i64::from(row.owner_rotates).into(),
        seconds(row.overlap),
        row.updated_by.as_str().into(),
    ];
    [client::raise_generation(row.client_id), Step::new(UPDATE, params, Must::Hold)]
}

/// Notes that the app got a token at `at`. Nothing that anybody decides by changes.
pub fn used(id: ClientId, at: Timestamp) -> Step {
    Step::new(USED, vec![id.into(), at.into()], Must::Anything)
}

/// Removes what is said of an app that is going itself.
pub fn delete(id: ClientId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Anything)
}

/// What the app got there.
pub async fn find_instance(store: &Store, id: InstallationId) -> Result<Option<InstanceRow>, StoreError> {
    store.find(FIND_INSTANCE, &[id.into()], InstanceRow::read).await
}

/// What an app gets. The installation goes before it.
pub fn insert_instance(row: &InstanceRow) -> Step {
    let params = vec![
        row.installation_id.into(),
        row.scope.as_str().into(),
        row.definition.as_str().into(),
        row.dropped.as_str().into(),
        row.added_by.as_str().into(),
        row.changed_by.as_str().into(),
        row.changed_at.into(),
    ];
    Step::new(INSERT_INSTANCE, params, Must::BeNew("instance"))
}

/// Changes what an app has. The epoch or generation of the installation is raised by whoever changes it.
pub fn update_instance(row: &InstanceRow) -> Step {
    let params = vec![
        row.installation_id.into(),
        row.scope.as_str().into(),
        row.definition.as_str().into(),
        row.dropped.as_str().into(),
        row.changed_by.as_str().into(),
        row.changed_at.into(),
    ];
    Step::new(UPDATE_INSTANCE, params, Must::Hold)
}
