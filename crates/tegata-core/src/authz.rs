//! Whether a caller may: layers of policies, and the two kinds of evidence that an effect needs.

use std::sync::Arc;

use tegata_policy::{
    Context, Decision, Layer, LayerDecision, LayerKind, Policy, Principal as PolicyPrincipal, Request, StatementRef, Verdict, evaluate,
};

use crate::{
    actions::Action,
    caller::{Caller, Evidence},
    error::{CallerKind, Denial, DeniedBy, OpError},
    principal::{Principal, Who},
    resource::{ResourceName, Segments},
    view::View,
    why::Reasons,
};

/// Evidence that the caller's own policies allow an action on a resource. Spent on one effect.
#[derive(Debug)]
pub struct Permit {
    by: Vec<StatementRef>,
}

/// Evidence that a role's trust policy lets this caller in. Spent on one session.
#[derive(Debug)]
pub struct Trusted {
    pub(crate) role: Arc<Principal>,
    by: Vec<StatementRef>,
}

/// Evidence that a caller may become a role: by its own policies and the role's trust, or, for somebody from outside who has no
/// policies here, by trust alone. Spent on one session.
#[derive(Debug)]
pub(crate) struct Admitted {
    role: Arc<Principal>,
    by: Vec<StatementRef>,
}

impl Admitted {
    /// Spends it: the role, and the statements that allowed it.
    pub(crate) fn spend(self) -> (Arc<Principal>, Vec<StatementRef>) {
        (self.role, self.by)
    }
}

impl Permit {
    /// Both kinds of evidence together.
    pub(crate) fn with(self, trusted: Trusted) -> Admitted {
        let mut by = self.by;
        by.extend(trusted.by);
        Admitted { role: trusted.role, by }
    }

    /// Evidence for an action that needs both.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        for by in other.by {
            if !self.by.contains(&by) {
                self.by.push(by);
            }
        }
        self
    }

    /// Spends it: the statements that allowed it, for the audit row of the effect. Empty for the owner of the account.
    pub(crate) fn spend(self) -> Vec<StatementRef> {
        self.by
    }
}

impl Trusted {
    /// The statements that allowed it.
    pub(crate) fn by(&self) -> &[StatementRef] {
        &self.by
    }

    /// Trust alone, where the caller comes from outside by a verified token; everybody else needs a permit too.
    pub(crate) fn alone(self, caller: &Caller) -> Option<Admitted> {
        matches!(caller.evidence, Evidence::Token(_)).then_some(Admitted { role: self.role, by: self.by })
    }
}

/// Condition keys that only this operation knows.
pub(crate) type Extra<'a> = &'a [(&'a str, &'a str)];

/// Asks the caller's layers for an action on a named resource of the account `owner`. Permission is asked on the *name*,
/// before anybody looks whether the thing exists, so that absence leaks nothing.
pub(crate) fn permit(
    view: &View<'_>,
    caller: &Caller,
    action: Action,
    resource: &ResourceName,
    extra: Extra<'_>,
) -> Result<Permit, OpError> {
    // What clients and access tokens may do is said by scopes, each by the operation that takes them. Policies, those of the person
    // behind a token too, speak of keys and sessions: a token may do less than its person.
    if matches!(caller.evidence, Evidence::Client { .. } | Evidence::Access(_)) {
        return Err(denied(caller, action, resource, DeniedBy::Layer { layer: LayerKind::Identity, explicit: false }, None));
    }
    let principal = caller.evidence.principal();
    if principal.is_owner() {
        return Ok(Permit { by: Vec::new() });
    }
    let context = context(view, caller, extra);
    let segments = resource.segments();
    let request = asked(action, &segments, None, &context);
    let layers = layers(caller);
    let verdict = evaluate(&request, &layers);
    if verdict.allowed {
        return Ok(Permit { by: deciders(verdict) });
    }
    let by = denied_by(&verdict.deciding);
    Err(denied(caller, action, resource, by, Some((verdict, Reasons::of(&request, &layers)))))
}

/// Asks a role's trust policy for the caller.
pub(crate) fn trust(
    view: &View<'_>,
    caller: &Caller,
    action: Action,
    name: &ResourceName,
    role: &Arc<Principal>,
    extra: Extra<'_>,
) -> Result<Trusted, OpError> {
    if matches!(caller.evidence, Evidence::Client { .. } | Evidence::Access(_)) {
        return Err(denied(caller, action, name, DeniedBy::Layer { layer: LayerKind::Trust, explicit: false }, None));
    }
    let Who::Role { trust, .. } = &role.who else { return Err(OpError::internal("a trust policy was asked of something that is no role")) };
    let context = context(view, caller, extra);
    let segments = name.segments();
    let account = caller.account_number();
    let arn = arn(caller);
    let principal = policy_principal(caller, &account, &arn);
    let request = asked(action, &segments, Some(principal), &context);
    let layers = [Layer { kind: LayerKind::Trust, policies: vec![trust] }];
    let verdict = evaluate(&request, &layers);
    if verdict.allowed {
        return Ok(Trusted { by: deciders(verdict), role: Arc::clone(role) });
    }
    let by = denied_by(&verdict.deciding);
    Err(denied(caller, action, name, by, Some((verdict, Reasons::of(&request, &layers)))))
}

