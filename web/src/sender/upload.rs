//! Files of a draft: with the form, or by the page's script in pieces that resume where a connection broke.

use super::{
    answer, save, send,
    typed::{self, Posted},
};
use crate::{
    Web,
    csrf::ScriptForm,
    form::Form,
    guard::Member,
    page,
    refusals::Refusal,
    stop::{Answer, Stop},
};
use futures_util::StreamExt;
use kernel::{AttachmentId, FileName, MessageId};
use messages::{AttachRefused, AttachmentView, DraftRefused};
use poem::{
    Body, FromRequest, Request, RequestBody, Response, handler,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::json;
use tokio_util::io::ReaderStream;

/// Bytes of a piece handed on at once.
const READ_BYTES: usize = 64 * 1024;

/// Begins the upload that a script asks for, or takes the files that came with the form and shows the draft again.
#[handler]
pub async fn begin(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, req: &Request, body: Body) -> Answer {
    let id: MessageId = answer::id(&id)?;
    if answer::wants_json(req) {
        return match begun(web, &member, id, req, body).await {
            Ok(answer) => Ok(answer),
            Err(stop) => save::script_stopped(stop),
        };
    }
    let mut posted = typed::read(web, &member, req, body, Some(id)).await?;
    keep_all(web, &member, id, &mut posted).await?;
    if posted.typed.problems.any() {
        return save::turn_down(web, &member, req, StatusCode::UNPROCESSABLE_ENTITY, posted).await;
    }
    Ok(page::see_other(&format!("/drafts/{id}#attachments")))
}

async fn begun(web: &Web, member: &Member, id: MessageId, req: &Request, body: Body) -> Answer {
    let form = Form::from_request(req, &mut RequestBody::new(body)).await.map_err(stop_of)?;
    let (kind, declared) = (form.text("type").to_owned(), form.text("size").trim().parse().ok());
    let name = match FileName::parse(form.text("name")) {
        Ok(name) => name,
        Err(bad) => return Ok(answer::json_refusal(StatusCode::UNPROCESSABLE_ENTITY, format_args!("This file was not taken: {bad}."))),
    };
    let begun = web.post.db.act(&member.caller, async |tx| messages::begin_attachment(tx, Some(id), &name, &kind, declared).await).await;
    told(begun, StatusCode::CREATED)
}

fn stop_of(error: poem::Error) -> Stop {
    error.downcast::<Stop>().unwrap_or(Stop::Broken)
}

/// The text that came with the files is kept too; a draft that is gone is not found.
async fn keep_all(web: &Web, member: &Member, id: MessageId, posted: &mut Posted) -> Result<(), Stop> {
    match save::keep(web, member, id, &posted.typed, None).await.map_err(Refusal::or_fault) {
        Ok(_) => Ok(()),
        Err(Ok(DraftRefused::NotFound)) => Err(Stop::NotFound),
        Err(Ok(refused @ DraftRefused::NotAllowed(_))) => Err(refused.stop()),
        Err(Ok(refused)) => {
            posted.typed.problems.add("body", refused);
            Ok(())
        }
        Err(Err(fault)) => Err(fault),
    }
}

/// How much of a file is here: where a script goes on.
#[handler]
pub async fn standing(Data(web): Data<&Web>, member: Member, Path((id, att)): Path<(String, String)>) -> Answer {
    let file = find(web, &member, answer::id(&id)?, answer::id(&att)?).await?;
    Ok(answer::json_answer(StatusCode::OK, &of(&file)))
}

/// A piece from `?offset=` on, which must be where the file stands.
#[handler]
pub async fn piece(
    Data(web): Data<&Web>,
    member: Member,
    _form: ScriptForm,
    Path((id, att)): Path<(String, String)>,
    req: &Request,
    body: Body,
) -> Answer {
    let (id, att) = (answer::id(&id)?, answer::id(&att)?);
    find(web, &member, id, att).await?;
    let Ok(offset) = answer::query(req, "offset").parse::<u64>() else {
        return Ok(answer::json_refusal(StatusCode::BAD_REQUEST, "The offset of this piece is missing."));
    };
    let bytes = ReaderStream::with_capacity(body.into_async_read(), READ_BYTES).boxed();
    match messages::receive(&web.post, &member.caller, att, offset, bytes).await {
        // Another try was faster, or the answer to it was lost: say where the file stands.
        Err(AttachRefused::Offset(_) | AttachRefused::Complete) => {
            let file = find(web, &member, id, att).await?;
            Ok(answer::json_answer(StatusCode::CONFLICT, &of(&file)))
        }
        taken => told(taken, StatusCode::OK),
    }
}

/// Takes a file off the draft, by the script or by the form's button (which keeps the text too).
#[handler]
pub async fn remove(Data(web): Data<&Web>, member: Member, Path((id, att)): Path<(String, String)>, req: &Request, body: Body) -> Answer {
    let (id, att): (MessageId, AttachmentId) = (answer::id(&id)?, answer::id(&att)?);
    let script = answer::wants_json(req);
    let mut posted = typed::read(web, &member, req, body, Some(id)).await?;
    if !script {
        keep_all(web, &member, id, &mut posted).await?;
    }
    let gone = match web.post.db.act(&member.caller, async |tx| messages::remove_attachment(tx, id, att).await).await {
        Err(refused) if script => return save::script_stopped(refused.stop()),
        gone => gone.map_err(Refusal::stop)?,
    };
    match (gone, script) {
        (false, true) => Ok(answer::json_refusal(StatusCode::NOT_FOUND, "This file is not here any more.")),
        (false, false) => Err(Stop::NotFound),
        (true, true) => Ok(answer::json_answer(StatusCode::OK, &json!({ "id": att, "removed": true }))),
        (true, false) if posted.typed.problems.any() => save::turn_down(web, &member, req, StatusCode::UNPROCESSABLE_ENTITY, posted).await,
        (true, false) => Ok(page::see_other(&format!("/drafts/{id}#attachments"))),
    }
}

async fn find(web: &Web, member: &Member, id: MessageId, att: AttachmentId) -> Result<AttachmentView, Stop> {
    let files = web.post.db.read(&member.caller, async |read| messages::attachments(read, id).await).await?;
    files.into_iter().find(|file| file.id == att).ok_or(Stop::NotFound)
}

fn of(file: &AttachmentView) -> serde_json::Value {
    json!({ "id": file.id, "name": file.name, "received": file.received, "declared": file.declared, "complete": file.complete() })
}

fn told(taken: Result<AttachmentView, AttachRefused>, status: StatusCode) -> Result<Response, Stop> {
    match taken.map_err(Refusal::or_fault) {
        Ok(file) => Ok(answer::json_answer(status, &of(&file))),
        Err(Err(fault)) => Err(fault),
        Err(Ok(refused)) => {
            let dimension = if let AttachRefused::Quota(quota) = &refused { send::field_of(quota.dimension()) } else { "attachments" };
            Ok(answer::json_answer(refused.status(), &json!({ "error": refused.to_string(), "field": dimension })))
        }
    }
}
