//! Forms are taken only from our own pages: a hidden field bound to a cookie, and what the browser says about where the form stood.
//!
//! What would surprise you: our pages send no referrer, so browsers say `Origin: null` on our own forms. That is let through to the
//! token; `Sec-Fetch-Site`, which every browser of today sends, is the header that counts.

use crate::{Origins, TenantHost, Web, browser::Browser, stop::Stop};
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
    let ours = from_our_pages(headers, &web.origins, browser.at.as_ref());
    if ours && browser.knows(web, given) { Ok(()) } else { Err(Stop::BadForm) }
}

/// False if the browser itself says that another site posted this.
pub fn from_our_pages(headers: &HeaderMap, origins: &Origins, at: Option<&TenantHost>) -> bool {
    if let Some(site) = text(headers, FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    match text(headers, header::ORIGIN) {
        None | Some("null") => true,
        // A tenant's host takes the forms of its own pages, and nobody else does.
        Some(origin) => at.map_or_else(|| origins.has(origin), |at| origin.eq_ignore_ascii_case(at.site.base())),
    }
}

/// True only if the browser itself says that a page of ours posted this: enough to give back what was typed, whatever its token.
pub fn surely_ours(headers: &HeaderMap) -> bool {
    text(headers, FETCH_SITE) == Some("same-origin")
}

const FETCH_SITE: header::HeaderName = header::HeaderName::from_static("sec-fetch-site");

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
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
        let site = kernel::Site::new("https://mail.example.org", "post@mail.example.org".parse().unwrap());
        from_our_pages(&headers, &Origins::of(&site).and(|origin| origin == "https://mail.acme.example"), None)
    }

    #[test]
    fn another_sites_form_is_refused() {
        assert!(!posted(&[("sec-fetch-site", "cross-site")]));
        assert!(!posted(&[("sec-fetch-site", "same-site")]));
        assert!(!posted(&[("sec-fetch-site", "cross-site"), ("origin", "https://mail.example.org")]));
        assert!(!posted(&[("origin", "https://evil.example")]));
        assert!(!posted(&[("origin", "https://evil.example"), ("host", "mail.example.org")]));
        assert!(!posted(&[("origin", "https://mail.example.org.evil.example")]));
        assert!(!posted(&[("origin", "https://mail.example.org:8443")]));
        assert!(!posted(&[("origin", "http://mail.example.org")]));
        // What the request calls the host is as strange as the request.
        assert!(!posted(&[("origin", "https://evil.example"), ("host", "evil.example")]));
    }

    #[test]
    fn our_own_form_passes() {
        assert!(posted(&[]));
        assert!(posted(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(posted(&[("sec-fetch-site", "none")]));
        assert!(posted(&[("origin", "https://mail.example.org")]));
        assert!(posted(&[("origin", "https://mail.acme.example")]), "a name that the server serves");
        assert!(posted(&[("origin", "null")]));
    }
}
