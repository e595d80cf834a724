//! Measures the durable commit path: one nonce and one audit row per change set, by many committers at once.
//!
//! `cargo run --release -p tegata-store --example commit_throughput [FOLDER] [postgres://…]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use tegata_model::{AccountId, NodeId, RequestId, SecretKey, SessionId, Timestamp};
use tegata_store::{
    ChangeSet, Location, Options, Store, StoreError,
    audit::{self, AuditRow, CallerKind, Outcome},
    replay,
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const PER_ROUND: u64 = 40_000;

/// Ids as a server makes them: nonces are digests, requests and sessions begin with a time.
fn scattered(n: u64) -> [u8; 16] {
    (u128::from(n).wrapping_add(1)).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes()
}

fn in_order(n: u64) -> [u8; 16] {
    let mut id = scattered(n);
    for (to, from) in id.iter_mut().zip(n.to_be_bytes().iter().skip(2)) {
        *to = *from;
    }
    id
}

fn change_set(n: u64) -> ChangeSet {
    let mut changes = ChangeSet::new(NOW);
    changes.push(replay::claim(scattered(n), NOW.plus(Duration::from_secs(900 + n / 1000))));
    changes.push(audit::insert(AuditRow {
        node: NodeId::from_bytes([1; 16]),
        seq: i64::try_from(n).unwrap_or(i64::MAX),
        at: NOW.plus(Duration::from_secs(n / 1000)),
        request_id: RequestId::from_bytes(in_order(n)),
        account_id: Some(AccountId::from_bytes([2; 16])),
        action: Cow::Borrowed("sts:AssumeRole"),
        resource: "acs:ram:*:1000000000000001:role/app-uploader".to_owned(),
        caller_kind: CallerKind::User,
        caller_id: Some([3; 16]),
        caller: "appserver".to_owned(),
        access_key_id: Some("LTAI0123456789abcdefghij".to_owned()),
        session_id: Some(SessionId::from_bytes(in_order(n))),
        outcome: Outcome::Done,
        source: "127.0.0.1".to_owned(),
        detail: r#"{"role":"app-uploader","session_name":"phone-1234","expires":1800003600,"policy":"3f2a"}"#.to_owned(),
    }));
    changes
}

async fn round(name: &str, store: &Store, committers: u64, from: u64, count: u64) {
    let before = store.durable_commits();
    let began = Instant::now();
    let tasks = (0..committers).map(|committer| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            for n in (committer..count).step_by(usize::try_from(committers).unwrap_or(1)) {
                let began = Instant::now();
                if let Err(error) = store.commit(change_set(from + n)).await {
                    eprintln!("{error:?}");
                    break;
                }
                slowest = slowest.max(began.elapsed());
            }
            slowest
        })
    });
    let slowest = futures_util::future::join_all(tasks).await.into_iter().flatten().max().unwrap_or_default();
    let (took, commits) = (began.elapsed(), store.durable_commits() - before);
    println!(
        "{name:9} {committers:4} committers  {count} sets in {took:8.3?}  {:7.2} µs each  {commits} commits ({:.1} sets each)  slowest {slowest:.2?}",
        took.as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap_or(u32::MAX)),
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / f64::from(u32::try_from(commits.max(1)).unwrap_or(u32::MAX)),
    );
}

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| ".".to_owned());
    let path = std::path::Path::new(&folder).join("commit_throughput.db");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    let store = Store::open(&Location::Sqlite { path, read_only: false }, &Options::default()).await?;
    round("sqlite", &store, 1, 0, 2_000).await;
    let mut from = 2_000;
    for committers in [16, 64, 128, 256] {
        round("sqlite", &store, committers, from, PER_ROUND).await;
        from += PER_ROUND;
    }
    let began = Instant::now();
    for n in 0..20_000 {
        audit::find_by_session(&store, AccountId::from_bytes([2; 16]), SessionId::from_bytes(in_order(2_000 + n * 7))).await?;
    }
    println!("sqlite    audit row by session: {:.2} µs", began.elapsed().as_secs_f64() * 1e6 / 20_000.0);
    store.close().await;
    if let Some(url) = arguments.next() {
        let store = Store::open(&Location::Postgres { url: SecretKey::new(url) }, &Options::default()).await?;
        for (committers, from) in [(1, 0), (16, 2_000), (64, 4_000)] {
            round("postgres", &store, committers, from, 2_000).await;
        }
        store.close().await;
    }
    Ok(())
}
