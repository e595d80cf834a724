//! Access keys.

use tegata_core::directory::{DeleteAccessKey, DescribeKeyUse, ListAccessKeys, UpdateAccessKey};

use super::principal::{self, ANY_USER};
use crate::acs::{
    ask::{Ask, Entry, Fields, entry, said, wrapped},
    catalogue::{Kind, Parameter, need},
    error::AcsError,
    ram::key::{create_for, fields, maybe_status},
    reply::Tree,
};

/// A key that exists.
const KEY: Parameter = need("UserAccessKeyId", Kind::AccessKey);

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("CreateAccessKey", "Make an access key and show its secret once", create, [ANY_USER]),
    entry!("ListAccessKeys", "The access keys of a user, or of the caller", list, [ANY_USER]),
    entry!(
        "UpdateAccessKey",
        "Switch an access key on or off",
        update,
        [KEY, need("Status", Kind::Word(&["Active", "Inactive"])), ANY_USER]
    ),
    entry!("DeleteAccessKey", "Delete an access key; its sessions end", delete, [KEY, ANY_USER]),
    entry!("GetAccessKeyLastUsed", "When an access key was last used, and for what", last_used, [KEY, ANY_USER]),
];

async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    create_for(ask, principal::maybe(ask)?).await
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let keys = ask.perform(ListAccessKeys { user: principal::maybe(ask)? }).await?;
    Ok(vec![wrapped("AccessKeys", "AccessKey", keys.iter().map(|key| Tree::Object(fields(key))).collect())])
}

async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let status = maybe_status(ask)?.ok_or_else(|| AcsError::missing("Status"))?;
    let input = UpdateAccessKey { user: principal::maybe(ask)?, key_id: ask.params.required("UserAccessKeyId")?, status };
    ask.perform(input).await?;
    Ok(Vec::new())
}

async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = DeleteAccessKey { user: principal::maybe(ask)?, key_id: ask.params.required("UserAccessKeyId")? };
    ask.perform(input).await?;
    Ok(Vec::new())
}

/// A key that was never used has neither date nor service.
async fn last_used(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = DescribeKeyUse { user: principal::maybe(ask)?, key_id: ask.params.required("UserAccessKeyId")? };
    let mut fields = Vec::new();
    if let Some(used) = ask.perform(input).await? {
        fields.push(("LastUsedDate", Tree::Text(used.at.to_iso())));
        fields.extend(said("ServiceName", used.service));
    }
    Ok(vec![("AccessKeyLastUsed", Tree::Object(fields))])
}
