//! Users by what else they are known by: their public number, or one of their keys.
//!
//! Whoever may not see a user must not learn by such a handle that it exists, or how it is called. So permission is asked on the name
//! once it is found, and a refusal speaks of all users, as it does where nothing was found.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicBool, Ordering},
};

use tegata_model::{AccessKeyId, PrincipalNumber, UserName};
use tegata_store::{
    access_key,
    user::{self, UserKind, UserRow},
};

use super::{own, user_name};
use crate::{
    Core,
    actions::Action,
    authz,
    caller::Caller,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// What a user of the caller's account is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserHandle {
    /// Its name.
    Name(UserName),
    /// Its public number.
    Number(PrincipalNumber),
    /// One of its access keys.
    Key(AccessKeyId),
}

/// Performs an operation on the user that a handle speaks of. Users and keys of other accounts are as absent as those that never were.
pub async fn on_user<O: Operation>(
    core: &Core,
    caller: &Caller,
    handle: UserHandle,
    operation: impl FnOnce(UserName) -> O,
) -> Result<O::Output, OpError> {
    let store = &core.store;
    let (found, missing) = match handle {
        UserHandle::Name(name) => return core.perform(caller, &operation(name)).await,
        UserHandle::Number(number) => {
            let name = number.to_string().parse().map_err(OpError::internal)?;
            (user::find_by_number(store, caller.account(), number).await?, user_name(caller, &name))
        }
        UserHandle::Key(key_id) => {
            let key = access_key::find(store, key_id.as_str()).await?.filter(|key| key.account_id == caller.account());
            let holder = match key {
                Some(key) => user::find(store, key.user_id).await?,
                None => None,
            };
            let of = Box::new(ResourceName::Users { account: own(caller) });
            (holder.filter(|row| row.kind == UserKind::Member), ResourceName::AccessKey { of, key_id })
        }
    };
    match found {
        Some(row) => {
            let operation = operation(row.name.clone());
            core.perform(caller, &OnFound { operation, row, known: AtomicBool::new(false) }).await
        }
        None => core.perform(caller, &OnNobody::<O> { missing, operation: PhantomData }).await,
    }
}

/// An operation on a user that was found by something else than its name.
struct OnFound<O> {
    operation: O,
    row: UserRow,
    /// Whether the caller may know how the user is called: until then, records speak of all users.
    known: AtomicBool,
}

impl<O: Operation> Operation for OnFound<O> {
    const ACTION: Action = O::ACTION;
    type Output = O::Output;

    fn resource(&self, caller: &Caller) -> ResourceName {
        if self.known.load(Ordering::Relaxed) { self.operation.resource(caller) } else { ResourceName::Users { account: own(caller) } }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<O::Output>, OpError> {
        self.known.store(false, Ordering::Relaxed);
        let decided = self.operation.decide(view, caller).await;
        if let Err(OpError::Denied(_)) = &decided {
            // The refusal of what is not there.
            authz::permit(view, caller, O::ACTION, &ResourceName::Users { account: own(caller) }, &[])?;
        }
        self.known.store(true, Ordering::Relaxed);
        let effect = decided?;
        // The name may be somebody else's by now. The operation has noted whom it found by it as read.
        let named = user::find_by_name(&view.core().store, caller.account(), &self.row.name.folded()).await?;
        if named.is_none_or(|named| named.id != self.row.id) {
            return Err(OpError::NotFound(user_name(caller, &self.row.name)));
        }
        Ok(effect)
    }
}

/// An operation on a user that is not there.
struct OnNobody<O> {
    missing: ResourceName,
    operation: PhantomData<fn() -> O>,
}

impl<O: Operation> Operation for OnNobody<O> {
    const ACTION: Action = O::ACTION;
    type Output = O::Output;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Users { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<O::Output>, OpError> {
        authz::permit(view, caller, O::ACTION, &self.resource(caller), &[])?;
        Err(OpError::NotFound(self.missing.clone()))
    }
}
