//! What this server adds to the wire, under a version of its own.

mod api_token;
mod application;
mod application_policy;
mod device;
mod directory;
mod exchange;
mod key;
mod leak;
mod org_app;
mod session;
mod trail;

use super::ask::Entry;

/// Every operation that is offered, topic by topic.
pub(crate) const TABLES: &[&[Entry]] = &[
    session::OPERATIONS,
    trail::OPERATIONS,
    leak::OPERATIONS,
    directory::OPERATIONS,
    key::OPERATIONS,
    application::OPERATIONS,
    application_policy::OPERATIONS,
    exchange::OPERATIONS,
    device::OPERATIONS,
    api_token::OPERATIONS,
    org_app::OPERATIONS,
];
