//! Policies with their versions, and to whom they are attached.

use tegata_model::{AccountId, Generation, GroupId, PolicyId, PolicyName, RoleId, Timestamp, UserId};

use crate::{Must, Row, Step, Store, StoreError, Value, group, role, row::Fields, tag, user};

const FIND: &str = "SELECT id, account_id, name, kind, description, default_version, generation, created_at, \
    last_version, updated_at FROM policies WHERE id = $1";
const FIND_BY_NAME: &str = "SELECT id, account_id, name, kind, description, default_version, generation, created_at, \
    last_version, updated_at FROM policies \
    WHERE account_id = $1 AND name_folded = $2";
const LIST: &str = "SELECT id, account_id, name, kind, description, default_version, generation, created_at, \
    last_version, updated_at FROM policies \
    WHERE account_id = $1 AND name_folded > $2 ORDER BY name_folded LIMIT $3";
const INSERT: &str = "INSERT INTO policies (id, account_id, name, name_folded, kind, description, default_version, generation, created_at, \
    last_version, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM policies WHERE id = $1 AND generation = $2";
const RAISE_GENERATION: &str = "UPDATE policies SET generation = generation + 1, updated_at = $3, \
    last_version = CASE WHEN last_version < $2 THEN $2 ELSE last_version END WHERE id = $1";
const REMOVE_VERSION: &str = "DELETE FROM policy_versions WHERE policy_id = $1 AND version = $2 \
    AND NOT EXISTS (SELECT 1 FROM policies WHERE id = $1 AND default_version = $2)";
const TOUCH: &str = "UPDATE policies SET generation = generation + 1, updated_at = $2 WHERE id = $1";
const BUMP: &str = "UPDATE policies SET generation = generation + 1 WHERE id = $1";
const SET_DESCRIPTION: &str = "UPDATE policies SET description = $2, generation = generation + 1, updated_at = $3 WHERE id = $1";
const COUNT: &str = "SELECT count(*) FROM policies WHERE account_id = $1";
const AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM policies WHERE account_id = $1) <= $2";
const ATTACHED_AT_MOST: &str = "SELECT 1 WHERE (SELECT count(*) FROM attachments a JOIN policies p ON p.id = a.policy_id \
    WHERE a.target_id = $1 AND p.kind = $2) <= $3";
const ATTACHMENTS: &str = "SELECT p.name, p.kind, p.description, p.default_version, a.attached_at FROM attachments a \
    JOIN policies p ON p.id = a.policy_id WHERE a.target_id = $1 ORDER BY p.name_folded, p.kind LIMIT 1000";
const ATTACHMENT_COUNT: &str = "SELECT count(*) FROM attachments WHERE policy_id = $1 AND account_id = $2";
const ATTACHMENT_COUNTS: &str = "SELECT policy_id, count(*) FROM attachments WHERE account_id = $1 GROUP BY policy_id";
const ATTACHED_IN: &str = "SELECT target_id, target_kind, attached_at FROM attachments WHERE policy_id = $1 AND account_id = $2 \
    ORDER BY target_id LIMIT 10000";
const SET_DEFAULT: &str = "UPDATE policies SET default_version = $2, generation = generation + 1, updated_at = $3 WHERE id = $1 \
    AND EXISTS (SELECT 1 FROM policy_versions WHERE policy_id = $1 AND version = $2)";
const DELETE: &str = "DELETE FROM policies WHERE id = $1";
const VERSIONS: &str = "SELECT policy_id, version, document, created_at FROM policy_versions WHERE policy_id = $1 ORDER BY version";
const VERSION: &str = "SELECT policy_id, version, document, created_at FROM policy_versions WHERE policy_id = $1 AND version = $2";
const ADD_VERSION: &str = "INSERT INTO policy_versions (policy_id, version, document, created_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT DO NOTHING";
const DELETE_VERSIONS: &str = "DELETE FROM policy_versions WHERE policy_id = $1";
const ATTACH: &str = "INSERT INTO attachments (target_id, policy_id, account_id, target_kind, attached_at) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT DO NOTHING";
const DETACH: &str = "DELETE FROM attachments WHERE target_id = $1 AND policy_id = $2";
const DETACH_ALL: &str = "DELETE FROM attachments WHERE target_id = $1";
const TARGETS: &str = "SELECT target_id, target_kind FROM attachments WHERE policy_id = $1 ORDER BY target_id LIMIT 1000";
const ATTACHED_TO: &str = "SELECT a.target_id, p.id, p.name, p.kind, v.version, v.document, p.generation FROM attachments a \
    JOIN policies p ON p.id = a.policy_id JOIN policy_versions v ON v.policy_id = p.id AND v.version = p.default_version \
    WHERE a.target_id IN ($1, $2, $3, $4, $5, $6, $7, $8) ORDER BY a.target_id, p.name_folded";
