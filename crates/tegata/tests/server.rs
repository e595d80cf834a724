//! The built program as an operator meets it: started, looked at from outside, stopped.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(20);

/// A command with an environment of its own.
fn tegata(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tegata"));
    command.env_clear().env("HOME", home).env("TMPDIR", home).current_dir(home).stdin(Stdio::null());
    command
}

fn run(home: &Path, words: &[&str]) -> Output {
    tegata(home).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o777
}

/// A running server; killed when dropped.
struct Server {
    child: Child,
    out: PathBuf,
    log: PathBuf,
}

impl Server {
    fn start(home: &Path, words: &[&str]) -> Self {
        let (out, log) = (home.join("out.txt"), home.join("log.txt"));
        let child =
            tegata(home).args(words).stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        Self { child, out, log }
    }

    /// Waits until `ready` gives something.
    fn wait_for<T>(&mut self, mut ready: impl FnMut(&Self) -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(found) = ready(self) {
                return found;
            }
            let status = self.child.try_wait().unwrap();
            assert!(status.is_none() && Instant::now() < end, "{status:?}\n{}\n{}", self.out(), self.log());
            sleep(Duration::from_millis(5));
        }
    }

    /// The addresses a `serve` log tells once it is ready.
    fn issuer(&mut self) -> String {
        self.wait_for(|server| {
            let log = server.log();
            let line = log.lines().find(|line| line.contains("ready"))?;
            Some(line.split("issuer=http://").nth(1)?.split(' ').next()?.to_owned())
        })
    }

    fn out(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "does not end\n{}", self.log());
            sleep(Duration::from_millis(5));
        }
    }

    fn stop(&mut self, signal: Signal) {
        self.signal(signal);
        let status = self.wait();
        assert!(status.success(), "{status}\n{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SERVE: [&str; 7] = ["serve", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0", "--data", "data"];

fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply)
}

#[test]
fn the_first_start_shows_a_key_once_and_everything_is_private() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start(home.path(), &SERVE);
    let issuer = server.issuer();
    assert_eq!(get(&issuer, "/healthz").0, 200);
    assert_eq!(get(&issuer, "/readyz").0, 200);
    let first = server.out();
    let secret = first.split("access key secret  ").nth(1).unwrap().lines().next().unwrap().to_owned();
    assert!(first.contains("Account main is made") && first.contains("LTAI") && secret.len() == 30, "{first}");
    assert!(!server.log().contains(&secret));

    let data = home.path().join("data");
    assert_eq!((mode(&data), mode(&data.join("blobs"))), (0o700, 0o700));
    for file in ["master.key", "tegata.db", "tegata.db-wal", "tegata.lock"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    server.stop(Signal::TERM);

    // Again: the same account, and no secret.
    let mut server = Server::start(home.path(), &SERVE);
    server.issuer();
    assert_eq!(server.out(), "");
    // Beside it nobody else starts or changes anything.
    let second = run(home.path(), &SERVE);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("another tegata server uses"), "{}", text(&second.stderr));
    for words in [&["account", "create", "other", "--data", "data"][..], &["key", "rotate", "--signing", "access", "--data", "data"]] {
        let made = run(home.path(), words);
        assert_eq!(made.status.code(), Some(1));
        assert!(text(&made.stderr).contains("stop it"), "{}", text(&made.stderr));
    }
    server.stop(Signal::INT);

    // Killed: the lock is free, and what was written is there.
    let mut server = Server::start(home.path(), &SERVE);
    server.issuer();
    server.signal(Signal::KILL);
    server.wait();
    let made = run(home.path(), &["account", "create", "other", "--data", "data"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("Account other is made"), "{}", text(&made.stdout));
    let made = run(home.path(), &["account", "create", "other", "--data", "data"]);
    assert_eq!(made.status.code(), Some(1));
    assert!(text(&made.stderr).contains("`other` exists already"), "{}", text(&made.stderr));
}

