//! Proving an address by the mailed link. Mail scanners follow links, so the page has a button and the button proves.

use crate::{
    Web,
    browser::Browser,
    form::Form,
    guard, human,
    page::{page, page_with, see_other_telling},
    stop::Answer,
    top::Top,
};
use accounts::{LinkPurpose, LinkView};
use askama::Template;
use keys::Token;
use poem::{
    handler,
    http::StatusCode,
    web::{Data, Path},
};

#[derive(Template)]
#[template(path = "prove.html")]
struct Prove {
    page: Top,
    link: LinkView,
    token: String,
}

#[derive(Template)]
#[template(path = "spent_link.html")]
struct SpentLink {
    page: Top,
}

#[handler]
pub async fn show(web: Data<&Web>, browser: Browser, Path(token): Path<String>) -> Answer {
    let Ok(key) = token.parse::<Token>() else { return spent(&browser) };
    match web.accounts.read_link(&key, browser.origin.clone()).await? {
        Some(link) if link.purpose == LinkPurpose::ProveAddress => page(&browser, &Prove { page: Top::anyone(&browser), link, token }),
        _ => spent(&browser),
    }
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, Path(token): Path<String>, _form: Form) -> Answer {
    let Ok(key) = token.parse::<Token>() else { return spent(&browser) };
    let Some(proven) = web.accounts.prove_address(&key, browser.origin.clone()).await? else { return spent(&browser) };
    let waiting = match i64::try_from(proven.released).unwrap_or(i64::MAX) {
        0 => String::new(),
        n => format!(" {} waited for this and left just now.", human::count(n, "notice", "notices")),
    };
    let next = if guard::signed_in(&web, &browser).await?.is_some() { "/sent" } else { "/sign-in" };
    Ok(see_other_telling(next, &format!("{} is proven.{waiting}", proven.email)))
}

/// Unknown, used and over: one page for all of them.
pub fn spent(browser: &Browser) -> Answer {
    page_with(StatusCode::NOT_FOUND, browser, &SpentLink { page: Top::anyone(browser) })
}
