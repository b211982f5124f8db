//! Signing out another browser, or all of them.

use crate::{
    Web, cookie,
    form::Form,
    guard::Member,
    page::{see_other, see_other_telling},
    stop::{Answer, Stop},
};
use poem::{handler, web::Data};

#[handler]
pub async fn end(web: Data<&Web>, member: Member, form: Form) -> Answer {
    let id = form.text("session").parse().map_err(|_| Stop::NotFound)?;
    match web.accounts.revoke_session(&member.caller, id).await? {
        true => Ok(see_other_telling("/settings#sessions", "That browser is signed out.")),
        false => Err(Stop::NotFound),
    }
}

#[handler]
pub async fn end_all(web: Data<&Web>, member: Member, _form: Form) -> Answer {
    web.accounts.sign_out_everywhere(&member.caller).await?;
    let mut answer = see_other("/sign-in");
    cookie::forget(answer.headers_mut(), cookie::SESSION);
    Ok(answer)
}
