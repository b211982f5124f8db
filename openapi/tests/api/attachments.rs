//! Files: uploaded whole, in pieces, broken off, downloaded, removed, refused.

use crate::town::{Answer, Somebody, Town, business, town, town_with};
use futures_util::stream;
use poem::{Body, http::Method};
use quota::Limits;
use serde_json::json;

async fn upload(town: &Town, who: &Somebody, query: &str, headers: &[(&str, &str)], bytes: impl Into<Body>) -> Answer {
    town.call(who, Method::POST, &format!("/v1/attachments?{query}"), headers, bytes.into()).await
}

#[tokio::test]
async fn an_uploaded_file_is_sent_listed_and_downloaded() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let first =
        upload(&town, &ana, "name=report%20%C3%BC.pdf", &[("content-type", "application/x-www-form-urlencoded")], "PDF bytes").await;
    assert_eq!(first.status, 201, "{}", first.json);
    assert_eq!(
        (&first.json["complete"], &first.json["media_type"], &first.json["received"]),
        (&json!(true), &json!("application/pdf"), &json!(9))
    );
    assert_eq!(first.json["sha256"].as_str().unwrap().len(), 64);
    let message = first.json["message"].as_str().unwrap();
    let second = upload(&town, &ana, &format!("name=b.bin&message={message}"), &[("content-type", "image/png")], vec![7u8; 300_000]).await;
    assert_eq!((&second.json["message"], &second.json["media_type"]), (&json!(message), &json!("image/png")));
    let files = town.get(&ana, &format!("/v1/messages/{message}/attachments")).await.json;
    assert_eq!(files["attachments"].as_array().unwrap().len(), 2);
    let body = json!({"to": ["bob@example.org"], "subject": "x", "body": "x", "attachments": [first.id(), second.id()]});
    let sent = town.post(&ana, "/v1/messages", &body).await;
    assert_eq!((sent.status.as_u16(), sent.id()), (201, message), "{}", sent.json);
    let down = town.get(&ana, &format!("/v1/messages/{message}/attachments/{}", second.id())).await;
    assert_eq!((down.status.as_u16(), down.bytes.len(), down.header("content-length")), (200, 300_000, "300000"));
    assert!(down.bytes.iter().all(|b| *b == 7));
    assert_eq!(down.header("content-disposition"), "attachment; filename=\"b.bin\"; filename*=UTF-8''b.bin");
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("content-security-policy", "sandbox; default-src 'none'"), ("accept-ranges", "bytes")]
    {
        assert_eq!(down.header(name), value);
    }
    let short = town.get(&ana, &format!("/v1/attachments/{}", second.id())).await;
    assert!(short.bytes == down.bytes && short.headers == down.headers, "one file, two addresses");
}

#[tokio::test]
async fn a_download_goes_on_from_any_byte() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let plain: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    let file = upload(&town, &ana, "name=a.bin", &[], plain.clone()).await;
    let path = format!("/v1/attachments/{}", file.id());
    let ask = async |headers: &[(&str, &str)]| town.call(&ana, Method::GET, &path, headers, Body::empty()).await;
    let whole = ask(&[]).await;
    assert!(whole.status == 200 && whole.bytes == plain, "a file that is not sent yet is its sender's too");
    let etag = whole.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", file.json["sha256"].as_str().unwrap()));
    let rest = ask(&[("range", "bytes=70000-"), ("if-range", &etag)]).await;
    assert_eq!(
        (rest.status.as_u16(), rest.header("content-range"), rest.header("content-length")),
        (206, "bytes 70000-199999/200000", "130000")
    );
    assert!(rest.bytes == plain[70_000..]);
    let head = town.call(&ana, Method::HEAD, &path, &[("range", "bytes=5-9")], Body::empty()).await;
    assert_eq!((head.header("content-length"), head.bytes.len()), ("5", 0));
    for (headers, status) in [
        (vec![("range", "bytes=70000-"), ("if-range", "\"other\"")], 200),
        (vec![("range", "bytes=0-1,5-6")], 200),
        (vec![("range", "bytes=nonsense")], 200),
        (vec![("range", "bytes=-1")], 206),
        (vec![("if-none-match", etag.as_str())], 304),
    ] {
        assert_eq!(ask(&headers).await.status.as_u16(), status, "{headers:?}");
    }
    let beyond = ask(&[("range", "bytes=200000-")]).await;
    assert_eq!((beyond.problem(), beyond.header("content-range")), ("range-not-satisfiable", "bytes */200000"));
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let mut sent = Vec::new();
    for password in [Some("four herons"), None] {
        let file = upload(&town, &ana, "name=a.txt", &[], "abc").await;
        let body = json!({"to": ["bob@example.org"], "subject": "x", "body": "", "password": password, "attachments": [file.id()]});
        sent.push((town.post(&ana, "/v1/messages", &body).await.id().to_owned(), format!("/v1/attachments/{}", file.id())));
    }
    let sealed = town.get(&ana, &sent[0].1).await;
    assert_eq!((sealed.status.as_u16(), sealed.problem()), (409, "sealed"), "{}", sealed.json);
    assert!(sealed.json["detail"].as_str().unwrap().contains("password that we do not have"));
    assert_eq!(town.get(&ana, &sent[1].1).await.bytes, b"abc");
    town.post(&ana, &format!("/v1/messages/{}/retraction", sent[1].0), &json!({})).await;
    assert_eq!(town.get(&ana, &sent[1].1).await.problem(), "gone");
    let unfinished = upload(&town, &ana, "name=a.txt&size=10", &[("content-length", "0")], Body::empty()).await;
    assert_eq!(town.get(&ana, &format!("/v1/attachments/{}", unfinished.id())).await.problem(), "not-found");
    let ben = town.newcomer("ben").await;
    assert_eq!(town.get(&ben, &sent[0].1).await.problem(), "not-found", "a neighbour is not even told that it is sealed");
}

