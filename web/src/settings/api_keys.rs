//! API keys: made here and shown once, revoked here.
//!
//! What would surprise you: making a key answers with the page itself instead of "see other", because its secret is kept nowhere
//! from which a second request could show it.

use super::show::{Typed, again};
use crate::{
    Web,
    form::Form,
    guard::Member,
    page::see_other_telling,
    problems::Problems,
    refusals::Refusal,
    stop::{Answer, Stop},
};
use poem::{handler, http::StatusCode, web::Data};
use store::Right;

#[handler]
pub async fn create(web: Data<&Web>, member: Member, form: Form) -> Answer {
    member.must(Right::MakeKey)?;
    member.must_be_stepped_up(&web, "/settings#keys").await?;
    let name = form.text("key_name");
    match web.accounts.create_key(&member.caller, name).await {
        Ok(key) => again(&web, &member, StatusCode::CREATED, Problems::none(), Typed::default(), Some(key)).await,
        Err(refused) => {
            let refused = refused.or_fault()?;
            let field = if refused.field().is_some() { "key_name" } else { "" };
            let typed = Typed { key_name: name, ..Typed::default() };
            again(&web, &member, refused.status(), Problems::of(field, &refused), typed, None).await
        }
    }
}

#[handler]
pub async fn revoke(web: Data<&Web>, member: Member, form: Form) -> Answer {
    let id = form.text("key").parse().map_err(|_| Stop::NotFound)?;
    match web.accounts.revoke_key(&member.caller, id).await? {
        true => Ok(see_other_telling("/settings#keys", "The key is revoked. Programs that use it are refused from now on.")),
        false => Err(Stop::NotFound),
    }
}
