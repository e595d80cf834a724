//! Roles: permissions under a name, attached to users. This server has no managed roles: ids that are SRNs name none.

use http::StatusCode;
use serde_json::{Value, json};
use tegata_core::{
    OpError, ResourceName,
    sam::{
        AttachSamRole, CreateSamRole, DeleteSamRole, DescribeSamRole, DetachSamRole, ListSamRoleUsers, ListSamRoles, ListUserSamRoles,
        SamRole, UpdateSamRole,
    },
};
use tegata_model::RoleName;

use super::{
    ask::{Ask, Entry, Reply, entry},
    catalogue::{Kind, may, need, query},
    error::SamFault,
    users,
};

const OWNERS: &[&str] = &["operator", "soracom", "all"];

pub(super) const TABLE: &[Entry] = &[
    entry!("Role:listRoles", Get "/operators/{operator_id}/roles", "list the roles", list, [query("owner", Kind::Word(OWNERS))]),
    entry!("Role:getRole", Get "/operators/{operator_id}/roles/{role_id}", "show a role", get, []),
    entry!(
        "Role:createRole",
        Post "/operators/{operator_id}/roles/{role_id}",
        "make a role",
        create,
        [need("permission", Kind::Document), may("description", Kind::Text)]
    ),
    entry!(
        "Role:updateRole",
        Put "/operators/{operator_id}/roles/{role_id}",
        "change what a role allows and denies",
        update,
        [need("permission", Kind::Document), may("description", Kind::Text)]
    ),
    entry!("Role:deleteRole", Delete "/operators/{operator_id}/roles/{role_id}", "delete a role that is attached to nobody", delete, []),
    entry!("Role:listRoleAttachedUsers", Get "/operators/{operator_id}/roles/{role_id}/users", "list the users of a role", list_users, []),
    entry!("Role:listRoleVersions", Get "/operators/{operator_id}/roles/{role_id}/versions", "list the versions of a managed role", versions, []),
    entry!("Role:listUserRoles", Get "/operators/{operator_id}/users/{user_name}/roles", "list the roles of a user", of_user, []),
    entry!(
        "Role:attachRole",
        Post "/operators/{operator_id}/users/{user_name}/roles",
        "attach a role to a user",
        attach,
        [need("roleId", Kind::Text)]
    ),
    entry!("Role:detachRole", Delete "/operators/{operator_id}/users/{user_name}/roles/{role_id}", "detach a role from a user", detach, []),
];

/// A role without its permission, as lists show it.
pub(super) fn summary(role: &SamRole) -> Value {
    json!({
        "roleId": role.name.as_str(),
        "owner": "operator",
        "description": role.description,
        "createDateTime": role.created_at.unix(),
        "updateDateTime": role.updated_at.unix(),
    })
}

fn whole(role: &SamRole) -> Value {
    let mut shown = summary(role);
    if let Some(members) = shown.as_object_mut() {
        members.insert("permission".to_owned(), role.document.as_str().into());
    }
    shown
}

fn is_managed(id: &str) -> bool {
    id.starts_with("srn:")
}

/// The role that the path names.
fn role(ask: &Ask<'_>) -> Result<RoleName, SamFault> {
    if is_managed(ask.variable("role_id")) {
        return Err(SamFault::no_role(404));
    }
    ask.named("role_id")
}

async fn list(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let own = match ask.query("owner") {
        None | Some("operator" | "all") => true,
        Some("soracom") => false,
        Some(_) => return Err(SamFault::member("owner", &"expected `operator`, `soracom` or `all`")),
    };
    let roles = ask.perform(ListSamRoles).await?;
    Ok(Reply::json(StatusCode::OK, roles.iter().filter(|_| own).map(summary).collect()))
}

async fn get(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let role = ask.perform(DescribeSamRole { name: role(ask)? }).await?;
    Ok(Reply::json(StatusCode::OK, whole(&role)))
}

async fn create(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let name: RoleName = ask.named("role_id")?;
    let (document, description) = written(ask)?;
    ask.perform(CreateSamRole { name: name.clone(), document, description }).await?;
    Ok(Reply::json(StatusCode::OK, json!({ "roleId": name.as_str() })))
}

async fn update(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let (document, description) = written(ask)?;
    ask.perform(UpdateSamRole { name: role(ask)?, document, description }).await?;
    Ok(Reply::empty(StatusCode::OK))
}

fn written(ask: &Ask<'_>) -> Result<(String, Option<String>), SamFault> {
    Ok((ask.members.need_text("permission")?.to_owned(), ask.members.text("description")?.map(str::to_owned)))
}

async fn delete(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(DeleteSamRole { name: role(ask)? }).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn list_users(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let attached = ask.perform(ListSamRoleUsers { name: role(ask)? }).await?;
    Ok(Reply::json(StatusCode::OK, attached.iter().map(users::shown).collect()))
}

async fn versions(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(DescribeSamRole { name: role(ask)? }).await?;
    Err(SamFault::no_versions())
}

async fn of_user(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let roles = ask.perform(ListUserSamRoles { user: ask.user()? }).await?;
    Ok(Reply::json(StatusCode::OK, roles.iter().map(summary).collect()))
}

async fn attach(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let id = ask.members.need_text("roleId")?;
    if is_managed(id) {
        return Err(SamFault::no_role(400));
    }
    let role = RoleName::new(id).map_err(|error| SamFault::member("roleId", &error))?;
    match ask.core.perform(ask.caller()?, &AttachSamRole { user: ask.user()?, role }).await {
        Ok(()) => Ok(Reply::empty(StatusCode::OK)),
        Err(OpError::NotFound(ResourceName::SamRole { .. })) => Err(SamFault::no_role(400)),
        Err(error) => Err(ask.fault(error)),
    }
}

async fn detach(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(DetachSamRole { user: ask.user()?, role: role(ask)? }).await?;
    Ok(Reply::empty(StatusCode::OK))
}
