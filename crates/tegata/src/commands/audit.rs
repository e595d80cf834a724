//! `tegata audit tail`: the audit trail for people and for programs. Reads only, beside a running server.
//!
//! What strangers wrote (names, keys of objects) never reaches the terminal as it is: control characters are escaped.

use std::{collections::HashSet, time::Duration};

use serde::Serialize;
use tegata_core::why::escape;
use tegata_model::{NodeId, Timestamp};
use tegata_store::{
    Store,
    audit::{self, AuditRow, CallerKind, Filter, Outcome},
};

use super::{beside, read_only, runtime};
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

/// `tegata audit tail`
pub(crate) fn tail(flags: &AuditTailFlags, environment: &Environment) -> Result<(), Failure> {
    let config = beside(&flags.place, environment)?;
    runtime()?.block_on(async {
        let store = read_only(&config).await?;
        let printed = print(&store, flags).await;
        store.close().await;
        printed
    })
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
        let value: serde_json::Value = serde_json::from_str(&json(&hostile())).unwrap();
        assert_eq!(value["resource"], hostile().resource, "a program reads what was written");
        assert_eq!(value["detail"]["reason"], "a\u{1b}b");
    }
}
