//! Which addresses belong to the public, and which to a machine, its network or its cloud.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// True for an address that anybody on the internet could ask (IANA special-purpose registries, RFC 6890 and its successors).
///
/// An address that carries another one inside is judged by the one inside.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => v4_is_public(address),
        IpAddr::V6(address) => v6_is_public(address),
    }
}

fn v4_is_public(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 10
        || a == 127
        // Shared by carriers (RFC 6598); clouds keep their metadata there, too.
        || (a == 100 && (64..128).contains(&b))
        // Link-local, and the metadata of most clouds.
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        // Multicast, reserved, broadcast.
        || a >= 224)
}

fn v6_is_public(address: Ipv6Addr) -> bool {
    let inside = |high: u16, low: u16| v4_is_public(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    let [first, second, third, ..] = address.segments();
    match (first, second) {
        // NAT64: the last 32 bits are an IPv4 address; its local-use block is never public.
        (0x64, 0xff9b) => matches!(address.segments(), [_, _, 0, 0, 0, 0, high, low] if inside(high, low)),
        // 6to4.
        (0x2002, _) => inside(second, third),
        // Teredo and the other blocks for protocols; documentation; benchmarks.
        (0x2001, 0..0x0200 | 0x0db8) | (0x3fff, 0..0x1000) => false,
        // Only global unicast is anybody's: the rest is local, private, multicast or unassigned.
        _ => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_private_and_metadata_addresses_are_nobody_elses() {
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:a00:1::",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1", "2001:4860::8888", "64:ff9b::101:101", "2002:101:101::"]
        {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
