//! Tries at a secret: counted before the secret is looked at, so that guesses made at once do not get more than their number.

use std::time::Duration;

use tegata_model::Timestamp;

use crate::{Claim, Must, Step, Store, StoreError, row::Fields};

const SINCE: &str = "SELECT since FROM secret_attempts WHERE subject = $1 AND secret = $2";
const TRIES: &str = "SELECT tries FROM secret_attempts WHERE subject = $1 AND secret = $2 AND since > $3";
const CLAIM: &str = "INSERT INTO secret_attempts (subject, secret, tries, since) VALUES ($1, $2, 1, $3) \
    ON CONFLICT (subject, secret) DO UPDATE SET \
    tries = CASE WHEN secret_attempts.since <= $4 THEN 1 ELSE secret_attempts.tries + 1 END, \
    since = CASE WHEN secret_attempts.since <= $4 THEN $3 ELSE secret_attempts.since END \
    WHERE secret_attempts.since <= $4 OR secret_attempts.tries < $5";
const FORGET: &str = "DELETE FROM secret_attempts WHERE subject = $1 AND secret = $2";
const SWEEP: &str = "DELETE FROM secret_attempts WHERE since IN \
    (SELECT since FROM secret_attempts WHERE since <= $1 ORDER BY since LIMIT 20000)";

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Secret {
    /// The password of a user.
    Password,
    /// A one-time code of a user.
    OneTimeCode,
    /// A secret of a client, from one network.
    Client,
    /// The code that a waiting device shows.
    UserCode,
    /// A place among the devices that may wait.
    Device,
}

impl Secret {
    fn to_i64(self) -> i64 {
        match self {
            Self::Password => 0,
            Self::OneTimeCode => 1,
            Self::UserCode => 2,
            Self::Device => 3,
            Self::Client => 4,
        }
    }
}

/// When the tries that are counted now began; `None` if there are none.
pub async fn since(store: &Store, subject: [u8; 16], secret: Secret) -> Result<Option<Timestamp>, StoreError> {
    store.find(SINCE, &[subject.into(), secret.to_i64().into()], |row| Fields::new("secret_attempts", row).at("since")).await
}

/// How many tries there have been in the window that is open now. Only a claim tells for sure.
pub async fn tries(store: &Store, subject: [u8; 16], secret: Secret, now: Timestamp, window: Duration) -> Result<u64, StoreError> {
    let read = |row| Fields::new("secret_attempts", row).unsigned("tries", Ok::<u64, std::convert::Infallible>);
    let params = [subject.into(), secret.to_i64().into(), now.minus(window).into()];
    Ok(store.find(TRIES, &params, read).await?.unwrap_or(0))
}

/// One more try, unless there have been `most` within the `window` that began with the first of them.
pub fn claim(subject: [u8; 16], secret: Secret, now: Timestamp, window: Duration, most: u32) -> Step {
    let params = vec![subject.into(), secret.to_i64().into(), now.into(), now.minus(window).into(), most.into()];
    Step::new(CLAIM, params, Must::Claim(Claim::Attempt))
}

/// Begins to count anew: the right secret was given.
pub fn forget(subject: [u8; 16], secret: Secret) -> Step {
    Step::new(FORGET, vec![subject.into(), secret.to_i64().into()], Must::Anything)
}

/// Removes counts that began at `before` or earlier, some 20,000 at a time: more than can come between two sweeps, since a password has to be hashed for each.
pub fn sweep(before: Timestamp) -> Step {
    Step::new(SWEEP, vec![before.into()], Must::Anything)
}
