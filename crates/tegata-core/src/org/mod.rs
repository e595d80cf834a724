//! Organisations: who has which roles in an account, and the apps that act there with roles of their own.
//!
//! | module | what |
//! |---|---|
//! | `catalogue` | the roles there are, by kind of organisation, and the services |
//! | `scope` | what an app gets: its definition, what is offered, and what whoever adds it can hand out |
//! | `refusal` | why an organisation refuses something |
//! | `standing` | whether a caller stands in an organisation, and with which roles; what tokens may say of users and apps |
//! | `app`, `secret`, `instance` | apps as they are defined, their secrets, and where they were added |
//! | `wrap` | secrets that travel as a code which is good once |
//! | `policies` | what roles are worth outside of organisations |
//! | `member`, `place` | people with their roles; organisations and services as they are seen |
//!
//! What allows here are roles in the organisation. Policies of the caller can only deny.

mod app;
mod catalogue;
mod fields;
mod instance;
mod member;
mod place;
mod policies;
mod provision;
mod refusal;
mod scope;
mod secret;
mod standing;
#[cfg(test)]
mod tests;
mod uses;
mod wrap;

pub use app::{App, AppSecret, DeleteApps, DescribeApp, ListApps, Listing, NewApp, Several, UpdateApp, create_app};
pub use catalogue::{AppRights, OrgKind, OrgRole, Profile, Service, ServiceMode, ServiceNameError, Services, profile};
pub use instance::{AddApps, Added, ChangeInstance, DescribeInstance, Instance, ListInstances, Missing, RemoveApps, ResyncInstance};
pub use member::{ChangeMember, DescribeOwnProfile, DescribeOwnRoles, Member, RoleGrant, SearchMembers};
pub use place::{
    DescribeOrganisation, ListOrgRoles, ListOwnOrganisations, ListServices, Organisation, SetOfferedRoles, SetOrganisationKind,
};
pub use policies::{RolePolicies, RolePolicyError};
pub use refusal::{AppField, Barrier, Refusal};
pub use scope::{Actor, AppScope, Dropped, Effective, Handout, Requested, Roles, Wanted, Why};
pub use secret::{EndRotation, SecretChange, replace_secret, rotate_own_secret, rotate_secret};
pub use standing::word_of;
pub use wrap::{AppCredential, Unwrapped, Wrap, Wrapped};

pub(crate) use policies::load_app;
pub(crate) use standing::{AppPlace, instance_perms, user_perms};
pub(crate) use uses::AppUses;
pub(crate) use wrap::REMEMBERED as WRAP_REMEMBERED;

use tegata_model::AccountNumber;
use tegata_store::ChangeSet;

use crate::{
    actions::Action,
    audit::Entry,
    caller::Caller,
    operation::Effect,
    resource::{OrgPart, ResourceName},
    view::View,
};

fn own(caller: &Caller) -> AccountNumber {
    caller.evidence.principal().account.number
}

/// Something of an organisation, as who asks sees it.
fn part(caller: &Caller, org: &str, part: OrgPart, name: &str) -> ResourceName {
    ResourceName::OrgPart { account: own(caller), org: org.to_owned(), part, name: name.to_owned() }
}

/// Whoever asks, in the organisation that their account is.
fn own_part(caller: &Caller) -> ResourceName {
    let account = &caller.evidence.principal().account;
    ResourceName::Organisation { account: account.number, org: account.organisation_id.as_str().to_owned() }
}

/// A change of an organisation: whoever remembers anything of it reads again.
fn changes(view: &View<'_>, at: &standing::Standing) -> ChangeSet {
    let mut changes = ChangeSet::new(view.now());
    changes.touch(at.org.account.id);
    changes
}

/// An effect that roles in the organisation allow.
fn done<T>(output: T, changes: ChangeSet, at: &standing::Standing) -> Effect<T> {
    Effect::with(output, changes, Entry { by: at.spend(), ..Entry::default() })
}

/// True for what roles in an organisation allow: policies can only deny it, whoever asks.
pub(crate) fn is_org_action(action: Action) -> bool {
    action.name().starts_with("csp:")
}
