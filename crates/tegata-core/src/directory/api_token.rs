//! API tokens of users: what their programs get access tokens for an organisation with. Shown once, as long-lived as was asked, and
//! never good for more than their user is at that moment.
//!
//! Making one is like making an access key: whoever speaks for a user that has a second factor must have given it. So using one asks
//! for no code.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{ApiTokenId, SecretKey, Timestamp, UserName};
use tegata_store::{
    account,
    api_token::{self, ApiTokenRow},
    user,
};

use super::{
    changes, done,
    key::{holder, holder_for_change, meant},
};
use crate::{
    Core,
    actions::{Action, TEGATA_CREATE_API_TOKEN, TEGATA_LIST_API_TOKENS, TEGATA_REVOKE_API_TOKEN},
    audit::Entry,
    authn::API_TOKEN_CHARS,
    caller::Caller,
    clock::{NoEntropy, random_text},
    error::{Input, OpError, ProblemKind, Quota},
    grant::uuid,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Some clients put a token into a form without encoding it.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The shortest and the longest life of a token.
const LIFE: std::ops::RangeInclusive<Duration> = Duration::from_mins(5)..=Duration::from_hours(24 * 366 * 5);
/// How long a token lives if nothing is said.
pub const API_TOKEN_LIFE: Duration = Duration::from_hours(24 * 180);
/// Longest name, in characters.
const NAME: usize = 128;
/// Most texts that narrow a token, and the longest of them in bytes.
const SCOPES: (usize, usize) = (100, 256);

/// What may be said of an API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What it is named by.
    pub id: String,
    /// What its user calls it.
    pub name: String,
    /// What it is for at most; empty where it is for all that its user may.
    pub scope: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How long it may go unused; zero where it may as long as it lives.
    pub idle: Duration,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
    /// When it was taken back, and by whom.
    pub deactivated: Option<(Timestamp, String)>,
}

impl ApiToken {
    fn of(row: ApiTokenRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            scope: row.scopes,
            created_at: row.created_at,
            expires_at: row.expires_at,
            idle: row.idle,
            used_at: row.used_at,
            deactivated: row.deactivated_at.map(|at| (at, row.deactivated_by.unwrap_or_default())),
        }
    }
}

/// A token that has just been made.
#[derive(Debug)]
pub struct CreatedApiToken {
    /// What may be said of it.
    pub token: ApiToken,
    /// The token itself, told this once.
    pub value: SecretKey,
}

/// A fresh API token: 64 characters, with 384 random bits.
pub(crate) fn new_api_token(core: &Core) -> Result<SecretKey, NoEntropy> {
    random_text(core.entropy.as_ref(), LETTERS, API_TOKEN_CHARS).map(SecretKey::new)
}

/// What rests of a token. It is random enough that nothing slower is needed.
pub(crate) fn hash(token: &SecretKey) -> Vec<u8> {
    digest(&SHA256, token.expose().as_bytes()).as_ref().to_vec()
}

/// Make an API token of a user.
#[derive(Debug, Clone)]
pub struct CreateApiToken {
    /// Whose; the caller's own if nobody is named.
    pub user: Option<UserName>,
    /// What it is called.
    pub name: String,
    /// What it is for at most; all that its user may if nothing is said.
    pub scope: Vec<String>,
    /// How long it lives.
    pub lifetime: Duration,
    /// How long it may go unused; zero where it may as long as it lives.
    pub idle: Duration,
}

impl CreateApiToken {
    fn check(&self) -> Result<(), OpError> {
        let invalid = |input, kind, rule| Err(OpError::invalid(input, kind, rule));
        let good = |c: char| !c.is_control();
        if self.name.trim().is_empty() || self.name.chars().count() > NAME || !self.name.chars().all(good) {
            return invalid(Input::ApiTokenName, ProblemKind::Malformed, "a name of an API token has 1 to 128 characters");
        }
        if !LIFE.contains(&self.lifetime) {
            return invalid(Input::ApiTokenLife, ProblemKind::OutOfRange, "an API token lives 5 minutes to 5 years");
        }
        if self.idle > self.lifetime {
            return invalid(Input::ApiTokenLife, ProblemKind::OutOfRange, "an API token cannot go unused for longer than it lives");
        }
        let word = |word: &String| word.len() <= SCOPES.1 && !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic());
        if self.scope.len() > SCOPES.0 || !self.scope.iter().all(word) {
            return invalid(Input::Scopes, ProblemKind::Malformed, "the scope of an API token has at most 100 words of 256 characters");
        }
        Ok(())
    }
}

impl Operation for CreateApiToken {
    const ACTION: Action = TEGATA_CREATE_API_TOKEN;
    type Output = CreatedApiToken;

