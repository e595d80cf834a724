//! `tegata dev` as the client suites use it: started, ready, and stopped as an operator would stop it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Session;
use crate::sys;

const READY_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// File with what a server logged.
pub(super) const LOG: &str = "server.log";
/// File with what a server told the person who started it.
pub(super) const OUTPUT: &str = "server.out";

/// A running development server; dropped without `stop`, it is killed.
pub(super) struct Server {
    child: Child,
    /// Its ready file.
    pub(super) ready: PathBuf,
    /// Its log: what it wrote to standard error.
    pub(super) log: PathBuf,
}

impl Server {
    /// Starts the program on free ports with `folder` for its ready file and its log, and waits until it says it is ready.
    pub(super) fn start(session: &Session<'_>, folder: &Path) -> Result<Self, String> {
        let (ready, log, out) = (folder.join("ready.json"), folder.join(LOG), folder.join(OUTPUT));
        for file in [&ready, &log, &out] {
            let _ = fs::remove_file(file);
        }
        let mut command = sys::tied_to_us(&session.binary("tegata"), "TERM");
        command.args(["dev", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0", "--https", "127.0.0.1:0", "--ready-file"]).arg(&ready);
        // As talkative as it gets: what must not be in a log must not be in the most detailed one either.
        command.env("TEGATA_LOG", "trace").current_dir(folder);
        let child = sys::spawn_split(&mut command, &out, &log)?;
        let mut server = Self { child, ready, log };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let end = Instant::now() + READY_LIMIT;
        while Instant::now() < end {
            if self.ready.exists() {
                return Ok(());
            }
            if let Some(status) = sys::wait(&mut self.child, Duration::ZERO)? {
                return Err(self.with_log(&format!("the server ended with {status} before it was ready")));
            }
            sleep(Duration::from_millis(20));
        }
        Err(self.with_log(&format!("the server was not ready within {} seconds", READY_LIMIT.as_secs())))
    }

    /// Asks it to stop (TERM) and sees that it does so in time and content with itself.
    pub(super) fn stop(mut self) -> Result<(), String> {
        if let Some(status) = sys::wait(&mut self.child, Duration::ZERO)? {
            return Err(self.with_log(&format!("the server ended by itself with {status}")));
        }
        sys::signal(&self.child, "TERM");
        match sys::wait(&mut self.child, STOP_LIMIT)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.with_log(&format!("the server, asked to stop, ended with {status}"))),
            None => Err(self.with_log(&format!("the server, asked to stop, still ran after {} seconds", STOP_LIMIT.as_secs()))),
        }
    }

    fn with_log(&self, problem: &str) -> String {
        format!("{problem}\n{}", sys::tail(&self.log, 20))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` the process is gone and this does nothing.
        sys::kill_now(&mut self.child);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::workspace::Workspace;

    /// Runs `with` in a folder where the program `tegata` is this shell script; `$9` is its ready file.
    fn with_program<T>(name: &str, script: &str, with: impl FnOnce(&Session<'_>, &Path) -> T) -> T {
        let folder = std::env::temp_dir().join(format!("xtask-server-{name}-{}", std::process::id()));
        let program = folder.join("debug/tegata");
        fs::create_dir_all(folder.join("debug")).unwrap();
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let workspace = Workspace { root: folder.clone(), target: folder.clone(), members: Vec::new() };
        let answer = with(&Session { workspace: &workspace, folder: folder.clone() }, &folder);
        fs::remove_dir_all(folder).unwrap();
        answer
    }

    const READY: &str = "echo hello >&2; echo {} > \"$9\"; while :; do sleep 0.05; done";

    #[test]
    fn a_server_is_awaited_and_stopped() {
        with_program("good", &format!("trap 'exit 0' TERM; {READY}"), |session, folder| {
            let server = Server::start(session, folder).unwrap();
            assert!(server.ready.exists());
            let log = server.log.clone();
            server.stop().unwrap();
            assert_eq!(sys::tail(&log, 1), "hello");
        });
    }

    #[test]
    fn a_server_that_does_not_start_or_does_not_stop_well_is_a_failure_with_its_log() {
        let problem = with_program("early", "echo no port >&2; exit 3", |session, folder| Server::start(session, folder).err().unwrap());
        assert!(problem.contains("exit status: 3") && problem.ends_with("no port"), "{problem}");
        let problem = with_program("late", &format!("trap 'echo oh >&2; exit 4' TERM; {READY}"), |session, folder| {
            Server::start(session, folder).unwrap().stop().err().unwrap()
        });
        assert!(problem.contains("exit status: 4") && problem.ends_with("oh"), "{problem}");
        let problem = with_program("gone", "echo {} > \"$9\"", |session, folder| {
            let server = Server::start(session, folder).unwrap();
            sleep(Duration::from_millis(300));
            server.stop().err().unwrap()
        });
        assert!(problem.contains("by itself"), "{problem}");
    }
}
