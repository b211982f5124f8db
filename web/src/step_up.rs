//! The password once more, before what a stolen session must not do; then back to where one was.

use crate::{
    Web, cookie,
    form::Form,
    guard::Member,
    next::{next_of, safe_next, with_next},
    page::{page_with, see_other},
    problems::Problems,
    refusals::Refusal,
    stop::Answer,
    top::Top,
};
use accounts::StepUpRefused;
use askama::Template;
use poem::{
    handler,
    http::{StatusCode, Uri},
    web::Data,
};

#[derive(Template)]
#[template(path = "step_up.html")]
struct StepUpPage<'a> {
    page: Top,
    problems: Problems,
    next: &'a str,
    /// Where a certificate can be shown instead; empty: none counts here.
    certificate: String,
}

/// The page that comes back to `next` afterwards.
pub fn path_with(next: &str) -> String {
    with_next("/step-up", next)
}

/// Where nothing says where one was.
fn back(next: &str) -> &str {
    match safe_next(next) {
        "/" => "/settings",
        next => next,
    }
}

#[handler]
pub async fn show(web: Data<&Web>, member: Member, uri: &Uri) -> Answer {
    again(&web, &member, StatusCode::OK, Problems::none(), back(&next_of(uri))).await
}

#[handler]
pub async fn submit(web: Data<&Web>, member: Member, form: Form) -> Answer {
    let next = back(form.text("next"));
    match web.accounts.step_up(&member.caller, form.text("password")).await {
        Ok(token) => {
            let mut answer = see_other(next);
            cookie::set_session(answer.headers_mut(), &token);
            Ok(answer)
        }
        Err(refused) => {
            let refused = refused.or_fault()?;
            let field = if matches!(refused, StepUpRefused::Wrong) { "password" } else { "" };
            let page = again(&web, &member, refused.status(), Problems::of(field, &refused), next).await?;
            Ok(refused.told_when(web.accounts.db.clock().now(), page))
        }
    }
}

async fn again(web: &Web, member: &Member, status: StatusCode, problems: Problems, next: &str) -> Answer {
    let asks_at = web.certificates.asks_at(&member.caller).await?;
    let certificate = asks_at.map(|address| format!("{address}{}", with_next("/", next))).unwrap_or_default();
    let page = StepUpPage { page: member.top(web, "settings").await?, problems, next, certificate };
    page_with(status, &member.browser, &page)
}
