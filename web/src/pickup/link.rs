//! A pickup link in somebody's browser: whose it is, and the cookie that binds a visit to this browser.

use crate::{
    Web, browser,
    browser::Browser,
    cookie, kept,
    page::{bare_page, see_other},
    pickup::nonce,
    stop::{Answer, Stop},
};
use askama::Template;
use kernel::{Fault, MessageId, TenantId, Time};
use keys::Token;
use messages::{Door, DoorState};
use poem::{FromRequest, Request, RequestBody, Result, http::StatusCode};
use store::{Caller, Who};

pub struct Link {
    pub caller: Caller,
    pub token: Token,
    /// The visit's cookie; `None` until the first page has set one (or where cookies are off).
    pub cookie: Option<Token>,
    pub flash: Option<String>,
    /// What the address bar must show.
    host: String,
    /// The origin at which it is, as in `https://mail.example`.
    pub base: String,
    /// When the page was asked for.
    pub now: Time,
}

/// What every pickup page needs.
pub struct Head {
    /// `/p/<token>`, before which every address of these pages stands.
    pub path: String,
    /// Value of the hidden field `nonce`.
    pub nonce: String,
    pub flash: Option<String>,
    /// What the address bar must show.
    pub host: String,
}

impl<'a> FromRequest<'a> for Link {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let web = browser::web_of(req)?;
        let token = req.raw_path_param("token").unwrap_or_default().parse::<Token>().map_err(|_| Stop::NotFound)?;
        let browser = Browser::of(req, web);
        let caller = match web.post.db.front_desk().pickup(&token, browser.origin.clone()).await {
            Ok(caller) => caller.ok_or(Stop::NotFound)?,
            Err(fault) => {
                kept::keep(web, req, body).await;
                return Err(Stop::Fault(fault).into());
            }
        };
        if let Some(at) = &browser.at {
            may_be_at(web, &caller, at.tenant).await?;
        }
        let site = browser.at.as_ref().map_or(&web.post.site, |at| &at.site);
        let (host, base) = (site.host().to_owned(), site.base().to_owned());
        Ok(Link { caller, host, base, token, cookie: browser.pickup, flash: browser.flash, now: web.post.db.clock().now() })
    }
}

/// At a tenant's host another tenant's link is as unknown as one that never was; and also their own while it hides its sender, or trying
/// the hosts would tell who it is.
async fn may_be_at(web: &Web, caller: &Caller, tenant: TenantId) -> Result<(), Stop> {
    let theirs = caller.tenant() == tenant;
    let hidden = !theirs || web.post.db.read(caller, async |read| messages::sender_is_hidden(read).await).await?;
    if hidden { Err(Stop::NotFound) } else { Ok(()) }
}

impl Link {
    pub fn path(&self) -> String {
        format!("/p/{}", self.token)
    }
    pub fn message(&self) -> Result<MessageId, Stop> {
        match self.caller.who() {
            Who::Recipient { message, .. } => Ok(*message),
            _ => Err(Stop::Fault(Fault::other("the front desk gave a pickup link to somebody else"))),
        }
    }
    /// What the door shows; a message that cannot be seen yet is as unknown as one that never was.
    pub async fn door(&self, web: &Web) -> Result<Door, Stop> {
        let door = web.post.db.read(&self.caller, async |read| messages::door(read).await).await?;
        door.filter(|door| door.state != DoorState::NotYet).ok_or(Stop::NotFound)
    }
    /// To the first page, which says where things stand; nowhere for a message that cannot be seen yet.
    pub async fn to_the_door(&self, web: &Web) -> Answer {
        self.door(web).await?;
        Ok(see_other(&self.path()))
    }
    /// A page of this link. `make` gets its head, whose nonce is bound to the cookie that goes out with it.
    pub fn page<T: Template>(&self, web: &Web, status: StatusCode, make: impl FnOnce(Head) -> T) -> Answer {
        let fresh = self.cookie.is_none().then(|| Token::random(web.post.db.chance()));
        let bound = self.cookie.as_ref().or(fresh.as_ref()).expect("fresh is made when there is none");
        let head =
            Head { path: self.path(), nonce: nonce::make(web, bound, &self.token), flash: self.flash.clone(), host: self.host.clone() };
        let mut answer = bare_page(status, &make(head))?;
        if let Some(fresh) = &fresh {
            cookie::set(answer.headers_mut(), cookie::PICKUP, &fresh.to_string(), None);
        }
        if self.flash.is_some() {
            cookie::forget(answer.headers_mut(), cookie::FLASH);
        }
        Ok(answer)
    }
}

/// "Ana Brandt of Acme Tax Advisers", or the name alone where the two are one.
pub fn whom((person, tenant): &(String, String)) -> String {
    if person == tenant || tenant.is_empty() { person.clone() } else { format!("{person} of {tenant}") }
}

#[cfg(test)]
mod tests {
    use super::whom;

    #[test]
    fn a_person_alone_is_named_once() {
        assert_eq!(whom(&("Ana".into(), "Acme".into())), "Ana of Acme");
        assert_eq!(whom(&("Ana".into(), "Ana".into())), "Ana");
    }
}
