//! One more token for a session, and its end.

use std::time::Duration;

use tegata_model::{SecretKey, Timestamp};
use tegata_store::{ChangeSet, sam_session, session, user};

use super::{Holder, LiveSam, pair};
use crate::{
    LayerKind,
    actions::{Action, SAM_RENEW_TOKEN, SAM_SIGN_OUT, TEGATA_REVOKE_SESSIONS},
    audit::Entry,
    authz,
    caller::{Caller, Evidence},
    directory::changes,
    error::{DeniedBy, Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// How long a token lives if nobody says so.
pub(super) const USUAL: Duration = Duration::from_hours(24);
/// How long a session may be renewed after somebody last showed a password or a key.
pub(super) const DEADLINE: Duration = Duration::from_hours(48);
/// The shortest life of a token.
pub(super) const SHORTEST: Duration = Duration::from_mins(3);

/// A life of a token within these bounds.
pub(super) fn lifetime(asked: Option<Duration>, usual: Duration, longest: Duration) -> Result<Duration, OpError> {
    let asked = asked.unwrap_or(usual);
    if (SHORTEST..=longest).contains(&asked) {
        return Ok(asked);
    }
    let rule = format!("a token lives between {} and {} seconds", SHORTEST.as_secs(), longest.as_secs());
    Err(OpError::invalid(Input::Lifetime, ProblemKind::OutOfRange, rule))
}

/// The session that asks. Whoever asks by another proof is refused as by policy.
pub(super) fn asking<'a>(caller: &'a Caller, action: Action) -> Result<&'a LiveSam, OpError> {
    match &caller.evidence {
        Evidence::Sam(sam) => Ok(sam),
        Evidence::Key(_)
        | Evidence::Session(_)
        | Evidence::Token(_)
        | Evidence::Client { .. }
        | Evidence::Access(_)
        | Evidence::Browser(_) => {
            let by = DeniedBy::Layer { layer: LayerKind::Identity, explicit: false };
            Err(authz::denied(caller, action, &ResourceName::Caller, by, None))
        }
    }
}

/// A token that has just been made.
#[derive(Debug)]
pub struct RenewedToken {
    /// The token.
    pub token: SecretKey,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Take one more token for the session that asks. The API key stays; the token before goes on until its own end. No token reaches beyond
/// the deadline of the session.
#[derive(Debug, Clone)]
pub struct RenewToken {
    /// How long it shall live; 24 hours if nothing is said, 48 at most.
    pub lifetime: Option<Duration>,
}

impl Operation for RenewToken {
    const ACTION: Action = SAM_RENEW_TOKEN;
    type Output = RenewedToken;

    fn resource(&self, _caller: &Caller) -> ResourceName {
        ResourceName::Caller
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<RenewedToken>, OpError> {
        let sam = asking(caller, Self::ACTION)?;
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let lifetime = lifetime(self.lifetime, USUAL, DEADLINE)?;
        let (now, row) = (view.now(), &sam.row);
        let expires_at = now.plus(lifetime).min(row.deadline);
        let token = pair::token(&view.core().keyring, row.kid, row.id, &sam.principal, (now, expires_at))?;
        let mut changes = ChangeSet::new(now);
        changes.push(sam_session::extend(row.id, expires_at));
        let note = Some(format!("{} until {}", row.id, expires_at.to_iso()));
        Ok(Effect::with(RenewedToken { token, expires_at }, changes, Entry { by: permit.spend(), note, ..Entry::default() }))
    }
}

/// End the session that asks, with all of its tokens and whatever came of it. Nobody needs a permission for that.
#[derive(Debug, Clone)]
pub struct SignOut;

impl Operation for SignOut {
    const ACTION: Action = SAM_SIGN_OUT;
    type Output = ();

    fn resource(&self, _caller: &Caller) -> ResourceName {
        ResourceName::Caller
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let sam = asking(caller, Self::ACTION)?;
        let mut changes = ChangeSet::new(view.now());
        // Whoever remembers the session, or one that came of it, looks again.
        changes.touch(sam.row.account_id);
        changes.push(session::raise_mark(sam.row.id, sam.row.deadline));
        let note = Some(sam.row.id.to_string());
        Ok(Effect::with((), changes, Entry { note, ..Entry::default() }))
    }
}

/// End every session that began in the name of a user or of the owner, of whichever kind. Its keys stay as they are.
#[derive(Debug, Clone)]
pub struct EndSessions {
    /// Whose.
    pub of: Holder,
}

impl Operation for EndSessions {
    const ACTION: Action = TEGATA_REVOKE_SESSIONS;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::SessionsOf(Box::new(self.of.resource(caller)))
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let holder = self.of.find(view, caller).await?;
        let mut changes = changes(view, caller);
        changes.push(user::raise_epoch(holder.id));
        Ok(Effect::with((), changes, Entry { by: permit.spend(), ..Entry::default() }))
    }
}
