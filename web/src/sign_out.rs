//! Signing out: the session ends in the database and in the browser.

use crate::{Web, browser::Browser, cookie, form::Form, guard, page::see_other_telling, stop::Answer};
use poem::{handler, web::Data};

#[handler]
pub async fn submit(web: Data<&Web>, browser: Browser, _form: Form) -> Answer {
    if let Some(caller) = guard::signed_in(&web, &browser).await? {
        web.accounts.sign_out(&caller).await?;
    }
    let mut answer = see_other_telling("/sign-in", "You are signed out.");
    cookie::forget(answer.headers_mut(), cookie::SESSION);
    Ok(answer)
}
