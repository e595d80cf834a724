//! Answers in JSON.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use tegata_model::RequestId;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    /// How long others may keep it, in seconds; not at all if nothing is said.
    pub(crate) keep: Option<u32>,
}

impl Reply {
    /// A success that nobody keeps.
    pub(crate) fn json(body: Value) -> Self {
        Self { status: StatusCode::OK, body, keep: None }
    }

    /// A success that says that something was made.
    pub(crate) fn created(body: Value) -> Self {
        Self { status: StatusCode::CREATED, ..Self::json(body) }
    }

    pub(crate) fn response(self, id: RequestId) -> Response {
        let mut response = json(self.status, &self.body, id);
        if let Some(seconds) = self.keep
            && let Ok(value) = HeaderValue::from_str(&format!("public, max-age={seconds}"))
        {
            response.headers_mut().insert(header::CACHE_CONTROL, value);
            response.headers_mut().remove(header::PRAGMA);
        }
        response
    }
}

/// A JSON answer with the headers that all of them have.
pub(crate) fn json(status: StatusCode, body: &Value, id: RequestId) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&id.to_uuid().to_ascii_lowercase()) {
        headers.insert("csp-request-id", value);
    }
    response
}
