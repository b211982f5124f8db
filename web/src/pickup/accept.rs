//! Accepting, after everything is proven.

use super::{gesture::Gesture, step};
use crate::{Web, stop::Answer};
use poem::{handler, web::Data};

#[handler]
pub async fn submit(web: Data<&Web>, gesture: Gesture) -> Answer {
    let outcome = messages::accept(&web.post, &gesture.link.caller, &gesture.cookie).await;
    step::go_on(&web, &gesture, outcome).await
}
