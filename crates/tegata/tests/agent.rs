//! `tegata agent`: keys for programs, and for nobody else.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod world;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpStream,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;
use world::{LIMIT, World, tegata, text};

/// A running agent and the URL it has printed.
struct Agent {
    process: Child,
    url: String,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(world: &World, words: &[&str]) -> Agent {
    let mut command = tegata(world.home.path());
    command.arg("agent").args(words).env("XDG_RUNTIME_DIR", world.path("run"));
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("export ALIBABA_CLOUD_CREDENTIALS_URI=").unwrap_or_else(|| panic!("{line}")).to_owned();
    Agent { process, url }
}

fn exchange(mut stream: impl std::io::Read + std::io::Write, head: &str) -> (u16, String) {
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer}")).parse().unwrap();
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

impl Agent {
    fn place(&self) -> (&str, &str) {
        let (host, path) = self.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        (host, path)
    }

    fn ask(&self, path: &str, headers: &str) -> (u16, String) {
        exchange(TcpStream::connect(self.place().0).unwrap(), &format!("GET {path} HTTP/1.1\r\n{headers}\r\n"))
    }
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !done() {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(5));
    }
}

fn ready() -> World {
    let world = World::new(&[]);
    world.configure("default", "appserver");
    world.configure_role("role", "default");
    fs::create_dir(world.path("run")).unwrap();
    fs::set_permissions(world.path("run"), fs::Permissions::from_mode(0o700)).unwrap();
    world
}

#[test]
fn programs_get_one_key_and_strangers_none() {
    let world = ready();
    let mut agent = start(&world, &[]);
    let (host, path) = agent.place();
    assert!(host.starts_with("127.0.0.1:") && path.len() >= 32, "{host} {path}");
    let (good, path) = (format!("Host: {host}\r\n"), format!("/{path}"));
    let (status, body) = agent.ask(&path, &good);
    let key: Value = serde_json::from_str(&body).unwrap();
    assert!(status == 200 && key["Code"] == "Success" && key["AccessKeyId"].as_str().unwrap().starts_with("STS."), "{body}");
    assert!(key["SecurityToken"].is_string() && key["Expiration"].as_str().unwrap().ends_with('Z'));
    let port = host.rsplit(':').next().unwrap();
    for (headers, expected) in [
        (format!("Host: localhost:{port}\r\n"), 403),
        (format!("Host: rebound.example:{port}\r\n"), 403),
        (format!("{good}Origin: http://{host}\r\n"), 403),
        (format!("{good}Sec-Fetch-Site: cross-site\r\n"), 403),
    ] {
        let (status, body) = agent.ask(&path, &headers);
        assert!(status == expected && !body.contains("STS."), "{headers}: {status} {body}");
    }
    assert_eq!(agent.ask("/", &good).0, 404);
    assert_eq!(agent.ask(&format!("{path}x"), &good).0, 404);

    // The same key by the socket, which belongs to one user.
    let folder = world.path("run/tegata");
    let socket = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert_eq!((world::mode(&socket), world::mode(&folder)), (0o600, 0o700));
    let by_socket = |head: &str| exchange(UnixStream::connect(&socket).unwrap(), head);
    assert_eq!(by_socket("GET /credentials HTTP/1.1\r\nHost: x\r\n\r\n"), (200, body));
    assert_eq!(by_socket("GET / HTTP/1.1\r\nHost: x\r\n\r\n").0, 404);
    assert_eq!(by_socket("GET /credentials HTTP/1.1\r\nHost: x\r\nOrigin: null\r\n\r\n").0, 403);

    // Our own commands read such a URL too.
    let mut who = tegata(world.home.path());
    who.args(["whoami", "--output", "json", "--endpoint", world.at("/issuer")]).env("ALIBABA_CLOUD_CREDENTIALS_URI", &agent.url);
    let who: Value = serde_json::from_slice(&who.output().unwrap().stdout).unwrap();
    assert!(who["session"] == "cli-test" && who["found_in"] == "the environment", "{who}");

    // However many ask, the server is asked once.
    let told: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..30).map(|_| scope.spawn(|| agent.ask(&path, &good))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(told.iter().all(|one| one.0 == 200 && one.1 == told[0].1));
    let trail = world.ok(&["audit", "tail", "--data", world.at("/data"), "--output", "json", "-n", "1000"]);
    assert_eq!(trail.lines().filter(|line| line.contains("sts:AssumeRole")).count(), 1, "{trail}");

    // It stops when it is told to, and nothing is left.
    let id = agent.process.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert!(agent.process.wait().unwrap().success());
    assert!(!socket.exists());
}

