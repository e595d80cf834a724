//! Why something was refused, in words: what was asked, which layer refused it, which statements decided, what they saw,
//! and the smallest change over all layers that would allow it.

use std::fmt;

use serde::{Deserialize, Serialize};
use tegata_model::{RequestId, Timestamp};
use tegata_policy::{Decision, Effect, Explanation, Layer, LayerDecision, LayerKind, Request, StatementRef, Truth, explain};
use tegata_store::{
    Store, StoreError,
    audit::{self, AuditRow, Outcome},
};

use crate::{OpError, error::layer_words};

/// Statements kept per layer in an audit row. Those that come nearest to the request are kept first.
const KEPT: usize = 12;

/// What the layers saw: kept in the audit row of a refusal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Reasons {
    /// The condition values of the request.
    pub(crate) context: Vec<(String, Vec<String>)>,
    /// The statements of each layer, with what of each matched.
    pub(crate) layers: Vec<(LayerKind, Vec<Explanation>)>,
}

impl Reasons {
    pub(crate) fn of(request: &Request<'_>, layers: &[Layer<'_>]) -> Self {
        let context = request.context.iter().map(|(key, values)| (key.to_owned(), values.to_vec())).collect();
        let layers = layers
            .iter()
            .map(|layer| {
                let mut all: Vec<Explanation> = layer.policies.iter().flat_map(|policy| explain(request, policy)).collect();
                all.sort_by_key(|one| std::cmp::Reverse(nearness(one)));
                all.truncate(KEPT);
                (layer.kind, all)
            })
            .collect();
        Self { context, layers }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.layers.extend(other.layers);
    }
}

fn nearness(one: &Explanation) -> usize {
    usize::from(one.applies != Truth::No) * 8 + usize::from(one.action) * 2 + usize::from(one.resource) * 2 + usize::from(one.principal)
}

/// What an audit row says about its own cause, as stored in its `detail`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) layer: Option<LayerKind>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) by: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) layers: Vec<LayerDecision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<Reasons>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<SessionBirth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) more: Option<u64>,
    /// What was called, where the dialect has paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) call: Option<crate::ApiCall>,
    /// What kind of refusal it was, in a word; see [`cause_word`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
}

/// The kind of a refusal in a word, for dialects that tell a status of it later.
pub(crate) fn cause_word(error: &OpError) -> &'static str {
    match error {
        OpError::Denied(denial) => match denial.by {
            crate::DeniedBy::Layer { layer: tegata_policy::LayerKind::Trust, .. } | crate::DeniedBy::ChainEnded => "untrusted",
            _ => "denied",
        },
        OpError::Authentication(_) => "unauthenticated",
        OpError::NotFound(_) => "absent",
        OpError::Exists(_)
        | OpError::InUse(..)
        | OpError::LimitExceeded(..)
        | OpError::NotEmpty(_)
        | OpError::Invalid(_)
        | OpError::Grant(_)
        | OpError::Organisation(_)
        | OpError::Precondition(_)
        | OpError::Conflict
        | OpError::Throttled(_)
        | OpError::Internal(_) => "refused",
    }
}

/// What an audit row says of the session it gave birth to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SessionBirth {
    pub(crate) id: String,
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_identity: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) parents: Vec<String>,
    pub(crate) session_policy: bool,
    /// What can end it, for the machine: see [`crate::token::Lineage`].
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub(crate) lineage: String,
}

/// The explanation of one request. `Display` writes it for people; it also serialises.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The request.
    pub request_id: String,
    /// When it was decided.
    pub at: String,
    /// Who asked.
    pub caller: String,
    /// With which key.
    pub access_key_id: String,
    /// From where.
    pub source: String,
    /// What was asked.
    pub action: String,
    /// On what.
    pub resource: String,
    /// True if it was done.
    pub allowed: bool,
    /// What happened, in one sentence.
    pub summary: String,
    /// The statements that decided.
    pub decided_by: Vec<String>,
    /// How each layer stood.
    pub layers: Vec<LayerReport>,
    /// The condition values of the request.
    pub context: Vec<(String, Vec<String>)>,
    /// The smallest change, over all layers, that would allow it; empty if it was done.
    pub to_allow: Vec<String>,
}

