//! A block of addresses, `10.0.0.0/8`.

use std::{fmt, net::IpAddr, str::FromStr};

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    /// Its first address.
    pub(crate) address: IpAddr,
    /// How many leading bits its members share.
    pub(crate) prefix: u8,
}

impl FromStr for Network {
    type Err = &'static str;

    /// An address alone is a block of one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "expected an address or a block of addresses such as `10.0.0.0/8`";
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| RULE)?;
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().map_err(|_| RULE)?,
            Some(_) => return Err(RULE),
        };
        if prefix > bits {
            return Err(RULE);
        }
        let network = Self { address, prefix };
        if network.has_host_bits() {
            return Err("the address has bits beyond its prefix; write the first address of the block");
        }
        Ok(network)
    }
}

impl Network {
    fn has_host_bits(self) -> bool {
        match self.address {
            IpAddr::V4(v4) => v4.to_bits().checked_shl(u32::from(self.prefix)).is_some_and(|rest| rest != 0),
            IpAddr::V6(v6) => v6.to_bits().checked_shl(u32::from(self.prefix)).is_some_and(|rest| rest != 0),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_exactly() {
        assert_eq!("10.0.0.0/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
        assert_eq!("127.0.0.1".parse::<Network>().unwrap().to_string(), "127.0.0.1/32");
        assert_eq!("fd00::/8".parse::<Network>().unwrap().to_string(), "fd00::/8");
        assert_eq!("0.0.0.0/0".parse::<Network>().unwrap().prefix, 0);
        for wrong in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/", "10.0.0/8", "::1/129", "", "example.com"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
