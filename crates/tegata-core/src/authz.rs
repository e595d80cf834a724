//! Whether a caller may: layers of policies, and the two kinds of evidence that an effect needs.

use std::sync::Arc;

use tegata_model::{RoleName, Timestamp, UserId};
use tegata_policy::{
    Context, Decision, Layer, LayerDecision, LayerKind, Policy, Principal as PolicyPrincipal, Request, StatementRef, Verdict, could_allow,
    evaluate,
};

use tegata_store::mfa_device;

use crate::{
    RequestMeta,
    actions::{
        Action, RAM_BIND_MFA_DEVICE, RAM_CHANGE_PASSWORD, RAM_CREATE_ACCESS_KEY, RAM_CREATE_VIRTUAL_MFA_DEVICE, RAM_DELETE_ACCESS_KEY,
        RAM_DELETE_VIRTUAL_MFA_DEVICE, RAM_GET_USER_MFA_INFO, RAM_LIST_ACCESS_KEYS, RAM_UNBIND_MFA_DEVICE, RAM_UPDATE_ACCESS_KEY,
        STS_ASSUME_ROLE, TEGATA_CREATE_API_TOKEN, TEGATA_LIST_API_TOKENS, TEGATA_REVOKE_API_TOKEN,
    },
    caller::{Caller, Evidence},
    error::{CallerKind, Denial, DeniedBy, OpError},
    org::is_org_action,
    principal::{Principal, Who},
    resource::{ResourceName, Segments},
    sam::describe,
    sts::is_single_sign_on,
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
    pub(crate) role: Arc<Principal>,
    /// The caller's own statements that allowed it; none for somebody from outside.
    pub(crate) permitted: Vec<StatementRef>,
    /// The statements of the role's trust policy that allowed it.
    pub(crate) trusted: Vec<StatementRef>,
    /// Nobody makes one elsewhere.
    _made_here: (),
}

