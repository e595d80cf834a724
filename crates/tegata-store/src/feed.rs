//! The feed: which accounts' directories changed, in commit order. [`ChangeSet::touch`](crate::ChangeSet::touch) writes it.

use tegata_model::{AccountId, Timestamp};

use crate::{Must, Step};

const ADVANCE: &str = "UPDATE feed_head SET seq = seq + 1 WHERE id = 1";
const APPEND: &str = "INSERT INTO feed (seq, account_id, at) SELECT seq, $1, $2 FROM feed_head WHERE id = 1";
const SWEEP: &str = "DELETE FROM feed WHERE at < $1";

/// What the engine reads to learn of changes by other processes: rows after a number, oldest first.
pub(crate) const AFTER: &str = "SELECT seq, account_id FROM feed WHERE seq > $1 ORDER BY seq LIMIT 1000";
/// The number of the newest row.
pub(crate) const HEAD: &str = "SELECT seq FROM feed_head WHERE id = 1";

/// The row of the head is locked from here to the commit, so numbers have no gaps and are in commit order.
pub(crate) fn append(account: AccountId, at: Timestamp) -> [Step; 2] {
    [Step::new(ADVANCE, Vec::new(), Must::Hold), Step::new(APPEND, vec![account.into(), at.into()], Must::Hold)]
}

/// Forgets rows older than `before`. A process that was away for longer sees the gap and forgets all it had cached.
pub fn sweep(before: Timestamp) -> Step {
    Step::new(SWEEP, vec![before.into()], Must::Anything)
}
