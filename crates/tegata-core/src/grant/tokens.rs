//! What tokens say, and how refresh tokens are spelled. Made here and nowhere else.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use tegata_model::{GrantId, SecretKey, SessionId, Timestamp};
use tegata_oauth::{
    AccessClaims, Confirmation, IdClaims, Scope,
    access_token::{ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE},
    signer::token_hash,
};
use tegata_store::{grant::GrantRow, user::UserKind};

use super::{Bound, Facts, standing::Standing};
use crate::{
    Core,
    client::official,
    error::OpError,
    keyring::{Keyring, KeyringError},
    principal::{Principal, Who},
    signing::KeyUse,
    view::View,
};

/// What a client is given.
#[derive(Debug)]
pub struct IssuedTokens {
    /// The access token.
    pub access_token: SecretKey,
    /// How long it lives.
    pub lifetime: Duration,
    /// What brings the next one.
    pub refresh_token: Option<SecretKey>,
    /// How long that can be used.
    pub refresh_lifetime: Option<Duration>,
    /// Who the person is.
    pub id_token: Option<SecretKey>,
    /// Which scopes it has.
    pub scope: Scope,
    /// Whether it is bound to a key of the client (RFC 9449).
    pub key_bound: bool,
}

/// What an access token shall be.
pub(crate) struct NewAccess<'a> {
    pub(crate) scope: Scope,
    pub(crate) bound: &'a Bound,
    /// The latest moment it may reach, where something else ends before it would.
    pub(crate) latest: Option<Timestamp>,
    pub(crate) auth_time: Option<Timestamp>,
    pub(crate) key: Option<String>,
}

/// An access token with its lifetime and its own id.
pub(crate) struct MintedAccess {
    pub(crate) text: String,
    pub(crate) lifetime: Duration,
    pub(crate) session: SessionId,
    pub(crate) facts: Arc<Facts>,
}

/// Makes an access token (RFC 9068 §2).
pub(crate) async fn access_token(view: &View<'_>, standing: Standing, new: NewAccess<'_>) -> Result<MintedAccess, OpError> {
    let core = view.core();
    let facts = standing.spend();
    view.note(&facts.reads);
    let session = SessionId::from_bytes(core.new_id()?);
    let usual = view.now().plus(facts.client.access_lifetime);
    let expires = new.latest.map_or(usual, |latest| latest.min(usual));
    let lifetime = Duration::from_secs(u64::try_from(expires.unix() - view.now().unix()).unwrap_or(0));
    let claims = AccessClaims {
        iss: core.keyring.issuer().to_owned(),
        sub: subject(&facts),
        aud: audience(core, &facts),
        client_id: facts.client.app_id.clone(),
        iat: view.now().unix(),
        exp: expires.unix(),
        jti: session.to_string(),
        scope: new.scope.to_string(),
        auth_time: new.auth_time.map(Timestamp::unix),
        cnf: new.key.map(|jkt| Confirmation { jkt }),
        act: None,
        marks: new.bound.to_text(),
    };
    let signer = core.signer(KeyUse::Access).await?;
    let payload = serde_json::to_vec(&claims).map_err(OpError::internal)?;
    let text = signer.sign(ACCESS_TOKEN_TYPE, &payload).map_err(OpError::internal)?;
    Ok(MintedAccess { text, lifetime, session, facts })
}

/// For whom tokens speak: the random id of the user or role; the client's own public id where it speaks for itself.
pub(crate) fn subject(facts: &Facts) -> String {
    match facts.identity.as_deref().map(|identity| &identity.who) {
        Some(Who::User(row)) => row.id.to_string(),
        Some(Who::Role { row, .. }) => row.id.to_string(),
        Some(Who::Provider(_) | Who::Client(_)) | None => facts.client.app_id.clone(),
    }
}

/// Where the exchange for a temporary key takes place; tokens of official applications are made for it too.
pub(crate) fn exchange_audience(core: &Core) -> String {
    format!("{}/v1/exchange", core.keyring.issuer())
}

fn audience(core: &Core, facts: &Facts) -> Vec<String> {
    let mut audience = vec![core.keyring.issuer().to_owned()];
    if official(facts.client.id).is_some() {
        audience.push(exchange_audience(core));
    }
    audience
}

/// Makes an ID token (OpenID Connect Core 1.0 §2) to go with an access token.
pub(crate) async fn id_token(
    view: &View<'_>,
    access: &MintedAccess,
    scope: &Scope,
    auth_time: Timestamp,
    nonce: Option<String>,
) -> Result<SecretKey, OpError> {
    let core = view.core();
    let facts = &access.facts;
    let claims = IdClaims {
        iss: core.keyring.issuer().to_owned(),
        sub: subject(facts),
        aud: facts.client.app_id.clone(),
        iat: view.now().unix(),
        exp: view.now().plus(access.lifetime).unix(),
        auth_time: auth_time.unix(),
        nonce,
        at_hash: token_hash(&access.text),
        about: facts.identity.as_deref().map(|identity| about(identity, scope)).unwrap_or_default(),
    };
    let key_use = if facts.client.id_token_alg == "ES256" { KeyUse::IdEc } else { KeyUse::IdRsa };
    let payload = serde_json::to_vec(&claims).map_err(OpError::internal)?;
    let text = core.signer(key_use).await?.sign(ID_TOKEN_TYPE, &payload).map_err(OpError::internal)?;
    Ok(SecretKey::new(text))
}

