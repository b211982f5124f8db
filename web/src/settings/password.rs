//! Another password. Every other browser is signed out by it.

use super::show::{Typed, again};
use crate::{Web, cookie, form::Form, guard::Member, page::see_other_telling, problems::Problems, refusals::Refusal, stop::Answer};
use poem::{handler, web::Data};

#[handler]
pub async fn change(web: Data<&Web>, member: Member, form: Form) -> Answer {
    match web.accounts.change_password(&member.caller, form.text("old_password"), form.text("password")).await {
        Ok(signed_in) => {
            let mut answer = see_other_telling("/settings", "Your password is changed, and every other browser is signed out.");
            cookie::set_signed_in(answer.headers_mut(), &signed_in);
            Ok(answer)
        }
        Err(refused) => {
            let refused = refused.or_fault()?;
            let problems = Problems::of(refused.field().unwrap_or_default(), &refused);
            let page = again(&web, &member, refused.status(), problems, Typed::default(), None).await?;
            Ok(refused.told_when(web.accounts.db.clock().now(), page))
        }
    }
}
