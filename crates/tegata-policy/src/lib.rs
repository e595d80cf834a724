//! Parse a policy, decide a request, explain the decision.
//!
//! A document is read once, strictly, and compiled into a three-valued expression that no longer knows which
//! language it was written in. Deciding is pure: same request, same policies, same answer. This crate knows no
//! clock, no storage and no action by name.
//!
//! | module | what |
//! |---|---|
//! | [`ram`] | the RAM policy language: text to [`Policy`] |
//! | `json` | JSON as written: pairs in order, duplicates kept to be refused, depth limited |
//! | `expr` | the compiled expression and [`Truth`] |
//! | `condition` `value` | its leaves: operators over typed values |
//! | `pattern` `glob` | its leaves: actions and resources, wildcards |
//! | `principal` | who a trust document speaks of, by name or bound to an immutable id |
//! | `request` | what is asked: [`Request`], [`Resource`], [`Context`] |
//! | `decide` `layer` | one set of policies; a stack of layers |
//! | [`lint`] | trust documents that let in more than they seem to |
//! | `explain` | each statement and what it made of the request |
//!
//! Three rules hold everywhere: an explicit Deny wins over any Allow; silence is a refusal; what cannot be
//! evaluated counts for a Deny and against an Allow.

mod condition;
mod decide;
mod explain;
mod expr;
mod glob;
mod json;
mod layer;
pub mod lint;
mod malformed;
mod pattern;
mod policy;
mod principal;
pub mod ram;
mod request;
mod value;

#[cfg(test)]
mod tests;

pub use decide::{Decision, StatementRef, could_allow, decide};
pub use explain::{ConditionSeen, Explanation, explain};
pub use expr::Truth;
pub use layer::{Layer, LayerDecision, LayerKind, Verdict, evaluate};
pub use malformed::{Malformed, nearest};
pub use policy::{DocumentKind, Effect, Policy};
pub use principal::{Principal, PrincipalName};
pub use request::{Context, Request, Resource};
pub use value::Network;
