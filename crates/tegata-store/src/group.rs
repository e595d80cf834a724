//! Groups: users that share policies.

use tegata_model::{AccountId, Generation, GroupId, GroupName, Timestamp, UserId};

use crate::{Must, Row, Step, Store, StoreError, row::Fields, user};

const FIND: &str = "SELECT id, account_id, name, generation, created_at FROM groups WHERE id = $1";
const FIND_BY_NAME: &str = "SELECT id, account_id, name, generation, created_at FROM groups WHERE account_id = $1 AND name_folded = $2";
const LIST: &str = "SELECT id, account_id, name, generation, created_at FROM groups \
    WHERE account_id = $1 AND name_folded > $2 ORDER BY name_folded LIMIT $3";
const OF_USER: &str = "SELECT g.id, g.account_id, g.name, g.generation, g.created_at FROM memberships m \
    JOIN groups g ON g.id = m.group_id WHERE m.user_id = $1 ORDER BY g.name_folded";
const MEMBERS: &str = "SELECT user_id FROM memberships WHERE group_id = $1 ORDER BY user_id";
const INSERT: &str = "INSERT INTO groups (id, account_id, name, name_folded, generation, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM groups WHERE id = $1 AND generation = $2";
const RAISE_GENERATION: &str = "UPDATE groups SET generation = generation + 1 WHERE id = $1";
const DELETE: &str = "DELETE FROM groups WHERE id = $1";
const ADD_MEMBER: &str = "INSERT INTO memberships (group_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const REMOVE_MEMBER: &str = "DELETE FROM memberships WHERE group_id = $1 AND user_id = $2";

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Immutable id.
    pub id: GroupId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// Its name: unique in the account, without case.
    pub name: GroupName,
    /// Raised by any change to it, its members or what is attached to it.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
}

impl GroupRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("groups", row);
        Ok(Self {
            id: f.id("id", GroupId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            name: f.parsed("name", GroupName::new)?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
        })
    }
}

/// The group with this id.
pub async fn find(store: &Store, id: GroupId) -> Result<Option<GroupRow>, StoreError> {
    store.find(FIND, &[id.into()], GroupRow::read).await
}

/// The group of the account with this name, folded as [`GroupName::folded`] does.
pub async fn find_by_name(store: &Store, account: AccountId, folded: &str) -> Result<Option<GroupRow>, StoreError> {
    store.find(FIND_BY_NAME, &[account.into(), folded.into()], GroupRow::read).await
}

/// Groups of the account by folded name, those after `after` (`""` for all), at most `limit`.
pub async fn list(store: &Store, account: AccountId, after: &str, limit: u32) -> Result<Vec<GroupRow>, StoreError> {
    store.list(LIST, vec![account.into(), after.into(), limit.into()], GroupRow::read).await
}

/// The groups a user is in, by folded name.
pub async fn of_user(store: &Store, user: UserId) -> Result<Vec<GroupRow>, StoreError> {
    store.query(OF_USER, &[user.into()]).await?.into_iter().map(GroupRow::read).collect()
}

/// The members of a group.
pub async fn members(store: &Store, group: GroupId) -> Result<Vec<UserId>, StoreError> {
    store.list(MEMBERS, vec![group.into()], |row| Fields::new("memberships", row).id("user_id", UserId::from_bytes)).await
}

/// A new group; refused if its name is taken.
pub fn insert(row: &GroupRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.into(),
        row.name.as_str().into(),
        row.name.folded().into(),
        row.generation.into(),
        row.created_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("group"))
}

/// The group must still be as it was read.
pub fn expect(id: GroupId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Something beneath the group changed.
pub fn raise_generation(id: GroupId) -> Step {
    Step::new(RAISE_GENERATION, vec![id.into()], Must::Hold)
}

/// Removes the group, which must have no members.
pub fn delete(id: GroupId) -> Step {
    Step::new(DELETE, vec![id.into()], Must::Hold)
}

/// Puts the user into the group and raises the generations of both.
pub fn add_member(group: GroupId, user: UserId) -> [Step; 3] {
    let add = Step::new(ADD_MEMBER, vec![group.into(), user.into()], Must::BeNew("membership"));
    [raise_generation(group), user::raise_generation(user), add]
}

/// Takes the user out of the group and raises the generations of both.
pub fn remove_member(group: GroupId, user: UserId) -> [Step; 3] {
    let remove = Step::new(REMOVE_MEMBER, vec![group.into(), user.into()], Must::Hold);
    [raise_generation(group), user::raise_generation(user), remove]
}
