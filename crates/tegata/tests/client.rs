//! The commands that use a server, as a person or a script meets them, against `tegata dev`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};
use world::{World, mode, tegata, text, with_input};

#[test]
fn from_configure_to_an_object_and_back() {
    let world = World::new(&[]);
    let secret = world.at("/users/appserver/access_key_secret").to_owned();
    world.configure("default", "appserver");
    assert_eq!(mode(&world.path(".aliyun/config.json")), 0o600);

    let who = world.ok(&["whoami"]);
    let expected = ["user/appserver", "profile `default` (AK)", "a long-term key", ".aliyun/config.json", "Session    none"];
    assert!(expected.iter().all(|words| who.contains(words)) && !who.contains(&secret), "{who}");
    assert_eq!(world.json(&["sts", "get-caller-identity", "--output", "json"])["IdentityType"], "RAMUser");

    let arn = world.at("/roles/app-uploader/arn");
    let words = ["sts", "assume-role", "--role-arn", arn, "--session-name", "s1", "--duration", "15m", "--output", "json"];
    let key = world.json(&words);
    assert!(key["Credentials"]["AccessKeyId"].as_str().unwrap().starts_with("STS."), "{key}");
    assert!(key["Credentials"]["Expiration"].as_str().unwrap().ends_with('Z'), "{key}");

    // The temporary key is a profile like any other.
    let temporary = |field: &str| key["Credentials"][field].as_str().unwrap().to_owned();
    let (id, both) = (temporary("AccessKeyId"), format!("{}\n{}\n", temporary("AccessKeySecret"), temporary("SecurityToken")));
    let words = ["configure", "--profile", "sts", "--mode", "StsToken", "--access-key-id", &id, "--endpoint", world.at("/issuer")];
    assert!(with_input(world.home.path(), &words, &both).status.success());
    assert_eq!(world.json(&["whoami", "--output", "json"])["session"], "s1");

    world.configure_role("role", "default");
    let who = world.ok(&["whoami"]);
    assert!(who.contains("`cli-test` of a role") && who.contains("temporary, ends in") && who.contains("0600"), "{who}");

    fs::write(world.path("cat.txt"), "meow").unwrap();
    assert!(world.ok(&["oss", "cp", "cat.txt", "oss://photos/cli/"]).contains("oss://photos/cli/cat.txt"));
    let big: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(world.path("big.bin"), &big).unwrap();
    world.ok(&["oss", "cp", "big.bin", "oss://photos/cli/a & b/große.bin"]);
    fs::write(world.path("empty"), "").unwrap();
    world.ok(&["oss", "cp", "empty", "oss://photos/cli/empty"]);

    let list = world.json(&["oss", "ls", "oss://photos/cli/", "--output", "json"]);
    let found: Vec<_> =
        list.as_array().unwrap().iter().map(|object| (object["key"].as_str().unwrap(), object["size"].as_u64().unwrap())).collect();
    assert_eq!(found, [("cli/a & b/große.bin", 12_000_000), ("cli/cat.txt", 4), ("cli/empty", 0)]);
    let table = world.ok(&["oss", "ls", "oss://photos/cli/"]);
    assert!(table.starts_with("MODIFIED") && table.contains("11.4 MiB") && table.contains("oss://photos/cli/cat.txt"), "{table}");

    world.ok(&["oss", "cp", "oss://photos/cli/a & b/große.bin", "back.bin"]);
    assert!(fs::read(world.path("back.bin")).unwrap() == big);
    assert_eq!(world.ok(&["oss", "cp", "oss://photos/cli/cat.txt", "-"]), "meow");
    fs::create_dir(world.path("into")).unwrap();
    world.ok(&["oss", "cp", "oss://photos/cli/empty", "into"]);
    assert_eq!(fs::read(world.path("into/empty")).unwrap(), b"");

    assert!(world.fails(2, &["oss", "sign", "oss://photos/cli/cat.txt", "--expires", "8d"]).contains("at most 7d"));
    let url = world.ok(&["oss", "sign", "oss://photos/cli/cat.txt", "--expires", "5m"]);
    assert!(url.starts_with(world.at("/oss")) && url.contains("x-oss-signature=") && url.contains("x-oss-expires=300"), "{url}");

    let denied = world.fails(1, &["oss", "rm", "oss://photos/cli/cat.txt"]);
    assert!(denied.contains("403 AccessDenied") && denied.matches("tegata why").count() == 1, "{denied}");
    world.configure("alice", "alice");
    assert!(world.ok(&["oss", "ls"]).contains("oss://photos"));
    world.ok(&["oss", "rm", "oss://photos/cli/cat.txt"]);
    let gone = world.fails(1, &["oss", "cp", "oss://photos/cli/cat.txt", "gone.txt"]);
    assert!(gone.contains("404 NoSuchKey") && gone.contains("(request ") && !gone.contains("tegata why"), "{gone}");
    let left: Vec<_> = fs::read_dir(world.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("gone.txt")), "{left:?}");
}

