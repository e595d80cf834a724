//! Secrets of apps: replaced with an overlap, replaced at once, and by the app itself.
//!
//! At most two count at a time: the one that stays, and one that ends. Only the one that stays may replace itself, so that whoever
//! found an old secret cannot keep an app that has already been given another.

use std::{sync::Arc, time::Duration};

use tegata_model::{ClientId, PasswordHash, SecretKey, Timestamp};
use tegata_store::{
    ChangeSet, app,
    client::Family,
    client_secret::{self, ClientSecretRow, Method},
};

use super::{
    app::{AppSecret, find, judge},
    changes, done, fields, part,
    refusal::Barrier,
    standing::{enter, refused},
    wrap::{Wrap, wrap},
};
use crate::{
    Core,
    actions::{
        Action, CSP_END_OAUTH_APP_SECRET_ROTATION, CSP_REPLACE_OAUTH_APP_SECRET, CSP_ROTATE_OAUTH_APP_SECRET, CSP_ROTATE_OWN_SECRET,
    },
    audit::Entry,
    authz,
    caller::{Caller, Evidence},
    client::{new_secret, new_secret_row},
    error::{AuthnFailure, DeniedBy, OpError},
    operation::{Effect, Operation},
    resource::{OrgPart, ResourceName},
    view::View,
};

/// How a new secret is kept.
pub(super) enum Kept {
    /// By a keyed hash: we made it.
    Keyed,
    /// By a slow one: somebody chose it.
    Slow(PasswordHash),
}

impl Kept {
    /// A secret of our making.
    pub(super) fn fresh(core: &Core) -> Result<(SecretKey, Self), OpError> {
        Ok((new_secret(core)?, Self::Keyed))
    }
}

/// The row of a new secret.
pub(super) fn secret_row(core: &Core, client: ClientId, kept: &Kept, secret: &SecretKey) -> Result<ClientSecretRow, OpError> {
    let mut row = new_secret_row(core, client, secret).map_err(OpError::internal)?;
    if let Kept::Slow(hash) = kept {
        row.hash = hash.expose().as_bytes().to_vec();
        row.method = Method::Slow;
    }
    Ok(row)
}

/// The secret that stays.
pub(super) fn current(rows: &[ClientSecretRow]) -> Option<&ClientSecretRow> {
    rows.iter().filter(|row| row.expires_at.is_none()).max_by_key(|row| row.created_at)
}

/// A secret that an app shall have from now on.
#[derive(Debug, Clone)]
pub struct SecretChange {
    /// The id of the organisation; of no account where an app asks for itself.
    pub org: String,
    /// The id of the app.
    pub id: String,
    /// The secret; made if nothing is said.
    pub secret: Option<Arc<SecretKey>>,
    /// How long the one that there is goes on, in seconds; as the app has it if nothing is said.
    pub overlap_seconds: Option<i64>,
    /// The secret shall travel as a code; not where an app asks for itself.
    pub wrap: Option<Wrap>,
}

/// What is to be done about the secrets that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Old {
    /// The one that stays goes on for this long.
    GoesOn(Duration),
    /// All end at once.
    Ends,
}

fn exchange(
    core: &Core,
    now: Timestamp,
    client: ClientId,
    rows: &[ClientSecretRow],
    old: Old,
    new: (&Kept, &SecretKey),
    changes: &mut ChangeSet,
) -> Result<(), OpError> {
    let stays = current(rows).map(|row| row.id);
    for row in rows {
        match old {
            Old::GoesOn(overlap) if Some(row.id) == stays => changes.extend(client_secret::set_expiry(row, now.plus(overlap))),
            Old::GoesOn(_) | Old::Ends => changes.extend(client_secret::delete(row)),
        }
    }
    changes.extend(client_secret::insert(&secret_row(core, client, new.0, new.1)?));
    changes.push(client_secret::at_most(client, 2));
    Ok(())
}

fn chosen_or_fresh(core: &Core, change: &SecretChange, hash: Option<&PasswordHash>) -> Result<(SecretKey, Kept), OpError> {
    match (&change.secret, hash) {
        (Some(secret), Some(hash)) => Ok((SecretKey::new(secret.expose().to_owned()), Kept::Slow(hash.clone()))),
        _ => Kept::fresh(core),
    }
}

