//! How people agree: from an identity that has signed in, and a client that asks, to a code.
//!
//! Pages ask in this order: [`Core::application`] (whose request it is), [`Core::readiness`] (what is still missing: installation,
//! assignment, consent), and then [`Core::approve`], which gives the code. Each reads afresh; nothing that an earlier step found is
//! taken for granted by a later one.

mod browser;
mod device;
mod factor;
mod link;
mod next;
mod role;

use std::time::Duration;

pub use browser::{Browser, Refusal, Stage, Step, Stepped};
pub(crate) use browser::{CODES, LONGEST, LiveBrowser, NOBODY, TRIES};
pub use device::{DeviceRefusal, DeviceRequest};
pub use factor::NewFactor;
pub use link::Invited;
pub use next::{Choice, Done, Next};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tegata_model::{AccountId, ConsentId, Epoch, Generation, GrantId, RoleId, SecretKey, Status, Timestamp, UserId};
use tegata_oauth::{AuthorizationRequest, Challenge, RedirectUri, Scope};
use tegata_store::{
    ChangeSet, CommitError, account, browser_session,
    client::{self, ClientKind, ClientRow},
    code::{self, CodeRow},
    consent::{self, ConsentRow},
    grant::{self, GrantRow},
    installation::{self, Identity, InstallationRow},
    login_profile, mfa_device,
};

use crate::{
    Core, RequestMeta,
    audit::Entry,
    authz,
    client::{CLOUD_SSO, IDLE, installed_as, is_foreign, let_in, must_bind_key, official, official_by_app_id, scope_of},
    clock::{random, random_text},
    error::OpError,
    grant::{Bound, Fallen, GrantFailure, hash_of, standing, standing::check_assignment},
    mail::Happening,
    principal::Principal,
    token::Ancestor,
};

/// How long a code lives.
const CODE: Duration = Duration::from_mins(1);
/// How long one lives that a person reads on one screen and types at another: as long as our command line waits for a browser. Nobody
/// but the process that asked for it can redeem it, so a longer life lets nobody guess.
const TYPED_CODE: Duration = Duration::from_mins(5);
/// Of which letters such a code is made: consonants, so that it is no word, and none that look alike. Sixteen of them hold 69 bits.
const TYPED_LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
const TYPED_LEN: usize = 16;
/// Where the answer goes when it is a page of ours that shows the code, for somebody to type into a terminal elsewhere. Being no whole
/// URI, nobody can register it; only the key-bound command line may ask for it.
pub const CODE_PAGE: &str = "/oauth/code";

/// Who has signed in at a browser: a user, or a role that a user has switched to, with whatever can end that sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The person.
    pub user: UserId,
    /// The role that the person acts as.
    pub role: Option<RoleId>,
    /// When the person last showed a password or the like.
    pub at: Timestamp,
    /// The browser session.
    pub session: Option<tegata_model::SessionId>,
    /// Whether it showed a second factor then.
    pub second_factor: bool,
}

impl SignedIn {
    /// Who acts.
    fn identity(&self) -> Identity {
        self.role.map_or(Identity::User(self.user), Identity::Role)
    }
}

/// A client that asks for a code, as a page shows it.
#[derive(Debug, Clone)]
pub struct Application {
    row: ClientRow,
    /// Where the answer goes: checked against what was registered.
    pub redirect_uri: String,
    /// Where browsers must be allowed to be sent from a form: the origin of that; empty where it is a page of ours.
    pub form_action: String,
    /// Which scopes it asks for.
    pub scope: Scope,
}

impl Application {
    /// What people call it.
    pub fn display_name(&self) -> &str {
        &self.row.display_name
    }

    /// The public id.
    pub fn app_id(&self) -> &str {
        &self.row.app_id
    }

    /// True for the applications that belong to this program: they need an administrator to install them, and assignments.
    pub fn is_official(&self) -> bool {
        official(self.row.id).is_some()
    }

    /// True if it is an application of another account than this one.
    pub(crate) fn is_foreign_to(&self, account: AccountId) -> bool {
        is_foreign(&self.row, account)
    }

