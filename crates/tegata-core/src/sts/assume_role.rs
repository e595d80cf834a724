//! Become a role for a while.

use std::time::Duration;

use tegata_model::{AccountNumber, ExternalId, RoleName, RoleSessionName, SourceIdentity};
use tegata_policy::{DocumentKind, LayerDecision, LayerKind, ram};

use crate::{
    actions::{Action, STS_ASSUME_ROLE},
    authz::{self, Admitted, Permit, Trusted},
    caller::Caller,
    directory::tag,
    error::{CallerKind, DeniedBy, Input, OpError, ProblemKind},
    mint::{self, NewSession, TemporaryCredential},
    operation::{Effect, Operation},
    principal::Who,
    resource::ResourceName,
    view::View,
};

/// Shortest life of a role session.
pub(crate) const SHORTEST: Duration = Duration::from_mins(15);
/// Life of a role session when nothing is said (cut to the role's maximum).
pub(crate) const USUAL: Duration = Duration::from_hours(1);

/// Become a role for a while. Needs an Allow from the caller's own policies *and* from the role's trust policy.
#[derive(Debug, Clone)]
pub struct AssumeRole {
    /// The account of the role.
    pub account: AccountNumber,
    /// The role.
    pub role: RoleName,
    /// What to call the session.
    pub session_name: RoleSessionName,
    /// How long it shall live.
    pub lifetime: Option<Duration>,
    /// A policy that narrows the role for this session, as text.
    pub policy: Option<String>,
    /// What the trust policy may ask of callers from other accounts.
    pub external_id: Option<ExternalId>,
    /// The origin of the chain; once set it stays.
    pub source_identity: Option<SourceIdentity>,
}

impl Operation for AssumeRole {
    const ACTION: Action = STS_ASSUME_ROLE;
    type Output = TemporaryCredential;

