//! `tegata api-tokens …`: what programs of a user get access tokens for its organization with.

use serde_json::{Value, json};
use tegata_model::Timestamp;

use super::{
    access::{Opened, now},
    own::{call, items, text},
    runtime,
    table::{fields, in_words, print_json, rows},
};
use crate::{
    cli::{
        api_tokens::{ApiTokenCreateFlags, ApiTokenRevokeFlags, ApiTokensListFlags},
        client::Form,
    },
    config::Environment,
    failure::Failure,
    terminal,
};

const DAY: u64 = 24 * 60 * 60;

/// `tegata api-tokens create`
pub(crate) fn create(flags: &ApiTokenCreateFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let (life, idle) = ((flags.days * DAY).to_string(), flags.idle_days.map(|days| (days * DAY).to_string()));
    let scope = flags.scopes.join(" ");
    let parameters = [
        ("UserName", flags.user.as_deref()),
        ("ApiTokenName", Some(flags.name.as_str())),
        ("Scope", (!scope.is_empty()).then_some(scope.as_str())),
        ("ValiditySeconds", Some(life.as_str())),
        ("IdleSeconds", idle.as_deref()),
    ];
    let made = runtime()?.block_on(call(&opened, "CreateApiToken", &parameters))?;
    let one = made.get("ApiToken").unwrap_or(&Value::Null);
    match flags.printed.output {
        Form::Json => print_json(&json!({ "apiToken": text(&made, "ApiTokenValue"), "details": one })),
        Form::Table => fields(&[
            ("API token", format!("{}  (shown this once)", text(&made, "ApiTokenValue"))),
            ("Id", text(one, "ApiTokenId").to_owned()),
            ("Ends", text(one, "ExpireDate").to_owned()),
        ]),
    }
    Ok(())
}

/// `tegata api-tokens list`
pub(crate) fn list(flags: &ApiTokensListFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let answer = runtime()?.block_on(call(&opened, "ListApiTokens", &[("UserName", flags.user.as_deref())]))?;
    let listed = items(&answer, "/ApiTokens/ApiToken");
    if flags.printed.output == Form::Json {
        print_json(&json!(listed));
        return Ok(());
    }
    let state = |one: &Value| match (text(one, "RevokeDate"), Timestamp::parse_iso(text(one, "ExpireDate"))) {
        ("", Some(end)) => in_words(end, now()),
        ("", None) => String::new(),
        (at, _) => format!("taken back {at} by {}", text(one, "RevokedBy")),
    };
    let used = |one: &Value| match text(one, "LastUsedDate") {
        "" => "never".to_owned(),
        at => at.to_owned(),
    };
    let line = |one: &Value| [text(one, "ApiTokenId").to_owned(), text(one, "ApiTokenName").to_owned(), used(one), state(one)];
    let lines: Vec<[String; 4]> = listed.iter().map(line).collect();
    rows(["ID", "NAME", "LAST USED", "STATE"], &lines);
    Ok(())
}

/// `tegata api-tokens revoke`
pub(crate) fn revoke(flags: &ApiTokenRevokeFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let parameters = [("UserName", flags.user.as_deref()), ("ApiTokenId", Some(flags.id.as_str()))];
    let answer = runtime()?.block_on(call(&opened, "RevokeApiToken", &parameters))?;
    match flags.printed.output {
        Form::Json => print_json(&answer),
        Form::Table => {
            terminal::say("taken back; every access token that came of it is over");
        }
    }
    Ok(())
}