    /// True where the answer is shown to the person instead of sent to a program.
    pub fn shows_code(&self) -> bool {
        self.redirect_uri == CODE_PAGE
    }

    /// True where any program of the person's computer could be asking.
    pub fn is_native(&self) -> bool {
        self.row.kind == ClientKind::Native
    }
}

/// What is still missing before a client gets a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// The client is not installed in the account: an administrator may install it.
    NotInstalled,
    /// The identity is not assigned: an administrator may assign it.
    NotAssigned,
    /// The identity has not agreed to these scopes.
    ConsentNeeded(Scope),
    /// Nothing.
    Ready,
}

/// A grant that is about to be made.
struct Birth {
    changes: ChangeSet,
    row: GrantRow,
    identity: std::sync::Arc<Principal>,
    scope: Scope,
}

/// A code, and where it goes.
#[derive(Debug)]
pub struct Approved {
    /// The code, once.
    pub code: SecretKey,
    /// Where it goes.
    pub redirect_uri: String,
    /// What the client gave to find its request again.
    pub state: Option<String>,
}

impl Core {
    /// The client of a request for a code. Until this is good, nobody is redirected anywhere.
    pub async fn application(&self, request: &AuthorizationRequest) -> Result<Application, OpError> {
        let row = self.client_row(&request.destination.client_id).await?;
        let row = row.filter(|row| row.status == Status::Active).ok_or(OpError::Authentication(crate::AuthnFailure::Client))?;
        let presented = request.destination.redirect_uri.as_deref();
        let native = row.kind == ClientKind::Native;
        let known = row.redirect_uris.iter().filter_map(|text| RedirectUri::parse(text).ok());
        let redirect_uri = match presented {
            Some(CODE_PAGE) => must_bind_key(row.id).then(|| CODE_PAGE.to_owned()),
            Some(presented) => known.into_iter().find(|uri| uri.matches(presented, native)).map(|_| presented.to_owned()),
            None => None,
        };
        let redirect_uri = redirect_uri.ok_or(OpError::Grant(GrantFailure::Redirect))?;
        let form_action = match redirect_uri.as_str() {
            CODE_PAGE => String::new(),
            uri => RedirectUri::parse(uri).map(|uri| uri.origin()).map_err(OpError::internal)?,
        };
        let scope = scopes_of(&row, request.scope.as_ref())?;
        if request.challenge.is_none() && !row.secret_required {
            return Err(OpError::Grant(GrantFailure::Verifier));
        }
        Ok(Application { row, redirect_uri, form_action, scope })
    }

    async fn client_row(&self, app_id: &str) -> Result<Option<ClientRow>, OpError> {
        Ok(match official_by_app_id(app_id) {
            Some(row) => Some(row),
            // Nobody signs in to an app of an organisation.
            None => client::find_by_app_id(&self.store, app_id).await?.filter(|row| row.family == client::Family::Application),
        })
    }

    /// The identity, if it may sign in.
    async fn identity_of(&self, who: &SignedIn) -> Result<(std::sync::Arc<Principal>, std::sync::Arc<Principal>), OpError> {
        let fallen = || OpError::Grant(GrantFailure::Fallen(Fallen::Identity));
        let person = self.memory.user(&self.store, who.user).await?.filter(|found| found.is_active()).ok_or_else(fallen)?;
        let identity = match who.role {
            None => std::sync::Arc::clone(&person),
            Some(role) => self.memory.role(&self.store, role).await?.filter(|found| found.is_active()).ok_or_else(fallen)?,
        };
        Ok((person, identity))
    }

    /// Whether this is the owner of an account, who has a second factor and has not just shown it. What is given to an owner is not
    /// bound by any policy, so it is given only where somebody is surely there.
    async fn owner_must_return(&self, identity: &Principal, who: &SignedIn) -> Result<bool, OpError> {
        if !identity.is_owner() || (who.second_factor && self.now().since(who.at) <= next::FRESH) {
            return Ok(false);
        }
        Ok(mfa_device::of_user(&self.store, who.user).await?.is_some())
    }

