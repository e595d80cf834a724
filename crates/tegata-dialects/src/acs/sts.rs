//! STS 2015-04-01.

use tegata_core::sts::{AssumeRole, CallerIdentity, GetCallerIdentity};

use super::{
    arn::{self, RoleArn},
    ask::{Ask, Entry, Fields, entry},
    catalogue::{Kind, may, need},
    error::AcsError,
    reply::Tree,
};

/// Every operation that is offered.
pub(crate) const TABLES: &[&[Entry]] = &[&[
    entry!(
        "AssumeRole",
        "Become a role for a while",
        assume_role,
        [
            need("RoleArn", Kind::RoleArn),
            need("RoleSessionName", Kind::Text),
            may("DurationSeconds", Kind::Number),
            may("Policy", Kind::Document),
            may("ExternalId", Kind::Text),
            may("SourceIdentity", Kind::Text)
        ]
    ),
    entry!("GetCallerIdentity", "Who one is", get_caller_identity, []),
]];

async fn assume_role(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let params = ask.params;
    let role: RoleArn = params.required("RoleArn")?;
    let input = AssumeRole {
        account: role.account,
        role: role.name,
        session_name: params.required("RoleSessionName")?,
        lifetime: params.seconds("DurationSeconds")?,
        policy: params.optional("Policy")?,
        external_id: params.optional("ExternalId")?,
        source_identity: params.optional("SourceIdentity")?,
    };
    let credential = ask.perform(input).await?;
    let user = Tree::object([
        ("Arn", arn::new_session(credential.account, &credential.role, &credential.session_name)),
        ("AssumedRoleId", format!("{}:{}", credential.role_number, credential.session_name)),
    ]);
    let triple = Tree::object([
        ("AccessKeyId", credential.access_key_id.to_string()),
        ("AccessKeySecret", credential.secret.expose().to_owned()),
        ("SecurityToken", credential.security_token.expose().to_owned()),
        ("Expiration", credential.expires_at.to_iso()),
    ]);
    let source = credential.source_identity.map(|source| ("SourceIdentity", Tree::Text(source.to_string())));
    Ok([("AssumedRoleUser", user), ("Credentials", triple)].into_iter().chain(source).collect())
}

async fn get_caller_identity(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let text = |name, value: String| (name, Tree::Text(value));
    Ok(match ask.perform(GetCallerIdentity).await? {
        CallerIdentity::Owner { account } => vec![
            text("IdentityType", "Account".to_owned()),
            text("AccountId", account.to_string()),
            text("PrincipalId", account.to_string()),
            text("UserId", account.to_string()),
            text("Arn", arn::owner(account)),
        ],
        CallerIdentity::User { account, name, number } => vec![
            text("IdentityType", "RAMUser".to_owned()),
            text("AccountId", account.to_string()),
            text("PrincipalId", number.to_string()),
            text("UserId", number.to_string()),
            text("Arn", arn::user(account, &name)),
        ],
        CallerIdentity::RoleSession { account, role, role_number, session_name } => vec![
            text("IdentityType", "AssumedRoleUser".to_owned()),
            text("AccountId", account.to_string()),
            text("PrincipalId", format!("{role_number}:{session_name}")),
            text("RoleId", role_number.to_string()),
            text("Arn", arn::session(account, &role, &session_name)),
        ],
    })
}
