//! What a person sees who opens the endpoint in a browser.

use axum::{extract::Request, response::Response};
use http::{StatusCode, header};
use tegata_sign::form;

use super::reply::with_body;

/// The endpoint itself.
pub(crate) fn welcome() -> Response {
    text(
        StatusCode::OK,
        "This is a tegata server.\n\nThis address answers signed API requests that carry the parameters Action and Version.\n",
    )
}

/// Every path that is not ours.
pub(crate) async fn not_found() -> Response {
    text(StatusCode::NOT_FOUND, "There is nothing at this path.\n")
}

/// The page that the field `Recommend` of an error names.
pub(crate) async fn errors(request: Request) -> Response {
    let query = form::decode(request.uri().query().unwrap_or_default()).unwrap_or_default();
    let value = |wanted: &str, allowed: fn(char) -> bool| {
        query
            .iter()
            .find(|(name, value)| name == wanted && (1..=64).contains(&value.len()) && value.chars().all(allowed))
            .map(|(_, value)| value.as_str())
    };
    let code = value("code", |c| c.is_ascii_alphanumeric() || c == '.').unwrap_or("this error");
    let id = value("request_id", |c| c.is_ascii_hexdigit() || c == '-').unwrap_or("REQUEST_ID");
    text(
        StatusCode::OK,
        &format!(
            "About {code}\n\nOn the server's machine, or with a profile that may read the account's policies:\n\n    tegata why {id}\n"
        ),
    )
}

fn text(status: StatusCode, text: &str) -> Response {
    let mut response = with_body(status, "text/plain;charset=utf-8", text.to_owned());
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, http::HeaderValue::from_static("nosniff"));
    response
}
