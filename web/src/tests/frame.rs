//! What is true of every page.

use super::town::Town;
use crate::{ROUTES, Who};
use poem::http::{Method, StatusCode};

/// A path of the route with something in every place that is not there.
fn example(path: &str) -> String {
    let part = |part: &str| match part {
        ":token" => "CYVLDU2l9ObjmnSy2k3g3l48r3sgrcqMenAbRZNLXq0".to_owned(),
        ":id" => "msg_06f2k1qv5m8r3000000000000x".to_owned(),
        ":att" => "att_06f2k1qv5m8r3000000000000x".to_owned(),
        part => part.trim_start_matches(':').to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_route_of_the_table_answers_a_stranger_and_gives_nothing_away() {
    let town = Town::new().await;
    for route in ROUTES {
        let visitor = town.visitor();
        let method: Method = route.method.parse().unwrap();
        let body = (method != Method::GET).then(String::new);
        let page = visitor.ask(method, &example(route.path), &[], body).await;
        assert_ne!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{} {}", route.method, route.path);
        assert!(!page.status.is_server_error(), "{} {}: {}", route.method, route.path, page.body);
        match route.who {
            Who::Member if route.path == "/messages/:id/events" => assert_eq!(page.status, StatusCode::UNAUTHORIZED),
            Who::Member => {
                assert_eq!(page.status, StatusCode::SEE_OTHER, "{} {}", route.method, route.path);
                assert!(page.location().starts_with("/sign-in"), "{}", page.location());
            }
            Who::Recipient => assert_eq!(page.status, StatusCode::NOT_FOUND, "{} {}", route.method, route.path),
            Who::Anyone | Who::Holder => {}
        }
    }
}

#[tokio::test]
async fn a_method_that_is_not_in_the_table_is_refused() {
    let town = Town::new().await;
    for (path, allowed) in [
        ("/", "GET, HEAD"),
        ("/sign-up", "GET, HEAD, POST"),
        ("/sign-out", "POST"),
        ("/drafts/x/files/y", "GET, HEAD, PUT"),
        ("/p/CYVLDU2l9ObjmnSy2k3g3l48r3sgrcqMenAbRZNLXq0", "GET, HEAD"),
    ] {
        let page = town.visitor().ask(Method::DELETE, path, &[], None).await;
        assert_eq!((page.status, page.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, allowed), "{path}");
        assert!(page.body.contains("That does not work here"));
    }
}

#[tokio::test]
async fn every_page_says_what_browsers_must_not_do() {
    let town = Town::new().await;
    for path in ["/", "/sign-up", "/settings", "/p/short", "/prove/x", "/assets/x/none"] {
        let page = town.visitor().get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.header("strict-transport-security").starts_with("max-age="));
        assert!(!page.body.contains("<style") && !page.body.contains(" style=") && !page.body.contains("onclick"), "{path}");
    }
}

#[tokio::test]
async fn assets_are_kept_for_good_under_their_hash() {
    let town = Town::new().await;
    let page = town.visitor().get("/").await;
    assert!(page.body.contains("<a href=\"/docs\">"), "programmers find the API from the first page");
    let (_, rest) = page.body.split_once("href=\"/assets/").unwrap();
    let path = format!("/assets/{}", rest.split('"').next().unwrap());
    let asset = town.visitor().get(&path).await;
    assert_eq!(asset.status, StatusCode::OK);
    assert!(asset.header("cache-control").ends_with("immutable"));
    let other = town.visitor().get("/assets/0000/site.css").await;
    assert_eq!((other.status, other.header("cache-control")), (StatusCode::OK, "no-cache"));
}

#[tokio::test]
async fn a_form_is_taken_from_our_own_page_in_the_same_browser_alone() {
    let town = Town::new().await;
    let (visitor, other) = (town.visitor(), town.visitor());
    let token = visitor.get("/forgot").await.hidden("form").unwrap();
    let body = super::town::encoded(&[("email", "ana@example.org"), ("form", &token)]);
    let post = |headers: &'static [(&'static str, &'static str)]| visitor.ask(Method::POST, "/forgot", headers, Some(body.clone()));

    assert_eq!(post(&[("sec-fetch-site", "cross-site")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(&[("origin", "https://evil.example")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(other.post("/forgot", &[("email", "ana@example.org"), ("form", &token)]).await.status, StatusCode::FORBIDDEN);
    let without = visitor.post("/forgot", &[("email", "ana@example.org")]).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    assert!(without.body.contains("reload"));
    assert_eq!(post(&[("content-type", "application/json")]).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(post(&[("sec-fetch-site", "same-origin"), ("origin", "null")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused() {
    let town = Town::new().await;
    let visitor = town.visitor();
    let page = visitor.post("/forgot", &[("email", &"a".repeat(kernel::MAX_FORM_BYTES))]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_was_typed_into_a_form_that_is_out_of_date_comes_back_in_one_that_is_not() {
    let town = Town::new().await;
    let ana = town.member_browser("ana@example.org").await;
    let body = super::town::encoded(&[("form", "old"), ("subject", "Typed & kept"), ("body", "For an hour"), ("password", "geheim")]);
    let from = |site: &'static str| [("sec-fetch-site", site)];
    let page = ana.ask(Method::POST, "/drafts?then=send", &from("same-origin"), Some(body.clone())).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("out of date") && page.body.contains("Typed &#38; kept") && page.body.contains("\nFor an hour</textarea>"));
    assert!(page.body.contains("action=\"/drafts?then=send\"") && !page.body.contains("geheim") && page.body.contains("type=\"password\""));
    let token = page.hidden("form").unwrap();
    let again = ana.post("/drafts", &[("form", &token), ("subject", "Typed & kept")]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.body);

    // What another site put into a form is not shown as somebody's own words, and gets no token.
    for strange in [&from("cross-site")[..], &from("none"), &[]] {
        let page = ana.ask(Method::POST, "/drafts?then=send", strange, Some(body.clone())).await;
        assert!(page.status == StatusCode::FORBIDDEN && !page.body.contains("For an hour") && page.hidden("form").is_none());
    }
}

#[tokio::test]
async fn somebody_who_was_signed_out_while_writing_keeps_the_text() {
    let town = Town::new().await;
    let ana = town.member_browser("ana@example.org").await;
    ana.submit_from("/settings", "/settings/sessions/end-all", &[]).await;
    town.clock.advance(std::time::Duration::from_millis(1_001));
    let body = super::town::encoded(&[("form", "old"), ("body", "For an hour")]);
    let page = ana.ask(Method::POST, "/drafts", &[("sec-fetch-site", "same-origin")], Some(body.clone())).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("You are signed out") && page.body.contains("\nFor an hour</textarea>"));
    let parts = "--x\r\nContent-Disposition: form-data; name=\"body\"\r\n\r\nFor an hour\r\n--x\r\nContent-Disposition: form-data; \
                 name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF\r\n--x--\r\n";
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")];
    let page = ana.ask(Method::POST, "/drafts", &headers, Some(parts.into())).await;
    assert!(page.body.contains("\nFor an hour</textarea>") && page.body.contains("a.pdf: a browser") && page.body.contains("multipart"));
    assert_eq!(ana.ask(Method::POST, "/drafts", &[], Some(body)).await.location(), "/sign-in");
}

#[tokio::test]
async fn a_stranger_gets_little_of_a_long_form_back_and_only_what_stood_on_our_page() {
    let town = Town::new().await;
    let long = "<".repeat(15 << 20);
    let parts = format!("--x\r\nContent-Disposition: form-data; name=\"body\"\r\n\r\n{long}\r\n--x--\r\n");
    let multipart = [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")];
    let encoded = super::town::encoded(&[("body", &"<".repeat(1 << 20)), ("email", &"<".repeat(1 << 20))]);
    let ours = [("sec-fetch-site", "same-origin")];
    for (path, headers, body) in [("/drafts", &multipart[..], &parts), ("/drafts", &ours[..], &encoded), ("/sign-in", &ours[..], &encoded)]
    {
        let page = town.visitor().ask(Method::POST, path, headers, Some(body.clone())).await;
        assert!(page.status.is_client_error() && page.body.len() < 300_000, "{path}: {} bytes", page.body.len());
        assert!(page.body.contains("only the beginning") && page.body.contains("&#60;&#60;"), "{path}");
    }
    let strange = town.visitor().ask(Method::POST, "/drafts", &multipart[1..], Some(parts.clone())).await;
    assert!(strange.status == StatusCode::SEE_OTHER && strange.body.len() < 1_000);

    let was_ana = town.visitor();
    was_ana.cookies.lock().unwrap().insert("__Host-session".into(), "CYVLDU2l9ObjmnSy2k3g3l48r3sgrcqMenAbRZNLXq0".into());
    let page = was_ana.ask(Method::POST, "/drafts", &multipart, Some(parts)).await;
    assert!(page.status == StatusCode::UNAUTHORIZED && page.body.len() < 7_000_000, "{} bytes", page.body.len());
    assert_eq!(page.body.matches("&#60;").count(), kernel::MAX_BODY_BYTES);
}
