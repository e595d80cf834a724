//! Sessions: how they begin, go on and end.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use tegata_core::sam::{RenewToken, SamSignIn, Shown, SignOut, StartedSession};

use super::{
    ask::{Ask, Entry, Reply, entry},
    catalogue::{Kind, may},
    error::SamFault,
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
