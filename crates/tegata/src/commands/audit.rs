//! `tegata audit tail`: the audit trail for people and for programs, of the data on this machine or of a server.
//!
//! What strangers wrote (names, keys of objects) never reaches the terminal as it is: control characters are escaped.

use std::{collections::HashSet, time::Duration};

use serde::Serialize;
use serde_json::Value;
use tegata_core::why::escape;
use tegata_model::{NodeId, Timestamp};
use tegata_store::{
    Store,
    audit::{self, AuditRow, CallerKind, Filter, Outcome},
};

use super::{
    access::Opened,
    own::{self, Where, text},
    read_only, runtime,
};
use crate::{
    cli::{AuditOutput, AuditTailFlags},
    config::Environment,
    failure::Failure,
    terminal,
};

/// How often `--follow` looks for more.
const POLL: Duration = Duration::from_millis(500);
/// Rows that commit in the same second may become visible one after the other, on PostgreSQL some seconds later.
const OVERLAP: Duration = Duration::from_secs(10);
/// Most rows that one look brings.
const BURST: u32 = 10_000;
/// How often a server is asked for more.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Most entries that one call brings.
const PAGE: usize = 1000;

/// `tegata audit tail`
pub(crate) fn tail(flags: &AuditTailFlags, environment: &Environment) -> Result<(), Failure> {
    match own::look(&flags.place, &flags.server, environment)? {
        Where::Here(config) => runtime()?.block_on(async {
            let store = read_only(&config).await?;
            let printed = print(&store, flags).await;
            store.close().await;
            printed
        }),
        Where::There(opened) => runtime()?.block_on(remote(&opened, flags)),
    }
}

/// The trail of one's account, as the server tells it.
async fn remote(opened: &Opened, flags: &AuditTailFlags) -> Result<(), Failure> {
    let say_all = |events: &[Value]| {
        events.iter().rev().all(|event| {
            terminal::say(&match flags.output {
                AuditOutput::Table => remote_line(event),
                AuditOutput::Json => remote_json(event),
            })
        })
    };
    let same = |event: &Value| [text(event, "RequestId").to_owned(), text(event, "Action").to_owned()];
    let page = u32::try_from(PAGE).unwrap_or(u32::MAX);
    let mut events = newest(opened, None, if flags.follow { flags.lines.max(page) } else { flags.lines }).await?;
    // What is not new when it is seen again.
    let mut seen: HashSet<[String; 2]> = events.iter().map(same).collect();
    events.truncate(usize::try_from(flags.lines).unwrap_or(usize::MAX));
    if flags.output == AuditOutput::Table && (!events.is_empty() || flags.follow) && !terminal::say(&heading()) {
        return Ok(());
    }
    if !say_all(&events) || !flags.follow {
        return Ok(());
    }
    let moment = |events: &[Value]| events.first().and_then(|event| Timestamp::parse_iso(text(event, "Date")));
    let mut last = moment(&events).unwrap_or(Timestamp::from_unix(0));
    loop {
        tokio::time::sleep(ASK_AGAIN).await;
        let events = newest(opened, Some(last.minus(OVERLAP)), BURST).await?;
        last = moment(&events).map_or(last, |at| at.max(last));
        let now_seen = events.iter().map(same).collect();
        let fresh: Vec<Value> = events.into_iter().filter(|event| !seen.contains(&same(event))).collect();
        seen = now_seen;
        if !say_all(&fresh) {
            return Ok(());
        }
    }
}

/// The newest entries since a moment, newest first, page by page.
async fn newest(opened: &Opened, since: Option<Timestamp>, most: u32) -> Result<Vec<Value>, Failure> {
    let (most, since) = (usize::try_from(most).unwrap_or(usize::MAX), since.map(Timestamp::to_iso));
    let mut events: Vec<Value> = Vec::new();
    let mut marker: Option<String> = None;
    while events.len() < most {
        let size = (most - events.len()).min(PAGE).to_string();
        let parameters = [("StartTime", since.as_deref()), ("MaxItems", Some(size.as_str())), ("Marker", marker.as_deref())];
        let answer = own::call(opened, "ListAuditEvents", &parameters).await?;
        events.extend(own::items(&answer, "/Events/Event").iter().cloned());
        marker = Some(text(&answer, "Marker").to_owned()).filter(|marker| !marker.is_empty());
        if marker.is_none() {
            break;
        }
    }
    Ok(events)
}

/// One line of an entry as the server tells it.
pub(super) fn remote_line(event: &Value) -> String {
    let word = |member| escape(text(event, member));
    let outcome = if text(event, "Outcome") == "Done" { "done" } else { "refused" };
    columns([&word("Date"), outcome, &word("RequestId"), &word("Caller"), &word("Action"), &word("SourceAddress"), &word("Resource")])
}

/// The same members as of an entry on this machine, as far as the server tells them.
fn remote_json(event: &Value) -> String {
    let word = |member: &str| event.get(member).cloned().unwrap_or(Value::Null);
    let entry = serde_json::json!({
        "at": word("Date"), "outcome": text(event, "Outcome").to_ascii_lowercase(), "request_id": word("RequestId"),
        "caller_kind": word("CallerType"), "caller": word("Caller"), "access_key_id": word("AccessKeyId"),
        "action": word("Action"), "resource": word("Resource"), "source": word("SourceAddress"), "session": word("SessionId"),
        "detail": { "reason": word("Summary"), "by": own::texts(event, "/DecidedBy/Statement") },
    });
    harmless(&entry.to_string())
}

