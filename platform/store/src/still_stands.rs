//! Whether whoever was let in still may act when the act begins.

use crate::{
    TenantRead, Who,
    credentials::REMEMBERED_FOR,
    entity::{api_key, member, session, tenant},
};
use kernel::{Fault, FaultKind};

/// A fault if the session or key that the caller came with may have ended since it was checked, and did: a request's body may take minutes
/// to arrive.
pub(crate) async fn still_stands(read: &TenantRead, as_of: u64) -> Result<(), Fault> {
    let Some(checked) = read.caller().checked() else { return Ok(()) };
    if checked.as_of == as_of && read.now().since(checked.at) <= REMEMBERED_FOR {
        return Ok(());
    }
    // On the heap, as every act would be as large as this, and it is rare.
    Box::pin(looked_up(read)).await
}

async fn looked_up(read: &TenantRead) -> Result<(), Fault> {
    let epoch = match read.caller().who() {
        Who::Member { session, .. } => read.get::<session::Entity>(session.0).await?.map(|session| Some(session.epoch)),
        Who::Key { id, .. } => read.get::<api_key::Entity>(id.0).await?.filter(|key| key.revoked_at.is_none()).map(|_| None),
        Who::Recipient { .. } | Who::System => return Ok(()),
    };
    let active = match (&epoch, read.caller().member()) {
        (Some(_), Some(member)) => read.get::<member::Entity>(member.0).await?.filter(|member| member.state == "active"),
        _ => None,
    };
    let good = active.is_some_and(|member| epoch.flatten().is_none_or(|epoch| epoch == member.epoch));
    let open = read.own::<tenant::Entity>().await?.is_some_and(|tenant| tenant.state == "active");
    if good && open { Ok(()) } else { Err(Fault::new(FaultKind::Ended, "the session or key ended before what it was shown for")) }
}
