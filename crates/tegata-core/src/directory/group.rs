//! Groups and their members.

use tegata_model::{Comments, Generation, GroupId, GroupName, PrincipalNumber, Timestamp, UserName};
use tegata_store::{
    group::{self, GroupRow},
    policy::{self, Target},
};

use super::{Listed, Page, changes, done, find_group, find_user, group_name, own, user_name};
use crate::{
    actions::{
        Action, RAM_ADD_USER_TO_GROUP, RAM_CREATE_GROUP, RAM_DELETE_GROUP, RAM_GET_GROUP, RAM_LIST_GROUPS, RAM_LIST_GROUPS_FOR_USER,
        RAM_LIST_USERS_FOR_GROUP, RAM_REMOVE_USER_FROM_GROUP, RAM_UPDATE_GROUP,
    },
    authz::{self, Permit},
    caller::Caller,
    error::{Holding, OpError, Quota},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// What is said of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: GroupName,
    /// A remark; empty if none was given.
    pub comments: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is said of it was last changed.
    pub updated_at: Timestamp,
}

impl Group {
    pub(super) fn of(row: GroupRow) -> Self {
        Self { id: row.id, name: row.name, comments: row.comments, created_at: row.created_at, updated_at: row.updated_at }
    }
}

/// A user as a member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its public number.
    pub number: PrincipalNumber,
    /// Its name.
    pub name: UserName,
    /// What it is called for people.
    pub display_name: String,
    /// When it was put into the group.
    pub joined_at: Timestamp,
}

/// Make a group.
#[derive(Debug, Clone)]
pub struct CreateGroup {
    /// Its name.
    pub name: GroupName,
    /// A remark.
    pub comments: Option<Comments>,
}

impl Operation for CreateGroup {
    const ACTION: Action = RAM_CREATE_GROUP;
    type Output = Group;

    fn resource(&self, caller: &Caller) -> ResourceName {
        group_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Group>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &ResourceName::Groups { account: own(caller) }, &[])?;
        let (store, account, limit) = (&view.core().store, caller.account(), view.core().limits().quotas.groups);
        if group::find_by_name(store, account, &self.name.folded()).await?.is_some() {
            return Err(OpError::Exists(self.resource(caller)));
        }
        if group::count(store, account).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::Groups, limit));
        }
        let row = self.row(view, caller)?;
        let mut changes = changes(view, caller);
        changes.push(group::insert(&row));
        changes.push(group::at_most(account, limit));
        Ok(done(Group::of(row), changes, permit).or_exists(self.resource(caller)))
    }
}

impl CreateGroup {
    /// The row that it makes.
    pub(super) fn row(&self, view: &View<'_>, caller: &Caller) -> Result<GroupRow, OpError> {
        Ok(GroupRow {
            id: GroupId::from_bytes(view.core().new_id()?),
            account_id: caller.account(),
            name: self.name.clone(),
            generation: Generation(1),
            created_at: view.now(),
            comments: self.comments.as_ref().map(ToString::to_string).unwrap_or_default(),
            updated_at: view.now(),
        })
    }
}

/// Read what is said of a group.
#[derive(Debug, Clone)]
pub struct DescribeGroup {
    /// Its name.
    pub name: GroupName,
}

impl Operation for DescribeGroup {
    const ACTION: Action = RAM_GET_GROUP;
    type Output = Group;

    fn resource(&self, caller: &Caller) -> ResourceName {
        group_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Group>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(Group::of(find_group(view, caller, &self.name).await?)))
    }
}

/// Rename a group, or change the remark; what is `None` stays. Members and policies stay too.
#[derive(Debug, Clone)]
pub struct UpdateGroup {
    /// Its name so far.
    pub name: GroupName,
    /// Its name from now on.
    pub new_name: Option<GroupName>,
    /// The remark from now on.
    pub comments: Option<Comments>,
}

impl Operation for UpdateGroup {
    const ACTION: Action = RAM_UPDATE_GROUP;
    type Output = Group;

    fn resource(&self, caller: &Caller) -> ResourceName {
        group_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Group>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let mut row = find_group(view, caller, &self.name).await?;
        if let Some(name) = &self.new_name {
            let taken = group::find_by_name(&view.core().store, caller.account(), &name.folded()).await?;
            if taken.is_some_and(|taken| taken.id != row.id) {
                return Err(OpError::Exists(group_name(caller, name)));
            }
            row.name = name.clone();
        }
        if let Some(comments) = &self.comments {
            row.comments = comments.to_string();
        }
        row.updated_at = view.now();
        let mut changes = changes(view, caller);
        changes.push(group::update(&row));
        Ok(done(Group::of(row), changes, permit))
    }
}

/// List the groups of the caller's account.
#[derive(Debug, Clone)]
pub struct ListGroups {
    /// Which part.
    pub page: Page,
}

impl Operation for ListGroups {
    const ACTION: Action = RAM_LIST_GROUPS;
    type Output = Listed<Group>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Groups { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listed<Group>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let rows = group::list(&view.core().store, caller.account(), &self.page.after, self.page.rows()).await?;
        Ok(Effect::nothing(self.page.cut(rows, |row| row.name.folded(), Group::of)))
    }
}

