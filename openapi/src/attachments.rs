//! The files of a message: list, remove.

use crate::{
    Api,
    answer::{Answer, NoContent},
    ids::Id,
    problem::Problem,
};
use kernel::{AttachmentId, MessageId};
use messages::{AttachmentView, draft, find_message, remove_attachment};
use poem_openapi::Object;
use serde::Serialize;
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

pub(crate) async fn remove(api: &Api, caller: &Caller, id: MessageId, file: AttachmentId) -> Result<NoContent, Problem> {
    let removed = api.post.db.act(caller, async |tx| remove_attachment(tx, id, file).await).await?;
    if removed { Ok(NoContent::Done) } else { Err(Problem::not_found()) }
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
