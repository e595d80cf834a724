//! `tegata dev --tour`: walks the journeys against the running server, over its own sockets and as a stranger would.
//!
//! Each step prints what was asked and what came back. A step that does not end as it should is told, and the tour fails.

mod apps;
mod json;
mod second_factor;
mod server_apps;
mod sign_in;

use std::path::PathBuf;

use tegata_client::ClientError;

use crate::{dev::ready::ReadyFile, failure::Failure, terminal};

/// Walks every journey there is.
pub(crate) async fn walk(ready: &ReadyFile) -> Result<(), Failure> {
    let mut guide = Guide { failed: 0, steps: 0 };
    apps::walk(&mut guide, ready).await?;
    sign_in::walk(&mut guide, ready).await?;
    second_factor::walk(&mut guide, ready).await?;
    server_apps::walk(&mut guide, ready).await?;
    guide.done()
}

/// Counts and prints.
struct Guide {
    steps: usize,
    failed: usize,
}

/// How a step should end.
enum Should<'a> {
    /// It is done.
    Work,
    /// It is refused with this code.
    Refuse(&'a str),
}

impl Guide {
    fn chapter(title: &str) {
        terminal::say("");
        terminal::say(&terminal::bold(title));
    }

    /// One step: what was asked, what came back, and whether that is what should have.
    fn step<T>(&mut self, asked: &str, should: &Should<'_>, answer: Result<T, ClientError>, tell: impl FnOnce(&T) -> String) -> Option<T> {
        self.steps += 1;
        let (good, line, value) = match (answer, should) {
            (Ok(value), Should::Work) => (true, tell(&value), Some(value)),
            (Ok(_), Should::Refuse(code)) => (false, format!("it was done, and should have been refused with {code}"), None),
            (Err(error), Should::Refuse(code)) => match error.refusal() {
                Some(refusal) if refusal.code == *code => (true, format!("refused: {} {}", refusal.status, refusal.code), None),
                _ => (false, format!("should have been refused with {code}, but: {error}"), None),
            },
            (Err(error), Should::Work) => (false, error.to_string(), None),
        };
        self.failed += usize::from(!good);
        terminal::say(&format!("  {} {asked}", terminal::mark(good)));
        terminal::say(&format!("      {line}"));
        value
    }

    fn note(text: &str) {
        let mut blank = false;
        for line in text.lines() {
            if !(blank && line.is_empty()) {
                terminal::say(format!("      {line}").trim_end());
            }
            blank = line.is_empty();
        }
    }

    fn done(&self) -> Result<(), Failure> {
        terminal::say("");
        if self.failed == 0 {
            terminal::say(&format!("{} steps, each as it should be", self.steps));
            return Ok(());
        }
        Err(Failure::new(format!("{} of {} steps of the tour did not end as they should", self.failed, self.steps)))
    }
}

/// What `tegata why` says of a request: asked as a person would, with this same program.
async fn why(ready: &ReadyFile, request_id: &str) -> Result<String, Failure> {
    let program: PathBuf = std::env::current_exe().map_err(|error| Failure::new(format!("this program cannot be found: {error}")))?;
    let (data, request_id) = (ready.data().to_owned(), request_id.to_owned());
    let run = move || {
        let mut command = std::process::Command::new(program);
        // What the environment says of another server must not mislead it.
        for name in ["TEGATA_CONFIG", "TEGATA_DATABASE", "TEGATA_DATA"] {
            command.env_remove(name);
        }
        command.args(["why", &request_id, "--data", &data]).output()
    };
    let output = tokio::task::spawn_blocking(run)
        .await
        .map_err(|error| Failure::new(error.to_string()))?
        .map_err(|error| Failure::new(format!("`tegata why` could not be run: {error}")))?;
    if !output.status.success() {
        return Err(Failure::new(format!("`tegata why` failed: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
