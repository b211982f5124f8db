//! The whole of sending, for a door.

use super::{
    answer::{SendRefused, Sent},
    idempotency::{answered_before, check_key, sent_before},
    prepare::prepare,
    send,
};
use crate::{Draft, Outline, Post};
use kernel::{Fault, FaultKind, MAX_BODY_IN_ROW};
use store::Caller;

/// A sealed body is longer than the text by less than this.
const ROOM_FOR_TAGS: usize = 1024;

/// Parse, prepare and send. `idempotency`: key and hash of the request; a second one answers what the first did.
/// A draft that was sent already answers its message (`repeated`), so a double click sends once.
pub async fn submit(post: &Post, who: &Caller, outline: &Outline, idempotency: Option<(&str, [u8; 32])>) -> Result<Sent, SendRefused> {
    if let Some((key, hash)) = idempotency {
        check_key(key)?;
        if let Some(before) = answered_before(post, who, key, &hash).await? {
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
    // On the heap: the futures of the doors are moved a few times before they run, and would be as large as this one.
    let accepting = Box::pin(accept(post.clone(), who.clone(), parsed, idempotency.map(|(key, hash)| (key.to_owned(), hash))));
    let sent = match stored_beside {
        true => tokio::spawn(accepting).await.map_err(|e| Fault::other(format!("sending stopped: {e}")))?,
        false => accepting.await,
    };
    match (sent, draft_id, idempotency) {
        (Err(SendRefused::NoDraft), Some(id), _) => {
            post.db.read(who, async |read| sent_before(read, id).await).await?.ok_or(SendRefused::NoDraft)
        }
        (Err(SendRefused::Fault(f)), _, Some((key, hash))) if f.kind() == FaultKind::Unique => {
            answered_before(post, who, key, &hash).await?.ok_or(SendRefused::Fault(f))
        }
        (sent, ..) => sent,
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
