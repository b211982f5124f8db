//! Files that may not be, and uploads that stop half-way: the text beside them stays, and nothing of them does.

use std::sync::Arc;
use tests::{ApiKey, Body, File, Member, Town, on_both};
use tokio::sync::Notify;

const MIB: usize = 1024 * 1024;
const PDF: &str = "application/pdf";

async fn stored(key: &ApiKey) -> serde_json::Value {
    key.get("/v1/account").await.is(200).json()["stored_bytes"].take()
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_at_both_doors() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        let long = "x".repeat(256);
        for (name, in_query, says) in [
            ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd", "slash"),
            ("C:\\x.pdf", "C:%5Cx.pdf", "slash"),
            ("a\u{202e}fdp.exe", "a%E2%80%AEfdp.exe", "cannot be seen"),
            ("a\r\nX-Evil: yes.pdf", "a%0D%0AX-Evil%3A%20yes.pdf", "cannot be seen"),
            ("a\u{7}.pdf", "a%07.pdf", "cannot be seen"),
            ("in\u{200b}voice.pdf", "in%E2%80%8Bvoice.pdf", "cannot be seen"),
            ("..", "..", "slash"),
            (&long, &long, "255"),
        ] {
            let file = [File { name, media_type: PDF, bytes: b"%PDF-1.7" }];
            let page = ana.try_send(&[("to", "bob@example.org"), ("subject", "Typed for an hour")], &file).await;
            assert_eq!(page.status, 422, "{name:?}: {}", page.text());
            let sentence = page.after("class=\"err\" id=\"attachments-wrong\"><span>").unwrap();
            assert!(sentence.contains("was not taken") && sentence.contains(says), "{name:?}: {sentence}");
            assert!(page.shows("Typed for an hour"), "{name:?}");
            let refused = key.upload(&format!("/v1/attachments?name={in_query}"), Body::Whole(b"%PDF-1.7".to_vec())).await.is(400);
            assert_eq!(refused.problem(), "invalid-parameter", "{name:?}");
            assert!(refused.text().contains(says), "{name:?}: {}", refused.text());
        }
        assert_eq!(stored(&key).await, 0);
        assert_eq!(town.run_jobs().await, 0);
    })
    .await;
}

#[tokio::test]
async fn empty_and_too_large_files_are_refused_at_both_doors() {
    let small = |config: &mut countersign::Config| config.sign_up.plan = "personal".into();
    tests::on_both_with(small, async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        let large = vec![7; 26 * MIB];
        for (bytes, says, status) in [(&b""[..], "empty", 400), (&large[..], "holds at most", 413)] {
            let file = [File { name: "report.pdf", media_type: PDF, bytes }];
            let page = ana.try_send(&[("to", "bob@example.org"), ("subject", "Typed for an hour")], &file).await.is(422);
            let sentence = page.after("class=\"err\" id=\"attachments-wrong\"><span>").unwrap();
            assert!(sentence.contains("report.pdf") && sentence.contains(says), "{sentence}");
            assert!(page.shows("Typed for an hour"));
            let refused = key.upload("/v1/attachments?name=report.pdf", Body::Whole(bytes.to_vec())).await.is(status);
            assert!(refused.text().contains(says), "{}", refused.text());
            assert_eq!(stored(&key).await, 0, "{says}");
        }
        let announced = key.upload("/v1/attachments?name=report.pdf&size=1099511627776", Body::Whole(Vec::new())).await.is(413);
        assert_eq!((announced.problem().as_str(), &announced.json()["limit"]), ("too-large", &(25 * MIB).into()));
        town.run_jobs().await;
    })
    .await;
}

/// The first half of a form with this file, then nothing more.
async fn break_off(ana: &Member, path: &str, bytes: &[u8]) {
    let fields = [("to", "bob@example.org"), ("subject", "Typed for an hour"), ("body", "And kept.")];
    let file = [File { name: "report.pdf", media_type: PDF, bytes }];
    ana.browser.get("/compose").await.is(200);
    let answer = ana.browser.break_off(path, &fields, &file, bytes.len() / 2).await.is(400);
    assert!(answer.shows("did not arrive in full"), "{}", answer.text());
}

