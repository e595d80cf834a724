//! Policies and their versions.

use tegata_core::directory::{
    CreatePolicy, CreatePolicyVersion, DeletePolicy, DeletePolicyVersion, DescribePolicy, DescribePolicyVersion, ListPolicies,
    ListPolicyVersions, ManagedPolicy, PolicyVersion, SetDefaultPolicyVersion, UpdatePolicyDescription,
};

use super::tag;
use crate::acs::{
    ask::{Ask, Entry, Fields, entry, paged, text, type_word, wrapped},
    catalogue::{Kind, MARKER, MAX_ITEMS, POLICY_TYPES, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreatePolicy",
        "Make a policy, with its first version",
        create,
        [need("PolicyName", Kind::Text), need("PolicyDocument", Kind::Document), may("Description", Kind::Text), may("Tag", Kind::Tags)]
    ),
    entry!(
        "UpdatePolicyDescription",
        "Say what a policy is for",
        describe_anew,
        [need("PolicyName", Kind::Policy), need("NewDescription", Kind::Text)]
    ),
    entry!(
        "GetPolicy",
        "A policy with the version that counts",
        describe,
        [need("PolicyName", Kind::Policy), need("PolicyType", POLICY_TYPES)]
    ),
    entry!(
        "DeletePolicy",
        "Delete a policy that is attached to nobody",
        delete,
        [need("PolicyName", Kind::Policy), may("CascadingDelete", Kind::Flag)]
    ),
    entry!(
        "ListPolicies",
        "The policies of the account, and the system's",
        list,
        [may("PolicyType", POLICY_TYPES), MARKER, MAX_ITEMS, may("Tag", Kind::Tags)]
    ),
    entry!(
        "CreatePolicyVersion",
        "Write a new version of a policy",
        create_version,
        [
            need("PolicyName", Kind::Policy),
            need("PolicyDocument", Kind::Document),
            may("SetAsDefault", Kind::Flag),
            may("RotateStrategy", Kind::Word(&["None", "DeleteOldestNonDefaultVersionWhenLimitExceeded"]))
        ]
    ),
    entry!(
        "GetPolicyVersion",
        "One version of a policy",
        describe_version,
        [need("PolicyName", Kind::Policy), need("PolicyType", POLICY_TYPES), need("VersionId", Kind::Text)]
    ),
    entry!(
        "DeletePolicyVersion",
        "Delete a version that does not count",
        delete_version,
        [need("PolicyName", Kind::Policy), need("VersionId", Kind::Text)]
    ),
    entry!(
        "ListPolicyVersions",
        "The versions of a policy",
        list_versions,
        [need("PolicyName", Kind::Policy), need("PolicyType", POLICY_TYPES)]
    ),
    entry!(
        "SetDefaultPolicyVersion",
        "Choose the version that counts",
        set_default_version,
        [need("PolicyName", Kind::Policy), need("VersionId", Kind::Text)]
    ),
];

fn shown(policy: ManagedPolicy) -> Tree {
    let mut fields = vec![
        ("PolicyName", text(&policy.name)),
        ("PolicyType", text(&type_word(policy.kind))),
        ("Description", Tree::Text(policy.description)),
        ("DefaultVersion", Tree::Text(format!("v{}", policy.default_version))),
        ("AttachmentCount", Tree::Number(policy.attachments)),
        ("CreateDate", Tree::Text(policy.created_at.to_iso())),
        ("UpdateDate", Tree::Text(policy.updated_at.to_iso())),
    ];
    fields.extend(tag::shown(policy.tags));
    Tree::Object(fields)
}

fn version_shown(version: PolicyVersion) -> Tree {
    Tree::Object(vec![
        ("VersionId", Tree::Text(format!("v{}", version.version))),
        ("IsDefaultVersion", Tree::Flag(version.is_default)),
        ("PolicyDocument", Tree::Text(version.document)),
        ("CreateDate", Tree::Text(version.created_at.to_iso())),
    ])
}

fn version_id(ask: &Ask<'_>) -> Result<u32, AcsError> {
    let given: String = ask.params.required("VersionId")?;
    let number = given.strip_prefix('v').filter(|digits| !digits.starts_with(['+', '0'])).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| AcsError::invalid_in("VersionId", "Format", "versions are called `v1`, `v2` and so on"))
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = CreatePolicy {
        name: ask.name("PolicyName")?,
        document: ask.document("PolicyDocument")?,
        description: ask.words("Description")?,
        tags: ask.tags()?,
    };
    Ok(vec![("Policy", shown(ask.perform(input).await?))])
}

pub(super) async fn describe_anew(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let description = ask.words("NewDescription")?.ok_or_else(|| AcsError::missing("NewDescription"))?;
    let policy = ask.perform(UpdatePolicyDescription { name: ask.name("PolicyName")?, description }).await?;
    Ok(vec![("Policy", shown(policy))])
}

pub(super) async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let (policy, version) = ask.perform(DescribePolicy { policy: ask.policy()? }).await?;
    Ok(vec![("Policy", shown(policy)), ("DefaultPolicyVersion", version_shown(version))])
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeletePolicy { name: ask.name("PolicyName")?, with_versions: ask.flag("CascadingDelete")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListPolicies { kind: ask.policy_type()?, filter: ask.tag_filter()?, page: ask.page(1000)? }).await?;
    Ok(paged("Policies", "Policy", listed, shown))
}

pub(super) async fn create_version(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let rotate = match ask.params.text("RotateStrategy") {
        None | Some("" | "None") => false,
        Some("DeleteOldestNonDefaultVersionWhenLimitExceeded") => true,
        Some(_) => {
            let rule = "`None` and `DeleteOldestNonDefaultVersionWhenLimitExceeded` are the values";
            return Err(AcsError::invalid("RotateStrategy", rule));
        }
    };
    let input = CreatePolicyVersion {
        name: ask.name("PolicyName")?,
        document: ask.document("PolicyDocument")?,
        set_default: ask.flag("SetAsDefault")?,
        rotate,
    };
    Ok(vec![("PolicyVersion", version_shown(ask.perform(input).await?))])
}

pub(super) async fn describe_version(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let input = DescribePolicyVersion { policy: ask.policy()?, version: version_id(ask)? };
    Ok(vec![("PolicyVersion", version_shown(ask.perform(input).await?))])
}

pub(super) async fn delete_version(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DeletePolicyVersion { name: ask.name("PolicyName")?, version: version_id(ask)? }).await?;
    Ok(Vec::new())
}

pub(super) async fn list_versions(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let versions = ask.perform(ListPolicyVersions { policy: ask.policy()? }).await?;
    Ok(vec![wrapped("PolicyVersions", "PolicyVersion", versions.into_iter().map(version_shown).collect())])
}

pub(super) async fn set_default_version(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(SetDefaultPolicyVersion { name: ask.name("PolicyName")?, version: version_id(ask)? }).await?;
    Ok(Vec::new())
}
