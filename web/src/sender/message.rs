//! One message as its sender sees it: who stands where, what happened, and what was sent.

use super::{
    answer,
    live::{self, FACTS, Live, View},
    particulars::{self, Particular},
    received::{self, ReplyRow},
};
use crate::{
    Web, download,
    guard::Member,
    human, page,
    stop::{Answer, Stop},
    top::Top,
};
use askama::Template;
use evidence::Fact;
use kernel::{Fault, MessageId};
use messages::{Body, MessageView, ReplyView};
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
    subject: String,
    summary: String,
    retractable: bool,
    retract_note: String,
    particulars: Vec<Particular>,
    /// The text as HTML, from `messages::render_html`.
    body: Option<String>,
    no_body: &'static str,
    files: Vec<FileLine>,
    replies: Vec<ReplyRow>,
}

struct FileLine {
    name: String,
    amount: String,
    /// Empty where it cannot be had (sealed with a message password, or destroyed).
    link: String,
    sha256: String,
}

struct Found {
    message: MessageView,
    facts: Vec<Fact>,
    replies: Vec<ReplyView>,
}

#[handler]
pub async fn show(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, req: &Request) -> Answer {
    let (id, view) = (answer::id(&id)?, View::of(req));
    let found = find(web, &member, id, view).await?;
    let body = messages::body(&web.post, &member.caller, id).await?.ok_or(Stop::NotFound)?;
    let now = web.post.db.clock().now();
    let top = member.top(web, "sent").await?;
    let live = live::of(&found.message, &found.facts, view, form(&member), now);
    let message = &found.message;
    let open = message.recipients.iter().filter(|r| r.state.is_open()).count();
    let template = MessagePage {
        page: top,
        live,
        subject: message.subject.clone(),
        summary: summary(message),
        retractable: open > 0,
        retract_note: retract_note(open, message.recipients.len()),
        particulars: particulars::of(message, now),
        files: files(message, &body),
        no_body: no_body(&body),
        body: if let Body::Text(text) = &body { Some(messages::render_html(text).await?) } else { None },
        replies: found.replies.into_iter().map(|r| received::row_of(r, now)).collect(),
    };
    page::page(&member.browser, &template)
}

/// The living part alone, for the page's script.
#[handler]
pub async fn timeline(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, req: &Request) -> Answer {
    let view = View::of(req);
    let found = find(web, &member, answer::id(&id)?, view).await?;
    let live = live::of(&found.message, &found.facts, view, form(&member), web.post.db.clock().now());
    page::bare_page(StatusCode::OK, &live)
}

/// The token for the forms of whoever may retract.
fn form(member: &Member) -> String {
    member.must(Right::Retract).map(|()| member.browser.form.clone()).unwrap_or_default()
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

/// "to m.keller@example.org and 2 more · 2 files, 1.4 MiB".
fn summary(message: &MessageView) -> String {
    let first = message.recipients.first().map(|r| r.address.as_str()).unwrap_or_default();
    let more = match message.recipients.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", human::number(n as i64 - 1)),
    };
    let files = match message.attachments.len() {
        0 => String::new(),
        n => {
            format!(" · {}, {}", human::count(n as i64, "file", "files"), human::size(message.attachments.iter().map(|f| f.received).sum()))
        }
    };
    format!("to {first}{more}{files}")
}

fn retract_note(open: usize, all: usize) -> String {
    match (open, all) {
        (_, 1) => "It is taken back, if the recipient does not open it first.".to_owned(),
        (open, all) if open == all => format!("It is taken back from all {}, but for whoever opens it first.", human::number(all as i64)),
        (open, all) => format!(
            "It is taken back from the {} of {} who have not opened or refused it.",
            human::number(open as i64),
            human::number(all as i64)
        ),
    }
}

fn no_body(body: &Body) -> &'static str {
    match body {
        Body::Text(_) => "",
        Body::Sealed => {
            "The text is sealed with the message password, which we do not have. Whoever knows it can open it; we cannot show it, not even to you."
        }
        Body::Shredded => "The content is destroyed: it was taken back, refused, or its time is over. The record of what happened stays.",
    }
}

fn files(message: &MessageView, body: &Body) -> Vec<FileLine> {
    let readable = matches!(body, Body::Text(_));
    let line = |file: &messages::AttachmentView| FileLine {
        name: file.name.clone(),
        amount: human::size(file.received),
        link: if readable {
            format!("/messages/{}/files/{}/{}", message.id, file.id, download::encoded(&file.name))
        } else {
            String::new()
        },
        sha256: file.sha256.clone().unwrap_or_default(),
    };
    message.attachments.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_retracting_does_is_said_before() {
        assert!(retract_note(1, 1).contains("does not open it first"));
        assert!(retract_note(2, 3).contains("the 2 of 3"));
        assert!(retract_note(3, 3).contains("all 3"));
    }
}