    fn resource(&self, _caller: &Caller) -> ResourceName {
        ResourceName::Role { account: self.account, name: self.role.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<TemporaryCredential>, OpError> {
        let name = self.resource(caller);
        if caller.kind() == CallerKind::Owner {
            return Err(authz::denied(caller, Self::ACTION, &name, DeniedBy::OwnerMayNotAssume, None));
        }
        check_policy(view, self.policy.as_deref())?;
        let source_identity = self.inherited_source_identity(caller, &name)?;
        let (permit, trusted) = self.ask(view, caller, &name, source_identity.as_ref()).await?;

        let deadline = mint::deadline(view, caller);
        if mint::chain_length(caller) >= view.core().limits().chain_depth || view.now().plus(SHORTEST) > deadline {
            return Err(authz::denied(caller, Self::ACTION, &name, DeniedBy::ChainEnded, None));
        }
        let lifetime = lifetime(&trusted, self.lifetime)?;
        let expires_at = view.now().plus(lifetime).min(deadline);
        let new = NewSession { name: &self.session_name, expires_at, deadline, source_identity, policy: self.policy.as_deref() };
        mint::role_session(view, caller, permit.with(trusted), new)
    }
}

/// Both layers must allow; a refusal of one names the other's standing too, so that `why` can tell the whole change.
fn both(permit: Result<Permit, OpError>, trusted: Result<Option<Trusted>, OpError>) -> Result<(Permit, Option<Trusted>), OpError> {
    match (permit, trusted) {
        (Ok(permit), Ok(trusted)) => Ok((permit, trusted)),
        (Err(OpError::Denied(mut denial)), trust) => {
            match trust {
                Ok(Some(trusted)) => {
                    if let Some(verdict) = &mut denial.verdict {
                        let decision = tegata_policy::Decision::Allow { by: trusted.by().to_vec() };
                        verdict.layers.push(LayerDecision { layer: LayerKind::Trust, decision });
                    }
                }
                Err(OpError::Denied(other)) => {
                    if let (Some(verdict), Some(more)) = (&mut denial.verdict, other.verdict) {
                        verdict.layers.extend(more.layers);
                    }
                    if let (Some(why), Some(more)) = (&mut denial.why, other.why) {
                        why.merge(*more);
                    }
                }
                Ok(None) | Err(_) => {}
            }
            Err(OpError::Denied(denial))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

impl AssumeRole {
    /// A role of the caller's own account, for as long as usual, named after the caller.
    pub fn plain(caller: &Caller, role: RoleName) -> Result<Self, OpError> {
        let principal = caller.evidence.principal();
        let name = RoleSessionName::new(principal.name()).or_else(|_| RoleSessionName::new("sign-in"));
        Ok(Self {
            account: principal.account.number,
            role,
            session_name: name.map_err(OpError::internal)?,
            lifetime: None,
            policy: None,
            external_id: None,
            source_identity: None,
        })
    }

    /// Whether the caller may become the role, without a session of its own.
    pub(crate) async fn admit(&self, view: &View<'_>, caller: &Caller) -> Result<Admitted, OpError> {
        let name = self.resource(caller);
        if caller.kind() == CallerKind::Owner {
            return Err(authz::denied(caller, Self::ACTION, &name, DeniedBy::OwnerMayNotAssume, None));
        }
        let (permit, trusted) = self.ask(view, caller, &name, None).await?;
        Ok(permit.with(trusted))
    }

    async fn ask(
        &self,
        view: &View<'_>,
        caller: &Caller,
        name: &ResourceName,
        source_identity: Option<&SourceIdentity>,
    ) -> Result<(Permit, Trusted), OpError> {
        let extra = self.condition_keys(source_identity);
        let extra: Vec<(&str, &str)> = extra.iter().map(|(key, value)| (*key, value.as_str())).collect();
        // Tags of a foreign role are for its own account to ask for.
        let carried = self.tags(view, caller).await?;
        let tagged: Vec<(&str, &str)> =
            extra.iter().copied().chain(carried.iter().map(|(key, value)| (key.as_str(), value.as_str()))).collect();
        let permit = authz::permit(view, caller, Self::ACTION, name, &tagged);
        let trusted = self.ask_role(view, caller, name, &extra).await?;
        let (permit, trusted) = both(permit, trusted)?;
        Ok((permit, trusted.ok_or_else(|| OpError::NotFound(name.clone()))?))
    }

    /// The source identity of the chain: set once, inherited in silence, never changed.
    fn inherited_source_identity(&self, caller: &Caller, name: &ResourceName) -> Result<Option<SourceIdentity>, OpError> {
        match (caller.source_identity(), &self.source_identity) {
            (Some(kept), Some(asked)) if kept != asked => {
                Err(authz::denied(caller, Self::ACTION, name, DeniedBy::SourceIdentityFixed, None))
            }
            (Some(kept), _) => Ok(Some(kept.clone())),
            (None, asked) => Ok(asked.clone()),
        }
    }

    /// The condition keys of the role's tags, where it is one of the caller's account.
    async fn tags(&self, view: &View<'_>, caller: &Caller) -> Result<Vec<(String, String)>, OpError> {
        if self.account != caller.evidence.principal().account.number {
            return Ok(Vec::new());
        }
        let role = view.role(caller.account(), &self.role).await?;
        Ok(role.map_or_else(Vec::new, |role| role.tags.iter().map(|(key, value)| (tag::resource_key(key), value.clone())).collect()))
    }

    fn condition_keys(&self, source_identity: Option<&SourceIdentity>) -> Vec<(&'static str, String)> {
        let mut keys = Vec::with_capacity(2);
        keys.extend(self.external_id.as_ref().map(|id| ("sts:ExternalId", id.to_string())));
        keys.extend(source_identity.map(|identity| ("sts:SourceIdentity", identity.to_string())));
        keys
    }

    /// The role and its trust, or nothing where it does not exist and the caller may know that.
    ///
    /// A role of another account that does not exist answers exactly as one that does not trust the caller.
    async fn ask_role(
        &self,
        view: &View<'_>,
        caller: &Caller,
        name: &ResourceName,
        extra: &[(&str, &str)],
    ) -> Result<Result<Option<Trusted>, OpError>, OpError> {
        let account = view.account_by_number(self.account).await?;
        let role = match &account {
            Some(account) => view.role(account.id, &self.role).await?,
            None => None,
        };
        let foreign = account.as_ref().is_none_or(|account| account.id != caller.account());
        let untrusted = || authz::denied(caller, Self::ACTION, name, DeniedBy::Layer { layer: LayerKind::Trust, explicit: false }, None);
        Ok(match role {
            Some(role) if role.is_active() => {
                authz::trust(view, caller, Self::ACTION, name, &role, extra).map(Some).map_err(|error| match error {
                    // What a foreign trust policy says is for its own account to read.
                    OpError::Denied(_) if foreign => untrusted(),
                    other => other,
                })
            }
            None if !foreign => Ok(None),
            // A role that is switched off trusts nobody; an absent one of another account answers the same.
            Some(_) | None => Err(untrusted()),
        })
    }
}

/// A session policy must be one, and not too long.
pub(super) fn check_policy(view: &View<'_>, policy: Option<&str>) -> Result<(), OpError> {
    let Some(text) = policy else { return Ok(()) };
    let most = view.core().limits().session_policy_chars;
    if text.chars().count() > most {
        return Err(OpError::invalid(
            Input::SessionPolicy,
            ProblemKind::TooLarge,
            format!("the session policy may have at most {most} characters"),
        ));
    }
    match ram::parse(text, DocumentKind::Identity) {
        Ok(_) => Ok(()),
        Err(problem) => Err(OpError::invalid(Input::SessionPolicy, ProblemKind::Malformed, problem.to_string())),
    }
}

/// How long a session of the role may live, of what was asked.
pub(super) fn lifetime(trusted: &Trusted, asked: Option<Duration>) -> Result<Duration, OpError> {
    let longest = match &trusted.role.who {
        Who::Role { row, .. } => row.max_session,
        Who::User(_) | Who::Provider(_) | Who::Client(_) => SHORTEST,
    };
    match asked {
        None => Ok(USUAL.min(longest)),
        Some(asked) if (SHORTEST..=longest).contains(&asked) => Ok(asked),
        Some(_) => Err(OpError::invalid(
            Input::Lifetime,
            ProblemKind::OutOfRange,
            format!("a session of this role may live {} to {} seconds", SHORTEST.as_secs(), longest.as_secs()),
        )),
    }
}
