//! When long-term keys were last used: kept in memory, written by the regular work of the node and when it stops. A request costs
//! no write of its own; what a crash can lose is what happened since the last regular work, about ten seconds.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, atomic::Ordering},
};

use tegata_model::{KeyId, Timestamp};
use tegata_store::{
    ChangeSet, CommitError, Store, StoreError,
    key_use::{self, KeyUse},
};

use crate::{actions::Action, principal::LiveKey};

/// Uses written by one commit.
const AT_ONCE: usize = 1000;

/// What has been noted and not yet written.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<HashMap<KeyId, (Timestamp, &'static str)>>);

impl Uses {
    /// Notes a use: by the signature alone (`None`), or by an operation of some service. To the second: more often in one second
    /// by the same service costs one comparison.
    pub(crate) fn note(&self, key: &LiveKey, now: Timestamp, action: Option<Action>) {
        let service = action.and_then(|action| action.name().split_once(':')).map_or("", |(service, _)| service);
        let mark =
            now.unix().wrapping_mul(256).wrapping_add(i64::from(service.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31) ^ byte)));
        let noted = key.noted.swap(mark, Ordering::Relaxed);
        if noted == mark || (service.is_empty() && noted.wrapping_shr(8) == now.unix()) {
            return;
        }
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = uses.entry(key.id).or_insert((now, service));
        if known.0 <= now {
            *known = (now, if service.is_empty() && known.0 == now { known.1 } else { service });
        }
    }

    /// The later of what was written and what was noted since.
    pub(crate) fn latest(&self, key: KeyId, written: Option<KeyUse>) -> Option<KeyUse> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        match (written, noted) {
            (Some(written), Some((at, _))) if written.at >= at => Some(written),
            (_, Some((at, service))) => Some(KeyUse { key, at, service: service.to_owned() }),
            (written, None) => written,
        }
    }

    /// Writes what was noted. What cannot be written is kept for the next time.
    pub(crate) async fn flush(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let mut noted: Vec<_> = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect();
        while !noted.is_empty() {
            let some = noted.split_off(noted.len().saturating_sub(AT_ONCE));
            let mut changes = ChangeSet::new(now);
            changes.extend(
                some.iter().map(|(key, (at, service))| key_use::note(&KeyUse { key: *key, at: *at, service: (*service).to_owned() })),
            );
            if let Err(error) = store.commit(changes).await {
                let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                for (key, (at, service)) in noted.into_iter().chain(some) {
                    let known = uses.entry(key).or_insert((at, service));
                    if known.0 < at {
                        *known = (at, service);
                    }
                }
                return Err(match error {
                    CommitError::Store(error) => error,
                    other => StoreError::Engine(std::sync::Arc::new(other)),
                });
            }
        }
        Ok(())
    }
}
