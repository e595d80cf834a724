//! Accounts: the tenants, and the first ancestor of every credential.

use tegata_model::{AccountAlias, AccountId, AccountNumber, Epoch, Generation, OperatorId, OrganisationId, Status, Timestamp};

use crate::{Must, Row, Step, Store, StoreError, Value, row::Fields};

const FIND: &str = "SELECT id, number, alias, operator_id, organisation_id, parent_id, status, epoch, generation, created_at \
    FROM accounts WHERE id = $1";
const FIND_BY_NUMBER: &str = "SELECT id, number, alias, operator_id, organisation_id, parent_id, status, epoch, generation, created_at \
    FROM accounts WHERE number = $1";
const FIND_BY_ALIAS: &str = "SELECT id, number, alias, operator_id, organisation_id, parent_id, status, epoch, generation, created_at \
    FROM accounts WHERE alias_folded = $1";
const FIND_BY_ORGANISATION: &str = "SELECT id, number, alias, operator_id, organisation_id, parent_id, status, epoch, generation, \
    created_at FROM accounts WHERE organisation_id = $1";
const LIST: &str = "SELECT id, number, alias, operator_id, organisation_id, parent_id, status, epoch, generation, created_at \
    FROM accounts ORDER BY number LIMIT 10000";
const INSERT: &str = "INSERT INTO accounts (id, number, alias, alias_folded, operator_id, organisation_id, parent_id, status, epoch, \
    generation, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
const EXPECT: &str = "SELECT 1 FROM accounts WHERE id = $1 AND generation = $2";
const RAISE_EPOCH: &str = "UPDATE accounts SET epoch = epoch + 1, generation = generation + 1 WHERE id = $1";
const RAISE_GENERATION: &str = "UPDATE accounts SET generation = generation + 1 WHERE id = $1";
const SET_STATUS: &str = "UPDATE accounts SET status = $2, generation = generation + 1 WHERE id = $1";

const SET_ALIAS: &str = "UPDATE accounts SET alias = $2, alias_folded = $3, generation = generation + 1 WHERE id = $1 \
    AND NOT EXISTS (SELECT 1 FROM accounts AS other WHERE other.alias_folded = $3 AND other.id <> $1)";

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Immutable id.
    pub id: AccountId,
    /// Public number of 16 digits.
    pub number: AccountNumber,
    /// The name people type.
    pub alias: AccountAlias,
    /// Public id of the operator spelling.
    pub operator_id: OperatorId,
    /// Public id of the organisation spelling.
    pub organisation_id: OrganisationId,
    /// The account it is a customer of.
    pub parent_id: Option<AccountId>,
    /// Whether it may be used at all.
    pub status: Status,
    /// Raised to end everything issued in it.
    pub epoch: Epoch,
    /// Raised by any change to it.
    pub generation: Generation,
    /// When it was made.
    pub created_at: Timestamp,
}

impl AccountRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("accounts", row);
        Ok(Self {
            id: f.id("id", AccountId::from_bytes)?,
            number: f.unsigned("number", AccountNumber::new)?,
            alias: f.parsed("alias", AccountAlias::new)?,
            operator_id: f.parsed("operator_id", OperatorId::new)?,
            organisation_id: f.parsed("organisation_id", OrganisationId::new)?,
            parent_id: f.optional_id("parent_id", AccountId::from_bytes)?,
            status: f.status()?,
            epoch: f.epoch()?,
            generation: f.generation()?,
            created_at: f.at("created_at")?,
        })
    }
}

/// The account with this id.
pub async fn find(store: &Store, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
    store.find(FIND, &[id.into()], AccountRow::read).await
}

/// The account with this public number.
pub async fn find_by_number(store: &Store, number: AccountNumber) -> Result<Option<AccountRow>, StoreError> {
    store.find(FIND_BY_NUMBER, &[number.into()], AccountRow::read).await
}

/// The account with this alias, without case.
pub async fn find_by_alias(store: &Store, alias: &AccountAlias) -> Result<Option<AccountRow>, StoreError> {
    store.find(FIND_BY_ALIAS, &[alias.folded().into()], AccountRow::read).await
}

/// The account with this organisation id.
pub async fn find_by_organisation(store: &Store, id: &OrganisationId) -> Result<Option<AccountRow>, StoreError> {
    store.find(FIND_BY_ORGANISATION, &[id.into()], AccountRow::read).await
}

/// Accounts by number; at most 10,000.
pub async fn list(store: &Store) -> Result<Vec<AccountRow>, StoreError> {
    store.list(LIST, Vec::new(), AccountRow::read).await
}

/// A new account; refused if any of its public identifiers is taken.
pub fn insert(row: &AccountRow) -> Step {
    let params = vec![
        row.id.into(),
        row.number.into(),
        (&row.alias).into(),
        row.alias.folded().into(),
        (&row.operator_id).into(),
        (&row.organisation_id).into(),
        row.parent_id.into(),
        row.status.into(),
        row.epoch.into(),
        row.generation.into(),
        row.created_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("account"))
}

/// The account must still be as it was read.
pub fn expect(id: AccountId, generation: Generation) -> Step {
    Step::new(EXPECT, vec![id.into(), generation.into()], Must::Hold)
}

/// Ends everything issued in the account.
pub fn raise_epoch(id: AccountId) -> Step {
    Step::new(RAISE_EPOCH, vec![id.into()], Must::Hold)
}

/// Something beneath the account changed that has no aggregate of its own.
pub fn raise_generation(id: AccountId) -> Step {
    Step::new(RAISE_GENERATION, vec![id.into()], Must::Hold)
}

/// Renames the account, unless another has that name already.
pub fn set_alias(id: AccountId, alias: &AccountAlias) -> Step {
    Step::new(SET_ALIAS, vec![id.into(), alias.into(), alias.folded().into()], Must::Hold)
}

/// Switches the account on or off.
pub fn set_status(id: AccountId, status: Status) -> Step {
    Step::new(SET_STATUS, vec![Value::from(id), status.into()], Must::Hold)
}
