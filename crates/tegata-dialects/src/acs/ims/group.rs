//! Groups and their members. A group has no name for people of its own: its name stands there too.

use tegata_core::directory::{
    AddUserToGroup, CreateGroup, DescribeGroup, Group, ListGroups, ListGroupsForUser, ListUsersForGroup, Member, RemoveUserFromGroup,
    UpdateGroup,
};
use tegata_model::Timestamp;

use super::principal::{self, USER};
use crate::acs::{
    ask::{Ask, Entry, Fields, entry, paged, said, text, wrapped},
    catalogue::{Kind, MARKER, MAX_ITEMS, Parameter, may, need},
    error::AcsError,
    ram::group::delete,
    reply::Tree,
};

/// A group that exists.
const GROUP: Parameter = need("GroupName", Kind::Group);

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("CreateGroup", "Make a group", create, [need("GroupName", Kind::Text), may("Comments", Kind::Text)]),
    entry!("GetGroup", "What is said of a group", describe, [GROUP]),
    entry!(
        "UpdateGroup",
        "Rename a group, or change what is said of it",
        update,
        [GROUP, may("NewGroupName", Kind::Text), may("NewComments", Kind::Text)]
    ),
    entry!("DeleteGroup", "Delete an empty group", delete, [GROUP]),
    entry!("ListGroups", "The groups of the account", list, [MARKER, MAX_ITEMS]),
    entry!("AddUserToGroup", "Make a user a member of a group", add_user, [USER, GROUP]),
    entry!("RemoveUserFromGroup", "End a membership", remove_user, [USER, GROUP]),
    entry!("ListGroupsForUser", "The groups a user is in", list_for_user, [USER]),
    entry!("ListUsersForGroup", "The members of a group", list_users, [GROUP, MARKER, MAX_ITEMS]),
];

fn named(group: &Group) -> Fields {
    let mut fields = vec![("GroupId", text(&group.id)), ("GroupName", text(&group.name)), ("DisplayName", text(&group.name))];
    fields.extend(said("Comments", group.comments.clone()));
    fields
}

fn shown(group: &Group) -> Tree {
    let mut fields = named(group);
    fields.extend([("CreateDate", Tree::Text(group.created_at.to_iso())), ("UpdateDate", Tree::Text(group.updated_at.to_iso()))]);
    Tree::Object(fields)
}

async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = CreateGroup { name: ask.name("GroupName")?, comments: ask.words("Comments")? };
    Ok(vec![("Group", shown(&ask.perform(input).await?))])
}

async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(vec![("Group", shown(&ask.perform(DescribeGroup { name: ask.name("GroupName")? }).await?))])
}

async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input =
        UpdateGroup { name: ask.name("GroupName")?, new_name: ask.maybe_name("NewGroupName")?, comments: ask.words("NewComments")? };
    Ok(vec![("Group", shown(&ask.perform(input).await?))])
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListGroups { page: ask.page(100)? }).await?;
    Ok(paged("Groups", "Group", listed, |group| shown(&group)))
}

async fn add_user(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(AddUserToGroup { user: principal::named(ask)?, group: ask.name("GroupName")? }).await?;
    Ok(Vec::new())
}

async fn remove_user(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(RemoveUserFromGroup { user: principal::named(ask)?, group: ask.name("GroupName")? }).await?;
    Ok(Vec::new())
}

/// A user is in so few groups that one page holds them.
async fn list_for_user(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let groups = ask.perform(ListGroupsForUser { user: principal::named(ask)? }).await?;
    let show = |(group, joined): (Group, Timestamp)| {
        let mut fields = named(&group);
        fields.push(("JoinDate", Tree::Text(joined.to_iso())));
        Tree::Object(fields)
    };
    Ok(vec![wrapped("Groups", "Group", groups.into_iter().map(show).collect()), ("IsTruncated", Tree::Flag(false))])
}

async fn list_users(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListUsersForGroup { group: ask.name("GroupName")?, page: ask.page(100)? }).await?;
    let show = |member: Member| {
        Tree::object([
            ("UserId", member.number.to_string()),
            ("UserPrincipalName", principal::shown(ask, &member.name)),
            ("DisplayName", member.display_name),
            ("JoinDate", member.joined_at.to_iso()),
        ])
    };
    Ok(paged("Users", "User", listed, show))
}
