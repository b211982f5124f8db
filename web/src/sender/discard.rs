//! Discarding a draft, with its files.

use super::answer;
use crate::{
    Web,
    form::Form,
    guard::Member,
    page,
    refusals::Refusal,
    stop::{Answer, Stop},
};
use kernel::MessageId;
use poem::{
    handler,
    web::{Data, Path},
};

#[handler]
pub async fn submit(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, _form: Form) -> Answer {
    let id: MessageId = answer::id(&id)?;
    let gone = web.post.db.act(&member.caller, async |tx| messages::discard_draft(tx, id).await).await.map_err(Refusal::stop)?;
    if gone { Ok(page::see_other_telling("/drafts", "The draft is discarded.")) } else { Err(Stop::NotFound) }
}
