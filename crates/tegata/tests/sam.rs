//! Signing in with passwords and one-time codes from the command line, by profiles that ask a program.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use std::{fs, os::unix::fs::PermissionsExt as _, process::Child};

use serde_json::Value;
use world::{World, mode, tegata, text, with_input};

/// The names of the programs that stand in for password managers, and what each prints: the shapes of the real ones.
const RECIPES: &str = include_str!("../../../docs/password-managers.md");

fn write(world: &World, name: &str, content: &str, mode: u32) -> String {
    let path = world.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A program that gives what carol signs in with, and counts how often it was asked.
fn safe(world: &World) -> String {
    write(world, "seed", world.at("/users/carol/totp_secret"), 0o600);
    let (operator, password) = (world.at("/account/operator_id"), world.at("/users/carol/password"));
    let (program, home) = (env!("CARGO_BIN_EXE_tegata"), world.home.path().display().to_string());
    let script = format!(
        "#!/bin/sh\necho asked >> {home}/asked\ncode=$({program} mfa code < {home}/seed)\n\
         printf '{{\"operatorId\":\"{operator}\",\"userName\":\"carol\",\"password\":\"{password}\",\"mfaOTPCode\":\"%s\"}}' \"$code\"\n"
    );
    write(world, "safe", &script, 0o700)
}

fn asked(world: &World) -> usize {
    fs::read_to_string(world.path("asked")).unwrap_or_default().lines().count()
}

fn profile(world: &World) {
    let program = safe(world);
    world.ok(&["configure", "--profile", "sam", "--mode", "SORACOM", "--endpoint", world.at("/issuer"), "--profile-command", &program]);
}

#[test]
fn all_three_ways_print_what_the_vendors_program_prints() {
    let world = World::new(&[]);
    let at = |pointer: &str| world.at(pointer).to_owned();
    let (issuer, operator) = (at("/issuer"), at("/account/operator_id"));
    let password = |user: &str| write(&world, "pw", &(at(user) + "\n"), 0o600);
    let file = format!("@{}", password("/root/password"));
    let root = world.ok(&["auth", "--endpoint", &issuer, "--email", &at("/root/login"), "--password", &file]);
    assert!(
        root.starts_with("{\n\t\"apiKey\": \"api-") && root.contains(&format!("\t\"operatorId\": \"{operator}\",\n\t\"token\"")),
        "{root}"
    );
    let words = ["auth", "--endpoint", &issuer, "--auth-key-id", &at("/users/alice/auth_key_id")];
    let alice = with_input(world.home.path(), &words, &at("/users/alice/auth_key"));
    let alice: Value = serde_json::from_slice(&alice.stdout).unwrap();
    assert_eq!(alice["userName"], "alice");
    let carol = ["auth", "--endpoint", &issuer, "--operator-id", &operator, "--user-name", "carol", "--password"];
    let file = format!("@{}", password("/users/carol/password"));
    let told = world.fails(1, &[&carol[..], &[&file]].concat());
    assert!(told.contains("--mfa-otpcode") && told.contains("carol"), "{told}");
    let wrong = world.fails(1, &[&carol[..], &["not-it", "--mfa-otpcode", "000000"]].concat());
    assert!(wrong.contains("AUM0002"), "{wrong}");
    let seed = write(&world, "seed", world.at("/users/carol/totp_secret"), 0o600);
    let code = world.ok(&["mfa", "code", "--seed-command", &format!("cat {seed}")]);
    let carol: Value = world.json(&[&carol[..], &[&file, "--mfa-otpcode", code.trim()]].concat());
    assert_eq!(carol["userName"], "carol");
    // A session that was printed is one for every command of this wire.
    let pair = ["--api-key", alice["apiKey"].as_str().unwrap(), "--api-token", alice["token"].as_str().unwrap(), "--endpoint", &issuer];
    assert_eq!(world.json(&[&["sam", "getOperator"], &pair[..]].concat())["operatorId"], *operator);
    world.ok(&[&["auth", "logout"], &pair[..]].concat());
    assert!(world.fails(1, &[&["sam", "getOperator"], &pair[..]].concat()).contains("401"));
}

#[test]
fn one_code_pays_for_many_commands_and_processes() {
    let world = World::new(&[]);
    profile(&world);
    let config = world.config();
    assert_eq!(config["profiles"][0]["mode"], "External", "other programs find one that gives a key");
    assert_eq!(mode(&world.path(".aliyun/tegata-sam-sam.json")), 0o600);
    assert!(world.ok(&["profile", "list"]).contains("SORACOM"));
    let children: Vec<Child> =
        (0..64).map(|_| tegata(world.home.path()).args(["mfa", "status"]).stdout(std::process::Stdio::piped()).spawn().unwrap()).collect();
    let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    assert_eq!(asked(&world), 1, "one signs in for all of them: {}", text(&outputs[0].stdout));
    // A server that nothing of it is sent to.
    let told = world.fails(2, &["mfa", "status", "--profile", "sam", "--endpoint", "http://127.0.0.1:1"]);
    assert!(told.contains("belongs to"), "{told}");
    let ended = world.ok(&["auth", "logout"]);
    assert!(ended.contains("has ended"), "{ended}");
    assert!(world.ok(&["auth", "logout"]).contains("No session"));
}

#[test]
fn a_session_of_a_profile_gives_keys_to_every_command() {
    let world = World::new(&[]);
    let mut words = vec!["configure", "--profile", "al", "--mode", "SORACOM", "--endpoint", world.at("/issuer")];
    words.extend(["--auth-key-id", world.at("/users/alice/auth_key_id")]);
    let made = with_input(world.home.path(), &words, world.at("/users/alice/auth_key"));
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(world.ok(&["oss", "ls", "--oss-endpoint", world.at("/oss"), "--profile", "al"]).contains("photos"));
    let who = world.json(&["whoami", "--output", "json"]);
    assert!(who["arn"].as_str().unwrap().ends_with("user/alice"), "{who}");
    let key = world.json(&["credentials", "--sam", "al", "--format", "aliyun"]);
    assert_eq!(key["mode"], "StsToken");
    world.ok(&["profile", "delete", "al"]);
    assert!(!world.path(".aliyun/tegata-sam-al.json").exists());
}

#[test]
fn profiles_of_the_vendors_program_are_taken_over() {
    let world = World::new(&[]);
    let operator = world.at("/account/operator_id");
    let alice = format!(
        r#"{{"coverageType":"jp","endpoint":"{}","authKeyId":"{}","authKey":"{}"}}"#,
        world.at("/issuer"),
        world.at("/users/alice/auth_key_id"),
        world.at("/users/alice/auth_key")
    );
    let file = write(&world, ".soracom/alice.json", &alice, 0o600);
    write(&world, ".soracom/public.json", r#"{"coverageType":"jp","email":"a@b","password":"pw"}"#, 0o600);
    let told = world.fails(1, &["profile", "import"]);
    assert!(told.contains("`public`") && told.contains("--endpoint") && told.contains("nothing was taken over"), "{told}");
    let taken = world.ok(&["profile", "import", "--from", "soracom", "--remove", "alice"]);
    assert!(taken.contains("left out: `coverageType`") && !fs::exists(file).unwrap(), "{taken}");
    assert_eq!(world.json(&["sam", "get-operator", "--profile", "alice"])["operatorId"], *operator);
    assert!(world.fails(1, &["profile", "import", "my_team"]).contains("`my-team`"));
}

/// A profile of mode SORACOM whose auth key is that of somebody of the sample directory.
fn by_auth_key(world: &World, name: &str, who: &str) {
    let id = world.at(&format!("{who}/auth_key_id"));
    let words = ["configure", "--profile", name, "--mode", "SORACOM", "--endpoint", world.at("/issuer"), "--auth-key-id", id];
    let made = with_input(world.home.path(), &words, world.at(&format!("{who}/auth_key")));
    assert!(made.status.success(), "{}", text(&made.stderr));
}

/// The code that a device with this seed shows, so many steps of half a minute from now.
fn code(seed: &str, steps: i64) -> String {
    #[expect(clippy::disallowed_methods, reason = "what the other program's clock shows")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let at = tegata_model::Timestamp::from_unix(i64::try_from(now).unwrap() + 30 * steps);
    let seed = tegata_model::SecretKey::new(seed.to_owned());
    tegata_client::otp::code(&seed, at).unwrap().digits.expose().to_owned()
}

#[test]
fn a_second_factor_is_begun_and_taken_away_on_either_wire() {
    let world = World::new(&[]);
    world.configure("ram", "alice");
    by_auth_key(&world, "sam", "/root");
    for (profile, user, codes) in [("sam", "bob", 1_usize), ("ram", "dan", 2)] {
        let whose = ["--user", user, "--profile", profile];
        let asks = |words: &[&str]| world.json(&[&["mfa"][..], words, &whose[..]].concat());
        assert_eq!(asks(&["status"])["status"], "INACTIVE", "{profile}");
        let begun = asks(&["enroll", "--show-secret"]);
        let seed = begun["secret"].as_str().unwrap().to_owned();
        assert!(begun["totpUri"].as_str().unwrap().contains(&seed), "{profile}");
        let shown: Vec<_> = (0..codes).map(|steps| code(&seed, i64::try_from(steps).unwrap())).collect();
        let shown: Vec<_> = shown.iter().map(String::as_str).collect();
        let told = world.fails(1, &[&["mfa", "verify"][..], &["000000", "000000"][..codes], &whose].concat());
        assert!(!told.is_empty(), "{profile}");
        assert_eq!(asks(&[&["verify"][..], &shown].concat())["status"], "ACTIVE", "{profile}");
        assert_eq!(asks(&["status"])["status"], "ACTIVE", "{profile}");
        assert_eq!(asks(&["remove"])["status"], "INACTIVE", "{profile}");
        assert_eq!(asks(&["status"])["status"], "INACTIVE", "{profile}");
    }
}

#[test]
fn a_user_becomes_another_who_trusts_it() {
    let world = World::new(&[]);
    let operator = world.at("/account/operator_id");
    by_auth_key(&world, "owner", "/root");
    let switch = ["auth", "switch-user", "--operator-id", operator, "--user-name", "alice"];
    assert!(world.fails(1, &[&switch[..], &["--profile", "owner"]].concat()).contains("TGT0301"));
    let trust = format!(
        r#"{{"statements":[{{"effect":"allow","principal":{{"soracom":["srn:soracom:{operator}::Operator:{operator}","srn:soracom:{operator}::User:carol"]}}}}]}}"#
    );
    world.ok(&["sam", "update-user-trust-policy", "--user-name", "alice", "--trust-policy", &trust, "--profile", "owner"]);
    let allowed = r#"{"statements":[{"effect":"allow","api":["Operator:generateAuthToken","Auth:switchUser","User:*"]}]}"#;
    world.ok(&["sam", "update-user-permission", "--user-name", "carol", "--permission", allowed, "--profile", "owner"]);
    assert_eq!(world.json(&[&switch[..], &["--profile", "owner"]].concat())["userName"], "alice");

    // By a profile whose source asks a program for a code.
    profile(&world);
    let words = ["configure", "--profile", "alice", "--mode", "SORACOM", "--endpoint", world.at("/issuer"), "--source-profile", "sam"];
    world.ok(&[&words[..], &["--operator-id", operator, "--user-name", "alice"]].concat());
    assert_eq!(world.json(&["auth", "--profile", "alice"])["userName"], "alice");
    assert!(world.json(&["whoami", "--output", "json", "--profile", "alice"])["arn"].as_str().unwrap().ends_with("user/alice"));
    assert!(world.json(&["sam", "list-users", "--profile", "sam"]).as_array().unwrap().len() > 3);
    assert_eq!(asked(&world), 1, "one code pays for the user and for whom it becomes");
}

#[test]
fn source_profiles_in_a_circle_are_told() {
    let world = World::new(&[]);
    let operator = world.at("/account/operator_id");
    for (name, source) in [("one", "two"), ("two", "one")] {
        let words = ["configure", "--profile", name, "--mode", "SORACOM", "--endpoint", world.at("/issuer"), "--source-profile", source];
        world.ok(&[&words[..], &["--operator-id", operator, "--user-name", "bob"]].concat());
    }
    let told = world.fails(1, &["auth", "--profile", "one"]);
    assert!(told.contains("one → two → one"), "{told}");
}

#[test]
fn a_session_that_ended_early_is_replaced() {
    let world = World::new(&[]);
    by_auth_key(&world, "owner", "/root");
    by_auth_key(&world, "al", "/users/alice");
    let first = world.json(&["auth", "--profile", "al"]);
    world.ok(&["sam", "revoke-user-auth-tokens", "--user-name", "alice", "--profile", "owner"]);
    assert_eq!(world.json(&["sam", "get-operator", "--profile", "al"])["operatorId"], first["operatorId"]);
    world.ok(&["sam", "revoke-user-auth-tokens", "--user-name", "alice", "--profile", "owner"]);
    assert!(world.ok(&["oss", "ls", "--oss-endpoint", world.at("/oss"), "--profile", "al"]).contains("photos"));
    // One that was given is not.
    let pair = ["--api-key", first["apiKey"].as_str().unwrap(), "--api-token", first["token"].as_str().unwrap()];
    let told = world.fails(1, &[&["sam", "get-operator", "--endpoint", world.at("/issuer")], &pair[..]].concat());
    assert!(told.contains("TGT0203"), "{told}");
}

#[test]
fn a_code_may_be_given_to_any_command() {
    let world = World::new(&[]);
    by_auth_key(&world, "owner", "/root");
    let allowed = r#"{"statements":[{"effect":"allow","api":"*"}]}"#;
    world.ok(&["sam", "update-user-permission", "--user-name", "carol", "--permission", allowed, "--profile", "owner"]);
    let words = ["configure", "--profile", "pw", "--mode", "SORACOM", "--endpoint", world.at("/issuer"), "--user-name", "carol"];
    let words = [&words[..], &["--operator-id", world.at("/account/operator_id")]].concat();
    assert!(with_input(world.home.path(), &words, world.at("/users/carol/password")).status.success());
    let told = world.fails(1, &["oss", "ls", "--oss-endpoint", world.at("/oss"), "--profile", "pw"]);
    assert!(told.contains("--mfa-otpcode"), "{told}");
    let code = code(world.at("/users/carol/totp_secret"), 0);
    world.ok(&["oss", "ls", "--oss-endpoint", world.at("/oss"), "--profile", "pw", "--mfa-otpcode", &code]);
    assert!(world.json(&["whoami", "--output", "json"])["arn"].as_str().unwrap().ends_with("user/carol"), "the session is kept");
}

#[test]
fn a_program_or_a_temporary_key_signs_in_for_one_command() {
    let world = World::new(&[]);
    by_auth_key(&world, "owner", "/root");
    let allowed = r#"{"statements":[{"effect":"allow","api":"User:*"}]}"#;
    world.ok(&["sam", "update-user-permission", "--user-name", "carol", "--permission", allowed, "--profile", "owner"]);
    let (program, issuer) = (safe(&world), world.at("/issuer"));
    let by_program = ["--profile-command", program.as_str(), "--endpoint", issuer];
    assert!(world.json(&[&["sam", "list-users"], &by_program[..]].concat()).is_array());
    assert_eq!(asked(&world), 1);
    world.fails(2, &[&["auth", "--profile", "owner"], &by_program[..]].concat());
    assert!(world.fails(2, &["auth", "--profile-command", "a | b", "--endpoint", issuer]).contains("`|`"));

    by_auth_key(&world, "al", "/users/alice");
    let key = world.json(&["credentials", "--sam", "al", "--format", "aliyun"]);
    let with_key = |words: &[&str]| {
        let part = |name: &str| key[name].as_str().unwrap();
        let mut command = tegata(world.home.path());
        command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", part("access_key_id")).env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", part("access_key_secret"));
        command.env("ALIBABA_CLOUD_SECURITY_TOKEN", part("sts_token")).env("TEGATA_ENDPOINT", issuer);
        command.env("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true").env("ALIBABA_CLOUD_IGNORE_PROFILE", "TRUE");
        command.args(words).output().unwrap()
    };
    fs::remove_dir_all(world.path(".aliyun")).unwrap();
    let listed = with_key(&["sam", "list-users", "--query", "[].userName"]);
    assert!(text(&listed.stdout).contains("alice"), "{}{}", text(&listed.stdout), text(&listed.stderr));
    world.configure("ak", "alice");
    assert!(world.fails(1, &["sam", "list-users", "--profile", "ak"]).contains("long-term key"));
}

/// The recipe that a heading of the page begins, as a profile has it.
fn recipe(heading: &str) -> String {
    let from = RECIPES.split(&format!("## {heading}")).nth(1).unwrap();
    from.split("```sh\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[test]
fn every_recipe_for_a_password_manager_works_with_what_it_prints() {
    if !std::path::Path::new("/usr/bin/jq").exists() {
        // `./test` says so too.
        eprintln!("left out: jq was not found");
        return;
    }
    let world = World::new(&[]);
    let (operator, password) = (world.at("/account/operator_id"), world.at("/users/carol/password"));
    let op = format!(
        r#"{{"id":"x","title":"tegata","fields":[{{"id":"notesPlain","label":"notesPlain","value":"other"}},{{"id":"operator","label":"operatorId","value":"{operator}"}},
        {{"id":"username","purpose":"USERNAME","label":"username","value":"carol"}},{{"id":"TOTP_1","type":"OTP","label":"one-time password","value":"otpauth://x","totp":"123456"}},
        {{"id":"password","purpose":"PASSWORD","label":"password","value":"{password}"}}]}}"#
    );
    let bw = format!(
        r#"{{"object":"item","name":"tegata","fields":[{{"name":"other","value":"x"}},{{"name":"operatorId","value":"{operator}"}}],"login":{{"username":"carol","password":"{password}","totp":"x"}}}}"#
    );
    let stands_in = [
        ("op", format!("#!/bin/sh\n[ \"$1 $2 $3\" = 'item get tegata' ] || exit 9\ncat <<'END'\n{op}\nEND\n")),
        ("bw", format!("#!/bin/sh\ncase \"$2\" in item) cat <<'END'\n{bw}\nEND\n;; totp) printf 123456;; *) exit 9;; esac\n")),
        (
            "pass",
            format!(
                "#!/bin/sh\ncase \"$1\" in show) printf '%s\\nuserName: carol\\noperatorId: {operator}\\n' '{password}';; otp) echo 123456;; *) exit 9;; esac\n"
            ),
        ),
        (
            "keepassxc-cli",
            format!(
                "#!/bin/sh\ncase \"$*\" in *--totp*) echo 123456;; *UserName*Password*operatorId*) printf 'carol\\n{password}\\n{operator}\\n';; *) exit 9;; esac\n"
            ),
        ),
    ];
    for (name, script) in &stands_in {
        write(&world, &format!("bin/{name}"), script, 0o700);
    }
    for heading in ["1Password", "Bitwarden", "pass", "KeePassXC"] {
        let printed = std::process::Command::new("/bin/sh")
            .args(["-c", &recipe(heading)])
            .env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()))
            .env("HOME", world.home.path())
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&printed.stdout).unwrap_or_else(|_| panic!("{heading}: {}", text(&printed.stderr)));
        let all = [("operatorId", operator), ("userName", "carol"), ("password", password), ("mfaOTPCode", "123456")];
        for (member, value) in all {
            assert_eq!(told[member], value, "{heading}: {told}");
        }
    }
}
