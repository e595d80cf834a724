//! OAuth and OpenID Connect messages: what they say, read strictly, and whether their signatures hold.
//!
//! | module | what |
//! |---|---|
//! | [`jws`] | compact signed messages (RFC 7515): parse, then verify with a set of keys |
//! | [`jwk`] | public keys and sets of them (RFC 7517), within limits |
//! | [`id_token`] | ID tokens (OpenID Connect Core 1.0 §2): claims, times, signature |
//! | [`discovery`] | what an issuer says of itself (OpenID Connect Discovery 1.0 §4) |
//! | [`parameters`], [`token_request`], [`authorization_request`] | what arrives at our own endpoints |
//! | [`scope`], [`redirect`], [`pkce`] | its parts, valid by construction |
//! | [`signer`], [`access_token`], [`org_token`] | what we sign ourselves (RFC 9068) |
//! | [`dpop`] | proofs of possession (RFC 9449) |
//! | [`metadata`], [`error`] | what we say of ourselves (RFC 8414), and why not |
//!
//! Everything here is pure: bytes in, a value or a reason out. Nothing fetches, stores or knows a clock. Three rules hold
//! everywhere: a name that stands twice in an object is refused; the algorithm must be asymmetric and must fit the
//! type of the key, which is never taken from the message; and sizes are limited before anything is parsed.

pub mod access_token;
pub mod authorization_request;
pub mod discovery;
pub mod dpop;
pub mod error;
pub mod id_token;
mod json;
pub mod jwk;
pub mod jws;
pub mod metadata;
pub mod org_token;
pub mod parameters;
pub mod pkce;
pub mod redirect;
pub mod scope;
pub mod signer;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod token_request;

pub use access_token::{AccessClaims, AccessTokenError, Actor, Confirmation, IdClaims};
pub use authorization_request::{AuthorizationRequest, Destination, Prompt};
pub use discovery::{Discovery, DiscoveryError};
pub use dpop::{DpopError, DpopProof};
pub use error::{ErrorCode, OauthError};
pub use id_token::{Claims, ClaimsError, IdToken, IdTokenError, TimesError, VerifiedIdToken};
pub use json::{JsonError, object as json_object};
pub use jwk::{Jwk, JwkSet, JwkSetError};
pub use jws::{Algorithm, Header, Jws, JwsError};
pub use org_token::OrgClaims;
pub use parameters::Parameters;
pub use pkce::{Challenge, PkceError, Verifier};
pub use redirect::{RedirectError, RedirectUri};
pub use scope::{Scope, ScopeError};
pub use signer::{Signer, SignerError};
pub use token_request::TokenRequest;
