//! A closed loop: every connection sends its next request when it has read the answer to the last.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    client::Connection,
    work::{Asker, Work},
};

/// How much is asked, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// What is asked.
    pub(crate) work: Work,
    /// Who is asked.
    pub(crate) to: SocketAddr,
    /// How many connections ask at once.
    pub(crate) connections: usize,
    /// For how long.
    pub(crate) time: Duration,
    /// At most this many requests, over all connections.
    pub(crate) most: u64,
    /// How long a connection waits between two requests; not at all for a closed loop.
    pub(crate) pause: Duration,
}

/// What came of a load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// Answers with a status of success.
    pub(crate) good: u64,
    /// Everything else.
    pub(crate) errors: u64,
    /// The first of the errors.
    pub(crate) first_error: Option<String>,
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// Bytes in bodies of answers.
    pub(crate) bytes: u64,
    /// Milliseconds from a request to the end of its answer, in order.
    latencies: Vec<f32>,
}

impl Figures {
    /// Good answers per second.
    pub(crate) fn rate(&self) -> f64 {
        if self.seconds > 0.0 { count(self.good) / self.seconds } else { 0.0 }
    }

    /// The latency in milliseconds that this share of requests stayed below.
    pub(crate) fn latency(&self, share: f64) -> f64 {
        quantile(&self.latencies, share)
    }

    fn add(&mut self, other: Self) {
        self.good += other.good;
        self.errors += other.errors;
        self.bytes += other.bytes;
        self.first_error = self.first_error.take().or(other.first_error);
        self.latencies.extend(other.latencies);
    }
}

/// The value below which this share of a sorted list lies (nearest rank); 0 for an empty list.
pub(crate) fn quantile(sorted: &[f32], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank within the list")]
    let rank = (share * count(sorted.len() as u64)).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().map_or(0.0, f64::from)
}

/// A number of things, for division.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) fn count(n: u64) -> f64 {
    n as f64
}

/// Runs a plan.
///
/// # Errors
/// A text for people: a connection could not be opened, or a request not be made. Bad answers are figures.
pub(crate) async fn run(plan: Plan, asker: &Arc<Asker>, payload: &Bytes) -> Result<Figures, String> {
    let mut connections = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        connections.push(Connection::open(plan.to).await?);
    }
    let left = Arc::new(AtomicU64::new(plan.most));
    let began = Instant::now();
    let tasks: Vec<_> = connections
        .into_iter()
        .enumerate()
        .map(|(number, connection)| {
            let (asker, left, payload) = (Arc::clone(asker), Arc::clone(&left), payload.clone());
            tokio::spawn(async move { one(plan, number, connection, &asker, &left, began, &payload).await })
        })
        .collect();
    let mut figures = Figures::default();
    for task in tasks {
        figures.add(task.await.map_err(|error| error.to_string())??);
    }
    figures.seconds = began.elapsed().as_secs_f64();
    figures.latencies.sort_unstable_by(f32::total_cmp);
    Ok(figures)
}

async fn one(
    plan: Plan,
    number: usize,
    mut connection: Connection,
    asker: &Asker,
    left: &AtomicU64,
    began: Instant,
    payload: &Bytes,
) -> Result<Figures, String> {
    let mut figures = Figures::default();
    while began.elapsed() < plan.time && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let request = asker.request(plan.work, number, plan.to, payload)?;
        let sent = Instant::now();
        let answer = if Asker::learns(plan.work) {
            let answer = connection.ask(request).await;
            answer.inspect(|(_, body)| asker.learn(number, body)).map(|(status, body)| (status, body.len() as u64))
        } else {
            connection.send(request).await
        };
        match answer {
            Ok((status, length)) if status.is_success() => {
                figures.good += 1;
                figures.bytes += length;
                figures.latencies.push(sent.elapsed().as_secs_f32() * 1000.0);
            }
            Ok((status, _)) => {
                figures.errors += 1;
                figures.first_error.get_or_insert_with(|| format!("status {status}"));
            }
            Err(error) => {
                figures.errors += 1;
                figures.first_error.get_or_insert(error);
                connection = Connection::open(plan.to).await?;
            }
        }
        if !plan.pause.is_zero() {
            tokio::time::sleep(plan.pause).await;
        }
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_ranks() {
        let sorted: Vec<f32> = (1..=100_u8).map(f32::from).collect();
        assert!((quantile(&sorted, 0.5) - 50.0).abs() < 0.001);
        assert!((quantile(&sorted, 0.99) - 99.0).abs() < 0.001);
        assert!((quantile(&sorted, 0.999) - 100.0).abs() < 0.001);
        assert!((quantile(&sorted, 0.0) - 1.0).abs() < 0.001);
        assert!(quantile(&[], 0.5).abs() < 0.001);
    }
}
