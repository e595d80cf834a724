//! Every operation of the API from the command line: named as the API names it, answered for people and for programs.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use std::{fs, process::Command, time::Duration};

use serde_json::Value;
use world::{World, tegata, text};

/// A server and a profile that may do everything in its account.
fn owner() -> World {
    let world = World::new(&[]);
    let (id, secret) = (world.at("/root/access_key_id").to_owned(), world.at("/root/access_key_secret").to_owned());
    let words = ["configure", "--access-key-id", &id, "--endpoint", world.at("/issuer")];
    assert!(world::with_input(world.home.path(), &words, &format!("{secret}\n")).status.success());
    world
}

#[test]
fn users_and_policies_from_making_to_deleting() {
    let world = owner();
    let made = world.ok(&["ram", "CreateUser", "--UserName", "erin", "--DisplayName", "Erin E"]);
    assert!(made.contains("UserName     erin\n") && made.contains("DisplayName  Erin E\n") && !made.contains("RequestId"), "{made}");
    // The other spelling, and the answer as it came: in the order in which the server says it.
    let told = world.ok(&["ram", "get-user", "--user-name", "erin", "--output", "json"]);
    assert!(told.find("\"RequestId\"").is_some() && told.find("UserId").unwrap() < told.find("UserName").unwrap(), "{told}");

    let document = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Resource":"*"}]}"#;
    fs::write(world.path("p.json"), document).unwrap();
    world.ok(&["ram", "CreatePolicy", "--PolicyName", "read", "--PolicyDocument", "@p.json"]);
    let piped = world::with_input(world.home.path(), &["ram", "CreatePolicy", "--PolicyName", "read2", "--PolicyDocument", "-"], document);
    assert!(piped.status.success(), "{}", text(&piped.stderr));
    world.ok(&["ram", "AttachPolicyToUser", "--PolicyType", "custom", "--PolicyName", "read", "--UserName", "erin"]);
    let version = ["ram", "CreatePolicyVersion", "--PolicyName", "read", "--PolicyDocument", document, "--SetAsDefault"];
    assert!(world.ok(&version).contains("IsDefaultVersion  true"));
    let names = ["ram", "ListPoliciesForUser", "--UserName", "erin", "--query", "Policies.Policy[].PolicyName"];
    assert_eq!(world.ok(&names), "read\n");
    assert_eq!(world.ok(&[&names[..], &["--output", "json"]].concat()), "[\n  \"read\"\n]\n");
    assert_eq!(
        world.ok(&["ram", "GetPolicy", "--PolicyType", "Custom", "--PolicyName", "read", "--query", "Policy.AttachmentCount"]),
        "1\n"
    );

    assert_eq!(
        world.ok(&["ram", "DetachPolicyFromUser", "--PolicyType", "Custom", "--PolicyName", "read", "--UserName", "erin"]),
        "DetachPolicyFromUser: done\n"
    );
    assert_eq!(world.ok(&["ram", "DeleteUser", "--UserName", "erin"]), "DeleteUser: done\n");
    let gone = world.fails(1, &["ram", "GetUser", "--UserName", "erin"]);
    assert!(gone.starts_with("tegata: the server refused with 404 EntityNotExist.User: ") && gone.lines().count() == 1, "{gone}");
}

#[test]
fn a_role_is_taken_on_in_either_spelling() {
    let world = World::new(&[]);
    world.configure("alice", "alice");
    world.configure("default", "bob");
    let arn = world.at("/roles/app-uploader/arn");
    for (words, session) in [
        (&["assume-role", "--role-arn", arn, "--session-name", "one"][..], "one"),
        (&["assume-role", "--role-arn", arn, "--role-session-name", "two"], "two"),
        (&["AssumeRole", "--RoleArn", arn, "--RoleSessionName", "three"], "three"),
    ] {
        let key = world.ok(&[&["sts"], words].concat());
        assert!(key.contains("STS."), "{key}");
        let live = world.ok(&["sessions", "list", "--profile", "alice"]);
        assert!(live.contains(session), "{session}\n{live}");
    }
    assert!(world.fails(2, &["sts", "assume-role", "--role-arn", arn]).contains("--session-name"));
    assert!(world.fails(2, &["whoami", "--role-session-name", "x"]).contains("`--role ARN` is missing"));
}

#[test]
fn lists_are_tables_and_their_parts_come_together() {
    let world = owner();
    for at in 0..5 {
        world.ok(&["ram", "CreateGroup", "--GroupName", &format!("team-{at}")]);
    }
    let all: Value = world.json(&["ram", "ListGroups", "--output", "json"]);
    let count = all["Groups"]["Group"].as_array().unwrap().len();
    let first = world.run(&["ram", "ListGroups", "--MaxItems", "2"]);
    let (table, hint) = (text(&first.stdout), text(&first.stderr));
    assert!(table.starts_with("GroupId") && table.lines().count() == 3, "{table}");
    assert!(hint.contains("`--all` shows everything") && hint.contains("--Marker"), "{hint}");
    assert!(!table.contains('\u{1b}'), "no colours into a pipe");
    let table = world.ok(&["ram", "ListGroups", "--MaxItems", "2", "--all"]);
    assert_eq!(table.lines().count(), count + 1, "{table}");
    let whole = world.json(&["ram", "ListGroups", "--MaxItems", "1", "--all", "--output", "json"]);
    assert_eq!((&whole["Groups"], &whole["IsTruncated"], whole.get("Marker")), (&all["Groups"], &Value::Bool(false), None));
    let empty = world.run(&["ram", "ListUsersForGroup", "--GroupName", "team-0"]);
    assert!(empty.status.success() && empty.stdout.is_empty() && text(&empty.stderr) == "the list is empty\n", "{empty:?}");
}

