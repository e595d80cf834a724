//! What a declaration says: users, groups, roles and policies as they shall be.
//!
//! It is read strictly. An unknown word is refused with the nearest right one, every problem is told with the place where it
//! stands, and all of them at once. What a declaration does not say stays as it is: a section that is absent, an entry that is
//! absent, a field that is absent. A list that is there is the whole list.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde_json::{Map, Value};
use tegata_model::{Comments, Description, DisplayName, EmailAddress, GroupName, PhoneNumber, PolicyName, RoleName, UserName};
use tegata_policy::nearest;

use super::super::{PolicyRef, PolicyType};

/// The only version there is.
const VERSION: u64 = 1;
/// How system policies are told from those of the account.
pub(super) const SYSTEM_PREFIX: &str = "system:";
/// Problems told at once.
const PROBLEMS: usize = 20;

const TOP: &[&str] = &["version", "users", "groups", "roles", "policies", "removed"];
const USER: &[&str] = &["display_name", "email", "phone", "comments", "policies"];
const GROUP: &[&str] = &["comments", "members", "policies"];
const ROLE: &[&str] = &["description", "max_session_seconds", "trust", "policies"];
const POLICY: &[&str] = &["description", "document"];
const REMOVED: &[&str] = &["users", "users_with_keys", "groups", "roles", "policies"];

/// A directory as it shall be. Entries are kept under their folded names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declaration {
    pub(super) users: Option<BTreeMap<String, DeclaredUser>>,
    pub(super) groups: Option<BTreeMap<String, DeclaredGroup>>,
    pub(super) roles: Option<BTreeMap<String, DeclaredRole>>,
    pub(super) policies: Option<BTreeMap<String, DeclaredPolicy>>,
    pub(super) removed: Removed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeclaredUser {
    pub(super) name: UserName,
    pub(super) display_name: Option<DisplayName>,
    /// An empty text takes what was there away; so it does below.
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) comments: Option<String>,
    pub(super) policies: Option<Vec<PolicyRef>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeclaredGroup {
    pub(super) name: GroupName,
    pub(super) comments: Option<String>,
    pub(super) members: Option<Vec<UserName>>,
    pub(super) policies: Option<Vec<PolicyRef>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeclaredRole {
    pub(super) name: RoleName,
    pub(super) description: Option<String>,
    pub(super) max_session: Option<Duration>,
    pub(super) trust: Option<Value>,
    pub(super) policies: Option<Vec<PolicyRef>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeclaredPolicy {
    pub(super) name: PolicyName,
    pub(super) description: Option<String>,
    pub(super) document: Option<Value>,
}

/// What shall not be there any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) users: Vec<UserName>,
    /// Those whose access keys go with them.
    pub(super) users_with_keys: Vec<UserName>,
    pub(super) groups: Vec<GroupName>,
    pub(super) roles: Vec<RoleName>,
    pub(super) policies: Vec<PolicyName>,
}

/// A declaration cannot be read: where, and why. At most the first twenty problems are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Each with the place where it stands.
    pub problems: Vec<String>,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("; "))
    }
}

impl std::error::Error for Unreadable {}

impl Declaration {
    /// Reads a declaration, such as `{"version":1,"users":{"alice":{"policies":["system:ReadOnlyAccess"]}}}`.
    pub fn read(value: &Value) -> Result<Self, Unreadable> {
        let mut reader = Reader { problems: Vec::new() };
        let declaration = reader.declaration(value);
        if reader.problems.is_empty() {
            return Ok(declaration);
        }
        let more = reader.problems.len().saturating_sub(PROBLEMS);
        reader.problems.truncate(PROBLEMS);
        if more > 0 {
            reader.problems.push(format!("and {more} more"));
        }
        Err(Unreadable { problems: reader.problems })
    }
}

/// Collects problems while it reads.
struct Reader {
    problems: Vec<String>,
}

impl Reader {
    fn problem(&mut self, place: &str, problem: impl fmt::Display) {
        self.problems.push(format!("`{}`: {problem}", shown(place)));
    }

    /// A table whose words are all known.
    fn table<'v>(&mut self, value: &'v Value, place: &str, words: &[&'static str]) -> Option<&'v Map<String, Value>> {
        let Value::Object(map) = value else {
            self.problem(place, "expected a table");
            return None;
        };
        for word in map.keys().filter(|word| !words.contains(&word.as_str())) {
            let hint = nearest(word, words).map_or_else(
                || format!("is not known here; known are {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")),
                |right| format!("is not known here; did you mean `{right}`?"),
            );
            self.problem(&below(place, word), hint);
        }
        Some(map)
    }

