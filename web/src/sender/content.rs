//! What was sent, as its sender sees it: what was asked for, the text while it can be shown, the files.

use super::particulars::{self, Particular};
use crate::{download, human, stop::Stop};
use kernel::Time;
use messages::{Body, MessageView};

pub struct Content {
    /// Changes when the text goes, and when the message leaves or expires.
    pub version: String,
    pub particulars: Vec<Particular>,
    /// The text as HTML, from `messages::render_html`.
    pub body: Option<String>,
    pub no_body: &'static str,
    pub files: Vec<FileLine>,
}

pub struct FileLine {
    pub name: String,
    pub amount: String,
    /// Empty where it cannot be had (sealed with a message password, or destroyed).
    pub link: String,
    pub sha256: String,
}

impl Content {
    pub async fn of(message: &MessageView, body: Body, now: Time) -> Result<Content, Stop> {
        Ok(Content {
            version: format!("{}-{}-{}", message.shredded_at.is_some(), message.release_at > now, message.expires_at > now),
            particulars: particulars::of(message, now),
            no_body: no_body(&body),
            files: files(message, &body),
            body: if let Body::Text(text) = &body { Some(messages::render_html(text).await?) } else { None },
        })
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
