//! STS 2015-04-01.

use tegata_core::{
    authn::{Federated, Proof},
    mint::TemporaryCredential,
    sts::{AssumeRole, AssumeRoleWithOidc, CallerIdentity, GetCallerIdentity},
};
use tegata_model::SecretKey;

use super::{
    arn::{self, OidcProviderArn, RoleArn},
    ask::{Ask, Entry, Fields, entry},
    catalogue::{Kind, may, need},
    error::AcsError,
    params::Params,
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
    entry!(
        "AssumeRoleWithOIDC",
        "Become a role for a while, by the token of an OpenID provider instead of a key",
        assume_role_with_oidc,
        [
            need("OIDCProviderArn", Kind::Text),
            need("RoleArn", Kind::RoleArn),
            need("OIDCToken", Kind::Secret),
            need("RoleSessionName", Kind::Text),
            may("DurationSeconds", Kind::Number),
            may("Policy", Kind::Document)
        ],
        proof = token
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
    Ok(credential_fields(ask.perform(input).await?))
}

fn credential_fields(credential: TemporaryCredential) -> Fields {
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
    [("AssumedRoleUser", user), ("Credentials", triple)].into_iter().chain(source).collect()
}

/// What an anonymous call is proven by. All else is read first, so that what could not be used anyway has no issuer asked.
fn token(params: &Params<'_>) -> Result<Proof, AcsError> {
    let provider: OidcProviderArn = params.required("OIDCProviderArn")?;
    with_oidc(params)?;
    let token = params.text("OIDCToken").ok_or_else(|| AcsError::missing("OIDCToken"))?;
    let token = SecretKey::new(token.to_owned());
    Ok(Proof::Federated(Federated { account: provider.account, provider: provider.name, token }))
}

fn with_oidc(params: &Params<'_>) -> Result<AssumeRoleWithOidc, AcsError> {
    let role: RoleArn = params.required("RoleArn")?;
    Ok(AssumeRoleWithOidc {
        account: role.account,
        role: role.name,
        session_name: params.required("RoleSessionName")?,
        lifetime: params.seconds("DurationSeconds")?,
        policy: params.optional("Policy")?,
    })
}

async fn assume_role_with_oidc(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let made = ask.perform(with_oidc(ask.params)?).await?;
    let info = Tree::object([
        ("Subject", made.token.subject),
        ("Issuer", made.token.issuer),
        ("ClientIds", made.token.audiences.join(",")),
        ("ExpirationTime", made.token.expires_at.to_iso()),
        ("IssuanceTime", made.token.issued_at.to_iso()),
        ("VerificationInfo", "Success".to_owned()),
    ]);
    let mut fields = credential_fields(made.credential);
    fields.push(("OIDCTokenInfo", info));
    Ok(fields)
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
        CallerIdentity::App { account, app_id } => vec![
            text("IdentityType", "Application".to_owned()),
            text("AccountId", account.to_string()),
            text("PrincipalId", app_id.clone()),
            text("Arn", arn::application(account, &app_id)),
        ],
    })
}
