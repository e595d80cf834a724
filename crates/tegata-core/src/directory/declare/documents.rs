//! What is different between two documents, in words.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is different, statement by statement; nothing if both mean the same JSON.
pub(super) fn differences(before: &str, after: &Value) -> Option<Vec<String>> {
    let before = serde_json::from_str::<Value>(before).unwrap_or(Value::Null);
    if before == *after {
        return None;
    }
    let (had, has) = (statements(&before), statements(after));
    // The order of statements decides nothing, so what is there before and after is set aside first.
    let mut left: Vec<(usize, &Value)> = had;
    let mut new = Vec::new();
    for (index, statement) in has {
        match left.iter().position(|(_, known)| **known == *statement) {
            Some(at) => drop(left.remove(at)),
            None => new.push((index, statement)),
        }
    }
    let mut words = Vec::new();
    let paired = left.len().min(new.len());
    for ((_, from), (index, to)) in left.iter().zip(&new) {
        words.push(format!("statement {index} changes: {}", changed(from, to)));
    }
    words.extend(new.iter().skip(paired).map(|(index, statement)| format!("statement {index} is new: {}", said(statement))));
    words.extend(left.iter().skip(paired).map(|(index, statement)| format!("statement {index} is gone: {}", said(statement))));
    if words.is_empty() {
        words.push("the same statements in another order or form".to_owned());
    }
    Some(words)
}

fn statements(document: &Value) -> Vec<(usize, &Value)> {
    match document.get("Statement") {
        Some(Value::Array(statements)) => (1..).zip(statements).collect(),
        _ => Vec::new(),
    }
}

/// Member by member.
fn changed(from: &Value, to: &Value) -> String {
    let mut words = Vec::new();
    compare("", from, to, &mut words);
    words.join(", ")
}

/// The members of two tables, and of the tables in them.
fn compare(path: &str, from: &Value, to: &Value, words: &mut Vec<String>) {
    let members: BTreeSet<&String> = [from, to].into_iter().filter_map(Value::as_object).flat_map(|map| map.keys()).collect();
    for member in members {
        let path = if path.is_empty() { member.clone() } else { format!("{path}.{member}") };
        match (from.get(member), to.get(member)) {
            (before, after) if before == after => {}
            (None, Some(after)) => words.push(format!("`{}` is new: {}", shown(&path), text(after))),
            (Some(_), None) => words.push(format!("`{}` is gone", shown(&path))),
            (Some(before @ Value::Object(_)), Some(after @ Value::Object(_))) => compare(&path, before, after, words),
            (Some(before), Some(after)) => words.push(moved(&shown(&path), before, after)),
            (None, None) => {}
        }
    }
}

/// One member: what it gains and loses if it is a list of texts, from what to what otherwise.
fn moved(member: &str, before: &Value, after: &Value) -> String {
    let (Some(had), Some(has)) = (list(before), list(after)) else {
        return format!("`{member}` from {} to {}", text(before), text(after));
    };
    if had.len() == 1 && has.len() == 1 {
        return format!("`{member}` from {} to {}", text(before), text(after));
    }
    let quoted = |items: Vec<&&str>| items.into_iter().map(|item| format!("`{}`", shown(item))).collect::<Vec<_>>().join(", ");
    let (gained, lost) = (has.difference(&had).collect::<Vec<_>>(), had.difference(&has).collect::<Vec<_>>());
    match (gained.is_empty(), lost.is_empty()) {
        (true, true) => format!("`{member}` in another form"),
        (false, true) => format!("`{member}` gains {}", quoted(gained)),
        (true, false) => format!("`{member}` loses {}", quoted(lost)),
        (false, false) => format!("`{member}` gains {} and loses {}", quoted(gained), quoted(lost)),
    }
}

fn list(value: &Value) -> Option<BTreeSet<&str>> {
    match value {
        Value::String(text) => Some(BTreeSet::from([text.as_str()])),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// A statement in few words.
fn said(statement: &Value) -> String {
    let part = |name: &str| statement.get(name).map(text);
    let effect = part("Effect").unwrap_or_default();
    let action = part("Action").or_else(|| part("NotAction").map(|action| format!("everything but {action}"))).unwrap_or_default();
    let on = part("Resource").map(|resource| format!(" on {resource}")).unwrap_or_default();
    let to = part("Principal").map(|principal| format!(" to {principal}")).unwrap_or_default();
    let when = if statement.get("Condition").is_some() { ", under conditions" } else { "" };
    format!("{effect} {action}{on}{to}{when}")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", shown(text)),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => format!("`{}`", shown(&other.to_string())),
    }
}

fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let mut out: String = text.chars().take(MOST).map(|c| if c.is_control() || c == '`' { '\'' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out
}