#[tokio::test]
async fn a_form_that_breaks_off_keeps_the_text_and_drops_half_a_file() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        break_off(&ana, "/drafts?then=send", &vec![7; 5 * MIB]).await;
        let drafts = ana.browser.get("/drafts").await.is(200);
        assert!(drafts.shows("Typed for an hour"), "what was typed is among the drafts: {}", drafts.text());
        let draft = drafts.after("href=\"/drafts/").unwrap();
        let page = ana.browser.get(&format!("/drafts/{draft}")).await.is(200);
        assert!(page.shows("And kept.") && !page.shows("report.pdf"), "{}", page.text());
        assert_eq!(stored(&key).await, 0);
        break_off(&ana, &format!("/drafts/{draft}/send"), &vec![7; 5 * MIB]).await;
        assert_eq!(stored(&key).await, 0);
        assert_eq!(key.get("/v1/messages").await.json()["messages"], serde_json::json!([]), "half a form sends nothing");
        let fields = [("to", "bob@example.org"), ("subject", "Typed for an hour")];
        let file = [File { name: "report.pdf", media_type: PDF, bytes: &vec![7; 5 * MIB] }];
        ana.browser.press_with_files(&format!("/drafts/{draft}/send"), &fields, &file).await.is(303);
        assert_eq!(stored(&key).await, 5 * MIB);
        town.run_jobs().await;
        assert_eq!(town.letters_to("bob@example.org"), 1);
    })
    .await;
}

#[tokio::test]
async fn a_piece_that_breaks_off_goes_on_from_what_is_here() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let draft = ana.draft(&[("to", "bob@example.org"), ("subject", "A film")], &[]).await;
        let film: Vec<u8> = (0..9 * MIB).map(|n| (n % 251) as u8).collect();
        let size = film.len().to_string();
        let begin = [("name", "film.mp4"), ("type", "video/mp4"), ("size", &size[..])];
        let begun = ana.browser.script(&format!("/drafts/{draft}/files"), &begin).await.is(201).json();
        let file = format!("/drafts/{draft}/files/{}", begun["id"].as_str().unwrap());
        let broken = ana.browser.put(&format!("{file}?offset=0"), Body::Breaks(film[..7 * MIB].to_vec())).await.is(400);
        assert!(broken.json()["error"].as_str().unwrap().ends_with('.'), "{}", broken.text());
        let here = ana.browser.get(&file).await.is(200).json()["received"].as_u64().unwrap() as usize;
        assert_eq!(here, 4 * MIB, "whole segments are kept");
        let rest = ana.browser.put(&format!("{file}?offset={here}"), Body::Whole(film[here..].to_vec())).await.is(200).json();
        assert_eq!(rest["complete"], true);
        let sent = ana.browser.press(&format!("/drafts/{draft}/send"), &[("to", "bob@example.org"), ("subject", "A film")]).await;
        let message = sent.to().to_owned();
        let link = ana.browser.get(&message).await.after("<a class=\"name\" href=\"").unwrap();
        assert!(ana.browser.get(&link).await.is(200).bytes == film);
        town.run_jobs().await;
    })
    .await;
}

/// A piece is longer than was declared, and a segment ends where the file should.
#[tokio::test]
async fn one_byte_too_many_does_not_stop_an_upload_for_good() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let film = vec![7; 12 * MIB];
        let begun = key.upload(&format!("/v1/attachments?name=film.mp4&size={}", film.len()), Body::Whole(Vec::new())).await;
        let path = format!("/v1/attachments/{}?offset=", begun.is(201).json()["id"].as_str().unwrap());
        let go_on = async |from: usize, bytes: Vec<u8>| key.go_on(&format!("{path}{from}"), Body::Whole(bytes)).await;
        go_on(0, film[..4 * MIB].to_vec()).await.is(200);
        let refused = go_on(4 * MIB, vec![7; 8 * MIB + 1]).await.is(400);
        assert!(refused.text().contains("more bytes"), "{}", refused.text());
        let here = go_on(0, Vec::new()).await.is(409).json()["received"].as_u64().unwrap() as usize;
        let whole = go_on(here, film[here..].to_vec()).await.is(200).json();
        assert_eq!((&whole["complete"], &whole["received"]), (&true.into(), &film.len().into()));
    })
    .await;
}

