//! One request against one set of policies.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Effect, Policy, Request, Truth,
    expr::Expr,
    policy::Statement,
    request::{Facts, Folded},
};

/// One statement of one policy. Shown as `` `media-readers` statement 2 ``.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatementRef {
    /// The label of the policy.
    pub policy: Arc<str>,
    /// Which statement; the first is 1.
    pub index: usize,
}

impl fmt::Display for StatementRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` statement {}", self.policy, self.index)
    }
}

/// What one set of policies says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// At least one statement allows and none denies.
    Allow {
        /// All statements that allow. Empty only for an owner, to whom policies do not apply.
        by: Vec<StatementRef>,
    },
    /// At least one statement denies, or may deny and could not be evaluated.
    ExplicitDeny {
        /// All statements that deny.
        by: Vec<StatementRef>,
    },
    /// No statement speaks of the request.
    ImplicitDeny,
}

impl Decision {
    /// True for [`Decision::Allow`].
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    /// The statements that made it.
    pub fn by(&self) -> &[StatementRef] {
        match self {
            Self::Allow { by } | Self::ExplicitDeny { by } => by,
            Self::ImplicitDeny => &[],
        }
    }
}

/// Decides one request against one set of policies. Pure: same input, same answer, in whatever order they come.
///
/// An explicit Deny wins, then an Allow; silence is a refusal. A condition that cannot be evaluated counts for a
/// Deny and against an Allow.
pub fn decide<'p>(request: &Request<'_>, policies: impl IntoIterator<Item = &'p Policy>) -> Decision {
    decide_facts(&Folded::new(request).facts(), policies)
}

/// Whether a set of policies could allow the request under some circumstances: an Allow speaks of it whatever it asks around it, and no
/// Deny does that asks for nothing. For questions that are asked where the circumstances are not known.
pub fn could_allow<'p>(request: &Request<'_>, policies: impl IntoIterator<Item = &'p Policy>) -> bool {
    let folded = Folded::new(request);
    let facts = folded.facts();
    let speaks = |statement: &Statement| {
        Truth::all([&statement.action, &statement.resource, &statement.principal].into_iter().map(|part| part.evaluate(&facts)))
    };
    let mut could = false;
    for (_, statement) in policies.into_iter().flat_map(Policy::statements) {
        match (statement.effect, speaks(statement)) {
            (Effect::Deny, Truth::Yes | Truth::Unknown) if matches!(statement.condition, Expr::Always | Expr::Unreadable) => return false,
            (Effect::Allow, Truth::Yes) => could |= !matches!(statement.condition, Expr::Unreadable),
            (Effect::Allow | Effect::Deny, _) => {}
        }
    }
    could
}

pub(crate) fn decide_facts<'p>(facts: &Facts<'_>, policies: impl IntoIterator<Item = &'p Policy>) -> Decision {
    let (mut allows, mut denies) = (Vec::new(), Vec::new());
    for (at, statement) in policies.into_iter().flat_map(Policy::statements) {
        match (statement.effect, statement.applies(facts)) {
            (Effect::Deny, Truth::Yes | Truth::Unknown) => denies.push(at.into()),
            (Effect::Allow, Truth::Yes) => allows.push(at.into()),
            (Effect::Allow, Truth::Unknown) | (_, Truth::No) => {}
        }
    }
    if !denies.is_empty() {
        Decision::ExplicitDeny { by: denies }
    } else if allows.is_empty() {
        Decision::ImplicitDeny
    } else {
        Decision::Allow { by: allows }
    }
}
