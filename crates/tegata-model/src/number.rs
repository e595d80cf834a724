//! Public numbers. An account has three public identifiers from birth, users and roles one each.

use std::{fmt, str::FromStr};

/// A text was not the public number it should have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct NumberError(&'static str);

/// The 16-digit public number of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountNumber(u64);

impl AccountNumber {
    /// Smallest and largest number with 16 digits.
    pub const RANGE: std::ops::RangeInclusive<u64> = 1_000_000_000_000_000..=9_999_999_999_999_999;

    /// A number in [`Self::RANGE`].
    pub fn new(number: u64) -> Result<Self, NumberError> {
        if Self::RANGE.contains(&number) { Ok(Self(number)) } else { Err(NumberError("an account number of 16 digits")) }
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AccountNumber {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        if text.len() != 16 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NumberError("an account number of 16 digits"));
        }
        text.parse().map_err(|_| NumberError("an account number of 16 digits")).and_then(Self::new)
    }
}

/// The operator spelling of an account: `OP` and ten digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperatorId(Box<str>);

impl OperatorId {
    /// Checks the form.
    pub fn new(text: &str) -> Result<Self, NumberError> {
        match text.strip_prefix("OP") {
            Some(digits) if digits.len() == 10 && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(Self(text.into())),
            _ => Err(NumberError("an operator id, `OP` and ten digits")),
        }
    }

    /// The id for a number below 10^10.
    pub fn from_number(number: u64) -> Self {
        Self(format!("OP{:010}", number % 10_000_000_000).into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The organisation spelling of an account: a lower-case UUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrganisationId(Box<str>);

impl OrganisationId {
    /// Checks the form.
    pub fn new(text: &str) -> Result<Self, NumberError> {
        let good = text.len() == 36
            && text
                .bytes()
                .enumerate()
                .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_digit() || (b'a'..=b'f').contains(&b) });
        if good { Ok(Self(text.into())) } else { Err(NumberError("an organisation id, a lower-case UUID")) }
    }

    /// A version 4 UUID from 16 random bytes.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let mut text = String::with_capacity(36);
        for (index, byte) in bytes.iter().enumerate() {
            use fmt::Write as _;
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            let _ = write!(text, "{byte:02x}");
        }
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The 18-digit public number of a user or a role: unique on this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrincipalNumber(u64);

impl PrincipalNumber {
    /// Smallest and largest number with 18 digits.
    pub const RANGE: std::ops::RangeInclusive<u64> = 100_000_000_000_000_000..=999_999_999_999_999_999;

    /// A number in [`Self::RANGE`].
    pub fn new(number: u64) -> Result<Self, NumberError> {
        if Self::RANGE.contains(&number) { Ok(Self(number)) } else { Err(NumberError("a principal number of 18 digits")) }
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for PrincipalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert!("1000000000000001".parse::<AccountNumber>().is_ok());
        assert!("0000000000000001".parse::<AccountNumber>().is_err());
        assert!("+100000000000001".parse::<AccountNumber>().is_err());
        assert_eq!(OperatorId::from_number(1).as_str(), "OP0000000001");
        assert!(OperatorId::new("OP1").is_err());
        let org = OrganisationId::from_random([0xFF; 16]);
        assert_eq!(org.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert!(OrganisationId::new(org.as_str()).is_ok());
    }
}
