//! Access keys: create, list, switch, delete. The secret leaves once, with the answer that makes the key.

use tegata_model::{AccessKeyId, Epoch, Generation, KeyId, SecretKey, Status, Timestamp, UserName};
use tegata_store::{
    access_key::{self, AccessKeyRow},
    key_use,
    user::{self, UserRow},
};

use super::{
    changes, done, find_user,
    key_policy::{self, KeyPolicy},
    own, user_name,
};
use crate::{
    actions::{
        Action, RAM_CREATE_ACCESS_KEY, RAM_DELETE_ACCESS_KEY, RAM_GET_ACCESS_KEY_LAST_USED, RAM_LIST_ACCESS_KEYS, RAM_UPDATE_ACCESS_KEY,
    },
    audit::Entry,
    authz::{self, Permit},
    caller::Caller,
    directory::NewAccessKey,
    error::{CallerKind, DeniedBy, Input, OpError, ProblemKind, Quota},
    keyring::Place,
    mail::Happening,
    operation::{Effect, Operation},
    principal::Who,
    resource::ResourceName,
    view::{Read, View},
};

/// What may be said of an access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its public id.
    pub key_id: AccessKeyId,
    /// Whether it may be used.
    pub status: Status,
    /// When it was made.
    pub created_at: Timestamp,
}

impl AccessKey {
    fn of(row: AccessKeyRow) -> Self {
        Self { key_id: row.key_id, status: row.status, created_at: row.created_at }
    }
}

/// When a key was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// When, to the second. What other nodes saw in about the last ten seconds may be missing.
    pub at: Timestamp,
    /// For which service, `ram` or `oss` for example; empty if that is not known.
    pub service: String,
}

impl KeyUse {
    pub(super) fn of(row: key_use::KeyUse) -> Self {
        Self { at: row.at, service: row.service }
    }
}

/// A key that has just been made, with its secret.
#[derive(Debug)]
pub struct CreatedAccessKey {
    /// The key.
    pub key: AccessKey,
    /// Its secret, told this once.
    pub secret: SecretKey,
}

/// Whose keys are meant: those of the named user, or the caller's own.
pub(super) fn meant(caller: &Caller, named: Option<&UserName>) -> ResourceName {
    match (named, &caller.evidence.principal().who) {
        (Some(name), _) => user_name(caller, name),
        (None, Who::User(row)) if caller.kind() == CallerKind::User => user_name(caller, &row.name),
        (None, Who::User(_)) => ResourceName::Owner { account: own(caller) },
        (None, Who::Role { .. } | Who::Provider(_) | Who::Client(_)) => ResourceName::Caller,
    }
}

/// The user whose keys are meant, once permission for them was given.
pub(super) async fn holder(
    view: &View<'_>,
    caller: &Caller,
    action: Action,
    named: Option<&UserName>,
) -> Result<(UserRow, Permit), OpError> {
    let own_id = match (named, &caller.evidence.principal().who) {
        (Some(_), _) => None,
        (None, Who::User(row)) => Some(row.id),
        (None, Who::Role { .. } | Who::Provider(_) | Who::Client(_)) => {
            let rule = "a role session has no access keys of its own; name the user";
            return Err(OpError::invalid(Input::UserName, ProblemKind::Malformed, rule));
        }
    };
    let resource = meant(caller, named);
    let permit = authz::permit(view, caller, action, &resource, &[])?;
    if let Some(name) = named {
        return Ok((find_user(view, caller, name).await?, permit));
    }
    let row = match own_id {
        Some(id) => user::find(&view.core().store, id).await?,
        None => None,
    };
    let row = row.ok_or(OpError::NotFound(resource))?;
    view.note(&[Read::User(row.id, row.generation)]);
    Ok((row, permit))
}

/// The user whose keys are to be made, switched or deleted: with the second factor, where it is the caller's own user and has one.
pub(super) async fn holder_for_change(
    view: &View<'_>,
    caller: &Caller,
    action: Action,
    named: Option<&UserName>,
) -> Result<(UserRow, Permit), OpError> {
    let (row, permit) = holder(view, caller, action, named).await?;
    authz::second_factor(view, caller, action, &meant(caller, named), row.id).await?;
    Ok((row, permit))
}

/// The key of that user; the key of anybody else is as absent as one that never was.
async fn find_key(view: &View<'_>, holder: &UserRow, key_id: &AccessKeyId, resource: ResourceName) -> Result<AccessKeyRow, OpError> {
    let row = access_key::find(&view.core().store, key_id.as_str()).await?;
    let row = row.filter(|row| row.user_id == holder.id).ok_or(OpError::NotFound(resource))?;
    view.note(&[Read::Key(row.id, row.generation)]);
    Ok(row)
}

/// Make an access key.
#[derive(Debug, Clone)]
pub struct CreateAccessKey {
    /// For whom; the caller itself if nobody is named.
    pub user: Option<UserName>,
}

impl Operation for CreateAccessKey {
    const ACTION: Action = RAM_CREATE_ACCESS_KEY;
    type Output = CreatedAccessKey;