#[test]
fn a_refusal_is_one_sentence_that_leads_on() {
    let world = World::new(&[]);
    world.configure("dan", "dan");
    let arn = world.at("/roles/app-uploader/arn");
    let told = world.fails(1, &["sts", "assume-role", "--role-arn", arn, "--session-name", "xyz"]);
    assert!(told.starts_with("tegata: the server refused with 403 NoPermission: ") && told.lines().count() == 1, "{told}");
    let id = told.split("`tegata why ").nth(1).unwrap().split('`').next().unwrap();
    assert!(world.ok(&["why", id, "--data", world.at("/data")]).contains("sts:AssumeRole"));

    // However much there would be to send, the refusal arrives.
    fs::write(world.path("big"), vec![0; 20_000_000]).unwrap();
    for _ in 0..10 {
        let told = world.fails(1, &["oss", "cp", "big", "oss://photos/big", "--oss-endpoint", world.at("/oss")]);
        assert!(told.contains("403 AccessDenied"), "{told}");
    }

    for (words, complaint) in [
        (&["oss", "ls", "photos"][..], "names no bucket"),
        (&["oss", "cp", "a", "b"], "one of the two must be an object"),
        (&["oss", "rm", "oss://photos"], "names no object"),
        (&["whoami", "--endpoint", "ftp://x"], "no address of a server"),
        (&["sts", "assume-role"], "required arguments"),
        (&["exec"], "required arguments"),
        (&["configure", "--profile", "new"], "`--access-key-id` is missing"),
        (&["configure", "--profile", "new", "--access-key-id", "LTAIDEVEXAMPLEALICE00001"], "standard input does not hold it"),
        (&["ram", "ListUser"], "tip: some similar subcommands exist: 'ListUsers', 'ListUsersForGroup', "),
        (&["configure", "--mode", "Nonsense"], "ChainableRamRoleArn"),
        (&["configure", "--mode", "OAuth", "--profile", "new"], "name the server to sign in at with `--issuer URL`"),
        (&["configure", "--mode", "OAuth", "--profile", "a b", "--issuer", "http://127.0.0.1:1"], "letters, digits, `-` and `_`"),
        (&["configure", "--mode", "AK", "--issuer", "http://127.0.0.1:1"], "`--issuer` says where to sign in"),
    ] {
        let told = world.fails(2, words);
        assert!(told.contains(complaint), "{words:?}: {told}");
    }
    assert!(world.fails(1, &["whoami", "--endpoint", "http://127.0.0.1:1"]).contains("could not be reached"));
    assert!(world.fails(1, &["whoami", "--profile", "nobody"]).contains("there are `dan`"));
}

#[test]
fn what_cannot_work_is_told_at_once_and_in_words() {
    let world = World::new(&[]);
    world.configure("default", "bob");
    for (words, told) in [
        (
            &["--mode", "CredentialsURI", "--credentials-uri", "nonsense"][..],
            "`--credentials-uri`: `nonsense` does not begin with `http://`",
        ),
        (&["--ram-role-arn", "app-uploader"], "`--ram-role-arn`: `app-uploader` does not begin with `acs:ram::`"),
    ] {
        assert!(world.fails(2, &[&["configure", "--profile", "x"], words].concat()).contains(told));
    }
    let mut wrong = tegata(world.home.path());
    wrong.args(["whoami", "--endpoint", world.at("/issuer")]).env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong");
    let wrong = wrong.env("ALIBABA_CLOUD_ACCESS_KEY_ID", world.at("/users/bob/access_key_id")).output().unwrap();
    let told = text(&wrong.stderr);
    assert!(told.contains("the secret is not that of the key") && told.contains("tegata doctor") && told.len() < 400, "{told}");
    let told = world.fails(1, &["whoami", "--endpoint", "http://127.0.0.1:1"]);
    assert!(told.contains("could not be reached: tcp connect error") && told.contains("tegata doctor"), "{told}");
}

