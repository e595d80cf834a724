//! Whether applications of other accounts are let in.

use tegata_core::client::{ApplicationPolicy, DescribeApplicationPolicy, SetApplicationPolicy};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry},
    catalogue::{Kind, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("GetApplicationPolicy", "Whether applications of other accounts are let in", describe, []),
    entry!(
        "SetApplicationPolicy",
        "Say whether applications of other accounts are let in; while not, those that are installed get nothing",
        set,
        [need("AllowForeignApplications", Kind::Flag)]
    ),
];

fn shown(policy: ApplicationPolicy) -> Fields {
    vec![("ApplicationPolicy", Tree::Object(vec![("AllowForeignApplications", Tree::Flag(policy.foreign))]))]
}

async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown(ask.perform(DescribeApplicationPolicy).await?))
}

async fn set(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    if ask.params.text("AllowForeignApplications").is_none_or(str::is_empty) {
        return Err(AcsError::missing("AllowForeignApplications"));
    }
    Ok(shown(ask.perform(SetApplicationPolicy { foreign: ask.flag("AllowForeignApplications")? }).await?))
}