impl Permit {
    /// Both kinds of evidence together.
    pub(crate) fn with(self, trusted: Trusted) -> Admitted {
        Admitted { role: trusted.role, permitted: self.by, trusted: trusted.by, _made_here: () }
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
        let admitted = || Admitted { role: self.role, permitted: Vec::new(), trusted: self.by, _made_here: () };
        matches!(caller.evidence, Evidence::Token(_)).then(admitted)
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
    // The one exception is a token for single sign-on, which becomes a role as its person could.
    if by_scopes(caller, action) {
        return Err(denied(caller, action, resource, DeniedBy::Layer { layer: LayerKind::Identity, explicit: false }, None));
    }
    let principal = caller.evidence.principal();
    if principal.is_owner() {
        return Ok(Permit { by: Vec::new() });
    }
    let mut context = context(view, caller, extra);
    if !documents(caller).is_empty() {
        describe(&mut context, caller, resource);
    }
    let segments = resource.segments();
    let request = asked(action, &segments, None, &context);
    let layers = layers(caller);
    let verdict = evaluate(&request, &layers);
    if verdict.allowed {
        return Ok(Permit { by: deciders(verdict) });
    }
    if only_silence(&verdict) && own_affair(principal, action, resource) {
        let by = StatementRef { policy: "security preference of the account".into(), index: 1 };
        return Ok(Permit { by: vec![by] });
    }
    let by = denied_by(&verdict.deciding);
    Err(denied(caller, action, resource, by, Some((verdict, Reasons::of(&request, &layers)))))
}

/// Refuses only what a statement denies: for what is nothing but the sum of other actions, each of which is asked for itself.
pub(crate) fn not_forbidden(view: &View<'_>, caller: &Caller, action: Action, resource: &ResourceName) -> Result<(), OpError> {
    match permit(view, caller, action, resource, &[]) {
        Err(OpError::Denied(denial)) if !matches!(denial.by, DeniedBy::Layer { explicit: true, .. }) => Ok(()),
        other => other.map(drop),
    }
}

/// Refuses what a policy of an app denies that the caller is about to become.
pub(crate) fn not_forbidden_to(
    view: &View<'_>,
    caller: &Caller,
    app: &Principal,
    action: Action,
    resource: &ResourceName,
) -> Result<(), OpError> {
    let context = around(&caller.meta, view.now(), false, app);
    let segments = resource.segments();
    let request = asked(action, &segments, None, &context);
    let layers = [Layer { kind: LayerKind::Identity, policies: app.policies.iter().collect() }];
    let verdict = evaluate(&request, &layers);
    match denied_by(&verdict.deciding) {
        by @ DeniedBy::Layer { explicit: true, .. } if !verdict.allowed => {
            Err(denied(caller, action, resource, by, Some((verdict, Reasons::of(&request, &layers)))))
        }
        _ => Ok(()),
    }
}

/// True when nothing stands against it but that no identity policy speaks of it.
fn only_silence(verdict: &Verdict) -> bool {
    verdict.layers.iter().all(|layer| match layer.layer {
        LayerKind::Identity => !matches!(layer.decision, Decision::ExplicitDeny { .. }),
        _ => layer.decision.is_allow(),
    })
}

/// What the account lets its users do for themselves, without a policy. It speaks like an Allow of their own policies: every
/// Deny and every other layer binds as it would there.
fn own_affair(principal: &Principal, action: Action, resource: &ResourceName) -> bool {
    let Who::User(row) = &principal.who else { return false };
    let own = match resource {
        ResourceName::User { account, name } => *account == principal.account.number && name.folded() == row.name.folded(),
        // A device of one's own is the one that bears one's name: so nobody can make more than one.
        ResourceName::MfaDevice { account, name } => *account == principal.account.number && name.folded() == row.name.folded(),
        _ => false,
    };
    let itself = principal.self_service;
    own && match action {
        RAM_CHANGE_PASSWORD => itself.password,
        RAM_CREATE_ACCESS_KEY
        | RAM_LIST_ACCESS_KEYS
        | RAM_UPDATE_ACCESS_KEY
        | RAM_DELETE_ACCESS_KEY
        | TEGATA_CREATE_API_TOKEN
        | TEGATA_LIST_API_TOKENS
        | TEGATA_REVOKE_API_TOKEN => itself.keys,
        RAM_CREATE_VIRTUAL_MFA_DEVICE
        | RAM_DELETE_VIRTUAL_MFA_DEVICE
        | RAM_BIND_MFA_DEVICE
        | RAM_UNBIND_MFA_DEVICE
        | RAM_GET_USER_MFA_INFO => itself.factor,
        _ => false,
    }
}

/// Refuses a caller that would remove or replace a factor, a password or keys of the very user it stands for, while that user
/// has a second factor and the caller did not give it. Note the user as read before.
pub(crate) async fn second_factor(
    view: &View<'_>,
    caller: &Caller,
    action: Action,
    resource: &ResourceName,
    user: UserId,
) -> Result<(), OpError> {
    if caller.second_factor() || !caller.began_with(user) {
        return Ok(());
    }
    match mfa_device::of_user(&view.core().store, user).await? {
        Some(_) => Err(denied(caller, action, resource, DeniedBy::SecondFactor, None)),
        None => Ok(()),
    }
}

/// True where what the caller may do is said by scopes, and no policy speaks for it.
fn by_scopes(caller: &Caller, action: Action) -> bool {
    match &caller.evidence {
        Evidence::Client { .. } => true,
        // Roles in the organisation allow; policies of the user can still deny.
        Evidence::Org(_) => !is_org_action(action),
        Evidence::Access(_) => action != STS_ASSUME_ROLE || !is_single_sign_on(caller),
        Evidence::Key(_) | Evidence::Session(_) | Evidence::Token(_) | Evidence::Browser(_) | Evidence::Sam(_) => false,
    }
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
    // A role trusts people, roles and providers: an app is none of these, by whatever it asks.
    if by_scopes(caller, action) || caller.kind() == CallerKind::Client {
        return Err(denied(caller, action, name, DeniedBy::Layer { layer: LayerKind::Trust, explicit: false }, None));
    }
    let Who::Role { trust, .. } = &role.who else { return Err(OpError::internal("a trust policy was asked of something that is no role")) };
    let context = context(view, caller, extra);
    let segments = name.segments();
    let account = caller.account_number();
    let arn = arn(caller.evidence.principal());
    let principal = policy_principal(caller.evidence.principal(), &account, &arn);
    let request = asked(action, &segments, Some(principal), &context);
    let layers = [Layer { kind: LayerKind::Trust, policies: vec![trust] }];
    let verdict = evaluate(&request, &layers);
    if verdict.allowed {
        return Ok(Trusted { by: deciders(verdict), role: Arc::clone(role) });
    }
    let by = denied_by(&verdict.deciding);
    Err(denied(caller, action, name, by, Some((verdict, Reasons::of(&request, &layers)))))
}

/// Whether a role still trusts the person who acts as it, in a request of this moment; without a request, whether it could.
pub(crate) fn still_trusts(role: &Principal, person: &Principal, request: Option<(&RequestMeta, Timestamp)>, second_factor: bool) -> bool {
    let (Who::Role { trust, .. }, Ok(role_name)) = (&role.who, RoleName::new(role.name())) else { return false };
    let context = request.map_or_else(Context::new, |(meta, now)| around(meta, now, second_factor, person));
    let name = ResourceName::Role { account: role.account.number, name: role_name };
    let segments = name.segments();
    let (account, arn) = (person.account.number.to_string(), arn(person));
    let principal = policy_principal(person, &account, &arn);
    let asked = asked(STS_ASSUME_ROLE, &segments, Some(principal), &context);
    match request {
        Some(_) => evaluate(&asked, &[Layer { kind: LayerKind::Trust, policies: vec![trust] }]).allowed,
        None => could_allow(&asked, [trust]),
    }
}

fn asked<'a>(action: Action, segments: &'a Segments, principal: Option<PolicyPrincipal<'a>>, context: &'a Context) -> Request<'a> {
    Request { action: action.name(), alias: action.alias(), resource: segments.as_resource(), principal, context }
}

