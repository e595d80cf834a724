//! Sessions: how they begin, go on and end.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use serde_json::{Value, json};
use tegata_core::{
    directory::change_owner_password,
    mail::{Asked, is_address},
    sam::{EndSessions, ForTemporaryKey, RenewToken, SamSignIn, Shown, SignOut, StartedSession, SwitchUser},
    signin,
};

use super::{
    ask::{Ask, Entry, Reply, entry},
    catalogue::{Kind, may, need},
    error::SamFault,
    mfa::holder,
};

pub(super) const TABLE: &[Entry] = &[
    entry!(
        "Auth:auth",
        Post "/auth",
        "begin a session by password or auth key",
        begin,
        [
            may("email", Kind::Text),
            may("operatorId", Kind::Text),
            may("userName", Kind::Text),
            may("password", Kind::Secret),
            may("authKeyId", Kind::Text),
            may("authKey", Kind::Secret),
            may("mfaOTPCode", Kind::Secret),
            may("tokenTimeoutSeconds", Kind::Number),
        ],
        open
    ),
    entry!("Auth:logout", Post "/auth/logout", "end the session", end, []),
    entry!(
        "Operator:generateAuthToken",
        Post "/operators/{operator_id}/token",
        "take one more token for the session",
        renew,
        [may("tokenTimeoutSeconds", Kind::Number)]
    ),
    entry!(
        "Auth:switchUser",
        Post "/auth/switch_user",
        "go on as another user, who trusts you",
        switch,
        [need("operatorId", Kind::Text), need("userName", Kind::Text), may("tokenTimeoutSeconds", Kind::Number)]
    ),
    entry!(
        "Auth:issuePasswordResetToken",
        Post "/auth/password_reset_token/issue",
        "send the root user a token that sets a new password",
        ask_for_reset,
        [need("email", Kind::Text)],
        open
    ),
    entry!(
        "Auth:verifyPasswordResetToken",
        Post "/auth/password_reset_token/verify",
        "set a new password by the token of a letter",
        reset,
        [need("token", Kind::Secret), need("password", Kind::Secret)],
        open
    ),
    entry!(
        "Auth:exchangeForTemporaryKey",
        Post "/auth/temporary_key",
        "a temporary key for the session, for this server's other interfaces",
        exchange,
        []
    ),
    entry!(
        "Operator:revokeOperatorAuthTokens",
        Delete "/operators/{operator_id}/tokens",
        "end all sessions of the root user",
        end_all,
        []
    ),
    entry!(
        "User:revokeUserAuthTokens",
        Delete "/operators/{operator_id}/users/{user_name}/tokens",
        "end all sessions of a user",
        end_all,
        []
    ),
    entry!(
        "Operator:updateOperatorPassword",
        Post "/operators/{operator_id}/password",
        "change the password of the root user",
        change_password,
        [need("currentPassword", Kind::Secret), need("newPassword", Kind::Secret)]
    ),
];

async fn begin(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let members = ask.members;
    let text = |name| Ok::<_, SamFault>(members.text(name)?.filter(|text| !text.is_empty()).map(str::to_owned));
    let (email, operator, name) = (text("email")?, text("operatorId")?, text("userName")?);
    let (key_id, secret, password) = (text("authKeyId")?, members.secret("authKey")?, members.secret("password")?);
    let code = text("mfaOTPCode")?;
    // The order of the command line's documentation: a key, then an address, then a user.
    let shown = match (key_id, secret, email, operator, name, password) {
        (Some(key_id), Some(secret), ..) => Shown::AuthKey { key_id, secret },
        (_, _, Some(email), _, _, Some(password)) => Shown::Owner { email, password: Arc::new(password) },
        (_, _, _, Some(operator), Some(name), Some(password)) => Shown::User { operator, name, password: Arc::new(password) },
        _ => return Err(SamFault::nothing_shown()),
    };
    let wanted = SamSignIn { shown, code, lifetime: ask.lifetime()?, request: ask.body.to_vec() };
    match ask.core.sam_sign_in(ask.meta, wanted).await.map_err(|error| ask.fault(error))? {
        Ok(session) => Ok(Reply::json(StatusCode::OK, started(&session))),
        Err(refusal) => Err(SamFault::refused(&refusal)),
    }
}

/// A session that has begun, as this wire shows it.
pub(super) fn started(session: &StartedSession) -> Value {
    let mut shown = json!({
        "apiKey": session.api_key.expose(),
        "token": session.token.expose(),
        "operatorId": session.operator.as_str(),
    });
    if let (Some(user), Some(members)) = (&session.user, shown.as_object_mut()) {
        members.insert("userName".to_owned(), user.as_str().into());
    }
    shown
}

async fn end(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(SignOut).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn renew(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let renewed = ask.perform(RenewToken { lifetime: ask.lifetime()? }).await?;
    Ok(Reply::json(StatusCode::OK, json!({ "token": renewed.token.expose() })))
}

async fn switch(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let operation = SwitchUser {
        operator: ask.members.need_text("operatorId")?.to_owned(),
        user: ask.members.need_text("userName")?.to_owned(),
        lifetime: ask.lifetime()?,
    };
    Ok(Reply::json(StatusCode::OK, started(&ask.perform(operation).await?)))
}

async fn end_all(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    ask.perform(EndSessions { of: holder(ask)? }).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn change_password(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let old = ask.members.need_secret("currentPassword")?;
    let new = Arc::new(ask.members.need_secret("newPassword")?);
    change_owner_password(ask.core, ask.caller()?, old, new).await.map_err(|error| ask.fault(error).secret_throttled())?;
    Ok(Reply::empty(StatusCode::OK))
}

async fn ask_for_reset(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let email = ask.members.need_text("email")?;
    if !is_address(email) {
        return Err(SamFault::address());
    }
    ask.core.request_password_reset(ask.meta, email, Asked::ByProgram(ask.language())).await.map_err(|error| ask.fault(error))?;
    Ok(Reply::empty(StatusCode::OK))
}

async fn reset(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let (token, new) = (ask.members.need_secret("token")?, Arc::new(ask.members.need_secret("password")?));
    match ask.core.reset_password(ask.meta, &token, new).await.map_err(|error| ask.fault(error))? {
        Ok(()) => Ok(Reply::empty(StatusCode::OK)),
        Err(signin::Refusal::Password(rule)) => Err(SamFault::password(&rule)),
        Err(signin::Refusal::Busy) => Err(SamFault::busy(Duration::from_secs(1))),
        Err(_) => Err(SamFault::reset_expired()),
    }
}

async fn exchange(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let key = ask.perform(ForTemporaryKey).await?;
    Ok(Reply::json(
        StatusCode::OK,
        json!({
            "accessKeyId": key.access_key_id.as_str(),
            "accessKeySecret": key.secret.expose(),
            "securityToken": key.security_token.expose(),
            "expiration": key.expires_at.to_iso(),
        }),
    ))
}
