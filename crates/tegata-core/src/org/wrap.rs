//! Secrets of apps that travel as a code: whoever shows it first gets the secret, whoever shows it again raises an alarm.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tegata_model::{SecretKey, Timestamp};
use tegata_store::{
    ChangeSet,
    account::{self, AccountRow},
    wrapped::{self, WrappedRow},
};

use crate::{
    Core, RequestMeta,
    actions::TEGATA_UNWRAP_SECRET,
    audit::Itself,
    caller::Caller,
    clock::random,
    error::OpError,
    grant::hash_of,
    keyring::Place,
    resource::{OrgPart, ResourceName},
};

/// How long a code may be good, in seconds.
const SECONDS: std::ops::RangeInclusive<i64> = 60..=86_400;
/// How long after its end a code that was used is still known as such.
pub(crate) const REMEMBERED: Duration = Duration::from_hours(24);
/// How often it is tried again when somebody else was quicker.
const ATTEMPTS: usize = 8;

/// A secret shall travel as a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrap {
    life: Duration,
    token_url: String,
}

impl Wrap {
    /// A code that is good for this many seconds, 60 to 86,400; `None` for any other number. Whoever opens it is told the URL with the secret.
    pub fn new(seconds: i64, token_url: String) -> Option<Self> {
        let life = u64::try_from(seconds).ok().filter(|_| SECONDS.contains(&seconds))?;
        Some(Self { life: Duration::from_secs(life), token_url })
    }
}

/// The code that a secret travels as.
#[derive(Debug)]
pub struct Wrapped {
    /// 256 bits as text, told this once.
    pub code: SecretKey,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// What whoever opens a code gets.
#[derive(Debug)]
pub struct AppCredential {
    /// The id of the app.
    pub id: String,
    /// Its secret.
    pub secret: SecretKey,
    /// The id of the organisation.
    pub org: String,
    /// Where it gets tokens.
    pub token_url: String,
}

impl AppCredential {
    /// The secret is last, since it alone may hold any character.
    fn to_text(&self) -> SecretKey {
        SecretKey::new([&self.id, &self.org, &self.token_url, self.secret.expose()].join("\n"))
    }

    fn from_text(text: &SecretKey) -> Option<Self> {
        let mut parts = text.expose().splitn(4, '\n').map(str::to_owned);
        let (id, org, token_url) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { id, secret: SecretKey::new(parts.next()?), org, token_url })
    }
}

/// What became of a code that somebody showed.
#[derive(Debug)]
pub enum Unwrapped {
    /// It was the first time.
    Opened(AppCredential),
    /// It was opened before: at this time, from this address.
    Before {
        /// When.
        at: Timestamp,
        /// From where.
        from: String,
    },
    /// There is no such code, or its time is over.
    Unknown,
}

fn place<'a>(hash: &'a [u8], account: &'a tegata_model::AccountId) -> Result<Place<'a>, OpError> {
    let row = hash.first_chunk().ok_or_else(|| OpError::internal("a hash is too short"))?;
    Ok(Place { table: "wrapped_secrets", row, account })
}

/// Makes a code for the secret of an app, if that is wanted.
pub(super) fn wrap(
    core: &Core,
    changes: &mut ChangeSet,
    caller: &Caller,
    account: &AccountRow,
    (wanted, app, secret): (Option<&Wrap>, &str, &SecretKey),
) -> Result<Option<Wrapped>, OpError> {
    let Some(wanted) = wanted else { return Ok(None) };
    let code = SecretKey::new(URL_SAFE_NO_PAD.encode(random::<32>(core.entropy.as_ref())?));
    let hash = hash_of(code.expose());
    let credential = AppCredential {
        id: app.to_owned(),
        secret: SecretKey::new(secret.expose().to_owned()),
        org: account.organisation_id.as_str().to_owned(),
        token_url: wanted.token_url.clone(),
    };
    let place = place(&hash, &account.id)?;
    let sealed = core.keyring.seal_row(core.entropy.as_ref(), &place, &credential.to_text()).map_err(OpError::internal)?;
    let (created_at, expires_at) = (changes.at(), changes.at().plus(wanted.life));
    changes.push(wrapped::insert(&WrappedRow {
        hash,
        account_id: account.id,
        app_id: app.to_owned(),
        sealed,
        made_by: caller.audit_name(),
        created_at,
        expires_at,
        opened_at: None,
        opened_from: None,
    }));
    Ok(Some(Wrapped { code, expires_at }))
}

impl Core {
    /// Opens what waits under a code: asked by whoever has the code, and no more. The first gets the secret. Any other is told when and
    /// from where it was opened, until a day after its end, and the account finds a refusal in its audit.
    pub async fn unwrap_secret(&self, meta: &RequestMeta, code: &SecretKey) -> Result<Unwrapped, OpError> {
        for _ in 0..ATTEMPTS {
            match self.try_unwrap(meta, code).await {
                Err(OpError::Conflict) => {}
                other => return other,
            }
        }
        Err(OpError::Conflict)
    }

    async fn try_unwrap(&self, meta: &RequestMeta, code: &SecretKey) -> Result<Unwrapped, OpError> {
        let now = self.now();
        let Some(row) = wrapped::find(&self.store, &hash_of(code.expose())).await? else { return Ok(Unwrapped::Unknown) };
        let Some(account) = account::find(&self.store, row.account_id).await? else { return Ok(Unwrapped::Unknown) };
        let resource = ResourceName::OrgPart {
            account: account.number,
            org: account.organisation_id.as_str().to_owned(),
            part: OrgPart::App,
            name: row.app_id.clone(),
        };
        let told = |done, note| Itself {
            now,
            request: meta.id,
            account: account.id,
            action: TEGATA_UNWRAP_SECRET,
            resource: resource.to_string(),
            done,
            note,
        };
        let mut changes = ChangeSet::new(now);
        if let Some(at) = row.opened_at {
            if now >= row.expires_at.plus(REMEMBERED) {
                return Ok(Unwrapped::Unknown);
            }
            let from = row.opened_from.unwrap_or_default();
            let note = format!(
                "alarm: the secret was opened before, at {} from {from}, and somebody has shown its code again; made by {}",
                at.to_iso(),
                row.made_by
            );
            if let Some(step) = self.recorder.by_a_code(meta, told(false, note)) {
                changes.push(step);
                self.written(changes).await?;
            }
            return Ok(Unwrapped::Before { at, from });
        }
        if now >= row.expires_at {
            return Ok(Unwrapped::Unknown);
        }
        let text = self.keyring.open_row(&place(&row.hash, &row.account_id)?, &row.sealed).map_err(OpError::internal)?;
        let credential = AppCredential::from_text(&text).ok_or_else(|| OpError::internal("a wrapped secret cannot be read"))?;
        changes.push(wrapped::open(&row.hash, now, &meta.source_text()));
        changes.extend(self.recorder.by_a_code(meta, told(true, format!("secret told, once; made by {}", row.made_by))));
        self.written(changes).await?;
        Ok(Unwrapped::Opened(credential))
    }
}
