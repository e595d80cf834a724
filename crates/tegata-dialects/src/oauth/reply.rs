//! Answers in JSON that nobody keeps.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use tegata_model::RequestId;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<Value>,
    /// How long others may keep it, in seconds; not at all if nothing is said.
    pub(crate) keep: Option<u32>,
    /// A nonce for the next proof of possession.
    pub(crate) nonce: Option<String>,
}

impl Reply {
    /// A success that nobody keeps.
    pub(crate) fn json(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body), keep: None, nonce: None }
    }

    /// A success without a word.
    pub(crate) fn empty() -> Self {
        Self { status: StatusCode::OK, body: None, keep: None, nonce: None }
    }

    pub(crate) fn response(self, id: RequestId) -> Response {
        let mut response = json(self.status, self.body.as_ref().unwrap_or(&Value::Null), id);
        if self.body.is_none() {
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        if let Some(seconds) = self.keep
            && let Ok(value) = HeaderValue::from_str(&format!("public, max-age={seconds}"))
        {
            response.headers_mut().insert(header::CACHE_CONTROL, value);
            response.headers_mut().remove(header::PRAGMA);
        }
        if let Some(value) = self.nonce.as_deref().and_then(|nonce| HeaderValue::from_str(nonce).ok()) {
            response.headers_mut().insert("dpop-nonce", value);
        }
        response
    }
}

/// A JSON answer with the headers that all of them have.
pub(crate) fn json(status: StatusCode, body: &Value, id: RequestId) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&id.to_uuid()) {
        headers.insert("x-acs-request-id", value);
    }
    response
}
