//! The end of sessions before their time.

use tegata_model::{AccessKeyId, AccountId, KeyId, RoleName, SessionId, UserName};
use tegata_store::{access_key, installation, role, session, user};

use super::{Subject, count_live, find};
use crate::{
    actions::{Action, TEGATA_REVOKE_SESSIONS},
    audit::Entry,
    authz,
    caller::{Caller, Evidence},
    client,
    directory::{changes, find_role, find_user, own, role_name, user_name},
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    token::{self, Lineage},
    view::{Read, View},
};

/// End sessions before their time: at the next request on this node, and within a second on every other.
///
/// A session may end itself without being allowed to; whoever hands it out cleans up with it.
#[derive(Debug, Clone)]
pub struct RevokeSessions {
    /// Whose.
    pub whose: Whose,
}

/// Whose sessions shall end. Those that came of them by role chaining end with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// This one.
    Session(SessionId),
    /// Those that began with keys of this user. The keys stay as they are.
    User(UserName),
    /// Those that act as this role.
    Role(RoleName),
    /// Those that began with this key, which stays as it is; or the one of this temporary key.
    Key(AccessKeyId),
    /// Everything issued through this application, tokens and sessions, by its id or the name of the official one. It stays installed.
    App(String),
}

/// What was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// How many live sessions, as far as the account's own trail tells.
    pub ended: u64,
    /// True if there were more than could be counted: all of them ended, and there were at least so many.
    pub at_least: bool,
}

impl Operation for RevokeSessions {
    const ACTION: Action = TEGATA_REVOKE_SESSIONS;
    type Output = Revoked;

    fn resource(&self, caller: &Caller) -> ResourceName {
        let account = own(caller);
        match &self.whose {
            Whose::Session(id) => ResourceName::Session { account, id: *id },
            Whose::User(name) => ResourceName::SessionsOf(Box::new(user_name(caller, name))),
            Whose::Role(name) => ResourceName::SessionsOf(Box::new(role_name(caller, name))),
            Whose::Key(key_id) => match token::session_of(key_id) {
                Some(id) => ResourceName::Session { account, id },
                None => ResourceName::SessionsOfKey { account, key_id: key_id.clone() },
            },
            Whose::App(app_id) => ResourceName::SessionsOf(Box::new(ResourceName::Application { account, app_id: app_id.clone() })),
        }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Revoked>, OpError> {
        let resource = self.resource(caller);
        let by = if self.own_session(caller) { Vec::new() } else { authz::permit(view, caller, Self::ACTION, &resource, &[])?.spend() };
        let absent = || OpError::NotFound(resource.clone());
        let store = &view.core().store;
        let mut changes = changes(view, caller);
        let subject = match &self.whose {
            Whose::User(name) => {
                let row = find_user(view, caller, name).await?;
                changes.push(user::raise_epoch(row.id));
                Subject::User(row.id)
            }
            Whose::Role(name) => {
                let row = find_role(view, caller, name).await?;
                changes.push(role::raise_epoch(row.id));
                Subject::Role(row.id)
            }
            Whose::Key(key_id) if !key_id.is_temporary() => {
                let row = access_key::find(store, key_id.as_str()).await?.filter(|row| row.account_id == caller.account());
                let row = row.ok_or_else(absent)?;
                view.note(&[Read::Key(row.id, row.generation)]);
                changes.push(access_key::raise_epoch(row.id));
                Subject::Key(row.id)
            }
            Whose::App(app_id) => {
                let row = client::installed(view, caller, app_id).await?;
                changes.push(installation::raise_epoch(row.id));
                Subject::Installation(row.id)
            }
            Whose::Session(_) | Whose::Key(_) => {
                let id = self.session().ok_or_else(absent)?;
                let accounts = accounts_of(view, caller, id).await?.ok_or_else(absent)?;
                // Whoever remembers the session, or one that came of it, looks again.
                for account in accounts {
                    changes.touch(account);
                }
                changes.push(end_mark(view, id));
                Subject::Session(id)
            }
        };
        let revoked = count_live(view, caller.account(), subject).await?;
        let more = if revoked.at_least { "at least " } else { "" };
        let note = Some(format!("{more}{} live sessions ended", revoked.ended));
        Ok(Effect::with(revoked, changes, Entry { by, note, ..Entry::default() }))
    }
}

impl RevokeSessions {
    fn session(&self) -> Option<SessionId> {
        match &self.whose {
            Whose::Session(id) => Some(*id),
            Whose::Key(key_id) => token::session_of(key_id),
            Whose::User(_) | Whose::Role(_) | Whose::App(_) => None,
        }
    }

    fn own_session(&self, caller: &Caller) -> bool {
        matches!(&caller.evidence, Evidence::Session(session) if self.session() == Some(session.claims.session))
    }
}

/// The mark that ends a session. It must last as long as anything that came of the session could.
pub(crate) fn end_mark(view: &View<'_>, id: SessionId) -> tegata_store::Step {
    session::raise_mark(id, view.now().plus(view.core().limits().root_deadline))
}

/// The accounts that a session belongs to; `None` if the caller's account has nothing to do with it.
pub(crate) async fn accounts_of(view: &View<'_>, caller: &Caller, id: SessionId) -> Result<Option<Vec<AccountId>>, OpError> {
    if let Evidence::Session(session) = &caller.evidence
        && session.claims.session == id
    {
        return Ok(Some(Lineage::of(&session.claims).accounts().collect()));
    }
    let Some(found) = find(view, caller.account(), id).await? else { return Ok(None) };
    Ok(Some(found.lineage.iter().flat_map(Lineage::accounts).collect()))
}

impl Revoked {
    /// What ends with a key of the caller's account.
    pub(crate) async fn of_key(view: &View<'_>, caller: &Caller, key: KeyId) -> Result<Self, OpError> {
        count_live(view, caller.account(), Subject::Key(key)).await
    }

    /// What ends with a session, itself among it.
    pub(crate) async fn of_session(view: &View<'_>, caller: &Caller, id: SessionId) -> Result<Self, OpError> {
        count_live(view, caller.account(), Subject::Session(id)).await
    }
}
