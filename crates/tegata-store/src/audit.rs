//! The audit trail: one row per effect or refusal of a known caller, written in the same commit; and counts of the rest.

use std::borrow::Cow;

use tegata_model::{AccountId, NodeId, RequestId, SessionId, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, Value, row::Fields};

const INSERT: &str = "INSERT INTO audit (node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const FIND_BY_REQUEST: &str = "SELECT node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail FROM audit WHERE request_id = $1 ORDER BY at DESC, node, seq LIMIT 1";
const FIND_BY_REQUEST_RANGE: &str = "SELECT node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail FROM audit WHERE request_id >= $1 AND request_id <= $2 \
    ORDER BY request_id, node, seq LIMIT 1";
const FIND_BY_SESSION: &str = "SELECT node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail FROM audit WHERE account_id = $1 AND session_id = $2 LIMIT 1";
// The account is compared by whoever reads the rows: an engine that is told of it may look through all rows of the account.
const REQUESTS: &str = "SELECT node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail FROM audit WHERE request_id >= $1 AND request_id <= $2 \
    ORDER BY request_id, node, seq LIMIT 16";
const SESSIONS: &str = "SELECT node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail FROM audit WHERE account_id = $1 AND session_id >= $2 AND session_id < $3 \
    ORDER BY session_id DESC LIMIT $4";
const PAGE: &str = "SELECT node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail FROM audit WHERE account_id = $1 AND at >= $2 AND at <= $3 \
    AND (at < $3 OR node > $4 OR (node = $4 AND seq < $5)) ORDER BY at DESC, node, seq DESC LIMIT $6";
const OF_KEY: &str = "SELECT node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail FROM audit WHERE account_id = $1 AND at >= $2 AND access_key_id = $3 \
    ORDER BY at DESC, node, seq DESC LIMIT $4";
// One statement per shape: an engine cannot use an index for `column = $1 OR $1 IS NULL`.
const TAIL_OF_ACCOUNT: &str = "SELECT node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail FROM audit WHERE account_id = $1 AND at >= $2 AND at < $3 \
    AND outcome >= $4 AND outcome <= $5 ORDER BY at DESC, node, seq DESC LIMIT $6";
const TAIL: &str = "SELECT node, seq, at, request_id, account_id, action, resource, caller_kind, caller_id, caller, \
    access_key_id, session_id, outcome, source, detail FROM audit WHERE at >= $1 AND at < $2 \
    AND outcome >= $3 AND outcome <= $4 ORDER BY at DESC, node, seq DESC LIMIT $5";
const LAST_SEQ: &str = "SELECT seq FROM audit WHERE node = $1 ORDER BY seq DESC LIMIT 1";
const COUNT_REFUSALS: &str = "INSERT INTO refusal_counts (minute, source, reason, count, sample) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (minute, source, reason) DO UPDATE SET count = refusal_counts.count + excluded.count";
const REFUSALS: &str = "SELECT minute, source, reason, count, sample FROM refusal_counts WHERE minute >= $1 \
    ORDER BY minute DESC, source, reason LIMIT $2";
const SWEEP_REFUSALS: &str = "DELETE FROM refusal_counts WHERE minute < $1";

/// What kind of principal asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// Nobody was authenticated.
    Anonymous,
    /// The root of an account.
    Root,
    /// A user.
    User,
    /// A session of a role.
    RoleSession,
    /// An OAuth client.
    Client,
    /// This program itself: a job, or a command on the server's machine.
    System,
    /// Somebody whom an identity provider vouched for, who is not a user of ours.
    Federated,
}

impl CallerKind {
    fn from_i64(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Anonymous,
            1 => Self::Root,
            2 => Self::User,
            3 => Self::RoleSession,
            4 => Self::Client,
            5 => Self::System,
            6 => Self::Federated,
            _ => return None,
        })
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::Anonymous => 0,
            Self::Root => 1,
            Self::User => 2,
            Self::RoleSession => 3,
            Self::Client => 4,
            Self::System => 5,
            Self::Federated => 6,
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Refused; nothing was changed.
    Refused,
    /// Done, in the same commit as this row.
    Done,
}

impl Outcome {
    fn from_i64(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Refused),
            1 => Some(Self::Done),
            _ => None,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::Refused => 0,
            Self::Done => 1,
        }
    }
}

