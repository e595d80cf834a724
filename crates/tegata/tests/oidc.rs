//! Roles taken on with the token of an identity provider: from a profile and from what a cluster puts into the environment.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod world;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use world::{tegata, text};

/// A server that hands out a key and keeps what it was asked.
fn stub() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = String::new();
            let mut buffer = [0; 8192];
            loop {
                let read = stream.read(&mut buffer).unwrap();
                request.push_str(std::str::from_utf8(buffer.get(..read).unwrap()).unwrap());
                let length = request.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok()).unwrap_or(0);
                if read == 0 || request.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length) {
                    break;
                }
            }
            kept.lock().unwrap().push(request);
            let key = r#"{"RequestId":"1","Credentials":{"AccessKeyId":"STS.NTFromOidc","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2099-01-01T00:00:00Z"}}"#;
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{key}", key.len()).unwrap();
        }
    });
    (url, seen)
}

const PROVIDER: &str = "acs:ram::1000000000000001:oidc-provider/ci";
const ROLE: &str = "acs:ram::1000000000000001:role/deploy";

#[test]
fn a_token_in_a_file_is_all_that_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let (url, seen) = stub();
    fs::write(home.path().join("token"), "header.claims.signature\n").unwrap();
    let run = |words: &[&str]| {
        let output = tegata(home.path()).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?} {}", text(&output.stderr));
        text(&output.stdout)
    };
    let words = ["configure", "--mode", "OIDC", "--oidc-provider-arn", PROVIDER, "--oidc-token-file", "token", "--ram-role-arn", ROLE];
    run(&[&words[..], &["--role-session-name", "job-7", "--expired-seconds", "900", "--endpoint", &url]].concat());
    let file: Value = serde_json::from_str(&fs::read_to_string(home.path().join(".aliyun/config.json")).unwrap()).unwrap();
    let profile = file.pointer("/profiles/0").unwrap();
    let field = |name: &str| profile.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    assert_eq!(
        (field("mode"), field("oidc_provider_arn"), field("ram_session_name")),
        ("OIDC".to_owned(), PROVIDER.to_owned(), "job-7".to_owned())
    );
    assert!(field("oidc_token_file").starts_with('/'), "{profile}");
    assert!(run(&["credentials"]).contains("STS.NTFromOidc"));
    assert!(run(&["credentials"]).contains("STS.NTFromOidc"));

    let asked = seen.lock().unwrap().clone();
    assert_eq!(asked.len(), 1, "the second time it is remembered");
    let request = asked.first().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /?Action=AssumeRoleWithOIDC&Version=2015-04-01&Format=JSON&Timestamp=20"), "{head}");
    assert!(!head.to_lowercase().contains("authorization") && !head.contains("Signature") && !head.contains("header.claims"), "{head}");
    let escaped = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
    for pair in [
        format!("RoleArn={}", escaped(ROLE)),
        format!("OIDCProviderArn={}", escaped(PROVIDER)),
        "OIDCToken=header.claims.signature".to_owned(),
        "RoleSessionName=job-7".to_owned(),
        "DurationSeconds=900".to_owned(),
    ] {
        assert!(body.split('&').any(|found| found == pair), "{pair}\n{body}");
    }
}

#[test]
fn what_a_cluster_puts_into_the_environment_is_enough() {
    let home = tempfile::tempdir().unwrap();
    let (url, seen) = stub();
    fs::write(home.path().join("token"), "a.b.c").unwrap();
    let cluster = |token: &str| {
        let mut command = tegata(home.path());
        command.arg("credentials").env("TEGATA_ENDPOINT", &url).env("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", PROVIDER);
        command.env("ALIBABA_CLOUD_OIDC_TOKEN_FILE", home.path().join(token)).env("ALIBABA_CLOUD_ROLE_ARN", ROLE);
        command
    };
    assert!(text(&cluster("token").output().unwrap().stdout).contains("STS.NTFromOidc"));
    assert!(seen.lock().unwrap().first().unwrap().contains("RoleSessionName=tegata-cli"));
    // A key in the environment is nearer than a token file.
    let own = cluster("token")
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIDEVEXAMPLEALICE00001")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "x")
        .output()
        .unwrap();
    assert!(text(&own.stderr).contains("long-term key"), "{}", text(&own.stderr));
    fs::write(home.path().join("none"), " \n").unwrap();
    for (file, complaint) in [("missing", "gave no token"), ("none", "it is empty")] {
        let output = cluster(file).output().unwrap();
        assert!(output.status.code() == Some(1) && text(&output.stderr).contains(complaint), "{}", text(&output.stderr));
    }
    // Half of it means nothing.
    let half = tegata(home.path()).arg("credentials").env("ALIBABA_CLOUD_ROLE_ARN", ROLE).output().unwrap();
    assert!(text(&half.stderr).contains("there is no key to use"), "{}", text(&half.stderr));
}
