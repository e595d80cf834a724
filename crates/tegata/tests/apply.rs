//! A directory that is kept in a file, as a platform engineer meets it, against `tegata dev`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// A `dev` server, and the home of its administrator.
struct World {
    server: Child,
    home: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn tegata(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tegata"));
    command.env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("ready.json");
        let server = tegata(home.path())
            .args(["dev", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0", "--ready-file", "ready.json"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_mins(1);
        while !file.exists() {
            assert!(Instant::now() < end, "the server does not start");
            sleep(Duration::from_millis(5));
        }
        let ready: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let at =
            |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {ready:#}")).to_owned();
        let world = Self { server, home };
        let mut configure = tegata(world.home.path())
            .args(["configure", "--endpoint", &at("/issuer"), "--access-key-id", &at("/users/alice/access_key_id")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(configure.stdin.take().unwrap(), "{}", at("/users/alice/access_key_secret")).unwrap();
        assert!(configure.wait().unwrap().success());
        world
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.home.path().join(name), content).unwrap();
    }

    fn run(&self, words: &[&str]) -> Output {
        tegata(self.home.path()).args(words).output().unwrap()
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}\n{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    fn fails(&self, status: i32, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(status), "{words:?}\n{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stderr)
    }
}

const TEAM: &str = r#"
version = 1

[users.fern]
display_name = "Fern"
policies = ["deploy"]

[groups.admins]
members = ["alice", "fern"]
policies = ["system:AdministratorAccess"]

[roles.deployer]
trust_file = "trust/deployer.json"
policies = ["deploy"]

[policies.deploy.document]
Version = "1"

[[policies.deploy.document.Statement]]
Effect = "Allow"
Action = ["oss:PutObject", "oss:GetObject"]
Resource = "acs:oss:*:*:releases/*"
"#;

#[test]
fn a_file_is_planned_applied_and_exported() {
    let world = World::new();
    let account = world.ok(&["whoami", "--output", "json"]);
    let account: Value = serde_json::from_str(&account).unwrap();
    let account = account["account_id"].as_str().unwrap_or_else(|| panic!("{account}"));
    world.write("team.toml", TEAM);
    fs::create_dir(world.home.path().join("trust")).unwrap();
    assert!(
        world
            .fails(2, &["ram", "apply", "team.toml", "--plan"])
            .contains("`roles.deployer.trust_file`: `trust/deployer.json` cannot be read")
    );
    let trust = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"RAM":["acs:ram::{account}:user/fern"]}}}}]}}"#
    );
    world.write("trust/deployer.json", &trust);

    // Nobody can be asked: it says what to say, and does nothing.
    assert!(world.fails(2, &["ram", "apply", "team.toml"]).contains("`--plan`"));
    let planned = world.ok(&["ram", "apply", "team.toml", "--plan"]);
    for line in [
        "  + fern gains deploy",
        "  + fern gains AdministratorAccess (through group admins)",
        "  + role deployer trusts user fern",
        "  + group admins gains members alice and fern",
        "in all: 4 made, 5 given",
    ] {
        assert!(planned.contains(line), "{line}\n{planned}");
    }
    let applied = world.ok(&["ram", "apply", "team.toml", "--yes"]);
    assert!(applied.ends_with("✓ applied: 4 made, 5 given\n"), "{applied}");
    assert!(world.ok(&["ram", "apply", "team.toml", "--yes"]).ends_with("nothing to do\n"));

    // What is exported changes nothing, whatever is pruned, and reads the same every time.
    let exported = world.ok(&["ram", "export"]);
    assert!(exported.contains("\n[users.fern]\n") && exported.starts_with("# "), "{exported}");
    world.write("all.toml", &exported);
    world.write("all.json", &world.ok(&["ram", "export", "--form", "json"]));
    assert_eq!(world.ok(&["ram", "export"]), exported);
    for file in ["all.toml", "all.json"] {
        assert_eq!(world.ok(&["ram", "apply", file, "--yes", "--prune"]), "nothing to do\n");
    }

    // A change of one word, as data.
    world.write("all.toml", &exported.replace("releases/*", "releases/stable/*"));
    let plan: Value = serde_json::from_str(&world.ok(&["ram", "apply", "all.toml", "--plan", "--output", "json"])).unwrap();
    assert_eq!(plan["applied"], false);
    assert_eq!(plan["plan"]["changes"][0]["change"], "change-policy");
    assert_eq!(
        plan["plan"]["changes"][0]["differences"][0],
        "statement 1 changes: `Resource` from `acs:oss:*:*:releases/*` to `acs:oss:*:*:releases/stable/*`"
    );
    let plan: Value = serde_json::from_str(&world.ok(&["ram", "apply", "all.toml", "--yes", "--output", "json"])).unwrap();
    assert_eq!(plan["applied"], true);

    // Locking everybody out is said twice; a wrong word is told with the right one; a user with keys does not go by the way.
    world.write("out.toml", "version = 1\n[groups.admins]\nmembers = []\n[users.alice]\npolicies = []\n");
    assert!(world.fails(1, &["ram", "apply", "out.toml", "--yes"]).contains("--even-if-nobody-can-administer"));
    world.write("wrong.toml", "version = 1\n[users.alice]\npolices = []\n[user.bob]\n");
    let wrong = world.fails(2, &["ram", "apply", "wrong.toml", "--plan"]);
    assert!(
        wrong.contains("`users.alice.polices`: is not known here; did you mean `policies`?") && wrong.contains("did you mean `users`?"),
        "{wrong}"
    );
    world.write("gone.toml", "version = 1\n[removed]\nusers = [\"bob\"]\n");
    assert!(world.fails(1, &["ram", "apply", "gone.toml", "--yes"]).contains("still has access keys"));
    world.write("gone.toml", "version = 1\n[removed]\nusers_with_keys = [\"bob\"]\n");
    assert!(world.ok(&["ram", "apply", "gone.toml", "--yes"]).contains("  - user bob is deleted, with 1 access key"));
}

#[test]
fn a_file_of_a_thousand_users_is_applied_twice() {
    let world = World::new();
    let mut file = "version = 1\n".to_owned();
    let mut members = Vec::new();
    for n in 0..990 {
        write!(file, "\n[users.user-{n:04}]\nemail = \"user-{n:04}@example.test\"\npolicies = [\"system:AliyunOSSReadOnlyAccess\"]\n")
            .unwrap();
        members.push(format!("\"user-{n:04}\""));
    }
    write!(file, "\n[groups.staff]\nmembers = [{}]\npolicies = [\"system:ReadOnlyAccess\"]\n", members.join(", ")).unwrap();
    world.write("staff.toml", &file);
    let began = Instant::now();
    let applied = world.ok(&["ram", "apply", "staff.toml", "--yes"]);
    let first = began.elapsed();
    assert!(applied.contains("990 users are") || applied.contains("users user-0000, user-0001"), "{applied}");
    assert!(applied.ends_with("✓ applied: 991 made, 1981 given\n"), "{applied}");
    let began = Instant::now();
    assert!(world.ok(&["ram", "apply", "staff.toml", "--yes"]).ends_with("nothing to do\n"));
    println!("990 users: {first:?}, again {:?}", began.elapsed());
}