/// Delete a group that has no members and no policies left.
#[derive(Debug, Clone)]
pub struct DeleteGroup {
    /// Its name.
    pub name: GroupName,
}

impl Operation for DeleteGroup {
    const ACTION: Action = RAM_DELETE_GROUP;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        group_name(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &resource, &[])?;
        let row = find_group(view, caller, &self.name).await?;
        let store = &view.core().store;
        if !group::member_rows(store, row.id, "", 1).await?.is_empty() {
            return Err(OpError::InUse(resource, Holding::Users));
        }
        if !policy::attachments(store, Target::Group(row.id)).await?.is_empty() {
            return Err(OpError::InUse(resource, Holding::Policies));
        }
        let mut changes = changes(view, caller);
        // Whatever it is given meanwhile raises its generation, so this decides again.
        changes.push(group::delete(row.id));
        Ok(done((), changes, permit))
    }
}

/// Both ends must be allowed: who may fill a group but not touch a user cannot give that user what the group may do.
fn both(view: &View<'_>, caller: &Caller, action: Action, user: &UserName, group: &GroupName) -> Result<Permit, OpError> {
    let user = authz::permit(view, caller, action, &user_name(caller, user), &[])?;
    Ok(user.and(authz::permit(view, caller, action, &group_name(caller, group), &[])?))
}

/// Put a user into a group.
#[derive(Debug, Clone)]
pub struct AddUserToGroup {
    /// The user.
    pub user: UserName,
    /// The group.
    pub group: GroupName,
}

impl Operation for AddUserToGroup {
    const ACTION: Action = RAM_ADD_USER_TO_GROUP;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Membership { account: own(caller), user: self.user.clone(), group: self.group.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = both(view, caller, Self::ACTION, &self.user, &self.group)?;
        let user = find_user(view, caller, &self.user).await?;
        let group = find_group(view, caller, &self.group).await?;
        let of = group::of_user(&view.core().store, user.id).await?;
        if of.iter().any(|known| known.id == group.id) {
            return Err(OpError::Exists(self.resource(caller)));
        }
        let limit = view.core().limits().quotas.groups_per_user;
        if of.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(OpError::LimitExceeded(Quota::GroupsPerUser, limit));
        }
        let mut changes = changes(view, caller);
        changes.extend(group::add_member(group.id, user.id, view.now()));
        changes.push(group::memberships_at_most(user.id, limit));
        Ok(done((), changes, permit).or_exists(self.resource(caller)))
    }
}

/// Take a user out of a group.
#[derive(Debug, Clone)]
pub struct RemoveUserFromGroup {
    /// The user.
    pub user: UserName,
    /// The group.
    pub group: GroupName,
}

impl Operation for RemoveUserFromGroup {
    const ACTION: Action = RAM_REMOVE_USER_FROM_GROUP;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Membership { account: own(caller), user: self.user.clone(), group: self.group.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = both(view, caller, Self::ACTION, &self.user, &self.group)?;
        let user = find_user(view, caller, &self.user).await?;
        let group = find_group(view, caller, &self.group).await?;
        if !group::of_user(&view.core().store, user.id).await?.iter().any(|known| known.id == group.id) {
            return Err(OpError::NotFound(self.resource(caller)));
        }
        let mut changes = changes(view, caller);
        changes.extend(group::remove_member(group.id, user.id));
        Ok(done((), changes, permit))
    }
}

/// List the groups that a user is in, with when it joined.
#[derive(Debug, Clone)]
pub struct ListGroupsForUser {
    /// The user.
    pub user: UserName,
}

impl Operation for ListGroupsForUser {
    const ACTION: Action = RAM_LIST_GROUPS_FOR_USER;
    type Output = Vec<(Group, Timestamp)>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        user_name(caller, &self.user)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Self::Output>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let user = find_user(view, caller, &self.user).await?;
        let rows = group::joined_by(&view.core().store, user.id).await?;
        Ok(Effect::nothing(rows.into_iter().map(|(row, joined)| (Group::of(row), joined)).collect()))
    }
}

/// List the members of a group.
#[derive(Debug, Clone)]
pub struct ListUsersForGroup {
    /// The group.
    pub group: GroupName,
    /// Which part.
    pub page: Page,
}

impl Operation for ListUsersForGroup {
    const ACTION: Action = RAM_LIST_USERS_FOR_GROUP;
    type Output = Listed<Member>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        group_name(caller, &self.group)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listed<Member>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let group = find_group(view, caller, &self.group).await?;
        let rows = group::member_rows(&view.core().store, group.id, &self.page.after, self.page.rows()).await?;
        let show =
            |row: group::MemberRow| Member { number: row.number, name: row.name, display_name: row.display_name, joined_at: row.joined_at };
        Ok(Effect::nothing(self.page.cut(rows, |row| row.name.folded(), show)))
    }
}
