//! A reply to the sender: sealed, free, from the browser that opened the message.

use super::{gesture::Gesture, message};
use crate::{Web, page::see_other_telling, refusals::Refusal, stop::Answer};
use poem::{handler, web::Data};

#[handler]
pub async fn submit(web: Data<&Web>, gesture: Gesture) -> Answer {
    let (link, text) = (&gesture.link, gesture.fields.text("reply"));
    match messages::reply(&web.post, &link.caller, &gesture.cookie, text).await {
        Ok(_) => {
            Ok(see_other_telling(&format!("{}/message", link.path()), "Your reply is sealed and on its way. Only the sender can read it."))
        }
        Err(refused) => {
            let refused = refused.or_fault()?;
            message::page(&web, link, refused.status(), &refused.to_string(), text).await
        }
    }
}