/// How many targets one statement asks for; fewer are filled up with the first.
const TARGETS_AT_ONCE: usize = 8;

/// The account id that stands for "the system" in the table.
const SYSTEM: AccountId = AccountId::from_bytes([0; 16]);

/// Who wrote a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyKind {
    /// Somebody of the account.
    Custom,
    /// This program; the same in every account.
    System,
}

impl PolicyKind {
    fn from_i64(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Custom),
            1 => Some(Self::System),
            _ => None,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::Custom => 0,
            Self::System => 1,
        }
    }
}

/// One policy; its documents are in its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// Immutable id.
    pub id: PolicyId,
    /// The account it belongs to; `None` for a system policy.
    pub account_id: Option<AccountId>,
    /// Its name: unique among the custom policies of an account, and among the system policies, without case.
    pub name: PolicyName,
    /// Custom or system.
    pub kind: PolicyKind,
    /// For people.
    pub description: String,
    /// The version that counts.
    pub default_version: u32,
    /// Raised by any change to it or its versions.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
    /// The highest version number ever given.
    pub last_version: u32,
    /// When a version was last added or chosen.
    pub updated_at: Timestamp,
}

/// One policy as it is attached to one user, group or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRow {
    /// Its name.
    pub name: PolicyName,
    /// Custom or system.
    pub kind: PolicyKind,
    /// For people.
    pub description: String,
    /// The version that counts.
    pub default_version: u32,
    /// When it was attached.
    pub attached_at: Timestamp,
}

impl AttachmentRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("attachments", row);
        Ok(Self {
            name: f.parsed("policies.name", PolicyName::new)?,
            kind: f.number("policies.kind", PolicyKind::from_i64)?,
            description: f.text("policies.description")?,
            default_version: f.unsigned("policies.default_version", u32::try_from)?,
            attached_at: f.at("attached_at")?,
        })
    }
}

impl PolicyRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("policies", row);
        Ok(Self {
            id: f.id("id", PolicyId::from_bytes)?,
            account_id: f.id("account_id", AccountId::from_bytes)?.some_unless_system(),
            name: f.parsed("name", PolicyName::new)?,
            kind: f.number("kind", PolicyKind::from_i64)?,
            description: f.text("description")?,
            default_version: f.unsigned("default_version", u32::try_from)?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
            last_version: f.unsigned("last_version", u32::try_from)?,
            updated_at: f.at("updated_at")?,
        })
    }
}

trait SomeUnlessSystem: Sized {
    fn some_unless_system(self) -> Option<Self>;
}

impl SomeUnlessSystem for AccountId {
    fn some_unless_system(self) -> Option<Self> {
        (self != SYSTEM).then_some(self)
    }
}

/// One version of a policy; never edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersionRow {
    /// The policy.
    pub policy_id: PolicyId,
    /// Its number, from 1.
    pub version: u32,
    /// The document as written.
    pub document: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl PolicyVersionRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("policy_versions", row);
        Ok(Self {
            policy_id: f.id("policy_id", PolicyId::from_bytes)?,
            version: f.unsigned("version", u32::try_from)?,
            document: f.text("document")?,
            created_at: f.at("created_at")?,
        })
    }
}

/// To whom a policy is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
    /// A role.
    Role(RoleId),
}

impl Target {
    pub(crate) fn new(kind: i64, id: [u8; 16]) -> Option<Self> {
        match kind {
            0 => Some(Self::User(UserId::from_bytes(id))),
            1 => Some(Self::Group(GroupId::from_bytes(id))),
            2 => Some(Self::Role(RoleId::from_bytes(id))),
            _ => None,
        }
    }

    /// The bytes of its id.
    pub fn id(self) -> [u8; 16] {
        match self {
            Self::User(id) => *id.as_bytes(),
            Self::Group(id) => *id.as_bytes(),
            Self::Role(id) => *id.as_bytes(),
        }
    }

    fn kind(self) -> i64 {
        match self {
            Self::User(_) => 0,
            Self::Group(_) => 1,
            Self::Role(_) => 2,
        }
    }

    fn raise_generation(self) -> Step {
        match self {
            Self::User(id) => user::raise_generation(id),
            Self::Group(id) => group::raise_generation(id),
            Self::Role(id) => role::raise_generation(id),
        }
    }
}

