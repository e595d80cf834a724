//! Groups and their members.

use tegata_core::directory::{
    AddUserToGroup, CreateGroup, DeleteGroup, DescribeGroup, Group, ListGroups, ListGroupsForUser, ListUsersForGroup, Member,
    RemoveUserFromGroup, UpdateGroup,
};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, paged, said, text, wrapped},
    catalogue::{Kind, MARKER, MAX_ITEMS, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("CreateGroup", "Make a group", create, [need("GroupName", Kind::Text), may("Comments", Kind::Text)]),
    entry!("GetGroup", "What is said of a group", describe, [need("GroupName", Kind::Group)]),
    entry!(
        "UpdateGroup",
        "Rename a group, or change what is said of it",
        update,
        [need("GroupName", Kind::Group), may("NewGroupName", Kind::Text), may("NewComments", Kind::Text)]
    ),
    entry!("DeleteGroup", "Delete an empty group", delete, [need("GroupName", Kind::Group)]),
    entry!("ListGroups", "The groups of the account", list, [MARKER, MAX_ITEMS]),
    entry!("AddUserToGroup", "Make a user a member of a group", add_user, [need("UserName", Kind::User), need("GroupName", Kind::Group)]),
    entry!("RemoveUserFromGroup", "End a membership", remove_user, [need("UserName", Kind::User), need("GroupName", Kind::Group)]),
    entry!("ListGroupsForUser", "The groups a user is in", list_for_user, [need("UserName", Kind::User)]),
    entry!("ListUsersForGroup", "The members of a group", list_users, [need("GroupName", Kind::Group), MARKER, MAX_ITEMS]),
];

fn shown(group: Group) -> Tree {
    let mut fields = vec![("GroupId", text(&group.id)), ("GroupName", text(&group.name))];
    fields.extend(said("Comments", group.comments));
    fields.extend([("CreateDate", Tree::Text(group.created_at.to_iso())), ("UpdateDate", Tree::Text(group.updated_at.to_iso()))]);
    Tree::Object(fields)
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = CreateGroup { name: ask.name("GroupName")?, comments: ask.words("Comments")? };
    Ok(vec![("Group", shown(ask.perform(input).await?))])
}

pub(super) async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(vec![("Group", shown(ask.perform(DescribeGroup { name: ask.name("GroupName")? }).await?))])
}

pub(super) async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input =
        UpdateGroup { name: ask.name("GroupName")?, new_name: ask.maybe_name("NewGroupName")?, comments: ask.words("NewComments")? };
    Ok(vec![("Group", shown(ask.perform(input).await?))])
}

pub(in crate::acs) async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeleteGroup { name: ask.name("GroupName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListGroups { page: ask.page(100)? }).await?;
    Ok(paged("Groups", "Group", listed, shown))
}

pub(super) async fn add_user(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(AddUserToGroup { user: ask.name("UserName")?, group: ask.name("GroupName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn remove_user(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(RemoveUserFromGroup { user: ask.name("UserName")?, group: ask.name("GroupName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn list_for_user(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let groups = ask.perform(ListGroupsForUser { user: ask.name("UserName")? }).await?;
    let items = groups.into_iter().map(|(group, joined)| {
        let mut fields = vec![("GroupId", text(&group.id)), ("GroupName", text(&group.name))];
        fields.extend(said("Comments", group.comments));
        fields.push(("JoinDate", Tree::Text(joined.to_iso())));
        Tree::Object(fields)
    });
    Ok(vec![wrapped("Groups", "Group", items.collect())])
}

pub(super) async fn list_users(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListUsersForGroup { group: ask.name("GroupName")?, page: ask.page(1000)? }).await?;
    let show = |member: Member| {
        Tree::object([("UserName", member.name.to_string()), ("DisplayName", member.display_name), ("JoinDate", member.joined_at.to_iso())])
    };
    Ok(paged("Users", "User", listed, show))
}
