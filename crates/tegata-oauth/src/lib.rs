//! OAuth and OpenID Connect messages: what they say, read strictly, and whether their signatures hold.
//!
//! | module | what |
//! |---|---|
//! | [`jws`] | compact signed messages (RFC 7515): parse, then verify with a set of keys |
//! | [`jwk`] | public keys and sets of them (RFC 7517), within limits |
//! | [`id_token`] | ID tokens (OpenID Connect Core 1.0 §2): claims, times, signature |
//! | [`discovery`] | what an issuer says of itself (OpenID Connect Discovery 1.0 §4) |
//!
//! Everything here is pure: bytes in, a value or a reason out. Nothing fetches, stores or knows a clock. Three rules hold
//! everywhere: a name that stands twice in an object is refused; the algorithm must be asymmetric and must fit the
//! type of the key, which is never taken from the message; and sizes are limited before anything is parsed.

pub mod discovery;
pub mod id_token;
mod json;
pub mod jwk;
pub mod jws;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use discovery::{Discovery, DiscoveryError};
pub use id_token::{Claims, ClaimsError, IdToken, IdTokenError, TimesError, VerifiedIdToken};
pub use json::JsonError;
pub use jwk::{Jwk, JwkSet, JwkSetError};
pub use jws::{Algorithm, Header, Jws, JwsError};
