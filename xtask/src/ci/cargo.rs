//! The suites that are one cargo command or one program of this workspace.
//!
//! All of them share one profile and one feature selection (the whole workspace with its tests), so nothing is compiled twice.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::postgres::{Cluster, Found};
use super::{Outcome, Session};
use crate::sys;

/// A first build on two cores takes minutes; no suite is that slow twice.
const BUILD_LIMIT: Duration = Duration::from_mins(45);
const RUN_LIMIT: Duration = Duration::from_mins(10);

const BUILD: &[&str] = &["build", "--workspace", "--all-targets", "--locked"];

pub(super) fn fmt(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    cargo(session, log, &["fmt", "--all", "--check", "--", "--color", "never"])
}

pub(super) fn clippy(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    cargo(session, log, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

pub(super) fn build(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    cargo(session, log, BUILD)
}

pub(super) fn doc(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    let mut command = session.cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    sys::run_logged(&mut command, log, BUILD_LIMIT).map(|()| Outcome::Passed)
}

/// The Rust tests. PostgreSQL tests run when its server programs are installed; without them the suite counts as left out,
/// since half of it was, though what did run must have passed.
pub(super) fn tests(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    let found = Found::look();
    let mut command = session.cargo(&["test", "--workspace", "--no-fail-fast", "--locked"]);
    let cluster = match &found {
        Some(found) => Some(Cluster::start(found, &session.log("postgres"))?),
        None => None,
    };
    match &cluster {
        Some(cluster) => command.env("TEGATA_TEST_POSTGRES", cluster.url()),
        None => command.env_remove("TEGATA_TEST_POSTGRES"),
    };
    let answer = sys::run_logged(&mut command, log, BUILD_LIMIT);
    drop(cluster);
    for line in std::fs::read_to_string(log).unwrap_or_default().lines() {
        // A binary without tests says nothing worth a line.
        if line.starts_with("test result:") && !line.contains(" 0 passed; 0 failed; 0 ignored;") {
            println!("    {line}");
        }
        if line.starts_with("test ") && line.ends_with("FAILED") {
            println!("    {line}");
        }
    }
    answer?;
    Ok(match found {
        Some(_) if !Path::new("/usr/bin/jq").exists() => Outcome::LeftOut {
            why: "tests passed, but without /usr/bin/jq the recipes for password managers were not tried".to_owned(),
            get: "install jq (Debian: apt-get install jq)".to_owned(),
        },
        Some(_) => Outcome::Passed,
        None => Outcome::LeftOut {
            why: "tests passed on SQLite, but no PostgreSQL server programs were found".to_owned(),
            get: "install PostgreSQL (Debian: apt-get install postgresql)".to_owned(),
        },
    })
}

pub(super) fn deny(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    let Some(tool) = sys::find_program("cargo-deny", &[sys::cache_dir().join("tools/bin")]) else {
        return Ok(Outcome::LeftOut {
            why: "cargo-deny was not found".to_owned(),
            get: format!("cargo install --locked --root {} cargo-deny", sys::cache_dir().join("tools").display()),
        });
    };
    let mut command = Command::new(tool);
    command.args(["--locked", "check", "bans", "licenses", "sources"]).current_dir(&session.workspace.root);
    sys::run_logged(&mut command, log, RUN_LIMIT).map(|()| Outcome::Passed)
}

pub(super) fn fuzz_short(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    if !session.workspace.has_binary("tegata-fuzz", "short") {
        return Ok(Outcome::LeftOut {
            why: "package `tegata-fuzz` has no binary `short`".to_owned(),
            get: "write fuzz/src/bin/short.rs".to_owned(),
        });
    }
    built(session, log, "short", &["--seconds", "3"])
}

pub(super) fn tour(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    built(session, log, "tegata", &["dev", "--tour", "--exit"])
}

/// Makes sure that the programs are there, of this very source.
pub(super) fn build_programs(session: &Session<'_>, log: &Path) -> Result<(), String> {
    sys::run_logged(&mut session.cargo(BUILD), log, BUILD_LIMIT)
}

fn cargo(session: &Session<'_>, log: &Path, arguments: &[&str]) -> Result<Outcome, String> {
    sys::run_logged(&mut session.cargo(arguments), log, BUILD_LIMIT).map(|()| Outcome::Passed)
}

fn built(session: &Session<'_>, log: &Path, binary: &str, arguments: &[&str]) -> Result<Outcome, String> {
    build_programs(session, log)?;
    let mut command = sys::tied_to_us(&session.binary(binary), "TERM");
    command.args(arguments).current_dir(&session.workspace.root);
    sys::run_logged(&mut command, log, RUN_LIMIT).map(|()| Outcome::Passed)
}
