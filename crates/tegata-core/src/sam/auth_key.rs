//! Auth keys: who has which, and when they were last used. The secret leaves once, with the answer that makes the key.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{AccessKeyId, AuthKeyId, SecretKey, Timestamp, UserId, UserName, secret::constant_time_eq};
use tegata_store::{
    ChangeSet, CommitError, Store, StoreError,
    auth_key::{self, AuthKeyRow},
    user::{self, UserRow},
};

use crate::{
    Core, LayerKind,
    actions::{Action, SAM_CREATE_AUTH_KEY, SAM_DELETE_AUTH_KEY, SAM_LIST_AUTH_KEYS},
    audit::Entry,
    authz::{self, Permit},
    caller::Caller,
    clock::random_text,
    directory::{KeyPolicy, changes, find_user, key_policy, own, user_name},
    error::{AuthnFailure, DeniedBy, OpError, Quota},
    operation::{Effect, Operation},
    principal::{Principal, Stamps},
    resource::ResourceName,
    view::{Read, View},
};

pub(super) const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Longest secret that is looked at, in bytes.
const LONGEST: usize = 256;

/// What may be said of an auth key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthKey {
    /// Its public id.
    pub key_id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last began a session. What other nodes saw in about the last ten seconds may be missing.
    pub used_at: Option<Timestamp>,
}

/// An auth key with its secret.
#[derive(Debug)]
pub struct NewAuthKey {
    /// The public id: `keyId-` and 32 characters.
    pub key_id: String,
    /// The secret: `secret-` and 64 characters.
    pub secret: SecretKey,
}

/// A key that has just been made.
pub type CreatedAuthKey = NewAuthKey;

/// Whose keys are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Those of the owner of the caller's account.
    Owner,
    /// Those of this user.
    User(UserName),
}

impl Holder {
    /// Whoever is meant, by name.
    pub(crate) fn resource(&self, caller: &Caller) -> ResourceName {
        match self {
            Self::Owner => ResourceName::Owner { account: own(caller) },
            Self::User(name) => user_name(caller, name),
        }
    }

    /// Whoever is meant, noted as read. Ask for permission first.
    pub(crate) async fn find(&self, view: &View<'_>, caller: &Caller) -> Result<UserRow, OpError> {
        match self {
            Self::Owner => {
                let row = user::find_root(&view.core().store, caller.account()).await?;
                let row = row.ok_or_else(|| OpError::NotFound(self.resource(caller)))?;
                view.note(&[Read::User(row.id, row.generation)]);
                Ok(row)
            }
            Self::User(name) => find_user(view, caller, name).await,
        }
    }

    /// What the owner signs in with is the owner's alone: whoever could change it could become the owner.
    pub(crate) fn owner_alone(&self, caller: &Caller, action: Action) -> Result<(), OpError> {
        if *self == Self::Owner && !caller.evidence.principal().is_owner() {
            let by = DeniedBy::Layer { layer: LayerKind::Identity, explicit: false };
            return Err(authz::denied(caller, action, &self.resource(caller), by, None));
        }
        Ok(())
    }

    /// A key of whoever is meant, by name.
    fn key(&self, caller: &Caller, key_id: &str) -> ResourceName {
        match AccessKeyId::new(key_id) {
            Ok(key_id) => ResourceName::AccessKey { of: Box::new(self.resource(caller)), key_id },
            Err(_) => self.resource(caller),
        }
    }
}

/// What is kept of a secret. It is long and random, so that nobody finds it by trying; and bound to its row.
pub(crate) fn hash_of_secret(id: AuthKeyId, secret: &SecretKey) -> Vec<u8> {
    digest(&SHA256, &[b"auth key ", &id.as_bytes()[..], secret.expose().as_bytes()].concat()).as_ref().to_vec()
}

/// An auth key with its owner read.
#[derive(Debug)]
pub(crate) struct LiveAuthKey {
    pub(crate) row: AuthKeyRow,
    pub(crate) owner: Arc<Principal>,
    demands: KeyPolicy,
    person: bool,
    stamps: Stamps,
}

impl LiveAuthKey {
    /// True if this is its secret.
    pub(super) fn opens_with(&self, secret: &SecretKey) -> bool {
        secret.expose().len() <= LONGEST && constant_time_eq(&self.row.secret_hash, &hash_of_secret(self.row.id, secret))
    }

    /// What its account demands of long-term keys.
    pub(super) fn lawful(&self, source: Option<IpAddr>, now: Timestamp) -> Result<(), AuthnFailure> {
        self.demands.judge_key(self.owner.is_owner(), self.row.created_at, self.person, source, now)
    }
}

impl Core {
    /// The auth key of that public id.
    pub(super) async fn live_auth_key(&self, key_id: &str) -> Result<Option<Arc<LiveAuthKey>>, OpError> {
        if let Some(known) = self.memory.auth_keys.get(key_id)
            && known.stamps.current(&self.store)
        {
            return Ok(Some(known));
        }
        let Some(first) = auth_key::find(&self.store, key_id).await? else { return Ok(None) };
        let mut stamps = Stamps::default();
        stamps.note(&self.store, first.account_id);
        let Some(row) = auth_key::find(&self.store, key_id).await? else { return Ok(None) };
        let Some(owner) = self.memory.user(&self.store, row.user_id).await? else { return Ok(None) };
        stamps.merge(&owner.stamps);
        let demands = KeyPolicy::of(&self.store, row.account_id).await?;
        let person = key_policy::is_person(&self.store, super::user_of(&owner)?).await?;
        let live = Arc::new(LiveAuthKey { row, owner, demands, person, stamps });
        self.memory.auth_keys.insert(key_id.to_owned(), Arc::clone(&live));
        Ok(Some(live))
    }

