//! Nonces of signed requests: each is claimed once, in the commit of the request's effect.

use tegata_model::Timestamp;

use crate::{Claim, Must, Step};

const CLAIM: &str = "INSERT INTO replay_nonces (nonce, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const SWEEP: &str = "DELETE FROM replay_nonces WHERE nonce IN \
    (SELECT nonce FROM replay_nonces WHERE expires_at <= $1 ORDER BY expires_at LIMIT 5000)";

/// Claims the nonce (16 bytes of a digest of it and of what scopes it). It must be kept until no request with it could be accepted.
pub fn claim(nonce: [u8; 16], expires: Timestamp) -> Step {
    Step::new(CLAIM, vec![nonce.into(), expires.into()], Must::Claim(Claim::Nonce))
}

/// Forgets up to 5,000 nonces whose time has passed.
pub fn sweep(now: Timestamp) -> Step {
    Step::new(SWEEP, vec![now.into()], Must::Anything)
}
