//! Letters that wait to be sent: written with the effect they tell of, claimed by whoever sends them. Their content is sealed.

use tegata_model::{AccountId, Timestamp, UserId};

use crate::{Claim, Must, Row, Step, Store, StoreError, row::Fields};

const INSERT: &str = "INSERT INTO outbox (id, account_id, user_id, kind, sealed, tries, next_at, expires_at, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
const DUE: &str = "SELECT id, account_id, user_id, kind, sealed, tries, next_at, expires_at, created_at FROM outbox \
    WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2";
const CLAIM: &str = "UPDATE outbox SET tries = tries + 1, next_at = $4 WHERE id = $1 AND tries = $2 AND next_at = $3";
const POSTPONE: &str = "UPDATE outbox SET next_at = $3 WHERE id = $1 AND tries = $2";
const DELETE: &str = "DELETE FROM outbox WHERE id = $1";
const WAITING: &str = "SELECT count(*) FROM outbox";
const ASK: &str = "INSERT INTO asked_letters (id, recipient, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const ASKED_AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM asked_letters WHERE recipient = $1 AND at > $2) <= $3";
const UNASK: &str = "DELETE FROM asked_letters WHERE id = $1";
const SWEEP_ASKED: &str = "DELETE FROM asked_letters WHERE at <= $1";

/// One letter.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Immutable id, also the id of the message: sent again it is known again.
    pub id: [u8; 16],
    /// The account of whoever gets it.
    pub account_id: AccountId,
    /// Who gets it.
    pub user_id: UserId,
    /// Which letter it is, in one word.
    pub kind: String,
    /// Address and content, sealed.
    pub sealed: Vec<u8>,
    /// How often somebody has begun to send it.
    pub tries: u32,
    /// When it is to be sent (again).
    pub next_at: Timestamp,
    /// From when on it is not worth sending.
    pub expires_at: Timestamp,
    /// When it was written.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for OutboxRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboxRow").field("kind", &self.kind).field("tries", &self.tries).finish_non_exhaustive()
    }
}

impl OutboxRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("outbox", row);
        Ok(Self {
            id: f.id("id", |bytes| bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            user_id: f.id("user_id", UserId::from_bytes)?,
            kind: f.text("kind")?,
            sealed: f.bytes("sealed")?,
            tries: f.small("tries")?,
            next_at: f.at("next_at")?,
            expires_at: f.at("expires_at")?,
            created_at: f.at("created_at")?,
        })
    }
}

/// A letter to be sent with the next round.
pub fn insert(row: &OutboxRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.user_id.into(),
        row.kind.as_str().into(),
        row.sealed.as_slice().into(),
        row.tries.into(),
        row.next_at.into(),
        row.expires_at.into(),
        row.created_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("letter"))
}

/// At most `limit` letters whose time has come, the longest waiting first.
pub async fn due(store: &Store, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
    store.list(DUE, vec![now.into(), limit.into()], OutboxRow::read).await
}

/// One more try, which belongs to whoever commits this: nobody else begins one before `until`.
pub fn claim(row: &OutboxRow, until: Timestamp) -> Step {
    let params = vec![row.id.into(), row.tries.into(), row.next_at.into(), until.into()];
    Step::new(CLAIM, params, Must::Claim(Claim::Letter))
}

/// The try that was number `tries` has failed; the next is at `next`.
pub fn postpone(id: [u8; 16], tries: u32, next: Timestamp) -> Step {
    Step::new(POSTPONE, vec![id.into(), tries.into(), next.into()], Must::Anything)
}

/// It was sent, or is given up.
pub fn delete(id: [u8; 16]) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Anything)
}

/// How many letters wait.
pub async fn waiting(store: &Store) -> Result<u64, StoreError> {
    store.count(WAITING, &[]).await
}

/// Notes that somebody asked for a letter to `recipient`; holds only while there were at most `most` since `since`, this one
/// among them.
pub fn ask(id: [u8; 16], recipient: [u8; 16], now: Timestamp, since: Timestamp, most: u32) -> [Step; 2] {
    [
        Step::new(ASK, vec![id.into(), recipient.into(), now.into()], Must::BeNew("letter")),
        Step::new(ASKED_AT_MOST, vec![recipient.into(), since.into(), most.into()], Must::Claim(Claim::Letter)),
    ]
}

/// As if nobody had asked: for addresses of nobody, where the work shall be the same and nothing shall stay.
pub fn unask(id: [u8; 16]) -> Step {
    Step::new(UNASK, vec![id.into()], Must::Anything)
}

/// Forgets letters that were asked for at `before` or earlier.
pub fn sweep_asked(before: Timestamp) -> Step {
    Step::new(SWEEP_ASKED, vec![before.into()], Must::Anything)
}
