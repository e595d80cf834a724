//! The SORACOM permission language (SORACOM Access Management), read strictly when it is saved.
//!
//! ```json
//! {"statements":[{"effect":"allow","api":["User:*","Role:list*"],"condition":"ipAddress('192.0.2.0/24')"}]}
//! ```
//!
//! A statement names operations of its API, `<group>:<name>`. Which of our actions each of them stands for is told by the
//! caller ([`Api`]): this crate knows no action by name. What the document names and nobody knows is kept as an action of its
//! own, which no request ever is, so that documents from elsewhere can be saved.
//!
//! A text that is saved is read with [`Document::parse`], which refuses what it does not know. A text that rests in a store
//! already is read with [`Document::parse_stored`]: a condition in it that is not understood makes a Deny bind and an Allow
//! idle.

mod condition;
#[cfg(test)]
mod tests;
mod trust;

use std::fmt;

use crate::{
    Effect, Malformed, Policy,
    expr::Expr,
    glob::Glob,
    json::Json,
    malformed::Path,
    pattern::{ActionPattern, ResourcePattern},
    policy::Statement as Compiled,
    ram::{members, required, strings},
};

pub use condition::{Condition, MAX_CONDITION, PATH_VARIABLE, Relation, Term, USER_NAME};
pub use trust::{TrustDocument, TrustStatement};

/// The most statements of a document.
pub const MAX_STATEMENTS: usize = 200;
/// The most names of operations in a document.
pub const MAX_APIS: usize = 1000;

/// One operation of the API as documents name it, and what it is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api<'a> {
    /// `<group>:<name>`, such as `User:createUser`. Several rows may bear one name.
    pub name: &'a str,
    /// The canonical action.
    pub action: &'a str,
    /// The pattern that the last segment of the resource must fit, where the action alone says too much.
    pub resource: Option<&'a str>,
}

/// A permission document as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its statements; there may be none.
    pub statements: Vec<Statement>,
}

/// One rule of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it does.
    pub effect: Effect,
    /// Of which operations it speaks: `*`, `<group>:*`, `<group>:<beginning>*` or `<group>:<name>`; at least one.
    pub apis: Vec<String>,
    /// When it counts; always, if nothing is said.
    pub condition: Option<Condition>,
}

impl Document {
    /// Reads a document that is to be saved. At most 64 KiB, [`MAX_STATEMENTS`] and [`MAX_APIS`].
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::read(text, false)
    }

    /// Reads a document that was saved before, perhaps by something that knew more.
    pub fn parse_stored(text: &str) -> Result<Self, Malformed> {
        Self::read(text, true)
    }

    fn read(text: &str, stored: bool) -> Result<Self, Malformed> {
        let json = Json::read(text).map_err(|problem| Path::DOCUMENT.problem(problem))?;
        let path = Path::DOCUMENT.member("statements");
        let mut left = MAX_APIS;
        let read = |(json, path): (&Json, Path<'_>)| {
            let statement = statement(json, &path, stored)?;
            left = left
                .checked_sub(statement.apis.len())
                .ok_or_else(|| Path::DOCUMENT.problem(format!("more than {MAX_APIS} names of operations")))?;
            Ok(statement)
        };
        let statements = listed(&json, &path)?.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }

    /// Compiles it: what every policy language becomes. `apis` are all operations that are known.
    pub fn compile(&self, apis: &[Api<'_>]) -> Policy {
        let compile = |statement: &Statement| Compiled {
            effect: statement.effect,
            action: Expr::any_of(statement.apis.iter().flat_map(|pattern| actions(pattern, apis)).collect()),
            resource: Expr::Always,
            principal: Expr::Always,
            condition: statement.condition.as_ref().map_or(Expr::Always, Condition::compile),
        };
        Policy::new(self.statements.iter().map(compile).collect())
    }
}

