//! Files of a message: a button hands one over, then the browser fetches it, in ranges if it must.

use super::{gesture::Gesture, link::Link, step};
use crate::{
    Web, cookie, download,
    page::see_other,
    stop::{Answer, Stop},
};
use kernel::AttachmentId;
use messages::Reader;
use poem::{
    Request, handler,
    web::{Data, Path},
};

#[handler]
pub async fn release(web: Data<&Web>, gesture: Gesture, Path((_, id)): Path<(String, String)>) -> Answer {
    let id: AttachmentId = id.parse().map_err(|_| Stop::NotFound)?;
    let link = &gesture.link;
    if let Err(refused) = messages::release_file(&web.post, &link.caller, &gesture.cookie, id).await {
        return step::go_on(&web, &gesture, Err(refused)).await;
    }
    let message = link.message()?;
    let files = web.post.db.read(&link.caller, async |read| messages::attachments(read, message).await).await?;
    let file = files.into_iter().find(|file| file.id == id).ok_or(Stop::NotFound)?;
    Ok(see_other(&format!("{}/files/{id}/{}", link.path(), download::encoded(&file.name))))
}

#[handler]
pub async fn serve(web: Data<&Web>, link: Link, Path((_, id, _)): Path<(String, String, String)>, req: &Request) -> Answer {
    let id: AttachmentId = id.parse().map_err(|_| Stop::NotFound)?;
    let visit = link.cookie.as_ref().ok_or(Stop::NotFound)?;
    download::serve(&web, &link.caller, Reader::Browser(visit), id, req, cookie::PICKUP).await
}