fn layers(caller: &Caller) -> Vec<Layer<'_>> {
    let identity: Vec<&Policy> = caller.evidence.principal().policies.iter().chain(documents(caller)).collect();
    let mut layers = Vec::with_capacity(2);
    if let Evidence::Session(session) = &caller.evidence
        && let Some(policy) = &session.session_policy
    {
        layers.push(Layer { kind: LayerKind::Session, policies: vec![policy] });
    }
    layers.push(Layer { kind: LayerKind::Identity, policies: identity });
    layers
}

/// What the permission language says of the caller: as it is now, but to a session of that dialect as it was when the session began.
fn documents(caller: &Caller) -> &[Policy] {
    match &caller.evidence {
        Evidence::Sam(sam) => &sam.permissions,
        Evidence::Session(session) => session.permissions.as_deref().unwrap_or_else(|| session.role.sam.documents()),
        Evidence::Key(_) | Evidence::Token(_) | Evidence::Client { .. } | Evidence::Access(_) | Evidence::Browser(_) | Evidence::Org(_) => {
            caller.evidence.principal().sam.documents()
        }
    }
}

/// Asks a user's trust policy whether the caller may go on as that user. Only owners and users are ever trusted.
pub(crate) fn trust_user(
    view: &View<'_>,
    caller: &Caller,
    action: Action,
    name: &ResourceName,
    user: &Arc<Principal>,
) -> Result<Trusted, OpError> {
    let silent = DeniedBy::Layer { layer: LayerKind::Trust, explicit: false };
    let (Some(trust), false) = (user.sam.trust(), by_scopes(caller, action)) else {
        return Err(denied(caller, action, name, silent, None));
    };
    let asking = caller.evidence.principal();
    // Documents of this language name accounts by their operator ids.
    let (account, id) = (asking.account.operator_id.as_str(), Some(asking.id_bytes()));
    let principal = match caller.kind() {
        CallerKind::Owner => PolicyPrincipal::Account { account },
        CallerKind::User => PolicyPrincipal::User { account, name: asking.name(), id },
        CallerKind::RoleSession | CallerKind::Federated | CallerKind::Client => return Err(denied(caller, action, name, silent, None)),
    };
    let mut context = context(view, caller, &[]);
    describe(&mut context, caller, name);
    let segments = name.segments();
    let request = asked(action, &segments, Some(principal), &context);
    let layers = [Layer { kind: LayerKind::Trust, policies: vec![trust] }];
    let verdict = evaluate(&request, &layers);
    if verdict.allowed {
        return Ok(Trusted { by: deciders(verdict), role: Arc::clone(user) });
    }
    let by = denied_by(&verdict.deciding);
    Err(denied(caller, action, name, by, Some((verdict, Reasons::of(&request, &layers)))))
}

fn policy_principal<'a>(principal: &'a Principal, account: &'a str, arn: &'a str) -> PolicyPrincipal<'a> {
    let (name, id) = (principal.name(), Some(principal.id_bytes()));
    match principal.caller_kind() {
        CallerKind::Owner => PolicyPrincipal::Account { account },
        CallerKind::User => PolicyPrincipal::User { account, name, id },
        CallerKind::RoleSession => PolicyPrincipal::RoleSession { account, role: name, id },
        CallerKind::Federated | CallerKind::Client => PolicyPrincipal::Federated { arn, id },
    }
}

/// Who asks as policies spell it; for a role session its role, for a token its provider.
fn arn(principal: &Principal) -> String {
    let account = principal.account.number;
    match principal.caller_kind() {
        CallerKind::Owner => format!("acs:ram::{account}:root"),
        CallerKind::User => format!("acs:ram::{account}:user/{}", principal.name()),
        CallerKind::RoleSession => format!("acs:ram::{account}:role/{}", principal.name()),
        CallerKind::Federated => format!("acs:ram::{account}:oidc-provider/{}", principal.name()),
        CallerKind::Client => format!("acs:ram::{account}:application/{}", principal.number_text()),
    }
}

/// What is around every request.
fn around(meta: &RequestMeta, now: Timestamp, second_factor: bool, principal: &Principal) -> Context {
    let mut context = Context::new();
    context.set("acs:CurrentTime", now.to_iso());
    if let Some(source) = meta.source {
        context.set("acs:SourceIp", source.to_string());
    }
    context.set("acs:SecureTransport", if meta.secure { "true" } else { "false" });
    // It is said, not left out, so that a condition for `false` can match too.
    context.set("acs:MFAPresent", if second_factor { "true" } else { "false" });
    context.set("acs:PrincipalARN", arn(principal));
    context.set("acs:UserAgent", meta.user_agent.as_str());
    context
}

fn context(view: &View<'_>, caller: &Caller, extra: Extra<'_>) -> Context {
    let mut context = around(&caller.meta, view.now(), caller.second_factor(), caller.evidence.principal());
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
        diagnostic: None,
        why: reasons.map(Box::new),
    }))
}
