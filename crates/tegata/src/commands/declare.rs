//! `tegata ram apply` and `tegata ram export`: a directory that is kept in a file.

use std::io::{self, BufRead as _, IsTerminal as _};

use serde::Deserialize;
use serde_json::{Value, json};
use tegata_client::{Api, Credential, Rpc};
use tegata_core::why::escape;

use super::{access::Opened, access::now, declaration, runtime, table::print_json};
use crate::{
    cli::{
        client::Form,
        declare::{ApplyFlags, ExportFlags},
    },
    config::Environment,
    failure::Failure,
    terminal,
};

/// What stands above an exported directory.
const HEADING: &str = "\
# Users, groups, roles and policies of one account, for `tegata ram apply`.
#
# Not in here: access keys and other secrets, passwords, devices for second factors, who is switched off, versions of
# policies that do not count, system policies themselves, buckets and objects.
";

/// A plan, as the server tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    plan_hash: String,
    is_empty: bool,
    leaves_nobody: bool,
    summary: String,
    effects: Lines,
    steps: Lines,
    notes: Notes,
    left_alone: Left,
    plan: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lines {
    line: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    sign: String,
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notes {
    note: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Left {
    users: u64,
    groups: u64,
    roles: u64,
    policies: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Exported {
    declaration: String,
}

/// `tegata ram apply`
pub(crate) fn apply(flags: &ApplyFlags, environment: &Environment) -> Result<(), Failure> {
    let declared = declaration::read(&flags.file)?.to_string();
    let person = io::stdin().is_terminal();
    if flags.file.as_os_str() == "-" && !(flags.plan || flags.yes) {
        return Err(Failure::usage("the declaration comes from standard input, so nobody can be asked: say `--plan` or `--yes`"));
    }
    let opened = Opened::new(&flags.access, environment)?;
    let rpc = opened.rpc()?;
    let mut parameters = vec![("Declaration".to_owned(), declared), ("Prune".to_owned(), flags.prune.to_string())];
    runtime()?.block_on(async {
        let key = opened.credential().await?;
        let told: Told = call(&rpc, &key, "PlanDirectory", &parameters).await?;
        let finished = told.is_empty || flags.plan;
        match flags.printed.output {
            Form::Table => show(&told, flags.prune),
            Form::Json if finished => print_json(&json!({ "plan": whole(&told)?, "applied": false })),
            Form::Json => {}
        }
        if told.leaves_nobody && !flags.even_if_nobody_can_administer && !flags.plan {
            return Err(Failure::new(
                "afterwards no user could administer the account any more, only its owner's key could; nothing was done\n\
                 \x20 if that is meant, say `--even-if-nobody-can-administer` too",
            ));
        }
        if finished {
            return Ok(());
        }
        if !(flags.yes || person) {
            return Err(Failure::usage("nobody can be asked here, so nothing was done: look with `--plan`, or apply it with `--yes`"));
        }
        if !flags.yes && !agreed()? {
            return Err(Failure::new("nothing was done"));
        }
        parameters.push(("PlanHash".to_owned(), told.plan_hash.clone()));
        parameters.push(("EvenIfNobodyCanAdminister".to_owned(), flags.even_if_nobody_can_administer.to_string()));
        let done: Told = call(&rpc, &key, "ApplyDirectory", &parameters).await?;
        match flags.printed.output {
            Form::Table => {
                let _ = terminal::say(&format!("{} applied: {}", terminal::mark(true), done.summary));
            }
            Form::Json => print_json(&json!({ "plan": whole(&done)?, "applied": true })),
        }
        Ok(())
    })
}

/// `tegata ram export`
pub(crate) fn export(flags: &ExportFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.access, environment)?;
    let rpc = opened.rpc()?;
    let exported: Exported = runtime()?.block_on(async {
        let key = opened.credential().await?;
        call(&rpc, &key, "ExportDirectory", &[]).await
    })?;
    let value: Value = serde_json::from_str(&exported.declaration)
        .map_err(|error| Failure::new(format!("the server's answer is not a declaration: {error}")))?;
    if flags.form == "json" {
        print_json(&value);
    } else {
        terminal::say(format!("{HEADING}{}", declaration::to_toml(&value)).trim_end());
    }
    Ok(())
}

async fn call<T: serde::de::DeserializeOwned>(
    rpc: &Rpc,
    key: &Credential,
    action: &str,
    parameters: &[(String, String)],
) -> Result<T, Failure> {
    let answer = rpc.call(key, Api::OWN, action, parameters, now()).await;
    answer.map_err(|error| {
        let advice = error.refusal().and_then(|refusal| advice(&refusal.code));
        let failure = Failure::from(error);
        match advice {
            Some(advice) => Failure::new(format!("{failure}\n  {advice}")),
            None => failure,
        }
    })
}

/// What to do about somebody who is to be deleted and still has something that the file says nothing of.
fn advice(code: &str) -> Option<&'static str> {
    match code {
        "DeleteConflict.User.AccessKey" => Some("to delete a user with its keys, name it in the file: `users_with_keys` under `[removed]`"),
        "DeleteConflict.User.LoginProfile" => {
            Some("the file says nothing of passwords: take it away first, with `tegata ram DeleteLoginProfile --UserName NAME`")
        }
        "DeleteConflict.User.MFADevice" => {
            Some("the file says nothing of second factors: take it away first, with `tegata ram UnbindMFADevice --UserName NAME`")
        }
        _ => None,
    }
}

fn whole(told: &Told) -> Result<Value, Failure> {
    serde_json::from_str(&told.plan).map_err(|error| Failure::new(format!("the server's plan is not JSON: {error}")))
}

/// The plan for people: who may do more or less, then what is written.
fn show(told: &Told, pruning: bool) {
    let say = |text: &str| {
        let _ = terminal::say(text);
    };
    let lines = |heading: &str, lines: &Lines| {
        if lines.line.is_empty() {
            return;
        }
        say(&terminal::bold(heading));
        for Line { sign, text } in &lines.line {
            say(&format!("  {sign} {}", escape(text)));
        }
        say("");
    };
    lines("Who may do more, and who less", &told.effects);
    lines("What is written", &told.steps);
    for note in &told.notes.note {
        say(&format!("note: {}", escape(note)));
    }
    let Left { users, groups, roles, policies } = told.left_alone;
    let left: Vec<String> =
        [(users, "user", "users"), (groups, "group", "groups"), (roles, "role", "roles"), (policies, "policy", "policies")]
            .iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, more)| format!("{count} {}", if *count == 1 { one } else { more }))
            .collect();
    if !left.is_empty() {
        let why = if pruning { "their section is not in the file" } else { "not in the file" };
        say(&format!("left alone: {} ({why})", left.join(", ")));
    }
    if told.leaves_nobody {
        say("Afterwards no user could administer the account any more; only its owner's key could.");
    }
    say(&if told.is_empty { "nothing to do".to_owned() } else { format!("in all: {}", told.summary) });
}

/// Asks the person.
fn agreed() -> Result<bool, Failure> {
    terminal::ask("apply? [y/N] ");
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
