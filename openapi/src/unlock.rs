//! `POST …/unlocking`: a recipient who was locked out gets five new tries.

use crate::{Api, answer::NoContent, problem::Problem};
use kernel::{MessageId, RecipientId};
use messages::unlock as allow_new_tries;
use store::Caller;

pub(crate) async fn unlock(api: &Api, caller: &Caller, id: MessageId, recipient: RecipientId) -> Result<NoContent, Problem> {
    api.post.db.act(caller, async |tx| allow_new_tries(tx, id, recipient).await).await?;
    Ok(NoContent::Done)
}
