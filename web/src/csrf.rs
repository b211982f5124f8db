//! Forms are taken only from our own pages: a hidden field bound to a cookie, and what the browser says about where the form stood.
//!
//! What would surprise you: our pages send no referrer, so browsers say `Origin: null` on our own forms. That is let through to the
//! token; `Sec-Fetch-Site`, which every browser of today sends, is the header that counts.

use crate::{Web, browser::Browser, stop::Stop};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keys::Token;
use poem::{
    FromRequest, Request, RequestBody, Result,
    http::{HeaderMap, header},
};

/// The hidden field's value for the browser that holds `bound` (its session, or the anonymous form cookie).
pub fn token(web: &Web, bound: &Token) -> String {
    let key = web.accounts.db.roots().derive("form");
    URL_SAFE_NO_PAD.encode(keys::mac(&key, &[b"form", &bound.hash()]))
}

/// `given` is the field `form` of what was posted.
pub fn check(web: &Web, browser: &Browser, headers: &HeaderMap, given: &str) -> Result<(), Stop> {
    let ours = from_our_pages(headers, web.accounts.site.host());
    if ours && keys::same(browser.form.as_bytes(), given.as_bytes()) { Ok(()) } else { Err(Stop::BadForm) }
}

/// False if the browser itself says that another site posted this.
pub fn from_our_pages(headers: &HeaderMap, host: &str) -> bool {
    let text = |name| headers.get(name).map(|v: &poem::http::HeaderValue| v.to_str().unwrap_or("?"));
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match text(header::ORIGIN) {
        None | Some("null") => true,
        Some(origin) => {
            let from = origin.split_once("://").map_or(origin, |(_, from)| from);
            from == host || text(header::HOST).is_some_and(|asked| asked == from)
        }
    }
}

/// For requests that scripts of ours make: the same token in the header `X-Form`. Leaves the body alone.
pub struct ScriptForm;

impl<'a> FromRequest<'a> for ScriptForm {
    async fn from_request(req: &'a Request, _body: &mut RequestBody) -> Result<Self> {
        let web = crate::browser::web_of(req)?;
        check(web, &Browser::of(req, web), req.headers(), req.header("x-form").unwrap_or_default())?;
        Ok(ScriptForm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::{HeaderName, HeaderValue};

    fn posted(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect();
        from_our_pages(&headers, "mail.example.org")
    }

    #[test]
    fn another_sites_form_is_refused() {
        assert!(!posted(&[("sec-fetch-site", "cross-site")]));
        assert!(!posted(&[("sec-fetch-site", "same-site")]));
        assert!(!posted(&[("sec-fetch-site", "cross-site"), ("origin", "https://mail.example.org")]));
        assert!(!posted(&[("origin", "https://evil.example")]));
        assert!(!posted(&[("origin", "https://evil.example"), ("host", "mail.example.org")]));
        assert!(!posted(&[("origin", "https://mail.example.org.evil.example")]));
    }

    #[test]
    fn our_own_form_passes() {
        assert!(posted(&[]));
        assert!(posted(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(posted(&[("sec-fetch-site", "none")]));
        assert!(posted(&[("origin", "https://mail.example.org")]));
        assert!(posted(&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")]));
        assert!(posted(&[("origin", "null")]));
    }
}
