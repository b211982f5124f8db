//! What surrounds every page: errors become pages, and the security headers are set.

use crate::{
    Web, cookie, error_page,
    fault::{self, Reference},
    page::see_other,
    stop::Stop,
};
use kernel::FaultKind;
use poem::{
    Endpoint, Error, IntoResponse, Request, Response, Result,
    error::ResponseError,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};

/// No third-party origin, no inline style or script, no framing. `data:` is for nothing but the small pictures of our own style sheet.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];
const TWO_YEARS: &str = "max-age=63072000; includeSubDomains";

/// Sets what is missing; an answer that brought a header of its own (assets, attachments) keeps it. HSTS (RFC 6797) when `https`.
pub fn security_headers(headers: &mut HeaderMap, https: bool) {
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if https {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static(TWO_YEARS));
    }
}

/// An endpoint with what the pages work with, error pages and headers.
pub(crate) fn framed<E: Endpoint>(web: &Web, inner: E) -> impl Endpoint<Output = Response> + use<E> {
    Framed { web: web.clone(), inner }
}

struct Framed<E> {
    web: Web,
    inner: E,
}

impl<E: Endpoint> Endpoint for Framed<E> {
    type Output = Response;

    async fn call(&self, mut req: Request) -> Result<Response> {
        req.set_data(self.web.clone());
        let mut answer = match self.inner.call(req).await {
            Ok(answer) => answer.into_response(),
            Err(error) => give_up(&self.web, error),
        };
        security_headers(answer.headers_mut(), self.web.accounts.site.is_https());
        Ok(answer)
    }
}

fn give_up(web: &Web, error: Error) -> Response {
    if error.is_from_response() {
        return error.into_response();
    }
    let stop = match error.downcast::<Stop>() {
        Ok(stop) => stop,
        Err(error) => return error_page(error.status(), None),
    };
    match stop {
        Stop::SignIn { next } => {
            let mut answer = see_other(&crate::sign_in::path_with(&next));
            cookie::forget(answer.headers_mut(), cookie::SESSION);
            answer
        }
        Stop::Fault(fault) => {
            let reference = Reference::new(web.accounts.db.chance());
            fault::log(&fault, &reference);
            match fault.kind() {
                FaultKind::Uncertain => error_page::uncertain(reference.as_str()),
                _ => error_page(fault::status(&fault), Some(reference.as_str())),
            }
        }
        Stop::Refused { status, sentence } => error_page::saying(status, &sentence),
        Stop::NotFound => error_page(StatusCode::NOT_FOUND, None),
        other => error_page::saying(other.status(), &other.to_string()),
    }
}
