//! Role sessions: marks that take one back, and session policies too large for a token.
//!
//! A session itself has no row of its own: its audit row is its row (see [`crate::audit::sessions`]).

use tegata_model::{Epoch, SessionId, Timestamp};

use crate::{Must, Step, Store, StoreError, row::Fields};

const MARK: &str = "SELECT epoch FROM session_marks WHERE session_id = $1";
const RAISE_MARK: &str = "INSERT INTO session_marks (session_id, epoch, expires_at) VALUES ($1, 1, $2) \
    ON CONFLICT (session_id) DO UPDATE SET epoch = session_marks.epoch + 1";
const SWEEP_MARKS: &str = "DELETE FROM session_marks WHERE session_id IN \
    (SELECT session_id FROM session_marks WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)";
const EXPECT: &str = "SELECT 1 FROM session_marks WHERE session_id = $1 AND epoch = $2";
const EXPECT_NONE: &str = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM session_marks WHERE session_id = $1)";
const POLICY: &str = "SELECT document FROM session_policies WHERE id = $1";
const INSERT_POLICY: &str = "INSERT INTO session_policies (id, document, expires_at) VALUES ($1, $2, $3) \
    ON CONFLICT DO NOTHING";
const SWEEP_POLICIES: &str = "DELETE FROM session_policies WHERE id IN \
    (SELECT id FROM session_policies WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)";

/// The epoch of a session; `None` if it was never marked, which is epoch 0.
pub async fn mark(store: &Store, session: SessionId) -> Result<Option<Epoch>, StoreError> {
    store.find(MARK, &[session.into()], |row| Fields::new("session_marks", row).epoch()).await
}

/// Holds only while the session's epoch is still this one.
pub fn expect(session: SessionId, epoch: Epoch) -> Step {
    if epoch == Epoch(0) {
        return Step::new(EXPECT_NONE, vec![session.into()], Must::Hold);
    }
    Step::new(EXPECT, vec![session.into(), epoch.into()], Must::Hold)
}

/// Ends the session; the mark may be swept once the session would have expired.
pub fn raise_mark(session: SessionId, expires: Timestamp) -> Step {
    Step::new(RAISE_MARK, vec![session.into(), expires.into()], Must::Hold)
}

/// The text of a session policy kept by row.
pub async fn policy(store: &Store, id: [u8; 16]) -> Result<Option<String>, StoreError> {
    store.find(POLICY, &[id.into()], |row| Fields::new("session_policies", row).text("document")).await
}

/// Keeps the text of a session policy until `expires`.
pub fn insert_policy(id: [u8; 16], document: &str, expires: Timestamp) -> Step {
    Step::new(INSERT_POLICY, vec![id.into(), document.into(), expires.into()], Must::BeNew("session policy"))
}

/// Removes up to 1,000 marks and 1,000 policies of sessions that have expired.
pub fn sweep(now: Timestamp) -> [Step; 2] {
    [Step::new(SWEEP_MARKS, vec![now.into()], Must::Anything), Step::new(SWEEP_POLICIES, vec![now.into()], Must::Anything)]
}
