//! What an account is called as an operator.

use tegata_model::{OperatorId, Timestamp};
use tegata_store::user;

use crate::{
    actions::{Action, SAM_GET_OPERATOR},
    authz,
    caller::Caller,
    directory::own,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// What may be said of an account to those who know it as an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Its operator id.
    pub id: OperatorId,
    /// The operator above it; its own id where there is none.
    pub root: OperatorId,
    /// What its owner signs in with.
    pub email: String,
    /// Its name.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner was last changed.
    pub updated_at: Timestamp,
}

/// Read what one's account is called as an operator.
#[derive(Debug, Clone)]
pub struct DescribeOperator;

impl Operation for DescribeOperator {
    const ACTION: Action = SAM_GET_OPERATOR;
    type Output = Operator;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Operator>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let account = &caller.evidence.principal().account;
        let root = user::find_root(&view.core().store, account.id).await?;
        let updated_at = root.as_ref().map_or(account.created_at, |root| root.updated_at);
        Ok(Effect::nothing(Operator {
            id: account.operator_id.clone(),
            root: account.operator_id.clone(),
            email: root.and_then(|root| root.login).unwrap_or_default(),
            description: account.alias.to_string(),
            created_at: account.created_at,
            updated_at,
        }))
    }
}
