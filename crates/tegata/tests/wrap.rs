//! Secrets of apps that travel as a code, from the command line.

mod world;

use serde_json::Value;
use world::{World, mode, text, with_input};

#[test]
fn a_secret_travels_as_a_code() {
    let world = World::new(&[]);
    world.configure("default", "alice");
    let create = ["apps", "create", "report", "--kind", "organization", "--role", "provider_service_manager"];
    assert!(world.fails(2, &[&create[..], &["--wrap", "30s"]].concat()).contains("1m to 24h"));
    assert!(world.fails(2, &[&create[..], &["--wrap", "10m", "--credentials", "app.json"]].concat()).contains("cannot be used with"));
    assert!(world.fails(2, &["apps", "create", "shop", "--wrap", "10m"]).contains("--kind organization"));
    let shown = world.ok(&[&create[..], &["--wrap", "10m"]].concat());
    assert!(!shown.contains("Secret") && shown.contains("once"), "{shown}");
    let line = shown.lines().find_map(|line| line.split_once("tegata apps unwrap ")).unwrap().1;
    // The line as it stands, where there is no profile and no key.
    let elsewhere = tempfile::tempdir().unwrap();
    let words: Vec<&str> = ["apps", "unwrap"].into_iter().chain(line.split_whitespace()).collect();
    let into_file = [&words[..], &["--file", "app.json"]].concat();
    std::fs::write(elsewhere.path().join("taken"), "x").unwrap();
    let taken = world::tegata(elsewhere.path()).args([&words[..], &["--file", "taken"]].concat()).output().unwrap();
    assert_eq!(taken.status.code(), Some(2), "{}", text(&taken.stderr));
    let opened = world::tegata(elsewhere.path()).args(&into_file).output().unwrap();
    assert!(opened.status.success(), "{}", text(&opened.stderr));
    let file = elsewhere.path().join("app.json");
    assert_eq!(mode(&file), 0o600);
    let told: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(!text(&opened.stdout).contains(told["clientSecret"].as_str().unwrap()));
    let again = world::tegata(elsewhere.path()).args(&words).output().unwrap();
    assert!(again.status.code() == Some(1) && text(&again.stderr).contains("opened before, at "), "{}", text(&again.stderr));
    let events = world.ok(&["call", "tegata", "ListAuditEvents", "EventAction=tegata:UnwrapSecret", "Outcome=Refused"]);
    assert!(events.contains("alarm"), "{events}");
    // They are credentials.
    world.ok(&["apps", "add", "report"]);
    world.ok(&["apps", "token", "--credentials", file.to_str().unwrap()]);
    // A new secret likewise, the code by standard input.
    let rotated = world.json(&["apps", "rotate", "report", "--wrap", "60", "--output", "json"]);
    let words = ["apps", "unwrap", "-", "--endpoint", rotated["endpoint"].as_str().unwrap()];
    let shown = with_input(elsewhere.path(), &words, &format!("{}\n", rotated["code"].as_str().unwrap()));
    let told: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(told["clientId"], rotated["clientId"]);
}
