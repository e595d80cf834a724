//! Ids: immutable, random, one type per noun, so that a recreated name inherits nothing.

use std::{fmt, str::FromStr};

/// The text was not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind: expected `{prefix}_` and 26 characters")]
pub struct IdError {
    prefix: &'static str,
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The prefix of the text form.
            pub const PREFIX: &'static str = $prefix;

            /// An id from its 16 bytes, as stored.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes that are stored.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), ulid::Ulid::from_bytes(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|rest| ulid::Ulid::from_string(rest).ok())
                    .map(|ulid| Self(ulid.to_bytes()))
                    .ok_or(IdError { prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    <[u8; 16] as serde::Deserialize>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

id_type!(/** One account (tenant). Text form: `account_` + ULID. */ AccountId, "account");
id_type!(/** One person or machine user of an account. Text form: `user_` + ULID. */ UserId, "user");
id_type!(/** One group of users. Text form: `group_` + ULID. */ GroupId, "group");
id_type!(/** One role. Text form: `role_` + ULID. */ RoleId, "role");
id_type!(/** One policy (all its versions). Text form: `policy_` + ULID. */ PolicyId, "policy");
id_type!(/** One access key row; the public key id is [`crate::AccessKeyId`]. Text form: `key_` + ULID. */ KeyId, "key");
id_type!(/** One OpenID provider that an account trusts. Text form: `oidc_` + ULID. */ OidcProviderId, "oidc");
id_type!(/** One login profile: what a user signs in with. Text form: `login_` + ULID. */ LoginProfileId, "login");
id_type!(/** One device for one-time codes. Text form: `mfa_` + ULID. */ MfaDeviceId, "mfa");
id_type!(/** One bucket. Text form: `bucket_` + ULID. */ BucketId, "bucket");
id_type!(/** One stored blob of bytes; its file name. Text form: `blob_` + ULID. */ BlobId, "blob");
id_type!(/** One role or browser session. Text form: `session_` + ULID. */ SessionId, "session");
id_type!(/** One request, as told to the caller and to `tegata why`. Text form: `request_` + ULID; dialects have their own. */ RequestId, "request");
id_type!(/** One running process that writes audit rows. Text form: `node_` + ULID. */ NodeId, "node");
id_type!(/** One OAuth client. Text form: `client_` + ULID; its public number is another. */ ClientId, "client");
id_type!(/** One secret of a client. Text form: `clientsecret_` + ULID. */ ClientSecretId, "clientsecret");
id_type!(/** One client made available in one account. Text form: `installation_` + ULID. */ InstallationId, "installation");
id_type!(/** What one identity said yes to. Text form: `consent_` + ULID. */ ConsentId, "consent");
id_type!(/** One chain of tokens. Text form: `grant_` + ULID. */ GrantId, "grant");
id_type!(/** One API token of a user. Text form: `apitoken_` + ULID. */ ApiTokenId, "apitoken");
id_type!(/** One signing key. Text form: `signingkey_` + ULID. */ SigningKeyId, "signingkey");

impl RequestId {
    /// The upper-case UUID spelling, `7E0F3F4A-6B3E-5C0E-9D2B-0E8A5C1B7D21`.
    pub fn to_uuid(self) -> String {
        let hex = self.to_hex();
        let mut out = String::with_capacity(36);
        for (index, digit) in hex.chars().enumerate() {
            if matches!(index, 8 | 12 | 16 | 20) {
                out.push('-');
            }
            out.push(digit);
        }
        out
    }

    /// 32 upper-case hex digits.
    pub fn to_hex(self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(32), |mut out, byte| {
            let _ = write!(out, "{byte:02X}");
            out
        })
    }

    /// The first 12 bytes as 24 upper-case hex digits: the short spelling some object clients expect.
    pub fn to_short_hex(self) -> String {
        self.to_hex().chars().take(24).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_other_kinds_are_refused() {
        let id = RoleId::from_bytes([7; 16]);
        assert_eq!(id.to_string().parse::<RoleId>().unwrap(), id);
        assert!(id.to_string().parse::<UserId>().is_err());
        assert!("role_".parse::<RoleId>().is_err());
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<RoleId>(&json).unwrap(), id);
    }

    #[test]
    fn request_id_spellings() {
        let id = RequestId::from_bytes([0xAB; 16]);
        assert_eq!(id.to_uuid(), "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB");
        assert_eq!(id.to_short_hex().len(), 24);
    }
}
