//! Tries at a secret: counted, in the store, before the secret is looked at. So no number of addresses, nodes or requests at
//! once gets more tries than there are.

use std::time::Duration;

use tegata_model::UserId;
use tegata_store::{
    ChangeSet, Claim, CommitError,
    attempt::{self, Secret},
};

use crate::{
    Core,
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
    pub(crate) async fn count_try(&self, mut commit: ChangeSet, user: UserId, secret: Secret, most: u32) -> Result<(), OpError> {
        let (now, subject) = (commit.at(), *user.as_bytes());
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
