//! Access keys.

use tegata_core::directory::{
    AccessKey, CreateAccessKey, CreatedAccessKey, DeleteAccessKey, DescribeKeyUse, ListAccessKeys, UpdateAccessKey,
};
use tegata_model::{Status, UserName};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text, wrapped},
    catalogue::{Kind, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("CreateAccessKey", "Make an access key and show its secret once", create, [may("UserName", Kind::User)]),
    entry!("ListAccessKeys", "The access keys of a user, or of the caller", list, [may("UserName", Kind::User)]),
    entry!(
        "UpdateAccessKey",
        "Switch an access key on or off",
        update,
        [need("UserAccessKeyId", Kind::AccessKey), need("Status", Kind::Word(&["Active", "Inactive"])), may("UserName", Kind::User)]
    ),
    entry!(
        "DeleteAccessKey",
        "Delete an access key; its sessions end",
        delete,
        [need("UserAccessKeyId", Kind::AccessKey), may("UserName", Kind::User)]
    ),
    entry!(
        "GetAccessKeyLastUsed",
        "When an access key was last used",
        last_used,
        [need("UserAccessKeyId", Kind::AccessKey), may("UserName", Kind::User)]
    ),
];

pub(in crate::acs) fn status_word(status: Status) -> &'static str {
    if status.is_active() { "Active" } else { "Inactive" }
}

pub(in crate::acs) fn fields(key: &AccessKey) -> Fields {
    vec![
        ("AccessKeyId", text(&key.key_id)),
        ("Status", text(&status_word(key.status))),
        ("CreateDate", Tree::Text(key.created_at.to_iso())),
    ]
}

/// `Status`, which may be absent.
pub(in crate::acs) fn maybe_status(ask: &Ask<'_>) -> Result<Option<Status>, AcsError> {
    match ask.params.text("Status") {
        None | Some("") => Ok(None),
        Some("Active") => Ok(Some(Status::Active)),
        Some("Inactive") => Ok(Some(Status::Inactive)),
        Some(_) => Err(AcsError::invalid("Status", "`Active` and `Inactive` are the values")),
    }
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    create_for(ask, ask.maybe_name("UserName")?).await
}

/// The same, whichever way the user is named.
pub(in crate::acs) async fn create_for(ask: &Ask<'_>, user: Option<UserName>) -> Result<Fields, AcsError> {
    let CreatedAccessKey { key, secret } = ask.perform(CreateAccessKey { user }).await?;
    let mut fields = fields(&key);
    fields.insert(1, ("AccessKeySecret", Tree::Text(secret.expose().to_owned())));
    Ok(vec![("AccessKey", Tree::Object(fields))])
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let keys = ask.perform(ListAccessKeys { user: ask.maybe_name("UserName")? }).await?;
    Ok(vec![wrapped("AccessKeys", "AccessKey", keys.iter().map(|key| Tree::Object(fields(key))).collect())])
}

pub(super) async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let status = maybe_status(ask)?.ok_or_else(|| AcsError::missing("Status"))?;
    let input = UpdateAccessKey { user: ask.maybe_name("UserName")?, key_id: ask.params.required("UserAccessKeyId")?, status };
    ask.perform(input).await?;
    Ok(Vec::new())
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = DeleteAccessKey { user: ask.maybe_name("UserName")?, key_id: ask.params.required("UserAccessKeyId")? };
    ask.perform(input).await?;
    Ok(Vec::new())
}

/// A key that was never used has no date.
pub(super) async fn last_used(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = DescribeKeyUse { user: ask.maybe_name("UserName")?, key_id: ask.params.required("UserAccessKeyId")? };
    let used = ask.perform(input).await?;
    let fields = used.map(|used| ("LastUsedDate", Tree::Text(used.at.to_iso()))).into_iter().collect();
    Ok(vec![("AccessKeyLastUsed", Tree::Object(fields))])
}
