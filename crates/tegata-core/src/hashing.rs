//! Work on passwords: slow and large by design, so it has threads of its own, only so many at once, and a short queue that
//! is shared fairly by caller address. When the queue is full the answer is "try again", at once.
//!
//! Whoever may not do what a password is for is refused before any of this.
//!
//! Its threads stand behind all others when processors are short: for whoever waits 20 ms, one more hardly matters, and a request that
//! takes a tenth of a millisecond would otherwise wait for a whole time slice of theirs.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tegata_model::{PasswordHash, SecretKey};
use tokio::sync::oneshot;

use crate::{
    Core,
    audit::address_block,
    clock::{Entropy, random},
    error::OpError,
    limits,
};

/// Memory of one hash, in KiB.
const MEMORY: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// How far behind others the threads stand (`nice`): about a tenth of a processor is left to each when all are wanted, so that sign-ins
/// slow down but never stand still.
#[cfg(target_os = "linux")]
const BEHIND: i32 = 10;
/// When to try again after a full queue.
const FULL: Duration = Duration::from_secs(1);

/// The pool: who works, who waits.
#[derive(Debug)]
pub(crate) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: limits::Hashing,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    working: usize,
    waiting: usize,
    /// Whose turn it is stands first. Each address has one line, and its first in line is served.
    lines: VecDeque<(String, VecDeque<oneshot::Sender<Turn>>)>,
}

/// The right to work on one password. Dropping it gives the turn to the next in line.
#[derive(Debug)]
pub(crate) struct Turn(Option<Arc<Shared>>);

impl Pool {
    pub(crate) fn new(limits: limits::Hashing) -> Self {
        Self(Arc::new(Shared { limits, state: Mutex::default() }))
    }

    /// Runs `work` on a thread where blocking hurts nobody, once it is the caller's turn.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        source: Option<IpAddr>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, OpError> {
        self.turn(source).await?.work(work).await
    }

    /// Waits for the right to work on one password.
    pub(crate) async fn turn(&self, source: Option<IpAddr>) -> Result<Turn, OpError> {
        let waiting = {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.working < self.0.limits.at_once.max(1) {
                state.working += 1;
                return Ok(Turn(Some(Arc::clone(&self.0))));
            }
            // Callers whose address is not known share one line.
            let address = source.map_or_else(String::new, address_block);
            let at = state.lines.iter().position(|(known, _)| *known == address);
            let in_line = at.and_then(|at| state.lines.get(at)).map_or(0, |(_, line)| line.len());
            if state.waiting >= self.0.limits.waiting || in_line >= self.0.limits.waiting_per_address {
                return Err(OpError::Throttled(FULL));
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting += 1;
            match at.and_then(|at| state.lines.get_mut(at)) {
                Some((_, line)) => line.push_back(sender),
                None => state.lines.push_back((address, VecDeque::from([sender]))),
            }
            receiver
        };
        waiting.await.map_err(OpError::internal)
    }
}

impl Turn {
    /// Spends the turn on `work`, on a thread where blocking hurts nobody. The thread is made for it: one that has stepped back may not
    /// step forward again, so none is borrowed, and against the work its making is nothing.
    pub(crate) async fn work<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, OpError> {
        let (sender, receiver) = oneshot::channel();
        let work = move || {
            step_back();
            let done = work();
            drop(self);
            // Nobody waits any more where the request has gone away.
            let _ = sender.send(done);
        };
        thread::Builder::new().name("password".to_owned()).spawn(work).map_err(OpError::internal)?;
        receiver.await.map_err(OpError::internal)
    }
}

/// Lets other threads go first from now on. A system that does not allow it treats all alike, as before.
fn step_back() {
    // Only Linux takes this for one thread; elsewhere it would be the whole process.
    #[cfg(target_os = "linux")]
    if rustix::process::getpriority_process(None).is_ok_and(|now| now < BEHIND) {
        let _ = rustix::process::setpriority_process(None, BEHIND);
    }
}

impl State {
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let (address, mut line) = self.lines.pop_front()?;
        let next = line.pop_front();
        if !line.is_empty() {
            self.lines.push_back((address, line));
        }
        self.waiting -= usize::from(next.is_some());
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut shared) = self.0.take() else { return };
        loop {
            let next = {
                let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
                let next = state.next();
                if next.is_none() {
                    state.working -= 1;
                }
                next
            };
            let Some(next) = next else { return };
            // Who has gone away meanwhile gives the turn back.
            match next.send(Turn(Some(shared))) {
                Ok(()) => return,
                Err(mut back) => match back.0.take() {
                    Some(kept) => shared = kept,
                    None => return,
                },
            }
        }
    }
}

fn argon2() -> Result<Argon2<'static>, argon2::Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY, PASSES, 1, None)?))
}

