//! Users.

use tegata_core::directory::{CreateUser, DeleteUser, DescribeUser, ListUsers, UpdateUser, User};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, paged, said, text},
    catalogue::{Kind, MARKER, MAX_ITEMS, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateUser",
        "Make a user, who can do nothing yet",
        create,
        [
            need("UserName", Kind::Text),
            may("DisplayName", Kind::Text),
            may("MobilePhone", Kind::Text),
            may("Email", Kind::Text),
            may("Comments", Kind::Text)
        ]
    ),
    entry!("GetUser", "What is said of a user", describe, [need("UserName", Kind::User)]),
    entry!(
        "UpdateUser",
        "Rename a user, or change what is said of it",
        update,
        [
            need("UserName", Kind::User),
            may("NewUserName", Kind::Text),
            may("NewDisplayName", Kind::Text),
            may("NewMobilePhone", Kind::Text),
            may("NewEmail", Kind::Text),
            may("NewComments", Kind::Text)
        ]
    ),
    entry!("DeleteUser", "Delete a user that has nothing left", delete, [need("UserName", Kind::User)]),
    entry!("ListUsers", "The users of the account", list, [MARKER, MAX_ITEMS]),
];

fn shown(user: User) -> Tree {
    let mut fields = vec![("UserId", text(&user.number)), ("UserName", text(&user.name)), ("DisplayName", Tree::Text(user.display_name))];
    fields.extend(said("MobilePhone", user.phone));
    fields.extend(said("Email", user.email));
    fields.extend(said("Comments", user.comments));
    fields.extend([("CreateDate", Tree::Text(user.created_at.to_iso())), ("UpdateDate", Tree::Text(user.updated_at.to_iso()))]);
    Tree::Object(fields)
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = CreateUser {
        name: ask.name("UserName")?,
        display_name: ask.words("DisplayName")?,
        email: ask.formed("Email")?,
        phone: ask.formed("MobilePhone")?,
        comments: ask.words("Comments")?,
    };
    Ok(vec![("User", shown(ask.perform(input).await?))])
}

pub(super) async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(vec![("User", shown(ask.perform(DescribeUser { name: ask.name("UserName")? }).await?))])
}

pub(super) async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = UpdateUser {
        name: ask.name("UserName")?,
        new_name: ask.maybe_name("NewUserName")?,
        display_name: ask.words("NewDisplayName")?,
        email: ask.formed("NewEmail")?,
        phone: ask.formed("NewMobilePhone")?,
        comments: ask.words("NewComments")?,
    };
    Ok(vec![("User", shown(ask.perform(input).await?))])
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeleteUser { name: ask.name("UserName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListUsers { page: ask.page(1000)? }).await?;
    Ok(paged("Users", "User", listed, shown))
}