    /// The account that an application of another account belongs to, as its alias and its number, for a page that a person of this
    /// browser reads; nothing for the person's own account, and for the official application.
    pub async fn publisher(&self, application: &Application, browser: &Browser) -> Result<Option<String>, OpError> {
        if !application.is_foreign_to(browser.0.principal.account.id) {
            return Ok(None);
        }
        let row = account::find(&self.store, application.row.account_id).await?;
        Ok(row.map(|row| format!("{} ({})", row.alias, row.number)))
    }

    /// What is still missing before the client gets a code.
    pub async fn readiness(&self, application: &Application, who: &SignedIn) -> Result<Readiness, OpError> {
        let (_, identity) = self.identity_of(who).await?;
        let client = &application.row;
        // An application of another account is available only where this account lets such in.
        if is_foreign(client, identity.account.id) && let_in(self, client, identity.account.id).await?.is_none() {
            return Ok(Readiness::NotInstalled);
        }
        let Some(installation) = installation::find_by_client(&self.store, identity.account.id, installed_as(client)).await? else {
            return Ok(Readiness::NotInstalled);
        };
        match check_assignment(self, client, &installation, &identity, who.identity()).await {
            Ok(()) => {}
            Err(OpError::Grant(_)) => return Ok(Readiness::NotAssigned),
            Err(other) => return Err(other),
        }
        let asked = wanted(application, &installation)?;
        let (id, person) = (who.identity().id_bytes(), *who.user.as_bytes());
        let given = consent::find_by_identity(&self.store, installation.id, id, person).await?;
        let agreed = match &given {
            Some(row) => asked.within(&scope_of(&row.scopes)?),
            None => false,
        };
        Ok(if agreed { Readiness::Ready } else { Readiness::ConsentNeeded(asked) })
    }

    /// Gives a code, once a person has agreed at a page: `consented` says that it was asked and said yes to these scopes just now;
    /// what it said before counts without that. One commit: consent, grant, code and their row.
    pub async fn approve(
        &self,
        meta: &RequestMeta,
        request: &AuthorizationRequest,
        who: &SignedIn,
        consented: bool,
    ) -> Result<Approved, OpError> {
        for _ in 0..8 {
            match self.try_approve(meta, request, who, consented).await {
                Err(OpError::Conflict) => {}
                other => return other,
            }
        }
        Err(OpError::Conflict)
    }

    async fn try_approve(
        &self,
        meta: &RequestMeta,
        request: &AuthorizationRequest,
        who: &SignedIn,
        consented: bool,
    ) -> Result<Approved, OpError> {
        let now = self.now();
        let application = self.application(request).await?;
        let client = &application.row;
        let born = self.birth(meta, &application, who, consented, (request.offline, request.dpop_key.clone())).await?;
        let Birth { mut changes, row, identity, scope } = born;
        let (id, account) = (row.id, &identity.account);
        if must_bind_key(client.id) && request.challenge.is_none() {
            return Err(OpError::Grant(GrantFailure::Verifier));
        }
        let (text, lifetime) = if application.shows_code() {
            (random_text(self.entropy.as_ref(), TYPED_LETTERS, TYPED_LEN)?, TYPED_CODE)
        } else {
            (URL_SAFE_NO_PAD.encode(random::<32>(self.entropy.as_ref())?), CODE)
        };
        changes.push(grant::insert(&row));
        changes.push(code::insert(&CodeRow {
            hash: hash_of(&text),
            grant_id: id,
            account_id: account.id,
            client_id: client.id,
            redirect_uri: application.redirect_uri.clone(),
            challenge: request.challenge.as_ref().map(|challenge: &Challenge| challenge.as_str().to_owned()),
            nonce: request.nonce.clone(),
            expires_at: now.plus(lifetime),
            used_at: None,
        }));
        let note = format!("{id} of {} for `{scope}`", application.display_name());
        let entry = Entry { note: Some(note), ..Entry::default() };
        changes.push(self.recorder.approval(now, meta, &identity, application.app_id(), entry));
        self.born(changes).await?;
        Ok(Approved { code: SecretKey::new(text), redirect_uri: application.redirect_uri, state: request.state.clone() })
    }

