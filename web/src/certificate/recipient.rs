//! The asking host's page for the recipient of a message: which certificate would be shown, the button that shows it, and why it does not
//! count.

use super::{Shown, errand::Errand, leading_to};
use crate::{
    Web,
    browser::Browser,
    form::Form,
    page::{page_with, see_other},
    pickup::whom,
    stop::{Answer, Stop},
};
use askama::Template;
use client_certificates::{Facts, NotTheirs, tenant_of};
use messages::{Certificate, Door, DoorState};
use poem::{
    handler,
    http::{StatusCode, Uri},
    web::Data,
};
use store::Caller;
use url::form_urlencoded;

#[derive(Template)]
#[template(path = "certificate/recipient.html")]
struct RecipientPage {
    form: String,
    /// Who sent the message; empty when the errand is over.
    from: String,
    /// The errand, as it came.
    errand: String,
    /// The message's first page.
    back: String,
    facts: Option<Facts>,
    /// Why the certificate does not count.
    why: String,
}

/// An errand that counts here.
struct Here {
    errand: Errand,
    text: String,
    caller: Caller,
    door: Door,
}

#[handler]
pub async fn show(web: Data<&Web>, browser: Browser, shown: Shown, uri: &Uri) -> Answer {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).find(|(name, _)| name == "errand");
    let text = asked.map(|(_, text)| text.into_owned()).unwrap_or_default();
    match here(&web, &browser, &shown, &text).await? {
        Some(here) if here.ended() => Ok(see_other(&here.errand.door())),
        Some(here) => page(&browser, &shown, &here, StatusCode::OK, String::new()),
        None => over(&browser),
    }
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, shown: Shown, form: Form) -> Answer {
    let Some(here) = here(&web, &browser, &shown, form.text("errand")).await? else { return over(&browser) };
    if here.ended() {
        return Ok(see_other(&here.errand.door()));
    }
    let why = match web.certificates.theirs(&shown.0, &here.door.address, &here.caller).await {
        Ok(theirs) => return Ok(see_other(&here.errand.done(&web, &theirs))),
        Err(NotTheirs::Fault(fault)) => return Err(Stop::Fault(fault)),
        Err(why) => why.to_string(),
    };
    if let Some(found) = client_certificates::Shown::of(&shown.0) {
        let certificate = Certificate { sha256: found.sha256, subject: found.subject, issuer: found.issuer };
        messages::certificate_refused(&web.post, &here.caller, &certificate, &why).await?;
    }
    page(&browser, &shown, &here, StatusCode::FORBIDDEN, why)
}

impl Here {
    /// The message is not to be opened any more: its own first page says why.
    fn ended(&self) -> bool {
        !matches!(self.door.state, DoorState::Sealed | DoorState::Opened)
    }
}

async fn here(web: &Web, browser: &Browser, shown: &Shown, text: &str) -> Result<Option<Here>, Stop> {
    let Some(errand) = Errand::open(web, &shown.0.host, text) else { return Ok(None) };
    let caller = web.post.db.front_desk().pickup(&errand.link, browser.origin.clone()).await?;
    let Some(caller) = caller.filter(|caller| tenant_of(&web.accounts.site, &shown.0.host) == Some(caller.tenant())) else {
        return Ok(None);
    };
    let door = web.post.db.read(&caller, async |read| messages::door(read).await).await?;
    Ok(door.map(|door| Here { errand, text: text.to_owned(), caller, door }))
}

fn page(browser: &Browser, shown: &Shown, here: &Here, status: StatusCode, why: String) -> Answer {
    let facts = shown.0.chain.first().and_then(|leaf| Facts::of(leaf).ok());
    let from = here.door.sender.as_ref().map(whom).unwrap_or_default();
    let (form, back) = (browser.form.clone(), here.errand.door());
    let status = if shown.0.chain.is_empty() { StatusCode::FORBIDDEN } else { status };
    let page = RecipientPage { form, from, errand: here.text.clone(), back, facts, why };
    Ok(leading_to(page_with(status, browser, &page)?, &here.errand.back))
}

fn over(browser: &Browser) -> Answer {
    let [form, from, errand, back, why] = Default::default();
    page_with(StatusCode::FORBIDDEN, browser, &RecipientPage { form, from, errand, back, facts: None, why })
}
