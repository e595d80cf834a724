//! The rules for what is said of apps.

use std::time::Duration;

use super::refusal::{AppField, Refusal};

/// Lengths of an id.
const ID: std::ops::RangeInclusive<usize> = 5..=256;
/// Lengths of a secret that somebody chose, in characters.
const SECRET: std::ops::RangeInclusive<usize> = 8..=256;
/// Longest name for people, in characters.
const NAME: usize = 256;
/// Longest description, in characters.
const DESCRIPTION: usize = 1024;
/// Lives of access tokens, in seconds.
const TTL: std::ops::RangeInclusive<i64> = 60..=3 * 3600;
/// Their life where nothing is said.
const USUAL_TTL: i64 = 30 * 60;
/// How long an old secret may go on, in seconds.
const OVERLAP: std::ops::RangeInclusive<i64> = 1..=30 * 86400;
/// And how long it does where nothing is said.
const USUAL_OVERLAP: i64 = 48 * 3600;

fn wrong(field: AppField, rule: impl Into<String>) -> Refusal {
    Refusal::Field(field, rule.into())
}

pub(super) fn id(text: &str) -> Result<(), Refusal> {
    let good = ID.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if good { Ok(()) } else { Err(wrong(AppField::Id, "an id is 5 to 256 letters, digits, `-` and `_`")) }
}

pub(super) fn secret(text: &str) -> Result<(), Refusal> {
    let has = |test: fn(char) -> bool| text.chars().any(test);
    let kinds = has(|c| c.is_ascii_lowercase())
        && has(|c| c.is_ascii_uppercase())
        && has(|c| c.is_ascii_digit())
        && has(|c| !c.is_alphanumeric() && !c.is_whitespace());
    let good = SECRET.contains(&text.chars().count()) && kinds && !text.chars().any(char::is_control);
    let rule = "a secret is 8 to 256 characters, with a lower-case letter, an upper-case letter, a digit and a special character";
    if good { Ok(()) } else { Err(wrong(AppField::Secret, rule)) }
}

pub(super) fn display_name(text: &str) -> Result<(), Refusal> {
    let count = text.chars().count();
    let good = |c: char| c.is_alphanumeric() || " -_.`':@&".contains(c);
    if !text.trim().is_empty() && count <= NAME && text.chars().all(good) {
        return Ok(());
    }
    Err(wrong(AppField::DisplayName, "a display name is 1 to 256 letters, digits, spaces and - _ . ` ' : @ &"))
}

pub(super) fn description(text: &str) -> Result<(), Refusal> {
    let good = text.chars().count() <= DESCRIPTION && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    if good { Ok(()) } else { Err(wrong(AppField::Description, "a description is at most 1024 characters, without control characters")) }
}

pub(super) fn ttl(seconds: Option<i64>) -> Result<Duration, Refusal> {
    let rule = "the life of an access token is 60 to 10800 seconds";
    within(seconds.unwrap_or(USUAL_TTL), &TTL).ok_or_else(|| wrong(AppField::AccessTokenTtl, rule))
}

/// How long an old secret goes on, where this is said and the app usually does `usual`.
pub(super) fn overlap(seconds: Option<i64>, usual: Option<Duration>) -> Result<Duration, Refusal> {
    match (seconds, usual) {
        (None, Some(usual)) => Ok(usual),
        (seconds, _) => {
            let rule = "an old secret goes on for 1 to 2592000 seconds";
            within(seconds.unwrap_or(USUAL_OVERLAP), &OVERLAP).ok_or_else(|| wrong(AppField::Overlap, rule))
        }
    }
}

fn within(seconds: i64, range: &std::ops::RangeInclusive<i64>) -> Option<Duration> {
    range.contains(&seconds).then(|| Duration::from_secs(seconds.unsigned_abs()))
}

/// Ids as they were given, each once, and not too many.
pub(super) fn ids(given: &[String], most: usize) -> Result<Vec<&str>, Refusal> {
    let mut ids: Vec<&str> = Vec::new();
    for id in given {
        if !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    if ids.is_empty() || ids.len() > most {
        return Err(wrong(AppField::Ids, format!("name 1 to {most} ids")));
    }
    Ok(ids)
}
