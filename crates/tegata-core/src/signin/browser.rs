//! Browsers that people sign in with: password, one-time code, new password, and the role that a person acts as.
//!
//! What stands in a cookie is opaque and rests as a hash. With each step forward the browser gets a new one, so that nobody who
//! knew it before is signed in with it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tegata_model::{AccountAlias, AccountNumber, Epoch, LoginProfileId, SecretKey, SessionId, Timestamp, UserId, UserName};
use tegata_policy::Network;
pub use tegata_store::browser_session::Stage;
use tegata_store::{
    ChangeSet, Claim, CommitError,
    account::{self, AccountRow},
    attempt::{self, Secret},
    browser_session::{self, BrowserSessionRow},
    login_profile::{self, LoginProfileRow},
    mfa_device, security_preference, session,
    user::{self, UserRow},
};

use super::SignedIn;
use crate::{
    Core, RequestMeta,
    actions::{TEGATA_SIGN_IN, TEGATA_SIGN_OUT},
    audit::Entry,
    caller::{Caller, Evidence},
    clock::random,
    directory::{PasswordPolicy, PasswordRule, SecurityPreference, own_password},
    error::OpError,
    grant::hash_of,
    hashing,
    mail::Happening,
    otp::{self, OneTimeCode},
    principal::{Principal, Stamps, Who},
    view::Read,
};

/// How long a one-time code or a new password may be waited for.
const ON_THE_WAY: Duration = Duration::from_mins(10);
/// Wrong one-time codes of a person, from wherever they come.
pub(super) const CODES: u32 = 10;
/// Longest password that is looked at, in bytes.
const LONGEST: usize = 1024;
/// How long a browser is known by after the last sign-in with it ended.
const KNOWN: Duration = Duration::from_hours(30 * 24);
/// The hash of no password: whoever names nobody waits as long as whoever names somebody.
pub(crate) const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A browser that is alive, with everything it stands on found unrevoked.
#[derive(Debug)]
pub(crate) struct LiveBrowser {
    pub(crate) row: BrowserSessionRow,
    /// Who signed in.
    pub(crate) person: Arc<Principal>,
    /// Who acts: the person, or a role.
    pub(crate) principal: Arc<Principal>,
    pub(crate) reads: Vec<Read>,
    pub(crate) stamps: Stamps,
}

/// A browser that somebody has signed in with, or is about to.
#[derive(Debug, Clone)]
pub struct Browser(pub(crate) Arc<LiveBrowser>);

impl Browser {
    /// How far it has come.
    pub fn stage(&self) -> Stage {
        self.0.row.stage
    }

    /// Who signed in, and as whom it acts.
    pub fn who(&self) -> SignedIn {
        let row = &self.0.row;
        let role = row.role_id.filter(|_| self.role().is_some());
        let second_factor = row.second_factor;
        SignedIn { user: row.user_id, role, at: row.signed_in_at, session: role.and(row.role_session_id), second_factor }
    }

    /// The person as people write it: `alice@acme`, or what root signs in with.
    pub fn person(&self) -> String {
        let person = &self.0.person;
        match &person.who {
            Who::User(row) => row.login.clone().unwrap_or_else(|| format!("{}@{}", row.name, person.account.alias)),
            _ => person.name().to_owned(),
        }
    }

    /// The name of the person in its account.
    pub fn person_name(&self) -> String {
        self.0.person.name().to_owned()
    }

    /// The role that the person acts as.
    pub fn role(&self) -> Option<String> {
        (!Arc::ptr_eq(&self.0.person, &self.0.principal)).then(|| self.0.principal.name().to_owned())
    }

    /// The account that it acts in: its alias and its number.
    pub fn account(&self) -> (String, String) {
        let account = &self.0.principal.account;
        (account.alias.to_string(), account.number.to_string())
    }

    /// When the person last showed what it signs in with.
    pub fn signed_in_at(&self) -> Timestamp {
        self.0.row.signed_in_at
    }

    /// When it ends.
    pub fn expires_at(&self) -> Timestamp {
        self.0.row.expires_at
    }
}

