//! Receives a file in constant memory: sealed chunk by chunk, durable segment by segment, resumable at any of them.
//!
//! What would surprise you: while one segment is sealed and made durable the next is already arriving, so at most three
//! segments are in memory; and the hash of the whole file goes on across requests because its state lies in the row.

use crate::{AttachRefused, AttachmentView, Post, attach, draft, segment};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use kernel::{AttachmentId, Fault, MessageId};
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
struct Upload<'p> {
    post: &'p Post,
    who: &'p Caller,
    row: attachment::Model,
    key: PartKey,
    hash: Option<ResumableSha256>,
    limit: Option<u64>,
}

/// A segment that is durable, to be written into the row.
struct Stored {
    bytes: usize,
    hash: ResumableSha256,
    last: bool,
}

impl<'p> Upload<'p> {
    async fn open(post: &'p Post, who: &'p Caller, id: AttachmentId, offset: u64) -> Result<Upload<'p>, AttachRefused> {
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
        Ok(Upload { post, who, row, key, hash: Some(hash), limit })
    }

    async fn take<S, X>(mut self, reader: &mut Segments<S>) -> Result<AttachmentView, AttachRefused>
    where
        S: Stream<Item = Result<Bytes, X>> + Send + Unpin,
        X: std::fmt::Display + Send,
    {
        let mut here = u64::try_from(self.row.received_bytes).unwrap_or(0);
        let began = self.row.received_bytes;
        let mut storing: Option<tokio::task::JoinHandle<Result<Stored, Fault>>> = None;
        loop {
            let (plain, end) = reader.next().await;
            let seen = here + plain.len() as u64;
            let wrong = self.check_size(seen, &end);
            let last = matches!(end, End::Finished) && self.declared().is_none_or(|d| d == seen);
            if let Some(before) = storing.take() {
                self.write_down(before.await.map_err(|e| Fault::other(format!("sealing stopped: {e}")))??).await?;
            }
            wrong?;
            if (plain.len() == SEGMENT || last) && !plain.is_empty() {
                storing = Some(self.store(here, plain, last)?);
                here = seen;
            }
            if !matches!(end, End::More) {
                if let Some(newest) = storing.take() {
                    self.write_down(newest.await.map_err(|e| Fault::other(format!("sealing stopped: {e}")))??).await?;
                }
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

    /// Seals and stores beside the arrival of the next segment.
    fn store(&mut self, start: u64, plain: Vec<u8>, last: bool) -> Result<tokio::task::JoinHandle<Result<Stored, Fault>>, Fault> {
        let mut hash = self.hash.take().ok_or_else(|| Fault::other("two segments at once"))?;
        let (key, chance) = (self.key.clone(), self.post.db.chance().clone());
        let (blobs, name) = (self.post.db.blobs().clone(), self.row.blob.clone());
        Ok(tokio::spawn(async move {
            let bytes = plain.len();
            let sealing = tokio::task::spawn_blocking(move || {
                hash.update(&plain);
                (segment::seal(&key, start, &plain, last, &chance), hash)
            });
            let (sealed, hash) = sealing.await.map_err(|e| Fault::other(format!("sealing stopped: {e}")))?;
            blobs.put(&name, segment::number(start), sealed).await?;
            Ok(Stored { bytes, hash, last })
        }))
    }

    /// One act a segment: the row moves on only if nobody else moved it.
    async fn write_down(&mut self, stored: Stored) -> Result<(), AttachRefused> {
        let Stored { bytes, hash, last } = stored;
        let (id, before) = (self.row.id, self.row.received_bytes);
        let received = before + bytes as i64;
        let state = if last { Vec::new() } else { hash.state()? };
        let sha256 = last.then(|| hash.clone().finish().to_vec());
        let (kept, digest) = (state.clone(), sha256.clone());
        self.post
            .db
            .act(self.who, async move |tx| {
                let moved = tx
                    .update::<attachment::Entity>()
                    .set(attachment::Column::ReceivedBytes, received)
                    .set(attachment::Column::HashState, kept)
                    .set(attachment::Column::Sha256, digest)
                    .set(attachment::Column::UpdatedAt, tx.now().0)
                    .filter(attachment::Column::Id.eq(id))
                    .filter(attachment::Column::ReceivedBytes.eq(before))
                    .filter(attachment::Column::Sha256.is_null())
                    .exec()
                    .await?;
                if moved == 0 {
                    return Err(AttachRefused::NotFound);
                }
                quota::reserve_bytes(tx, bytes as i64).await.map_err(refused)
            })
            .await?;
        self.row.received_bytes = received;
        self.row.sha256 = sha256;
        self.hash = Some(hash);
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
