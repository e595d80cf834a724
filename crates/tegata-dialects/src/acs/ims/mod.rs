//! IMS 2019-08-15: identities in the newer spelling, identity providers, and OAuth applications.

mod application;
mod oidc_provider;

use super::ask::Entry;

/// Every operation that is offered, topic by topic.
pub(crate) const TABLES: &[&[Entry]] = &[oidc_provider::OPERATIONS, application::OPERATIONS];
