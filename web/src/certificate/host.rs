//! The page of a host that asks for certificates: whose the one is that the browser sent, or why it does not count.

use super::{Shown, leading_to};
use crate::{
    Web,
    browser::Browser,
    form::Form,
    next::{next_of, safe_next, with_next},
    page::{page_with, see_other},
    refusals::Refusal,
    stop::{Answer, Stop},
};
use accounts::TicketView;
use askama::Template;
use client_certificates::{EnrolRefused, Facts, Found, NotFound};
use keys::Token;
use poem::{
    handler,
    http::{StatusCode, Uri},
    web::Data,
};
use url::form_urlencoded;

#[derive(Template)]
#[template(path = "certificate/host.html")]
struct HostPage {
    form: String,
    site: String,
    /// Where to go on at the site afterwards.
    next: String,
    facts: Option<Facts>,
    found: Option<Found>,
    /// For whom the certificate is being enrolled.
    enrolment: Option<(TicketView, String)>,
    /// Why nothing can be done with it.
    why: String,
    none_sent: bool,
    /// What led here does not count any more.
    over: bool,
    done: String,
}

#[handler]
pub async fn show(web: Data<&Web>, browser: Browser, shown: Shown, uri: &Uri) -> Answer {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).find(|(name, _)| name == "enrol");
    match asked.map(|(_, token)| token.into_owned()) {
        Some(token) => enrolment(&web, &browser, &shown, &token, StatusCode::OK, String::new()).await,
        None => sign_in(&web, &browser, &shown, next_of(uri)).await,
    }
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, shown: Shown, form: Form) -> Answer {
    let (origin, next) = (browser.origin.clone(), safe_next(form.text("next")));
    let Ok(token) = form.text("enrol").parse::<Token>() else {
        return match web.certificates.ticket(&shown.0, origin).await {
            Ok(ticket) => {
                let arrives = format!("{}/sign-in/certificate?ticket={ticket}", web.accounts.site.base());
                Ok(see_other(&if next == "/" { arrives } else { with_next(&arrives, next) }))
            }
            Err(NotFound::Fault(fault)) => Err(Stop::Fault(fault)),
            Err(_) => sign_in(&web, &browser, &shown, next.to_owned()).await,
        };
    };
    match web.certificates.enrol(&shown.0, &token, form.text("by_key") == "yes", origin).await {
        Ok(()) => {
            let done = "This certificate is yours from now on: it signs you in at this address.".to_owned();
            answer(&web, &browser, StatusCode::OK, HostPage { done, ..empty(&web, &browser, &shown) })
        }
        Err(EnrolRefused::Already) => {
            let done = format!("{} It signs its owner in at this address.", EnrolRefused::Already);
            answer(&web, &browser, StatusCode::CONFLICT, HostPage { done, ..empty(&web, &browser, &shown) })
        }
        Err(refused) => {
            let refused = refused.or_fault()?;
            enrolment(&web, &browser, &shown, form.text("enrol"), refused.status(), refused.to_string()).await
        }
    }
}

async fn sign_in(web: &Web, browser: &Browser, shown: &Shown, next: String) -> Answer {
    let page = HostPage { next, ..empty(web, browser, shown) };
    match web.certificates.whose(&shown.0, browser.origin.clone()).await {
        Ok(found) => answer(web, browser, StatusCode::OK, HostPage { found: Some(found), ..page }),
        Err(NotFound::Fault(fault)) => Err(Stop::Fault(fault)),
        Err(NotFound::NoHost) => Err(Stop::NotFound),
        Err(why) => {
            let none_sent = matches!(why, NotFound::NoneSent);
            answer(web, browser, StatusCode::FORBIDDEN, HostPage { none_sent, why: why.to_string(), ..page })
        }
    }
}

async fn enrolment(web: &Web, browser: &Browser, shown: &Shown, token: &str, status: StatusCode, why: String) -> Answer {
    let page = HostPage { none_sent: shown.0.chain.is_empty(), ..empty(web, browser, shown) };
    let ticket = match token.parse() {
        Ok(token) => web.certificates.enrolment(&shown.0, &token, browser.origin.clone()).await?,
        Err(_) => None,
    };
    let Some(ticket) = ticket else {
        let why = EnrolRefused::Over.to_string();
        return answer(web, browser, StatusCode::FORBIDDEN, HostPage { none_sent: false, over: true, why, ..page });
    };
    answer(web, browser, status, HostPage { enrolment: Some((ticket, token.to_owned())), why, ..page })
}

fn empty(web: &Web, browser: &Browser, shown: &Shown) -> HostPage {
    let facts = shown.0.chain.first().and_then(|leaf| Facts::of(leaf).ok());
    let (form, site) = (browser.form.clone(), web.accounts.site.base().to_owned());
    HostPage {
        form,
        site,
        next: "/".to_owned(),
        facts,
        found: None,
        enrolment: None,
        why: String::new(),
        none_sent: false,
        over: false,
        done: String::new(),
    }
}

fn answer(web: &Web, browser: &Browser, status: StatusCode, page: HostPage) -> Answer {
    Ok(leading_to(page_with(status, browser, &page)?, web.accounts.site.base()))
}
