//! Policies and their versions. Those of the server can be read and attached, not changed.

use std::collections::HashMap;

use tegata_model::{Description, Generation, PolicyId, PolicyName, Timestamp};
use tegata_policy::{DocumentKind, ram};
use tegata_store::{
    policy::{self, PolicyKind, PolicyRow, PolicyVersionRow, Target},
    tag::Tagged,
};

use super::{
    Listed, Page, changes, done, own,
    tag::{self, Tag, TagFilter},
};
use crate::{
    actions::{
        Action, RAM_CREATE_POLICY, RAM_CREATE_POLICY_VERSION, RAM_DELETE_POLICY, RAM_DELETE_POLICY_VERSION, RAM_GET_POLICY,
        RAM_GET_POLICY_VERSION, RAM_LIST_POLICIES, RAM_LIST_POLICY_VERSIONS, RAM_SET_DEFAULT_POLICY_VERSION, RAM_UPDATE_POLICY_DESCRIPTION,
    },
    caller::Caller,
    error::{Holding, Input, OpError, ProblemKind, Quota},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::{Read, View},
};

/// Who wrote a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyType {
    /// Somebody of the account.
    Custom,
    /// This program; the same in every account.
    System,
}

impl PolicyType {
    pub(super) fn of(kind: PolicyKind) -> Self {
        match kind {
            PolicyKind::Custom => Self::Custom,
            PolicyKind::System => Self::System,
        }
    }

    pub(super) fn kind(self) -> PolicyKind {
        match self {
            Self::Custom => PolicyKind::Custom,
            Self::System => PolicyKind::System,
        }
    }
}

/// A policy as it is named: custom and system policies may share a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRef {
    /// Who wrote it.
    pub kind: PolicyType,
    /// Its name.
    pub name: PolicyName,
}

impl PolicyRef {
    pub(super) fn resource(&self, caller: &Caller) -> ResourceName {
        match self.kind {
            PolicyType::Custom => custom(caller, &self.name),
            PolicyType::System => ResourceName::SystemPolicy { name: self.name.clone() },
        }
    }

    /// The policy, noted as read. Ask for permission first.
    pub(super) async fn find(&self, view: &View<'_>, caller: &Caller) -> Result<PolicyRow, OpError> {
        let account = match self.kind {
            PolicyType::Custom => Some(caller.account()),
            PolicyType::System => None,
        };
        let row = policy::find_by_name(&view.core().store, account, &self.name.folded()).await?;
        let row = row.ok_or_else(|| OpError::NotFound(self.resource(caller)))?;
        view.note(&[Read::Policy(row.id, row.generation)]);
        Ok(row)
    }
}

fn custom(caller: &Caller, name: &PolicyName) -> ResourceName {
    ResourceName::Policy { account: own(caller), name: name.clone() }
}

async fn find_custom(view: &View<'_>, caller: &Caller, name: &PolicyName) -> Result<PolicyRow, OpError> {
    PolicyRef { kind: PolicyType::Custom, name: name.clone() }.find(view, caller).await
}

/// What is said of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Who wrote it.
    pub kind: PolicyType,
    /// Its name.
    pub name: PolicyName,
    /// What it is for; empty if nothing was said.
    pub description: String,
    /// The version that counts.
    pub default_version: u32,
    /// To how many users, groups and roles of the caller's account it is attached.
    pub attachments: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a version was last added, removed or chosen.
    pub updated_at: Timestamp,
    /// Its tags, by key; empty where they were not asked for.
    pub tags: Vec<Tag>,
}

impl ManagedPolicy {
    fn of(row: PolicyRow, attachments: u64) -> Self {
        Self {
            kind: PolicyType::of(row.kind),
            name: row.name,
            description: row.description,
            default_version: row.default_version,
            attachments,
            created_at: row.created_at,
            updated_at: row.updated_at,
            tags: Vec::new(),
        }
    }

    fn tagged(self, tags: Vec<Tag>) -> Self {
        Self { tags, ..self }
    }
}

/// One version of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its number.
    pub version: u32,
    /// Whether it is the one that counts.
    pub is_default: bool,
    /// The document as written.
    pub document: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl PolicyVersion {
    fn of(row: PolicyVersionRow, default: u32) -> Self {
        Self { version: row.version, is_default: row.version == default, document: row.document, created_at: row.created_at }
    }
}

/// Documents have a length limit, in characters.
pub(super) fn check_length(view: &View<'_>, document: &str, input: Input) -> Result<(), OpError> {
    let most = view.core().limits().quotas.document_chars;
    if document.is_empty() || document.chars().count() > most {
        return Err(OpError::invalid(input, ProblemKind::TooLarge, format!("the document may have 1 to {most} characters")));
    }
    Ok(())
}

