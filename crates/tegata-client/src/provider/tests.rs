use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use super::*;

/// A server that answers every request with a key that lives `lifetime` seconds from `clock`, or with an error once `clock` says so.
struct Answers {
    url: String,
    calls: Arc<AtomicUsize>,
}

fn serve(clock: &Arc<AtomicI64>, lifetime: i64, good: usize) -> Answers {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/key?secret=path", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let (seen, clock) = (calls.clone(), clock.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let count = seen.fetch_add(1, Ordering::SeqCst) + 1;
            std::thread::sleep(Duration::from_millis(20));
            let end = Timestamp::from_unix(clock.load(Ordering::SeqCst) + lifetime).to_iso();
            let body = format!(
                r#"{{"Code":"Success","AccessKeyId":"STS.Example{count}","AccessKeySecret":"s","SecurityToken":"t","Expiration":"{end}"}}"#
            );
            let status = if count > good { "500 Broken" } else { "200 OK" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        }
    });
    Answers { url, calls }
}

const START: i64 = 1_800_000_000;

#[tokio::test]
async fn many_tasks_ask_once_and_the_key_is_renewed_ahead() {
    let clock = Arc::new(AtomicI64::new(START));
    let now = || Timestamp::from_unix(clock.load(Ordering::SeqCst));
    let answers = serve(&clock, 3600, 2);
    let provider = Provider::new(Source::Uri(answers.url.clone()), Transport::new(), None);
    let asked = (0..20).map(|_| provider.credential(now)).collect::<Vec<_>>();
    for one in asked {
        assert_eq!(one.await.unwrap().access_key_id.as_str(), "STS.Example1");
    }
    let both = tokio::join!(provider.credential(now), provider.credential(now));
    assert!(both.0.is_ok() && both.1.is_ok());
    clock.store(START + 3299, Ordering::SeqCst);
    assert_eq!(provider.credential(now).await.unwrap().access_key_id.as_str(), "STS.Example1");
    assert_eq!(answers.calls.load(Ordering::SeqCst), 1);
    clock.store(START + 3300, Ordering::SeqCst);
    assert_eq!(provider.credential(now).await.unwrap().access_key_id.as_str(), "STS.Example2");
    // From here on the server is broken: the old key serves while it lives.
    clock.store(START + 3300 + 3590, Ordering::SeqCst);
    assert_eq!(provider.credential(now).await.unwrap().access_key_id.as_str(), "STS.Example2");
    clock.store(START + 3300 + 3596, Ordering::SeqCst);
    let told = provider.credential(now).await.unwrap_err().to_string();
    assert!(told.contains("status 500") && !told.contains("secret=path"), "{told}");
}

#[tokio::test]
async fn a_cache_file_serves_other_providers_and_only_the_same_source() {
    let clock = Arc::new(AtomicI64::new(START));
    let now = || Timestamp::from_unix(clock.load(Ordering::SeqCst));
    let answers = serve(&clock, 900, usize::MAX);
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("cache/one.json");
    let new = |url: &str| Provider::new(Source::Uri(url.to_owned()), Transport::new(), Some(cache.clone()));
    let providers: Vec<_> = (0..10).map(|_| new(&answers.url)).collect();
    let (mut first, mut rest) = (None, Vec::new());
    for provider in &providers {
        let id = provider.credential(now).await.unwrap().access_key_id;
        if first.is_none() { first = Some(id) } else { rest.push(id) }
    }
    assert!(rest.iter().all(|id| Some(id) == first.as_ref()));
    assert_eq!(answers.calls.load(Ordering::SeqCst), 1);
    // A fifth of fifteen minutes ahead.
    clock.store(START + 721, Ordering::SeqCst);
    new(&answers.url).credential(now).await.unwrap();
    assert_eq!(answers.calls.load(Ordering::SeqCst), 2);
    // Another source does not take this one's key, and a spoilt file is no obstacle.
    new(&format!("{}&other", answers.url)).credential(now).await.unwrap();
    assert_eq!(answers.calls.load(Ordering::SeqCst), 3);
    private_file::write(&cache, b"{").unwrap();
    new(&answers.url).credential(now).await.unwrap();
    assert_eq!(answers.calls.load(Ordering::SeqCst), 4);
}

fn program(script: &str) -> Source {
    Source::Program(vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()])
}

