//! Where one goes on after signing in or stepping up: a path that travels with the request, and leads nowhere but here.

use poem::http::Uri;
use url::form_urlencoded;

/// A path of ours, or "/": never another site's address (`//evil.example`, `/\evil.example`).
pub fn safe_next(next: &str) -> &str {
    let ours = next.starts_with('/') && !next[1..].starts_with(['/', '\\']) && next.len() <= 2000;
    let plain = next.bytes().all(|b| b.is_ascii_graphic());
    if ours && plain && !next.starts_with("/sign-") { next } else { "/" }
}

/// `address` with where to go on afterwards.
pub fn with_next(address: &str, next: &str) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}next={}", form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>())
}

/// Where a request says that it goes on afterwards: a path of ours, or “/”.
pub fn next_of(uri: &Uri) -> String {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).find(|(name, _)| name == "next");
    asked.map_or_else(|| "/".to_owned(), |(_, next)| safe_next(&next).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_back_to_our_pages_alone() {
        for good in ["/sent", "/messages/msg_1?recipient=rcp_2#timeline", "/"] {
            assert_eq!(safe_next(good), good);
        }
        for bad in ["//evil.example", "/\\evil.example", "https://evil.example", "", "sent", "/a\r\nb", "/sign-out", "/\t/evil.example"] {
            assert_eq!(safe_next(bad), "/", "{bad:?}");
        }
        assert_eq!(next_of(&"/step-up?next=%2Fsent".parse().unwrap()), "/sent");
        assert_eq!(next_of(&"/step-up?next=%2F%2Fevil.example".parse().unwrap()), "/");
    }
}