/// One audit row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The process that wrote it.
    pub node: NodeId,
    /// Its number there, rising.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The request, as told to the caller.
    pub request_id: RequestId,
    /// Whose trail it belongs to.
    pub account_id: Option<AccountId>,
    /// The canonical action.
    pub action: Cow<'static, str>,
    /// What it was asked of.
    pub resource: String,
    /// What kind of principal asked.
    pub caller_kind: CallerKind,
    /// Bytes of the principal's immutable id.
    pub caller_id: Option<[u8; 16]>,
    /// The principal in words.
    pub caller: String,
    /// The public id of the key that signed.
    pub access_key_id: Option<String>,
    /// The session this row gave birth to; the row is the session's row.
    pub session_id: Option<SessionId>,
    /// How it ended.
    pub outcome: Outcome,
    /// The address it came from.
    pub source: String,
    /// The rest, as JSON.
    pub detail: String,
}

impl AuditRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("audit", row);
        Ok(Self {
            node: f.id("node", NodeId::from_bytes)?,
            seq: f.int("seq")?,
            at: f.at("at")?,
            request_id: f.id("request_id", RequestId::from_bytes)?,
            account_id: f.optional_id("account_id", AccountId::from_bytes)?,
            action: Cow::Owned(f.text("action")?),
            resource: f.text("resource")?,
            caller_kind: f.number("caller_kind", CallerKind::from_i64)?,
            caller_id: f.optional_id("caller_id", |bytes| bytes)?,
            caller: f.text("caller")?,
            access_key_id: f.optional_text("access_key_id")?,
            session_id: f.optional_id("session_id", SessionId::from_bytes)?,
            outcome: f.number("outcome", Outcome::from_i64)?,
            source: f.text("source")?,
            detail: f.text("detail")?,
        })
    }
}

/// Which rows [`tail`] gives.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only this account's trail.
    pub account: Option<AccountId>,
    /// Only rows not older than this.
    pub since: Option<Timestamp>,
    /// Only rows older than this.
    pub until: Option<Timestamp>,
    /// Only rows that ended so.
    pub outcome: Option<Outcome>,
}

/// Refusals before anybody was authenticated, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalCount {
    /// Start of the minute.
    pub minute: Timestamp,
    /// The block of addresses they came from.
    pub source: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: i64,
    /// One of them, in words.
    pub sample: String,
}

/// The audit row of a request.
pub async fn find_by_request(store: &Store, request: RequestId) -> Result<Option<AuditRow>, StoreError> {
    store.find(FIND_BY_REQUEST, &[request.into()], AuditRow::read).await
}

/// The audit row of the request whose id begins with these bytes: the short spelling that some clients are told.
pub async fn find_by_request_prefix(store: &Store, prefix: [u8; 12]) -> Result<Option<AuditRow>, StoreError> {
    let (first, last) = beginning_with(prefix);
    store.find(FIND_BY_REQUEST_RANGE, &[first.into(), last.into()], AuditRow::read).await
}

/// The row that a request has in the trail of one account. Of a request between two accounts each has its own.
pub async fn find_by_request_of(store: &Store, account: AccountId, request: RequestId) -> Result<Option<AuditRow>, StoreError> {
    among(store, account, request, request).await
}

/// The same by the beginning of the request's id.
pub async fn find_by_request_prefix_of(store: &Store, account: AccountId, prefix: [u8; 12]) -> Result<Option<AuditRow>, StoreError> {
    let (first, last) = beginning_with(prefix);
    among(store, account, first, last).await
}

async fn among(store: &Store, account: AccountId, first: RequestId, last: RequestId) -> Result<Option<AuditRow>, StoreError> {
    let rows = store.list(REQUESTS, vec![first.into(), last.into()], AuditRow::read).await?;
    Ok(rows.into_iter().find(|row| row.account_id == Some(account)))
}

fn beginning_with(prefix: [u8; 12]) -> (RequestId, RequestId) {
    let bound = |rest: u8| {
        let mut bytes = [rest; 16];
        for (byte, known) in bytes.iter_mut().zip(prefix) {
            *byte = known;
        }
        RequestId::from_bytes(bytes)
    };
    (bound(0), bound(u8::MAX))
}

/// The row in an account's trail that a session was born with.
pub async fn find_by_session(store: &Store, account: AccountId, session: SessionId) -> Result<Option<AuditRow>, StoreError> {
    store.find(FIND_BY_SESSION, &[account.into(), session.into()], AuditRow::read).await
}

