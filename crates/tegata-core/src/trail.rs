//! The audit trail of an account, and why one of its requests was answered as it was, for those of the account who may know.

use std::{fmt, str::FromStr};

use tegata_model::{NodeId, RequestId, SessionId, Timestamp};
use tegata_store::audit::{self, AuditRow, CallerKind, Outcome, Position};

use crate::{
    ApiCall,
    actions::{Action, TEGATA_EXPLAIN_REQUEST, TEGATA_LIST_AUDIT_EVENTS},
    authz,
    caller::Caller,
    directory::{Listed, Page, own},
    error::{Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
    why::{Detail, Report, explain_row},
};

/// Rows read at once.
const BATCH: u32 = 500;
/// Most rows that one page is picked from.
const MOST: usize = 5_000;

/// A request, in one of the spellings that replies and logs have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestRef {
    /// The whole id.
    Whole(RequestId),
    /// How it begins: the short spelling of object storage.
    Beginning([u8; 12]),
}

/// A text is no id of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an id as replies carry it: `7E0F3F4A-6B3E-5C0E-9D2B-0E8A5C1B7D21`, 24 hexadecimal digits, or `request_…`")]
pub struct NotARequest;

impl FromStr for RequestRef {
    type Err = NotARequest;

    fn from_str(text: &str) -> Result<Self, NotARequest> {
        if let Ok(id) = text.parse::<RequestId>() {
            return Ok(Self::Whole(id));
        }
        let dashed = text.len() == 36 && text.bytes().enumerate().all(|(at, byte)| (byte == b'-') == matches!(at, 8 | 13 | 18 | 23));
        let digits = if dashed { text.replace('-', "") } else { text.to_owned() };
        match digits.len() {
            32 => bytes(&digits).map(|bytes| Self::Whole(RequestId::from_bytes(bytes))),
            24 => bytes(&digits).map(Self::Beginning),
            _ => None,
        }
        .ok_or(NotARequest)
    }
}

impl fmt::Display for RequestRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(id) => f.write_str(&id.to_uuid()),
            Self::Beginning(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}")),
        }
    }
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut out = [0; N];
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    Some(out)
}

/// Explain why a request was answered as it was.
///
/// Who may read the account's policies learns the statements. Whoever was refused learns of his own refusal what was asked,
/// on what, and which layer stood in the way. A request of another account is as unknown as one that never was.
#[derive(Debug, Clone)]
pub struct ExplainRequest {
    /// Which.
    pub request: RequestRef,
}

impl Operation for ExplainRequest {
    const ACTION: Action = TEGATA_EXPLAIN_REQUEST;
    type Output = Report;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Request { account: own(caller), id: self.request }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Report>, OpError> {
        // The row is looked for in any case, so that no answer is quicker than another.
        let store = &view.core().store;
        let row = match self.request {
            RequestRef::Whole(id) => audit::find_by_request_of(store, caller.account(), id).await?,
            RequestRef::Beginning(prefix) => audit::find_by_request_prefix_of(store, caller.account(), prefix).await?,
        };
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[]);
        let report = match (permit, row) {
            (Ok(_), Some(row)) => explain_row(&row),
            (Ok(_), None) => return Err(OpError::NotFound(self.resource(caller))),
            (Err(_), Some(row)) if is_refusal_of(&row, caller) => explain_row(&row).without_statements(),
            (Err(denied), _) => return Err(denied),
        };
        Ok(Effect::nothing(report))
    }
}

/// True if this caller, with this very key, was refused.
fn is_refusal_of(row: &AuditRow, caller: &Caller) -> bool {
    row.outcome == Outcome::Refused
        && row.caller_id == Some(caller.evidence.principal().id_bytes())
        && caller.access_key_id().is_some_and(|key_id| row.access_key_id.as_deref() == Some(key_id.as_str()))
}

/// One entry of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// The request.
    pub request_id: RequestId,
    /// True if it was done, false if it was refused.
    pub done: bool,
    /// What kind of principal asked, in a word.
    pub caller_kind: &'static str,
    /// Who asked, in words.
    pub caller: String,
    /// With which key.
    pub access_key_id: Option<String>,
    /// What was asked.
    pub action: String,
    /// On what.
    pub resource: String,
    /// From where.
    pub source: String,
    /// The session that came of it.
    pub session: Option<SessionId>,
    /// What there is to say of it.
    pub summary: Option<String>,
    /// The statements that decided.
    pub decided_by: Vec<String>,
    /// What was called, where the dialect has paths.
    pub call: Option<ApiCall>,
    /// What kind of refusal it was: `denied`, `untrusted`, `unauthenticated`, `absent` or `refused`.
    pub cause: Option<String>,
}

