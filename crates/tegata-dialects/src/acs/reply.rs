//! Replies in JSON or XML, with the field names and content types of this wire.

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use tegata_model::RequestId;

use super::{error::AcsError, params::Received};
use crate::edge::{
    span::Failure as _,
    xml::{close, escape_into, open},
};

const JSON: &str = "application/json;charset=utf-8";
const XML: &str = "text/xml;charset=utf-8";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-acs-request-id");
const RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");

/// A value that both formats can say; fields keep their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tree {
    Text(String),
    Number(u64),
    Flag(bool),
    Object(Vec<(&'static str, Tree)>),
    /// Items of one field: an array in JSON, the field repeated in XML.
    List(Vec<Tree>),
}

/// What an operation answers, `RequestId` apart.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) operation: &'static str,
    pub(crate) fields: Vec<(&'static str, Tree)>,
}

impl Tree {
    /// An object of texts.
    pub(crate) fn object<const N: usize>(fields: [(&'static str, String); N]) -> Self {
        Self::Object(fields.into_iter().map(|(name, text)| (name, Self::Text(text))).collect())
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Self::Text(text) => json_text(out, text),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    json_text(out, name);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    fn write_field(&self, out: &mut String, name: &str) {
        open(out, name);
        self.write_xml(out);
        close(out, name);
    }

    fn write_xml(&self, out: &mut String) {
        match self {
            Self::Text(text) => escape_into(out, text),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::List(items) => items.iter().for_each(|item| item.write_xml(out)),
            Self::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Self::List(items) => items.iter().for_each(|item| item.write_field(out, name)),
                        one => one.write_field(out, name),
                    }
                }
            }
        }
    }
}

fn json_text(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Xml,
}

/// How this request is answered: in which format, under which id and host.
#[derive(Debug)]
pub(crate) struct Voice {
    format: Format,
    id: RequestId,
    host: String,
    public_url: String,
}

impl Voice {
    /// JSON until the request says otherwise.
    pub(crate) fn new(id: RequestId, parts: &Parts, public_url: &str) -> Self {
        let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let own = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
        Self { format: Format::Json, id, host: host.unwrap_or(own).to_owned(), public_url: public_url.to_owned() }
    }

    /// The parameter `Format` in any case, else `Accept`, else JSON.
    pub(crate) fn choose_format(&mut self, received: &Received) -> Result<(), AcsError> {
        let accepts_xml = || received.head.header("accept").is_some_and(|accept| matches!(accept, "application/xml" | "text/xml"));
        self.format = match received.parameter("Format") {
            Some(format) if format.eq_ignore_ascii_case("json") => Format::Json,
            Some(format) if format.eq_ignore_ascii_case("xml") => Format::Xml,
            None | Some("") if accepts_xml() => Format::Xml,
            None | Some("") => Format::Json,
            Some(_) => return Err(AcsError::invalid("Format", "`JSON` and `XML` are the formats")),
        };
        Ok(())
    }

    /// A success, status 200.
    pub(crate) fn success(&self, reply: &Reply) -> Response {
        let mut fields = vec![("RequestId", Tree::Text(self.id.to_uuid()))];
        fields.extend(reply.fields.iter().cloned());
        let mut body = String::with_capacity(1024);
        let root = format!("{}Response", reply.operation);
        self.write(&mut body, &root, &Tree::Object(fields));
        let mut response = self.response(StatusCode::OK, body);
        // Credentials are for whoever asked, not for a cache on the way.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// An error, in the envelope of this wire.
    pub(crate) fn failure(&self, error: &AcsError) -> Response {
        let id = self.id.to_uuid();
        let message = if error.denied() { format!("{} (to see why, run `tegata why {id}`)", error.message) } else { error.message.clone() };
        let recommend = format!("{}/errors?code={}&request_id={id}", self.public_url, error.code);
        let texts = [
            ("RequestId", id),
            ("HostId", self.host.clone()),
            ("Code", error.code.to_string()),
            ("Message", message),
            ("Recommend", recommend),
        ];
        let mut fields: Vec<_> = texts.into_iter().map(|(name, text)| (name, Tree::Text(text))).collect();
        fields.extend(error.detail.clone().map(|detail| ("AccessDeniedDetail", detail)));
        let mut body = String::with_capacity(512);
        self.write(&mut body, "Error", &Tree::Object(fields));
        let mut response = self.response(error.status, body);
        if let Some(wait) = error.retry_after {
            let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(millis));
        }
        response
    }

    fn write(&self, out: &mut String, root: &str, tree: &Tree) {
        match self.format {
            Format::Json => tree.write_json(out),
            Format::Xml => {
                out.push_str("<?xml version='1.0' encoding='UTF-8'?>");
                open(out, root);
                tree.write_xml(out);
                close(out, root);
            }
        }
    }

    fn response(&self, status: StatusCode, body: String) -> Response {
        let kind = match self.format {
            Format::Json => JSON,
            Format::Xml => XML,
        };
        let mut response = with_body(status, kind, body);
        if let Ok(id) = HeaderValue::try_from(self.id.to_uuid()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
}

/// A response with a whole body of the given type.
pub(crate) fn with_body(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