/// The names of the keys that a server publishes.
fn published(issuer: &str) -> Vec<String> {
    let (status, reply) = get(issuer, "/oauth/keys");
    assert_eq!(status, 200);
    let body = reply.split("\r\n\r\n").nth(1).unwrap();
    // Behind the length of its one chunk, if it has one.
    let json = body.lines().find_map(|line| serde_json::from_str::<Value>(line).ok().filter(Value::is_object)).unwrap();
    let keys = json.pointer("/keys").and_then(Value::as_array).unwrap();
    keys.iter().map(|key| at(key, "/kid").to_owned()).collect()
}

#[test]
fn signing_keys_are_replaced_and_dropped() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start(home.path(), &SERVE);
    let first = published(&server.issuer());
    assert_eq!(first.len(), 3);
    server.stop(Signal::TERM);
    let done = run(home.path(), &["key", "rotate", "--signing", "access", "--data", "data"]);
    assert!(done.status.success() && text(&done.stdout).contains("signs in five minutes"), "{done:?}");
    let mut server = Server::start(home.path(), &SERVE);
    let second = published(&server.issuer());
    assert!(second.len() == 4 && first.iter().all(|kid| second.contains(kid)), "the old one is published too");
    server.stop(Signal::TERM);
    let done = run(home.path(), &["key", "rotate", "--signing", "access", "--compromised", "--data", "data"]);
    assert!(done.status.success() && text(&done.stdout).contains("counts no more"), "{done:?}");
    let mut server = Server::start(home.path(), &SERVE);
    let third = published(&server.issuer());
    assert!(third.len() == 3 && third.iter().filter(|kid| second.contains(kid)).count() == 2, "{first:?} {second:?} {third:?}");
    server.stop(Signal::TERM);
    let wrong = run(home.path(), &["key", "rotate", "--signing", "other", "--data", "data"]);
    assert!(wrong.status.code() == Some(2) && text(&wrong.stderr).contains("access, id-rs256, id-es256"), "{wrong:?}");
    assert_eq!(run(home.path(), &["key", "rotate", "--data", "data"]).status.code(), Some(2));
}

#[test]
fn the_master_key_is_never_replaced() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start(home.path(), &SERVE);
    server.issuer();
    server.stop(Signal::TERM);
    let key = home.path().join("data/master.key");
    let kept = fs::read(&key).unwrap();

    fs::remove_file(&key).unwrap();
    let missing = run(home.path(), &SERVE);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("is missing") && !key.exists(), "{}", text(&missing.stderr));

    let wrong = tegata(home.path()).args(SERVE).env("TEGATA_MASTER_KEY", "A".repeat(43)).output().unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("does not open this store's keys"), "{}", text(&wrong.stderr));

    fs::write(&key, &kept).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let open = run(home.path(), &SERVE);
    assert!(text(&open.stderr).contains("can be read by others") && open.status.code() == Some(1), "{}", text(&open.stderr));

    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let mut server = Server::start(home.path(), &SERVE);
    server.issuer();
    assert_eq!(server.out(), "");
}

/// A `dev` server on free ports, and its ready file.
fn dev(home: &Path, more: &[&str]) -> (Server, Value) {
    let words = ["dev", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0", "--ready-file", "ready.json"];
    let mut server = Server::start(home, &[&words[..], more].concat());
    let file = home.join("ready.json");
    let ready = server.wait_for(|_| fs::read_to_string(&file).ok());
    assert_eq!(mode(&file), 0o600);
    (server, serde_json::from_str(&ready).unwrap())
}

fn at<'a>(ready: &'a Value, pointer: &str) -> &'a str {
    ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {ready:#}"))
}