impl AuditEvent {
    pub(crate) fn of(row: AuditRow) -> Self {
        let detail: Detail = serde_json::from_str(&row.detail).unwrap_or_default();
        Self {
            at: row.at,
            request_id: row.request_id,
            done: row.outcome == Outcome::Done,
            caller_kind: match row.caller_kind {
                CallerKind::Anonymous => "anonymous",
                CallerKind::Root => "root",
                CallerKind::User => "user",
                CallerKind::RoleSession => "role-session",
                CallerKind::Client => "client",
                CallerKind::System => "system",
                CallerKind::Federated => "federated",
            },
            caller: row.caller,
            access_key_id: row.access_key_id,
            action: row.action.into_owned(),
            resource: row.resource,
            source: row.source,
            session: row.session_id,
            summary: detail.reason,
            decided_by: detail.by,
            call: detail.call,
            cause: detail.cause,
        }
    }
}

/// Which entries are asked for. What is `None` picks nothing out.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Those not older than this.
    pub since: Option<Timestamp>,
    /// Those of this caller: its name, how the trail calls it (`user bob`), or the id of its key.
    pub caller: Option<String>,
    /// Those whose action begins so, without case.
    pub action: Option<String>,
    /// Those that were done, or those that were refused.
    pub done: Option<bool>,
    /// Those not younger than this.
    pub until: Option<Timestamp>,
    /// Those of calls that have a path; of this kind or with exactly this path, if it is not empty.
    pub call: Option<String>,
}

impl AuditFilter {
    fn keeps(&self, row: &AuditRow) -> bool {
        let by_caller = |wanted: &String| {
            let name = row.caller.split_once(' ').map_or(row.caller.as_str(), |(_, name)| name);
            let role = name.split_once('/').map_or(name, |(role, _)| role);
            [row.caller.as_str(), name, role].iter().any(|known| known.eq_ignore_ascii_case(wanted))
                || row.access_key_id.as_deref() == Some(wanted.as_str())
        };
        let by_call = |wanted: &String| {
            let detail: Detail = serde_json::from_str(&row.detail).unwrap_or_default();
            detail.call.is_some_and(|call| wanted.is_empty() || call.kind == *wanted || call.path == *wanted)
        };
        let by_action = |wanted: &String| row.action.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
        self.caller.as_ref().is_none_or(by_caller)
            && self.action.as_ref().is_none_or(by_action)
            && self.done.is_none_or(|done| done == (row.outcome == Outcome::Done))
            && self.until.is_none_or(|until| row.at <= until)
            && self.call.as_ref().is_none_or(by_call)
    }
}

/// List the entries of the caller's account, newest first. A page may hold fewer than asked for and yet not be the last.
#[derive(Debug, Clone)]
pub struct ListAuditEvents {
    /// Which.
    pub filter: AuditFilter,
    /// Which part of them.
    pub page: Page,
}

impl Operation for ListAuditEvents {
    const ACTION: Action = TEGATA_LIST_AUDIT_EVENTS;
    type Output = Listed<AuditEvent>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Requests { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listed<AuditEvent>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let since = self.filter.since.unwrap_or(Timestamp::from_unix(0));
        let mut after = match self.page.after.as_str() {
            "" => None,
            text => Some(read_marker(text).ok_or_else(|| {
                OpError::invalid(
                    Input::Marker,
                    ProblemKind::Malformed,
                    "a list goes on at the marker that was given out with its last page",
                )
            })?),
        };
        let (mut items, mut looked, mut more) = (Vec::new(), 0, true);
        while more && looked < MOST && items.len() < self.page.limit {
            let rows = audit::page(&view.core().store, caller.account(), since, after, BATCH).await?;
            more = rows.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
            for row in rows {
                if items.len() == self.page.limit {
                    more = true;
                    break;
                }
                looked += 1;
                after = Some(row.position());
                if self.filter.keeps(&row) {
                    items.push(AuditEvent::of(row));
                }
            }
        }
        let next = if more { after.map(marker) } else { None };
        Ok(Effect::nothing(Listed { items, next }))
    }
}

fn marker(Position { at, node, seq }: Position) -> String {
    format!("{}.{node}.{seq}", at.unix())
}

fn read_marker(text: &str) -> Option<Position> {
    let mut parts = text.split('.');
    let (at, node, seq) = (parts.next()?.parse().ok()?, parts.next()?.parse::<NodeId>().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(Position { at: Timestamp::from_unix(at), node, seq })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_read_in_every_spelling() {
        let id = RequestId::from_bytes([0xAB; 16]);
        for spelling in [id.to_uuid(), id.to_uuid().to_lowercase(), id.to_hex(), id.to_string()] {
            assert_eq!(spelling.parse(), Ok(RequestRef::Whole(id)), "{spelling}");
        }
        assert_eq!(id.to_short_hex().parse(), Ok(RequestRef::Beginning([0xAB; 12])));
        assert_eq!(RequestRef::Beginning([0xAB; 12]).to_string(), id.to_short_hex());
        for wrong in ["", "request_", "AB", "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAG", "ABABABABABABABABABABABA\u{e9}", &"A".repeat(33)] {
            assert_eq!(wrong.parse::<RequestRef>(), Err(NotARequest), "{wrong}");
        }
    }
}
