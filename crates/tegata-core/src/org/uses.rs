//! When apps last got a token: kept in memory, written by the regular work of the node and when it stops, as with keys.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tegata_model::{ClientId, Timestamp};
use tegata_store::{ChangeSet, CommitError, Store, StoreError, app};

/// What has been noted and not yet written.
#[derive(Debug, Default)]
pub(crate) struct AppUses(Mutex<HashMap<ClientId, Timestamp>>);

impl AppUses {
    /// Notes that the app got a token.
    pub(crate) fn note(&self, client: ClientId, now: Timestamp) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = uses.entry(client).or_insert(now);
        *known = now.max(*known);
    }

    /// The later of what was written and what was noted since.
    pub(crate) fn latest(&self, client: ClientId, written: Option<Timestamp>) -> Option<Timestamp> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&client).copied();
        noted.max(written)
    }

    /// Writes what was noted. What cannot be written is kept for the next time.
    pub(crate) async fn flush(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return Ok(());
        }
        let mut changes = ChangeSet::new(now);
        changes.extend(noted.iter().map(|(client, at)| app::used(*client, *at)));
        store.commit(changes).await.map_err(|error| {
            for (client, at) in noted {
                self.note(client, at);
            }
            match error {
                CommitError::Store(error) => error,
                other => StoreError::Engine(std::sync::Arc::new(other)),
            }
        })
    }
}
