//! What one operation wants to be written, as a value: steps in order, committed together or not at all.

use tegata_model::{AccountId, Timestamp};

use crate::Value;

/// What a step must achieve for its change set to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    /// Nothing: any number of rows will do.
    Anything,
    /// Exactly one row is found or written; otherwise [`CommitError::Changed`](crate::CommitError::Changed).
    Hold,
    /// Exactly one row is written; otherwise [`CommitError::Claimed`](crate::CommitError::Claimed).
    Claim(Claim),
    /// Exactly one row is inserted; otherwise [`CommitError::Exists`](crate::CommitError::Exists) with these words.
    BeNew(&'static str),
}

/// Things that can be used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claim {
    /// The nonce of a signed request.
    Nonce,
    /// An authorization code.
    Code,
    /// A try at a secret, of which there are only so many in a while.
    Attempt,
    /// The time step of a one-time code.
    OtpStep,
    /// A try at sending a letter, or one of the letters that may be asked for.
    Letter,
}

/// One statement with its parameters. Noun files make them; nobody else writes SQL.
#[derive(Debug, Clone)]
pub struct Step {
    pub(crate) statement: &'static str,
    pub(crate) params: Vec<Value>,
    pub(crate) must: Must,
}

impl Step {
    pub(crate) fn new(statement: &'static str, params: Vec<Value>, must: Must) -> Self {
        Self { statement, params, must }
    }

    /// What this step must achieve.
    pub fn must(&self) -> Must {
        self.must
    }
}

/// Everything one operation writes. Steps run in order: first what must still hold, then what is claimed, then the rest. So
/// expectations about a row come before changes to it, and what is refused has not written anything yet, which is cheapest to undo.
#[derive(Debug, Clone)]
pub struct ChangeSet {
    pub(crate) at: Timestamp,
    pub(crate) steps: Vec<Step>,
    pub(crate) touched: Vec<AccountId>,
}

impl ChangeSet {
    /// An empty change set, decided at `now` (the caller's clock).
    pub fn new(now: Timestamp) -> Self {
        Self { at: now, steps: Vec::with_capacity(8), touched: Vec::new() }
    }

    /// When it was decided.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Adds one step at the end.
    pub fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Says that the directory of `account` changes: other processes learn it from the feed, and
    /// [`Store::version`](crate::Store::version) of the account rises before the committer is answered.
    pub fn touch(&mut self, account: AccountId) {
        if !self.touched.contains(&account) {
            self.touched.push(account);
        }
    }

    /// True if there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.touched.is_empty()
    }

    /// Number of steps so far.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Adds everything of `other` at the end; its time is ignored.
    pub fn append(&mut self, other: ChangeSet) {
        self.steps.extend(other.steps);
        other.touched.into_iter().for_each(|account| self.touch(account));
    }
}

impl Extend<Step> for ChangeSet {
    fn extend<I: IntoIterator<Item = Step>>(&mut self, steps: I) {
        self.steps.extend(steps);
    }
}
