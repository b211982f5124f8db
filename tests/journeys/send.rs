//! Sending, the notice, and the list of what was sent.

use mail::{Outcome, Pause, SmtpAnswer};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{ApiKey, Town, on_both};

#[tokio::test]
async fn a_notice_leaves_and_says_nothing_of_the_content() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org, carol@example.org")]).await;
        assert_eq!(key.states(&sent).await, ["waiting", "waiting"]);
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["notified", "notified"]);
        let notice = town.newest_to("bob@example.org");
        assert!(notice.text.contains("Ana Brandt") && notice.text.contains("https://mail.example.test/p/"), "{}", notice.text);
        assert!(!notice.raw.contains("Wire instructions") && !notice.raw.contains("12-34"), "{}", notice.raw);
        assert_eq!(key.kinds(&sent).await, ["submitted", "notice_relayed", "notice_relayed"]);
    })
    .await;
}

#[tokio::test]
async fn a_message_written_before_the_proof_of_address_leaves_after_it() {
    on_both(async |town: Town| {
        let ana = town.newcomer("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org")]).await;
        assert!(ana.page(&sent).await.shows("It leaves the moment you prove your address"));
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["waiting"]);
        assert_eq!(town.letters_to("bob@example.org"), 0);
        town.prove(&ana).await;
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["notified"]);
    })
    .await;
}

/// What the recipient reads of the sender is what they were called when they sent it.
#[tokio::test]
async fn a_message_goes_under_the_name_that_its_sender_had() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let outline =
            json!({ "to": ["bob@example.org"], "subject": "S", "body": "B", "proof": "r0", "expires_days": 10, "remind_days": [7] });
        let sent = key.send_as(outline.clone()).await;
        ana.browser.get("/settings").await.is(200);
        ana.browser.press("/settings/name", &[("name", "Deutsche Bank AG")]).await.is(303);
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        let pages = [bob.look().await, bob.page("refuse").await, bob.page("block").await];
        town.clock.advance(Duration::from_secs(3 * 24 * 3_600));
        town.run_jobs().await;
        assert_eq!(town.letters_to("bob@example.org"), 2, "a notice and a reminder");
        assert_eq!(bob.open().await.step(), "message");
        let pages = pages.into_iter().chain([bob.message().await]).map(|page| page.is(200).text());
        let letters = town.letters("bob@example.org").into_iter().map(|letter| letter.raw + &letter.text);
        for shown in pages.chain(letters) {
            assert!(shown.contains("Ana Brandt") && !shown.contains("Deutsche Bank"), "{shown}");
        }
        assert!(ana.page(&sent).await.shows("Ana Brandt"));
        let submitted = key.evidence(&sent).await[0]["grounds"].take();
        assert_eq!(submitted["sender"].as_str().map(str::len), Some(64), "a commitment: {submitted}");
        assert!(!submitted.to_string().contains("Ana"));
        let next = key.send_as(outline).await;
        town.run_jobs().await;
        assert!(town.newest_to("bob@example.org").text.contains("Deutsche Bank AG"));
        assert_ne!(key.evidence(&next).await[0]["grounds"]["sender"], submitted["sender"]);
        town.database().say("UPDATE message SET sender_name = NULL, tenant_name = NULL").await;
        assert!(bob.look().await.shows("Deutsche Bank AG"), "a message from before names were kept");
    })
    .await;
}

async fn send_under(key: &ApiKey, idempotency: &str, message: &Value) -> tests::Answer {
    let ask = key.request("POST".parse().unwrap(), "/v1/messages").header("idempotency-key", idempotency);
    key.door.ask(ask.body("application/json", message.to_string())).await
}

