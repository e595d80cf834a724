//! Objects from the command line: pipes, whole folders, and what must not happen with them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use world::{World, tegata, text};

fn keys(world: &World, prefix: &str) -> Vec<String> {
    let list = world.json(&["oss", "ls", prefix, "--output", "json"]);
    list.as_array().unwrap().iter().map(|object| object.get("key").unwrap().as_str().unwrap().to_owned()).collect()
}

#[test]
fn pipes_of_any_length() {
    let world = World::new(&[]);
    world.configure("default", "alice");
    let big: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
    for (name, bytes) in [("empty", &[][..]), ("small", b"meow"), ("big", &big)] {
        let url = format!("oss://photos/alice/{name}");
        let mut child =
            tegata(world.home.path()).args(["oss", "cp", "-", &url]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && text(&output.stdout).starts_with("copied "), "{name}");
        let back = world.run(&["oss", "cp", &url, "-"]);
        assert!(back.status.success() && back.stdout == bytes && back.stderr.is_empty(), "{name}");
    }
    assert!(world.fails(2, &["oss", "cp", "-", "oss://photos/alice/"]).contains("has no name"));

    // A refusal arrives although nobody ends the pipe.
    world.configure("dan", "dan");
    let begun = Instant::now();
    let mut child = tegata(world.home.path());
    child.args(["oss", "cp", "-", "oss://photos/alice/x", "--oss-endpoint", world.at("/oss")]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let open = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    assert!(text(&output.stderr).contains("403 AccessDenied"), "{}", text(&output.stderr));
    assert!(begun.elapsed() < Duration::from_secs(20));
    drop(open);
}

#[test]
fn whole_folders_up_and_down_and_away() {
    let world = World::new(&[]);
    world.configure("default", "alice");
    let from = world.path("from");
    for (name, content) in [("a.txt", "a"), ("deep/er/b c.txt", "bb"), ("deep/ä.txt", "ccc"), ("empty", "")] {
        fs::create_dir_all(from.join(name).parent().unwrap()).unwrap();
        fs::write(from.join(name), content).unwrap();
    }
    fs::write(world.path("secret"), "not meant to be copied").unwrap();
    symlink(world.path("secret"), from.join("link")).unwrap();
    symlink("/", from.join("everything")).unwrap();
    let up = world.run(&["oss", "cp", "--recursive", "from", "oss://photos/alice/tree"]);
    assert_eq!(text(&up.stdout), "copied 4 objects, 6 B to oss://photos/alice/tree/\n");
    assert_eq!(text(&up.stderr).matches("left out").count(), 2, "{}", text(&up.stderr));
    let all = ["alice/tree/a.txt", "alice/tree/deep/er/b c.txt", "alice/tree/deep/ä.txt", "alice/tree/empty"];
    assert_eq!(keys(&world, "oss://photos/alice/tree/"), all);

    world.ok(&["oss", "cp", "from/a.txt", "oss://photos/alice/tree-of-another/a"]);
    assert_eq!(world.ok(&["oss", "cp", "-r", "oss://photos/alice/tree", "to"]), "copied 4 objects, 6 B to to\n");
    let same = Command::new("diff").args(["-r", "from/deep", "to/deep"]).current_dir(world.home.path()).status().unwrap();
    assert!(same.success() && fs::read(world.path("to/a.txt")).unwrap() == b"a" && !world.path("to/link").exists());
    assert!(!world.path("to/a").exists(), "a prefix is a folder, and not the beginning of a name");

    // A key that leads elsewhere is left alone; the others arrive.
    world.ok(&["oss", "cp", "from/a.txt", "oss://photos/alice/odd/good"]);
    for key in ["../escaped", "x/../../escaped", "/escaped"] {
        world.ok(&["oss", "cp", "from/a.txt", &format!("oss://photos/alice/odd/{key}")]);
    }
    let told = world.fails(1, &["oss", "cp", "-r", "oss://photos/alice/odd", "odd"]);
    assert!(told.matches("leads out of the folder").count() == 3 && told.contains("3 objects could not be copied"), "{told}");
    assert!(world.path("odd/good").exists() && !world.path("escaped").exists());

    assert!(world.fails(2, &["oss", "rm", "-r", "oss://photos"]).contains("every object of the bucket"));
    assert!(world.ok(&["oss", "rm", "-r", "oss://photos/alice/tree"]).starts_with("removed 4 objects, 6 B"));
    assert_eq!(keys(&world, "oss://photos/alice/tree"), ["alice/tree-of-another/a"]);
    assert!(world.fails(2, &["oss", "cp", "-r", "nowhere", "oss://photos/alice/x"]).contains("`nowhere` cannot be read"));
    assert!(world.fails(2, &["oss", "cp", "from", "oss://photos/alice/x"]).contains("--recursive"));
}
