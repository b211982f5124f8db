//! Signing up: name, address, password, done. Where sign-up is closed there is no such page.

use crate::{
    Web,
    browser::Browser,
    cookie,
    form::Form,
    guard, human,
    page::{page, page_with, see_other_telling},
    problems::Problems,
    refusals::Refusal,
    stop::{Answer, Stop},
    top::Top,
};
use accounts::{SignUp, SignUpRefused};
use askama::Template;
use poem::{handler, web::Data};

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage<'a> {
    page: Top,
    problems: Problems,
    /// What a new account may send.
    sends: String,
    name: &'a str,
    email: &'a str,
}

#[handler]
pub async fn show(web: Data<&Web>, browser: Browser) -> Answer {
    open(&web)?;
    page(&browser, &blank(&web, &browser))
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, form: Form) -> Answer {
    open(&web)?;
    let text = |name| form.text(name).to_owned();
    let typed = SignUp { name: text("name"), email: text("email"), password: text("password") };
    match web.accounts.sign_up(&typed, browser.origin.clone()).await {
        Ok(signed_in) => {
            guard::end_former(&web, &browser).await?;
            let mut answer = see_other_telling(
                "/compose",
                "Welcome. Write your first message: it leaves as soon as you use the link that we have just mailed to you.",
            );
            cookie::set_signed_in(answer.headers_mut(), &signed_in);
            Ok(answer)
        }
        Err(refused) => {
            let refused = refused.or_fault()?;
            let page = SignUpPage { problems: problems(&refused), name: &typed.name, email: &typed.email, ..blank(&web, &browser) };
            Ok(refused.told_when(web.accounts.db.clock().now(), page_with(refused.status(), &browser, &page)?))
        }
    }
}

fn open(web: &Web) -> Result<(), Stop> {
    if web.sign_up_open { Ok(()) } else { Err(Stop::NotFound) }
}

fn blank(web: &Web, browser: &Browser) -> SignUpPage<'static> {
    let page = Top { current: "sign-up", ..Top::anyone(browser) };
    SignUpPage { page, problems: Problems::none(), sends: human::sends_a_month(&web.accounts.sign_up_limits), name: "", email: "" }
}

fn problems(refused: &SignUpRefused) -> Problems {
    let SignUpRefused::Form(wrong) = refused else { return Problems::whole(refused) };
    let mut problems = Problems::none();
    for field in wrong {
        problems.add(field.field(), field);
    }
    problems
}