    fn resource(&self, caller: &Caller) -> ResourceName {
        meant(caller, self.user.as_ref())
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<CreatedAccessKey>, OpError> {
        let (holder, permit) = holder_for_change(view, caller, Self::ACTION, self.user.as_ref()).await?;
        let core = view.core();
        if key_policy::is_person(&core.store, &holder).await? && !KeyPolicy::of(&core.store, holder.account_id).await?.people {
            return Err(authz::denied(caller, Self::ACTION, &self.resource(caller), DeniedBy::KeyPolicy, None));
        }
        let limit = core.limits().quotas.keys_per_user;
        let has = access_key::of_user(&core.store, holder.id).await?.len();
        if has >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(OpError::LimitExceeded(Quota::KeysPerUser, limit));
        }
        let NewAccessKey { key_id, secret } = core.new_access_key().map_err(OpError::internal)?;
        let id = KeyId::from_bytes(core.new_id()?);
        let place = Place { table: "access_keys", row: id.as_bytes(), account: &holder.account_id };
        let row = AccessKeyRow {
            id,
            key_id,
            account_id: holder.account_id,
            user_id: holder.id,
            sealed_secret: core.keyring.seal_row(core.entropy.as_ref(), &place, &secret).map_err(OpError::internal)?,
            status: Status::Active,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: view.now(),
        };
        let mut changes = changes(view, caller);
        changes.extend(access_key::insert(&row));
        changes.push(access_key::at_most(holder.id, limit));
        let happening = Happening::KeyMade { key: row.id, key_id: row.key_id.to_string() };
        core.notice(&mut changes, &caller.meta, &holder, caller.account_alias(), happening)?;
        let entry = Entry { by: permit.spend(), note: Some(format!("made access key {}", row.key_id)), ..Entry::default() };
        Ok(Effect::with(CreatedAccessKey { key: AccessKey::of(row), secret }, changes, entry))
    }
}

/// List the access keys of a user, oldest first.
#[derive(Debug, Clone)]
pub struct ListAccessKeys {
    /// Whose; the caller's own if nobody is named.
    pub user: Option<UserName>,
}

impl Operation for ListAccessKeys {
    const ACTION: Action = RAM_LIST_ACCESS_KEYS;
    type Output = Vec<AccessKey>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        meant(caller, self.user.as_ref())
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<AccessKey>>, OpError> {
        let (holder, _) = holder(view, caller, Self::ACTION, self.user.as_ref()).await?;
        let rows = access_key::of_user(&view.core().store, holder.id).await?;
        Ok(Effect::nothing(rows.into_iter().map(AccessKey::of).collect()))
    }
}

/// Switch an access key on or off. Switching it off ends every session that began with it, for good.
#[derive(Debug, Clone)]
pub struct UpdateAccessKey {
    /// Whose; the caller's own if nobody is named.
    pub user: Option<UserName>,
    /// The key.
    pub key_id: AccessKeyId,
    /// On or off.
    pub status: Status,
}

impl Operation for UpdateAccessKey {
    const ACTION: Action = RAM_UPDATE_ACCESS_KEY;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccessKey { of: Box::new(meant(caller, self.user.as_ref())), key_id: self.key_id.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let (holder, permit) = holder_for_change(view, caller, Self::ACTION, self.user.as_ref()).await?;
        let row = find_key(view, &holder, &self.key_id, self.resource(caller)).await?;
        let mut changes = changes(view, caller);
        changes.push(access_key::set_status(row.id, self.status));
        if !self.status.is_active() {
            changes.push(access_key::raise_epoch(row.id));
        }
        let note = if self.status.is_active() { "switched on" } else { "switched off" };
        Ok(Effect::with((), changes, Entry { by: permit.spend(), note: Some(note.to_owned()), ..Entry::default() }))
    }
}

/// Delete an access key, and with it every session that began with it.
#[derive(Debug, Clone)]
pub struct DeleteAccessKey {
    /// Whose; the caller's own if nobody is named.
    pub user: Option<UserName>,
    /// The key.
    pub key_id: AccessKeyId,
}

impl Operation for DeleteAccessKey {
    const ACTION: Action = RAM_DELETE_ACCESS_KEY;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccessKey { of: Box::new(meant(caller, self.user.as_ref())), key_id: self.key_id.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let (holder, permit) = holder_for_change(view, caller, Self::ACTION, self.user.as_ref()).await?;
        let row = find_key(view, &holder, &self.key_id, self.resource(caller)).await?;
        let mut changes = changes(view, caller);
        changes.extend(access_key::delete(row.id, holder.id));
        Ok(done((), changes, permit))
    }
}

/// Read when an access key was last used.
#[derive(Debug, Clone)]
pub struct DescribeKeyUse {
    /// Whose; the caller's own if nobody is named.
    pub user: Option<UserName>,
    /// The key.
    pub key_id: AccessKeyId,
}

impl Operation for DescribeKeyUse {
    const ACTION: Action = RAM_GET_ACCESS_KEY_LAST_USED;
    type Output = Option<KeyUse>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccessKey { of: Box::new(meant(caller, self.user.as_ref())), key_id: self.key_id.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Option<KeyUse>>, OpError> {
        let (holder, _) = holder(view, caller, Self::ACTION, self.user.as_ref()).await?;
        let row = find_key(view, &holder, &self.key_id, self.resource(caller)).await?;
        let core = view.core();
        let written = key_use::find(&core.store, row.id).await?;
        Ok(Effect::nothing(core.uses.latest(row.id, written).map(KeyUse::of)))
    }
}
