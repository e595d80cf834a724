//! Signed calls to a tegata server: sessions and objects; profiles, and keys that stay good.
//!
//! | module | what |
//! |---|---|
//! | [`credential`] | what a call is signed with |
//! | [`transport`] | one request, one reply |
//! | [`rpc`] | any operation of the RPC wire, by name |
//! | [`sam`] | sessions of the SORACOM wire: passwords, one-time codes, profile commands |
//! | [`otp`] | one-time codes from a seed |
//! | [`sign_in`] | a person at a browser instead of a key |
//! | [`sts`] | become a role, ask who one is |
//! | [`oss`] | put, get, list and delete objects, sign URLs |
//! | [`profile`] | which server and which key, in the file of the vendor's command line |
//! | [`provider`] | a key that is good now, wherever it comes from |
//! | [`inspect`] | what a server shows of itself before it is believed |
//! | [`private_file`] | files for one user only |
//!
//! Time comes from the caller, so that tests can move it. Secrets stay in types that cannot print.

pub mod credential;
pub mod error;
pub mod inspect;
pub mod oss;
pub mod otp;
pub mod private_file;
pub mod profile;
pub mod provider;
pub mod rpc;
pub mod sam;
pub mod sign_in;
pub mod sts;
pub mod transport;
pub mod words;

pub use credential::Credential;
pub use error::{ClientError, Refusal};
pub use oss::Oss;
pub use profile::{Profile, ProfileFile};
pub use provider::Provider;
pub use rpc::{Api, Rpc};
pub use sts::Sts;
pub use transport::{Reply, Transport};
