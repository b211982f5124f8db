//! The files of a message: list, download, remove.

use crate::{
    Api,
    answer::{Answer, NoContent},
    ids::Id,
    problem::Problem,
};
use kernel::{AttachmentId, MessageId};
use messages::{AttachmentView, Reader, draft, find_message, open_file, remove_attachment};
use poem::Body;
use poem_openapi::{ApiResponse, Object, payload::Binary};
use serde::Serialize;
use std::fmt::Write;
use store::Caller;

/// A file of a message, sent or not.
#[derive(Object, Serialize)]
pub(crate) struct Attachment {
    id: Id<AttachmentId>,
    message: Id<MessageId>,
    name: String,
    media_type: String,
    /// Bytes of the whole file, where it was said beforehand.
    size: Option<u64>,
    /// Bytes that are durably here.
    received: u64,
    complete: bool,
    /// SHA-256 of the whole file in hex, once it is complete.
    sha256: Option<String>,
}

/// The files of a message, in the order in which their uploads began.
#[derive(Object, Serialize)]
pub(crate) struct AttachmentList {
    attachments: Vec<Attachment>,
}

#[derive(ApiResponse)]
pub(crate) enum FileAnswer {
    /// The file.
    #[oai(status = 200)]
    File(
        Binary<Body>,
        /// `attachment`, with the file's name (RFC 6266).
        #[oai(header = "Content-Disposition")]
        String,
        /// Bytes that follow.
        #[oai(header = "Content-Length")]
        u64,
    ),
}

pub(crate) async fn list(api: &Api, caller: &Caller, id: MessageId) -> Result<Answer<AttachmentList>, Problem> {
    let files = api
        .post
        .db
        .read(caller, async |read| {
            let files = messages::attachments(read, id).await?;
            let there = !files.is_empty() || find_message(read, id).await?.is_some() || draft(read, id).await?.is_some();
            if there { Ok(files) } else { Err(Problem::not_found()) }
        })
        .await?;
    Ok(Answer(AttachmentList { attachments: files.into_iter().map(Attachment::from).collect() }))
}

pub(crate) async fn download(api: &Api, caller: &Caller, id: MessageId, file: AttachmentId) -> Result<FileAnswer, Problem> {
    let found = open_file(&api.post, caller, Reader::Sender(id), file, None).await?.ok_or_else(Problem::not_found)?;
    let bytes = found.range.end.saturating_sub(found.range.start);
    let body = Body::from_bytes_stream(found.bytes);
    Ok(FileAnswer::File(Binary(body), disposition(&found.file.name), bytes))
}

pub(crate) async fn remove(api: &Api, caller: &Caller, id: MessageId, file: AttachmentId) -> Result<NoContent, Problem> {
    let removed = api.post.db.act(caller, async |tx| remove_attachment(tx, id, file).await).await?;
    if removed { Ok(NoContent::Done) } else { Err(Problem::not_found()) }
}

/// RFC 6266 §4.1 with the name as RFC 8187 writes it; plain letters for those who cannot read that.
fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let mut text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

impl From<AttachmentView> for Attachment {
    fn from(view: AttachmentView) -> Attachment {
        Attachment {
            complete: view.complete(),
            id: Id(view.id),
            message: Id(view.message),
            name: view.name,
            media_type: view.media_type,
            size: view.declared,
            received: view.received,
            sha256: view.sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        assert_eq!(disposition("a b.pdf"), "attachment; filename=\"a b.pdf\"; filename*=UTF-8''a%20b.pdf");
        assert_eq!(disposition("Ü\"x\".txt"), "attachment; filename=\"__x_.txt\"; filename*=UTF-8''%C3%9C%22x%22.txt");
        assert!(disposition("報告 \r\nX: y").is_ascii() && !disposition("a\r\nb").contains('\n'));
    }
}
