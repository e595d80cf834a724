//! Operations: one type per thing a principal can ask for, and the machinery that authenticates, permits, commits and records them.
//!
//! | module | what |
//! |---|---|
//! | [`operation`], [`view`] | read, decide, one commit |
//! | [`caller`], [`authn`] | who asks, and on what evidence |
//! | [`authz`], [`actions`], [`resource`] | whether they may |
//! | [`mint`] | the only birthplace of credentials |
//! | [`client`], [`grant`], [`signin`] | OAuth clients, what they get tokens for, and how people agree to it |
//! | [`mail`] | letters to people, and what their links do |
//! | [`outbound`], `issuers` | the one way out; the keys of identity providers, kept |
//! | [`keyring`], `hashing`, [`otp`], `attempts` | sealing keys, passwords, one-time codes, and how often they may be tried |
//! | [`audit`], [`why`] | what happened, and why something did not |
//! | [`sts`], [`object`], [`directory`], [`org`] | the operations themselves |
//! | [`sam`] | sessions of API keys and tokens, and the auth keys that begin them |
//! | [`session`], [`trail`], [`leak`] | taking back, and knowing why |
//!
//! Nothing here knows a status code, a header or the spelling of any wire.

pub mod actions;
mod attempts;
pub mod audit;
pub mod authn;
pub mod authz;
pub mod caller;
pub mod client;
pub mod clock;
mod diagnostic;
pub mod directory;
pub mod error;
pub mod grant;
mod hashing;
mod issuers;
pub mod keyring;
pub mod leak;
pub mod limits;
pub mod mail;
pub mod mint;
mod nonces;
pub mod object;
pub mod operation;
pub mod org;
pub mod otp;
pub mod outbound;
mod principal;
pub mod resource;
pub mod sam;
pub mod session;
pub mod signin;
mod signing;
pub mod sts;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod token;
pub mod trail;
mod uses;
pub mod view;
pub mod why;

use std::sync::Arc;

pub use caller::{ApiCall, Caller, OrgBearer, RequestMeta};
pub use error::{
    AuthnFailure, CallerKind, Denial, DeniedBy, FederationFailure, Holding, Input, OpError, Precondition, Problem, ProblemKind, Quota,
};
pub use grant::{Fallen, GrantFailure};
pub use operation::{Effect, Operation};
pub use resource::{OrgPart, ResourceName};
pub use signing::{KeyUse, OrganisationKeys};
use tegata_model::{NodeId, RequestId, Timestamp};
pub use tegata_policy::LayerKind;
pub use tegata_sign::{Addressing, ObjectAddress, Presented, Verified};
use tegata_store::{
    ChangeSet, CommitError, Store, StoreError,
    blob::{BlobError, Blobs, Swept},
};
pub use view::View;

use crate::{
    audit::Recorder,
    clock::{Clock, Entropy, NoEntropy, random},
    hashing::Pool,
    issuers::Issuers,
    keyring::Keyring,
    limits::Limits,
    mail::Mailer,
    nonces::Nonces,
    org::{AppUses, RolePolicies, Services},
    outbound::Outbound,
    principal::Memory,
    sam::AuthUses,
    signing::Signing,
    uses::Uses,
};

/// What a core is made of. Everything that could differ between a test and the world is here.
pub struct Parts {
    /// Rows.
    pub store: Store,
    /// Bytes of objects.
    pub blobs: Blobs,
    /// Sealing keys.
    pub keyring: Keyring,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The way out to other servers.
    pub outbound: Arc<dyn Outbound>,
    /// What carries letters to people; without one none are written.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Limits.
    pub limits: Limits,
    /// The services whose roles organisations offer.
    pub services: Services,
    /// Which policies stand for which roles of organisations.
    pub role_policies: RolePolicies,
}

/// The core of one running node. Its fields are private: a handler that holds a `Core` can ask, and nothing else.
pub struct Core {
    store: Store,
    blobs: Blobs,
    keyring: Keyring,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    outbound: Arc<dyn Outbound>,
    issuers: Issuers,
    mailer: Option<Arc<dyn Mailer>>,
    limits: Limits,
    services: Services,
    role_policies: RolePolicies,
    app_uses: AppUses,
    memory: Memory,
    nonces: Nonces,
    recorder: Recorder,
    signing: Signing,
    uses: Uses,
    auth_uses: AuthUses,
    hashing: Pool,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Core {
    /// Puts the parts together; gives this run of the node its own id.
    pub fn new(parts: Parts) -> Result<Self, NoEntropy> {
        let Parts { store, blobs, keyring, clock, entropy, outbound, mailer, limits, services, role_policies } = parts;
        let node = NodeId::from_bytes(new_ulid(clock.as_ref(), entropy.as_ref())?);
        let nonces = Nonces::new(limits.nonce_memory);
        let recorder = Recorder::new(node, limits.refusal_rows_per_minute);
        let hashing = Pool::new(limits.hashing);
        Ok(Self {
            store,
            blobs,
            keyring,
            clock,
            entropy,
            outbound,
            issuers: Issuers::default(),
            mailer,
            limits,
            services,
            role_policies,
            app_uses: AppUses::default(),
            memory: Memory::new(),
            nonces,
            recorder,
            signing: Signing::default(),
            uses: Uses::default(),
            auth_uses: AuthUses::default(),
            hashing,
        })
    }

    /// The current instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh id for a request. Without entropy the time alone tells requests apart: an id grants nothing.
    pub fn new_request_id(&self) -> RequestId {
        RequestId::from_bytes(
            new_ulid(self.clock.as_ref(), self.entropy.as_ref())
                .unwrap_or_else(|_| ulid::Ulid::from_parts(u64::try_from(self.now().unix()).unwrap_or(0) * 1000, 0).to_bytes()),
        )
    }

    /// True when the store answers.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    /// How many durable commits this process has made.
    pub fn durable_commits(&self) -> u64 {
        self.store.durable_commits()
    }

    /// Limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn new_id(&self) -> Result<[u8; 16], NoEntropy> {
        new_ulid(self.clock.as_ref(), self.entropy.as_ref())
    }

