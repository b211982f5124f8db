//! Receives a file in constant memory: sealed chunk by chunk, durable segment by segment, resumable at any of them.
//!
//! What would surprise you: while one segment is made durable the next is already arriving, so at most two are in memory, both sealed, in
//! turns in the same two places; and the hash of the whole file goes on across requests because its state lies in the row.

use crate::{AttachRefused, AttachmentView, Post, attach, draft, segment};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use kernel::{AttachmentId, Fault, FaultKind, MessageId};
use keys::{Part, PartKey, ResumableSha256};
use sea_orm::{ColumnTrait, QueryFilter};
use segment::{SEGMENT, Sealer};
use std::time::Duration;
use store::{Caller, Right, entity::attachment};

/// A sender that sends nothing for this long has gone.
const SILENCE: Duration = Duration::from_secs(60);

/// Takes bytes from `offset` (which must equal what is here). With a declared size the file is complete when all of it is here;
/// without one, when the stream ends well. A stream that breaks keeps the whole segments that arrived.
pub async fn receive<S, X>(post: &Post, who: &Caller, id: AttachmentId, offset: u64, bytes: S) -> Result<AttachmentView, AttachRefused>
where
    S: Stream<Item = Result<Bytes, X>> + Send + Unpin,
    X: std::fmt::Display + Send,
{
    let upload = Upload::open(post, who, id, offset).await?;
    let mut reader = Segments { bytes, carry: Bytes::new() };
    upload.take(&mut reader).await
}

/// One request's part of an upload.
struct Upload {
    post: Post,
    who: Caller,
    row: attachment::Model,
    key: PartKey,
    /// Of all that came, a segment that is still arriving included.
    hash: ResumableSha256,
    limit: Option<u64>,
    /// Where a segment lay that is stored, for the one after next.
    room: Vec<u8>,
}

/// A segment on its way to being durable and in the row, which it answers with the room that the segment took.
type Storing = tokio::task::JoinHandle<Result<(attachment::Model, Vec<u8>), AttachRefused>>;

impl Upload {
    async fn open(post: &Post, who: &Caller, id: AttachmentId, offset: u64) -> Result<Upload, AttachRefused> {
        who.must(Right::Attach)?;
        let (row, key, limit) = post
            .db
            .read(who, async |read| {
                let row = read.get::<attachment::Entity>(id.0).await?.ok_or(AttachRefused::NotFound)?;
                let message = MessageId(row.message_id);
                let key = draft::draft_key(read, message).await?.ok_or(AttachRefused::NotFound)?;
                let limits = quota::limits(read).await?;
                let others = attach::total_bytes(&attach::rows(read, message).await?) - row.declared_bytes.unwrap_or(row.received_bytes);
                let limit = limits.message_bytes.map(|max| u64::try_from(max - others).unwrap_or(0));
                Ok::<_, AttachRefused>((row, key.part(Part::Attachment(id)), limit))
            })
            .await?;
        if row.sha256.is_some() {
            return Err(AttachRefused::Complete);
        }
        if post.db.disk().is_low() {
            return Err(AttachRefused::NoRoom);
        }
        let here = u64::try_from(row.received_bytes).unwrap_or(0);
        if here != offset {
            return Err(AttachRefused::Offset(here));
        }
        let hash = ResumableSha256::from_state(&row.hash_state)?;
        Ok(Upload { post: post.clone(), who: who.clone(), row, key, hash, limit, room: Vec::new() })
    }

    async fn take<S, X>(mut self, reader: &mut Segments<S>) -> Result<AttachmentView, AttachRefused>
    where
        S: Stream<Item = Result<Bytes, X>> + Send + Unpin,
        X: std::fmt::Display + Send,
    {
        let mut here = u64::try_from(self.row.received_bytes).unwrap_or(0);
        let began = self.row.received_bytes;
        let mut storing: Option<Storing> = None;
        loop {
            let expected = self.declared().map_or(SEGMENT, |d| usize::try_from(d.saturating_sub(here)).unwrap_or(SEGMENT));
            let mut segment = Sealer::begin(&self.key, here, expected, std::mem::take(&mut self.room), self.post.db.chance());
            let end = reader.fill(&mut segment, &mut self.hash).await;
            let seen = here + segment.len() as u64;
            // Refused before the segment is stored, where it is known that more comes: what is kept can still be gone on from.
            let wrong = self.check_size(seen + u64::from(matches!(end, End::More)), &end);
            let last = matches!(end, End::Finished) && self.declared().is_none_or(|d| d == seen);
            self.settle(storing.take()).await?;
            wrong?;
            if segment.len() == SEGMENT || (last && segment.len() > 0) {
                storing = Some(self.store(here, segment, last)?);
                here = seen;
            }
            if !matches!(end, End::More) {
                self.settle(storing.take()).await?;
                let lost = matches!(end, End::Finished) && self.row.received_bytes == began && seen > here;
                return if lost { Err(AttachRefused::PieceTooSmall) } else { self.answer(&end) };
            }
        }
    }

    fn declared(&self) -> Option<u64> {
        self.row.declared_bytes.and_then(|n| u64::try_from(n).ok())
    }

    fn check_size(&self, seen: u64, end: &End) -> Result<(), AttachRefused> {
        if let Some(declared) = self.declared().filter(|d| seen > *d) {
            return Err(AttachRefused::MoreThanDeclared(declared));
        }
        if self.limit.is_some_and(|limit| seen > limit) {
            let limit = self.limit.map_or(0, attach::as_bytes);
            return Err(quota::QuotaRefused::TooLarge { limit }.into());
        }
        // A large file may take what was left while it arrives; what is stored stays, to go on from.
        if self.post.db.disk().is_low() {
            return Err(AttachRefused::NoRoom);
        }
        if seen == 0 && matches!(end, End::Finished) {
            return Err(AttachRefused::Empty(self.row.name.clone()));
        }
        Ok(())
    }

