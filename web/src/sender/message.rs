//! One message as its sender sees it: who stands where, what happened, and what was sent.

use super::{
    answer,
    content::Content,
    live::{self, FACTS, Found, Live, View},
};
use crate::{
    Web,
    guard::Member,
    page,
    stop::{Answer, Stop},
    top::Top,
};
use askama::Template;
use kernel::{Fault, MessageId};
use poem::{
    Request, handler,
    http::StatusCode,
    web::{Data, Path},
};
use store::Right;

/// Replies listed beside a message; the rest are under "Received".
const REPLIES: u64 = 20;

#[derive(Template)]
#[template(path = "sender/message.html")]
struct MessagePage {
    page: Top,
    live: Live,
}

#[handler]
pub async fn show(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, req: &Request) -> Answer {
    let live = live(web, &member, answer::id(&id)?, View::of(req)).await?;
    page::page(&member.browser, &MessagePage { page: member.top(web, "sent").await?, live })
}

/// The same without what surrounds it, for the page's script.
#[handler]
pub async fn timeline(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, req: &Request) -> Answer {
    page::bare_page(StatusCode::OK, &live(web, &member, answer::id(&id)?, View::of(req)).await?)
}

async fn live(web: &Web, member: &Member, id: MessageId, view: View) -> Result<Live, Stop> {
    let found = find(web, member, id, view).await?;
    let body = messages::body(&web.post, &member.caller, id).await?.ok_or(Stop::NotFound)?;
    let now = web.post.db.clock().now();
    let content = Content::of(&found.message, body, now).await?;
    // The token for the forms of whoever may retract.
    let form = member.must(Right::Retract).map(|()| member.browser.form.clone()).unwrap_or_default();
    Ok(live::of(found, view, content, form, now))
}

/// One snapshot. A recipient that is not of this message is not found.
async fn find(web: &Web, member: &Member, id: MessageId, view: View) -> Result<Found, Stop> {
    let read = web.post.db.read(&member.caller, async |read| {
        let Some(message) = messages::find_message(read, id).await? else { return Ok(None) };
        let facts = evidence::timeline(read, id, view.recipient, view.after, FACTS).await?;
        let replies = messages::replies(read, Some(id), None, REPLIES).await?.rows;
        Ok::<_, Fault>(Some(Found { message, facts, replies }))
    });
    let found = read.await?.ok_or(Stop::NotFound)?;
    match view.recipient {
        Some(asked) if !found.message.recipients.iter().any(|r| r.id == asked) => Err(Stop::NotFound),
        _ => Ok(found),
    }
}
