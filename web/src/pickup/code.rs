//! The mailed code, and asking for another.

use super::{gesture::Gesture, step};
use crate::{Web, stop::Answer};
use poem::{handler, web::Data};

#[handler]
pub async fn submit(web: Data<&Web>, gesture: Gesture) -> Answer {
    let code = gesture.fields.text("code");
    let outcome = messages::prove_code(&web.post, &gesture.link.caller, &gesture.cookie, code).await;
    step::go_on(&web, &gesture, outcome).await
}

#[handler]
pub async fn again(web: Data<&Web>, gesture: Gesture) -> Answer {
    let outcome = messages::resend_code(&web.post, &gesture.link.caller, &gesture.cookie).await;
    step::go_on(&web, &gesture, outcome).await
}
