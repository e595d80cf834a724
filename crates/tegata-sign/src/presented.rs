//! A signature not yet judged, and the judgement.

use std::{fmt, time::Duration};

use tegata_model::{AccessKeyId, SecretKey, Timestamp, secret::constant_time_eq};

use crate::{hmac, oss::ObjectAddress, oss_v4};

/// How a request was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RPC, signature version 1.0 (HMAC-SHA1).
    AcsRpc,
    /// `ACS3-HMAC-SHA256`.
    Acs3,
    /// OSS version 1 (HMAC-SHA1).
    OssV1,
    /// OSS version 4 (`OSS4-HMAC-SHA256`).
    OssV4,
}

/// Where the signature stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placement {
    /// In the `Authorization` header.
    Header,
    /// Among the parameters; for OSS a pre-signed URL.
    Url,
}

/// A known departure of one client library from its scheme under which a signature was accepted. Each names the same
/// operation on the same thing as the strict form would, so none weakens what the signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deviation {
    /// RPC: a space canonicalised as `+`.
    SpaceAsPlus,
    /// OSS, header mode: the token in a header called `security-token`, which is not signed; the token is bound to its key.
    TokenHeaderAlias,
    /// OSS V1: the bucket as `/bucket` instead of `/bucket/`.
    SlashlessBucket,
    /// OSS V4: an empty value as `name=` instead of `name`.
    EmptyValueWithEquals,
    /// OSS: bucket and key stand elsewhere than host and configuration say.
    Addressing,
}

/// What a signer signs with. No `Debug`: the token has no place in logs.
#[derive(Clone, Copy)]
pub struct Credential<'a> {
    /// The public id.
    pub access_key_id: &'a AccessKeyId,
    /// The secret.
    pub secret: &'a SecretKey,
    /// The token of a temporary key.
    pub security_token: Option<&'a str>,
}

/// A request's signature and everything it covers, owned; not yet judged.
pub struct Presented {
    pub(crate) scheme: Scheme,
    pub(crate) placement: Placement,
    pub(crate) access_key_id: AccessKeyId,
    pub(crate) security_token: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) signed_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) signature: String,
    pub(crate) mac: Mac,
    /// The host that is signed, where the scheme signs headers.
    pub(crate) host: Option<String>,
    /// What the signature must be of: the strict reading, and the tolerated ones in order of preference.
    pub(crate) strict: Reading,
    pub(crate) tolerated: Vec<Reading>,
}

/// One text whose signature would be accepted, and what it means.
pub(crate) struct Reading {
    pub(crate) canonical_request: Option<String>,
    pub(crate) string_to_sign: String,
    pub(crate) address: Option<ObjectAddress>,
    pub(crate) deviation: Option<Deviation>,
}

/// How a secret turns a string to sign into a signature.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Mac {
    AcsRpc,
    Acs3,
    OssV1,
    OssV4(oss_v4::Scope),
}

impl Mac {
    fn key(&self, secret: &SecretKey) -> aws_lc_rs::hmac::Key {
        match self {
            Self::AcsRpc => hmac::sha1_key(&hmac::joined(&[secret.expose(), "&"])),
            Self::Acs3 => hmac::sha256_key(secret.expose().as_bytes()),
            Self::OssV1 => hmac::sha1_key(secret.expose().as_bytes()),
            Self::OssV4(scope) => hmac::sha256_key(scope.signing_key(secret).as_slice()),
        }
    }

    fn text(&self, key: &aws_lc_rs::hmac::Key, message: &str) -> String {
        match self {
            Self::AcsRpc | Self::OssV1 => hmac::base64_signature(key, message),
            Self::Acs3 | Self::OssV4(_) => hmac::hex_signature(key, message),
        }
    }

    /// The signature as it stands on the wire.
    pub(crate) fn sign(&self, secret: &SecretKey, string_to_sign: &str) -> String {
        self.text(&self.key(secret), string_to_sign)
    }
}

/// Why the time of a request does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeProblem {
    /// Signed too long ago or too far ahead.
    #[error("the request time {request_time} differs from the server time {now} by more than {} seconds", allowed.as_secs())]
    Skewed {
        /// When the request says it was signed.
        request_time: Timestamp,
        /// The server's time.
        now: Timestamp,
        /// How far apart they may be.
        allowed: Duration,
    },
    /// A pre-signed URL whose time is over.
    #[error("the request has expired at {expires_at}")]
    Expired {
        /// The last second it was good.
        expires_at: Timestamp,
        /// The server's time.
        now: Timestamp,
    },
    /// A pre-signed URL whose time has not come.
    #[error("the request is not valid before {not_before}")]
    TooEarly {
        /// The first second it is good, the tolerance included.
        not_before: Timestamp,
        /// The server's time.
        now: Timestamp,
    },
    /// A pre-signed URL that would live longer than is allowed here.
    #[error("the request expires at {expires_at}, which is too far ahead")]
    TooFarAhead {
        /// When it would expire.
        expires_at: Timestamp,
        /// The server's time.
        now: Timestamp,
        /// How far ahead the expiry may be.
        allowed: Duration,
    },
}

