//! A `dev` server, and somebody who uses it from the command line.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "each suite uses some of it; it stops at the first surprise"
)]

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A `dev` server, and the home of somebody who uses it.
pub(crate) struct World {
    pub(crate) server: Child,
    pub(crate) home: TempDir,
    pub(crate) ready: Value,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl World {
    pub(crate) fn new(more: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("ready.json");
        let server = tegata(home.path())
            .args(["dev", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0", "--ready-file", "ready.json"])
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + LIMIT;
        while !file.exists() {
            assert!(Instant::now() < end, "the server does not start");
            sleep(Duration::from_millis(5));
        }
        let ready = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        Self { server, home, ready }
    }

    pub(crate) fn at(&self, pointer: &str) -> &str {
        self.ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {:#}", self.ready))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        tegata(self.home.path()).args(words).output().unwrap()
    }

    /// Runs what must succeed; what it prints.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}\n{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.ok(words)).unwrap()
    }

    /// Runs what must fail with this status; its complaint.
    pub(crate) fn fails(&self, status: i32, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(status), "{words:?}\n{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stderr)
    }

    /// A profile of a sample user, its secret given on standard input.
    pub(crate) fn configure(&self, profile: &str, user: &str) {
        let id = self.at(&format!("/users/{user}/access_key_id"));
        let secret = self.at(&format!("/users/{user}/access_key_secret"));
        let mut words = vec!["configure", "--profile", profile, "--access-key-id", id];
        words.extend(["--endpoint", self.at("/issuer"), "--oss-endpoint", self.at("/oss"), "--region", self.at("/oss_region")]);
        let output = with_input(self.home.path(), &words, &format!("{secret}\n"));
        assert!(output.status.success() && !text(&output.stdout).contains(secret), "{}{}", text(&output.stdout), text(&output.stderr));
    }

    /// A profile that takes on the sample role with the key of another profile.
    pub(crate) fn configure_role(&self, profile: &str, source: &str) {
        let arn = self.at("/roles/app-uploader/arn");
        let words = ["configure", "--profile", profile, "--mode", "chainableramrolearn", "--source-profile", source, "--ram-role-arn", arn];
        // The servers are those of the other profile.
        let more = ["--role-session-name", "cli-test"];
        self.ok(&[&words[..], &more].concat());
    }

    pub(crate) fn config(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(".aliyun/config.json")).unwrap()).unwrap()
    }
}

pub(crate) fn tegata(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tegata"));
    command.env_clear().env("HOME", home).env("TMPDIR", home).env("PATH", "/usr/bin:/bin").current_dir(home).stdin(Stdio::null());
    command
}

pub(crate) fn with_input(home: &Path, words: &[&str], input: &str) -> Output {
    let mut child = tegata(home).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