/// What a browser is given after a step.
#[derive(Debug)]
pub struct Stepped {
    /// What its cookie says from now on.
    pub cookie: SecretKey,
    /// What is still to come.
    pub stage: Stage,
    /// When the cookie is of no more use.
    pub expires_at: Timestamp,
}

/// Why a step was refused, as the person hears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The name or the password: nobody hears which.
    Wrong,
    /// Too many tries.
    TooMany(Duration),
    /// The server works on many passwords at once.
    Busy,
    /// The password was right, but this person may not sign in (any more).
    Inactive,
    /// The password was right, but not from this address.
    Network,
    /// The password was right, but has become too old; an administrator sets a new one.
    TooOld,
    /// The one-time code.
    Code,
    /// Too many wrong one-time codes.
    TooManyCodes,
    /// The new password breaks these rules.
    Password(Vec<PasswordRule>),
    /// What was begun has run out.
    Expired,
}

/// What came of a step.
pub type Step = Result<Result<Stepped, Refusal>, OpError>;

impl Core {
    /// The browser whose cookie this is, if it is alive.
    pub async fn browser(&self, cookie: &SecretKey, meta: &RequestMeta) -> Result<Option<Browser>, OpError> {
        let Some(row) = browser_session::find(&self.store, &hash_of(cookie.expose())).await? else { return Ok(None) };
        let Some(live) = self.live_browser(row).await? else { return Ok(None) };
        if !self.may_come_from(live.row.account_id, meta.source).await? {
            return Ok(None);
        }
        Ok(Some(Browser(Arc::new(live))))
    }

    /// The same browser, read again.
    pub(crate) async fn browser_again(&self, known: &Arc<LiveBrowser>) -> Result<Arc<LiveBrowser>, OpError> {
        let now = self.now();
        if known.stamps.current(&self.store) && known.row.expires_at > now {
            return Ok(Arc::clone(known));
        }
        let ended = || OpError::Authentication(crate::AuthnFailure::SessionEnded);
        let row = browser_session::find_by_id(&self.store, known.row.id).await?.ok_or_else(ended)?;
        let row = Some(row).filter(|row| row.epoch == known.row.epoch).ok_or_else(ended)?;
        Ok(Arc::new(self.live_browser(row).await?.ok_or_else(ended)?))
    }

    async fn live_browser(&self, row: BrowserSessionRow) -> Result<Option<LiveBrowser>, OpError> {
        let now = self.now();
        if row.expires_at <= now {
            return Ok(None);
        }
        let mut stamps = Stamps::default();
        stamps.note(&self.store, row.account_id);
        let Some(person) = self.memory.user(&self.store, row.user_id).await? else { return Ok(None) };
        stamps.merge(&person.stamps);
        let same = person.is_active() && person.epoch() == row.user_epoch && person.account.epoch == row.account_epoch;
        let profile = login_profile::find(&self.store, row.user_id).await?;
        let good =
            |profile: &LoginProfileRow| profile.id == row.profile_id && profile.epoch == row.profile_epoch && profile.status.is_active();
        if !same || !profile.as_ref().is_some_and(good) {
            return Ok(None);
        }
        let mut reads = person.reads.clone();
        reads.push(Read::Browser(row.id, row.epoch));
        let mut principal = Arc::clone(&person);
        // A role that has gone meanwhile leaves the person as itself.
        if let (Some(id), Some(acting), Some(until)) = (row.role_id, row.role_session_id, row.role_expires_at)
            && until > now
            && session::mark(&self.store, acting).await?.unwrap_or(Epoch(0)) == Epoch(0)
            && let Some(role) = self.memory.role(&self.store, id).await?.filter(|role| role.is_active() && role.epoch() == row.role_epoch)
        {
            stamps.merge(&role.stamps);
            reads.extend(role.reads.iter().copied());
            reads.push(Read::Session(acting, Epoch(0)));
            principal = role;
        }
        Ok(Some(LiveBrowser { row, person, principal, reads, stamps }))
    }

    /// The caller that a signed-in browser is.
    pub fn browser_caller(&self, browser: &Browser, meta: RequestMeta) -> Option<Caller> {
        (browser.stage() == Stage::SignedIn).then(|| Caller {
            evidence: Evidence::Browser(Arc::clone(&browser.0)),
            meta,
            verified: None,
            unspent: None,
        })
    }