impl Presented {
    /// How it was signed.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Where the signature stood.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// The key it claims to be signed with.
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// The token beside the key, never an empty text. That it belongs to the key is for the caller to check.
    pub fn security_token(&self) -> Option<&str> {
        self.security_token.as_deref()
    }

    /// The nonce (ACS schemes). To be spent only after [`Self::verify`]: anyone can write a stranger's nonce down.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// When it says it was signed: the date line. `None` for an OSS V1 URL, which has none.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed_at
    }

    /// The last second a pre-signed URL is good.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The text that is signed, in its strict reading. May hold the security token; not for logs.
    pub fn string_to_sign(&self) -> &str {
        &self.strict.string_to_sign
    }

    /// The canonical request behind the string to sign, for the schemes that have one. Not for logs either.
    pub fn canonical_request(&self) -> Option<&str> {
        self.strict.canonical_request.as_deref()
    }

    /// Checks the times: `skew` either way for requests signed now; for a URL its expiry, and `skew` before its start.
    pub fn check_time(&self, now: Timestamp, skew: Duration) -> Result<(), TimeProblem> {
        let Some(expires_at) = self.expires_at else {
            return match self.signed_at {
                Some(request_time) if request_time.distance(now) > skew => Err(TimeProblem::Skewed { request_time, now, allowed: skew }),
                _ => Ok(()),
            };
        };
        let not_before = self.signed_at.map(|signed_at| signed_at.minus(skew));
        match not_before {
            _ if now > expires_at => Err(TimeProblem::Expired { expires_at, now }),
            Some(not_before) if now < not_before => Err(TimeProblem::TooEarly { not_before, now }),
            _ => Ok(()),
        }
    }

    /// Refuses a pre-signed URL that expires more than `allowed` from now, however it was signed.
    pub fn check_lifetime(&self, now: Timestamp, allowed: Duration) -> Result<(), TimeProblem> {
        match self.expires_at {
            Some(expires_at) if expires_at.since(now) > allowed => Err(TimeProblem::TooFarAhead { expires_at, now, allowed }),
            _ => Ok(()),
        }
    }

    /// Judges the signature, in constant time per reading.
    pub fn verify(&self, secret: &SecretKey) -> Result<Verified, Mismatch> {
        let key = self.mac.key(secret);
        let matches =
            |reading: &Reading| constant_time_eq(self.mac.text(&key, &reading.string_to_sign).as_bytes(), self.signature.as_bytes());
        let found = std::iter::once(&self.strict).chain(&self.tolerated).find(|reading| matches(reading));
        match found {
            Some(reading) => Ok(Verified {
                access_key_id: self.access_key_id.clone(),
                address: reading.address.clone(),
                deviation: reading.deviation,
                scheme: self.scheme,
                signed_at: self.signed_at,
                host: self.host.clone(),
            }),
            None => Err(Mismatch {
                string_to_sign: self.strict.string_to_sign.clone(),
                canonical_request: self.strict.canonical_request.clone(),
                signature_provided: self.signature.clone(),
            }),
        }
    }
}

impl fmt::Debug for Presented {
    /// Without token, signature and signed text, which have no place in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("scheme", &self.scheme)
            .field("placement", &self.placement)
            .field("access_key_id", &self.access_key_id)
            .field("signed_at", &self.signed_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Evidence that a request was signed with the secret of a key. Only [`Presented::verify`] makes one.
#[derive(Debug)]
pub struct Verified {
    access_key_id: AccessKeyId,
    address: Option<ObjectAddress>,
    deviation: Option<Deviation>,
    scheme: Scheme,
    signed_at: Option<Timestamp>,
    host: Option<String>,
}

impl Verified {
    /// The key whose secret it was.
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// What an OSS request names: the reading whose signature matched. `None` for the ACS schemes.
    pub fn address(&self) -> Option<&ObjectAddress> {
        self.address.as_ref()
    }

    /// The client's departure from its scheme, if one had to be tolerated.
    pub fn deviation(&self) -> Option<Deviation> {
        self.deviation
    }

    /// How it was signed.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// When it says it was signed; `None` for an OSS V1 URL.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed_at
    }

    /// The host that the request was signed for, as it was sent; only ACS3 signs it always.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }
}

/// The signature is not of what arrived. The fields are for the reply to whoever sent them, not for logs.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match the request")]
pub struct Mismatch {
    /// What should have been signed.
    pub string_to_sign: String,
    /// The canonical request whose hash the string to sign carries, for the schemes that have one.
    pub canonical_request: Option<String>,
    /// The signature that came instead.
    pub signature_provided: String,
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mismatch(redacted)")
    }
}
