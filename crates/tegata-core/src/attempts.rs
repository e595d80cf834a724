//! Tries at a secret: counted, in the store, before the secret is looked at. So no number of addresses, nodes or requests at
//! once gets more tries than there are.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{ClientId, Timestamp, UserId};
use tegata_store::{
    ChangeSet, Claim, CommitError,
    attempt::{self, Secret},
};

use crate::{
    Core,
    audit::address_block,
    caller::Caller,
    error::{AuthnFailure, OpError},
};

/// Tries are counted together for this long after the first of them.
pub(crate) const WINDOW: Duration = Duration::from_mins(15);
/// Tries in a window where the account says nothing else.
pub(crate) const USUAL: u32 = 10;

impl Core {
    /// Counts one more try of this caller at a secret of `user`, and spends the caller's proof with it: a request that is sent
    /// again is no try.
    pub(crate) async fn try_secret(&self, caller: &mut Caller, user: UserId, secret: Secret, most: u32) -> Result<(), OpError> {
        let now = self.now();
        let mut commit = ChangeSet::new(now);
        self.spend(&mut commit, caller, now);
        let counted = self.count_try(commit, user, secret, most).await;
        match &counted {
            Ok(()) => caller.unspent = None,
            Err(OpError::Throttled(_)) => self.recorder.count(now, caller.meta.source, "too-many-tries", &caller.audit_name()),
            Err(_) => {}
        }
        counted
    }

    /// Commits one more try at a secret of `user` together with what `commit` has. Refuses with the time to wait once there
    /// have been `most` within the window.
    pub(crate) async fn count_try(&self, commit: ChangeSet, user: UserId, secret: Secret, most: u32) -> Result<(), OpError> {
        self.count_try_at(commit, *user.as_bytes(), secret, most).await
    }

    /// Whether a secret of a client holds, with its wrong guesses counted by the network they come from: whoever guesses is stopped,
    /// and the client itself, elsewhere, is not. Where nothing was guessed wrong lately, nothing is counted before the look.
    pub(crate) async fn guarded<T>(
        &self,
        client: ClientId,
        source: Option<IpAddr>,
        now: Timestamp,
        holds: impl Future<Output = Result<Option<T>, OpError>> + Send,
    ) -> Result<Option<T>, OpError> {
        let subject = place(client, source);
        let Some(until) = self.memory.guesses.get(&subject) else {
            if let Some(held) = holds.await? {
                return Ok(Some(held));
            }
            // Others that guess at this moment find it before they look.
            self.memory.guesses.insert(subject, now);
            self.count_guess(subject, source, now).await?;
            return Ok(None);
        };
        if now < until {
            return Err(OpError::Throttled(until.since(now).max(Duration::from_secs(1))));
        }
        self.count_guess(subject, source, now).await?;
        let Some(held) = holds.await? else { return Ok(None) };
        let mut commit = ChangeSet::new(now);
        commit.push(attempt::forget(subject, Secret::Client));
        self.store.commit(commit).await.map_err(OpError::internal)?;
        self.memory.guesses.remove(&subject);
        Ok(Some(held))
    }

    async fn count_guess(&self, subject: [u8; 16], source: Option<IpAddr>, now: Timestamp) -> Result<(), OpError> {
        let counted = self.count_try_at(ChangeSet::new(now), subject, Secret::Client, USUAL).await;
        if let Err(OpError::Throttled(wait)) = &counted {
            self.memory.guesses.insert(subject, now.plus(*wait));
            self.recorder.count(now, source, "too-many-tries", "client");
        }
        counted
    }

    async fn count_try_at(&self, mut commit: ChangeSet, subject: [u8; 16], secret: Secret, most: u32) -> Result<(), OpError> {
        let now = commit.at();
        commit.push(attempt::claim(subject, secret, now, WINDOW, most));
        match self.store.commit(commit).await {
            Ok(()) => Ok(()),
            Err(CommitError::Claimed(Claim::Attempt)) => {
                let since = attempt::since(&self.store, subject, secret).await?.unwrap_or(now);
                Err(OpError::Throttled(since.plus(WINDOW).since(now).max(Duration::from_secs(1))))
            }
            Err(CommitError::Claimed(Claim::Nonce)) => Err(OpError::Authentication(AuthnFailure::Replayed)),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }
}

/// By what the guesses at a client's secrets from one network are counted.
fn place(client: ClientId, source: Option<IpAddr>) -> [u8; 16] {
    let network = source.map(address_block).unwrap_or_default();
    let digest = digest(&SHA256, &[b"client", &client.as_bytes()[..], network.as_bytes()].concat());
    digest.as_ref().first_chunk::<16>().copied().unwrap_or_default()
}
