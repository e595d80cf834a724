//! `tegata leaked TEXT|-`: ends every credential that has become known, and tells what was done with it.

use std::io::Read as _;

use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    access::Opened,
    audit::remote_line,
    own::{call, items, text, texts},
    runtime,
    sessions::{ended, live},
    table::print_json,
};
use crate::{
    cli::{client::Form, take_back::LeakedFlags},
    config::Environment,
    failure::Failure,
    terminal,
};

/// Longest text that the server looks through, in bytes.
const LONGEST: u64 = 64 * 1024;

/// `tegata leaked`
pub(crate) fn report(flags: &LeakedFlags, environment: &Environment) -> Result<(), Failure> {
    let found_in = if flags.text == "-" { standard_input()? } else { Zeroizing::new(flags.text.clone()) };
    if found_in.trim().is_empty() {
        return Err(Failure::usage("there is no text to look through"));
    }
    let opened = Opened::new(&flags.server.access(), environment)?;
    let parameters = [("Text", Some(found_in.as_str())), ("DryRun", flags.dry_run.then_some("true"))];
    let answer = runtime()?.block_on(call(&opened, "ReportLeakedCredential", &parameters))?;
    let found = items(&answer, "/Credentials/Credential");
    match flags.printed.output {
        Form::Json => print_json(&answer),
        Form::Table => {
            if !found.iter().all(tell) {
                return Ok(());
            }
        }
    }
    let unknown = texts(&answer, "/Unknown/AccessKeyId");
    let secrets = answer.get("UnknownSecrets").and_then(Value::as_u64).unwrap_or_default();
    if found.is_empty() || !unknown.is_empty() || secrets > 0 {
        return Err(Failure::new(left_over(found.is_empty(), &unknown, secrets)));
    }
    Ok(())
}

/// What is still in the hands of strangers, or never was anybody's.
fn left_over(nothing: bool, unknown: &[String], secrets: u64) -> String {
    let mut sentences = Vec::new();
    if nothing {
        sentences.push("the text holds no credential of this account".to_owned());
    }
    if !unknown.is_empty() {
        sentences.push(format!("not known in this account: {}", tegata_core::why::escape(&unknown.join(", "))));
    }
    if secrets > 0 {
        let what = if secrets == 1 { "1 secret".to_owned() } else { format!("{secrets} secrets") };
        sentences.push(format!("{what} in the text have the mark of ours and belong to no key of this account"));
    }
    sentences.join("; ")
}

fn standard_input() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin()
        .lock()
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::usage(format!("at most {LONGEST} bytes are looked through at once; give the text in parts")));
    }
    // A log may hold anything; what is no text holds no credential either.
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Tells of one credential; false once nobody reads.
fn tell(one: &Value) -> bool {
    let escape = tegata_core::why::escape;
    let done = match text(one, "Done") {
        "Disabled" => "switched off",
        "Ended" => "ended",
        "WasOver" => "worked no more already",
        _ => "would be ended",
    };
    let sessions = if text(one, "Done") == "Nothing" { format!("{} would end", live(one)) } else { ended(one) };
    let seen = texts(one, "/Seen/Part").join(", ");
    let head = format!("{}  {done}; {sessions}", escape(text(one, "AccessKeyId")));
    let mut lines = vec![terminal::bold(&head), format!("  of {}; in the text: {}", escape(text(one, "Owner")), escape(&seen))];
    let events = items(one, "/Events/Event");
    if events.is_empty() {
        lines.push("  nothing was asked with it in the last 24 hours".to_owned());
    } else {
        lines.push(format!("  with it in the last 24 hours{}:", if events.len() >= 100 { ", the newest" } else { "" }));
        lines.extend(events.iter().map(|event| format!("    {}", remote_line(event))));
    }
    lines.iter().all(|line| terminal::say(line))
}
