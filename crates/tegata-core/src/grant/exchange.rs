//! A token of the official application for a temporary key of its person.

use std::time::Duration;

use tegata_model::{AccessKeyId, SecretKey, Timestamp};
use tegata_oauth::Scope;

use super::{GrantFailure, application, standing, tokens::exchange_audience};
use crate::{
    LayerKind,
    actions::{Action, OAUTH_EXCHANGE},
    authz,
    caller::{Caller, Evidence},
    client::official,
    error::{DeniedBy, OpError},
    mint,
    operation::{Effect, Operation},
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
        let standing = standing(core, &access.bound).await?;
        view.note(&standing.facts().reads);
        let expires_at = access.claims.expires_at();
        if view.now().plus(SHORTEST) > expires_at {
            return Err(OpError::Grant(GrantFailure::Expired));
        }
        mint::person_session(view, access, standing, expires_at)
    }
}
