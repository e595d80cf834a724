//! Compact signed messages, made: one loaded key per signature, never parsed again.

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::Algorithm;

/// A key could not be made, read or used. What exactly is nobody's business but the library's, which does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// Only RS256 and ES256 are signed with.
    #[error("nothing is signed with {0} here")]
    Algorithm(Algorithm),
    /// The bytes are no key of this kind.
    #[error("the signing key cannot be read")]
    Key,
    /// The library refused.
    #[error("signing failed")]
    Signing,
}

enum Private {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

/// A loaded key.
pub struct Signer {
    id: String,
    algorithm: Algorithm,
    private: Private,
    random: SystemRandom,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({}, {})", self.id, self.algorithm)
    }
}

/// A fresh key, as PKCS #8. An RSA key of 2,048 bits takes a tenth of a second and more.
pub fn generate(algorithm: Algorithm) -> Result<Vec<u8>, SignerError> {
    match algorithm {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| SignerError::Key)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SignerError::Key)?;
            Ok(der.as_ref().to_vec())
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| SignerError::Key)?;
            let der = pair.to_pkcs8v1().map_err(|_| SignerError::Key)?;
            Ok(der.as_ref().to_vec())
        }
        other => Err(SignerError::Algorithm(other)),
    }
}

impl Signer {
    /// Loads a key that [`generate`] made, under the name that others will find it by.
    pub fn load(id: &str, algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, SignerError> {
        let private = match algorithm {
            Algorithm::Rs256 => Private::Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| SignerError::Key)?),
            Algorithm::Es256 => {
                Private::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(|_| SignerError::Key)?)
            }
            other => return Err(SignerError::Algorithm(other)),
        };
        Ok(Self { id: id.to_owned(), algorithm, private, random: SystemRandom::new() })
    }

    /// Its name, `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A message of type `kind` (`typ`) with this payload.
    pub fn sign(&self, kind: &str, payload: &[u8]) -> Result<String, SignerError> {
        let header = json!({ "alg": self.algorithm.name(), "typ": kind, "kid": self.id }).to_string();
        let mut message = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 400);
        URL_SAFE_NO_PAD.encode_string(header, &mut message);
        message.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut message);
        let signature = match &self.private {
            Private::Ec(pair) => pair.sign(&self.random, message.as_bytes()).map_err(|_| SignerError::Signing)?.as_ref().to_vec(),
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &self.random, message.as_bytes(), &mut signature).map_err(|_| SignerError::Signing)?;
                signature
            }
        };
        message.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut message);
        Ok(message)
    }

    /// The public half, as sets of keys carry it (RFC 7517 §4).
    pub fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (kid, alg) = (&self.id, self.algorithm.name());
        match &self.private {
            Private::Rsa(pair) => {
                let (n, e) = rsa_numbers(pair.public_key().as_ref()).unwrap_or_default();
                json!({ "kty": "RSA", "use": "sig", "kid": kid, "alg": alg, "n": text(n), "e": text(e) })
            }
            Private::Ec(pair) => {
                let point = pair.public_key().as_ref().split_first().map(|(_, rest)| rest).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "use": "sig", "kid": kid, "alg": alg, "crv": "P-256", "x": text(x), "y": text(y) })
            }
        }
    }
}

impl Signer {
    /// The public half as PEM (RFC 7468 §13: SubjectPublicKeyInfo); nothing for keys that nobody reads that way.
    pub fn pem(&self) -> Option<String> {
        let Private::Rsa(pair) = &self.private else { return None };
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let encoded = STANDARD.encode(der.as_ref());
        let mut text = String::with_capacity(encoded.len() + 80);
        text.push_str("-----BEGIN PUBLIC KEY-----\n");
        for (at, c) in encoded.chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                text.push('\n');
            }
            text.push(c);
        }
        text.push_str("\n-----END PUBLIC KEY-----\n");
        Some(text)
    }
}

/// The left half of the hash of a token, as ID tokens carry it (OpenID Connect Core 1.0 §3.1.3.6).
pub fn token_hash(token: &str) -> String {
    let digest = digest(&SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default())
}

/// Modulus and exponent of an RSAPublicKey (RFC 8017, appendix A.1.1).
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = element(der, 0x30)?;
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    Some((without_zero(modulus), without_zero(exponent)))
}

fn without_zero(number: &[u8]) -> &[u8] {
    number.strip_prefix(&[0]).unwrap_or(number)
}

/// The content of one DER element of this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7F)).filter(|(digits, _)| digits.len() <= 2)?;
        (digits.iter().fold(0, |sum, digit| sum * 256 + usize::from(*digit)), rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JwkSet, Jws};

    #[test]
    fn what_is_signed_verifies_and_nothing_else() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let pkcs8 = generate(algorithm).unwrap();
            let signer = Signer::load("k1", algorithm, &pkcs8).unwrap();
            let set = JwkSet::parse(json!({ "keys": [signer.jwk()] }).to_string().as_bytes()).unwrap();
            let text = signer.sign("at+jwt", br#"{"sub":"x"}"#).unwrap();
            let message = Jws::parse(&text).unwrap();
            assert_eq!(message.verify(&set).unwrap(), br#"{"sub":"x"}"#);
            assert_eq!(message.header().kind.as_deref(), Some("at+jwt"));
            let other = Signer::load("k1", algorithm, &generate(algorithm).unwrap()).unwrap();
            let set = JwkSet::parse(json!({ "keys": [other.jwk()] }).to_string().as_bytes()).unwrap();
            assert!(message.verify(&set).is_err());
            assert!(Signer::load("k1", algorithm, b"none").is_err());
        }
        assert_eq!(generate(Algorithm::Rs512), Err(SignerError::Algorithm(Algorithm::Rs512)));
        // OpenID Connect Core 1.0, appendix A.3.
        assert_eq!(token_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
