//! Paths as they may be logged: a segment that is a credential becomes `…`.

use std::borrow::Cow;

/// First segments that are followed by a token.
const BEFORE_A_TOKEN: [&str; 4] = ["p", "c", "reset", "prove"];
/// A longer path is cut: only scanners write those.
const MAX_CHARS: usize = 200;

/// `path` without tokens and control characters, at most 200 characters.
pub fn masked(path: &str) -> Cow<'_, str> {
    let mut parts = path.splitn(4, '/');
    let (before, first, second, rest) = (parts.next(), parts.next(), parts.next(), parts.next());
    if before == Some("") && second.is_some() && first.is_some_and(|f| BEFORE_A_TOKEN.contains(&f)) {
        let rest = rest.map(|r| format!("/{}", cut(r))).unwrap_or_default();
        return format!("/{}/…{rest}", first.unwrap_or_default()).into();
    }
    cut(path)
}

fn cut(path: &str) -> Cow<'_, str> {
    if path.len() <= MAX_CHARS && !path.chars().any(char::is_control) {
        return path.into();
    }
    path.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_not_logged() {
        for (path, logged) in [
            ("/p/SECRET", "/p/…"),
            ("/p/SECRET/open", "/p/…/open"),
            ("/p/SECRET/files/att_1/a.pdf", "/p/…/files/att_1/a.pdf"),
            ("/c/SECRET/a.pdf", "/c/…/a.pdf"),
            ("/reset/SECRET", "/reset/…"),
            ("/prove/SECRET", "/prove/…"),
            ("/p", "/p"),
            ("/p/", "/p/…"),
            ("/messages/msg_1", "/messages/msg_1"),
            ("/", "/"),
        ] {
            assert_eq!(masked(path), logged, "{path}");
        }
    }

    #[test]
    fn every_page_route_with_a_token_is_masked() {
        for route in web::ROUTES {
            assert!(!masked(route.path).contains(":token"), "{}", route.path);
        }
    }

    #[test]
    fn a_long_path_is_cut() {
        assert_eq!(masked(&format!("/{}", "x".repeat(10_000))).chars().count(), MAX_CHARS);
    }
}
