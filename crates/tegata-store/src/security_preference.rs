//! What the users of an account may do for themselves, and from where and for how long they sign in.

use tegata_model::AccountId;

use crate::{Must, Row, Step, Store, StoreError, account, row::Fields};

const FIND: &str = "SELECT account_id, remember_mfa, users_change_password, users_manage_keys, users_manage_mfa, users_manage_public, \
    session_hours, login_networks FROM security_preferences WHERE account_id = $1";
const SET: &str = "INSERT INTO security_preferences (account_id, remember_mfa, users_change_password, users_manage_keys, \
    users_manage_mfa, users_manage_public, session_hours, login_networks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
    ON CONFLICT (account_id) DO UPDATE SET remember_mfa = $2, users_change_password = $3, users_manage_keys = $4, \
    users_manage_mfa = $5, users_manage_public = $6, session_hours = $7, login_networks = $8";

/// The preference of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent settings, one column each")]
pub struct SecurityPreferenceRow {
    /// Whose it is.
    pub account_id: AccountId,
    /// Whether a browser may remember that a second factor was given.
    pub remember_mfa: bool,
    /// Whether users may change their own passwords.
    pub users_change_password: bool,
    /// Whether users may manage their own access keys.
    pub users_manage_keys: bool,
    /// Whether users may manage their own second factor.
    pub users_manage_mfa: bool,
    /// Whether users may manage their own public keys.
    pub users_manage_public: bool,
    /// How long a sign-in lasts, in hours.
    pub session_hours: u32,
    /// The networks users may sign in from, separated by `;`; empty for all.
    pub login_networks: String,
}

impl SecurityPreferenceRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("security_preferences", row);
        Ok(Self {
            account_id: f.id("account_id", AccountId::from_bytes)?,
            remember_mfa: f.flag("remember_mfa")?,
            users_change_password: f.flag("users_change_password")?,
            users_manage_keys: f.flag("users_manage_keys")?,
            users_manage_mfa: f.flag("users_manage_mfa")?,
            users_manage_public: f.flag("users_manage_public")?,
            session_hours: f.small("session_hours")?,
            login_networks: f.text("login_networks")?,
        })
    }
}

/// The preference of the account, if it has set one.
pub async fn find(store: &Store, account: AccountId) -> Result<Option<SecurityPreferenceRow>, StoreError> {
    store.find(FIND, &[account.into()], SecurityPreferenceRow::read).await
}

/// Writes the whole preference. Raises the generation of the account.
pub fn set(row: &SecurityPreferenceRow) -> [Step; 2] {
    let params = vec![
        row.account_id.into(),
        row.remember_mfa.into(),
        row.users_change_password.into(),
        row.users_manage_keys.into(),
        row.users_manage_mfa.into(),
        row.users_manage_public.into(),
        row.session_hours.into(),
        row.login_networks.as_str().into(),
    ];
    [account::raise_generation(row.account_id), Step::new(SET, params, Must::Hold)]
}
