//! Saving a draft: by the button, or by the page's script every few seconds.

use super::{
    answer, compose, folds, send,
    typed::{self, Posted, Then, Typed},
};
use crate::{
    Web,
    guard::Member,
    page,
    refusals::Refusal,
    stop::{Answer, Stop},
};
use kernel::MessageId;
use messages::DraftRefused;
use poem::{
    Body, Request, handler,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::json;

/// The first save: the draft gets its address. `?then=send` and `?then=files` go on at once.
#[handler]
pub async fn first(Data(web): Data<&Web>, member: Member, req: &Request, body: Body) -> Answer {
    let mut posted = match typed::read(web, &member, req, body, None).await {
        Err(stop) if answer::wants_json(req) => return script_stopped(stop),
        read => read?,
    };
    if cut(&posted.typed) {
        return turn_down(web, &member, req, StatusCode::UNPROCESSABLE_ENTITY, posted).await;
    }
    let (id, revision) = match keep_first(web, &member, &posted).await {
        Ok(kept) => kept,
        Err(refused) => return refuse(web, &member, req, refused, posted).await,
    };
    posted.draft = Some(id);
    match Then::of(req) {
        Then::Send => send::go(web, &member, id, posted.typed).await,
        _ if posted.typed.problems.any() => turn_down(web, &member, req, StatusCode::UNPROCESSABLE_ENTITY, posted).await,
        Then::Attach => Ok(page::see_other(&format!("/drafts/{id}#attachments"))),
        Then::Save => Ok(saved(web, req, id, revision, &posted.typed)),
    }
}

/// Every later save. The window says which revision it saw, so that two windows do not overwrite each other unseen.
#[handler]
pub async fn again(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, req: &Request, body: Body) -> Answer {
    let id = answer::id(&id)?;
    let posted = match typed::read(web, &member, req, body, Some(id)).await {
        Err(stop) if answer::wants_json(req) => return script_stopped(stop),
        read => read?,
    };
    if cut(&posted.typed) {
        return turn_down(web, &member, req, StatusCode::UNPROCESSABLE_ENTITY, posted).await;
    }
    match keep(web, &member, id, &posted.typed, posted.typed.goes_on_from()).await {
        Ok(_) if posted.typed.problems.any() => turn_down(web, &member, req, StatusCode::UNPROCESSABLE_ENTITY, posted).await,
        Ok(revision) => Ok(saved(web, req, id, revision, &posted.typed)),
        Err(refused) => refuse(web, &member, req, refused, posted).await,
    }
}

/// A field that came cut must not replace what the draft holds.
fn cut(typed: &Typed) -> bool {
    typed.problems.list().iter().any(|problem| problem.field != "attachments")
}

async fn keep_first(web: &Web, member: &Member, posted: &Posted) -> Result<(MessageId, i64), DraftRefused> {
    if let Some(id) = posted.draft {
        return keep(web, member, id, &posted.typed, None).await.map(|revision| (id, revision));
    }
    let typed = &posted.typed;
    messages::begin_draft(&web.post, &member.caller, &typed.once, &typed.text).await
}

pub async fn keep(web: &Web, member: &Member, id: MessageId, typed: &Typed, seen: Option<i64>) -> Result<i64, DraftRefused> {
    let text = &typed.text;
    web.post.db.act(&member.caller, async |tx| messages::save_draft(tx, id, text, seen).await).await
}

fn saved(web: &Web, req: &Request, id: MessageId, revision: i64, typed: &Typed) -> poem::Response {
    if answer::wants_json(req) {
        let (at, folds) = (web.post.db.clock().now().rfc3339(), folds::of(&typed.text, &typed.problems));
        let said = json!({ "fold-proof": folds.proof.said, "fold-expiry": folds.expiry.said, "fold-more": folds.more.said });
        return answer::json_answer(StatusCode::OK, &json!({ "id": id, "revision": revision, "saved_at": at, "folds": said }));
    }
    page::see_other_telling(&format!("/drafts/{id}"), "The draft is saved.")
}

/// The room did not keep it: says why, with everything still there.
pub async fn refuse(web: &Web, member: &Member, req: &Request, refused: DraftRefused, mut posted: Posted) -> Answer {
    let refused = refused.or_fault()?;
    posted.typed.problems.add(if matches!(refused, DraftRefused::TooLong) { "body" } else { "" }, &refused);
    if matches!(refused, DraftRefused::Newer) && !answer::wants_json(req) {
        return compose::beside(web, member, posted).await;
    }
    turn_down(web, member, req, refused.status(), posted).await
}

/// What is wrong, with everything still there: as a page, or as a sentence for the script.
pub async fn turn_down(web: &Web, member: &Member, req: &Request, status: StatusCode, posted: Posted) -> Answer {
    if answer::wants_json(req) {
        let sentence = posted.typed.problems.list().first().map_or("This could not be saved.", |p| p.sentence.as_str());
        return Ok(answer::json_refusal(status, sentence));
    }
    if status == StatusCode::NOT_FOUND && posted.typed.is_blank() {
        return Err(Stop::NotFound);
    }
    compose::again(web, member, status, posted.draft, posted.typed).await
}

/// Our own faults keep their page and their log line; everything else is a sentence.
pub fn script_stopped(stop: Stop) -> Answer {
    use poem::error::ResponseError;
    match stop {
        Stop::Fault(_) | Stop::SignIn { .. } | Stop::SignedOut => Err(stop),
        stop => Ok(answer::json_refusal(stop.status(), &stop)),
    }
}
