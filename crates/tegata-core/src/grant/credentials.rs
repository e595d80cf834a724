//! Tokens of a client for itself (RFC 6749 §4.4).

use tegata_model::SecretKey;
use tegata_oauth::Scope;
use tegata_store::{ChangeSet, client::Family, installation};

use super::{
    Bound, Fallen, GrantFailure, IssuedTokens, application, asking, standing,
    tokens::{NewAccess, access_token},
};
use crate::{
    actions::{Action, OAUTH_CLIENT_CREDENTIALS},
    audit::Entry,
    caller::Caller,
    client::scope_of,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    token::Ancestor,
    view::View,
};

/// A token for the client itself. It needs a secret, and to be installed in its own account.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// Which scopes; all that the installation has if nothing is said, but for those that speak of a person.
    pub scope: Option<Scope>,
    /// The thumbprint of the key that the token shall be bound to.
    pub key: Option<String>,
}

impl Operation for ClientCredentials {
    const ACTION: Action = OAUTH_CLIENT_CREDENTIALS;
    type Output = IssuedTokens;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<IssuedTokens>, OpError> {
        let (live, proven) = asking(caller, Self::ACTION, &self.resource(caller))?;
        let row = live.row().ok_or(OpError::Grant(GrantFailure::NotForYou))?;
        if !proven {
            return Err(OpError::Grant(GrantFailure::Unproven));
        }
        if row.family == Family::OrgApp {
            return Err(OpError::Grant(GrantFailure::NotForYou));
        }
        let account = &live.principal.account;
        let fallen = || OpError::Grant(GrantFailure::Fallen(Fallen::Installation));
        let installation = view.installation(account.id, row.id).await?.ok_or_else(fallen)?;
        let bound = Bound {
            client: row.id,
            marks: vec![
                Ancestor::Account(account.id, account.epoch),
                Ancestor::Client(row.id, row.epoch),
                Ancestor::Installation(installation.id, installation.epoch),
            ],
        };
        let standing = standing(view.core(), &bound).await?;
        // Scopes that speak of a person say nothing of a client.
        let own = |scope: Scope| scope.words().filter(|word| *word != Scope::OPENID).map(ToOwned::to_owned).collect::<Vec<_>>();
        let granted = scope_of(&own(scope_of(&installation.scopes)?.common(&scope_of(&row.scopes)?)))?;
        let scope = match &self.scope {
            None => granted,
            Some(asked) if asked.within(&granted) => asked.clone(),
            Some(asked) => {
                let first = asked.words().find(|word| !granted.has(word)).unwrap_or_default();
                return Err(OpError::Grant(GrantFailure::Scope(first.to_owned())));
            }
        };
        let new = NewAccess { scope: scope.clone(), bound: &bound, latest: None, auth_time: None, key: self.key.clone() };
        let access = access_token(view, standing, new).await?;
        let entry = Entry { note: Some(format!("token {} for `{scope}`", access.session)), ..Entry::default() };
        let issued = IssuedTokens {
            access_token: SecretKey::new(access.text),
            lifetime: access.lifetime,
            refresh_token: None,
            refresh_lifetime: None,
            id_token: None,
            scope,
            key_bound: self.key.is_some(),
        };
        Ok(Effect::with(issued, ChangeSet::new(view.now()), entry))
    }
}

impl View<'_> {
    /// The installation of a client in an account, noted as read.
    pub(crate) async fn installation(
        &self,
        account: tegata_model::AccountId,
        client: tegata_model::ClientId,
    ) -> Result<Option<installation::InstallationRow>, OpError> {
        let row = installation::find_by_client(&self.core().store, account, client).await?;
        if let Some(row) = &row {
            self.note(&[crate::view::Read::Installation(row.id, row.generation)]);
        }
        Ok(row)
    }
}