/// What the scopes let a client know of an identity, under the names the vendor's tokens use: numbers with `aliuid`, names with
/// `profile`.
pub(crate) fn about(identity: &Principal, scope: &Scope) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut say = |name: &str, value: String| claims.insert(name.to_owned(), Value::String(value));
    if scope.has(Scope::ALIUID) {
        say("uid", identity.number_text());
        say("aid", identity.account.number.to_string());
    }
    if scope.has(Scope::PROFILE) {
        match &identity.who {
            Who::User(row) if row.kind == UserKind::Root => {
                say("name", row.name.to_string());
                if let Some(login) = &row.login {
                    say("login_name", login.clone());
                }
            }
            Who::User(row) => {
                say("name", if row.display_name.is_empty() { row.name.to_string() } else { row.display_name.clone() });
                say("upn", format!("{}@{}.onaliyun.com", row.name, identity.account.alias));
            }
            Who::Role { row, .. } => {
                say("name", row.name.to_string());
            }
            Who::Provider(_) | Who::Client(_) => {}
        }
    }
    claims
}

/// A refresh token: the grant, its number in the chain, and a code that only this server can make. It can be made again at any
/// time, so none rests anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) grant: GrantId,
    pub(crate) number: u32,
}

const REFRESH_PURPOSE: &[u8] = b"refresh";

impl RefreshToken {
    fn message(self) -> Vec<u8> {
        [&self.grant.as_bytes()[..], &self.number.to_be_bytes()].concat()
    }

    /// `base64url( grant (16) | number (4) | kid (4) | HMAC-SHA-256 (32) )`
    pub(crate) fn to_text(self, keyring: &Keyring) -> Result<SecretKey, KeyringError> {
        let message = self.message();
        let mac = keyring.mac(REFRESH_PURPOSE, &message)?;
        Ok(SecretKey::new(URL_SAFE_NO_PAD.encode([message, mac].concat())))
    }

    /// The token that this text is, if it is one of ours.
    pub(crate) fn read(keyring: &Keyring, text: &str) -> Option<Self> {
        if text.len() > 128 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (message, mac) = bytes.split_at_checked(20)?;
        if !keyring.mac_holds(REFRESH_PURPOSE, message, mac) {
            return None;
        }
        let (grant, number) = message.split_at_checked(16)?;
        Some(Self { grant: GrantId::from_bytes(grant.try_into().ok()?), number: u32::from_be_bytes(number.try_into().ok()?) })
    }
}

/// Makes everything that a grant of a person gives at one time.
pub(crate) async fn of_grant(
    view: &View<'_>,
    standing: Standing,
    bound: &Bound,
    grant: &GrantRow,
    order: Order,
) -> Result<(IssuedTokens, SessionId), OpError> {
    let Order { scope, key, nonce, refresh_number, with_id_token } = order;
    let key_bound = key.is_some();
    let new = NewAccess { scope: scope.clone(), bound, latest: None, auth_time: Some(grant.auth_time), key };
    let access = access_token(view, standing, new).await?;
    let id_token =
        if with_id_token && scope.has(Scope::OPENID) { Some(id_token(view, &access, &scope, grant.auth_time, nonce).await?) } else { None };
    let (mut refresh_token, mut refresh_lifetime) = (None, None);
    if let Some(number) = refresh_number {
        let token = RefreshToken { grant: grant.id, number: u32::try_from(number).map_err(OpError::internal)? };
        refresh_token = Some(token.to_text(&view.core().keyring).map_err(OpError::internal)?);
        let until = view.now().plus(grant.idle).min(grant.expires_at);
        refresh_lifetime = Some(Duration::from_secs(u64::try_from(until.unix() - view.now().unix()).unwrap_or(0)));
    }
    let issued = IssuedTokens {
        access_token: SecretKey::new(access.text),
        lifetime: access.lifetime,
        refresh_token,
        refresh_lifetime,
        id_token,
        scope,
        key_bound,
    };
    Ok((issued, access.session))
}

/// What a grant of a person shall give.
pub(crate) struct Order {
    pub(crate) scope: Scope,
    pub(crate) key: Option<String>,
    pub(crate) nonce: Option<String>,
    /// The number of the refresh token that goes with it.
    pub(crate) refresh_number: Option<i64>,
    pub(crate) with_id_token: bool,
}
