//! Replies: read as often as one likes, and marked as read by saying so.

use poem::http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{ApiKey, Town, on_both};

#[tokio::test]
async fn a_reply_is_marked_as_read_by_saying_so_and_never_by_looking() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let ben = town.member("ben@bolt.example").await.key("ci").await;
        key.send_as(json!({"to": ["bob@example.org"], "subject": "Hello", "body": "Hello.", "proof": "r0"})).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        bob.open().await;
        bob.reply("Got it.").await.is(303);
        town.run_jobs().await;
        let list = async || key.get("/v1/replies").await.is(200).json()["replies"][0].take();
        let path = format!("/v1/replies/{}", list().await["id"].as_str().unwrap());
        for _ in 0..2 {
            let reply = key.get(&path).await.is(200).json();
            assert_eq!((&reply["text"], &reply["from"], &reply["read_at"]), (&"Got it.".into(), &"bob@example.org".into(), &Value::Null));
            assert_eq!(list().await["read_at"], Value::Null, "a look changes nothing");
        }
        let mark = format!("{path}/read");
        let post = async |key: &ApiKey| key.door.ask(key.request(Method::POST, &mark)).await;
        assert_eq!(post(&ben).await.is(404).problem(), "not-found");
        post(&key).await.is(204);
        let read_at = key.get(&path).await.json()["read_at"].take();
        assert!(read_at.is_string() && list().await["read_at"] == read_at, "{read_at}");
        town.clock.advance(Duration::from_secs(60));
        post(&key).await.is(204);
        assert_eq!(key.get(&path).await.json()["read_at"], read_at, "the first time stays");
    })
    .await;
}
