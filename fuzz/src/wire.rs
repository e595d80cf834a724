//! Bytes read as one HTTP request: `METHOD target`, header lines, an empty line, the body.
//!
//! This is no HTTP parser (the server's is hyper's). It only lets a mutation reach every part that a signature speaks of.

use aws_lc_rs::digest::{SHA256, digest};
use tegata_sign::{Arrived, form};

/// Name and value.
pub type Pairs = Vec<(String, String)>;

/// One request, with its query and form decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The method.
    pub method: String,
    /// The path, still encoded.
    pub path: String,
    /// The query, decoded.
    pub query: Pairs,
    /// The headers, names in lower case.
    pub headers: Pairs,
    /// The body.
    pub body: Vec<u8>,
    /// The body, decoded, if it says that it is a form.
    pub form: Pairs,
    body_sha256: [u8; 32],
}

impl Wire {
    /// Reads bytes; `None` if query or form cannot be decoded, which the server refuses before it looks for a signature.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
        let (head, rest) = bytes.split_at_checked(end)?;
        let body = rest.get(2..).unwrap_or_default().to_vec();
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split('\n');
        let (method, target) = lines.next()?.split_once(' ').unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers: Pairs = lines
            .map(|line| line.split_once(':').unwrap_or((line, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.strip_prefix(' ').unwrap_or(value).to_owned()))
            .collect();
        let is_form = headers.iter().any(|(name, value)| name == "content-type" && value.starts_with("application/x-www-form-urlencoded"));
        let form = if is_form { form::decode(std::str::from_utf8(&body).ok()?).ok()? } else { Vec::new() };
        let body_sha256 = sha256(&body);
        Some(Self { method: method.to_owned(), path: path.to_owned(), query: form::decode(query).ok()?, headers, body, form, body_sha256 })
    }

    /// The request as the signature schemes see it.
    pub fn arrived(&self) -> Arrived<'_> {
        Arrived {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            form: &self.form,
            body_sha256: Some(self.body_sha256),
        }
    }

    /// The same request with query, form and headers in the opposite order, which no canonical form may notice.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut other = self.clone();
        other.query.reverse();
        other.form.reverse();
        other.headers.reverse();
        other
    }

    /// The hash of the body.
    pub fn body_sha256(&self) -> [u8; 32] {
        self.body_sha256
    }
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap_or_default()
}

/// The pairs whose names are none of `reserved`, each name once.
pub(crate) fn without(pairs: &[(String, String)], reserved: impl Fn(&str) -> bool) -> Pairs {
    let mut kept: Pairs = Vec::new();
    for (name, value) in pairs {
        if !reserved(name) && !kept.iter().any(|(known, _)| known == name) {
            kept.push((name.clone(), value.clone()));
        }
    }
    kept
}
