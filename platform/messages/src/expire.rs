//! The end of a message: the deadline passes, the content and its keys are destroyed, the evidence stays.

use crate::{Post, RecipientState, attach, jobs, message};
use evidence::{Entry, Kind};
use kernel::{Fault, JobEnd, MessageId, RecipientId};
use sea_orm::{ColumnTrait, QueryFilter};
use store::{
    ClaimedJob, TenantTx,
    entity::{attachment, message as message_table, recipient, visit},
};

pub(crate) async fn expire(post: &Post, job: &ClaimedJob, id: MessageId) -> Result<JobEnd, Fault> {
    post.db
        .act(&job.caller(), async |tx| {
            let Some(row) = message::row(tx, id).await? else { return Ok(JobEnd::Done) };
            if row.shredded_at.is_some() {
                return Ok(JobEnd::Done);
            }
            if row.expires_at > tx.now().0 {
                return Ok(JobEnd::Wait { after: kernel::Time(row.expires_at).since(tx.now()), why: "not yet".into() });
            }
            let mut entries = expire_unopened(tx, id).await?;
            if let Some(held) = tx.hold::<message_table::Entity>(id.0).await? {
                entries.extend(shred(tx, &held).await?);
            }
            evidence::record_many(tx, entries).await?;
            tx.changed(id);
            Ok(JobEnd::Done)
        })
        .await
}

async fn expire_unopened(tx: &TenantTx, id: MessageId) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    for row in message::recipient_rows(tx, id).await?.iter().filter(|r| RecipientState::RETRACTABLE.contains(&r.state.as_str())) {
        let expired = tx
            .update::<recipient::Entity>()
            .set(recipient::Column::State, RecipientState::Expired.as_str())
            .set(recipient::Column::ChangedAt, tx.now().0)
            .filter(recipient::Column::Id.eq(row.id))
            .filter(recipient::Column::State.eq(row.state.as_str()))
            .exec()
            .await?;
        if expired == 1 {
            entries.push(Entry::of(Kind::ExpiredUnopened, id).to(RecipientId(row.id)));
        }
    }
    Ok(entries)
}

/// Destroys the content when nobody is left who has opened it or still may. The message is held first (after the recipient's own row, as
/// everywhere): of two who leave at once the second sees that the first has left.
pub(crate) async fn shred_if_over(tx: &TenantTx, id: MessageId) -> Result<Vec<Entry>, Fault> {
    let Some(held) = tx.hold::<message_table::Entity>(id.0).await? else { return Ok(Vec::new()) };
    let to = message::recipient_rows(tx, id).await?;
    let over = |state: &str| ["refused", "retracted", "expired"].contains(&state);
    if to.iter().all(|r| over(&r.state)) { shred(tx, &held).await } else { Ok(Vec::new()) }
}

/// Crypto-shredding of a message that the act holds, once: every slot and every waiting key goes in this act, the stored bytes by a job
/// after it. Recording is the caller's.
async fn shred(tx: &TenantTx, row: &message_table::Model) -> Result<Vec<Entry>, Fault> {
    use message_table::Column as M;
    if row.shredded_at.is_some() {
        return Ok(Vec::new());
    }
    let id = MessageId(row.id);
    let none = Option::<Vec<u8>>::None;
    tx.update::<message_table::Entity>()
        .set(M::BodySealed, none.clone())
        .set(M::BodyBlob, Option::<String>::None)
        .set(M::SenderSlot, none.clone())
        .set(M::HintSealed, none.clone())
        .set(M::ShreddedAt, tx.now().0)
        .filter(M::Id.eq(row.id))
        .exec()
        .await?;
    tx.update::<recipient::Entity>()
        .set(recipient::Column::Slot, none.clone())
        .filter(recipient::Column::MessageId.eq(row.id))
        .exec()
        .await?;
    // By recipient, as the index has them.
    let to: Vec<_> = message::recipient_rows(tx, id).await?.into_iter().map(|recipient| recipient.id).collect();
    tx.update::<visit::Entity>().set(visit::Column::KeyWrapped, none).filter(visit::Column::RecipientId.is_in(to)).exec().await?;
    let files = attach::rows(tx, id).await?;
    // Empty, not NULL: the file had been complete. Its hash would tell whoever has a copy that this was it.
    tx.update::<attachment::Entity>()
        .set(attachment::Column::Sha256, Vec::<u8>::new())
        .filter(attachment::Column::MessageId.eq(row.id))
        .exec()
        .await?;
    let blobs = files.iter().map(|f| f.blob.clone()).chain(row.body_blob.clone()).collect();
    jobs::delete_blobs_later(tx, blobs).await?;
    quota::release_bytes(tx, files.iter().map(|f| f.received_bytes).sum()).await?;
    Ok(vec![Entry::of(Kind::Shredded, id)])
}
