//! The gesture that asks for the content.

use super::{certificate, gesture::Gesture, step};
use crate::{Web, stop::Answer};
use messages::{Passed, Step};
use poem::{handler, web::Data};

#[handler]
pub async fn submit(web: Data<&Web>, gesture: Gesture) -> Answer {
    let outcome = messages::gesture(&web.post, &gesture.link.caller, &gesture.cookie).await;
    match outcome {
        Ok(Passed { step: Step::Certificate { visit }, .. }) => certificate::lead(&web, &gesture.link, visit).await,
        outcome => step::go_on(&web, &gesture, outcome).await,
    }
}
