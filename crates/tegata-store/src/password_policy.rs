//! What an account asks of the passwords of its users.

use tegata_model::AccountId;

use crate::{Must, Row, Step, Store, StoreError, account, row::Fields};

const FIND: &str = "SELECT account_id, min_length, require_lowercase, require_uppercase, require_numbers, require_symbols, \
    different_characters, forbid_user_name, max_age_days, hard_expiry, initial_age_days, reuse_prevention, max_attempts \
    FROM password_policies WHERE account_id = $1";
const SET: &str = "INSERT INTO password_policies (account_id, min_length, require_lowercase, require_uppercase, require_numbers, \
    require_symbols, different_characters, forbid_user_name, max_age_days, hard_expiry, initial_age_days, reuse_prevention, max_attempts) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (account_id) DO UPDATE SET min_length = $2, \
    require_lowercase = $3, require_uppercase = $4, require_numbers = $5, require_symbols = $6, different_characters = $7, \
    forbid_user_name = $8, max_age_days = $9, hard_expiry = $10, initial_age_days = $11, reuse_prevention = $12, max_attempts = $13";

/// The policy of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent settings, one column each")]
pub struct PasswordPolicyRow {
    /// Whose it is.
    pub account_id: AccountId,
    /// Fewest characters.
    pub min_length: u32,
    /// At least one lower-case letter.
    pub require_lowercase: bool,
    /// At least one upper-case letter.
    pub require_uppercase: bool,
    /// At least one digit.
    pub require_numbers: bool,
    /// At least one character that is neither letter nor digit.
    pub require_symbols: bool,
    /// Fewest different characters; 0 asks for none.
    pub different_characters: u32,
    /// The name of the user may not stand in it.
    pub forbid_user_name: bool,
    /// Days after which a password is old; 0 for never.
    pub max_age_days: u32,
    /// Whether an old password can no longer be changed by its user.
    pub hard_expiry: bool,
    /// Days for which a password set by somebody else is good; 0 for ever.
    pub initial_age_days: u32,
    /// How many of the newest passwords may not be used again; 0 for none.
    pub reuse_prevention: u32,
    /// Wrong tries in a while before it is refused; 0 leaves it to the server.
    pub max_attempts: u32,
}

impl PasswordPolicyRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("password_policies", row);
        Ok(Self {
            account_id: f.id("account_id", AccountId::from_bytes)?,
            min_length: f.small("min_length")?,
            require_lowercase: f.flag("require_lowercase")?,
            require_uppercase: f.flag("require_uppercase")?,
            require_numbers: f.flag("require_numbers")?,
            require_symbols: f.flag("require_symbols")?,
            different_characters: f.small("different_characters")?,
            forbid_user_name: f.flag("forbid_user_name")?,
            max_age_days: f.small("max_age_days")?,
            hard_expiry: f.flag("hard_expiry")?,
            initial_age_days: f.small("initial_age_days")?,
            reuse_prevention: f.small("reuse_prevention")?,
            max_attempts: f.small("max_attempts")?,
        })
    }
}

/// The policy of the account, if it has set one.
pub async fn find(store: &Store, account: AccountId) -> Result<Option<PasswordPolicyRow>, StoreError> {
    store.find(FIND, &[account.into()], PasswordPolicyRow::read).await
}

/// Writes the whole policy. Raises the generation of the account.
pub fn set(row: &PasswordPolicyRow) -> [Step; 2] {
    let params = vec![
        row.account_id.into(),
        row.min_length.into(),
        row.require_lowercase.into(),
        row.require_uppercase.into(),
        row.require_numbers.into(),
        row.require_symbols.into(),
        row.different_characters.into(),
        row.forbid_user_name.into(),
        row.max_age_days.into(),
        row.hard_expiry.into(),
        row.initial_age_days.into(),
        row.reuse_prevention.into(),
        row.max_attempts.into(),
    ];
    [account::raise_generation(row.account_id), Step::new(SET, params, Must::Hold)]
}
