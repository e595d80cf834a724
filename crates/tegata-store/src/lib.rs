//! Rows and blobs, in and out. Nothing here knows what a policy means or what a request looks like.
//!
//! | module | what |
//! |---|---|
//! | [`engine`] | [`Store`]: one durable commit per change set, reads, cache versions; the only place that names a driver |
//! | [`change`] | [`ChangeSet`]: what to write, what must still hold, what is claimed once |
//! | [`account`] … [`meta`] | one file per noun: its row, its statements, its functions |
//! | [`blob`] | bytes of objects, published after they are on disk |
//!
//! Reads return rows; writes return [`Step`]s, values that do nothing until they are committed in a [`ChangeSet`].

pub mod access_key;
pub mod account;
pub mod api_token;
pub mod app;
pub mod application_policy;
pub mod attempt;
pub mod audit;
pub mod auth_key;
pub mod blob;
pub mod browser_session;
pub mod bucket;
pub mod change;
pub mod client;
pub mod client_secret;
pub mod code;
pub mod consent;
pub mod device_code;
pub mod device_policy;
pub mod directory;
pub mod engine;
pub mod error;
pub mod factor;
pub mod feed;
pub mod grant;
pub mod group;
pub mod installation;
pub mod issuer_keys;
pub mod key_policy;
pub mod key_use;
pub mod keyring;
pub mod login_profile;
pub mod mail_link;
pub mod meta;
pub mod mfa_device;
mod migrate;
pub mod object;
pub mod oidc_provider;
pub mod organisation;
pub mod outbox;
pub mod password_policy;
pub mod policy;
pub mod replay;
pub mod role;
pub mod row;
pub mod sam_document;
pub mod sam_role;
pub mod sam_session;
pub mod sam_snapshot;
pub mod security_preference;
pub mod session;
pub mod signing_key;
pub mod tag;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod user;
pub mod value;
pub mod wrapped;

pub use change::{ChangeSet, Claim, Must, Step};
pub use engine::{Location, Options, Store};
pub use error::{CommitError, StoreError};
pub use row::Row;
pub use value::Value;