    /// The caller that the person at a signed-in browser is, whatever role it acts as.
    pub(crate) fn person_caller(&self, browser: &Browser, meta: RequestMeta) -> Option<Caller> {
        let live = &browser.0;
        let itself = LiveBrowser {
            row: live.row.clone(),
            person: Arc::clone(&live.person),
            principal: Arc::clone(&live.person),
            reads: live.reads.clone(),
            stamps: live.stamps.clone(),
        };
        self.browser_caller(&Browser(Arc::new(itself)), meta)
    }

    /// Signs in by name and password. `browser` is what the browser is known by.
    pub async fn sign_in(&self, meta: &RequestMeta, browser: &str, name: &str, password: SecretKey) -> Step {
        let now = self.now();
        let found = self.named(name).await?;
        let account = found.account.as_ref().map(|account| account.id);
        let policy = match account {
            Some(account) => PasswordPolicy::in_account(self, account).await?,
            None => PasswordPolicy::default(),
        };
        let subject = self.tried(&found, name, browser).await?;
        // A try is counted once it will be looked at: so names that strangers make up leave no more rows than passwords can be checked.
        let turn = match self.hashing.turn(meta.source).await {
            Ok(turn) => turn,
            Err(OpError::Throttled(_)) => return Ok(Err(Refusal::Busy)),
            Err(other) => return Err(other),
        };
        match self.count_try(ChangeSet::new(now), subject, Secret::Password, policy.attempts()).await {
            Ok(()) => {}
            Err(OpError::Throttled(wait)) => {
                self.recorder.count(now, meta.source, "too-many-tries", name);
                return Ok(Err(Refusal::TooMany(wait)));
            }
            Err(other) => return Err(other),
        }
        let profile = match &found.user {
            Some(user) => login_profile::find(&self.store, user.id).await?,
            None => None,
        };
        let kept = profile.as_ref().and_then(|profile| profile.password_hash.clone());
        let known = kept.is_some() && password.expose().len() <= LONGEST;
        let kept = kept.filter(|_| known).unwrap_or_else(|| tegata_model::PasswordHash::new(NOBODY));
        let password = if known { password } else { SecretKey::new(String::new()) };
        let right = turn.work(move || hashing::verify(&password, &kept)).await? && known;
        let (Some(user), Some(account), Some(profile), true) = (found.user, found.account, profile, right) else {
            self.recorder.count(now, meta.source, "wrong-password", name);
            return Ok(Err(Refusal::Wrong));
        };
        if !(user.status.is_active() && account.status.is_active() && profile.status.is_active()) {
            self.recorder.count(now, meta.source, "may-not-sign-in", name);
            return Ok(Err(Refusal::Inactive));
        }
        if !self.may_come_from(account.id, meta.source).await? {
            self.recorder.count(now, meta.source, "wrong-network", name);
            return Ok(Err(Refusal::Network));
        }
        if policy.still_good(&profile, now).is_err() {
            return Ok(Err(Refusal::TooOld));
        }
        let stage = if mfa_device::of_user(&self.store, user.id).await?.is_some() {
            Stage::OneTimeCode
        } else if profile.mfa_required {
            Stage::NewFactor
        } else {
            after_factor(&profile, &policy, now)
        };
        let begun = Begun { user: user.id, epochs: (account.epoch, user.epoch), profile: (profile.id, profile.epoch), browser, stage };
        let mut changes = ChangeSet::new(now);
        changes.push(attempt::forget(*subject.as_bytes(), Secret::Password));
        self.forward(meta, changes, account.id, begun, false).await.map(Ok)
    }

