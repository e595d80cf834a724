//! The compiled form of every policy language: one expression with three answers.

use serde::{Deserialize, Serialize};

use crate::{
    condition::Comparison,
    pattern::{ActionPattern, ResourcePattern},
    principal::PrincipalPattern,
    request::Facts,
};

/// The answer of a test. `Unknown` means that this version could not evaluate it; it counts for a Deny and
/// against an Allow. An absent key is not `Unknown`: each operator says what absence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It could not be evaluated.
    Unknown,
}

impl Truth {
    /// The opposite; of `Unknown`, `Unknown`.
    #[must_use]
    pub(crate) fn negate(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }

    /// `No` if one is `No`, else `Unknown` if one is; of nothing, `Yes`.
    pub(crate) fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut result = Self::Yes;
        for answer in answers {
            match answer {
                Self::No => return Self::No,
                Self::Unknown => result = Self::Unknown,
                Self::Yes => {}
            }
        }
        result
    }

    /// `Yes` if one is `Yes`, else `Unknown` if one is; of nothing, `No`.
    pub(crate) fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut result = Self::No;
        for answer in answers {
            match answer {
                Self::Yes => return Self::Yes,
                Self::Unknown => result = Self::Unknown,
                Self::No => {}
            }
        }
        result
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// A test of a request, in no particular policy language.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    /// Holds for every request.
    Always,
    /// Stands for what could not be read: never known.
    Unreadable,
    All(Box<[Expr]>),
    Any(Box<[Expr]>),
    Not(Box<Expr>),
    Action(ActionPattern),
    Resource(ResourcePattern),
    Principal(PrincipalPattern),
    Compare(Box<Comparison>),
}

impl Expr {
    /// One of them, without a level for a single one.
    pub(crate) fn any_of(mut alternatives: Vec<Self>) -> Self {
        match (alternatives.len(), alternatives.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                alternatives.extend(last);
                Self::Any(alternatives.into())
            }
        }
    }

    /// All of them, without a level for none or a single one.
    pub(crate) fn all_of(mut parts: Vec<Self>) -> Self {
        match (parts.len(), parts.pop()) {
            (_, None) => Self::Always,
            (1, Some(only)) => only,
            (_, Some(last)) => {
                parts.push(last);
                Self::All(parts.into())
            }
        }
    }

    /// The answer for these facts.
    pub(crate) fn evaluate(&self, facts: &Facts<'_>) -> Truth {
        match self {
            Self::Always => Truth::Yes,
            Self::Unreadable => Truth::Unknown,
            Self::All(parts) => Truth::all(parts.iter().map(|part| part.evaluate(facts))),
            Self::Any(parts) => Truth::any(parts.iter().map(|part| part.evaluate(facts))),
            Self::Not(part) => part.evaluate(facts).negate(),
            Self::Action(pattern) => pattern.matches(facts).into(),
            Self::Resource(pattern) => pattern.matches(facts).into(),
            Self::Principal(pattern) => pattern.matches(facts.principal.as_ref()),
            Self::Compare(comparison) => comparison.evaluate(facts.context),
        }
    }

    /// Every comparison in it, in the order written.
    pub(crate) fn comparisons<'e>(&'e self, visit: &mut dyn FnMut(&'e Comparison)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.comparisons(visit)),
            Self::Not(part) => part.comparisons(visit),
            Self::Compare(comparison) => visit(comparison),
            Self::Always | Self::Unreadable | Self::Action(_) | Self::Resource(_) | Self::Principal(_) => {}
        }
    }

    /// Every principal in it, to be bound.
    pub(crate) fn principals_mut(&mut self, visit: &mut dyn FnMut(&mut PrincipalPattern)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter_mut().for_each(|part| part.principals_mut(visit)),
            Self::Not(part) => part.principals_mut(visit),
            Self::Principal(pattern) => visit(pattern),
            Self::Always | Self::Unreadable | Self::Action(_) | Self::Resource(_) | Self::Compare(_) => {}
        }
    }

    /// Every principal in it.
    pub(crate) fn principals<'e>(&'e self, visit: &mut dyn FnMut(&'e PrincipalPattern)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.principals(visit)),
            Self::Not(part) => part.principals(visit),
            Self::Principal(pattern) => visit(pattern),
            Self::Always | Self::Unreadable | Self::Action(_) | Self::Resource(_) | Self::Compare(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Truth::*, *};

    #[test]
    fn three_valued_logic() {
        assert_eq!((Truth::all([]), Truth::any([])), (Yes, No));
        assert_eq!((Truth::all([Unknown, No]), Truth::all([No, Unknown]), Truth::all([Yes, Unknown])), (No, No, Unknown));
        assert_eq!((Truth::any([Unknown, Yes]), Truth::any([Yes, Unknown]), Truth::any([No, Unknown])), (Yes, Yes, Unknown));
        assert_eq!((Yes.negate(), No.negate(), Unknown.negate()), (No, Yes, Unknown));
    }
}
