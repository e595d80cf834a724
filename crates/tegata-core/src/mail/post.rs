//! Sending letters: each belongs to one node at a time, is tried again with growing delay, and is given up in the end.

use std::time::Duration;

use tegata_store::{
    ChangeSet, Claim, CommitError, Step, StoreError,
    outbox::{self, OutboxRow},
};

use super::{MailError, Mailer, Message, letter::Written};
use crate::{Core, error::OpError, keyring::Place};

/// Letters begun in one round.
const ROUND: u32 = 16;
/// How long a try belongs to whoever began it.
const MINE: Duration = Duration::from_mins(5);
/// The longest that one try may take.
const TRY: Duration = Duration::from_mins(1);
/// After the first failure; twice as long after each further one.
const FIRST_DELAY: Duration = Duration::from_secs(30);
/// The longest wait between two tries.
const LONGEST_DELAY: Duration = Duration::from_hours(1);

/// How long after try number `tries` the next one is.
fn delay(tries: u32) -> Duration {
    FIRST_DELAY.saturating_mul(1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX)).min(LONGEST_DELAY)
}

impl Core {
    /// Sends the letters whose time has come; call about every second. Gives back how many were sent. A node without a [`Mailer`]
    /// only gives up what has become too old.
    pub async fn send_letters(&self) -> Result<usize, OpError> {
        let mut sent = 0;
        for row in outbox::due(&self.store, self.now(), ROUND).await? {
            let now = self.now();
            if row.expires_at <= now {
                self.settle(&row, Err("given up: it could not be sent in time")).await?;
                continue;
            }
            let Some(mailer) = &self.mailer else { continue };
            let mut mine = ChangeSet::new(now);
            mine.push(outbox::claim(&row, now.plus(MINE)));
            match self.store.commit(mine).await {
                Ok(()) => {}
                // Another node was quicker.
                Err(CommitError::Claimed(Claim::Letter)) => continue,
                Err(other) => return Err(failed(other)),
            }
            let Ok(message) = self.opened(&row) else {
                self.settle(&row, Err("given up: it cannot be opened")).await?;
                continue;
            };
            let tried = tokio::time::timeout(TRY, carry(mailer.as_ref(), &message)).await;
            let tried = tried.unwrap_or_else(|_| Err(MailError::Unreachable("no answer in time".to_owned())));
            match tried {
                Ok(()) => {
                    self.settle(&row, Ok(())).await?;
                    sent += 1;
                }
                Err(error @ MailError::Refused(_)) => self.settle(&row, Err(&error.to_string())).await?,
                Err(error) => {
                    tracing::warn!(letter = message.kind, id = message.id, tries = row.tries + 1, %error, "a letter could not be sent");
                    let next = self.now().plus(delay(row.tries + 1));
                    if next >= row.expires_at {
                        self.settle(&row, Err(&format!("given up: {error}"))).await?;
                    } else {
                        self.written_letter([outbox::postpone(row.id, row.tries + 1, next)]).await?;
                    }
                    if matches!(error, MailError::Unreachable(_)) {
                        break;
                    }
                }
            }
        }
        Ok(sent)
    }

    /// How many letters wait to be sent.
    pub async fn letters_waiting(&self) -> Result<u64, OpError> {
        Ok(outbox::waiting(&self.store).await?)
    }

    fn opened(&self, row: &OutboxRow) -> Result<Message, OpError> {
        let place = Place { table: "outbox", row: &row.id, account: &row.account_id };
        let text = self.keyring.open_row(&place, &row.sealed).map_err(OpError::internal)?;
        let Written { to, language, letter } = serde_json::from_str(text.expose()).map_err(OpError::internal)?;
        Ok(letter.message(row.id, to, language, self.keyring.issuer()))
    }

    /// It is done with, one way or the other.
    async fn settle(&self, row: &OutboxRow, sent: Result<(), &str>) -> Result<(), OpError> {
        if let Err(why) = sent {
            tracing::warn!(letter = row.kind, user = %row.user_id, "a letter was not sent: {why}");
        }
        let audit = self.letter_row(self.now(), row.account_id, row.user_id, &row.kind, sent);
        self.written_letter([outbox::delete(row.id), audit]).await
    }

    async fn written_letter(&self, steps: impl IntoIterator<Item = Step>) -> Result<(), OpError> {
        let mut changes = ChangeSet::new(self.now());
        changes.extend(steps);
        self.store.commit(changes).await.map_err(failed)
    }
}

async fn carry(mailer: &dyn Mailer, message: &Message) -> Result<(), MailError> {
    mailer.send(message).await
}

fn failed(error: CommitError) -> OpError {
    match error {
        CommitError::Store(error) => error.into(),
        other => OpError::from(StoreError::Engine(std::sync::Arc::new(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_an_hour() {
        let seconds: Vec<u64> = (1..=9).map(|tries| delay(tries).as_secs()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(delay(u32::MAX), LONGEST_DELAY);
    }
}
