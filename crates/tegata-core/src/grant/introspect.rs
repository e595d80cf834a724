//! What a token is worth (RFC 7662).

use tegata_model::{SecretKey, Timestamp};
use tegata_oauth::{AccessClaims, Scope};
use tegata_store::{client::Family, grant};

use super::{Bound, GrantFailure, RefreshToken, application, asking, standing};
use crate::{
    actions::{Action, OAUTH_INTROSPECT},
    caller::Caller,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Ask what a token is worth. Only clients that have proven themselves may, and only of tokens of their own account; anything else is
/// worth nothing, whatever it is.
#[derive(Debug)]
pub struct Introspect {
    /// The token.
    pub token: SecretKey,
}

/// What a token is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Introspection {
    /// Nothing, or nothing that the caller may know.
    Inactive,
    /// It is a good access token.
    Access {
        /// What it says.
        claims: std::sync::Arc<AccessClaims>,
        /// The name of the user or role, where the token's scopes let clients know it.
        username: Option<String>,
    },
    /// It is a refresh token of the caller that can be used.
    Refresh {
        /// The client.
        client_id: String,
        /// Which scopes.
        scope: Scope,
        /// When it ends.
        expires_at: Timestamp,
    },
}

impl Operation for Introspect {
    const ACTION: Action = OAUTH_INTROSPECT;
    type Output = Introspection;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Introspection>, OpError> {
        let (live, proven) = asking(caller, Self::ACTION, &self.resource(caller))?;
        if !proven {
            return Err(OpError::Grant(GrantFailure::Unproven));
        }
        let row = live.row().filter(|row| row.family != Family::OrgApp).ok_or(OpError::Grant(GrantFailure::NotForYou))?;
        let core = view.core();
        if let Some(token) = RefreshToken::read(&core.keyring, self.token.expose()) {
            return Ok(Effect::nothing(refresh(view, token, row).await?));
        }
        let access = match core.live_access(self.token.expose(), view.now()).await {
            Ok(access) => access,
            Err(error @ (OpError::Internal(_) | OpError::Throttled(_))) => return Err(error),
            Err(_) => return Ok(Effect::nothing(Introspection::Inactive)),
        };
        // Of another account, a client hears of what is for it: by its audience, or because it was given to it there.
        let for_it = access.bound.client == row.id || access.claims.aud.contains(&row.app_id);
        if access.facts.account.id != caller.account() && !for_it {
            return Ok(Effect::nothing(Introspection::Inactive));
        }
        let username = match (&access.facts.identity, access.scope.has(Scope::PROFILE)) {
            (Some(identity), true) => Some(identity.name().to_owned()),
            _ => None,
        };
        Ok(Effect::nothing(Introspection::Access { claims: std::sync::Arc::clone(&access.claims), username }))
    }
}

async fn refresh(view: &View<'_>, token: RefreshToken, client: &tegata_store::client::ClientRow) -> Result<Introspection, OpError> {
    let core = view.core();
    let Some(row) = grant::find(&core.store, token.grant).await? else { return Ok(Introspection::Inactive) };
    let bound = Bound::of_bytes(&row.bound).filter(|bound| bound.client == client.id);
    let until = row.used_at.plus(row.idle).min(row.expires_at);
    let usable = row.ended_at.is_none() && row.refreshable && until > view.now() && i64::from(token.number) + 1 >= row.next_refresh;
    let (Some(bound), true) = (bound, usable) else { return Ok(Introspection::Inactive) };
    if standing(core, &bound).await.is_err() {
        return Ok(Introspection::Inactive);
    }
    let scope = crate::client::scope_of(&row.scopes)?;
    Ok(Introspection::Refresh { client_id: client.app_id.clone(), scope, expires_at: until })
}
