//! Works that something else than requests holds back: signatures, hashes of passwords. They are measured against how many of these this
//! machine does in the same run, with nothing around them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::RSA_PKCS1_SHA256,
};
use bytes::Bytes;

use crate::{
    load::{self, Figures, Plan, count},
    process::Server,
    report::{Beside, Bounded, median},
    work::{Asker, Bound, PASSWORD, Work},
};

/// What each password costs: `m=19456,t=2,p=1`, as stored hashes say.
const HASH: (u32, u32, u32) = (19 * 1024, 2, 1);
/// What is signed: as long as the signed part of a token.
const SIGNED: usize = 1024;
/// How many connections ask for roles beside the storm, and how long each waits before it asks again: little, so that they do not
/// compete for the processors, but often enough for a hundredth of them to be many.
const BESIDE: (usize, Duration) = (4, Duration::from_millis(10));

/// One work against its bound, in turn.
pub(crate) async fn measure(
    (rounds, time): (usize, Duration),
    server: &Server,
    asker: &Arc<Asker>,
    (work, bound): (Work, Bound),
    to: SocketAddr,
) -> Result<Bounded, String> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = match bound {
        // One core is left for everything else that serving is.
        Bound::Signatures => cores.saturating_sub(1).max(1),
        Bound::Passwords => cores,
    };
    let ask = async |work, (connections, pause): (usize, Duration), time| {
        load::run(Plan { work, to, connections, time, most: 5_000_000, pause }, asker, &Bytes::new()).await
    };
    let (mut errors, mut first_error) = (0, None);
    let mut note = |figures: &Figures| {
        errors += figures.errors;
        first_error = first_error.take().or_else(|| figures.first_error.clone());
    };
    let all = (work.connections(), Duration::ZERO);
    let (mut bounds, mut rates, mut ratios, mut processor) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut latencies: [Vec<f64>; 3] = Default::default();
    let (mut idle, mut busy, mut slower) = (Vec::new(), Vec::new(), Vec::new());
    // Not counted: caches, connections.
    note(&ask(work, all, time / 4).await?);
    note(&ask(Work::AssumeRoleAcs3, BESIDE, time / 4).await?);
    for _ in 0..rounds {
        let limit = rate_of(bound, threads, time).await?;
        let before = if bound == Bound::Passwords { Some(ask(Work::AssumeRoleAcs3, BESIDE, time).await?) } else { None };
        let used = server.processor_seconds();
        let (figures, beside) = if before.is_some() {
            let beside = async {
                // When the storm is there, and until before it is over.
                tokio::time::sleep(time / 10).await;
                ask(Work::AssumeRoleAcs3, BESIDE, time * 8 / 10).await
            };
            let (figures, beside) = tokio::join!(ask(work, all, time), beside);
            (figures?, Some(beside?))
        } else {
            (ask(work, all, time).await?, None)
        };
        processor.push((server.processor_seconds() - used) * 1e6 / count(figures.good.max(1)));
        note(&figures);
        bounds.push(limit);
        rates.push(figures.rate());
        ratios.push(figures.rate() / limit.max(f64::MIN_POSITIVE));
        for (found, share) in latencies.iter_mut().zip([0.5, 0.99, 0.999]) {
            found.push(figures.latency(share));
        }
        if let (Some(before), Some(beside)) = (before, beside) {
            note(&before);
            note(&beside);
            let (before, beside) = (before.latency(0.99), beside.latency(0.99));
            idle.push(before);
            busy.push(beside);
            slower.push(beside / before.max(f64::MIN_POSITIVE));
        }
    }
    let beside = (!slower.is_empty()).then(|| Beside { idle: median(idle), busy: median(busy), ratio: median(slower) });
    Ok(Bounded {
        work,
        bound,
        threads,
        connections: work.connections(),
        limit: median(bounds),
        rate: median(rates),
        ratio: median(ratios),
        latencies: latencies.map(median),
        processor: median(processor),
        beside,
        errors,
        first_error,
    })
}

/// How many of these a second so many threads do.
async fn rate_of(bound: Bound, threads: usize, time: Duration) -> Result<f64, String> {
    tokio::task::spawn_blocking(move || match bound {
        Bound::Signatures => {
            let key = KeyPair::generate(KeySize::Rsa2048).map_err(|error| error.to_string())?;
            in_threads(threads, time, || {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &[b'x'; SIGNED], &mut signature).is_ok()
            })
        }
        Bound::Passwords => {
            let (memory, passes, lanes) = HASH;
            let parameters = Params::new(memory, passes, lanes, None).map_err(|error| error.to_string())?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
            in_threads(threads, time, || argon2.hash_password_into(PASSWORD.as_bytes(), &[7; 16], &mut [0; 32]).is_ok())
        }
    })
    .await
    .map_err(|error| error.to_string())?
}

/// Does something over and over in so many threads for so long: how often a second.
fn in_threads(threads: usize, time: Duration, one: impl Fn() -> bool + Sync) -> Result<f64, String> {
    let failed = AtomicBool::new(false);
    let began = Instant::now();
    let rates: Vec<f64> = thread::scope(|scope| {
        let work = || {
            let (mut done, began) = (0, Instant::now());
            while began.elapsed() < time {
                if !one() {
                    failed.store(true, Ordering::Relaxed);
                    break;
                }
                done += 1;
            }
            count(done) / began.elapsed().as_secs_f64()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    if failed.load(Ordering::Relaxed) || rates.len() < threads {
        return Err(format!("after {:?}: what the machine can do could not be measured", began.elapsed()));
    }
    Ok(rates.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn signatures_and_hashes_can_be_counted() {
        for bound in [Bound::Signatures, Bound::Passwords] {
            assert!(rate_of(bound, 1, Duration::from_millis(1)).await.unwrap() > 0.0);
        }
        assert!(in_threads(2, Duration::from_millis(1), || false).is_err());
    }
}
