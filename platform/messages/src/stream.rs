//! Serves a sealed file in constant memory, from any byte on: a range opens the chunks that hold it and no others.

use crate::{AttachmentView, Post, draft, message, pick_up::Letter, segment, segment::Piece, visit};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use kernel::{AttachmentId, Fault, MessageId};
use keys::{MessageKey, Part, PartKey, Slot, Token};
use sea_orm::{ColumnTrait, QueryFilter};
use std::{ops::Range, sync::Arc};
use store::{
    Blobs, Caller, TenantRead, Who,
    entity::{attachment, released},
};

/// A file that its reader may have.
pub struct OpenFile {
    pub file: AttachmentView,
    source: Source,
}

/// Who asks: a recipient's browser to which the file was released; or the sender's side, which may name the message.
pub enum Reader<'a> {
    Browser(&'a Token),
    Sender(Option<MessageId>),
}

/// Only the sender's side is told more than that there is nothing.
#[derive(Debug, thiserror::Error)]
pub enum FileRefused {
    /// Not theirs, not released, not complete, or not there.
    #[error("There is no such file.")]
    NotFound,
    #[error("This message is sealed with a message password that we do not have, so we cannot open its files, not even for you.")]
    Sealed,
    #[error("The content of this message was destroyed, and its files with it. Its evidence stays.")]
    Gone,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Finds the file and its key; reads no content.
pub async fn open_file(post: &Post, who: &Caller, reader: Reader<'_>, file: AttachmentId) -> Result<OpenFile, FileRefused> {
    let (row, key) = post
        .db
        .read(who, async |read| {
            let found = read.get::<attachment::Entity>(file.0).await?;
            let row = found.filter(|row| row.sha256.is_some()).ok_or(FileRefused::NotFound)?;
            let key = match &reader {
                Reader::Browser(cookie) => released_key(read, cookie, &row).await?,
                Reader::Sender(named) if named.is_none_or(|id| id.0 == row.message_id) => own_key(read, &row).await?,
                Reader::Sender(_) => return Err(FileRefused::NotFound),
            };
            Ok((row, key))
        })
        .await?;
    let file = AttachmentView::of(&row);
    let source = Source {
        blobs: post.db.blobs().clone(),
        name: row.blob,
        places: row.places.into(),
        key: key.part(Part::Attachment(file.id)),
        size: file.received,
    };
    Ok(OpenFile { file, source })
}

async fn released_key(read: &TenantRead, cookie: &Token, row: &attachment::Model) -> Result<MessageKey, FileRefused> {
    let opened = visit::opened(read, &Letter::of(read).await?, cookie).await?.filter(|(_, key)| key.message().0 == row.message_id);
    let (visit, key) = opened.ok_or(FileRefused::NotFound)?;
    let released = read
        .find::<released::Entity>()
        .filter(released::Column::VisitId.eq(visit.id))
        .filter(released::Column::AttachmentId.eq(row.id))
        .one()
        .await?;
    released.map(|_| key).ok_or(FileRefused::NotFound)
}

/// The sender's own slot; of what is not sent yet, the draft's. Reading takes no right (`store::Right`), but a member or a key.
async fn own_key(read: &TenantRead, row: &attachment::Model) -> Result<MessageKey, FileRefused> {
    if !matches!(read.caller().who(), Who::Member { .. } | Who::Key { .. }) {
        return Err(FileRefused::NotFound);
    }
    let id = MessageId(row.message_id);
    let Some(message) = message::row(read, id).await? else {
        return draft::draft_key(read, id).await?.ok_or(FileRefused::NotFound);
    };
    match message.sender_slot {
        _ if message.shredded_at.is_some() => Err(FileRefused::Gone),
        Some(slot) => Ok(read.keys().unwrap(id, Slot::Sender, &slot)?),
        None => Err(FileRefused::Sealed),
    }
}

impl OpenFile {
    /// The bytes from..to (to exclusive), which must lie within the file. Nothing is read before they are asked for.
    pub fn bytes(self, range: Range<u64>) -> BoxStream<'static, Result<Bytes, std::io::Error>> {
        let segments = if range.is_empty() { 0..0 } else { segment::number(range.start)..segment::number(range.end - 1) + 1 };
        // One segment is opened ahead of the one being sent.
        stream::iter(segments).map(move |n| self.source.clone().read(range.clone(), n)).buffered(2).boxed()
    }
}

#[derive(Clone)]
struct Source {
    blobs: Blobs,
    name: String,
    places: Arc<[u8]>,
    key: PartKey,
    size: u64,
}

impl Source {
    /// What segment `number` holds of `range`.
    async fn read(self, range: Range<u64>, number: u64) -> Result<Bytes, std::io::Error> {
        let piece = Piece::holding(&range, number, self.size);
        let sealed =
            self.blobs.get_ranges(&self.name, piece.lies_at(&self.places), &piece.places()).await.map_err(std::io::Error::other)?;
        let start = piece.start();
        let opening = tokio::task::spawn_blocking(move || match sealed.as_slice() {
            [salt, chunks] => piece.open(&self.key, salt, chunks),
            _ => Err(Fault::other("a blob answered another number of ranges")),
        });
        let plain = Bytes::from(opening.await.map_err(std::io::Error::other)?.map_err(std::io::Error::other)?);
        let within = |at: u64| at.saturating_sub(start).min(plain.len() as u64) as usize;
        Ok(plain.slice(within(range.start)..within(range.end)))
    }
}
