//! The typed values that conditions compare: exact decimals, instants, networks.

use std::{
    borrow::Cow,
    cmp::Ordering,
    net::{IpAddr, Ipv6Addr},
    str,
};

use tegata_model::Timestamp;

/// A decimal number of any length, compared exactly: `-12.50`.
#[derive(Debug, Clone)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// Without leading zeros.
    whole: Cow<'a, str>,
    /// Without trailing zeros.
    fraction: Cow<'a, str>,
}

impl<'a> Decimal<'a> {
    /// Reads an optional sign, digits, and optionally a point and digits.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let good = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !good(whole) || !good(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Self { negative, whole: whole.into(), fraction: fraction.into() })
    }

    pub(crate) fn into_owned(self) -> Decimal<'static> {
        Decimal { negative: self.negative, whole: self.whole.into_owned().into(), fraction: self.fraction.into_owned().into() }
    }

    pub(crate) fn compare(&self, other: &Decimal<'_>) -> Ordering {
        let size = |a: &Self, b: &Decimal<'_>| {
            a.whole.len().cmp(&b.whole.len()).then_with(|| a.whole.cmp(&b.whole)).then_with(|| a.fraction.cmp(&b.fraction))
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => size(self, other),
            (true, true) => size(self, other).reverse(),
        }
    }
}

/// A point in time, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant {
    seconds: i64,
    nanoseconds: u32,
}

impl Instant {
    /// Reads `2026-01-01T00:00:00Z`, also with a fraction of 1 to 9 digits, also with an offset `+08:00`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date_time, rest) = text.split_at_checked(19)?;
        let mut in_utc = [b'Z'; 20];
        in_utc.get_mut(..19)?.copy_from_slice(date_time.as_bytes());
        let local = Timestamp::parse_iso(str::from_utf8(&in_utc).ok()?)?.unix();
        let (nanoseconds, zone) = match rest.strip_prefix('.') {
            None => (0, rest),
            Some(rest) => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let (fraction, zone) = rest.split_at_checked(digits)?;
                let scale = 10_u32.checked_pow(u32::try_from(9_usize.checked_sub(digits)?).ok()?)?;
                (fraction.parse::<u32>().ok()?.checked_mul(scale)?, zone)
            }
        };
        Some(Self { seconds: local.checked_sub(offset(zone)?)?, nanoseconds })
    }
}

/// The seconds that a zone `Z` or `+hh:mm` is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.bytes().next()? {
        b'Z' => return (zone.len() == 1).then_some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let two_digits = |text: &str, most: i64| {
        let good = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|value| good && *value <= most)
    };
    Some(sign * (two_digits(hours, 23)? * 3600 + two_digits(minutes, 59)? * 60))
}

/// Reads an address; IPv4 mapped into IPv6 is IPv4.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// An address or CIDR block. Bits after the prefix do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// IPv4.
    V4 {
        /// The address, with the bits after the prefix cleared.
        base: u32,
        /// The bits that count.
        mask: u32,
    },
    /// IPv6.
    V6 {
        /// The address, with the bits after the prefix cleared.
        base: u128,
        /// The bits that count.
        mask: u128,
    },
}

impl Network {
    /// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::1`, `2001:db8::/32`. A block inside the IPv4-mapped range is IPv4.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(digits) => prefix_length(digits).filter(|length| *length <= bits)?,
        };
        Some(match address {
            IpAddr::V4(address) => Self::v4(address.to_bits(), prefix),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(mapped) if prefix >= MAPPED_PREFIX => Self::v4(mapped.to_bits(), prefix - MAPPED_PREFIX),
                _ => Self::v6(address, prefix),
            },
        })
    }

    fn v4(address: u32, prefix: u32) -> Self {
        let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
        Self::V4 { base: address & mask, mask }
    }

    fn v6(address: Ipv6Addr, prefix: u32) -> Self {
        let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
        Self::V6 { base: address.to_bits() & mask, mask }
    }

    /// True if the address is in it. IPv4 mapped into IPv6 must have been made IPv4 before.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { base, mask }, IpAddr::V4(address)) => address.to_bits() & mask == *base,
            (Self::V6 { base, mask }, IpAddr::V6(address)) => address.to_bits() & mask == *base,
            _ => false,
        }
    }
}

