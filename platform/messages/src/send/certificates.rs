//! Whether a certificate can be asked of those to whom a message goes (R4).
//!
//! What would surprise you: a message that nobody could ever open is refused here, and not found out by its recipient.

use super::answer::SendRefused;
use crate::{Draft, FieldError, Post, Proof};
use kernel::Fault;
use sea_orm::{ColumnTrait, QueryFilter};
use std::collections::HashSet;
use store::{
    Look, TenantTx,
    entity::{client_ca, member},
};

const NO_NAME: &str = "This site has no hosts at which a certificate can be asked for. Choose another proof.";
const OVER: &str = "Every authority whose certificates count has expired, so none can be asked for. An owner or administrator accepts a new one in \
                    the settings, under “Certificates”. Until then, choose another proof.";
const NONE: &str = "Your organisation has not said yet whose certificates count, so none can be asked for. An owner or administrator says it in \
                    the settings, under “Certificates”. Until then, choose another proof.";

pub(super) fn site_may_ask(post: &Post, draft: &Draft) -> Result<(), SendRefused> {
    if draft.proof == Proof::R4 && !post.site.asks_for_certificates() { Err(refused(NO_NAME)) } else { Ok(()) }
}

/// The tenant accepts an authority, and each recipient can be named by one: by address where an administrator allowed that, else as a
/// member, who can enrol one.
pub(super) async fn tenant_may_ask(tx: &TenantTx, draft: &Draft) -> Result<(), SendRefused> {
    if draft.proof != Proof::R4 {
        return Ok(());
    }
    let standing = || tx.find::<client_ca::Entity>().filter(client_ca::Column::NotAfter.gt(tx.now().0));
    if standing().count().await? == 0 {
        let any = tx.find::<client_ca::Entity>().count().await? > 0;
        return Err(refused(if any { OVER } else { NONE }));
    }
    if standing().filter(client_ca::Column::MapsByAddress.eq(true)).count().await? > 0 {
        return Ok(());
    }
    let members = members_among(tx, draft).await?;
    let strangers = (0..).zip(&draft.to).filter(|(_, address)| !members.contains(&address.folded()));
    let wrong: Vec<FieldError> = strangers.map(|(index, address)| nobody_names(index, address.as_str())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(SendRefused::Fields(wrong)) }
}

/// Folded addresses.
async fn members_among(tx: &TenantTx, draft: &Draft) -> Result<HashSet<String>, Fault> {
    let theirs = member::Column::EmailFolded.is_in(draft.to.iter().map(|address| address.folded()));
    let rows = tx.find::<member::Entity>().filter(theirs).filter(member::Column::State.eq("active"));
    Ok(rows.all().await?.into_iter().map(|member| member.email_folded).collect())
}

fn nobody_names(index: usize, address: &str) -> FieldError {
    let sentence = format!(
        "“{address}” can show no certificate that counts: they are not a member here, and no authority in your settings names people by \
         their e-mail address."
    );
    FieldError { field: "to", index: Some(index), sentence }
}

fn refused(sentence: &str) -> SendRefused {
    SendRefused::Fields(vec![FieldError::new("proof", sentence)])
}
