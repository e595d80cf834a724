//! Where devices may ask from, account by account.

use tegata_model::{AccountId, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, account, row::Fields};

const FIND: &str = "SELECT account_id, origin, updated_at FROM device_policies WHERE account_id = $1";
const SET: &str = "INSERT INTO device_policies (account_id, origin, updated_at) VALUES ($1, $2, $3) \
    ON CONFLICT (account_id) DO UPDATE SET origin = excluded.origin, updated_at = excluded.updated_at";

/// Where a device may ask from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceOrigin {
    /// Nowhere: no device signs in.
    Off,
    /// The network of the person who agrees.
    SameNetwork,
    /// Anywhere.
    Anywhere,
}

impl DeviceOrigin {
    fn to_i64(self) -> i64 {
        match self {
            Self::Off => 0,
            Self::SameNetwork => 1,
            Self::Anywhere => 2,
        }
    }

    fn of_i64(value: i64) -> Option<Self> {
        [Self::Off, Self::SameNetwork, Self::Anywhere].into_iter().find(|origin| origin.to_i64() == value)
    }
}

/// The policy of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePolicyRow {
    /// The account.
    pub account_id: AccountId,
    /// From where.
    pub origin: DeviceOrigin,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl DevicePolicyRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("device_policies", row);
        Ok(Self {
            account_id: f.id("account_id", AccountId::from_bytes)?,
            origin: f.number("origin", DeviceOrigin::of_i64)?,
            updated_at: f.at("updated_at")?,
        })
    }
}

/// The policy of an account, if it has set one.
pub async fn find(store: &Store, account: AccountId) -> Result<Option<DevicePolicyRow>, StoreError> {
    store.find(FIND, &[account.into()], DevicePolicyRow::read).await
}

/// Replaces the policy of an account. Raises the generation of the account.
pub fn set(row: &DevicePolicyRow) -> [Step; 2] {
    let params = vec![row.account_id.into(), row.origin.to_i64().into(), row.updated_at.into()];
    [account::raise_generation(row.account_id), Step::new(SET, params, Must::Hold)]
}
