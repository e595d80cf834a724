//! An API key and its tokens. Both are made of the id of a session under a key of this server, so that nothing of them rests anywhere and
//! the same answer can be given again.
//!
//! ```text
//! api-8f14e45f-ceea-467f-a0e6-9d3c1b2a7c55            code of the id
//! {"kid":"1","typ":"JWT","alg":"HS256"} . {"operator":{"operatorId":"OP…"},"userName":"…","sid":"…","iat":…,"exp":…} . code of both
//! ```
//! A token reads as a JWT because clients look into it for the operator. Its code is HMAC-SHA-256 under a key that is used for nothing
//! else and published nowhere.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tegata_model::{SecretKey, SessionId, Timestamp, secret::constant_time_eq};

use super::PresentedPair;
use crate::{
    error::{AuthnFailure, OpError},
    keyring::Keyring,
    principal::Principal,
};

/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 4096;
const TOKEN: &[u8] = b"sam token";
const API_KEY: &[u8] = b"sam key";

#[derive(Serialize, Deserialize)]
struct Header {
    kid: String,
    typ: String,
    alg: String,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    operator: Operator,
    #[serde(rename = "userName", skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    sid: String,
    iat: i64,
    exp: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operator {
    operator_id: String,
}

/// The API key of a session.
pub(super) fn api_key(keyring: &Keyring, kid: u32, session: SessionId) -> Result<SecretKey, OpError> {
    use std::fmt::Write as _;
    let code = keyring.mac_under(kid, API_KEY, session.as_bytes()).map_err(OpError::internal)?;
    let mut text = "api-".to_owned();
    // The first four bytes say which key was used.
    for (index, byte) in code.iter().skip(4).take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    Ok(SecretKey::new(text))
}

/// A token of a session.
pub(super) fn token(
    keyring: &Keyring,
    kid: u32,
    session: SessionId,
    principal: &Principal,
    (issued, expires): (Timestamp, Timestamp),
) -> Result<SecretKey, OpError> {
    let header = Header { kid: kid.to_string(), typ: "JWT".to_owned(), alg: "HS256".to_owned() };
    let payload = Payload {
        operator: Operator { operator_id: principal.account.operator_id.as_str().to_owned() },
        user_name: (!principal.is_owner()).then(|| principal.name().to_owned()),
        sid: session.to_string(),
        iat: issued.unix(),
        exp: expires.unix(),
    };
    let part = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
    let header = part(serde_json::to_vec(&header).map_err(OpError::internal)?);
    let payload = part(serde_json::to_vec(&payload).map_err(OpError::internal)?);
    let signed = format!("{header}.{payload}");
    let code = keyring.mac_under(kid, TOKEN, signed.as_bytes()).map_err(OpError::internal)?;
    let code = code.get(4..).map(|code| URL_SAFE_NO_PAD.encode(code)).unwrap_or_default();
    Ok(SecretKey::new(format!("{signed}.{code}")))
}

/// The session of a pair, and when the token ends.
pub(super) fn read(keyring: &Keyring, shown: &PresentedPair) -> Result<(SessionId, Timestamp), AuthnFailure> {
    let malformed = || AuthnFailure::TokenMalformed;
    let token = shown.token.expose();
    if token.len() > MAX_TOKEN {
        return Err(malformed());
    }
    let (signed, code) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
    let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| malformed())?;
    let kid: u32 = header.kid.parse().map_err(|_| malformed())?;
    let code = [&kid.to_be_bytes()[..], &bytes(code)?].concat();
    if !keyring.mac_holds(TOKEN, signed.as_bytes(), &code) {
        return Err(malformed());
    }
    // From here on it is a text that we have made.
    let payload: Payload = serde_json::from_slice(&bytes(payload)?).map_err(|_| malformed())?;
    let session: SessionId = payload.sid.parse().map_err(|_| malformed())?;
    let own = api_key(keyring, kid, session).map_err(|_| malformed())?;
    if !constant_time_eq(own.expose().as_bytes(), shown.api_key.expose().as_bytes()) {
        return Err(AuthnFailure::TokenMismatch);
    }
    Ok((session, Timestamp::from_unix(payload.exp)))
}
