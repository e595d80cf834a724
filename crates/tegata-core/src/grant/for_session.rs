//! An access token for a temporary key: the other way round.
//!
//! A security token proves nothing, since it stands in URLs that people share. What counts is a request that was signed with the secret
//! beside it, for this server, now.

use std::time::Duration;

use tegata_model::{Epoch, SecretKey};
use tegata_oauth::Scope;
use tegata_sign::Scheme;
use tegata_store::{ChangeSet, client::ClientRow, installation::InstallationRow, session};

use super::{
    Bound, Fallen, GrantFailure, IssuedTokens,
    exchange::narrowed,
    standing_for,
    tokens::{Exchanged, NewAccess, exchanged_token},
};
use crate::{
    Core,
    actions::{Action, STS_EXCHANGE_TOKEN},
    audit::Entry,
    authz,
    caller::{Caller, Evidence},
    client::{find_own, installed_as, must_bind_key, official, official_by_app_id, scope_of},
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    token::{Ancestor, Claims, Granted, PolicyClaim},
    view::View,
};

/// How long ago a request may have been signed.
const FRESH: Duration = Duration::from_mins(5);
/// Most that a token may stand on: each exchange adds one.
const MOST_MARKS: usize = 64;

/// Whether a request was signed for this server, now, by a scheme that signs whom it is for.
#[derive(Debug, Clone, Copy)]
pub struct SignedHere(Result<(), &'static str>);

impl SignedHere {
    /// Judges the request of this caller; `hosts` are the names, with ports, under which this server is reached.
    pub fn of(core: &Core, caller: &Caller, hosts: &[&str]) -> Self {
        let Some(verified) = caller.verified() else { return Self(Err("only a signed request can be exchanged")) };
        if verified.scheme() != Scheme::Acs3 {
            return Self(Err("the request must be signed by ACS3, which signs whom it is for"));
        }
        if verified.signed_at().is_none_or(|at| at.distance(core.now()) > FRESH) {
            return Self(Err("the request was signed more than five minutes ago"));
        }
        let here = verified.host().is_some_and(|host| hosts.iter().any(|known| known.eq_ignore_ascii_case(host)));
        Self(if here { Ok(()) } else { Err("the header `host` that was signed is not this server's public name") })
    }
}

impl SignedHere {
    /// Why it does not do, if it does not.
    pub(crate) fn judge(self) -> Result<(), &'static str> {
        self.0
    }
}

/// An access token for the temporary key that signs the request. It speaks for the same user or role, lives no longer, and is under
/// every limit of the key.
#[derive(Debug)]
pub struct ExchangeToken {
    /// For which client, by its public id: one of the caller's account, or the official one where the key came from it.
    pub app_id: String,
    /// Which scopes.
    pub scope: Scope,
    /// The client that will act for the subject, by its public id.
    pub actor: Option<String>,
    /// How the request was signed.
    pub signed: SignedHere,
}

