//! The first page: what this is, in a few honest sentences. Whoever is signed in goes on to the sent list.

use crate::{
    Web,
    browser::Browser,
    guard, human,
    page::{page, see_other},
    stop::Answer,
    top::Top,
};
use askama::Template;
use poem::{handler, web::Data};

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    page: Top,
    /// "10 sends a month", or "any number of sends".
    free: String,
}

#[handler]
pub async fn show(web: Data<&Web>, browser: Browser) -> Answer {
    if guard::signed_in(&web, &browser).await?.is_some() {
        return Ok(see_other("/sent"));
    }
    page(&browser, &Landing { page: Top::anyone(&browser), free: human::sends_a_month(&web.accounts.sign_up_limits) })
}
