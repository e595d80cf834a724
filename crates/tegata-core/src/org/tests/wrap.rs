//! Secrets that travel as a code.

use std::time::Duration;

use tegata_model::SecretKey;
use tegata_store::{
    audit::{self, CallerKind, Filter, Outcome},
    wrapped,
};

use super::apps::{app_caller, fresh, manager, new, world};
use crate::{grant::hash_of, org::*, testing::TestCore};

const URL: &str = "https://id.example.com/token";

fn for_seconds(seconds: i64) -> Option<Wrap> {
    Wrap::new(seconds, URL.to_owned())
}

async fn made(core: &TestCore, seconds: i64) -> AppSecret {
    let org = world(core).await;
    let new = NewApp { wrap: for_seconds(seconds), ..new(&org, manager(&["vcd:user"])) };
    create_app(core, &fresh(core, "alice").await, new).await.unwrap()
}

async fn open(core: &TestCore, code: &SecretKey) -> String {
    match core.unwrap_secret(&core.meta(), code).await.unwrap() {
        Unwrapped::Opened(one) => format!("{} {} {}", one.id, one.secret.expose(), one.token_url),
        Unwrapped::Before { from, .. } => format!("before, from {from}"),
        Unwrapped::Unknown => "unknown".to_owned(),
    }
}

/// Outcomes of the rows of openings, newest first.
async fn rows(core: &TestCore) -> Vec<Outcome> {
    let rows = audit::tail(&core.store, Filter { account: Some(core.acme.account), ..Filter::default() }, 1000).await.unwrap();
    let rows = rows.into_iter().filter(|row| row.action == "tegata:UnwrapSecret");
    rows.inspect(|row| assert_eq!((row.caller_kind, row.source.as_str()), (CallerKind::Anonymous, "192.0.2.7")))
        .map(|row| row.outcome)
        .collect()
}

#[test]
fn a_code_is_good_for_a_minute_to_a_day() {
    assert!([59, 86_401, 0, -60, i64::MAX, i64::MIN].into_iter().all(|seconds| for_seconds(seconds).is_none()));
    assert!([60, 86_400].into_iter().all(|seconds| for_seconds(seconds).is_some()));
}

#[tokio::test]
async fn a_code_opens_once_and_a_second_time_is_an_alarm() {
    for core in TestCore::each().await.unwrap() {
        let made = made(&core, 600).await;
        let (secret, code) = (made.secret.expose(), &made.wrapped.as_ref().unwrap().code);
        let row = wrapped::find(&core.store, &hash_of(code.expose())).await.unwrap().unwrap();
        let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!holds(&row.sealed, secret) && !holds(&row.sealed, &made.id) && !holds(&row.hash, code.expose()), "sealed at rest");
        assert_eq!(open(&core, &SecretKey::new("guess".to_owned())).await, "unknown");
        assert!(rows(&core).await.is_empty(), "what nobody made is nobody's alarm");
        // Two at once: one of them gets it.
        let (one, two) = tokio::join!(open(&core, code), open(&core, code));
        let told = format!("{} {secret} {URL}", made.id);
        let mut both = [one, two];
        both.sort();
        let mut wanted = [told, "before, from 192.0.2.7".to_owned()];
        wanted.sort();
        assert_eq!(both, wanted);
        assert_eq!(rows(&core).await, [Outcome::Refused, Outcome::Done]);
        let row = wrapped::find(&core.store, &hash_of(code.expose())).await.unwrap().unwrap();
        assert!(row.sealed.is_empty(), "nothing is kept");
        // What was told is the secret.
        app_caller(&core, &made.id, secret).await.unwrap();
        // Later, past its end, it is still known, for a day.
        core.clock.advance(Duration::from_secs(600 + 86_399));
        core.tidy_up().await.unwrap();
        assert_eq!(open(&core, code).await, "before, from 192.0.2.7");
        assert_eq!(rows(&core).await.len(), 3);
        core.clock.advance(Duration::from_secs(1));
        assert_eq!(open(&core, code).await, "unknown");
        core.tidy_up().await.unwrap();
        assert!(wrapped::find(&core.store, &hash_of(code.expose())).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_code_ends() {
    for core in TestCore::each().await.unwrap() {
        let made = made(&core, 60).await;
        let code = &made.wrapped.as_ref().unwrap().code;
        core.clock.advance(Duration::from_mins(1));
        assert_eq!(open(&core, code).await, "unknown");
        core.tidy_up().await.unwrap();
        assert!(wrapped::find(&core.store, &hash_of(code.expose())).await.unwrap().is_none(), "nothing is kept of what nobody opened");
        // A new secret travels likewise, and a sealed one opens in its own place only.
        let change = |id: &str| SecretChange {
            org: core.acme.organisation_id.as_str().to_owned(),
            id: id.to_owned(),
            secret: None,
            overlap_seconds: None,
            wrap: for_seconds(60),
        };
        let second = rotate_secret(&core, &fresh(&core, "alice").await, change(&made.id)).await.unwrap();
        let third = replace_secret(&core, &fresh(&core, "alice").await, change(&made.id)).await.unwrap();
        for one in [&second, &third] {
            let told = format!("{} {} {URL}", made.id, one.secret.expose());
            assert_eq!(open(&core, &one.wrapped.as_ref().unwrap().code).await, told);
        }
    }
}
