//! `cargo xtask ci`: every suite one after another, one closing line each.

mod cargo;
mod interop;
mod postgres;
mod secrets;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::sys;
use crate::tidy;
use crate::workspace::Workspace;

/// How a suite that did not fail ended.
pub(crate) enum Outcome {
    Passed,
    /// It was not run. On a machine prepared by `.ci/run` (where `CI` is `true`) that is a failure.
    LeftOut {
        why: String,
        /// What to do so that it runs.
        get: String,
    },
}

/// What a suite gets to know.
pub(crate) struct Session<'a> {
    pub(crate) workspace: &'a Workspace,
    /// Folder of this run's logs and of what one suite leaves for another.
    pub(crate) folder: PathBuf,
}

impl Session<'_> {
    /// The log file of a suite.
    pub(crate) fn log(&self, suite: &str) -> PathBuf {
        self.folder.join(format!("{suite}.log"))
    }

    /// A cargo command in the root of the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(sys::cargo());
        command.args(arguments).current_dir(&self.workspace.root).env("CARGO_TERM_COLOR", "never");
        command
    }

    /// The binary that the suite `build` (or any earlier build) made.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.workspace.target.join("debug").join(name)
    }
}

struct Suite {
    name: &'static str,
    shows: &'static str,
    run: fn(&Session<'_>, log: &Path) -> Result<Outcome, String>,
}

const SUITES: &[Suite] = &[
    Suite { name: "fmt", shows: "rustfmt would change nothing", run: cargo::fmt },
    Suite { name: "tidy", shows: "crate graph, manifests, migrations and vectors keep their shape", run: tidy_suite },
    Suite { name: "clippy", shows: "no warning in any target", run: cargo::clippy },
    Suite { name: "build", shows: "every target builds in the one development profile", run: cargo::build },
    Suite { name: "rust", shows: "all Rust tests, on SQLite and on a throwaway PostgreSQL", run: cargo::tests },
    Suite { name: "doc", shows: "the documentation builds without warnings", run: cargo::doc },
    Suite { name: "deny", shows: "bans, licences and sources of the dependencies", run: cargo::deny },
    Suite { name: "fuzz-short", shows: "each parser survives a few seconds of hostile input", run: cargo::fuzz_short },
    Suite { name: "tour", shows: "the journeys, step by step, in the running program", run: cargo::tour },
    Suite { name: "interop-python", shows: "unmodified public Python clients", run: interop::python },
    Suite { name: "interop-node", shows: "unmodified public Node.js clients", run: interop::node },
    Suite { name: "secrets", shows: "no secret of those suites is in the servers' logs", run: secrets::run },
];

/// What was asked for on the command line.
pub(crate) struct Options {
    only: Vec<String>,
    list: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self { only: Vec::new(), list: false };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--list" => options.list = true,
                "--only" => {
                    let name = rest.next().ok_or("`--only` needs the name of a suite")?;
                    if !SUITES.iter().any(|suite| suite.name == name) {
                        let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
                        return Err(format!("there is no suite `{name}`; there are: {}", names.join(", ")));
                    }
                    options.only.push(name.clone());
                }
                other => return Err(format!("`ci` does not know `{other}`")),
            }
        }
        Ok(options)
    }

    fn wants(&self, suite: &Suite) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == suite.name)
    }
}

#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Runs what was asked for; `true` when nothing failed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool, String> {
    if options.list {
        for suite in SUITES {
            println!("{:<15} {}", suite.name, suite.shows);
        }
        return Ok(true);
    }
    let session = Session { workspace, folder: workspace.target.join("ci") };
    fs::create_dir_all(&session.folder).map_err(|error| format!("{}: {error}", session.folder.display()))?;
    let strict = sys::env("CI").is_some_and(|value| value != "false" && value != "0");
    let mut count = Count::default();
    for suite in SUITES.iter().filter(|suite| options.wants(suite)) {
        run_one(suite, &session, strict, &mut count);
    }
    println!();
    if count.skipped > 0 {
        println!("{} passed, {} failed, {} skipped", count.passed, count.failed, count.skipped);
    } else {
        println!("{} passed, {} failed", count.passed, count.failed);
    }
    Ok(count.failed == 0)
}

fn run_one(suite: &Suite, session: &Session<'_>, strict: bool, count: &mut Count) {
    let log = session.log(suite.name);
    // A log left by an earlier run would be shown as this one's.
    let _ = fs::remove_file(&log);
    let start = Instant::now();
    let outcome = (suite.run)(session, &log);
    let took = seconds(start.elapsed());
    match outcome {
        Ok(Outcome::Passed) => {
            count.passed += 1;
            println!("{:<15} passed    {took:>7}", suite.name);
        }
        Ok(Outcome::LeftOut { why, get }) if !strict => {
            count.skipped += 1;
            println!("{:<15} left out  {took:>7}  {why}; to run it: {get}", suite.name);
        }
        Ok(Outcome::LeftOut { why, get }) => {
            count.failed += 1;
            println!("{:<15} failed    {took:>7}  left out ({why}), which CI does not allow; to run it: {get}", suite.name);
        }
        Err(problem) => {
            count.failed += 1;
            let end = sys::tail(&log, 60);
            if !end.is_empty() {
                println!("---- the end of {} ----\n{end}\n----", log.display());
            }
            println!("{:<15} failed    {took:>7}  {problem}", suite.name);
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn tidy_suite(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    let problems = tidy::problems(session.workspace);
    if problems.is_empty() {
        return Ok(Outcome::Passed);
    }
    fs::write(log, format!("{}\n", problems.join("\n"))).map_err(|error| format!("{}: {error}", log.display()))?;
    Err(format!("{} finding(s)", problems.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        Options::parse(&arguments.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn only_known_suites_can_be_chosen() {
        assert!(parse(&[]).unwrap().only.is_empty());
        let options = parse(&["--only", "tidy", "--only", "fmt"]).unwrap();
        let wanted: Vec<&str> = SUITES.iter().filter(|suite| options.wants(suite)).map(|suite| suite.name).collect();
        assert_eq!(wanted, ["fmt", "tidy"]);
        assert!(parse(&["--only", "tdiy"]).err().unwrap().contains("interop-python"));
        assert!(parse(&["--only"]).is_err());
        assert!(parse(&["--fast"]).is_err());
    }

    #[test]
    fn a_left_out_suite_fails_only_where_nothing_may_be_left_out() {
        let workspace = Workspace { root: "/".into(), target: "/".into(), members: Vec::new() };
        let session = Session { workspace: &workspace, folder: std::env::temp_dir() };
        let suite = Suite {
            name: "xtask-own-test",
            shows: "",
            run: |_, _| Ok(Outcome::LeftOut { why: "no tool".to_owned(), get: "install it".to_owned() }),
        };
        let mut count = Count::default();
        run_one(&suite, &session, false, &mut count);
        assert_eq!((count.passed, count.failed, count.skipped), (0, 0, 1));
        run_one(&suite, &session, true, &mut count);
        assert_eq!((count.passed, count.failed, count.skipped), (0, 1, 1));
    }
}
