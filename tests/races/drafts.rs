//! What is done to a draft and its files at the same moment counts as if it had come one after the other: a message has the files that
//! were taken, and what was removed is gone with the room that it held.

use super::{BEFORE, slowly};
use kernel::MAX_ATTACHMENTS;
use serde_json::{Value, json};
use tests::{Answer, ApiKey, Body, Town, on_both};

const MIB: usize = 1024 * 1024;

/// A file of a draft; ids of both.
async fn upload(key: &ApiKey, name: &str) -> (String, String) {
    let file = key.upload(&format!("/v1/attachments?name={name}"), Body::Whole(b"agreed".to_vec())).await.is(201).json();
    (word(&file["message"]), word(&file["id"]))
}

fn word(value: &Value) -> String {
    value.as_str().expect("a word").to_owned()
}

async fn one_more(key: &ApiKey, draft: &str) -> Answer {
    key.upload(&format!("/v1/attachments?name=later.txt&message={draft}"), Body::Whole(b"added later".to_vec())).await
}

async fn send(key: ApiKey, file: String) -> String {
    key.send_as(json!({ "to": ["bob@example.org"], "subject": "Contract", "body": "", "attachments": [file] })).await
}

/// The one file is there, to its sender and in the evidence, and nothing else is stored.
async fn holds_one_file(key: &ApiKey, message: &str) {
    let files = key.get(&format!("/v1/messages/{message}/attachments")).await.is(200).json()["attachments"].take();
    assert_eq!(files.as_array().map(Vec::len), Some(1), "{files:#}");
    let submitted = key.evidence(message).await[0]["grounds"]["files"].take();
    assert_eq!(submitted.as_array().map(Vec::len), Some(1), "{submitted:#}");
}

async fn stored(key: &ApiKey) -> Value {
    key.get("/v1/account").await.is(200).json()["stored_bytes"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_comes_and_goes_before_the_message_is_sent_or_not_at_all() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        slowly(&town, "INSERT ON recipient").await;
        for adds in [true, false] {
            let (draft, file) = upload(&key, "contract.txt").await;
            let sending = tokio::spawn(send(key.clone(), file.clone()));
            tokio::time::sleep(BEFORE).await;
            match adds {
                true => one_more(&key, &draft).await.is(404),
                false => key.delete(&format!("/v1/messages/{draft}/attachments/{file}")).await.is(404),
            };
            holds_one_file(&key, &sending.await.unwrap()).await;
        }
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_begun_while_its_draft_is_sent_without_it_is_not_in_the_message() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let (draft, file) = upload(&key, "contract.txt").await;
        slowly(&town, "INSERT ON attachment").await;
        let adding = tokio::spawn({
            let key = key.clone();
            async move { one_more(&key, &draft).await }
        });
        tokio::time::sleep(BEFORE).await;
        let sent = send(key.clone(), file).await;
        adding.await.unwrap();
        holds_one_file(&key, &sent).await;
        assert_eq!(stored(&key).await, 6);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_ends_with_its_last_file_takes_no_more() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let (draft, file) = upload(&key, "contract.txt").await;
        slowly(&town, "DELETE ON attachment").await;
        let removing = tokio::spawn({
            let (key, path) = (key.clone(), format!("/v1/messages/{draft}/attachments/{file}"));
            async move { key.delete(&path).await.is(204) }
        });
        tokio::time::sleep(BEFORE).await;
        one_more(&key, &draft).await.is(404);
        removing.await.unwrap();
        assert_eq!(stored(&key).await, 0);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_piece_that_arrives_while_its_file_is_removed_holds_no_room() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let begun = key.upload(&format!("/v1/attachments?name=film.mp4&size={}", 5 * MIB), Body::Whole(Vec::new())).await.is(201).json();
        let (draft, file) = (word(&begun["message"]), word(&begun["id"]));
        slowly(&town, "UPDATE ON attachment").await;
        let piece = tokio::spawn({
            let (key, path) = (key.clone(), format!("/v1/attachments/{file}?offset=0"));
            async move { key.go_on(&path, Body::Whole(vec![7; 4 * MIB])).await }
        });
        tokio::time::sleep(BEFORE).await;
        key.delete(&format!("/v1/messages/{draft}/attachments/{file}")).await.is(204);
        piece.await.unwrap();
        assert_eq!(stored(&key).await, 0);
        town.run_jobs().await;
        assert_eq!(town.blob_files(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_files_begun_at_once_the_last_place_takes_one() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let (draft, _) = upload(&key, "contract.txt").await;
        let begin = format!("/v1/attachments?name=page.txt&size=9&message={draft}");
        for _ in 2..MAX_ATTACHMENTS {
            key.upload(&begin, Body::Whole(Vec::new())).await.is(201);
        }
        slowly(&town, "INSERT ON attachment").await;
        let begin = || key.upload(&begin, Body::Whole(Vec::new()));
        let (one, other) = tokio::join!(begin(), begin());
        let mut answers = [one.status.as_u16(), other.status.as_u16()];
        answers.sort_unstable();
        assert!(answers[0] == 201 && answers[1] >= 400, "{answers:?}");
        town.run_jobs().await;
    })
    .await;
}
