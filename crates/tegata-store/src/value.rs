//! Values that go into statements and come out of rows, without any driver's types.

use std::borrow::Cow;

use tegata_model::{
    AccessKeyId, AccountAlias, AccountId, AccountNumber, BlobId, BucketId, BucketName, Epoch, Generation, GroupId, KeyId, LoginProfileId,
    MfaDeviceId, NodeId, ObjectKey, OidcProviderId, OperatorId, OrganisationId, PasswordHash, PolicyId, PrincipalNumber, RequestId, RoleId,
    SessionId, Status, Timestamp, UserId,
};
use tegata_model::{ApiTokenId, ClientId, ClientSecretId, ConsentId, GrantId, InstallationId, SigningKeyId};

/// One value. 16-byte ids are held in place, so that the usual parameters allocate nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// No value.
    Null,
    /// A 64-bit integer; instants are UTC seconds.
    Int(i64),
    /// Text without NUL.
    Text(Cow<'static, str>),
    /// Exactly 16 bytes: an id or a nonce. Stored as bytes, like [`Value::Blob`].
    Id([u8; 16]),
    /// Bytes.
    Blob(Vec<u8>),
}

macro_rules! from_id {
    ($($id:ident),+) => { $(
        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Id(*id.as_bytes())
            }
        }
    )+ };
}

from_id!(AccountId, UserId, GroupId, RoleId, PolicyId, KeyId, BucketId, BlobId, SessionId, RequestId, NodeId, LoginProfileId, MfaDeviceId);
from_id!(OidcProviderId);
from_id!(ApiTokenId, ClientId, ClientSecretId, ConsentId, GrantId, InstallationId, SigningKeyId);

macro_rules! from_text {
    ($($text:ident),+) => { $(
        impl From<&$text> for Value {
            fn from(text: &$text) -> Self {
                Self::Text(Cow::Owned(text.as_str().to_owned()))
            }
        }
    )+ };
}

from_text!(AccountAlias, BucketName, OperatorId, OrganisationId, AccessKeyId);

/// Object keys are compared and ordered as bytes.
impl From<&ObjectKey> for Value {
    fn from(key: &ObjectKey) -> Self {
        Self::Blob(key.as_str().as_bytes().to_vec())
    }
}

impl From<[u8; 16]> for Value {
    fn from(bytes: [u8; 16]) -> Self {
        Self::Id(bytes)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

/// Stored as 0 or 1.
impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl From<&PasswordHash> for Value {
    fn from(hash: &PasswordHash) -> Self {
        hash.expose().into()
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::Int(at.unix())
    }
}

impl From<Status> for Value {
    fn from(status: Status) -> Self {
        Self::Int(status.to_i64())
    }
}

impl From<Epoch> for Value {
    fn from(epoch: Epoch) -> Self {
        Self::Int(i64::from(epoch.0))
    }
}

impl From<Generation> for Value {
    fn from(generation: Generation) -> Self {
        Self::Int(generation.0)
    }
}

impl From<AccountNumber> for Value {
    fn from(number: AccountNumber) -> Self {
        Self::Int(number.get().cast_signed())
    }
}

impl From<PrincipalNumber> for Value {
    fn from(number: PrincipalNumber) -> Self {
        Self::Int(number.get().cast_signed())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Cow::Owned(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Cow<'static, str>> for Value {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
