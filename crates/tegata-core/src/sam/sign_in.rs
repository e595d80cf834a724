//! A session by password or auth key.
//!
//! What is asked in which order: whether there have been too many tries (told at once, before anybody waits for a turn); the password;
//! whether the person may sign in; the one-time code. So a wrong password burns no code, and only the right one learns that a code is
//! missing.
//!
//! Clients of this kind sign in again for every command, and so send one code several times within its half minute. The very same request,
//! soon, from the same network, while the session it began is alive, is answered with that session, and with nothing that lives longer.

use std::{sync::Arc, time::Duration};

use tegata_model::{AuthKeyId, OperatorId, PasswordHash, SecretKey, SessionId, Timestamp, UserId, UserName};
use tegata_store::{
    ChangeSet, Claim, CommitError, Step, account,
    attempt::{self, Secret},
    auth_key,
    factor::{self, OtpUse},
    login_profile::{self, LoginProfileRow},
    mfa_device,
    sam_session::{self, SamSessionRow},
    user::{self, UserKind, UserRow},
};

use super::{bound_to_bytes, pair, session, user_of};
use crate::{
    Core, RequestMeta,
    actions::SAM_SIGN_IN,
    attempts::WINDOW,
    audit::{Entry, address_block},
    directory::PasswordPolicy,
    error::{AuthnFailure, OpError},
    hashing,
    otp::{self, OneTimeCode},
    principal::Principal,
    signin::{CODES, LONGEST, NOBODY, TRIES},
    token::{Ancestor, Lineage},
    why::SessionBirth,
};

/// How long after its first use a request with a one-time code may be repeated.
pub(crate) const REPEAT: Duration = Duration::from_secs(30);
/// How often a sign-in is decided on fresh rows before it gives up.
const ATTEMPTS: usize = 4;
const REQUEST: &[u8] = b"sam request";

/// What somebody signs in with.
#[derive(Debug)]
pub struct SamSignIn {
    /// Who it is, and what it shows for it.
    pub shown: Shown,
    /// A one-time code.
    pub code: Option<String>,
    /// How long the session shall live; 24 hours if nothing is said, 48 at most.
    pub lifetime: Option<Duration>,
    /// The request as it came in, to know it again.
    pub request: Vec<u8>,
}

/// Who somebody says to be, with the secret for it.
#[derive(Debug)]
pub enum Shown {
    /// An auth key.
    AuthKey {
        /// Its public id.
        key_id: String,
        /// Its secret.
        secret: SecretKey,
    },
    /// The owner of an account.
    Owner {
        /// What it signs in with.
        email: String,
        /// Its password.
        password: Arc<SecretKey>,
    },
    /// A user of an account.
    User {
        /// The operator id of the account.
        operator: String,
        /// The name of the user.
        name: String,
        /// Its password.
        password: Arc<SecretKey>,
    },
}

/// What a sign-in gives.
#[derive(Debug)]
pub struct StartedSession {
    /// The API key.
    pub api_key: SecretKey,
    /// The token.
    pub token: SecretKey,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The account, as an operator.
    pub operator: OperatorId,
    /// The user; nothing for the owner.
    pub user: Option<UserName>,
}

/// Why nobody was signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The name, the password or the key: nobody hears which.
    Wrong,
    /// Too many tries at the password lately.
    TooMany(Duration),
    /// The server works on many passwords at once: try again after this long.
    Busy(Duration),
    /// The secret was right, and a one-time code is needed.
    CodeNeeded,
    /// The one-time code is not one that is good now, or was used before.
    Code,
    /// Too many one-time codes were tried lately, from wherever.
    TooManyCodes,
    /// The secret was right, but this person or account may not sign in (any more).
    Inactive,
    /// The secret was right, but not from this network.
    Network,
    /// The password was right, but a new one has to be set at a page first.
    NewPassword,
    /// The password was right, but the person needs a second factor and has none.
    FactorMissing,
    /// The key was right, but is older than its account allows, or of a kind that it does not allow.
    Key,
}

impl Refusal {
    /// What the audit says, where the secret was right.
    fn after_the_secret(&self) -> Option<&'static str> {
        match self {
            Self::Wrong | Self::TooMany(_) | Self::Busy(_) => None,
            Self::CodeNeeded => Some("a one-time code is needed"),
            Self::Code => Some("the one-time code is not right, or was used before"),
            Self::TooManyCodes => Some("too many one-time codes were tried"),
            Self::Inactive => Some("may not sign in"),
            Self::Network => Some("signing in from this network is not allowed"),
            Self::NewPassword => Some("a new password is due"),
            Self::FactorMissing => Some("a second factor is needed and there is none"),
            Self::Key => Some("the account does not allow the auth key"),
        }
    }
}

