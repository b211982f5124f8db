//! Asking for a link to set a new password. The answer is the same for known and unknown addresses.

use crate::{
    Web,
    browser::Browser,
    form::Form,
    page::{page, page_with},
    problems::Problems,
    refusals::Refusal,
    stop::Answer,
    top::Top,
};
use askama::Template;
use poem::{handler, web::Data};

#[derive(Template)]
#[template(path = "forgot.html")]
struct Forgot<'a> {
    page: Top,
    problems: Problems,
    email: &'a str,
    asked: bool,
}

#[handler]
pub async fn show(browser: Browser) -> Answer {
    page(&browser, &Forgot { page: Top::anyone(&browser), problems: Problems::none(), email: "", asked: false })
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, form: Form) -> Answer {
    let email = form.text("email");
    match web.accounts.forgot_password(email, browser.origin.clone()).await {
        Ok(()) => page(&browser, &Forgot { page: Top::anyone(&browser), problems: Problems::none(), email, asked: true }),
        Err(refused) => {
            let refused = refused.or_fault()?;
            let problems = Problems::of(refused.field().unwrap_or_default(), &refused);
            let page = Forgot { page: Top::anyone(&browser), problems, email, asked: false };
            Ok(refused.told_when(web.accounts.db.clock().now(), page_with(refused.status(), &browser, &page)?))
        }
    }
}