/// Checks the document of a policy.
pub(super) fn check(view: &View<'_>, document: &str) -> Result<(), OpError> {
    check_length(view, document, Input::PolicyDocument)?;
    let parsed = ram::parse(document, DocumentKind::Identity);
    parsed.map(drop).map_err(|problem| OpError::invalid(Input::PolicyDocument, ProblemKind::Malformed, problem.to_string()))
}

/// Make a policy.
#[derive(Debug, Clone)]
pub struct CreatePolicy {
    /// Its name.
    pub name: PolicyName,
    /// Its first version.
    pub document: String,
    /// What it is for.
    pub description: Option<Description>,
    /// The tags it begins with: at most 20.
    pub tags: Vec<Tag>,
}

impl Operation for CreatePolicy {
    const ACTION: Action = RAM_CREATE_POLICY;
    type Output = ManagedPolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        custom(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<ManagedPolicy>, OpError> {
        let whom = ResourceName::Policies { account: own(caller) };
        let permit = tag::permit_with(view, caller, Self::ACTION, &whom, &self.tags).await?;
        tag::check(view, &self.tags)?;
        check(view, &self.document)?;
        let (store, account, limit) = (&view.core().store, caller.account(), view.core().limits().quotas.policies);
        if policy::find_by_name(store, Some(account), &self.name.folded()).await?.is_some() {
            return Err(OpError::Exists(self.resource(caller)));
        }
        if policy::count(store, account).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::Policies, limit));
        }
        let row = self.row(view, caller)?;
        let version = PolicyVersionRow { policy_id: row.id, version: 1, document: self.document.clone(), created_at: view.now() };
        let mut changes = changes(view, caller);
        changes.push(policy::insert(&row));
        changes.extend(policy::add_version(&version));
        changes.push(policy::at_most(account, limit));
        changes.extend(tag::steps(view, caller, Tagged::Policy(row.id), &self.tags));
        Ok(done(ManagedPolicy::of(row, 0).tagged(self.tags.clone()), changes, permit).or_exists(self.resource(caller)))
    }
}

impl CreatePolicy {
    /// The row that it makes.
    pub(super) fn row(&self, view: &View<'_>, caller: &Caller) -> Result<PolicyRow, OpError> {
        Ok(PolicyRow {
            id: PolicyId::from_bytes(view.core().new_id()?),
            account_id: Some(caller.account()),
            name: self.name.clone(),
            kind: PolicyKind::Custom,
            description: self.description.as_ref().map(ToString::to_string).unwrap_or_default(),
            default_version: 1,
            generation: Generation(1),
            created_at: view.now(),
            last_version: 1,
            updated_at: view.now(),
        })
    }
}

/// Read a policy with the version that counts.
#[derive(Debug, Clone)]
pub struct DescribePolicy {
    /// Which one.
    pub policy: PolicyRef,
}

impl Operation for DescribePolicy {
    const ACTION: Action = RAM_GET_POLICY;
    type Output = (ManagedPolicy, PolicyVersion);

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.policy.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Self::Output>, OpError> {
        tag::permit(view, caller, Self::ACTION, &self.resource(caller)).await?;
        let row = self.policy.find(view, caller).await?;
        let store = &view.core().store;
        let version = policy::version(store, row.id, row.default_version).await?;
        let version = version.ok_or_else(|| OpError::internal("a policy has lost its default version"))?;
        let attachments = policy::attachment_count(store, row.id, caller.account()).await?;
        let version = PolicyVersion::of(version, row.default_version);
        let tags = tag::of(view, Tagged::Policy(row.id)).await?;
        Ok(Effect::nothing((ManagedPolicy::of(row, attachments).tagged(tags), version)))
    }
}

/// Say what a policy is for.
#[derive(Debug, Clone)]
pub struct UpdatePolicyDescription {
    /// Its name.
    pub name: PolicyName,
    /// What it is for from now on.
    pub description: Description,
}

