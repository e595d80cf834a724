//! RAM 2015-05-01: users, keys, groups, roles, policies and what is attached to whom.
//!
//! An operation that is in no table is not there: it answers `InvalidAction.NotFound`.

mod attachment;
pub(super) mod group;
pub(super) mod key;
pub(super) mod login;
pub(super) mod mfa;
mod policy;
mod role;
mod settings;
pub(super) mod sign_in;
mod tag;
mod user;

use super::ask::Entry;

/// Every operation that is offered, topic by topic.
pub(crate) const TABLES: &[&[Entry]] = &[
    user::OPERATIONS,
    key::OPERATIONS,
    group::OPERATIONS,
    role::OPERATIONS,
    policy::OPERATIONS,
    attachment::OPERATIONS,
    settings::OPERATIONS,
    tag::OPERATIONS,
    login::OPERATIONS,
    mfa::OPERATIONS,
    sign_in::OPERATIONS,
];
