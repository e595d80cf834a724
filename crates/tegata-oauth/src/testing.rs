//! An issuer for tests: it signs whatever it is asked to, and says what its public keys are.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::Algorithm;

/// Why a test key could not be made or used.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

enum Private {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

/// One key of an issuer, with its private half.
pub struct TestKey {
    id: String,
    algorithm: Algorithm,
    private: Private,
}

impl std::fmt::Debug for TestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TestKey({}, {})", self.id, self.algorithm)
    }
}

impl TestKey {
    /// A fresh key.
    pub fn generate(id: &str, algorithm: Algorithm) -> Result<Self, Broken> {
        let private = match algorithm {
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => Private::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?),
            Algorithm::Es256 => Private::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            Algorithm::Es384 => Private::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)?),
        };
        Ok(Self { id: id.to_owned(), algorithm, private })
    }

    /// The public half, as sets of keys carry it.
    pub fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (kid, alg) = (&self.id, self.algorithm.name());
        match &self.private {
            Private::Rsa(pair) => {
                // RSAPublicKey in DER: a sequence of two integers, of known sizes for a modulus of 2,048 bits.
                let n = pair.public_key().as_ref().get(9..265).unwrap_or_default();
                json!({"kty":"RSA","use":"sig","kid":kid,"alg":alg,"n":text(n),"e":"AQAB"})
            }
            Private::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point.split_at(1).1.split_at(point.len() / 2);
                let crv = if self.algorithm == Algorithm::Es256 { "P-256" } else { "P-384" };
                json!({"kty":"EC","use":"sig","kid":kid,"alg":alg,"crv":crv,"x":text(x),"y":text(y)})
            }
        }
    }

    /// A set with this key alone.
    pub fn jwks(&self) -> String {
        json!({"keys": [self.jwk()]}).to_string()
    }

    /// The header that a token of this key has.
    pub fn header(&self) -> Value {
        json!({"alg": self.algorithm.name(), "kid": self.id, "typ": "JWT"})
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> Result<String, Broken> {
        self.message(&self.header().to_string(), &claims.to_string())
    }

    /// A message with this header and payload, whatever they say.
    pub fn message(&self, header: &str, payload: &str) -> Result<String, Broken> {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let random = SystemRandom::new();
        let signature = match &self.private {
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let scheme = match self.algorithm {
                    Algorithm::Rs384 => &RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_SHA512,
                    Algorithm::Rs256 | Algorithm::Es256 | Algorithm::Es384 => &RSA_PKCS1_SHA256,
                };
                pair.sign(scheme, &random, signed.as_bytes(), &mut signature)?;
                signature
            }
            Private::Ec(pair) => pair.sign(&random, signed.as_bytes())?.as_ref().to_vec(),
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