fn asked<'a>(action: Action, segments: &'a Segments, principal: Option<PolicyPrincipal<'a>>, context: &'a Context) -> Request<'a> {
    Request { action: action.name(), alias: action.alias(), resource: segments.as_resource(), principal, context }
}

fn layers(caller: &Caller) -> Vec<Layer<'_>> {
    let identity: Vec<&Policy> = caller.evidence.principal().policies.iter().collect();
    let mut layers = Vec::with_capacity(2);
    if let Evidence::Session(session) = &caller.evidence
        && let Some(policy) = &session.session_policy
    {
        layers.push(Layer { kind: LayerKind::Session, policies: vec![policy] });
    }
    layers.push(Layer { kind: LayerKind::Identity, policies: identity });
    layers
}

fn policy_principal<'a>(caller: &'a Caller, account: &'a str, arn: &'a str) -> PolicyPrincipal<'a> {
    let principal = caller.evidence.principal();
    let (name, id) = (principal.name(), Some(principal.id_bytes()));
    match principal.caller_kind() {
        CallerKind::Owner => PolicyPrincipal::Account { account },
        CallerKind::User => PolicyPrincipal::User { account, name, id },
        CallerKind::RoleSession => PolicyPrincipal::RoleSession { account, role: name, id },
        CallerKind::Federated | CallerKind::Client => PolicyPrincipal::Federated { arn, id },
    }
}

/// The caller as policies spell it; for a role session its role, for a token its provider.
fn arn(caller: &Caller) -> String {
    let principal = caller.evidence.principal();
    let account = principal.account.number;
    match principal.caller_kind() {
        CallerKind::Owner => format!("acs:ram::{account}:root"),
        CallerKind::User => format!("acs:ram::{account}:user/{}", principal.name()),
        CallerKind::RoleSession => format!("acs:ram::{account}:role/{}", principal.name()),
        CallerKind::Federated => format!("acs:ram::{account}:oidc-provider/{}", principal.name()),
        CallerKind::Client => format!("acs:ram::{account}:application/{}", principal.number_text()),
    }
}

fn context(view: &View<'_>, caller: &Caller, extra: Extra<'_>) -> Context {
    let meta = &caller.meta;
    let mut context = Context::new();
    context.set("acs:CurrentTime", view.now().to_iso());
    if let Some(source) = meta.source {
        context.set("acs:SourceIp", source.to_string());
    }
    context.set("acs:SecureTransport", if meta.secure { "true" } else { "false" });
    // A key proves no second factor. It is said, not left out, so that a condition for `false` can match too.
    context.set("acs:MFAPresent", "false");
    context.set("acs:PrincipalARN", arn(caller));
    context.set("acs:UserAgent", meta.user_agent.as_str());
    if let Some(key_id) = caller.access_key_id() {
        context.set("acs:AccessId", key_id.as_str());
    }
    if let Evidence::Token(token) = &caller.evidence {
        let claims = token.verified.claims();
        context.set("oidc:iss", claims.issuer.as_str());
        context.set_many("oidc:aud", claims.audiences.clone());
        context.set("oidc:sub", claims.subject.as_str());
    }
    for (key, value) in extra {
        context.set(key, *value);
    }
    context
}

fn deciders(verdict: Verdict) -> Vec<StatementRef> {
    verdict
        .layers
        .into_iter()
        .flat_map(|layer| match layer.decision {
            Decision::Allow { by } => by,
            Decision::ExplicitDeny { .. } | Decision::ImplicitDeny => Vec::new(),
        })
        .collect()
}

fn denied_by(deciding: &LayerDecision) -> DeniedBy {
    DeniedBy::Layer { layer: deciding.layer, explicit: matches!(deciding.decision, Decision::ExplicitDeny { .. }) }
}

/// A refusal, with everything the audit row needs to explain it later.
pub(crate) fn denied(caller: &Caller, action: Action, resource: &ResourceName, by: DeniedBy, asked: Option<(Verdict, Reasons)>) -> OpError {
    let (verdict, reasons) = asked.unzip();
    OpError::Denied(Box::new(Denial {
        action: action.name(),
        resource: resource.to_string(),
        by,
        verdict,
        account: caller.account_number(),
        caller: caller.display(),
        caller_kind: caller.kind(),
        why: reasons.map(Box::new),
    }))
}
