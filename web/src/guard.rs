//! The guard at the members' pages: a living session, or off to the sign-in page and back.

use crate::{Web, browser, browser::Browser, csrf, kept, stop::Stop, top::Top};
use kernel::{Fault, FaultKind};
use poem::{
    FromRequest, Request, RequestBody, Result,
    http::{Method, StatusCode},
};
use store::{Caller, Right};

/// A signed-in member and the browser they sit at.
pub struct Member {
    pub caller: Caller,
    pub browser: Browser,
}

impl Member {
    /// Refuses where the member's role lacks the right.
    pub fn must(&self, right: Right) -> Result<(), Stop> {
        self.caller.must(right).map_err(|refused| Stop::refused(StatusCode::FORBIDDEN, refused))
    }
    /// Stops unless a factor was given at this browser in the last five minutes; the person comes back to `next`, a page of ours.
    pub async fn must_be_stepped_up(&self, web: &Web, next: &str) -> Result<(), Stop> {
        match web.accounts.stepped_up(&self.caller).await? {
            true => Ok(()),
            false => Err(Stop::StepUp { next: next.to_owned() }),
        }
    }
    /// The head of a page: who is signed in and what is left. `current` names the entry of the navigation.
    pub async fn top(&self, web: &Web, current: &'static str) -> Result<Top, Fault> {
        let me = web.accounts.me(&self.caller).await?;
        Ok(Top::member(&self.browser, &me, current))
    }
}

impl<'a> FromRequest<'a> for Member {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let web = browser::web_of(req)?;
        let browser = Browser::of(req, web);
        let stop = match signed_in(web, &browser).await {
            Ok(Some(caller)) => return Ok(Member { caller, browser }),
            Ok(None) => Stop::SignIn { next: way_back(req) },
            Err(fault) => Stop::Fault(fault),
        };
        if matches!(stop, Stop::Fault(_)) || csrf::surely_ours(req.headers()) {
            kept::keep(web, req, body).await;
        }
        Err(stop.into())
    }
}

/// The head of a page that anyone may ask for: whoever is signed in finds their own.
pub async fn top(web: &Web, browser: &Browser) -> Result<Top, Fault> {
    match signed_in(web, browser).await? {
        Some(caller) => Ok(Top::member(browser, &web.accounts.me(&caller).await?, "")),
        None => Ok(Top::anyone(browser)),
    }
}

/// The member behind the session cookie, if the session lives and is this host's; at a tenant's host nobody else's member.
pub async fn signed_in(web: &Web, browser: &Browser) -> Result<Option<Caller>, Fault> {
    let Some(token) = &browser.session else { return Ok(None) };
    let host = browser.at.as_ref().map_or("", |at| at.name.as_str());
    let caller = web.accounts.db.front_desk().session_at(token, host, browser.origin.clone()).await?;
    Ok(caller.filter(|caller| browser.at.as_ref().is_none_or(|at| at.tenant == caller.tenant())))
}

/// Ends the session that this browser had until now; for who comes in anew, so that none is left that nobody holds.
pub async fn end_former(web: &Web, browser: &Browser) -> Result<(), Fault> {
    match signed_in(web, browser).await? {
        Some(former) => match web.accounts.sign_out(&former).await {
            // Another window was first.
            Err(fault) if fault.kind() == FaultKind::Ended => Ok(()),
            done => done,
        },
        None => Ok(()),
    }
}

/// Only a page that was asked for can be come back to; a form cannot.
fn way_back(req: &Request) -> String {
    let path = req.uri().path_and_query().map_or("/", |p| p.as_str());
    if matches!(*req.method(), Method::GET | Method::HEAD) { path.to_owned() } else { "/".to_owned() }
}
