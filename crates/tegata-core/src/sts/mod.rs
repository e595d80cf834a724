//! Sessions and identity.

mod assume_role;
mod get_caller_identity;

pub use assume_role::AssumeRole;
pub use get_caller_identity::{CallerIdentity, GetCallerIdentity};
