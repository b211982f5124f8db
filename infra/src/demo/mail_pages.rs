//! `/_mail`: the mail that the demo would have sent. The list, each letter as it looks, and everything as JSON for scripts.
//!
//! What would surprise you: a letter's HTML is shown in a sandboxed frame from an address of its own, with a policy that lets
//! its inline styles through and nothing else; a click leads out of the frame.

use super::links::links;
use askama::Template;
use kernel::Site;
use mail::{CapturedLetter, CapturedMail};
use poem::{
    Endpoint, Request, Response, Result, Route,
    endpoint::make_sync,
    error::NotFoundError,
    get,
    http::{StatusCode, header},
};
use std::sync::Arc;

/// The list and a letter: our style sheet, and the frame.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The letter itself: inline styles as mail needs them, framed by us alone; links may leave the frame when clicked.
const LETTER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'; \
     sandbox allow-top-navigation-by-user-activation allow-popups allow-popups-to-escape-sandbox";

#[derive(Template)]
#[template(path = "mail_list.html")]
struct ListPage {
    rows: Vec<Row>,
}
struct Row {
    number: usize,
    subject: String,
    to: String,
    from: String,
    at: String,
}

#[derive(Template)]
#[template(path = "mail_letter.html")]
struct LetterPage<'a> {
    row: Row,
    letter: &'a CapturedLetter,
    links: Vec<String>,
}

/// As scripts see a letter.
#[derive(serde::Serialize)]
struct Letter<'a> {
    to: &'a str,
    from: &'a str,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
    message_id: &'a str,
    at: String,
    /// Addresses of ours in the text, in order.
    links: Vec<String>,
}

/// Adds the demo's own routes.
pub fn routes(route: Route, letters: Arc<CapturedMail>, site: Site) -> Route {
    let (list, json, one) = (letters.clone(), letters.clone(), letters);
    let base = site.base().to_owned();
    let page_base = base.clone();
    route
        .at("/_mail", get(make_sync(move |_| show_list(&list.letters()))))
        .at("/_mail.json", get(make_sync(move |_| as_json(&json.letters(), &base))))
        .at("/_mail/:number", get(OneLetter { letters: one, base: page_base }))
}

fn show_list(letters: &[CapturedLetter]) -> Response {
    let rows = letters.iter().enumerate().rev().map(|(i, letter)| row(i, letter)).collect();
    page(&ListPage { rows }, PAGE_POLICY)
}

fn as_json(letters: &[CapturedLetter], base: &str) -> Response {
    let all: Vec<Letter<'_>> = letters
        .iter()
        .map(|l| Letter {
            to: &l.to,
            from: &l.from,
            subject: &l.subject,
            text: &l.text,
            html: &l.html,
            message_id: &l.message_id,
            at: l.at.rfc3339(),
            links: links(&l.text, base),
        })
        .collect();
    Response::builder().content_type("application/json").body(serde_json::to_string(&all).expect("strings are JSON"))
}

/// `/_mail/3` is the page around the third letter, `/_mail/3.html` the letter.
struct OneLetter {
    letters: Arc<CapturedMail>,
    base: String,
}

impl Endpoint for OneLetter {
    type Output = Response;
    async fn call(&self, req: Request) -> Result<Response> {
        let asked: String = req.path_params()?;
        let bare = asked.strip_suffix(".html");
        let number: usize = bare.unwrap_or(&asked).parse().map_err(|_| NotFoundError)?;
        let letters = self.letters.letters();
        let letter = number.checked_sub(1).and_then(|i| letters.get(i)).ok_or(NotFoundError)?;
        Ok(match bare {
            Some(_) => raw(letter),
            None => page(&LetterPage { row: row(number - 1, letter), letter, links: links(&letter.text, &self.base) }, PAGE_POLICY),
        })
    }
}

fn raw(letter: &CapturedLetter) -> Response {
    // The letter is a document of its own; only where its links lead is ours to say.
    let html = match letter.html.find("<head>") {
        Some(at) => format!("{}<base target=\"_top\">{}", &letter.html[..at + 6], &letter.html[at + 6..]),
        None => format!("<base target=\"_top\">{}", letter.html),
    };
    answer(html, LETTER_POLICY)
}

fn row(index: usize, letter: &CapturedLetter) -> Row {
    let at = letter.at.utc().format("%-d %b %H:%M:%S").to_string();
    Row { number: index + 1, subject: letter.subject.clone(), to: letter.to.clone(), from: letter.from.clone(), at }
}

fn page(template: &impl Template, policy: &str) -> Response {
    match template.render() {
        Ok(html) => answer(html, policy),
        Err(_) => web::error_page(StatusCode::INTERNAL_SERVER_ERROR, None),
    }
}

fn answer(html: String, policy: &str) -> Response {
    Response::builder().content_type("text/html; charset=utf-8").header(header::CONTENT_SECURITY_POLICY, policy).body(html)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::EmailAddress;
    use mail::{Mailbox, Mailer};
    use poem::test::TestClient;

    async fn client(html: &str) -> TestClient<Route> {
        let letters = Arc::new(CapturedMail::new(9));
        let us = EmailAddress::parse("us@example.org").unwrap();
        let letter = mail::Letter {
            message_id: "1@example.org".into(),
            from: Mailbox::new(None, us.clone()).unwrap(),
            to: EmailAddress::parse("bob@example.org").unwrap(),
            reply_to: None,
            subject: "<Hello> & welcome".into(),
            text: "Open http://h/p/TOKEN now.".into(),
            html: html.into(),
            list_unsubscribe: None,
            date: kernel::Time(0),
            envelope_from: us.clone(),
        };
        Mailer::Mailbox(letters.clone()).deliver(&letter).await;
        TestClient::new(routes(Route::new(), letters, Site::new("http://h", us)))
    }

    #[tokio::test]
    async fn the_list_names_each_letter_and_escapes_it() {
        let answer = client("<p>x</p>").await.get("/_mail").send().await;
        let html = answer.0.into_body().into_string().await.unwrap();
        assert!(html.contains("bob@example.org") && html.contains("Hello") && !html.contains("<Hello>"));
    }

    #[tokio::test]
    async fn scripts_get_the_links() {
        let answer = client("<p>x</p>").await.get("/_mail.json").send().await;
        let json: serde_json::Value = serde_json::from_str(&answer.0.into_body().into_string().await.unwrap()).unwrap();
        assert_eq!(json[0]["links"], serde_json::json!(["http://h/p/TOKEN"]));
        assert_eq!(json[0]["to"], "bob@example.org");
        assert_eq!(json[0]["at"], "1970-01-01T00:00:00.000Z");
    }

    #[tokio::test]
    async fn a_letter_is_framed_and_sandboxed() {
        let client = client("<html><head></head><body>dear</body></html>").await;
        let framed = client.get("/_mail/1.html").send().await;
        assert!(framed.0.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
        assert!(framed.0.into_body().into_string().await.unwrap().contains("<head><base target=\"_top\"></head>"));
        let around = client.get("/_mail/1").send().await.0.into_body().into_string().await.unwrap();
        assert!(around.contains("/_mail/1.html") && around.contains("http://h/p/TOKEN"));
        for missing in ["/_mail/2", "/_mail/0", "/_mail/x"] {
            client.get(missing).send().await.assert_status(StatusCode::NOT_FOUND);
        }
    }
}
