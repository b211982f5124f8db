//! Setting a new password by the mailed link. Looking at the link uses nothing up.

use crate::{
    Web,
    browser::Browser,
    cookie,
    form::Form,
    page::{page, page_with, see_other_telling},
    problems::Problems,
    prove,
    refusals::Refusal,
    stop::Answer,
    top::Top,
};
use accounts::{LinkPurpose, LinkView};
use askama::Template;
use keys::Token;
use poem::{
    handler,
    web::{Data, Path},
};

#[derive(Template)]
#[template(path = "reset.html")]
struct Reset {
    page: Top,
    problems: Problems,
    link: LinkView,
    token: String,
}

#[handler]
pub async fn show(web: Data<&Web>, browser: Browser, Path(token): Path<String>) -> Answer {
    match living(&web, &browser, &token).await? {
        Some((_, link)) => page(&browser, &Reset { page: Top::anyone(&browser), problems: Problems::none(), link, token }),
        None => prove::spent(&web, &browser).await,
    }
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, Path(token): Path<String>, form: Form) -> Answer {
    let Some((key, link)) = living(&web, &browser, &token).await? else { return prove::spent(&web, &browser).await };
    match web.accounts.reset_password(&key, form.text("password"), browser.origin.clone()).await {
        Ok(Some(())) => {
            let mut answer = see_other_telling(
                "/sign-in",
                "Your password is set. Every browser that was signed in is signed out, and every API key is revoked. Sign in with the new password.",
            );
            cookie::forget(answer.headers_mut(), cookie::SESSION);
            Ok(answer)
        }
        Ok(None) => prove::spent(&web, &browser).await,
        Err(refused) => {
            let refused = refused.or_fault()?;
            let problems = Problems::of(refused.field().unwrap_or_default(), &refused);
            let page = Reset { page: Top::anyone(&browser), problems, link, token };
            Ok(refused.told_when(web.accounts.db.clock().now(), page_with(refused.status(), &browser, &page)?))
        }
    }
}

async fn living(web: &Web, browser: &Browser, token: &str) -> Result<Option<(Token, LinkView)>, kernel::Fault> {
    let Ok(key) = token.parse::<Token>() else { return Ok(None) };
    let link = web.accounts.read_link(&key, browser.origin.clone()).await?;
    Ok(link.filter(|link| link.purpose == LinkPurpose::ResetPassword).map(|link| (key, link)))
}
