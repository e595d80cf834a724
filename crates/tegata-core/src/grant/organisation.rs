//! Access tokens for organisations: for an application itself, and for an API token of a user.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use tegata_model::{AccountId, InstallationId, SecretKey, SessionId, Timestamp, UserId};
use tegata_oauth::{
    OrgClaims,
    org_token::{CLIENT_DOMAIN, ORG_TOKEN_TYPE, USER_DOMAIN},
};
use tegata_store::{ChangeSet, api_token, session};

use super::{Bound, Fallen, GrantFailure, application, asking, hash_of, standing, standing::Standing};
use crate::{
    LayerKind,
    actions::{Action, OAUTH_INTROSPECT, OAUTH_ORG_TOKEN, OAUTH_REDEEM_API_TOKEN, OAUTH_REVOKE},
    audit::Entry,
    authz,
    caller::{Caller, Evidence},
    clock::random,
    error::{DeniedBy, OpError},
    operation::{Effect, Operation},
    org::{instance_perms, user_perms},
    principal::{OrgProof, Who},
    resource::ResourceName,
    signing::KeyUse,
    token::Ancestor,
    view::View,
};

/// An access token for an organisation.
#[derive(Debug)]
pub struct OrganisationTokens {
    /// The token.
    pub access_token: SecretKey,
    /// How long it lives.
    pub lifetime: Duration,
    /// What it is good for: roles in the organisation, and at its services.
    pub scope: Vec<String>,
}

/// Narrows what a token shall be.
#[derive(Debug, Clone, Default)]
pub struct Narrowed {
    /// Which of the rights; all if nothing is said. What is asked for and not there is left out.
    pub scope: Option<Vec<String>>,
    /// How long; a time that is longer than the usual one means the usual one.
    pub lifetime: Option<Duration>,
}

impl Narrowed {
    /// What is left of the rights. Asking for rights and getting none is refused.
    fn of(&self, rights: Vec<String>) -> Result<Vec<String>, OpError> {
        let Some(asked) = &self.scope else { return Ok(rights) };
        let left: Vec<String> = rights.into_iter().filter(|right| asked.contains(right)).collect();
        match asked.first() {
            Some(first) if left.is_empty() => Err(OpError::Grant(GrantFailure::Scope(first.clone()))),
            _ => Ok(left),
        }
    }
}

/// A token for an application itself, for the organisation that it was added to. It needs a secret.
#[derive(Debug, Clone, Default)]
pub struct OrganisationToken {
    /// Which organisation; the one that the application belongs to if nothing is said.
    pub organisation: Option<String>,
    /// Less than it could be.
    pub narrowed: Narrowed,
}

impl Operation for OrganisationToken {
    const ACTION: Action = OAUTH_ORG_TOKEN;
    type Output = OrganisationTokens;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<OrganisationTokens>, OpError> {
        let (live, proven) = asking(caller, Self::ACTION, &self.resource(caller))?;
        let row = live.row().ok_or(OpError::Grant(GrantFailure::NotForYou))?;
        if !proven {
            return Err(OpError::Grant(GrantFailure::Unproven));
        }
        let account = &live.principal.account;
        // An application is tied to its organisation for good: no other one, known or not, is told apart.
        if self.organisation.as_deref().is_some_and(|asked| asked != account.organisation_id.as_str()) {
            return Err(OpError::Grant(GrantFailure::NotForYou));
        }
        let fallen = || OpError::Grant(GrantFailure::Fallen(Fallen::Installation));
        let installation = view.installation(account.id, row.id).await?.ok_or_else(fallen)?;
        let bound = Bound {
            client: row.id,
            marks: vec![
                Ancestor::Account(account.id, account.epoch),
                Ancestor::Client(row.id, row.epoch),
                Ancestor::Installation(installation.id, installation.epoch),
            ],
        };
        let standing = standing(view.core(), &bound).await?;
        let rights = rights_of_app(view, installation.id).await?.ok_or(OpError::Grant(GrantFailure::NotForYou))?;
        let scope = self.narrowed.of(rights)?;
        let narrowed = self.narrowed.scope.is_some();
        let new = New { bound: &bound, scope, narrowed, lifetime: self.narrowed.lifetime, latest: None };
        let (issued, session) = access_token(view, standing, new).await?;
        view.core().app_uses.note(row.id, view.now());
        let entry = Entry { note: Some(format!("token {session} for `{}`", issued.scope.join(" "))), ..Entry::default() };
        Ok(Effect::with(issued, ChangeSet::new(view.now()), entry))
    }
}

/// An access token for an API token. What it is good for is what the roles of its user are good for now, and no more than the API
/// token is for.
#[derive(Debug, Clone, Default)]
pub struct RedeemApiToken {
    /// Less than it could be.
    pub narrowed: Narrowed,
}

impl Operation for RedeemApiToken {
    const ACTION: Action = OAUTH_REDEEM_API_TOKEN;
    type Output = OrganisationTokens;

