//! A message is sent while its sender's address is being proven: it leaves, whichever of the two ends first.

use super::{BEFORE, slowly};
use serde_json::json;
use std::sync::Arc;
use tests::{Body, Town, on_both};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const BOB: &str = "bob@example.org";

#[tokio::test]
async fn a_message_that_was_arriving_when_the_address_was_proven_leaves() {
    on_both(async |town: Town| {
        let ana = town.newcomer("ana@acme.example").await;
        let key = ana.key("ci").await;
        town.run_jobs().await;
        let go = Arc::new(Notify::new());
        let message = json!({ "to": [BOB], "subject": "First", "body": "Hello." }).to_string().into_bytes();
        let mut ask = key.request("POST".parse().unwrap(), "/v1/messages").header("content-type", "application/json");
        ask.body = Body::Waits(message[..5].to_vec(), go.clone(), message[5..].to_vec());
        let (answer, ()) = tokio::join!(key.door.ask(ask), async {
            // The head is read, and who asks is known from it.
            tokio::time::sleep(BEFORE).await;
            town.prove(&ana).await;
            go.notify_one();
        });
        let sent = answer.is(201).json();
        assert_eq!(sent["held"], false);
        town.run_jobs().await;
        assert_eq!((key.states(sent["id"].as_str().unwrap()).await, town.letters_to(BOB)), (vec!["notified".to_owned()], 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_written_while_the_address_is_proven_leaves() {
    on_both(async |town: Town| {
        let ana = town.newcomer("ana@acme.example").await;
        let key = ana.key("ci").await;
        town.run_jobs().await;
        slowly(&town, "INSERT ON recipient").await;
        let sending = tokio::spawn({
            let key = key.clone();
            async move { key.send(&[BOB]).await }
        });
        tokio::time::sleep(BEFORE).await;
        town.prove(&ana).await;
        let sent = sending.await.unwrap();
        town.run_jobs().await;
        assert_eq!((key.states(&sent).await, town.letters_to(BOB)), (vec!["notified".to_owned()], 1));
    })
    .await;
}

#[tokio::test]
async fn what_was_left_held_beside_a_proof_is_let_go_by_the_sweep() {
    on_both(async |town: Town| {
        let ana = town.newcomer("ana@acme.example").await;
        let key = ana.key("ci").await;
        let sent = key.send(&[BOB]).await;
        town.run_jobs().await;
        let stop = CancellationToken::new();
        town.app.sweep(&stop).await.unwrap();
        town.run_jobs().await;
        assert_eq!(town.letters_to(BOB), 0, "the proof is still to come");
        town.prove(&ana).await;
        town.database().say("UPDATE job SET state = 'held' WHERE kind = 'messages.notice'").await;
        town.run_jobs().await;
        assert_eq!(town.letters_to(BOB), 0);
        town.app.sweep(&stop).await.unwrap();
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["notified"]);
    })
    .await;
}
