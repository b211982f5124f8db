//! Which addresses are public: a closed list, read off the IANA special-purpose registries (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 blocks that nobody on the internet may claim, as first address and prefix length.
const NOT_PUBLIC_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),       // this network (RFC 791); Linux takes 0.0.0.0 for this machine
    ([10, 0, 0, 0], 8),      // private (RFC 1918)
    ([100, 64, 0, 0], 10),   // shared by carriers (RFC 6598); some clouds keep services there
    ([127, 0, 0, 0], 8),     // this machine
    ([169, 254, 0, 0], 16),  // link local (RFC 3927); the clouds' metadata is at 169.254.169.254
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments (RFC 6890)
    ([192, 0, 2, 0], 24),    // documentation (RFC 5737)
    ([192, 31, 196, 0], 24), // AS112 (RFC 7535)
    ([192, 88, 99, 0], 24),  // 6to4 relays, withdrawn (RFC 7526)
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarks (RFC 2544)
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, and broadcast
];

/// Everything outside 2000::/3 is not public; these are the exceptions inside.
const NOT_PUBLIC_V6: [([u16; 8], u32); 5] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),     // protocol assignments: Teredo, ORCHID, benchmarks (RFC 2928)
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation (RFC 3849)
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),     // 6to4 carries any IPv4 address inside (RFC 3056)
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),     // documentation (RFC 9637)
];

/// Whether `ip` belongs to somebody on the internet. IPv4 mapped into IPv6 is judged as IPv4; other ways of carrying IPv4 inside IPv6
/// (compatible, translated, NAT64, 6to4, Teredo, ISATAP) are not public.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => !NOT_PUBLIC_V4.iter().any(|&(first, bits)| same(v4.to_bits() ^ Ipv4Addr::from(first).to_bits(), 32 - bits)),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let global = ip.segments()[0] & 0xe000 == 0x2000;
    // RFC 5214 §6.1: 0:5efe or 200:5efe, then an IPv4 address.
    let isatap = ip.segments()[4] & !0x0200 == 0 && ip.segments()[5] == 0x5efe;
    let listed = NOT_PUBLIC_V6.iter().any(|&(first, bits)| (ip.to_bits() ^ Ipv6Addr::from(first).to_bits()) >> (128 - bits) == 0);
    global && !isatap && !listed
}

/// No difference above the lowest `host_bits` bits.
fn same(difference: u32, host_bits: u32) -> bool {
    difference >> host_bits == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_every_block_fall_on_the_right_side() {
        for (ip, public) in [
            ("0.255.255.255", false),
            ("1.0.0.0", true),
            ("9.255.255.255", true),
            ("10.0.0.0", false),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("126.255.255.255", true),
            ("127.255.255.255", false),
            ("172.15.255.255", true),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("192.0.1.0", true),
            ("198.17.255.255", true),
            ("198.19.255.255", false),
            ("198.20.0.0", true),
            ("223.255.255.255", true),
            ("8.8.8.8", true),
            ("::ffff:8.8.8.8", true),
            ("2606:4700:4700::1111", true),
            ("1fff:ffff::1", false),
            ("2001:1ff:ffff::1", false),
            ("2001:200::1", true),
            ("2001:db7:ffff::1", true),
            ("2003::1", true),
            ("3ffe::1", true),
            ("3fff:0fff::1", false),
            ("3fff:1000::1", true),
            ("4000::1", false),
            ("2a00::5efe:10.0.0.1", false),
            ("2a00::200:5efe:10.0.0.1", false),
            ("2a00::1:5efe:a00:1", true),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }
}
