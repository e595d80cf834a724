use std::fs;

use super::*;

fn from(text: &str, environment: &Environment, flags: Flags) -> Result<Config, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tegata.toml");
    fs::write(&path, text).unwrap();
    resolve(&Flags { config: Some(path), ..flags }, environment)
}

fn home() -> Environment {
    Environment { home: Some("/home/someone".into()), ..Environment::default() }
}

fn problems(text: &str) -> Vec<String> {
    from(text, &home(), Flags::default()).expect_err("expected problems").0.iter().map(ToString::to_string).collect()
}

#[test]
fn without_any_file_everything_is_on_loopback() {
    let config = resolve(&Flags::default(), &home()).unwrap();
    assert_eq!(config.data, PathBuf::from("/home/someone/.local/share/tegata"));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8420");
    assert_eq!(config.oss.listen.to_string(), "127.0.0.1:8421");
    assert_eq!(config.oss.addressing.suffixes, ["localhost"]);
    assert_eq!(config.limits.nonce_memory, Limits::default().nonce_memory);
    assert!(config.metrics.is_none() && config.tls.is_none() && config.warnings.is_empty());
    assert!(matches!(config.database, Database::Sqlite));
}

#[test]
fn every_problem_is_told_at_once_with_its_key() {
    let found = problems(
        r#"
        datta = "/srv/tegata"
        listen = "x"
        trusted_proxies = ["10.0.0.0/8", "10.0.0.0/33", "proxy.example"]
        [http]
        listen = "localhost"
        public_url = "https://id.example.com/path"
        pubic_host = "x"
        [oss]
        region = "CN Hangzhou"
        suffixes = ["oss.example.com:80"]
        cnames = { "img.example.com" = "A" }
        [metrics]
        listen = "0.0.0.0:9100"
        [log]
        level = "loud"
        [limits]
        clock_skew_seconds = 1861
        chain_depth = "six"
        [tls]
        key_file = "key.pem"
        [audit]
        keep = 1
        "#,
    );
    let expected = [
        "`datta`: is not a key of this file; did you mean `data`?",
        "`listen`: is not a key of this file; did you mean `http.listen`?",
        "`http.pubic_host`: is not a key of this file; did you mean `oss.public_host`?",
        "`limits.chain_depth`: expected a whole number, found a text",
        "`audit`: is not a key of this file",
        "`tls.certificate_file`: is needed beside `tls.key_file`",
        "`http.listen`: expected an address and port such as `127.0.0.1:8420` or `[::1]:8420`, found `localhost`",
        "`http.public_url`: expected `https://` (or `http://`), a host name and nothing after it but a port, found `https://id.example.com/path`",
        "`oss.suffixes[0]`: expected a host name without port, found `oss.example.com:80`",
        "`oss.cnames.img.example.com`: a bucket name must be 3 to 63 lower-case letters, digits and inner hyphens, found `A`",
        "`oss.region`: expected lower-case letters, digits and hyphens such as `cn-hangzhou`, found `CN Hangzhou`",
        "`metrics.listen`: `0.0.0.0:9100` is not a loopback address, and metrics are served on loopback only",
        "`trusted_proxies[1]`: `10.0.0.0/33` is not an address or a block of addresses such as `10.0.0.0/8`",
        "`trusted_proxies[2]`: `proxy.example` is not an address or a block of addresses such as `10.0.0.0/8`",
        "`log.level`: expected one of error, warn, info, debug, trace, found `loud`",
        "`limits.clock_skew_seconds`: expected a whole number from 1 to 1860, found `1861`",
    ];
    for text in expected {
        assert!(found.iter().any(|problem| problem == text), "missing: {text}\nfound: {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn a_near_name_is_offered_and_a_far_one_is_not() {
    for (wrong, right) in [
        ("[http]\nlisen = \"x\"", "http.listen"),
        ("[limits]\nclock_skew = 3", "limits.clock_skew_seconds"),
        ("[htpp]\nlisten = \"x\"", "http"),
        ("master_key = \"x\"", "master_key_file"),
        ("[oss]\nkey_file = \"x\"", "tls.key_file"),
    ] {
        let found = problems(wrong);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(&format!("did you mean `{right}`")), "{wrong}: {found:?}");
    }
    assert_eq!(problems("zebra = 1"), ["`zebra`: is not a key of this file"]);
}

#[test]
fn a_file_that_is_not_toml_says_where() {
    let found = problems("data = \"/x\"\n[http\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("the file is not TOML: ") && found[0].contains("line 2"), "{found:?}");
    let missing = resolve(&Flags { config: Some("/nowhere/tegata.toml".into()), ..Flags::default() }, &home()).unwrap_err();
    assert!(missing.to_string().contains("`/nowhere/tegata.toml` cannot be read"), "{missing}");
}

#[test]
fn off_loopback_names_are_needed_and_kept_apart() {
    let found = problems("[http]\nlisten = \"0.0.0.0:443\"\n[oss]\nlisten = \"0.0.0.0:444\"");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("`http.public_url`: is needed") && found[1].starts_with("`oss.public_host`: is needed"));
    let both = "[http]\nlisten = \"0.0.0.0:443\"\npublic_url = \"https://Example.com\"\n[oss]\nlisten = \"0.0.0.0:444\"\npublic_host = ";
    let found = problems(&format!("{both}\"example.com:444\""));
    assert!(found[0].contains("host name of its own"), "{found:?}");
    let config = from(&format!("{both}\"oss.example.com\""), &home(), Flags::default()).unwrap();
    assert_eq!(config.http.public_url.as_deref(), Some("https://example.com"));
    assert_eq!(config.oss.addressing.suffixes, ["oss.example.com"]);
    assert!(config.warnings.is_empty());
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let text = "data = \"here\"\n[log]\nlevel = \"warn\"\n[http]\nlisten = \"127.0.0.1:1\"";
    let config = from(text, &home(), Flags::default()).unwrap();
    assert!(config.data.is_absolute() && config.data.ends_with("here"), "paths in a file are relative to it: {:?}", config.data);
    assert_eq!(config.log.level, Level::Warn);
    let environment = Environment { log: Some("error".into()), data: Some("/env".into()), ..home() };
    let config = from(text, &environment, Flags::default()).unwrap();
    assert_eq!((config.log.level, config.data), (Level::Error, PathBuf::from("/env")));
    let flags =
        Flags { log: Some(Level::Trace), data: Some("/flag".into()), http: Some("127.0.0.1:2".parse().unwrap()), ..Flags::default() };
    let config = from(text, &environment, flags).unwrap();
    assert_eq!((config.log.level, config.data, config.http.listen.port()), (Level::Trace, PathBuf::from("/flag"), 2));
}

#[test]
fn a_problem_of_a_flag_or_variable_is_told_under_its_own_name() {
    let flags = Flags { metrics: Some("192.0.2.1:1".parse().unwrap()), ..Flags::default() };
    assert!(resolve(&flags, &home()).unwrap_err().to_string().contains("`--metrics`"));
    let environment = Environment { log: Some("loud".into()), master_key: Some(SecretText::new("short".into())), ..home() };
    let text = resolve(&Flags::default(), &environment).unwrap_err().to_string();
    assert!(text.contains("`TEGATA_LOG`") && text.contains("`TEGATA_MASTER_KEY`") && !text.contains("short"), "{text}");
    let text = resolve(&Flags::default(), &Environment::default()).unwrap_err().to_string();
    assert!(text.contains("--data DIR"), "{text}");
}

#[test]
fn database_passwords_come_from_elsewhere_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("password");
    fs::write(&secret, "p@ss/wörd\n").unwrap();
    let text = format!(
        "database = \"postgres://tegata@db.example/tegata?sslmode=require\"\ndatabase_password_file = {:?}",
        secret.display().to_string()
    );
    let config = from(&text, &home(), Flags::default()).unwrap();
    let Database::Postgres { url, .. } = &config.database else { panic!("expected PostgreSQL") };
    assert_eq!(url.expose(), "postgres://tegata:p%40ss%2Fw%C3%B6rd@db.example/tegata?sslmode=require");
    let shown = show(&config);
    assert!(shown.contains("postgres://tegata:(redacted)@db.example/tegata"), "{shown}");
    assert!(!shown.contains("p%40ss") && !shown.contains("p@ss"), "{shown}");
    assert!(!format!("{config:?}").contains("p%40ss"));

    let found = problems("database = \"postgres://u:p@h/d\"\ndatabase_password_file = \"/nowhere\"");
    assert!(found[0].contains("`/nowhere` cannot be read"), "{found:?}");
    for wrong in ["postgress://u:hunter2@h/d", "postgres://h/d", "mysql://u:hunter2@h"] {
        let found = problems(&format!("database = \"{wrong}\""));
        assert!(found[0].starts_with("`database`: ") && !found[0].contains("hunter2"), "{found:?}");
    }
}

