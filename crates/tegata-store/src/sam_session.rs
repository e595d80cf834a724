//! Sessions of API keys and tokens. Neither rests here, not even as a hash: both are made of the id, which is no secret.

use tegata_model::{AccountId, SessionId, Timestamp, UserId};

use crate::{Must, Row, Step, Store, StoreError, row::Fields};

const FIND: &str = "SELECT id, account_id, user_id, kid, bound, snapshot, granted, second_factor, source_id, source_user_id, authenticated_at, \
    issued_at, first_expires_at, expires_at, deadline FROM sam_sessions WHERE id = $1";
const INSERT: &str = "INSERT INTO sam_sessions (id, account_id, user_id, kid, bound, snapshot, granted, second_factor, source_id, source_user_id, \
    authenticated_at, issued_at, first_expires_at, expires_at, deadline) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING";
const EXTEND: &str = "UPDATE sam_sessions SET expires_at = CASE WHEN expires_at < $2 THEN $2 ELSE expires_at END WHERE id = $1";
const SWEEP: &str = "DELETE FROM sam_sessions WHERE id IN \
    (SELECT id FROM sam_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)";

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamSessionRow {
    /// Immutable id.
    pub id: SessionId,
    /// The account of the user.
    pub account_id: AccountId,
    /// As whom it acts.
    pub user_id: UserId,
    /// Under which key its API key and its tokens are made.
    pub kid: u32,
    /// What can end it; what that says is not this crate's business.
    pub bound: Vec<u8>,
    /// The hash of the permissions that it was given.
    pub snapshot: Option<Vec<u8>>,
    /// What a person gave to the client that it was exchanged for; what that says is not this crate's business.
    pub granted: Option<Vec<u8>>,
    /// Whether a second factor was given.
    pub second_factor: bool,
    /// The session that it was switched from.
    pub source_id: Option<SessionId>,
    /// Who switched.
    pub source_user_id: Option<UserId>,
    /// When somebody last showed a password or a key for it.
    pub authenticated_at: Timestamp,
    /// When it began.
    pub issued_at: Timestamp,
    /// When its first token ends.
    pub first_expires_at: Timestamp,
    /// When the last of its tokens ends.
    pub expires_at: Timestamp,
    /// The latest moment that any token of it, and anything that comes of it, may reach.
    pub deadline: Timestamp,
}

impl SamSessionRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("sam_sessions", row);
        Ok(Self {
            id: f.id("id", SessionId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            user_id: f.id("user_id", UserId::from_bytes)?,
            kid: f.small("kid")?,
            bound: f.bytes("bound")?,
            snapshot: f.optional_bytes("snapshot")?,
            granted: f.optional_bytes("granted")?,
            second_factor: f.flag("second_factor")?,
            source_id: f.optional_id("source_id", SessionId::from_bytes)?,
            source_user_id: f.optional_id("source_user_id", UserId::from_bytes)?,
            authenticated_at: f.at("authenticated_at")?,
            issued_at: f.at("issued_at")?,
            first_expires_at: f.at("first_expires_at")?,
            expires_at: f.at("expires_at")?,
            deadline: f.at("deadline")?,
        })
    }
}

/// The session with this id.
pub async fn find(store: &Store, id: SessionId) -> Result<Option<SamSessionRow>, StoreError> {
    store.find(FIND, &[id.into()], SamSessionRow::read).await
}

/// A new session.
pub fn insert(row: &SamSessionRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.user_id.into(),
        row.kid.into(),
        row.bound.as_slice().into(),
        row.snapshot.clone().into(),
        row.granted.clone().into(),
        row.second_factor.into(),
        row.source_id.into(),
        row.source_user_id.into(),
        row.authenticated_at.into(),
        row.issued_at.into(),
        row.first_expires_at.into(),
        row.expires_at.into(),
        row.deadline.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("session"))
}

/// One more token of the session was given out, which ends at `until`.
pub fn extend(id: SessionId, until: Timestamp) -> Step {
    Step::new(EXTEND, vec![id.into(), until.into()], Must::Hold)
}

/// Removes up to 1,000 sessions whose last token has ended.
pub fn sweep(now: Timestamp) -> Step {
    Step::new(SWEEP, vec![now.into()], Must::Anything)
}