    fn declaration(&mut self, value: &Value) -> Declaration {
        let mut declaration = Declaration::default();
        let Some(map) = self.table(value, "the declaration", TOP) else { return declaration };
        match map.get("version") {
            Some(Value::Number(number)) if number.as_u64() == Some(VERSION) => {}
            Some(_) => self.problem("version", "the only version is 1"),
            None => self.problem("version", "is missing; write `version = 1`"),
        }
        declaration.users = map.get("users").map(|users| self.section(users, "users", UserName::folded, Self::user));
        declaration.groups = map.get("groups").map(|groups| self.section(groups, "groups", GroupName::folded, Self::group));
        declaration.roles = map.get("roles").map(|roles| self.section(roles, "roles", RoleName::folded, Self::role));
        declaration.policies = map.get("policies").map(|policies| self.section(policies, "policies", PolicyName::folded, Self::policy));
        if let Some(removed) = map.get("removed") {
            declaration.removed = self.removed(removed);
        }
        self.contradictions(&declaration);
        declaration
    }

    /// The entries of one section, by folded name.
    fn section<N: std::str::FromStr<Err: fmt::Display>, T>(
        &mut self,
        value: &Value,
        place: &str,
        folded: impl Fn(&N) -> String,
        read: impl Fn(&mut Self, N, &Value, &str) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let mut entries = BTreeMap::new();
        let Value::Object(map) = value else {
            self.problem(place, "expected a table, with one entry for each name");
            return entries;
        };
        for (text, value) in map {
            let place = below(place, text);
            let Some(name) = self.parsed::<N>(text, &place) else { continue };
            let key = folded(&name);
            let Some(entry) = read(self, name, value, &place) else { continue };
            if entries.insert(key, entry).is_some() {
                self.problem(&place, "is there twice; names are compared without case");
            }
        }
        entries
    }

    fn user(&mut self, name: UserName, value: &Value, place: &str) -> Option<DeclaredUser> {
        let map = self.table(value, place, USER)?;
        Some(DeclaredUser {
            name,
            display_name: self.text(map, "display_name", place).and_then(|text| self.parsed(text, &below(place, "display_name"))),
            email: self.clearable::<EmailAddress>(map, "email", place),
            phone: self.clearable::<PhoneNumber>(map, "phone", place),
            comments: self.clearable::<Comments>(map, "comments", place),
            policies: self.policies(map, place),
        })
    }

    fn group(&mut self, name: GroupName, value: &Value, place: &str) -> Option<DeclaredGroup> {
        let map = self.table(value, place, GROUP)?;
        Some(DeclaredGroup {
            name,
            comments: self.clearable::<Comments>(map, "comments", place),
            members: self.list(map, "members", place, UserName::folded),
            policies: self.policies(map, place),
        })
    }

    fn role(&mut self, name: RoleName, value: &Value, place: &str) -> Option<DeclaredRole> {
        let map = self.table(value, place, ROLE)?;
        let max_session = map.get("max_session_seconds").and_then(|seconds| {
            let read = seconds.as_u64();
            if read.is_none() {
                self.problem(&below(place, "max_session_seconds"), "expected a whole number of seconds");
            }
            read.map(Duration::from_secs)
        });
        Some(DeclaredRole {
            name,
            description: self.clearable::<Description>(map, "description", place),
            max_session,
            trust: self.document(map, "trust", place),
            policies: self.policies(map, place),
        })
    }

    fn policy(&mut self, name: PolicyName, value: &Value, place: &str) -> Option<DeclaredPolicy> {
        let map = self.table(value, place, POLICY)?;
        Some(DeclaredPolicy {
            name,
            description: self.clearable::<Description>(map, "description", place),
            document: self.document(map, "document", place),
        })
    }

    fn removed(&mut self, value: &Value) -> Removed {
        let place = "removed";
        let Some(map) = self.table(value, place, REMOVED) else { return Removed::default() };
        Removed {
            users: self.list(map, "users", place, UserName::folded).unwrap_or_default(),
            users_with_keys: self.list(map, "users_with_keys", place, UserName::folded).unwrap_or_default(),
            groups: self.list(map, "groups", place, GroupName::folded).unwrap_or_default(),
            roles: self.list(map, "roles", place, RoleName::folded).unwrap_or_default(),
            policies: self.list(map, "policies", place, PolicyName::folded).unwrap_or_default(),
        }
    }

