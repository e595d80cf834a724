//! Users: create, describe, change, list, delete.

use tegata_model::{
    Comments, DisplayName, EmailAddress, Epoch, Generation, PhoneNumber, PrincipalNumber, Status, Timestamp, UserId, UserName,
};
use tegata_store::{
    ChangeSet, access_key, api_token, group, login_profile,
    mail_link::{self, Purpose},
    mfa_device, organisation,
    policy::{self, Target},
    tag,
    user::{self, UserKind, UserRow},
};

use super::{Listed, Page, changes, done, find_user, new_number, own, user_name};
use crate::{
    actions::{
        Action, RAM_CREATE_USER, RAM_DELETE_USER, RAM_GET_USER, RAM_LIST_USER_BASIC_INFOS, RAM_LIST_USERS, RAM_UPDATE_LOGIN_PROFILE,
        RAM_UPDATE_USER,
    },
    authz,
    caller::Caller,
    error::{Holding, OpError, Quota},
    mail::Happening,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// What is said of a user. Texts that nobody gave are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its public number.
    pub number: PrincipalNumber,
    /// Its name.
    pub name: UserName,
    /// What it is called for people.
    pub display_name: String,
    /// Its e-mail address.
    pub email: String,
    /// Its telephone number.
    pub phone: String,
    /// A remark.
    pub comments: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is said of it was last changed.
    pub updated_at: Timestamp,
}

/// How a user is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserBasicInfo {
    /// Its public number.
    pub number: PrincipalNumber,
    /// Its name.
    pub name: UserName,
    /// What it is called for people.
    pub display_name: String,
}

impl User {
    pub(super) fn of(row: UserRow) -> Self {
        Self {
            number: row.number,
            name: row.name,
            display_name: row.display_name,
            email: row.email,
            phone: row.phone,
            comments: row.comments,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Make a user, who can do nothing yet.
#[derive(Debug, Clone)]
pub struct CreateUser {
    /// Its name.
    pub name: UserName,
    /// What it is called for people; its name if nothing is said.
    pub display_name: Option<DisplayName>,
    /// Its e-mail address.
    pub email: Option<EmailAddress>,
    /// Its telephone number.
    pub phone: Option<PhoneNumber>,
    /// A remark.
    pub comments: Option<Comments>,
}

impl Operation for CreateUser {
    const ACTION: Action = RAM_CREATE_USER;
    type Output = User;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<User>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &ResourceName::Users { account: own(caller) }, &[])?;
        let (store, account, limit) = (&view.core().store, caller.account(), view.core().limits().quotas.users);
        if user::find_by_name(store, account, &self.name.folded()).await?.is_some() {
            return Err(OpError::Exists(self.resource(caller)));
        }
        if user::count(store, account).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::Users, limit));
        }
        let row = self.row(view, caller)?;
        let mut changes = changes(view, caller);
        changes.push(user::insert(&row));
        changes.push(user::at_most(account, limit));
        Ok(done(User::of(row), changes, permit).or_exists(self.resource(caller)))
    }
}

impl CreateUser {
    /// The row that it makes.
    pub(super) fn row(&self, view: &View<'_>, caller: &Caller) -> Result<UserRow, OpError> {
        let text = |given: Option<&str>| given.unwrap_or_default().to_owned();
        Ok(UserRow {
            id: UserId::from_bytes(view.core().new_id()?),
            account_id: caller.account(),
            number: new_number(view)?,
            kind: UserKind::Member,
            name: self.name.clone(),
            login: None,
            display_name: self.display_name.as_ref().map_or(self.name.as_str(), DisplayName::as_str).to_owned(),
            status: Status::Active,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: view.now(),
            email: text(self.email.as_ref().map(EmailAddress::as_str)),
            phone: text(self.phone.as_ref().map(PhoneNumber::as_str)),
            comments: text(self.comments.as_ref().map(Comments::as_str)),
            updated_at: view.now(),
        })
    }
}

/// Read what is said of a user.
#[derive(Debug, Clone)]
pub struct DescribeUser {
    /// Its name.
    pub name: UserName,
}

impl Operation for DescribeUser {
    const ACTION: Action = RAM_GET_USER;
    type Output = User;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<User>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(User::of(find_user(view, caller, &self.name).await?)))
    }
}

/// Rename a user, or change what is said of it; what is `None` stays. It keeps its id, and with it all it may do.
#[derive(Debug, Clone)]
pub struct UpdateUser {
    /// Its name so far.
    pub name: UserName,
    /// Its name from now on.
    pub new_name: Option<UserName>,
    /// What it is called for people from now on.
    pub display_name: Option<DisplayName>,
    /// Its e-mail address from now on.
    pub email: Option<EmailAddress>,
    /// Its telephone number from now on.
    pub phone: Option<PhoneNumber>,
    /// The remark from now on.
    pub comments: Option<Comments>,
}

