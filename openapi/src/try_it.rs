//! `/docs`: the document for people, with a form to try each operation. Everything comes from this host; it reads well without JavaScript.

use crate::{document::Spec, try_page};
use bytes::Bytes;
use kernel::Site;
use poem::{
    Body, Response, Route,
    endpoint::make_sync,
    get,
    http::{HeaderValue, header},
};

/// Scripts and styles are files of ours, requests go to this host, nothing else is possible.
const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("../assets/try.css");
const SCRIPT: &str = include_str!("../assets/try.js");

/// The try-it page and its two files, to be nested at `/docs`. The page is written once, here.
pub fn try_it(site: &Site) -> Route {
    let page = Bytes::from(try_page::write(&Spec::of(site), &version()));
    Route::new()
        .at("/", get(make_sync(move |_| html(page.clone()))))
        .at("/try.css", get(make_sync(|_| answer("text/css; charset=utf-8", STYLE, "public, max-age=31536000, immutable"))))
        .at("/try.js", get(make_sync(|_| answer("text/javascript; charset=utf-8", SCRIPT, "public, max-age=31536000, immutable"))))
}

/// Changes with the files, so that a browser may keep them for good.
pub(crate) fn version() -> String {
    keys::sha256(&[STYLE.as_bytes(), SCRIPT.as_bytes()]).iter().take(6).map(|b| format!("{b:02x}")).collect()
}

/// A page under the strict policy.
pub(crate) fn html(page: impl Into<Body>) -> Response {
    answer("text/html; charset=utf-8", page, "no-cache")
}

fn answer(content_type: &str, text: impl Into<Body>, caching: &'static str) -> Response {
    let mut response = Response::builder().content_type(content_type).body(text);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::test::TestClient;

    fn client() -> TestClient<Route> {
        let mail = kernel::EmailAddress::parse("post@mail.example").unwrap();
        TestClient::new(Route::new().nest("/docs", try_it(&Site::new("https://mail.example", mail))))
    }

    #[tokio::test]
    async fn the_page_and_its_files_are_served_under_a_strict_policy() {
        let client = client();
        for path in ["/docs", "/docs/", "/docs/try.css", "/docs/try.js"] {
            let response = client.get(path).send().await;
            response.assert_status_is_ok();
            response.assert_header(header::CONTENT_SECURITY_POLICY, CSP);
        }
    }

    #[tokio::test]
    async fn the_page_has_no_inline_code_and_names_no_other_origin() {
        let text = client().get("/docs").send().await.0.into_body().into_string().await.unwrap();
        assert!(!text.contains(" style=") && !text.contains("<style") && !text.contains(" onclick"), "inline");
        assert_eq!(text.matches("<script").count(), 1);
        assert!(text.contains("<script src=\"/docs/try.js?v="));
        for link in text.split("http").skip(1).filter(|rest| rest.starts_with("://") || rest.starts_with("s://")) {
            assert!(link.starts_with("s://mail.example"), "{}", &link[..40.min(link.len())]);
        }
    }

    #[tokio::test]
    async fn the_key_has_one_name_in_every_example() {
        let text = client().get("/docs").send().await.0.into_body().into_string().await.unwrap();
        for place in [text.as_str(), SCRIPT] {
            assert!(place.contains("Bearer $COUNTERSIGN_KEY"));
        }
        assert!(text.contains("curl -sS https://mail.example/v1/messages"));
    }

    #[tokio::test]
    async fn every_operation_can_be_tried() {
        let text = client().get("/docs").send().await.0.into_body().into_string().await.unwrap();
        assert_eq!(text.matches("<form").count(), crate::routes().len());
        for id in ["sendMessage", "retractMessage", "uploadAttachment", "readAccount"] {
            assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
}
