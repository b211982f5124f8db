//! Files: of any size, in pieces, whole and in ranges, handed over one by one.

use poem::http::Method;
use tests::{ApiKey, Body, File, Town, on_both};

const MIB: usize = 1024 * 1024;

/// Bytes that differ everywhere, so that a segment in the wrong place shows.
fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    kernel::Chance::seeded(len as u64).fill(&mut bytes);
    bytes
}

fn hex_sha256(bytes: &[u8]) -> String {
    keys::sha256(&[bytes]).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn send_file(key: &ApiKey, file: &str) -> String {
    let message = serde_json::json!({
        "to": ["bob@example.org"], "subject": "With a file", "body": "", "proof": "r0", "attachments": [file]
    });
    key.send_as(message).await
}

#[tokio::test]
async fn a_file_of_any_size_goes_in_and_comes_out_whole_and_in_ranges() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        for size in [1, 65_536, 65_537, 4 * MIB, 4 * MIB + 1, 9 * MIB + 17] {
            let plain = noise(size);
            let said = if size % 2 == 0 { format!("&size={size}") } else { String::new() };
            let file = key.upload(&format!("/v1/attachments?name=report.pdf{said}"), Body::Whole(plain.clone())).await.is(201).json();
            assert_eq!((&file["complete"], &file["sha256"]), (&true.into(), &hex_sha256(&plain).into()), "{size}");
            let file = file["id"].as_str().unwrap();
            let sent = send_file(&key, file).await;
            let whole = key.get(&format!("/v1/messages/{sent}/attachments/{file}")).await.is(200);
            assert!(whole.bytes == plain, "{size}");
            let (from, to) = (size / 3, size - size / 5);
            let range = format!("bytes={from}-{}", to - 1);
            let path = format!("/messages/{sent}/files/{file}/report.pdf");
            let part = ana.browser.ask(Method::GET, &path, &[("range", &range)], Body::None).await.is(206);
            assert!(part.bytes == plain[from..to], "{size}");
            assert_eq!(part.header("content-range"), format!("bytes {from}-{}/{size}", to - 1));
        }
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_breaks_goes_on_from_what_is_here() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let plain = noise(10 * MIB);
        let broken = Body::Breaks(plain[..5 * MIB].to_vec());
        let answer = key.upload(&format!("/v1/attachments?name=report.pdf&size={}", plain.len()), broken).await.is(400);
        assert_eq!(answer.problem(), "upload-broken");
        let started = key.upload(&format!("/v1/attachments?name=report.pdf&size={}", plain.len()), Body::Whole(Vec::new())).await;
        let file = started.is(201).json()["id"].as_str().unwrap().to_owned();
        let path = |offset: usize| format!("/v1/attachments/{file}?offset={offset}");
        key.go_on(&path(0), Body::Breaks(plain[..5 * MIB].to_vec())).await.is(400);
        let wrong = key.go_on(&path(0), Body::Whole(plain.clone())).await.is(409);
        assert_eq!((wrong.problem().as_str(), &wrong.json()["received"]), ("upload-offset", &(4 * MIB).into()));
        let half = serde_json::json!({ "to": ["bob@example.org"], "subject": "Half", "body": "", "attachments": [file] });
        assert_eq!(key.post("/v1/messages", &half).await.is(422).pointers(), ["/attachments/0"]);
        let rest = key.go_on(&path(4 * MIB), Body::Whole(plain[4 * MIB..].to_vec())).await.is(200).json();
        assert_eq!(rest["sha256"], hex_sha256(&plain));
        let sent = send_file(&key, &file).await;
        assert!(key.get(&format!("/v1/messages/{sent}/attachments/{file}")).await.bytes == plain);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_piece_that_would_never_get_further_is_refused() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let plain = noise(300_000);
        let started = key.upload("/v1/attachments?name=report.pdf&size=300000", Body::Whole(Vec::new())).await;
        let file = started.is(201).json()["id"].as_str().unwrap().to_owned();
        let small = key.go_on(&format!("/v1/attachments/{file}?offset=0"), Body::Whole(plain[..100_000].to_vec())).await.is(400);
        assert!(small.text().contains("must have at least"), "{}", small.text());
        key.go_on(&format!("/v1/attachments/{file}?offset=0"), Body::Whole(plain)).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn evidence_of_a_destroyed_file_cannot_be_tried_against_a_copy() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        let plain = noise(1_000);
        let file = key.upload("/v1/attachments?name=report.pdf", Body::Whole(plain.clone())).await.is(201).json();
        let file = file["id"].as_str().unwrap();
        let sent = send_file(&key, file).await;
        let submitted = key.evidence(&sent).await[0].to_string();
        key.retract(&sent).await;
        town.run_jobs().await;
        let grounds: serde_json::Value = serde_json::from_str(&submitted).unwrap();
        let said = grounds.to_string();
        let body = said.split("sealed_sha256").nth(1).and_then(|rest| rest.split('"').nth(2)).expect("the body's hash").to_owned();
        let salt: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&body[2 * i..2 * i + 2], 16).unwrap()).collect();
        for guess in [hex_sha256(&plain), hex_sha256(&[&salt[..], &keys::sha256(&[&plain])].concat())] {
            assert!(!said.contains(&guess));
        }
        let left = key.get(&format!("/v1/messages/{sent}/attachments")).await.is(200).json();
        assert_eq!((&left["attachments"][0]["sha256"], &left["attachments"][0]["complete"]), (&serde_json::Value::Null, &true.into()));
    })
    .await;
}

#[tokio::test]
async fn a_recipient_reads_a_file_only_after_it_was_handed_over() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let hello = [File { name: "hello.txt", media_type: "text/plain", bytes: b"hello" }];
        let sent = ana.send_with(&[("to", "bob@example.org"), ("proof", "r0")], &hello).await;
        town.run_jobs().await;
        let file = key.get(&format!("/v1/messages/{sent}/attachments")).await.json()["attachments"][0]["id"].take();
        let file = file.as_str().unwrap();
        let bob = town.recipient("bob@example.org");
        let at = format!("files/{file}/hello.txt");
        bob.page(&at).await.is(404);
        assert_eq!(bob.open().await.step(), "message");
        bob.page(&at).await.is(404);
        let path = bob.release(file).await;
        assert_eq!(bob.release(file).await, path, "asking twice hands over once");
        let got = bob.browser.get(&path).await.is(200);
        assert_eq!((got.text().as_str(), got.header("content-security-policy")), ("hello", "sandbox; default-src 'none'"));
        assert!(got.header("content-disposition").starts_with("attachment; filename=\"hello.txt\""));
        bob.at(town.browser()).page(&at).await.is(404);
        assert_eq!(key.kinds(&sent).await, ["submitted", "notice_relayed", "link_fetched", "handed_over", "file_handed_over"]);
    })
    .await;
}
