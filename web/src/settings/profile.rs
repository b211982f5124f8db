//! Name and organisation, and another link that proves the address.

use super::show::{Typed, again};
use crate::{Web, form::Form, guard::Member, page::see_other_telling, problems::Problems, refusals::Refusal, stop::Answer};
use accounts::RenameRefused;
use poem::{handler, web::Data};

#[handler]
pub async fn rename(web: Data<&Web>, member: Member, form: Form) -> Answer {
    let name = form.text("name");
    let done = web.accounts.rename(&member.caller, name).await;
    answered(&web, &member, done, "name", "Your name is changed.", Typed { name: Some(name), ..Typed::default() }).await
}

#[handler]
pub async fn rename_tenant(web: Data<&Web>, member: Member, form: Form) -> Answer {
    let organisation = form.text("organisation");
    let done = web.accounts.rename_tenant(&member.caller, organisation).await;
    let typed = Typed { organisation: Some(organisation), ..Typed::default() };
    answered(&web, &member, done, "organisation", "The organisation’s name is changed.", typed).await
}

async fn answered(web: &Web, member: &Member, done: Result<(), RenameRefused>, field: &str, told: &str, typed: Typed<'_>) -> Answer {
    let refused = match done {
        Ok(()) => return Ok(see_other_telling("/settings", told)),
        Err(refused) => refused.or_fault()?,
    };
    let problems = Problems::of(if refused.is_about_the_field() { field } else { "" }, &refused);
    again(web, member, refused.status(), problems, typed, None).await
}

#[handler]
pub async fn mail_proof(web: Data<&Web>, member: Member, _form: Form) -> Answer {
    let said = match web.accounts.send_proof_again(&member.caller).await {
        Ok(()) => "A new link is on its way to you. Look into the spam folder too.".to_owned(),
        Err(refused) => refused.or_fault()?.to_string(),
    };
    Ok(see_other_telling("/settings", &said))
}