/// Two uploads of one file at once: the slower one, which ends after the message was sent, must not change what was sealed and hashed.
#[tokio::test]
async fn a_slow_upload_of_other_bytes_changes_nothing_that_was_sent() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        for removed in [false, true] {
            let (good, evil, go) = (vec![b'G'; 5000], vec![b'E'; 5000], Arc::new(Notify::new()));
            let begun = key.upload("/v1/attachments?name=contract.txt&size=5000", Body::Whole(Vec::new())).await.is(201).json();
            let file = begun["id"].as_str().unwrap().to_owned();
            let draft = begun["message"].as_str().unwrap().to_owned();
            let path = format!("/v1/attachments/{file}?offset=0");
            let held = Body::Waits(evil[..4000].to_vec(), go.clone(), evil[4000..].to_vec());
            let (slow, sent) = tokio::join!(key.go_on(&path, held), async {
                tokio::task::yield_now().await;
                let sent = if removed {
                    key.delete(&format!("/v1/messages/{draft}/attachments/{file}")).await.is(204);
                    None
                } else {
                    let whole = key.go_on(&path, Body::Whole(good.clone())).await.is(200).json();
                    assert_eq!(whole["complete"], true);
                    Some(
                        key.send_as(serde_json::json!({"to": ["bob@example.org"], "subject": "Signed", "body": "", "attachments": [file]}))
                            .await,
                    )
                };
                go.notify_one();
                sent
            });
            assert!(slow.status.is_client_error(), "{} {}", slow.status, slow.text());
            town.run_jobs().await;
            let Some(sent) = sent else {
                assert_eq!(town.blob_files(), 1, "the file of the first round alone");
                continue;
            };
            let now = key.get(&format!("/v1/messages/{sent}/attachments/{file}")).await.is(200);
            assert!(now.bytes == good, "what was sent is what is read");
            assert_eq!(town.blob_files(), 1, "and nothing else was kept");
        }
    })
    .await;
}

/// Whoever is over a limit uses no room either.
#[tokio::test]
async fn what_is_refused_leaves_nothing_on_the_disk() {
    let small = |config: &mut countersign::Config| config.sign_up.plan = "personal".into();
    tests::on_both_with(small, async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        let long = "word ".repeat(40_000);
        while key.post("/v1/messages", &serde_json::json!({"to": ["bob@example.org"], "subject": "x", "body": "y"})).await.status == 201 {}
        let kept = town.blob_files();
        for _ in 0..3 {
            key.post("/v1/messages", &serde_json::json!({"to": ["bob@example.org"], "subject": "x", "body": long})).await.is(402);
        }
        assert_eq!(town.blob_files(), kept);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn five_hundred_uploads_wait_for_a_message_and_one_that_is_removed_makes_room() {
    // SQLite alone: what is counted is the same on both.
    let town = Town::on(store::testing::fresh_sqlite().await, |_| {}, None).await;
    let key = town.member("ana@acme.example").await.key("ci").await;
    let begin = async || key.upload("/v1/attachments?name=a.pdf&size=1000", Body::Whole(Vec::new())).await;
    let first = begin().await.is(201).json();
    for _ in 1..500 {
        begin().await.is(201);
    }
    let refused = begin().await.is(409);
    assert_eq!(refused.problem(), "uploads-waiting");
    assert!(refused.text().contains("500 uploads wait"), "{}", refused.text());
    let path = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    key.delete(&format!("/v1/messages/{}/attachments/{}", path(&first["message"]), path(&first["id"]))).await.is(204);
    begin().await.is(201);
    town.run_jobs().await;
    town.leave().await;
}