impl Operation for UpdateUser {
    const ACTION: Action = RAM_UPDATE_USER;
    type Output = User;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<User>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let mut row = find_user(view, caller, &self.name).await?;
        if let Some(name) = &self.new_name {
            let taken = user::find_by_name(&view.core().store, caller.account(), &name.folded()).await?;
            if taken.is_some_and(|taken| taken.id != row.id) {
                return Err(OpError::Exists(user_name(caller, name)));
            }
            row.name = name.clone();
        }
        let set = |place: &mut String, given: Option<&str>| {
            if let Some(text) = given {
                text.clone_into(place);
            }
        };
        set(&mut row.display_name, self.display_name.as_ref().map(DisplayName::as_str));
        let before = row.clone();
        set(&mut row.email, self.email.as_ref().map(EmailAddress::as_str));
        set(&mut row.phone, self.phone.as_ref().map(PhoneNumber::as_str));
        set(&mut row.comments, self.comments.as_ref().map(Comments::as_str));
        row.updated_at = view.now();
        let mut changes = changes(view, caller);
        if before.email != row.email && login_profile::find(&view.core().store, row.id).await?.is_some() {
            // A password can be set by whoever reads the person's letters.
            authz::permit(view, caller, RAM_UPDATE_LOGIN_PROFILE, &self.resource(caller), &[])?;
            authz::second_factor(view, caller, Self::ACTION, &self.resource(caller), row.id).await?;
            address_moved(view, caller, &before, &mut changes)?;
        }
        changes.push(user::update(&row));
        Ok(done(User::of(row), changes, permit))
    }
}

/// Letters to a person go elsewhere from now on: what went to the old address is of no more use, and it hears of the change.
pub(super) fn address_moved(view: &View<'_>, caller: &Caller, before: &UserRow, changes: &mut ChangeSet) -> Result<(), OpError> {
    changes.push(mail_link::supersede(before.id, Purpose::NewPassword));
    let happening = Happening::AddressChanged { person: format!("{}@{}", before.name, caller.account_alias()) };
    view.core().notice(changes, &caller.meta, before, caller.account_alias(), happening)
}

/// List the users of the caller's account, its root not among them.
#[derive(Debug, Clone)]
pub struct ListUsers {
    /// Which part.
    pub page: Page,
}

impl Operation for ListUsers {
    const ACTION: Action = RAM_LIST_USERS;
    type Output = Listed<User>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Users { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listed<User>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        listed(view, caller, &self.page).await
    }
}

/// List the users of the caller's account with little more than their names: a permission of its own.
#[derive(Debug, Clone)]
pub struct ListUserBasicInfos {
    /// Which part.
    pub page: Page,
}

impl Operation for ListUserBasicInfos {
    const ACTION: Action = RAM_LIST_USER_BASIC_INFOS;
    type Output = Listed<UserBasicInfo>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Users { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listed<UserBasicInfo>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let show = |user: User| UserBasicInfo { number: user.number, name: user.name, display_name: user.display_name };
        Ok(listed(view, caller, &self.page)
            .await?
            .map(|users| Listed { items: users.items.into_iter().map(show).collect(), next: users.next }))
    }
}

/// A page of the users, once permission was given.
async fn listed(view: &View<'_>, caller: &Caller, page: &Page) -> Result<Effect<Listed<User>>, OpError> {
    let rows = user::list(&view.core().store, caller.account(), &page.after, page.rows()).await?;
    Ok(Effect::nothing(page.cut(rows, |row| row.name.folded(), User::of)))
}

/// Delete a user that has no keys, login profile, second factor, groups or policies left.
#[derive(Debug, Clone)]
pub struct DeleteUser {
    /// Its name.
    pub name: UserName,
}

impl Operation for DeleteUser {
    const ACTION: Action = RAM_DELETE_USER;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let row = find_user(view, caller, &self.name).await?;
        let store = &view.core().store;
        if !access_key::of_user(store, row.id).await?.is_empty() {
            return Err(OpError::InUse(resource, Holding::AccessKeys));
        }
        if login_profile::find(store, row.id).await?.is_some() {
            return Err(OpError::InUse(resource, Holding::LoginProfile));
        }
        if mfa_device::of_user(store, row.id).await?.is_some() {
            return Err(OpError::InUse(resource, Holding::Factor));
        }
        if !policy::attachments(store, Target::User(row.id)).await?.is_empty() {
            return Err(OpError::InUse(resource, Holding::Policies));
        }
        if !group::of_user(store, row.id).await?.is_empty() {
            return Err(OpError::InUse(resource, Holding::Groups));
        }
        let mut changes = changes(view, caller);
        // Whatever it is given meanwhile raises its generation, so this decides again.
        changes.push(tag::forget(*row.id.as_bytes()));
        changes.push(api_token::delete_of_user(row.id));
        changes.push(organisation::forget(row.id));
        changes.push(tegata_store::auth_key::delete_all(row.id));
        changes.extend(tegata_store::sam_document::forget(row.id));
        changes.push(user::delete(row.id));
        Ok(done((), changes, permit))
    }
}
