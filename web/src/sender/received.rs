//! Replies: the list, one of them, and the mark that it was read.

use super::answer;
use crate::{
    Web,
    form::Form,
    guard::Member,
    human::When,
    page,
    stop::{Answer, Stop},
    top::Top,
};
use askama::Template;
use kernel::{MessageId, RecipientId, ReplyId, Time};
use messages::ReplyView;
use poem::{
    Request, handler,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::json;
use store::Right;

const ROWS: u64 = 50;

#[derive(Template)]
#[template(path = "sender/received.html")]
struct ReceivedPage {
    page: Top,
    rows: Vec<ReplyRow>,
    older: String,
}

/// A reply in a list.
pub struct ReplyRow {
    pub id: ReplyId,
    pub from: String,
    pub subject: String,
    pub at: When,
    pub read: bool,
}

#[derive(Template)]
#[template(path = "sender/reply.html")]
struct ReplyPage {
    page: Top,
    id: ReplyId,
    read: bool,
    from: String,
    subject: String,
    at: When,
    /// From `messages::render_html`.
    html: String,
    message: MessageId,
    recipient: RecipientId,
}

#[handler]
pub async fn list(Data(web): Data<&Web>, member: Member, req: &Request) -> Answer {
    let after = answer::query(req, "after").parse::<ReplyId>().ok().map(|id| id.0);
    let found = web.post.db.read(&member.caller, async |read| messages::replies(read, None, after, ROWS).await).await?;
    let now = web.post.db.clock().now();
    let template = ReceivedPage {
        page: member.top(web, "received").await?,
        older: found.next.map(|id| format!("/received?after={}", ReplyId(id))).unwrap_or_default(),
        rows: found.rows.into_iter().map(|reply| row_of(reply, now)).collect(),
    };
    page::page(&member.browser, &template)
}

pub fn row_of(reply: ReplyView, now: Time) -> ReplyRow {
    ReplyRow {
        id: reply.id,
        from: reply.from,
        subject: reply.subject,
        at: When::near(reply.created_at, now),
        read: reply.read_at.is_some(),
    }
}

/// Looking changes nothing: the page has a button that marks the reply as read, and its script presses it once the page is seen.
#[handler]
pub async fn show(Data(web): Data<&Web>, member: Member, Path(id): Path<String>) -> Answer {
    let id: ReplyId = answer::id(&id)?;
    let found = web.post.db.read(&member.caller, async |read| messages::reply_text(read, id).await).await?;
    let (reply, text) = found.ok_or(Stop::NotFound)?;
    let template = ReplyPage {
        page: member.top(web, "received").await?,
        at: When::near(reply.created_at, web.post.db.clock().now()),
        html: messages::render_html(&text).await?,
        id,
        read: reply.read_at.is_some(),
        from: reply.from,
        subject: reply.subject,
        message: reply.message,
        recipient: reply.recipient,
    };
    page::page(&member.browser, &template)
}

/// Marks it as read: by the button, which leads on to the list, or by the page's script.
#[handler]
pub async fn mark(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, req: &Request, _form: Form) -> Answer {
    let id: ReplyId = answer::id(&id)?;
    member.must(Right::MarkRead)?;
    let there = web.post.db.act(&member.caller, async |tx| messages::mark_reply_read(tx, id).await).await?;
    match (there, answer::wants_json(req)) {
        (false, _) => Err(Stop::NotFound),
        (true, false) => Ok(page::see_other("/received")),
        (true, true) => Ok(answer::json_answer(StatusCode::OK, &json!({ "id": id, "read": true }))),
    }
}
