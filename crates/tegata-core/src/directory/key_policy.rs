//! What an account demands of long-term keys, and the report of who still uses one.
//!
//! The demands act when a key is used, after its signature has been verified, and where a key is made. The owner of the account is
//! bound by addresses only: his key is the last way in.

use std::{net::IpAddr, time::Duration};

use tegata_model::{AccessKeyId, Network, Status, Timestamp, UserName};
use tegata_store::{
    Store, StoreError, account,
    key_policy::{self, KeyPolicyRow},
    key_use, login_profile,
    user::{UserKind, UserRow},
};

use super::{KeyUse, Listed, Page, changes, own};
use crate::{
    actions::{Action, TEGATA_GET_KEY_POLICY, TEGATA_LIST_LONG_TERM_KEYS, TEGATA_SET_KEY_POLICY},
    audit::Entry,
    authz,
    caller::{Caller, Evidence},
    error::{AuthnFailure, Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    principal::LiveKey,
    resource::ResourceName,
    view::View,
};

/// The shortest age that keys may be limited to.
const SHORTEST: Duration = Duration::from_hours(24);
/// The longest.
const LONGEST: Duration = Duration::from_hours(24 * 3650);
/// Most blocks of addresses.
const NETWORKS: usize = 50;

/// What an account demands of long-term keys. Nothing, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    /// How old a key may become; `None` for any age.
    pub max_age: Option<Duration>,
    /// From where keys may be used; empty for anywhere.
    pub networks: Vec<Network>,
    /// Whether users who sign in may have keys too.
    pub people: bool,
}

impl Default for KeyPolicy {
    fn default() -> Self {
        Self { max_age: None, networks: Vec::new(), people: true }
    }
}

impl KeyPolicy {
    /// What is demanded by the account now.
    pub(crate) async fn of(store: &Store, account: tegata_model::AccountId) -> Result<Self, StoreError> {
        let row = key_policy::find(store, account).await?;
        Ok(row.map_or_else(Self::default, |row| Self { max_age: row.max_age, networks: row.networks, people: row.people }))
    }

    /// Judges a key that has proved itself. An unknown address lies in no network.
    pub(crate) fn judge(&self, key: &LiveKey, source: Option<IpAddr>, now: Timestamp) -> Result<(), AuthnFailure> {
        self.judge_key(key.owner.is_owner(), key.created_at, key.person, source, now)
    }

    /// The same for a key of any kind: whether its owner is the account's, when it was made, and whether its owner signs in.
    pub(crate) fn judge_key(
        &self,
        owner: bool,
        created_at: Timestamp,
        person: bool,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), AuthnFailure> {
        if !self.networks.is_empty() && !source.is_some_and(|source| self.networks.iter().any(|network| network.contains(source))) {
            return Err(AuthnFailure::KeyElsewhere);
        }
        if owner {
            return Ok(());
        }
        match self.max_age {
            Some(most) if now.since(created_at) > most => return Err(AuthnFailure::KeyTooOld(most)),
            _ => {}
        }
        if person && !self.people { Err(AuthnFailure::KeyOfPerson) } else { Ok(()) }
    }
}

/// True for a user who can sign in: a person. The owner of an account is judged apart.
pub(crate) async fn is_person(store: &Store, user: &UserRow) -> Result<bool, StoreError> {
    Ok(user.kind == UserKind::Member && login_profile::find(store, user.id).await?.is_some())
}

/// Read what one's account demands of long-term keys.
#[derive(Debug, Clone)]
pub struct DescribeKeyPolicy;

impl Operation for DescribeKeyPolicy {
    const ACTION: Action = TEGATA_GET_KEY_POLICY;
    type Output = KeyPolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::KeyPolicy { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<KeyPolicy>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(KeyPolicy::of(&view.core().store, caller.account()).await?))
    }
}

/// Change what one's account demands of long-term keys; what is `None` stays.
///
/// Demands that the caller's own key does not meet are refused: nobody locks himself out.
#[derive(Debug, Clone, Default)]
pub struct SetKeyPolicy {
    /// How old a key may become, 1 day to 10 years; `Some(None)` for any age.
    pub max_age: Option<Option<Duration>>,
    /// From where keys may be used, at most 50 blocks; empty for anywhere.
    pub networks: Option<Vec<Network>>,
    /// Whether users who sign in may have keys too.
    pub people: Option<bool>,
}

