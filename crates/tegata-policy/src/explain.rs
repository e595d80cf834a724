//! What each statement made of a request.

use serde::{Deserialize, Serialize};

use crate::{
    Effect, Policy, Request, StatementRef, Truth,
    expr::Expr,
    request::{Facts, Folded},
};

/// One statement and what it made of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Which statement.
    pub at: StatementRef,
    /// What it does when it applies.
    pub effect: Effect,
    /// Whether it speaks of the action.
    pub action: bool,
    /// Whether it speaks of the resource; true if it names none.
    pub resource: bool,
    /// Whether it surely speaks of the principal; true if it names none.
    pub principal: bool,
    /// Its conditions, in the order written.
    pub conditions: Vec<ConditionSeen>,
    /// Whether it applies: `Unknown` counts for a Deny and against an Allow.
    pub applies: Truth,
}

/// One condition: what it wanted, what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionSeen {
    /// The operator as written.
    pub operator: String,
    /// The key as written.
    pub key: String,
    /// The values of the policy, as written.
    pub wanted: Vec<String>,
    /// The values of the request; `None` if it lacks the key.
    pub seen: Option<Vec<String>>,
    /// Whether it held.
    pub held: Truth,
}

/// Explains one policy: every statement, also those that do not apply. Agrees with [`crate::decide`].
pub fn explain(request: &Request<'_>, policy: &Policy) -> Vec<Explanation> {
    let folded = Folded::new(request);
    let facts = folded.facts();
    policy
        .statements()
        .map(|(at, statement)| {
            let surely = |part: &Expr| part.evaluate(&facts) == Truth::Yes;
            Explanation {
                at: at.into(),
                effect: statement.effect,
                action: surely(&statement.action),
                resource: surely(&statement.resource),
                principal: surely(&statement.principal),
                conditions: conditions(&statement.condition, &facts),
                applies: statement.applies(&facts),
            }
        })
        .collect()
}

fn conditions(expr: &Expr, facts: &Facts<'_>) -> Vec<ConditionSeen> {
    let mut out = Vec::new();
    expr.comparisons(&mut |comparison| {
        out.push(ConditionSeen {
            operator: comparison.operator().to_owned(),
            key: comparison.key().to_owned(),
            wanted: comparison.wanted().to_vec(),
            seen: facts.context.values(comparison.key()).map(<[String]>::to_vec),
            held: comparison.evaluate(facts.context),
        });
    });
    out
}