#[test]
fn dev_is_ready_when_it_says_so_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (mut server, ready) =
        dev(home.path(), &["--https", "127.0.0.1:0", "--tls-name", "sts.example.com", "--metrics", "127.0.0.1:0", "--log", "trace"]);
    let issuer = at(&ready, "/issuer").trim_start_matches("http://").to_owned();
    assert_eq!(get(&issuer, "/readyz").0, 200);
    let metrics = at(&ready, "/metrics").trim_start_matches("http://").trim_end_matches("/metrics").to_owned();
    let (status, page) = get(&metrics, "/metrics");
    assert!(status == 200 && page.contains("tegata_durable_commits_total"), "{page}");
    assert_eq!(get(&metrics, "/healthz").0, 404);
    let oss = at(&ready, "/oss").trim_start_matches("http://").to_owned();
    assert_eq!(get(&oss, "/photos/nothing").0, 403, "unsigned");
    let ca = fs::read_to_string(at(&ready, "/https/ca_file")).unwrap();
    assert!(ca.contains("BEGIN CERTIFICATE") && !ca.contains("PRIVATE"), "{ca}");
    let data = PathBuf::from(at(&ready, "/data"));
    assert_eq!(mode(&data), 0o700);
    server.stop(Signal::TERM);
    assert!(!data.exists() && !home.path().join("ready.json").exists());
    let told = server.out() + &server.log();
    for person in ["alice", "bob", "carol", "dan", "appserver"] {
        for secret in ["password", "access_key_secret", "auth_key", "csp_api_token"] {
            assert!(!told.contains(at(&ready, &format!("/users/{person}/{secret}"))), "{person} {secret}");
        }
    }
}

#[test]
fn dev_is_for_this_machine_only() {
    let home = tempfile::tempdir().unwrap();
    for (flag, address) in [("--http", "0.0.0.0:0"), ("--oss", "[::]:0"), ("--https", "192.0.2.1:443"), ("--metrics", "10.0.0.1:1")] {
        let refused = run(home.path(), &["dev", flag, address]);
        assert_eq!(refused.status.code(), Some(2), "{flag}");
        assert!(text(&refused.stderr).contains("loopback only"), "{}", text(&refused.stderr));
    }
    let named = run(home.path(), &["dev", "--https", "127.0.0.1:0", "--tls-name", "a:1"]);
    assert_eq!(named.status.code(), Some(2));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing is made");
}

