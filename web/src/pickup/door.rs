//! The first page: who sent it, what opening means, two buttons. Looking changes nothing.

use super::{
    certificate,
    link::{Head, Link, whom},
};
use crate::{Web, human::When, refusals, stop::Answer};
use askama::Template;
use messages::{Door, DoorState, Proof};
use poem::{
    handler,
    http::{StatusCode, Uri},
    web::Data,
};

#[derive(Template)]
#[template(path = "pickup/door.html")]
struct DoorPage {
    head: Head,
    problem: String,
    /// What was typed on a page that is over, to be copied.
    typed: String,
    /// "Ana Brandt of Acme Tax Advisers"; empty while unnamed.
    from: String,
    subject: String,
    proof: Proof,
    accept_first: bool,
    opened: bool,
    /// This browser has it open already.
    here: bool,
    sent: When,
    expires: When,
}

/// A message that has ended, or is locked: each state has words of its own.
#[derive(Template)]
#[template(path = "pickup/ended.html")]
struct EndedPage {
    head: Head,
    typed: String,
    state: DoorState,
    /// It was refused in this browser.
    here: bool,
    from: String,
    expires: When,
}

/// Query of the address to which refusing leads.
pub const REFUSED_HERE: &str = "refused=here";

#[handler]
pub async fn show(web: Data<&Web>, link: Link, uri: &Uri) -> Answer {
    let door = link.door(&web).await?;
    // Telemetry: a disk that takes nothing new must not keep anyone from reading.
    if let Err(fault) = messages::link_fetched(&web.post, &link.caller).await {
        tracing::warn!(tenant = %link.caller.tenant(), fault = %fault, "a fetched link was not recorded");
    }
    if door.state == DoorState::Refused && uri.query() == Some(REFUSED_HERE) {
        return ended_page(&web, &link, &door, door.state, "", true);
    }
    page(&web, &link, &door, StatusCode::OK, "", "").await
}

/// The first page with a sentence of what went wrong, and what was typed elsewhere.
pub async fn again(web: &Web, link: &Link, status: StatusCode, problem: &str, typed: &str) -> Answer {
    let door = link.door(web).await?;
    page(web, link, &door, status, problem, typed).await
}

async fn page(web: &Web, link: &Link, door: &Door, status: StatusCode, problem: &str, typed: &str) -> Answer {
    if !matches!(door.state, DoorState::Sealed | DoorState::Opened) {
        return ended(web, link, door, door.state, typed);
    }
    let here = door.state == DoorState::Opened && in_this_browser(web, link).await?;
    let answer = link.page(web, status, |head| DoorPage {
        head,
        problem: problem.to_owned(),
        typed: typed.to_owned(),
        from: door.sender.as_ref().map(whom).unwrap_or_default(),
        subject: door.subject.clone().unwrap_or_default(),
        proof: door.proof,
        accept_first: door.accept_first,
        opened: door.state == DoorState::Opened,
        here,
        sent: When::near(door.sent_at, link.now),
        expires: When::near(door.expires_at, link.now),
    })?;
    if door.proof == Proof::R4 { certificate::may_lead(web, link, answer).await } else { Ok(answer) }
}

/// The page for `state`, which may be newer than what the door said.
pub fn ended(web: &Web, link: &Link, door: &Door, state: DoorState, typed: &str) -> Answer {
    ended_page(web, link, door, state, typed, false)
}

fn ended_page(web: &Web, link: &Link, door: &Door, state: DoorState, typed: &str, here: bool) -> Answer {
    link.page(web, refusals::closed(state), |head| EndedPage {
        head,
        typed: typed.to_owned(),
        state,
        here,
        from: door.sender.as_ref().map(whom).unwrap_or_default(),
        expires: When::near(door.expires_at, link.now),
    })
}

async fn in_this_browser(web: &Web, link: &Link) -> Result<bool, kernel::Fault> {
    match &link.cookie {
        Some(cookie) => Ok(matches!(messages::where_it_stands(&web.post, &link.caller, cookie).await, Ok(Some(messages::Step::Open)))),
        None => Ok(false),
    }
}
