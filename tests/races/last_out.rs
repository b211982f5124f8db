//! The last two recipients of a message leave at the same moment: what it held is destroyed, once.

use super::{BEFORE, slowly};
use serde_json::{Value, json};
use tests::{ApiKey, Body, Recipient, Town, on_both};

const FILE: usize = 1_000;

async fn refuse(to: Recipient) {
    to.press("refuse", &[("reason", "")]).await.is(303);
}

async fn take_back(key: ApiKey, message: String, recipient: Value) {
    let taken = key.post(&format!("/v1/messages/{message}/retraction"), &json!({ "recipients": [recipient] })).await.is(200).json();
    assert_eq!(taken["retracted"], json!([recipient]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_content_goes_with_the_last_two_who_leave_at_once() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let mut waiting = Vec::new();
        for n in 0..2 {
            let to = ["x", "y"].map(|name| format!("{name}{n}@example.org"));
            let file = key.upload("/v1/attachments?name=a.txt", Body::Whole(vec![7; FILE])).await.is(201).json()["id"].take();
            let outline = json!({ "to": to, "subject": "S", "body": "B", "proof": "r0", "attachments": [file] });
            let sent = key.post("/v1/messages", &outline).await.is(201).json();
            town.run_jobs().await;
            let [x, y] = to.map(|address| town.recipient(&address));
            x.page("refuse").await.is(200);
            y.page("refuse").await.is(200);
            waiting.push((x, y, sent));
        }
        assert_eq!(key.get("/v1/account").await.json()["stored_bytes"], 2 * FILE);
        slowly(&town, "UPDATE ON chain").await;
        for (n, (x, y, sent)) in waiting.into_iter().enumerate() {
            let message = sent["id"].as_str().unwrap().to_owned();
            let first = tokio::spawn(refuse(x));
            tokio::time::sleep(BEFORE).await;
            match n {
                0 => refuse(y).await,
                _ => take_back(key.clone(), message.clone(), sent["recipients"][1]["id"].clone()).await,
            }
            first.await.unwrap();
            let kinds = key.kinds(&message).await;
            assert_eq!(kinds.iter().filter(|kind| *kind == "shredded").count(), 1, "{kinds:?}");
        }
        assert_eq!(key.get("/v1/account").await.json()["stored_bytes"], 0);
        town.run_jobs().await;
        assert_eq!(town.blob_files(), 0);
    })
    .await;
}
