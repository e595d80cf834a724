//! JSON as it was written: members in order with duplicates kept, so that the reader can refuse them by path.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The longest document read at all, in bytes. Callers have smaller limits of their own, in characters.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
/// The deepest nesting of lists and objects; a policy needs six.
pub(crate) const MAX_DEPTH: usize = 16;

/// One JSON value. Numbers are not kept: no policy language member takes one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<Json>),
    Members(Vec<(String, Json)>),
}

impl Json {
    /// Reads one document; the error says why it is none.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("longer than {MAX_BYTES} bytes"));
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Depth(0)
            .deserialize(&mut deserializer)
            .and_then(|json| deserializer.end().map(|()| json))
            .map_err(|error| format!("not JSON: {error}"))
    }

    /// What kind of value it is, with an article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Members(_) => "an object",
        }
    }
}

/// Reads a value that stands inside this many lists and objects.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.0 < MAX_DEPTH { Ok(Self(self.0 + 1)) } else { Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}"))) }
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Json, A::Error> {
        let inner = self.inner()?;
        let mut members = Vec::new();
        while let Some(name) = pairs.next_key::<String>()? {
            members.push((name, pairs.next_value_seed(inner)?));
        }
        Ok(Json::Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_duplicates_and_limits_depth_and_size() {
        let Json::Members(members) = Json::read(r#"{"a":1,"a":[true,null,"x"]}"#).unwrap() else { panic!() };
        assert_eq!(members.len(), 2);
        assert!(Json::read(&format!("{}{}", "[".repeat(16), "]".repeat(16))).is_ok());
        assert!(Json::read(&format!("{}{}", "[".repeat(17), "]".repeat(17))).unwrap_err().contains("nested deeper"));
        assert!(Json::read(&"[".repeat(60_000)).is_err());
        assert!(Json::read(&" ".repeat(MAX_BYTES + 1)).unwrap_err().contains("longer"));
        assert!(Json::read("{} {}").is_err());
        assert!(Json::read("\u{feff}{}").is_err());
    }
}
