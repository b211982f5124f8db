//! Signing in: address and password, then the tenant when the password fits several.
//!
//! What would surprise you: the page that asks for the tenant asks for the password again, so that it travels in no hidden field.

use crate::{
    Web,
    browser::Browser,
    cookie,
    form::Form,
    guard,
    next::{next_of, safe_next, with_next},
    page::{page, page_with, see_other},
    problems::Problems,
    refusals::Refusal,
    stop::Answer,
    top::Top,
};
use accounts::SignIn;
use askama::Template;
use kernel::TenantId;
use poem::{handler, http::Uri, web::Data};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    page: Top,
    problems: Problems,
    email: &'a str,
    next: &'a str,
    /// Asked for when the password fits several.
    tenants: Vec<(TenantId, String)>,
}

/// The sign-in page that comes back to `next` afterwards.
pub fn path_with(next: &str) -> String {
    match safe_next(next) {
        "/" => "/sign-in".to_owned(),
        next => with_next("/sign-in", next),
    }
}

#[handler]
pub async fn show(browser: Browser, uri: &Uri) -> Answer {
    let next = next_of(uri);
    page(&browser, &SignInPage { page: top(&browser), problems: Problems::none(), email: "", next: &next, tenants: Vec::new() })
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, form: Form) -> Answer {
    let (email, next) = (form.text("email"), safe_next(form.text("next")));
    let tenant = form.text("tenant").parse().ok();
    let page = |problems, tenants| SignInPage { page: top(&browser), problems, email, next, tenants };
    let device = browser.device.as_ref();
    match web.accounts.sign_in(email, form.text("password"), tenant, device, browser.origin.clone()).await {
        Ok(SignIn::Done(signed_in)) => {
            guard::end_former(&web, &browser).await?;
            let mut answer = see_other(if next == "/" { "/sent" } else { next });
            cookie::set_signed_in(answer.headers_mut(), &signed_in);
            Ok(answer)
        }
        Ok(SignIn::Choose(tenants)) => crate::page::page(&browser, &page(Problems::none(), tenants)),
        Err(refused) => {
            let refused = refused.or_fault()?;
            let again = page_with(refused.status(), &browser, &page(Problems::whole(&refused), Vec::new()))?;
            Ok(refused.told_when(web.accounts.db.clock().now(), again))
        }
    }
}

fn top(browser: &Browser) -> Top {
    Top { current: "sign-in", ..Top::anyone(browser) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_comes_back_to_where_one_was() {
        assert_eq!(path_with("/sent?q=a b"), "/sign-in");
        assert_eq!(path_with("/sent?q=a&state=opened"), "/sign-in?next=%2Fsent%3Fq%3Da%26state%3Dopened");
    }
}