/// `::ffff:0:0/96` holds the IPv4 addresses (RFC 4291 §2.5.5.2).
const MAPPED_PREFIX: u32 = 96;

fn prefix_length(digits: &str) -> Option<u32> {
    let good = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| good)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compare(a: &str, b: &str) -> Ordering {
        Decimal::parse(a).unwrap().compare(&Decimal::parse(b).unwrap())
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(compare("1.10", "01.1"), Ordering::Equal);
        assert_eq!(compare("-0.0", "+0"), Ordering::Equal);
        assert_eq!(compare("9007199254740993", "9007199254740992"), Ordering::Greater);
        assert_eq!(compare("-10", "-9"), Ordering::Less);
        assert_eq!(compare("0.09", "0.1"), Ordering::Less);
        assert_eq!(compare("0.15", "0.1"), Ordering::Greater);
        for bad in ["", "-", ".5", "5.", "1e3", "0x1", " 1", "1 ", "١", "NaN", "--1", "1.2.3", "1,0"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn instants() {
        let instant = |text| Instant::parse(text).unwrap();
        assert_eq!(instant("2024-08-12T17:00:00+08:00"), instant("2024-08-12T09:00:00Z"));
        assert_eq!(instant("2024-08-11T23:30:00-09:30"), instant("2024-08-12T09:00:00.000Z"));
        assert!(instant("2024-08-12T09:00:00.5Z") > instant("2024-08-12T09:00:00Z"));
        assert!(instant("2024-08-12T09:00:00.000000001Z") < instant("2024-08-12T09:00:00.1Z"));
        for bad in [
            "",
            "2024-08-12",
            "2024-08-12T09:00:00",
            "2024-08-12 09:00:00Z",
            "2024-02-30T00:00:00Z",
            "2024-08-12T09:00:00.Z",
            "2024-08-12T09:00:00.0000000001Z",
            "2024-08-12T09:00:00z",
            "2024-08-12T09:00:00+8:00",
            "2024-08-12T09:00:00+0800",
            "2024-08-12T09:00:00+24:00",
            "2024-08-12T09:00:00ZZ",
            "2024-08-12T09:00:00+é:00",
            "2024-08-12T09:00:0é",
        ] {
            assert!(Instant::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn networks() {
        let inside = |network, seen| Network::parse(network).unwrap().contains(address(seen).unwrap());
        assert!(inside("192.0.2.0/24", "192.0.2.255") && !inside("192.0.2.0/24", "192.0.3.0"));
        assert!(inside("192.0.2.9/24", "192.0.2.1"));
        assert!(inside("192.0.2.9", "192.0.2.9") && !inside("192.0.2.9", "192.0.2.8"));
        assert!(inside("0.0.0.0/0", "255.1.2.3") && !inside("0.0.0.0/0", "2001:db8::1"));
        assert!(inside("::/0", "2001:db8::1") && inside("2001:db8::/32", "2001:db8:ffff::1") && !inside("2001:db8::/32", "2001:db9::"));
        assert!(inside("192.0.2.0/24", "::ffff:192.0.2.7") && inside("::ffff:192.0.2.0/120", "192.0.2.7"));
        for bad in [
            "",
            "/",
            "192.0.2.0/",
            "192.0.2.0/33",
            "192.0.2.0/+8",
            "192.0.2.0/08",
            "192.0.2",
            "::1/129",
            "fe80::1%eth0",
            "1.2.3.4/8/8",
            " 1.2.3.4",
            "010.0.0.1",
        ] {
            assert!(Network::parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn decimals_compare_like_integers(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(compare(&a.to_string(), &b.to_string()), a.cmp(&b));
        }

        #[test]
        fn strange_texts_are_refused_quietly(text in "\\PC{0,40}") {
            let _ = (Decimal::parse(&text).is_some(), Instant::parse(&text), Network::parse(&text), address(&text));
        }
    }
}
