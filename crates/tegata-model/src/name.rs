//! Names that people choose. Each type is valid by construction; the error says what would have been.

use std::{fmt, str::FromStr};

/// A text did not fit the rule of its name type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct NameError {
    /// What was being named, in words: `a role name`.
    pub what: &'static str,
    /// The rule, in words: `1 to 64 letters, digits, …`.
    pub rule: &'static str,
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks the text against the rule of this name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.into())) } else { Err(NameError { what: $what, rule: $rule }) }
            }

            /// The name as given.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The form names are compared in: ASCII lower case.
            pub fn folded(&self) -> String {
                self.0.to_ascii_lowercase()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn made_of(text: &str, min: usize, max: usize, allowed: fn(u8) -> bool) -> bool {
    (min..=max).contains(&text.len()) && text.bytes().all(allowed)
}

fn word(byte: u8, extra: &[u8]) -> bool {
    byte.is_ascii_alphanumeric() || extra.contains(&byte)
}

name_type!(
    /// The name of an account that people type: unique on this server, without case.
    AccountAlias, "an account alias", "3 to 63 lower-case letters, digits and inner hyphens",
    |text| made_of(text, 3, 63, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') && !text.starts_with('-') && !text.ends_with('-')
);
name_type!(
    /// A user's name: unique in its account, without case.
    UserName, "a user name", "1 to 64 letters, digits and `.`, `-`, `_`",
    |text| made_of(text, 1, 64, |b| word(b, b".-_"))
);
name_type!(
    /// A group's name: unique in its account, without case.
    GroupName, "a group name", "1 to 64 letters, digits and `.`, `-`, `_`",
    |text| made_of(text, 1, 64, |b| word(b, b".-_"))
);
name_type!(
    /// A role's name: unique in its account, without case.
    RoleName, "a role name", "1 to 64 letters, digits, `.`, `-` and `_`",
    |text| made_of(text, 1, 64, |b| word(b, b".-_"))
);
name_type!(
    /// A policy's name: unique in its account and kind, without case.
    PolicyName, "a policy name", "1 to 128 letters, digits and `-`",
    |text| made_of(text, 1, 128, |b| word(b, b"-"))
);
name_type!(
    /// The name of a device for one-time codes: unique in its account, without case.
    MfaDeviceName, "a device name", "1 to 64 letters, digits and `.`, `-`",
    |text| made_of(text, 1, 64, |b| word(b, b".-"))
);
name_type!(
    /// What a caller calls one role session.
    RoleSessionName, "a role session name", "2 to 64 letters, digits and `.`, `@`, `-`, `_`",
    |text| made_of(text, 2, 64, |b| word(b, b".@-_"))
);
name_type!(
    /// The origin of a chain of sessions; once set it stays.
    SourceIdentity, "a source identity", "2 to 64 letters, digits and `.`, `@`, `=`, `,`, `-`, `_`, `+`",
    |text| made_of(text, 2, 64, |b| word(b, b".@=,-_+"))
);
name_type!(
    /// A shared value that the owner of a role asks of whoever assumes it from another account.
    ExternalId, "an external id", "2 to 1224 letters, digits and `_+=,.@:/-`",
    |text| made_of(text, 2, 1224, |b| word(b, b"_+=,.@:/-"))
);
name_type!(
    /// A bucket's name: unique on this server.
    BucketName, "a bucket name", "3 to 63 lower-case letters, digits and inner hyphens",
    |text| made_of(text, 3, 63, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') && !text.starts_with('-') && !text.ends_with('-')
);
name_type!(
    /// An object's key inside its bucket: UTF-8, never normalised; `..`, `//` and the like are just characters.
    ///
    /// NUL and other control characters that no XML reply could carry are refused, and a leading `/` or `\`
    /// (the field's own rule).
    ObjectKey, "an object key", "1 to 1023 bytes of UTF-8 without control characters, not starting with `/` or `\\`",
    |text| (1..=1023).contains(&text.len()) && !text.starts_with(['/', '\\'])
        && !text.chars().any(|c| (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
);
name_type!(
    /// The public id of a long-term access key (`LTAI…`) or of a temporary one (`STS.…`).
    AccessKeyId, "an access key id", "1 to 128 letters, digits and `.`, `_`, `=`, `-`",
    |text| made_of(text, 1, 128, |b| word(b, b"._=-"))
);

impl AccessKeyId {
    /// How ids of temporary keys begin.
    pub const TEMPORARY_PREFIX: &'static str = "STS.";

    /// True for the id of a temporary key, which needs a security token beside it.
    pub fn is_temporary(&self) -> bool {
        self.as_str().starts_with(Self::TEMPORARY_PREFIX)
    }
}

fn line(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

name_type!(
    /// What a user is called for people.
    DisplayName, "a display name", "1 to 128 characters, none of them a control character",
    |text| line(text, 1, 128)
);
name_type!(
    /// A remark about a user or a group.
    Comments, "comments", "1 to 128 characters, none of them a control character",
    |text| line(text, 1, 128)
);
name_type!(
    /// What a role or a policy is for.
    Description, "a description", "1 to 1024 characters, none of them a control character",
    |text| line(text, 1, 1024)
);
name_type!(
    /// What a tag is called: once on each thing that is tagged.
    ///
    /// Beginnings that the field keeps for itself are refused (RAM 2015-05-01, TagResources).
    TagKey, "a tag key", "1 to 128 characters, not beginning with `aliyun` or `acs:`, without `http://` and `https://`",
    |text| line(text, 1, 128) && !text.contains("http://") && !text.contains("https://") && {
        let folded = text.to_ascii_lowercase();
        !folded.starts_with("aliyun") && !folded.starts_with("acs:")
    }
);
name_type!(
    /// What a tag says; may be empty.
    TagValue, "a tag value", "at most 128 characters, without `http://` and `https://`",
    |text| line(text, 0, 128) && !text.contains("http://") && !text.contains("https://")
);
name_type!(
    /// An e-mail address, as far as it can be told from its form.
    EmailAddress, "an e-mail address", "`name@host`, at most 254 characters, without spaces",
    |text| text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
);
name_type!(
    /// A telephone number with its country code.
    PhoneNumber, "a telephone number", "`<country code>-<number>`, digits only",
    |text| text.split_once('-').is_some_and(|(code, number)| {
        let digits = |text: &str, max| (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits(code, 4) && digits(number, 15)
    })
);

name_type!(
    /// The name of an OpenID provider: unique in its account, without case.
    OidcProviderName, "the name of an OIDC provider", "1 to 128 letters, digits and inner `.`, `-`, `_`",
    |text| made_of(text, 1, 128, |b| word(b, b".-_")) && edges(text)
);
name_type!(
    /// The URL that an OpenID provider calls itself in its tokens. Compared byte by byte, as OpenID Connect wants it.
    IssuerUrl, "an issuer URL", "`https://host` or `https://host/path`, at most 255 characters, without `?`, `#`, `@` and spaces",
    |text| text.len() <= 255 && text.bytes().all(|b| b.is_ascii_graphic() && !b"?#@\"<>\\^`{|}".contains(&b))
        && text.split_once("://").is_some_and(|(scheme, rest)| {
            let host = rest.split('/').next().unwrap_or_default();
            matches!(scheme, "https" | "http") && !host.is_empty() && host.bytes().all(|b| word(b, b".-:[]"))
        })
);
name_type!(
    /// Whom a token of an OpenID provider is for: one audience that an account accepts.
    AudienceName, "a client id", "1 to 128 letters, digits and `.`, `-`, `_`, `:`, `/`, beginning with a letter or digit",
    |text| made_of(text, 1, 128, |b| word(b, b".-_:/")) && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
);
name_type!(
    /// The SHA-1 or SHA-256 digest of a certificate, in hex digits.
    Fingerprint, "a fingerprint", "the 40 hex digits of a SHA-1 digest or the 64 of a SHA-256 digest, without colons",
    |text| matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
);
name_type!(
    /// What an identity provider is for.
    ProviderDescription, "the description of a provider", "1 to 256 characters, none of them a control character",
    |text| line(text, 1, 256)
);

fn edges(text: &str) -> bool {
    let plain = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    plain(text.bytes().next()) && plain(text.bytes().next_back())
}

impl IssuerUrl {
    /// True if it is reached over TLS.
    pub fn is_secure(&self) -> bool {
        self.as_str().starts_with("https://")
    }

    /// True if both would be taken for the same by a careless reader: case and a slash at the end do not count.
    pub fn resembles(&self, other: &str) -> bool {
        self.as_str().trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_at_its_edges() {
        assert!(RoleSessionName::new("a").is_err());
        assert!(RoleSessionName::new("ab").is_ok());
        assert!(RoleSessionName::new(&"a".repeat(65)).is_err());
        assert!(BucketName::new("-ab").is_err());
        assert!(BucketName::new("a.b").is_err());
        assert!(BucketName::new("photos").is_ok());
        assert!(ObjectKey::new("a/../b//c").is_ok());
        assert!(ObjectKey::new("a\0b").is_err());
        assert!(ObjectKey::new("/a").is_err());
        assert!(ObjectKey::new(&"k".repeat(1023)).is_ok());
        assert!(ObjectKey::new(&"k".repeat(1024)).is_err());
        for good in ["https://a", "https://a.test/b/c", "http://127.0.0.1:8080", "https://[::1]:443/x"] {
            assert!(IssuerUrl::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "https://",
            "https:///x",
            "ftp://a",
            "https://a?b",
            "https://a#b",
            "https://u@a",
            "https://a b",
            "https://a/\u{e9}",
            "a.test",
        ] {
            assert!(IssuerUrl::new(bad).is_err(), "{bad}");
        }
        assert!(IssuerUrl::new("https://A.test/").unwrap().resembles("https://a.test"));
        assert!(OidcProviderName::new("-a").is_err() && OidcProviderName::new("a_b.c-d").is_ok() && OidcProviderName::new("a.").is_err());
        assert!(AudienceName::new("repo:acme/x").is_ok() && AudienceName::new(":x").is_err());
        assert!(Fingerprint::new(&"aF".repeat(20)).is_ok() && Fingerprint::new(&"a".repeat(41)).is_err());
        assert!(AccessKeyId::new("STS.abc").unwrap().is_temporary());
        assert_eq!(RoleName::new("a b").unwrap_err().to_string(), "a role name must be 1 to 64 letters, digits, `.`, `-` and `_`");
    }
}
