//! One line of the catalogue with what performs it, and how a performing function reads what was sent and words its answer.

use std::{fmt::Display, future::Future, pin::Pin, str::FromStr, time::Duration};

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use tegata_core::{Caller, Core, RequestMeta};
use tegata_model::UserName;

use super::{catalogue::OperationSpec, error::SamFault, members::Members, texts::Language};
use crate::edge::limits::Head;

/// One operation: what is said of it, and what performs it.
pub(crate) struct Entry {
    /// What is said of it.
    pub(crate) spec: OperationSpec,
    /// What performs it.
    pub(crate) handler: for<'a> fn(&'a Ask<'a>) -> Answering<'a>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.spec.api)
    }
}

pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, SamFault>> + Send + 'a>>;

/// A line of a table: API name, method, path, summary, function, parameters besides those of the path. `open` for what needs no session.
macro_rules! entry {
    (@open) => { false };
    (@open open) => { true };
    ($api:literal, $method:ident $path:literal, $summary:literal, $function:path, [$($parameter:expr),* $(,)?] $(, $open:ident)?) => {
        $crate::soracom::ask::Entry {
            spec: $crate::soracom::catalogue::OperationSpec {
                api: $api,
                method: $crate::soracom::catalogue::Method::$method,
                path: $path,
                summary: $summary,
                parameters: &[$($parameter),*],
                open: $crate::soracom::ask::entry!(@open $($open)?),
            },
            handler: |ask| Box::pin($function(ask)),
        }
    };
}
pub(crate) use entry;

/// One call: who asks whom for what.
pub(crate) struct Ask<'a> {
    pub(crate) core: &'a Core,
    pub(crate) language: Language,
    pub(crate) spec: &'a OperationSpec,
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) meta: &'a RequestMeta,
    pub(crate) path: &'a [(&'static str, String)],
    pub(crate) head: &'a Head,
    pub(crate) members: &'a Members,
    /// The body as it came in.
    pub(crate) body: &'a [u8],
}

impl Ask<'_> {
    pub(crate) async fn perform<O: tegata_core::Operation>(&self, operation: O) -> Result<O::Output, SamFault> {
        self.core.perform(self.caller()?, &operation).await.map_err(|error| self.fault(error))
    }

    /// Who asks. Only what is open has nobody.
    pub(crate) fn caller(&self) -> Result<&Caller, SamFault> {
        self.caller.ok_or_else(|| SamFault::no_pair(false))
    }

    /// The language of letters that this call sends.
    pub(crate) fn language(&self) -> tegata_core::mail::Language {
        match self.language {
            Language::English => tegata_core::mail::Language::English,
            Language::Japanese => tegata_core::mail::Language::Japanese,
        }
    }

    /// A refusal of the core, in the words of this wire: users are known by their names here.
    pub(crate) fn fault(&self, error: tegata_core::OpError) -> SamFault {
        let error = match (error, self.caller.and_then(Caller::user_name)) {
            (tegata_core::OpError::Denied(mut denial), Some(name)) => {
                name.as_str().clone_into(&mut denial.caller);
                tegata_core::OpError::Denied(denial)
            }
            (error, _) => error,
        };
        SamFault::of(error, self.spec.api, self.caller)
    }

    /// A variable of the path.
    pub(crate) fn variable(&self, name: &'static str) -> &str {
        self.path.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// A variable of the path, read as what it must be.
    pub(crate) fn named<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<T, SamFault> {
        self.variable(name).parse().map_err(|error| SamFault::member(name, &error))
    }

    /// The user that the path names.
    pub(crate) fn user(&self) -> Result<UserName, SamFault> {
        self.named("user_name")
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.head.parameter(name).filter(|text| !text.is_empty())
    }

    /// How long a token shall live.
    pub(crate) fn lifetime(&self) -> Result<Option<Duration>, SamFault> {
        let seconds = self.members.number("tokenTimeoutSeconds")?;
        seconds
            .map(|seconds| {
                u64::try_from(seconds).map(Duration::from_secs).map_err(|_| SamFault::member("tokenTimeoutSeconds", &"it is negative"))
            })
            .transpose()
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Option<Value>,
    next_key: Option<String>,
}

impl Reply {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, body: None, next_key: None }
    }

    /// An answer with a body.
    pub(crate) fn json(status: StatusCode, body: Value) -> Self {
        Self { status, body: Some(body), next_key: None }
    }

    /// Says where the list goes on; only where it does.
    #[must_use]
    pub(crate) fn next(mut self, key: Option<String>) -> Self {
        self.next_key = key;
        self
    }

    pub(super) fn response(self) -> Response {
        let text = self.body.map(|body| body.to_string());
        let mut response = Response::new(text.as_ref().map_or_else(Body::empty, |text| Body::from(text.clone())));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if text.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(key) = self.next_key.and_then(|key| HeaderValue::from_str(&key).ok()) {
            headers.insert("x-soracom-next-key", key);
        }
        response
    }
}
