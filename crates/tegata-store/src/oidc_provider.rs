//! OpenID providers: issuers whose tokens an account lets in, where a role trusts them.

use std::time::Duration;

use tegata_model::{
    AccountId, AudienceName, Epoch, Fingerprint, Generation, IssuerUrl, NameError, OidcProviderId, OidcProviderName, Status, Timestamp,
};

use crate::{Must, Row, Step, Store, StoreError, row::Fields};

const FIND: &str = "SELECT id, account_id, name, issuer, client_ids, fingerprints, issuance_limit_hours, description, status, epoch, \
    generation, created_at, updated_at FROM oidc_providers WHERE id = $1";
const FIND_BY_NAME: &str = "SELECT id, account_id, name, issuer, client_ids, fingerprints, issuance_limit_hours, description, status, \
    epoch, generation, created_at, updated_at FROM oidc_providers WHERE account_id = $1 AND name_folded = $2";
const FIND_BY_ISSUER: &str = "SELECT id, account_id, name, issuer, client_ids, fingerprints, issuance_limit_hours, description, status, \
    epoch, generation, created_at, updated_at FROM oidc_providers WHERE account_id = $1 AND issuer = $2";
const LIST: &str = "SELECT id, account_id, name, issuer, client_ids, fingerprints, issuance_limit_hours, description, status, epoch, \
    generation, created_at, updated_at FROM oidc_providers WHERE account_id = $1 AND name_folded > $2 ORDER BY name_folded LIMIT $3";
const INSERT: &str = "INSERT INTO oidc_providers (id, account_id, name, name_folded, issuer, client_ids, fingerprints, \
    issuance_limit_hours, description, status, epoch, generation, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE oidc_providers SET client_ids = $2, fingerprints = $3, issuance_limit_hours = $4, description = $5, \
    updated_at = $6, generation = generation + 1 WHERE id = $1";
const EXPECT: &str = "SELECT 1 FROM oidc_providers WHERE id = $1 AND generation = $2";
const RAISE_EPOCH: &str = "UPDATE oidc_providers SET epoch = epoch + 1, generation = generation + 1 WHERE id = $1";
const SET_STATUS: &str = "UPDATE oidc_providers SET status = $2, generation = generation + 1 WHERE id = $1";
const COUNT: &str = "SELECT count(*) FROM oidc_providers WHERE account_id = $1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM oidc_providers WHERE account_id = $1) <= $2";
const DELETE: &str = "DELETE FROM oidc_providers WHERE id = $1";

/// One OpenID provider of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcProviderRow {
    /// Immutable id.
    pub id: OidcProviderId,
    /// The account that trusts it.
    pub account_id: AccountId,
    /// Its name: unique in the account, without case.
    pub name: OidcProviderName,
    /// What it calls itself in its tokens: unique in the account.
    pub issuer: IssuerUrl,
    /// Audiences that are accepted.
    pub client_ids: Vec<AudienceName>,
    /// Digests of certificates, one of which it must prove itself by; none means that any trusted authority will do.
    pub fingerprints: Vec<Fingerprint>,
    /// How long ago a token may have been issued; whole hours.
    pub issuance_limit: Duration,
    /// For people.
    pub description: String,
    /// Whether its tokens are taken at all.
    pub status: Status,
    /// Raised to end every session that began with one of its tokens.
    pub epoch: Epoch,
    /// Raised by any change to it.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl OidcProviderRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("oidc_providers", row);
        Ok(Self {
            id: f.id("id", OidcProviderId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            name: f.parsed("name", OidcProviderName::new)?,
            issuer: f.parsed("issuer", IssuerUrl::new)?,
            client_ids: each(&f.words("client_ids")?, AudienceName::new).map_err(|_| f.corrupt("client_ids"))?,
            fingerprints: each(&f.words("fingerprints")?, Fingerprint::new).map_err(|_| f.corrupt("fingerprints"))?,
            issuance_limit: f.number("issuance_limit_hours", |hours| u64::try_from(hours).ok().map(Duration::from_hours))?,
            description: f.text("description")?,
            status: f.status()?,
            epoch: f.epoch()?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
            updated_at: f.at("updated_at")?,
        })
    }

    fn hours(&self) -> i64 {
        i64::try_from(self.issuance_limit.as_secs() / 3600).unwrap_or(i64::MAX)
    }
}

fn each<T>(words: &[String], make: fn(&str) -> Result<T, NameError>) -> Result<Vec<T>, NameError> {
    words.iter().map(|word| make(word)).collect()
}

fn joined<T: AsRef<str>>(words: &[T]) -> String {
    words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(",")
}

/// The provider with this id.
pub async fn find(store: &Store, id: OidcProviderId) -> Result<Option<OidcProviderRow>, StoreError> {
    store.find(FIND, &[id.into()], OidcProviderRow::read).await
}

/// The provider of the account with this name, folded as [`OidcProviderName::folded`] does.
pub async fn find_by_name(store: &Store, account: AccountId, folded: &str) -> Result<Option<OidcProviderRow>, StoreError> {
    store.find(FIND_BY_NAME, &[account.into(), folded.into()], OidcProviderRow::read).await
}

/// The provider of the account for this issuer.
pub async fn find_by_issuer(store: &Store, account: AccountId, issuer: &IssuerUrl) -> Result<Option<OidcProviderRow>, StoreError> {
    store.find(FIND_BY_ISSUER, &[account.into(), issuer.as_str().into()], OidcProviderRow::read).await
}

/// Providers of the account by folded name, those after `after` (`""` for all), at most `limit`.
pub async fn list(store: &Store, account: AccountId, after: &str, limit: u32) -> Result<Vec<OidcProviderRow>, StoreError> {
    store.list(LIST, vec![account.into(), after.into(), limit.into()], OidcProviderRow::read).await
}

/// How many providers the account has.
pub async fn count(store: &Store, account: AccountId) -> Result<u64, StoreError> {
    store.count(COUNT, &[account.into()]).await
}

/// A new provider; refused if its name or its issuer is taken in the account.
pub fn insert(row: &OidcProviderRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.name.as_str().into(),
        row.name.folded().into(),
        row.issuer.as_str().into(),
        joined(&row.client_ids).into(),
        joined(&row.fingerprints).into(),
        row.hours().into(),
        row.description.as_str().into(),
        row.status.into(),
        row.epoch.into(),
        row.generation.into(),
        row.created_at.into(),
        row.updated_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("OIDC provider"))
}

/// Writes whom it is for, how it proves itself, how old its tokens may be, and what is said of it.
pub fn update(row: &OidcProviderRow) -> Step {
    let params = vec![
        row.id.into(),
        joined(&row.client_ids).into(),
        joined(&row.fingerprints).into(),
        row.hours().into(),
        row.description.as_str().into(),
        row.updated_at.into(),
    ];
    Step::new(UPDATE, params, Must::Hold)
}

/// The account has at most this many providers, the new one among them. Goes after [`insert`].
pub fn at_most(account: AccountId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![account.into(), limit.into()], Must::Hold)
}

/// The provider must still be as it was read.
pub fn expect(id: OidcProviderId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Ends every session that began with one of its tokens.
pub fn raise_epoch(id: OidcProviderId) -> Step {
    Step::new(RAISE_EPOCH, vec![id.into()], Must::Hold)
}

/// Switches the provider on or off.
pub fn set_status(id: OidcProviderId, status: Status) -> Step {
    Step::new(SET_STATUS, vec![id.into(), status.into()], Must::Hold)
}

/// Removes the provider; roles that trusted it trust nobody in its place.
pub fn delete(id: OidcProviderId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Hold)
}
