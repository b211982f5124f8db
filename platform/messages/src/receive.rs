//! Receives a file in constant memory: sealed chunk by chunk, durable segment by segment, resumable at any of them.
//!
//! What would surprise you: while one segment is sealed and made durable the next is already arriving, so at most three
//! segments are in memory; and the hash of the whole file goes on across requests because its state lies in the row.

use crate::{AttachRefused, AttachmentView, Post, attach, draft, segment};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use kernel::{AttachmentId, Fault, FaultKind, MessageId};
use keys::{Part, PartKey, ResumableSha256};
use sea_orm::{ColumnTrait, QueryFilter};
use segment::SEGMENT;
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
    hash: Option<ResumableSha256>,
    limit: Option<u64>,
}

/// A segment that is durable and in the row.
struct Stored {
    row: attachment::Model,
    hash: ResumableSha256,
}

type Storing = tokio::task::JoinHandle<Result<Stored, AttachRefused>>;

impl Upload {
    async fn open(post: &Post, who: &Caller, id: AttachmentId, offset: u64) -> Result<Upload, AttachRefused> {
        who.must(Right::Attach)?;
        let (row, key, limit) = post
            .db
            .read(who, async |read| {
                let row = read
                    .find::<attachment::Entity>()
                    .filter(attachment::Column::Id.eq(id.0))
                    .one()
                    .await?
                    .ok_or(AttachRefused::NotFound)?;
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
        Ok(Upload { post: post.clone(), who: who.clone(), row, key, hash: Some(hash), limit })
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
            let (plain, end) = reader.next().await;
            let seen = here + plain.len() as u64;
            let wrong = self.check_size(seen, &end);
            let last = matches!(end, End::Finished) && self.declared().is_none_or(|d| d == seen);
            self.settle(storing.take()).await?;
            wrong?;
            if (plain.len() == SEGMENT || last) && !plain.is_empty() {
                storing = Some(self.store(here, plain, last)?);
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

    /// Seals, stores and writes down beside the arrival of the next segment. A task of its own: where the request is given up half-way,
    /// what was stored is written down all the same, or deleted.
    fn store(&mut self, start: u64, plain: Vec<u8>, last: bool) -> Result<Storing, Fault> {
        let hash = self.hash.take().ok_or_else(|| Fault::other("two segments at once"))?;
        let (post, who, row, key) = (self.post.clone(), self.who.clone(), self.row.clone(), self.key.clone());
        Ok(tokio::spawn(async move { keep(&post, &who, row, Segment { key, start, plain, last }, hash).await }))
    }

    async fn settle(&mut self, storing: Option<Storing>) -> Result<(), AttachRefused> {
        let Some(storing) = storing else { return Ok(()) };
        let stored = storing.await.map_err(|e| Fault::other(format!("storing stopped: {e}")))??;
        self.row = stored.row;
        self.hash = Some(stored.hash);
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

struct Segment {
    key: PartKey,
    /// Its first byte.
    start: u64,
    plain: Vec<u8>,
    /// The file ends with it.
    last: bool,
}

/// The segment made durable in a place of its own, then one act that moves the row on to it. An act that is refused takes the segment with
/// it; one whose end nobody knows leaves it, since the row may name it.
async fn keep(
    post: &Post,
    who: &Caller,
    row: attachment::Model,
    segment: Segment,
    mut hash: ResumableSha256,
) -> Result<Stored, AttachRefused> {
    let Segment { key, start, plain, last } = segment;
    let (bytes, chance) = (plain.len(), post.db.chance().clone());
    let number = segment::number(start);
    let place = segment::fresh_place(number, &chance);
    let sealing = tokio::task::spawn_blocking(move || {
        hash.update(&plain);
        (segment::seal(&key, start, &plain, last, &chance), hash)
    });
    let (sealed, hash) = sealing.await.map_err(|e| Fault::other(format!("sealing stopped: {e}")))?;
    post.db.blobs().put(&row.blob, place, sealed).await?;
    let next = attachment::Model {
        received_bytes: row.received_bytes + bytes as i64,
        hash_state: if last { Vec::new() } else { hash.state()? },
        sha256: last.then(|| hash.clone().finish().to_vec()),
        places: segment::with_place(&row.places, number, place),
        ..row.clone()
    };
    if let Err(refused) = write_down(post, who, &row, &next).await {
        let known = !matches!(&refused, AttachRefused::Fault(fault) if fault.kind() == FaultKind::Uncertain);
        if known && let Err(fault) = post.db.blobs().delete(&row.blob, place).await {
            tracing::warn!(%fault, "a segment that nobody needs was not deleted");
        }
        return Err(refused);
    }
    Ok(Stored { row: next, hash })
}

/// The row moves on only if nobody else moved it.
async fn write_down(post: &Post, who: &Caller, row: &attachment::Model, next: &attachment::Model) -> Result<(), AttachRefused> {
    post.db
        .act(who, async |tx| {
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
                return Err(AttachRefused::NotFound);
            }
            quota::reserve_bytes(tx, next.received_bytes - row.received_bytes).await.map_err(refused)
        })
        .await
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
    /// A full segment and `More`, or what was left and how the stream ended. After a full one it is known whether more comes.
    async fn next(&mut self) -> (Vec<u8>, End) {
        let mut plain = Vec::with_capacity(SEGMENT.min(self.carry.len().max(64 * 1024)));
        loop {
            let room = SEGMENT - plain.len();
            let n = self.carry.len().min(room);
            plain.extend_from_slice(&self.carry[..n]);
            self.carry.advance(n);
            if !self.carry.is_empty() {
                return (plain, End::More);
            }
            match tokio::time::timeout(SILENCE, self.bytes.next()).await {
                Ok(Some(Ok(bytes))) => self.carry = bytes,
                Ok(None) => return (plain, End::Finished),
                Ok(Some(Err(_))) | Err(_) => return (plain, End::Broken),
            }
        }
    }
}
