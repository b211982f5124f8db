//! One recipient's gestures at the same moment: a double click, a form sent twice by a bad line, somebody who wants more than is given.
//! They count as if they had come one after the other.

use serde_json::json;
use tests::{Answer, Body, Recipient, Town, on_both};

const AT_ONCE: usize = 8;
/// Recipients of one fact: a race shows in a part of its runs.
const ROUNDS: usize = 5;

/// The same button in the same browser, so often at once.
async fn press(bob: &Recipient, name: &str, times: usize, fields: &'static [(&'static str, &'static str)]) -> Vec<Answer> {
    let pressing = (0..times).map(|_| {
        let (bob, name) = (bob.clone(), name.to_owned());
        tokio::spawn(async move { bob.press(&name, fields).await })
    });
    futures_util::future::join_all(pressing).await.into_iter().map(Result::unwrap).collect()
}

async fn count(town: &Town, key: &tests::ApiKey, message: &str, kind: &str) -> usize {
    assert!(town.broken_evidence().await.is_empty());
    key.kinds(message).await.iter().filter(|found| *found == kind).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_handed_over_once_to_a_browser() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        for n in 0..ROUNDS {
            let address = format!("bob{n}@example.org");
            let message = key.send_as(json!({ "to": [address], "subject": "S", "body": "B", "proof": "r0" })).await;
            town.run_jobs().await;
            let bob = town.recipient(&address);
            bob.look().await.is(200);
            for answer in press(&bob, "open", AT_ONCE, &[]).await {
                assert_eq!(answer.is(303).step(), "message");
            }
            assert_eq!(count(&town, &key, &message, "handed_over").await, 1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_code_is_mailed_and_it_is_the_one_that_counts() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        for n in 0..ROUNDS {
            let address = format!("bob{n}@example.org");
            let message = key.send_as(json!({ "to": [address], "subject": "S", "body": "B", "proof": "r1" })).await;
            town.run_jobs().await;
            let (bob, before) = (town.recipient(&address), town.letters_to(&address));
            bob.look().await.is(200);
            for answer in press(&bob, "open", AT_ONCE, &[]).await {
                assert_eq!(answer.is(303).step(), "code");
            }
            town.run_jobs().await;
            assert_eq!(town.letters_to(&address) - before, 1);
            assert_eq!(bob.type_code(&town.code(&address)).await.step(), "message");
            assert_eq!((count(&town, &key, &message, "code_proven").await, count(&town, &key, &message, "handed_over").await), (1, 1));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_released_once_and_replies_stop_at_twenty() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let upload = key.upload("/v1/attachments?name=film.txt", Body::Whole(b"what happened".to_vec())).await.is(201).json();
        let file = upload["id"].as_str().unwrap().to_owned();
        let outline = json!({ "to": ["bob@example.org"], "subject": "S", "body": "B", "proof": "r0", "attachments": [file] });
        let message = key.send_as(outline).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        bob.open().await.is(303);
        bob.message().await.is(200);
        for answer in press(&bob, &format!("files/{file}"), AT_ONCE, &[]).await {
            answer.is(303);
        }
        assert_eq!(count(&town, &key, &message, "file_handed_over").await, 1);
        let answers = press(&bob, "reply", 30, &[("reply", "Thank you.")]).await;
        let of = |status: u16| answers.iter().filter(|answer| answer.status.as_u16() == status).count();
        assert_eq!((of(303), of(429)), (20, 10));
        assert_eq!(count(&town, &key, &message, "replied").await, 20);
        town.run_jobs().await;
    })
    .await;
}
