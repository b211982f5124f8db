//! Requests for another host than the one whose certificate was shown: 421 (RFC 9110 §15.5.20), so that no name can borrow another's
//! connection, policy or pages.

use crate::TlsConn;
use poem::{
    Response,
    http::{Method, StatusCode, Version, header, uri::Authority},
};

/// The host that the request is for: the request target's where it has one (RFC 9112 §3.2.2, HTTP/2's `:authority`), else the one
/// `Host` header. `None`: none, several, or not a host.
pub fn authority<B>(req: &hyper::Request<B>) -> Option<Authority> {
    let mut hosts = req.headers().get_all(header::HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return None,
        (Some(host), None) => Some(host.to_str().ok()?.parse::<Authority>().ok()?),
        (None, None) => None,
    };
    let authority = match req.uri().authority() {
        Some(target) => {
            // HTTP/2 may carry both; they must not disagree (RFC 9113 §8.3.1).
            if named.is_some_and(|named| named != *target) {
                return None;
            }
            target.clone()
        }
        None => named?,
    };
    let (whole, host) = (authority.as_str(), authority.host());
    // What is neither a name nor a name and a port would be cut in other ways elsewhere.
    let port = whole.strip_prefix(host)?;
    let plain = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok());
    plain.then_some(authority)
}

/// A host as it is compared: without port, in lower case, without the root's dot.
pub fn bare(authority: &Authority) -> String {
    stripped(authority).to_ascii_lowercase()
}

fn stripped(authority: &Authority) -> &str {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether the request says its host once, and just as the handshake did: what nearly every HTTP/1.1 client does on port 443.
pub fn says_just<B>(req: &hyper::Request<B>, tls: &TlsConn) -> bool {
    let mut hosts = req.headers().get_all(header::HOST).iter();
    let (Some(host), None, None, Some(name)) = (hosts.next(), hosts.next(), req.uri().authority(), &tls.name) else { return false };
    host.as_bytes().eq_ignore_ascii_case(name.as_bytes())
}

/// Whether a request for `asked` may come over this connection.
pub fn meant_for(asked: &Authority, tls: &TlsConn) -> bool {
    let asked = stripped(asked);
    match &tls.name {
        Some(name) => name.eq_ignore_ascii_case(asked),
        None => tls.shown.iter().any(|name| name.eq_ignore_ascii_case(asked)),
    }
}

/// Whether it is a request as RFC 9112 has them: one `Host`, none only where HTTP/1.1 does not ask for it (§3.2), and a target that is a
/// path; `*` with OPTIONS alone (§3.2.4).
pub fn is_well_formed<B>(req: &hyper::Request<B>) -> bool {
    let hosts = req.headers().get_all(header::HOST).iter().count();
    let named = hosts == 1 || (hosts == 0 && req.version() != Version::HTTP_11);
    named && (req.method() == Method::OPTIONS || req.uri().path_and_query().is_none_or(|target| target.as_str().starts_with('/')))
}

pub fn not_a_request() -> Response {
    say(StatusCode::BAD_REQUEST, "This is not a request that we understand: it names no host, several, or no path. Nothing was done.\n")
}

pub fn answer() -> Response {
    say(StatusCode::MISDIRECTED_REQUEST, "This connection is for another host. Nothing was done.\n")
}

pub(crate) fn say(status: StatusCode, words: &'static str) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/plain; charset=utf-8")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::CACHE_CONTROL, "no-store")
        .body(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_port_is_no_host() {
        for wrong in ["files.example:abc", "files.example:99999", "files.example:-1", "files.example:1:2", "me@files.example"] {
            assert_eq!(asked("/", &[wrong]), None, "{wrong}");
        }
        for right in ["files.example", "files.example:", "files.example:8443", "FILES.example.:443"] {
            assert_eq!(asked("/", &[right]).as_deref(), Some("files.example"), "{right}");
        }
        assert_eq!(asked("/", &["[::1]:443"]).as_deref(), Some("::1"));
    }

    #[test]
    fn a_request_has_one_host_and_a_path() {
        let well_formed = |version, method: Method, target: &str, hosts: &[&str]| {
            let mut req = hyper::Request::builder().version(version).method(method).uri(target);
            for host in hosts {
                req = req.header("host", *host);
            }
            is_well_formed(&req.body(()).unwrap())
        };
        for (version, method, target, hosts, good) in [
            (Version::HTTP_11, Method::GET, "/x?y", &["a.example"][..], true),
            (Version::HTTP_11, Method::GET, "http://a.example/x", &["a.example"], true),
            (Version::HTTP_11, Method::OPTIONS, "*", &["a.example"], true),
            (Version::HTTP_10, Method::GET, "/ready", &[], true),
            (Version::HTTP_2, Method::GET, "https://a.example/", &[], true),
            (Version::HTTP_11, Method::GET, "/", &[], false),
            (Version::HTTP_11, Method::GET, "http://a.example/", &[], false),
            (Version::HTTP_11, Method::GET, "/", &["a.example", "a.example"], false),
            (Version::HTTP_10, Method::GET, "/", &["a.example", "b.example"], false),
            (Version::HTTP_11, Method::GET, "*", &["a.example"], false),
        ] {
            assert_eq!(well_formed(version, method.clone(), target, hosts), good, "{version:?} {method} {target} {hosts:?}");
        }
    }

    fn asked(target: &str, hosts: &[&str]) -> Option<String> {
        let mut req = hyper::Request::builder().uri(target);
        for host in hosts {
            req = req.header("host", *host);
        }
        authority(&req.body(()).unwrap()).map(|a| bare(&a))
    }

    #[test]
    fn the_host_is_the_targets_or_the_one_header() {
        for (target, hosts, host) in [
            ("/", &["a.example"][..], Some("a.example")),
            ("/", &["A.Example.:8443"], Some("a.example")),
            ("/", &["[2001:db8::1]:443"], Some("2001:db8::1")),
            ("https://a.example/", &[], Some("a.example")),
            ("https://a.example/", &["a.example"], Some("a.example")),
            ("https://a.example/", &["b.example"], None),
            ("/", &["a.example", "a.example"], None),
            ("/", &[], None),
            ("/", &["a.example/x"], None),
            ("/", &["user@a.example"], None),
            ("/", &[""], None),
        ] {
            assert_eq!(asked(target, hosts).as_deref(), host, "{target} {hosts:?}");
        }
    }
}