    /// Nothing may be there and gone at once.
    fn contradictions(&mut self, declaration: &Declaration) {
        let removed = &declaration.removed;
        let mut both = |place: &str, names: Vec<String>, entries: Vec<&String>| {
            for name in names.into_iter().filter(|name| entries.contains(&name)) {
                self.problem(place, format!("`{}` is declared and removed at once", shown(&name)));
            }
        };
        let users = removed.users.iter().chain(&removed.users_with_keys).map(UserName::folded).collect();
        both("removed.users", users, declaration.users.iter().flat_map(BTreeMap::keys).collect());
        let groups = removed.groups.iter().map(GroupName::folded).collect();
        both("removed.groups", groups, declaration.groups.iter().flat_map(BTreeMap::keys).collect());
        let roles = removed.roles.iter().map(RoleName::folded).collect();
        both("removed.roles", roles, declaration.roles.iter().flat_map(BTreeMap::keys).collect());
        let policies = removed.policies.iter().map(PolicyName::folded).collect();
        both("removed.policies", policies, declaration.policies.iter().flat_map(BTreeMap::keys).collect());
    }

    fn text<'v>(&mut self, map: &'v Map<String, Value>, word: &str, place: &str) -> Option<&'v str> {
        if let Value::String(text) = map.get(word)? {
            return Some(text);
        }
        self.problem(&below(place, word), "expected a text");
        None
    }

    /// A text of a certain kind, or an empty one.
    fn clearable<T: std::str::FromStr<Err: fmt::Display>>(&mut self, map: &Map<String, Value>, word: &str, place: &str) -> Option<String> {
        let text = self.text(map, word, place)?;
        if text.is_empty() {
            return Some(String::new());
        }
        self.parsed::<T>(text, &below(place, word)).map(|_| text.to_owned())
    }

    fn parsed<T: std::str::FromStr<Err: fmt::Display>>(&mut self, text: &str, place: &str) -> Option<T> {
        text.parse().map_err(|problem| self.problem(place, problem)).ok()
    }

    /// A list of names, none of them twice.
    fn list<T: std::str::FromStr<Err: fmt::Display>>(
        &mut self,
        map: &Map<String, Value>,
        word: &str,
        place: &str,
        folded: impl Fn(&T) -> String,
    ) -> Option<Vec<T>> {
        let (value, place) = (map.get(word)?, below(place, word));
        let Value::Array(items) = value else {
            self.problem(&place, "expected a list");
            return None;
        };
        let mut names = BTreeMap::new();
        for (index, item) in (1..).zip(items) {
            let place = format!("{place}[{index}]");
            let Value::String(text) = item else {
                self.problem(&place, "expected a name");
                continue;
            };
            let Some(name) = self.parsed::<T>(text, &place) else { continue };
            if names.insert(folded(&name), name).is_some() {
                self.problem(&place, format!("`{}` is there twice", shown(text)));
            }
        }
        Some(names.into_values().collect())
    }

    fn policies(&mut self, map: &Map<String, Value>, place: &str) -> Option<Vec<PolicyRef>> {
        let named = |policy: &Named| match policy.0.kind {
            PolicyType::Custom => policy.0.name.folded(),
            PolicyType::System => format!("{SYSTEM_PREFIX}{}", policy.0.name.folded()),
        };
        Some(self.list::<Named>(map, "policies", place, named)?.into_iter().map(|named| named.0).collect())
    }

    /// A document, as a table or as its JSON text.
    fn document(&mut self, map: &Map<String, Value>, word: &str, place: &str) -> Option<Value> {
        let (value, place) = (map.get(word)?, below(place, word));
        match value {
            Value::Object(_) => Some(value.clone()),
            Value::String(text) => match serde_json::from_str(text) {
                Ok(value) => Some(value),
                Err(problem) => {
                    self.problem(&place, format!("is not JSON: {problem}"));
                    None
                }
            },
            _ => {
                self.problem(&place, "expected a document");
                None
            }
        }
    }
}

/// A policy as declarations name it: `deploy`, or `system:ReadOnlyAccess`.
struct Named(PolicyRef);

impl std::str::FromStr for Named {
    type Err = tegata_model::NameError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = match text.strip_prefix(SYSTEM_PREFIX) {
            Some(name) => (PolicyType::System, name),
            None => (PolicyType::Custom, text),
        };
        Ok(Self(PolicyRef { kind, name: name.parse()? }))
    }
}

fn below(place: &str, word: &str) -> String {
    let word = if word.contains('.') { format!("\"{word}\"") } else { word.to_owned() };
    if place == "the declaration" { word } else { format!("{place}.{word}") }
}

/// A stranger's text as a message may carry it.
fn shown(text: &str) -> String {
    text.chars().take(128).map(|c| if c.is_control() || c == '`' { '\'' } else { c }).collect()
}
