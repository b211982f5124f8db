//! Another password. Every other browser is signed out by it; API keys end only where that is asked for.

use super::show::{Typed, again};
use crate::{Web, cookie, form::Form, guard::Member, page::see_other_telling, problems::Problems, refusals::Refusal, stop::Answer};
use poem::{handler, web::Data};

#[handler]
pub async fn change(web: Data<&Web>, member: Member, form: Form) -> Answer {
    let keys_too = !form.text("revoke_keys").is_empty();
    match web.accounts.change_password(&member.caller, form.text("old_password"), form.text("password"), keys_too).await {
        Ok(signed_in) => {
            let left = web.accounts.keys(&signed_in.caller).await?.len();
            let mut answer = see_other_telling("/settings", &done(keys_too, left));
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

fn done(keys_too: bool, left: usize) -> String {
    let keys = match left {
        _ if keys_too => " Your API keys are revoked.".to_owned(),
        0 => String::new(),
        1 => " Your API key goes on working; revoke it below if someone else may have it.".to_owned(),
        left => format!(" Your {left} API keys go on working; revoke below what someone else may have."),
    };
    format!("Your password is changed, and every other browser is signed out.{keys}")
}
