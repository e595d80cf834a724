//! Ask who one is. Needs no permission and has no effect.

use tegata_model::{AccountNumber, PrincipalNumber, RoleName, RoleSessionName, UserName};

use tegata_store::user::UserKind;

use crate::{
    LayerKind,
    actions::{Action, STS_GET_CALLER_IDENTITY},
    authz,
    caller::{Caller, Evidence},
    error::{DeniedBy, OpError},
    operation::{Effect, Operation},
    principal::Who,
    resource::ResourceName,
    view::View,
};

/// Ask who one is.
#[derive(Debug, Clone, Copy)]
pub struct GetCallerIdentity;

/// Who a caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerIdentity {
    /// The owner of an account.
    Owner {
        /// The account.
        account: AccountNumber,
    },
    /// A user.
    User {
        /// Its account.
        account: AccountNumber,
        /// Its name.
        name: UserName,
        /// Its number.
        number: PrincipalNumber,
    },
    /// A session of a role.
    RoleSession {
        /// The role's account.
        account: AccountNumber,
        /// The role.
        role: RoleName,
        /// The role's number.
        role_number: PrincipalNumber,
        /// The session's name.
        session_name: RoleSessionName,
    },
    /// A temporary key of an app.
    App {
        /// The account that it was added to.
        account: AccountNumber,
        /// Its public id.
        app_id: String,
    },
}

impl Operation for GetCallerIdentity {
    const ACTION: Action = STS_GET_CALLER_IDENTITY;
    type Output = CallerIdentity;

    fn resource(&self, _caller: &Caller) -> ResourceName {
        ResourceName::Caller
    }

    async fn decide(&self, _view: &View<'_>, caller: &Caller) -> Result<Effect<CallerIdentity>, OpError> {
        let principal = caller.evidence.principal();
        let account = principal.account.number;
        let identity = match (&principal.who, &caller.evidence) {
            (Who::User(row), _) if row.kind == UserKind::Root => CallerIdentity::Owner { account },
            (Who::User(row), _) => CallerIdentity::User { account, name: row.name.clone(), number: row.number },
            (Who::Role { row, .. }, Evidence::Session(session)) => CallerIdentity::RoleSession {
                account,
                role: row.name.clone(),
                role_number: row.number,
                session_name: session.claims.session_name.clone(),
            },
            (
                Who::Role { .. },
                Evidence::Key(_)
                | Evidence::Token(_)
                | Evidence::Client { .. }
                | Evidence::Access(_)
                | Evidence::Browser(_)
                | Evidence::Org(_)
                | Evidence::Sam(_),
            ) => {
                return Err(OpError::internal("a role is known by its sessions"));
            }
            (Who::Client(row), Evidence::Session(_)) => CallerIdentity::App { account, app_id: row.app_id.clone() },
            // Whoever has only a token is nobody here yet, and a client that shows its secret is nobody's key.
            (Who::Provider(_) | Who::Client(_), _) => {
                let by = DeniedBy::Layer { layer: LayerKind::Identity, explicit: false };
                return Err(authz::denied(caller, Self::ACTION, &ResourceName::Caller, by, None));
            }
        };
        Ok(Effect::nothing(identity))
    }
}