#[test]
fn what_is_shown_reads_back_as_a_configuration() {
    let config = resolve(&Flags { data: Some("/srv/\"odd\"".into()), ..Flags::default() }, &home()).unwrap();
    let page = show(&config);
    assert!(page.contains("# flag, --data") && page.contains("# default"), "{page}");
    let again = from(&page, &home(), Flags::default()).unwrap();
    let values = |page: &str| page.lines().map(|line| line.split("  # ").next().unwrap().trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(values(&show(&again)), values(&page));
    for key in raw::RawConfig::all_keys() {
        let name = key.rsplit('.').next().unwrap();
        assert!(page.contains(name) || key.starts_with("database_"), "{key}");
    }
}

#[test]
fn quotas_are_configuration_and_their_mistakes_are_told_together() {
    let config = from("[quotas]\nusers = 7\ndocument_chars = 2048", &home(), Flags::default()).unwrap();
    assert_eq!((config.limits.quotas.users, config.limits.quotas.document_chars, config.limits.quotas.roles), (7, 2048, 1000));
    let text = from("[quotas]\nusers = -1\ngroups = \"many\"\nroels = 1\nversions_per_policy = 0", &home(), Flags::default())
        .unwrap_err()
        .to_string();
    for part in
        ["`quotas.users`: expected a whole number from 0", "`quotas.groups`", "did you mean `quotas.roles`", "`quotas.versions_per_policy`"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn every_key_is_documented() {
    let page = include_str!("../../../../docs/config.md");
    for key in raw::RawConfig::all_keys() {
        assert!(page.contains(&format!("| `{key}` |")), "docs/config.md does not tell of `{key}`");
    }
}

#[test]
fn a_mail_server_is_named_with_all_it_needs_or_not_at_all() {
    assert!(from("", &home(), Flags::default()).unwrap().mail.is_none());
    let mail = |text: &str| from(&format!("[mail]\n{text}"), &home(), Flags::default()).map(|config| config.mail.unwrap());
    let usual = mail("host = \"mail.example.com\"\nfrom = \"tegata <no-reply@example.com>\"").unwrap();
    assert_eq!((usual.port, usual.tls), (587, MailTls::Starttls));
    let old = mail("host = \"mail.example.com\"\nfrom = \"a@b.example\"\nport = 465").unwrap();
    assert_eq!((old.port, old.tls), (465, MailTls::Implicit));
    let here = mail("host = \"127.0.0.1\"\nfrom = \"a@b.example\"\ntls = \"none\"\nport = 25\nlanguage = \"ja\"").unwrap();
    assert_eq!((here.port, here.tls, language_word(here.language)), (25, MailTls::Plain, "ja"));
    for (wrong, said) in [
        ("from = \"a@b.example\"", "`mail.host`: is needed beside `mail.from`"),
        ("host = \"mail.example.com\"", "`mail.from`: is needed"),
        ("host = \"mail.example.com:25\"\nfrom = \"a@b.example\"", "`mail.host`: expected a host name"),
        ("host = \"h.example\"\nfrom = \"nobody\"", "`mail.from`: expected an address"),
        ("host = \"h.example\"\nfrom = \"a@b.example\"\ntls = \"none\"", "`mail.tls`: without TLS"),
        ("host = \"h.example\"\nfrom = \"a@b.example\"\ntls = \"ssl\"", "`mail.tls`: expected one of implicit"),
        ("host = \"h.example\"\nfrom = \"a@b.example\"\nport = 0", "`mail.port`"),
        ("host = \"h.example\"\nfrom = \"a@b.example\"\nuser = \"u\"", "`mail.password_file`: is needed"),
        ("host = \"h.example\"\nfrom = \"a@b.example\"\nuser = \"u\"\npassword_file = \"/nowhere\"", "`/nowhere` cannot be read"),
        ("host = \"h.example\"\nfrom = \"a@b.example\"\nlanguage = \"fr\"", "`mail.language`"),
        ("hots = \"h.example\"", "did you mean `mail.host`?"),
    ] {
        let text = mail(wrong).unwrap_err().to_string();
        assert!(text.contains(said), "{said} in {text}");
    }
}