#[test]
fn keys_for_other_programs_are_temporary_and_cached() {
    let mut world = World::new(&[]);
    world.configure("default", "appserver");
    let secret = world.at("/users/appserver/access_key_secret").to_owned();
    let refused = world.fails(1, &["credentials"]);
    assert!(refused.contains("long-term key") && refused.contains("--role"), "{refused}");
    assert!(world.fails(1, &["exec", "--", "true"]).contains("long-term key"));
    let arn = world.at("/roles/app-uploader/arn").to_owned();
    assert_eq!(world.json(&["credentials", "--role", &arn])["StatusCode"], 200);

    world.configure_role("role", "default");
    let json = world.json(&["credentials"]);
    let cache = fs::read_dir(world.path(".cache/tegata/credentials")).unwrap().map(|entry| entry.unwrap().path());
    let cache: Vec<_> = cache.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
    assert!(cache.len() == 2 && cache.iter().all(|path| mode(path) == 0o600), "{cache:?}");
    assert!(cache.iter().all(|path| !fs::read_to_string(path).unwrap().contains(&secret)));

    // A program gets a temporary key of its own, which ends with it, and its own way to end; nothing of the long-term key.
    let output = tegata(world.home.path())
        .args(["exec", "--", "env"])
        .env("ALICLOUD_ACCESS_KEY_SECRET", "stale")
        .env("ACCESS_KEY_SECRET", "stale")
        .env("TEGATA_MASTER_KEY", "stale")
        .env("KEPT", "yes")
        .output()
        .unwrap();
    let told = text(&output.stdout);
    for start in ["ALIBABA_CLOUD_ACCESS_KEY_ID=STS.", "OSS_SESSION_TOKEN=CAIS", "KEPT=yes"] {
        assert!(told.lines().any(|found| found.starts_with(start)), "{start}\n{told}");
    }
    assert!(!told.contains("stale") && !told.contains(&secret) && !told.contains(json["AccessKeyId"].as_str().unwrap()), "{told}");
    assert_eq!(world.run(&["exec", "--", "sh", "-c", "exit 7"]).status.code(), Some(7));
    assert!(world.fails(1, &["exec", "--", "/nowhere/program"]).contains("cannot be run"));

    // Nobody answers any more: whatever comes now comes from the cache.
    world.server.kill().unwrap();
    world.server.wait().unwrap();
    assert_eq!(world.json(&["credentials", "--format", "json"]), json);
    let value = |field: &str| json[field].as_str().unwrap().to_owned();
    let (id, key, token, end) = (value("AccessKeyId"), value("AccessKeySecret"), value("SecurityToken"), value("Expiration"));
    let aliyun = json!({"mode": "StsToken", "access_key_id": id, "access_key_secret": key, "sts_token": token, "expiration": end});
    assert_eq!(world.json(&["credentials", "--format", "aliyun"]), aliyun);
    let aws = json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": key, "SessionToken": token, "Expiration": end});
    assert_eq!(world.json(&["credentials", "--format", "aws"]), aws);
    let uri = json!({"Code": "Success", "AccessKeyId": id, "AccessKeySecret": key, "SecurityToken": token, "Expiration": end});
    assert_eq!(world.json(&["credentials", "--format", "uri"]), uri);
    let script =
        format!("eval \"$({} credentials --format env)\" && printf %s \"$ALIBABA_CLOUD_ACCESS_KEY_SECRET\"", env!("CARGO_BIN_EXE_tegata"));
    let shell = Command::new("/bin/sh").env_clear().env("HOME", world.home.path()).args(["-c", &script]).output().unwrap();
    assert_eq!(text(&shell.stdout), key);

    // A cache that somebody else could have written is not believed.
    for path in &cache {
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    }
    assert!(world.fails(1, &["credentials"]).contains("could not be reached"));
}

