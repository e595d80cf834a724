//! Query and form, read as one set of parameters.

use std::{fmt::Display, str::FromStr, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use http::{Method, header, request::Parts};
use tegata_sign::{Arrived, form};

use super::error::AcsError;
use crate::edge::limits::{Head, small_body};

/// Longest target of a GET, in bytes.
const GET_TARGET: usize = 4 * 1024;
/// Longest target of a POST, in bytes: clients put session policies and tokens there too.
const POST_TARGET: usize = 64 * 1024;
/// Largest body of a POST, in bytes.
const BODY: usize = 10 * 1024 * 1024;

/// A request that has arrived whole.
pub(crate) struct Received {
    pub(crate) head: Head,
    form: Vec<(String, String)>,
    body_sha256: [u8; 32],
}

impl Received {
    /// Reads head and body within the limits of this wire. A body that is no form is hashed, and otherwise ignored.
    pub(crate) async fn read(parts: &Parts, body: Body) -> Result<Self, AcsError> {
        let target = match parts.method {
            Method::GET => GET_TARGET,
            Method::POST => POST_TARGET,
            _ => return Err(AcsError::method(&parts.method)),
        };
        let head = Head::read(parts, target)?;
        let bytes = small_body(&mut body.into_data_stream(), BODY).await?;
        let is_form = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|kind| {
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        });
        let form = if is_form {
            let text = std::str::from_utf8(&bytes).map_err(|_| AcsError::body("it is not UTF-8"))?;
            form::decode(text).map_err(|error| AcsError::body(&error.to_string()))?
        } else {
            Vec::new()
        };
        let body_sha256 = digest(&SHA256, &bytes).as_ref().try_into().unwrap_or_default();
        Ok(Self { head, form, body_sha256 })
    }

    /// The request as the signature schemes see it.
    pub(crate) fn arrived(&self) -> Arrived<'_> {
        self.head.arrived(&self.form, Some(self.body_sha256))
    }

    /// The first parameter of that name, in query or form.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Every parameter, query first.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head.query.iter().chain(&self.form).map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The parameters of an operation. Those it does not know are ignored.
pub(crate) struct Params<'a>(&'a Received);

impl<'a> Params<'a> {
    /// Of a request whose proof was read: none of them occurs twice.
    pub(crate) fn of(received: &'a Received) -> Self {
        Self(received)
    }

    /// A parameter that must be there.
    pub(crate) fn required<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<T, AcsError> {
        match self.0.parameter(name) {
            None | Some("") => Err(AcsError::missing(name)),
            Some(text) => parsed(name, text),
        }
    }

    /// A parameter that may be absent. Present but empty is a value, and mostly a wrong one.
    pub(crate) fn optional<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<Option<T>, AcsError> {
        self.0.parameter(name).map(|text| parsed(name, text)).transpose()
    }

    /// The text of a parameter, however it is spelled.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.parameter(name)
    }

    /// True if a parameter of that name, or of that name with an index, is there.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.0.pairs().any(|(known, _)| known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// `Name.1`, `Name.2` and so on, in order of their numbers.
    pub(crate) fn indexed(&self, name: &str) -> Vec<(u16, &str)> {
        self.indexed_by(|known| known.strip_prefix(name)?.strip_prefix('.'))
    }

    /// `Name.1.Part`, `Name.2.Part` and so on, in order of their numbers.
    pub(crate) fn indexed_with(&self, name: &str, part: &str) -> Vec<(u16, &str)> {
        self.indexed_by(|known| known.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(part)?.strip_suffix('.'))
    }

    fn indexed_by<'n>(&'n self, number: impl Fn(&'n str) -> Option<&'n str>) -> Vec<(u16, &'n str)> {
        let mut found: Vec<(u16, &str)> = self
            .0
            .pairs()
            .filter_map(|(known, value)| {
                let digits = number(known).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
                Some((digits.parse().ok()?, value))
            })
            .collect();
        found.sort_by_key(|(at, _)| *at);
        found
    }

    /// A number of seconds that may be absent.
    pub(crate) fn seconds(&self, name: &'static str) -> Result<Option<Duration>, AcsError> {
        let Some(text) = self.0.parameter(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = if digits { text.parse().ok() } else { None };
        seconds
            .map(|seconds| Some(Duration::from_secs(seconds)))
            .ok_or_else(|| AcsError::invalid(name, "a whole number of seconds is needed"))
    }
}

fn parsed<T: FromStr<Err: Display>>(name: &'static str, text: &str) -> Result<T, AcsError> {
    text.parse().map_err(|error: T::Err| AcsError::invalid(name, &error.to_string()))
}
