//! What is asked: action, resource, principal and the facts around them.

use std::{borrow::Cow, fmt, slice};

use crate::Principal;

/// The five segments of `acs:<service>:<region>:<account>:<relative>`.
///
/// Region and account may be `*` or empty, which is the same. The relative part may contain `:` and `/`; for an
/// operation on a whole collection it is literally `user/*`, which only a pattern that covers the star matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The service code, such as `oss`. Compared without case.
    pub service: &'a str,
    /// The region, `*` or empty where the service has none.
    pub region: &'a str,
    /// The public number of the owning account, `*` or empty where there is none.
    pub account: &'a str,
    /// What the service calls the thing, usually `type/name`. Compared with case.
    pub relative: &'a str,
}

impl<'a> Resource<'a> {
    /// Splits the text form at its first four colons; `None` if there are fewer or it does not begin with `acs`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(5, ':');
        let head = parts.next()?;
        let (service, region, account, relative) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        head.eq_ignore_ascii_case("acs").then_some(Self { service, region, account, relative })
    }
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "acs:{}:{}:{}:{}", self.service, self.region, self.account, self.relative)
    }
}

/// The facts around a request that conditions ask for: keys with one or more values.
///
/// Keys are compared without ASCII case. A key without any value is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    // A request has a handful of keys: walking them is quicker than hashing one.
    entries: Vec<(Box<str>, Values)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl Context {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key to one value; what it had before is gone.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.replace(key, Some(Values::One(value.into())));
    }

    /// Sets a key to several values; what it had before is gone. No value makes the key absent.
    pub fn set_many(&mut self, key: &str, values: Vec<String>) {
        self.replace(key, (!values.is_empty()).then_some(Values::Many(values)));
    }

    fn replace(&mut self, key: &str, values: Option<Values>) {
        self.entries.retain(|(known, _)| !known.eq_ignore_ascii_case(key));
        self.entries.extend(values.map(|values| (key.into(), values)));
    }

    /// The values of a key, at least one; `None` if it is absent.
    pub fn values(&self, key: &str) -> Option<&[String]> {
        self.entries.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, values)| values.as_slice())
    }

    /// Every key with its values, in the order they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries.iter().map(|(key, values)| (&**key, values.as_slice()))
    }
}

/// One question: may this principal do this to that, under these circumstances?
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `<service>:<name>`, such as `oss:GetObject`. Compared without case.
    pub action: &'a str,
    /// A second spelling of the same action: a statement speaks of the request if it names either.
    pub alias: Option<&'a str>,
    /// What it is done to.
    pub resource: Resource<'a>,
    /// Who asks; `None` for an anonymous request, which no named principal matches.
    pub principal: Option<Principal<'a>>,
    /// The facts around it.
    pub context: &'a Context,
}

/// A request with the parts that are compared without case folded, once for all policies.
pub(crate) struct Folded<'r> {
    request: &'r Request<'r>,
    action: Cow<'r, str>,
    alias: Option<Cow<'r, str>>,
    service: Cow<'r, str>,
}

/// What an expression is evaluated against: a view of a [`Folded`] request.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The service and name of the action.
    pub(crate) action: (&'a str, &'a str),
    /// The same of its second spelling.
    pub(crate) alias: Option<(&'a str, &'a str)>,
    pub(crate) resource: Resource<'a>,
    pub(crate) principal: Option<Principal<'a>>,
    pub(crate) context: &'a Context,
}

impl<'r> Folded<'r> {
    pub(crate) fn new(request: &'r Request<'r>) -> Self {
        Self { request, action: fold(request.action), alias: request.alias.map(fold), service: fold(request.resource.service) }
    }

    pub(crate) fn request(&self) -> &'r Request<'r> {
        self.request
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        let Resource { region, account, relative, .. } = self.request.resource;
        let resource = Resource { service: &self.service, region: or_star(region), account: or_star(account), relative };
        Facts {
            action: split(&self.action),
            alias: self.alias.as_deref().map(split),
            resource,
            principal: self.request.principal,
            context: self.request.context,
        }
    }
}

fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

fn split(action: &str) -> (&str, &str) {
    action.split_once(':').unwrap_or(("", action))
}

fn or_star(segment: &str) -> &str {
    if segment.is_empty() { "*" } else { segment }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_has_five_segments() {
        let text = "acs:oss:*:100:media/a:b";
        let resource = Resource::parse(text).unwrap();
        assert_eq!((resource.account, resource.relative), ("100", "media/a:b"));
        assert_eq!(resource.to_string(), text);
        assert_eq!(Resource::parse("acs:oss:*:media"), None);
        assert_eq!(Resource::parse("arn:oss:*:1:media"), None);
    }

    #[test]
    fn context_keys_have_no_case_and_no_values_is_absence() {
        let mut context = Context::new();
        context.set("acs:SourceIp", "192.0.2.1");
        context.set("acs:SourceIP", "192.0.2.2");
        assert_eq!(context.values("ACS:sourceip").unwrap(), ["192.0.2.2"]);
        context.set_many("oidc:aud", vec!["a".into(), "b".into()]);
        assert_eq!(context.iter().count(), 2);
        context.set_many("OIDC:aud", Vec::new());
        assert_eq!(context.values("oidc:aud"), None);
    }
}
