//! An address as somebody typed it, taken apart; what it may look like at all.

use crate::NotSent;
use url::{Host, Url};

/// Longest that makes sense in a form or a certificate.
const MAX_CHARS: usize = 2_000;
/// Below this every port belongs to a service that is not HTTP, but for HTTP's own.
const FIRST_FREE_PORT: u16 = 1_024;

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub host: Host<String>,
    pub port: u16,
    pub encrypted: bool,
    /// Path and query.
    pub target: String,
    /// For the `Host` header.
    pub authority: String,
}

/// `plain`: http:// will do, as for CRLs, which are signed themselves (RFC 5280 §4.2.1.13).
pub fn parse(text: &str, plain: bool) -> Result<Destination, NotSent> {
    let bad = || NotSent::NotAnAddress(text.chars().filter(|c| !c.is_control()).take(100).collect());
    if text.len() > MAX_CHARS {
        return Err(bad());
    }
    let url = Url::parse(text).map_err(|_| bad())?;
    let encrypted = match url.scheme() {
        "https" => true,
        "http" if plain => false,
        "http" => return Err(NotSent::NotEncrypted),
        _ => return Err(bad()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NotSent::Credentials);
    }
    let host = full(url.host().ok_or_else(bad)?.to_owned())?;
    let port = url.port_or_known_default().ok_or_else(bad)?;
    let for_http = port == 443 || port == 80 && !encrypted;
    if port < FIRST_FREE_PORT && !for_http {
        return Err(NotSent::Port(port));
    }
    let authority = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    Ok(Destination { host, port, encrypted, target, authority })
}

/// A name with a dot and without the root's; a bare label would be looked up inside our own network.
fn full(host: Host<String>) -> Result<Host<String>, NotSent> {
    let Host::Domain(name) = host else { return Ok(host) };
    let bare = name.strip_suffix('.').unwrap_or(&name);
    if !bare.contains('.') || bare.ends_with('.') || bare.starts_with('.') {
        return Err(NotSent::NoFullName(name));
    }
    Ok(Host::Domain(bare.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let to = parse("https://Hooks.Example.org:8443/a%20b?c=d#e", false).unwrap();
        assert_eq!((to.authority.as_str(), to.target.as_str(), to.port), ("hooks.example.org:8443", "/a%20b?c=d", 8443));
        assert_eq!(parse("https://bücher.example/", false).unwrap().authority, "xn--bcher-kva.example");
        assert_eq!(parse("https://a.example./", false).unwrap().host, Host::Domain("a.example".to_owned()));
        assert!(!parse("http://crl.example.org/ca.crl", true).unwrap().encrypted);
    }

    #[test]
    fn what_may_not_be_called_says_why() {
        for (text, says) in [
            ("", "not an address"),
            ("hooks.example.org", "not an address"),
            ("ftp://hooks.example.org", "not an address"),
            ("file:///etc/passwd", "not an address"),
            ("gopher://hooks.example.org/_x", "not an address"),
            ("http://hooks.example.org", "must begin with https"),
            ("https://u:p@hooks.example.org", "name and password"),
            ("https://u@hooks.example.org", "name and password"),
            ("https://localhost", "not a full host name"),
            ("https://metadata", "not a full host name"),
            ("https://redis.:6379", "not a full host name"),
            ("https://hooks.example.org:25", "Port 25"),
            ("https://hooks.example.org:22", "Port 22"),
            ("https://hooks.example.org:80", "Port 80"),
        ] {
            let refused = parse(text, false).unwrap_err().to_string();
            assert!(refused.contains(says), "{text}: {refused}");
        }
        assert!(parse(&format!("https://a.example/{}", "x".repeat(3_000)), false).is_err());
    }
}
