//! Take a token back (RFC 7009).

use tegata_model::SecretKey;
use tegata_store::{ChangeSet, grant, session};

use super::{Bound, RefreshToken, application, asking};
use crate::{
    actions::{Action, OAUTH_REVOKE},
    audit::Entry,
    caller::Caller,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Take a token back: a refresh token with its whole grant, an access token alone. A token that is none, or another client's, is
/// taken back as little as it was good; the answer is the same.
#[derive(Debug)]
pub struct Revoke {
    /// The token.
    pub token: SecretKey,
}

impl Operation for Revoke {
    const ACTION: Action = OAUTH_REVOKE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let (live, _) = asking(caller, Self::ACTION, &self.resource(caller))?;
        let Some(client) = live.row() else { return Ok(Effect::nothing(())) };
        let core = view.core();
        let mut changes = ChangeSet::new(view.now());
        changes.touch(caller.account());
        if let Some(token) = RefreshToken::read(&core.keyring, self.token.expose()) {
            let Some(row) = grant::find(&core.store, token.grant).await? else { return Ok(Effect::nothing(())) };
            let own = Bound::of_bytes(&row.bound).is_some_and(|bound| bound.client == client.id);
            if !own || row.ended_at.is_some() {
                return Ok(Effect::nothing(()));
            }
            changes.touch(row.account_id);
            changes.push(grant::end(row.id, view.now()));
            return Ok(Effect::with((), changes, Entry { note: Some(format!("ended {}", row.id)), ..Entry::default() }));
        }
        let access = match core.live_access(self.token.expose(), view.now()).await {
            Ok(access) => access,
            Err(error @ (OpError::Internal(_) | OpError::Throttled(_))) => return Err(error),
            Err(_) => return Ok(Effect::nothing(())),
        };
        if access.bound.client != client.id {
            return Ok(Effect::nothing(()));
        }
        changes.touch(access.facts.account.id);
        changes.push(session::raise_mark(access.session, access.claims.expires_at()));
        Ok(Effect::with((), changes, Entry { note: Some(format!("ended token {}", access.session)), ..Entry::default() }))
    }
}
