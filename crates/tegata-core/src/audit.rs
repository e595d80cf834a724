//! Audit rows: an effect's row commits with the effect; a refusal of a known caller has its own, within a budget;
//! refusals before authentication are counted by address block, reason and minute.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use tegata_model::{AccountId, NodeId, RequestId, SessionId, Timestamp};
use tegata_policy::{Decision, StatementRef};
use tegata_store::{
    ChangeSet, CommitError, Step, Store, StoreError,
    audit::{self, AuditRow, CallerKind as Kind, Outcome, RefusalCount},
};

use crate::{
    actions::{Action, OAUTH_APPROVE},
    caller::{Caller, RequestMeta},
    error::{DeniedBy, OpError},
    principal::Principal,
    resource::ResourceName,
    why::{Detail, SessionBirth, cause_word},
};

/// Longest text of a stranger that is kept, in bytes.
const STRANGER: usize = 256;
/// Kinds of counted refusals kept in memory between two writes; past it everything goes under one address, `others`.
const COUNTERS: usize = 4096;

/// What an effect adds to its audit row.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) by: Vec<StatementRef>,
    pub(crate) born: Option<(SessionId, SessionBirth)>,
    /// The other account of an effect between two, which has a row of its own with what its own statements decided.
    pub(crate) other_side: Option<(AccountId, Vec<StatementRef>)>,
    /// What else there is to say in words: what was made under which name.
    pub(crate) note: Option<String>,
}

/// What this program did by itself.
#[derive(Debug)]
pub(crate) struct Itself {
    pub(crate) now: Timestamp,
    /// An id of its own, since nobody asked.
    pub(crate) request: RequestId,
    pub(crate) account: AccountId,
    pub(crate) action: Action,
    pub(crate) resource: String,
    /// Whether it succeeded.
    pub(crate) done: bool,
    pub(crate) note: String,
}

#[derive(Debug)]
pub(crate) struct Recorder {
    node: NodeId,
    seq: AtomicI64,
    rows_per_minute: u32,
    /// The disk is nearly full: what is left of it belongs to effects.
    scarce: AtomicBool,
    budgets: Mutex<HashMap<[u8; 16], Budget>>,
    counts: Mutex<HashMap<Counted, (u64, String)>>,
}

