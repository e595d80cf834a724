//! Whether applications of other accounts are let in, account by account.

use tegata_model::{AccountId, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, account, row::Fields};

const FIND: &str = "SELECT account_id, foreign_apps, updated_at FROM application_policies WHERE account_id = $1";
const SET: &str = "INSERT INTO application_policies (account_id, foreign_apps, updated_at) VALUES ($1, $2, $3) \
    ON CONFLICT (account_id) DO UPDATE SET foreign_apps = excluded.foreign_apps, updated_at = excluded.updated_at";

/// The policy of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationPolicyRow {
    /// The account.
    pub account_id: AccountId,
    /// Whether applications of other accounts may be installed in it, and used.
    pub foreign: bool,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ApplicationPolicyRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("application_policies", row);
        Ok(Self {
            account_id: f.id("account_id", AccountId::from_bytes)?,
            foreign: f.flag("foreign_apps")?,
            updated_at: f.at("updated_at")?,
        })
    }
}

/// The policy of an account, if it has set one.
pub async fn find(store: &Store, account: AccountId) -> Result<Option<ApplicationPolicyRow>, StoreError> {
    store.find(FIND, &[account.into()], ApplicationPolicyRow::read).await
}

/// Replaces the policy of an account. Raises the generation of the account.
pub fn set(row: &ApplicationPolicyRow) -> [Step; 2] {
    let params = vec![row.account_id.into(), row.foreign.into(), row.updated_at.into()];
    [account::raise_generation(row.account_id), Step::new(SET, params, Must::Hold)]
}
