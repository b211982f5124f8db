//! Proving an address by the mailed link. Mail scanners follow links, so the page has a button and the button proves; and it
//! proves only to whoever is signed in to that account, so that a stranger's sign-up is not completed by its victim.

use crate::{
    Web,
    browser::Browser,
    form::Form,
    guard, human,
    page::{page, page_with, see_other, see_other_telling},
    sign_in,
    stop::Answer,
    top::Top,
};
use accounts::{LinkPurpose, LinkView};
use askama::Template;
use kernel::Fault;
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
    /// "2 notices"; empty if nothing waits.
    waiting: String,
}

#[derive(Template)]
#[template(path = "spent_link.html")]
struct SpentLink {
    page: Top,
}

#[handler]
pub async fn show(web: Data<&Web>, browser: Browser, Path(token): Path<String>) -> Answer {
    let Ok(key) = token.parse::<Token>() else { return spent(&web, &browser).await };
    let Some(link) = living(&web, &browser, &key).await? else { return spent(&web, &browser).await };
    let Some(caller) = guard::signed_in(&web, &browser).await? else { return sign_in_first(&token, &stranger(&link)) };
    if !web.accounts.owns_link(&caller, &key).await? {
        return sign_in_first(&token, &of_another_account(&link));
    }
    let waiting = notices(web.accounts.held_for_proof(&caller).await?);
    page(&browser, &Prove { page: guard::top(&web, &browser).await?, link, token, waiting })
}

async fn living(web: &Web, browser: &Browser, key: &Token) -> Result<Option<LinkView>, Fault> {
    let link = web.accounts.read_link(key, browser.origin.clone()).await?;
    Ok(link.filter(|link| link.purpose == LinkPurpose::ProveAddress))
}

fn sign_in_first(token: &str, sentence: &str) -> Answer {
    Ok(see_other_telling(&sign_in::path_with(&format!("/prove/{token}")), sentence))
}

fn stranger(link: &LinkView) -> String {
    let email = &link.email;
    format!(
        "Sign in as {email} to prove this address. You did not sign up here? Then close this page: without your signing in nothing happens."
    )
}

/// One address may have several accounts, each with a password of its own.
fn of_another_account(link: &LinkView) -> String {
    let email = &link.email;
    format!(
        "You are signed in, but to another account than the one that this link is for. Sign in as {email} with the password that was chosen when that one was signed up. You did not sign up again? Then close this page: your account is unchanged."
    )
}

fn notices(jobs: u64) -> String {
    match i64::try_from(jobs).unwrap_or(i64::MAX) {
        0 => String::new(),
        n => human::count(n, "notice", "notices"),
    }
}

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, Path(token): Path<String>, _form: Form) -> Answer {
    let Ok(key) = token.parse::<Token>() else { return spent(&web, &browser).await };
    if living(&web, &browser, &key).await?.is_none() {
        return spent(&web, &browser).await;
    }
    let Some(caller) = guard::signed_in(&web, &browser).await? else { return Ok(see_other(&format!("/prove/{token}"))) };
    let Some(proven) = web.accounts.prove_address(&caller, &key).await? else { return spent(&web, &browser).await };
    let waiting = match proven.released {
        0 => String::new(),
        n => format!(" {} waited for this and left just now.", notices(n)),
    };
    Ok(see_other_telling("/sent", &format!("{} is proven.{waiting}", proven.email)))
}

/// Unknown, used and over: one page for all of them.
pub async fn spent(web: &Web, browser: &Browser) -> Answer {
    page_with(StatusCode::NOT_FOUND, browser, &SpentLink { page: guard::top(web, browser).await? })
}