#[tokio::test]
async fn the_same_idempotency_key_sends_once_and_another_request_under_it_is_refused() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("ci").await;
        let message = json!({ "to": ["bob@example.org"], "subject": "Once", "body": "Only once." });
        let first = send_under(&key, "k1", &message).await.is(201).json();
        let second = send_under(&key, "k1", &message).await.is(201).json();
        assert_eq!(first["id"], second["id"]);
        let other = json!({ "to": ["bob@example.org"], "subject": "Twice", "body": "Only once." });
        assert_eq!(send_under(&key, "k1", &other).await.is(422).problem(), "idempotency-key-reused");
        town.run_jobs().await;
        assert_eq!(town.letters_to("bob@example.org"), 1);
        assert_eq!(key.get("/v1/account").await.json()["sends_used"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_over_its_quota_is_refused_and_nothing_is_left_behind() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        let hundred: Vec<String> = (0..100).map(|n| format!("r{n}@example.org")).collect();
        let to: Vec<&str> = hundred.iter().map(String::as_str).collect();
        for _ in 0..15 {
            key.send(&to).await;
        }
        let refused =
            key.post("/v1/messages", &json!({ "to": ["bob@example.org"], "subject": "One more", "body": "And a text." })).await.is(402);
        assert_eq!((refused.problem().as_str(), &refused.json()["limit"]), ("over-quota", &json!(1_500)));
        let page = ana.try_send(&[("to", "bob@example.org"), ("subject", "Typed and kept")], &[]).await.is(402);
        assert!(page.shows(r#"id="to-wrong""#) && page.shows("Typed and kept"), "{}", page.text());
        assert_eq!(key.get("/v1/messages?limit=100").await.json()["messages"].as_array().unwrap().len(), 15);
        assert_eq!(key.get("/v1/account").await.json()["sends_used"], 1_500);
        town.run_jobs().await;
        assert_eq!(town.letters_to("bob@example.org"), 0);
    })
    .await;
}

#[tokio::test]
async fn the_sent_list_pages_searches_and_filters() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        for n in 0..7 {
            town.clock.advance(Duration::from_millis(1));
            let to = format!("r{n}@example.org");
            ana.send(&[("to", &to), ("subject", &format!("Subject 100%_{n}"))]).await;
        }
        let list = async |query: &str| key.get(&format!("/v1/messages?{query}")).await.is(200).json();
        let first = list("limit=5").await;
        let second = list(&format!("limit=5&after={}", first["next"].as_str().unwrap())).await;
        let subjects = |page: &Value| page["messages"].as_array().unwrap().iter().map(|m| m["subject"].clone()).collect::<Vec<_>>();
        let all = [subjects(&first), subjects(&second)].concat();
        assert_eq!(all, (0..7).rev().map(|n| json!(format!("Subject 100%_{n}"))).collect::<Vec<_>>());
        assert_eq!(second["next"], Value::Null);
        for (search, hits) in [("R3@EXAMPLE", 1), ("100%25_", 7), ("100x_", 0), ("subject", 7)] {
            assert_eq!(subjects(&list(&format!("search={search}")).await).len(), hits, "{search}");
            let page = ana.browser.get(&format!("/sent?q={search}")).await.is(200).text();
            assert_eq!(page.matches("class=\"subject\"").count(), hits, "{search}");
        }
        ana.send(&[("to", "bob@example.org"), ("subject", "Überweisung an ÉTUDE")]).await;
        for search in ["%C3%9Cberweisung", "%C3%BCBERWEISUNG", "%C3%A9tude"] {
            assert_eq!(subjects(&list(&format!("search={search}")).await).len(), 1, "all letters fold alike: {search}");
        }
        assert!(ana.browser.get("/sent?q=%00Subject%00").await.is(200).shows("Subject 100%_3"), "what cannot be typed is not searched for");
        assert!(subjects(&list("state=opened").await).is_empty());
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_temporary_answer_is_tried_again_and_a_final_one_is_not() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let bob = "bob@example.org".parse().unwrap();
        town.mailbox.answer_next_to(&bob, Outcome::TryLater(Pause::Answered(SmtpAnswer::new(450, "greylisted", "mx.example.org"))));
        let sent = ana.send(&[("to", "bob@example.org")]).await;
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["waiting"]);
        town.clock.advance(Duration::from_secs(120));
        town.mailbox.answer_next_to(&bob, Outcome::Failed(SmtpAnswer::new(550, "no such user", "mx.example.org")));
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["failed"]);
        assert_eq!(key.kinds(&sent).await, ["submitted", "notice_delayed", "notice_failed"]);
        assert!(ana.page(&sent).await.shows("no such user"));
        assert!(town.newest_to("ana@acme.example").text.contains("no such user"));
    })
    .await;
}
