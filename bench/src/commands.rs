//! The command line as its users feel it: whole processes, one after the other.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{report, work::Asker};

const TIMES: usize = 200;

/// Starts each command often and tells how long it took.
pub(crate) fn measure(tegata: &Path, folder: &Path, asker: &Asker, issuer: SocketAddr) -> Result<Vec<report::Command>, String> {
    let credentials = || {
        let mut command = base(tegata, folder);
        command.args(["credentials", "--format", "json", "--role", &asker.role_arn, "--endpoint", &format!("http://{issuer}")]);
        command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", asker.key.id.as_str()).env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", asker.key.secret.expose());
        command
    };
    let version = || {
        let mut command = base(tegata, folder);
        command.arg("--version");
        command
    };
    // The first one asks the server; the others find it in the cache.
    once(credentials())?;
    Ok(vec![
        timed("`tegata --version`, start to end", 10.0, version)?,
        timed("`tegata credentials` from the cache, start to end", 5.0, credentials)?,
    ])
}

fn base(tegata: &Path, folder: &Path) -> Command {
    let mut command = Command::new(tegata);
    command.env_clear().env("HOME", folder).env("XDG_CACHE_HOME", folder.join("cache")).env("XDG_RUNTIME_DIR", folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn once(mut command: Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))) }
}

fn timed(what: &'static str, asked: f64, command: impl Fn() -> Command) -> Result<report::Command, String> {
    let mut taken = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let command = command();
        let began = Instant::now();
        once(command)?;
        taken.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    taken.sort_unstable_by(f64::total_cmp);
    let p99 = taken.get(TIMES * 99 / 100).copied().unwrap_or(0.0);
    Ok(report::Command { what, median: report::median(taken), p99, asked })
}