    /// A key with random values.
    pub(crate) fn new_auth_key(&self) -> Result<NewAuthKey, OpError> {
        let draw = |len| random_text(self.entropy.as_ref(), LETTERS, len);
        Ok(NewAuthKey { key_id: format!("keyId-{}", draw(32)?), secret: SecretKey::new(format!("secret-{}", draw(64)?)) })
    }
}

/// Make an auth key.
#[derive(Debug, Clone)]
pub struct CreateAuthKey {
    /// For whom.
    pub holder: Holder,
}

impl CreateAuthKey {
    async fn holder(&self, view: &View<'_>, caller: &Caller) -> Result<(UserRow, Permit), OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        self.holder.owner_alone(caller, Self::ACTION)?;
        let row = self.holder.find(view, caller).await?;
        authz::second_factor(view, caller, Self::ACTION, &resource, row.id).await?;
        Ok((row, permit))
    }
}

impl Operation for CreateAuthKey {
    const ACTION: Action = SAM_CREATE_AUTH_KEY;
    type Output = CreatedAuthKey;

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.holder.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<CreatedAuthKey>, OpError> {
        let (holder, permit) = self.holder(view, caller).await?;
        let core = view.core();
        if key_policy::is_person(&core.store, &holder).await? && !KeyPolicy::of(&core.store, holder.account_id).await?.people {
            return Err(authz::denied(caller, Self::ACTION, &self.resource(caller), DeniedBy::KeyPolicy, None));
        }
        let limit = core.limits().quotas.auth_keys_per_user;
        if auth_key::of_user(&core.store, holder.id).await?.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(OpError::LimitExceeded(Quota::KeysPerUser, limit));
        }
        let new = core.new_auth_key()?;
        let id = AuthKeyId::from_bytes(core.new_id()?);
        let row = AuthKeyRow {
            id,
            key_id: new.key_id.clone(),
            account_id: holder.account_id,
            user_id: holder.id,
            secret_hash: hash_of_secret(id, &new.secret),
            created_at: view.now(),
            used_at: None,
        };
        let mut changes = changes(view, caller);
        changes.extend(auth_key::insert(&row));
        changes.push(auth_key::at_most(holder.id, limit));
        let entry = Entry { by: permit.spend(), note: Some(format!("made auth key {}", row.key_id)), ..Entry::default() };
        Ok(Effect::with(new, changes, entry))
    }
}

/// List the auth keys of a user or of the owner, oldest first.
#[derive(Debug, Clone)]
pub struct ListAuthKeys {
    /// Whose.
    pub holder: Holder,
}

impl Operation for ListAuthKeys {
    const ACTION: Action = SAM_LIST_AUTH_KEYS;
    type Output = Vec<AuthKey>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.holder.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<AuthKey>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let holder = self.holder.find(view, caller).await?;
        let core = view.core();
        Ok(Effect::nothing(core.auth_keys_of(holder.id).await?))
    }
}

impl Core {
    /// The auth keys of a user, oldest first. Ask for permission first.
    pub(crate) async fn auth_keys_of(&self, user: UserId) -> Result<Vec<AuthKey>, OpError> {
        let show = |row: AuthKeyRow| AuthKey {
            used_at: self.auth_uses.latest(row.id, row.used_at),
            key_id: row.key_id,
            created_at: row.created_at,
        };
        Ok(auth_key::of_user(&self.store, user).await?.into_iter().map(show).collect())
    }
}

/// Delete an auth key, and with it every session that began with it.
#[derive(Debug, Clone)]
pub struct DeleteAuthKey {
    /// Whose.
    pub holder: Holder,
    /// Its public id.
    pub key_id: String,
}

impl Operation for DeleteAuthKey {
    const ACTION: Action = SAM_DELETE_AUTH_KEY;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.holder.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        self.holder.owner_alone(caller, Self::ACTION)?;
        let holder = self.holder.find(view, caller).await?;
        authz::second_factor(view, caller, Self::ACTION, &resource, holder.id).await?;
        let row = auth_key::find(&view.core().store, &self.key_id).await?.filter(|row| row.user_id == holder.id);
        let row = row.ok_or_else(|| OpError::NotFound(self.holder.key(caller, &self.key_id)))?;
        let mut changes = changes(view, caller);
        changes.extend(auth_key::delete(row.id, holder.id));
        let entry = Entry { by: permit.spend(), note: Some(format!("deleted auth key {}", row.key_id)), ..Entry::default() };
        Ok(Effect::with((), changes, entry))
    }
}

/// When auth keys were last used: kept in memory and written by the regular work of the node, so that many sign-ins by one key do not
/// wait for one another at its row.
#[derive(Debug, Default)]
pub(crate) struct AuthUses(Mutex<HashMap<AuthKeyId, Timestamp>>);

impl AuthUses {
    pub(super) fn note(&self, key: AuthKeyId, now: Timestamp) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = uses.entry(key).or_insert(now);
        *known = (*known).max(now);
    }

    /// The later of what was written and what was noted since.
    fn latest(&self, key: AuthKeyId, written: Option<Timestamp>) -> Option<Timestamp> {
        written.max(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied())
    }

    /// Writes what was noted. What cannot be written is kept for the next time.
    pub(crate) async fn flush(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return Ok(());
        }
        let mut changes = ChangeSet::new(now);
        changes.extend(noted.iter().map(|(key, at)| auth_key::used(*key, *at)));
        store.commit(changes).await.map_err(|error| {
            for (key, at) in noted {
                self.note(key, at);
            }
            match error {
                CommitError::Store(error) => error,
                other => StoreError::Engine(Arc::new(other)),
            }
        })
    }
}
