//! Public keys and sets of them (RFC 7517, RFC 7518 §6).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{
    JsonError,
    json::{self, text},
    jws::Algorithm,
};

/// Largest set that is looked at, in bytes.
pub const MAX_SET: usize = 256 * 1024;
/// Most keys of a set, those of no use to us among them.
pub const MAX_KEYS: usize = 100;
/// The size of RSA keys, in bytes of the modulus: 2,048 to 8,192 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// A set of keys was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwkSetError {
    /// Larger than any honest set.
    #[error("the set of keys is larger than {MAX_SET} bytes")]
    TooLarge,
    /// Not a JSON object with a list `keys`.
    #[error("the set of keys is {0}")]
    Json(JsonError),
    /// No list of keys.
    #[error("the set of keys has no list `keys`")]
    NoList,
    /// More keys than any honest set.
    #[error("the set has more than {MAX_KEYS} keys")]
    TooMany,
    /// Not one key that could verify a signature.
    #[error("the set has no RSA, P-256 or P-384 key for signatures")]
    NoUsable,
}

/// One public key for signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    key: PublicKey,
}

/// The key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256 { point: Vec<u8> },
    P384 { point: Vec<u8> },
}

/// The keys of one issuer that can verify signatures. Others of its set are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl Jwk {
    /// Its name, `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// True if a signature of this algorithm can be verified with it: the type decides, and its own `alg` where it has one.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        let by_type = match self.key {
            PublicKey::Rsa { .. } => matches!(algorithm, Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512),
            PublicKey::P256 { .. } => algorithm == Algorithm::Es256,
            PublicKey::P384 { .. } => algorithm == Algorithm::Es384,
        };
        by_type && self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// True if both are the same public key, whatever they are called.
    pub fn same_key(&self, other: &Self) -> bool {
        self.key == other.key
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.key
    }

    /// `None` for a key that is not for signatures, of a type we do not know, or malformed.
    fn read(members: &Map<String, Value>) -> Option<Self> {
        if text(members, "use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        if let Some(operations) = members.get("key_ops") {
            let verifies = operations.as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some("verify")));
            if !verifies {
                return None;
            }
        }
        let algorithm = match members.get("alg") {
            None => None,
            Some(named) => Some(Algorithm::of_name(named.as_str()?)?),
        };
        let id = match members.get("kid") {
            None => None,
            Some(id) => Some(id.as_str()?.to_owned()),
        };
        let bytes = |name| text(members, name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let key = match text(members, "kty")? {
            "RSA" => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                // Even moduli and exponents of 1 verify anything or nothing.
                let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
                let good = MODULUS.contains(&n.len())
                    && n.first().is_some_and(|first| *first != 0)
                    && odd(&n)
                    && (1..=4).contains(&e.len())
                    && odd(&e)
                    && e != [1];
                good.then_some(PublicKey::Rsa { n, e })?
            }
            "EC" => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                let point = |size| (x.len() == size && y.len() == size).then(|| [&[4][..], &x, &y].concat());
                match text(members, "crv")? {
                    "P-256" => PublicKey::P256 { point: point(32)? },
                    "P-384" => PublicKey::P384 { point: point(48)? },
                    _ => return None,
                }
            }
            _ => return None,
        };
        let read = Self { id, algorithm, key };
        // A key whose own `alg` is of another type verifies nothing.
        Algorithm::ALL.into_iter().any(|one| read.fits(one)).then_some(read)
    }
}

impl JwkSet {
    /// Reads a set. Keys that are of no use to us are left out; a set without one that is of use is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwkSetError> {
        if bytes.len() > MAX_SET {
            return Err(JwkSetError::TooLarge);
        }
        let members = json::object(bytes).map_err(JwkSetError::Json)?;
        let list = members.get("keys").and_then(Value::as_array).ok_or(JwkSetError::NoList)?;
        if list.len() > MAX_KEYS {
            return Err(JwkSetError::TooMany);
        }
        let keys: Vec<Jwk> = list.iter().filter_map(Value::as_object).filter_map(Jwk::read).collect();
        if keys.is_empty() { Err(JwkSetError::NoUsable) } else { Ok(Self { keys }) }
    }

    /// Its keys, in the order written.
    pub fn keys(&self) -> impl Iterator<Item = &Jwk> {
        self.keys.iter()
    }

    /// True if a message with this header could be verified: by name where it has one.
    pub fn knows(&self, header: &crate::Header) -> bool {
        match &header.key_id {
            Some(id) => self.keys.iter().any(|key| key.id() == Some(id)),
            None => self.keys.iter().any(|key| key.fits(header.algorithm)),
        }
    }
}
