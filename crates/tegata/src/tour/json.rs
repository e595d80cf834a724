//! Calls of the APIs that speak JSON over plain HTTP, as any script would make them.

use bytes::Bytes;
use serde_json::Value;
use tegata_client::{ClientError, Refusal, Transport, sign_in::form};

/// Somebody's header lines.
pub(super) type Headers = Vec<(String, String)>;

/// One header line.
pub(super) fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Sends JSON, or nothing, and reads JSON, or nothing.
pub(super) async fn call(
    transport: &Transport,
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: Option<&Value>,
) -> Result<Value, ClientError> {
    let mut headers = headers.to_vec();
    let body = body.map_or_else(Bytes::new, |value| Bytes::from(value.to_string()));
    if !body.is_empty() {
        headers.push(header("content-type", "application/json"));
    }
    sent(transport, method, url, &headers, body).await
}

/// Posts a form and reads JSON.
pub(super) async fn post_form(
    transport: &Transport,
    url: &str,
    headers: &[(String, String)],
    fields: &[(&str, &str)],
) -> Result<Value, ClientError> {
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut headers = headers.to_vec();
    headers.push(header("content-type", "application/x-www-form-urlencoded"));
    sent(transport, "POST", url, &headers, Bytes::from(form::encode(&fields))).await
}

async fn sent(transport: &Transport, method: &str, url: &str, headers: &[(String, String)], body: Bytes) -> Result<Value, ClientError> {
    let reply = transport.send(method, url, headers, body).await?;
    let value: Value = if reply.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&reply.body).map_err(|error| ClientError::Answer { url: url.to_owned(), cause: error.to_string() })?
    };
    if reply.status < 400 {
        return Ok(value);
    }
    let code = [value.get("code"), value.get("error")].into_iter().flatten().find_map(Value::as_str).unwrap_or_default();
    Err(ClientError::Refused(Refusal {
        status: reply.status,
        code: code.to_owned(),
        message: text(&value, "message").to_owned(),
        request_id: reply.header("x-request-id").to_owned(),
    }))
}

/// A member that is a text; empty where there is none.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
