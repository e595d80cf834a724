//! Roles.

use tegata_core::directory::{CreateRole, DeleteRole, DescribeRole, ListRoles, Role, UpdateRole};

use super::tag;
use crate::acs::{
    arn,
    ask::{Ask, Entry, Fields, entry, paged, text, wrapped},
    catalogue::{Kind, MARKER, MAX_ITEMS, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateRole",
        "Make a role that the principals of its trust policy may assume",
        create,
        [
            need("RoleName", Kind::Text),
            need("AssumeRolePolicyDocument", Kind::Document),
            may("Description", Kind::Text),
            may("MaxSessionDuration", Kind::Number),
            may("Tag", Kind::Tags)
        ]
    ),
    entry!("GetRole", "What is said of a role, with its trust policy", describe, [need("RoleName", Kind::Role)]),
    entry!(
        "UpdateRole",
        "Change whom a role trusts, or what is said of it",
        update,
        [
            need("RoleName", Kind::Role),
            may("NewAssumeRolePolicyDocument", Kind::Document),
            may("NewDescription", Kind::Text),
            may("NewMaxSessionDuration", Kind::Number)
        ]
    ),
    entry!("DeleteRole", "Delete a role; its sessions end", delete, [need("RoleName", Kind::Role)]),
    entry!("ListRoles", "The roles of the account", list, [MARKER, MAX_ITEMS, may("Tag", Kind::Tags)]),
];

fn fields(role: &Role) -> Fields {
    let mut fields = vec![
        ("RoleId", text(&role.number)),
        ("RoleName", text(&role.name)),
        ("Arn", Tree::Text(arn::role(role.account, &role.name))),
        ("Description", text(&role.description)),
        ("MaxSessionDuration", Tree::Number(role.max_session.as_secs())),
        ("CreateDate", Tree::Text(role.created_at.to_iso())),
        ("UpdateDate", Tree::Text(role.updated_at.to_iso())),
    ];
    fields.extend(tag::shown(role.tags.clone()));
    fields
}

/// With its trust document, which lists leave out.
fn whole(role: &Role) -> Tree {
    let mut fields = fields(role);
    fields.insert(4, ("AssumeRolePolicyDocument", text(&role.trust_document)));
    Tree::Object(fields)
}

/// With what is to be said of the trust document that was saved. Clients that do not know the field leave it alone.
fn saved(role: &Role) -> Fields {
    let mut fields = vec![("Role", whole(role))];
    if !role.warnings.is_empty() {
        let each = role.warnings.iter().map(|warning| {
            Tree::object([
                ("Code", warning.code.clone()),
                ("Path", warning.path.clone()),
                ("Problem", warning.problem.clone()),
                ("Advice", warning.advice.clone()),
            ])
        });
        fields.push(wrapped("Warnings", "Warning", each.collect()));
    }
    fields
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = CreateRole {
        name: ask.name("RoleName")?,
        trust_document: ask.document("AssumeRolePolicyDocument")?,
        description: ask.words("Description")?,
        max_session: ask.params.seconds("MaxSessionDuration")?,
        tags: ask.tags()?,
    };
    Ok(saved(&ask.perform(input).await?))
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
    Ok(saved(&ask.perform(input).await?))
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeleteRole { name: ask.name("RoleName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListRoles { page: ask.page(1000)?, filter: ask.tag_filter()? }).await?;
    Ok(paged("Roles", "Role", listed, |role| Tree::Object(fields(&role))))
}
