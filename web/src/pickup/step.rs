//! The pages between the gesture and the message: mailed code, message password, certificate, acceptance. Where a browser stands is asked of
//! the room each time, so reloading, the back button and a second tab all find their way.

use super::{
    certificate, door,
    gesture::Gesture,
    link::{Head, Link, whom},
    message,
};
use crate::{
    Web,
    page::see_other,
    refusals::Refusal,
    stop::{Answer, Stop},
};
use askama::Template;
use kernel::MAX_TRIES;
use messages::{Passed, PickupRefused, Step};
use poem::{handler, http::StatusCode, http::Uri, web::Data};

/// The query under which a page says that what was typed is not right.
const NOT_RIGHT: &str = "not=right";

#[derive(Template)]
#[template(path = "pickup/code.html")]
struct CodePage {
    head: Head,
    problem: String,
    masked: String,
    works: bool,
    tries_left: i64,
    again_in: u64,
}

#[derive(Template)]
#[template(path = "pickup/password.html")]
struct PasswordPage {
    head: Head,
    problem: String,
    hint: Option<String>,
    tries_left: i64,
}

#[derive(Template)]
#[template(path = "pickup/accept.html")]
struct AcceptPage {
    head: Head,
    problem: String,
    from: String,
    subject: String,
}

#[handler]
pub async fn show(web: Data<&Web>, link: Link, uri: &Uri) -> Answer {
    let Some(step) = standing(&web, &link).await? else { return link.to_the_door(&web).await };
    let path = path_of(&link, &step);
    if uri.path() != path {
        return Ok(see_other(&path));
    }
    let problem = if uri.query() == Some(NOT_RIGHT) { not_right(&step) } else { None };
    page(&web, &link, step, StatusCode::OK, &problem.map(|problem| problem.to_string()).unwrap_or_default()).await
}

/// What is said again to a browser that was led back to the page after a try that counted.
fn not_right(step: &Step) -> Option<PickupRefused> {
    match *step {
        Step::Code { works: true, tries_left, .. } if tries_left < MAX_TRIES => Some(PickupRefused::WrongCode { tries_left }),
        Step::Password { tries_left, .. } if tries_left < MAX_TRIES => Some(PickupRefused::WrongPassword { tries_left }),
        Step::Code { .. } | Step::Password { .. } | Step::Certificate { .. } | Step::Accept | Step::Open => None,
    }
}

/// After a form: on to the page for where it stands now, or the same page again with what was wrong. A browser that keeps a posted answer
/// in its history as the page it stands for gets the message, or what was wrong, at once.
pub async fn go_on(web: &Web, gesture: &Gesture, outcome: Result<Passed, PickupRefused>) -> Answer {
    let link = &gesture.link;
    match outcome {
        Ok(passed) => {
            let path = path_of(link, &passed.step);
            let content = if gesture.wants_the_page() { passed.content(&web.post).await? } else { None };
            match content {
                Some(content) => message::at_once(web, link, &content, &path).await,
                None => Ok(see_other(&path)),
            }
        }
        // On the heap, because it is rare: the way on would be as large.
        Err(refused) => Box::pin(stay(web, gesture, refused.or_fault()?)).await,
    }
}

async fn stay(web: &Web, gesture: &Gesture, refused: PickupRefused) -> Answer {
    let link = &gesture.link;
    let (status, sentence) = (refused.status(), refused.to_string());
    let answer = match refused {
        PickupRefused::NoFile => return Err(Stop::NotFound),
        PickupRefused::Closed(state) => door::ended(web, link, &link.door(web).await?, state, "")?,
        PickupRefused::NoVisit => door::again(web, link, status, &sentence, "").await?,
        // Reloading the answer must not spend another try.
        PickupRefused::WrongCode { .. } if !gesture.wants_the_page() => see_other(&format!("{}/code?{NOT_RIGHT}", link.path())),
        PickupRefused::WrongPassword { .. } if !gesture.wants_the_page() => see_other(&format!("{}/password?{NOT_RIGHT}", link.path())),
        _ => match standing(web, link).await? {
            Some(Step::Open) => return Ok(see_other(&path_of(link, &Step::Open))),
            Some(step) => page(web, link, step, status, &sentence).await?,
            None => door::again(web, link, status, &sentence, "").await?,
        },
    };
    Ok(refused.told_when(link.now, answer))
}

/// Where this browser stands; a message that ended meanwhile shows on the first page.
pub(super) async fn standing(web: &Web, link: &Link) -> Result<Option<Step>, Stop> {
    let Some(cookie) = &link.cookie else { return Ok(None) };
    match messages::where_it_stands(&web.post, &link.caller, cookie).await {
        Ok(step) => Ok(step),
        Err(refused) => refused.or_fault().map(|_| None),
    }
}

pub fn path_of(link: &Link, step: &Step) -> String {
    let page = match step {
        Step::Code { .. } => "code",
        Step::Password { .. } => "password",
        Step::Certificate { .. } => "certificate",
        Step::Accept => "accept",
        Step::Open => "message",
    };
    format!("{}/{page}", link.path())
}

async fn page(web: &Web, link: &Link, step: Step, status: StatusCode, problem: &str) -> Answer {
    let problem = problem.to_owned();
    match step {
        Step::Code { masked, works, tries_left, again_in } => {
            link.page(web, status, |head| CodePage { head, problem, masked, works, tries_left, again_in })
        }
        Step::Password { hint, tries_left } => link.page(web, status, |head| PasswordPage { head, problem, hint, tries_left }),
        Step::Certificate { .. } => certificate::again(web, link, status, &problem).await,
        Step::Accept => {
            let door = link.door(web).await?;
            let from = door.sender.as_ref().map(whom).unwrap_or_default();
            link.page(web, status, |head| AcceptPage { head, problem, from, subject: door.subject.unwrap_or_default() })
        }
        Step::Open => Ok(see_other(&path_of(link, &Step::Open))),
    }
}
