//! Roles.

use tegata_core::directory::{CreateRole, DeleteRole, DescribeRole, ListRoles, Role, UpdateRole};

use super::{Ask, Fields, paged, text};
use crate::acs::{arn, error::AcsError, reply::Tree};

fn fields(role: &Role) -> Fields {
    vec![
        ("RoleId", text(&role.number)),
        ("RoleName", text(&role.name)),
        ("Arn", Tree::Text(arn::role(role.account, &role.name))),
        ("Description", text(&role.description)),
        ("MaxSessionDuration", Tree::Number(role.max_session.as_secs())),
        ("CreateDate", Tree::Text(role.created_at.to_iso())),
        ("UpdateDate", Tree::Text(role.updated_at.to_iso())),
    ]
}

/// With its trust document, which lists leave out.
fn whole(role: &Role) -> Tree {
    let mut fields = fields(role);
    fields.insert(4, ("AssumeRolePolicyDocument", text(&role.trust_document)));
    Tree::Object(fields)
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.no_tags()?;
    let input = CreateRole {
        name: ask.name("RoleName")?,
        trust_document: ask.document("AssumeRolePolicyDocument")?,
        description: ask.words("Description")?,
        max_session: ask.params.seconds("MaxSessionDuration")?,
    };
    Ok(vec![("Role", whole(&ask.perform(input).await?))])
}

pub(super) async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(vec![("Role", whole(&ask.perform(DescribeRole { name: ask.name("RoleName")? }).await?))])
}

pub(super) async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = UpdateRole {
        name: ask.name("RoleName")?,
        trust_document: ask.params.optional("NewAssumeRolePolicyDocument")?,
        description: ask.words("NewDescription")?,
        max_session: ask.params.seconds("NewMaxSessionDuration")?,
    };
    Ok(vec![("Role", whole(&ask.perform(input).await?))])
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeleteRole { name: ask.name("RoleName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.no_tags()?;
    let listed = ask.perform(ListRoles { page: ask.page(1000)? }).await?;
    Ok(paged("Roles", "Role", listed, |role| Tree::Object(fields(&role))))
}
