//! Compact signed messages (RFC 7515 §7.1), with the signatures of RFC 7518 §3.3 and §3.4.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    JsonError, json,
    jwk::{Jwk, JwkSet, PublicKey},
};

/// Longest message that is looked at, in bytes.
pub const MAX_MESSAGE: usize = 20_000;
/// Longest name of a key, in bytes.
const MAX_KEY_ID: usize = 512;
/// Keys that are tried for a message that names none.
const MAX_TRIED: usize = 8;

/// How a message is signed. Nothing symmetric is here: whoever could verify could also sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    Rs384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rs256, Self::Rs384, Self::Rs512, Self::Es256, Self::Es384];

    /// Its registered name (RFC 7518 §3.1).
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
        }
    }

    /// The algorithm of that name, compared with case as the standard wants it.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than anything is.
    #[error("longer than {MAX_MESSAGE} bytes")]
    TooLong,
    /// Not `header.payload.signature`.
    #[error("not three parts separated by dots")]
    Parts,
    /// A part is not base64url without padding.
    #[error("the {0} is not base64url")]
    Base64(&'static str),
    /// The header is not what it should be.
    #[error("the header is {0}")]
    Header(JsonError),
    /// `alg` is absent, `none`, symmetric or unknown.
    #[error("the algorithm `{0}` is not accepted; RS256, RS384, RS512, ES256 and ES384 are")]
    Algorithm(String),
    /// The header names extensions that must be understood (RFC 7515 §4.1.11), or carries its own key.
    #[error("the header parameter `{0}` is not accepted")]
    Extension(&'static str),
    /// No key of the set has the name that the header gives.
    #[error("no key of the issuer is called `{0}`")]
    UnknownKey(String),
    /// The set has no key that could have made a signature of this algorithm.
    #[error("the issuer has no key for {0} that fits")]
    NoFittingKey(Algorithm),
    /// The signature does not hold.
    #[error("the signature does not hold")]
    Signature,
}

/// What the header of a message says. Nothing in it is proven before the signature is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `alg`
    pub algorithm: Algorithm,
    /// `kid`
    pub key_id: Option<String>,
    /// `typ`
    pub kind: Option<String>,
}

/// A message that was taken apart and not yet verified.
#[derive(Debug, Clone)]
pub struct Jws {
    header: Header,
    signed: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Jws {
    /// Takes a message apart. No key is needed, and none that it carries is looked at.
    pub fn parse(text: &str) -> Result<Self, JwsError> {
        if text.len() > MAX_MESSAGE {
            return Err(JwsError::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::Parts)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Parts)?;
        if payload.contains('.') || header.is_empty() || payload.is_empty() {
            return Err(JwsError::Parts);
        }
        let decode = |what, part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Base64(what));
        let header = read_header(&decode("header", header)?)?;
        Ok(Self { header, signed: signed.to_owned(), payload: decode("payload", payload)?, signature: decode("signature", signature)? })
    }

    /// Takes a message of this type apart that brings the public key it was signed with. Whoever asks for this says so: such a
    /// message proves that its sender has the key, and nothing else.
    pub(crate) fn parse_with_key(text: &str, kind: &str) -> Result<(Self, serde_json::Map<String, Value>), JwsError> {
        let encoded = text.split('.').next().unwrap_or_default();
        let header = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| JwsError::Base64("header"))?;
        let mut members = json::object(&header).map_err(JwsError::Header)?;
        let Some(Value::Object(jwk)) = members.remove("jwk") else { return Err(JwsError::Extension("jwk")) };
        // What is left must stand by itself; only the key was allowed in addition. A name for the key would be of no use.
        members.remove("kid");
        let rest = URL_SAFE_NO_PAD.encode(Value::Object(members).to_string());
        let (_, tail) = text.split_once('.').ok_or(JwsError::Parts)?;
        let mut message = Self::parse(&format!("{rest}.{tail}"))?;
        if message.header.kind.as_deref() != Some(kind) {
            return Err(JwsError::Extension("typ"));
        }
        let (signed, _) = text.rsplit_once('.').ok_or(JwsError::Parts)?;
        signed.clone_into(&mut message.signed);
        Ok((message, jwk))
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload before anybody has verified it: good for choosing which keys to ask for, and for nothing else.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// Verifies with the keys of the set that fit, and gives the payload.
    ///
    /// A key fits if it has the name in the header (where there is one), the type that the algorithm needs, and an `alg` of
    /// its own that does not say otherwise. So an RSA key never verifies an HMAC, whatever the header claims.
    pub fn verify(&self, keys: &JwkSet) -> Result<&[u8], JwsError> {
        let Header { algorithm, key_id, .. } = &self.header;
        let named: Vec<&Jwk> = match key_id {
            Some(id) => {
                let named: Vec<&Jwk> = keys.keys().filter(|key| key.id() == Some(id)).collect();
                if named.is_empty() {
                    return Err(JwsError::UnknownKey(shown(id)));
                }
                named
            }
            None => keys.keys().collect(),
        };
        let mut fitting = named.into_iter().filter(|key| key.fits(*algorithm)).take(MAX_TRIED).peekable();
        if fitting.peek().is_none() {
            return Err(JwsError::NoFittingKey(*algorithm));
        }
        if fitting.any(|key| self.holds(key.public())) { Ok(&self.payload) } else { Err(JwsError::Signature) }
    }

    fn holds(&self, key: &PublicKey) -> bool {
        let message = self.signed.as_bytes();
        match (key, self.header.algorithm) {
            (PublicKey::Rsa { n, e }, Algorithm::Rs256) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, &self.signature).is_ok()
            }
            (PublicKey::Rsa { n, e }, Algorithm::Rs384) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA384, message, &self.signature).is_ok()
            }
            (PublicKey::Rsa { n, e }, Algorithm::Rs512) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA512, message, &self.signature).is_ok()
            }
            (PublicKey::P256 { point }, Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, &self.signature).is_ok()
            }
            (PublicKey::P384 { point }, Algorithm::Es384) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, &self.signature).is_ok()
            }
            (PublicKey::Rsa { .. }, Algorithm::Es256 | Algorithm::Es384)
            | (PublicKey::P256 { .. }, Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Es384)
            | (PublicKey::P384 { .. }, Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Es256) => false,
        }
    }
}

fn read_header(bytes: &[u8]) -> Result<Header, JwsError> {
    let members = json::object(bytes).map_err(JwsError::Header)?;
    // `crit` asks for extensions, and there are none here; `b64` changes what is signed; a message that brings its own key
    // or says where to fetch one asks to be believed.
    for name in ["crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"] {
        if members.contains_key(name) {
            return Err(JwsError::Extension(name));
        }
    }
    let named = match members.get("alg") {
        Some(Value::String(name)) => name.as_str(),
        _ => "",
    };
    let algorithm = Algorithm::of_name(named).ok_or_else(|| JwsError::Algorithm(shown(named)))?;
    let wrong = |what: &str| JwsError::Header(JsonError(format!("`{what}` is not a text of a sensible length")));
    let optional = |name: &'static str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_KEY_ID => Ok(Some(text.clone())),
        Some(_) => Err(wrong(name)),
    };
    Ok(Header { algorithm, key_id: optional("kid")?, kind: optional("typ")? })
}

/// A stranger's text, fit for a message.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}