    /// Stores and writes down beside the arrival of the next segment. A task of its own: where the request is given up half-way,
    /// what was stored is written down all the same, or deleted.
    fn store(&mut self, start: u64, segment: Sealer, last: bool) -> Result<Storing, Fault> {
        let (post, who, row, number) = (self.post.clone(), self.who.clone(), self.row.clone(), segment::number(start));
        let place = segment::fresh_place(number, post.db.chance());
        let received_bytes = row.received_bytes + segment.len() as i64;
        let sealed = segment.finish(last, &mut self.hash);
        let next = attachment::Model {
            received_bytes,
            hash_state: if last { Vec::new() } else { self.hash.state()? },
            sha256: last.then(|| self.hash.clone().finish().to_vec()),
            places: segment::with_place(&row.places, number, place),
            ..row.clone()
        };
        Ok(tokio::spawn(async move { keep(&post, &who, row, next, place, sealed).await }))
    }

    async fn settle(&mut self, storing: Option<Storing>) -> Result<(), AttachRefused> {
        let Some(storing) = storing else { return Ok(()) };
        (self.row, self.room) = storing.await.map_err(|e| Fault::other(format!("storing stopped: {e}")))??;
        Ok(())
    }

    fn answer(&self, end: &End) -> Result<AttachmentView, AttachRefused> {
        let view = AttachmentView::of(&self.row);
        match end {
            End::Broken if !view.complete() => Err(AttachRefused::Broken),
            _ => Ok(view),
        }
    }
}

/// The segment made durable in a place of its own, then one act that moves the row on to it. An act that is refused takes the segment with
/// it; one whose end nobody knows leaves it, since the row may name it.
async fn keep(
    post: &Post,
    who: &Caller,
    row: attachment::Model,
    next: attachment::Model,
    place: u64,
    mut sealed: Bytes,
) -> Result<(attachment::Model, Vec<u8>), AttachRefused> {
    post.db.blobs().put(&row.blob, place, sealed.clone()).await?;
    sealed.advance(sealed.len());
    if let Err(refused) = write_down(post, who, &row, &next).await {
        let known = !matches!(&refused, AttachRefused::Fault(fault) if fault.kind() == FaultKind::Uncertain);
        if known && let Err(fault) = post.db.blobs().delete(&row.blob, place).await {
            tracing::warn!(%fault, "a segment that nobody needs was not deleted");
        }
        return Err(refused);
    }
    // The same memory again, unless somebody holds on to it; then it is new.
    Ok((next, sealed.into()))
}

/// The row moves on only if nobody else moved it.
async fn write_down(post: &Post, who: &Caller, row: &attachment::Model, next: &attachment::Model) -> Result<(), AttachRefused> {
    post.db
        .act(who, async |tx| {
            attach::hold_draft(tx, MessageId(row.message_id)).await?;
            let moved = tx
                .update::<attachment::Entity>()
                .set(attachment::Column::ReceivedBytes, next.received_bytes)
                .set(attachment::Column::HashState, next.hash_state.clone())
                .set(attachment::Column::Sha256, next.sha256.clone())
                .set(attachment::Column::Places, next.places.clone())
                .set(attachment::Column::UpdatedAt, tx.now().0)
                .filter(attachment::Column::Id.eq(row.id))
                .filter(attachment::Column::ReceivedBytes.eq(row.received_bytes))
                .filter(attachment::Column::Sha256.is_null())
                .exec()
                .await?;
            if moved == 0 {
                let now = tx.get::<attachment::Entity>(row.id).await?;
                return Err(now.map_or(AttachRefused::NotFound, |now| moved_on(&now)));
            }
            quota::reserve_bytes(tx, next.received_bytes - row.received_bytes).await.map_err(refused)
        })
        .await
}

/// Somebody else wrote the same piece, and was faster.
fn moved_on(now: &attachment::Model) -> AttachRefused {
    match now.sha256 {
        Some(_) => AttachRefused::Complete,
        None => AttachRefused::Offset(u64::try_from(now.received_bytes).unwrap_or(0)),
    }
}

fn refused(refused: quota::Refused) -> AttachRefused {
    match refused {
        quota::Refused::Quota(q) => AttachRefused::Quota(q),
        quota::Refused::Fault(f) => AttachRefused::Fault(f),
    }
}

/// How a segment ended.
enum End {
    More,
    Finished,
    Broken,
}

/// Cuts a stream of bytes into segments.
struct Segments<S> {
    bytes: S,
    carry: Bytes,
}

impl<S, X> Segments<S>
where
    S: Stream<Item = Result<Bytes, X>> + Send + Unpin,
    X: std::fmt::Display + Send,
{
    /// Fills the segment, up to `More` when it is full, or to how the stream ended. After a full one it is known whether more comes.
    async fn fill(&mut self, segment: &mut Sealer, hash: &mut ResumableSha256) -> End {
        loop {
            segment.take(&mut self.carry, hash);
            if !self.carry.is_empty() {
                return End::More;
            }
            match tokio::time::timeout(SILENCE, self.bytes.next()).await {
                Ok(Some(Ok(bytes))) => self.carry = bytes,
                Ok(None) => return End::Finished,
                Ok(Some(Err(_))) | Err(_) => return End::Broken,
            }
        }
    }
}
