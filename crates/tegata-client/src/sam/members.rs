//! The members of a profile, as the vendor's files, its profile commands and our own files have them: one JSON object, names in any case.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use tegata_model::SecretKey;
use zeroize::Zeroize as _;

/// A secret that several hold.
pub type Secret = Arc<SecretKey>;

/// Every member that means something, as it is written.
const KNOWN: [&str; 18] = [
    "email",
    "password",
    "operatorId",
    "userName",
    "authKeyId",
    "authKey",
    "mfaOTPCode",
    "sourceProfile",
    "profileCommand",
    "profileCommandTimeoutSeconds",
    "shell",
    "tokenTimeoutSeconds",
    "endpoint",
    "caFile",
    "headers",
    "coverageType",
    "sandbox",
    "registerPaymentMethod",
];

/// The members of one profile. Its `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Members {
    known: BTreeMap<&'static str, Value>,
    unknown: Vec<String>,
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").field("known", &self.known.keys()).field("unknown", &self.unknown).finish()
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for value in self.known.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

/// Members in the order of the text, so that a name that stands twice is seen.
struct Listed(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listed, A::Error> {
                let mut all = Vec::new();
                while let Some(member) = map.next_entry()? {
                    all.push(member);
                }
                Ok(Listed(all))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Members {
    /// Reads one JSON object. What is wrong is told by place and name, never with what stands there: it is full of secrets.
    pub fn read(text: &str) -> Result<Self, String> {
        let Listed(listed) = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "it is JSON, but not one object".to_owned(),
            _ if text.trim().is_empty() => "it is empty".to_owned(),
            _ => format!("it is not one JSON object (line {}, column {})", error.line(), error.column()),
        })?;
        let mut members = Self::default();
        for (name, value) in listed {
            // The vendor's program writes `username` and reads both, as it reads every name in any case.
            match KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(&name)) {
                Some(known) if members.known.contains_key(known) => return Err(format!("`{known}` stands there twice")),
                Some(known) => _ = members.known.insert(known, value),
                None => members.unknown.push(name),
            }
        }
        members.known.retain(|_, value| !value.is_null());
        Ok(members)
    }

    /// Names that mean nothing here.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The same without names that mean nothing here.
    #[must_use]
    pub fn known_only(mut self) -> Self {
        self.unknown.clear();
        self
    }

    /// Every name that was there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().copied().chain(self.unknown.iter().map(String::as_str))
    }

    /// A member that is a text; nothing if it is absent or empty.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, String> {
        match self.known.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(Value::Number(_)) => Err(format!("`{name}` has to be a text: write it in quotes")),
            Some(_) => Err(format!("`{name}` has to be a text")),
        }
    }

    /// A member that is a secret text.
    pub fn secret(&self, name: &'static str) -> Result<Option<Secret>, String> {
        Ok(self.text(name)?.map(|text| Arc::new(SecretKey::new(text.to_owned()))))
    }

    /// A member that is a whole number.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, String> {
        match self.known.get(name) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| format!("`{name}` has to be a whole number, without quotes")),
        }
    }

    /// A member that is true or false; false if it is absent.
    pub fn flag(&self, name: &'static str) -> Result<bool, String> {
        match self.known.get(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| format!("`{name}` has to be true or false")),
        }
    }

    /// A member as it stands there.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.known.get(name)
    }

    /// Writes a member, or takes it out.
    pub fn set(&mut self, name: &'static str, value: Option<Value>) {
        match value.filter(|value| !value.is_null() && value.as_str() != Some("")) {
            Some(value) => _ = self.known.insert(name, value),
            None => _ = self.known.remove(name),
        }
    }

    /// Headers: an object of texts.
    pub fn headers(&self) -> Result<Vec<(String, String)>, String> {
        let wrong = || "`headers` has to be an object of texts".to_owned();
        let Some(value) = self.known.get("headers") else { return Ok(Vec::new()) };
        let all = value.as_object().ok_or_else(wrong)?;
        all.iter().map(|(name, value)| Ok((name.to_ascii_lowercase(), value.as_str().ok_or_else(wrong)?.to_owned()))).collect()
    }

    /// The whole as JSON, in one order.
    pub fn to_json(&self) -> Value {
        Value::Object(self.known.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_secrets_are_never_told() {
        let members = Members::read(r#" {"EMAIL":"a@b","Username":"carol","mfaotpcode":"000123","extra":1,"password":null} "#).unwrap();
        assert_eq!(members.text("email").unwrap(), Some("a@b"));
        assert_eq!(members.text("userName").unwrap(), Some("carol"));
        assert_eq!(members.text("mfaOTPCode").unwrap(), Some("000123"));
        assert_eq!(members.text("password").unwrap(), None);
        assert_eq!(members.unknown(), ["extra"]);
        assert!(!format!("{members:?}").contains("000123"));
        for (text, told) in [
            ("", "empty"),
            ("[]", "not one object"),
            (r#"{"a":1} {"b":2}"#, "not one JSON object"),
            (r#"{"password":"hunter2","Password":"x"}"#, "`password` stands there twice"),
            (r#"{"password":"hunter2"#, "line 1"),
        ] {
            let problem = Members::read(text).unwrap_err();
            assert!(problem.contains(told) && !problem.contains("hunter2"), "{text}: {problem}");
        }
        let wrong = Members::read(r#"{"mfaOTPCode":123456,"tokenTimeoutSeconds":"9","headers":{"a":1}}"#).unwrap();
        assert!(wrong.text("mfaOTPCode").unwrap_err().contains("in quotes"));
        assert!(wrong.number("tokenTimeoutSeconds").is_err() && wrong.headers().is_err());
    }
}
