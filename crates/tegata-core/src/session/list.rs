//! Which sessions there are.

use tegata_model::{AccessKeyId, RoleName, SessionId, UserName};
use tegata_store::{access_key, role, user};

use super::{ABOVE_ALL, Pulse, RoleSession, SessionState, Subject, Walk, describe, find, oldest_alive};
use crate::{
    actions::{Action, TEGATA_GET_SESSION, TEGATA_LIST_SESSIONS},
    authz,
    caller::Caller,
    client,
    directory::{Listed, Page, own},
    error::{Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    token,
    view::View,
};

/// Most rows that one page is picked from.
const MOST: u32 = 2_000;

/// Which sessions are asked for. What is `None` picks nothing out.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// This one.
    pub session: Option<SessionId>,
    /// Those that began with a key of this user, however many roles ago.
    pub user: Option<UserName>,
    /// Those that act as this role or came of it.
    pub role: Option<RoleName>,
    /// Those that began with this key, or the one of this temporary key.
    pub key: Option<AccessKeyId>,
    /// Those that came of tokens of this application, by its id or the name of the official one.
    pub app: Option<String>,
    /// Those too that work no more.
    pub include_ended: bool,
}

/// List sessions, newest first. A page may hold fewer than asked for and yet not be the last.
#[derive(Debug, Clone)]
pub struct ListSessions {
    /// Which.
    pub filter: SessionFilter,
    /// Which part of them.
    pub page: Page,
}

impl Operation for ListSessions {
    const ACTION: Action = TEGATA_LIST_SESSIONS;
    type Output = Listed<RoleSession>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Sessions { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listed<RoleSession>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let Some(subjects) = self.subjects(view, caller).await? else {
            // Nobody of that name, so no session of his; who may list sessions need not learn which of the two it is.
            return Ok(Effect::nothing(Listed { items: Vec::new(), next: None }));
        };
        let before = match self.page.after.as_str() {
            "" => ABOVE_ALL,
            text => text.parse().map_err(|_| {
                OpError::invalid(
                    Input::Marker,
                    ProblemKind::Malformed,
                    "a list goes on at the marker that was given out with its last page",
                )
            })?,
        };
        let mut pulse = Pulse::new(view);
        let mut items = Vec::new();
        let one = subjects.iter().find_map(|subject| if let Subject::Session(id) = subject { Some(*id) } else { None });
        if let Some(id) = one {
            if let Some(found) =
                find(view, caller.account(), id).await?.filter(|found| id < before && subjects.iter().all(|s| s.ends(found)))
            {
                let state = pulse.state(&found).await?;
                items.extend((self.filter.include_ended || state == SessionState::Live).then(|| found.show(state)));
            }
            return Ok(Effect::nothing(Listed { items, next: None }));
        }
        let oldest = if self.filter.include_ended { SessionId::from_bytes([0; 16]) } else { oldest_alive(view) };
        let mut walk = Walk::new(view, caller.account(), oldest, before, MOST);
        while items.len() < self.page.limit
            && let Some(found) = walk.next().await?
        {
            if !subjects.iter().all(|subject| subject.ends(&found)) {
                continue;
            }
            let state = pulse.state(&found).await?;
            if self.filter.include_ended || state == SessionState::Live {
                items.push(found.show(state));
            }
        }
        let next = (!walk.is_over()).then(|| walk.before.to_string());
        Ok(Effect::nothing(Listed { items, next }))
    }
}

impl ListSessions {
    /// What every session of the list must end with; `None` if something named does not exist.
    async fn subjects(&self, view: &View<'_>, caller: &Caller) -> Result<Option<Vec<Subject>>, OpError> {
        let (store, account) = (&view.core().store, caller.account());
        let mut subjects: Vec<Subject> = self.filter.session.map(Subject::Session).into_iter().collect();
        if let Some(name) = &self.filter.user {
            let Some(row) = user::find_by_name(store, account, &name.folded()).await? else { return Ok(None) };
            subjects.push(Subject::User(row.id));
        }
        if let Some(name) = &self.filter.role {
            let Some(row) = role::find_by_name(store, account, &name.folded()).await? else { return Ok(None) };
            subjects.push(Subject::Role(row.id));
        }
        match &self.filter.key {
            None => {}
            Some(key_id) if key_id.is_temporary() => {
                let Some(session) = token::session_of(key_id) else { return Ok(None) };
                subjects.push(Subject::Session(session));
            }
            Some(key_id) => {
                let row = access_key::find(store, key_id.as_str()).await?.filter(|row| row.account_id == account);
                let Some(row) = row else { return Ok(None) };
                subjects.push(Subject::Key(row.id));
            }
        }
        if let Some(app_id) = &self.filter.app {
            match client::installed(view, caller, app_id).await {
                Ok(row) => subjects.push(Subject::Installation(row.id)),
                Err(OpError::NotFound(_)) => return Ok(None),
                Err(other) => return Err(other),
            }
        }
        Ok(Some(subjects))
    }
}

/// Read what is known of one session. One that has nothing to do with the caller's account is as absent as one that never was.
#[derive(Debug, Clone)]
pub struct DescribeSession {
    /// Which.
    pub id: SessionId,
}

impl Operation for DescribeSession {
    const ACTION: Action = TEGATA_GET_SESSION;
    type Output = RoleSession;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Session { account: own(caller), id: self.id }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<RoleSession>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let described = describe(view, caller, self.id).await?;
        described.map(Effect::nothing).ok_or_else(|| OpError::NotFound(self.resource(caller)))
    }
}
