//! Secrets of clients. Only a hash of each rests here; how it is made is not this crate's business.

use tegata_model::{ClientId, ClientSecretId, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, client, row::Fields};

const OF_CLIENT: &str = "SELECT id, client_id, public_id, hash, created_at, expires_at, method FROM client_secrets WHERE client_id = $1 \
    ORDER BY created_at, public_id LIMIT 100";
const INSERT: &str = "INSERT INTO client_secrets (id, client_id, public_id, hash, created_at, expires_at, method) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM client_secrets WHERE client_id = $1) <= $2";
const SET_EXPIRY: &str = "UPDATE client_secrets SET expires_at = $2 WHERE id = $1";
const DELETE: &str = "DELETE FROM client_secrets WHERE id = $1";
const DELETE_ALL: &str = "DELETE FROM client_secrets WHERE client_id = $1";

/// How a secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// By a keyed hash: we made it, and nobody guesses it.
    Keyed,
    /// By a slow hash: somebody chose it.
    Slow,
}

impl Method {
    fn from_i64(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Keyed),
            1 => Some(Self::Slow),
            _ => None,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::Keyed => 0,
            Self::Slow => 1,
        }
    }
}

/// One secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecretRow {
    /// Immutable id.
    pub id: ClientSecretId,
    /// Whose it is.
    pub client_id: ClientId,
    /// How people name it.
    pub public_id: String,
    /// Its hash.
    pub hash: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it no longer counts; `None` until it is deleted.
    pub expires_at: Option<Timestamp>,
    /// How it was hashed.
    pub method: Method,
}

impl ClientSecretRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("client_secrets", row);
        Ok(Self {
            id: f.id("id", ClientSecretId::from_bytes)?,
            client_id: f.id("client_id", ClientId::from_bytes)?,
            public_id: f.text("public_id")?,
            hash: f.bytes("hash")?,
            created_at: f.at("created_at")?,
            expires_at: f.optional_at("expires_at")?,
            method: f.number("method", Method::from_i64)?,
        })
    }
}

/// The secrets of a client, oldest first; at most 100.
pub async fn of_client(store: &Store, client: ClientId) -> Result<Vec<ClientSecretRow>, StoreError> {
    store.list(OF_CLIENT, vec![client.into()], ClientSecretRow::read).await
}

/// A new secret. Raises the generation of its client.
pub fn insert(row: &ClientSecretRow) -> [Step; 2] {
    let params = vec![
        row.id.into(),
        row.client_id.into(),
        row.public_id.as_str().into(),
        row.hash.as_slice().into(),
        row.created_at.into(),
        row.expires_at.into(),
        row.method.to_i64().into(),
    ];
    [client::raise_generation(row.client_id), Step::new(INSERT, params, Must::BeNew("client secret"))]
}

/// The client has at most this many secrets, the new one among them. Goes after [`insert`].
pub fn at_most(client: ClientId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![client.into(), limit.into()], Must::Hold)
}

/// From `expires` on the secret no longer counts.
pub fn set_expiry(row: &ClientSecretRow, expires: Timestamp) -> [Step; 2] {
    [client::raise_generation(row.client_id), Step::new(SET_EXPIRY, vec![row.id.into(), expires.into()], Must::Hold)]
}

/// Removes a secret and raises the generation of its client.
pub fn delete(row: &ClientSecretRow) -> [Step; 2] {
    [client::raise_generation(row.client_id), Step::new(DELETE, vec![row.id.into()], Must::Hold)]
}

/// Removes all secrets of a client that is going itself.
pub fn delete_all(client: ClientId) -> Step {
    Step::new(DELETE_ALL, vec![client.into()], Must::Anything)
}
