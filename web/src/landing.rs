//! The first page: what this is, in a few honest sentences. Whoever is signed in goes on to the sent list.

use crate::{
    Web,
    browser::Browser,
    guard,
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
}

#[handler]
pub async fn show(web: Data<&Web>, browser: Browser) -> Answer {
    if guard::signed_in(&web, &browser).await?.is_some() {
        return Ok(see_other("/sent"));
    }
    page(&browser, &Landing { page: Top::anyone(&browser) })
}
