//! What this wire offers, as data: the API name, the method and path, what it does, and its parameters. Requests are routed by it, conditions
//! of permissions see its path variables, and the command line and the reference pages are made of it.

use super::{ask::Entry, audit_log, auth, error::SamFault, mfa, operator, permissions, roles, users};

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Replaces.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// As it stands in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub struct OperationSpec {
    /// Its API name, as permissions spell it: `User:listUsers`.
    pub api: &'static str,
    /// The method.
    pub method: Method,
    /// The path below `/v1`, with `{variables}`.
    pub path: &'static str,
    /// What it does, in a few words without a full stop.
    pub summary: &'static str,
    /// What it can be given besides the variables of its path.
    pub parameters: &'static [Parameter],
    /// True if no session is needed.
    pub open: bool,
}

impl OperationSpec {
    /// The variables of its path, in order.
    pub fn variables(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(variable)
    }
}

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name on the wire.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// What it holds.
    pub kind: Kind,
    /// Whether the operation is refused without it.
    pub required: bool,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the query.
    Query,
    /// A member of the body.
    Body,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A long text that people keep in a file: JSON in a text.
    Document,
    /// A text that must not stand in a shell's history.
    Secret,
    /// Several texts.
    List,
}

/// A member that must be there.
pub(crate) const fn need(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, place: Place::Body, kind, required: true }
}

/// A member that may be absent.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, place: Place::Body, kind, required: false }
}

/// A parameter of the query.
pub(crate) const fn query(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, place: Place::Query, kind, required: false }
}

/// The tables, in the order in which they are shown. A path that names a thing literally stands before one with a variable in that place.
const TABLES: &[&[Entry]] = &[auth::TABLE, mfa::TABLE, operator::TABLE, permissions::TABLE, users::TABLE, roles::TABLE, audit_log::TABLE];

fn entries() -> impl Iterator<Item = &'static Entry> {
    TABLES.iter().copied().flatten()
}

/// Every operation that is offered.
pub fn catalogue() -> impl Iterator<Item = &'static OperationSpec> {
    entries().map(|entry| &entry.spec)
}

fn variable(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The variables of a path, by name.
type Variables = Vec<(&'static str, String)>;

/// The operation of a request, with the variables of its path.
pub(super) fn find(method: &http::Method, path: &str) -> Result<(&'static Entry, Variables), SamFault> {
    let undecodable = |_| SamFault::malformed("a percent sign in the path is not followed by two hex digits");
    let below = path.strip_prefix("/v1/").unwrap_or_default();
    let segments: Vec<String> =
        below.split('/').map(|raw| tegata_sign::form::percent_decode(raw).map_err(undecodable)).collect::<Result<_, _>>()?;
    let mut known_path = false;
    for entry in entries() {
        let Some(variables) = matches(&segments, entry.spec.path) else { continue };
        if entry.spec.method.name() == method.as_str() {
            return Ok((entry, variables));
        }
        known_path = true;
    }
    Err(if known_path { SamFault::other_method() } else { SamFault::no_path() })
}

fn matches(segments: &[String], path: &'static str) -> Option<Variables> {
    let mut variables = Vec::new();
    let mut given = segments.iter();
    for known in path.trim_start_matches('/').split('/') {
        let segment = given.next()?;
        match variable(known) {
            Some(name) if !segment.is_empty() => variables.push((name, segment.clone())),
            None if known == segment => {}
            _ => return None,
        }
    }
    given.next().is_none().then_some(variables)
}
