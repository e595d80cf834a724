//! A stack of layers: who may limit, who may grant, and which of them made the answer.

use serde::{Deserialize, Serialize};

use crate::{Decision, Policy, Principal, Request, decide::decide_facts, request::Folded};

/// What a layer of policies is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerKind {
    /// Set above the account; limits, never grants.
    Control,
    /// Carried by a session; limits, never grants.
    Session,
    /// Attached to the caller: user and groups, or role.
    Identity,
    /// Attached to the role to be assumed.
    Trust,
    /// Attached to what is touched, such as a bucket.
    Resource,
}

/// One layer: policies that count as one set.
#[derive(Debug, Clone)]
pub struct Layer<'p> {
    /// What it is.
    pub kind: LayerKind,
    /// Its policies; none at all is silence, hence a refusal, except in a `Resource` layer.
    pub policies: Vec<&'p Policy>,
}

/// What one layer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerDecision {
    /// Which kind of layer.
    pub layer: LayerKind,
    /// What it says.
    pub decision: Decision,
}

/// The answer of all layers together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the request may go on.
    pub allowed: bool,
    /// The layer that made the answer: the one that refused, or the one that granted.
    pub deciding: LayerDecision,
    /// Every layer in the order given, evaluated even after a refusal.
    pub layers: Vec<LayerDecision>,
}

/// Decides one request against a stack of layers, in any order.
///
/// Every `Control`, `Session`, `Identity` and `Trust` layer present must allow. An explicit Deny anywhere refuses.
/// Silence of an `Identity` layer is made good by an Allow of a `Resource` layer. `Control` and `Session` layers
/// only limit: without a layer of another kind nothing is allowed; a `Trust` layer alone grants (federation).
///
/// A refusal names the first `Control`, then the first `Session` layer that does not allow; after these the first
/// explicit Deny of `Identity`, `Trust`, `Resource`; after these the first of them that is silent.
///
/// Policies do not apply to the owner of the account that owns the resource: for `Principal::Account` with the
/// account of the resource an `Identity` layer that is silent counts as an Allow by nobody. No trust document
/// names an owner, so with a `Trust` layer an owner is refused.
pub fn evaluate(request: &Request<'_>, layers: &[Layer<'_>]) -> Verdict {
    let folded = Folded::new(request);
    let facts = folded.facts();
    let owner = owns_the_resource(folded.request());
    let layers: Vec<LayerDecision> = layers
        .iter()
        .map(|layer| {
            let decision = match decide_facts(&facts, layer.policies.iter().copied()) {
                Decision::ImplicitDeny if owner && layer.kind == LayerKind::Identity => Decision::Allow { by: Vec::new() },
                decision => decision,
            };
            LayerDecision { layer: layer.kind, decision }
        })
        .collect();
    let (allowed, deciding) = match refusing(&layers) {
        Some(refusing) => (false, refusing.clone()),
        None => match granting(&layers) {
            Some(granting) => (true, granting.clone()),
            None => (false, LayerDecision { layer: LayerKind::Identity, decision: Decision::ImplicitDeny }),
        },
    };
    Verdict { allowed, deciding, layers }
}

fn owns_the_resource(request: &Request<'_>) -> bool {
    matches!(request.principal, Some(Principal::Account { account }) if !account.is_empty() && account == request.resource.account)
}

fn of_kind(layers: &[LayerDecision], kind: LayerKind) -> impl Iterator<Item = &LayerDecision> {
    layers.iter().filter(move |layer| layer.layer == kind)
}

/// The layer that refuses, by the order of precedence.
fn refusing(layers: &[LayerDecision]) -> Option<&LayerDecision> {
    use LayerKind::{Control, Identity, Resource, Session, Trust};
    let limits = [Control, Session].into_iter().flat_map(|kind| of_kind(layers, kind));
    let explicit = [Identity, Trust, Resource].into_iter().flat_map(|kind| of_kind(layers, kind));
    let granted_by_resource = of_kind(layers, Resource).any(|layer| layer.decision.is_allow());
    let identity = of_kind(layers, Identity).filter(|_| !granted_by_resource);
    limits
        .filter(|layer| !layer.decision.is_allow())
        .chain(explicit.filter(|layer| matches!(layer.decision, Decision::ExplicitDeny { .. })))
        .chain(identity.chain(of_kind(layers, Trust)).filter(|layer| !layer.decision.is_allow()))
        .next()
}

/// The layer that grants, if none refuses.
fn granting(layers: &[LayerDecision]) -> Option<&LayerDecision> {
    use LayerKind::{Identity, Resource, Trust};
    let grants = |kind| of_kind(layers, kind).find(|layer| layer.decision.is_allow());
    // Trust grants alone only where nothing else was asked that could have granted.
    let trust_alone = || if of_kind(layers, Resource).next().is_none() { grants(Trust) } else { None };
    grants(Identity).or_else(|| grants(Resource)).or_else(trust_alone)
}
