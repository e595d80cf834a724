//! The name of an account. Every account has one from birth; without another it is the account's number.

use tegata_model::{AccountAlias, AccountNumber};
use tegata_store::account;

use super::{changes, done, own, settings};
use crate::{
    actions::{
        Action, RAM_CLEAR_ACCOUNT_ALIAS, RAM_GET_ACCOUNT_ALIAS, RAM_GET_DEFAULT_DOMAIN, RAM_SET_ACCOUNT_ALIAS, RAM_SET_DEFAULT_DOMAIN,
    },
    authz::{self, Permit},
    caller::Caller,
    error::{Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// What an account is called before it is given a name: its number.
pub(crate) fn unnamed(number: AccountNumber) -> Result<AccountAlias, OpError> {
    AccountAlias::new(&number.to_string()).map_err(OpError::internal)
}

/// True if a name looks like the number of an account, which only that account may be called by.
pub(crate) fn is_number(alias: &AccountAlias) -> bool {
    alias.as_str().len() == 16 && alias.as_str().bytes().all(|byte| byte.is_ascii_digit())
}

/// Whoever remembers anything of the account reads again: the change touches it.
async fn rename(view: &View<'_>, caller: &Caller, alias: &AccountAlias, permit: Permit) -> Result<Effect<()>, OpError> {
    let taken = account::find_by_alias(&view.core().store, alias).await?;
    if taken.is_some_and(|row| row.id != caller.account()) {
        return Err(OpError::Exists(ResourceName::Account(alias.clone())));
    }
    let mut changes = changes(view, caller);
    // Whoever takes the name meanwhile makes the statement find no row, so this decides again.
    changes.push(account::set_alias(caller.account(), alias));
    Ok(done((), changes, permit))
}

/// A name as people choose it.
async fn choose(view: &View<'_>, caller: &Caller, alias: &AccountAlias, permit: Permit) -> Result<Effect<()>, OpError> {
    let refused = |rule| Err(OpError::invalid(Input::AccountAlias, ProblemKind::Malformed, rule));
    if alias.as_str().contains("--") {
        return refused("hyphens of an account alias stand alone");
    }
    if is_number(alias) && *alias != unnamed(own(caller))? {
        return refused("a name of 16 digits would be taken for the number of an account");
    }
    rename(view, caller, alias, permit).await
}

/// Name one's account.
#[derive(Debug, Clone)]
pub struct SetAccountAlias {
    /// The name: unique on this server.
    pub alias: AccountAlias,
}

impl Operation for SetAccountAlias {
    const ACTION: Action = RAM_SET_ACCOUNT_ALIAS;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        settings(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        choose(view, caller, &self.alias, permit).await
    }
}

/// Name one's account, by the domain that its users sign in at.
#[derive(Debug, Clone)]
pub struct SetDefaultDomain {
    /// The name that the domain begins with: unique on this server.
    pub alias: AccountAlias,
}

impl Operation for SetDefaultDomain {
    const ACTION: Action = RAM_SET_DEFAULT_DOMAIN;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        settings(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        choose(view, caller, &self.alias, permit).await
    }
}

/// Read the name that the domain begins with at which the users of one's account sign in.
#[derive(Debug, Clone)]
pub struct DescribeDefaultDomain;

impl Operation for DescribeDefaultDomain {
    const ACTION: Action = RAM_GET_DEFAULT_DOMAIN;
    type Output = AccountAlias;

    fn resource(&self, caller: &Caller) -> ResourceName {
        settings(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<AccountAlias>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(caller.account_alias().clone()))
    }
}

/// Read how one's account is named.
#[derive(Debug, Clone)]
pub struct DescribeAccountAlias;

impl Operation for DescribeAccountAlias {
    const ACTION: Action = RAM_GET_ACCOUNT_ALIAS;
    type Output = AccountAlias;

    fn resource(&self, caller: &Caller) -> ResourceName {
        settings(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<AccountAlias>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(caller.account_alias().clone()))
    }
}

/// Name one's account by its number again.
#[derive(Debug, Clone)]
pub struct ClearAccountAlias;

impl Operation for ClearAccountAlias {
    const ACTION: Action = RAM_CLEAR_ACCOUNT_ALIAS;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        settings(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        rename(view, caller, &unnamed(own(caller))?, permit).await
    }
}
