//! "No more notices from this sender": a page with a button, and the one-click `POST` of mail programs (RFC 8058 §3.1).
//!
//! What would surprise you: the `POST` wants no nonce and no cookie, because a mail program has neither. The link alone is the right to it,
//! and all it can do is to stop mail to its own recipient.

use super::link::{Head, Link, whom};
use crate::{Web, stop::Answer};
use askama::Template;
use poem::{handler, http::StatusCode, web::Data};

#[derive(Template)]
#[template(path = "pickup/block.html")]
struct BlockPage {
    head: Head,
    from: String,
    done: bool,
}

#[handler]
pub async fn show(web: Data<&Web>, link: Link) -> Answer {
    page(&web, &link, false).await
}

#[handler]
pub async fn submit(web: Data<&Web>, link: Link) -> Answer {
    link.door(&web).await?;
    web.post.db.act(&link.caller, async |tx| messages::block_sender(tx).await).await?;
    page(&web, &link, true).await
}

async fn page(web: &Web, link: &Link, done: bool) -> Answer {
    let door = link.door(web).await?;
    let from = door.sender.as_ref().map(whom).unwrap_or_default();
    link.page(web, StatusCode::OK, |head| BlockPage { head, from, done })
}
