//! The gesture that asks for the content.

use super::{gesture::Gesture, step};
use crate::{Web, stop::Answer};
use poem::{handler, web::Data};

#[handler]
pub async fn submit(web: Data<&Web>, gesture: Gesture) -> Answer {
    let outcome = messages::gesture(&web.post, &gesture.link.caller, &gesture.cookie).await;
    step::go_on(&web, &gesture.link, outcome).await
}
