//! Replies: the headers every one of them has, objects, XML, and errors with or without a body.

use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use tegata_core::object::{ObjectBody, StoredObject};
use tegata_model::{RequestId, Timestamp};

use super::{
    error::{Extra, OssError},
    xml::{close, document, leaf, open},
};
use crate::GatewaySettings;

/// The one type of object there is.
pub(crate) const OBJECT_TYPE: &str = "Normal";
/// The one storage class there is.
pub(crate) const STORAGE_CLASS: &str = "Standard";

/// The vendor's page that explains fine-grained codes.
const TROUBLESHOOT: &str = "https://api.aliyun.com/troubleshoot?q=";

/// How this request is answered: under which id and host, at what time, with or without a body.
#[derive(Debug)]
pub(crate) struct Voice {
    id: RequestId,
    host: String,
    now: Timestamp,
    headless: bool,
}

impl Voice {
    /// Taken from the head of a request, however wrong the rest of it is.
    pub(crate) fn new(id: RequestId, parts: &Parts, settings: &GatewaySettings, now: Timestamp) -> Self {
        let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        Self { id, host: host.unwrap_or(&settings.public_host).to_owned(), now, headless: parts.method == Method::HEAD }
    }

    /// Adds what every reply has.
    pub(crate) fn success(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        set(headers, "x-oss-request-id", &self.id.to_short_hex());
        set(headers, "date", &self.now.to_http_date());
        // What strangers have stored must never run as a page of this host.
        set(headers, "x-content-type-options", "nosniff");
        set(headers, "content-security-policy", "sandbox");
        response
    }

    /// An error: XML in the body, or in a header where there may be no body.
    pub(crate) fn failure(&self, error: &OssError) -> Response {
        let mut response = if error.status == StatusCode::NOT_MODIFIED {
            empty(error.status)
        } else if self.headless {
            let mut response = empty(error.status);
            set(response.headers_mut(), "x-oss-err", &STANDARD.encode(self.error_document(error)));
            response
        } else {
            xml_with(error.status, self.error_document(error))
        };
        let headers = response.headers_mut();
        if let Some(ec) = error.ec {
            set(headers, "x-oss-ec", ec);
        }
        for extra in &error.extras {
            if let Extra::Header(name, value) = extra {
                set(headers, name, value);
            }
        }
        self.success(response)
    }

    fn error_document(&self, error: &OssError) -> String {
        document("Error", |out| {
            leaf(out, "Code", error.code);
            let why = if error.denied { format!(" (to see why, run `tegata why {}`)", self.id.to_short_hex()) } else { String::new() };
            leaf(out, "Message", &format!("{}{why}", error.message));
            leaf(out, "RequestId", &self.id.to_short_hex());
            leaf(out, "HostId", &self.host);
            for extra in &error.extras {
                if let Extra::Element(name, value) = extra {
                    leaf(out, name, value);
                }
            }
            if let Some(detail) = &error.detail {
                open(out, "AccessDeniedDetail");
                for (name, value) in detail.iter() {
                    leaf(out, name, value);
                }
                close(out, "AccessDeniedDetail");
            }
            if let Some(ec) = error.ec {
                leaf(out, "EC", ec);
                leaf(out, "RecommendDoc", &format!("{TROUBLESHOOT}{ec}"));
            }
        })
    }
}

/// Sets a header; a value that no header can carry is left out.
fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
        headers.insert(name, value);
    }
}

/// A reply without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A reply in XML, status 200.
pub(crate) fn xml(body: String) -> Response {
    xml_with(StatusCode::OK, body)
}

