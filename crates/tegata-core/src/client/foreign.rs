//! Applications of other accounts: let in where an account says so, and only those that are offered to others.

use tegata_model::AccountId;
use tegata_store::{
    account,
    application_policy::{self, ApplicationPolicyRow},
    client::{ClientRow, Family},
};

use super::{changes, done, own};
use crate::{
    Core,
    actions::{Action, TEGATA_GET_APPLICATION_POLICY, TEGATA_SET_APPLICATION_POLICY},
    authz,
    caller::Caller,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::{Read, View},
};

/// Which applications an account lets in besides its own and the official one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ApplicationPolicy {
    /// Whether applications of other accounts may be installed, and used where they are: not, unless the account says so.
    pub foreign: bool,
}

impl ApplicationPolicy {
    pub(crate) async fn of(core: &Core, account: AccountId) -> Result<Self, OpError> {
        let row = application_policy::find(&core.store, account).await?;
        Ok(row.map_or_else(Self::default, |row| Self { foreign: row.foreign }))
    }
}

/// True for an application of another account than this one: not for the official one, which belongs to none.
pub(crate) fn is_foreign(client: &ClientRow, account: AccountId) -> bool {
    super::official(client.id).is_none() && client.account_id != account && client.family == Family::Application
}

/// The publisher of an application of another account, if everything lets the application in at this account now: the account itself,
/// the publisher, who offers it to others, and the publisher being there. As a read for whatever is decided by it.
pub(crate) async fn let_in(core: &Core, client: &ClientRow, account: AccountId) -> Result<Option<Read>, OpError> {
    if !client.multi_tenant || !client.status.is_active() || !ApplicationPolicy::of(core, account).await?.foreign {
        return Ok(None);
    }
    let publisher = account::find(&core.store, client.account_id).await?.filter(|row| row.status.is_active());
    Ok(publisher.map(|row| Read::Account(row.id, row.generation)))
}

/// Read whether applications of other accounts are let in.
#[derive(Debug, Clone)]
pub struct DescribeApplicationPolicy;

impl Operation for DescribeApplicationPolicy {
    const ACTION: Action = TEGATA_GET_APPLICATION_POLICY;
    type Output = ApplicationPolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<ApplicationPolicy>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(ApplicationPolicy::of(view.core(), caller.account()).await?))
    }
}

/// Say whether applications of other accounts are let in. Those that are installed stay so; while it is off they get nothing, and what
/// they got counts for nothing.
#[derive(Debug, Clone)]
pub struct SetApplicationPolicy {
    /// Whether they are.
    pub foreign: bool,
}

impl Operation for SetApplicationPolicy {
    const ACTION: Action = TEGATA_SET_APPLICATION_POLICY;
    type Output = ApplicationPolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<ApplicationPolicy>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let mut changes = changes(view, caller);
        let row = ApplicationPolicyRow { account_id: caller.account(), foreign: self.foreign, updated_at: view.now() };
        changes.extend(application_policy::set(&row));
        Ok(done(ApplicationPolicy { foreign: self.foreign }, changes, permit))
    }
}