macro_rules! replacing {
    ($(#[$doc:meta])* $function:ident, $operation:ident, $action:ident, $ends:literal) => {
        $(#[$doc])*
        pub async fn $function(core: &Core, caller: &Caller, change: SecretChange) -> Result<AppSecret, OpError> {
            let mut operation = $operation { change, hash: None };
            if let Some(secret) = operation.change.secret.clone() {
                core.check(caller, &operation).await?;
                operation.hash = Some(core.hash_password(caller.meta().source, secret).await?);
            }
            core.perform(caller, &operation).await
        }

        #[derive(Debug)]
        struct $operation {
            change: SecretChange,
            hash: Option<PasswordHash>,
        }

        impl Operation for $operation {
            const ACTION: Action = $action;
            type Output = AppSecret;

            fn resource(&self, caller: &Caller) -> ResourceName {
                part(caller, &self.change.org, OrgPart::App, &self.change.id)
            }

            async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<AppSecret>, OpError> {
                let change = &self.change;
                let at = enter(view, caller, Self::ACTION, &self.resource(caller), &change.org).await?;
                let handout = at.handout(caller)?;
                let refuse = |refusal| at.refuse(caller, refusal);
                let found = find(view, &at, &change.id).await.map_err(|error| error.into_error(&at, caller))?;
                judge(view, &at, &handout, &found).await.map_err(|error| error.into_error(&at, caller))?;
                change.secret.as_deref().map_or(Ok(()), |secret| fields::secret(secret.expose())).map_err(refuse)?;
                let overlap = fields::overlap(change.overlap_seconds, Some(found.app.overlap)).map_err(refuse)?;
                let core = view.core();
                let (secret, kept) = chosen_or_fresh(core, change, self.hash.as_ref())?;
                let rows = client_secret::of_client(&core.store, found.client.id).await?;
                let old = if $ends { Old::Ends } else { Old::GoesOn(overlap) };
                let mut changes = changes(view, &at);
                exchange(core, view.now(), found.client.id, &rows, old, (&kept, &secret), &mut changes)?;
                let wrapped = wrap(core, &mut changes, caller, &at.org.account, (change.wrap.as_ref(), &change.id, &secret))?;
                Ok(done(AppSecret { id: change.id.clone(), secret, wrapped }, changes, &at))
            }
        }
    };
}

replacing!(
    /// Gives an app a new secret; the one that there is goes on for a while, one that was going on already ends.
    rotate_secret,
    RotateSecret,
    CSP_ROTATE_OAUTH_APP_SECRET,
    false
);
replacing!(
    /// Gives an app a new secret; all others end at once.
    replace_secret,
    ReplaceSecret,
    CSP_REPLACE_OAUTH_APP_SECRET,
    true
);

/// End the old secret of an app before its time.
#[derive(Debug, Clone)]
pub struct EndRotation {
    /// The id of the organisation.
    pub org: String,
    /// The id of the app.
    pub id: String,
}

impl Operation for EndRotation {
    const ACTION: Action = CSP_END_OAUTH_APP_SECRET_ROTATION;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::App, &self.id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        let handout = at.handout(caller)?;
        let found = find(view, &at, &self.id).await.map_err(|error| error.into_error(&at, caller))?;
        judge(view, &at, &handout, &found).await.map_err(|error| error.into_error(&at, caller))?;
        let mut changes = changes(view, &at);
        for row in client_secret::of_client(&view.core().store, found.client.id).await? {
            if row.expires_at.is_some() {
                changes.extend(client_secret::delete(&row));
            }
        }
        Ok(done((), changes, &at))
    }
}

/// As an app, gives oneself a new secret. The one that the app has shown goes on for a while. One that is going on already cannot.
pub async fn rotate_own_secret(core: &Core, caller: &Caller, change: SecretChange) -> Result<AppSecret, OpError> {
    let mut operation = RotateOwnSecret { change, hash: None };
    if let Some(secret) = operation.change.secret.clone() {
        core.check(caller, &operation).await?;
        operation.hash = Some(core.hash_password(caller.meta().source, secret).await?);
    }
    core.perform(caller, &operation).await
}

#[derive(Debug)]
struct RotateOwnSecret {
    change: SecretChange,
    hash: Option<PasswordHash>,
}

impl Operation for RotateOwnSecret {
    const ACTION: Action = CSP_ROTATE_OWN_SECRET;
    type Output = AppSecret;

    fn resource(&self, caller: &Caller) -> ResourceName {
        let org = caller.evidence.principal().account.organisation_id.as_str();
        part(caller, org, OrgPart::App, &self.change.id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<AppSecret>, OpError> {
        let resource = self.resource(caller);
        authz::not_forbidden(view, caller, Self::ACTION, &resource)?;
        let barred = |barrier| authz::denied(caller, Self::ACTION, &resource, DeniedBy::Organisation(barrier), None);
        // Nobody but the app itself, by a secret.
        let Evidence::Client { client, shown: Some(shown) } = &caller.evidence else { return Err(barred(Barrier::NoAccess)) };
        let refused_client = || OpError::Authentication(AuthnFailure::Client);
        let row = client.row().filter(|row| row.family == Family::OrgApp).ok_or_else(|| barred(Barrier::NoAccess))?;
        if row.app_id != self.change.id {
            return Err(barred(Barrier::NoAccess));
        }
        let core = view.core();
        let said = app::find(&core.store, row.id).await?.ok_or_else(refused_client)?;
        if said.owner_rotates {
            return Err(barred(Barrier::OwnersOnly));
        }
        let rows = client_secret::of_client(&core.store, row.id).await?;
        if current(&rows).map(|row| row.id) != Some(*shown) {
            return Err(barred(Barrier::OldSecret));
        }
        let refuse = |refusal| refused(caller, Self::ACTION, &resource, refusal);
        self.change.secret.as_deref().map_or(Ok(()), |secret| fields::secret(secret.expose())).map_err(refuse)?;
        let overlap = fields::overlap(self.change.overlap_seconds, Some(said.overlap)).map_err(refuse)?;
        let (secret, kept) = chosen_or_fresh(core, &self.change, self.hash.as_ref())?;
        let mut changes = ChangeSet::new(view.now());
        changes.touch(row.account_id);
        exchange(core, view.now(), row.id, &rows, Old::GoesOn(overlap), (&kept, &secret), &mut changes)?;
        Ok(Effect::with(AppSecret { id: self.change.id.clone(), secret, wrapped: None }, changes, Entry::default()))
    }
}
