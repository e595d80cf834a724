//! A token of the official application for a temporary key of its person.

use std::time::Duration;

use tegata_model::{AccessKeyId, SecretKey, Timestamp};
use tegata_oauth::Scope;
use tegata_store::client::{ClientRow, Family};

use super::{Fallen, GrantFailure, application, asking, standing_for, tokens::exchange_audience};
use crate::{
    LayerKind,
    actions::{Action, OAUTH_EXCHANGE, STS_EXCHANGE_TOKEN},
    authz,
    caller::{Caller, Evidence},
    client::official,
    error::{DeniedBy, OpError},
    mint,
    operation::{Effect, Operation},
    org::load_app,
    principal::{LiveAccess, OrgProof, Who},
    resource::ResourceName,
    view::View,
};

/// Shortest life of a key that is still worth giving out.
const SHORTEST: Duration = Duration::from_secs(30);

/// A temporary key of the person that an access token speaks of: of the user, or of the role that the user had switched to. Only
/// the official application's tokens, made for this place, with the scope for it.
#[derive(Debug, Clone, Copy)]
pub struct ExchangeForSession;

/// A temporary key of a user or of a role.
#[derive(Debug)]
pub struct UserCredential {
    /// The key id, `STS.…`.
    pub access_key_id: AccessKeyId,
    /// Its secret.
    pub secret: SecretKey,
    /// The token that must accompany it.
    pub security_token: SecretKey,
    /// When all of it ends: never after the access token.
    pub expires_at: Timestamp,
}

impl Operation for ExchangeForSession {
    const ACTION: Action = OAUTH_EXCHANGE;
    type Output = UserCredential;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<UserCredential>, OpError> {
        let Evidence::Access(access) = &caller.evidence else {
            let by = DeniedBy::Layer { layer: LayerKind::Identity, explicit: false };
            return Err(authz::denied(caller, Self::ACTION, &self.resource(caller), by, None));
        };
        exchange(view, caller, access, &access.scope).await
    }
}

/// A temporary key for an access token that a client shows as its own (RFC 8693), under the same rules as [`ExchangeForSession`]. An app
/// of an organisation shows a token for its organisation, and gets a key of its own.
#[derive(Debug)]
pub struct ExchangeSubject {
    /// The access token: issued to the client that asks, or made for it.
    pub token: SecretKey,
    /// Fewer scopes than the token has, which the key keeps: it can be exchanged for no more than them.
    pub scope: Option<Scope>,
    /// The thumbprint of the key whose possession was proven, where the token is bound to one.
    pub key: Option<String>,
}

impl Operation for ExchangeSubject {
    const ACTION: Action = OAUTH_EXCHANGE;
    type Output = UserCredential;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<UserCredential>, OpError> {
        let (live, proven) = asking(caller, Self::ACTION, &self.resource(caller))?;
        let client = live.row().ok_or(OpError::Grant(GrantFailure::NotForYou))?;
        if client.family == Family::OrgApp {
            if !proven {
                return Err(OpError::Grant(GrantFailure::Unproven));
            }
            return self.of_app(view, caller, client).await;
        }
        let subject = |why| OpError::Grant(GrantFailure::Subject(why));
        let access = view.core().live_access(self.token.expose(), view.now()).await.map_err(|error| match error {
            OpError::Authentication(_) => subject("the access token is none of ours, or is over"),
            other => other,
        })?;
        let for_client = access.claims.client_id == client.app_id || access.claims.aud.contains(&client.app_id);
        if !for_client || access.facts.account.id != caller.account() {
            return Err(subject("the access token is another client's"));
        }
        match (&access.claims.cnf, &self.key) {
            (Some(_), None) => return Err(OpError::Grant(GrantFailure::KeyNeeded)),
            (Some(bound), Some(shown)) if bound.jkt != *shown => return Err(OpError::Grant(GrantFailure::KeyOther)),
            _ => {}
        }
        view.note(&access.reads);
        let scope = narrowed(self.scope.as_ref(), &access.scope)?;
        exchange(view, caller, &access, &scope).await
    }
}