impl Report {
    /// What a refused caller may know without being allowed to read policies: what was asked, on what, and how each layer stood.
    pub(crate) fn without_statements(self) -> Self {
        let bare = |layer: LayerReport| LayerReport { by: Vec::new(), near: Vec::new(), ..layer };
        let layers = self.layers.into_iter().map(bare).collect();
        Self { decided_by: Vec::new(), layers, context: Vec::new(), to_allow: Vec::new(), ..self }
    }
}

/// How one layer stood.
#[derive(Debug, Clone, Serialize)]
pub struct LayerReport {
    /// Which one, in words.
    pub layer: String,
    /// `allowed`, `denied` or `not allowed`.
    pub stands: &'static str,
    /// The statements that decided it.
    pub by: Vec<String>,
    /// The statements that came near, and what they lacked.
    pub near: Vec<String>,
}

/// Explains the request with this id from its audit row.
pub async fn report(store: &Store, request: RequestId) -> Result<Option<Report>, StoreError> {
    Ok(audit::find_by_request(store, request).await?.as_ref().map(explain_row))
}

/// Explains one audit row.
pub fn explain_row(row: &AuditRow) -> Report {
    let detail: Detail = serde_json::from_str(&row.detail).unwrap_or_default();
    let allowed = row.outcome == Outcome::Done;
    let seen = detail.seen.unwrap_or_default();
    let layers: Vec<LayerReport> = detail.layers.iter().map(|layer| layer_report(layer, &seen)).collect();
    let to_allow = if allowed { Vec::new() } else { changes(&row.action, &row.resource, &detail.layers, &seen) };
    let summary = detail.reason.unwrap_or_else(|| if allowed { "it was done".to_owned() } else { "it was refused".to_owned() });
    Report {
        request_id: row.request_id.to_uuid(),
        at: row.at.to_iso(),
        caller: row.caller.clone(),
        access_key_id: row.access_key_id.clone().unwrap_or_else(|| "-".to_owned()),
        source: row.source.clone(),
        action: row.action.to_string(),
        resource: row.resource.clone(),
        allowed,
        summary,
        decided_by: detail.by,
        layers,
        context: seen.context,
        to_allow,
    }
}

fn layer_report(layer: &LayerDecision, seen: &Reasons) -> LayerReport {
    let (stands, by) = match &layer.decision {
        Decision::Allow { by } => ("allowed", by.iter().map(ToString::to_string).collect()),
        Decision::ExplicitDeny { by } => ("denied", by.iter().map(ToString::to_string).collect()),
        Decision::ImplicitDeny => ("not allowed", Vec::new()),
    };
    let near = if matches!(layer.decision, Decision::ImplicitDeny) { near_misses(layer.layer, seen) } else { Vec::new() };
    LayerReport { layer: layer_words(layer.layer).to_owned(), stands, by, near }
}

fn explanations(layer: LayerKind, seen: &Reasons) -> impl Iterator<Item = &Explanation> {
    seen.layers.iter().filter(move |(kind, _)| *kind == layer).flat_map(|(_, all)| all)
}

fn near_misses(layer: LayerKind, seen: &Reasons) -> Vec<String> {
    explanations(layer, seen)
        .filter(|one| one.effect == Effect::Allow && one.action && one.applies != Truth::Yes)
        .take(3)
        .map(|one| format!("{} names this action, but {}", one.at, lacks(one)))
        .collect()
}

fn lacks(one: &Explanation) -> String {
    let mut lacks = Vec::new();
    if !one.resource {
        lacks.push("not this resource".to_owned());
    }
    if !one.principal {
        lacks.push("not this principal".to_owned());
    }
    for condition in one.conditions.iter().filter(|condition| condition.held != Truth::Yes) {
        let saw = condition.seen.as_ref().map_or_else(|| "nothing".to_owned(), |values| quoted(values));
        lacks.push(format!("its condition {} {} wants {} and saw {saw}", condition.operator, condition.key, quoted(&condition.wanted)));
    }
    lacks.join("; ")
}

fn quoted(values: &[String]) -> String {
    values.iter().map(|value| format!("`{}`", escape(value))).collect::<Vec<_>>().join(" or ")
}

