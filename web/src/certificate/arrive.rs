//! Where a ticket leads to, at the account host: a button that signs in, or steps up whoever is signed in as the same member.

use crate::{
    Web,
    browser::Browser,
    cookie,
    form::Form,
    guard,
    next::{next_of, safe_next},
    page::{page_with, see_other},
    stop::Answer,
    top::Top,
};
use accounts::{TicketFor, TicketView};
use askama::Template;
use keys::Token;
use poem::{
    handler,
    http::{StatusCode, Uri},
    web::Data,
};
use url::form_urlencoded;

#[derive(Template)]
#[template(path = "certificate/arrive.html")]
struct ArrivePage {
    page: Top,
    ticket: Option<(TicketView, String)>,
    /// A ticket came and does not count.
    over: bool,
    /// Where to go on afterwards.
    next: String,
}

#[handler]
pub async fn show(web: Data<&Web>, browser: Browser, uri: &Uri) -> Answer {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).find(|(name, _)| name == "ticket");
    let next = next_of(uri);
    let Some((_, text)) = asked else { return answer(&browser, StatusCode::OK, None, false, next) };
    let ticket = match text.parse::<Token>() {
        Ok(token) => web.accounts.ticket(&token, TicketFor::SignIn, browser.origin.clone()).await?,
        Err(_) => None,
    };
    let over = ticket.is_none();
    let status = if over { StatusCode::FORBIDDEN } else { StatusCode::OK };
    answer(&browser, status, ticket.map(|ticket| (ticket, text.into_owned())), over, next)
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, form: Form) -> Answer {
    let next = safe_next(form.text("next"));
    let over = || answer(&browser, StatusCode::FORBIDDEN, None, true, next.to_owned());
    let Ok(token) = form.text("ticket").parse::<Token>() else { return over() };
    if let Some(caller) = guard::signed_in(&web, &browser).await?
        && let Some(fresh) = web.accounts.step_up_by_ticket(&caller, &token).await?
    {
        let mut done = see_other(if next == "/" { "/settings/certificates" } else { next });
        cookie::set_session(done.headers_mut(), &fresh);
        return Ok(done);
    }
    match web.accounts.sign_in_by_ticket(&token, browser.device.as_ref(), browser.origin.clone()).await? {
        Some(signed_in) => {
            guard::end_former(&web, &browser).await?;
            let mut done = see_other(if next == "/" { "/sent" } else { next });
            cookie::set_signed_in(done.headers_mut(), &signed_in);
            Ok(done)
        }
        None => over(),
    }
}

fn answer(browser: &Browser, status: StatusCode, ticket: Option<(TicketView, String)>, over: bool, next: String) -> Answer {
    page_with(status, browser, &ArrivePage { page: Top::anyone(browser), ticket, over, next })
}