impl Operation for UpdatePolicyDescription {
    const ACTION: Action = RAM_UPDATE_POLICY_DESCRIPTION;
    type Output = ManagedPolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        custom(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<ManagedPolicy>, OpError> {
        let permit = tag::permit(view, caller, Self::ACTION, &self.resource(caller)).await?;
        let mut row = find_custom(view, caller, &self.name).await?;
        let attachments = policy::attachment_count(&view.core().store, row.id, caller.account()).await?;
        let mut changes = changes(view, caller);
        changes.push(policy::set_description(row.id, self.description.as_str(), view.now()));
        row.description = self.description.to_string();
        row.updated_at = view.now();
        Ok(done(ManagedPolicy::of(row, attachments), changes, permit))
    }
}

/// Delete a policy that is attached to nobody.
#[derive(Debug, Clone)]
pub struct DeletePolicy {
    /// Its name.
    pub name: PolicyName,
    /// Whether versions besides the one that counts go with it; otherwise they must be gone.
    pub with_versions: bool,
}

impl Operation for DeletePolicy {
    const ACTION: Action = RAM_DELETE_POLICY;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        custom(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let resource = self.resource(caller);
        let permit = tag::permit(view, caller, Self::ACTION, &resource).await?;
        let row = find_custom(view, caller, &self.name).await?;
        let store = &view.core().store;
        if let Some((target, _)) = policy::attached_in(store, row.id, caller.account()).await?.first() {
            let holding = match target {
                Target::User(_) => Holding::Users,
                Target::Group(_) => Holding::AttachedGroups,
                Target::Role(_) => Holding::Roles,
            };
            return Err(OpError::InUse(resource, holding));
        }
        if !self.with_versions && policy::versions(store, row.id).await?.len() > 1 {
            return Err(OpError::InUse(resource, Holding::Versions));
        }
        let mut changes = changes(view, caller);
        // An attachment made meanwhile still refers to the policy, so the statement fails and this decides again.
        changes.extend(policy::delete(row.id));
        Ok(done((), changes, permit))
    }
}

/// List the policies that the caller's account can attach: its own, then the server's.
#[derive(Debug, Clone)]
pub struct ListPolicies {
    /// Only those.
    pub kind: Option<PolicyType>,
    /// Only those that carry all of these; those of the server carry none.
    pub filter: Vec<TagFilter>,
    /// Which part.
    pub page: Page,
}

/// How markers of lists of policies begin once they have reached the server's.
const SYSTEM_MARKER: &str = "system/";

impl Operation for ListPolicies {
    const ACTION: Action = RAM_LIST_POLICIES;
    type Output = Listed<ManagedPolicy>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Policies { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Self::Output>, OpError> {
        tag::permit(view, caller, Self::ACTION, &self.resource(caller)).await?;
        let (store, account) = (&view.core().store, caller.account());
        let mut rows = Vec::new();
        let among_system = self.page.after.strip_prefix(SYSTEM_MARKER);
        if self.kind != Some(PolicyType::System) && among_system.is_none() {
            rows = tag::policies(view, caller, &self.page.after, self.page.rows(), &self.filter).await?;
        }
        let missing = self.page.rows().saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        if self.kind != Some(PolicyType::Custom) && self.filter.is_empty() && missing > 0 {
            let system = policy::list(store, None, among_system.unwrap_or_default(), missing).await?;
            rows.extend(system.into_iter().map(|row| (row, Vec::new())));
        }
        let counts: HashMap<PolicyId, u64> = policy::attachment_counts(store, account).await?.into_iter().collect();
        let marker = |(row, _): &(PolicyRow, Vec<Tag>)| match row.kind {
            PolicyKind::Custom => row.name.folded(),
            PolicyKind::System => format!("{SYSTEM_MARKER}{}", row.name.folded()),
        };
        let show = |(row, tags): (PolicyRow, Vec<Tag>)| {
            let attachments = counts.get(&row.id).copied().unwrap_or(0);
            ManagedPolicy::of(row, attachments).tagged(tags)
        };
        Ok(Effect::nothing(self.page.cut(rows, marker, show)))
    }
}

/// Add a version to a policy.
#[derive(Debug, Clone)]
pub struct CreatePolicyVersion {
    /// The policy.
    pub name: PolicyName,
    /// The new document.
    pub document: String,
    /// Whether it counts from now on.
    pub set_default: bool,
    /// Whether the oldest version that does not count makes room where there are as many as there may be.
    pub rotate: bool,
}

impl Operation for CreatePolicyVersion {
    const ACTION: Action = RAM_CREATE_POLICY_VERSION;
    type Output = PolicyVersion;

