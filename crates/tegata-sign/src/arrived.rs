//! The request as it arrived, and what every scheme asks of it before reading any signature.

use crate::form::MAX_PARAMETERS;

/// Most headers of one request.
pub const MAX_HEADERS: usize = 128;
/// Most bytes of all header names and values together.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Most bytes of all decoded parameter names and values together.
pub const MAX_PARAMETER_BYTES: usize = 1024 * 1024;
/// Most bytes of the path, still encoded.
pub const MAX_PATH_BYTES: usize = 16 * 1024;
/// Most bytes of a nonce.
pub const MAX_NONCE_BYTES: usize = 128;
/// Most bytes of a security token.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// What arrived, borrowed from the HTTP layer.
#[derive(Clone, Copy)]
pub struct Arrived<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The path, still percent-encoded, without the query.
    pub path: &'a str,
    /// The query, form-decoded, in order.
    pub query: &'a [(String, String)],
    /// The headers in order of arrival, `host` among them; names in lower case.
    pub headers: &'a [(String, String)],
    /// The body, decoded, if it was a form that counts as parameters; otherwise empty.
    pub form: &'a [(String, String)],
    /// SHA-256 of the body received (an empty one has a hash too); `None` if the edge did not read it.
    pub body_sha256: Option<[u8; 32]>,
}

/// What is wrong with a request whatever its scheme. No wire codes here: each dialect names them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArrivedProblem {
    /// More of something than is read.
    #[error("more than {limit} {what}")]
    TooMany {
        /// `headers` or `parameters`.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// Longer than is read.
    #[error("the {what} is longer than {limit} bytes")]
    TooLong {
        /// What is too long, in words or as the name of a parameter.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// A method, path, header or parameter name that is empty or has a character no such thing may have.
    #[error("the {what} is empty or contains a character that does not belong there")]
    Character {
        /// Which part.
        what: &'static str,
    },
    /// A header that a signature speaks of, twice: which one counts would be anyone's guess.
    #[error("the header `{name}` is repeated")]
    HeaderRepeated {
        /// The header, lower case.
        name: String,
    },
    /// A parameter twice, in the query or between query and form.
    #[error("the parameter `{name}` is repeated")]
    ParameterRepeated {
        /// The parameter.
        name: String,
    },
}

impl<'a> Arrived<'a> {
    /// The limits and the alphabet of everything but the parameters' text, which is encoded before it is signed.
    ///
    /// A line feed in a method, path or header would let one canonical form be read in two ways.
    pub(crate) fn check(&self) -> Result<(), ArrivedProblem> {
        if self.method.is_empty() || self.method.len() > 32 || !self.method.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-') {
            return Err(ArrivedProblem::Character { what: "method" });
        }
        if self.path.len() > MAX_PATH_BYTES {
            return Err(ArrivedProblem::TooLong { what: "path", limit: MAX_PATH_BYTES });
        }
        if self.path.bytes().any(|b| b <= b' ' || b == 0x7F || matches!(b, b'?' | b'#')) {
            return Err(ArrivedProblem::Character { what: "path" });
        }
        if self.headers.len() > MAX_HEADERS {
            return Err(ArrivedProblem::TooMany { what: "headers", limit: MAX_HEADERS });
        }
        let mut bytes = 0_usize;
        for (name, value) in self.headers {
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            if name.is_empty() || !name.bytes().all(header_name_byte) {
                return Err(ArrivedProblem::Character { what: "name of a header" });
            }
            // Counted rather than searched for: without an early end, many bytes are looked at in one step.
            if value.bytes().filter(|b| (*b < b' ' && *b != b'\t') || *b == 0x7F).count() > 0 {
                return Err(ArrivedProblem::Character { what: "value of a header" });
            }
        }
        if bytes > MAX_HEADER_BYTES {
            return Err(ArrivedProblem::TooLong { what: "header section", limit: MAX_HEADER_BYTES });
        }
        if self.query.len().saturating_add(self.form.len()) > MAX_PARAMETERS {
            return Err(ArrivedProblem::TooMany { what: "parameters", limit: MAX_PARAMETERS });
        }
        // `=` alone would vanish from a canonical query that writes empty values as bare names.
        if self.parameters().any(|(name, _)| name.is_empty()) {
            return Err(ArrivedProblem::Character { what: "name of a parameter" });
        }
        let bytes = self.parameters().fold(0_usize, |sum, (name, value)| sum.saturating_add(name.len()).saturating_add(value.len()));
        if bytes > MAX_PARAMETER_BYTES {
            return Err(ArrivedProblem::TooLong { what: "parameter section", limit: MAX_PARAMETER_BYTES });
        }
        Ok(())
    }

    /// Query, then form.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.query.iter().chain(self.form).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first parameter of that name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The first query parameter of that name.
    pub(crate) fn query_value(&self, name: &str) -> Option<&'a str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The one header of that name, trimmed; twice is a problem.
    pub(crate) fn header(&self, name: &str) -> Result<Option<&'a str>, ArrivedProblem> {
        single_header(self.headers, name)
    }
}

/// The one header of that name, trimmed; twice is a problem.
pub(crate) fn single_header<'h>(headers: &'h [(String, String)], name: &str) -> Result<Option<&'h str>, ArrivedProblem> {
    let mut found = headers.iter().filter(|(n, _)| n == name).map(|(_, value)| trimmed(value));
    let first = found.next();
    if found.next().is_some() { Err(ArrivedProblem::HeaderRepeated { name: shown(name) }) } else { Ok(first) }
}

/// Refuses a name that occurs twice in a list sorted by name.
pub(crate) fn no_neighbours(sorted: &[(&str, &str)]) -> Result<(), ArrivedProblem> {
    let twice = sorted.iter().zip(sorted.iter().skip(1)).find(|((left, _), (right, _))| left == right);
    twice.map_or(Ok(()), |((name, _), _)| Err(ArrivedProblem::ParameterRepeated { name: shown(name) }))
}

/// Without the white space that HTTP allows around a value.
pub(crate) fn trimmed(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}

/// A byte a header name in lower case may have (RFC 9110 §5.6.2).
pub(crate) fn header_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A stranger's text as an error may carry it: at most 128 characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(128).collect()
}

/// The scheme an `Authorization` value begins with, short: what follows, or stands there instead, may be a secret.
pub(crate) fn shown_scheme(authorization: &str) -> String {
    authorization.split(' ').next().unwrap_or_default().chars().take(24).collect()
}
