//! The recipient's certificate: on to the host that asks for it, and back with what was found there.
//!
//! What would surprise you: coming back opens nothing. The last button is pressed here, in the browser that has the visit's cookie.

use super::{
    gesture::Gesture,
    link::{Head, Link, whom},
    step,
};
use crate::{
    Web,
    certificate::{CameBack, Errand, came_back, leading_to},
    page::see_other,
    stop::Answer,
};
use askama::Template;
use client_certificates::host_of;
use kernel::VisitId;
use messages::{Certificate, Passed, PickupRefused, Step};
use poem::{
    handler,
    http::{StatusCode, Uri},
    web::Data,
};
use url::form_urlencoded;

#[derive(Template)]
#[template(path = "pickup/certificate.html")]
struct CertificatePage {
    head: Head,
    problem: String,
    from: String,
    /// What was shown, and the word of it that came back.
    shown: Option<(Certificate, String)>,
    /// Where it is asked for; empty: the sender's organisation asks for none any more.
    host: String,
}

#[handler]
pub async fn show(web: Data<&Web>, link: Link, uri: &Uri) -> Answer {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).find(|(name, _)| name == "shown");
    let text = asked.map(|(_, text)| text.into_owned()).unwrap_or_default();
    match step::standing(&web, &link).await? {
        Some(Step::Certificate { visit }) if !text.is_empty() => {
            match came_back(&web, &link.token, &text).filter(|back| back.visit == visit) {
                Some(back) => page(&web, &link, StatusCode::OK, "", Some((back.certificate, text))).await,
                None => page(&web, &link, StatusCode::FORBIDDEN, &PickupRefused::NotShown.to_string(), None).await,
            }
        }
        Some(Step::Certificate { .. }) => page(&web, &link, StatusCode::OK, "", None).await,
        Some(other) => Ok(see_other(&step::path_of(&link, &other))),
        None => link.to_the_door(&web).await,
    }
}

#[handler]
pub async fn submit(web: Data<&Web>, gesture: Gesture) -> Answer {
    let (link, text) = (&gesture.link, gesture.fields.text("shown"));
    if text.is_empty() {
        let stands = messages::where_it_stands(&web.post, &link.caller, &gesture.cookie).await;
        return match stands.and_then(|step| step.ok_or(PickupRefused::NoVisit)) {
            Ok(Step::Certificate { visit }) => lead(&web, link, visit).await,
            other => step::go_on(&web, &gesture, other.map(Passed::from)).await,
        };
    }
    let outcome = match came_back(&web, &link.token, text) {
        Some(CameBack { visit, certificate, standing }) if web.certificates.still_counts(&link.caller, &standing).await? => {
            messages::prove_certificate(&web.post, &link.caller, &gesture.cookie, visit, &certificate).await
        }
        _ => Err(PickupRefused::NotShown),
    };
    step::go_on(&web, &gesture, outcome).await
}

/// On to the asking host; where there is none any more, a page that says so.
pub async fn lead(web: &Web, link: &Link, visit: VisitId) -> Answer {
    let (asks_at, host) = (web.certificates.asks_at(&link.caller).await?, host_of(&web.post.site, link.caller.tenant()));
    let Some((address, host)) = asks_at.zip(host) else { return page(web, link, StatusCode::CONFLICT, "", None).await };
    let errand = Errand { visit, link: link.token.clone(), back: link.base.clone() };
    Ok(see_other(&format!("{address}/pickup?errand={}", errand.seal(web, host.as_str()))))
}

/// Lets a page's button lead on to the asking host.
pub async fn may_lead(web: &Web, link: &Link, answer: poem::Response) -> Answer {
    Ok(match web.certificates.asks_at(&link.caller).await? {
        Some(address) => leading_to(answer, &address),
        None => answer,
    })
}

/// The page with a sentence of what went wrong.
pub async fn again(web: &Web, link: &Link, refused: StatusCode, problem: &str) -> Answer {
    page(web, link, refused, problem, None).await
}

async fn page(web: &Web, link: &Link, status: StatusCode, problem: &str, shown: Option<(Certificate, String)>) -> Answer {
    let from = link.door(web).await?.sender.as_ref().map(whom).unwrap_or_default();
    let asks_at = web.certificates.asks_at(&link.caller).await?;
    let host = asks_at.as_deref().unwrap_or_default().trim_start_matches("https://").to_owned();
    let answer = link.page(web, status, |head| CertificatePage { head, problem: problem.to_owned(), from, shown, host })?;
    Ok(match asks_at {
        Some(address) => leading_to(answer, &address),
        None => answer,
    })
}