    /// A grant that is about to be made, with everything that it stands on.
    async fn birth(
        &self,
        meta: &RequestMeta,
        application: &Application,
        who: &SignedIn,
        consented: bool,
        (offline, dpop_key): (bool, Option<String>),
    ) -> Result<Birth, OpError> {
        let (now, client) = (self.now(), &application.row);
        let scope = match self.readiness(application, who).await? {
            Readiness::NotInstalled => return Err(fallen(Fallen::Installation)),
            Readiness::NotAssigned => return Err(fallen(Fallen::Assignment)),
            Readiness::ConsentNeeded(_) if !consented => return Err(fallen(Fallen::Consent)),
            Readiness::ConsentNeeded(scope) => scope,
            Readiness::Ready => application.scope.clone(),
        };
        let (person, identity) = self.identity_of(who).await?;
        if self.owner_must_return(&identity, who).await? {
            return Err(fallen(Fallen::Session));
        }
        let account = &identity.account;
        let installation = installation::find_by_client(&self.store, account.id, installed_as(client)).await?;
        let installation = installation.ok_or_else(|| fallen(Fallen::Installation))?;
        let scope = scope.common(&scope_of(&installation.scopes)?);
        let mut changes = ChangeSet::new(now);
        changes.push(installation::expect(installation.id, installation.generation));
        let (consent, news) = self.agree(&mut changes, &installation, who, &scope).await?;
        if let (true, crate::principal::Who::User(row)) = (news, &person.who) {
            let happening = Happening::Consented { consent, client: format!("{} ({scope})", application.display_name()) };
            self.notice(&mut changes, meta, row, &person.account.alias, happening)?;
        }

        let id = GrantId::from_bytes(self.new_id()?);
        let mut marks = vec![Ancestor::Account(account.id, account.epoch)];
        if official(client.id).is_none() {
            marks.push(Ancestor::Client(client.id, client.epoch));
        }
        marks.push(Ancestor::Installation(installation.id, installation.epoch));
        marks.push(Ancestor::User(who.user, person.epoch()));
        if let Some(profile) = login_profile::find(&self.store, who.user).await? {
            if !profile.status.is_active() {
                return Err(fallen(Fallen::Identity));
            }
            marks.push(Ancestor::Login(who.user, profile.id, profile.epoch));
        }
        if let Some(role) = who.role {
            if !authz::still_trusts(&identity, &person, None, false) {
                return Err(fallen(Fallen::Trust));
            }
            marks.push(Ancestor::Role(role, identity.epoch()));
            // What is born in a role session ends with it.
            marks.extend(who.session.map(|session| Ancestor::Session(session, Epoch(0))));
        }
        marks.extend([Ancestor::Consent(consent), Ancestor::Grant(id, Epoch(0))]);
        let bound = Bound { client: client.id, marks };
        let idle = if official(client.id).is_some() { IDLE } else { client.refresh_lifetime };
        let longest = now.plus(client.refresh_lifetime);
        let acting_until = match who.session.filter(|_| who.role.is_some()) {
            Some(acting) => browser_session::find_by_acting(&self.store, acting).await?.and_then(|row| row.role_expires_at),
            None => None,
        };
        let row = GrantRow {
            id,
            account_id: account.id,
            installation_id: installation.id,
            identity_id: who.identity().id_bytes(),
            bound: bound.to_bytes(),
            scopes: scope.to_words(),
            refreshable: (offline || client.kind == ClientKind::Native) && client.id != CLOUD_SSO,
            dpop_key,
            auth_time: who.at,
            next_refresh: 0,
            used_at: now,
            used_before_at: now,
            idle,
            expires_at: acting_until.map_or(longest, |until| longest.min(until)),
            ended_at: None,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: now,
        };
        Ok(Birth { changes, row, identity, scope })
    }

