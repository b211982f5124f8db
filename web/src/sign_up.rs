//! Signing up: name, address, password, done.

use crate::{
    Web,
    browser::Browser,
    cookie,
    form::Form,
    page::{page, page_with, see_other_telling},
    problems::Problems,
    refusals::Refusal,
    stop::Answer,
    top::Top,
};
use accounts::{SESSION_LIFE, SignUp, SignUpRefused};
use askama::Template;
use poem::{handler, web::Data};

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage<'a> {
    page: Top,
    problems: Problems,
    name: &'a str,
    email: &'a str,
}

#[handler]
pub async fn show(browser: Browser) -> Answer {
    page(&browser, &SignUpPage { page: top(&browser), problems: Problems::none(), name: "", email: "" })
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, form: Form) -> Answer {
    let text = |name| form.text(name).to_owned();
    let typed = SignUp { name: text("name"), email: text("email"), password: text("password") };
    match web.accounts.sign_up(&typed, browser.origin.clone()).await {
        Ok(signed_in) => {
            let mut answer = see_other_telling("/compose", "Welcome. Write your first message: it leaves as soon as you use the link that we have just mailed to you.");
            cookie::set(answer.headers_mut(), cookie::SESSION, &signed_in.token.to_string(), Some(SESSION_LIFE));
            Ok(answer)
        }
        Err(refused) => {
            let refused = refused.or_fault()?;
            let page = SignUpPage { page: top(&browser), problems: problems(&refused), name: &typed.name, email: &typed.email };
            page_with(refused.status(), &browser, &page)
        }
    }
}

fn top(browser: &Browser) -> Top {
    Top { current: "sign-up", ..Top::anyone(browser) }
}

fn problems(refused: &SignUpRefused) -> Problems {
    let SignUpRefused::Form(wrong) = refused else { return Problems::whole(refused) };
    let mut problems = Problems::none();
    for field in wrong {
        problems.add(field.field(), field);
    }
    problems
}
