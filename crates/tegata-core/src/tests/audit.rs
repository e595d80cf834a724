//! What is recorded, what is only counted, and what `why` makes of it.

use std::time::Duration;

use tegata_store::audit::{self, Filter, Outcome};

use super::{assume, denied, temporary};
use crate::{object::GetObject, testing::TestCore, why};

#[tokio::test]
async fn an_effect_has_its_row_and_the_row_is_the_session() {
    for core in TestCore::each().await.unwrap() {
        let key = temporary(&core, "appserver", None).await;
        let session = crate::token::session_of(&key.key_id).unwrap();
        let row = audit::find_by_session(&core.store, core.acme.account, session).await.unwrap().unwrap();
        assert_eq!((row.action.as_ref(), row.outcome, row.caller.as_str()), ("sts:AssumeRole", Outcome::Done, "user appserver"));
        assert!(row.detail.contains("assume-uploader") && row.detail.contains("trust policy"), "{}", row.detail);
        assert!(!row.detail.contains(key.secret.expose()) && !row.detail.contains(key.token.as_ref().unwrap().expose()));
    }
}

#[tokio::test]
async fn why_names_layer_statement_condition_and_the_smallest_change() {
    let core = TestCore::new().await.unwrap();
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:ListObjects","Resource":"acs:oss:*:*:photos",
        "Condition":{"StringLike":{"oss:Prefix":"bob/*"}}}]}"#;
    let key = temporary(&core, "appserver", Some(policy)).await;
    let caller = core.caller(&key).await.unwrap();
    let list = crate::object::ListObjects {
        bucket: "photos".parse().unwrap(),
        prefix: "alice/".into(),
        delimiter: String::new(),
        after: String::new(),
        limit: 1,
    };
    denied(core.perform(&caller, &list).await.unwrap_err());
    let report = why::report(&core.store, caller.meta().id).await.unwrap().unwrap();
    insta::assert_snapshot!(report.to_string());

    let dan = core.user("dan").await.unwrap();
    denied(core.perform(&dan, &assume("app-uploader")).await.unwrap_err());
    let report = why::report(&core.store, dan.meta().id).await.unwrap().unwrap();
    insta::assert_snapshot!(report.to_string());
}

#[tokio::test]
async fn refusals_are_bounded_per_principal_and_strangers_are_counted() {
    let core = TestCore::new().await.unwrap();
    let get = GetObject { bucket: "photos".parse().unwrap(), key: "x".parse().unwrap(), conditions: crate::object::Conditions::default() };
    for _ in 0..300 {
        let dan = core.user("dan").await.unwrap();
        denied(core.perform(&dan, &get).await.unwrap_err());
    }
    let refused = Filter { outcome: Some(Outcome::Refused), ..Filter::default() };
    assert_eq!(audit::tail(&core.store, refused, 1000).await.unwrap().len(), 120);

    let mut forged = core.key("bob").unwrap();
    forged.secret = tegata_model::SecretKey::new("guess".into());
    let commits = core.durable_commits();
    for _ in 0..10_000 {
        core.caller(&forged).await.unwrap_err();
    }
    assert_eq!(core.durable_commits(), commits, "a bad signature costs no commit");
    core.tidy_up().await.unwrap();
    let counts = audit::refusals(&core.store, crate::testing::START.minus(Duration::from_hours(1)), 100).await.unwrap();
    let count = |reason: &str| counts.iter().filter(|one| one.reason == reason).map(|one| one.count).sum::<i64>();
    assert_eq!(count("signature"), 10_000);
    assert_eq!(count("refused-beyond-budget"), 180);
    assert!(counts.len() <= 3, "counted by address block, reason and minute");
}

#[tokio::test]
async fn refusals_stop_first_when_the_disk_is_nearly_full() {
    let core = TestCore::new().await.unwrap();
    assert!(core.space_is_short(true) && !core.space_is_short(true));
    let dan = core.user("dan").await.unwrap();
    denied(core.perform(&dan, &assume("app-uploader")).await.unwrap_err());
    assert!(why::report(&core.store, dan.meta().id).await.unwrap().is_none());
    let key = temporary(&core, "bob", None).await;
    let session = crate::token::session_of(&key.key_id).unwrap();
    assert!(audit::find_by_session(&core.store, core.acme.account, session).await.unwrap().is_some(), "effects are recorded all the same");
    core.space_is_short(false);
    let dan = core.user("dan").await.unwrap();
    denied(core.perform(&dan, &assume("app-uploader")).await.unwrap_err());
    assert!(why::report(&core.store, dan.meta().id).await.unwrap().is_some());
}

#[tokio::test]
async fn escape_codes_reach_no_terminal() {
    assert_eq!(why::escape("a\u{1b}[31mred\u{7}\u{202e}"), "a\\u{1b}[31mred\\u{7}\\u{202e}");
    let core = TestCore::new().await.unwrap();
    let dan = core.user("dan").await.unwrap();
    let get = GetObject {
        bucket: "photos".parse().unwrap(),
        key: "tab\there".parse().unwrap(),
        conditions: crate::object::Conditions::default(),
    };
    denied(core.perform(&dan, &get).await.unwrap_err());
    let row = audit::find_by_request(&core.store, dan.meta().id).await.unwrap().unwrap();
    assert!(!why::tail_line(&row).chars().any(char::is_control));
    let report = why::explain_row(&row).to_string();
    assert!(!report.chars().any(|c| c.is_control() && c != '\n'));
}
