//! Whoever reloads the answer of a form, or follows a link into which a mail program wrote the full stop behind it, is led to the page.

use crate::{frame::security_headers, page::see_other, routes::ROUTES};
use kernel::Site;
use poem::{
    Request, Response,
    http::{Method, StatusCode, Uri, header},
};

/// What stands behind a link in a sentence.
const BEHIND_LINKS: &[char] = &['.', ',', ';', ':', '!', '?', ')', ']', '}', '>', '\'', '"', '*', '/'];

/// A person's request for a page.
pub struct Astray(Option<Uri>);

impl Astray {
    /// Looks for pages alone: what asks for anything else (a script, an API client) gets the plain answer.
    pub fn of(req: &Request) -> Astray {
        let wants_html = req.header(header::ACCEPT).is_some_and(|kinds| kinds.contains("text/html"));
        Astray((*req.method() == Method::GET && wants_html).then(|| req.uri().clone()))
    }
    /// On to the page that was meant, if `status` says that the address has none.
    pub fn led_back(&self, status: StatusCode, site: &Site) -> Option<Response> {
        let path = self.0.as_ref()?.path();
        let meant = match status {
            StatusCode::METHOD_NOT_ALLOWED => above(path)?,
            StatusCode::NOT_FOUND => tidy(path)?,
            _ => return None,
        };
        let mut answer = see_other(meant);
        security_headers(answer.headers_mut(), site);
        Some(answer)
    }
}

/// The nearest page above an address that takes forms alone.
fn above(path: &str) -> Option<&str> {
    let mut path = path;
    while let Some((above, _)) = path.rsplit_once('/') {
        if is_page(above) {
            return Some(above);
        }
        path = above;
    }
    Some("/")
}

/// Without what stood behind the link, where that leads to a page.
fn tidy(path: &str) -> Option<&str> {
    let tidy = path.trim_end_matches(BEHIND_LINKS);
    (tidy != path && is_page(tidy)).then_some(tidy)
}

/// Files have an address, but it is no page.
fn is_page(path: &str) -> bool {
    ROUTES.iter().any(|route| route.method == "GET" && !route.path.contains("/files/") && fits(route.path, path))
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(of_route), Some(of_path)) if of_route == of_path || of_route.starts_with(':') && !of_path.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_form_lies_below_a_page() {
        for (path, page) in [
            ("/settings/name", "/settings"),
            ("/drafts/msg_1/send", "/drafts/msg_1"),
            ("/drafts/msg_1/files/att_1/remove", "/drafts/msg_1"),
            ("/p/abc/code/again", "/p/abc/code"),
            ("/p/abc/files/att_1", "/p/abc"),
            ("/sign-out", "/"),
        ] {
            assert_eq!(above(path), Some(page), "{path}");
        }
    }

    #[test]
    fn what_stood_behind_a_link_is_no_part_of_it() {
        for path in ["/p/abc.", "/p/abc/", "/p/abc).", "/prove/abc>", "/sign-in/"] {
            assert_eq!(tidy(path), Some(path.trim_end_matches(['.', '/', ')', '>'])), "{path}");
        }
        for path in ["/p/abc", "/wp-login.php", "//evil.example/", "/p/", "/", "/nothing.", "/p/abc/none/"] {
            assert_eq!(tidy(path), None, "{path}");
        }
    }

    #[test]
    fn every_address_leads_to_a_page_of_ours() {
        for route in ROUTES {
            let page = above(route.path).unwrap();
            assert!(page == "/" || is_page(page), "{}", route.path);
            assert!(!page.starts_with("//"));
        }
    }
}