/// Hashes a password for keeping. Blocks for some 20 ms: run it in the pool.
pub(crate) fn hash(password: &SecretKey, salt: [u8; 16]) -> Result<PasswordHash, OpError> {
    let hash = argon2().map_err(OpError::internal)?.hash_password_with_salt(password.expose().as_bytes(), &salt);
    Ok(PasswordHash::new(&hash.map_err(OpError::internal)?.to_string()))
}

/// Whether this is the password that was kept; with the cost it was kept with. Blocks: run it in the pool.
pub(crate) fn verify(password: &SecretKey, kept: &PasswordHash) -> bool {
    argon2().is_ok_and(|argon2| argon2.verify_password(password.expose().as_bytes(), kept.expose()).is_ok())
}

/// A salt for one password.
pub(crate) fn salt(entropy: &dyn Entropy) -> Result<[u8; 16], OpError> {
    Ok(random(entropy)?)
}

impl Core {
    /// Hashes a password in the pool, for a caller at `source`.
    pub(crate) async fn hash_password(&self, source: Option<IpAddr>, password: Arc<SecretKey>) -> Result<PasswordHash, OpError> {
        let salt = salt(self.entropy.as_ref())?;
        self.hashing.run(source, move || hash(&password, salt)).await?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn hashes_are_salted_and_say_their_cost() {
        let password = SecretKey::new("correct horse".to_owned());
        let (one, two) = (hash(&password, [1; 16]).unwrap(), hash(&password, [2; 16]).unwrap());
        assert!(one.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.expose());
        assert_ne!(one, two);
        assert!(verify(&password, &one) && verify(&password, &two));
        assert!(!verify(&SecretKey::new("correct horsf".to_owned()), &one));
        assert!(!verify(&password, &PasswordHash::new("$argon2id$broken")));
        assert!(!verify(&password, &PasswordHash::new("")));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_addresses_take_turns() {
        let pool = Arc::new(Pool::new(limits::Hashing { at_once: 1, waiting: 4, waiting_per_address: 3 }));
        let (go, wait) = mpsc::channel::<()>();
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(Some(address(9)), move || wait.recv().is_ok()).await }
        });
        while pool.0.state.lock().unwrap().working == 0 {
            tokio::task::yield_now().await;
        }
        let mut others = Vec::new();
        for (at, last) in [1, 1, 1, 2].into_iter().enumerate() {
            let (pool, order) = (Arc::clone(&pool), Arc::clone(&order));
            let before = pool.0.state.lock().unwrap().waiting;
            others.push(tokio::spawn({
                let pool = Arc::clone(&pool);
                async move { pool.run(Some(address(last)), move || order.lock().unwrap().push((last, at))).await }
            }));
            while pool.0.state.lock().unwrap().waiting == before {
                tokio::task::yield_now().await;
            }
        }
        assert!(matches!(pool.run(Some(address(3)), || ()).await, Err(OpError::Throttled(_))), "four wait");
        others.remove(1).abort();
        go.send(()).unwrap();
        assert!(first.await.unwrap().unwrap());
        for other in others {
            other.await.unwrap().unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [(1, 0), (2, 3), (1, 2)], "the one who went away is passed over");
        pool.run(Some(address(3)), || ()).await.unwrap();
        let state = pool.0.state.lock().unwrap();
        assert_eq!((state.working, state.waiting, state.lines.len()), (0, 0, 0));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn work_on_passwords_stands_behind_the_rest() {
        let pool = Pool::new(limits::Hashing::default());
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        assert_eq!(pool.run(None, priority).await.unwrap(), before.max(BEHIND));
        assert_eq!(priority(), before);
    }

    #[tokio::test]
    async fn work_that_breaks_gives_the_turn_back() {
        let pool = Pool::new(limits::Hashing { at_once: 1, waiting: 0, waiting_per_address: 0 });
        assert!(pool.run(None, || assert!(false_now(), "broken")).await.is_err());
        while pool.0.state.lock().unwrap().working > 0 {
            tokio::task::yield_now().await;
        }
        pool.run(None, || ()).await.unwrap();
    }

    fn false_now() -> bool {
        std::hint::black_box(false)
    }

    #[tokio::test]
    async fn one_address_cannot_fill_the_queue() {
        let pool = Arc::new(Pool::new(limits::Hashing { at_once: 1, waiting: 9, waiting_per_address: 1 }));
        let turn = pool.turn(Some(address(1))).await.unwrap();
        let waiting = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(Some(address(1)), || ()).await }
        });
        while pool.0.state.lock().unwrap().waiting == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.turn(Some(address(1))).await, Err(OpError::Throttled(_))));
        drop(turn);
        waiting.await.unwrap().unwrap();
    }
}
