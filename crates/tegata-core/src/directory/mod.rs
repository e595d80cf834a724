//! Accounts and what belongs to them, as the operator of the machine makes them: with the data folder in hand, before anybody can sign in.
//!
//! Operations of signed-in administrators come with the dialects that have them; they build on the same rows.

mod provision;
mod system;

pub use provision::{Attachable, NewAccessKey, NewAccount, NewRole, NewUser, Provision, ProvisionError, Provisioned};
pub use system::{SYSTEM_POLICIES, SystemPolicy};
