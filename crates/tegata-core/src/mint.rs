//! The only birthplace of credentials.

use tegata_model::{AccessKeyId, Epoch, PrincipalNumber, RoleName, RoleSessionName, SecretKey, SessionId, SourceIdentity, Timestamp};
use tegata_oauth::Scope;
use tegata_store::{ChangeSet, session};

use crate::{
    Core,
    audit::Entry,
    authz::{Admitted, Permit},
    caller::{Caller, Evidence},
    error::OpError,
    grant::{Bound, Fallen, GrantFailure, UserCredential, standing::Standing, under},
    operation::Effect,
    principal::{LiveAccess, OrgProof, Principal, Who},
    sam::{self, LiveSam},
    token::{self, Ancestor, Claims, Granted, INLINE_TOKEN, Lineage, PolicyClaim, SamLimits, Sealed},
    view::View,
    why::SessionBirth,
};

/// A temporary credential, shown once. The token and secret never rest anywhere.
#[derive(Debug)]
pub struct TemporaryCredential {
    /// The key id, `STS.…`.
    pub access_key_id: AccessKeyId,
    /// Its secret.
    pub secret: SecretKey,
    /// The token that must accompany it.
    pub security_token: SecretKey,
    /// When both end.
    pub expires_at: Timestamp,
    /// The role's account.
    pub account: tegata_model::AccountNumber,
    /// The role.
    pub role: RoleName,
    /// The role's public number.
    pub role_number: PrincipalNumber,
    /// What the caller called the session.
    pub session_name: RoleSessionName,
    /// The origin of the chain.
    pub source_identity: Option<SourceIdentity>,
}

/// What a new role session shall be, decided and checked.
pub(crate) struct NewSession<'a> {
    pub(crate) name: &'a RoleSessionName,
    pub(crate) expires_at: Timestamp,
    pub(crate) deadline: Timestamp,
    pub(crate) source_identity: Option<SourceIdentity>,
    pub(crate) policy: Option<&'a str>,
}

/// A role session: the credential, and the rows that must be written with it.
pub(crate) fn role_session(
    view: &View<'_>,
    caller: &Caller,
    admitted: Admitted,
    new: NewSession<'_>,
) -> Result<Effect<TemporaryCredential>, OpError> {
    let core = view.core();
    let Admitted { role: assumed, permitted: mut by, trusted, .. } = admitted;
    let Who::Role { row: role, .. } = &assumed.who else { return Err(OpError::internal("a role session needs a role")) };
    let account = &assumed.account;
    let session = SessionId::from_bytes(core.new_id()?);
    let mut claims = Claims {
        session,
        acting: Ancestor::Role(role.id, role.epoch),
        account: (account.id, account.epoch),
        session_name: new.name.clone(),
        issued_at: view.now(),
        expires_at: new.expires_at,
        deadline: new.deadline,
        source_identity: new.source_identity.clone(),
        ancestors: ancestors(caller),
        policy: PolicyClaim::None,
        granted: granted(caller),
        sam: None,
    };
    let mut changes = ChangeSet::new(view.now());
    let sealed = seal(core, &mut claims, new.policy, &mut changes)?;
    let birth = SessionBirth {
        id: session.to_string(),
        role: role.name.to_string(),
        name: new.name.to_string(),
        expires_at: new.expires_at.to_iso(),
        source_identity: new.source_identity.as_ref().map(ToString::to_string),
        parents: parents(caller),
        session_policy: new.policy.is_some(),
        lineage: Lineage::of(&claims).to_text(),
    };
    let other_side = if account.id == caller.account() {
        by.extend(trusted);
        None
    } else {
        Some((account.id, trusted))
    };
    let credential = TemporaryCredential {
        access_key_id: sealed.key_id,
        secret: sealed.secret,
        security_token: sealed.token,
        expires_at: new.expires_at,
        account: account.number,
        role: role.name.clone(),
        role_number: role.number,
        session_name: new.name.clone(),
        source_identity: new.source_identity,
    };
    Ok(Effect::with(credential, changes, Entry { by, born: Some((session, birth)), other_side, note: None }))
}

