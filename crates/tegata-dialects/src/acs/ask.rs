//! One line of the catalogue with what performs it, and how a performing function reads parameters and words its answer.

use std::{fmt::Display, future::Future, pin::Pin, str::FromStr};

use tegata_core::{
    Caller, Core,
    authn::Proof,
    directory::{Listed, Page, PolicyRef, PolicyType},
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
    pub(crate) proof: Option<fn(&Params<'_>) -> Result<Proof, AcsError>>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.spec.name)
    }
}

/// The members of an answer.
pub(crate) type Fields = Vec<(&'static str, Tree)>;
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
            let longest = if parameter == "PolicyName" { 128 } else { 64 };
            let way = if text.chars().count() > longest { "Length" } else { "InvalidChars" };
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
        let limit = match self.params.text("MaxItems") {
            None | Some("") => 100,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=most).contains(limit))
                .ok_or_else(|| AcsError::invalid("MaxItems", &format!("a whole number from 1 to {most} is needed")))?,
        };
        let after = self.params.text("Marker").unwrap_or_default();
        if after.len() > 256 || after.contains('\0') {
            return Err(AcsError::invalid("Marker", "it is not one that was given out"));
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

    /// Tags are not offered: a caller that sends some must not believe that they were kept, or that they selected anything.
    pub(crate) fn no_tags(&self) -> Result<(), AcsError> {
        if self.params.mentions("Tag") { Err(AcsError::invalid("Tag", "this server does not offer tags")) } else { Ok(()) }
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