#[tokio::test]
async fn an_announced_file_comes_in_pieces_and_goes_on_where_it_stopped() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let whole: Vec<u8> = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
    let begun = upload(&town, &ana, "name=big.bin&size=5000000", &[("content-length", "0")], Body::empty()).await;
    assert_eq!(
        (begun.status.as_u16(), &begun.json["received"], &begun.json["complete"]),
        (201, &json!(0), &json!(false)),
        "{}",
        begun.json
    );
    let path = begun.header("location").to_owned();
    let put = async |offset: u64, body: Body| town.call(&ana, Method::PUT, &format!("{path}?offset={offset}"), &[], body).await;
    let broken = stream::iter([Ok(whole[..4_500_000].to_vec()), Err(std::io::Error::other("gone"))]);
    let stopped = put(0, Body::from_bytes_stream(broken)).await;
    assert_eq!((stopped.status.as_u16(), stopped.problem()), (400, "upload-broken"));
    let wrong = put(1, Body::from("x")).await;
    assert_eq!((wrong.status.as_u16(), wrong.problem()), (409, "upload-offset"));
    let here = wrong.json["received"].as_u64().unwrap();
    assert!(here > 0 && here <= 4_500_000, "{here}");
    let done = put(here, Body::from(whole[here as usize..].to_vec())).await;
    assert_eq!((done.status.as_u16(), &done.json["complete"]), (200, &json!(true)), "{}", done.json);
    assert_eq!(put(5_000_000, Body::from("x")).await.problem(), "conflict");
    let sent =
        town.post(&ana, "/v1/messages", &json!({"to": ["b@example.org"], "subject": "x", "body": "", "attachments": [begun.id()]})).await;
    let down = town.get(&ana, &format!("/v1/messages/{}/attachments/{}", sent.id(), begun.id())).await;
    assert!(down.bytes == whole);
}

#[tokio::test]
async fn an_incomplete_file_is_not_sent() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let begun = upload(&town, &ana, "name=a.txt&size=10", &[("content-length", "0")], Body::empty()).await;
    let sent =
        town.post(&ana, "/v1/messages", &json!({"to": ["b@example.org"], "subject": "x", "body": "", "attachments": [begun.id()]})).await;
    assert_eq!((sent.problem(), sent.pointers()), ("invalid-fields", vec!["/attachments/0"]), "{}", sent.json);
}

#[tokio::test]
async fn a_removed_file_is_gone() {
    let town = town().await;
    let ana = town.newcomer("ana").await;
    let file = upload(&town, &ana, "name=a.txt", &[], "abc").await;
    let path = format!("/v1/messages/{}/attachments/{}", file.json["message"].as_str().unwrap(), file.id());
    assert_eq!(town.call(&ana, Method::DELETE, &path, &[], Body::empty()).await.status, 204);
    assert_eq!(town.call(&ana, Method::DELETE, &path, &[], Body::empty()).await.problem(), "not-found");
    assert_eq!(town.get(&ana, "/v1/account").await.json["stored_bytes"], 0);
}

#[tokio::test]
async fn bad_names_empty_and_oversized_files_leave_nothing_behind() {
    let town = town_with(Limits { message_bytes: Some(1_000), ..business() }).await;
    let ana = town.newcomer("ana").await;
    for name in ["..%2Fetc%2Fpasswd", "a%0D%0Ab", "a%E2%80%AEfdp.exe", "", &"x".repeat(256), "a%00b"] {
        let answer = upload(&town, &ana, &format!("name={name}"), &[], "abc").await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem(), &answer.json["errors"][0]["parameter"]),
            (400, "invalid-parameter", &json!("name")),
            "{name}"
        );
    }
    assert_eq!(upload(&town, &ana, "", &[], "abc").await.json["errors"][0]["detail"], "The parameter “name” is missing.");
    assert_eq!(upload(&town, &ana, "name=a.txt", &[], Body::empty()).await.problem(), "invalid-parameter");
    let declared = upload(&town, &ana, "name=a.txt&size=1001", &[], "abc").await;
    assert_eq!((declared.status.as_u16(), declared.problem(), &declared.json["limit"]), (413, "too-large", &json!(1000)));
    assert_eq!(upload(&town, &ana, "name=a.txt", &[], vec![0u8; 2_000]).await.problem(), "too-large");
    assert_eq!(upload(&town, &ana, "name=a.txt&size=5", &[], "123456").await.problem(), "invalid-parameter");
    assert_eq!(town.get(&ana, "/v1/account").await.json["stored_bytes"], 0);
}
