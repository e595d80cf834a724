//! Role sessions as those see them who may take them back: which there are, who began them, and the end of them.
//!
//! A session has no row of its own: the audit row of the request that made it is its row, and knows everything that can end
//! it. What is said of a session here is read from the trail of the caller's own account, where a session between two accounts
//! stands on both sides.

mod list;
mod revoke;

use std::collections::HashMap;

pub use list::{DescribeSession, ListSessions, SessionFilter};
pub use revoke::{RevokeSessions, Revoked, Whose};
pub(crate) use revoke::{accounts_of, end_mark};
use tegata_model::{AccountId, Epoch, InstallationId, KeyId, RoleId, SessionId, Timestamp, UserId};
use tegata_store::{
    audit::{self, AuditRow},
    session,
};

use crate::{
    Core,
    caller::Caller,
    error::OpError,
    principal::Stamps,
    sam::API_KEY,
    token::{self, Ancestor, Lineage},
    view::View,
    why::{Detail, SessionBirth},
};

/// Rows read at once when sessions are looked for.
const BATCH: u32 = 250;

/// What is known of one role session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSession {
    /// Its id.
    pub id: SessionId,
    /// The id of its temporary key; empty for a session of an API key.
    pub key_id: String,
    /// The role, as policies name it.
    pub role: String,
    /// What it was called by whoever began it.
    pub name: String,
    /// Who began it, in words.
    pub begun_by: String,
    /// The id of the key that it began with; of a chained session, the temporary key before it.
    pub begun_with: String,
    /// From which address.
    pub source: String,
    /// The origin of the chain, where one was set.
    pub source_identity: Option<String>,
    /// The sessions before it.
    pub parents: Vec<String>,
    /// True if a session policy narrows it.
    pub narrowed: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Whether it still works.
    pub state: SessionState,
}

/// Whether a session still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// It does.
    Live,
    /// It, or something it stands on, was taken back.
    Ended,
    /// Its time is over.
    Expired,
}

/// A session as its row has it.
struct Found {
    row: AuditRow,
    id: SessionId,
    birth: SessionBirth,
    lineage: Option<Lineage>,
    expires_at: Timestamp,
}

impl Found {
    /// `None` for a row that gave birth to no session, or to one that nobody can read any more.
    fn of(row: AuditRow) -> Option<Self> {
        let id = row.session_id?;
        let birth = serde_json::from_str::<Detail>(&row.detail).ok()?.session?;
        let (lineage, expires_at) = (Lineage::read(&birth.lineage), Timestamp::parse_iso(&birth.expires_at)?);
        Some(Self { row, id, birth, lineage, expires_at })
    }

    fn show(self, state: SessionState) -> RoleSession {
        let Self { row, id, birth, expires_at, .. } = self;
        // A session of an API key acts as a user and has no key that signs.
        let itself = birth.role.is_empty() && birth.name == API_KEY;
        RoleSession {
            id,
            key_id: if itself { String::new() } else { token::key_id(id).map(|id| id.to_string()).unwrap_or_default() },
            role: row.resource,
            name: birth.name,
            begun_by: row.caller,
            begun_with: row.access_key_id.unwrap_or_default(),
            source: row.source,
            source_identity: birth.source_identity,
            parents: birth.parents,
            narrowed: birth.session_policy,
            started_at: row.at,
            expires_at,
            state,
        }
    }
}

/// What sessions can be picked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    User(UserId),
    Role(RoleId),
    Key(KeyId),
    Session(SessionId),
    Installation(InstallationId),
}

impl Subject {
    /// True for a session that ends with this: its own, and those that came of it.
    fn ends(self, found: &Found) -> bool {
        let among = |lineage: &Lineage| {
            lineage.all().any(|ancestor| match (self, ancestor) {
                (Self::User(id), Ancestor::User(one, _)) => one == id,
                (Self::Role(id), Ancestor::Role(one, _)) => one == id,
                (Self::Key(id), Ancestor::Key(one, _)) => one == id,
                (Self::Session(id), Ancestor::Session(one, _)) => one == id,
                (Self::Installation(id), Ancestor::Installation(one, _)) => one == id,
                _ => false,
            })
        };
        self == Self::Session(found.id) || found.lineage.as_ref().is_some_and(among)
    }
}

/// Looks whether sessions still work, and remembers what it has seen of those they share.
struct Pulse<'a> {
    core: &'a Core,
    now: Timestamp,
    seen: HashMap<Ancestor, bool>,
}

