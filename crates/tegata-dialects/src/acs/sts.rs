//! STS 2015-04-01.

use tegata_core::{
    Caller, Core,
    sts::{AssumeRole, CallerIdentity, GetCallerIdentity},
};

use super::{
    arn::{self, RoleArn},
    error::AcsError,
    params::Params,
    reply::{Reply, Tree},
};

/// AssumeRole.
pub(crate) async fn assume_role(core: &Core, caller: &Caller, params: &Params<'_>) -> Result<Reply, AcsError> {
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
    let credential = core.perform(caller, &input).await?;
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
    let fields = [("AssumedRoleUser", user), ("Credentials", triple)].into_iter().chain(source).collect();
    Ok(Reply { operation: "AssumeRole", fields })
}

/// GetCallerIdentity.
pub(crate) async fn get_caller_identity(core: &Core, caller: &Caller) -> Result<Reply, AcsError> {
    let text = |name, value: String| (name, Tree::Text(value));
    let fields = match core.perform(caller, &GetCallerIdentity).await? {
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
    };
    Ok(Reply { operation: "GetCallerIdentity", fields })
}
