//! What belongs to the account as a whole: its alias, and why something was refused in it.

use tegata_core::{
    CallerKind,
    directory::{
        ClearAccountAlias, DecodeDiagnosticMessage, DescribeAccountAlias, Diagnosis, MatchedStatement, PolicyType, SetAccountAlias,
    },
};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text, type_word},
    catalogue::{Kind, need},
    error::{AcsError, policy_type, principal_type},
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("SetAccountAlias", "Name the account", set_alias, [need("AccountAlias", Kind::Text)]),
    entry!("GetAccountAlias", "How the account is named", alias, []),
    entry!("ClearAccountAlias", "Name the account by its number again", clear_alias, []),
    entry!(
        "DecodeDiagnosticMessage",
        "Why a request was refused, from the message of its refusal",
        decode,
        [need("EncodedDiagnosticMessage", Kind::Text)]
    ),
];

pub(super) async fn set_alias(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(SetAccountAlias { alias: ask.name("AccountAlias")? }).await?;
    Ok(Vec::new())
}

pub(super) async fn alias(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(vec![("AccountAlias", text(&ask.perform(DescribeAccountAlias).await?))])
}

pub(super) async fn clear_alias(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    ask.perform(ClearAccountAlias).await?;
    Ok(Vec::new())
}

fn matched(one: MatchedStatement, kind: CallerKind) -> Tree {
    let mut fields = vec![("Effect", text(&if one.allows { "Allow" } else { "Deny" }))];
    fields.push(("PolicyType", text(&policy_type(one.layer))));
    match one.managed {
        Some(managed) => {
            let owner = if managed.kind == PolicyType::System { "system/" } else { "" };
            fields.push(("PolicyIdentifier", Tree::Text(format!("{owner}{}", one.policy))));
            fields.extend(managed.version.map(|version| ("PolicyVersion", Tree::Text(format!("v{version}")))));
            fields.push(("ManagedPolicyType", text(&type_word(managed.kind))));
            fields.push(("AttachedScope", text(&"Account")));
            // A user's policies come from itself and from its groups; which it was is not kept.
            if kind == CallerKind::RoleSession {
                fields.push(("AttachedEntityType", text(&"Role")));
            }
        }
        None => fields.push(("PolicyIdentifier", Tree::Text(one.policy))),
    }
    fields.push(("Statement", Tree::Number(u64::try_from(one.statement).unwrap_or(u64::MAX))));
    Tree::Object(fields)
}

pub(super) async fn decode(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let message = ask.params.required("EncodedDiagnosticMessage")?;
    let Diagnosis { caller_kind, account, caller, action, resource, conditions, layer, matched: statements, explanation } =
        ask.perform(DecodeDiagnosticMessage { message }).await?;
    let principal = Tree::Object(vec![
        ("AuthPrincipalType", text(&principal_type(caller_kind))),
        ("AuthPrincipalOwnerId", Tree::Text(account)),
        ("AuthPrincipalDisplayName", Tree::Text(caller)),
    ]);
    let condition = |(key, values): (String, Vec<String>)| {
        let values = values.into_iter().map(Tree::Text).collect();
        Tree::Object(vec![("ConditionKey", Tree::Text(key)), ("ConditionValues", Tree::List(values))])
    };
    let mut fields = vec![
        ("AuthPrincipal", principal),
        ("AuthAction", Tree::Text(action)),
        ("AuthResource", Tree::Text(resource)),
        ("AuthConditions", Tree::List(conditions.into_iter().map(condition).collect())),
        ("ExplicitDeny", Tree::Flag(layer.is_some_and(|(_, explicit)| explicit))),
    ];
    fields.extend(layer.map(|(layer, _)| ("NoPermissionPolicyType", text(&policy_type(layer)))));
    fields.push(("MatchedPolicies", Tree::List(statements.into_iter().map(|one| matched(one, caller_kind)).collect())));
    // Beyond the vendor's structure: what `tegata why` prints.
    fields.push(("Explanation", Tree::Text(explanation)));
    Ok(vec![("DecodedDiagnosticMessage", Tree::Object(fields))])
}
