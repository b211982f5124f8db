//! Serves a sealed file in constant memory, from any byte on.

use crate::{AttachmentView, Post, segment, visit};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use kernel::{AttachmentId, Fault, MessageId};
use keys::{MessageKey, Part, PartKey, Slot, Token};
use sea_orm::{ColumnTrait, QueryFilter};
use segment::SEGMENT;
use std::ops::Range;
use store::{
    Blobs, Caller, TenantRead,
    entity::{attachment, message, released},
};

/// A file on its way out.
pub struct FileStream {
    pub file: AttachmentView,
    /// Bytes that will come.
    pub range: Range<u64>,
    pub bytes: BoxStream<'static, Result<Bytes, std::io::Error>>,
}

/// Who asks: a recipient's browser to which the file was released, or the sender (unless sealed with a password).
pub enum Reader<'a> {
    Browser(&'a Token),
    Sender(MessageId),
}

/// `wanted`: bytes from..to (to exclusive, cut to the size); `None` all. `None` back: not theirs, not released, gone.
pub async fn open_file(
    post: &Post,
    who: &Caller,
    reader: Reader<'_>,
    file: AttachmentId,
    wanted: Option<Range<u64>>,
) -> Result<Option<FileStream>, Fault> {
    let found = post
        .db
        .read(who, async |read| {
            let Some(key) = key_for(read, &reader, file).await? else { return Ok(None) };
            let row = read
                .find::<attachment::Entity>()
                .filter(attachment::Column::Id.eq(file.0))
                .filter(attachment::Column::MessageId.eq(key.message().0))
                .filter(attachment::Column::Sha256.is_not_null())
                .one()
                .await?;
            Ok::<_, Fault>(row.map(|row| (row, key)))
        })
        .await?;
    Ok(found.map(|(row, key)| start(post, row, key.part(Part::Attachment(file)), wanted)))
}

async fn key_for(read: &TenantRead, reader: &Reader<'_>, file: AttachmentId) -> Result<Option<MessageKey>, Fault> {
    match reader {
        Reader::Browser(cookie) => {
            let Some((visit, key)) = visit::opened(read, cookie).await? else { return Ok(None) };
            let released = read
                .find::<released::Entity>()
                .filter(released::Column::VisitId.eq(visit.id))
                .filter(released::Column::AttachmentId.eq(file.0))
                .one()
                .await?;
            Ok(released.map(|_| key))
        }
        Reader::Sender(id) => {
            let row = read.find::<message::Entity>().filter(message::Column::Id.eq(id.0)).one().await?;
            row.and_then(|row| row.sender_slot).map(|slot| read.keys().unwrap(*id, Slot::Sender, &slot)).transpose()
        }
    }
}

fn start(post: &Post, row: attachment::Model, key: PartKey, wanted: Option<Range<u64>>) -> FileStream {
    let file = AttachmentView::of(&row);
    let size = file.received;
    let range = wanted.map_or(0..size, |r| r.start.min(size)..r.end.min(size));
    let source = Source { blobs: post.db.blobs().clone(), name: row.blob, key, size, range: range.clone() };
    let segments = if range.is_empty() { 0..0 } else { segment::number(range.start)..segment::number(range.end - 1) + 1 };
    // One segment is opened ahead of the one being sent.
    let bytes = stream::iter(segments).map(move |n| source.clone().segment(n)).buffered(2).boxed();
    FileStream { file, range, bytes }
}

#[derive(Clone)]
struct Source {
    blobs: Blobs,
    name: String,
    key: PartKey,
    size: u64,
    range: Range<u64>,
}

impl Source {
    async fn segment(self, number: u64) -> Result<Bytes, std::io::Error> {
        let sealed = self.blobs.get(&self.name, number).await.map_err(std::io::Error::other)?;
        let (key, size) = (self.key.clone(), self.size);
        let plain = tokio::task::spawn_blocking(move || segment::open(&key, number, size, &sealed)).await;
        let plain = Bytes::from(plain.map_err(std::io::Error::other)?.map_err(std::io::Error::other)?);
        let start = number * SEGMENT as u64;
        let from = self.range.start.saturating_sub(start).min(plain.len() as u64) as usize;
        let to = self.range.end.saturating_sub(start).min(plain.len() as u64) as usize;
        Ok(plain.slice(from..to))
    }
}
