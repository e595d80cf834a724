//! One request, one reply, over plain HTTP/1.1 with connections kept.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::ClientError;

/// Longest reply that is read into memory, in bytes.
const MAX_REPLY: usize = 64 * 1024 * 1024;
/// Longest wait for a reply.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends requests and keeps connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Transport {
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A whole reply.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// A header as text, empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport {
    /// A transport with no open connection.
    pub fn new() -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()) }
    }

    /// Sends a request and reads the whole reply.
    pub async fn send(&self, method: &str, url: &str, headers: &[(String, String)], body: Bytes) -> Result<Reply, ClientError> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| ClientError::Request(error.to_string()))?;
        let unreachable = |cause: String| ClientError::Unreachable { url: place(url), cause };
        let answer = async {
            let response = self.client.request(request).await.map_err(|error| unreachable(with_cause(&error)))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_REPLY).collect().await.map_err(|error| unreachable(error.to_string()))?;
            Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes() })
        };
        tokio::time::timeout(PATIENCE, answer).await.map_err(|_| unreachable(format!("no answer within {} s", PATIENCE.as_secs())))?
    }
}

/// A URL without its query: signatures and tokens stand there.
pub(crate) fn place(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
