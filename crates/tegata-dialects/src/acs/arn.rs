//! Resource names (`acs:<service>:<region>:<account>:<relative>`), the only place that spells them.

use std::str::FromStr;

use tegata_model::{AccountNumber, MfaDeviceName, OidcProviderName, RoleName, RoleSessionName, UserName};

/// A role, as named by whoever wants to assume it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleArn {
    pub(crate) account: AccountNumber,
    pub(crate) name: RoleName,
}

/// A text was not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotARoleArn;

impl std::fmt::Display for NotARoleArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a role is named `acs:ram::<16-digit account>:role/<role name>`")
    }
}

impl FromStr for RoleArn {
    type Err = NotARoleArn;

    fn from_str(text: &str) -> Result<Self, NotARoleArn> {
        let rest = text.strip_prefix("acs:ram::").ok_or(NotARoleArn)?;
        let (account, name) = rest.split_once(":role/").ok_or(NotARoleArn)?;
        Ok(Self { account: account.parse().map_err(|_| NotARoleArn)?, name: name.parse().map_err(|_| NotARoleArn)? })
    }
}

/// An OpenID provider, as named by whoever brings one of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OidcProviderArn {
    pub(crate) account: AccountNumber,
    pub(crate) name: OidcProviderName,
}

/// A text was not the name of an OpenID provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAnOidcProviderArn;

impl std::fmt::Display for NotAnOidcProviderArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an OIDC provider is named `acs:ram::<16-digit account>:oidc-provider/<provider name>`")
    }
}

impl FromStr for OidcProviderArn {
    type Err = NotAnOidcProviderArn;

    fn from_str(text: &str) -> Result<Self, NotAnOidcProviderArn> {
        let rest = text.strip_prefix("acs:ram::").ok_or(NotAnOidcProviderArn)?;
        let (account, name) = rest.split_once(":oidc-provider/").ok_or(NotAnOidcProviderArn)?;
        let (account, name) = (account.parse().map_err(|_| NotAnOidcProviderArn)?, name.parse().map_err(|_| NotAnOidcProviderArn)?);
        Ok(Self { account, name })
    }
}

/// An OpenID provider.
pub(crate) fn oidc_provider(account: AccountNumber, name: &OidcProviderName) -> String {
    format!("acs:ram::{account}:oidc-provider/{name}")
}

/// A device for one-time codes: its serial number is its resource name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SerialNumber {
    pub(crate) account: AccountNumber,
    pub(crate) name: MfaDeviceName,
}

/// A text was not the serial number of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotASerialNumber;

impl std::fmt::Display for NotASerialNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a device is named `acs:ram::<16-digit account>:mfa/<device name>`")
    }
}

impl FromStr for SerialNumber {
    type Err = NotASerialNumber;

    fn from_str(text: &str) -> Result<Self, NotASerialNumber> {
        let rest = text.strip_prefix("acs:ram::").ok_or(NotASerialNumber)?;
        let (account, name) = rest.split_once(":mfa/").ok_or(NotASerialNumber)?;
        Ok(Self { account: account.parse().map_err(|_| NotASerialNumber)?, name: name.parse().map_err(|_| NotASerialNumber)? })
    }
}

/// A device for one-time codes.
pub(crate) fn mfa_device(account: AccountNumber, name: &MfaDeviceName) -> String {
    format!("acs:ram::{account}:mfa/{name}")
}

/// The owner of an account.
pub(crate) fn owner(account: AccountNumber) -> String {
    format!("acs:ram::{account}:root")
}

/// A user.
pub(crate) fn user(account: AccountNumber, name: &UserName) -> String {
    format!("acs:ram::{account}:user/{name}")
}

/// A role.
pub(crate) fn role(account: AccountNumber, name: &RoleName) -> String {
    format!("acs:ram::{account}:role/{name}")
}

/// A role session as AssumeRole names it.
pub(crate) fn new_session(account: AccountNumber, role: &RoleName, session: &RoleSessionName) -> String {
    format!("acs:ram::{account}:role/{role}/{session}")
}

/// A role session as GetCallerIdentity names it.
pub(crate) fn session(account: AccountNumber, role: &RoleName, session: &RoleSessionName) -> String {
    format!("acs:ram::{account}:assumed-role/{role}/{session}")
}

/// An app.
pub(crate) fn application(account: AccountNumber, app_id: &str) -> String {
    format!("acs:ram::{account}:application/{app_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_role_names_are_role_names() {
        let arn: RoleArn = "acs:ram::1000000000000001:role/app-uploader".parse().unwrap();
        assert_eq!((arn.account.get(), arn.name.as_str()), (1_000_000_000_000_001, "app-uploader"));
        let arn: OidcProviderArn = "acs:ram::1000000000000001:oidc-provider/ci".parse().unwrap();
        assert_eq!(oidc_provider(arn.account, &arn.name), "acs:ram::1000000000000001:oidc-provider/ci");
        for bad in ["acs:ram::1000000000000001:saml-provider/ci", "acs:ram::1:oidc-provider/ci", "acs:ram::1000000000000001:oidc-provider/"]
        {
            assert_eq!(bad.parse::<OidcProviderArn>(), Err(NotAnOidcProviderArn), "{bad}");
        }
        for bad in [
            "",
            "acs:ram::1000000000000001:role/",
            "acs:ram::1000000000000001:user/bob",
            "acs:ram:cn:1000000000000001:role/a",
            "acs:ram::1:role/a",
            "acs:ram::1000000000000001:role/a/b",
            "arn:ram::1000000000000001:role/a",
            "acs:ram::1000000000000001:role/a:b",
        ] {
            assert_eq!(bad.parse::<RoleArn>(), Err(NotARoleArn), "{bad}");
        }
    }
}