    /// Regular work: writes counted refusals and uses of keys, forgets old nonces and marks, removes orphaned blobs. Call about every ten seconds.
    pub async fn tidy_up(&self) -> Result<(), StoreError> {
        let now = self.now();
        self.recorder.flush(&self.store, now).await?;
        self.uses.flush(&self.store, now).await?;
        self.app_uses.flush(&self.store, now).await?;
        self.auth_uses.flush(&self.store, now).await?;
        let mut changes = ChangeSet::new(now);
        changes.push(tegata_store::replay::sweep(now));
        changes.extend(tegata_store::session::sweep(now));
        changes.extend(tegata_store::grant::sweep(now));
        changes.push(tegata_store::device_code::sweep(now));
        changes.push(tegata_store::api_token::sweep(now.minus(KEPT_KEYS)));
        changes.extend(Self::sweep_browsers(now));
        changes.extend(Self::sweep_sam(now));
        changes.push(tegata_store::signing_key::sweep(now));
        // Keys past the longest outage are of no use; a week more shows an operator what was there.
        changes.push(tegata_store::issuer_keys::sweep(now.minus(self.limits.issuer_keys_outage.saturating_add(KEPT_KEYS))));
        changes.push(tegata_store::mail_link::sweep(now));
        changes.push(tegata_store::wrapped::sweep(now.minus(org::WRAP_REMEMBERED), now));
        changes.push(tegata_store::outbox::sweep_asked(now.minus(std::time::Duration::from_hours(1))));
        changes.push(tegata_store::attempt::sweep(now.minus(attempts::WINDOW)));
        self.store.commit(changes).await.map_err(|error| match error {
            CommitError::Store(error) => error,
            other => StoreError::Engine(Arc::new(other)),
        })
    }

    /// Says whether the disk is nearly full. While it is, refusals are counted and no longer recorded, so that strangers
    /// cannot take what effects need; the audit of effects goes on to the last byte. True if this is news.
    pub fn space_is_short(&self, short: bool) -> bool {
        self.recorder.set_scarce(short)
    }

    /// Removes blobs that no object names and that are older than a day: what a crash during an upload leaves.
    pub async fn sweep_blobs(&self) -> Result<Swept, BlobError> {
        self.blobs.sweep(&self.store, std::time::Duration::from_hours(24), self.now()).await
    }

    /// Writes what is only counted so far, waits for open commits and closes the store.
    pub async fn close(self) {
        if let Err(error) = self.recorder.flush(&self.store, self.clock.now()).await {
            tracing::warn!(%error, "counted refusals could not be written");
        }
        if let Err(error) = self.uses.flush(&self.store, self.clock.now()).await {
            tracing::warn!(%error, "the last uses of keys could not be written");
        }
        if let Err(error) = self.app_uses.flush(&self.store, self.clock.now()).await {
            tracing::warn!(%error, "the last uses of apps could not be written");
        }
        if let Err(error) = self.auth_uses.flush(&self.store, self.clock.now()).await {
            tracing::warn!(%error, "the last uses of auth keys could not be written");
        }
        self.store.close().await;
    }
}

/// How long the keys of an issuer stay after they are of no more use.
const KEPT_KEYS: std::time::Duration = std::time::Duration::from_hours(7 * 24);

fn new_ulid(clock: &dyn Clock, entropy: &dyn Entropy) -> Result<[u8; 16], NoEntropy> {
    let noise: [u8; 10] = random(entropy)?;
    let millis = u64::try_from(clock.now().unix()).unwrap_or(0).saturating_mul(1000);
    let mut bytes = [0; 16];
    let time = millis.to_be_bytes();
    for (slot, byte) in bytes.iter_mut().zip(time.iter().skip(2).chain(noise.iter())) {
        *slot = *byte;
    }
    Ok(bytes)
}
