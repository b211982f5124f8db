//! Mail that nobody asked for: few letters to one address, whoever sends them.

use mail::{Outcome, Pause, SmtpAnswer};
use messages::UnaskedMail;
use std::time::Duration;
use tests::{ApiKey, Town, on_both_with};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const BOB: &str = "bob@example.org";

/// A town with the brakes that ship.
async fn with_brakes(fact: impl AsyncFn(Town)) {
    on_both_with(|config| config.unasked_mail = UnaskedMail::default().into(), fact).await;
}

async fn sender(town: &Town, email: &str) -> ApiKey {
    town.member(email).await.key("send").await
}

async fn send(key: &ApiKey, times: usize) -> Vec<String> {
    let mut sent = Vec::new();
    for _ in 0..times {
        sent.push(key.send_as(serde_json::json!({ "to": [BOB], "subject": "Hi", "body": "Hi.", "proof": "r0" })).await);
    }
    sent
}

#[tokio::test]
async fn one_address_gets_five_an_hour_and_twenty_a_day_whoever_sends() {
    with_brakes(async |town: Town| {
        for email in ["ana@acme.example", "bea@bolt.example", "cyd@cole.example"] {
            send(&sender(&town, email).await, 10).await;
        }
        let mut by_hour = Vec::new();
        for _ in 0..25 {
            town.run_jobs().await;
            by_hour.push(town.letters_to(BOB));
            town.clock.advance(HOUR);
        }
        assert_eq!(by_hour[..6], [5, 10, 15, 20, 20, 20]);
        assert_eq!(by_hour[23..], [20, 25], "the next day it goes on");
        for _ in 0..2 {
            town.run_jobs().await;
            town.clock.advance(HOUR);
        }
        assert_eq!(town.letters_to(BOB), 30, "every one left in the end");
    })
    .await;
}

#[tokio::test]
async fn a_letter_that_waits_says_so_once_and_not_for_whom() {
    with_brakes(async |town: Town| {
        send(&sender(&town, "ana@acme.example").await, 5).await;
        town.run_jobs().await;
        let key = sender(&town, "bea@bolt.example").await;
        let sent = send(&key, 1).await.remove(0);
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["waiting"]);
        let held = &key.evidence(&sent).await[1];
        assert_eq!(held["kind"], "notice_held");
        let told = held.to_string();
        for other in ["acme", "Ana", "\"5\"", "20"] {
            assert!(!held["grounds"].to_string().contains(other), "{told}");
        }
        town.clock.advance(HOUR);
        town.run_jobs().await;
        assert_eq!(key.kinds(&sent).await, ["submitted", "notice_held", "notice_relayed"]);
    })
    .await;
}

#[tokio::test]
async fn who_opened_once_is_not_kept_waiting_by_the_same_sender() {
    with_brakes(async |town: Town| {
        let key = sender(&town, "ana@acme.example").await;
        send(&key, 1).await;
        town.run_jobs().await;
        assert_eq!(town.recipient(BOB).open().await.step(), "message");
        send(&key, 10).await;
        town.run_jobs().await;
        assert_eq!(town.letters_to(BOB), 11);
        let other = sender(&town, "bea@bolt.example").await;
        send(&other, 10).await;
        town.run_jobs().await;
        assert_eq!(town.letters_to(BOB), 15, "what Bob takes from Ana says nothing about Bea, and did not count against her");
        town.clock.advance(2 * HOUR);
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_letter_that_was_not_taken_takes_no_place() {
    with_brakes(async |town: Town| {
        let key = sender(&town, "ana@acme.example").await;
        let bob = BOB.parse().unwrap();
        for _ in 0..8 {
            town.mailbox.answer_next_to(&bob, Outcome::TryLater(Pause::Answered(SmtpAnswer::new(450, "greylisted", "mx.example.org"))));
        }
        let sent = send(&key, 5).await;
        for _ in 0..3 {
            town.run_jobs().await;
            town.clock.advance(6 * MINUTE);
        }
        assert_eq!(town.letters_to(BOB), 5);
        for id in &sent {
            assert!(!key.kinds(id).await.contains(&"notice_held".to_owned()));
        }
    })
    .await;
}

#[tokio::test]
async fn where_the_counters_cannot_be_read_nothing_is_mailed() {
    with_brakes(async |town: Town| {
        let key = sender(&town, "ana@acme.example").await;
        let sent = send(&key, 1).await.remove(0);
        town.database().say("ALTER TABLE brake RENAME TO gone").await;
        town.run_jobs().await;
        town.database().say("ALTER TABLE gone RENAME TO brake").await;
        assert_eq!((town.letters_to(BOB), key.states(&sent).await), (0, vec!["waiting".to_owned()]));
        town.clock.advance(HOUR);
        town.run_jobs().await;
        assert_eq!(town.letters_to(BOB), 1);
    })
    .await;
}

#[tokio::test]
async fn one_address_is_one_address_however_it_is_written() {
    with_brakes(async |town: Town| {
        let key = sender(&town, "ana@acme.example").await;
        let ways =
            ["Bob@Example.org", "bob@EXAMPLE.ORG", "BOB@example.org", "bob+1@example.org", "bob+2@example.org", "bOb+a+b@example.org"];
        for to in ways {
            key.send(&[to]).await;
        }
        town.run_jobs().await;
        let letters = town.mailbox.letters();
        let to_bob = letters.iter().map(|letter| &letter.to).filter(|to| to.to_lowercase().starts_with("bob")).collect::<Vec<_>>();
        assert_eq!(to_bob.len(), 5, "{to_bob:?}");
        assert!(to_bob.iter().any(|to| to.contains('+')), "each as it was typed: {to_bob:?}");
        town.clock.advance(HOUR);
        town.run_jobs().await;
    })
    .await;
}