/// What came of a sign-in.
pub type SignedIn = Result<Result<StartedSession, Refusal>, OpError>;

/// Somebody whose secret was right.
pub(super) struct Known {
    pub(super) person: Arc<Principal>,
    profile: Option<LoginProfileRow>,
    key: Option<AuthKeyId>,
    /// Where wrong passwords are counted, to begin anew.
    pub(super) tries: Option<[u8; 16]>,
}

/// What came of a secret that was shown.
pub(super) enum Judged {
    Known(Box<Known>),
    /// With the person, if the secret was right.
    Refused(Refusal, Option<Arc<Principal>>),
}

/// A one-time code that was looked at.
enum Code {
    /// None was needed.
    None,
    /// It is good: what claims it.
    Good(OtpUse, Vec<Step>),
    /// The very request that used it before.
    Repeat(SamSessionRow),
}

impl Core {
    /// Begins a session.
    pub async fn sam_sign_in(&self, meta: &RequestMeta, wanted: SamSignIn) -> SignedIn {
        let lifetime = session::lifetime(wanted.lifetime, session::USUAL, session::DEADLINE)?;
        let known = match self.judge_shown(meta, &wanted.shown).await? {
            Judged::Known(known) => known,
            Judged::Refused(refusal, person) => {
                if let Some(person) = person {
                    self.note_refused(meta, &person, &refusal).await;
                }
                return Ok(Err(refusal));
            }
        };
        for _ in 0..ATTEMPTS {
            match self.try_start(meta, &wanted, &known, lifetime).await {
                Err(OpError::Conflict) => {}
                Ok(Err(refusal)) => {
                    self.note_refused(meta, &known.person, &refusal).await;
                    return Ok(Err(refusal));
                }
                other => return other,
            }
        }
        Err(OpError::Conflict)
    }

    /// Writes down that somebody was refused whose secret was right. Wrong secrets are counted: they say nothing of the person, and a row
    /// would tell by the time it takes that there is somebody of that name.
    async fn note_refused(&self, meta: &RequestMeta, person: &Principal, refusal: &Refusal) {
        let Some(why) = refusal.after_the_secret() else { return };
        let now = self.now();
        let Some(row) = self.recorder.refused_sign_in(now, meta, person, SAM_SIGN_IN, why) else { return };
        let mut changes = ChangeSet::new(now);
        changes.push(row);
        if let Err(error) = self.store.commit(changes).await {
            tracing::warn!(%error, "the row of a refused sign-in could not be written");
        }
    }

    /// Whether the secret is right, and whether whoever has it may sign in.
    pub(super) async fn judge_shown(&self, meta: &RequestMeta, shown: &Shown) -> Result<Judged, OpError> {
        match shown {
            Shown::AuthKey { key_id, secret } => self.judge_key(meta, key_id, secret).await,
            Shown::Owner { email, password } => {
                let name = email.trim();
                let user = if nobody_is_called(name) { None } else { user::find_by_login(&self.store, name).await? };
                let user = user.filter(|user| user.kind == UserKind::Root);
                self.judge_password(meta, user, &name.to_lowercase(), password).await
            }
            Shown::User { operator, name, password } => {
                let account = match OperatorId::new(operator) {
                    Ok(operator) => account::find_by_operator(&self.store, &operator).await?,
                    Err(_) => None,
                };
                let user = match (&account, UserName::new(name)) {
                    (Some(account), Ok(name)) => user::find_by_name(&self.store, account.id, &name.folded()).await?,
                    _ => None,
                };
                let operator: String = operator.chars().take(64).collect();
                self.judge_password(meta, user, &format!("{}@{operator}", name.to_lowercase()), password).await
            }
        }
    }

    async fn judge_key(&self, meta: &RequestMeta, key_id: &str, secret: &SecretKey) -> Result<Judged, OpError> {
        let now = self.now();
        let refused = |reason, refusal| {
            self.recorder.count(now, meta.source, reason, key_id);
            Ok(Judged::Refused(refusal, None))
        };
        let found = if nobody_is_called(key_id) { None } else { self.live_auth_key(key_id).await? };
        let Some(key) = found.filter(|key| key.opens_with(secret)) else { return refused("wrong-auth-key", Refusal::Wrong) };
        let barred = |reason, refusal| {
            self.recorder.count(now, meta.source, reason, key_id);
            Ok(Judged::Refused(refusal, Some(Arc::clone(&key.owner))))
        };
        if !key.owner.is_active() {
            return barred("may-not-sign-in", Refusal::Inactive);
        }
        match key.lawful(meta.source, now) {
            Ok(()) => {}
            Err(AuthnFailure::KeyElsewhere) => return barred("wrong-network", Refusal::Network),
            Err(_) => return barred("unlawful-key", Refusal::Key),
        }
        let person = Arc::clone(&key.owner);
        Ok(Judged::Known(Box::new(Known { person, profile: None, key: Some(key.row.id), tries: None })))
    }

