//! What arrived: the path's variables, and parameters from the form, the query and a JSON body, each name with one value.

use std::sync::OnceLock;

use axum::body::Body;
use http::{HeaderMap, header, request::Parts};
use serde_json::{Map, Value};
use tegata_core::{Caller, RequestMeta};
use tegata_oauth::{json_object, parameters::MAX_VALUE};
use tegata_sign::form;

use super::error::CspFault;
use crate::edge::limits::small_body;

/// Largest body, in bytes.
const BODY: usize = 256 * 1024;
/// Longest query, in bytes.
const QUERY: usize = 32 * 1024;
/// Most parameters that are looked at.
const PARAMETERS: usize = 64;

/// One request.
pub(crate) struct Asked {
    pub(crate) headers: HeaderMap,
    pub(crate) meta: RequestMeta,
    variables: Vec<(&'static str, String)>,
    parameters: Vec<(String, String)>,
    json: Option<Map<String, Value>>,
    who: OnceLock<String>,
}

impl Asked {
    /// Reads a request to its end.
    pub(crate) async fn read(
        parts: Parts,
        body: Body,
        meta: RequestMeta,
        variables: Vec<(&'static str, String)>,
    ) -> Result<Self, CspFault> {
        let query = parts.uri.query().unwrap_or_default();
        if query.len() > QUERY {
            return Err(CspFault::request(format!("the query is longer than {QUERY} bytes")));
        }
        let mut parameters =
            Parameters(form::decode(query).map_err(|error| CspFault::request(format!("the query cannot be read: {error}")))?).once()?;
        let bytes = small_body(&mut body.into_data_stream(), BODY).await?;
        let kind = one(&parts.headers, header::CONTENT_TYPE.as_str())?.unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut json = None;
        if kind == "application/json" || kind.ends_with("+json") {
            if !bytes.is_empty() {
                let members = json_object(&bytes)?;
                parameters.extend(members.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))));
                json = Some(members);
            }
        } else if !bytes.is_empty() {
            // Some scripts send a form under no name at all.
            if !kind.is_empty() && kind != "application/x-www-form-urlencoded" {
                return Err(CspFault::request("the body is a form, `application/x-www-form-urlencoded`, or JSON, `application/json`"));
            }
            let text = std::str::from_utf8(&bytes).map_err(|_| CspFault::request("the body is not UTF-8"))?;
            parameters.extend(form::decode(text).map_err(|error| CspFault::request(format!("the body cannot be read: {error}")))?);
        }
        let parameters = Parameters(parameters).once()?;
        Ok(Self { headers: parts.headers, meta, variables, parameters, json, who: OnceLock::new() })
    }

    /// What stands in the path where the row has `{name}`.
    pub(crate) fn variable(&self, name: &str) -> &str {
        self.variables.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// A parameter, wherever it stands; one without a value counts as absent.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// A parameter that has several names; two of them must not differ.
    pub(crate) fn either(&self, names: [&str; 2]) -> Result<Option<&str>, CspFault> {
        match names.map(|name| self.parameter(name)) {
            [Some(one), Some(two)] if one != two => {
                let [first, second] = names;
                Err(CspFault::request(format!("`{first}` and `{second}` differ")))
            }
            [one, two] => Ok(one.or(two)),
        }
    }

    /// A parameter that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<&str, CspFault> {
        self.parameter(name).ok_or_else(|| CspFault::missing(name))
    }

    /// A parameter that is a whole number from 1 on.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, CspFault> {
        let Some(text) = self.parameter(name) else { return Ok(None) };
        let number = text.parse::<u64>().ok().filter(|number| *number > 0);
        number.map(Some).ok_or_else(|| CspFault::invalid(name, "a whole number from 1 on is needed"))
    }

    /// The JSON object of the body.
    pub(crate) fn json(&self) -> Result<&Map<String, Value>, CspFault> {
        self.json.as_ref().ok_or_else(|| CspFault::request("a JSON object is needed in the body, as `application/json`"))
    }

    /// The one header of that name, trimmed; twice is an error.
    pub(crate) fn header(&self, name: &'static str) -> Result<Option<&str>, CspFault> {
        one(&self.headers, name)
    }

    /// Says who asks, for the log.
    pub(crate) fn named(&self, caller: &Caller) {
        let _ = self.who.set(caller.audit_name());
    }

    pub(crate) fn who(&self) -> Option<&String> {
        self.who.get()
    }
}

struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Each name once. The same value twice is no question; two values are, since which one counts would be anyone's guess.
    fn once(self) -> Result<Vec<(String, String)>, CspFault> {
        if self.0.len() > PARAMETERS {
            return Err(CspFault::request(format!("more than {PARAMETERS} parameters")));
        }
        let mut kept: Vec<(String, String)> = Vec::with_capacity(self.0.len());
        for (name, value) in self.0 {
            let shown = || name.chars().take(64).flat_map(char::escape_debug).collect::<String>();
            if value.len() > MAX_VALUE || value.contains('\0') {
                return Err(CspFault::request(format!("the value of `{}` cannot be right", shown())));
            }
            match kept.iter().find(|(known, _)| *known == name) {
                Some((_, known)) if *known == value => {}
                Some(_) => return Err(CspFault::request(format!("`{}` stands twice with different values", shown()))),
                None => kept.push((name, value)),
            }
        }
        Ok(kept)
    }
}

/// A member of JSON as a parameter: texts and numbers are.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A header that may stand once.
fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, CspFault> {
    let mut found = headers.get_all(name).iter();
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(CspFault::request(format!("the header `{name}` is not text"))),
        },
        (Some(_), Some(_)) => Err(CspFault::request(format!("the header `{name}` stands twice"))),
    }
}
