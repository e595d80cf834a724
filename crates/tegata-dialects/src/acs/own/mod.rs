//! What this server adds to the wire, under a version of its own.

mod application;

use super::ask::Entry;

/// Every operation that is offered, topic by topic.
pub(crate) const TABLES: &[&[Entry]] = &[application::OPERATIONS];