#[tokio::test]
async fn a_program_gives_a_key_or_a_reason_but_never_its_output() {
    let now = || Timestamp::from_unix(START);
    let good = r#"echo '{"mode":"StsToken","access_key_id":"STS.Example","access_key_secret":"s3cret","sts_token":"t","region_id":"x"}'"#;
    let key = Provider::new(program(good), Transport::new(), None).credential(now).await.unwrap();
    assert!(key.access_key_id.as_str() == "STS.Example" && key.security_token.is_some() && key.expires_at.is_none());
    for (script, reason) in [
        ("echo s3cret; exit 3", "exit status: 3"),
        ("echo s3cret", "not the JSON"),
        (r#"echo '{"access_key_id":"STS.Example"}'"#, "the secret is missing"),
        (r#"echo '{"access_key_secret":"s3cret"}'"#, "the id of the key"),
    ] {
        let told = Provider::new(program(script), Transport::new(), None).credential(now).await.unwrap_err().to_string();
        assert!(told.contains(reason) && !told.contains("s3cret"), "{told}");
    }
    let absent = Provider::new(Source::Program(vec!["/nowhere/program".to_owned()]), Transport::new(), None);
    assert!(absent.credential(now).await.unwrap_err().to_string().contains("cannot be started"));
}

#[test]
fn chains_are_followed_and_circles_found() {
    let home = tempfile::tempdir().unwrap();
    let file = crate::profile::ProfileFile::at(home.path().join("config.json"));
    let profile = |name: &str, source: &str| {
        let mut profile = Profile::new(name);
        for (field, value) in
            [("mode", "ChainableRamRoleArn"), ("source_profile", source), ("ram_role_arn", "acs:ram::1:role/r"), ("ram_session_name", "s")]
        {
            profile.set(field, Some(value.into()));
        }
        profile
    };
    file.edit(|profiles| {
        for (name, source) in [("a", "b"), ("b", "a"), ("c", "key"), ("d", "c"), ("e", "nobody")] {
            profiles.put(profile(name, source));
        }
        let mut key = Profile::new("key");
        key.set("access_key_id", Some("LTAI5tExample0000000abc".into()));
        key.set("access_key_secret", Some("example".into()));
        profiles.put(key);
        Ok(())
    })
    .unwrap();
    let profiles = file.read().unwrap();
    let of = |name: &str, server| Source::of(&profiles.named(name).unwrap(), &profiles, server);
    assert!(of("a", Some("http://x")).unwrap_err().to_string().contains("circle"));
    assert!(of("e", Some("http://x")).unwrap_err().to_string().contains("no profile `nobody`"));
    assert!(of("d", None).unwrap_err().to_string().contains("--endpoint"));
    let Source::Role { base, .. } = of("d", Some("http://x")).unwrap() else { panic!() };
    let Source::Role { base, .. } = *base else { panic!() };
    assert!(matches!(*base, Source::Fixed(_)));
}

#[tokio::test]
async fn an_ended_key_that_nobody_renews_is_told() {
    let key = Credential {
        expires_at: Some(Timestamp::from_unix(START)),
        ..Credential::long_term(AccessKeyId::new("STS.Example").unwrap(), SecretKey::new("s".into()))
    };
    let provider = Provider::new(Source::Fixed(key), Transport::new(), None);
    assert!(provider.credential(|| Timestamp::from_unix(START - 1)).await.is_ok());
    assert!(matches!(provider.credential(|| Timestamp::from_unix(START)).await, Err(ProvideError::Ended(..))));
}

#[tokio::test]
async fn for_others_a_key_is_renewed_long_before_its_end() {
    for (lifetime, renewed) in [(3600, 1800), (43200, 21600), (1500, 600), (900, 180)] {
        let clock = Arc::new(AtomicI64::new(START));
        let now = || Timestamp::from_unix(clock.load(Ordering::SeqCst));
        let answers = serve(&clock, lifetime, usize::MAX);
        let provider = Provider::new(Source::Uri(answers.url.clone()), Transport::new(), None);
        for (second, expected) in [(0, "STS.Example1"), (renewed - 1, "STS.Example1"), (renewed, "STS.Example2")] {
            clock.store(START + second, Ordering::SeqCst);
            assert_eq!(provider.early(now).await.unwrap().access_key_id.as_str(), expected, "{lifetime} {second}");
        }
    }
}

#[tokio::test]
async fn while_a_key_is_renewed_early_the_old_one_is_given() {
    let clock = Arc::new(AtomicI64::new(START));
    let now = || Timestamp::from_unix(clock.load(Ordering::SeqCst));
    let answers = serve(&clock, 3600, usize::MAX);
    let provider = Provider::new(Source::Uri(answers.url.clone()), Transport::new(), None);
    provider.early(now).await.unwrap();
    clock.store(START + 1800, Ordering::SeqCst);
    // Both begin; who had to wait for the other would get its key.
    let (early, meanwhile) = tokio::join!(provider.early(now), provider.credential(now));
    assert_eq!(meanwhile.unwrap().access_key_id.as_str(), "STS.Example1");
    assert_eq!(early.unwrap().access_key_id.as_str(), "STS.Example2");
    assert_eq!(provider.credential(now).await.unwrap().access_key_id.as_str(), "STS.Example2");
}
