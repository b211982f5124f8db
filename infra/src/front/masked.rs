//! Paths as they may be logged: what is a credential, or only looks like one, becomes `…`.
//!
//! What would surprise you: gateways and mail programs bend links (`/P/…`, `//p/…`, `/p%2F…`), so a token is known by its looks too.

/// First segments that are followed by a token.
const BEFORE_A_TOKEN: [&str; 4] = ["p", "c", "reset", "prove"];
/// Fewer than a token's 43 characters, so that one that lost some is masked too; more than any id has.
const LIKE_A_TOKEN: usize = 40;
/// A longer path is cut: only scanners write those.
const MAX_CHARS: usize = 200;

/// `path` without tokens and control characters, at most 200 characters.
pub fn masked(path: &str) -> String {
    let mut parts = path.splitn(4, '/');
    let (before, first, second, rest) = (parts.next(), parts.next(), parts.next(), parts.next());
    if before == Some("") && second.is_some() && first.is_some_and(|f| BEFORE_A_TOKEN.contains(&f)) {
        let rest = rest.map(|r| format!("/{}", cut(&without_tokens(r)))).unwrap_or_default();
        return format!("/{}/…{rest}", first.unwrap_or_default());
    }
    cut(&without_tokens(path))
}

/// Every run of base64url (RFC 4648 §5), percent-encoded or not, that is as long as a token becomes `…`.
fn without_tokens(path: &str) -> String {
    let of_a_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '%');
    let (mut out, mut rest) = (String::new(), path);
    while let Some(start) = rest.find(of_a_token) {
        let (between, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !of_a_token(c)).unwrap_or(from.len()));
        out.push_str(between);
        out.push_str(if run.len() < LIKE_A_TOKEN { run } else { "…" });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn cut(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
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
    fn what_looks_like_a_token_is_not_logged_wherever_it_stands() {
        const TOKEN: &str = "k3Jv9_Qx-7bT0aZ2mN4pR6sU8wY1cE5gH7iL9oKdFqA";
        let encoded = TOKEN.replace('_', "%5F").replace('k', "%6B");
        for (path, logged) in [
            (format!("/P/{TOKEN}"), "/P/…"),
            (format!("//p/{TOKEN}/open"), "//p/…/open"),
            (format!("/p%2F{TOKEN}"), "/…"),
            (format!("/%70/{TOKEN}"), "/%70/…"),
            (format!("/%70/{encoded}"), "/%70/…"),
            (format!("/x?a=1&token={TOKEN}&b=2"), "/x?a=1&token=…&b=2"),
            (format!("/p/SECRET/{TOKEN}"), "/p/…/…"),
            (format!("/{TOKEN}."), "/…."),
            (format!("/P/{}", &TOKEN[..40]), "/P/…"),
            ("/messages/msg_01m8j2egk3Jv9Qx7bT0aZ2mN4p/files/att_1".into(), "/messages/msg_01m8j2egk3Jv9Qx7bT0aZ2mN4p/files/att_1"),
        ] {
            assert_eq!(masked(&path), logged, "{path}");
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
        assert_eq!(masked(&format!("/{}", "x.".repeat(10_000))).chars().count(), MAX_CHARS);
    }
}
