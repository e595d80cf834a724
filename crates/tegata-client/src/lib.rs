//! Signed calls to a tegata server: sessions and objects.
//!
//! | module | what |
//! |---|---|
//! | [`credential`] | what a call is signed with |
//! | [`transport`] | one request, one reply |
//! | [`sts`] | become a role, ask who one is |
//! | [`oss`] | put, get and list objects, sign URLs |
//!
//! Time comes from the caller, so that tests can move it. Secrets stay in types that cannot print.

pub mod credential;
pub mod error;
pub mod oss;
pub mod sts;
pub mod transport;

pub use credential::Credential;
pub use error::{ClientError, Refusal};
pub use oss::Oss;
pub use sts::Sts;
pub use transport::{Reply, Transport};