#[test]
fn any_operation_by_name_and_wrong_words() {
    let world = owner();
    assert!(world.ok(&["call", "ram", "CreateUser", "UserName=frank", "DisplayName=a=b"]).contains("DisplayName  a=b"));
    assert!(world.ok(&["sts", "GetCallerIdentity"]).contains("IdentityType"));
    let mistyped = world.fails(2, &["ram", "ListPolicys"]);
    let offered = mistyped.lines().find(|line| line.contains("similar")).unwrap();
    assert!(offered.contains("'ListPolicies'") && offered.matches('\'').count() <= 6, "at most three names: {mistyped}");
    for (words, complaint) in [
        (&["ram", "CreateUser"][..], "--UserName"),
        (&["ram", "CreatUser", "--UserName", "x"], "CreateUser"),
        (&["ram", "GetUser", "--UserNam", "x"], "--UserName"),
        (&["ram", "ListUsers", "--MaxItems", "many"], "a whole number is needed"),
        (&["ram", "ListPolicies", "--PolicyType", "Mine"], "Custom"),
        (&["ram", "CreatePolicy", "--PolicyName", "p", "--PolicyDocument", "@nowhere.json"], "`nowhere.json` cannot be read"),
        (&["ram", "ListUsers", "--query", "Users["], "JMESPath"),
        (&["call", "rum", "ListUsers"], "`sts`, `ram`, `ims`, `tegata`"),
        (&["call", "ram", "GetUser", "UserName"], "expected `Name=VALUE`"),
    ] {
        let told = world.fails(2, words);
        assert!(told.contains(complaint), "{words:?}: {told}");
    }
    let told = world.fails(1, &["call", "ram", "Nothing"]);
    assert!(told.contains("InvalidAction.NotFound"), "{told}");
}

#[test]
fn secrets_are_asked_for_and_stand_in_no_list_of_processes() {
    let world = owner();
    world.ok(&["ram", "CreateUser", "--UserName", "erin"]);
    let words = ["ram", "CreateLoginProfile", "--UserName", "erin"];
    let told = world.fails(2, &words);
    assert!(told.contains("`--Password` is needed"), "{told}");
    let made = world::with_input(world.home.path(), &words, "A-Long-Example-Password-1\n");
    assert!(made.status.success() && !text(&made.stdout).contains("Example-Password"), "{}", text(&made.stderr));
    assert!(world.ok(&["ram", "GetLoginProfile", "--UserName", "erin"]).contains("erin"));
    fs::write(world.path("password"), "Another-Example-Password-2\n").unwrap();
    world.ok(&["ram", "UpdateLoginProfile", "--UserName", "erin", "--Password", "@password"]);
    let asked = ["ram", "UpdateLoginProfile", "--UserName", "erin", "--Password", "-"];
    assert!(world::with_input(world.home.path(), &asked, "A-Third-Example-Password-3").status.success());
}

/// What a shell is offered for the last of these words.
fn offered(world: &World, words: &[&str]) -> Vec<String> {
    let mut command = tegata(world.home.path());
    command.env("TEGATA_COMPLETE", "bash").env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    command.env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "true");
    let output = command.arg("--").arg("tegata").args(words).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn shells_complete_operations_and_names_of_the_server() {
    let mut world = owner();
    assert!(offered(&world, &["ram", "CreateU"]).contains(&"CreateUser".to_owned()));
    let flags = offered(&world, &["ram", "GetUser", "--"]);
    assert!(flags.contains(&"--UserName".to_owned()) && !flags.contains(&"--user-name".to_owned()), "{flags:?}");
    let users = offered(&world, &["ram", "GetUser", "--UserName", ""]);
    assert!(users.iter().any(|name| name == "alice") && users.iter().any(|name| name == "bob"), "{users:?}");
    assert_eq!(offered(&world, &["ram", "GetUser", "--UserName", "ali"]), ["alice"]);
    assert_eq!(offered(&world, &["whoami", "--profile", "d"]), ["default"]);
    let roles = offered(&world, &["sts", "AssumeRole", "--RoleArn", "acs:"]);
    assert!(!roles.is_empty());
    assert_eq!(offered(&world, &["whoami", "--role", "acs:"]), roles);
    assert_eq!(offered(&world, &["profile", "use", "d"]), ["default"]);
    assert_eq!(offered(&world, &["ram", "GetUser", "--endpoint", "http://127.0.0.1:1", "--UserName", ""]), [""; 0]);

    // For a minute they are remembered, without a server.
    world.server.kill().unwrap();
    world.server.wait().unwrap();
    assert_eq!(offered(&world, &["ram", "GetUser", "--UserName", "ali"]), ["alice"]);
    let begun = std::time::Instant::now();
    assert_eq!(offered(&world, &["ram", "GetGroup", "--GroupName", ""]), [""; 0], "silent on failure");
    assert!(begun.elapsed() < Duration::from_secs(5));

    for shell in ["bash", "zsh", "fish"] {
        let script = world.ok(&["completion", shell]);
        assert!(script.contains("TEGATA_COMPLETE"), "{script}");
    }
    fs::write(world.path("script"), world.ok(&["completion", "bash"])).unwrap();
    assert!(Command::new("bash").args(["-n", world.path("script").to_str().unwrap()]).status().unwrap().success());
    world.ok(&["man", "pages"]);
    let page = fs::read_to_string(world.path("pages/tegata-ram-CreatePolicy.1")).unwrap();
    assert!(page.contains("PolicyDocument") && page.contains("tegata"), "{page}");
}
