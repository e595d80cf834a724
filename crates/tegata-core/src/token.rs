//! The security token: sealed, self-contained, and small enough for a URL.
//!
//! ```text
//! base64url( 08 02 12 | version | kid (4) | session id (16) | AES-256-GCM( claims ) | tag (16) )
//! ```
//! The first three bytes make the text begin with `CAIS`, the field's own beginning. The key of each token is derived from the key
//! with id `kid` by HKDF with the session id as salt, so one key seals one token and the nonce can be constant. Purpose,
//! issuer, kid and session id are associated data. The secret of the temporary key is derived beside it and stored nowhere.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};
use std::io::{Read as _, Write as _};
use tegata_model::{
    AccessKeyId, AccountId, ApiTokenId, ClientId, ConsentId, Epoch, GrantId, InstallationId, KeyId, LoginProfileId, OidcProviderId, RoleId,
    RoleSessionName, SecretKey, SessionId, SourceIdentity, Timestamp, UserId,
};

use crate::keyring::{Keyring, KeyringError};

const MAGIC: [u8; 3] = [0x08, 0x02, 0x12];
const VERSION: u8 = 3;
const HEADER: usize = 3 + 1 + 4 + 16;
/// How many characters of a token tell its session.
pub(crate) const TOKEN_BEGINNING: usize = HEADER / 3 * 4;
/// Longest token that is looked at, in bytes.
pub(crate) const MAX_TOKEN: usize = 4096;
/// Longest token that is made with its session policy inside, in bytes; a larger policy goes by row.
pub(crate) const INLINE_TOKEN: usize = 2048;
const MAX_POLICY: u64 = 64 * 1024;
/// Longest session policy that is not compressed, in bytes: with it a token has about 1,200 characters.
const SHORT_POLICY: usize = 640;

/// What a session is: every limit it is under and every ancestor that can end it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Its own id; also the public part of its key id.
    #[serde(skip, default = "no_session")]
    pub(crate) session: SessionId,
    /// The role or user it acts as, with the epoch it had when the session began.
    pub(crate) acting: Ancestor,
    /// The account of that role or user, and its epoch.
    pub(crate) account: (AccountId, Epoch),
    /// What the caller called it; for the session of a user, the client it was given to.
    pub(crate) session_name: RoleSessionName,
    /// When it began.
    pub(crate) issued_at: Timestamp,
    /// When it ends.
    pub(crate) expires_at: Timestamp,
    /// The latest moment any session born of this chain may reach.
    pub(crate) deadline: Timestamp,
    /// The origin of the chain, once set.
    pub(crate) source_identity: Option<SourceIdentity>,
    /// Those before it, from the key on. Raising the epoch of any ends this session.
    pub(crate) ancestors: Vec<Ancestor>,
    /// The session policy.
    pub(crate) policy: PolicyClaim,
    /// What a person gave to the client that it was exchanged for; nothing where the chain began with a key.
    pub(crate) granted: Option<Granted>,
}

/// What the access token allowed that a session was exchanged for. Whatever comes of the session has no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Granted {
    /// Whose token it was.
    pub(crate) client: ClientId,
    /// Which scopes it had, separated by spaces.
    pub(crate) scope: String,
    /// Who acts for the person, by public id.
    pub(crate) actor: Option<String>,
}

fn no_session() -> SessionId {
    SessionId::from_bytes([0; 16])
}

/// What can end a session, as its audit row keeps it: its role or user, its account and its ancestors, each with the epoch it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lineage {
    pub(crate) acting: Ancestor,
    pub(crate) account: (AccountId, Epoch),
    pub(crate) ancestors: Vec<Ancestor>,
}

impl Lineage {
    pub(crate) fn of(claims: &Claims) -> Self {
        Self { acting: claims.acting, account: claims.account, ancestors: claims.ancestors.clone() }
    }

    pub(crate) fn to_text(&self) -> String {
        postcard::to_stdvec(self).map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).unwrap_or_default()
    }

    /// `None` for rows written before lineages were kept.
    pub(crate) fn read(text: &str) -> Option<Self> {
        postcard::from_bytes(&URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| !bytes.is_empty())?).ok()
    }

    /// Everything that can end it, its own role or user and its account among them.
    pub(crate) fn all(&self) -> impl Iterator<Item = Ancestor> {
        let own = [Ancestor::Account(self.account.0, self.account.1), self.acting];
        own.into_iter().chain(self.ancestors.iter().copied())
    }

    /// The accounts it belongs to.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.all().filter_map(|ancestor| if let Ancestor::Account(id, _) = ancestor { Some(id) } else { None })
    }
}

/// One ancestor of a session with the epoch it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Ancestor {
    Account(AccountId, Epoch),
    User(UserId, Epoch),
    Key(KeyId, Epoch),
    Role(RoleId, Epoch),
    Session(SessionId, Epoch),
    OidcProvider(OidcProviderId, Epoch),
    Client(ClientId, Epoch),
    Installation(InstallationId, Epoch),
    Grant(GrantId, Epoch),
    /// Given once and taken back once, so that its id is enough.
    Consent(ConsentId),
    /// What a user signed in with.
    Login(UserId, LoginProfileId, Epoch),
    /// Made once and taken back once, so that its id is enough.
    ApiToken(ApiTokenId),
}

