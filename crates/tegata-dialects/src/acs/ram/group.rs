//! Groups and their members.

use tegata_core::directory::{
    AddUserToGroup, CreateGroup, DeleteGroup, DescribeGroup, Group, ListGroups, ListGroupsForUser, ListUsersForGroup, Member,
    RemoveUserFromGroup, UpdateGroup,
};

use super::{Ask, Fields, paged, said, text, wrapped};
use crate::acs::{error::AcsError, reply::Tree};

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

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
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
