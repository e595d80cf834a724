//! The keys of issuers: fetched when they are needed, kept in memory and in the store, and used on while an issuer is away.
//!
//! A stranger can make anybody's issuer be asked, by sending tokens that name keys nobody has. So an issuer is asked by one task at a
//! time, at most once in ten seconds, and only for tokens that a provider of ours could have sent.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tegata_model::{IssuerUrl, Timestamp};
use tegata_oauth::{Discovery, Header, JwkSet};
use tegata_store::{
    ChangeSet, Store,
    issuer_keys::{self, IssuerKeysRow},
};
use tokio::sync::Semaphore;

use crate::{Core, error::OpError, outbound::Outbound};

/// Least time between two attempts at one issuer.
const PAUSE: Duration = Duration::from_secs(10);
/// Issuers that are remembered at a time. Only registered ones ever get here.
const REMEMBERED: usize = 4096;

/// What an issuer last published.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    pub(crate) set: JwkSet,
    pub(crate) certificates: Vec<String>,
    fetched_at: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Issuers(Mutex<HashMap<String, Arc<Slot>>>);

#[derive(Debug)]
struct Slot {
    /// Whose turn it is to ask. Held by the task that asks, which goes on when whoever waited for it has gone away.
    turn: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: Option<Arc<IssuerKeys>>,
    tried_at: Option<Timestamp>,
}

impl Slot {
    fn new() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), state: Mutex::default() }
    }

    fn known(&self) -> Option<Arc<IssuerKeys>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).known.clone()
    }

    /// Remembers what is newer than what was known.
    fn learn(&self, keys: &Arc<IssuerKeys>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.known.as_ref().is_none_or(|known| known.fetched_at <= keys.fetched_at) {
            state.known = Some(Arc::clone(keys));
        }
    }

    /// True if the issuer may be asked now; then it counts as asked.
    fn may_try(&self, now: Timestamp) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let may = state.tried_at.is_none_or(|tried| now.distance(tried) >= PAUSE);
        if may {
            state.tried_at = Some(now);
        }
        may
    }
}

impl Issuers {
    fn slot(&self, issuer: &IssuerUrl) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= REMEMBERED && !slots.contains_key(issuer.as_str()) {
            slots.clear();
        }
        Arc::clone(slots.entry(issuer.as_str().to_owned()).or_insert_with(|| Arc::new(Slot::new())))
    }

    /// The keys of an issuer, good for verifying a message with this header if the issuer has such a key at all. `None` where there are
    /// none: never fetched, or too long ago.
    pub(crate) async fn keys(
        &self,
        core: &Core,
        issuer: &IssuerUrl,
        header: &Header,
        now: Timestamp,
    ) -> Result<Option<Arc<IssuerKeys>>, OpError> {
        let limits = core.limits();
        let fresh = |keys: &IssuerKeys| keys.set.knows(header) && now.since(keys.fetched_at) < limits.issuer_keys_refresh;
        let usable = |keys: &IssuerKeys| now.since(keys.fetched_at) <= limits.issuer_keys_outage;
        let slot = self.slot(issuer);
        if let Some(known) = slot.known().filter(|known| fresh(known)) {
            return Ok(Some(known));
        }
        let turn = if let Ok(turn) = Arc::clone(&slot.turn).try_acquire_owned() {
            turn
        } else {
            // Somebody asks already. What is known will do meanwhile, if it has the key.
            if let Some(known) = slot.known().filter(|known| usable(known) && known.set.knows(header)) {
                return Ok(Some(known));
            }
            Arc::clone(&slot.turn).acquire_owned().await.map_err(OpError::internal)?
        };
        if let Some(known) = slot.known().filter(|known| fresh(known)) {
            return Ok(Some(known));
        }
        // Another node may have asked, or we before a restart.
        if let Some(row) = issuer_keys::find(&core.store, issuer.as_str()).await? {
            match understood(&row) {
                Ok(keys) => slot.learn(&Arc::new(keys)),
                Err(error) => tracing::error!(%issuer, %error, "the kept keys of an issuer cannot be read"),
            }
            if let Some(known) = slot.known().filter(|known| fresh(known)) {
                return Ok(Some(known));
            }
        }
        if slot.may_try(now) {
            let (outbound, store, issuer, of) = (Arc::clone(&core.outbound), core.store.clone(), issuer.clone(), Arc::clone(&slot));
            // A task of its own: a stranger who hangs up must not undo it, and so use up the turn of everybody else.
            let asking = tokio::spawn(async move {
                let outcome = fetch(outbound.as_ref(), &store, &issuer, now).await;
                match outcome {
                    Ok(keys) => of.learn(&Arc::new(keys)),
                    Err(error) => {
                        let age = of.known().map(|known| now.since(known.fetched_at).as_secs());
                        tracing::warn!(%issuer, %error, known_for_seconds = ?age, "the keys of an issuer could not be fetched");
                    }
                }
                drop(turn);
            });
            asking.await.map_err(OpError::internal)?;
        }
        Ok(slot.known().filter(|known| usable(known)))
    }
}

fn understood(row: &IssuerKeysRow) -> Result<IssuerKeys, tegata_oauth::JwkSetError> {
    Ok(IssuerKeys { set: JwkSet::parse(&row.keys)?, certificates: row.certificates.clone(), fetched_at: row.fetched_at })
}

/// Asks the issuer where its keys are, and for them; keeps what it says.
///
/// The certificates are those of the issuer's own host: it vouches for wherever it says that its keys are.
async fn fetch(outbound: &dyn Outbound, store: &Store, issuer: &IssuerUrl, now: Timestamp) -> Result<IssuerKeys, String> {
    let document = outbound.get(&Discovery::url(issuer.as_str())).await.map_err(|error| error.to_string())?;
    let discovery = Discovery::parse(&document.body, issuer.as_str()).map_err(|error| error.to_string())?;
    let answer = outbound.get(&discovery.jwks_uri).await.map_err(|error| error.to_string())?;
    let row = IssuerKeysRow { issuer: issuer.as_str().to_owned(), keys: answer.body, certificates: document.certificates, fetched_at: now };
    let keys = understood(&row).map_err(|error| error.to_string())?;
    let mut changes = ChangeSet::new(now);
    changes.push(issuer_keys::keep(&row));
    if let Err(error) = store.commit(changes).await {
        tracing::error!(%issuer, %error, "the keys of an issuer could not be kept");
    }
    Ok(keys)
}
