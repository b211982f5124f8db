//! What an owner or administrator decides: which authorities count, and what each of them may do.

use super::settings::{HERE, Typed, TypedRules, again};
use crate::{
    Web,
    form::Form,
    guard::Member,
    page::see_other_telling,
    problems::Problems,
    refusals::Refusal,
    stop::{Answer, Stop},
};
use client_certificates::{BadAuthority, IssueRefused, Rules, SetRefused};
use kernel::ClientCaId;
use poem::{handler, web::Data};
use store::Right;

/// The right first: nobody types a password only to be turned away.
async fn may(web: &Web, member: &Member) -> Result<(), Stop> {
    member.must(Right::SetCertificates)?;
    member.must_be_stepped_up(web, HERE).await
}

fn typed_of(form: &Form) -> TypedRules {
    let [lists, hours] = ["lists", "crl_grace_hours"].map(|field| form.text(field).to_owned());
    TypedRules { maps_by_address: form.text("maps_by_address") == "yes", lists, hours }
}

fn rules_of(form: &Form) -> Rules {
    let TypedRules { maps_by_address, lists, hours } = typed_of(form);
    // What is no number is out of bounds, too.
    let crl_grace_hours = if hours.trim().is_empty() { 0 } else { hours.trim().parse().unwrap_or(-1) };
    Rules { maps_by_address, lists: lists.lines().map(str::to_owned).collect(), crl_grace_hours }
}

fn authority(form: &Form) -> Result<ClientCaId, Stop> {
    form.text("authority").parse().map_err(|_| Stop::NotFound)
}

#[handler]
pub async fn add(web: Data<&Web>, member: Member, form: Form) -> Answer {
    may(&web, &member).await?;
    match web.certificates.add_authority(&member.caller, form.text("chain"), &rules_of(&form)).await {
        Ok(_) => Ok(see_other_telling(HERE, "The authority is accepted. Compare its fingerprint with what its keeper says.")),
        Err(refused) => refuse(&web, &member, refused, &form, None).await,
    }
}

#[handler]
pub async fn rules(web: Data<&Web>, member: Member, form: Form) -> Answer {
    may(&web, &member).await?;
    let of = authority(&form)?;
    match web.certificates.set_rules(&member.caller, of, &rules_of(&form)).await {
        Ok(()) => Ok(see_other_telling(HERE, "The rules are changed.")),
        Err(SetRefused::NotFound) => Err(Stop::NotFound),
        Err(refused) => refuse(&web, &member, refused, &form, Some(of)).await,
    }
}

#[handler]
pub async fn remove(web: Data<&Web>, member: Member, form: Form) -> Answer {
    may(&web, &member).await?;
    match web.certificates.remove_authority(&member.caller, authority(&form)?).await {
        Ok(()) => Ok(see_other_telling(HERE, "The authority is removed. Its certificates sign nobody in any more.")),
        Err(refused) => Err(refused.stop()),
    }
}

#[handler]
pub async fn found_own(web: Data<&Web>, member: Member, _form: Form) -> Answer {
    may(&web, &member).await?;
    match web.certificates.found_own(&member.caller).await {
        Ok(_) => Ok(see_other_telling(HERE, "Your people can get certificates here from now on.")),
        Err(IssueRefused::Set(refused)) => Err(refused.stop()),
        Err(refused) => Err(refused.stop()),
    }
}

async fn refuse(web: &Web, member: &Member, refused: SetRefused, form: &Form, of: Option<ClientCaId>) -> Answer {
    let refused = refused.or_fault()?;
    // A key is not even sent back.
    let keeps = !matches!(refused, SetRefused::Bad(BadAuthority::PrivateKey));
    let chain = if keeps { form.text("chain").to_owned() } else { String::new() };
    let typed = Typed { of, chain, rules: typed_of(form) };
    again(web, member, refused.status(), Problems::of(refused.field().unwrap_or_default(), &refused), typed).await
}
