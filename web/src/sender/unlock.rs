//! Five new tries for a recipient who was locked out.

use super::answer;
use crate::{Web, form::Form, guard::Member, refusals::Refusal, stop::Answer};
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
    match web.post.db.act(&member.caller, async |tx| messages::unlock(tx, id, recipient).await).await {
        Ok(()) => Ok(answer::back_to(id, "Five new tries are allowed. Tell them the password again, in another way than by mail.")),
        // Pressed twice, or in another window: the page shows how it stands.
        Err(refused @ UnlockRefused::NotLocked) => Ok(answer::back_to(id, &refused.to_string())),
        Err(refused) => Err(refused.stop()),
    }
}
