//! Refusing: the opposite gesture, with a reason if one is given. It cannot be undone, so the page says so and asks once.

use super::{
    gesture::Gesture,
    link::{Head, Link, whom},
};
use crate::{
    Web,
    page::{see_other, see_other_telling},
    pickup::door,
    refusals::Refusal,
    stop::Answer,
};
use askama::Template;
use messages::{DoorState, PickupRefused};
use poem::{handler, http::StatusCode, web::Data};

const TOO_LATE: &str = "The message was opened before, so it can no longer be refused.";

#[derive(Template)]
#[template(path = "pickup/refuse.html")]
struct RefusePage {
    head: Head,
    problem: String,
    from: String,
    reason: String,
}

#[handler]
pub async fn show(web: Data<&Web>, link: Link) -> Answer {
    page(&web, &link, StatusCode::OK, "", "").await
}

#[handler]
pub async fn submit(web: Data<&Web>, gesture: Gesture) -> Answer {
    let (link, reason) = (&gesture.link, gesture.fields.text("reason"));
    let outcome = web.post.db.act(&link.caller, async |tx| messages::refuse(tx, reason).await).await;
    match outcome {
        Ok(()) => Ok(see_other(&format!("{}?{}", link.path(), door::REFUSED_HERE))),
        Err(PickupRefused::Closed(DoorState::Opened)) => Ok(see_other_telling(&link.path(), TOO_LATE)),
        Err(PickupRefused::Closed(state)) => door::ended(&web, link, &link.door(&web).await?, state, reason),
        Err(refused) => {
            let refused = refused.or_fault()?;
            page(&web, link, refused.status(), &refused.to_string(), reason).await
        }
    }
}

/// Only what is still sealed can be refused; everything else shows on the first page.
async fn page(web: &Web, link: &Link, status: StatusCode, problem: &str, reason: &str) -> Answer {
    let door = link.door(web).await?;
    if !matches!(door.state, DoorState::Sealed | DoorState::Locked) {
        return Ok(see_other(&link.path()));
    }
    let from = door.sender.as_ref().map(whom).unwrap_or_default();
    link.page(web, status, |head| RefusePage { head, problem: problem.to_owned(), from, reason: reason.to_owned() })
}
