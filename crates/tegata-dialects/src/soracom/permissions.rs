//! What users may do, what every user may do, and whom a user trusts: JSON texts within JSON.

use http::StatusCode;
use serde_json::json;
use tegata_core::{
    OpError, Operation, ResourceName,
    sam::{
        DescribeDefaults, DescribePermission, DescribeTrust, RemoveDefaults, RemovePermission, RemoveTrust, SetDefaults, SetPermission,
        SetTrust,
    },
};

use super::{
    ask::{Ask, Entry, Reply, entry},
    catalogue::{Kind, may, need},
    error::SamFault,
};

/// The literal paths stand first: `default_permissions` is no user.
pub(super) const TABLE: &[Entry] = &[
    entry!(
        "User:getDefaultPermissions",
        Get "/operators/{operator_id}/users/default_permissions",
        "show what every user may do",
        defaults,
        []
    ),
    entry!(
        "User:updateDefaultPermissions",
        Put "/operators/{operator_id}/users/default_permissions",
        "say what every user may do",
        set_defaults,
        [need("permissions", Kind::Document)]
    ),
    entry!(
        "User:deleteDefaultPermissions",
        Delete "/operators/{operator_id}/users/default_permissions",
        "remove what every user may do",
        remove_defaults,
        []
    ),
    entry!(
        "User:getUserPermission",
        Get "/operators/{operator_id}/users/{user_name}/permission",
        "show what a user may do by itself",
        permission,
        []
    ),
    entry!(
        "User:updateUserPermission",
        Put "/operators/{operator_id}/users/{user_name}/permission",
        "say what a user may do by itself",
        set_permission,
        [need("permission", Kind::Document), may("description", Kind::Text)]
    ),
    entry!(
        "User:deleteUserPermission",
        Delete "/operators/{operator_id}/users/{user_name}/permission",
        "remove what a user may do by itself",
        remove_permission,
        []
    ),
    entry!(
        "User:getUserTrustPolicy",
        Get "/operators/{operator_id}/users/{user_name}/trust_policy",
        "show who may switch to a user",
        trust,
        []
    ),
    entry!(
        "User:updateUserTrustPolicy",
        Put "/operators/{operator_id}/users/{user_name}/trust_policy",
        "say who may switch to a user",
        set_trust,
        [need("trustPolicy", Kind::Document)]
    ),
    entry!(
        "User:deleteUserTrustPolicy",
        Delete "/operators/{operator_id}/users/{user_name}/trust_policy",
        "let nobody switch to a user",
        remove_trust,
        []
    ),
];

/// Where nothing is written, a document that says nothing: what is shown can be edited and sent back.
fn or_nothing(document: String) -> String {
    if document.is_empty() { r#"{"statements":[]}"#.to_owned() } else { document }
}

async fn defaults(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let document = ask.perform(DescribeDefaults).await?;
    Ok(Reply::json(StatusCode::OK, json!({ "defaultPermissions": or_nothing(document) })))
}

async fn set_defaults(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(SetDefaults { document: ask.members.need_text("permissions")?.to_owned() }).await?;
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

async fn remove_defaults(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(RemoveDefaults).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn permission(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let document = ask.perform(DescribePermission { user: ask.user()? }).await?;
    Ok(Reply::json(StatusCode::OK, json!({ "permission": or_nothing(document) })))
}

async fn set_permission(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let document = ask.members.need_text("permission")?.to_owned();
    let description = ask.members.text("description")?.map(str::to_owned);
    ask.perform(SetPermission { user: ask.user()?, document, description }).await?;
    Ok(Reply::empty(StatusCode::OK))
}

async fn remove_permission(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    remove(ask, RemovePermission { user: ask.user()? }).await
}

async fn trust(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let document = ask.perform(DescribeTrust { user: ask.user()? }).await?;
    Ok(Reply::json(StatusCode::OK, json!({ "trustPolicy": or_nothing(document) })))
}

async fn set_trust(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let document = ask.members.need_text("trustPolicy")?.to_owned();
    ask.perform(SetTrust { user: ask.user()?, document }).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn remove_trust(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    remove(ask, RemoveTrust { user: ask.user()? }).await
}

/// What is not written is told by 400; a user who is not there, by 404.
async fn remove<O: Operation<Output = ()>>(ask: &Ask<'_>, operation: O) -> Result<Reply, SamFault> {
    match ask.core.perform(ask.caller()?, &operation).await {
        Ok(()) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        Err(OpError::NotFound(ResourceName::Document { .. })) => Err(SamFault::nothing_written()),
        Err(error) => Err(ask.fault(error)),
    }
}
