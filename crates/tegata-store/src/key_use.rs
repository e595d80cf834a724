//! When long-term keys were last used. Nodes remember it and write it now and then; the latest of all nodes counts.

use tegata_model::{AccessKeyId, AccountId, KeyId, Status, Timestamp, UserName};

use crate::{Must, Row, Step, Store, StoreError, row::Fields, user::UserKind};

const FIND: &str = "SELECT key_id, used_at, service FROM access_key_uses WHERE key_id = $1";
// A key that is gone by the time its use is written stays gone.
const NOTE: &str = "INSERT INTO access_key_uses (key_id, used_at, service) SELECT id, $2, $3 FROM access_keys WHERE id = $1 \
    ON CONFLICT (key_id) DO UPDATE SET used_at = excluded.used_at, service = excluded.service \
    WHERE excluded.used_at > access_key_uses.used_at";
const FORGET: &str = "DELETE FROM access_key_uses WHERE key_id = $1";
const REPORT: &str = "SELECT k.id, k.key_id, k.status, k.created_at, u.name, u.kind, l.user_id, x.used_at, x.service FROM access_keys k \
    JOIN users u ON u.id = k.user_id LEFT JOIN login_profiles l ON l.user_id = u.id LEFT JOIN access_key_uses x ON x.key_id = k.id \
    WHERE k.account_id = $1 AND k.key_id > $2 ORDER BY k.key_id LIMIT $3";

/// The last use of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The row of the key.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// For which service, `ram` or `oss` for example; empty if that is not known.
    pub service: String,
}

impl KeyUse {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("access_key_uses", row);
        Ok(Self { key: f.id("key_id", KeyId::from_bytes)?, at: f.at("used_at")?, service: f.text("service")? })
    }
}

/// One key of an account, with whose it is and when it was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedKey {
    /// The row of the key.
    pub key: KeyId,
    /// Its public id.
    pub key_id: AccessKeyId,
    /// Whether it may be used.
    pub status: Status,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whose it is.
    pub user: UserName,
    /// Whether that is the owner of the account or a user.
    pub kind: UserKind,
    /// Whether that user has a login profile.
    pub signs_in: bool,
    /// Its last use that was written.
    pub used: Option<KeyUse>,
}

impl ReportedKey {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("access_keys", row);
        let key = f.id("id", KeyId::from_bytes)?;
        Ok(Self {
            key,
            key_id: f.parsed("key_id", AccessKeyId::new)?,
            status: f.status()?,
            created_at: f.at("created_at")?,
            user: f.parsed("users.name", UserName::new)?,
            kind: f.number("users.kind", UserKind::from_i64)?,
            signs_in: f.optional_id("login_profiles.user_id", |id| id)?.is_some(),
            used: match (f.optional_at("access_key_uses.used_at")?, f.optional_text("access_key_uses.service")?) {
                (Some(at), service) => Some(KeyUse { key, at, service: service.unwrap_or_default() }),
                (None, _) => None,
            },
        })
    }
}

/// The last use of a key that was written, by whichever node.
pub async fn find(store: &Store, key: KeyId) -> Result<Option<KeyUse>, StoreError> {
    store.find(FIND, &[key.into()], KeyUse::read).await
}

/// The keys of an account by public id, those after `after`, at most `limit`.
pub async fn report(store: &Store, account: AccountId, after: &str, limit: u32) -> Result<Vec<ReportedKey>, StoreError> {
    store.list(REPORT, vec![account.into(), after.into(), limit.into()], ReportedKey::read).await
}

/// Writes a use, unless a later one is written already or the key is gone.
pub fn note(one: &KeyUse) -> Step {
    Step::new(NOTE, vec![one.key.into(), one.at.into(), one.service.as_str().into()], Must::Anything)
}

/// Forgets the uses of a key that is deleted.
pub(crate) fn forget(key: KeyId) -> Step {
    Step::new(FORGET, vec![key.into()], Must::Anything)
}
