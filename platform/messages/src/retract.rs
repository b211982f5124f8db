//! Retraction: the sender takes a message back before it is opened; one conditional update decides against pickup.

use crate::{RecipientState, expire, message};
use evidence::{Entry, Kind};
use kernel::{Fault, MessageId, RecipientId};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{
    NotAllowed, Right, TenantTx,
    entity::{evidence as evidence_table, message as message_table, recipient, visit},
};

/// What became of each recipient asked for.
#[derive(Clone, Debug, Default)]
pub struct Retraction {
    pub retracted: Vec<RecipientId>,
    /// Opened (or refused) before; recorded as such.
    pub too_late: Vec<RecipientId>,
    /// Had ended already (expired or retracted before).
    pub ended: Vec<RecipientId>,
}

#[derive(Debug, thiserror::Error)]
pub enum RetractRefused {
    #[error("There is no such message.")]
    NotFound,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// `only`: these recipients; `None`: all. Unknown recipients are NotFound. Running it twice does no harm.
pub async fn retract(tx: &TenantTx, id: MessageId, only: Option<&[RecipientId]>) -> Result<Retraction, RetractRefused> {
    tx.caller().must(Right::Retract)?;
    let row = message::row(tx, id).await?.ok_or(RetractRefused::NotFound)?;
    let all: Vec<RecipientId> = message::recipient_rows(tx, id).await?.into_iter().map(|r| RecipientId(r.id)).collect();
    let wanted = match only {
        None => all,
        Some(only) if only.iter().all(|r| all.contains(r)) => all.into_iter().filter(|r| only.contains(r)).collect(),
        Some(_) => return Err(RetractRefused::NotFound),
    };
    let mut done = Retraction::default();
    let mut entries = Vec::new();
    for recipient in wanted {
        // Past the deadline the recipient was told “expired” already, though the job that writes it down may still wait.
        match row.expires_at <= tx.now().0 {
            true => done.ended.push(recipient),
            false => take_back(tx, id, recipient, &mut done, &mut entries).await?,
        }
    }
    if !done.retracted.is_empty() {
        mark(tx, id).await?;
        entries.extend(expire::shred_if_over(tx, id).await?);
    }
    evidence::record_many(tx, but_those_told(tx, id, entries).await?).await?;
    tx.changed(id);
    Ok(done)
}

/// Being too late is recorded once a recipient, however often it is tried.
async fn but_those_told(tx: &TenantTx, id: MessageId, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Fault> {
    let too_late = |entry: &Entry| matches!(entry.kind, Kind::RetractionTooLate);
    if !entries.iter().any(too_late) {
        return Ok(entries);
    }
    evidence::in_turn(tx).await?;
    let told = tx
        .find::<evidence_table::Entity>()
        .filter(evidence_table::Column::MessageId.eq(id.0))
        .filter(evidence_table::Column::Kind.eq(Kind::RetractionTooLate.as_str()))
        .all()
        .await?;
    entries.retain(|entry| !too_late(entry) || told.iter().all(|row| row.recipient_id != entry.recipient.map(|r| r.0)));
    Ok(entries)
}

async fn take_back(
    tx: &TenantTx,
    id: MessageId,
    recipient: RecipientId,
    done: &mut Retraction,
    entries: &mut Vec<Entry>,
) -> Result<(), Fault> {
    let won = tx
        .update::<recipient::Entity>()
        .set(recipient::Column::State, RecipientState::Retracted.as_str())
        .set(recipient::Column::Slot, Option::<Vec<u8>>::None)
        .set(recipient::Column::ChangedAt, tx.now().0)
        .filter(recipient::Column::Id.eq(recipient.0))
        .filter(recipient::Column::State.is_in(RecipientState::RETRACTABLE))
        .exec()
        .await?;
    if won == 1 {
        forget_keys(tx, recipient).await?;
        done.retracted.push(recipient);
        entries.push(Entry::of(Kind::Retracted, id).to(recipient));
        return Ok(());
    }
    // Read again: the state that we lost against may be newer than the first look.
    let state = message::recipient_row(tx, recipient).await?.map(|r| r.state).unwrap_or_default();
    match RecipientState::read(&state)? {
        RecipientState::Retracted | RecipientState::Expired => done.ended.push(recipient),
        state => {
            done.too_late.push(recipient);
            entries.push(Entry::of(Kind::RetractionTooLate, id).to(recipient).because("state", state.as_str()));
        }
    }
    Ok(())
}

/// Keys that wait in a browser's visit for acceptance end with the slot.
pub(crate) async fn forget_keys(tx: &TenantTx, recipient: RecipientId) -> Result<(), Fault> {
    tx.update::<visit::Entity>()
        .set(visit::Column::KeyWrapped, Option::<Vec<u8>>::None)
        .filter(visit::Column::RecipientId.eq(recipient.0))
        .exec()
        .await
        .map(|_| ())
}

async fn mark(tx: &TenantTx, id: MessageId) -> Result<(), Fault> {
    tx.update::<message_table::Entity>()
        .set(message_table::Column::RetractedAt, tx.now().0)
        .filter(message_table::Column::Id.eq(id.0))
        .filter(message_table::Column::RetractedAt.is_null())
        .exec()
        .await
        .map(|_| ())
}