/// Seals the claims of a session with its policy: within the token while that stays short, else in a row beside it.
fn seal(core: &Core, claims: &mut Claims, policy: Option<&str>, changes: &mut ChangeSet) -> Result<Sealed, OpError> {
    claims.policy = policy.map_or(PolicyClaim::None, PolicyClaim::inline);
    let sealed = token::seal(&core.keyring, claims).map_err(OpError::internal)?;
    match policy {
        Some(text) if sealed.token.expose().len() > INLINE_TOKEN => {
            claims.policy = PolicyClaim::Row;
            changes.push(session::insert_policy(*claims.session.as_bytes(), text, claims.expires_at));
            token::seal(&core.keyring, claims).map_err(OpError::internal)
        }
        _ => Ok(sealed),
    }
}

/// What a session of this caller inherits of what a person gave to a client.
fn granted(caller: &Caller) -> Option<Granted> {
    match &caller.evidence {
        Evidence::Session(session) => session.claims.granted.clone(),
        Evidence::Sam(sam) => sam.granted.clone(),
        Evidence::Key(_) | Evidence::Token(_) | Evidence::Client { .. } | Evidence::Access(_) | Evidence::Browser(_) | Evidence::Org(_) => {
            None
        }
    }
}

/// A session of the person, or of the role, that an access token speaks of. It ends with everything that the token ends with, and
/// with the token itself; and it is under every limit of the session that the token was exchanged for, if it was.
pub(crate) async fn person_session(
    view: &View<'_>,
    access: &LiveAccess,
    standing: Standing,
    scope: &Scope,
) -> Result<Effect<UserCredential>, OpError> {
    let core = view.core();
    let facts = standing.spend();
    let acting = access.bound.acting().ok_or(OpError::Grant(GrantFailure::Subject("the access token speaks of no person")))?;
    let session = SessionId::from_bytes(core.new_id()?);
    let expires_at = access.claims.expires_at();
    let under = under::read(core, access)?;
    let policy = match &under {
        Some(limits) => core.policy_text(limits).await?,
        None => None,
    };
    // A session policy that is gone denies everything; nothing is exchanged without it.
    let policy = policy.map(|text| text.ok_or(OpError::Grant(GrantFailure::Fallen(Fallen::Session)))).transpose()?;
    let session_name = match &under {
        Some(limits) => limits.session_name.clone(),
        None => RoleSessionName::new(&facts.client.name).map_err(OpError::internal)?,
    };
    let mut ancestors = access.bound.marks.clone();
    ancestors.push(Ancestor::Session(access.session, Epoch(0)));
    // The chain began when the person signed in or used the grant, and ends when that has been long enough ago.
    let began = Timestamp::from_unix(access.claims.iat).plus(core.limits.root_deadline);
    let deadline = under.as_ref().map_or(began, |limits| limits.deadline);
    let sam = under.as_ref().and_then(|limits| limits.sam.clone());
    let source_identity = under.and_then(|limits| limits.source_identity);
    let mut claims = Claims {
        session,
        acting,
        account: (facts.account.id, facts.account.epoch),
        session_name: session_name.clone(),
        issued_at: view.now(),
        expires_at,
        deadline,
        source_identity: source_identity.clone(),
        ancestors,
        policy: PolicyClaim::None,
        granted: Some(Granted {
            client: access.bound.client,
            scope: scope.to_string(),
            actor: access.claims.act.as_ref().map(|actor| actor.sub.clone()),
        }),
        sam,
    };
    let mut changes = ChangeSet::new(view.now());
    let sealed = seal(core, &mut claims, policy.as_deref(), &mut changes)?;
    let birth = SessionBirth {
        id: session.to_string(),
        role: facts.identity.as_deref().map(|identity| identity.name().to_owned()).unwrap_or_default(),
        name: session_name.to_string(),
        expires_at: expires_at.to_iso(),
        source_identity: source_identity.as_ref().map(ToString::to_string),
        parents: vec![access.session.to_string()],
        session_policy: policy.is_some(),
        lineage: Lineage::of(&claims).to_text(),
    };
    let credential = UserCredential { access_key_id: sealed.key_id, secret: sealed.secret, security_token: sealed.token, expires_at };
    let entry = Entry { born: Some((session, birth)), ..Entry::default() };
    Ok(Effect::with(credential, changes, entry))
}