    fn resource(&self, caller: &Caller) -> ResourceName {
        custom(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<PolicyVersion>, OpError> {
        let permit = tag::permit(view, caller, Self::ACTION, &self.resource(caller)).await?;
        check(view, &self.document)?;
        let row = find_custom(view, caller, &self.name).await?;
        let versions = policy::versions(&view.core().store, row.id).await?;
        let limit = view.core().limits().quotas.versions_per_policy;
        let mut changes = changes(view, caller);
        if versions.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            let oldest = versions.iter().find(|version| version.version != row.default_version).filter(|_| self.rotate);
            let oldest = oldest.ok_or(OpError::LimitExceeded(Quota::VersionsPerPolicy, limit))?;
            changes.extend(policy::delete_version(row.id, oldest.version, view.now()));
        }
        // Numbers are not used twice. The generation that was read keeps two of these from taking the same one.
        let new = PolicyVersionRow {
            policy_id: row.id,
            version: row.last_version.saturating_add(1),
            document: self.document.clone(),
            created_at: view.now(),
        };
        changes.extend(policy::add_version(&new));
        if self.set_default {
            changes.push(policy::set_default(row.id, new.version, view.now()));
        }
        let default = if self.set_default { new.version } else { row.default_version };
        Ok(done(PolicyVersion::of(new, default), changes, permit))
    }
}

fn version_name(policy: ResourceName, version: u32) -> ResourceName {
    ResourceName::PolicyVersion { of: Box::new(policy), version }
}

/// Read one version of a policy.
#[derive(Debug, Clone)]
pub struct DescribePolicyVersion {
    /// The policy.
    pub policy: PolicyRef,
    /// The number of the version.
    pub version: u32,
}

impl Operation for DescribePolicyVersion {
    const ACTION: Action = RAM_GET_POLICY_VERSION;
    type Output = PolicyVersion;

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.policy.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<PolicyVersion>, OpError> {
        let resource = self.resource(caller);
        tag::permit(view, caller, Self::ACTION, &resource).await?;
        let row = self.policy.find(view, caller).await?;
        let version = policy::version(&view.core().store, row.id, self.version).await?;
        let version = version.ok_or_else(|| OpError::NotFound(version_name(resource, self.version)))?;
        Ok(Effect::nothing(PolicyVersion::of(version, row.default_version)))
    }
}

/// List the versions of a policy, oldest first.
#[derive(Debug, Clone)]
pub struct ListPolicyVersions {
    /// The policy.
    pub policy: PolicyRef,
}

impl Operation for ListPolicyVersions {
    const ACTION: Action = RAM_LIST_POLICY_VERSIONS;
    type Output = Vec<PolicyVersion>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.policy.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<PolicyVersion>>, OpError> {
        tag::permit(view, caller, Self::ACTION, &self.resource(caller)).await?;
        let row = self.policy.find(view, caller).await?;
        let versions = policy::versions(&view.core().store, row.id).await?;
        Ok(Effect::nothing(versions.into_iter().map(|version| PolicyVersion::of(version, row.default_version)).collect()))
    }
}

/// Say which version of a policy counts, from the next request on.
#[derive(Debug, Clone)]
pub struct SetDefaultPolicyVersion {
    /// The policy.
    pub name: PolicyName,
    /// The number of the version.
    pub version: u32,
}

impl Operation for SetDefaultPolicyVersion {
    const ACTION: Action = RAM_SET_DEFAULT_POLICY_VERSION;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        version_name(custom(caller, &self.name), self.version)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = tag::permit(view, caller, Self::ACTION, &custom(caller, &self.name)).await?;
        let row = find_custom(view, caller, &self.name).await?;
        if policy::version(&view.core().store, row.id, self.version).await?.is_none() {
            return Err(OpError::NotFound(self.resource(caller)));
        }
        let mut changes = changes(view, caller);
        changes.push(policy::set_default(row.id, self.version, view.now()));
        Ok(done((), changes, permit))
    }
}

/// Delete a version that does not count.
#[derive(Debug, Clone)]
pub struct DeletePolicyVersion {
    /// The policy.
    pub name: PolicyName,
    /// The number of the version.
    pub version: u32,
}

impl Operation for DeletePolicyVersion {
    const ACTION: Action = RAM_DELETE_POLICY_VERSION;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        version_name(custom(caller, &self.name), self.version)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = tag::permit(view, caller, Self::ACTION, &custom(caller, &self.name)).await?;
        let row = find_custom(view, caller, &self.name).await?;
        if policy::version(&view.core().store, row.id, self.version).await?.is_none() {
            return Err(OpError::NotFound(self.resource(caller)));
        }
        if row.default_version == self.version {
            return Err(OpError::InUse(self.resource(caller), Holding::Default));
        }
        let mut changes = changes(view, caller);
        changes.extend(policy::delete_version(row.id, self.version, view.now()));
        Ok(done((), changes, permit))
    }
}