    /// The same for a password of whoever was found by `name`, if anybody was.
    pub(super) async fn judge_password(
        &self,
        meta: &RequestMeta,
        found: Option<UserRow>,
        name: &str,
        password: &Arc<SecretKey>,
    ) -> Result<Judged, OpError> {
        let now = self.now();
        let refused = |reason, refusal| {
            self.recorder.count(now, meta.source, reason, name);
            Ok(Judged::Refused(refusal, None))
        };
        let policy = match &found {
            Some(user) => PasswordPolicy::in_account(self, user.account_id).await?,
            None => PasswordPolicy::default(),
        };
        let subject = match &found {
            Some(user) => user.id,
            // Names of nobody are counted like those of somebody.
            None => self.nobody(name)?,
        };
        let (most, tried) = (policy.attempts(), *subject.as_bytes());
        // Who is refused in any case waits for no turn and takes none from others.
        if attempt::tries(&self.store, tried, Secret::Password, now, WINDOW).await? >= u64::from(most) {
            let since = attempt::since(&self.store, tried, Secret::Password).await?.unwrap_or(now);
            return refused("too-many-tries", Refusal::TooMany(since.plus(WINDOW).since(now)));
        }
        let turn = match self.hashing.turn(meta.source).await {
            Ok(turn) => turn,
            Err(OpError::Throttled(wait)) => return Ok(Judged::Refused(Refusal::Busy(wait), None)),
            Err(other) => return Err(other),
        };
        match self.count_try(ChangeSet::new(now), subject, Secret::Password, most).await {
            Ok(()) => {}
            Err(OpError::Throttled(wait)) => return refused("too-many-tries", Refusal::TooMany(wait)),
            Err(other) => return Err(other),
        }
        let profile = match &found {
            Some(user) => login_profile::find(&self.store, user.id).await?,
            None => None,
        };
        let kept = profile.as_ref().and_then(|profile| profile.password_hash.clone());
        let known = kept.is_some() && password.expose().len() <= LONGEST;
        let kept = kept.filter(|_| known).unwrap_or_else(|| PasswordHash::new(NOBODY));
        let password = if known { Arc::clone(password) } else { Arc::new(SecretKey::new(String::new())) };
        let right = turn.work(move || hashing::verify(&password, &kept)).await? && known;
        let (Some(user), Some(profile), true) = (found, profile, right) else { return refused("wrong-password", Refusal::Wrong) };
        let Some(person) = self.memory.user(&self.store, user.id).await? else { return refused("wrong-password", Refusal::Wrong) };
        let barred = |reason, refusal| {
            self.recorder.count(now, meta.source, reason, name);
            Ok(Judged::Refused(refusal, Some(Arc::clone(&person))))
        };
        if !(person.is_active() && profile.status.is_active()) {
            return barred("may-not-sign-in", Refusal::Inactive);
        }
        if !self.may_come_from(user.account_id, meta.source).await? {
            return barred("wrong-network", Refusal::Network);
        }
        if policy.still_good(&profile, now).is_err() || profile.reset_required || policy.is_old(&profile, now) {
            return barred("new-password-needed", Refusal::NewPassword);
        }
        Ok(Judged::Known(Box::new(Known { person, profile: Some(profile), key: None, tries: Some(tried) })))
    }

    /// Where tries at a name of nobody are counted.
    fn nobody(&self, name: &str) -> Result<UserId, OpError> {
        let code = self.keyring.mac(TRIES, &[b"name ", name.as_bytes()].concat()).map_err(OpError::internal)?;
        code.last_chunk::<16>().map(|bytes| UserId::from_bytes(*bytes)).ok_or_else(|| OpError::internal("a code is longer than that"))
    }

