//! Who may use the official application: what the vendor's API has no operations for.

use tegata_core::client::{AssignClient, Assignment, AssignmentMode, IdentityName, ListAssignments, SetAssignmentMode, UnassignClient};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text, wrapped},
    catalogue::{Kind, Parameter, may, need},
    error::AcsError,
    reply::Tree,
};

/// An application that is installed, by its id or name.
const APP_ID: Parameter = need("AppId", Kind::Text);

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "AssignApplication",
        "Let a user or a role use the official application",
        assign,
        [APP_ID, may("UserName", Kind::User), may("RoleName", Kind::Role)]
    ),
    entry!(
        "UnassignApplication",
        "Let a user or a role use it no more; everything that it got through it ends at once",
        unassign,
        [APP_ID, may("UserName", Kind::User), may("RoleName", Kind::Role)]
    ),
    entry!(
        "SetApplicationAssignmentMode",
        "Let everybody of the account use the official application, or only those who are assigned",
        set_mode,
        [APP_ID, need("Mode", Kind::Word(&["All", "OnDemand"]))]
    ),
    entry!("ListApplicationAssignments", "Who may use the official application", list, [APP_ID]),
];

fn identity(ask: &Ask<'_>) -> Result<IdentityName, AcsError> {
    match (ask.maybe_name("UserName")?, ask.maybe_name("RoleName")?) {
        (Some(user), None) => Ok(IdentityName::User(user)),
        (None, Some(role)) => Ok(IdentityName::Role(role)),
        (None, None) => Err(AcsError::missing("UserName")),
        (Some(_), Some(_)) => Err(AcsError::invalid("RoleName", "a user or a role, not both")),
    }
}

fn app_id(ask: &Ask<'_>) -> Result<String, AcsError> {
    let id: String = ask.params.required("AppId")?;
    let good = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if good { Ok(id) } else { Err(AcsError::invalid("AppId", "it is not an id")) }
}

async fn assign(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(AssignClient { app_id: app_id(ask)?, identity: identity(ask)? }).await?;
    Ok(Vec::new())
}

async fn unassign(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(UnassignClient { app_id: app_id(ask)?, identity: identity(ask)? }).await?;
    Ok(Vec::new())
}

async fn set_mode(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let named: String = ask.params.required("Mode")?;
    let mode = match named.as_str() {
        "All" => AssignmentMode::All,
        "OnDemand" => AssignmentMode::OnDemand,
        _ => return Err(AcsError::invalid("Mode", "it is `All` or `OnDemand`")),
    };
    ask.perform(SetAssignmentMode { app_id: app_id(ask)?, mode }).await?;
    Ok(Vec::new())
}

fn shown(assignment: &Assignment) -> Tree {
    let (kind, name) = match &assignment.identity {
        IdentityName::User(name) => ("user", text(name)),
        IdentityName::Role(name) => ("role", text(name)),
    };
    Tree::Object(vec![
        ("IdentityType", Tree::Text(kind.to_owned())),
        ("Identity", name),
        ("AssignDate", Tree::Text(assignment.assigned_at.to_iso())),
    ])
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListAssignments { app_id: app_id(ask)? }).await?;
    Ok(vec![wrapped("Assignments", "Assignment", listed.iter().map(shown).collect())])
}
