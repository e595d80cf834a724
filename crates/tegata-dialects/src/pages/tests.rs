//! Every page in every language, and the catalogues behind them.

use std::collections::BTreeSet;

use askama::Template;

use super::{views::*, *};

fn keys(language: Language) -> BTreeSet<String> {
    let resource = fluent_bundle::FluentResource::try_new(language.source().to_owned()).expect("the catalogue is well-formed");
    let keys: Vec<String> = language
        .source()
        .lines()
        .filter(|line| !line.starts_with(['#', ' ']))
        .filter_map(|line| Some(line.split_once(" =")?.0.to_owned()))
        .collect();
    let unique: BTreeSet<String> = keys.iter().cloned().collect();
    assert_eq!(unique.len(), keys.len(), "a key twice in {}", language.code());
    assert!(resource.entries().count() >= unique.len());
    unique
}

/// What stands between `before` and the next quotation mark, wherever it occurs.
fn quoted<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}

fn templates() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn every_language_says_the_same_things_with_the_same_blanks() {
    let english = keys(Language::English);
    assert_eq!(english, keys(Language::Japanese));
    let blanks = |language: Language, key: &str| -> BTreeSet<String> {
        let line = language.source().lines().find(|line| line.starts_with(&format!("{key} ="))).unwrap();
        line.split("{ $").skip(1).filter_map(|rest| rest.split(' ').next()).map(str::to_owned).collect()
    };
    for key in &english {
        assert_eq!(blanks(Language::English, key), blanks(Language::Japanese, key), "{key}");
    }
}