impl Operation for ExchangeToken {
    const ACTION: Action = STS_EXCHANGE_TOKEN;
    type Output = IssuedTokens;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Application { account: caller.evidence.principal().account.number, app_id: self.app_id.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<IssuedTokens>, OpError> {
        let name = self.resource(caller);
        let permit = authz::permit(view, caller, Self::ACTION, &name, &[])?;
        let refused = |failure| OpError::Grant(failure);
        let Evidence::Session(live) = &caller.evidence else {
            return Err(refused(GrantFailure::Subject("only a temporary key can be exchanged for a token")));
        };
        self.signed.0.map_err(|why| refused(GrantFailure::Subject(why)))?;
        let claims = &live.claims;
        if matches!(claims.acting, Ancestor::Client(..)) {
            return Err(refused(GrantFailure::Subject("the key of an app is exchanged for nothing: its tokens come by its credentials")));
        }
        let (client, installation) = installed(view, caller, &self.app_id).await?;
        if must_bind_key(client.id) {
            return Err(refused(GrantFailure::KeyNeeded));
        }
        let mark = Ancestor::Installation(installation.id, installation.epoch);
        let through = claims.granted.as_ref().is_some_and(|granted| granted.client == client.id) && claims.ancestors.contains(&mark);
        // What only the official application holds comes from its own tokens or not at all.
        if official(client.id).is_some() && !through {
            return Err(refused(GrantFailure::NotForYou));
        }
        let mut possible = scope_of(&installation.scopes)?.common(&scope_of(&client.scopes)?);
        if let Some(granted) = &claims.granted {
            possible = possible.common(&Scope::parse(&granted.scope).map_err(OpError::internal)?);
        }
        let scope = narrowed(Some(&self.scope), &possible)?;
        let mut marks = vec![Ancestor::Account(claims.account.0, claims.account.1), mark];
        marks.extend(own_mark(&client));
        marks.push(claims.acting);
        marks.extend(claims.ancestors.iter().copied());
        marks.push(Ancestor::Session(claims.session, Epoch(0)));
        let actor = self.actor(view, caller, claims, &mut marks).await?;
        let mut distinct = Vec::with_capacity(marks.len());
        for mark in marks {
            if !distinct.contains(&mark) {
                distinct.push(mark);
            }
        }
        if distinct.len() > MOST_MARKS {
            return Err(refused(GrantFailure::Subject("the session stands on too much to be exchanged")));
        }
        let bound = Bound { client: client.id, marks: distinct };
        let standing = standing_for(view, caller, &bound).await?;
        // Only what can become a session again needs to know what that would be under.
        let limits = scope.has(Scope::USER_SESSION).then(|| Claims {
            granted: Some(Granted { client: client.id, scope: scope.to_string(), actor: actor.clone() }),
            // The marks of the token are more than these.
            ancestors: Vec::new(),
            ..Claims::clone(claims)
        });
        let latest = Some(claims.expires_at.min(claims.deadline));
        let new = NewAccess { scope: scope.clone(), bound: &bound, latest, auth_time: None, key: None };
        let access = exchanged_token(view, standing, new, Exchanged { actor: actor.clone(), limits }).await?;
        let mut changes = ChangeSet::new(view.now());
        // A policy that rests in a row rests once more, under the id of the token.
        if scope.has(Scope::USER_SESSION)
            && matches!(claims.policy, PolicyClaim::Row)
            && let Some(Some(text)) = view.core().policy_text(claims).await?
        {
            changes.push(session::insert_policy(*access.session.as_bytes(), &text, claims.expires_at));
        }
        let acts = actor.map(|actor| format!(", {actor} acts")).unwrap_or_default();
        let note = Some(format!("token {} of session {} for `{scope}`{acts}", access.session, claims.session));
        let issued = IssuedTokens {
            access_token: SecretKey::new(access.text),
            lifetime: access.lifetime,
            refresh_token: None,
            refresh_lifetime: None,
            id_token: None,
            scope,
            key_bound: false,
        };
        Ok(Effect::with(issued, changes, Entry { by: permit.spend(), note, ..Entry::default() }))
    }
}

impl ExchangeToken {
    /// Who acts for the subject: whoever did so before, or who is named now, and then the token ends with that client too.
    async fn actor(&self, view: &View<'_>, caller: &Caller, claims: &Claims, marks: &mut Vec<Ancestor>) -> Result<Option<String>, OpError> {
        let before = claims.granted.as_ref().and_then(|granted| granted.actor.clone());
        let Some(named) = &self.actor else { return Ok(before) };
        if before.as_ref().is_some_and(|before| before != named) {
            return Err(OpError::Grant(GrantFailure::Subject("another client acts already")));
        }
        let (client, installation) = installed(view, caller, named).await?;
        marks.push(Ancestor::Installation(installation.id, installation.epoch));
        marks.extend(own_mark(&client));
        Ok(Some(client.app_id))
    }
}

/// A client by its public id, with its installation in the account of the caller.
async fn installed(view: &View<'_>, caller: &Caller, app_id: &str) -> Result<(ClientRow, InstallationRow), OpError> {
    let client = match official_by_app_id(app_id) {
        Some(row) => row,
        None => find_own(view, caller, app_id).await?,
    };
    let installation = view.installation(caller.account(), installed_as(&client)).await?;
    Ok((client, installation.ok_or(OpError::Grant(GrantFailure::Fallen(Fallen::Installation)))?))
}

/// The mark of a client that is a row; the official one is code.
fn own_mark(client: &ClientRow) -> Option<Ancestor> {
    official(client.id).is_none().then_some(Ancestor::Client(client.id, client.epoch))
}