    /// Goes on with the code that the person's device shows.
    pub async fn one_time_code(&self, meta: &RequestMeta, browser: &Browser, name: &str, text: &str) -> Step {
        let (now, row) = (self.now(), &browser.0.row);
        if row.stage != Stage::OneTimeCode {
            return Ok(Err(Refusal::Expired));
        }
        match self.count_try(ChangeSet::new(now), row.user_id, Secret::OneTimeCode, CODES).await {
            Ok(()) => {}
            Err(OpError::Throttled(_)) => {
                self.recorder.count(now, meta.source, "too-many-codes", "");
                return Ok(Err(Refusal::TooManyCodes));
            }
            Err(other) => return Err(other),
        }
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let device = mfa_device::of_user(&self.store, row.user_id).await?;
        let (Ok(given), Some(device)) = (digits.parse::<OneTimeCode>(), device) else { return Ok(Err(Refusal::Code)) };
        let Some(step) = otp::verify(&self.seed(&device)?, &given, now, device.last_step) else {
            self.recorder.count(now, meta.source, "wrong-code", "");
            return Ok(Err(Refusal::Code));
        };
        let Some(profile) = login_profile::find(&self.store, row.user_id).await? else { return Ok(Err(Refusal::Expired)) };
        let policy = PasswordPolicy::in_account(self, row.account_id).await?;
        let mut changes = ChangeSet::new(now);
        changes.push(browser_session::expect(row.id, row.epoch));
        changes.push(mfa_device::use_step(device.id, step));
        changes.push(attempt::forget(*row.user_id.as_bytes(), Secret::OneTimeCode));
        changes.push(browser_session::delete(row.id));
        let begun = Begun {
            user: row.user_id,
            epochs: (row.account_epoch, row.user_epoch),
            profile: (row.profile_id, row.profile_epoch),
            browser: name,
            stage: after_factor(&profile, &policy, now),
        };
        match self.forward(meta, changes, row.account_id, begun, true).await {
            Ok(stepped) => Ok(Ok(stepped)),
            Err(OpError::Conflict) => Ok(Err(Refusal::Code)),
            Err(other) => Err(other),
        }
    }

    /// What a new password of this person must have.
    pub async fn password_rules(&self, browser: &Browser) -> Result<Vec<PasswordRule>, OpError> {
        Ok(PasswordPolicy::in_account(self, browser.0.row.account_id).await?.rules())
    }

    /// Goes on with a new password, where one has to be set.
    pub async fn new_password(&self, meta: &RequestMeta, browser: &Browser, name: &str, password: Arc<SecretKey>) -> Step {
        let (now, row) = (self.now(), &browser.0.row);
        if row.stage != Stage::NewPassword {
            return Ok(Err(Refusal::Expired));
        }
        let Some(user) = user::find(&self.store, row.user_id).await? else { return Ok(Err(Refusal::Expired)) };
        let Some(profile) = login_profile::find(&self.store, row.user_id).await? else { return Ok(Err(Refusal::Expired)) };
        let checked = own_password(self, meta.source, &user, profile, password).await;
        let (profile, steps) = match checked {
            Ok(checked) => checked,
            Err(OpError::Invalid(problem)) => return Ok(Err(Refusal::Password(problem.rules))),
            Err(OpError::Throttled(_)) => return Ok(Err(Refusal::Busy)),
            Err(other) => return Err(other),
        };
        let mut changes = ChangeSet::new(now);
        changes.push(browser_session::expect(row.id, row.epoch));
        changes.push(user::expect(user.id, user.generation));
        changes.extend(steps);
        changes.push(browser_session::delete(row.id));
        changes.touch(row.account_id);
        let happening = Happening::PasswordChanged { how: "at the sign-in page".to_owned() };
        self.notice(&mut changes, meta, &user, &browser.0.person.account.alias, happening)?;
        let begun = Begun {
            user: row.user_id,
            epochs: (row.account_epoch, row.user_epoch),
            profile: (profile.id, profile.epoch),
            browser: name,
            stage: Stage::SignedIn,
        };
        match self.forward(meta, changes, row.account_id, begun, row.second_factor).await {
            Ok(stepped) => Ok(Ok(stepped)),
            Err(OpError::Conflict) => Ok(Err(Refusal::Expired)),
            Err(other) => Err(other),
        }
    }

