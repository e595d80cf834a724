//! Whom a user trusts to go on in its name.

use std::sync::Arc;

use crate::{
    LayerKind,
    actions::Action,
    authz::{self, Trusted},
    caller::Caller,
    error::{DeniedBy, OpError},
    principal::Principal,
    resource::ResourceName,
    view::View,
};

/// Asks a user's trust policy for the caller.
pub(crate) fn trusts(
    _view: &View<'_>,
    caller: &Caller,
    action: Action,
    target: &ResourceName,
    _user: &Arc<Principal>,
) -> Result<Trusted, OpError> {
    Err(authz::denied(caller, action, target, DeniedBy::Layer { layer: LayerKind::Trust, explicit: false }, None))
}
