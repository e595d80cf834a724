//! Which policies are attached to whom.

use tegata_core::directory::{
    AttachPolicyToGroup, AttachPolicyToRole, AttachPolicyToUser, AttachedPolicy, DetachPolicyFromGroup, DetachPolicyFromRole,
    DetachPolicyFromUser, ListEntitiesForPolicy, ListPoliciesForGroup, ListPoliciesForRole, ListPoliciesForUser,
};

use crate::acs::{
    arn,
    ask::{Ask, Entry, Fields, entry, said, text, type_word, wrapped},
    catalogue::{Kind, POLICY_TYPES, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "AttachPolicyToUser",
        "Give a policy to a user",
        attach_to_user,
        [need("PolicyType", POLICY_TYPES), need("PolicyName", Kind::Policy), need("UserName", Kind::User)]
    ),
    entry!(
        "AttachPolicyToGroup",
        "Give a policy to a group",
        attach_to_group,
        [need("PolicyType", POLICY_TYPES), need("PolicyName", Kind::Policy), need("GroupName", Kind::Group)]
    ),
    entry!(
        "AttachPolicyToRole",
        "Give a policy to a role",
        attach_to_role,
        [need("PolicyType", POLICY_TYPES), need("PolicyName", Kind::Policy), need("RoleName", Kind::Role)]
    ),
    entry!(
        "DetachPolicyFromUser",
        "Take a policy from a user",
        detach_from_user,
        [need("PolicyType", POLICY_TYPES), need("PolicyName", Kind::Policy), need("UserName", Kind::User)]
    ),
    entry!(
        "DetachPolicyFromGroup",
        "Take a policy from a group",
        detach_from_group,
        [need("PolicyType", POLICY_TYPES), need("PolicyName", Kind::Policy), need("GroupName", Kind::Group)]
    ),
    entry!(
        "DetachPolicyFromRole",
        "Take a policy from a role",
        detach_from_role,
        [need("PolicyType", POLICY_TYPES), need("PolicyName", Kind::Policy), need("RoleName", Kind::Role)]
    ),
    entry!("ListPoliciesForUser", "The policies attached to a user", list_for_user, [need("UserName", Kind::User)]),
    entry!("ListPoliciesForGroup", "The policies attached to a group", list_for_group, [need("GroupName", Kind::Group)]),
    entry!("ListPoliciesForRole", "The policies attached to a role", list_for_role, [need("RoleName", Kind::Role)]),
    entry!(
        "ListEntitiesForPolicy",
        "Everybody a policy is attached to",
        list_entities,
        [need("PolicyName", Kind::Policy), need("PolicyType", POLICY_TYPES)]
    ),
];

pub(super) async fn attach_to_user(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(AttachPolicyToUser { policy: ask.policy()?, to: ask.name("UserName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn attach_to_group(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(AttachPolicyToGroup { policy: ask.policy()?, to: ask.name("GroupName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn attach_to_role(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(AttachPolicyToRole { policy: ask.policy()?, to: ask.name("RoleName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn detach_from_user(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DetachPolicyFromUser { policy: ask.policy()?, from: ask.name("UserName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn detach_from_group(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DetachPolicyFromGroup { policy: ask.policy()?, from: ask.name("GroupName")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn detach_from_role(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(DetachPolicyFromRole { policy: ask.policy()?, from: ask.name("RoleName")? }).await?;
    Ok(Vec::new())
}

fn listed(policies: Vec<AttachedPolicy>) -> Fields {
    let shown = policies.into_iter().map(|policy| {
        Tree::object([
            ("PolicyName", policy.name.to_string()),
            ("PolicyType", type_word(policy.kind).to_owned()),
            ("Description", policy.description),
            ("DefaultVersion", format!("v{}", policy.default_version)),
            ("AttachDate", policy.attached_at.to_iso()),
        ])
    });
    vec![wrapped("Policies", "Policy", shown.collect())]
}

pub(super) async fn list_for_user(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(listed(ask.perform(ListPoliciesForUser { of: ask.name("UserName")? }).await?))
}

pub(super) async fn list_for_group(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(listed(ask.perform(ListPoliciesForGroup { of: ask.name("GroupName")? }).await?))
}

pub(super) async fn list_for_role(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(listed(ask.perform(ListPoliciesForRole { of: ask.name("RoleName")? }).await?))
}

pub(super) async fn list_entities(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let entities = ask.perform(ListEntitiesForPolicy { policy: ask.policy()? }).await?;
    let users = entities.users.into_iter().map(|(user, since)| {
        Tree::object([
            ("UserId", user.number.to_string()),
            ("UserName", user.name.to_string()),
            ("DisplayName", user.display_name),
            ("AttachDate", since.to_iso()),
        ])
    });
    let groups = entities.groups.into_iter().map(|(group, since)| {
        let mut fields = vec![("GroupName", text(&group.name))];
        fields.extend(said("Comments", group.comments));
        fields.push(("AttachDate", Tree::Text(since.to_iso())));
        Tree::Object(fields)
    });
    let roles = entities.roles.into_iter().map(|(role, since)| {
        Tree::object([
            ("RoleId", role.number.to_string()),
            ("RoleName", role.name.to_string()),
            ("Arn", arn::role(role.account, &role.name)),
            ("Description", role.description),
            ("AttachDate", since.to_iso()),
        ])
    });
    Ok(vec![
        wrapped("Users", "User", users.collect()),
        wrapped("Groups", "Group", groups.collect()),
        wrapped("Roles", "Role", roles.collect()),
    ])
}
