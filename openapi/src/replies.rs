//! `GET /v1/replies` and one of them, and `POST …/read`: what recipients answered.

use crate::{
    Api,
    answer::{Answer, NoContent},
    ids::Id,
    problem::Problem,
    sent::PAGE,
    words::At,
};
use kernel::{MessageId, RecipientId, ReplyId};
use messages::{ReplyView, mark_reply_read, replies, reply_text};
use poem_openapi::Object;
use serde::Serialize;
use store::{Caller, Right};

/// A page of received replies, newest first.
#[derive(Object, Serialize)]
pub(crate) struct ReplyList {
    replies: Vec<ReplySummary>,
    /// Give it back as `after` for the next page.
    next: Option<Id<ReplyId>>,
}

/// One received reply, without its text.
#[derive(Object, Serialize)]
pub(crate) struct ReplySummary {
    id: Id<ReplyId>,
    message: Id<MessageId>,
    recipient: Id<RecipientId>,
    /// The recipient's address.
    from: String,
    /// The message's subject.
    subject: String,
    created_at: At,
    /// When it was first marked as read; null until then.
    read_at: Option<At>,
}

/// A received reply.
#[derive(Object, Serialize)]
pub(crate) struct Reply {
    #[oai(flatten)]
    #[serde(flatten)]
    summary: ReplySummary,
    text: String,
}

pub(crate) async fn list(
    api: &Api,
    caller: &Caller,
    message: Option<MessageId>,
    after: Option<ReplyId>,
    limit: Option<u64>,
) -> Result<Answer<ReplyList>, Problem> {
    let (after, limit) = (after.map(|id| id.0), limit.unwrap_or(PAGE));
    let page = api.post.db.read(caller, async |read| replies(read, message, after, limit).await).await?;
    let next = page.next.map(|id| Id(ReplyId(id)));
    Ok(Answer(ReplyList { replies: page.rows.into_iter().map(ReplySummary::from).collect(), next }))
}

pub(crate) async fn read(api: &Api, caller: &Caller, id: ReplyId) -> Result<Answer<Reply>, Problem> {
    let found = api.post.db.read(caller, async |read| reply_text(read, id).await).await?;
    let (view, text) = found.ok_or_else(Problem::not_found)?;
    Ok(Answer(Reply { summary: view.into(), text }))
}

/// Once and for good: asking again changes nothing.
pub(crate) async fn mark_read(api: &Api, caller: &Caller, id: ReplyId) -> Result<NoContent, Problem> {
    // The room leaves it as it is for whoever may only read, which a page wants; a program is told.
    caller.must(Right::MarkRead)?;
    let there = api.post.db.act(caller, async |tx| mark_reply_read(tx, id).await).await?;
    if there { Ok(NoContent::Done) } else { Err(Problem::not_found()) }
}

impl From<ReplyView> for ReplySummary {
    fn from(view: ReplyView) -> ReplySummary {
        ReplySummary {
            id: Id(view.id),
            message: Id(view.message),
            recipient: Id(view.recipient),
            from: view.from,
            subject: view.subject,
            created_at: At(view.created_at),
            read_at: view.read_at.map(At),
        }
    }
}
