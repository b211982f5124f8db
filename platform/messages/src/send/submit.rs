//! The whole of sending, for a door.

use super::{
    answer::{SendRefused, Sent},
    idempotency::{answered_before, check_key, sent_before},
    prepare::prepare,
    send,
};
use crate::{Draft, Outline, Post};
use kernel::{Fault, FaultKind, MAX_BODY_IN_ROW, MessageId};
use store::Caller;

/// A sealed body is longer than the text by less than this.
const ROOM_FOR_TAGS: usize = 1024;

/// Parse, prepare and send. `idempotency`: key and hash of the request; a second one answers what the first did.
/// A draft that was sent already answers its message (`repeated`), so a double click sends once.
pub async fn submit(post: &Post, who: &Caller, outline: &Outline, idempotency: Option<(&str, [u8; 32])>) -> Result<Sent, SendRefused> {
    // What is on the heap here is rarely needed, or long: the futures of the doors are moved a few times before they run, and would be as
    // large as the largest of these.
    if let Some((key, hash)) = idempotency {
        check_key(key)?;
        if let Some(before) = Box::pin(answered_before(post, who, key, &hash)).await? {
            return Ok(before);
        }
    }
    let parsed = Draft::parse(outline, post.db.clock().now()).map_err(SendRefused::Fields)?;
    if post.db.disk().is_low() {
        return Err(SendRefused::NoRoom);
    }
    let draft_id = parsed.draft;
    // Where the body may be stored beside the database, nobody who hangs up half-way may leave it there.
    let stored_beside = parsed.body.len() + ROOM_FOR_TAGS > MAX_BODY_IN_ROW;
    let accepting = Box::pin(accept(post.clone(), who.clone(), parsed, idempotency.map(|(key, hash)| (key.to_owned(), hash))));
    let sent = match stored_beside {
        true => tokio::spawn(accepting).await.map_err(|e| Fault::other(format!("sending stopped: {e}")))?,
        false => accepting.await,
    };
    let refused = match sent {
        Ok(sent) => return Ok(sent),
        Err(refused) => refused,
    };
    let by_another = match &refused {
        SendRefused::NoDraft | SendRefused::Quota(_) => true,
        SendRefused::Fault(fault) => fault.kind() == FaultKind::Unique,
        _ => false,
    };
    match by_another {
        true => Box::pin(done_meanwhile(post, who, draft_id, idempotency)).await?.ok_or(refused),
        false => Err(refused),
    }
}

/// What the same request, which came at the same time, did while this one was prepared.
async fn done_meanwhile(
    post: &Post,
    who: &Caller,
    draft: Option<MessageId>,
    idempotency: Option<(&str, [u8; 32])>,
) -> Result<Option<Sent>, SendRefused> {
    if let Some((key, hash)) = idempotency
        && let Some(before) = answered_before(post, who, key, &hash).await?
    {
        return Ok(Some(before));
    }
    match draft {
        Some(id) => post.db.read(who, async |read| sent_before(read, id).await).await,
        None => Ok(None),
    }
}

/// Everything that is slow, then the act; what was stored for a message that was refused is deleted.
async fn accept(post: Post, who: Caller, parsed: Draft, idempotency: Option<(String, [u8; 32])>) -> Result<Sent, SendRefused> {
    let mut ready = prepare(&post, &who, parsed).await?;
    ready.idempotency = idempotency;
    let sent = post.db.act(&who, async |tx| send(tx, &ready).await).await;
    let refused = matches!(&sent, Err(refused) if !matches!(refused, SendRefused::Fault(fault) if fault.kind() == FaultKind::Uncertain));
    if refused {
        ready.discard(&post).await;
    }
    sent
}