    fn resource(&self, caller: &Caller) -> ResourceName {
        match &caller.evidence.principal().who {
            Who::User(row) => ResourceName::User { account: caller.evidence.principal().account.number, name: row.name.clone() },
            Who::Role { .. } | Who::Provider(_) | Who::Client(_) => ResourceName::Caller,
        }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<OrganisationTokens>, OpError> {
        let denied = || {
            let by = DeniedBy::Layer { layer: LayerKind::Identity, explicit: false };
            authz::denied(caller, Self::ACTION, &self.resource(caller), by, None)
        };
        let Evidence::Org(live) = &caller.evidence else { return Err(denied()) };
        let OrgProof::ApiToken(row) = &live.shown else { return Err(denied()) };
        if !row.is_good(view.now()) {
            return Err(OpError::Grant(GrantFailure::RefreshUnknown));
        }
        let standing = standing(view.core(), &live.bound).await?;
        let mut rights = rights_of_user(view, row.account_id, row.user_id).await?;
        if !row.scopes.is_empty() {
            rights.retain(|right| row.scopes.contains(right));
        }
        let scope = self.narrowed.of(rights)?;
        let narrowed = self.narrowed.scope.is_some() || !row.scopes.is_empty();
        let new = New { bound: &live.bound, scope, narrowed, lifetime: self.narrowed.lifetime, latest: Some(row.expires_at) };
        let (issued, session) = access_token(view, standing, new).await?;
        let mut changes = ChangeSet::new(view.now());
        changes.push(api_token::used(row.id, view.now()));
        let entry = Entry { note: Some(format!("token {session} by {} for `{}`", row.id, issued.scope.join(" "))), ..Entry::default() };
        Ok(Effect::with(issued, changes, entry))
    }
}

struct New<'a> {
    bound: &'a Bound,
    scope: Vec<String>,
    narrowed: bool,
    lifetime: Option<Duration>,
    latest: Option<Timestamp>,
}

/// Makes an access token for an organisation.
async fn access_token(view: &View<'_>, standing: Standing, new: New<'_>) -> Result<(OrganisationTokens, SessionId), OpError> {
    let core = view.core();
    let facts = standing.spend();
    view.note(&facts.reads);
    let session = SessionId::from_bytes(core.new_id()?);
    let usual = facts.client.access_lifetime;
    let until = view.now().plus(new.lifetime.map_or(usual, |asked| asked.min(usual)));
    let until = new.latest.map_or(until, |latest| latest.min(until));
    let lifetime = Duration::from_secs(u64::try_from(until.unix() - view.now().unix()).unwrap_or(0));
    let app_id = facts.client.app_id.clone();
    let (domain, name, subject) = match facts.identity.as_deref().map(|identity| &identity.who) {
        Some(Who::User(row)) => (USER_DOMAIN, row.name.to_string(), uuid(*row.id.as_bytes())),
        Some(Who::Role { .. } | Who::Provider(_) | Who::Client(_)) | None => (CLIENT_DOMAIN, app_id.clone(), app_id.clone()),
    };
    let account_name = match facts.identity.as_deref().map(|identity| &identity.who) {
        Some(Who::User(row)) => row.login.clone().unwrap_or_else(|| format!("{}@{}", row.name, facts.account.alias)),
        _ => app_id.clone(),
    };
    let claims = OrgClaims {
        iss: core.keyring.issuer().to_owned(),
        sub: format!("{domain}:{subject}"),
        azp: app_id.clone(),
        client_id: app_id,
        domain: domain.to_owned(),
        acct: account_name,
        username: name,
        context: uuid(random(core.entropy.as_ref())?),
        context_name: facts.account.organisation_id.as_str().to_owned(),
        iat: view.now().unix(),
        exp: until.unix(),
        jti: session.to_string(),
        scope: new.scope.join(" "),
        perms: new.scope,
        narrowed: new.narrowed,
        marks: new.bound.to_text(),
    };
    let signer = core.signer(KeyUse::Organisation).await?;
    let payload = serde_json::to_vec(&claims).map_err(OpError::internal)?;
    let text = signer.sign(ORG_TOKEN_TYPE, &payload).map_err(OpError::internal)?;
    Ok((OrganisationTokens { access_token: SecretKey::new(text), lifetime, scope: claims.perms }, session))
}

/// An id as these tokens spell it: a lower-case UUID of the same 16 bytes.
pub fn uuid(bytes: [u8; 16]) -> String {
    let hex = bytes.iter().fold(String::with_capacity(32), |mut hex, byte| {
        let _ = std::fmt::Write::write_fmt(&mut hex, format_args!("{byte:02x}"));
        hex
    });
    let mut out = String::with_capacity(36);
    for (at, c) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(c);
    }
    out
}