impl Operation for SetKeyPolicy {
    const ACTION: Action = TEGATA_SET_KEY_POLICY;
    type Output = KeyPolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::KeyPolicy { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<KeyPolicy>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        // Two changes at once meet at the generation of the account, which was read with the caller.
        let mut policy = KeyPolicy::of(&view.core().store, caller.account()).await?;
        if let Some(max_age) = self.max_age {
            if max_age.is_some_and(|age| !(SHORTEST..=LONGEST).contains(&age)) {
                return Err(OpError::invalid(Input::MaxKeyAge, ProblemKind::OutOfRange, "keys may be limited to an age of 1 to 3650 days"));
            }
            policy.max_age = max_age;
        }
        if let Some(networks) = &self.networks {
            if networks.len() > NETWORKS {
                return Err(OpError::invalid(
                    Input::KeyNetworks,
                    ProblemKind::TooLarge,
                    format!("there may be at most {NETWORKS} of them"),
                ));
            }
            policy.networks.clone_from(networks);
        }
        policy.people = self.people.unwrap_or(policy.people);
        if let Evidence::Key(key) = &caller.evidence
            && let Err(failure) = policy.judge(key, caller.meta.source, view.now())
        {
            let input = match failure {
                AuthnFailure::KeyTooOld(_) => Input::MaxKeyAge,
                AuthnFailure::KeyElsewhere => Input::KeyNetworks,
                _ => Input::KeyPolicy,
            };
            let rule = "the key that asks for this does not meet it and would be locked out";
            return Err(OpError::invalid(input, ProblemKind::OutOfRange, rule));
        }
        let row = KeyPolicyRow {
            account_id: caller.account(),
            max_age: policy.max_age,
            networks: policy.networks.clone(),
            people: policy.people,
            updated_at: view.now(),
        };
        let mut changes = changes(view, caller);
        changes.push(account::raise_generation(caller.account()));
        changes.push(key_policy::set(&row));
        let note = format!("key policy: {}", in_words(&policy));
        Ok(Effect::with(policy, changes, Entry { by: permit.spend(), note: Some(note), ..Entry::default() }))
    }
}

fn in_words(policy: &KeyPolicy) -> String {
    let age = policy.max_age.map_or_else(|| "any age".to_owned(), |age| format!("at most {} days old", age.as_secs() / SHORTEST.as_secs()));
    let networks: Vec<String> = policy.networks.iter().map(ToString::to_string).collect();
    let from = if networks.is_empty() { "anywhere".to_owned() } else { networks.join(", ") };
    format!("{age}, from {from}, {} for people", if policy.people { "also" } else { "not" })
}

/// A long-term key of the account, as the report tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongTermKey {
    /// Its public id.
    pub key_id: AccessKeyId,
    /// Whether it may be used.
    pub status: Status,
    /// Whose it is; `None` for the owner of the account.
    pub user: Option<UserName>,
    /// Whether that is somebody who signs in.
    pub person: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used; `None` if never.
    pub used: Option<KeyUse>,
}

/// List the long-term keys of one's account by public id, with their last use.
#[derive(Debug, Clone)]
pub struct ListLongTermKeys {
    /// Which part.
    pub page: Page,
}

impl Operation for ListLongTermKeys {
    const ACTION: Action = TEGATA_LIST_LONG_TERM_KEYS;
    type Output = Listed<LongTermKey>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::KeyPolicy { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Self::Output>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let core = view.core();
        let rows = key_use::report(&core.store, caller.account(), &self.page.after, self.page.rows()).await?;
        let show = |row: key_use::ReportedKey| LongTermKey {
            used: core.uses.latest(row.key, row.used).map(KeyUse::of),
            key_id: row.key_id,
            status: row.status,
            user: (row.kind == UserKind::Member).then_some(row.user),
            person: row.kind == UserKind::Member && row.signs_in,
            created_at: row.created_at,
        };
        Ok(Effect::nothing(self.page.cut(rows, |row| row.key_id.to_string(), show)))
    }
}