impl ExchangeSubject {
    /// A temporary key of an app of an organisation, for an access token of its own: limited to the policies that stand for the roles
    /// that the token has. There is nobody behind it.
    async fn of_app(&self, view: &View<'_>, caller: &Caller, client: &ClientRow) -> Result<Effect<UserCredential>, OpError> {
        let core = view.core();
        let subject = |why| OpError::Grant(GrantFailure::Subject(why));
        let org = core.live_org(self.token.expose(), view.now()).await.map_err(|error| match error {
            OpError::Authentication(_) | OpError::Grant(_) => subject("the access token is none of ours, or is over"),
            other => other,
        })?;
        let OrgProof::Access(claims, session) = &org.shown else { return Err(subject("only an access token can be exchanged")) };
        if matches!(org.principal.who, Who::User(_)) {
            return Err(subject("tokens of users are not exchanged: users have keys of their own"));
        }
        if org.bound.client != client.id || org.facts.account.id != caller.account() {
            return Err(subject("the access token is another client's"));
        }
        view.note(&org.reads);
        let installation = org.bound.installation().ok_or(OpError::Grant(GrantFailure::Fallen(Fallen::Installation)))?;
        if let Some(beyond) = self.scope.as_ref().and_then(|asked| asked.words().find(|word| !claims.perms.iter().any(|has| has == word))) {
            return Err(OpError::Grant(GrantFailure::Scope(beyond.to_owned())));
        }
        let scope = self.scope.as_ref().map_or_else(|| claims.perms.join(" "), ToString::to_string);
        let app = load_app(core, client.id, installation, &scope).await?;
        let app = app.ok_or(OpError::Grant(GrantFailure::Fallen(Fallen::Installation)))?;
        view.note(&app.reads);
        if app.policies.is_empty() {
            return Err(subject("no policy stands for the roles of the token: that is configuration, `role_policies`"));
        }
        // Exchanging is an action of its own, and a Deny binds whatever allows.
        authz::not_forbidden_to(view, caller, &app, STS_EXCHANGE_TOKEN, &self.resource(caller))?;
        if view.now().plus(SHORTEST) > claims.expires_at() {
            return Err(OpError::Grant(GrantFailure::Expired));
        }
        mint::app_session(view, &app, &org.bound, mint::OfToken { id: *session, expires_at: claims.expires_at(), scope })
    }
}

/// What was asked, if it is no more than what there is; all of that if nothing was asked.
pub(super) fn narrowed(asked: Option<&Scope>, granted: &Scope) -> Result<Scope, OpError> {
    match asked {
        None => Ok(granted.clone()),
        Some(asked) if asked.within(granted) => Ok(asked.clone()),
        Some(asked) => {
            let first = asked.words().find(|word| !granted.has(word)).unwrap_or_default();
            Err(OpError::Grant(GrantFailure::Scope(first.to_owned())))
        }
    }
}

async fn exchange(view: &View<'_>, caller: &Caller, access: &LiveAccess, scope: &Scope) -> Result<Effect<UserCredential>, OpError> {
    let core = view.core();
    if official(access.bound.client).is_none() {
        return Err(OpError::Grant(GrantFailure::NotForYou));
    }
    let place = exchange_audience(core);
    if !access.claims.aud.contains(&place) {
        return Err(OpError::Grant(GrantFailure::Audience));
    }
    if !access.scope.has(Scope::USER_SESSION) {
        return Err(OpError::Grant(GrantFailure::Insufficient(Scope::USER_SESSION)));
    }
    let standing = standing_for(view, caller, &access.bound).await?;
    view.note(&standing.facts().reads);
    if view.now().plus(SHORTEST) > access.claims.expires_at() {
        return Err(OpError::Grant(GrantFailure::Expired));
    }
    mint::person_session(view, access, standing, scope).await
}