/// Where the session policy is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PolicyClaim {
    /// There is none: exactly the rights of the role or user.
    None,
    /// Here, as it was written: most are short, and compressing costs more than everything else of a token together.
    Text(String),
    /// Here, compressed.
    Deflated(Vec<u8>),
    /// In the row with the session's id.
    Row,
}

/// A token could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// Not one of ours, or altered.
    #[error("the security token is not one of ours")]
    Malformed,
    /// It belongs to another key id.
    #[error("the security token belongs to another access key")]
    Mismatch,
}

/// A token and the temporary key it belongs to, freshly made.
pub(crate) struct Sealed {
    pub(crate) key_id: AccessKeyId,
    pub(crate) secret: SecretKey,
    pub(crate) token: SecretKey,
}

/// The key id of a session: `STS.` and the id's 26 characters.
pub(crate) fn key_id(session: SessionId) -> Option<AccessKeyId> {
    AccessKeyId::new(&format!("STS.{}", ulid::Ulid::from_bytes(*session.as_bytes()))).ok()
}

/// The session that a token names, told from how the token begins: whether the token is ours only opening it can tell.
pub(crate) fn session_named(beginning: &str) -> Option<SessionId> {
    let header = URL_SAFE_NO_PAD.decode(beginning.get(..TOKEN_BEGINNING)?).ok()?;
    let (magic, rest) = header.split_at_checked(4)?;
    if magic.get(..3) != Some(&MAGIC[..]) || magic.get(3) != Some(&VERSION) {
        return None;
    }
    rest.get(4..)?.try_into().ok().map(SessionId::from_bytes)
}

/// The session of a temporary key id, if it has the form of one.
pub(crate) fn session_of(key_id: &AccessKeyId) -> Option<SessionId> {
    let rest = key_id.as_str().strip_prefix(AccessKeyId::TEMPORARY_PREFIX)?;
    let session = SessionId::from_bytes(ulid::Ulid::from_string(rest).ok()?.to_bytes());
    // Only the one spelling that we made is the key id.
    (self::key_id(session).as_ref() == Some(key_id)).then_some(session)
}

/// Seals claims under the keyring's current token key.
pub(crate) fn seal(keyring: &Keyring, claims: &Claims) -> Result<Sealed, KeyringError> {
    let plain = postcard::to_stdvec(claims).map_err(|_| KeyringError::Sealing)?;
    let kid = keyring.current_token_kid();
    let mut bytes = Vec::with_capacity(HEADER + plain.len() + 16);
    bytes.extend_from_slice(&MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&kid.to_be_bytes());
    bytes.extend_from_slice(claims.session.as_bytes());
    let mut sealed = plain;
    keyring.seal_token(kid, claims.session.as_bytes(), &mut sealed)?;
    bytes.append(&mut sealed);
    Ok(Sealed {
        key_id: key_id(claims.session).ok_or(KeyringError::Sealing)?,
        secret: keyring.token_secret(kid, claims.session.as_bytes())?,
        token: SecretKey::new(URL_SAFE_NO_PAD.encode(bytes)),
    })
}

/// Opens a token that came with `key_id`, and derives the secret of that key.
pub(crate) fn open(keyring: &Keyring, key_id: &AccessKeyId, token: &str) -> Result<(Claims, SecretKey), TokenError> {
    if token.len() > MAX_TOKEN {
        return Err(TokenError::Malformed);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Malformed)?;
    let (header, sealed) = bytes.split_at_checked(HEADER).ok_or(TokenError::Malformed)?;
    let (magic, rest) = header.split_at_checked(4).ok_or(TokenError::Malformed)?;
    if magic.get(..3) != Some(&MAGIC[..]) || magic.get(3) != Some(&VERSION) {
        return Err(TokenError::Malformed);
    }
    let (kid, session) = rest.split_at_checked(4).ok_or(TokenError::Malformed)?;
    let kid = u32::from_be_bytes(kid.try_into().map_err(|_| TokenError::Malformed)?);
    let session = SessionId::from_bytes(session.try_into().map_err(|_| TokenError::Malformed)?);
    let mut plain = sealed.to_vec();
    keyring.open_token(kid, session.as_bytes(), &mut plain).map_err(|_| TokenError::Malformed)?;
    // A good token of another key is told apart from an altered one only after it has opened.
    if session_of(key_id) != Some(session) {
        return Err(TokenError::Mismatch);
    }
    let mut claims: Claims = postcard::from_bytes(&plain).map_err(|_| TokenError::Malformed)?;
    claims.session = session;
    let secret = keyring.token_secret(kid, session.as_bytes()).map_err(|_| TokenError::Malformed)?;
    Ok((claims, secret))
}

impl PolicyClaim {
    /// The claim for a session policy that travels in the token.
    pub(crate) fn inline(text: &str) -> Self {
        if text.len() <= SHORT_POLICY { Self::Text(text.to_owned()) } else { Self::Deflated(deflate(text)) }
    }
}

/// Compresses a session policy.
fn deflate(text: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to a Vec cannot fail; an empty result would not parse as a policy and so would deny.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default()
}

/// The text of a compressed session policy; `None` if it is not one.
pub(crate) fn inflate(bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    DeflateDecoder::new(bytes).take(MAX_POLICY).read_to_string(&mut text).ok()?;
    Some(text)
}