    /// Signs out. What a role acted as in this browser ends with it.
    pub async fn sign_out(&self, meta: &RequestMeta, browser: &Browser) -> Result<(), OpError> {
        let (now, row) = (self.now(), &browser.0.row);
        let mut changes = ChangeSet::new(now);
        changes.push(if row.stage == Stage::SignedIn { browser_session::end(row.id, now) } else { browser_session::delete(row.id) });
        if let (Some(acting), Some(until)) = (row.role_session_id, row.role_expires_at) {
            changes.push(session::raise_mark(acting, until));
            changes.touch(browser.0.principal.account.id);
        }
        changes.touch(row.account_id);
        changes.push(self.recorder.at_a_page(now, meta, &browser.0.person, TEGATA_SIGN_OUT, Entry::default()));
        self.written(changes).await
    }

    /// The right of a form: made for what the browser is known by, for the browser's cookie, and for what the form is about.
    pub fn form_token(&self, parts: &[&str]) -> Result<String, OpError> {
        Ok(URL_SAFE_NO_PAD.encode(self.keyring.mac(FORM, &joined(parts)).map_err(OpError::internal)?))
    }

    /// True if [`Self::form_token`] made this of the same.
    pub fn form_token_holds(&self, parts: &[&str], token: &str) -> bool {
        URL_SAFE_NO_PAD.decode(token).is_ok_and(|code| self.keyring.mac_holds(FORM, &joined(parts), &code))
    }

    /// 256 random bits, as text: what a browser shall be known by.
    pub fn opaque_text(&self) -> Result<SecretKey, OpError> {
        Ok(SecretKey::new(URL_SAFE_NO_PAD.encode(random::<32>(self.entropy.as_ref())?)))
    }

    /// Old browsers and links go.
    pub(crate) fn sweep_browsers(now: Timestamp) -> [tegata_store::Step; 2] {
        [browser_session::sweep(now.minus(KNOWN)), browser_session::sweep_links(now)]
    }

    pub(super) async fn forward(
        &self,
        meta: &RequestMeta,
        mut changes: ChangeSet,
        account: tegata_model::AccountId,
        begun: Begun<'_>,
        second_factor: bool,
    ) -> Result<Stepped, OpError> {
        let now = changes.at();
        let cookie = self.opaque_text()?;
        let lasts = match begun.stage {
            Stage::SignedIn => {
                let preference = SecurityPreference::of(security_preference::find(&self.store, account).await?);
                Duration::from_hours(preference.session_hours.into())
            }
            Stage::OneTimeCode | Stage::NewPassword | Stage::NewFactor => ON_THE_WAY,
        };
        let id = SessionId::from_bytes(self.new_id()?);
        let row = BrowserSessionRow {
            id,
            token_hash: hash_of(cookie.expose()),
            browser_hash: hash_of(begun.browser),
            account_id: account,
            user_id: begun.user,
            profile_id: begun.profile.0,
            profile_epoch: begun.profile.1,
            user_epoch: begun.epochs.1,
            account_epoch: begun.epochs.0,
            stage: begun.stage,
            second_factor,
            role_id: None,
            role_epoch: Epoch(0),
            role_session_id: None,
            role_expires_at: None,
            signed_in_at: now,
            expires_at: now.plus(lasts),
            epoch: Epoch(0),
        };
        changes.push(browser_session::insert(&row));
        if begun.stage == Stage::SignedIn {
            changes.push(login_profile::signed_in(begun.profile.0, now));
            if let Some(person) = self.memory.user(&self.store, begun.user).await? {
                let said = if second_factor { "with a second factor" } else { "with a password" };
                let entry = Entry { note: Some(said.to_owned()), ..Entry::default() };
                changes.push(self.recorder.at_a_page(now, meta, &person, TEGATA_SIGN_IN, entry));
                if let Who::User(row) = &person.who
                    && !browser_session::is_known(&self.store, &hash_of(begun.browser), begun.user).await?
                {
                    let happening = Happening::SignedIn { session: id, agent: meta.user_agent.clone() };
                    self.notice(&mut changes, meta, row, &person.account.alias, happening)?;
                }
            }
        }
        self.written(changes).await?;
        Ok(Stepped { cookie, stage: begun.stage, expires_at: row.expires_at })
    }