/// What is counted together: minute, address block, reason.
type Counted = (i64, String, &'static str);

#[derive(Debug, Clone, Copy)]
struct Budget {
    minute: i64,
    rows: u32,
}

impl Recorder {
    pub(crate) fn new(node: NodeId, rows_per_minute: u32) -> Self {
        Self {
            node,
            seq: AtomicI64::new(0),
            rows_per_minute,
            scarce: AtomicBool::new(false),
            budgets: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    pub(crate) fn node(&self) -> NodeId {
        self.node
    }

    pub(crate) fn next_seq(&self) -> i64 {
        self.seq.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The row of an effect; for an effect between two accounts there is one for each.
    pub(crate) fn effect(
        &self,
        now: Timestamp,
        caller: &Caller,
        action: Action,
        resource: &ResourceName,
        entry: Entry,
    ) -> impl Iterator<Item = Step> {
        let (session, birth) = entry.born.unzip();
        let words = |by: &[StatementRef]| by.iter().map(ToString::to_string).collect();
        let mut detail =
            Detail { by: words(&entry.by), session: birth, reason: entry.note, call: caller.meta.call.clone(), ..Detail::default() };
        let row = self.row(now, caller, action, resource, true, session, &detail);
        let other = entry.other_side.map(|(account, by)| {
            detail.by = words(&by);
            let caller_words = format!("{} of account {}", caller.audit_name(), caller.account_number());
            let row = self.row(now, caller, action, resource, true, session, &detail);
            audit::insert(AuditRow { account_id: Some(account), caller: caller_words, ..row })
        });
        [audit::insert(row)].into_iter().chain(other)
    }

    /// The row of a refusal; `None` once the principal's budget of this minute is spent: then it is counted.
    pub(crate) fn refusal(
        &self,
        now: Timestamp,
        caller: &Caller,
        action: Action,
        resource: &ResourceName,
        error: &OpError,
    ) -> Option<Step> {
        if self.scarce.load(Ordering::Relaxed) || !self.within_budget(caller.evidence.principal().id_bytes(), now) {
            self.count(now, caller.meta.source, "refused-beyond-budget", &caller.audit_name());
            return None;
        }
        let mut detail = Detail {
            reason: Some(error.to_string()),
            call: caller.meta.call.clone(),
            cause: Some(cause_word(error).to_owned()),
            ..Detail::default()
        };
        if let OpError::Denied(denial) = error {
            if let DeniedBy::Layer { layer, .. } = denial.by {
                detail.layer = Some(layer);
            }
            if let Some(verdict) = &denial.verdict {
                if let Decision::ExplicitDeny { by } = &verdict.deciding.decision {
                    detail.by = by.iter().map(ToString::to_string).collect();
                }
                detail.layers.clone_from(&verdict.layers);
            }
            detail.seen = denial.why.as_deref().cloned();
        }
        Some(audit::insert(self.row(now, caller, action, resource, false, None, &detail)))
    }

    /// The row of something that a person agreed to at a page.
    pub(crate) fn approval(&self, now: Timestamp, meta: &RequestMeta, identity: &Principal, app_id: &str, entry: Entry) -> Step {
        let resource = ResourceName::Application { account: identity.account.number, app_id: app_id.to_owned() };
        let (kind, who) = match identity.caller_kind() {
            crate::CallerKind::Owner => (Kind::Root, format!("root of {}", identity.account.alias)),
            crate::CallerKind::RoleSession => (Kind::RoleSession, format!("role {}", identity.name())),
            crate::CallerKind::User | crate::CallerKind::Federated | crate::CallerKind::Client => {
                (Kind::User, format!("user {}", identity.name()))
            }
        };
        let detail = Detail { reason: entry.note, call: meta.call.clone(), ..Detail::default() };
        audit::insert(AuditRow {
            node: self.node,
            seq: self.next_seq(),
            at: now,
            request_id: meta.id,
            account_id: Some(identity.account.id),
            action: OAUTH_APPROVE.name().into(),
            resource: shortened(&resource.to_string(), 4 * STRANGER),
            caller_kind: kind,
            caller_id: Some(identity.id_bytes()),
            caller: who,
            access_key_id: None,
            session_id: None,
            outcome: Outcome::Done,
            source: meta.source_text(),
            detail: serde_json::to_string(&detail).unwrap_or_default(),
        })
    }

    /// The row of what a person did for itself before there was a session: at a page, or where sessions begin.
    pub(crate) fn at_a_page(&self, now: Timestamp, meta: &RequestMeta, person: &Principal, action: Action, entry: Entry) -> Step {
        let (session_id, session) = entry.born.unzip();
        let detail = Detail { reason: entry.note, session, call: meta.call.clone(), ..Detail::default() };
        let row = self.row_of_person((now, meta), person, action, &detail);
        audit::insert(AuditRow { session_id, ..row })
    }

    /// The row of a sign-in that was refused although the secret was right; `None` once the person's budget of this minute is spent.
    pub(crate) fn refused_sign_in(
        &self,
        now: Timestamp,
        meta: &RequestMeta,
        person: &Principal,
        action: Action,
        why: &str,
    ) -> Option<Step> {
        if self.scarce.load(Ordering::Relaxed) || !self.within_budget(person.id_bytes(), now) {
            self.count(now, meta.source, "refused-beyond-budget", person.name());
            return None;
        }
        let detail = Detail {
            reason: Some(why.to_owned()),
            call: meta.call.clone(),
            cause: Some("unauthenticated".to_owned()),
            ..Detail::default()
        };
        let row = self.row_of_person((now, meta), person, action, &detail);
        Some(audit::insert(AuditRow { outcome: Outcome::Refused, ..row }))
    }

    fn row_of_person(&self, (now, meta): (Timestamp, &RequestMeta), person: &Principal, action: Action, detail: &Detail) -> AuditRow {
        let owner = person.is_owner();
        let name = if owner { format!("root of {}", person.account.alias) } else { format!("user {}", person.name()) };
        AuditRow {
            node: self.node,
            seq: self.next_seq(),
            at: now,
            request_id: meta.id,
            account_id: Some(person.account.id),
            action: action.name().into(),
            resource: ResourceName::Caller.to_string(),
            caller_kind: if owner { Kind::Root } else { Kind::User },
            caller_id: Some(person.id_bytes()),
            caller: name,
            access_key_id: None,
            session_id: None,
            outcome: Outcome::Done,
            source: meta.source_text(),
            detail: serde_json::to_string(detail).unwrap_or_default(),
        }
    }

    /// The row of what this program did by itself for somebody of an account.
    pub(crate) fn by_itself(&self, what: Itself) -> Step {
        let detail = Detail { reason: Some(what.note), ..Detail::default() };
        audit::insert(AuditRow {
            node: self.node,
            seq: self.next_seq(),
            at: what.now,
            request_id: what.request,
            account_id: Some(what.account),
            action: what.action.name().into(),
            resource: what.resource,
            caller_kind: Kind::System,
            caller_id: None,
            caller: "server".to_owned(),
            access_key_id: None,
            session_id: None,
            outcome: if what.done { Outcome::Done } else { Outcome::Refused },
            source: "-".to_owned(),
            detail: serde_json::to_string(&detail).unwrap_or_default(),
        })
    }

    /// The row of what somebody did who showed a code, and of whom nothing else is known; `None` for a refusal once the account's budget of
    /// this minute is spent.
    pub(crate) fn by_a_code(&self, meta: &RequestMeta, what: Itself) -> Option<Step> {
        if !what.done && (self.scarce.load(Ordering::Relaxed) || !self.within_budget(*what.account.as_bytes(), what.now)) {
            self.count(what.now, meta.source, "refused-beyond-budget", "code");
            return None;
        }
        let cause = (!what.done).then(|| "unauthenticated".to_owned());
        let detail = Detail { reason: Some(what.note), call: meta.call.clone(), cause, ..Detail::default() };
        Some(audit::insert(AuditRow {
            node: self.node,
            seq: self.next_seq(),
            at: what.now,
            request_id: what.request,
            account_id: Some(what.account),
            action: what.action.name().into(),
            resource: shortened(&what.resource, 4 * STRANGER),
            caller_kind: Kind::Anonymous,
            caller_id: None,
            caller: "whoever has the code".to_owned(),
            access_key_id: None,
            session_id: None,
            outcome: if what.done { Outcome::Done } else { Outcome::Refused },
            source: meta.source_text(),
            detail: serde_json::to_string(&detail).unwrap_or_default(),
        }))
    }

    #[expect(clippy::too_many_arguments, reason = "one argument per column group, called from two places")]
    fn row(
        &self,
        now: Timestamp,
        caller: &Caller,
        action: Action,
        resource: &ResourceName,
        done: bool,
        session: Option<SessionId>,
        detail: &Detail,
    ) -> AuditRow {
        AuditRow {
            node: self.node,
            seq: self.next_seq(),
            at: now,
            request_id: caller.meta.id,
            account_id: Some(caller.account()),
            action: action.name().into(),
            resource: shortened(&resource.to_string(), 4 * STRANGER),
            caller_kind: match caller.kind() {
                crate::CallerKind::Owner => Kind::Root,
                crate::CallerKind::User => Kind::User,
                crate::CallerKind::RoleSession => Kind::RoleSession,
                crate::CallerKind::Federated => Kind::Federated,
                crate::CallerKind::Client => Kind::Client,
            },
            caller_id: Some(caller.evidence.principal().id_bytes()),
            caller: caller.audit_name(),
            access_key_id: caller.access_key_id().map(ToString::to_string),
            session_id: session,
            outcome: if done { Outcome::Done } else { Outcome::Refused },
            source: caller.meta.source_text(),
            detail: serde_json::to_string(detail).unwrap_or_default(),
        }
    }

    fn within_budget(&self, principal: [u8; 16], now: Timestamp) -> bool {
        let minute = now.unix() / 60;
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() > COUNTERS {
            budgets.retain(|_, budget| budget.minute == minute);
        }
        let budget = budgets.entry(principal).or_insert(Budget { minute, rows: 0 });
        if budget.minute != minute {
            *budget = Budget { minute, rows: 0 };
        }
        budget.rows += 1;
        budget.rows <= self.rows_per_minute
    }

    /// Says whether space is so short that refusals must not take any.
    pub(crate) fn set_scarce(&self, scarce: bool) -> bool {
        self.scarce.swap(scarce, Ordering::Relaxed) != scarce
    }

    /// Counts a refusal that gets no row of its own.
    pub(crate) fn count(&self, now: Timestamp, source: Option<IpAddr>, reason: &'static str, sample: &str) {
        let minute = now.unix() / 60;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let block = if counts.len() < COUNTERS { source.map_or_else(|| "-".to_owned(), address_block) } else { "others".to_owned() };
        let counter = counts.entry((minute, block, reason)).or_insert_with(|| (0, shortened(sample, STRANGER)));
        counter.0 += 1;
    }

    /// Writes what has been counted; one commit, whatever the number of refusals was.
    pub(crate) async fn flush(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return Ok(());
        }
        let mut changes = ChangeSet::new(now);
        for ((minute, source, reason), (count, sample)) in counts {
            changes.push(audit::count_refusals(&RefusalCount {
                minute: Timestamp::from_unix(minute * 60),
                source,
                reason: reason.to_owned(),
                count: i64::try_from(count).unwrap_or(i64::MAX),
                sample,
            }));
        }
        store.commit(changes).await.map_err(|error| match error {
            CommitError::Store(error) => error,
            other => StoreError::Engine(std::sync::Arc::new(other)),
        })
    }
}

/// The block that an address is counted by: IPv4 whole, IPv6 by /64.
pub(crate) fn address_block(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

pub(crate) fn shortened(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}
