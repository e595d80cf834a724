//! Devices that wait for a person to agree (RFC 8628). Each is decided once and claimed once, each by one conditional update.

use std::{net::IpAddr, time::Duration};

use tegata_model::{AccountId, ClientId, GrantId, Timestamp};

use crate::{Claim, Must, Row, Step, Store, StoreError, row::Fields};

const FIND: &str = "SELECT hash, user_code, client_id, scopes, challenge, dpop_key, shown_number, source, claims, wait_seconds, \
    polled_at, decision, account_id, grant_id, expires_at, used_at FROM device_codes WHERE hash = $1";
const FIND_BY_USER_CODE: &str = "SELECT hash, user_code, client_id, scopes, challenge, dpop_key, shown_number, source, claims, \
    wait_seconds, polled_at, decision, account_id, grant_id, expires_at, used_at FROM device_codes WHERE user_code = $1";
const INSERT: &str = "INSERT INTO device_codes (hash, user_code, client_id, scopes, challenge, dpop_key, shown_number, source, claims, \
    wait_seconds, polled_at, decision, account_id, grant_id, expires_at, used_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING";
const POLL: &str = "UPDATE device_codes SET polled_at = $2, wait_seconds = $3 WHERE hash = $1 AND polled_at = $4 AND wait_seconds = $5";
const DECIDE: &str = "UPDATE device_codes SET decision = $2, account_id = $3, grant_id = $4 \
    WHERE hash = $1 AND decision = 0 AND expires_at > $5";
const CLAIM: &str = "UPDATE device_codes SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND decision = 1";
const SWEEP: &str = "DELETE FROM device_codes WHERE hash IN \
    (SELECT hash FROM device_codes WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)";

/// What a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Waits,
    /// Yes.
    Agreed {
        /// In which account.
        account: AccountId,
        /// The grant that was made for it.
        grant: GrantId,
    },
    /// No.
    Refused,
}

/// One device that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCodeRow {
    /// SHA-256 of the device code.
    pub hash: Vec<u8>,
    /// A keyed code of what the person types.
    pub user_code: Vec<u8>,
    /// Which client asks.
    pub client_id: ClientId,
    /// For which scopes.
    pub scopes: Vec<String>,
    /// The S256 challenge that was given.
    pub challenge: Option<String>,
    /// The thumbprint of the key whose possession was proven.
    pub dpop_key: Option<String>,
    /// The number that the device shows, if it can show one.
    pub number: Option<u32>,
    /// Where it asked from.
    pub source: Option<IpAddr>,
    /// What it says of itself.
    pub claims: String,
    /// How long it waits between two questions; whole seconds.
    pub wait: Duration,
    /// When it last asked; at first when it began.
    pub polled_at: Timestamp,
    /// What the person said.
    pub decision: Decision,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When the tokens were fetched.
    pub used_at: Option<Timestamp>,
}

impl DeviceCodeRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        // Columns are read in their order.
        let mut f = Fields::new("device_codes", row);
        let hash = f.bytes("hash")?;
        let user_code = f.bytes("user_code")?;
        let client_id = f.id("client_id", ClientId::from_bytes)?;
        let scopes = f.text("scopes")?.split_whitespace().map(str::to_owned).collect();
        let challenge = f.optional_text("challenge")?;
        let dpop_key = f.optional_text("dpop_key")?;
        let number = Some(f.small("shown_number")?).filter(|number| *number != 0);
        let source = f.text("source")?;
        let source = if source.is_empty() { None } else { Some(source.parse().map_err(|_| f.corrupt("source"))?) };
        let claims = f.text("claims")?;
        let wait = Duration::from_secs(u64::from(f.small("wait_seconds")?));
        let polled_at = f.at("polled_at")?;
        let decided = f.int("decision")?;
        let account = f.optional_id("account_id", AccountId::from_bytes)?;
        let grant = f.optional_id("grant_id", GrantId::from_bytes)?;
        let decision = match (decided, account, grant) {
            (0, None, None) => Decision::Waits,
            (1, Some(account), Some(grant)) => Decision::Agreed { account, grant },
            (2, None, None) => Decision::Refused,
            _ => return Err(f.corrupt("decision")),
        };
        let (expires_at, used_at) = (f.at("expires_at")?, f.optional_at("used_at")?);
        Ok(Self {
            hash,
            user_code,
            client_id,
            scopes,
            challenge,
            dpop_key,
            number,
            source,
            claims,
            wait,
            polled_at,
            decision,
            expires_at,
            used_at,
        })
    }
}

fn seconds(wait: Duration) -> i64 {
    i64::try_from(wait.as_secs()).unwrap_or(i64::MAX)
}

/// The device whose code has this hash.
pub async fn find(store: &Store, hash: &[u8]) -> Result<Option<DeviceCodeRow>, StoreError> {
    store.find(FIND, &[hash.into()], DeviceCodeRow::read).await
}

/// The device that waits for this code of what a person types.
pub async fn find_by_user_code(store: &Store, user_code: &[u8]) -> Result<Option<DeviceCodeRow>, StoreError> {
    store.find(FIND_BY_USER_CODE, &[user_code.into()], DeviceCodeRow::read).await
}

/// A new device, which nobody has decided on.
pub fn insert(row: &DeviceCodeRow) -> Step {
    let params = vec![
        row.hash.as_slice().into(),
        row.user_code.as_slice().into(),
        row.client_id.into(),
        row.scopes.join(" ").into(),
        row.challenge.clone().into(),
        row.dpop_key.clone().into(),
        row.number.unwrap_or(0).into(),
        row.source.map(|source| source.to_string()).unwrap_or_default().into(),
        row.claims.as_str().into(),
        seconds(row.wait).into(),
        row.polled_at.into(),
        0_i64.into(),
        None::<AccountId>.into(),
        None::<GrantId>.into(),
        row.expires_at.into(),
        row.used_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("device code"))
}

/// Notes that the device asked, and how long it waits from now on; nothing where another question was quicker.
pub fn poll(row: &DeviceCodeRow, now: Timestamp, wait: Duration) -> Step {
    let params = vec![row.hash.as_slice().into(), now.into(), seconds(wait).into(), row.polled_at.into(), seconds(row.wait).into()];
    Step::new(POLL, params, Must::Anything)
}

/// A person agrees. Holds once, while the device waits.
pub fn agree(hash: &[u8], account: AccountId, grant: GrantId, now: Timestamp) -> Step {
    Step::new(DECIDE, vec![hash.into(), 1_i64.into(), account.into(), grant.into(), now.into()], Must::Hold)
}

/// A person refuses. Holds once, while the device waits.
pub fn refuse(hash: &[u8], now: Timestamp) -> Step {
    let nobody = (None::<AccountId>.into(), None::<GrantId>.into());
    Step::new(DECIDE, vec![hash.into(), 2_i64.into(), nobody.0, nobody.1, now.into()], Must::Hold)
}

/// Uses the code. Succeeds at most once.
pub fn claim(hash: &[u8], now: Timestamp) -> Step {
    Step::new(CLAIM, vec![hash.into(), now.into()], Must::Claim(Claim::Code))
}

/// Removes what ended at `before` or earlier, some 1,000 at a time.
pub fn sweep(before: Timestamp) -> Step {
    Step::new(SWEEP, vec![before.into()], Must::Anything)
}
