//! Why a request was refused, for those who may read the policies of its account: what the message of the refusal leads to.

use std::collections::HashMap;

use tegata_model::PolicyName;
use tegata_policy::{Decision, LayerDecision, LayerKind, StatementRef};
use tegata_store::{
    audit::{self, AuditRow, Outcome},
    policy,
};

use super::{PolicyType, settings};
use crate::{
    actions::{Action, RAM_DECODE_DIAGNOSTIC_MESSAGE},
    authz,
    caller::Caller,
    diagnostic::Facts,
    error::{CallerKind, Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
    why::{self, Detail},
};

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What kind of principal asked.
    pub caller_kind: CallerKind,
    /// The account of whoever asked: 16 digits.
    pub account: String,
    /// How whoever asked is shown: a user's number, or `role:session`.
    pub caller: String,
    /// What was asked.
    pub action: String,
    /// On what.
    pub resource: String,
    /// The condition values of the request, where they were kept.
    pub conditions: Vec<(String, Vec<String>)>,
    /// The layer that refused, and whether by a Deny; `None` where no policy did.
    pub layer: Option<(LayerKind, bool)>,
    /// The statements that decided in each layer, where they were kept.
    pub matched: Vec<MatchedStatement>,
    /// All of it in words, with the smallest change that would allow it: what `tegata why` prints.
    pub explanation: String,
}

/// One statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedStatement {
    /// True for an Allow, false for a Deny.
    pub allows: bool,
    /// The layer it stands in.
    pub layer: LayerKind,
    /// The policy it stands in, by name.
    pub policy: String,
    /// Its place in the policy; the first is 1.
    pub statement: usize,
    /// What the policy is, where it is one that can be attached.
    pub managed: Option<MatchedPolicy>,
}

/// A policy in which a statement decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchedPolicy {
    /// Who wrote it.
    pub kind: PolicyType,
    /// The version that counted; `None` where it has changed since.
    pub version: Option<u32>,
}

/// Read why a request was refused.
#[derive(Debug, Clone)]
pub struct DecodeDiagnosticMessage {
    /// The message of the refusal.
    pub message: String,
}

impl Operation for DecodeDiagnosticMessage {
    const ACTION: Action = RAM_DECODE_DIAGNOSTIC_MESSAGE;
    type Output = Diagnosis;

    fn resource(&self, caller: &Caller) -> ResourceName {
        settings(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Diagnosis>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        // A message about another account is to this caller what garbage is.
        let facts = view.core().open_reasons(&self.message).filter(|facts| facts.account == caller.account());
        let foreign = || OpError::invalid(Input::DiagnosticMessage, ProblemKind::Malformed, "it is not a message of this account");
        let facts = facts.ok_or_else(foreign)?;
        let row = audit::find_by_request(&view.core().store, facts.request_id()).await?;
        let row = row.filter(|row| row.account_id == Some(facts.account) && row.outcome == Outcome::Refused && row.action == facts.action);
        Ok(Effect::nothing(match row {
            Some(row) => kept(view, caller, facts, &row).await?,
            None => counted(facts),
        }))
    }
}

fn base(facts: Facts) -> Diagnosis {
    Diagnosis {
        caller_kind: facts.caller_kind(),
        account: facts.account_number,
        caller: facts.caller,
        action: facts.action,
        resource: facts.resource,
        conditions: Vec::new(),
        layer: facts.layer,
        matched: Vec::new(),
        explanation: String::new(),
    }
}

/// A refusal that got no row of its own: what the message carries is all there is.
fn counted(facts: Facts) -> Diagnosis {
    let explanation = format!(
        "Request   {}  {}\nAsked     {} on {}\nAnswer    refused: {}\n\nIts statements were not kept: too many requests were refused at once.\n",
        facts.request_id().to_uuid(),
        facts.at.to_iso(),
        why::escape(&facts.action),
        why::escape(&facts.resource),
        why::escape(&facts.summary)
    );
    Diagnosis { explanation, ..base(facts) }
}

async fn kept(view: &View<'_>, caller: &Caller, facts: Facts, row: &AuditRow) -> Result<Diagnosis, OpError> {
    let detail: Detail = serde_json::from_str(&row.detail).unwrap_or_default();
    let mut known = HashMap::new();
    let mut matched = Vec::new();
    for LayerDecision { layer, decision } in &detail.layers {
        let allows = matches!(decision, Decision::Allow { .. });
        for StatementRef { policy, index } in decision.by() {
            let managed = match known.get(policy) {
                Some(managed) => *managed,
                None if *layer == LayerKind::Identity => {
                    let managed = managed(view, caller, policy, row).await?;
                    known.insert(policy.clone(), managed);
                    managed
                }
                None => None,
            };
            matched.push(MatchedStatement { allows, layer: *layer, policy: policy.to_string(), statement: *index, managed });
        }
    }
    let explanation = why::explain_row(row).to_string();
    let conditions = detail.seen.unwrap_or_default().context;
    Ok(Diagnosis { conditions, matched, explanation, ..base(facts) })
}

/// What a policy of that name is: the account's own before the server's, as attachments prefer it.
async fn managed(view: &View<'_>, caller: &Caller, name: &str, at: &AuditRow) -> Result<Option<MatchedPolicy>, OpError> {
    let Ok(name) = PolicyName::new(name) else { return Ok(None) };
    for account in [Some(caller.account()), None] {
        if let Some(row) = policy::find_by_name(&view.core().store, account, &name.folded()).await? {
            let version = (row.updated_at <= at.at).then_some(row.default_version);
            return Ok(Some(MatchedPolicy { kind: PolicyType::of(row.kind), version }));
        }
    }
    Ok(None)
}
