//! The limits that an access token keeps of the session that it was exchanged for.
//!
//! They are written as the security token of a session that has the id of the access token. Nobody is ever told the secret of its key,
//! so it signs nothing; and whoever reads the access token reads nothing of it.

use crate::{
    Core,
    error::{AuthnFailure, OpError},
    principal::LiveAccess,
    token::{self, Claims, MAX_TOKEN},
};

use super::GrantFailure;

/// Seals the limits; their session is the access token.
pub(crate) fn write(core: &Core, limits: &Claims) -> Result<String, OpError> {
    let sealed = token::seal(&core.keyring, limits).map_err(OpError::internal)?;
    let text = sealed.token.expose();
    if text.len() > MAX_TOKEN {
        return Err(OpError::Grant(GrantFailure::Subject("the session stands on too much to be exchanged")));
    }
    Ok(text.to_owned())
}

/// The limits that an access token is under; none where it was not exchanged for a session.
pub(crate) fn read(core: &Core, access: &LiveAccess) -> Result<Option<Claims>, OpError> {
    let text = access.claims.limits.as_str();
    if text.is_empty() {
        return Ok(None);
    }
    let malformed = || OpError::Authentication(AuthnFailure::TokenMalformed);
    let key_id = token::key_id(access.session).ok_or_else(malformed)?;
    token::open(&core.keyring, &key_id, text).map(|(limits, _)| Some(limits)).map_err(|_| malformed())
}