    async fn try_start(&self, meta: &RequestMeta, wanted: &SamSignIn, known: &Known, lifetime: Duration) -> SignedIn {
        let now = self.now();
        let id = SessionId::from_bytes(self.new_id()?);
        let known = match self.known_still(known).await? {
            Ok(known) => known,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let known = &known;
        let user = user_of(&known.person)?;
        let code = match self.judge_code(meta, wanted, known, id).await? {
            Ok(code) => code,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let account = &known.person.account;
        let mut changes = ChangeSet::new(now);
        changes.push(account::expect(account.id, account.generation));
        changes.push(user::expect(user.id, user.generation));
        let mut bound = vec![Ancestor::Account(account.id, account.epoch), Ancestor::User(user.id, user.epoch)];
        if let Some(profile) = &known.profile {
            bound.push(Ancestor::Login(user.id, profile.id, profile.epoch));
        }
        if let Some(key) = known.key {
            changes.push(auth_key::expect(key));
            bound.push(Ancestor::AuthKey(key));
        }
        let (second_factor, used) = match code {
            Code::None => (false, None),
            Code::Good(used, steps) => {
                changes.extend(steps);
                (true, Some(used))
            }
            Code::Repeat(row) => return self.again(meta, changes, known, row).await.map(Ok),
        };
        let expires_at = now.plus(lifetime);
        let given = known.person.sam.snapshot();
        let row = SamSessionRow {
            id,
            account_id: account.id,
            user_id: user.id,
            kid: self.keyring.current_token_kid(),
            bound: bound_to_bytes(&bound)?,
            snapshot: given.map(|given| given.hash.to_vec()),
            granted: None,
            second_factor,
            source_id: None,
            source_user_id: None,
            authenticated_at: now,
            issued_at: now,
            first_expires_at: expires_at,
            expires_at,
            deadline: now.plus(session::DEADLINE),
        };
        changes.push(sam_session::insert(&row));
        changes.extend(given.map(|given| tegata_store::sam_snapshot::keep(&given.hash, &given.content, row.deadline)));
        changes.extend(used.iter().map(factor::note_use));
        changes.extend(known.tries.map(|subject| attempt::forget(subject, Secret::Password)));
        changes.extend(known.profile.as_ref().map(|profile| login_profile::signed_in(profile.id, now)));
        let how = match (known.key.is_some(), second_factor) {
            (true, false) => "with an auth key",
            (true, true) => "with an auth key and a second factor",
            (false, false) => "with a password",
            (false, true) => "with a second factor",
        };
        let lineage = Lineage { acting: Ancestor::User(user.id, user.epoch), account: (account.id, account.epoch), ancestors: bound };
        let birth = born(&row, &lineage, Vec::new());
        let entry = Entry { note: Some(how.to_owned()), born: Some((id, birth)), ..Entry::default() };
        changes.push(self.recorder.at_a_page(now, meta, &known.person, SAM_SIGN_IN, entry));
        self.started(changes).await?;
        if let Some(key) = known.key {
            self.auth_uses.note(key, now);
        }
        self.session_of(&row, &known.person).map(Ok)
    }

    /// Whoever is known, read again: what was right a moment ago may have been replaced meanwhile.
    async fn known_still(&self, known: &Known) -> Result<Result<Known, Refusal>, OpError> {
        let id = user_of(&known.person)?.id;
        let Some(person) = self.memory.user(&self.store, id).await?.filter(|person| person.is_active()) else {
            return Ok(Err(Refusal::Inactive));
        };
        let profile = match &known.profile {
            None => None,
            Some(before) => match login_profile::find(&self.store, id).await? {
                Some(profile) if profile.id == before.id && profile.epoch == before.epoch && profile.status.is_active() => Some(profile),
                _ => return Ok(Err(Refusal::Wrong)),
            },
        };
        Ok(Ok(Known { person, profile, key: known.key, tries: known.tries }))
    }

    /// Looks at the one-time code, where one is due.
    async fn judge_code(
        &self,
        meta: &RequestMeta,
        wanted: &SamSignIn,
        known: &Known,
        session: SessionId,
    ) -> Result<Result<Code, Refusal>, OpError> {
        let now = self.now();
        let user = user_of(&known.person)?;
        let Some(device) = mfa_device::of_user(&self.store, user.id).await? else {
            // What nobody asks for is ignored.
            let missing = known.profile.as_ref().is_some_and(|profile| profile.mfa_required);
            return Ok(if missing { Err(Refusal::FactorMissing) } else { Ok(Code::None) });
        };
        let Some(text) = &wanted.code else {
            if known.key.is_some() {
                return Ok(Ok(Code::None));
            }
            // The password was right: whoever comes back with a code begins to count anew.
            let mut changes = ChangeSet::new(now);
            changes.extend(known.tries.map(|subject| attempt::forget(subject, Secret::Password)));
            self.started(changes).await?;
            self.recorder.count(now, meta.source, "code-needed", user.name.as_str());
            return Ok(Err(Refusal::CodeNeeded));
        };
        // The password was right, whatever the code is.
        let mut counted = ChangeSet::new(now);
        counted.extend(known.tries.map(|subject| attempt::forget(subject, Secret::Password)));
        match self.count_try(counted, user.id, Secret::OneTimeCode, CODES).await {
            Ok(()) => {}
            Err(OpError::Throttled(_)) => {
                self.recorder.count(now, meta.source, "too-many-codes", user.name.as_str());
                return Ok(Err(Refusal::TooManyCodes));
            }
            Err(other) => return Err(other),
        }
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).take(16).collect();
        let wrong = || {
            self.recorder.count(now, meta.source, "wrong-code", user.name.as_str());
            Ok(Err(Refusal::Code))
        };
        let Ok(given) = digits.parse::<OneTimeCode>() else { return wrong() };
        let seed = self.seed(&device)?;
        let source = meta.source.map(address_block).unwrap_or_default();
        if let Some(step) = otp::verify(&seed, &given, now, device.last_step) {
            let request = self.keyring.mac(REQUEST, &wanted.request).map_err(OpError::internal)?;
            let used = OtpUse { device: device.id, step, request, source, session, at: now };
            let steps = vec![mfa_device::use_step(device.id, step), attempt::forget(*user.id.as_bytes(), Secret::OneTimeCode)];
            return Ok(Ok(Code::Good(used, steps)));
        }
        // Not newer than the newest one used: it may be the very request that used it.
        let Some(step) = otp::verify(&seed, &given, now, i64::MIN) else { return wrong() };
        let Some(before) = factor::newest_use(&self.store, device.id).await? else { return wrong() };
        let same = before.step == step
            && before.step == device.last_step
            && !source.is_empty()
            && before.source == source
            && now.since(before.at) <= REPEAT
            && self.keyring.mac_holds(REQUEST, &wanted.request, &before.request);
        if !same {
            return wrong();
        }
        let Some(row) = sam_session::find(&self.store, before.session).await? else { return wrong() };
        match self.load_sam(row.id, row.first_expires_at, now).await {
            Ok(_) => Ok(Ok(Code::Repeat(row))),
            Err(OpError::Authentication(_)) => wrong(),
            Err(other) => Err(other),
        }
    }

    /// The answer that was given before.
    async fn again(
        &self,
        meta: &RequestMeta,
        mut changes: ChangeSet,
        known: &Known,
        row: SamSessionRow,
    ) -> Result<StartedSession, OpError> {
        let now = changes.at();
        let user = user_of(&known.person)?;
        changes.push(attempt::forget(*user.id.as_bytes(), Secret::OneTimeCode));
        changes.extend(known.tries.map(|subject| attempt::forget(subject, Secret::Password)));
        let entry = Entry { note: Some(format!("the same request again: {}", row.id)), ..Entry::default() };
        changes.push(self.recorder.at_a_page(now, meta, &known.person, SAM_SIGN_IN, entry));
        self.started(changes).await?;
        self.session_of(&row, &known.person)
    }

    /// The pair of a session that has just begun, as it was then.
    pub(super) fn session_of(&self, row: &SamSessionRow, principal: &Principal) -> Result<StartedSession, OpError> {
        let times = (row.issued_at, row.first_expires_at);
        let user = user_of(principal)?;
        Ok(StartedSession {
            api_key: pair::api_key(&self.keyring, row.kid, row.id)?,
            token: pair::token(&self.keyring, row.kid, row.id, principal, times)?,
            expires_at: row.first_expires_at,
            operator: principal.account.operator_id.clone(),
            user: (user.kind == UserKind::Member).then(|| user.name.clone()),
        })
    }

    /// Writes; whatever was quicker is a conflict.
    async fn started(&self, changes: ChangeSet) -> Result<(), OpError> {
        match self.store.commit(changes).await {
            Ok(()) => Ok(()),
            Err(CommitError::Changed | CommitError::Claimed(Claim::OtpStep | Claim::Code)) => Err(OpError::Conflict),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }
}

/// What the audit says of a session that begins.
pub(super) fn born(row: &SamSessionRow, lineage: &Lineage, parents: Vec<String>) -> SessionBirth {
    SessionBirth {
        id: row.id.to_string(),
        role: String::new(),
        name: super::API_KEY.to_owned(),
        expires_at: row.deadline.to_iso(),
        source_identity: None,
        parents,
        session_policy: false,
        lineage: lineage.to_text(),
    }
}

/// Nobody has such a name, and not every engine can be asked for one.
fn nobody_is_called(name: &str) -> bool {
    name.len() > 320 || name.contains('\0')
}
