//! Whom the request came from when a proxy that the operator named stands before us.

use kernel::Network;
use poem::http::HeaderMap;
use std::net::IpAddr;

/// The header that the operator's proxies write. Only one is read: a proxy passes the other one on as a stranger wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// The rightmost address of the header that is not one of our proxies, if `peer` is one; else `peer` itself.
/// What stands further left was written by strangers.
pub fn client(peer: IpAddr, headers: &HeaderMap, by: ForwardedBy, trusted: &[Network]) -> IpAddr {
    let ours = |ip: IpAddr| trusted.iter().any(|network| network.contains(ip));
    if !ours(peer) {
        return peer;
    }
    let name = match by {
        ForwardedBy::XForwardedFor => "x-forwarded-for",
        ForwardedBy::Forwarded => "forwarded",
    };
    let lines: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect();
    let mut nearest = peer;
    // Right to left, so that an open quote on a stranger's side cannot swallow what our proxy added.
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(ip) = address(hop, by) else { return nearest };
        nearest = ip.to_canonical();
        if !ours(nearest) {
            return nearest;
        }
    }
    nearest
}

fn address(hop: &str, by: ForwardedBy) -> Option<IpAddr> {
    match by {
        ForwardedBy::XForwardedFor => hop.trim().parse().ok(),
        ForwardedBy::Forwarded => {
            let mut pairs = hop.split(';').filter_map(|pair| pair.trim().split_once('='));
            let (_, node) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
            node_address(node.trim_matches('"'))
        }
    }
}

/// RFC 7239 §6: an address, IPv6 in brackets, perhaps with a port. Names without an address (“unknown”, “_secret”) are none.
fn node_address(node: &str) -> Option<IpAddr> {
    if let Some((inside, _)) = node.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::from);
    }
    let host = node.split_once(':').map_or(node, |(host, _)| host);
    host.parse::<std::net::Ipv4Addr>().ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(header: ForwardedBy, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(if header == ForwardedBy::Forwarded { "forwarded" } else { "x-forwarded-for" }, line.parse().unwrap());
        }
        client(peer.parse().unwrap(), &headers, header, &["10.0.0.0/8".parse().unwrap()]).to_string()
    }
    fn seen(peer: &str, lines: &[&str]) -> String {
        by(ForwardedBy::XForwardedFor, peer, lines)
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(by(ForwardedBy::Forwarded, "203.0.113.9", &["for=198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn proxies_behind_proxies_are_walked_through() {
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["10.0.0.3"]), "10.0.0.3");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, nonsense, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn the_standard_header_is_read_when_it_is_the_one() {
        for (line, client) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=192.0.2.43:80, for=10.0.0.9", "192.0.2.43"),
            ("proto=https; for=\"192.0.2.1\"", "192.0.2.1"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden, for=10.0.0.7", "10.0.0.7"),
            ("for=\"1.2.3.4, for=203.0.113.9", "203.0.113.9"),
            ("for=2001:db8::1", "10.0.0.1"),
        ] {
            assert_eq!(by(ForwardedBy::Forwarded, "10.0.0.1", &[line]), client, "{line}");
        }
    }
}
