//! What an account demands of long-term keys.

use std::time::Duration;

use tegata_model::{AccountId, Network, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, row::Fields};

const FIND: &str = "SELECT account_id, max_age_seconds, networks, people, updated_at FROM key_policies WHERE account_id = $1";
const SET: &str = "INSERT INTO key_policies (account_id, max_age_seconds, networks, people, updated_at) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (account_id) DO UPDATE SET max_age_seconds = excluded.max_age_seconds, networks = excluded.networks, \
    people = excluded.people, updated_at = excluded.updated_at";

/// The demands of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicyRow {
    /// The account.
    pub account_id: AccountId,
    /// How old a key may become; whole seconds. `None` for any age.
    pub max_age: Option<Duration>,
    /// From where keys may be used; empty for anywhere.
    pub networks: Vec<Network>,
    /// Whether users who sign in with a password may have keys too.
    pub people: bool,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl KeyPolicyRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("key_policies", row);
        let account_id = f.id("account_id", AccountId::from_bytes)?;
        let max_age = f.optional_at("max_age_seconds")?;
        let max_age = max_age.map(|seconds| u64::try_from(seconds.unix()).map(Duration::from_secs)).transpose();
        let max_age = max_age.map_err(|_| f.corrupt("max_age_seconds"))?;
        let networks = f.parsed("networks", |text| text.split_whitespace().map(str::parse).collect::<Result<_, _>>())?;
        Ok(Self { account_id, max_age, networks, people: f.int("people")? != 0, updated_at: f.at("updated_at")? })
    }
}

/// The demands of an account, if it has any.
pub async fn find(store: &Store, account: AccountId) -> Result<Option<KeyPolicyRow>, StoreError> {
    store.find(FIND, &[account.into()], KeyPolicyRow::read).await
}

/// Replaces the demands of an account. Raise the account's generation beside it.
pub fn set(row: &KeyPolicyRow) -> Step {
    let networks = row.networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let max_age = row.max_age.map(|age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    let params = vec![row.account_id.into(), max_age.into(), networks.into(), i64::from(row.people).into(), row.updated_at.into()];
    Step::new(SET, params, Must::Hold)
}
