//! Who may switch to a user: `{"statements":[{"effect":"allow","principal":{"soracom":["srn:soracom:OP…::User:alice"]}}]}`.

use tegata_model::UserName;

use super::{Condition, condition_of, effect_of, listed};
use crate::{
    Effect, Malformed, Policy, PrincipalName,
    expr::Expr,
    json::Json,
    malformed::Path,
    policy::Statement as Compiled,
    principal::PrincipalPattern,
    ram::{members, required, strings},
};

/// The most principals of one statement.
const MAX_PRINCIPALS: usize = 200;

/// A trust document as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustDocument {
    /// Its statements; there may be none.
    pub statements: Vec<TrustStatement>,
}

/// One rule of it; it always allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustStatement {
    /// Whom it lets in; at least one. Accounts are named by their operator ids.
    pub principals: Vec<PrincipalName>,
    /// When it counts; always, if nothing is said.
    pub condition: Option<Condition>,
}

impl TrustDocument {
    /// Reads a document that is to be saved.
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
        let read = |(json, path): (&Json, Path<'_>)| statement(json, &path, stored);
        Ok(Self { statements: listed(&json, &path)?.into_iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Compiles it. Bind its principals with [`Policy::bind`] before it is asked.
    pub fn compile(&self) -> Policy {
        let compile = |statement: &TrustStatement| Compiled {
            effect: Effect::Allow,
            action: Expr::Always,
            resource: Expr::Always,
            principal: Expr::any_of(statement.principals.iter().map(|name| Expr::Principal(PrincipalPattern::new(name.clone()))).collect()),
            condition: statement.condition.as_ref().map_or(Expr::Always, Condition::compile),
        };
        Policy::new(self.statements.iter().map(compile).collect())
    }
}

fn statement(json: &Json, path: &Path<'_>, stored: bool) -> Result<TrustStatement, Malformed> {
    let [effect, principal, condition] = members(json, path, ["effect", "principal", "condition"])?;
    if effect_of(effect, path)? == Effect::Deny {
        return Err(path.member("effect").problem("a trust policy only allows"));
    }
    let principals = principals(required(principal, path, "principal")?, &path.member("principal"))?;
    Ok(TrustStatement { principals, condition: condition_of(condition, path, stored)? })
}

fn principals(json: &Json, path: &Path<'_>) -> Result<Vec<PrincipalName>, Malformed> {
    let [soracom, service] = members(json, path, ["soracom", "service"])?;
    let mut all = Vec::new();
    if let Some(json) = soracom {
        let path = path.member("soracom");
        for (text, path) in strings(json, &path)? {
            let wrong = || {
                path.problem(
                    "expected `srn:soracom:<operator>::Operator:<operator>` or `srn:soracom:<operator>::User:<name>`, without wildcards",
                )
            };
            all.push(srn(text).ok_or_else(wrong)?);
        }
    }
    if let Some(json) = service {
        let path = path.member("service");
        for (text, path) in strings(json, &path)? {
            let good = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !good {
                return Err(path.problem("expected the name of a service such as `Flux`"));
            }
            all.push(PrincipalName::Service(text.to_owned()));
        }
    }
    match all.len() {
        0 => Err(path.problem("expected at least one principal")),
        1..=MAX_PRINCIPALS => Ok(all),
        _ => Err(path.problem(format!("more than {MAX_PRINCIPALS} principals"))),
    }
}

/// `srn:soracom:<operator>:<coverage>:<type>:<id>`, the coverage mostly empty.
fn srn(text: &str) -> Option<PrincipalName> {
    let mut parts = text.strip_prefix("srn:soracom:")?.splitn(4, ':');
    let (operator, coverage, kind, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let digits = operator.strip_prefix("OP")?;
    let good = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit()) && matches!(coverage, "" | "jp" | "g");
    let account = operator.to_owned();
    match kind {
        "Operator" if good && id == operator => Some(PrincipalName::Owner { account }),
        "User" if good => UserName::new(id).ok().map(|name| PrincipalName::User { account, name: name.as_str().to_owned() }),
        _ => None,
    }
}
