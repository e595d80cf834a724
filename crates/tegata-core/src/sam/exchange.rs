//! A temporary key for a session of an API key, and the other way round. Either way everything that limits or ends what was there limits and
//! ends what comes of it.

use tegata_model::SessionId;
use tegata_store::{
    ChangeSet,
    sam_session::{self, SamSessionRow},
};

use super::{StartedSession, bound_to_bytes, session, session::asking, sign_in::born};
use crate::{
    actions::{Action, STS_EXCHANGE_TOKEN},
    audit::Entry,
    authz,
    caller::{Caller, Evidence},
    error::OpError,
    grant::{GrantFailure, SignedHere, UserCredential},
    mint,
    operation::{Effect, Operation},
    resource::ResourceName,
    token::{Ancestor, Lineage, PolicyClaim},
    view::View,
};

/// A temporary key of the user that the session which asks acts as. It ends when the token that was shown ends.
#[derive(Debug, Clone, Copy)]
pub struct ForTemporaryKey;

impl Operation for ForTemporaryKey {
    const ACTION: Action = STS_EXCHANGE_TOKEN;
    type Output = UserCredential;

    fn resource(&self, _caller: &Caller) -> ResourceName {
        ResourceName::Caller
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<UserCredential>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let sam = asking(caller, Self::ACTION)?;
        too_long(caller, view)?;
        mint::session_of_sam(view, sam, permit)
    }
}

/// A session of an API key for the temporary key of a user that signs the request. It ends when that key ends.
#[derive(Debug, Clone, Copy)]
pub struct FromTemporaryKey {
    /// How the request was signed.
    pub signed: SignedHere,
}

impl Operation for FromTemporaryKey {
    const ACTION: Action = STS_EXCHANGE_TOKEN;
    type Output = StartedSession;

    fn resource(&self, _caller: &Caller) -> ResourceName {
        ResourceName::Caller
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<StartedSession>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let refused = |why| OpError::Grant(GrantFailure::Subject(why));
        let Evidence::Session(live) = &caller.evidence else {
            return Err(refused("only a temporary key can be exchanged for a session"));
        };
        self.signed.judge().map_err(refused)?;
        let claims = &live.claims;
        let Ancestor::User(user_id, epoch) = claims.acting else {
            return Err(refused("only the temporary key of a user can be exchanged for a session"));
        };
        if claims.policy != PolicyClaim::None {
            return Err(refused("a session of an API key cannot keep a session policy"));
        }
        too_long(caller, view)?;
        let (core, now) = (view.core(), view.now());
        let principal = caller.evidence.principal();
        let mut bound = vec![Ancestor::Account(claims.account.0, claims.account.1), Ancestor::User(user_id, epoch)];
        for ancestor in claims.ancestors.iter().copied().chain([Ancestor::Session(claims.session, tegata_model::Epoch(0))]) {
            if !bound.contains(&ancestor) {
                bound.push(ancestor);
            }
        }
        let deadline = claims.expires_at.min(claims.deadline);
        let authenticated_at = match &claims.sam {
            Some(limits) => limits.authenticated_at,
            None => claims.deadline.minus(core.limits().root_deadline),
        };
        // A key that came of no such session reads the documents as they are: so this one begins with those, and no Deny is lost.
        let given = if claims.sam.is_none() { principal.sam.snapshot() } else { None };
        let snapshot = match &claims.sam {
            Some(limits) => limits.snapshot.clone(),
            None => given.map(|given| given.hash.to_vec()),
        };
        let row = SamSessionRow {
            id: SessionId::from_bytes(core.new_id()?),
            account_id: claims.account.0,
            user_id,
            kid: core.keyring.current_token_kid(),
            bound: bound_to_bytes(&bound)?,
            snapshot,
            granted: claims.granted.as_ref().map(postcard::to_stdvec).transpose().map_err(OpError::internal)?,
            second_factor: caller.second_factor(),
            source_id: None,
            source_user_id: None,
            authenticated_at,
            issued_at: now,
            first_expires_at: deadline.min(now.plus(session::DEADLINE)),
            expires_at: deadline,
            deadline,
        };
        let mut changes = ChangeSet::new(now);
        changes.push(sam_session::insert(&row));
        changes.extend(given.map(|given| tegata_store::sam_snapshot::keep(&given.hash, &given.content, row.deadline)));
        let lineage = Lineage { acting: claims.acting, account: claims.account, ancestors: bound };
        let birth = born(&row, &lineage, vec![claims.session.to_string()]);
        let started = core.session_of(&row, principal)?;
        Ok(Effect::with(started, changes, Entry { by: permit.spend(), born: Some((row.id, birth)), ..Entry::default() }))
    }
}

/// Each exchange adds a session to the chain, which is only so long.
fn too_long(caller: &Caller, view: &View<'_>) -> Result<(), OpError> {
    if mint::chain_length(caller) >= view.core().limits().chain_depth {
        return Err(OpError::Grant(GrantFailure::Subject("the session stands on too much to be exchanged")));
    }
    Ok(())
}
