//! A request that comes twice is answered twice and sent once.

use super::{
    answer::{SendRefused, Sent, SentRecipient},
    prepare::Ready,
};
use crate::{FieldError, Post};
use kernel::{Fault, MessageId, RecipientId, Time};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder};
use store::{
    Caller, Look, TenantRead, TenantTx,
    entity::{idempotency, member, message, recipient},
};

const MAX_KEY_CHARS: usize = 200;

pub(super) fn check_key(key: &str) -> Result<(), SendRefused> {
    let fits = !key.is_empty() && key.len() <= MAX_KEY_CHARS && key.bytes().all(|b| (0x20..0x7f).contains(&b));
    let sentence = format!("An Idempotency-Key has 1 to {MAX_KEY_CHARS} printable ASCII characters.");
    if fits { Ok(()) } else { Err(SendRefused::Fields(vec![FieldError::new("idempotency_key", sentence)])) }
}

pub(super) async fn remember_key(tx: &TenantTx, ready: &Ready) -> Result<(), Fault> {
    let Some((key, hash)) = &ready.idempotency else { return Ok(()) };
    tx.insert(idempotency::ActiveModel {
        tenant_id: Set(tx.tenant().0),
        key: Set(key.clone()),
        request_hash: Set(hash.to_vec()),
        message_id: Set(ready.id.0),
        created_at: Set(tx.now().0),
    })
    .await
}

pub(super) async fn answered_before(post: &Post, who: &Caller, key: &str, hash: &[u8; 32]) -> Result<Option<Sent>, SendRefused> {
    post.db
        .read(who, async |read| {
            let row = read.find::<idempotency::Entity>().filter(idempotency::Column::Key.eq(key)).one().await?;
            match row {
                None => Ok(None),
                Some(row) if row.request_hash != hash => Err(SendRefused::KeyReused),
                Some(row) => sent_before(read, MessageId(row.message_id)).await,
            }
        })
        .await
}

pub(super) async fn sent_before(read: &TenantRead, id: MessageId) -> Result<Option<Sent>, SendRefused> {
    let Some(row) = read.get::<message::Entity>(id.0).await? else { return Ok(None) };
    let to = read
        .find::<recipient::Entity>()
        .filter(recipient::Column::MessageId.eq(id.0))
        .order_by_asc(recipient::Column::Position)
        .all()
        .await?;
    let recipients = to.into_iter().map(|r| SentRecipient { id: RecipientId(r.id), address: r.address }).collect();
    let held = read.get::<member::Entity>(row.member_id).await?.is_none_or(|sender| sender.email_proven_at.is_none());
    Ok(Some(Sent { id, recipients, expires_at: Time(row.expires_at), release_at: Time(row.release_at), repeated: true, held }))
}
