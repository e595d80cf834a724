//! What every dialect does before and after its own work: limits, the caller's address, one span and one line per request.

pub(crate) mod limits;
pub(crate) mod meta;
pub(crate) mod qr;
pub(crate) mod span;
pub(crate) mod xml;

pub use meta::{Network, NetworkError, Peer};
pub use span::Outcome;