/// The type is exactly this, without a charset: one client compares the whole value.
fn xml_with(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// An object was stored.
pub(crate) fn stored(object: &StoredObject) -> Response {
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    set(headers, "etag", &object.etag);
    set(headers, "x-oss-hash-crc64ecma", &object.crc64.to_string());
    set(headers, "content-md5", &object.headers.content_md5);
    response
}

/// What an object is, without its bytes.
pub(crate) fn object_head(object: &StoredObject) -> Response {
    let mut response = empty(StatusCode::OK);
    describe(response.headers_mut(), object);
    set(response.headers_mut(), "content-length", &object.size.to_string());
    make_inert(response.headers_mut());
    response
}

/// The short description.
pub(crate) fn object_meta(object: &StoredObject) -> Response {
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    set(headers, "content-length", &object.size.to_string());
    set(headers, "etag", &object.etag);
    set(headers, "last-modified", &object.modified_at.to_http_date());
    set(headers, "x-oss-hash-crc64ecma", &object.crc64.to_string());
    response
}

/// An object with its bytes, or a part of them; `overrides` replace headers that were stored with it.
pub(crate) fn object_body<'a>(body: ObjectBody, overrides: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Response, OssError> {
    let ObjectBody { object, part, bytes } = body;
    let logged = bytes.inspect_err(|error| tracing::error!(%error, "an object could not be read to its end; the connection is cut"));
    let mut response = Response::new(Body::from_stream(logged));
    let headers = response.headers_mut();
    describe(headers, &object);
    let mut length = object.size;
    if let Some(part) = &part {
        length = part.end - part.start;
        set(headers, "content-range", &format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), object.size));
        // The digest is of the whole object.
        headers.remove("content-md5");
    }
    set(headers, "content-length", &length.to_string());
    for (name, value) in overrides {
        if HeaderValue::from_bytes(value.as_bytes()).is_err() {
            return Err(OssError::argument("response-…", value, "it is the value of a header"));
        }
        set(headers, name, value);
    }
    make_inert(headers);
    if part.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

fn describe(headers: &mut HeaderMap, object: &StoredObject) {
    set(headers, "content-type", &object.headers.content_type);
    set(headers, "etag", &object.etag);
    set(headers, "last-modified", &object.modified_at.to_http_date());
    set(headers, "accept-ranges", "bytes");
    set(headers, "content-md5", &object.headers.content_md5);
    set(headers, "x-oss-object-type", OBJECT_TYPE);
    set(headers, "x-oss-storage-class", STORAGE_CLASS);
    set(headers, "x-oss-hash-crc64ecma", &object.crc64.to_string());
    for (name, value) in &object.headers.standard {
        set(headers, name, value);
    }
    for (name, value) in &object.headers.meta {
        set(headers, &format!("x-oss-meta-{name}"), value);
    }
}

/// Types that a browser would run or render as a document of this host become downloads.
fn make_inert(headers: &mut HeaderMap) {
    let text = |name: HeaderName| headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).unwrap_or_default();
    let kind = text(header::CONTENT_TYPE);
    let essence = kind.split([';', ',']).next().unwrap_or_default().trim().to_ascii_lowercase();
    let active = matches!(essence.as_str(), "text/html" | "text/xml" | "application/xml" | "text/xsl" | "multipart/x-mixed-replace" | "multipart/related")
        || essence.ends_with("+xml")
        // What no browser can make sense of it may guess at.
        || !essence.contains('/')
        || kind.contains(',');
    let disposition = text(header::CONTENT_DISPOSITION);
    let (word, rest) = disposition.split_once(';').unwrap_or((disposition, ""));
    if active && !word.trim().eq_ignore_ascii_case("attachment") {
        let value = if rest.is_empty() { "attachment".to_owned() } else { format!("attachment;{rest}") };
        set(headers, "content-disposition", &value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disposition(kind: &str, given: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        set(&mut headers, "content-type", kind);
        if let Some(given) = given {
            set(&mut headers, "content-disposition", given);
        }
        make_inert(&mut headers);
        headers.get("content-disposition").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn active_content_is_a_download() {
        for kind in [
            "text/html",
            "TEXT/HTML; charset=utf-8",
            "image/svg+xml",
            "application/xml",
            "application/xhtml+xml",
            "text/plain, text/html",
            "",
            "html",
        ] {
            assert_eq!(disposition(kind, None).as_deref(), Some("attachment"), "{kind}");
        }
        assert_eq!(disposition("text/html", Some("inline; filename=a")).as_deref(), Some("attachment; filename=a"));
        assert_eq!(disposition("text/html", Some("Attachment; filename=a")).as_deref(), Some("Attachment; filename=a"));
        assert_eq!(disposition("image/png", None), None);
        assert_eq!(disposition("image/png", Some("inline")).as_deref(), Some("inline"));
    }
}
