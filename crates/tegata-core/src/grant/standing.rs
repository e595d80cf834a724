//! Whether a grant still stands: the one place that every grant and every introspection asks.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tegata_model::{AccountId, ApiTokenId, ClientId, InstallationId, UserId};
use tegata_store::{
    account::{self, AccountRow},
    browser_session,
    client::{self as clients, ClientRow},
    grant,
    installation::{self, AssignmentMode, Identity, InstallationRow},
    login_profile,
};

use super::{Fallen, GrantFailure};
use crate::{
    Core, authz,
    caller::Caller,
    client::{api_tokens, is_foreign, let_in, official},
    error::OpError,
    principal::{Principal, Stamps, Who},
    token::Ancestor,
    view::{Read, View},
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

    pub(crate) fn installation(&self) -> Option<InstallationId> {
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

    /// The API token that it came of: what a user gave itself, through no client.
    pub(crate) fn api_token(&self) -> Option<ApiTokenId> {
        self.marks.iter().find_map(|mark| if let Ancestor::ApiToken(id) = mark { Some(*id) } else { None })
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
    /// The person behind a role, where the grant was born in one.
    pub(crate) acting: Option<Acting>,
    pub(crate) reads: Vec<Read>,
    pub(crate) stamps: Stamps,
}

/// A person who acts as a role at a browser: the role has to go on trusting it.
#[derive(Debug)]
pub(crate) struct Acting {
    person: Arc<Principal>,
    role: Arc<Principal>,
    second_factor: bool,
}

impl Acting {
    /// Who acts as a role, if what has these marks was born so.
    pub(crate) async fn find(core: &Core, marks: &[Ancestor]) -> Result<Option<Self>, OpError> {
        let store = &core.store;
        let Some(id) = marks.iter().find_map(|mark| if let Ancestor::Grant(id, _) = mark { Some(*id) } else { None }) else {
            return Ok(None);
        };
        let Some(row) = grant::find(store, id).await? else { return Err(fallen(Fallen::Grant)) };
        // Of several roles in a chain, the one that the grant was given to.
        let of_grant = |mark: &Ancestor| {
            if let Ancestor::Role(id, _) = mark { Some(*id).filter(|id| *id.as_bytes() == row.identity_id) } else { None }
        };
        let Some(role) = marks.iter().find_map(of_grant) else { return Ok(None) };
        let person = marks.iter().find_map(|mark| if let Ancestor::User(id, _) = mark { Some(*id) } else { None });
        let person = match person {
            Some(id) => core.memory.user(store, id).await?,
            None => None,
        };
        let person = person.filter(|person| person.is_active()).ok_or_else(|| fallen(Fallen::Identity))?;
        let role = core.memory.role(store, role).await?.filter(|role| role.is_active()).ok_or_else(|| fallen(Fallen::Identity))?;
        let mut second_factor = false;
        for mark in marks {
            if let Ancestor::Session(session, _) = mark
                && let Some(browser) = browser_session::find_by_acting(store, *session).await?
            {
                second_factor = browser.second_factor;
            }
        }
        let found = Self { person, role, second_factor };
        if found.could() { Ok(Some(found)) } else { Err(fallen(Fallen::Trust)) }
    }

    /// Whether the role trusts the person under some circumstances.
    fn could(&self) -> bool {
        authz::still_trusts(&self.role, &self.person, None, self.second_factor)
    }

    /// Everything it was read from.
    pub(crate) fn noted_in(&self, stamps: &mut Stamps) {
        stamps.merge(&self.person.stamps);
        stamps.merge(&self.role.stamps);
    }
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

/// The same where something is given out on it: a role that a person acts as is asked, for the request of this caller, whether it
/// trusts the person.
pub(crate) async fn standing_for(view: &View<'_>, caller: &Caller, bound: &Bound) -> Result<Standing, OpError> {
    let standing = standing(view.core(), bound).await?;
    if let Some(acting) = &standing.facts().acting
        && !authz::still_trusts(&acting.role, &acting.person, Some((&caller.meta, view.now())), acting.second_factor)
    {
        return Err(fallen(Fallen::Trust));
    }
    Ok(standing)
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
    let of_user = bound.api_token().is_some();
    let client = match official(bound.client) {
        Some(row) => row,
        None if of_user => api_tokens(),
        None => clients::find(store, bound.client).await?.ok_or_else(|| fallen(Fallen::Client))?,
    };
    let client = if of_user || !is_foreign(&client, account_id) {
        client
    } else {
        // Its publisher's account can end it too. What is read of that account is read after its stamp was noted.
        stamps.note(store, client.account_id);
        let again = clients::find(store, bound.client).await?.ok_or_else(|| fallen(Fallen::Client))?;
        reads.push(let_in(core, &again, account_id).await?.ok_or_else(|| fallen(Fallen::Installation))?);
        again
    };
    // A token always names the installation it came through; without one it comes through none. What a user gave itself came
    // through no client.
    let installation = if of_user { None } else { Some(installed_here(core, bound, account_id, &client).await?) };
    if !client.status.is_active() {
        return Err(fallen(Fallen::Client));
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
            if let Some(installation) = &installation {
                check_assignment(core, &client, installation, &principal, who).await?;
            }
            Some(principal)
        }
    };
    let acting = Acting::find(core, &bound.marks).await?;
    if let Some(acting) = &acting {
        acting.noted_in(&mut stamps);
    }
    Ok(Facts { account, client, identity, acting, reads, stamps })
}

/// The installation that a token names, if it is one of its client in its account.
async fn installed_here(core: &Core, bound: &Bound, account: AccountId, client: &ClientRow) -> Result<InstallationRow, OpError> {
    let gone = || fallen(Fallen::Installation);
    let id = bound.installation().ok_or_else(gone)?;
    let found = installation::find(&core.store, id).await?;
    found.filter(|row| row.account_id == account && row.client_id == crate::client::installed_as(client)).ok_or_else(gone)
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
        Ancestor::Grant(..) | Ancestor::ApiToken(_) => Fallen::Grant,
        Ancestor::Consent(_) => Fallen::Consent,
        Ancestor::Session(..) | Ancestor::Key(..) | Ancestor::AuthKey(_) => Fallen::Session,
    }
}
