//! Users, by their names at the domain of their account.

use tegata_core::directory::{
    CreateUser, DeleteUser, DescribeUser, ListUserBasicInfos, ListUsers, Listed, Page, UpdateUser, User, UserBasicInfo, on_user,
};

use super::principal::{self, ANY_USER, USER_ID};
use crate::acs::{
    ask::{Ask, Entry, Fields, entry, paged, said, text},
    catalogue::{Kind, MARKER, MAX_ITEMS, Parameter, may, need},
    error::AcsError,
    reply::Tree,
};

/// Which users a list shows.
const STATUS: Parameter = may("Status", Kind::Text);

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateUser",
        "Make a user, who can do nothing yet",
        create,
        [
            need("UserPrincipalName", Kind::Text),
            need("DisplayName", Kind::Text),
            may("MobilePhone", Kind::Text),
            may("Email", Kind::Text),
            may("Comments", Kind::Text)
        ]
    ),
    entry!(
        "GetUser",
        "What is said of a user, named in one of three ways",
        describe,
        [ANY_USER, USER_ID, may("UserAccessKeyId", Kind::AccessKey)]
    ),
    entry!(
        "UpdateUser",
        "Rename a user, or change what is said of it",
        update,
        [
            ANY_USER,
            USER_ID,
            may("NewUserPrincipalName", Kind::Text),
            may("NewDisplayName", Kind::Text),
            may("NewMobilePhone", Kind::Text),
            may("NewEmail", Kind::Text),
            may("NewComments", Kind::Text)
        ]
    ),
    entry!("DeleteUser", "Delete a user that has nothing left", delete, [ANY_USER, USER_ID]),
    entry!("ListUsers", "The users of the account", list, [MARKER, MAX_ITEMS, STATUS]),
    entry!("ListUserBasicInfos", "How the users of the account are called", list_basic, [MARKER, MAX_ITEMS, STATUS]),
];

/// Users here are all of this kind: nobody brings them in from elsewhere.
const PROVISIONED: &str = "Manual";
/// Users cannot be frozen.
const STATE: &str = "active";

fn fields(ask: &Ask<'_>, user: User) -> Fields {
    let mut fields = vec![
        ("UserId", text(&user.number)),
        ("UserPrincipalName", Tree::Text(principal::shown(ask, &user.name))),
        ("DisplayName", Tree::Text(user.display_name)),
    ];
    fields.extend(said("MobilePhone", user.phone));
    fields.extend(said("Email", user.email));
    fields.extend(said("Comments", user.comments));
    fields.extend([
        ("ProvisionType", text(&PROVISIONED)),
        ("CreateDate", Tree::Text(user.created_at.to_iso())),
        ("UpdateDate", Tree::Text(user.updated_at.to_iso())),
    ]);
    fields
}

/// Users have no tags: what would be lost is refused.
fn without_tags(ask: &Ask<'_>) -> Result<(), AcsError> {
    if ask.params.mentions("Tag") { Err(AcsError::invalid("Tag", "users have no tags here")) } else { Ok(()) }
}

async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    without_tags(ask)?;
    let input = CreateUser {
        name: principal::chosen(ask, "UserPrincipalName")?.ok_or_else(|| AcsError::missing("UserPrincipalName"))?,
        display_name: Some(ask.words("DisplayName")?.ok_or_else(|| AcsError::missing("DisplayName"))?),
        email: ask.formed("Email")?,
        phone: ask.formed("MobilePhone")?,
        comments: ask.words("Comments")?,
    };
    let made = ask.perform(input).await?;
    Ok(vec![("User", Tree::Object(fields(ask, made)))])
}

async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let user = on_user(ask.core, ask.caller, principal::handle(ask, true)?, |name| DescribeUser { name }).await?;
    let name = ("UserName", text(&user.name));
    let mut fields = fields(ask, user);
    fields.push(name);
    Ok(vec![("User", Tree::Object(fields))])
}

async fn update(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let new_name = principal::chosen(ask, "NewUserPrincipalName")?;
    let (display_name, email) = (ask.words("NewDisplayName")?, ask.formed("NewEmail")?);
    let (phone, comments) = (ask.formed("NewMobilePhone")?, ask.words("NewComments")?);
    let change = |name| UpdateUser { name, new_name, display_name, email, phone, comments };
    let user = on_user(ask.core, ask.caller, principal::handle(ask, false)?, change).await?;
    Ok(vec![("User", Tree::Object(fields(ask, user)))])
}

async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    on_user(ask.core, ask.caller, principal::handle(ask, false)?, |name| DeleteUser { name }).await?;
    Ok(Vec::new())
}

/// Whether the list shows users who may act: it is empty where only frozen ones are asked for.
fn active(ask: &Ask<'_>) -> Result<bool, AcsError> {
    without_tags(ask)?;
    let mut active = None;
    for word in ask.params.text("Status").unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match word {
            "active" => active = Some(true),
            "freeze" => active = Some(active.unwrap_or(false)),
            _ => return Err(AcsError::invalid("Status", "`active`, `freeze` and `active,freeze` are the values")),
        }
    }
    Ok(active.unwrap_or(true))
}

fn only_if<T>(shown: bool, listed: Listed<T>) -> Listed<T> {
    if shown { listed } else { Listed { items: Vec::new(), next: None } }
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let active = active(ask)?;
    let mut page: Page = ask.page(1000)?;
    if ask.params.text("MaxItems").unwrap_or_default().is_empty() {
        page.limit = 1000;
    }
    let listed = ask.perform(ListUsers { page }).await?;
    let show = |user| {
        let mut fields = fields(ask, user);
        fields.push(("Status", text(&STATE)));
        Tree::Object(fields)
    };
    Ok(paged("Users", "User", only_if(active, listed), show))
}

async fn list_basic(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let active = active(ask)?;
    let listed = ask.perform(ListUserBasicInfos { page: ask.page(1000)? }).await?;
    let show = |user: UserBasicInfo| {
        Tree::object([
            ("UserId", user.number.to_string()),
            ("UserPrincipalName", principal::shown(ask, &user.name)),
            ("DisplayName", user.display_name),
            ("Status", STATE.to_owned()),
        ])
    };
    Ok(paged("UserBasicInfos", "UserBasicInfo", only_if(active, listed), show))
}
