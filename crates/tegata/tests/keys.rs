//! What an account demands of long-term keys, and who still uses one, from the command line.

mod world;

use serde_json::{Value, json};
use world::World;

fn administrator() -> World {
    let world = World::new(&[]);
    world.configure("bob", "bob");
    world.configure("default", "alice");
    world
}

#[test]
fn who_still_uses_a_key_and_what_replaces_it() {
    let world = administrator();
    let report = world.ok(&["keys", "report"]);
    assert!(report.starts_with("USER "), "{report}");
    let line = |whose: &str| report.lines().find(|line| line.starts_with(whose)).unwrap_or_else(|| panic!("{whose}\n{report}")).to_owned();
    // The request that asks is a use itself; nobody else's key was used yet.
    assert!(line("alice").contains(world.at("/users/alice/access_key_id")) && line("alice").contains("0 days"), "{report}");
    assert!(line("dan").contains("never") && line("(the owner)").contains("tegata ram CreateUser"), "{report}");
    world.ok(&["whoami", "--profile", "bob"]);
    let keys = world.json(&["keys", "report", "--output", "json"]);
    let of = |user: &str| keys.as_array().unwrap().iter().find(|key| key["UserName"] == user).unwrap().clone();
    assert!(of("bob")["LastUsedDate"].is_string() && of("dan")["LastUsedDate"].is_null(), "{keys}");
    // The command that is told for one that is switched off works as it stands.
    let id = world.at("/users/dan/access_key_id");
    world.ok(&["ram", "UpdateAccessKey", "--UserName", "dan", "--UserAccessKeyId", id, "--Status", "Inactive"]);
    let keys = world.json(&["keys", "report", "--output", "json"]);
    let off = keys.as_array().unwrap().iter().find(|key| key["UserName"] == "dan").unwrap();
    let words: Vec<&str> = off["Command"].as_str().unwrap().split(' ').skip(1).collect();
    assert_eq!(world.ok(&words), "DeleteAccessKey: done\n");
    assert!(!world.ok(&["keys", "report"]).contains(id));
    assert!(world.fails(1, &["keys", "report", "--profile", "bob"]).contains("NoPermission"));
}

#[test]
fn what_an_account_demands_of_keys() {
    let world = administrator();
    assert_eq!(world.ok(&["keys", "policy", "show"]), "Age     any\nFrom    anywhere\nPeople  may have keys\n");
    let set = world.ok(&["keys", "policy", "set", "--max-age-days", "90", "--network", "127.0.0.0/8", "--network", "::1"]);
    assert!(set.starts_with("Age     at most 90 days\nFrom    127.0.0.0/8, ::1"), "{set}");
    assert_eq!(world.ok(&["keys", "policy", "show"]), set);
    // What is not named stays.
    world.ok(&["keys", "policy", "set", "--max-age-days", "30"]);
    let policy = world.json(&["keys", "policy", "show", "--output", "json"]);
    assert_eq!(
        (&policy["MaxAgeDays"], policy["Networks"].as_array().map(Vec::len), &policy["AllowPeople"]),
        (&json!(30), Some(2), &json!(true))
    );
    let any = world.ok(&["keys", "policy", "set", "--any-address", "--max-age-days", "0"]);
    assert_eq!(any, "Age     any\nFrom    anywhere\nPeople  may have keys\n");

    // Nobody locks himself out, and nothing was done.
    for (words, told) in [
        (&["--network", "192.0.2.0/24"][..], "would be locked out"),
        (&["--people", "false"], "would be locked out"),
        (&["--max-age-days", "4000"], "1 to 3650 days"),
        (&["--network", "here"], "`here`"),
    ] {
        let refused = world.fails(1, &[&["keys", "policy", "set"], words].concat());
        assert!(refused.contains(told) && refused.lines().count() == 1, "{words:?}: {refused}");
    }
    assert_eq!(world.ok(&["keys", "policy", "show"]), any);
    assert!(world.fails(2, &["keys", "policy", "set"]).contains("--max-age-days"));
    world.fails(2, &["keys", "policy", "set", "--network", "::1", "--any-address"]);
    for words in
        [&["keys", "policy", "show", "--profile", "bob"][..], &["keys", "policy", "set", "--max-age-days", "1", "--profile", "bob"]]
    {
        assert!(world.fails(1, words).contains("NoPermission"));
    }

    // The owner may say that people have no keys; then their keys stop, and are told why.
    let (id, secret) = (world.at("/root/access_key_id").to_owned(), world.at("/root/access_key_secret").to_owned());
    let words = ["configure", "--profile", "root", "--access-key-id", &id, "--endpoint", world.at("/issuer")];
    assert!(world::with_input(world.home.path(), &words, &format!("{secret}\n")).status.success());
    world.ok(&["profile", "use", "default"]);
    let set = world.ok(&["keys", "policy", "set", "--people", "false", "--profile", "root"]);
    assert!(set.ends_with("People  may have no keys\n"), "{set}");
    let stopped = world.fails(1, &["whoami", "--profile", "bob"]);
    assert!(stopped.contains("InvalidAccessKeyId.Inactive") && stopped.contains("key policy"), "{stopped}");
    let policy: Value = world.json(&["keys", "policy", "set", "--people", "true", "--profile", "root", "--output", "json"]);
    assert_eq!(policy["AllowPeople"], true);
    world.ok(&["whoami", "--profile", "bob"]);
}

/// Who may use the official application: those who are assigned, or everybody of the account.
#[test]
fn everybody_or_those_who_are_assigned() {
    let world = administrator();
    assert!(world.ok(&["apps", "install", "official-cli"]).starts_with("installed"));
    let mode = |world: &World| world.json(&["apps", "show", "official-cli", "--output", "json"]).to_string();
    assert!(world.ok(&["apps", "mode", "official-cli", "all"]).starts_with("everybody"));
    let everybody = mode(&world);
    assert!(world.ok(&["apps", "mode", "official-cli", "assigned"]).starts_with("those who are assigned"));
    assert_ne!(mode(&world), everybody);
    assert!(world.fails(2, &["apps", "mode", "official-cli", "groups"]).contains("possible values: all, assigned"));
    assert!(world.fails(1, &["apps", "mode", "official-cli", "all", "--profile", "bob"]).contains("NoPermission"));
}
