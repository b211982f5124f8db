//! The message password, which the sender told the recipient in another way.

use super::{gesture::Gesture, step};
use crate::{Web, stop::Answer};
use poem::{handler, web::Data};

#[handler]
pub async fn submit(web: Data<&Web>, gesture: Gesture) -> Answer {
    let password = gesture.fields.text("password");
    let outcome = messages::give_password(&web.post, &gesture.link.caller, &gesture.cookie, password).await;
    step::go_on(&web, &gesture, outcome).await
}
