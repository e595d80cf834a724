//! Sessions and identity.

mod assume_role;
mod assume_role_with_oidc;
mod get_caller_identity;

pub use assume_role::AssumeRole;
pub use assume_role_with_oidc::{AssumeRoleWithOidc, FederatedCredential};
pub use get_caller_identity::{CallerIdentity, GetCallerIdentity};
