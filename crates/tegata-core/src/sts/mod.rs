//! Sessions and identity.

mod access_configuration;
mod assume_role;
mod assume_role_with_oidc;
mod get_caller_identity;

pub(crate) use access_configuration::is_single_sign_on;
pub use access_configuration::{AccessConfiguration, ListAccessConfigurations};
pub use assume_role::AssumeRole;
pub use assume_role_with_oidc::{AssumeRoleWithOidc, FederatedCredential};
pub use get_caller_identity::{CallerIdentity, GetCallerIdentity};
