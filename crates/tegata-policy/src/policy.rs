//! A compiled policy.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    PrincipalName, StatementRef, Truth,
    expr::Expr,
    principal::{Binding, PrincipalPattern},
    request::Facts,
};

/// What a document is for, which decides what its statements must and must not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// Attached to a user, group or role, or passed as a session policy: has resources, names no principal.
    Identity,
    /// Says who may assume a role: names principals, has no resources.
    Trust,
}

/// What a statement does when it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Grants, unless something denies.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

/// A policy, compiled. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Policy {
    label: Arc<str>,
    statements: Arc<[Statement]>,
}

/// One rule. Its four parts stay apart so that an explanation can name the one that failed.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) effect: Effect,
    pub(crate) action: Expr,
    pub(crate) resource: Expr,
    pub(crate) principal: Expr,
    pub(crate) condition: Expr,
}

impl Statement {
    /// Whether the statement speaks of this request.
    pub(crate) fn applies(&self, facts: &Facts<'_>) -> Truth {
        Truth::all([&self.action, &self.resource, &self.principal, &self.condition].into_iter().map(|part| part.evaluate(facts)))
    }
}

impl Policy {
    /// The label of a policy that was given none.
    pub const UNNAMED: &'static str = "unnamed";

    pub(crate) fn new(statements: Vec<Statement>) -> Self {
        Self { label: Self::UNNAMED.into(), statements: statements.into() }
    }

    /// A policy that could not be read: it denies everything, because what it denied is not known any more.
    pub fn unreadable(label: impl Into<Arc<str>>) -> Self {
        let statement = Statement {
            effect: Effect::Deny,
            action: Expr::Always,
            resource: Expr::Always,
            principal: Expr::Always,
            condition: Expr::Unreadable,
        };
        Self::new(vec![statement]).labelled(label)
    }

    /// The same policy under the name that decisions and explanations use for it.
    #[must_use]
    pub fn labelled(self, label: impl Into<Arc<str>>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// The name that decisions and explanations use.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How many statements it has; without any it decides nothing.
    #[expect(clippy::len_without_is_empty, reason = "whether it is empty is of no interest to anybody")]
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Every principal it names, each once, in the order written. Documents for identities name none.
    pub fn principals(&self) -> Vec<PrincipalName> {
        let mut names: Vec<PrincipalName> = Vec::new();
        for statement in &*self.statements {
            statement.principal.principals(&mut |pattern| {
                if !names.contains(&pattern.name) {
                    names.push(pattern.name.clone());
                }
            });
        }
        names
    }

    /// Binds the principals of a trust document to immutable ids, so that a recreated user, role or provider inherits nothing.
    ///
    /// `resolve` is called once for every principal of [`Self::principals`]. With `None` nobody matches that
    /// principal any more. A user, role or identity provider then matches by the id alone, under whatever name. The other
    /// kinds have no id in a request: with any `Some` they go on matching by account number or service name.
    #[must_use]
    pub fn bind(mut self, mut resolve: impl FnMut(&PrincipalName) -> Option<[u8; 16]>) -> Self {
        let bindings: Vec<(PrincipalName, Binding)> = self
            .principals()
            .into_iter()
            .map(|name| {
                let binding = resolve(&name).map_or(Binding::Nobody, Binding::Id);
                (name, binding)
            })
            .collect();
        let mut bind = |pattern: &mut PrincipalPattern| {
            let found = bindings.iter().find(|(name, _)| *name == pattern.name);
            pattern.binding = found.map_or(Binding::Nobody, |(_, binding)| *binding);
        };
        if !bindings.is_empty() {
            for statement in Arc::make_mut(&mut self.statements) {
                statement.principal.principals_mut(&mut bind);
            }
        }
        self
    }

    /// Its statements, each with the reference that decisions use.
    pub(crate) fn statements(&self) -> impl Iterator<Item = (StatementAt<'_>, &Statement)> {
        (1..).zip(&*self.statements).map(|(index, statement)| (StatementAt { policy: &self.label, index }, statement))
    }
}

/// Where a statement stands; becomes a [`StatementRef`] only when it has to be told.
#[derive(Clone, Copy)]
pub(crate) struct StatementAt<'p> {
    policy: &'p Arc<str>,
    index: usize,
}

impl From<StatementAt<'_>> for StatementRef {
    fn from(at: StatementAt<'_>) -> Self {
        Self { policy: Arc::clone(at.policy), index: at.index }
    }
}
