//! Become a role for a while, by the word of an OpenID provider.

use std::time::Duration;

use tegata_model::{AccountNumber, RoleName, RoleSessionName};
use tegata_oauth::Claims;

use super::assume_role::{SHORTEST, check_policy, lifetime};
use crate::{
    LayerKind,
    actions::{Action, STS_ASSUME_ROLE, STS_ASSUME_ROLE_WITH_OIDC},
    authz,
    caller::{Caller, Evidence},
    error::{DeniedBy, OpError},
    mint::{self, NewSession, TemporaryCredential},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Become a role for a while, by a token of an OpenID provider of the role's account. Only the role's trust policy decides: whoever
/// comes from outside has no policies here.
#[derive(Debug, Clone)]
pub struct AssumeRoleWithOidc {
    /// The account of the role.
    pub account: AccountNumber,
    /// The role.
    pub role: RoleName,
    /// What to call the session.
    pub session_name: RoleSessionName,
    /// How long it shall live.
    pub lifetime: Option<Duration>,
    /// A policy that narrows the role for this session, as text.
    pub policy: Option<String>,
}

/// A temporary credential, and what the token said of whom it was given to.
#[derive(Debug)]
pub struct FederatedCredential {
    /// The credential.
    pub credential: TemporaryCredential,
    /// The claims of the token.
    pub token: Claims,
}

impl Operation for AssumeRoleWithOidc {
    const ACTION: Action = STS_ASSUME_ROLE_WITH_OIDC;
    type Output = FederatedCredential;

    fn resource(&self, _caller: &Caller) -> ResourceName {
        ResourceName::Role { account: self.account, name: self.role.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<FederatedCredential>, OpError> {
        let name = self.resource(caller);
        let untrusted =
            || authz::denied(caller, STS_ASSUME_ROLE, &name, DeniedBy::Layer { layer: LayerKind::Trust, explicit: false }, None);
        // Whoever has a key of this server asks with it, and needs the permission of its own policies too.
        let Evidence::Token(token) = &caller.evidence else { return Err(untrusted()) };
        check_policy(view, self.policy.as_deref())?;
        let account = view.account_by_number(self.account).await?.filter(|account| account.id == caller.account());
        let role = match &account {
            Some(account) => view.role(account.id, &self.role).await?.filter(|role| role.is_active()),
            None => None,
        };
        // A role that is absent, switched off or of another account answers as one that trusts others.
        let role = role.ok_or_else(untrusted)?;
        let trusted = authz::trust(view, caller, STS_ASSUME_ROLE, &name, &role, &[])?;
        let deadline = mint::deadline(view, caller);
        if view.now().plus(SHORTEST) > deadline {
            return Err(authz::denied(caller, STS_ASSUME_ROLE, &name, DeniedBy::ChainEnded, None));
        }
        let expires_at = view.now().plus(lifetime(&trusted, self.lifetime)?).min(deadline);
        let admitted = trusted.alone(caller).ok_or_else(untrusted)?;
        let policy = self.policy.as_deref();
        let new = NewSession { name: &self.session_name, expires_at, deadline, source_identity: None, policy };
        let claims = token.verified.claims().clone();
        Ok(mint::role_session(view, caller, admitted, new)?.map(|credential| FederatedCredential { credential, token: claims }))
    }
}
