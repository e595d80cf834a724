//! One span and one line for each request, without secrets, tokens or values of parameters.

use std::{error::Error, future::Future, time::Instant};

use axum::response::Response;
use http::StatusCode;
use tegata_core::{Caller, RequestMeta};
use tracing::{Instrument as _, Span, field::Empty};

/// How a request ended: in the extensions of every response, for whoever counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// One of [`crate::DIALECTS`].
    pub dialect: &'static str,
    /// The operation as the dialect calls it, or `unknown`.
    pub operation: &'static str,
    /// `allowed`; `denied` by policy; `refused` for another reason; `failed` by our fault.
    pub decision: &'static str,
    /// The dialect's own code, `OK` for success.
    pub code: String,
}

/// What becomes known of a request while it is answered.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) operation: &'static str,
    caller: Option<String>,
    decision: &'static str,
    code: String,
}

/// What an error of a dialect tells the journal.
pub(crate) trait Failure {
    /// The code on the wire.
    fn code(&self) -> &str;
    /// The status on the wire.
    fn status(&self) -> StatusCode;
    /// True for a refusal by policy.
    fn denied(&self) -> bool;
    /// The cause of a fault of ours: for the log, never for the reply.
    fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)>;
}

impl Journal {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Self { operation: "unknown", caller: None, decision: "allowed", code: "OK".to_owned() }
    }

    /// Who asks.
    pub(crate) fn caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.audit_name());
    }

    /// Who asks, in words.
    pub(crate) fn named(&mut self, caller: String) {
        self.caller = Some(caller);
    }

    /// Why it did not happen. The cause of a fault of ours goes to the log here.
    pub(crate) fn failure(&mut self, failure: &impl Failure) {
        failure.code().clone_into(&mut self.code);
        self.decision = match failure {
            _ if failure.status().is_server_error() => "failed",
            _ if failure.denied() => "denied",
            // An object that has not changed is an answer, not a refusal.
            _ if failure.status().is_redirection() => "allowed",
            _ => "refused",
        };
        if let Some(cause) = failure.cause() {
            let mut text = cause.to_string();
            let mut next = cause.source();
            while let Some(inner) = next {
                text = format!("{text}: {inner}");
                next = inner.source();
            }
            tracing::error!(error = %text, "a request failed by a fault of ours");
        }
    }
}

/// Answers a request inside its span, and says in one line how it ended.
pub(crate) async fn within<F>(dialect: &'static str, meta: &RequestMeta, answer: impl FnOnce() -> F) -> Response
where
    F: Future<Output = (Response, Journal)>,
{
    let span =
        tracing::info_span!("request", dialect, request_id = %meta.id.to_uuid(), operation = Empty, caller = Empty, decision = Empty);
    let source = meta.source_text();
    async {
        let begun = Instant::now();
        let (mut response, journal) = answer().await;
        let span = Span::current();
        span.record("operation", journal.operation);
        span.record("decision", journal.decision);
        if let Some(caller) = &journal.caller {
            span.record("caller", caller.as_str());
        }
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), code = journal.code, source, micros, "answered");
        let Journal { operation, decision, code, .. } = journal;
        response.extensions_mut().insert(Outcome { dialect, operation, decision, code });
        response
    }
    .instrument(span)
    .await
}
