//! The member behind a caller.

use crate::{LinkPurpose, device, links, session};
use kernel::{Fault, MemberId, SessionId};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{Caller, Look, TenantTx, Who, entity::member};

/// The member and the session of a person who is signed in; `None` for keys, recipients and jobs.
pub(crate) fn signed_in(caller: &Caller) -> Option<(MemberId, SessionId)> {
    match caller.who() {
        Who::Member { id, session, .. } => Some((*id, *session)),
        Who::Key { .. } | Who::Recipient { .. } | Who::System => None,
    }
}

/// The row of the member who acts; `None` for recipients and jobs.
pub async fn of_caller(look: &impl Look) -> Result<Option<member::Model>, Fault> {
    match look.caller().member() {
        Some(id) => find(look, id).await,
        None => Ok(None),
    }
}

/// The member's row, if it is there.
pub(crate) async fn find(look: &impl Look, id: MemberId) -> Result<Option<member::Model>, Fault> {
    look.get::<member::Entity>(id.0).await
}

/// The member's row; a fault if it is gone, for those who just proved that it is there.
pub(crate) async fn get(look: &impl Look, id: MemberId) -> Result<member::Model, Fault> {
    find(look, id).await?.ok_or_else(|| Fault::other("the member is gone"))
}

/// The member's row, locked until the act ends.
pub(crate) async fn lock(tx: &TenantTx, id: MemberId) -> Result<member::Model, Fault> {
    let row = tx.hold::<member::Entity>(id.0).await?;
    row.ok_or_else(|| Fault::other("the member is gone"))
}

/// Notes that the address is the member's; what was held for that leaves now. Returns how many jobs.
pub(crate) async fn mark_proven(tx: &TenantTx, id: MemberId) -> Result<u64, Fault> {
    tx.update::<member::Entity>()
        .set(member::Column::EmailProvenAt, tx.now().0)
        .filter(member::Column::Id.eq(id.0))
        .filter(member::Column::EmailProvenAt.is_null())
        .exec()
        .await?;
    tx.release_held().await
}

/// Sets the password and ends everything that was issued under the old one (sessions, links to reset it, browsers known), unless
/// `epoch` is not the member's any more.
pub(crate) async fn set_password(tx: &TenantTx, id: MemberId, epoch: i64, hash: &str) -> Result<bool, Fault> {
    let changed = tx
        .update::<member::Entity>()
        .set(member::Column::PasswordHash, hash)
        .set(member::Column::Epoch, epoch + 1)
        .filter(member::Column::Id.eq(id.0))
        .filter(member::Column::Epoch.eq(epoch))
        .exec()
        .await?;
    if changed == 1 {
        session::end_all(tx, id).await?;
        device::forget_all(tx, id).await?;
        links::spend_all(tx, id, LinkPurpose::ResetPassword).await?;
    }
    Ok(changed == 1)
}
