//! What is counted for operators, in the Prometheus text form, on a loopback listener of its own. Names of operations and
//! numbers only: no caller, no resource, no secret.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::State, response::IntoResponse, routing::get};
use http::{Response, StatusCode, header::CONTENT_TYPE};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use tegata_core::Core;
use tegata_dialects::Outcome;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    dialect: &'static str,
    operation: &'static str,
    decision: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    dialect: &'static str,
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: &'static str,
}

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<OperationLabels, Histogram, fn() -> Histogram>,
    connections: Family<ListenerLabels, Gauge>,
    durable_commits: Counter,
}

/// From half a millisecond to about four seconds.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 14))
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("tegata");
        let requests = Family::default();
        let durations = Family::new_with_constructor(buckets as fn() -> Histogram);
        let connections = Family::default();
        let durable_commits = Counter::default();
        registry.register("requests", "Requests answered", requests.clone());
        registry.register("request_duration_seconds", "Time to the head of the reply", durations.clone());
        registry.register("connections", "Open connections", connections.clone());
        registry.register("durable_commits", "Commits that are on disk", durable_commits.clone());
        Self { registry, requests, durations, connections, durable_commits }
    }

    /// Counts one reply. What no dialect answered (health checks) is not counted.
    pub(crate) fn observe<B>(&self, reply: &Response<B>, took: Duration) {
        let Some(outcome) = reply.extensions().get::<Outcome>() else { return };
        let Outcome { dialect, operation, decision, .. } = *outcome;
        self.requests.get_or_create(&RequestLabels { dialect, operation, decision, status: reply.status().as_u16() }).inc();
        self.durations.get_or_create(&OperationLabels { dialect, operation }).observe(took.as_secs_f64());
    }

    /// Counts a connection until what is returned is dropped.
    pub(crate) fn connection(&self, listener: &'static str) -> OpenConnection {
        let gauge = self.connections.get_or_create_owned(&ListenerLabels { listener });
        gauge.inc();
        OpenConnection(gauge)
    }

    fn render(&self, core: &Core) -> Option<String> {
        self.durable_commits.inner().store(core.durable_commits(), std::sync::atomic::Ordering::Relaxed);
        let mut text = String::new();
        encode(&mut text, &self.registry).ok().map(|()| text)
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What answers on the metrics listener.
pub(crate) fn router(metrics: Arc<Metrics>, core: Arc<Core>) -> Router {
    Router::new().route("/metrics", get(page)).with_state((metrics, core))
}

async fn page(State((metrics, core)): State<(Arc<Metrics>, Arc<Core>)>) -> Response<Body> {
    match metrics.render(&core) {
        Some(text) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_counted_by_what_they_were() {
        let metrics = Metrics::new();
        let mut reply = Response::new(());
        metrics.observe(&reply, Duration::from_millis(1));
        reply.extensions_mut().insert(Outcome { dialect: "acs", operation: "AssumeRole", decision: "allowed", code: "OK".into() });
        metrics.observe(&reply, Duration::from_millis(1));
        metrics.observe(&reply, Duration::from_millis(1));
        let open = metrics.connection("http");
        let mut text = String::new();
        encode(&mut text, &metrics.registry).unwrap();
        assert!(
            text.contains(r#"tegata_requests_total{dialect="acs",operation="AssumeRole",decision="allowed",status="200"} 2"#),
            "{text}"
        );
        assert!(text.contains(r#"tegata_request_duration_seconds_count{dialect="acs",operation="AssumeRole"} 2"#), "{text}");
        assert!(text.contains(r#"tegata_connections{listener="http"} 1"#), "{text}");
        drop(open);
        let mut text = String::new();
        encode(&mut text, &metrics.registry).unwrap();
        assert!(text.contains(r#"tegata_connections{listener="http"} 0"#), "{text}");
    }
}
