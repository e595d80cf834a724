//! `tegata keys …`: what an account demands of long-term keys, and who still uses one.

use serde_json::Value;

use super::{
    access::Opened,
    own::{call, items, text, texts},
    runtime,
    table::{fields, print_json, rows},
};
use crate::{
    cli::{
        client::Form,
        keys::{KeyPolicySetFlags, KeyPolicyShowFlags, KeysReportFlags},
    },
    config::Environment,
    failure::Failure,
};

/// `tegata keys policy show`
pub(crate) fn show(flags: &KeyPolicyShowFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let answer = runtime()?.block_on(call(&opened, "GetKeyPolicy", &[]))?;
    print(&answer, flags.printed.output);
    Ok(())
}

/// `tegata keys policy set`
pub(crate) fn set(flags: &KeyPolicySetFlags, environment: &Environment) -> Result<(), Failure> {
    if flags.max_age_days.is_none() && flags.network.is_none() && !flags.any_address && flags.people.is_none() {
        return Err(Failure::usage("nothing to change: say `--max-age-days`, `--network`, `--any-address` or `--people`"));
    }
    let opened = Opened::new(&flags.server.access(), environment)?;
    let days = flags.max_age_days.map(|days| days.to_string());
    let networks = if flags.any_address { Some(String::new()) } else { flags.network.as_ref().map(|all| all.join(",")) };
    let people = flags.people.map(|people| people.to_string());
    let parameters = [("MaxAgeDays", days.as_deref()), ("Networks", networks.as_deref()), ("AllowPeople", people.as_deref())];
    let answer = runtime()?.block_on(call(&opened, "SetKeyPolicy", &parameters))?;
    print(&answer, flags.printed.output);
    Ok(())
}

fn print(answer: &Value, form: Form) {
    let policy = answer.get("KeyPolicy").unwrap_or(&Value::Null);
    if form == Form::Json {
        return print_json(policy);
    }
    let networks = texts(policy, "/Networks");
    let people = policy.get("AllowPeople").and_then(Value::as_bool).unwrap_or(true);
    fields(&[
        ("Age", policy.get("MaxAgeDays").and_then(Value::as_u64).map_or_else(|| "any".to_owned(), |days| format!("at most {days} days"))),
        ("From", if networks.is_empty() { "anywhere".to_owned() } else { networks.join(", ") }),
        ("People", if people { "may have keys" } else { "may have no keys" }.to_owned()),
    ]);
}

/// `tegata keys report`
pub(crate) fn report(flags: &KeysReportFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.server.access(), environment)?;
    let keys = runtime()?.block_on(async {
        let mut keys: Vec<Value> = Vec::new();
        let mut marker = None;
        loop {
            let answer = call(&opened, "ListLongTermKeys", &[("MaxItems", Some("1000")), ("Marker", marker.as_deref())]).await?;
            keys.extend(items(&answer, "/LongTermKeys/LongTermKey").iter().cloned());
            marker = Some(text(&answer, "Marker").to_owned()).filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok::<_, Failure>(keys);
            }
        }
    })?;
    if flags.printed.output == Form::Json {
        print_json(&Value::Array(keys));
        return Ok(());
    }
    let shown: Vec<[String; 6]> = keys
        .iter()
        .map(|key| {
            let or = |value: &str, other: &str| if value.is_empty() { other.to_owned() } else { value.to_owned() };
            [
                or(text(key, "UserName"), "(the owner)"),
                text(key, "AccessKeyId").to_owned(),
                format!("{} days", key.get("AgeDays").and_then(Value::as_u64).unwrap_or(0)),
                or(text(key, "LastUsedDate"), "never"),
                text(key, "Advice").to_owned(),
                text(key, "Command").to_owned(),
            ]
        })
        .collect();
    rows(["USER", "KEY", "AGE", "LAST USED", "WHAT TO DO", "COMMAND"], &shown);
    Ok(())
}
