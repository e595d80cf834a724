//! Chores of this repository, started as `cargo xtask <chore>`.
//!
//! | chore | what it does |
//! |---|---|
//! | `bench` | builds in release and measures against a floor; writes `docs/performance.md` |
//! | `ci` | every check and every client suite, one closing line each (what `./test` runs) |
//! | `tidy` | the checks on the shape of the source tree alone |
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool: printing is its job")]

mod bench;
mod ci;
mod sys;
mod tidy;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <chore>

  bench [ARGUMENT]...   build in release, measure against a floor, write docs/performance.md (--help: all arguments)
  ci [--only NAME]...   run all suites, or only the named ones
  ci --list             name the suites and what each one shows
  tidy                  check the crate graph and the shape of the source tree";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((chore, rest)) = arguments.split_first() else {
        return usage("no chore was named");
    };
    let answer = match chore.as_str() {
        "bench" => Workspace::find().and_then(|workspace| bench::run(&workspace, rest)),
        "ci" => match ci::Options::parse(rest) {
            Ok(options) => Workspace::find().and_then(|workspace| ci::run(&workspace, &options)),
            Err(problem) => return usage(&problem),
        },
        "tidy" if rest.is_empty() => Workspace::find().and_then(|workspace| tidy::run(&workspace)),
        "tidy" => return usage("`tidy` takes no arguments"),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => return usage(&format!("there is no chore `{other}`")),
    };
    match answer {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Says what was wrong with the command line and how it is used; exit status 2.
fn usage(problem: &str) -> ExitCode {
    eprintln!("xtask: {problem}\n\n{USAGE}");
    ExitCode::from(2)
}
