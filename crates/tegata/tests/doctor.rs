//! `tegata doctor` in front of servers that are wrong in one way each.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod world;

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
};

use serde_json::Value;
use world::{World, tegata, text};

/// Listens at `address` and treats every connection so, one after the other.
fn listen(address: &str, mut treat: impl FnMut(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            treat(stream.unwrap());
        }
    });
    address.to_string()
}

/// A server that says the same to everybody.
fn says(head: &'static str, body: &'static str) -> String {
    let address = listen("127.0.0.1:0", move |mut stream| {
        let _ = stream.read(&mut [0; 16 * 1024]);
        let _ = write!(stream, "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    });
    format!("http://{address}")
}

/// A proxy that changes what passes, each request on a connection of its own.
fn proxy(to: &str, change: fn(&str) -> String, back: fn(&str) -> String) -> String {
    let to = to.trim_start_matches("http://").to_owned();
    let address = listen("127.0.0.1:0", move |mut stream| {
        let mut buffer = vec![0; 64 * 1024];
        let read = stream.read(&mut buffer).unwrap_or(0);
        if read == 0 {
            return;
        }
        let mut server = TcpStream::connect(&to).unwrap();
        let request = change(&String::from_utf8_lossy(&buffer[..read])).replacen("\r\n", "\r\nconnection: close\r\n", 1);
        server.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        server.read_to_string(&mut answer).unwrap();
        let _ = stream.write_all(back(&answer).as_bytes());
    });
    format!("http://{address}")
}

fn same(passing: &str) -> String {
    passing.to_owned()
}

/// The line of the header `name`, replaced.
fn with_header(passing: &str, name: &str, value: &str) -> String {
    let lines = passing.split("\r\n").map(|line| {
        let is_it = line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        if is_it { format!("{name}: {value}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

/// What is wrong, which must be this check and nothing before it.
fn wrong(world: &World, words: &[&str], check: &str) -> String {
    let output = world.run(&[&["doctor", "--output", "json"], words].concat());
    assert_eq!(output.status.code(), Some(1), "{words:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = told["checks"].as_array().unwrap().iter().find(|one| one["ok"] == false).unwrap();
    assert!(told["ok"] == false && first["check"] == check && !first["advice"].as_str().unwrap().is_empty(), "{told:#}");
    format!("{}; {}", first["found"].as_str().unwrap(), first["advice"].as_str().unwrap())
}

#[test]
fn a_healthy_place_has_nothing_to_tell() {
    let world = World::new(&["--https", "127.0.0.1:0"]);
    world.configure("default", "appserver");
    world.configure_role("role", "default");
    let told = world.ok(&["doctor"]);
    for check in ["key", "name", "connection", "server", "clock", "signature", "session", "gateway"] {
        assert!(told.lines().any(|line| line.starts_with(&format!("✓ {check} "))), "{check}\n{told}");
    }
    assert!(!told.contains('✗') && told.contains("you are acs:ram::") && !told.contains('\u{1b}'), "{told}");
    assert_eq!(world.json(&["doctor", "--output", "json"])["ok"], true);
    let (url, ca) = (world.at("/https/issuer"), world.at("/https/ca_file"));
    let told = world.ok(&["doctor", "--profile", "default", "--endpoint", url, "--ca-file", ca]);
    assert!(told.contains("✓ tls") && told.contains("127.0.0.1") && told.contains("ends in"), "{told}");
}

#[test]
fn wrong_places_are_told_apart() {
    let world = World::new(&[]);
    world.configure("default", "appserver");
    let at = |url: &str, check: &str| wrong(&world, &["--endpoint", url], check);
    assert!(at("http://nowhere.invalid:1", "name").contains("`nowhere.invalid` is not known"));
    assert!(at("http://127.0.0.1:1", "connection").contains("127.0.0.1:1 does not answer"));
    let page = says("200 OK\r\ncontent-type: text/html", "<!DOCTYPE html><html><body>Welcome</body></html>");
    assert!(at(&page, "server").contains("a web page"));
    assert!(at(world.at("/oss"), "server").contains("an object gateway"));
    assert!(at(&says("302 Found\r\nlocation: https://elsewhere.example/", ""), "server").contains("`https://elsewhere.example/`"));
    assert!(at(&says("404 Not Found\r\ncontent-type: text/plain", "not here"), "server").contains("status 404"));
    assert!(at(&says("200 OK\r\ncontent-type: application/json", "{}"), "server").contains("no tegata"));
    let told = wrong(&world, &["--oss-endpoint", world.at("/issuer")], "gateway");
    assert!(told.contains("is no object gateway"), "{told}");
    assert!(at(&world.at("/issuer").replace("http:", "https:"), "tls").contains("http://"));
}

#[test]
fn clocks_and_proxies_in_between() {
    let world = World::new(&[]);
    world.configure("default", "appserver");
    let at = |url: &str, check: &str| wrong(&world, &["--endpoint", url], check);
    let late = proxy(world.at("/issuer"), same, |answer| with_header(answer, "date", "Tue, 01 Jan 2030 00:00:00 GMT"));
    let told = at(&late, "clock");
    assert!(told.contains("behind the server") && told.contains("set its clock"), "{told}");
    let early = proxy(world.at("/issuer"), same, |answer| with_header(answer, "date", "Sat, 01 Jan 2022 00:00:00 GMT"));
    assert!(at(&early, "clock").contains("ahead of the server"));
    // A server that tells no date refuses the time itself.
    let refuses =
        says("400 Bad Request\r\ncontent-type: application/json", r#"{"RequestId":"1","Code":"InvalidTimeStamp.Expired","Message":"m"}"#);
    assert!(at(&refuses, "signature").contains("clocks are too far apart"));

    let host = proxy(world.at("/issuer"), |request| with_header(request, "host", "backend.internal:80"), same);
    let told = at(&host, "signature");
    assert!(told.contains("`host:backend.internal:80` arrived") && told.contains("proxy_set_header Host"), "{told}");
    let accept = proxy(world.at("/issuer"), |request| with_header(request, "accept", "application/json, */*"), same);
    let told = at(&accept, "signature");
    assert!(told.contains("`accept:application/json`") && told.contains("`accept:application/json, */*`"), "{told}");
}

#[test]
fn keys_that_do_not_fit() {
    let world = World::new(&[]);
    world.configure("default", "appserver");
    let with = |id: &str, secret: &str, token: Option<&str>, check: &str| {
        let mut command = tegata(world.home.path());
        command.args(["doctor", "--endpoint", world.at("/issuer")]);
        command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", id).env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret);
        command.envs(token.map(|token| ("ALIBABA_CLOUD_SECURITY_TOKEN", token)));
        let output = command.output().unwrap();
        let told = text(&output.stdout);
        assert!(output.status.code() == Some(1) && told.lines().any(|line| line.starts_with(&format!("✗ {check} "))), "{check}\n{told}");
        assert!(!told.contains(secret), "{told}");
        told
    };
    let id = world.at("/users/appserver/access_key_id");
    assert!(with(id, "not-the-secret-of-this", None, "signature").contains(&format!("the secret is not that of `{id}`")));
    assert!(with("LTAI5tNobodyHasThis0001", "some-secret-text", None, "signature").contains("does not know"));
    let told = with("STS.NTExample", "some-secret-text", None, "key");
    assert!(told.contains("its token is missing") && told.contains("ALIBABA_CLOUD_SECURITY_TOKEN"), "{told}");
    with(id, "some-secret-text", Some("token-of-another"), "key");
    world.configure_role("role", "default");
    world.configure("dan", "dan");
    world.configure_role("refused", "dan");
    let told = wrong(&world, &[], "session");
    assert!(told.contains("403 NoPermission"), "{told}");
    let nobody = tegata(world.home.path()).args(["doctor"]).env("ALIBABA_CLOUD_IGNORE_PROFILE", "TRUE").output().unwrap();
    assert!(text(&nobody.stdout).starts_with("✗ key") && nobody.status.code() == Some(1));
}

#[test]
fn certificates_that_do_not_fit() {
    let world = World::new(&["--https", "127.0.0.1:0"]);
    world.configure("default", "appserver");
    let (url, ca) = (world.at("/https/issuer"), world.at("/https/ca_file"));
    let output = world.run(&["doctor", "--endpoint", url]);
    let told = text(&output.stdout);
    assert!(told.contains("✗ tls") && told.contains("--ca-file FILE"), "{told}");

    // The same server under an address that its certificate does not know.
    let server = url.trim_start_matches("https://").to_owned();
    let other = listen("127.0.0.2:0", move |stream| {
        let server = TcpStream::connect(&server).unwrap();
        let copy = |mut from: TcpStream, mut to: TcpStream| {
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            })
        };
        copy(stream.try_clone().unwrap(), server.try_clone().unwrap());
        copy(server, stream);
    });
    let told = wrong(&world, &["--endpoint", &format!("https://{other}"), "--ca-file", ca], "tls");
    assert!(told.contains("it is not for `127.0.0.2`") && told.contains("127.0.0.1"), "{told}");
}