/// The rows that sessions were born with, newest first: ids from `oldest` on and below `before`, at most `limit`.
pub async fn sessions(
    store: &Store,
    account: AccountId,
    oldest: SessionId,
    before: SessionId,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    store.list(SESSIONS, vec![account.into(), oldest.into(), before.into(), limit.into()], AuditRow::read).await
}

/// A place in an account's trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// When the row was written.
    pub at: Timestamp,
    /// By which process.
    pub node: NodeId,
    /// Its number there.
    pub seq: i64,
}

impl AuditRow {
    /// Where it stands.
    pub fn position(&self) -> Position {
        Position { at: self.at, node: self.node, seq: self.seq }
    }
}

/// The rows of an account that are not older than `since` and stand behind `after`, newest first, at most `limit`.
pub async fn page(
    store: &Store,
    account: AccountId,
    since: Timestamp,
    after: Option<Position>,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    let first = Position { at: Timestamp::from_unix(i64::MAX), node: NodeId::from_bytes([0; 16]), seq: 0 };
    let Position { at, node, seq } = after.unwrap_or(first);
    store.list(PAGE, vec![account.into(), since.into(), at.into(), node.into(), seq.into(), limit.into()], AuditRow::read).await
}

/// What was asked with one key, long-term or temporary, and stands in the trail of an account: newest first, at most `limit`.
pub async fn of_key(store: &Store, account: AccountId, key_id: &str, since: Timestamp, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
    store.list(OF_KEY, vec![account.into(), since.into(), key_id.into(), limit.into()], AuditRow::read).await
}

/// The newest rows that pass the filter, newest first, at most `limit`.
pub async fn tail(store: &Store, filter: Filter, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
    let since = filter.since.map_or(i64::MIN, Timestamp::unix);
    let until = filter.until.map_or(i64::MAX, Timestamp::unix);
    let (least, most) = filter.outcome.map_or((i64::MIN, i64::MAX), |outcome| (outcome.to_i64(), outcome.to_i64()));
    let mut params: Vec<Value> = vec![since.into(), until.into(), least.into(), most.into(), limit.into()];
    match filter.account {
        None => store.list(TAIL, params, AuditRow::read).await,
        Some(account) => {
            params.insert(0, account.into());
            store.list(TAIL_OF_ACCOUNT, params, AuditRow::read).await
        }
    }
}

/// The newest number a node has used.
pub async fn last_seq(store: &Store, node: NodeId) -> Result<Option<i64>, StoreError> {
    store.find(LAST_SEQ, &[node.into()], |row| Fields::new("audit", row).int("seq")).await
}

/// Writes the row. Takes it by value: texts move into the statement.
pub fn insert(row: AuditRow) -> Step {
    let params = vec![
        row.node.into(),
        row.seq.into(),
        row.at.into(),
        row.request_id.into(),
        row.account_id.into(),
        row.action.into(),
        row.resource.into(),
        row.caller_kind.to_i64().into(),
        row.caller_id.into(),
        row.caller.into(),
        row.access_key_id.into(),
        row.session_id.into(),
        row.outcome.to_i64().into(),
        row.source.into(),
        row.detail.into(),
    ];
    Step::new(INSERT, params, Must::Hold)
}

/// Adds to the count of one minute, source and reason; the first sample is kept.
pub fn count_refusals(count: &RefusalCount) -> Step {
    let params = vec![
        count.minute.into(),
        count.source.as_str().into(),
        count.reason.as_str().into(),
        count.count.into(),
        count.sample.as_str().into(),
    ];
    Step::new(COUNT_REFUSALS, params, Must::Hold)
}

/// Counts since a moment, newest first, at most `limit`.
pub async fn refusals(store: &Store, since: Timestamp, limit: u32) -> Result<Vec<RefusalCount>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("refusal_counts", row);
        Ok(RefusalCount {
            minute: f.at("minute")?,
            source: f.text("source")?,
            reason: f.text("reason")?,
            count: f.int("count")?,
            sample: f.text("sample")?,
        })
    };
    store.list(REFUSALS, vec![since.into(), limit.into()], read).await
}

/// Forgets counts older than `before`.
pub fn sweep_refusals(before: Timestamp) -> Step {
    Step::new(SWEEP_REFUSALS, vec![before.into()], Must::Anything)
}
