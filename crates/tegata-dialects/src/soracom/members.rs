//! The body of a request: one JSON object, every name once; or nothing at all, which says the same as an object without members.

use serde_json::{Map, Value};
use tegata_model::SecretKey;

use super::error::SamFault;

/// The members of a body.
#[derive(Debug, Default)]
pub(crate) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn read(body: &[u8]) -> Result<Self, SamFault> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        tegata_oauth::json_object(body).map(Self).map_err(|error| SamFault::malformed(format!("the body is not one JSON object: {error}")))
    }

    /// A member; `null` says as little as its absence.
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text; an empty one is kept.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, SamFault> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => Err(SamFault::member(name, &"it has a NUL character")),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(SamFault::member(name, &"expected a text")),
        }
    }

    /// A text that must be there.
    pub(crate) fn need_text(&self, name: &'static str) -> Result<&str, SamFault> {
        self.text(name)?.ok_or_else(|| SamFault::missing(name))
    }

    /// A secret text; an empty one says nothing.
    pub(crate) fn secret(&self, name: &'static str) -> Result<Option<SecretKey>, SamFault> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()).map(|text| SecretKey::new(text.to_owned())))
    }

    /// A secret text that must be there.
    pub(crate) fn need_secret(&self, name: &'static str) -> Result<SecretKey, SamFault> {
        self.secret(name)?.ok_or_else(|| SamFault::missing(name))
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<i64>, SamFault> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => number.as_i64().map(Some).ok_or_else(|| SamFault::member(name, &"expected a whole number")),
            Some(_) => Err(SamFault::member(name, &"expected a whole number")),
        }
    }
}