async fn print(store: &Store, flags: &AuditTailFlags) -> Result<(), Failure> {
    let most = if flags.follow { flags.lines.max(BURST) } else { flags.lines };
    let mut rows = audit::tail(store, Filter::default(), most).await?;
    let mut newest = rows.first().map_or(Timestamp::from_unix(0), |row| row.at);
    // What is not new when it is seen again.
    let mut seen: HashSet<(NodeId, i64)> = rows.iter().map(|row| (row.node, row.seq)).collect();
    rows.truncate(usize::try_from(flags.lines).unwrap_or(usize::MAX));
    if flags.output == AuditOutput::Table && (!rows.is_empty() || flags.follow) && !terminal::say(&heading()) {
        return Ok(());
    }
    if !say_all(rows, flags.output) || !flags.follow {
        return Ok(());
    }
    loop {
        tokio::time::sleep(POLL).await;
        let filter = Filter { since: Some(newest.minus(OVERLAP)), ..Filter::default() };
        let rows = audit::tail(store, filter, BURST).await?;
        newest = rows.first().map_or(newest, |row| row.at.max(newest));
        let now_seen: HashSet<_> = rows.iter().map(|row| (row.node, row.seq)).collect();
        let fresh = rows.into_iter().filter(|row| !seen.contains(&(row.node, row.seq))).collect();
        seen = now_seen;
        if !say_all(fresh, flags.output) {
            return Ok(());
        }
    }
}

/// Rows come newest first and are told oldest first. False once nobody reads.
fn say_all(rows: Vec<AuditRow>, output: AuditOutput) -> bool {
    rows.into_iter().rev().all(|row| {
        terminal::say(&match output {
            AuditOutput::Table => line(&row),
            AuditOutput::Json => json(&row),
        })
    })
}

fn heading() -> String {
    columns(["WHEN", "ANSWER", "REQUEST", "WHO", "ACTION", "FROM", "ON"])
}

fn line(row: &AuditRow) -> String {
    columns([
        &row.at.to_iso(),
        outcome(row),
        &row.request_id.to_uuid(),
        &escape(&row.caller),
        &escape(&row.action),
        &escape(&row.source),
        &escape(&row.resource),
    ])
}

/// The columns that vary most in width come last.
fn columns([when, answer, request, who, action, from, on]: [&str; 7]) -> String {
    format!("{when:<20}  {answer:<7}  {request:<36}  {who:<24}  {action:<20}  {from:<15}  {on}").trim_end().to_owned()
}

fn outcome(row: &AuditRow) -> &'static str {
    match row.outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    at: String,
    outcome: &'static str,
    request_id: String,
    account: Option<String>,
    caller_kind: &'static str,
    caller: &'a str,
    access_key_id: Option<&'a str>,
    action: &'a str,
    resource: &'a str,
    source: &'a str,
    session: Option<String>,
    detail: serde_json::Value,
}

fn json(row: &AuditRow) -> String {
    let entry = Entry {
        at: row.at.to_iso(),
        outcome: outcome(row),
        request_id: row.request_id.to_uuid(),
        account: row.account_id.map(|id| id.to_string()),
        caller_kind: match row.caller_kind {
            CallerKind::Anonymous => "anonymous",
            CallerKind::Root => "root",
            CallerKind::User => "user",
            CallerKind::RoleSession => "role-session",
            CallerKind::Client => "client",
            CallerKind::System => "system",
            CallerKind::Federated => "federated",
        },
        caller: &row.caller,
        access_key_id: row.access_key_id.as_deref(),
        action: &row.action,
        resource: &row.resource,
        source: &row.source,
        session: row.session_id.map(|id| id.to_string()),
        detail: serde_json::from_str(&row.detail).unwrap_or_else(|_| serde_json::Value::String(row.detail.clone())),
    };
    harmless(&serde_json::to_string(&entry).unwrap_or_default())
}

/// JSON leaves some control characters as they are (DEL, C1, marks of writing direction); a terminal may obey them.
pub(super) fn harmless(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let plain = escape(c.encode_utf8(&mut [0; 4])).starts_with(c);
        if plain || c == '\n' {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use tegata_model::RequestId;

    use super::*;

    fn hostile() -> AuditRow {
        AuditRow {
            node: NodeId::from_bytes([1; 16]),
            seq: 1,
            at: Timestamp::from_unix(1_767_323_045),
            request_id: RequestId::from_bytes([0xAB; 16]),
            account_id: None,
            action: "oss:PutObject".into(),
            resource: "acs:oss:*:1:photos/\u{1b}[2J\u{9b}31m\u{7f}\u{202e}gpj.exe\\x\"".to_owned(),
            caller_kind: CallerKind::User,
            caller_id: None,
            caller: "bob\u{7}\r\nfaked line".to_owned(),
            access_key_id: Some("LTAI".to_owned()),
            session_id: None,
            outcome: Outcome::Refused,
            source: "127.0.0.1".to_owned(),
            detail: r#"{"reason":"a\u001bb"}"#.to_owned(),
        }
    }

    #[test]
    fn nothing_a_stranger_wrote_reaches_the_terminal_as_a_command() {
        for text in [line(&hostile()), json(&hostile())] {
            assert!(!text.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{text:?}");
            assert!(text.contains("refused") && text.contains("ABABABAB"), "{text}");
        }
        let told = serde_json::json!({ "Caller": hostile().caller, "Resource": hostile().resource, "Outcome": "Refused" });
        for text in [remote_line(&told), remote_json(&told)] {
            assert!(!text.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{text:?}");
            assert!(text.contains("refused") && text.contains("faked line"), "{text}");
        }
        let value: serde_json::Value = serde_json::from_str(&json(&hostile())).unwrap();
        assert_eq!(value["resource"], hostile().resource, "a program reads what was written");
        assert_eq!(value["detail"]["reason"], "a\u{1b}b");
    }
}
