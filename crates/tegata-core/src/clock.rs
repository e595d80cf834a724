//! Time and randomness, injected: the only two ways the world leaks into a decision.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use tegata_model::Timestamp;

/// Where `now` comes from.
pub trait Clock: Send + Sync + 'static {
    /// The current instant, in whole UTC seconds.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

/// Where unpredictable bytes come from.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes`; an error means that the system has no randomness to give, and nothing may be issued.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoEntropy;

/// The randomness of the operating system, through the cryptographic library.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.0.fill(bytes).map_err(|_| NoEntropy)
    }
}

/// `N` unpredictable bytes.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// Random text of `len` characters from `alphabet`, without bias.
pub fn random_text(entropy: &dyn Entropy, alphabet: &[u8], len: usize) -> Result<String, NoEntropy> {
    let size = alphabet.len().clamp(1, 256);
    let usable = 256 - 256 % size;
    let mut text = String::with_capacity(len);
    while text.len() < len {
        for byte in random::<64>(entropy)? {
            let byte = usize::from(byte);
            if byte < usable && text.len() < len {
                text.extend(alphabet.get(byte % size).map(|b| char::from(*b)));
            }
        }
    }
    Ok(text)
}
