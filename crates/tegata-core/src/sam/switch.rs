//! Going on as another user, who trusts the caller: without any secret of that user, and without its second factor.
//!
//! Whoever is refused does not learn whether there is such a user.

use std::time::Duration;

use tegata_model::{OperatorId, SessionId, UserName};
use tegata_store::{
    ChangeSet, account,
    sam_session::{self, SamSessionRow},
    user,
};

use super::{
    StartedSession, bound_to_bytes,
    session::{SHORTEST, asking, lifetime},
    sign_in::born,
    user_of,
};
use crate::{
    LayerKind,
    actions::{Action, SAM_RENEW_TOKEN, SAM_SWITCH_USER},
    audit::Entry,
    authz,
    caller::Caller,
    error::{DeniedBy, OpError},
    mint,
    operation::{Effect, Operation},
    resource::ResourceName,
    token::{Ancestor, Lineage},
    view::View,
};

/// How long a switched session lives at most, and if nobody says so.
const LONGEST: Duration = Duration::from_hours(1);

/// Go on as a user of the same or another account who trusts the caller.
#[derive(Debug, Clone)]
pub struct SwitchUser {
    /// The operator id of the account of that user.
    pub operator: String,
    /// The user; the owner of an account cannot be switched to.
    pub user: String,
    /// How long; an hour if nothing is said, and at most. Never longer than an hour after somebody last showed a password or a key.
    pub lifetime: Option<Duration>,
}

impl Operation for SwitchUser {
    const ACTION: Action = SAM_SWITCH_USER;
    type Output = StartedSession;

    fn resource(&self, _caller: &Caller) -> ResourceName {
        ResourceName::Caller
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<StartedSession>, OpError> {
        let sam = asking(caller, Self::ACTION)?;
        let (core, now) = (view.core(), view.now());
        let lifetime = lifetime(self.lifetime, LONGEST, LONGEST)?;
        let operator = OperatorId::new(&self.operator).ok();
        let account = match &operator {
            Some(operator) => account::find_by_operator(&core.store, operator).await?,
            None => None,
        };
        let (name, account) = (UserName::new(&self.user), account);
        let resource = match (&account, &name) {
            (Some(account), Ok(name)) => ResourceName::User { account: account.number, name: name.clone() },
            _ => ResourceName::Caller,
        };
        let permit = authz::permit(view, caller, SAM_RENEW_TOKEN, &ResourceName::Caller, &[])?.and(authz::permit(
            view,
            caller,
            Self::ACTION,
            &resource,
            &[],
        )?);
        let refused = |by| authz::denied(caller, Self::ACTION, &resource, by, None);
        let untrusted = || refused(DeniedBy::Layer { layer: LayerKind::Trust, explicit: false });
        if mint::chain_length(caller) >= core.limits().chain_depth {
            return Err(refused(DeniedBy::ChainEnded));
        }
        let (Some(account), Ok(name)) = (account, name) else { return Err(untrusted()) };
        let found = user::find_by_name(&core.store, account.id, &name.folded()).await?.ok_or_else(untrusted)?;
        let target = core.memory.user(&core.store, found.id).await?.filter(|target| target.is_active()).ok_or_else(untrusted)?;
        if found.id == sam.row.user_id || target.is_owner() {
            return Err(untrusted());
        }
        view.note(&target.reads);
        let trusted = super::trust::trusts(view, caller, Self::ACTION, &resource, &target)?;
        let deadline = sam.row.deadline.min(sam.row.authenticated_at.plus(LONGEST));
        let expires_at = now.plus(lifetime).min(deadline);
        if expires_at < now.plus(SHORTEST) {
            return Err(refused(DeniedBy::ChainEnded));
        }
        let user = user_of(&target)?;
        let account = &target.account;
        let mut bound = sam.ancestors();
        for ancestor in [Ancestor::Account(account.id, account.epoch), Ancestor::User(user.id, user.epoch)] {
            if !bound.contains(&ancestor) {
                bound.push(ancestor);
            }
        }
        let given = target.sam.snapshot();
        let row = SamSessionRow {
            id: SessionId::from_bytes(core.new_id()?),
            account_id: account.id,
            user_id: user.id,
            kid: core.keyring.current_token_kid(),
            bound: bound_to_bytes(&bound)?,
            snapshot: given.map(|given| given.hash.to_vec()),
            granted: sam.row.granted.clone(),
            // What the caller gave is not the factor of that user.
            second_factor: false,
            source_id: Some(sam.row.id),
            source_user_id: Some(sam.row.user_id),
            authenticated_at: sam.row.authenticated_at,
            issued_at: now,
            first_expires_at: expires_at,
            expires_at,
            deadline,
        };
        let mut changes = ChangeSet::new(now);
        changes.push(sam_session::insert(&row));
        changes.extend(given.map(|given| tegata_store::sam_snapshot::keep(&given.hash, &given.content, row.deadline)));
        let lineage = Lineage { acting: Ancestor::User(user.id, user.epoch), account: (account.id, account.epoch), ancestors: bound };
        let birth = born(&row, &lineage, vec![sam.row.id.to_string()]);
        let mut by = permit.spend();
        let other_side = if account.id == caller.account() {
            by.extend(trusted.by().iter().cloned());
            None
        } else {
            Some((account.id, trusted.by().to_vec()))
        };
        let note = Some(format!("switched to {name} of {}", account.operator_id.as_str()));
        let started = core.session_of(&row, &target)?;
        Ok(Effect::with(started, changes, Entry { by, born: Some((row.id, birth)), other_side, note }))
    }
}
