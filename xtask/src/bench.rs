//! Builds server and load generator as they are shipped, and runs the whole measurement.

use std::process::Command;

use crate::{sys, workspace::Workspace};

/// Builds both in release and runs `tegata-bench all` with further `arguments`; true if it ended well.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool, String> {
    // One after the other: together, the server would be built with the features that the load generator asks of its crates.
    for package in ["tegata", "tegata-bench"] {
        let build = ["build", "--release", "--locked", "-p", package];
        if !ended_well(Command::new(sys::cargo()).args(build).current_dir(&workspace.root))? {
            return Ok(false);
        }
    }
    let release = workspace.target.join("release");
    let mut bench = Command::new(release.join("tegata-bench"));
    bench.arg("all").arg("--tegata").arg(release.join("tegata"));
    bench.arg("--data").arg(workspace.target.join("bench-data"));
    bench.args(arguments).current_dir(&workspace.root);
    ended_well(&mut bench)
}

fn ended_well(command: &mut Command) -> Result<bool, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.status().map(|status| status.success()).map_err(|error| format!("`{program}` could not be started: {error}"))
}