/// The user whose id such a text is.
pub fn user_of_uuid(text: &str) -> Option<UserId> {
    let id = tegata_model::OrganisationId::new(text).ok()?;
    let digits: Vec<u8> =
        id.as_str().bytes().filter(|b| *b != b'-').map(|b| if b.is_ascii_digit() { b - b'0' } else { b - b'a' + 10 }).collect();
    let mut bytes = [0; 16];
    for (slot, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *slot = pair.iter().fold(0, |sum, digit| sum * 16 + digit);
    }
    Some(UserId::from_bytes(bytes))
}

/// What an instance is good for now; nothing for what is installed otherwise than by being added to an organisation.
async fn rights_of_app(view: &View<'_>, installation: InstallationId) -> Result<Option<Vec<String>>, OpError> {
    let Some(found) = instance_perms(view.core(), installation).await? else { return Ok(None) };
    view.note(&found.reads);
    Ok(Some(found.roles.words()))
}

/// What the roles of a user are good for now in an organisation.
async fn rights_of_user(view: &View<'_>, organisation: AccountId, user: UserId) -> Result<Vec<String>, OpError> {
    let found = user_perms(view.core(), organisation, user, view.now()).await?;
    let found = found.ok_or(OpError::Grant(GrantFailure::RefreshUnknown))?;
    view.note(&found.reads);
    Ok(found.roles.words())
}

/// Ask what a token for an organisation, or an API token, is worth. Only applications that have proven themselves may, and only of
/// tokens of their own organisation; anything else is worth nothing, whatever it is.
#[derive(Debug)]
pub struct IntrospectOrganisationToken {
    /// The token.
    pub token: SecretKey,
}

/// What it is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum OrganisationIntrospection {
    /// Nothing, or nothing that the caller may know.
    Inactive,
    /// It is a good access token.
    Access(Arc<OrgClaims>),
    /// It is an API token that can be used.
    ApiToken {
        /// Whose it is, as its access tokens spell it.
        subject: String,
        /// For which organisation.
        organisation: String,
        /// When it was made; UTC seconds.
        issued_at: i64,
        /// When it ends; UTC seconds.
        expires_at: i64,
    },
}

impl Operation for IntrospectOrganisationToken {
    const ACTION: Action = OAUTH_INTROSPECT;
    type Output = OrganisationIntrospection;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<OrganisationIntrospection>, OpError> {
        let (_, proven) = asking(caller, Self::ACTION, &self.resource(caller))?;
        if !proven {
            return Err(OpError::Grant(GrantFailure::Unproven));
        }
        let (core, text) = (view.core(), self.token.expose());
        let nothing = Ok(Effect::nothing(OrganisationIntrospection::Inactive));
        if let Some(row) = api_token::find_by_hash(&core.store, &hash_of(text)).await? {
            if row.account_id != caller.account() || !row.is_good(view.now()) {
                return nothing;
            }
            let Some(bound) = core.bound_of(&row).await? else { return nothing };
            let Ok(standing) = standing(core, &bound).await else { return nothing };
            return Ok(Effect::nothing(OrganisationIntrospection::ApiToken {
                subject: format!("{USER_DOMAIN}:{}", uuid(*row.user_id.as_bytes())),
                organisation: standing.facts().account.organisation_id.as_str().to_owned(),
                issued_at: row.created_at.unix(),
                expires_at: row.until().unix(),
            }));
        }
        match core.live_org(text, view.now()).await {
            Ok(live) if live.facts.account.id == caller.account() => match &live.shown {
                OrgProof::Access(claims, _) => Ok(Effect::nothing(OrganisationIntrospection::Access(Arc::clone(claims)))),
                OrgProof::ApiToken(_) => nothing,
            },
            Err(error @ (OpError::Internal(_) | OpError::Throttled(_))) => Err(error),
            Ok(_) | Err(_) => nothing,
        }
    }
}

/// Take an access token for an organisation back. One that is none, or another client's, is taken back as little as it was good; the
/// answer is the same.
#[derive(Debug)]
pub struct RevokeOrganisationToken {
    /// The token.
    pub token: SecretKey,
}

impl Operation for RevokeOrganisationToken {
    const ACTION: Action = OAUTH_REVOKE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let (live, proven) = asking(caller, Self::ACTION, &self.resource(caller))?;
        if !proven {
            return Err(OpError::Grant(GrantFailure::Unproven));
        }
        let Some(client) = live.row() else { return Ok(Effect::nothing(())) };
        let org = match view.core().live_org(self.token.expose(), view.now()).await {
            Ok(org) => org,
            Err(error @ (OpError::Internal(_) | OpError::Throttled(_))) => return Err(error),
            Err(_) => return Ok(Effect::nothing(())),
        };
        let OrgProof::Access(claims, session) = &org.shown else { return Ok(Effect::nothing(())) };
        if org.bound.client != client.id {
            return Ok(Effect::nothing(()));
        }
        let mut changes = ChangeSet::new(view.now());
        changes.touch(caller.account());
        changes.push(session::raise_mark(*session, claims.expires_at()));
        Ok(Effect::with((), changes, Entry { note: Some(format!("ended token {session}")), ..Entry::default() }))
    }
}
