//! Files of a message: handed over by a button, then served whole or in part, and never run.

use super::town::{Town, Visitor, to};
use bytes::Bytes;
use kernel::FileName;
use messages::{Outline, Proof};
use poem::http::{Method, StatusCode};
use store::Caller;

const BOB: &str = "bob@example.net";

/// A message with one file of 1,000 bytes, opened in the browser that comes back with it.
async fn opened<'t>(town: &'t Town, ana: &Caller, name: &str) -> (Visitor<'t>, String, String) {
    let name = FileName::parse(name).unwrap();
    let post = &town.web.post;
    let begun = post.db.act(ana, async |tx| messages::begin_attachment(tx, None, &name, "text/html", Some(1000)).await).await.unwrap();
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(content()))]);
    messages::receive(post, ana, begun.id, 0, stream).await.unwrap();
    town.send(ana, Outline { proof: Some(Proof::R0), attachments: vec![begun.id], ..to(BOB) }).await;
    let (bob, link) = (town.visitor(), town.link(BOB, "/p/"));
    bob.submit_from(&link, &format!("{link}/open"), &[]).await;
    (bob, link, begun.id.to_string())
}

fn content() -> Vec<u8> {
    (0..1000).map(|i| b'a' + (i % 26) as u8).collect()
}

fn text(range: std::ops::Range<usize>) -> String {
    String::from_utf8(content()[range].to_vec()).unwrap()
}

#[tokio::test]
async fn a_file_is_served_only_after_its_button_and_only_to_that_browser() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    let (bob, link, id) = opened(&town, &ana, "Übung \"1\" €.html").await;
    let early = bob.get(&format!("{link}/files/{id}/x")).await;
    assert_eq!(early.status, StatusCode::NOT_FOUND);

    let released = bob.submit_from(&format!("{link}/message"), &format!("{link}/files/{id}"), &[]).await;
    assert_eq!(released.status, StatusCode::SEE_OTHER, "{}", released.body);
    let path = released.location().to_owned();
    assert!(path.ends_with("/%C3%9Cbung%20%221%22%20%E2%82%AC.html"), "{path}");
    let file = bob.get(&path).await;
    assert_eq!((file.status, file.body.as_str()), (StatusCode::OK, text(0..1000).as_str()));
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"_bung _1_ _.html\"; filename*=UTF-8''%C3%9Cbung%20%221%22%20%E2%82%AC.html"
    );
    assert_eq!(file.header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(file.header("accept-ranges"), "bytes");

    let stranger = town.visitor();
    stranger.get(&link).await;
    assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    let (bob, link, id) = opened(&town, &ana, "a.txt").await;
    let path = bob.submit_from(&format!("{link}/message"), &format!("{link}/files/{id}"), &[]).await.location().to_owned();
    let etag = bob.get(&path).await.header("etag").to_owned();
    let ask = async |headers: &[(&str, &str)]| bob.ask(Method::GET, &path, headers, None).await;

    let rest = ask(&[("range", "bytes=900-"), ("if-range", &etag)]).await;
    assert_eq!((rest.status, rest.body.as_str()), (StatusCode::PARTIAL_CONTENT, text(900..1000).as_str()));
    assert_eq!(rest.header("content-range"), "bytes 900-999/1000");
    assert_eq!(rest.header("content-length"), "100");
    assert_eq!(ask(&[("range", "bytes=-10")]).await.body, text(990..1000));
    assert_eq!(ask(&[("range", "bytes=0-0")]).await.body, "a");
    let beyond = ask(&[("range", "bytes=1000-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */1000"));
    assert_eq!(ask(&[("range", "bytes=900-"), ("if-range", "\"other\"")]).await.status, StatusCode::OK);
    assert_eq!(ask(&[("if-none-match", &etag)]).await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_file_of_another_message_is_not_found() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    let (_, _, foreign) = opened(&town, &ana, "secret.txt").await;
    let (bob, link, _) = opened(&town, &ana, "mine.txt").await;
    let press = async |id: &str| bob.submit_from(&format!("{link}/message"), &format!("{link}/files/{id}"), &[]).await;
    let (page, absent, malformed) = (press(&foreign).await, press("att_06f2k1qv5m8r3000000000000x").await, press("x").await);
    assert_eq!([page.status, absent.status, malformed.status], [StatusCode::NOT_FOUND; 3]);
    assert!(page.body == absent.body && page.body == malformed.body, "the same page for all of them");
    assert_eq!(bob.get(&format!("{link}/files/{foreign}/secret.txt")).await.status, StatusCode::NOT_FOUND);
}
