//! Whether a grant still stands: the one place that every grant and every introspection asks.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tegata_model::{AccountId, ClientId, InstallationId, UserId};
use tegata_store::{
    account::{self, AccountRow},
    client::{self as clients, ClientRow},
    installation::{self, AssignmentMode, Identity, InstallationRow},
    login_profile,
};

use super::{Fallen, GrantFailure};
use crate::{
    Core,
    client::official,
    error::OpError,
    principal::{Principal, Stamps, Who},
    token::Ancestor,
    view::Read,
};

/// What a token or a grant stands on: the client it was given to, and everybody who can end it, each with the epoch it had.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Bound {
    pub(crate) client: ClientId,
    pub(crate) marks: Vec<Ancestor>,
}

impl Bound {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    pub(crate) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_bytes())
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        Self::of_bytes(&URL_SAFE_NO_PAD.decode(text).ok()?)
    }

    pub(crate) fn account(&self) -> Option<AccountId> {
        self.marks.iter().find_map(|mark| if let Ancestor::Account(id, _) = mark { Some(*id) } else { None })
    }

    fn installation(&self) -> Option<InstallationId> {
        self.marks.iter().find_map(|mark| if let Ancestor::Installation(id, _) = mark { Some(*id) } else { None })
    }

    /// The role that acts, else the user; nobody where the client speaks for itself.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let role = self.marks.iter().find_map(|mark| if let Ancestor::Role(id, _) = mark { Some(Identity::Role(*id)) } else { None });
        role.or_else(|| self.marks.iter().find_map(|mark| if let Ancestor::User(id, _) = mark { Some(Identity::User(*id)) } else { None }))
    }

    /// The person who signed in.
    fn person(&self) -> Option<UserId> {
        self.marks.iter().find_map(|mark| if let Ancestor::User(id, _) = mark { Some(*id) } else { None })
    }

    /// Which of its marks says who acts.
    pub(crate) fn acting(&self) -> Option<Ancestor> {
        let role = self.marks.iter().find(|mark| matches!(mark, Ancestor::Role(..)));
        role.or_else(|| self.marks.iter().find(|mark| matches!(mark, Ancestor::User(..)))).copied()
    }
}

/// What was found where a grant stands.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) account: AccountRow,
    pub(crate) client: ClientRow,
    /// Who acts; nobody where the client speaks for itself.
    pub(crate) identity: Option<Arc<Principal>>,
    pub(crate) reads: Vec<Read>,
    pub(crate) stamps: Stamps,
}

/// Evidence that a grant stands: account, identity, client, installation, assignment, consent. Spent on one token.
#[derive(Debug)]
pub(crate) struct Standing(Arc<Facts>);

impl Standing {
    pub(crate) fn facts(&self) -> &Facts {
        &self.0
    }

    /// Spends it.
    pub(crate) fn spend(self) -> Arc<Facts> {
        self.0
    }
}

fn fallen(what: Fallen) -> OpError {
    OpError::Grant(GrantFailure::Fallen(what))
}

/// Asks whether everything that a grant stands on still stands. What was found is remembered while nothing of the account changes.
pub(crate) async fn standing(core: &Core, bound: &Bound) -> Result<Standing, OpError> {
    if let Some(known) = core.memory.standings.get(bound)
        && known.stamps.current(&core.store)
    {
        return Ok(Standing(known));
    }
    let found = Arc::new(look(core, bound).await?);
    core.memory.standings.insert(bound.clone(), Arc::clone(&found));
    Ok(Standing(found))
}

async fn look(core: &Core, bound: &Bound) -> Result<Facts, OpError> {
    let store = &core.store;
    let account_id = bound.account().ok_or_else(|| fallen(Fallen::Account))?;
    let mut stamps = Stamps::default();
    stamps.note(store, account_id);
    let mut reads = Vec::with_capacity(bound.marks.len() + 8);
    for mark in &bound.marks {
        let read = core.ancestor(mark, &mut stamps).await?.ok_or_else(|| fallen(fallen_of(mark)))?;
        reads.push(read);
    }
    let account = account::find(store, account_id).await?.ok_or_else(|| fallen(Fallen::Account))?;
    let client = match official(bound.client) {
        Some(row) => row,
        None => clients::find(store, bound.client).await?.ok_or_else(|| fallen(Fallen::Client))?,
    };
    // A token always names the installation it came through; without one it comes through none.
    let installation_id = bound.installation().ok_or_else(|| fallen(Fallen::Installation))?;
    let installation = installation::find(store, installation_id).await?.ok_or_else(|| fallen(Fallen::Installation))?;
    let fits = installation.account_id == account_id && installation.client_id == crate::client::installed_as(&client);
    if !client.status.is_active() || !fits {
        return Err(fallen(if fits { Fallen::Client } else { Fallen::Installation }));
    }
    // Whoever may not sign in has nothing from signing in, as a role neither.
    if let Some(person) = bound.person()
        && !may_sign_in(core, person).await?
    {
        return Err(fallen(Fallen::Identity));
    }
    let identity = match bound.identity() {
        None => None,
        Some(who) => {
            let principal = match who {
                Identity::User(id) => core.memory.user(store, id).await?,
                Identity::Role(id) => core.memory.role(store, id).await?,
            };
            let principal = principal.filter(|found| found.is_active()).ok_or_else(|| fallen(Fallen::Identity))?;
            stamps.merge(&principal.stamps);
            check_assignment(core, &client, &installation, &principal, who).await?;
            Some(principal)
        }
    };
    Ok(Facts { account, client, identity, reads, stamps })
}

/// True unless what the user signs in with is switched off.
pub(crate) async fn may_sign_in(core: &Core, user: UserId) -> Result<bool, OpError> {
    Ok(login_profile::find(&core.store, user).await?.is_none_or(|profile| profile.status.is_active()))
}

/// Official applications are for those who are assigned; the owner of an account always is. Others are for everybody.
pub(crate) async fn check_assignment(
    core: &Core,
    client: &ClientRow,
    installation: &InstallationRow,
    principal: &Principal,
    who: Identity,
) -> Result<(), OpError> {
    let free = official(client.id).is_none() || installation.mode == AssignmentMode::All;
    let owner = matches!(principal.who, Who::User(_)) && principal.is_owner();
    if free || owner || installation::is_assigned(&core.store, installation.id, who).await? {
        return Ok(());
    }
    Err(fallen(Fallen::Assignment))
}

fn fallen_of(mark: &Ancestor) -> Fallen {
    match mark {
        Ancestor::Account(..) => Fallen::Account,
        Ancestor::User(..) | Ancestor::Role(..) | Ancestor::OidcProvider(..) | Ancestor::Login(..) => Fallen::Identity,
        Ancestor::Client(..) => Fallen::Client,
        Ancestor::Installation(..) => Fallen::Installation,
        Ancestor::Grant(..) => Fallen::Grant,
        Ancestor::Consent(_) => Fallen::Consent,
        Ancestor::Session(..) | Ancestor::Key(..) | Ancestor::AuthKey(_) => Fallen::Session,
    }
}
