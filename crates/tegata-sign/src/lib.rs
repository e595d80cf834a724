//! One canonical form per signature scheme, for signer and verifier alike.
//!
//! A request is read in two steps that never meet: `present` turns what arrived into a [`Presented`] without knowing any
//! key, and [`Presented::verify`] judges it once the caller has found the secret. Between the two stands
//! [`Presented::check_time`]. Only [`Presented::verify`] makes a [`Verified`], and only that knows which object an OSS
//! request names. Nothing here knows who owns a key, and no web framework is in sight.
//!
//! | module | what |
//! |---|---|
//! | [`arrived`] | the request as the HTTP layer hands it over, and the limits every scheme shares |
//! | [`form`] | form and percent coding, both ways |
//! | [`presented`] | a signature not yet judged; the judgement |
//! | [`acs`] | which of the two ACS schemes a request uses |
//! | [`acs_rpc`] | RPC signature version 1.0, HMAC-SHA1 over all parameters |
//! | [`acs3`] | `ACS3-HMAC-SHA256`, a header signature |
//! | [`oss`] | bucket and key of a request; which OSS scheme it uses |
//! | [`oss_v1`] | OSS version 1, header and URL |
//! | [`oss_v4`] | OSS version 4, header and URL |

pub mod acs;
pub mod acs3;
pub mod acs_rpc;
pub mod arrived;
pub mod form;
mod hmac;
pub mod oss;
pub mod oss_v1;
pub mod oss_v4;
pub mod presented;

pub use arrived::{Arrived, ArrivedProblem};
pub use oss::{Addressing, ObjectAddress};
pub use presented::{Credential, Deviation, Mismatch, Placement, Presented, Scheme, TimeProblem, Verified};
