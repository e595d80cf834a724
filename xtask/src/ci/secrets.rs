//! No secret of the client suites may be in the logs that the servers wrote.
//!
//! Searched for: every secret of the ready file, and every secret and token that a suite obtained and wrote down
//! (`TEGATA_SECRETS_FILE`, one a line). Having seen no secret, or an empty log, is a failure: it would prove nothing.
//! What a development server says on standard output is for the person who started it and may name the sample directory's
//! well-known secrets, but nothing that was obtained.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::server::{LOG, OUTPUT};
use super::{Outcome, Session};

/// File with the secrets of the ready file.
pub(super) const SEEDED: &str = "secrets-seeded.txt";
/// File with the secrets that a suite obtained.
pub(super) const OBTAINED: &str = "secrets-obtained.txt";

const SUITES: &[&str] = &["interop-python", "interop-node"];

/// A word shorter than this is found in any log by chance.
const SHORTEST: usize = 8;
/// So much of the middle of a long secret gives it away, also when a log line was cut at either end.
const SLICE: usize = 32;

pub(super) fn run(session: &Session<'_>, _log: &Path) -> Result<Outcome, String> {
    let mut searched = 0;
    for suite in SUITES {
        let folder = session.folder.join(suite);
        if !folder.join(LOG).exists() {
            continue;
        }
        searched += 1;
        search(&folder).map_err(|problem| format!("{suite}: {problem}"))?;
    }
    if searched == 0 {
        let why = "no client suite has run, so there is no log to search".to_owned();
        return Ok(Outcome::LeftOut { why, get: "run interop-python or interop-node before it".to_owned() });
    }
    Ok(Outcome::Passed)
}

/// Writes the secrets of a ready file down, since the server removes the file when it stops.
pub(super) fn keep_those_of(ready: &Path, file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(ready).map_err(|error| format!("{}: {error}", ready.display()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| format!("the ready file is not JSON: {error}"))?;
    let mut found = BTreeSet::new();
    collect(&value, &mut found);
    let lines: Vec<String> = found.into_iter().collect();
    fs::write(file, lines.join("\n")).map_err(|error| format!("{}: {error}", file.display()))
}

/// The texts of a ready file that are secret, by the names of their keys.
fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if is_secret_name(key) => {
                        found.insert(text.clone());
                    }
                    other => collect(other, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn is_secret_name(key: &str) -> bool {
    ["password", "secret", "auth_key", "token"].iter().any(|end| key.ends_with(end))
}

fn search(folder: &Path) -> Result<(), String> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let (seeded, obtained) = (read(SEEDED)?, read(OBTAINED)?);
    let printed = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let (log, output) = (printed(LOG)?, printed(OUTPUT)?);
    judge(&String::from_utf8_lossy(&log), &String::from_utf8_lossy(&output), &seeded, &obtained)
}

fn judge(log: &str, output: &str, seeded: &str, obtained: &str) -> Result<(), String> {
    if log.trim().is_empty() {
        return Err("the server's log is empty, so nothing was searched".to_owned());
    }
    for (text, which) in [(seeded, "the ready file"), (obtained, "the suite")] {
        if text.trim().is_empty() {
            return Err(format!("{which} gave no secret, so nothing was searched for"));
        }
    }
    let lines = |text| str::lines(text).map(str::trim).filter(|line| !line.is_empty());
    let all: BTreeSet<&str> = lines(seeded).chain(lines(obtained)).collect();
    let obtained: BTreeSet<&str> = lines(obtained).collect();
    let mut problems = String::new();
    find(&all, LOG, log, &mut problems);
    find(&obtained, OUTPUT, output, &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(problems.trim_end().to_owned()) }
}

/// Adds a line to `problems` for each of `secrets` that is in `text`.
fn find(secrets: &BTreeSet<&str>, name: &str, text: &str, problems: &mut String) {
    for secret in secrets {
        if secret.chars().count() < SHORTEST {
            let _ = writeln!(problems, "a secret of {} characters is too short to be searched for", secret.chars().count());
            continue;
        }
        for form in forms(secret) {
            if let Some(at) = text.find(&form) {
                let line = text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1;
                let start: String = secret.chars().take(4).collect();
                let _ = writeln!(problems, "{name}:{line}: holds the secret that begins with `{start}`");
                break;
            }
        }
    }
}

/// How a secret would look in a log: as it is, and as part of a URL.
fn forms(secret: &str) -> [String; 2] {
    let encoded = secret.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    });
    [middle(secret), middle(&encoded)]
}

fn middle(text: &str) -> String {
    let length = text.chars().count();
    text.chars().skip(length.saturating_sub(SLICE) / 2).take(SLICE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "CAISabcdefghijklmnopqrstuvwxyz+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ==";

    #[test]
    fn a_clean_log_passes() {
        assert_eq!(judge("request served\n", "use appserver-secret", "appserver-secret", TOKEN), Ok(()));
    }

    #[test]
    fn a_secret_is_found_whole_cut_or_percent_encoded_and_not_repeated_in_the_finding() {
        for line in
            [TOKEN.to_owned(), TOKEN.chars().skip(8).take(52).collect(), TOKEN.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")]
        {
            let problem = judge(&format!("first\nGET /?token={line}\n"), "", "appserver-secret", TOKEN).unwrap_err();
            assert_eq!(problem, "server.log:2: holds the secret that begins with `CAIS`");
        }
        assert!(judge("key appserver-secret\n", "", "appserver-secret", TOKEN).is_err());
        let problem = judge("line\n", TOKEN, "appserver-secret", TOKEN).unwrap_err();
        assert_eq!(problem, "server.out:1: holds the secret that begins with `CAIS`");
    }

    #[test]
    fn having_seen_nothing_is_a_failure() {
        assert!(judge(" \n", "", "appserver-secret", TOKEN).unwrap_err().contains("log is empty"));
        assert!(judge("line\n", "", "", TOKEN).unwrap_err().contains("ready file"));
        assert!(judge("line\n", "", "appserver-secret", "\n").unwrap_err().contains("the suite"));
        assert!(judge("line\n", "", "short", TOKEN).unwrap_err().contains("too short"));
    }

    #[test]
    fn secrets_of_a_ready_file_are_known_by_their_names() {
        let ready = serde_json::json!({
            "root": { "password": "p1", "access_key_id": "LTAI", "access_key_secret": "s1", "auth_key_id": "k", "auth_key": "s2" },
            "users": { "dan": { "csp_api_token": "t1", "totp_secret": "o1", "login": "dan@acme" } },
            "clients": { "bench": { "id": "b", "secret": "s3" } }, "buckets": ["photos"], "https": null
        });
        let mut found = BTreeSet::new();
        collect(&ready, &mut found);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["o1", "p1", "s1", "s2", "s3", "t1"]);
    }
}
