//! Grants: chains of tokens. Of a refresh token only its number in the chain rests here.

use std::time::Duration;

use tegata_model::{AccountId, Epoch, Generation, GrantId, InstallationId, Timestamp};

use crate::{
    Must, Row, Step, Store, StoreError,
    client::{joined, length, seconds, split, yes_or_no},
    row::Fields,
};

const FIND: &str = "SELECT id, account_id, installation_id, identity_id, bound, scopes, refreshable, dpop_key, auth_time, next_refresh, \
    used_at, used_before_at, idle_seconds, expires_at, ended_at, epoch, generation, created_at FROM grants WHERE id = $1";
const INSERT: &str = "INSERT INTO grants (id, account_id, installation_id, identity_id, bound, scopes, refreshable, dpop_key, auth_time, \
    next_refresh, used_at, used_before_at, idle_seconds, expires_at, ended_at, epoch, generation, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM grants WHERE id = $1 AND generation = $2";
const EXPECT_ALIVE: &str = "SELECT 1 FROM grants WHERE id = $1 AND epoch = $2 AND ended_at IS NULL";
const END_OF_IDENTITY: &str = "UPDATE grants SET ended_at = $3, epoch = epoch + 1, generation = generation + 1 \
    WHERE installation_id = $1 AND identity_id = $2 AND ended_at IS NULL";
const END_OF_UNASSIGNED: &str = "UPDATE grants SET ended_at = $3, epoch = epoch + 1, generation = generation + 1 \
    WHERE installation_id = $1 AND identity_id <> $2 AND ended_at IS NULL AND NOT EXISTS \
    (SELECT 1 FROM assignments WHERE assignments.installation_id = $1 AND assignments.identity_id = grants.identity_id)";
const BIND_KEY: &str = "UPDATE grants SET dpop_key = $2, generation = generation + 1 WHERE id = $1 AND dpop_key IS NULL";
const USE: &str = "UPDATE grants SET next_refresh = next_refresh + 1, used_before_at = used_at, used_at = $3, generation = generation + 1 \
    WHERE id = $1 AND next_refresh = $2 AND ended_at IS NULL";
const TOUCH: &str = "UPDATE grants SET used_at = $2, generation = generation + 1 WHERE id = $1 AND ended_at IS NULL";
const END: &str = "UPDATE grants SET ended_at = $2, epoch = epoch + 1, generation = generation + 1 WHERE id = $1 AND ended_at IS NULL";
const SWEEP_CODES: &str = "DELETE FROM codes WHERE hash IN (SELECT hash FROM codes WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)";
const SWEEP: &str = "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_at <= $1 AND NOT EXISTS \
    (SELECT 1 FROM codes WHERE codes.grant_id = grants.id) ORDER BY expires_at LIMIT 1000)";

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRow {
    /// Immutable id.
    pub id: GrantId,
    /// The account of the identity.
    pub account_id: AccountId,
    /// Through which installation.
    pub installation_id: InstallationId,
    /// The id of the user or role that acts.
    pub identity_id: [u8; 16],
    /// What it stands on, by ids and epochs; made and read by the core.
    pub bound: Vec<u8>,
    /// Which scopes.
    pub scopes: Vec<String>,
    /// Whether it has refresh tokens.
    pub refreshable: bool,
    /// The thumbprint of the key its tokens are bound to.
    pub dpop_key: Option<String>,
    /// When the person last signed in.
    pub auth_time: Timestamp,
    /// The number of the refresh token that has not been used yet. All before it have been.
    pub next_refresh: i64,
    /// When the newest refresh token that has been used was first used; its birth if none was.
    pub used_at: Timestamp,
    /// The same of the one before.
    pub used_before_at: Timestamp,
    /// After how long without use it ends; whole seconds.
    pub idle: Duration,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// Since when it is over before its time.
    pub ended_at: Option<Timestamp>,
    /// Raised to end its tokens.
    pub epoch: Epoch,
    /// Raised by any change to it.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
}

impl GrantRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("grants", row);
        Ok(Self {
            id: f.id("id", GrantId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            installation_id: f.id("installation_id", InstallationId::from_bytes)?,
            identity_id: f.id("identity_id", |bytes| bytes)?,
            bound: f.bytes("bound")?,
            scopes: split(&f.text("scopes")?),
            refreshable: f.number("refreshable", yes_or_no)?,
            dpop_key: f.optional_text("dpop_key")?,
            auth_time: f.at("auth_time")?,
            next_refresh: f.int("next_refresh")?,
            used_at: f.at("used_at")?,
            used_before_at: f.at("used_before_at")?,
            idle: f.number("idle_seconds", length)?,
            expires_at: f.at("expires_at")?,
            ended_at: f.optional_at("ended_at")?,
            epoch: f.epoch()?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
        })
    }
}

/// The grant with this id.
pub async fn find(store: &Store, id: GrantId) -> Result<Option<GrantRow>, StoreError> {
    store.find(FIND, &[id.into()], GrantRow::read).await
}

/// A new grant.
pub fn insert(row: &GrantRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.installation_id.into(),
        row.identity_id.into(),
        row.bound.as_slice().into(),
        joined(&row.scopes),
        i64::from(row.refreshable).into(),
        row.dpop_key.clone().into(),
        row.auth_time.into(),
        row.next_refresh.into(),
        row.used_at.into(),
        row.used_before_at.into(),
        seconds(row.idle),
        row.expires_at.into(),
        row.ended_at.into(),
        row.epoch.into(),
        row.generation.into(),
        row.created_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("grant"))
}

/// The grant must still be as it was read.
pub fn expect(id: GrantId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// The grant must still be alive, with the epoch it had.
pub fn expect_alive(id: GrantId, epoch: Epoch) -> Step {
    Step::new(EXPECT_ALIVE, vec![id.into(), epoch.into()], Must::Hold)
}

/// From now on its tokens are bound to a key, once and for all.
pub fn bind_key(id: GrantId, thumbprint: &str) -> Step {
    Step::new(BIND_KEY, vec![id.into(), thumbprint.into()], Must::Hold)
}

/// The refresh token of this number is used for the first time.
pub fn use_refresh(id: GrantId, number: i64, now: Timestamp) -> Step {
    Step::new(USE, vec![id.into(), number.into(), now.into()], Must::Hold)
}

/// The grant is used again without a new refresh token.
pub fn touch(id: GrantId, now: Timestamp) -> Step {
    Step::new(TOUCH, vec![id.into(), now.into()], Must::Hold)
}

/// Ends the grant and all its tokens; nothing new if it is over already.
pub fn end(id: GrantId, now: Timestamp) -> Step {
    Step::new(END, vec![id.into(), now.into()], Must::Anything)
}

/// Ends everything an identity has through an installation.
pub fn end_of_identity(installation: InstallationId, identity: [u8; 16], now: Timestamp) -> Step {
    Step::new(END_OF_IDENTITY, vec![installation.into(), identity.into(), now.into()], Must::Anything)
}

/// Ends the grants of an installation that belong to nobody who is assigned, but for those of `owner`.
pub fn end_of_unassigned(installation: InstallationId, owner: [u8; 16], now: Timestamp) -> Step {
    Step::new(END_OF_UNASSIGNED, vec![installation.into(), owner.into(), now.into()], Must::Anything)
}

/// Removes up to 1,000 codes and 1,000 grants whose time is over.
pub fn sweep(now: Timestamp) -> [Step; 2] {
    [Step::new(SWEEP_CODES, vec![now.into()], Must::Anything), Step::new(SWEEP, vec![now.into()], Must::Anything)]
}