    /// Writes what was born; whatever was quicker is a conflict.
    async fn born(&self, changes: ChangeSet) -> Result<(), OpError> {
        match self.store.commit(changes).await {
            Ok(()) => Ok(()),
            Err(CommitError::Changed | CommitError::Exists("consent")) => Err(OpError::Conflict),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }

    /// What the person said yes to, with these scopes among it: the row there is, or a new one; and whether it says more than before.
    async fn agree(
        &self,
        changes: &mut ChangeSet,
        installation: &InstallationRow,
        who: &SignedIn,
        scope: &Scope,
    ) -> Result<(ConsentId, bool), OpError> {
        let (identity_id, person_id, now) = (who.identity().id_bytes(), *who.user.as_bytes(), self.now());
        if let Some(row) = consent::find_by_identity(&self.store, installation.id, identity_id, person_id).await? {
            let given = scope_of(&row.scopes)?;
            let more = !scope.within(&given);
            if more {
                let all = Scope::of(given.words().chain(scope.words())).map_err(OpError::internal)?;
                changes.push(consent::set_scopes(row.id, &all.to_words(), now));
            } else {
                changes.push(consent::expect(row.id));
            }
            return Ok((row.id, more));
        }
        let id = ConsentId::from_bytes(self.new_id()?);
        changes.push(consent::insert(&ConsentRow {
            id,
            installation_id: installation.id,
            identity_id,
            person_id,
            scopes: scope.to_words(),
            created_at: now,
            updated_at: now,
        }));
        Ok((id, true))
    }

    /// Takes back what a person said yes to: everything that stands on it ends at once.
    pub async fn withdraw_consent(&self, meta: &RequestMeta, who: &SignedIn, app_id: &str) -> Result<(), OpError> {
        let now = self.now();
        let (_, identity) = self.identity_of(who).await?;
        let Some(client) = self.client_row(app_id).await? else { return Ok(()) };
        let found = installation::find_by_client(&self.store, identity.account.id, installed_as(&client)).await?;
        let Some(installation) = found else { return Ok(()) };
        let id = who.identity().id_bytes();
        let Some(row) = consent::find_by_identity(&self.store, installation.id, id, *who.user.as_bytes()).await? else { return Ok(()) };
        let mut changes = ChangeSet::new(now);
        changes.push(consent::delete(row.id));
        changes.touch(identity.account.id);
        let entry = Entry { note: Some(format!("took back {}", row.id)), ..Entry::default() };
        changes.push(self.recorder.approval(now, meta, &identity, app_id, entry));
        match self.store.commit(changes).await {
            // Taken back meanwhile.
            Ok(()) | Err(CommitError::Changed) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }

    /// Whether a grant of this client, with what it stands on, still stands: for tests and for pages that show sign-ins.
    pub async fn grant_stands(&self, id: GrantId) -> Result<bool, OpError> {
        let Some(row) = grant::find(&self.store, id).await? else { return Ok(false) };
        let Some(bound) = Bound::of_bytes(&row.bound) else { return Ok(false) };
        match standing(self, &bound).await {
            Ok(_) => Ok(row.ended_at.is_none() && row.expires_at > self.now()),
            Err(OpError::Grant(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

fn fallen(what: Fallen) -> OpError {
    OpError::Grant(GrantFailure::Fallen(what))
}

/// The scopes that a client asks for, if it can have them, with those it always needs.
pub(crate) fn scopes_of(row: &ClientRow, asked: Option<&Scope>) -> Result<Scope, OpError> {
    let own = scope_of(&row.scopes)?;
    let Some(asked) = asked else {
        // The official application is asked for all it has when it says nothing; others must say what they want.
        return if official(row.id).is_some() { Ok(own) } else { Ok(scope_of(&[Scope::OPENID.to_owned()])?.common(&own)) };
    };
    // What merely asks for a refresh token is no scope of its own.
    let asked = Scope::of(asked.words().filter(|word| *word != "offline_access")).map_err(OpError::internal)?;
    if let Some(word) = asked.words().find(|word| !own.has(word)) {
        return Err(OpError::Grant(GrantFailure::Scope(word.to_owned())));
    }
    let required = scope_of(&row.required_scopes)?;
    let all: Vec<&str> = asked.words().chain(required.words()).collect();
    Scope::of(all).map_err(OpError::internal)
}

/// What the client asks for, as far as the account has agreed to it.
fn wanted(application: &Application, installation: &InstallationRow) -> Result<Scope, OpError> {
    Ok(application.scope.common(&scope_of(&installation.scopes)?))
}
