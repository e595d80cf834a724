//! What identities said yes to: scopes of one installation, each person for itself.

use tegata_model::{ConsentId, InstallationId, Timestamp};

use crate::{
    Must, Row, Step, Store, StoreError,
    client::{joined, split},
    row::Fields,
};

const FIND: &str = "SELECT id, installation_id, identity_id, person_id, scopes, created_at, updated_at FROM consents WHERE id = $1";
const FIND_BY_IDENTITY: &str = "SELECT id, installation_id, identity_id, person_id, scopes, created_at, updated_at FROM consents \
    WHERE installation_id = $1 AND identity_id = $2 AND person_id = $3";
const INSERT: &str = "INSERT INTO consents (id, installation_id, identity_id, person_id, scopes, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
const SET_SCOPES: &str = "UPDATE consents SET scopes = $2, updated_at = $3 WHERE id = $1";
const EXPECT: &str = "SELECT 1 FROM consents WHERE id = $1";
const DELETE: &str = "DELETE FROM consents WHERE id = $1";

/// One consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRow {
    /// Immutable id: a consent given again has another.
    pub id: ConsentId,
    /// To which installation.
    pub installation_id: InstallationId,
    /// The id of the user or role that acts.
    pub identity_id: [u8; 16],
    /// The id of the person behind it; the user itself where no role is involved.
    pub person_id: [u8; 16],
    /// Which scopes.
    pub scopes: Vec<String>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When scopes were last added.
    pub updated_at: Timestamp,
}

impl ConsentRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("consents", row);
        Ok(Self {
            id: f.id("id", ConsentId::from_bytes)?,
            installation_id: f.id("installation_id", InstallationId::from_bytes)?,
            identity_id: f.id("identity_id", |bytes| bytes)?,
            person_id: f.id("person_id", |bytes| bytes)?,
            scopes: split(&f.text("scopes")?),
            created_at: f.at("created_at")?,
            updated_at: f.at("updated_at")?,
        })
    }
}

/// The consent with this id.
pub async fn find(store: &Store, id: ConsentId) -> Result<Option<ConsentRow>, StoreError> {
    store.find(FIND, &[id.into()], ConsentRow::read).await
}

/// What this person, acting as this identity, said yes to.
pub async fn find_by_identity(
    store: &Store,
    installation: InstallationId,
    identity: [u8; 16],
    person: [u8; 16],
) -> Result<Option<ConsentRow>, StoreError> {
    store.find(FIND_BY_IDENTITY, &[installation.into(), identity.into(), person.into()], ConsentRow::read).await
}

/// A new consent; refused if there is one already.
pub fn insert(row: &ConsentRow) -> Step {
    let params = vec![
        row.id.into(),
        row.installation_id.into(),
        row.identity_id.into(),
        row.person_id.into(),
        joined(&row.scopes),
        row.created_at.into(),
        row.updated_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("consent"))
}

/// Changes the scopes of a consent.
pub fn set_scopes(id: ConsentId, scopes: &[String], now: Timestamp) -> Step {
    Step::new(SET_SCOPES, vec![id.into(), joined(scopes), now.into()], Must::Hold)
}

/// The consent must still be there.
pub fn expect(id: ConsentId) -> Step {
    Step::new(EXPECT, vec![id.into()], Must::Hold)
}

/// Takes the consent back: nothing that stands on it counts any more.
pub fn delete(id: ConsentId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Hold)
}