/// The access token that a temporary key comes of.
pub(crate) struct OfToken {
    pub(crate) id: SessionId,
    pub(crate) expires_at: Timestamp,
    /// The roles that the key is to have of it, as words.
    pub(crate) scope: String,
}

/// A temporary key of an app, which ends with its token and with everything that the token stands on. What it may do is asked anew each
/// time: the policies that stand for those of these roles that the app still has.
pub(crate) fn app_session(view: &View<'_>, app: &Principal, bound: &Bound, token: OfToken) -> Result<Effect<UserCredential>, OpError> {
    let core = view.core();
    let Who::Client(row) = &app.who else { return Err(OpError::internal("only apps have such sessions")) };
    let session = SessionId::from_bytes(core.new_id()?);
    // The id of an app is a name of a session too, unless somebody chose an uncommonly long one.
    let session_name = RoleSessionName::new(&row.app_id).or_else(|_| RoleSessionName::new("app")).map_err(OpError::internal)?;
    let mut ancestors = bound.marks.clone();
    ancestors.push(Ancestor::Session(token.id, Epoch(0)));
    let mut claims = Claims {
        session,
        acting: Ancestor::Client(row.id, row.epoch),
        account: (app.account.id, app.account.epoch),
        session_name: session_name.clone(),
        issued_at: view.now(),
        expires_at: token.expires_at,
        deadline: token.expires_at,
        source_identity: None,
        ancestors,
        policy: PolicyClaim::None,
        granted: Some(Granted { client: row.id, scope: token.scope, actor: None }),
        sam: None,
    };
    let mut changes = ChangeSet::new(view.now());
    let sealed = seal(core, &mut claims, None, &mut changes)?;
    let birth = SessionBirth {
        id: session.to_string(),
        role: app.name().to_owned(),
        name: session_name.to_string(),
        expires_at: token.expires_at.to_iso(),
        source_identity: None,
        parents: vec![token.id.to_string()],
        session_policy: false,
        lineage: Lineage::of(&claims).to_text(),
    };
    let credential =
        UserCredential { access_key_id: sealed.key_id, secret: sealed.secret, security_token: sealed.token, expires_at: token.expires_at };
    Ok(Effect::with(credential, changes, Entry { born: Some((session, birth)), ..Entry::default() }))
}

/// A temporary key of the user that a session of an API key acts as, under every limit of that session.
pub(crate) fn session_of_sam(view: &View<'_>, live: &LiveSam, permit: Permit) -> Result<Effect<UserCredential>, OpError> {
    let core = view.core();
    let (principal, row) = (&live.principal, &live.row);
    let session = SessionId::from_bytes(core.new_id()?);
    let session_name = RoleSessionName::new(sam::API_KEY).map_err(OpError::internal)?;
    let mut claims = Claims {
        session,
        acting: Ancestor::User(row.user_id, principal.epoch()),
        account: (principal.account.id, principal.account.epoch),
        session_name: session_name.clone(),
        issued_at: view.now(),
        expires_at: live.until,
        deadline: live.until,
        source_identity: None,
        ancestors: live.ancestors(),
        policy: PolicyClaim::None,
        granted: live.granted.clone(),
        sam: Some(SamLimits { snapshot: row.snapshot.clone(), second_factor: row.second_factor, authenticated_at: row.authenticated_at }),
    };
    let mut changes = ChangeSet::new(view.now());
    let sealed = seal(core, &mut claims, None, &mut changes)?;
    let birth = SessionBirth {
        id: session.to_string(),
        role: principal.name().to_owned(),
        name: session_name.to_string(),
        expires_at: claims.expires_at.to_iso(),
        source_identity: None,
        parents: vec![row.id.to_string()],
        session_policy: false,
        lineage: Lineage::of(&claims).to_text(),
    };
    let expires_at = claims.expires_at;
    let credential = UserCredential { access_key_id: sealed.key_id, secret: sealed.secret, security_token: sealed.token, expires_at };
    Ok(Effect::with(credential, changes, Entry { by: permit.spend(), born: Some((session, birth)), ..Entry::default() }))
}

