//! Taking a message back.

use serde_json::json;
use tests::{Town, on_both};

#[tokio::test]
async fn a_retracted_message_cannot_be_picked_up_and_the_loser_is_recorded() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        bob.look().await.is(200);
        assert!(ana.retract(&sent).await.shows("Taken back. It had not been opened."));
        assert_eq!(key.retract(&sent).await["ended"].as_array().unwrap().len(), 1, "a second time changes nothing");
        let late = bob.press("open", &[]).await.is(410);
        assert!(late.shows("The sender took this message back") && !late.shows("12-34"));
        assert_eq!(key.kinds(&sent).await, ["submitted", "notice_relayed", "link_fetched", "retracted", "shredded", "pickup_too_late"]);
        assert!(ana.page(&sent).await.shows("The content is destroyed"));
    })
    .await;
}

#[tokio::test]
async fn where_some_have_opened_the_others_are_taken_back() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org, carol@example.org"), ("proof", "r0")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        assert_eq!(bob.open().await.step(), "message");
        let done = key.retract(&sent).await;
        assert_eq!([&done["retracted"], &done["too_late"]].map(|list| list.as_array().unwrap().len()), [1, 1]);
        for _ in 0..3 {
            assert_eq!(key.retract(&sent).await["too_late"].as_array().unwrap().len(), 1);
        }
        let kinds = key.kinds(&sent).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "retraction_too_late").count(), 1, "once a recipient: {kinds:?}");
        assert_eq!(key.states(&sent).await, ["opened", "retracted"]);
        assert!(bob.message().await.is(200).shows("12-34"), "what was opened stays open");
        town.recipient("carol@example.org").look().await.is(410);
    })
    .await;
}

#[tokio::test]
async fn after_the_deadline_there_is_nothing_to_take_back() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org"), ("expires_days", "1")]).await;
        town.run_jobs().await;
        town.clock.advance(std::time::Duration::from_secs(86_400));
        assert_eq!(key.retract(&sent).await["ended"].as_array().unwrap().len(), 1, "before any job wrote the expiry down");
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["expired"]);
        assert!(!key.kinds(&sent).await.contains(&"retracted".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn one_of_several_recipients_is_taken_back_by_name() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        let sent = key.send(&["bob@example.org", "carol@example.org"]).await;
        town.run_jobs().await;
        let recipients = key.get(&format!("/v1/messages/{sent}/recipients")).await.json();
        let carol = &recipients["recipients"][1]["id"];
        key.post(&format!("/v1/messages/{sent}/retraction"), &json!({ "recipients": [carol] })).await.is(200);
        assert_eq!(key.states(&sent).await, ["notified", "retracted"]);
        town.recipient("bob@example.org").look().await.is(200);
    })
    .await;
}