#[test]
fn a_program_runs_with_it_and_ends_it() {
    let world = ready();
    let run = |words: &[&str]| tegata(world.home.path()).arg("agent").args(words).env("ACCESS_KEY_SECRET", "stale").output().unwrap();
    let seen = run(&["--", "env"]);
    let told = text(&seen.stdout);
    assert!(
        told.contains("\nALIBABA_CLOUD_CREDENTIALS_URI=http://127.0.0.1:") || told.starts_with("ALIBABA_CLOUD_CREDENTIALS_URI="),
        "{told}"
    );
    assert!(!told.contains("stale") && !told.contains(world.at("/users/appserver/access_key_secret")), "{told}");
    let own = format!("exec {} whoami --endpoint {} --output json", env!("CARGO_BIN_EXE_tegata"), world.at("/issuer"));
    let who: Value = serde_json::from_slice(&run(&["--", "sh", "-c", &own]).stdout).unwrap();
    assert_eq!(who["session"], "cli-test");
    assert_eq!(run(&["--", "sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(run(&["--", "sh", "-c", "kill -TERM $$"]).status.code(), Some(143));
    let lost = run(&["--", "/nowhere/program"]);
    assert!(lost.status.code() == Some(1) && text(&lost.stderr).contains("cannot be run"));

    // Told to stop, it tells its program, and waits for it.
    let script = "trap 'echo stopped > stopped; exit 3' TERM; echo up > up; while :; do sleep 0.05; done";
    let mut process = tegata(world.home.path()).args(["agent", "--", "sh", "-c", script]).stdout(Stdio::null()).spawn().unwrap();
    wait_for("the program starts", || world.path("up").exists());
    assert!(std::process::Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
    assert_eq!(process.wait().unwrap().code(), Some(3));
    assert!(world.path("stopped").exists());
}

/// Even where the file has been opened to everybody, another user of the machine gets nothing. Only root can become somebody else
/// to see it; for the others `a_socket_is_for_one_user` has the rule.
#[test]
fn another_user_gets_nothing_by_the_socket() {
    let world = ready();
    if std::process::Command::new("id").arg("-u").output().unwrap().stdout != b"0\n" {
        return;
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let socket = folder.path().join("agent.sock");
    let agent = start(&world, &["--socket", socket.to_str().unwrap()]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let ask = |user: &str| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid", user, "--clear-groups", "curl", "-s", "--unix-socket"]).arg(&socket);
        command.arg("http://agent/credentials").output().unwrap()
    };
    assert!(text(&ask("0").stdout).contains("STS."));
    let stranger = ask("65534");
    // The other side closed without an answer: 7 at once, 52 after the request, 56 while it was sent.
    assert!(matches!(stranger.status.code(), Some(7 | 52 | 56)) && stranger.stdout.is_empty(), "{stranger:?}");
    drop(agent);
}

#[test]
fn places_that_are_taken_are_told() {
    let world = ready();
    let refused = world.fails(1, &["agent", "--profile", "default"]);
    assert!(refused.contains("long-term key"), "{refused}");
    let socket = world.path("agent.sock");
    let socket = socket.to_str().unwrap();
    let mut agent = start(&world, &["--socket", socket]);
    assert!(world.fails(1, &["agent", "--socket", socket]).contains("another agent answers"));
    let port = agent.place().0.rsplit(':').next().unwrap().to_owned();
    assert!(world.fails(1, &["agent", "--port", &port]).contains("cannot be listened on"));
    // What a killed one leaves behind is cleared away.
    agent.process.kill().unwrap();
    agent.process.wait().unwrap();
    assert!(world.path("agent.sock").exists());
    drop(start(&world, &["--socket", socket]));
    fs::remove_file(socket).unwrap();
    fs::write(socket, "text").unwrap();
    assert!(world.fails(1, &["agent", "--socket", socket]).contains("is no socket"));
}