/// One policy as it is attached to one target, with the document that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// Bytes of the target's id.
    pub target_id: [u8; 16],
    /// The policy.
    pub policy_id: PolicyId,
    /// Its name.
    pub name: PolicyName,
    /// Custom or system.
    pub kind: PolicyKind,
    /// The version that counts.
    pub version: u32,
    /// Its document as written.
    pub document: String,
    /// The policy's generation, to be expected.
    pub generation: Generation,
}

impl AttachedPolicy {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("attachments", row);
        Ok(Self {
            target_id: f.id("target_id", |bytes| bytes)?,
            policy_id: f.id("policy_id", PolicyId::from_bytes)?,
            name: f.parsed("policies.name", PolicyName::new)?,
            kind: f.number("policies.kind", PolicyKind::from_i64)?,
            version: f.unsigned("policy_versions.version", u32::try_from)?,
            document: f.text("policy_versions.document")?,
            generation: f.generation()?,
        })
    }
}

/// The policy with this id.
pub async fn find(store: &Store, id: PolicyId) -> Result<Option<PolicyRow>, StoreError> {
    store.find(FIND, &[id.into()], PolicyRow::read).await
}

/// The policy with this name, folded as [`PolicyName::folded`] does; `None` as account asks for a system policy.
pub async fn find_by_name(store: &Store, account: Option<AccountId>, folded: &str) -> Result<Option<PolicyRow>, StoreError> {
    store.find(FIND_BY_NAME, &[account.unwrap_or(SYSTEM).into(), folded.into()], PolicyRow::read).await
}

/// Policies of the account (`None`: of the system) by folded name, those after `after`, at most `limit`.
pub async fn list(store: &Store, account: Option<AccountId>, after: &str, limit: u32) -> Result<Vec<PolicyRow>, StoreError> {
    store.list(LIST, vec![account.unwrap_or(SYSTEM).into(), after.into(), limit.into()], PolicyRow::read).await
}

/// All versions, oldest first.
pub async fn versions(store: &Store, policy: PolicyId) -> Result<Vec<PolicyVersionRow>, StoreError> {
    store.list(VERSIONS, vec![policy.into()], PolicyVersionRow::read).await
}

/// One version.
pub async fn version(store: &Store, policy: PolicyId, version: u32) -> Result<Option<PolicyVersionRow>, StoreError> {
    store.find(VERSION, &[policy.into(), version.into()], PolicyVersionRow::read).await
}

/// What is attached to these targets (users, groups, roles), by target and name. A policy attached to two of them comes twice.
pub async fn attached_to(store: &Store, targets: &[[u8; 16]]) -> Result<Vec<AttachedPolicy>, StoreError> {
    let mut attached = Vec::new();
    for chunk in targets.chunks(TARGETS_AT_ONCE) {
        let first = chunk.iter().take(1).cycle();
        let params: Vec<Value> = chunk.iter().chain(first).take(TARGETS_AT_ONCE).map(|id| Value::Id(*id)).collect();
        for row in store.query(ATTACHED_TO, &params).await? {
            attached.push(AttachedPolicy::read(row)?);
        }
    }
    Ok(attached)
}

/// To whom the policy is attached; at most 1,000.
pub async fn targets(store: &Store, policy: PolicyId) -> Result<Vec<Target>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("attachments", row);
        let id = f.id("target_id", |bytes| bytes)?;
        f.number("target_kind", |kind| Target::new(kind, id))
    };
    store.list(TARGETS, vec![policy.into()], read).await
}

/// A new policy; refused if its name is taken. Its first version goes beside it with [`add_version`].
pub fn insert(row: &PolicyRow) -> Step {
    let params = vec![
        row.id.into(),
        row.account_id.unwrap_or(SYSTEM).into(),
        row.name.as_str().into(),
        row.name.folded().into(),
        row.kind.to_i64().into(),
        row.description.as_str().into(),
        row.default_version.into(),
        row.generation.into(),
        row.created_at.into(),
        row.last_version.into(),
        row.updated_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("policy"))
}

