//! One line of the catalogue with what performs it, and how a performing function reads parameters and words its answer.

use std::{fmt::Display, future::Future, pin::Pin, str::FromStr};

use tegata_core::{
    Caller, Core,
    authn::Proof,
    directory::{Listed, Page, PolicyRef, PolicyType, TAGS_AT_ONCE, Tag, TagFilter},
};
use tegata_model::SecretKey;

use super::{
    catalogue::OperationSpec,
    error::AcsError,
    params::Params,
    reply::{Reply, Tree},
};

/// One operation: what is said of it, and what reads its parameters and words its answer.
pub(crate) struct Entry {
    /// What is said of it.
    pub(crate) spec: OperationSpec,
    /// What performs it.
    pub(crate) handler: for<'a> fn(&'a Ask<'a>) -> Answering<'a>,
    /// What proves who asks, where it is not a signature.
    pub(crate) proof: Option<ReadProof>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.spec.name)
    }
}

/// The members of an answer.
pub(crate) type Fields = Vec<(&'static str, Tree)>;
/// What finds the proof among the parameters.
pub(crate) type ReadProof = fn(&Params<'_>) -> Result<Proof, AcsError>;
type Answering<'a> = Pin<Box<dyn Future<Output = Result<Fields, AcsError>> + Send + 'a>>;

/// A line of a table: name, summary, function, parameters; and what reads the proof, where that is not a signature.
macro_rules! entry {
    (@proof) => { None };
    (@proof $proof:path) => { Some($proof) };
    ($name:literal, $summary:literal, $function:path, [$($parameter:expr),* $(,)?] $(, proof = $proof:path)?) => {
        $crate::acs::ask::Entry {
            spec: $crate::acs::catalogue::OperationSpec { name: $name, summary: $summary, parameters: &[$($parameter),*] },
            handler: |ask| Box::pin($function(ask)),
            proof: $crate::acs::ask::entry!(@proof $($proof)?),
        }
    };
}
pub(crate) use entry;

/// Performs one operation of the catalogue.
pub(crate) async fn answer(entry: &Entry, core: &Core, caller: &Caller, params: &Params<'_>) -> Result<Reply, AcsError> {
    let ask = Ask { core, caller, params };
    Ok(Reply { operation: entry.spec.name, fields: (entry.handler)(&ask).await? })
}

/// One call: who asks whom for what.
pub(crate) struct Ask<'a> {
    pub(crate) core: &'a Core,
    pub(crate) caller: &'a Caller,
    pub(crate) params: &'a Params<'a>,
}

impl Ask<'_> {
    pub(crate) async fn perform<O: tegata_core::Operation>(&self, operation: O) -> Result<O::Output, AcsError> {
        Ok(self.core.perform(self.caller, &operation).await?)
    }

    /// A name that must be there. What is too long has another code than what has the wrong characters.
    pub(crate) fn name<T: FromStr<Err: Display>>(&self, parameter: &'static str) -> Result<T, AcsError> {
        self.maybe_name(parameter)?.ok_or_else(|| AcsError::missing(parameter))
    }

    /// A name that may be absent.
    pub(crate) fn maybe_name<T: FromStr<Err: Display>>(&self, parameter: &'static str) -> Result<Option<T>, AcsError> {
        let Some(text) = self.params.text(parameter).filter(|text| !text.is_empty()) else { return Ok(None) };
        text.parse().map(Some).map_err(|error: T::Err| {
            let allowed = match parameter {
                "PolicyName" => 1..=128,
                "AccountAlias" => 3..=63,
                _ => 1..=64,
            };
            let way = if allowed.contains(&text.chars().count()) { "InvalidChars" } else { "Length" };
            AcsError::invalid_in(parameter, way, &error.to_string())
        })
    }

    /// A text for people that may be absent.
    pub(crate) fn words<T: FromStr<Err: Display>>(&self, parameter: &'static str) -> Result<Option<T>, AcsError> {
        self.coded(parameter, "Length")
    }

    /// An address or a number of a certain form that may be absent.
    pub(crate) fn formed<T: FromStr<Err: Display>>(&self, parameter: &'static str) -> Result<Option<T>, AcsError> {
        self.coded(parameter, "Format")
    }

    fn coded<T: FromStr<Err: Display>>(&self, parameter: &'static str, way: &str) -> Result<Option<T>, AcsError> {
        let parsed = self.params.text(parameter).map(str::parse).transpose();
        parsed.map_err(|error: T::Err| AcsError::invalid_in(parameter, way, &error.to_string()))
    }

    /// A document that must be there, as it was sent.
    pub(crate) fn document(&self, parameter: &'static str) -> Result<String, AcsError> {
        self.params.required(parameter)
    }

    /// `true` or `false`; `false` if it is absent.
    pub(crate) fn flag(&self, parameter: &'static str) -> Result<bool, AcsError> {
        Ok(self.maybe_flag(parameter)?.unwrap_or(false))
    }

    /// `true` or `false`, or nothing was said.
    pub(crate) fn maybe_flag(&self, parameter: &'static str) -> Result<Option<bool>, AcsError> {
        match self.params.text(parameter) {
            None | Some("") => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(AcsError::invalid(parameter, "`true` and `false` are the values")),
        }
    }

    /// A whole number that may be absent.
    pub(crate) fn maybe_number(&self, parameter: &'static str) -> Result<Option<u32>, AcsError> {
        match self.params.text(parameter) {
            None | Some("") => Ok(None),
            Some(text) if !text.bytes().all(|byte| byte.is_ascii_digit()) => Err(AcsError::invalid(parameter, "a whole number is needed")),
            // What has too many digits is out of every range.
            Some(text) => Ok(Some(text.parse().unwrap_or(u32::MAX))),
        }
    }

    /// A secret that may be absent.
    pub(crate) fn maybe_secret(&self, parameter: &'static str) -> Option<SecretKey> {
        self.params.text(parameter).filter(|text| !text.is_empty()).map(|text| SecretKey::new(text.to_owned()))
    }

    /// A secret that must be there.
    pub(crate) fn secret(&self, parameter: &'static str) -> Result<SecretKey, AcsError> {
        self.maybe_secret(parameter).ok_or_else(|| AcsError::missing(parameter))
    }

    /// `Marker` and `MaxItems`.
    pub(crate) fn page(&self, most: usize) -> Result<Page, AcsError> {
        self.page_by("Marker", "MaxItems", most)
    }

    /// The same by other names.
    pub(crate) fn page_by(&self, marker: &'static str, size: &'static str, most: usize) -> Result<Page, AcsError> {
        let limit = match self.params.text(size) {
            None | Some("") => 100,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=most).contains(limit))
                .ok_or_else(|| AcsError::invalid(size, &format!("a whole number from 1 to {most} is needed")))?,
        };
        let after = self.params.text(marker).unwrap_or_default();
        if after.len() > 1024 || after.contains('\0') {
            return Err(AcsError::invalid(marker, "it is not one that was given out"));
        }
        Ok(Page { after: after.to_owned(), limit })
    }

    /// `PolicyType` where it may be absent.
    pub(crate) fn policy_type(&self) -> Result<Option<PolicyType>, AcsError> {
        match self.params.text("PolicyType") {
            None | Some("") => Ok(None),
            Some("Custom") => Ok(Some(PolicyType::Custom)),
            Some("System") => Ok(Some(PolicyType::System)),
            Some(_) => Err(AcsError::invalid("PolicyType", "`Custom` and `System` are the types")),
        }
    }

    /// `PolicyType` and `PolicyName`.
    pub(crate) fn policy(&self) -> Result<PolicyRef, AcsError> {
        let kind = self.policy_type()?.ok_or_else(|| AcsError::missing("PolicyType"))?;
        Ok(PolicyRef { kind, name: self.name("PolicyName")? })
    }

    /// Several texts: one JSON list, `a;b` or `a,b`, or flat as `Name.1`, `Name.2`. The first of the names stands in errors.
    pub(crate) fn several(&self, names: &[&'static str]) -> Result<Vec<String>, AcsError> {
        for name in names {
            if let Some(given) = self.params.text(name) {
                if given.trim_start().starts_with('[') {
                    let rule = "a JSON list of texts is needed";
                    return serde_json::from_str(given).map_err(|_| AcsError::invalid(name, rule));
                }
                return Ok(given.split([';', ',']).map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect());
            }
            let flat = self.params.indexed(name);
            if !flat.is_empty() {
                return Ok(flat.into_iter().map(|(_, value)| value.to_owned()).collect());
            }
        }
        Ok(Vec::new())
    }

    /// `Tag`, with what is said of its value.
    fn pairs(&self) -> Result<Vec<(String, Option<String>)>, AcsError> {
        if let Some(given) = self.params.text("Tag").filter(|text| !text.is_empty()) {
            let rule = "a JSON list such as `[{\"Key\":\"team\",\"Value\":\"web\"}]` is needed";
            let read: Vec<serde_json::Value> = serde_json::from_str(given).map_err(|_| AcsError::invalid("Tag", rule))?;
            let one = |pair: &serde_json::Value| {
                let key = pair.get("Key")?.as_str()?.to_owned();
                match pair.get("Value") {
                    None | Some(serde_json::Value::Null) => Some((key, None)),
                    Some(value) => Some((key, Some(value.as_str()?.to_owned()))),
                }
            };
            return read.iter().map(|pair| one(pair).ok_or_else(|| AcsError::invalid("Tag", rule))).collect();
        }
        let keys = self.params.indexed_with("Tag", "Key");
        let values = self.params.indexed_with("Tag", "Value");
        if values.iter().any(|(at, _)| keys.iter().all(|(known, _)| known != at)) {
            return Err(AcsError::invalid("Tag", "a value without its key"));
        }
        let value = |at: &u16| values.iter().find(|(known, _)| known == at).map(|(_, value)| (*value).to_owned());
        Ok(keys.iter().map(|(at, key)| ((*key).to_owned(), value(at))).collect())
    }

    /// `Tag` as what something is given; a value that is absent is empty.
    pub(crate) fn tags(&self) -> Result<Vec<Tag>, AcsError> {
        let refused = |error: tegata_model::NameError| AcsError::invalid("Tag", &error.to_string());
        let one = |(key, value): (String, Option<String>)| {
            Ok(Tag { key: key.parse().map_err(refused)?, value: value.unwrap_or_default().parse().map_err(refused)? })
        };
        self.pairs()?.into_iter().map(one).collect()
    }

    /// `Tag` as what a list is narrowed by; a value that is absent or empty is any value.
    pub(crate) fn tag_filter(&self) -> Result<Vec<TagFilter>, AcsError> {
        let refused = |error: tegata_model::NameError| AcsError::invalid("Tag", &error.to_string());
        let pairs = self.pairs()?;
        if pairs.len() > TAGS_AT_ONCE {
            return Err(AcsError::invalid("Tag", &format!("a list is narrowed by at most {TAGS_AT_ONCE} tags")));
        }
        let one = |(key, value): (String, Option<String>)| {
            let value = value.filter(|value| !value.is_empty()).map(|value| value.parse()).transpose().map_err(refused)?;
            Ok(TagFilter { key: key.parse().map_err(refused)?, value })
        };
        pairs.into_iter().map(one).collect()
    }
}

pub(crate) fn text(value: &impl ToString) -> Tree {
    Tree::Text(value.to_string())
}

/// A text that is left out where nothing was said.
pub(crate) fn said(name: &'static str, value: String) -> Option<(&'static str, Tree)> {
    (!value.is_empty()).then_some((name, Tree::Text(value)))
}

/// A list as this wire wraps it: `{"Users":{"User":[…]}}`.
pub(crate) fn wrapped(plural: &'static str, singular: &'static str, items: Vec<Tree>) -> (&'static str, Tree) {
    (plural, Tree::Object(vec![(singular, Tree::List(items))]))
}

/// A page of a list, with where to go on.
pub(crate) fn paged<T>(plural: &'static str, singular: &'static str, listed: Listed<T>, show: impl FnMut(T) -> Tree) -> Fields {
    let mut fields =
        vec![wrapped(plural, singular, listed.items.into_iter().map(show).collect()), ("IsTruncated", Tree::Flag(listed.next.is_some()))];
    fields.extend(listed.next.map(|next| ("Marker", Tree::Text(next))));
    fields
}

pub(crate) fn type_word(kind: PolicyType) -> &'static str {
    match kind {
        PolicyType::Custom => "Custom",
        PolicyType::System => "System",
    }
}
