//! A mail server that goes away in the middle, or says no: real TCP, every step. States are right, letters go out once, and what
//! may have gone out twice carries one Message-ID.

use mail::testing::{Do, Peer};
use std::time::Duration;
use tests::{ApiKey, Town, on_both_over_smtp};

/// What the server does on the first try, what is recorded then, and how many letters it has in the end.
struct Mishap {
    script: &'static [(&'static str, Do)],
    /// One of these.
    recorded: &'static [&'static str],
    letters: usize,
    /// Part of what the sender's page shows.
    shown: &'static str,
}

const LATER: &[&str] = &["notice_delayed"];
const UNKNOWN: &[&str] = &["notice_unknown"];
const NEVER: &[&str] = &["notice_failed"];

const PASSING: [Mishap; 8] = [
    // A connection that was kept breaks, and so does the new one.
    mishap(&[("MAIL", Do::HangUp), ("connect", Do::HangUp)], LATER, 1, ""),
    mishap(&[("MAIL", Do::HangUp), ("connect", Do::Say("421 4.3.2 shutting down\r\n"))], LATER, 1, "421 4.3.2 shutting down"),
    mishap(&[("MAIL", Do::Say("421 4.7.0 too many\r\n")), ("MAIL", Do::Say("421 4.7.0 too many\r\n"))], LATER, 1, "421 4.7.0 too many"),
    mishap(&[("RCPT", Do::Say("450 4.2.0 greylisted\r\n"))], LATER, 1, "450 4.2.0 greylisted"),
    mishap(&[("DATA", Do::HangUp)], LATER, 1, ""),
    // Whether the dot had left by then, we cannot always tell.
    mishap(&[("letter", Do::HangUp)], &["notice_delayed", "notice_unknown"], 1, ""),
    mishap(&[("dot", Do::Say("451 4.3.0 later\r\n"))], LATER, 2, "451 4.3.0 later"),
    // The letter was taken in full, and nobody knows what became of it.
    mishap(&[("dot", Do::HangUp)], UNKNOWN, 2, "may have arrived"),
];
const FINAL: [Mishap; 2] = [
    mishap(&[("RCPT", Do::Say("550 5.1.1 no such user\r\n"))], NEVER, 0, "550 5.1.1 no such user"),
    mishap(&[("dot", Do::Say("554 5.7.1 not wanted\r\n"))], NEVER, 1, "554 5.7.1 not wanted"),
];

const fn mishap(script: &'static [(&'static str, Do)], recorded: &'static [&'static str], letters: usize, shown: &'static str) -> Mishap {
    Mishap { script, recorded, letters, shown }
}

/// Sends one message while the server misbehaves; its id and address.
async fn send_into(town: &Town, peer: &Peer, key: &ApiKey, mishap: &Mishap, n: usize) -> (String, String) {
    let address = format!("bob{n}@example.org");
    for (step, what) in mishap.script {
        peer.then(step, *what);
    }
    let sent = key.send(&[&address]).await;
    town.run_jobs().await;
    let kinds = key.kinds(&sent).await;
    assert!(kinds.len() == 2 && mishap.recorded.contains(&kinds[1].as_str()), "{:?}: {kinds:?}", mishap.script);
    (sent, address)
}

#[tokio::test]
async fn a_mail_server_that_breaks_off_is_tried_again_under_the_same_message_id() {
    on_both_over_smtp(async |town: Town, peer: &Peer| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        for (n, mishap) in PASSING.iter().enumerate() {
            let (sent, address) = send_into(&town, peer, &key, mishap, n).await;
            assert_eq!(key.states(&sent).await, ["waiting"], "{:?}", mishap.script);
            assert!(ana.page(&sent).await.shows(mishap.shown), "{:?}", mishap.script);
            town.clock.advance(Duration::from_secs(60));
            town.run_jobs().await;
            assert_eq!(key.kinds(&sent).await[2..], ["notice_relayed"], "{:?}", mishap.script);
            assert_eq!(key.states(&sent).await, ["notified"]);
            let letters = town.letters(&address);
            assert_eq!(letters.len(), mishap.letters, "{:?}", mishap.script);
            assert!(letters.iter().all(|letter| letter.message_id == letters[0].message_id), "{letters:#?}");
            town.recipient(&address).open().await.is(303);
            town.run_jobs().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_mail_server_that_says_no_for_good_is_believed_and_the_sender_told() {
    on_both_over_smtp(async |town: Town, peer: &Peer| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        for (n, mishap) in FINAL.iter().enumerate() {
            let (sent, address) = send_into(&town, peer, &key, mishap, n).await;
            assert_eq!(key.states(&sent).await, ["failed"], "{:?}", mishap.script);
            assert!(ana.page(&sent).await.shows(mishap.shown), "{:?}", mishap.script);
            assert!(town.newest_to("ana@acme.example").text.contains(mishap.shown), "{:?}", mishap.script);
            town.clock.advance(Duration::from_secs(6 * 3600));
            town.run_jobs().await;
            assert_eq!(town.letters(&address).len(), mishap.letters, "{:?}", mishap.script);
            // It can still be taken back, and the send was spent.
            assert_eq!(key.retract(&sent).await["retracted"].as_array().unwrap().len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_mail_server_that_stays_away_is_given_up_on_after_five_days() {
    on_both_over_smtp(async |town: Town, peer: &Peer| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        for _ in 0..100 {
            peer.then("RCPT", Do::Say("450 4.2.0 not now\r\n"));
        }
        let sent = key.send(&["bob@example.org"]).await;
        for _ in 0..26 {
            town.run_jobs().await;
            assert_eq!(key.kinds(&sent).await.iter().filter(|kind| *kind == "notice_delayed").count(), 1, "one line in the timeline");
            town.clock.advance(Duration::from_secs(6 * 3600));
        }
        assert_eq!(key.states(&sent).await, ["failed"]);
        assert!(ana.page(&sent).await.shows("not taken for five days"));
        // The mail server is still of a mind to refuse; the sender is told once it is not.
        peer.forget();
        town.clock.advance(Duration::from_secs(24 * 3600));
        town.run_jobs().await;
        let told = town.newest_to("ana@acme.example").text;
        assert!(told.contains("last: 450 4.2.0 not"), "{told}");
        assert_eq!(town.letters_to("bob@example.org"), 0);
    })
    .await;
}
