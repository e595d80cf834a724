//! Users, their auth keys and passwords.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value, json};
use tegata_core::{
    OpError, ResourceName,
    directory::{
        CreateUser, DeleteLoginProfile, DescribeLoginProfile, NewLoginProfile, UpdateUser, change_password_of, create_login_profile,
    },
    sam::{CreateAuthKey, DeleteAuthKey, DescribeSamUser, Holder, ListAuthKeys, ListSamUsers, RemoveUser, SamUser},
};
use tegata_model::{Comments, Status};

use super::{
    ask::{Ask, Entry, Reply, entry},
    catalogue::{Kind, may, need},
    error::SamFault,
    operator, roles,
};

pub(super) const TABLE: &[Entry] = &[
    entry!("User:listUsers", Get "/operators/{operator_id}/users", "list the users", list, []),
    entry!("User:getUser", Get "/operators/{operator_id}/users/{user_name}", "show a user", get, []),
    entry!(
        "User:createUser",
        Post "/operators/{operator_id}/users/{user_name}",
        "make a user, who can do nothing yet",
        create,
        [may("description", Kind::Text)]
    ),
    entry!(
        "User:updateUser",
        Put "/operators/{operator_id}/users/{user_name}",
        "change what is said of a user",
        update,
        [may("description", Kind::Text)]
    ),
    entry!("User:deleteUser", Delete "/operators/{operator_id}/users/{user_name}", "delete a user with all that belongs to it", delete, []),
    entry!("User:listUserAuthKeys", Get "/operators/{operator_id}/users/{user_name}/auth_keys", "list the auth keys of a user", keys, []),
    entry!(
        "User:getUserAuthKey",
        Get "/operators/{operator_id}/users/{user_name}/auth_keys/{auth_key_id}",
        "show an auth key of a user",
        key,
        []
    ),
    entry!("User:generateUserAuthKey", Post "/operators/{operator_id}/users/{user_name}/auth_keys", "make an auth key for a user", make_key, []),
    entry!(
        "User:deleteUserAuthKey",
        Delete "/operators/{operator_id}/users/{user_name}/auth_keys/{auth_key_id}",
        "delete an auth key of a user",
        delete_key,
        []
    ),
    entry!("User:hasUserPassword", Get "/operators/{operator_id}/users/{user_name}/password", "say whether a user has a password", has_password, []),
    entry!(
        "User:createUserPassword",
        Post "/operators/{operator_id}/users/{user_name}/password",
        "give a user a password",
        create_password,
        [need("password", Kind::Secret)]
    ),
    entry!(
        "User:updateUserPassword",
        Put "/operators/{operator_id}/users/{user_name}/password",
        "change the password of a user by the current one",
        update_password,
        [need("currentPassword", Kind::Secret), need("newPassword", Kind::Secret)]
    ),
    entry!(
        "User:deleteUserPassword",
        Delete "/operators/{operator_id}/users/{user_name}/password",
        "take its password from a user",
        delete_password,
        []
    ),
];

/// Names that paths use for something else.
const RESERVED: [&str; 1] = ["default_permissions"];

/// A user, as this wire shows it.
pub(super) fn shown(user: &SamUser) -> Value {
    let mut out = Map::new();
    let keys: Value = user.keys.iter().map(operator::shown).collect();
    let attached: Value = user.roles.iter().map(roles::summary).collect();
    out.insert("userName".to_owned(), user.name.as_str().into());
    out.insert("description".to_owned(), user.description.as_str().into());
    out.insert("createDateTime".to_owned(), user.created_at.unix().into());
    out.insert("updateDateTime".to_owned(), user.updated_at.unix().into());
    out.insert("hasPassword".to_owned(), user.has_password.into());
    out.insert("authKeyList".to_owned(), keys);
    out.insert("roleList".to_owned(), attached);
    out.extend(user.permission.as_ref().map(|text| ("permission".to_owned(), text.as_str().into())));
    Value::Object(out)
}

async fn list(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let users = ask.perform(ListSamUsers).await?;
    Ok(Reply::json(StatusCode::OK, users.iter().map(shown).collect()))
}

async fn get(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let user = ask.perform(DescribeSamUser { name: ask.user()? }).await?;
    Ok(Reply::json(StatusCode::OK, shown(&user)))
}

fn description(ask: &Ask<'_>) -> Result<Option<Comments>, SamFault> {
    let text = ask.members.text("description")?.filter(|text| !text.is_empty());
    text.map(|text| Comments::new(text).map_err(|error| SamFault::member("description", &error))).transpose()
}

async fn create(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let name = ask.user()?;
    if RESERVED.contains(&name.folded().as_str()) {
        return Err(SamFault::reserved(name.as_str()));
    }
    ask.perform(CreateUser { name, display_name: None, email: None, phone: None, comments: description(ask)? }).await?;
    Ok(Reply::empty(StatusCode::CREATED))
}

async fn update(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let update =
        UpdateUser { name: ask.user()?, new_name: None, display_name: None, email: None, phone: None, comments: description(ask)? };
    ask.perform(update).await?;
    Ok(Reply::empty(StatusCode::OK))
}

async fn delete(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(RemoveUser { name: ask.user()? }).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn keys(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let keys = ask.perform(ListAuthKeys { holder: Holder::User(ask.user()?) }).await?;
    Ok(Reply::json(StatusCode::OK, keys.iter().map(operator::shown).collect()))
}

async fn key(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let keys = ask.perform(ListAuthKeys { holder: Holder::User(ask.user()?) }).await?;
    let key = keys.iter().find(|key| key.key_id == ask.variable("auth_key_id")).ok_or_else(SamFault::no_auth_key)?;
    Ok(Reply::json(StatusCode::OK, operator::shown(key)))
}

async fn make_key(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let new = ask.perform(CreateAuthKey { holder: Holder::User(ask.user()?) }).await?;
    Ok(Reply::json(StatusCode::OK, json!({ "authKeyId": new.key_id, "authKey": new.secret.expose() })))
}

async fn delete_key(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(DeleteAuthKey { holder: Holder::User(ask.user()?), key_id: ask.variable("auth_key_id").to_owned() }).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn has_password(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let has = match ask.core.perform(ask.caller()?, &DescribeLoginProfile { user: ask.user()? }).await {
        Ok(profile) => profile.has_password,
        Err(OpError::NotFound(ResourceName::LoginProfile { .. })) => false,
        Err(error) => return Err(ask.fault(error)),
    };
    Ok(Reply::json(StatusCode::OK, json!({ "hasPassword": has })))
}

async fn create_password(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let new = NewLoginProfile {
        user: ask.user()?,
        password: Some(Arc::new(ask.members.need_secret("password")?)),
        reset_required: false,
        mfa_required: false,
        status: Status::Active,
    };
    create_login_profile(ask.core, ask.caller()?, new).await.map_err(|error| ask.fault(error))?;
    Ok(Reply::empty(StatusCode::CREATED))
}

async fn update_password(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let (old, new) = (ask.members.need_secret("currentPassword")?, Arc::new(ask.members.need_secret("newPassword")?));
    let changed = change_password_of(ask.core, ask.caller()?, ask.user()?, old, new).await;
    changed.map_err(|error| ask.fault(error).secret_throttled())?;
    Ok(Reply::empty(StatusCode::OK))
}

async fn delete_password(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(DeleteLoginProfile { user: ask.user()? }).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
