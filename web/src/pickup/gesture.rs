//! A button pressed on one of our pages, in the browser to which the page was shown. Anything else gets the first page again.

use super::{door, link::Link, message, nonce};
use crate::{
    TenantHost, Web, browser, csrf,
    form::{Fields, Unchecked},
    stop::Answer,
};
use keys::Token;
use poem::{Error, FromRequest, Request, RequestBody, Result, http::StatusCode};

const TOO_OLD: &str = "This page was open for too long, so nothing was done. Press the button again.";
const NO_COOKIE: &str = "Your browser did not keep the cookie of this page, so nothing was done. Allow cookies for this site, or open the link \
                         in your usual browser, then press the button again.";

pub struct Gesture {
    pub link: Link,
    pub cookie: Token,
    pub fields: Fields,
}

impl Gesture {
    /// The form says that its page's script runs: it gives the answer the address of the page that it is (`site.js`), so that reloading and
    /// the back button ask for that one. Without the script a form is answered with "see other".
    pub fn wants_the_page(&self) -> bool {
        self.fields.text("here") == "yes"
    }
}

impl<'a> FromRequest<'a> for Gesture {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let web = browser::web_of(req)?;
        let link = Link::from_request(req, body).await?;
        let Unchecked(fields) = Unchecked::from_request(req, body).await?;
        let ours = csrf::from_our_pages(req.headers(), &web.origins, TenantHost::of(req));
        let typed = if ours { fields.text("reply").trim() } else { "" };
        let sentence = match &link.cookie {
            Some(cookie) if ours && nonce::genuine(web, cookie, &link.token, fields.text("nonce")) => {
                return Ok(Gesture { cookie: cookie.clone(), link, fields });
            }
            Some(_) => TOO_OLD,
            None => NO_COOKIE,
        };
        // On the heap, because it is rare: what every button does would be as large.
        Err(Error::from_response(Box::pin(again(web, &link, sentence, typed)).await?))
    }
}

/// The page where the button was, with what was typed; without that the first page.
async fn again(web: &Web, link: &Link, sentence: &str, typed: &str) -> Answer {
    if typed.is_empty() {
        return door::again(web, link, StatusCode::FORBIDDEN, sentence, "").await;
    }
    message::page(web, link, StatusCode::FORBIDDEN, sentence, typed).await
}
