//! Name, and another link that proves the address.

use super::show::{Typed, again};
use crate::{Web, form::Form, guard::Member, page::see_other_telling, problems::Problems, refusals::Refusal, stop::Answer};
use poem::{handler, web::Data};

#[handler]
pub async fn rename(web: Data<&Web>, member: Member, form: Form) -> Answer {
    let name = form.text("name");
    match web.accounts.rename(&member.caller, name).await {
        Ok(()) => Ok(see_other_telling("/settings", "Your name is changed.")),
        Err(refused) => {
            let refused = refused.or_fault()?;
            let problems = Problems::of(refused.field().unwrap_or_default(), &refused);
            again(&web, &member, refused.status(), problems, Typed { name: Some(name), ..Typed::default() }, None).await
        }
    }
}

#[handler]
pub async fn mail_proof(web: Data<&Web>, member: Member, _form: Form) -> Answer {
    let said = match web.accounts.send_proof_again(&member.caller).await {
        Ok(()) => "A new link is on its way to you. Look into the spam folder too.".to_owned(),
        Err(refused) => refused.or_fault()?.to_string(),
    };
    Ok(see_other_telling("/settings", &said))
}