/// The smallest set of changes: one for each layer that stands in the way. Flip them all and the decision flips.
pub(crate) fn changes(action: &str, resource: &str, layers: &[LayerDecision], seen: &Reasons) -> Vec<String> {
    let caller = seen.context.iter().find(|(key, _)| key.eq_ignore_ascii_case("acs:PrincipalARN")).and_then(|(_, values)| values.first());
    let caller = caller.map_or("the caller's ARN", String::as_str);
    let mut changes = Vec::new();
    for layer in layers {
        let words = layer_words(layer.layer);
        match &layer.decision {
            Decision::Allow { .. } => {}
            Decision::ExplicitDeny { by } => {
                changes.push(format!("in {words}: remove or narrow the Deny of {}", listed(by)));
                // Without its Deny the layer would still need an Allow.
                let allowed = explanations(layer.layer, seen).any(|one| one.effect == Effect::Allow && one.applies == Truth::Yes);
                if !allowed {
                    changes.push(addition(words, layer.layer, action, resource, caller, seen));
                }
            }
            Decision::ImplicitDeny => {
                let by_condition = explanations(layer.layer, seen)
                    .find(|one| one.effect == Effect::Allow && one.action && one.resource && one.principal && one.applies != Truth::Yes);
                changes.push(match by_condition {
                    Some(one) => format!("in {words}: meet or widen the condition of {}", one.at),
                    None => addition(words, layer.layer, action, resource, caller, seen),
                });
            }
        }
    }
    changes
}

fn addition(words: &str, layer: LayerKind, action: &str, resource: &str, caller: &str, seen: &Reasons) -> String {
    match layer {
        // Trust policies know one action, whatever way somebody comes in; a provider alone would let in all it vouches for.
        LayerKind::Trust if caller.contains("-provider/") => {
            let value = |key: &str| seen.context.iter().find(|(known, _)| known == key).and_then(|(_, values)| values.first());
            let quoted = |key| serde_json::to_string(value(key).map_or("…", String::as_str)).unwrap_or_default();
            format!(
                r#"in {words}: add {{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"Federated":"{caller}"}},"Condition":{{"StringEquals":{{"oidc:aud":{},"oidc:sub":{}}}}}}}"#,
                quoted("oidc:aud"),
                quoted("oidc:sub")
            )
        }
        LayerKind::Trust => format!(r#"in {words}: add {{"Effect":"Allow","Action":"{action}","Principal":{{"RAM":"{caller}"}}}}"#),
        _ => format!(r#"in {words}: add {{"Effect":"Allow","Action":"{action}","Resource":"{}"}}"#, escape(resource)),
    }
}

fn listed(by: &[StatementRef]) -> String {
    by.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Text from strangers, made harmless for terminals: control characters are escaped.
pub fn escape(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() || is_bidi(c) { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] }).collect()
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Request   {}  {}", self.request_id, self.at)?;
        writeln!(f, "Caller    {} with {} from {}", escape(&self.caller), escape(&self.access_key_id), escape(&self.source))?;
        writeln!(f, "Asked     {} on {}", escape(&self.action), escape(&self.resource))?;
        writeln!(f, "Answer    {}: {}", if self.allowed { "done" } else { "refused" }, escape(&self.summary))?;
        for by in &self.decided_by {
            writeln!(f, "          decided by {}", escape(by))?;
        }
        if !self.layers.is_empty() {
            writeln!(f, "\nLayers")?;
            for layer in &self.layers {
                let by = match (layer.by.is_empty(), layer.stands) {
                    (true, "not allowed") => "by any statement".to_owned(),
                    (true, _) => "by a statement".to_owned(),
                    (false, _) => format!("by {}", escape(&layer.by.join(", "))),
                };
                writeln!(f, "  {}: {} {by}", layer.layer, layer.stands)?;
                for near in &layer.near {
                    writeln!(f, "    {}", escape(near))?;
                }
            }
        }
        if !self.context.is_empty() {
            writeln!(f, "\nConditions saw")?;
            for (key, values) in &self.context {
                writeln!(f, "  {key} = {}", escape(&values.join(", ")))?;
            }
        }
        if !self.to_allow.is_empty() {
            writeln!(f, "\nTo allow it")?;
            for change in &self.to_allow {
                writeln!(f, "  {}", escape(change))?;
            }
        }
        Ok(())
    }
}

/// One line for the audit's reader.
pub fn tail_line(row: &AuditRow) -> String {
    let at: Timestamp = row.at;
    format!(
        "{} {} {} {} {} {} {}",
        at.to_iso(),
        if row.outcome == Outcome::Done { "done   " } else { "refused" },
        row.request_id.to_uuid(),
        escape(&row.action),
        escape(&row.resource),
        escape(&row.caller),
        escape(&row.source)
    )
}
