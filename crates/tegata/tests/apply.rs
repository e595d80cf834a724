//! A directory that is kept in a file, as a platform engineer meets it, against `tegata dev`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use std::{fmt::Write as _, fs, time::Instant};

use serde_json::Value;
use world::World;

fn write(world: &World, name: &str, content: &str) {
    fs::write(world.path(name), content).unwrap();
}

fn administrator() -> World {
    let world = World::new(&[]);
    world.configure("default", "alice");
    world
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
    let world = administrator();
    let account = world.ok(&["whoami", "--output", "json"]);
    let account: Value = serde_json::from_str(&account).unwrap();
    let account = account["account_id"].as_str().unwrap_or_else(|| panic!("{account}"));
    write(&world, "team.toml", TEAM);
    fs::create_dir(world.path("trust")).unwrap();
    assert!(
        world
            .fails(2, &["ram", "apply", "team.toml", "--plan"])
            .contains("`roles.deployer.trust_file`: `trust/deployer.json` cannot be read")
    );
    let trust = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"RAM":["acs:ram::{account}:user/fern"]}}}}]}}"#
    );
    write(&world, "trust/deployer.json", &trust);

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
    // Where nothing is to be done, nobody has to be asked.
    assert!(world.ok(&["ram", "apply", "team.toml"]).ends_with("nothing to do\n"));

    // What is exported changes nothing, whatever is pruned, and reads the same every time.
    let exported = world.ok(&["ram", "export"]);
    assert!(exported.contains("\n[users.fern]\n") && exported.starts_with("# "), "{exported}");
    write(&world, "all.toml", &exported);
    write(&world, "all.json", &world.ok(&["ram", "export", "--form", "json"]));
    assert_eq!(world.ok(&["ram", "export"]), exported);
    for file in ["all.toml", "all.json"] {
        assert_eq!(world.ok(&["ram", "apply", file, "--yes", "--prune"]), "nothing to do\n");
    }

    // A change of one word, as data.
    write(&world, "all.toml", &exported.replace("releases/*", "releases/stable/*"));
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
    write(&world, "out.toml", "version = 1\n[groups.admins]\nmembers = []\n[users.alice]\npolicies = []\n");
    assert!(world.fails(1, &["ram", "apply", "out.toml", "--yes"]).contains("--even-if-nobody-can-administer"));
    write(&world, "wrong.toml", "version = 1\n[users.alice]\npolices = []\n[user.bob]\n");
    let wrong = world.fails(2, &["ram", "apply", "wrong.toml", "--plan"]);
    assert!(
        wrong.contains("`users.alice.polices`: is not known here; did you mean `policies`?") && wrong.contains("did you mean `users`?"),
        "{wrong}"
    );
    write(&world, "gone.toml", "version = 1\n[removed]\nusers = [\"bob\"]\n");
    assert!(world.fails(1, &["ram", "apply", "gone.toml", "--yes"]).contains("still has access keys"));
    // Who can sign in goes only when that was taken away, and is told how.
    write(&world, "gone.toml", "version = 1\n[removed]\nusers_with_keys = [\"bob\"]\n");
    let kept = world.fails(1, &["ram", "apply", "gone.toml", "--yes"]);
    assert!(kept.contains("still has a login profile") && kept.contains("tegata ram DeleteLoginProfile --UserName"), "{kept}");
    world.ok(&["ram", "DeleteLoginProfile", "--UserName", "bob"]);
    assert!(world.ok(&["ram", "apply", "gone.toml", "--yes"]).contains("  - user bob is deleted, with 1 access key"));
}

#[test]
fn a_file_of_a_thousand_users_is_applied_twice() {
    let world = administrator();
    let mut file = "version = 1\n".to_owned();
    let mut members = Vec::new();
    for n in 0..990 {
        write!(file, "\n[users.user-{n:04}]\nemail = \"user-{n:04}@example.test\"\npolicies = [\"system:AliyunOSSReadOnlyAccess\"]\n")
            .unwrap();
        members.push(format!("\"user-{n:04}\""));
    }
    write!(file, "\n[groups.staff]\nmembers = [{}]\npolicies = [\"system:ReadOnlyAccess\"]\n", members.join(", ")).unwrap();
    write(&world, "staff.toml", &file);
    let began = Instant::now();
    let applied = world.ok(&["ram", "apply", "staff.toml", "--yes"]);
    let first = began.elapsed();
    assert!(applied.contains("990 users are") || applied.contains("users user-0000, user-0001"), "{applied}");
    assert!(applied.ends_with("✓ applied: 991 made, 1981 given\n"), "{applied}");
    let began = Instant::now();
    assert!(world.ok(&["ram", "apply", "staff.toml", "--yes"]).ends_with("nothing to do\n"));
    println!("990 users: {first:?}, again {:?}", began.elapsed());
}