/// Reads and compiles a text that rests in a store. One that cannot be read at all denies everything.
pub fn compile_stored(text: &str, label: &str, apis: &[Api<'_>]) -> Policy {
    Document::parse_stored(text).map_or_else(|_| Policy::unreadable(label), |document| document.compile(apis).labelled(label))
}

/// The statements of a document, each with its place.
fn listed<'j, 'p>(json: &'j Json, path: &'p Path<'p>) -> Result<Vec<(&'j Json, Path<'p>)>, Malformed> {
    let [statements] = members(json, &Path::DOCUMENT, ["statements"])?;
    let Json::List(statements) = required(statements, &Path::DOCUMENT, "statements")? else {
        return Err(path.problem("expected a list of statements"));
    };
    if statements.len() > MAX_STATEMENTS {
        return Err(path.problem(format!("more than {MAX_STATEMENTS} statements")));
    }
    Ok((1..).zip(statements).map(|(index, json)| (json, path.item(index))).collect())
}

fn statement(json: &Json, path: &Path<'_>, stored: bool) -> Result<Statement, Malformed> {
    let [effect, api, condition] = members(json, path, ["effect", "api", "condition"])?;
    let effect = effect_of(effect, path)?;
    let api_path = path.member("api");
    let apis = strings(required(api, path, "api")?, &api_path)?
        .into_iter()
        .map(|(text, path)| if is_pattern(text) { Ok(text.to_owned()) } else { Err(path.problem(PATTERN)) })
        .collect::<Result<_, _>>()?;
    Ok(Statement { effect, apis, condition: condition_of(condition, path, stored)? })
}

fn effect_of(json: Option<&Json>, path: &Path<'_>) -> Result<Effect, Malformed> {
    match required(json, path, "effect")? {
        Json::Text(word) if word == "allow" => Ok(Effect::Allow),
        Json::Text(word) if word == "deny" => Ok(Effect::Deny),
        Json::Text(word) => Err(path.member("effect").wrong_word("expected `allow` or `deny`", word, &["allow", "deny"])),
        _ => Err(path.member("effect").problem("expected `allow` or `deny`")),
    }
}

fn condition_of(json: Option<&Json>, path: &Path<'_>, stored: bool) -> Result<Option<Condition>, Malformed> {
    let path = path.member("condition");
    let text = match json {
        None => return Ok(None),
        Some(Json::Text(text)) => text,
        Some(other) => return Err(path.problem(format!("expected a string, found {}", other.kind()))),
    };
    match Condition::parse(text) {
        Ok(condition) => Ok(Some(condition)),
        Err(_) if stored => Ok(Some(Condition::Unreadable(text.clone()))),
        Err(problem) => Err(path.problem(problem)),
    }
}

const PATTERN: &str = "expected `*`, `<group>:*`, `<group>:<beginning>*` or `<group>:<name>`";

fn is_pattern(text: &str) -> bool {
    let word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    text == "*"
        || text.len() <= 128
            && text.split_once(':').is_some_and(|(group, name)| {
                !group.is_empty() && word(group) && !name.is_empty() && word(name.strip_suffix('*').unwrap_or(name))
            })
}

/// Every action that a pattern stands for.
fn actions(pattern: &str, apis: &[Api<'_>]) -> Vec<Expr> {
    if pattern == "*" {
        return vec![Expr::Action(ActionPattern::Any)];
    }
    let glob = Glob::new(&pattern.to_ascii_lowercase());
    let mut known: Vec<(&str, Option<&str>)> =
        apis.iter().filter(|api| glob.matches(&api.name.to_ascii_lowercase())).map(|api| (api.action, api.resource)).collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return vec![Expr::Action(ActionPattern::of_service("sam", pattern))];
    }
    let one = |(action, resource): (&str, Option<&str>)| {
        let (service, name) = action.split_once(':').unwrap_or(("", action));
        let action = Expr::Action(ActionPattern::of_service(service, name));
        match resource {
            None => action,
            Some(resource) => Expr::all_of(vec![action, Expr::Resource(ResourcePattern::relative(resource))]),
        }
    };
    known.into_iter().map(one).collect()
}

/// Writes it out so that reading it again gives the same document.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = |statement: &Statement| {
            let mut out = serde_json::Map::new();
            out.insert("effect".to_owned(), effect_word(statement.effect).into());
            let api = match statement.apis.as_slice() {
                [only] => only.as_str().into(),
                all => all.into(),
            };
            out.insert("api".to_owned(), api);
            out.extend(statement.condition.as_ref().map(|condition| ("condition".to_owned(), condition.to_string().into())));
            serde_json::Value::Object(out)
        };
        let statements: Vec<serde_json::Value> = self.statements.iter().map(written).collect();
        write!(f, "{}", serde_json::json!({ "statements": statements }))
    }
}

fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}
