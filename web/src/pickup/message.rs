//! The message itself, for the browser to which it was handed over.

use super::{
    door,
    link::{Head, Link, whom},
};
use crate::{Web, human, human::When, stop::Answer};
use askama::Template;
use kernel::Time;
use messages::{AttachmentView, Content};
use poem::{
    handler,
    http::{HeaderValue, StatusCode, header},
    web::Data,
};

#[derive(Template)]
#[template(path = "pickup/message.html")]
struct MessagePage {
    head: Head,
    from: String,
    subject: String,
    /// From `messages::render_html`, which sanitises.
    html: String,
    files: Vec<File>,
    opened: When,
    expires: When,
    assurance: &'static str,
    replied: bool,
    problem: String,
    reply: String,
}

struct File {
    id: String,
    name: String,
    size: String,
}

#[handler]
pub async fn show(web: Data<&Web>, link: Link) -> Answer {
    page(&web, &link, StatusCode::OK, "", "").await
}

/// The message in answer to the form that opened it, which is what `GET path` answers (RFC 9110 §8.7).
pub async fn at_once(web: &Web, link: &Link, content: &Content, path: &str) -> Answer {
    let mut answer = written(web, link, content, StatusCode::OK, "", "").await?;
    if let Ok(path) = HeaderValue::from_str(path) {
        answer.headers_mut().insert(header::CONTENT_LOCATION, path);
    }
    Ok(answer)
}

/// The message, with a reply that needs another look.
pub async fn page(web: &Web, link: &Link, status: StatusCode, problem: &str, reply: &str) -> Answer {
    let content = match &link.cookie {
        Some(cookie) => messages::content(&web.post, &link.caller, cookie).await?,
        None => None,
    };
    match content {
        Some(content) => written(web, link, &content, status, problem, reply).await,
        None if reply.is_empty() => link.to_the_door(web).await,
        None => door::again(web, link, status, problem, reply).await,
    }
}

async fn written(web: &Web, link: &Link, content: &Content, status: StatusCode, problem: &str, reply: &str) -> Answer {
    let html = messages::render_html(&content.text).await?;
    link.page(web, status, |head| view(head, content, html, link.now, problem, reply))
}

fn view(head: Head, content: &Content, html: String, now: Time, problem: &str, reply: &str) -> MessagePage {
    MessagePage {
        head,
        from: whom(&content.sender),
        subject: content.subject.clone(),
        html,
        files: content.attachments.iter().map(file).collect(),
        opened: When::near(content.opened_at, now),
        expires: When::near(content.expires_at, now),
        assurance: assurance(content.assurance),
        replied: content.replied,
        problem: problem.to_owned(),
        reply: reply.to_owned(),
    }
}

fn file(view: &AttachmentView) -> File {
    File { id: view.id.to_string(), name: view.name.clone(), size: human::size(view.received) }
}

/// What was proven, in the reader's words.
fn assurance(grade: &str) -> &'static str {
    match grade.to_ascii_lowercase().as_str() {
        "r1" => "by a code mailed to you",
        "r4" => "by your certificate",
        "r2" => "by a code mailed to you and the message password",
        _ => "by the link that was mailed to you",
    }
}
