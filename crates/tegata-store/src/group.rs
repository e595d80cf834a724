//! Groups: users that share policies.

use tegata_model::{AccountId, Generation, GroupId, GroupName, PrincipalNumber, Timestamp, UserId, UserName};

use crate::{Must, Row, Step, Store, StoreError, Value, row::Fields, user};

const FIND: &str = "SELECT id, account_id, name, generation, created_at, comments, updated_at FROM groups WHERE id = $1";
const FIND_BY_NAME: &str =
    "SELECT id, account_id, name, generation, created_at, comments, updated_at FROM groups WHERE account_id = $1 AND name_folded = $2";
const LIST: &str = "SELECT id, account_id, name, generation, created_at, comments, updated_at FROM groups \
    WHERE account_id = $1 AND name_folded > $2 ORDER BY name_folded LIMIT $3";
const OF_USER: &str = "SELECT g.id, g.account_id, g.name, g.generation, g.created_at, g.comments, g.updated_at FROM memberships m \
    JOIN groups g ON g.id = m.group_id WHERE m.user_id = $1 ORDER BY g.name_folded";
const MEMBERS: &str = "SELECT user_id FROM memberships WHERE group_id = $1 ORDER BY user_id";
const OF_USER_JOINED: &str = "SELECT g.id, g.account_id, g.name, g.generation, g.created_at, g.comments, g.updated_at, m.joined_at \
    FROM memberships m JOIN groups g ON g.id = m.group_id WHERE m.user_id = $1 ORDER BY g.name_folded LIMIT 1000";
const MEMBER_ROWS: &str = "SELECT u.number, u.name, u.display_name, m.joined_at FROM memberships m JOIN users u ON u.id = m.user_id \
    WHERE m.group_id = $1 AND u.name_folded > $2 ORDER BY u.name_folded LIMIT $3";
const COUNT: &str = "SELECT count(*) FROM groups WHERE account_id = $1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM groups WHERE account_id = $1) <= $2";
const MEMBERSHIPS_AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM memberships WHERE user_id = $1) <= $2";
const UPDATE: &str = "UPDATE groups SET name = $2, name_folded = $3, comments = $4, updated_at = $5, generation = generation + 1 \
    WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM groups AS other \
    WHERE other.account_id = groups.account_id AND other.name_folded = $3 AND other.id <> groups.id)";
const INSERT: &str = "INSERT INTO groups (id, account_id, name, name_folded, generation, created_at, comments, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
    ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM groups WHERE id = $1 AND generation = $2";
const RAISE_GENERATION: &str = "UPDATE groups SET generation = generation + 1 WHERE id = $1";
const DELETE: &str = "DELETE FROM groups WHERE id = $1";
const ADD_MEMBER: &str = "INSERT INTO memberships (group_id, user_id, joined_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
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
    /// For people; empty if none were given.
    pub comments: String,
    /// When what is said of it was last changed.
    pub updated_at: Timestamp,
}

/// A user as a member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The user's public number.
    pub number: PrincipalNumber,
    /// The user's name.
    pub name: UserName,
    /// What it is called for people.
    pub display_name: String,
    /// When it was put into the group.
    pub joined_at: Timestamp,
}

impl MemberRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("memberships", row);
        Ok(Self {
            number: f.unsigned("users.number", PrincipalNumber::new)?,
            name: f.parsed("users.name", UserName::new)?,
            display_name: f.text("users.display_name")?,
            joined_at: f.at("joined_at")?,
        })
    }
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
            comments: f.text("comments")?,
            updated_at: f.at("updated_at")?,
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

/// The groups a user is in, by folded name, with when it joined; at most 1,000.
pub async fn joined_by(store: &Store, user: UserId) -> Result<Vec<(GroupRow, Timestamp)>, StoreError> {
    let read = |row: Row| {
        let joined = row.0.get(7).cloned();
        let group = GroupRow::read(row)?;
        match joined {
            Some(Value::Int(at)) => Ok((group, Timestamp::from_unix(at))),
            _ => Err(StoreError::Corrupt { table: "memberships", column: "joined_at", id: group.name.to_string() }),
        }
    };
    store.list(OF_USER_JOINED, vec![user.into()], read).await
}

/// Members of the group by folded name, those after `after` (`""` for all), at most `limit`.
pub async fn member_rows(store: &Store, group: GroupId, after: &str, limit: u32) -> Result<Vec<MemberRow>, StoreError> {
    store.list(MEMBER_ROWS, vec![group.into(), after.into(), limit.into()], MemberRow::read).await
}

/// How many groups the account has.
pub async fn count(store: &Store, account: AccountId) -> Result<u64, StoreError> {
    store.count(COUNT, &[account.into()]).await
}

/// The account has at most this many groups, the new one among them. Goes after [`insert`].
pub fn at_most(account: AccountId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![account.into(), limit.into()], Must::Hold)
}

/// The user is in at most this many groups, the new one among them. Goes after [`add_member`].
pub fn memberships_at_most(user: UserId, limit: u32) -> Step {
    Step::new(MEMBERSHIPS_AT_MOST, vec![user.into(), limit.into()], Must::Hold)
}

/// Writes what is said of a group: name and comments. Fails while another group of the account has that name.
pub fn update(row: &GroupRow) -> Step {
    let params =
        vec![row.id.into(), row.name.as_str().into(), row.name.folded().into(), row.comments.as_str().into(), row.updated_at.into()];
    Step::new(UPDATE, params, Must::Hold)
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
        row.comments.as_str().into(),
        row.updated_at.into(),
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
pub fn add_member(group: GroupId, user: UserId, now: Timestamp) -> [Step; 3] {
    let add = Step::new(ADD_MEMBER, vec![group.into(), user.into(), now.into()], Must::BeNew("membership"));
    [raise_generation(group), user::raise_generation(user), add]
}

/// Takes the user out of the group and raises the generations of both.
pub fn remove_member(group: GroupId, user: UserId) -> [Step; 3] {
    let remove = Step::new(REMOVE_MEMBER, vec![group.into(), user.into()], Must::Hold);
    [raise_generation(group), user::raise_generation(user), remove]
}
