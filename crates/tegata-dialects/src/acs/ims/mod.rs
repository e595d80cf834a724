//! IMS 2019-08-15: identities in the newer spelling, identity providers, and OAuth applications.

mod account;
mod application;
mod group;
mod key;
mod login;
mod mfa;
mod oidc_provider;
mod principal;
mod settings;
mod user;

use super::ask::Entry;

/// Every operation that is offered, topic by topic.
pub(crate) const TABLES: &[&[Entry]] = &[
    user::OPERATIONS,
    login::OPERATIONS,
    key::OPERATIONS,
    group::OPERATIONS,
    mfa::OPERATIONS,
    settings::OPERATIONS,
    account::OPERATIONS,
    oidc_provider::OPERATIONS,
    application::OPERATIONS,
];
