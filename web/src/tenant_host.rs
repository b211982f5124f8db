//! A tenant's own host: what is served there, and the way of its members to it. Passwords are asked for at the account host alone.
//!
//! What would surprise you: a browser that comes without a session is given a cookie and sent to the account host, and comes back with a
//! code that is good together with that cookie. Nobody can be made to arrive as somebody else.

use crate::{
    Web,
    browser::Browser,
    cookie,
    guard::{self, Member},
    next::safe_next,
    page::{page, page_with, see_other},
    sender::query,
    stop::{Answer, Stop},
    top::Top,
};
use accounts::{HandOffRefused, HandOffTo};
use askama::Template;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{HostName, Site, TenantId};
use keys::Token;
use poem::{
    Request, Response, handler,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    web::Data,
};
use std::time::Duration;
use url::form_urlencoded::byte_serialize;

/// First parts of the paths that a tenant's host serves; whatever else there is leads to the account host.
const SERVED: [&str; 11] =
    ["p", "assets", "favicon.ico", "sent", "compose", "drafts", "messages", "received", "sign-out", "arrive", ".well-known"];
/// Somebody may think about their password for so long.
const ASKING: Duration = Duration::from_secs(3_600);
/// HSTS (RFC 6797) for a name of which others may be beneath: they are the tenant's business.
const THIS_NAME_ALONE: &str = "max-age=15552000";
const NOT_THEIRS: &str = "This address does not belong to the account that you are signed in to. Sign out, then open the address again.";

/// Beside a request that came to a tenant's own host.
#[derive(Clone, Debug)]
pub struct TenantHost {
    pub tenant: TenantId,
    pub name: HostName,
    /// The site by that name.
    pub site: Site,
}

impl TenantHost {
    pub(crate) fn of(req: &Request) -> Option<&TenantHost> {
        req.data::<TenantHost>()
    }
    /// What is not served here: looking is sent on to the account host, anything else finds nothing.
    pub fn elsewhere(account: &Site, req: &Request) -> Option<Response> {
        let first = req.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default();
        if SERVED.contains(&first) {
            return None;
        }
        if !matches!(*req.method(), Method::GET | Method::HEAD) || first == "v1" {
            return Some(crate::error_page(StatusCode::NOT_FOUND, None));
        }
        let path = req.uri().path_and_query().map_or("/", |path| path.as_str());
        Some(see_other(&account.link(path)))
    }
    pub fn headers(headers: &mut HeaderMap, account: &Site) {
        if account.is_https() {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(THIS_NAME_ALONE));
        }
        // Signing out is a form whose answer leads to the account host, and browsers ask the page's policy about that as well.
        let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
        let widened = policy.map(|policy| policy.replace("form-action 'self'", &format!("form-action 'self' {}", account.base())));
        if let Some(policy) = widened.and_then(|policy| HeaderValue::try_from(policy).ok()) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    /// To the account host, to come back to `next` signed in.
    pub(crate) fn ask_who(&self, web: &Web, headers: &HeaderMap, next: &str) -> Response {
        let held = cookie::read(headers, cookie::HAND_OFF).and_then(|text| text.parse::<Token>().ok());
        let token = held.unwrap_or_else(|| Token::random(web.accounts.db.chance()));
        let (browser, next) = (URL_SAFE_NO_PAD.encode(token.hash()), byte_serialize(safe_next(next).as_bytes()).collect::<String>());
        let mut answer = see_other(&web.accounts.site.link(&format!("/hand-off?host={}&browser={browser}&next={next}", self.name)));
        cookie::set(answer.headers_mut(), cookie::HAND_OFF, &token.to_string(), Some(ASKING));
        answer
    }
}

#[derive(Template)]
#[template(path = "hand_off.html")]
struct HandOffPage {
    page: Top,
    host: String,
    to: String,
}

#[derive(Template)]
#[template(path = "not_arrived.html")]
struct NotArrived {
    page: Top,
    sentence: String,
}

/// At the account host: whoever is signed in goes on to their tenant's host. A page, because browsers hold that a form must not lead to
/// another host by way of redirections, and this may be the end of the sign-in form.
#[handler]
pub async fn hand_off(Data(web): Data<&Web>, member: Member, req: &Request) -> Answer {
    let host = HostName::parse(&query(req, "host")).map_err(|_| Stop::NotFound)?;
    let browser =
        URL_SAFE_NO_PAD.decode(query(req, "browser")).ok().and_then(|hash| <[u8; 32]>::try_from(hash).ok()).ok_or(Stop::NotFound)?;
    if web.accounts.db.certificates().holder(&host).await? != Some(member.caller.tenant()) {
        return Err(Stop::refused(StatusCode::FORBIDDEN, NOT_THEIRS));
    }
    let asked = query(req, "next");
    let next = Some(safe_next(&asked)).filter(|next| *next != "/").unwrap_or("/sent");
    let code = web.accounts.hand_off(&member.caller, HandOffTo { host: host.as_str(), browser, next }).ok_or(Stop::NotFound)?;
    let to = web.accounts.site.at(&host).link(&format!("/arrive?code={code}"));
    let top = member.top(web, "").await?;
    let mut answer = page(&member.browser, &HandOffPage { page: top, host: host.to_string(), to: to.clone() })?;
    if let Ok(on) = HeaderValue::from_str(&format!("0;url={to}")) {
        answer.headers_mut().insert(header::REFRESH, on);
    }
    Ok(answer)
}

/// At the host that the code is for. The one page that signs in without a form: it does so in the browser that asked, once.
#[handler]
pub async fn arrive(Data(web): Data<&Web>, browser: Browser, req: &Request) -> Answer {
    let at = browser.at.as_ref();
    let (host, of) = (at.map_or("", |at| at.name.as_str()), at.map(|at| at.tenant));
    let asked = cookie::read(req.headers(), cookie::HAND_OFF).and_then(|text| text.parse::<Token>().ok());
    let arrived = match asked {
        Some(asked) => web.accounts.arrive(&query(req, "code"), (host, of), &asked, browser.device.as_ref(), browser.origin.clone()).await,
        None => Err(HandOffRefused::NotGood),
    };
    match arrived {
        Ok(arrived) => {
            guard::end_former(web, &browser).await?;
            let mut answer = see_other(safe_next(&arrived.next));
            cookie::set_signed_in(answer.headers_mut(), &arrived.signed_in);
            cookie::forget(answer.headers_mut(), cookie::HAND_OFF);
            Ok(answer)
        }
        Err(HandOffRefused::Fault(fault)) => Err(Stop::Fault(fault)),
        Err(refused) => {
            let shown = NotArrived { page: Top::anyone(&browser), sentence: refused.to_string() };
            page_with(StatusCode::FORBIDDEN, &browser, &shown)
        }
    }
}
