//! What surrounds every page: errors become pages, and the security headers are set.

use crate::{
    TenantHost, Web,
    browser::{Browser, Lasting},
    cookie, csrf, error_page,
    fault::{self, Reference},
    kept::{Again, Kept},
    page::see_other,
    stop::Stop,
};
use kernel::{FaultKind, Site};
use poem::{
    Endpoint, Error, IntoResponse, Request, Response, Result,
    error::ResponseError,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
};

/// No third-party origin, no inline style or script, no framing. `data:` is for nothing but the small pictures of our own style sheet.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];
const TWO_YEARS: &str = "max-age=63072000; includeSubDomains";

/// Sets what is missing; an answer that brought a header of its own (assets, attachments) keeps it. HSTS (RFC 6797) where the site is https.
pub fn security_headers(headers: &mut HeaderMap, site: &Site) {
    headers.reserve(ALWAYS.len() + 2);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| policy(site));
    for (name, value) in &ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if site.is_https() {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static(TWO_YEARS));
    }
}

/// The policy of a page whose forms lead to one more origin.
pub(crate) fn policy_with(origin: &str) -> String {
    CONTENT_SECURITY_POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}"))
}

/// A button that hands over a file leads on to the content host, and browsers ask the page's policy about that as well.
fn policy(site: &Site) -> HeaderValue {
    site.content()
        .map(policy_with)
        .and_then(|text| HeaderValue::try_from(text).ok())
        .unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY))
}

/// An endpoint for the methods named, with what the pages work with, error pages and headers.
pub(crate) fn framed<E: Endpoint>(web: &Web, methods: &[&str], inner: E) -> impl Endpoint<Output = Response> + use<E> {
    let allowed = methods.iter().flat_map(|method| if *method == "GET" { vec!["GET", "HEAD"] } else { vec![*method] });
    Framed { web: web.clone(), allow: allowed.collect::<Vec<_>>().join(", "), inner }
}

struct Framed<E> {
    web: Web,
    /// What the address takes.
    allow: String,
    inner: E,
}

impl<E: Endpoint> Endpoint for Framed<E> {
    type Output = Response;

    async fn call(&self, mut req: Request) -> Result<Response> {
        req.set_data(self.web.clone());
        let came = Came::with(&mut req, &self.web);
        let at = TenantHost::of(&req).map(|at| (at.clone(), req.headers().clone()));
        let mut answer = match self.inner.call(req).await {
            Ok(answer) => answer.into_response(),
            Err(error) => {
                let kept = came.0.as_ref().map(|came| came.kept.clone());
                let answer = give_up(&self.web, error, came, at);
                match kept {
                    Some(kept) => kept.held_until_taken(answer),
                    None => answer,
                }
            }
        };
        if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
            // RFC 9110 §15.5.6.
            answer.headers_mut().entry(header::ALLOW).or_insert(HeaderValue::from_str(&self.allow).expect("methods are plain words"));
        }
        security_headers(answer.headers_mut(), &self.web.accounts.site);
        Ok(answer)
    }
}

/// What came, for the page that has to give it back. Nothing where no form was posted.
struct Came(Option<Posted>);

struct Posted {
    kept: Kept,
    /// Path and query.
    to: String,
    browser: Browser,
    /// Nothing says that another site posted it.
    ours: bool,
    /// The browser says that a page of ours did.
    surely: bool,
}

impl Came {
    fn with(req: &mut Request, web: &Web) -> Came {
        if *req.method() != Method::POST {
            return Came(None);
        }
        let browser = Browser::of(req, web);
        let kept = Kept::new(browser.session.is_some() || browser.pickup.is_some(), &web.places);
        req.set_data(kept.clone());
        let to = req.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let (ours, surely) = (csrf::from_our_pages(req.headers(), &web.origins, TenantHost::of(req)), csrf::surely_ours(req.headers()));
        Came(Some(Posted { kept, to, browser, ours, surely }))
    }
    /// To be sent again as it came.
    fn again(&self) -> Option<Again> {
        let came = self.0.as_ref().filter(|came| came.ours)?;
        came.kept.again(&came.to, None)
    }
    /// Something was typed that a person would miss.
    fn has_words(&self) -> bool {
        self.0.as_ref().is_some_and(|came| !came.kept.is_blank())
    }
    /// The same for a form whose token is no good, or will be none: with one that lasts, and only if it stood on a page of ours.
    fn renewed(&self, web: &Web) -> Option<(Again, &Browser, Lasting)> {
        let came = self.0.as_ref().filter(|came| came.surely && !came.kept.is_blank())?;
        let lasting = came.browser.lasting(web);
        Some((came.kept.again(&came.to, Some(&lasting.form))?, &came.browser, lasting))
    }
}

fn give_up(web: &Web, error: Error, came: Came, at: Option<(TenantHost, HeaderMap)>) -> Response {
    if error.is_from_response() {
        return error.into_response();
    }
    let stop = match error.downcast::<Stop>() {
        Ok(stop) => stop,
        Err(error) => return error_page(error.status(), None),
    };
    let stop = match stop {
        Stop::Fault(fault) if fault.kind() == FaultKind::Ended => Stop::SignIn { next: "/".to_owned() },
        stop => stop,
    };
    match stop {
        Stop::SignIn { next } => match came.renewed(web) {
            Some((again, browser, lasting)) => settled(browser, &lasting, error_page::signed_out(Some(again))),
            None => {
                let mut answer = match at {
                    Some((at, headers)) => at.ask_who(web, &headers, &next),
                    None => see_other(&crate::sign_in::path_with(&next)),
                };
                cookie::forget(answer.headers_mut(), cookie::SESSION);
                answer
            }
        },
        Stop::StepUp { next } => {
            let path = crate::step_up::path_with(&next);
            match (came.renewed(web), came.again().filter(|_| came.has_words())) {
                (Some((again, browser, lasting)), _) => settled(browser, &lasting, error_page::step_up_first(&path, again)),
                (None, Some(again)) => error_page::step_up_first(&path, again),
                (None, None) => see_other(&path),
            }
        }
        Stop::BadForm | Stop::TooLarge => match came.renewed(web) {
            Some((again, browser, lasting)) => settled(browser, &lasting, error_page::giving_back(stop.status(), None, Some(again))),
            None => error_page(stop.status(), None),
        },
        Stop::Fault(fault) => {
            let reference = Reference::new(web.accounts.db.chance());
            fault::log(&fault, &reference);
            match fault.kind() {
                FaultKind::Uncertain => error_page::uncertain(reference.as_str(), came.again()),
                _ => error_page::giving_back(fault::status(&fault), Some(reference.as_str()), came.again()),
            }
        }
        Stop::Refused { status, sentence } => error_page::saying(status, &sentence),
        Stop::NotFound | Stop::SignedOut => error_page(stop.status(), None),
        other => error_page::saying(other.status(), &other.to_string()),
    }
}

/// With the cookie that the new token is bound to.
fn settled(browser: &Browser, lasting: &Lasting, mut answer: Response) -> Response {
    browser.settle(answer.headers_mut());
    lasting.settle(answer.headers_mut());
    answer
}