    /// Writes; whatever was quicker is a conflict.
    pub(crate) async fn written(&self, changes: ChangeSet) -> Result<(), OpError> {
        match self.store.commit(changes).await {
            Ok(()) => Ok(()),
            Err(CommitError::Changed | CommitError::Exists(_) | CommitError::Claimed(Claim::OtpStep | Claim::Code)) => {
                Err(OpError::Conflict)
            }
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }

    /// Who is meant by `user@alias`, `user@alias.onaliyun.com`, `user@number`, or by what root signs in with.
    async fn named(&self, name: &str) -> Result<Named, OpError> {
        let name = name.trim();
        // Nobody has such a name, and not every engine can be asked for one.
        if name.len() > 320 || name.contains('\0') {
            return Ok(Named::default());
        }
        if let Some(user) = user::find_by_login(&self.store, name).await? {
            let account = account::find(&self.store, user.account_id).await?;
            return Ok(Named { account, user: Some(user) });
        }
        let Some((user, domain)) = name.rsplit_once('@') else { return Ok(Named::default()) };
        let alias = domain.strip_suffix(DOMAIN).unwrap_or(domain);
        let account = match (alias.parse::<AccountNumber>(), AccountAlias::new(&alias.to_ascii_lowercase())) {
            (Ok(number), _) => account::find_by_number(&self.store, number).await?,
            (_, Ok(alias)) => account::find_by_alias(&self.store, &alias).await?,
            _ => None,
        };
        let user = match (&account, UserName::new(user)) {
            (Some(account), Ok(user)) => user::find_by_name(&self.store, account.id, &user.folded()).await?,
            _ => None,
        };
        Ok(Named { account, user })
    }

    /// Who is meant by a name, if there is such a person.
    pub(crate) async fn person_named(&self, name: &str) -> Result<Option<UserRow>, OpError> {
        Ok(self.named(name).await?.user)
    }

    /// Whose tries are counted. A browser that the person has used before has a count of its own, so that a stranger who guesses does
    /// not lock the right person out. Names of nobody are counted like those of somebody.
    async fn tried(&self, found: &Named, name: &str, browser: &str) -> Result<UserId, OpError> {
        let of = |parts: &[&[u8]]| -> Result<UserId, OpError> {
            let code = self.keyring.mac(TRIES, &parts.concat()).map_err(OpError::internal)?;
            let bytes = code.last_chunk::<16>().ok_or_else(|| OpError::internal("a code is longer than that"))?;
            Ok(UserId::from_bytes(*bytes))
        };
        let Some(user) = &found.user else { return of(&[b"name ", name.trim().to_lowercase().as_bytes()]) };
        let browser = hash_of(browser);
        if browser_session::is_known(&self.store, &browser, user.id).await? {
            return of(&[b"browser ", user.id.as_bytes(), &browser]);
        }
        Ok(user.id)
    }

    async fn may_come_from(&self, account: tegata_model::AccountId, source: Option<IpAddr>) -> Result<bool, OpError> {
        let preference = SecurityPreference::of(security_preference::find(&self.store, account).await?);
        let inside = |source: IpAddr| {
            preference.login_networks.iter().filter_map(|text| Network::parse(text)).any(|network| network.contains(source.to_canonical()))
        };
        // From nowhere known is from outside.
        Ok(preference.login_networks.is_empty() || source.is_some_and(inside))
    }
}

/// What an account's users may put behind its alias, as the vendor's pages have it.
const DOMAIN: &str = ".onaliyun.com";
const FORM: &[u8] = b"form";
const TRIES: &[u8] = b"tries";

#[derive(Debug, Default)]
struct Named {
    account: Option<AccountRow>,
    user: Option<UserRow>,
}

/// What a step forward stands on.
pub(super) struct Begun<'a> {
    pub(super) user: UserId,
    /// Of the account and of the user.
    pub(super) epochs: (Epoch, Epoch),
    pub(super) profile: (LoginProfileId, Epoch),
    pub(super) browser: &'a str,
    pub(super) stage: Stage,
}

pub(super) fn after_factor(profile: &LoginProfileRow, policy: &PasswordPolicy, now: Timestamp) -> Stage {
    if profile.reset_required || policy.is_old(profile, now) { Stage::NewPassword } else { Stage::SignedIn }
}

/// Parts, each with its length before it, so that no two lists read the same.
fn joined(parts: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        out.extend(part.as_bytes());
    }
    out
}
