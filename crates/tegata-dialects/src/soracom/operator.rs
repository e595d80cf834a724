//! The account itself, and the auth keys of its owner.

use http::StatusCode;
use serde_json::json;
use tegata_core::sam::{AuthKey, CreateAuthKey, CreateSupportToken, DeleteAuthKey, DescribeOperator, Holder, ListAuthKeys};

use super::{
    ask::{Ask, Entry, Reply, entry},
    error::SamFault,
};

pub(super) const TABLE: &[Entry] = &[
    entry!("Operator:getOperator", Get "/operators/{operator_id}", "say what the operator is called", get, []),
    entry!(
        "Operator:generateSupportToken",
        Post "/operators/{operator_id}/support/token",
        "make a token that shows who asks for help",
        make_support_token,
        []
    ),
    entry!("Operator:listOperatorAuthKeys", Get "/operators/{operator_id}/auth_keys", "list the auth keys of the root user", list_keys, []),
    entry!("Operator:generateOperatorAuthKey", Post "/operators/{operator_id}/auth_keys", "make an auth key for the root user", make_key, []),
    entry!(
        "Operator:deleteOperatorAuthKey",
        Delete "/operators/{operator_id}/auth_keys/{auth_key_id}",
        "delete an auth key of the root user",
        delete_key,
        []
    ),
];

async fn get(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let operator = ask.perform(DescribeOperator).await?;
    Ok(Reply::json(
        StatusCode::OK,
        json!({
            "operatorId": operator.id.as_str(),
            "rootOperatorId": operator.root.as_str(),
            "email": operator.email,
            "description": operator.description,
            "createDate": operator.created_at.to_iso(),
            "updateDate": operator.updated_at.to_iso(),
        }),
    ))
}

async fn make_support_token(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let made = ask.perform(CreateSupportToken).await?;
    Ok(Reply::json(StatusCode::OK, json!({ "token": made.token.expose() })))
}

async fn list_keys(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let keys = ask.perform(ListAuthKeys { holder: Holder::Owner }).await?;
    Ok(Reply::json(StatusCode::OK, keys.iter().map(shown).collect()))
}

/// An auth key, as this wire shows it.
pub(crate) fn shown(key: &AuthKey) -> serde_json::Value {
    let mut shown = json!({ "authKeyId": key.key_id, "createDateTime": key.created_at.unix() });
    if let (Some(used), Some(members)) = (key.used_at, shown.as_object_mut()) {
        members.insert("lastUsedDateTime".to_owned(), used.unix().into());
    }
    shown
}

async fn make_key(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let new = ask.perform(CreateAuthKey { holder: Holder::Owner }).await?;
    Ok(Reply::json(StatusCode::CREATED, json!({ "authKeyId": new.key_id, "authKey": new.secret.expose() })))
}

async fn delete_key(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let key_id = ask.variable("auth_key_id").to_owned();
    ask.perform(DeleteAuthKey { holder: Holder::Owner, key_id }).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
