//! `tegata sessions …`: who holds temporary keys, and the end of them.

use serde_json::Value;
use tegata_model::Timestamp;

use super::{
    access::{Opened, now},
    own::{call, items, text, texts},
    runtime,
    table::{fields, in_words, print_json, rows},
};
use crate::{
    cli::{
        client::Form,
        take_back::{SessionShowFlags, SessionsListFlags, SessionsRevokeFlags},
    },
    config::Environment,
    failure::Failure,
    terminal,
};

/// Most sessions that one call brings.
const PAGE: usize = 1000;

/// `tegata sessions list`
pub(crate) fn list(flags: &SessionsListFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let wanted = usize::try_from(flags.lines).unwrap_or(usize::MAX);
    let sessions = runtime()?.block_on(async {
        let mut sessions: Vec<Value> = Vec::new();
        let mut marker = None;
        while sessions.len() < wanted {
            let size = (wanted - sessions.len()).min(PAGE).to_string();
            let parameters = [
                ("UserName", flags.user.as_deref()),
                ("RoleName", flags.role.as_deref()),
                ("UserAccessKeyId", flags.key.as_deref()),
                ("AppId", flags.app.as_deref()),
                ("IncludeEnded", flags.all.then_some("true")),
                ("MaxItems", Some(size.as_str())),
                ("Marker", marker.as_deref()),
            ];
            let answer = call(&opened, "ListSessions", &parameters).await?;
            sessions.extend(items(&answer, "/Sessions/Session").iter().cloned());
            marker = Some(text(&answer, "Marker").to_owned()).filter(|marker| !marker.is_empty());
            if marker.is_none() {
                break;
            }
        }
        Ok::<_, Failure>(sessions)
    })?;
    match flags.printed.output {
        Form::Json => print_json(&Value::Array(sessions)),
        Form::Table if sessions.is_empty() && terminal::is_person() => terminal::complain("there is no such session"),
        Form::Table => {
            let line = |one: &Value| {
                [
                    text(one, "SessionId").to_owned(),
                    role(one),
                    text(one, "RoleSessionName").to_owned(),
                    whose(one),
                    text(one, "SourceAddress").to_owned(),
                    ends(one),
                ]
            };
            let lines: Vec<[String; 6]> = sessions.iter().map(line).collect();
            rows(["SESSION", "ROLE", "NAME", "HELD BY", "FROM", "STATE"], &lines);
        }
    }
    Ok(())
}

/// The role by its name.
fn role(one: &Value) -> String {
    let arn = text(one, "RoleArn");
    arn.rsplit_once(":role/").map_or(arn, |(_, name)| name).to_owned()
}

fn whose(one: &Value) -> String {
    format!("{} with {}", text(one, "Caller"), text(one, "CallerAccessKeyId"))
}

fn ends(one: &Value) -> String {
    let end = Timestamp::parse_iso(text(one, "ExpireDate"));
    match (text(one, "State"), end) {
        ("Ended", _) => "taken back".to_owned(),
        (_, Some(end)) => in_words(end, now()),
        (state, None) => state.to_owned(),
    }
}

/// `tegata sessions show`
pub(crate) fn show(flags: &SessionShowFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let id = session_id(&flags.id);
    let answer = runtime()?.block_on(call(&opened, "GetSession", &[("SessionId", Some(&id))]))?;
    let one = answer.get("Session").unwrap_or(&Value::Null);
    if flags.printed.output == Form::Json {
        print_json(one);
        return Ok(());
    }
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let narrowed = one.get("HasSessionPolicy").and_then(Value::as_bool).unwrap_or_default();
    fields(&[
        ("Session", text(one, "SessionId").to_owned()),
        ("State", ends(one)),
        ("Key", text(one, "AccessKeyId").to_owned()),
        ("Role", text(one, "RoleArn").to_owned()),
        ("Name", text(one, "RoleSessionName").to_owned()),
        ("Held by", whose(one)),
        ("From", text(one, "SourceAddress").to_owned()),
        ("Began", text(one, "CreateDate").to_owned()),
        ("Ends", text(one, "ExpireDate").to_owned()),
        ("Source identity", or_none(text(one, "SourceIdentity"))),
        ("Came of", or_none(&texts(one, "/ParentSessions/SessionId").join(", "))),
        ("Session policy", if narrowed { "one narrows it" } else { "none: it may all that the role may" }.to_owned()),
    ]);
    Ok(())
}

/// The id of a session, or of the session that a temporary key belongs to.
pub(super) fn session_id(text: &str) -> String {
    text.strip_prefix("STS.").map_or_else(|| text.to_owned(), |rest| format!("session_{rest}"))
}

/// `tegata sessions revoke`
pub(crate) fn revoke(flags: &SessionsRevokeFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let session = flags.session.as_deref().map(session_id);
    let parameters = [
        ("SessionId", session.as_deref()),
        ("UserName", flags.user.as_deref()),
        ("RoleName", flags.role.as_deref()),
        ("UserAccessKeyId", flags.key.as_deref()),
        ("AppId", flags.app.as_deref()),
    ];
    let answer = runtime()?.block_on(call(&opened, "RevokeSessions", &parameters))?;
    match flags.printed.output {
        Form::Json => print_json(&answer),
        Form::Table => {
            terminal::say(&ended(&answer));
        }
    }
    Ok(())
}

/// How many sessions an answer says have ended.
pub(super) fn ended(answer: &Value) -> String {
    format!("{} ended", live(answer))
}

/// How many sessions an answer is about.
pub(super) fn live(answer: &Value) -> String {
    let count = answer.get("EndedSessions").and_then(Value::as_u64).unwrap_or_default();
    let least = answer.get("AtLeast").and_then(Value::as_bool).unwrap_or_default();
    format!("{}{count} live session{}", if least { "at least " } else { "" }, if count == 1 { "" } else { "s" })
}
