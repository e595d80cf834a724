//! Nothing is acknowledged before it is on disk: the flushes of the built program are counted from outside, by `strace`.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and asks the environment whether it may be left out"
)]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tegata_client::{Credential, Oss, Sts, Transport, sts::AssumeRole};
use tegata_core::clock::{Clock as _, SystemClock};
use tegata_model::SecretKey;

struct Traced {
    child: Child,
    server: i32,
}

impl Drop for Traced {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_raw(self.server).unwrap(), Signal::TERM);
        let _ = self.child.wait();
    }
}

fn start(home: &Path) -> (Traced, Value) {
    let ready = home.join("ready.json");
    let child = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o"])
        .arg(home.join("trace"))
        .arg(env!("CARGO_BIN_EXE_tegata"))
        .args(["dev", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0", "--ready-file"])
        .arg(&ready)
        .env("TMPDIR", home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(home.join("log")).unwrap())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while !ready.exists() {
        assert!(Instant::now() < end, "{}", fs::read_to_string(home.join("log")).unwrap_or_default());
        sleep(Duration::from_millis(10));
    }
    let ready: Value = serde_json::from_str(&fs::read_to_string(ready).unwrap()).unwrap();
    let server = i32::try_from(ready.pointer("/pid").and_then(Value::as_i64).unwrap()).unwrap();
    (Traced { child, server }, ready)
}

/// Flushes so far. A line that a thread switch has split is counted by its beginning.
fn flushes(home: &Path) -> usize {
    fs::read_to_string(home.join("trace")).unwrap().lines().filter(|line| line.contains("sync(")).count()
}

#[tokio::test]
async fn one_flush_for_each_effect_none_for_a_question_and_few_for_many_at_once() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "strace is missing: apt-get install strace");
        eprintln!("left out: counting flushes needs strace (apt-get install strace)");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (_server, ready) = start(home.path());
    let text = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}")).to_owned();
    let key = |user: &str| {
        let (id, secret) = (text(&format!("/users/{user}/access_key_id")), text(&format!("/users/{user}/access_key_secret")));
        Credential::long_term(id.parse().unwrap(), SecretKey::new(secret))
    };
    let sts = Sts::new(Transport::new(), &text("/issuer"));
    let role = text("/roles/app-uploader/arn");
    let input = AssumeRole { role_arn: &role, session_name: "flushes", ..AssumeRole::default() };
    let now = || SystemClock.now();
    sts.assume_role(&key("appserver"), &input, now()).await.unwrap();

    let before = flushes(home.path());
    for _ in 0..10 {
        sts.assume_role(&key("appserver"), &input, now()).await.unwrap();
    }
    let one_by_one = flushes(home.path()) - before;
    assert_eq!(one_by_one, 10, "each answer waits for its own flush");

    let before = flushes(home.path());
    for _ in 0..10 {
        sts.caller_identity(&key("appserver"), now()).await.unwrap();
    }
    assert_eq!(flushes(home.path()) - before, 0, "a question writes nothing");

    let before = flushes(home.path());
    let many: Vec<_> = (0..100)
        .map(|_| {
            let (sts, role, appserver, at) = (sts.clone(), role.clone(), key("appserver"), now());
            tokio::spawn(async move {
                let input = AssumeRole { role_arn: &role, session_name: "flushes", ..AssumeRole::default() };
                sts.assume_role(&appserver, &input, at).await.map(drop)
            })
        })
        .collect();
    for one in many {
        one.await.unwrap().unwrap();
    }
    let together = flushes(home.path()) - before;
    assert!((1..100).contains(&together), "100 at once share flushes, and took {together}");

    let before = flushes(home.path());
    let oss = Oss::new(Transport::new(), &text("/oss"), &text("/oss_region"));
    oss.put(&key("alice"), "photos", "durable", bytes::Bytes::from_static(b"x"), now()).await.unwrap();
    assert!(flushes(home.path()) - before >= 2, "the bytes and the row are each flushed");
}