/// The policy must still be as it was read.
pub fn expect(id: PolicyId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Adds a version and raises the policy's generation.
pub fn add_version(row: &PolicyVersionRow) -> [Step; 2] {
    let params = vec![row.policy_id.into(), row.version.into(), row.document.as_str().into(), row.created_at.into()];
    let raise = vec![row.policy_id.into(), row.version.into(), row.created_at.into()];
    [Step::new(RAISE_GENERATION, raise, Must::Hold), Step::new(ADD_VERSION, params, Must::BeNew("policy version"))]
}

/// Something beneath the policy changed that is not a version.
pub fn raise_generation(id: PolicyId) -> Step {
    Step::new(BUMP, vec![id.into()], Must::Hold)
}

/// Says what the policy is for.
pub fn set_description(id: PolicyId, description: &str, now: Timestamp) -> Step {
    Step::new(SET_DESCRIPTION, vec![id.into(), description.into(), now.into()], Must::Hold)
}

/// Makes a version the one that counts.
pub fn set_default(id: PolicyId, version: u32, now: Timestamp) -> Step {
    Step::new(SET_DEFAULT, vec![id.into(), version.into(), now.into()], Must::Hold)
}

/// Removes a version, which must not be the one that counts, and raises the policy's generation.
pub fn delete_version(id: PolicyId, version: u32, now: Timestamp) -> [Step; 2] {
    [Step::new(TOUCH, vec![id.into(), now.into()], Must::Hold), Step::new(REMOVE_VERSION, vec![id.into(), version.into()], Must::Hold)]
}

/// How many custom policies the account has.
pub async fn count(store: &Store, account: AccountId) -> Result<u64, StoreError> {
    store.count(COUNT, &[account.into()]).await
}

/// The account has at most this many custom policies, the new one among them. Goes after [`insert`].
pub fn at_most(account: AccountId, limit: u32) -> Step {
    Step::new(AT_MOST, vec![account.into(), limit.into()], Must::Hold)
}

/// At most this many policies of that kind are attached to the target, the new one among them. Goes after [`attach`].
pub fn attached_at_most(target: Target, kind: PolicyKind, limit: u32) -> Step {
    Step::new(ATTACHED_AT_MOST, vec![target.id().into(), kind.to_i64().into(), limit.into()], Must::Hold)
}

/// What is attached to one target, by name; at most 1,000.
pub async fn attachments(store: &Store, target: Target) -> Result<Vec<AttachmentRow>, StoreError> {
    store.list(ATTACHMENTS, vec![target.id().into()], AttachmentRow::read).await
}

/// How often the policy is attached within one account.
pub async fn attachment_count(store: &Store, policy: PolicyId, account: AccountId) -> Result<u64, StoreError> {
    store.count(ATTACHMENT_COUNT, &[policy.into(), account.into()]).await
}

/// How often each policy is attached within one account; policies that are not attached are left out.
pub async fn attachment_counts(store: &Store, account: AccountId) -> Result<Vec<(PolicyId, u64)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("attachments", row);
        Ok((f.id("policy_id", PolicyId::from_bytes)?, f.number("count", |count| u64::try_from(count).ok())?))
    };
    store.list(ATTACHMENT_COUNTS, vec![account.into()], read).await
}

/// To whom of one account the policy is attached, and since when; at most 10,000.
pub async fn attached_in(store: &Store, policy: PolicyId, account: AccountId) -> Result<Vec<(Target, Timestamp)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("attachments", row);
        let id = f.id("target_id", |bytes| bytes)?;
        let target = f.number("target_kind", |kind| Target::new(kind, id))?;
        Ok((target, f.at("attached_at")?))
    };
    store.list(ATTACHED_IN, vec![policy.into(), account.into()], read).await
}

/// Removes the policy with its versions and tags; it must not be attached to anything.
pub fn delete(id: PolicyId) -> [Step; 3] {
    [
        tag::forget(*id.as_bytes()),
        Step::new(DELETE_VERSIONS, vec![id.into()], Must::Anything),
        Step::new(DELETE, vec![id.into()], Must::Hold),
    ]
}

/// Attaches a policy and raises the target's generation. `account` is the target's.
pub fn attach(target: Target, policy: PolicyId, account: AccountId, now: Timestamp) -> [Step; 2] {
    let params = vec![target.id().into(), policy.into(), account.into(), target.kind().into(), now.into()];
    [target.raise_generation(), Step::new(ATTACH, params, Must::BeNew("attachment"))]
}

/// Detaches a policy and raises the target's generation.
pub fn detach(target: Target, policy: PolicyId) -> [Step; 2] {
    [target.raise_generation(), Step::new(DETACH, vec![target.id().into(), policy.into()], Must::Hold)]
}

/// Detaches everything from a target that is about to go.
pub fn detach_all(target: Target) -> Step {
    Step::new(DETACH_ALL, vec![target.id().into()], Must::Anything)
}
