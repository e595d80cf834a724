//! How much is read of a stranger's request, and as what.

use std::time::Duration;

use axum::body::BodyDataStream;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use http::request::Parts;
use tegata_sign::{
    Arrived,
    arrived::{MAX_HEADER_BYTES, MAX_HEADERS},
    form::{self, FormError},
};

/// The head of a request as text: the path still encoded, the query decoded, header names in lower case.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
}

/// Why a head is not read any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeadProblem {
    /// The target is longer than this many bytes.
    TargetTooLong(usize),
    /// More headers, or more bytes of them, than are read.
    TooManyHeaders,
    /// The value of a header is not UTF-8.
    NotText(String),
    /// The query cannot be decoded.
    Query(FormError),
}

impl std::fmt::Display for HeadProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TargetTooLong(limit) => write!(f, "the request target is longer than {limit} bytes"),
            Self::TooManyHeaders => write!(f, "more than {MAX_HEADERS} headers or {MAX_HEADER_BYTES} bytes of them"),
            Self::NotText(name) => write!(f, "the value of the header `{name}` is not UTF-8"),
            Self::Query(error) => write!(f, "the query cannot be read: {error}"),
        }
    }
}

/// A header that may stand once stands twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeated(pub(crate) &'static str);

impl Head {
    /// Reads a head whose target has at most `target_limit` bytes.
    pub(crate) fn read(parts: &Parts, target_limit: usize) -> Result<Self, HeadProblem> {
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        if path.len() + query.len() > target_limit {
            return Err(HeadProblem::TargetTooLong(target_limit));
        }
        let bytes: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if parts.headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
            return Err(HeadProblem::TooManyHeaders);
        }
        let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| match std::str::from_utf8(value.as_bytes()) {
            Ok(value) => Ok((name.as_str().to_owned(), value.to_owned())),
            Err(_) => Err(HeadProblem::NotText(name.to_string())),
        };
        Ok(Self {
            method: parts.method.as_str().to_owned(),
            path: path.to_owned(),
            query: form::decode(query).map_err(HeadProblem::Query)?,
            headers: parts.headers.iter().map(text).collect::<Result<_, _>>()?,
        })
    }

    /// The first header of that name, trimmed.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim_matches([' ', '\t']))
    }

    /// The one header of that name, trimmed; twice is an error, since which one counts would be anyone's guess.
    pub(crate) fn one(&self, name: &'static str) -> Result<Option<&str>, Repeated> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.trim_matches([' ', '\t']));
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            (_, Some(_)) => Err(Repeated(name)),
        }
    }

    /// The first query parameter of that name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The request as the signature schemes see it.
    pub(crate) fn arrived<'a>(&'a self, form: &'a [(String, String)], body_sha256: Option<[u8; 32]>) -> Arrived<'a> {
        Arrived { method: &self.method, path: &self.path, query: &self.query, headers: &self.headers, form, body_sha256 }
    }
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyProblem {
    /// Larger than this many bytes.
    TooLarge(usize),
    /// It ended before its announced length, or the connection broke.
    Incomplete,
}

/// How long a client may be silent in the middle of a body.
const SILENCE: Duration = Duration::from_mins(1);

/// A body did not come to its end: the connection broke, or went silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection broke or went silent")
    }
}

/// A body as it comes in, ended by an error once the client has been silent for too long.
pub(crate) fn patient(body: &mut BodyDataStream) -> impl Stream<Item = Result<Bytes, Interrupted>> + Send + '_ {
    stream::unfold(Some(body), |body| async {
        let body = body?;
        match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(body))),
            Ok(Some(Err(_))) | Err(_) => Some((Err(Interrupted), None)),
        }
    })
}

/// Reads a whole small body of at most `limit` bytes.
pub(crate) async fn small_body(body: &mut BodyDataStream, limit: usize) -> Result<Bytes, BodyProblem> {
    let mut chunks = std::pin::pin!(patient(body));
    let mut whole = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|Interrupted| BodyProblem::Incomplete)?;
        if whole.len() + chunk.len() > limit {
            return Err(BodyProblem::TooLarge(limit));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// How much of a refused body is still read, so that the client gets to see the refusal instead of a reset connection.
const DRAINED: usize = 256 * 1024;
/// How long that may take.
const DRAINING: Duration = Duration::from_millis(500);

/// Reads and drops the rest of a small body. Harmless if it fails.
pub(crate) async fn drain<E>(mut body: impl Stream<Item = Result<Bytes, E>> + Unpin) {
    let reading = async {
        let mut seen = 0;
        while let Some(Ok(chunk)) = body.next().await {
            seen += chunk.len();
            if seen > DRAINED {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAINING, reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(target: &str, headers: &[(&str, &[u8])]) -> Parts {
        let mut request = http::Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, http::HeaderValue::from_bytes(value).unwrap());
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn what_is_not_text_or_too_long_is_a_problem() {
        assert_eq!(Head::read(&parts("/abc?d=e", &[]), 6).unwrap_err(), HeadProblem::TargetTooLong(6));
        assert_eq!(Head::read(&parts("/", &[("x-a", b"\xff")]), 99).unwrap_err(), HeadProblem::NotText("x-a".into()));
        assert!(matches!(Head::read(&parts("/?a=%zz", &[]), 99).unwrap_err(), HeadProblem::Query(_)));
        let many: Vec<(&str, &[u8])> = vec![("x-a", b"1"); MAX_HEADERS + 1];
        assert_eq!(Head::read(&parts("/", &many), 99).unwrap_err(), HeadProblem::TooManyHeaders);
        let head = Head::read(&parts("/%2F?a=+b", &[("X-A", b" \xc3\xa9 "), ("x-b", b"1"), ("x-b", b"2")]), 99).unwrap();
        assert_eq!((head.path.as_str(), head.parameter("a"), head.header("x-a")), ("/%2F", Some(" b"), Some("é")));
        assert_eq!(head.one("x-b"), Err(Repeated("x-b")));
    }

    #[tokio::test]
    async fn bodies_end_at_the_limit() {
        let body = |text: &'static str| axum::body::Body::from(text).into_data_stream();
        assert_eq!(small_body(&mut body("12345"), 5).await.unwrap(), "12345");
        assert_eq!(small_body(&mut body("123456"), 5).await, Err(BodyProblem::TooLarge(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_body() {
        let silent = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"a"))]).chain(stream::pending());
        let mut body = axum::body::Body::from_stream(silent).into_data_stream();
        assert_eq!(small_body(&mut body, 5).await, Err(BodyProblem::Incomplete));
    }
}
