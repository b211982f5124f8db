//! Beginning a draft from a blank page that may be sent again: reloading the answer to a failed form goes on with the draft
//! that it began, instead of leaving one behind each time.
//!
//! What would surprise you: a request that comes again word for word saves nothing. The draft may hold newer text by then.

use crate::{DraftRefused, DraftText, Post, save_draft, start_draft};
use kernel::{Fault, FaultKind, MessageId};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};
use store::{
    Caller, Look, TenantTx,
    entity::{draft, idempotency},
};

/// Starts a draft, or goes on with the one that the page called `once` started before; returns it and its revision. After that
/// one was sent, discarded or changed elsewhere, a new one starts. An empty `once` always starts one.
pub async fn begin_draft(post: &Post, who: &Caller, once: &str, text: &DraftText) -> Result<(MessageId, i64), DraftRefused> {
    let begin = async |tx: &mut TenantTx| if once.is_empty() { Ok((start_draft(tx, text).await?, 1)) } else { begun(tx, once, text).await };
    match post.db.act(who, begin).await {
        // The same page, sent twice at once: the other was faster.
        Err(DraftRefused::Fault(fault)) if fault.kind() == FaultKind::Unique => post.db.act(who, begin).await,
        begun => begun,
    }
}

async fn begun(tx: &TenantTx, once: &str, text: &DraftText) -> Result<(MessageId, i64), DraftRefused> {
    let (key, hash) = (format!("draft-{once}"), hash_of(text)?);
    let before = tx.find::<idempotency::Entity>().filter(idempotency::Column::Key.eq(&key)).one().await?;
    let draft = match &before {
        Some(row) => tx.get::<draft::Entity>(row.message_id).await?,
        None => None,
    };
    let (id, revision) = match (draft, &before) {
        (Some(draft), Some(row)) if row.request_hash == hash => return Ok((MessageId(draft.id), draft.revision)),
        // Where the draft has gone on at its own address, what the first page still holds is another one.
        (Some(draft), Some(row)) if row.request_hash == hash_of(&crate::draft::open(tx, &draft)?)? => {
            (MessageId(draft.id), save_draft(tx, MessageId(draft.id), text, None).await?)
        }
        _ => (start_draft(tx, text).await?, 1),
    };
    remember(tx, key, hash, before.is_some(), id).await?;
    Ok((id, revision))
}

fn hash_of(text: &DraftText) -> Result<Vec<u8>, Fault> {
    let json = serde_json::to_vec(text).map_err(|e| Fault::from_error(FaultKind::Other, "draft to JSON", e))?;
    Ok(keys::sha256(&[b"draft", &json]).to_vec())
}

async fn remember(tx: &TenantTx, key: String, hash: Vec<u8>, known: bool, id: MessageId) -> Result<(), Fault> {
    if known {
        let update = tx.update::<idempotency::Entity>().set(idempotency::Column::MessageId, id.0);
        let update = update.set(idempotency::Column::RequestHash, hash);
        return update.filter(idempotency::Column::Key.eq(key)).exec().await.map(|_| ());
    }
    tx.insert(idempotency::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        key: Set(key),
        request_hash: Set(hash),
        message_id: Set(id.0),
        created_at: Set(tx.now().0),
    })
    .await
}
