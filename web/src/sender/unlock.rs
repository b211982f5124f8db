//! Five new tries for a recipient who was locked out.

use super::answer;
use crate::{
    Web,
    form::Form,
    guard::Member,
    page,
    refusals::Refusal,
    stop::{Answer, Stop},
};
use kernel::{MessageId, RecipientId};
use messages::UnlockRefused;
use poem::{
    handler,
    web::{Data, Path},
};

#[handler]
pub async fn submit(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, form: Form) -> Answer {
    let id: MessageId = answer::id(&id)?;
    let recipient: RecipientId = answer::id(form.text("recipient"))?;
    let to = format!("/messages/{id}");
    match web.post.db.act(&member.caller, async |tx| messages::unlock(tx, id, recipient).await).await.map_err(Refusal::or_fault) {
        Ok(()) => {
            Ok(page::see_other_telling(&to, "Five new tries are allowed. Tell them the password again, in another way than by mail."))
        }
        Err(Ok(UnlockRefused::NotFound)) => Err(Stop::NotFound),
        // Pressed twice, or in another window: the page shows how it stands.
        Err(Ok(refused @ UnlockRefused::NotLocked)) => Ok(page::see_other_telling(&to, &refused.to_string())),
        Err(Ok(refused)) => Err(refused.stop()),
        Err(Err(fault)) => Err(fault),
    }
}
