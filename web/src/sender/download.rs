//! The sender's own look at a file that was sent.

use super::answer;
use crate::{Web, cookie, download, guard::Member, stop::Answer};
use kernel::{AttachmentId, MessageId};
use messages::Reader;
use poem::{
    Request, handler,
    web::{Data, Path},
};

/// The name in the path is for the browser's "save as" alone.
#[handler]
pub async fn serve(Data(web): Data<&Web>, member: Member, Path((id, att, _name)): Path<(String, String, String)>, req: &Request) -> Answer {
    let (id, att): (MessageId, AttachmentId) = (answer::id(&id)?, answer::id(&att)?);
    download::serve(web, &member.caller, Reader::Sender(Some(id)), att, req, cookie::SESSION).await
}
