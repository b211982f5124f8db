//! "No more notices from this sender": a page with a button, and the one-click `POST` of mail programs (RFC 8058 §3.1).
//!
//! What would surprise you: the `POST` wants no nonce and no cookie, because a mail program has neither. The link alone is the right to it,
//! and all it can do is to stop mail to its own recipient. Taking that back is a gesture on the page, as everything else is.

use super::{
    gesture::Gesture,
    link::{Head, Link, whom},
};
use crate::{Web, page::see_other_telling, stop::Answer};
use askama::Template;
use poem::{handler, http::StatusCode, web::Data};

const ALLOWED: &str = "Their notices are mailed to you again. What they sent in between was not; ask them for it.";
const TOO_OFTEN: &str = "This was changed too often from this link, so nothing was done. Their notices stay stopped.";

#[derive(Template)]
#[template(path = "pickup/block.html")]
struct BlockPage {
    head: Head,
    from: String,
    done: bool,
}

#[handler]
pub async fn show(web: Data<&Web>, link: Link) -> Answer {
    let done = web.post.db.read(&link.caller, async |read| messages::sender_is_blocked(read).await).await?;
    page(&web, &link, done).await
}

#[handler]
pub async fn submit(web: Data<&Web>, link: Link) -> Answer {
    link.door(&web).await?;
    web.post.db.act(&link.caller, async |tx| messages::block_sender(tx).await).await?;
    page(&web, &link, true).await
}

#[handler]
pub async fn take_back(web: Data<&Web>, gesture: Gesture) -> Answer {
    let link = &gesture.link;
    link.door(&web).await?;
    let taken = web.post.db.act(&link.caller, async |tx| messages::allow_sender(tx).await).await?;
    Ok(see_other_telling(&link.path(), if taken { ALLOWED } else { TOO_OFTEN }))
}

async fn page(web: &Web, link: &Link, done: bool) -> Answer {
    let door = link.door(web).await?;
    let from = door.sender.as_ref().map(whom).unwrap_or_default();
    link.page(web, StatusCode::OK, |head| BlockPage { head, from, done })
}
