//! Organisations: who has which roles in an account, and the apps that act there with roles of their own.
//!
//! | module | what |
//! |---|---|
//! | `catalogue` | the roles there are, by kind of organisation, and the services |
//! | `scope` | what an app gets: its definition, what is offered, and what whoever adds it can hand out |
//! | `refusal` | why an organisation refuses something |
//! | `standing` | whether a caller stands in an organisation, and with which roles; what tokens may say of users and apps |
//! | `app`, `secret`, `instance` | apps as they are defined, their secrets, and where they were added |
//! | `member`, `place` | people with their roles; organisations and services as they are seen |
//!
//! What allows here are roles in the organisation. Policies of the caller can only deny.

mod catalogue;
mod refusal;
mod scope;
mod standing;
#[cfg(test)]
mod tests;
mod uses;

pub use catalogue::{AppRights, OrgKind, OrgRole, Profile, Service, ServiceMode, ServiceNameError, Services, profile};
pub use refusal::{AppField, Barrier, Refusal};
pub use scope::{Actor, AppScope, Dropped, Effective, Handout, Requested, Roles, Wanted, Why};
pub use standing::word_of;

pub(crate) use standing::{Perms, instance_perms, user_perms};
pub(crate) use uses::AppUses;

use crate::actions::Action;

/// True for what roles in an organisation allow: policies can only deny it, whoever asks.
pub(crate) fn is_org_action(action: Action) -> bool {
    action.name().starts_with("csp:")
}