#[test]
fn templates_use_only_texts_that_exist_and_no_script() {
    let known = keys(Language::English);
    let mut used = BTreeSet::new();
    for (name, text) in templates() {
        for call in [".say(\"", ".say1(\"", ".say2(\"", ".count(\""] {
            for key in quoted(&text, call) {
                assert!(known.contains(key), "{name}: `{key}` is in no catalogue");
                used.insert(key.to_owned());
            }
        }
        for word in ["<script", "onclick", "style=", "javascript:", "|safe", "href=\"/", "action=\"/", "src=\"/"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
    assert!(used.len() > 60, "{used:?}");
}

const NASTY: &str = "<script>alert(1)</script>\"'&";

/// Every page, with a strange name in every place that takes one.
fn gallery(language: Language, name: &str) -> Vec<(&'static str, String)> {
    let frame = || Frame::new(language, "id.example.com", "/signin", "flow=f1");
    let known = || frame().signed_in(format!("{name}@acme"));
    let csrf = || "csrf-token".to_owned();
    let client = || ClientShown { name: if name == NASTY { name.to_owned() } else { "official-cli".to_owned() }, official: true };
    let scopes = || vec!["openid".to_owned(), "/internal/ram/usersts".to_owned()];
    let (acme, text) = (|| "acme".to_owned(), |text: &str| text.to_owned());
    let draw = |page: &dyn askama::DynTemplate| page.dyn_render().unwrap();
    let account = |alias: &str, number: &str, role: Option<&str>| AccountShown {
        alias: text(alias),
        number: text(number),
        user: format!("{name}@{alias}"),
        role: role.map(str::to_owned),
    };
    vec![
        ("sign-in", draw(&SignIn { frame: frame(), csrf: csrf(), client: Some(client()), username: String::new(), problem: None })),
        (
            "sign-in-wrong",
            draw(&SignIn { frame: frame(), csrf: csrf(), client: None, username: format!("{name}@acme"), problem: Some("sign-in-wrong") }),
        ),
        ("one-time-code", draw(&OneTimeCode { frame: frame(), csrf: csrf(), username: format!("{name}@acme"), problem: None })),
        (
            "new-password",
            draw(&NewPassword {
                frame: frame(),
                csrf: csrf(),
                username: text(name),
                rules: vec![text("at least 12 characters"), text("a digit")],
                problem: Some(text("the password has no digit")),
            }),
        ),
        ("reset", draw(&Reset { frame: frame(), csrf: csrf(), username: text(name), problem: None })),
        ("reset-sent", draw(&Done { frame: frame(), title: "reset-sent-title", text: "reset-sent" })),
        (
            "not-me",
            draw(&NotMe {
                frame: frame(),
                csrf: csrf(),
                person: format!("{name}@acme"),
                what: "not-me-signed-in",
                does: "not-me-ends-all",
                at: text("2026-11-24 16:00:00 UTC"),
            }),
        ),
        ("not-me-done", draw(&Done { frame: frame(), title: "not-me-done-title", text: "not-me-done" })),
        (
            "choose-account",
            draw(&ChooseAccount {
                frame: frame(),
                csrf: csrf(),
                accounts: vec![account("acme", "1000000000000001", None), account("globex", "1000000000000002", Some("auditor"))],
            }),
        ),
        (
            "admin-consent",
            draw(&AdminConsent {
                frame: known(),
                csrf: csrf(),
                client: client(),
                publisher: text("tegata"),
                account: acme(),
                foreign: false,
                redirect_host: text("127.0.0.1"),
                scopes: scopes(),
            }),
        ),
        (
            "admin-consent-foreign",
            draw(&AdminConsent {
                frame: known(),
                csrf: csrf(),
                client: ClientShown { name: if name == NASTY { name.to_owned() } else { text("Photo book") }, official: false },
                publisher: text("globex (1000000000000002)"),
                account: acme(),
                foreign: true,
                redirect_host: text("https://photos.example"),
                scopes: scopes(),
            }),
        ),
        (
            "unauthorized-call",
            draw(&UnauthorizedCall {
                frame: known(),
                csrf: csrf(),
                client: client().name,
                account: acme(),
                request_id: text("7E0F3F4A-6B3E-5C0E-9D2B-0E8A5C1B7D21"),
            }),
        ),
        (
            "installed",
            draw(&Installed {
                frame: known(),
                client: client().name,
                account: acme(),
                assignments: text("apps/1/assignments"),
                go_on: Some(text("signin?flow=f1")),
            }),
        ),
        (
            "assignments",
            draw(&Assignments {
                frame: known(),
                csrf: csrf(),
                client: client().name,
                account: acme(),
                assigned: vec![
                    AssignmentShown { kind: "user", name: text(name), since: text("2026-11-24") },
                    AssignmentShown { kind: "role", name: text("app-uploader"), since: text("2026-11-24") },
                ],
                everybody: false,
                problem: None,
                done: Some(text("bob was assigned")),
            }),
        ),
        (
            "assignments-empty",
            draw(&Assignments {
                frame: known(),
                csrf: csrf(),
                client: client().name,
                account: acme(),
                assigned: Vec::new(),
                everybody: false,
                problem: Some(text("there is no user `ghost`")),
                done: None,
            }),
        ),
        (
            "not-assigned",
            draw(&NotAssigned {
                frame: known(),
                csrf: csrf(),
                client: client().name,
                account: acme(),
                identity: format!("user {name}"),
                command: format!("tegata apps assign official-cli --user {name}"),
            }),
        ),
        (
            "consent",
            draw(&Consent {
                frame: known(),
                csrf: csrf(),
                client: client(),
                account: acme(),
                role: Some(text("app-uploader")),
                publisher: None,
                scopes: scopes(),
                redirect_host: None,
                shows_code: false,
                remembered: false,
            }),
        ),
        (
            "consent-foreign",
            draw(&Consent {
                frame: known(),
                csrf: csrf(),
                client: ClientShown { name: if name == NASTY { name.to_owned() } else { text("Photo book") }, official: false },
                account: acme(),
                role: None,
                publisher: Some(text("globex (1000000000000002)")),
                scopes: scopes(),
                redirect_host: Some(text("photos.example")),
                shows_code: false,
                remembered: false,
            }),
        ),
        (
            "continue",
            draw(&Consent {
                frame: known(),
                csrf: csrf(),
                client: client(),
                account: format!("{name}@acme"),
                role: None,
                publisher: None,
                scopes: scopes(),
                redirect_host: None,
                shows_code: false,
                remembered: true,
            }),
        ),
        ("device-code", draw(&DeviceCode { frame: known(), csrf: csrf(), user_code: text("BCDF-GHJK"), problem: Some("device-unknown") })),
        (
            "device-approval",
            draw(&DeviceApproval {
                frame: known(),
                csrf: csrf(),
                client: client(),
                account: acme(),
                user_code: text("BCDF-GHJK"),
                claims: format!("tegata on {name}-laptop"),
                address: text("198.51.100.7"),
                numbers: vec![text("27"), text("64"), text("91")],
                scopes: scopes(),
            }),
        ),
        ("done", draw(&Done { frame: known(), title: "done-title", text: "done-close" })),
        ("code", draw(&Code { frame: known(), groups: ["KXQM", "BWFT", "PLDJ", "RSZC"].map(text).into(), minutes: text("5") })),
        (
            "signed-in",
            draw(&SignedIn {
                frame: known(),
                csrf: csrf(),
                account: acme(),
                account_number: text("1000000000000001"),
                user: text(name),
                role: None,
                until: text("2026-11-24 18:00 UTC"),
                several: false,
            }),
        ),
        (
            "new-factor",
            draw(&NewFactor {
                frame: frame(),
                csrf: csrf(),
                username: format!("{name}@acme"),
                size: 9,
                picture: text("M4 4h1v1h-1z"),
                seed: vec![text("ABCD"), text("EFGH")],
                problem: Some("otp-wrong"),
            }),
        ),
        (
            "switch-role",
            draw(&SwitchRole {
                frame: known(),
                csrf: csrf(),
                account: acme(),
                role: text("app-uploader"),
                acting: Some(text("app-uploader")),
                problem: None,
            }),
        ),
        (
            "problem",
            draw(&Problem {
                frame: frame(),
                title: "problem-request-title",
                what: format!("the redirect URI `http://{name}/` is not registered for this application"),
                advice: text("register it with the application, or correct the program"),
                request_id: text("7E0F3F4A-6B3E-5C0E-9D2B-0E8A5C1B7D21"),
            }),
        ),
    ]
}

#[test]
fn strange_names_stay_text_on_every_page() {
    for language in Language::ALL {
        for (page, html) in gallery(language, NASTY) {
            assert!(!html.contains("<script"), "{page}");
            assert!(!html.contains("alert(1)</script>"), "{page}");
        }
    }
}

/// Every page, whole, in both languages: a change of one is looked at.
#[test]
fn every_page_whole() {
    for language in Language::ALL {
        for (page, html) in gallery(language, "alice") {
            let html = html.replace(STYLE_NAME.as_str(), "STYLE.css").replace(MARK_NAME.as_str(), "MARK.svg");
            insta::assert_snapshot!(format!("{page}.{}", language.code()), html);
        }
    }
}

#[test]
fn every_page_names_its_language_and_labels_its_fields() {
    for language in Language::ALL {
        for (page, html) in gallery(language, "alice") {
            assert!(html.contains(&format!("<html lang=\"{}\">", language.code())), "{page}");
            assert_eq!(html.matches("<h1").count(), 1, "{page}");
            for id in quoted(&html, " id=\"")
                .filter(|id| html.contains(&format!("<input id=\"{id}\"")) || html.contains(&format!("<select id=\"{id}\"")))
            {
                assert!(html.contains(&format!("<label for=\"{id}\"")), "{page}: {id}");
            }
            // A post without a token would be anybody's.
            let forms = html.matches("<form method=\"post\"").count();
            assert_eq!(html.matches("name=\"csrf\"").count(), forms, "{page}");
        }
    }
    // To look at: TEGATA_GALLERY=folder writes every page there.
    #[expect(clippy::disallowed_methods, reason = "the configuration of the program knows nothing of its tests")]
    let folder = std::env::var_os("TEGATA_GALLERY").map(std::path::PathBuf::from);
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder.join("assets")).unwrap();
        std::fs::write(folder.join("assets").join(STYLE_NAME.as_str()), STYLE).unwrap();
        std::fs::write(folder.join("assets").join(MARK_NAME.as_str()), MARK).unwrap();
        for language in Language::ALL {
            for (page, html) in gallery(language, "alice") {
                std::fs::write(folder.join(format!("{page}.{}.html", language.code())), html).unwrap();
            }
        }
    }
}

#[test]
fn the_language_is_the_browsers_unless_chosen() {
    for (accept, wanted) in [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("en;q=0.1,ja;q=0.2", "ja"),
        ("fr,de;q=0.5", "en"),
        ("ja;q=0", "en"),
        ("ja;q=x,,;;", "ja"),
    ] {
        assert_eq!(Language::preferred(accept).code(), wanted, "{accept}");
    }
    let frame = Frame::new(Language::Japanese, "h", "/oauth2/v1/auth", "client_id=1&lang=ja&state=x");
    assert_eq!((frame.root.as_str(), frame.other_language.as_str()), ("../../", "?client_id=1&state=x&lang=en"));
}

#[test]
fn pages_keep_to_themselves() {
    let page = Done { frame: Frame::new(Language::English, "h", "/signin", ""), title: "done-title", text: "done-close" };
    let response = respond(StatusCode::OK, &page, FormTarget::Origin("http://127.0.0.1:12345"));
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:12345;") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(asset(&STYLE_NAME).is_some() && asset("other.css").is_none());
    assert!(!page.render().unwrap().contains("{{"));
}