/// Everyone before the new session, from the key on.
fn ancestors(caller: &Caller) -> Vec<Ancestor> {
    match &caller.evidence {
        Evidence::Key(key) => {
            let owner = &key.owner;
            let mut ancestors = vec![Ancestor::Account(owner.account.id, owner.account.epoch)];
            if let Who::User(user) = &owner.who {
                ancestors.push(Ancestor::User(user.id, user.epoch));
            }
            ancestors.push(Ancestor::Key(key.id, key.epoch));
            ancestors
        }
        Evidence::Token(token) => {
            let provider = &token.provider;
            let mut ancestors = vec![Ancestor::Account(provider.account.id, provider.account.epoch)];
            if let Who::Provider(row) = &provider.who {
                ancestors.push(Ancestor::OidcProvider(row.id, row.epoch));
            }
            ancestors
        }
        Evidence::Access(access) => {
            // What a token gave ends with the token.
            let mut ancestors = access.bound.marks.clone();
            ancestors.push(Ancestor::Session(access.session, Epoch(0)));
            ancestors
        }
        Evidence::Org(org) => {
            let mut ancestors = org.bound.marks.clone();
            if let OrgProof::Access(_, session) = &org.shown {
                ancestors.push(Ancestor::Session(*session, Epoch(0)));
            }
            ancestors
        }
        Evidence::Browser(live) => {
            let (row, person) = (&live.row, &live.person);
            vec![
                Ancestor::Account(person.account.id, person.account.epoch),
                Ancestor::User(row.user_id, row.user_epoch),
                Ancestor::Login(row.user_id, row.profile_id, row.profile_epoch),
            ]
        }
        Evidence::Sam(sam) => sam.ancestors(),
        Evidence::Client { client, .. } => vec![Ancestor::Account(client.principal.account.id, client.principal.account.epoch)],
        Evidence::Session(session) => {
            let claims = &session.claims;
            let mut ancestors = claims.ancestors.clone();
            for ancestor in
                [Ancestor::Account(claims.account.0, claims.account.1), claims.acting, Ancestor::Session(claims.session, Epoch(0))]
            {
                if !ancestors.contains(&ancestor) {
                    ancestors.push(ancestor);
                }
            }
            ancestors
        }
    }
}

fn parents(caller: &Caller) -> Vec<String> {
    match &caller.evidence {
        Evidence::Key(_) | Evidence::Token(_) | Evidence::Client { .. } | Evidence::Browser(_) => Vec::new(),
        Evidence::Org(org) => match &org.shown {
            OrgProof::Access(_, session) => vec![session.to_string()],
            OrgProof::ApiToken(_) => Vec::new(),
        },
        Evidence::Access(access) => vec![access.session.to_string()],
        Evidence::Sam(sam) => vec![sam.row.id.to_string()],
        Evidence::Session(session) => vec![session.claims.session.to_string()],
    }
}

/// How many sessions stand before a new one of this caller.
pub(crate) fn chain_length(caller: &Caller) -> usize {
    match &caller.evidence {
        Evidence::Key(_) | Evidence::Token(_) | Evidence::Client { .. } | Evidence::Browser(_) | Evidence::Org(_) => 0,
        Evidence::Sam(sam) => 1 + sam.bound.iter().filter(|mark| matches!(mark, Ancestor::Session(..))).count(),
        Evidence::Access(access) => access.bound.marks.iter().filter(|mark| matches!(mark, Ancestor::Session(..))).count(),
        Evidence::Session(session) => 1 + session.claims.ancestors.iter().filter(|a| matches!(a, Ancestor::Session(..))).count(),
    }
}

/// The latest moment that a session of this caller may reach.
pub(crate) fn deadline(view: &View<'_>, caller: &Caller) -> Timestamp {
    match &caller.evidence {
        Evidence::Key(_) | Evidence::Token(_) | Evidence::Client { .. } => view.now().plus(view.core().limits.root_deadline),
        Evidence::Access(access) => access.claims.expires_at(),
        Evidence::Org(org) => org.expires_at(),
        Evidence::Browser(live) => live.row.signed_in_at.plus(view.core().limits.root_deadline),
        Evidence::Sam(sam) => sam.until,
        Evidence::Session(session) => session.claims.deadline,
    }
}