#[test]
fn stores_for_dev_and_for_serve_are_kept_apart() {
    let home = tempfile::tempdir().unwrap();
    let (mut server, ready) = dev(home.path(), &["--data", "data"]);
    assert_eq!(at(&ready, "/data"), home.path().canonicalize().unwrap().join("data").to_str().unwrap());
    server.stop(Signal::TERM);
    let refused = run(home.path(), &SERVE);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("made by `tegata dev`"), "{}", text(&refused.stderr));
    // The kept data serves `dev` again, with the same secrets.
    let (mut server, again) = dev(home.path(), &["--data", "data"]);
    assert_eq!(again["users"], ready["users"]);
    server.stop(Signal::TERM);

    let mut server = Server::start(home.path(), &["serve", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0", "--data", "real"]);
    server.issuer();
    server.stop(Signal::TERM);
    let refused = run(home.path(), &["dev", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0", "--data", "real"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("belongs to `tegata serve`"), "{}", text(&refused.stderr));
}

#[test]
fn a_request_in_progress_ends_before_the_server_does() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start(home.path(), &SERVE);
    let issuer = server.issuer();
    let mut stream = TcpStream::connect(&issuer).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    // Half a body: the request has begun and cannot be answered yet.
    write!(
        stream,
        "POST /?Action=Nothing HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 10\r\n\r\nabcde"
    )
    .unwrap();
    let mut idle = TcpStream::connect(&issuer).unwrap();
    write!(idle, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(idle.try_clone().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("200"), "{line}");
    server.signal(Signal::TERM);
    sleep(Duration::from_millis(300));
    assert!(server.child.try_wait().unwrap().is_none(), "it waits\n{}", server.log());
    stream.write_all(b"=fghi").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 4"), "{reply}");
    assert!(server.wait().success());
    assert!(TcpStream::connect(&issuer).is_err());
}

#[test]
fn the_trail_is_read_beside_a_running_server() {
    let home = tempfile::tempdir().unwrap();
    let (_server, ready) = dev(home.path(), &[]);
    let data = at(&ready, "/data");
    let tail = run(home.path(), &["audit", "tail", "--data", data, "--output", "json"]);
    assert!(tail.status.success(), "{}", text(&tail.stderr));
    let line: Value = serde_json::from_str(text(&tail.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(line["action"], "tegata:Provision");
    let id = line["request_id"].as_str().unwrap();
    let short: String = id.replace('-', "").chars().take(24).collect();
    for id in [id, &short, &id.to_lowercase()] {
        let why = run(home.path(), &["why", id, "--data", data]);
        assert!(why.status.success() && text(&why.stdout).contains("tegata:Provision"), "{}{}", text(&why.stdout), text(&why.stderr));
    }
    let why = run(home.path(), &["why", id, "--data", data, "--output", "json"]);
    assert_eq!(serde_json::from_slice::<Value>(&why.stdout).unwrap()["allowed"], true);
    let table = run(home.path(), &["audit", "tail", "--data", data]);
    assert!(text(&table.stdout).starts_with("WHEN") && text(&table.stdout).contains(id), "{}", text(&table.stdout));

    let unknown = run(home.path(), &["why", "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB", "--data", data]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("has no request"), "{}", text(&unknown.stderr));
    assert_eq!(run(home.path(), &["why", "what", "--data", data]).status.code(), Some(2));
    let nowhere = run(home.path(), &["audit", "tail"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere.stderr).contains("there is no tegata data in"), "{}", text(&nowhere.stderr));
}

#[test]
fn a_followed_trail_goes_on() {
    let home = tempfile::tempdir().unwrap();
    assert!(run(home.path(), &["account", "create", "first", "--data", "data"]).status.success());
    let mut follower = Server::start(home.path(), &["audit", "tail", "--follow", "--lines", "1", "--output", "json", "--data", "data"]);
    follower.wait_for(|follower| (follower.out().lines().count() == 1).then_some(()));
    assert!(run(home.path(), &["account", "create", "second", "--data", "data"]).status.success());
    follower.wait_for(|follower| (follower.out().lines().count() == 2).then_some(()));
    sleep(Duration::from_millis(600));
    let told = follower.out();
    assert!(told.lines().count() == 2 && told.lines().next_back().unwrap().contains("account second"), "{told}");
}

#[test]
fn configuration_is_checked_and_shown_without_secrets() {
    let home: TempDir = tempfile::tempdir().unwrap();
    fs::write(home.path().join("bad.toml"), "[http]\nlisen = \"x\"\n[limits]\nconnections = 0\n").unwrap();
    let bad = run(home.path(), &["config", "check", "--config", "bad.toml"]);
    assert_eq!(bad.status.code(), Some(1));
    let told = text(&bad.stderr);
    assert!(told.contains("did you mean `http.listen`?") && told.contains("`limits.connections`"), "{told}");
    assert_eq!(run(home.path(), &["serve", "--config", "bad.toml"]).status.code(), Some(1));
    fs::write(home.path().join("good.toml"), "database = \"postgres://u:hunter2@h/d?password=hunter2\"\n").unwrap();
    assert!(run(home.path(), &["config", "check", "--config", "good.toml"]).status.success());
    let shown = run(home.path(), &["config", "show", "--config", "good.toml"]);
    let told = text(&shown.stdout) + &text(&shown.stderr);
    assert!(shown.status.success() && told.contains("postgres://u:(redacted)@h/d?(redacted)") && !told.contains("hunter2"), "{told}");
    assert_eq!(run(home.path(), &["serve", "--nonsense"]).status.code(), Some(2));
    let help = run(home.path(), &["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("why REQUEST_ID"), "{}", text(&help.stdout));
}
