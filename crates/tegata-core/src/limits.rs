//! Limits of what is asked and kept. All of them are configuration with a safe default.

use std::time::Duration;

/// How far things may go. Built by the binary from its configuration.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How far a signed request's time may lie from ours, in either direction.
    pub clock_skew: Duration,
    /// How long a nonce is remembered after its use; at least twice the skew.
    pub nonce_memory: Duration,
    /// The longest validity of a pre-signed URL.
    pub presigned_url: Duration,
    /// How long a chain of sessions may live after the key or password that began it was last used.
    pub root_deadline: Duration,
    /// How many sessions may follow one another by role chaining.
    pub chain_depth: usize,
    /// Largest session policy, in characters.
    pub session_policy_chars: usize,
    /// Largest object, in bytes.
    pub object_bytes: u64,
    /// Refusals of one principal that get a row of their own within one minute; the rest are counted.
    pub refusal_rows_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self {
            clock_skew: 15 * minute,
            nonce_memory: 31 * minute,
            presigned_url: 7 * 24 * 60 * minute,
            root_deadline: 12 * 60 * minute,
            chain_depth: 6,
            session_policy_chars: 2048,
            object_bytes: 5 * 1024 * 1024 * 1024,
            refusal_rows_per_minute: 120,
        }
    }
}
