//! Which roles a person who has signed in a device may become, as the vendor's single sign-on lists them.

use tegata_model::{RoleId, RoleName};
use tegata_store::role;

use super::AssumeRole;
use crate::{
    Core, LayerKind,
    actions::{Action, TEGATA_LIST_ACCESS_CONFIGURATIONS},
    authz,
    caller::{Caller, Evidence},
    client::CLOUD_SSO,
    error::{CallerKind, DeniedBy, OpError},
    operation::{Effect, Operation},
    principal::Who,
    resource::ResourceName,
    view::View,
};

/// Most roles that are looked at.
const ROLES: u32 = 1000;

/// A role that the person may become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessConfiguration {
    /// Its random id.
    pub id: RoleId,
    /// Its name.
    pub name: RoleName,
    /// What is said of it.
    pub description: String,
}

/// The roles of the person's own account that the person may become now: by its own policies and by the roles' trust. Only tokens of
/// the application for single sign-on may ask.
#[derive(Debug, Clone)]
pub struct ListAccessConfigurations;

impl Operation for ListAccessConfigurations {
    const ACTION: Action = TEGATA_LIST_ACCESS_CONFIGURATIONS;
    type Output = Vec<AccessConfiguration>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Roles { account: caller.evidence.principal().account.number }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Self::Output>, OpError> {
        if !is_single_sign_on(caller) {
            let by = DeniedBy::Layer { layer: LayerKind::Identity, explicit: false };
            return Err(authz::denied(caller, Self::ACTION, &self.resource(caller), by, None));
        }
        let mut found = Vec::new();
        // The owner of an account becomes no role.
        if caller.kind() == CallerKind::Owner {
            return Ok(Effect::nothing(found));
        }
        for row in role::list(&view.core().store, caller.account(), "", ROLES).await? {
            let assume = AssumeRole::plain(caller, row.name.clone())?;
            match assume.admit(view, caller).await {
                Ok(_) => found.push(AccessConfiguration { id: row.id, name: row.name, description: row.description }),
                Err(OpError::Denied(_) | OpError::NotFound(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(Effect::nothing(found))
    }
}

/// True for a token of the application for single sign-on: the one kind of token that may become a role.
pub(crate) fn is_single_sign_on(caller: &Caller) -> bool {
    matches!(&caller.evidence, Evidence::Access(access) if access.bound.client == CLOUD_SSO)
}

impl Core {
    /// The name of the role of the caller's account with this id. Whether the caller may become it is asked where it does.
    pub async fn access_configuration(&self, caller: &Caller, id: RoleId) -> Result<Option<RoleName>, OpError> {
        let found = self.memory.role(&self.store, id).await?.filter(|role| role.account.id == caller.account());
        Ok(found.and_then(|role| if let Who::Role { row, .. } = &role.who { Some(row.name.clone()) } else { None }))
    }
}
