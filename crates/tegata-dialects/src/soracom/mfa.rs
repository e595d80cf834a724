//! Second factors: of the root user, with backup codes and a way back where the device is lost, and of users.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use tegata_core::sam::{EnableFactor, FactorState, FindFactorState, Holder, RevokeFactor, VerifyFactor, revoke_owner_factor};

use super::{
    ask::{Ask, Entry, Reply, entry},
    catalogue::{Kind, need},
    error::SamFault,
};

pub(super) const TABLE: &[Entry] = &[
    entry!(
        "Operator:issueMFARevokingToken",
        Post "/operators/mfa_revoke_token/issue",
        "send the root user a token that takes off a lost second factor",
        ask_for_removal,
        [need("email", Kind::Text), need("password", Kind::Secret)],
        open
    ),
    entry!(
        "Operator:verifyMFARevokingToken",
        Post "/operators/mfa_revoke_token/verify",
        "take off the lost second factor of the root user",
        remove_lost,
        [need("email", Kind::Text), need("password", Kind::Secret), need("token", Kind::Secret), need("backupCode", Kind::Secret)],
        open
    ),
    entry!("Operator:getMFAStatus", Get "/operators/{operator_id}/mfa", "say whether the root user has a second factor", status, []),
    entry!("Operator:enableMFA", Post "/operators/{operator_id}/mfa", "make a second factor for the root user", enable, []),
    entry!(
        "Operator:verifyMFA",
        Post "/operators/{operator_id}/mfa/verify",
        "confirm the second factor of the root user",
        verify_owner,
        [need("mfaOTPCode", Kind::Secret)]
    ),
    entry!(
        "Operator:revokeMFA",
        Delete "/operators/{operator_id}/mfa",
        "take the second factor off the root user",
        revoke_owner,
        [need("password", Kind::Secret)]
    ),
    entry!(
        "User:getUserMFAStatus",
        Get "/operators/{operator_id}/users/{user_name}/mfa",
        "say whether a user has a second factor",
        status,
        []
    ),
    entry!("User:enableUserMFA", Post "/operators/{operator_id}/users/{user_name}/mfa", "make a second factor for a user", enable, []),
    entry!(
        "User:verifyUserMFA",
        Post "/operators/{operator_id}/users/{user_name}/mfa/verify",
        "confirm the second factor of a user",
        verify_user,
        [need("mfaOTPCode", Kind::Secret)]
    ),
    entry!(
        "User:revokeUserMFA",
        Delete "/operators/{operator_id}/users/{user_name}/mfa",
        "take the second factor off a user",
        revoke_user,
        []
    ),
];

/// Whoever the path names: a user, or the root user where it names none.
pub(super) fn holder(ask: &Ask<'_>) -> Result<Holder, SamFault> {
    if ask.variable("user_name").is_empty() { Ok(Holder::Owner) } else { Ok(Holder::User(ask.user()?)) }
}

async fn status(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let word = match ask.perform(FindFactorState { of: holder(ask)? }).await? {
        FactorState::Inactive => "INACTIVE",
        FactorState::Unconfirmed => "UNCONFIRMED",
        FactorState::Active => "ACTIVE",
    };
    Ok(Reply::json(StatusCode::OK, json!({ "status": word })))
}

async fn enable(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let address = ask.perform(EnableFactor { of: holder(ask)? }).await?;
    Ok(Reply::json(StatusCode::OK, json!({ "totpUri": address.expose() })))
}

async fn verify(ask: &Ask<'_>) -> Result<Vec<Value>, SamFault> {
    let digits: String = ask.members.need_text("mfaOTPCode")?.chars().filter(|c| !c.is_whitespace()).collect();
    let code = digits.parse().map_err(|error: tegata_core::otp::NoCode| SamFault::member("mfaOTPCode", &error))?;
    let codes = ask.perform(VerifyFactor { of: holder(ask)?, code }).await?;
    Ok(codes.iter().map(|code| code.expose().into()).collect())
}

async fn verify_owner(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    Ok(Reply::json(StatusCode::OK, json!({ "backupCodes": verify(ask).await? })))
}

async fn verify_user(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    verify(ask).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn revoke_owner(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let password = Arc::new(ask.members.need_secret("password")?);
    match revoke_owner_factor(ask.core, ask.caller()?, password).await.map_err(|error| ask.fault(error))? {
        Ok(()) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        Err(refusal) => Err(SamFault::refused(&refusal).instead(400)),
    }
}

async fn revoke_user(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(RevokeFactor { of: holder(ask)? }).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn ask_for_removal(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let email = ask.members.need_text("email")?;
    let password = Arc::new(ask.members.need_secret("password")?);
    let asked = ask.core.request_factor_removal(ask.meta, email, password, ask.language()).await;
    match asked.map_err(|error| ask.fault(error))? {
        Ok(true) => Ok(Reply::empty(StatusCode::OK)),
        Ok(false) => Err(SamFault::nothing_to_remove()),
        Err(refusal) => Err(SamFault::refused(&refusal).instead(400)),
    }
}

async fn remove_lost(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let email = ask.members.need_text("email")?;
    let password = Arc::new(ask.members.need_secret("password")?);
    let (token, backup) = (ask.members.need_secret("token")?, ask.members.need_secret("backupCode")?);
    let removed = ask.core.remove_lost_factor(ask.meta, email, password, &token, &backup).await;
    match removed.map_err(|error| ask.fault(error))? {
        Ok(true) => Ok(Reply::empty(StatusCode::OK)),
        Ok(false) => Err(SamFault::wrong_removal()),
        Err(refusal) => Err(SamFault::refused(&refusal).instead(403)),
    }
}
