//! Nonces of this node, in memory: they stop repeats of calls without effect, which commit nothing.
//! For calls with effect the claim in the commit decides; this is only the quicker refusal.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use tegata_model::Timestamp;

/// Nonces kept at most per half of the memory. Past it the older half is dropped early: what is lost is the
/// refusal of a repeated *read* inside the window, never of a repeated effect.
const HALF: usize = 1 << 19;

#[derive(Debug)]
pub(crate) struct Nonces {
    halves: Mutex<Halves>,
    memory: Duration,
}

#[derive(Debug, Default)]
struct Halves {
    newer: HashSet<[u8; 16]>,
    older: HashSet<[u8; 16]>,
    turned_at: Option<Timestamp>,
}

impl Nonces {
    pub(crate) fn new(memory: Duration) -> Self {
        Self { halves: Mutex::default(), memory }
    }

    /// True the first time, false for a repeat.
    pub(crate) fn claim(&self, nonce: [u8; 16], now: Timestamp) -> bool {
        let mut halves = self.halves.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let turned_at = *halves.turned_at.get_or_insert(now);
        if now.since(turned_at) >= self.memory || halves.newer.len() >= HALF {
            halves.older = std::mem::take(&mut halves.newer);
            halves.turned_at = Some(now);
        }
        !halves.older.contains(&nonce) && halves.newer.insert(nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_refused_for_at_least_the_memory() {
        let nonces = Nonces::new(Duration::from_secs(100));
        let at = Timestamp::from_unix;
        assert!(nonces.claim([1; 16], at(0)));
        assert!(!nonces.claim([1; 16], at(99)));
        assert!(nonces.claim([2; 16], at(100)));
        assert!(!nonces.claim([1; 16], at(150)));
        assert!(nonces.claim([3; 16], at(300)));
        assert!(nonces.claim([4; 16], at(500)));
        assert!(nonces.claim([1; 16], at(500)), "forgotten after twice the memory");
    }
}
