//! A reply to the sender: sealed, free, from the browser that opened the message.

use super::{gesture::Gesture, message};
use crate::{Web, page::see_other_telling, refusals::Refusal, stop::Answer};
use poem::{handler, http::StatusCode, web::Data};

const CUT: &str = "The reply is far longer than fits, and only its beginning arrived. Nothing was sent.";

#[handler]
pub async fn submit(web: Data<&Web>, gesture: Gesture) -> Answer {
    let (link, text) = (&gesture.link, gesture.fields.text("reply"));
    if gesture.fields.cut {
        return message::page(&web, link, StatusCode::PAYLOAD_TOO_LARGE, CUT, text).await;
    }
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
