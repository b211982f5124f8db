//! The browser that asks: where it is, and the cookies that it holds. Makes no claim about who sits before it.

use crate::{TenantHost, Web, cookie, csrf, origin, page};
use keys::Token;
use poem::{FromRequest, Request, RequestBody, Result, error::GetDataError, http::HeaderMap};
use store::Origin;

pub struct Browser {
    pub origin: Origin,
    /// The tenant's own host that it asks, if it is not the site's.
    pub at: Option<TenantHost>,
    /// What the session cookie says; not checked here.
    pub session: Option<Token>,
    /// What an account may know this browser by.
    pub device: Option<Token>,
    /// What the pickup cookie says.
    pub pickup: Option<Token>,
    /// The sentence that the page before left for this one.
    pub flash: Option<String>,
    /// Whether the site takes new accounts.
    pub sign_up_open: bool,
    /// Token for the hidden field `form` of every form shown to this browser.
    pub form: String,
    /// What the anonymous form cookie says.
    anonymous: Option<Token>,
    /// A new anonymous form cookie that the page has to set.
    fresh: Option<Token>,
}

/// A token for `form` that outlives the session, and the cookie that it is bound to where the browser has none yet: for a form that is sent
/// again after signing in or giving the password once more, which change the session's cookie.
pub(crate) struct Lasting {
    pub form: String,
    fresh: Option<Token>,
}

impl Lasting {
    pub fn settle(&self, headers: &mut HeaderMap) {
        if let Some(fresh) = &self.fresh {
            cookie::set(headers, cookie::FORM, &fresh.to_string(), None);
        }
    }
}

impl Browser {
    pub fn of(req: &Request, web: &Web) -> Browser {
        let headers = req.headers();
        let token = |name| cookie::read(headers, name).and_then(|text| text.parse::<Token>().ok());
        let session = token(cookie::SESSION);
        let anonymous = token(cookie::FORM);
        let fresh = (session.is_none() && anonymous.is_none()).then(|| Token::random(web.accounts.db.chance()));
        let bound = session.as_ref().or(anonymous.as_ref()).or(fresh.as_ref()).expect("the third is there when the others are not");
        let form = csrf::token(web, bound);
        let flash = cookie::read(headers, cookie::FLASH).and_then(page::read_flash);
        let (device, pickup) = (token(cookie::DEVICE), token(cookie::PICKUP));
        let at = TenantHost::of(req).cloned();
        let origin = origin::of(req);
        Browser { origin, at, session, device, pickup, flash, sign_up_open: web.sign_up_open, form, anonymous, fresh }
    }
    /// Whether `given` was the field `form` of a page that was shown to this browser.
    pub(crate) fn knows(&self, web: &Web, given: &str) -> bool {
        let lasting = || self.anonymous.as_ref().is_some_and(|bound| keys::same(csrf::token(web, bound).as_bytes(), given.as_bytes()));
        keys::same(self.form.as_bytes(), given.as_bytes()) || lasting()
    }
    pub(crate) fn lasting(&self, web: &Web) -> Lasting {
        // `settle` sets the fresh one.
        if let Some(bound) = self.anonymous.as_ref().or(self.fresh.as_ref()) {
            return Lasting { form: csrf::token(web, bound), fresh: None };
        }
        let fresh = Token::random(web.accounts.db.chance());
        Lasting { form: csrf::token(web, &fresh), fresh: Some(fresh) }
    }
    /// Sets the form cookie if it is new, and forgets the sentence that was shown.
    pub(crate) fn settle(&self, headers: &mut HeaderMap) {
        if let Some(fresh) = &self.fresh {
            cookie::set(headers, cookie::FORM, &fresh.to_string(), None);
        }
        if self.flash.is_some() {
            cookie::forget(headers, cookie::FLASH);
        }
    }
}

impl<'a> FromRequest<'a> for Browser {
    async fn from_request(req: &'a Request, _body: &mut RequestBody) -> Result<Self> {
        Ok(Browser::of(req, web_of(req)?))
    }
}

/// What the frame put into the request.
pub(crate) fn web_of(req: &Request) -> Result<&Web> {
    Ok(req.data::<Web>().ok_or(GetDataError("web::Web"))?)
}