#[test]
fn many_programs_at_once_cause_one_session() {
    let world = World::new(&[]);
    world.configure("default", "appserver");
    world.configure_role("role", "default");
    let start = || tegata(world.home.path()).arg("credentials").stdout(Stdio::piped()).spawn().unwrap();
    let all: Vec<_> = (0..200).map(|_| start()).collect();
    let told: std::collections::BTreeSet<_> = all.into_iter().map(|child| text(&child.wait_with_output().unwrap().stdout)).collect();
    assert!(told.len() == 1 && told.first().unwrap().contains("STS."), "{told:?}");
    let trail = world.ok(&["audit", "tail", "--data", world.at("/data"), "--output", "json", "-n", "1000"]);
    assert_eq!(trail.lines().filter(|line| line.contains("sts:AssumeRole")).count(), 1, "{trail}");
}

/// The sessions that live, as the administrator sees them.
fn live(world: &World) -> Vec<Value> {
    world.json(&["sessions", "list", "--profile", "alice", "--output", "json"]).as_array().unwrap().clone()
}

#[test]
fn a_session_ends_with_the_program_it_was_begun_for() {
    let world = World::new(&[]);
    world.configure("default", "appserver");
    world.configure("alice", "alice");
    world.configure_role("role", "default");
    // The one that `credentials` keeps is for everybody, and stays.
    let kept = world.json(&["credentials", "--profile", "role"])["AccessKeyId"].as_str().unwrap().to_owned();
    let left = |after: &str| {
        let ids: Vec<_> = live(&world).iter().map(|one| one["AccessKeyId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids, [kept.as_str()], "{after}");
    };
    let exec = ["exec", "--profile", "role", "--", "sh", "-c"];
    let run = |script: &str| tegata(world.home.path()).args(exec).arg(script).output().unwrap();
    let whoami = format!("{} whoami", env!("CARGO_BIN_EXE_tegata"));
    let inside = run(&format!("{whoami} && env"));
    assert!(inside.status.success() && text(&inside.stdout).contains("`cli-test` of a role"), "{}", text(&inside.stdout));
    left("a program that ends well");

    // Whoever kept the key has nothing.
    let env = text(&inside.stdout);
    let value = |name: &str| env.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap().to_owned();
    let mut later = tegata(world.home.path());
    for name in ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "TEGATA_ENDPOINT"] {
        later.env(name, value(name));
    }
    let later = later.arg("whoami").output().unwrap();
    assert!(!later.status.success() && text(&later.stderr).contains("ended before its time"), "{}", text(&later.stderr));

    assert_eq!(run("kill -9 $$").status.code(), Some(137));
    left("a program that was killed");
    assert_eq!(run("exit 3").status.code(), Some(3));
    left("a program that failed");
    // A signal reaches the program, which has the last word.
    let mut child = tegata(world.home.path())
        .args(exec)
        .arg("trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.05; done")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    assert_eq!(live(&world).len(), 2, "while it runs");
    Command::new("/bin/kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "told");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    left("a program that was asked to end");
}

#[test]
fn sessions_are_seen_and_taken_back_from_anywhere() {
    let world = World::new(&[]);
    world.configure("bob", "bob");
    world.configure("default", "alice");
    let arn = world.at("/roles/app-uploader/arn");
    let key = world.json(&["sts", "assume-role", "--profile", "bob", "--role-arn", arn, "--session-name", "laptop", "--output", "json"]);
    let id = key["Credentials"]["AccessKeyId"].as_str().unwrap();
    let table = world.ok(&["sessions", "list", "--user", "bob"]);
    let line = table.lines().nth(1).unwrap();
    for word in ["app-uploader", "laptop", "user bob with LTAI", "ends in 60 minutes"] {
        assert!(line.contains(word) || (word.starts_with("ends") && line.contains("ends in 59 minutes")), "{word}\n{table}");
    }
    assert!(world.ok(&["sessions", "show", id]).contains("it may all that the role may"));
    assert!(world.fails(1, &["sessions", "list", "--profile", "bob"]).contains("NoPermission"));
    assert!(world.fails(1, &["sessions", "revoke", "--profile", "bob", "--session", id]).contains("NoPermission"));
    world.fails(2, &["sessions", "revoke"]);
    world.fails(2, &["sessions", "revoke", "--user", "bob", "--role", "app-uploader"]);
    assert_eq!(world.ok(&["sessions", "revoke", "--user", "bob"]), "1 live session ended\n");
    assert!(world.ok(&["sessions", "list"]).lines().count() == 1);
    assert!(world.ok(&["sessions", "list", "--all"]).contains("taken back"));
    assert!(world.fails(1, &["sessions", "revoke", "--user", "ghost"]).contains("EntityNotExist.User"));

    // Why bob was refused: the administrator reads the statements, bob the layer, a stranger nothing at all.
    let refused = world.fails(1, &["sessions", "list", "--profile", "bob"]);
    let request = refused.split("`tegata why ").nth(1).unwrap().split('`').next().unwrap();
    let whole = world.ok(&["why", request]);
    assert!(whole.contains("To allow it") && whole.contains("Conditions saw"), "{whole}");
    assert_eq!(whole, world.ok(&["why", request, "--data", world.at("/data")]), "the server says what its data say");
    let own = world.ok(&["why", request, "--profile", "bob"]);
    assert!(own.contains("the identity policies: not allowed") && !own.contains("To allow it"), "{own}");
    assert!(world.json(&["why", request, "--output", "json"])["to_allow"].as_array().unwrap().len() == 1);
    assert!(world.fails(1, &["why", "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB"]).contains("EntityNotExist.Request"));

    let tail = world.ok(&["audit", "tail", "-n", "5", "--output", "json"]);
    let events: Vec<Value> = tail.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.len() == 5 && events.iter().any(|one| one["action"] == "tegata:RevokeSessions"), "{tail}");
    assert!(world.ok(&["audit", "tail"]).contains("tegata:RevokeSessions"));
    assert!(world.fails(1, &["audit", "tail", "--profile", "bob"]).contains("NoPermission"));
    // Without a server and without data there is one sentence for both.
    let nowhere = tempfile::tempdir().unwrap();
    let lost = tegata(nowhere.path()).args(["audit", "tail"]).output().unwrap();
    assert!(text(&lost.stderr).contains("no tegata data") && text(&lost.stderr).contains("no key to use"), "{}", text(&lost.stderr));
}

#[test]
fn a_leaked_key_is_ended_wherever_it_was_found() {
    let world = World::new(&[]);
    world.configure("bob", "bob");
    world.configure("default", "alice");
    world.ok(&["whoami", "--profile", "bob"]);
    let secret = world.at("/users/bob/access_key_secret");
    let log = format!("Nov 24 12:00 app: {{\"env\":\"ID=x\\nSECRET={secret}\\n\"}}\r\n\u{9b}\0binary");
    let dry = text(&with_input(world.home.path(), &["leaked", "-", "--dry-run"], &log).stdout);
    assert!(
        dry.contains("would be ended; 0 live sessions would end") && dry.contains("of user bob; in the text: access key secret"),
        "{dry}"
    );
    world.ok(&["whoami", "--profile", "bob"]);
    assert!(world.fails(1, &["leaked", "x", "--profile", "bob"]).contains("NoPermission"));
    let arn = world.at("/roles/app-uploader/arn");
    world.ok(&["sts", "assume-role", "--profile", "bob", "--role-arn", arn, "--session-name", "laptop"]);
    let done = with_input(world.home.path(), &["leaked", "-"], &log);
    let told = text(&done.stdout);
    assert!(done.status.success() && told.contains("switched off; 1 live session ended") && told.contains("sts:AssumeRole"), "{told}");
    assert!(!told.contains(secret) && !text(&done.stderr).contains(secret));
    assert!(world.fails(1, &["whoami", "--profile", "bob"]).contains("disabled"));
    assert!(world.fails(1, &["leaked", "nothing to see here"]).contains("no credential of this account"));
    world.fails(2, &["leaked", " "]);
}

#[test]
fn keys_are_found_in_their_order() {
    let world = World::new(&[]);
    world.configure("alice", "alice");
    world.configure("bob", "bob");
    let arn = |command: &mut Command| {
        let output = command.args(["whoami", "--output", "json"]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["arn"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    };
    let base = || tegata(world.home.path());
    let with_key = || {
        let mut command = base();
        command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", world.at("/users/carol/access_key_id"));
        command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", world.at("/users/carol/access_key_secret"));
        command
    };
    assert_eq!(arn(&mut base()), "bob", "the current one");
    assert_eq!(arn(base().env("ALIBABA_CLOUD_PROFILE", "alice")), "alice");
    assert_eq!(arn(with_key().env("ALIBABA_CLOUD_PROFILE", "alice")), "carol", "the environment is stronger than the current profile");
    assert_eq!(arn(with_key().env("HOME", world.path("elsewhere")).env("TEGATA_ENDPOINT", world.at("/issuer"))), "carol");
    let mut named = with_key();
    named.args(["whoami", "--profile", "alice", "--output", "json"]);
    assert!(text(&named.output().unwrap().stdout).contains("user/alice"), "a named profile is stronger than the environment");
    let ignored = base().args(["whoami"]).env("ALIBABA_CLOUD_IGNORE_PROFILE", "TRUE").output().unwrap();
    assert!(text(&ignored.stderr).contains("there is no key to use"), "{}", text(&ignored.stderr));
}

#[test]
fn a_program_or_a_url_may_give_the_key() {
    let world = World::new(&[]);
    world.configure("default", "appserver");
    world.configure_role("role", "default");
    let program = format!("{} credentials --profile role --format aliyun", env!("CARGO_BIN_EXE_tegata"));
    world.ok(&["configure", "--profile", "ext", "--mode", "External", "--process-command", &program, "--endpoint", world.at("/issuer")]);
    let who = world.json(&["whoami", "--output", "json"]);
    assert!(who["session"] == "cli-test" && who["found_in"] == "profile `ext` (External)", "{who}");
    let blocked = tegata(world.home.path()).arg("whoami").env("ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS", "1").output().unwrap();
    assert!(text(&blocked.stderr).contains("forbids that"), "{}", text(&blocked.stderr));

    let body = world.ok(&["credentials", "--profile", "role", "--format", "uri"]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
    });
    world.ok(&["configure", "--profile", "uri", "--mode", "CredentialsURI", "--credentials-uri", &url, "--endpoint", world.at("/issuer")]);
    // The listener answers once; the second time the key is remembered.
    for _ in 0..2 {
        assert_eq!(world.json(&["whoami", "--output", "json"])["session"], "cli-test");
    }
}

#[test]
fn a_server_is_reached_by_tls_and_only_if_it_is_the_right_one() {
    let world = World::new(&["--https", "127.0.0.1:0"]);
    world.configure("default", "appserver");
    let (url, ca) = (world.at("/https/issuer"), world.at("/https/ca_file"));
    assert!(world.ok(&["whoami", "--endpoint", url, "--ca-file", ca]).contains("user/appserver"));
    let told = world.fails(1, &["whoami", "--endpoint", url]);
    assert!(told.contains("could not be reached") || told.contains("--ca-file"), "{told}");
    let other = world.path("other.pem");
    fs::write(&other, "nothing").unwrap();
    assert!(world.fails(1, &["whoami", "--endpoint", url, "--ca-file", other.to_str().unwrap()]).contains("holds no certificate"));
    world.ok(&["configure", "--endpoint", url, "--ca-file", ca]);
    assert_eq!(world.config()["profiles"][0]["sts_endpoint"], url.trim_start_matches("https://"));
    assert!(world.ok(&["whoami"]).contains(url));
}

#[test]
fn profiles_of_other_programs_survive_ours() {
    let home = tempfile::tempdir().unwrap();
    let (folder, file) = (home.path().join(".aliyun"), home.path().join(".aliyun/config.json"));
    fs::create_dir(&folder).unwrap();
    let foreign = json!({"current": "sso", "meta_path": "", "later": [1, {"x": null}], "profiles": [
        {"name": "sso", "mode": "CloudSSO", "access_token": "secret-access-token-value", "new_field": {"deep": [true]}},
        {"name": "old", "mode": "AK", "access_key_id": "LTAIDEVEXAMPLEALICE00001", "access_key_secret": "secret-0123456789", "site": "china"},
    ]});
    fs::write(&file, foreign.to_string()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let run = |words: &[&str]| tegata(home.path()).args(words).output().unwrap();
    let ok = |words: &[&str]| {
        let output = run(words);
        assert!(output.status.success(), "{words:?} {}", text(&output.stderr));
        text(&output.stdout)
    };
    let list = ok(&["profile", "list"]);
    assert!(list.contains("*  sso") && list.contains("CloudSSO"), "{list}");
    let told = text(&run(&["whoami"]).stderr);
    assert!(told.contains("`sso`") && told.contains("CloudSSO"), "{told}");
    ok(&["profile", "use", "old"]);
    ok(&["configure", "--profile", "old", "--region", "cn-shanghai", "--endpoint", "https://id.example.com"]);
    assert_eq!(mode(&file), 0o600);
    let now: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!((&now["later"], &now["profiles"][0], &now["current"]), (&foreign["later"], &foreign["profiles"][0], &json!("old")));
    let old = &now["profiles"][1];
    assert!(old["site"] == "china" && old["access_key_secret"] == "secret-0123456789" && old["region_id"] == "cn-shanghai", "{old}");
    assert!(old["sts_endpoint"] == "id.example.com" && old["tegata_endpoint"] == "https://id.example.com", "{old}");
    for shown in
        [ok(&["profile", "show"]), ok(&["profile", "show", "sso", "--output", "json"]), ok(&["profile", "list", "--output", "json"])]
    {
        assert!(!shown.contains("secret-"), "{shown}");
    }
    ok(&["profile", "delete", "old"]);
    let told = run(&["profile", "delete", "old"]);
    assert!(told.status.code() == Some(1) && text(&told.stderr).contains("no profile `old`"), "{}", text(&told.stderr));

    // What others could have changed is refused, by name and with a way out.
    for (bits, path) in [(0o620, &file), (0o602, &file), (0o777, &folder)] {
        fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
        let told = run(&["profile", "list"]);
        assert!(told.status.code() == Some(1) && text(&told.stderr).contains("chmod go-w"), "{}", text(&told.stderr));
        fs::set_permissions(path, fs::Permissions::from_mode(if path == &file { 0o600 } else { 0o700 })).unwrap();
    }
    fs::rename(&file, home.path().join("real.json")).unwrap();
    symlink(home.path().join("real.json"), &file).unwrap();
    for words in [&["profile", "list"][..], &["profile", "use", "sso"], &["whoami"]] {
        let told = run(words);
        assert!(told.status.code() == Some(1) && text(&told.stderr).contains("is a symbolic link"), "{}", text(&told.stderr));
    }
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
}

#[test]
fn two_writers_lose_nothing_and_a_killed_one_holds_nothing() {
    let home = tempfile::tempdir().unwrap();
    let configure = |name: &str| {
        let words = ["configure", "--profile", name, "--access-key-id", "LTAIDEVEXAMPLEALICE00001", "--access-key-secret", "example"];
        tegata(home.path()).args(words).stdout(Stdio::null()).spawn().unwrap()
    };
    let all: Vec<_> = (0..20).map(|at| configure(&format!("p{at}"))).collect();
    for mut child in all {
        assert!(child.wait().unwrap().success());
    }
    let text = fs::read_to_string(home.path().join(".aliyun/config.json")).unwrap();
    let names = |text: &str| serde_json::from_str::<Value>(text).unwrap()["profiles"].as_array().unwrap().len();
    assert_eq!(names(&text), 20);

    let lock = home.path().join(".aliyun/.config.json.lock");
    let mut holder = Command::new("flock").args(["-o".as_ref(), lock.as_os_str(), "sleep".as_ref(), "60".as_ref()]).spawn().unwrap();
    sleep(Duration::from_millis(200));
    let mut waiting = configure("late");
    sleep(Duration::from_millis(200));
    assert!(waiting.try_wait().unwrap().is_none(), "it waits for the lock");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(waiting.wait().unwrap().success());
    assert_eq!(names(&fs::read_to_string(home.path().join(".aliyun/config.json")).unwrap()), 21);
}
