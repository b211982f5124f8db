//! Where a content host is configured, files leave from there: nothing in a file is then of the site's own origin, and no cookie of
//! the site's can be read beside it.
//!
//! What would surprise you: a link there carries the asker's own cookie, sealed by the root key for five minutes. The file's own handler
//! answers it, under all its checks, so a link made before somebody signed out, or before a message was retracted, brings nothing.

use crate::{TenantHost, Web, cookie, page::see_other};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keys::SealedByRoot;
use poem::{
    Endpoint, Request, Response,
    http::{HeaderValue, Method, StatusCode, Uri, header},
};
use std::time::Duration;

const PURPOSE: &str = "content link";
/// How long a link begins a download, or takes it up again; what is under way goes on.
const LINK_LIFE: Duration = Duration::from_secs(5 * 60);
const PATH: &str = "/c/";
/// Longer ones are not ours: an address of the site and a cookie are a few hundred bytes.
const MAX_LINK_CHARS: usize = 2_000;
const SANDBOX: &str = "sandbox; default-src 'none'";
const ENDED: &str = "This link to a file has ended, or never was one. Go back to the page with the file and press its button again.\n";

/// Beside a request that came to the content host.
#[derive(Clone, Copy)]
struct OnContentHost;

/// To the same file on the content host. `None`: there is no such host, or the request is there already, or at a tenant's own host, whose
/// cookies are good there alone.
pub(crate) fn elsewhere(web: &Web, req: &Request, cookie_name: &str) -> Option<Response> {
    let origin = web.post.site.content().filter(|_| req.data::<OnContentHost>().is_none() && TenantHost::of(req).is_none())?;
    let (path, name) = req.uri().path().rsplit_once('/')?;
    let value = cookie::read(req.headers(), cookie_name)?;
    let until = web.post.db.clock().now().plus(LINK_LIFE);
    let plain = format!("{} {path} {cookie_name}={value}", until.0);
    let sealed = web.post.db.roots().seal(PURPOSE, origin, plain.as_bytes(), web.post.db.chance());
    let link = URL_SAFE_NO_PAD.encode([&sealed.version.to_be_bytes()[..], &sealed.bytes].concat());
    Some(see_other(&format!("{origin}{PATH}{link}/{name}")))
}

/// Whether `req` is for the content host.
pub fn is_for_content(site: &kernel::Site, req: &Request) -> bool {
    let Some(ours) = site.content() else { return false };
    let asked = req.uri().host().or_else(|| req.header(header::HOST));
    asked.is_some_and(|asked| bare(asked).eq_ignore_ascii_case(bare(ours)))
}

/// The host in an origin or a `Host` header: without scheme, port and the root's dot.
fn bare(authority: &str) -> &str {
    let host = authority.split_once("://").map_or(authority, |(_, rest)| rest);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    };
    host.strip_suffix('.').unwrap_or(host)
}

/// Answers at the content host: files by their links, by way of `pages`, and nothing else.
pub async fn content(web: &Web, pages: &impl Endpoint<Output = Response>, mut req: Request) -> Response {
    let Some((path, cookie)) = opened(web, &req) else { return ended() };
    *req.uri_mut() = path;
    for name in [header::COOKIE, header::AUTHORIZATION] {
        req.headers_mut().remove(name);
    }
    req.headers_mut().insert(header::COOKIE, cookie);
    req.set_data(OnContentHost);
    let mut answer = pages.get_response(req).await;
    if !is_file(&answer) {
        return ended();
    }
    answer.headers_mut().remove(header::SET_COOKIE);
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    answer
}

/// Rather than a page that says why there is none.
fn is_file(answer: &Response) -> bool {
    let sandboxed = answer.headers().get(header::CONTENT_SECURITY_POLICY).is_some_and(|policy| policy == SANDBOX);
    match answer.status() {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED => sandboxed,
        status => status == StatusCode::RANGE_NOT_SATISFIABLE,
    }
}

/// The address of the file on the site, and the cookie with which it was asked for.
fn opened(web: &Web, req: &Request) -> Option<(Uri, HeaderValue)> {
    let origin = web.post.site.content().filter(|_| matches!(*req.method(), Method::GET | Method::HEAD))?;
    let (link, name) = req.uri().path().strip_prefix(PATH)?.split_once('/')?;
    if link.len() > MAX_LINK_CHARS || name.contains('/') {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(link).ok()?;
    let (version, bytes) = bytes.split_first_chunk::<8>()?;
    let sealed = SealedByRoot { version: i64::from_be_bytes(*version), bytes: bytes.to_vec() };
    let plain = web.post.db.roots().open(PURPOSE, origin, &sealed).ok()?;
    let mut parts = std::str::from_utf8(&plain).ok()?.splitn(3, ' ');
    let (until, path, cookie) = (parts.next()?.parse::<i64>().ok()?, parts.next()?, parts.next()?);
    if web.post.db.clock().now().0 >= until {
        return None;
    }
    Some((format!("{path}/{name}").parse().ok()?, HeaderValue::from_str(cookie).ok()?))
}

fn ended() -> Response {
    let answer = Response::builder().status(StatusCode::NOT_FOUND).header(header::CONTENT_SECURITY_POLICY, SANDBOX);
    answer.content_type("text/plain; charset=utf-8").body(ENDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_without_what_surrounds_it() {
        for (text, host) in [
            ("https://files.example:8443", "files.example"),
            ("files.example", "files.example"),
            ("files.example.:443", "files.example"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(bare(text), host, "{text}");
        }
    }
}
