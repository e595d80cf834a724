//! The whole directory of one account in a handful of statements: who is where, what is attached to whom, which documents count.
//!
//! The rows themselves come from the lists of their nouns. Read those first: whatever is beneath a row raises the row's
//! generation, so what is read here is never older than the generation found there.

use tegata_model::{AccountId, GroupId, KeyId, PolicyId, RoleId, UserId};

use crate::{Store, StoreError, policy::Target, row::Fields};

const MEMBERSHIPS: &str = "SELECT m.group_id, m.user_id FROM memberships m JOIN groups g ON g.id = m.group_id WHERE g.account_id = $1";
const ATTACHMENTS: &str = "SELECT target_id, target_kind, policy_id FROM attachments WHERE account_id = $1";
const KEYS: &str = "SELECT id, user_id FROM access_keys WHERE account_id = $1 ORDER BY id";
const VERSIONS: &str = "SELECT v.policy_id, v.version FROM policy_versions v JOIN policies p ON p.id = v.policy_id \
    WHERE p.account_id = $1 ORDER BY v.policy_id, v.version";
const DOCUMENTS: &str = "SELECT p.id, v.document FROM policies p \
    JOIN policy_versions v ON v.policy_id = p.id AND v.version = p.default_version WHERE p.account_id = $1";

const BINDINGS: &str =
    "SELECT b.role_id, b.principal, b.subject FROM trust_bindings b JOIN roles r ON r.id = b.role_id WHERE r.account_id = $1";

/// The account id that stands for "the system" in the table of policies.
const SYSTEM: AccountId = AccountId::from_bytes([0; 16]);

/// Who is in which group.
pub async fn memberships(store: &Store, account: AccountId) -> Result<Vec<(GroupId, UserId)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("memberships", row);
        Ok((f.id("group_id", GroupId::from_bytes)?, f.id("user_id", UserId::from_bytes)?))
    };
    store.list(MEMBERSHIPS, vec![account.into()], read).await
}

/// Which policy is attached to whom.
pub async fn attachments(store: &Store, account: AccountId) -> Result<Vec<(Target, PolicyId)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("attachments", row);
        let id = f.id("target_id", |bytes| bytes)?;
        let target = f.number("target_kind", |kind| Target::new(kind, id))?;
        Ok((target, f.id("policy_id", PolicyId::from_bytes)?))
    };
    store.list(ATTACHMENTS, vec![account.into()], read).await
}

/// Which access keys there are, and whose they are.
pub async fn access_keys(store: &Store, account: AccountId) -> Result<Vec<(KeyId, UserId)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("access_keys", row);
        Ok((f.id("id", KeyId::from_bytes)?, f.id("user_id", UserId::from_bytes)?))
    };
    store.list(KEYS, vec![account.into()], read).await
}

/// The numbers of all versions of the custom policies, oldest first.
pub async fn versions(store: &Store, account: AccountId) -> Result<Vec<(PolicyId, u32)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("policy_versions", row);
        Ok((f.id("policy_id", PolicyId::from_bytes)?, f.unsigned("version", u32::try_from)?))
    };
    store.list(VERSIONS, vec![account.into()], read).await
}

/// The document that counts of every policy of the account (`None`: of the system).
pub async fn documents(store: &Store, account: Option<AccountId>) -> Result<Vec<(PolicyId, String)>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("policies", row);
        Ok((f.id("id", PolicyId::from_bytes)?, f.text("policy_versions.document")?))
    };
    store.list(DOCUMENTS, vec![account.unwrap_or(SYSTEM).into()], read).await
}

/// Whom the trust documents of the account's roles meant when they were saved: role, principal as it is remembered, immutable id.
pub async fn bindings(store: &Store, account: AccountId) -> Result<Vec<(RoleId, String, [u8; 16])>, StoreError> {
    let read = |row| {
        let mut f = Fields::new("trust_bindings", row);
        Ok((f.id("role_id", RoleId::from_bytes)?, f.text("principal")?, f.id("subject", |bytes| bytes)?))
    };
    store.list(BINDINGS, vec![account.into()], read).await
}
