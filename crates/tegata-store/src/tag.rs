//! Tags: labels that administrators put on roles, policies and users, and that conditions can ask for.

use tegata_model::{AccountId, PolicyId, RoleId, UserId};

use crate::{Must, Row, Step, Store, StoreError, policy, role, row::Fields, user};

const OF: &str = "SELECT target_id, tag_key, tag_value FROM tags WHERE target_id = $1 ORDER BY tag_key";
const OF_ROLES: &str = "SELECT t.target_id, t.tag_key, t.tag_value FROM tags t JOIN roles r ON r.id = t.target_id \
    WHERE r.account_id = $1 AND r.name_folded >= $2 AND r.name_folded <= $3 ORDER BY r.name_folded, t.tag_key";
const OF_POLICIES: &str = "SELECT t.target_id, t.tag_key, t.tag_value FROM tags t JOIN policies p ON p.id = t.target_id \
    WHERE p.account_id = $1 AND p.name_folded >= $2 AND p.name_folded <= $3 ORDER BY p.name_folded, t.tag_key";
const OF_USERS: &str = "SELECT t.target_id, t.tag_key, t.tag_value FROM tags t JOIN users u ON u.id = t.target_id \
    WHERE u.account_id = $1 AND u.name_folded >= $2 AND u.name_folded <= $3 ORDER BY u.name_folded, t.tag_key";
const SET: &str = "INSERT INTO tags (target_id, tag_key, account_id, target_kind, tag_value) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (target_id, tag_key) DO UPDATE SET tag_value = excluded.tag_value";
const REMOVE: &str = "DELETE FROM tags WHERE target_id = $1 AND tag_key = $2";
const REMOVE_ALL: &str = "DELETE FROM tags WHERE target_id = $1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM tags WHERE target_id = $1) <= $2";

/// What can be tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tagged {
    /// A user.
    User(UserId),
    /// A role.
    Role(RoleId),
    /// A policy of an account.
    Policy(PolicyId),
}

impl Tagged {
    /// The bytes of its id.
    pub fn id(self) -> [u8; 16] {
        match self {
            Self::User(id) => *id.as_bytes(),
            Self::Role(id) => *id.as_bytes(),
            Self::Policy(id) => *id.as_bytes(),
        }
    }

    fn kind(self) -> i64 {
        match self {
            Self::User(_) => 0,
            Self::Role(_) => 1,
            Self::Policy(_) => 2,
        }
    }

    fn raise_generation(self) -> Step {
        match self {
            Self::User(id) => user::raise_generation(id),
            Self::Role(id) => role::raise_generation(id),
            Self::Policy(id) => policy::raise_generation(id),
        }
    }
}

/// One tag of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRow {
    /// Bytes of the id of what carries it.
    pub target_id: [u8; 16],
    /// Its key: once on each thing.
    pub key: String,
    /// Its value; may be empty.
    pub value: String,
}

impl TagRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("tags", row);
        Ok(Self { target_id: f.id("target_id", |bytes| bytes)?, key: f.text("tag_key")?, value: f.text("tag_value")? })
    }
}

/// The tags of one thing, by key.
pub async fn of(store: &Store, target: Tagged) -> Result<Vec<TagRow>, StoreError> {
    store.list(OF, vec![target.id().into()], TagRow::read).await
}

/// The tags of the roles whose folded names lie from `first` to `last`, by name and key.
pub async fn of_roles(store: &Store, account: AccountId, first: &str, last: &str) -> Result<Vec<TagRow>, StoreError> {
    store.list(OF_ROLES, vec![account.into(), first.into(), last.into()], TagRow::read).await
}

/// The tags of the account's policies whose folded names lie from `first` to `last`, by name and key.
pub async fn of_policies(store: &Store, account: AccountId, first: &str, last: &str) -> Result<Vec<TagRow>, StoreError> {
    store.list(OF_POLICIES, vec![account.into(), first.into(), last.into()], TagRow::read).await
}

/// The tags of the users whose folded names lie from `first` to `last`, by name and key.
pub async fn of_users(store: &Store, account: AccountId, first: &str, last: &str) -> Result<Vec<TagRow>, StoreError> {
    store.list(OF_USERS, vec![account.into(), first.into(), last.into()], TagRow::read).await
}

/// Puts tags on something, replacing values of keys it has, and raises its generation; it has at most `limit` afterwards.
pub fn set<'a>(
    target: Tagged,
    account: AccountId,
    tags: impl IntoIterator<Item = (&'a str, &'a str)>,
    limit: u32,
) -> impl Iterator<Item = Step> {
    let one = move |(key, value): (&str, &str)| {
        Step::new(SET, vec![target.id().into(), key.into(), account.into(), target.kind().into(), value.into()], Must::Hold)
    };
    let mut steps = vec![target.raise_generation()];
    steps.extend(tags.into_iter().map(one));
    steps.push(Step::new(AT_MOST, vec![target.id().into(), limit.into()], Must::Hold));
    steps.into_iter()
}

/// Takes tags off something, whether it has them or not, and raises its generation.
pub fn remove<'a>(target: Tagged, keys: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Step> {
    let mut steps = vec![target.raise_generation()];
    steps.extend(keys.into_iter().map(|key| Step::new(REMOVE, vec![target.id().into(), key.into()], Must::Anything)));
    steps.into_iter()
}

/// Takes all tags off something and raises its generation.
pub fn remove_all(target: Tagged) -> [Step; 2] {
    [target.raise_generation(), forget(target.id())]
}

/// Takes all tags off something that is itself deleted.
pub fn forget(target: [u8; 16]) -> Step {
    Step::new(REMOVE_ALL, vec![target.into()], Must::Anything)
}
