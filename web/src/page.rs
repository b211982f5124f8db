//! Answering: a page, or "see other" after a form, with a sentence for the page that follows.

use crate::{
    browser::Browser,
    cookie,
    stop::{Answer, Stop},
};
use askama::Template;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::Fault;
use poem::{
    Response,
    http::{HeaderValue, StatusCode, header},
};
use std::time::Duration;

/// A sentence waits this long for its page.
const FLASH_LIFE: Duration = Duration::from_secs(60);
/// A sentence for the next page, in bytes.
const MAX_FLASH_BYTES: usize = 1000;

/// 200 with the page.
pub fn page(browser: &Browser, template: &impl Template) -> Answer {
    page_with(StatusCode::OK, browser, template)
}

/// The page with another status: 422 for a form that needs another look.
pub fn page_with(status: StatusCode, browser: &Browser, template: &impl Template) -> Answer {
    let mut answer = bare_page(status, template)?;
    browser.settle(answer.headers_mut());
    Ok(answer)
}

/// A page that touches no cookie.
pub fn bare_page(status: StatusCode, template: &impl Template) -> Answer {
    let html = template.render().map_err(|e| Stop::Fault(Fault::from_error(kernel::FaultKind::Other, "a page does not render", e)))?;
    Ok(Response::builder().status(status).content_type("text/html; charset=utf-8").body(html))
}

/// 303 (RFC 9110 §15.4.4): after a form, so that reloading does not send it again. `to` is a path of ours.
pub fn see_other(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, to).finish()
}

/// As [`see_other`], with a sentence shown on the page that follows.
pub fn see_other_telling(to: &str, sentence: &str) -> Response {
    let mut answer = see_other(to);
    let mut cut = sentence.len().min(MAX_FLASH_BYTES);
    while !sentence.is_char_boundary(cut) {
        cut -= 1;
    }
    cookie::set(answer.headers_mut(), cookie::FLASH, &URL_SAFE_NO_PAD.encode(&sentence[..cut]), Some(FLASH_LIFE));
    answer
}

pub(crate) fn read_flash(value: &str) -> Option<String> {
    if value.is_empty() || value.len() > MAX_FLASH_BYTES * 4 / 3 + 4 {
        return None;
    }
    String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_reaches_the_next_page() {
        let answer = see_other_telling("/sent", &format!("Taken back from 2. {}", "é".repeat(2000)));
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let line = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        let value = line.split_once('=').unwrap().1.split(';').next().unwrap();
        assert!(read_flash(value).unwrap().starts_with("Taken back from 2. é"));
        assert_eq!(read_flash("////"), None);
        assert_eq!(read_flash(""), None);
    }
}
