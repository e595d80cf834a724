//! Grants: what clients get tokens for, and what ends them.
//!
//! | module | what |
//! |---|---|
//! | `standing` | the one question that every grant and every introspection asks |
//! | `tokens` | what tokens say, and how refresh tokens are spelled |
//! | `credentials`, `redeem`, `refresh` | how a client gets tokens: for itself, for a code, for a refresh token |
//! | `introspect`, `revoke`, `userinfo` | what is done with tokens |
//! | `organisation` | access tokens for organisations |
//! | `device` | devices that wait for a person elsewhere |
//! | `exchange` | a temporary key for a token |
//! | `for_session`, `under` | a token for a temporary key, and the limits that it keeps |
//! | `failure` | why a grant yields nothing |

mod credentials;
mod device;
mod exchange;
mod failure;
mod for_session;
mod introspect;
mod organisation;
mod redeem;
mod refresh;
mod revoke;
pub(crate) mod standing;
pub(crate) mod tokens;
pub(crate) mod under;
mod userinfo;

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{GrantId, Timestamp};
use tegata_store::{
    ChangeSet, CommitError,
    grant::{self, GrantRow},
};

pub use credentials::ClientCredentials;
pub use device::{BeginDevice, BegunDevice, RedeemDeviceCode};
pub(crate) use device::{network_of, plain_user_code, shown_user_code};
pub use exchange::{ExchangeForSession, ExchangeSubject, UserCredential};
pub use failure::{Fallen, GrantFailure};
pub use for_session::{ExchangeToken, SignedHere};
pub use introspect::{Introspect, Introspection};
pub use organisation::{
    IntrospectOrganisationToken, Narrowed, OrganisationIntrospection, OrganisationToken, OrganisationTokens, RedeemApiToken,
    RevokeOrganisationToken, user_of_uuid, uuid,
};
pub use redeem::RedeemCode;
pub use refresh::RefreshGrant;
pub use revoke::Revoke;
pub(crate) use standing::{Acting, Bound, Facts, standing, standing_for};
pub use tokens::IssuedTokens;
pub(crate) use tokens::RefreshToken;
pub use userinfo::{UserInfo, UserInfoReply};

use crate::{
    Core, LayerKind,
    actions::Action,
    audit::Entry,
    authz,
    caller::{Caller, Evidence},
    error::{DeniedBy, OpError},
    principal::LiveClient,
    resource::ResourceName,
    view::View,
};

/// The hash under which a code rests.
pub(crate) fn hash_of(code: &str) -> Vec<u8> {
    digest(&SHA256, code.as_bytes()).as_ref().to_vec()
}

/// The client that asks. Whoever asks by another proof is refused as by policy.
fn asking<'a>(caller: &'a Caller, action: Action, resource: &ResourceName) -> Result<(&'a LiveClient, bool), OpError> {
    match &caller.evidence {
        Evidence::Client { client, shown } => Ok((client, shown.is_some())),
        Evidence::Key(_) | Evidence::Session(_) | Evidence::Token(_) | Evidence::Access(_) | Evidence::Browser(_) | Evidence::Org(_) => {
            let by = DeniedBy::Layer { layer: LayerKind::Identity, explicit: false };
            Err(authz::denied(caller, action, resource, by, None))
        }
    }
}

/// The application that a caller is, or whose token it shows.
fn application(caller: &Caller) -> ResourceName {
    let account = caller.evidence.principal().account.number;
    match &caller.evidence {
        Evidence::Client { client, .. } => match client.row() {
            Some(row) => ResourceName::Application { account, app_id: row.app_id.clone() },
            None => ResourceName::Applications { account },
        },
        Evidence::Access(access) => ResourceName::Application { account, app_id: access.claims.client_id.clone() },
        Evidence::Org(org) => ResourceName::Application { account, app_id: org.facts.client.app_id.clone() },
        Evidence::Key(_) | Evidence::Session(_) | Evidence::Token(_) | Evidence::Browser(_) => ResourceName::Applications { account },
    }
}

/// The grant, if it has not run out.
async fn find_grant(view: &View<'_>, id: GrantId) -> Result<GrantRow, OpError> {
    let row = grant::find(&view.core().store, id).await?.ok_or(OpError::Grant(GrantFailure::Fallen(Fallen::Grant)))?;
    if row.ended_at.is_some() {
        return Err(OpError::Grant(GrantFailure::Fallen(Fallen::Grant)));
    }
    if row.expires_at <= view.now() {
        return Err(OpError::Grant(GrantFailure::Expired));
    }
    Ok(row)
}

impl Core {
    /// Performs an operation on a grant. Where it finds that a code or refresh token was used by somebody else before, the grant is
    /// over: that is an effect of its own, with its own row.
    pub async fn perform_grant<O: crate::Operation>(&self, caller: &Caller, operation: &O) -> Result<O::Output, OpError> {
        let result = self.perform(caller, operation).await;
        if let Err(OpError::Grant(GrantFailure::CodeUsed(id) | GrantFailure::RefreshReused(id))) = &result {
            let note = "a code or refresh token came a second time: the grant is over";
            self.end_grant(caller, O::ACTION, *id, note).await?;
        }
        result
    }

    async fn end_grant(&self, caller: &Caller, action: Action, id: GrantId, note: &str) -> Result<(), OpError> {
        let now: Timestamp = self.now();
        let mut changes = ChangeSet::new(now);
        changes.push(grant::end(id, now));
        changes.touch(caller.account());
        let entry = Entry { note: Some(format!("{note} ({id})")), ..Entry::default() };
        changes.extend(self.recorder.effect(now, caller, action, &application(caller), entry));
        match self.store.commit(changes).await {
            Ok(()) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }
}