impl<'a> Pulse<'a> {
    fn new(view: &'a View<'_>) -> Self {
        Self { core: view.core(), now: view.now(), seen: HashMap::new() }
    }

    async fn state(&mut self, found: &Found) -> Result<SessionState, OpError> {
        if found.expires_at <= self.now {
            return Ok(SessionState::Expired);
        }
        if session::mark(&self.core.store, found.id).await?.unwrap_or(Epoch(0)) != Epoch(0) {
            return Ok(SessionState::Ended);
        }
        for ancestor in found.lineage.iter().flat_map(Lineage::all) {
            let alive = if let Some(alive) = self.seen.get(&ancestor) {
                *alive
            } else {
                let alive = self.core.ancestor(&ancestor, &mut Stamps::default()).await?.is_some();
                self.seen.insert(ancestor, alive);
                alive
            };
            if !alive {
                return Ok(SessionState::Ended);
            }
        }
        Ok(SessionState::Live)
    }
}

/// The session in the trail of this account.
async fn find(view: &View<'_>, account: AccountId, id: SessionId) -> Result<Option<Found>, OpError> {
    Ok(audit::find_by_session(&view.core().store, account, id).await?.and_then(Found::of))
}

/// What is known of a session of the caller's account; `None` if it has nothing to do with it.
pub(crate) async fn describe(view: &View<'_>, caller: &Caller, id: SessionId) -> Result<Option<RoleSession>, OpError> {
    let Some(found) = find(view, caller.account(), id).await? else { return Ok(None) };
    let state = Pulse::new(view).state(&found).await?;
    Ok(Some(found.show(state)))
}

/// The first id that a session of this moment could have.
fn first_of(at: Timestamp) -> SessionId {
    let millis = u64::try_from(at.unix()).unwrap_or(0).saturating_mul(1000);
    SessionId::from_bytes(ulid::Ulid::from_parts(millis, 0).to_bytes())
}

/// A bound above every id.
const ABOVE_ALL: SessionId = SessionId::from_bytes([u8::MAX; 16]);

/// Every session that may still live began after this.
fn oldest_alive(view: &View<'_>) -> SessionId {
    first_of(view.now().minus(view.core().limits().root_deadline))
}

/// Walks through the sessions of an account, newest first.
struct Walk<'a> {
    core: &'a Core,
    account: AccountId,
    oldest: SessionId,
    before: SessionId,
    /// Rows that may still be read.
    left: u32,
    batch: std::vec::IntoIter<AuditRow>,
    over: bool,
}

impl<'a> Walk<'a> {
    fn new(view: &'a View<'_>, account: AccountId, oldest: SessionId, before: SessionId, most: u32) -> Self {
        Self { core: view.core(), account, oldest, before, left: most, batch: Vec::new().into_iter(), over: false }
    }

    /// The next one; `None` at the end, or when as much was read as may be: then [`Self::is_over`] says no.
    async fn next(&mut self) -> Result<Option<Found>, OpError> {
        loop {
            for row in self.batch.by_ref() {
                if let Some(id) = row.session_id {
                    self.before = id;
                }
                if let Some(found) = Found::of(row) {
                    return Ok(Some(found));
                }
            }
            if self.over || self.left == 0 {
                return Ok(None);
            }
            let wanted = BATCH.min(self.left);
            let rows = audit::sessions(&self.core.store, self.account, self.oldest, self.before, wanted).await?;
            self.over = rows.len() < usize::try_from(wanted).unwrap_or(usize::MAX);
            self.left -= wanted;
            self.batch = rows.into_iter();
        }
    }

    fn is_over(&self) -> bool {
        self.over && self.batch.len() == 0
    }
}

/// How many live sessions end with this, and whether all of them were looked at.
async fn count_live(view: &View<'_>, account: AccountId, subject: Subject) -> Result<Revoked, OpError> {
    /// Most rows that are looked at to tell a number.
    const MOST: u32 = 5_000;
    let mut walk = Walk::new(view, account, oldest_alive(view), ABOVE_ALL, MOST);
    let mut pulse = Pulse::new(view);
    let mut ended = 0;
    while let Some(found) = walk.next().await? {
        if subject.ends(&found) && pulse.state(&found).await? == SessionState::Live {
            ended += 1;
        }
    }
    Ok(Revoked { ended, at_least: !walk.is_over() })
}
