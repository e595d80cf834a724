//! The keys that issuers last published: kept, so that an outage of an issuer or a restart of ours locks nobody out.

use tegata_model::Timestamp;

use crate::{Must, Row, Step, Store, StoreError, Value, row::Fields};

const FIND: &str = "SELECT issuer, keys, certificates, fetched_at FROM issuer_keys WHERE issuer = $1";
const KEEP: &str = "INSERT INTO issuer_keys (issuer, keys, certificates, fetched_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (issuer) DO UPDATE SET keys = excluded.keys, certificates = excluded.certificates, fetched_at = excluded.fetched_at \
    WHERE issuer_keys.fetched_at <= excluded.fetched_at";
const SWEEP: &str = "DELETE FROM issuer_keys WHERE fetched_at < $1";

/// What one issuer last published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerKeysRow {
    /// Its URL.
    pub issuer: String,
    /// Its set of keys, as it was sent.
    pub keys: Vec<u8>,
    /// Digests of the certificates it proved itself by, in lower-case hex.
    pub certificates: Vec<String>,
    /// When.
    pub fetched_at: Timestamp,
}

impl IssuerKeysRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("issuer_keys", row);
        Ok(Self {
            issuer: f.text("issuer")?,
            keys: f.bytes("keys")?,
            certificates: f.words("certificates")?,
            fetched_at: f.at("fetched_at")?,
        })
    }
}

/// What this issuer last published.
pub async fn find(store: &Store, issuer: &str) -> Result<Option<IssuerKeysRow>, StoreError> {
    store.find(FIND, &[issuer.into()], IssuerKeysRow::read).await
}

/// Keeps what an issuer published, unless something newer is there already.
pub fn keep(row: &IssuerKeysRow) -> Step {
    let keys = Value::Blob(row.keys.clone());
    Step::new(KEEP, vec![row.issuer.as_str().into(), keys, row.certificates.join(",").into(), row.fetched_at.into()], Must::Anything)
}

/// Forgets what was fetched before `before`.
pub fn sweep(before: Timestamp) -> Step {
    Step::new(SWEEP, vec![before.into()], Must::Anything)
}
