//! What stands in the links of letters: good once and for a while. Only hashes rest here.

use tegata_model::{AccountId, Timestamp, UserId};

use crate::{Claim, Must, Row, Step, Store, StoreError, row::Fields};

const FIND: &str = "SELECT hash, purpose, account_id, user_id, kind, subject, created_at, expires_at, used_at FROM mail_links \
    WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3";
const INSERT: &str = "INSERT INTO mail_links (hash, purpose, account_id, user_id, kind, subject, created_at, expires_at, used_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL) ON CONFLICT DO NOTHING";
const SUPERSEDE: &str = "DELETE FROM mail_links WHERE user_id = $1 AND purpose = $2";
const USE: &str = "UPDATE mail_links SET used_at = $3 WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3";
const SWEEP: &str = "DELETE FROM mail_links WHERE expires_at <= $1";

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Setting a new password.
    NewPassword,
    /// Giving up a second factor.
    RemoveFactor,
    /// Saying that something was not done by the person.
    NotMe,
}

impl Purpose {
    fn from_i64(number: i64) -> Option<Self> {
        [Self::NewPassword, Self::RemoveFactor, Self::NotMe].into_iter().find(|purpose| purpose.to_i64() == number)
    }

    fn to_i64(self) -> i64 {
        match self {
            Self::NewPassword => 0,
            Self::RemoveFactor => 1,
            Self::NotMe => 2,
        }
    }
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLinkRow {
    /// SHA-256 of what stands in the link.
    pub hash: Vec<u8>,
    /// What it is good for.
    pub purpose: Purpose,
    /// The account of the person.
    pub account_id: AccountId,
    /// The person.
    pub user_id: UserId,
    /// What happened, as the core numbers it.
    pub kind: i64,
    /// To what it happened.
    pub subject: Option<[u8; 16]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is of no more use.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

impl MailLinkRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let mut f = Fields::new("mail_links", row);
        Ok(Self {
            hash: f.bytes("hash")?,
            purpose: f.number("purpose", Purpose::from_i64)?,
            account_id: f.id("account_id", AccountId::from_bytes)?,
            user_id: f.id("user_id", UserId::from_bytes)?,
            kind: f.int("kind")?,
            subject: f.optional_id("subject", |bytes| bytes)?,
            created_at: f.at("created_at")?,
            expires_at: f.at("expires_at")?,
            used_at: f.optional_at("used_at")?,
        })
    }
}

/// The link with this hash, while it is good for this.
pub async fn find(store: &Store, hash: &[u8], purpose: Purpose, now: Timestamp) -> Result<Option<MailLinkRow>, StoreError> {
    store.find(FIND, &[hash.into(), purpose.to_i64().into(), now.into()], MailLinkRow::read).await
}

/// A new link.
pub fn insert(row: &MailLinkRow) -> Step {
    let params = vec![
        row.hash.as_slice().into(),
        row.purpose.to_i64().into(),
        row.account_id.into(),
        row.user_id.into(),
        row.kind.into(),
        row.subject.into(),
        row.created_at.into(),
        row.expires_at.into(),
    ];
    Step::new(INSERT, params, Must::BeNew("link"))
}

/// Earlier links of the person for this are of no more use.
pub fn supersede(user: UserId, purpose: Purpose) -> Step {
    Step::new(SUPERSEDE, vec![user.into(), purpose.to_i64().into()], Must::Anything)
}

/// Uses the link. Succeeds at most once, and not after its time.
pub fn spend(hash: &[u8], purpose: Purpose, now: Timestamp) -> Step {
    Step::new(USE, vec![hash.into(), purpose.to_i64().into(), now.into()], Must::Claim(Claim::Code))
}

/// Removes links that have run out.
pub fn sweep(now: Timestamp) -> Step {
    Step::new(SWEEP, vec![now.into()], Must::Anything)
}
