//! The sender gives a recipient who was locked out five new tries.

use crate::{RecipientState, message};
use evidence::{Entry, Kind};
use kernel::{Fault, MessageId, RecipientId};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{TenantTx, entity::recipient};

#[derive(Debug, thiserror::Error)]
pub enum UnlockRefused {
    #[error("There is no such recipient.")]
    NotFound,
    #[error("This recipient is not locked out.")]
    NotLocked,
    #[error(transparent)]
    Fault(#[from] Fault),
}

pub async fn unlock(tx: &TenantTx, id: MessageId, recipient: RecipientId) -> Result<(), UnlockRefused> {
    message::recipient_row(tx, recipient).await?.filter(|r| r.message_id == id.0).ok_or(UnlockRefused::NotFound)?;
    let unlocked = tx
        .update::<recipient::Entity>()
        .set(recipient::Column::State, RecipientState::Notified.as_str())
        .set(recipient::Column::Tries, 0_i64)
        .set(recipient::Column::ChangedAt, tx.now().0)
        .filter(recipient::Column::Id.eq(recipient.0))
        .filter(recipient::Column::State.eq(RecipientState::Locked.as_str()))
        .exec()
        .await?;
    if unlocked == 0 {
        return Err(UnlockRefused::NotLocked);
    }
    evidence::record(tx, Entry::of(Kind::Unlocked, id).to(recipient)).await?;
    tx.changed(id);
    Ok(())
}
