//! The page for when there is no page.

use crate::kept::Again;
use askama::Template;
use poem::{
    Response,
    http::{HeaderValue, StatusCode, header},
};

/// 401 must name a way to sign in (RFC 9110 §15.5.2); ours is the page that sets the cookie.
const CHALLENGE: &str = "Cookie realm=\"Countersign\", form-action=\"/sign-in\", cookie-name=__Host-session";

/// Seconds until what is away may be back, as the API says them.
const RETRY_AFTER: &str = "5";

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    heading: &'a str,
    sentence: &'a str,
    reference: Option<&'a str>,
    /// Where to go first, in a window of its own.
    first: Option<(&'a str, &'a str)>,
    /// What was typed, to be sent again.
    again: Option<Again>,
}

/// For statuses that say enough by themselves; `reference` when the fault is ours and logged.
pub fn error_page(status: StatusCode, reference: Option<&str>) -> Response {
    giving_back(status, reference, None)
}

/// The same with what was typed.
pub(crate) fn giving_back(status: StatusCode, reference: Option<&str>, again: Option<Again>) -> Response {
    let (heading, sentence) = words(status);
    render(status, &ErrorPage { heading, sentence, reference, first: None, again })
}

/// For a form that came from somebody who is signed out.
pub(crate) fn signed_out(again: Option<Again>) -> Response {
    let (heading, sentence) = ("You are signed out", "Nothing was done. Sign in in another window, then send this again.");
    render(StatusCode::UNAUTHORIZED, &ErrorPage { heading, sentence, reference: None, first: None, again })
}

/// For a form that needs a step-up before; `path` leads there.
pub(crate) fn step_up_first(path: &str, again: Again) -> Response {
    let (heading, sentence) = ("Your password, once more", "Nothing was done yet: this needs your password of the last five minutes.");
    let first = Some((path, "Type the password in another window, then come back and send this again"));
    render(StatusCode::FORBIDDEN, &ErrorPage { heading, sentence, reference: None, first, again: Some(again) })
}

/// For when nobody knows whether what was asked for was done.
pub(crate) fn uncertain(reference: &str, again: Option<Again>) -> Response {
    let sentence = "The database went away while this was being saved, so it may or may not have been kept. Look before you do it again.";
    render(
        StatusCode::SERVICE_UNAVAILABLE,
        &ErrorPage { heading: "We cannot say whether that was saved", sentence, reference: Some(reference), first: None, again },
    )
}

/// With a sentence of the refusal's own.
pub(crate) fn saying(status: StatusCode, sentence: &str) -> Response {
    let heading = if status == StatusCode::FORBIDDEN { "You may not do that" } else { words(status).0 };
    render(status, &ErrorPage { heading, sentence, reference: None, first: None, again: None })
}

fn render(status: StatusCode, page: &ErrorPage<'_>) -> Response {
    let html = page.render().unwrap_or_else(|_| format!("<!doctype html><title>{0}</title><h1>{0}</h1>", status.as_u16()));
    let mut answer = Response::builder().status(status).content_type("text/html; charset=utf-8").body(html);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    }
    answer
}

fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => (
            "There is nothing here",
            "The address may be mistyped, or what was here has ended. If you came by a link in a mail, open it from the mail again.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("That does not work here", "This address does not take that kind of request. Go back and use the button on the page.")
        }
        StatusCode::UNAUTHORIZED => ("You are signed out", "Sign in, then open this again."),
        StatusCode::FORBIDDEN => (
            "This form is out of date",
            "It was open for too long, or it was not sent from our own page, so nothing was done. Go back, reload the page and send it again.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => ("That is too much at once", "What was sent is larger than this page takes. Nothing was changed."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("That is not a form", "This address takes what our own forms send. Nothing was changed."),
        StatusCode::TOO_MANY_REQUESTS => ("Too many tries", "Wait a little, then try again."),
        StatusCode::SERVICE_UNAVAILABLE => ("We are busy right now", "Nothing was changed. Try again in a moment."),
        StatusCode::INSUFFICIENT_STORAGE => {
            ("We cannot take anything new right now", "Reading works, and nothing that was accepted is lost. Try again later.")
        }
        status if status.is_client_error() => ("That did not work", "What was sent could not be understood. Nothing was changed."),
        _ => (
            "Something broke on our side",
            "It is our fault and it was written down. Nothing that was accepted is lost. Try again in a moment.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_page_keeps_text_as_text() {
        let page = saying(StatusCode::BAD_REQUEST, "<script>alert(1)</script>").into_body().into_string().await.unwrap();
        assert!(!page.contains("<script>alert"));
    }

    #[tokio::test]
    async fn what_may_have_been_kept_is_not_said_to_have_changed_nothing() {
        let page = uncertain("7F3KQ-0N2P4", None);
        assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
        let text = page.into_body().into_string().await.unwrap();
        assert!(text.contains("may or may not have been kept") && text.contains("7F3KQ-0N2P4") && !text.contains("Nothing was changed"));
    }

    #[tokio::test]
    async fn a_fault_shows_its_reference() {
        let answer = error_page(StatusCode::INTERNAL_SERVER_ERROR, Some("7F3KQ-0N2P4"));
        assert!(answer.into_body().into_string().await.unwrap().contains("7F3KQ-0N2P4"));
    }
}
