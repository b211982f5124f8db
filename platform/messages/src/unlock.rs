//! The sender gives a recipient who was locked out five new tries.

use crate::{RecipientState, message};
use evidence::{Entry, Kind};
use kernel::{Fault, MAX_TRIES, MessageId, RecipientId};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{NotAllowed, Right, TenantTx, entity::recipient};

#[derive(Debug, thiserror::Error)]
pub enum UnlockRefused {
    #[error("There is no such recipient.")]
    NotFound,
    #[error("This recipient is not locked out.")]
    NotLocked,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Also for a recipient who has opened it and used up the tries in another browser since: that one stays opened.
pub async fn unlock(tx: &TenantTx, id: MessageId, recipient: RecipientId) -> Result<(), UnlockRefused> {
    tx.caller().must(Right::Unlock)?;
    let row = message::recipient_row(tx, recipient).await?.filter(|r| r.message_id == id.0).ok_or(UnlockRefused::NotFound)?;
    let after = match RecipientState::read(&row.state)? {
        RecipientState::Locked => RecipientState::Notified,
        RecipientState::Opened => RecipientState::Opened,
        _ => return Err(UnlockRefused::NotLocked),
    };
    let unlocked = tx
        .update::<recipient::Entity>()
        .set(recipient::Column::State, after.as_str())
        .set(recipient::Column::Tries, 0_i64)
        .set(recipient::Column::ChangedAt, tx.now().0)
        .filter(recipient::Column::Id.eq(recipient.0))
        .filter(recipient::Column::State.eq(row.state))
        .filter(recipient::Column::Tries.gte(MAX_TRIES))
        .exec()
        .await?;
    if unlocked == 0 {
        return Err(UnlockRefused::NotLocked);
    }
    evidence::record(tx, Entry::of(Kind::Unlocked, id).to(recipient)).await?;
    tx.changed(id);
    Ok(())
}