    fn resource(&self, caller: &Caller) -> ResourceName {
        meant(caller, self.user.as_ref())
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<CreatedApiToken>, OpError> {
        let (holder, permit) = holder_for_change(view, caller, Self::ACTION, self.user.as_ref()).await?;
        self.check()?;
        let core = view.core();
        let value = new_api_token(core)?;
        let row = ApiTokenRow {
            id: ApiTokenId::from_bytes(core.new_id()?),
            account_id: holder.account_id,
            user_id: holder.id,
            name: self.name.clone(),
            hash: hash(&value),
            scopes: self.scope.clone(),
            idle: Duration::from_secs(self.idle.as_secs()),
            created_at: view.now(),
            expires_at: view.now().plus(self.lifetime),
            used_at: None,
            deactivated_at: None,
            deactivated_by: None,
        };
        let limit = core.limits().quotas.api_tokens_per_user;
        let mut changes = changes(view, caller);
        let has = api_token::of_user(&core.store, holder.id).await?;
        let has = has.iter().filter(|row| row.is_good(view.now())).count();
        if has >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(OpError::LimitExceeded(Quota::ApiTokensPerUser, limit));
        }
        changes.push(api_token::insert(&row));
        let entry = Entry { by: permit.spend(), note: Some(format!("made {}", row.id)), ..Entry::default() };
        Ok(Effect::with(CreatedApiToken { token: ApiToken::of(row), value }, changes, entry))
    }
}

/// List the API tokens of a user, oldest first, those that were taken back among them.
#[derive(Debug, Clone)]
pub struct ListApiTokens {
    /// Whose; the caller's own if nobody is named.
    pub user: Option<UserName>,
}

impl Operation for ListApiTokens {
    const ACTION: Action = TEGATA_LIST_API_TOKENS;
    type Output = Vec<ApiToken>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        meant(caller, self.user.as_ref())
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<ApiToken>>, OpError> {
        let (holder, _) = holder(view, caller, Self::ACTION, self.user.as_ref()).await?;
        let rows = api_token::of_user(&view.core().store, holder.id).await?;
        Ok(Effect::nothing(rows.into_iter().map(ApiToken::of).collect()))
    }
}

/// Take an API token back, with every access token that came of it.
#[derive(Debug, Clone)]
pub struct RevokeApiToken {
    /// Whose; the caller's own if nobody is named.
    pub user: Option<UserName>,
    /// Which.
    pub id: String,
}

impl Operation for RevokeApiToken {
    const ACTION: Action = TEGATA_REVOKE_API_TOKEN;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        meant(caller, self.user.as_ref())
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let (holder, permit) = holder_for_change(view, caller, Self::ACTION, self.user.as_ref()).await?;
        let absent = || OpError::NotFound(ResourceName::ApiToken { of: Box::new(self.resource(caller)), id: self.id.clone() });
        let id: ApiTokenId = self.id.parse().map_err(|_| absent())?;
        let row = api_token::find(&view.core().store, id).await?.filter(|row| row.user_id == holder.id).ok_or_else(absent)?;
        if row.deactivated_at.is_some() {
            return Ok(Effect::nothing(()));
        }
        let mut changes = changes(view, caller);
        changes.push(api_token::deactivate(id, view.now(), &caller.audit_name()));
        Ok(done((), changes, permit))
    }
}

/// What is told of an API token to whoever has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenDetails {
    /// What may be said of it.
    pub token: ApiToken,
    /// Its organisation.
    pub organisation: String,
    /// Its user, as access tokens spell it.
    pub user: String,
    /// The user's name.
    pub user_name: String,
    /// The name that the user signs in with.
    pub login: String,
}

impl Core {
    /// What is said of an API token to whoever has it, even of one that was taken back: nobody else can know it. Nothing for what is
    /// none.
    pub async fn api_token_details(&self, token: &SecretKey) -> Result<Option<ApiTokenDetails>, OpError> {
        if token.expose().len() != API_TOKEN_CHARS {
            return Ok(None);
        }
        let Some(row) = api_token::find_by_hash(&self.store, &hash(token)).await? else { return Ok(None) };
        let (account, user) = (account::find(&self.store, row.account_id).await?, user::find(&self.store, row.user_id).await?);
        let (Some(account), Some(user)) = (account, user) else { return Ok(None) };
        Ok(Some(ApiTokenDetails {
            organisation: account.organisation_id.as_str().to_owned(),
            user: uuid(*user.id.as_bytes()),
            login: user.login.clone().unwrap_or_else(|| format!("{}@{}", user.name, account.alias)),
            user_name: user.name.to_string(),
            token: ApiToken::of(row),
        }))
    }
}
