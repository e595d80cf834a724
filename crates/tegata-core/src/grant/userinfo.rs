//! What a token lets a client know of its person (OpenID Connect Core 1.0 §5.3).

use serde_json::{Map, Value};
use tegata_oauth::Scope;

use super::{GrantFailure, application, tokens};
use crate::{
    LayerKind,
    actions::{Action, OAUTH_USER_INFO},
    authz,
    caller::{Caller, Evidence},
    error::{DeniedBy, OpError},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Ask of whom an access token speaks.
#[derive(Debug, Clone, Copy)]
pub struct UserInfo;

/// Of whom an access token speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct UserInfoReply {
    /// The random id.
    pub subject: String,
    /// What the scopes let the client know besides.
    pub about: Map<String, Value>,
}

impl Operation for UserInfo {
    const ACTION: Action = OAUTH_USER_INFO;
    type Output = UserInfoReply;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, _view: &View<'_>, caller: &Caller) -> Result<Effect<UserInfoReply>, OpError> {
        let Evidence::Access(access) = &caller.evidence else {
            let by = DeniedBy::Layer { layer: LayerKind::Identity, explicit: false };
            return Err(authz::denied(caller, Self::ACTION, &self.resource(caller), by, None));
        };
        let Some(identity) = access.facts.identity.as_deref().filter(|_| access.scope.has(Scope::OPENID)) else {
            return Err(OpError::Grant(GrantFailure::Insufficient(Scope::OPENID)));
        };
        Ok(Effect::nothing(UserInfoReply { subject: tokens::subject(&access.facts), about: tokens::about(identity, &access.scope) }))
    }
}
