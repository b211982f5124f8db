//! Picking up: the link, the gesture, the proofs, and the ways to say no.

use serde_json::{Value, json};
use std::time::Duration;
use tests::{Town, on_both};

#[tokio::test]
async fn the_mailed_code_opens_the_message_and_looking_does_not() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org"), ("notify_opened", "on")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        assert!(bob.look().await.is(200).shows("Ana Brandt has sent you a message"));
        bob.look().await.is(200);
        assert_eq!(key.states(&sent).await, ["notified"]);
        assert_eq!(bob.press("open", &[]).await.step(), "code");
        assert_eq!(bob.message().await.to(), bob.link, "nothing is shown before the code");
        town.run_jobs().await;
        assert_eq!(bob.type_code(&town.code("bob@example.org")).await.step(), "message");
        assert!(bob.message().await.is(200).shows("<em>Bob</em>"));
        assert_eq!(bob.at(town.browser()).message().await.to(), bob.link, "another browser");
        assert_eq!(key.states(&sent).await, ["opened"]);
        assert_eq!(
            key.kinds(&sent).await,
            ["submitted", "notice_relayed", "link_fetched", "gesture", "code_sent", "code_proven", "handed_over"]
        );
        town.run_jobs().await;
        assert!(town.newest_to("ana@acme.example").text.contains(&bob.browser.address.to_string()));
        bob.reply("Thank *you*").await.is(303);
        assert!(bob.message().await.shows("You have replied"));
        let replies = key.get("/v1/replies").await.json();
        let reply = replies["replies"][0]["id"].as_str().unwrap().to_owned();
        assert!(ana.browser.get(&format!("/received/{reply}")).await.is(200).shows("Thank <em>you</em>"));
        assert!(ana.browser.get("/received").await.shows("state new"), "looking changes nothing");
        assert_eq!(ana.browser.press(&format!("/received/{reply}/read"), &[]).await.to(), "/received");
        assert!(!ana.browser.get("/received").await.shows("state new"));
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn five_wrong_passwords_lock_and_tell_both_and_the_sender_can_unlock() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let secret = [("to", "bob@example.org"), ("proof", "r2"), ("password", "our first dog"), ("hint", "who barked")];
        let sent = ana.send(&secret).await;
        assert!(ana.page(&sent).await.shows("sealed with the message password, which we do not have"));
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        assert!(!bob.open().await.shows("who barked"));
        town.run_jobs().await;
        assert_eq!(bob.type_code(&town.code("bob@example.org")).await.step(), "password");
        assert!(bob.page("password").await.shows("who barked"));
        for left in ["4 tries are left", "3 tries are left", "2 tries are left", "One try is left"] {
            let wrong = bob.press("password", &[("password", "guess")]).await.is(303).to().to_owned();
            for _ in 0..2 {
                let told = bob.browser.get(&wrong).await.is(200);
                assert!(told.shows("This password is not right") && told.shows(left), "{left}: {}", told.text());
            }
        }
        assert!(bob.press("password", &[("password", "guess")]).await.is(403).shows("This message is locked"));
        bob.press("password", &[("password", "our first dog")]).await.is(403);
        assert_eq!(key.states(&sent).await, ["locked"]);
        let before = [town.letters_to("ana@acme.example"), town.letters_to("bob@example.org")];
        town.run_jobs().await;
        let after = [town.letters_to("ana@acme.example"), town.letters_to("bob@example.org")];
        assert_eq!(after, before.map(|n| n + 1), "both are told");
        let recipient = key.get(&format!("/v1/messages/{sent}/recipients")).await.json()["recipients"][0]["id"].take();
        let unlock = format!("/messages/{sent}/unlock");
        ana.browser.press(&unlock, &[("recipient", recipient.as_str().unwrap())]).await.is(303);
        assert_eq!(bob.type_password("our first dog").await.step(), "message");
        assert!(bob.message().await.is(200).shows("by a code mailed to you and the message password"));
    })
    .await;
}

#[tokio::test]
async fn a_lock_after_opening_leaves_it_opened_and_can_be_lifted() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org"), ("proof", "r2"), ("password", "our first dog")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        let phone = bob.at(town.browser());
        for browser in [&bob, &phone] {
            browser.open().await.is(303);
            town.run_jobs().await;
            assert_eq!(browser.type_code(&town.code("bob@example.org")).await.step(), "password");
            town.clock.advance(Duration::from_secs(61));
        }
        assert_eq!(bob.type_password("our first dog").await.step(), "message");
        for _ in 0..4 {
            phone.type_password("guess").await.is(303);
        }
        phone.type_password("guess").await.is(403);
        town.run_jobs().await;
        assert!(phone.press("open", &[]).await.is(403).shows("This message is locked"));
        assert!(bob.message().await.is(200).shows("12-34"), "the browser that has it keeps it");
        assert_eq!(key.states(&sent).await, ["opened"]);
        let recipient = key.get(&format!("/v1/messages/{sent}/recipients")).await.json()["recipients"][0]["id"].take();
        assert!(ana.page(&sent).await.shows("Allow five new tries"));
        let unlocking = format!("/v1/messages/{sent}/recipients/{}/unlocking", recipient.as_str().unwrap());
        key.post(&unlocking, &json!({})).await.is(204);
        key.post(&unlocking, &json!({})).await.is(409);
        assert_eq!(key.states(&sent).await, ["opened"]);
        assert_eq!(phone.type_password("our first dog").await.step(), "message");
    })
    .await;
}

#[tokio::test]
async fn a_message_that_was_opened_can_no_longer_be_refused_and_the_page_says_so() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        ana.send(&[("to", "bob@example.org"), ("proof", "r0")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        bob.page("refuse").await.is(200);
        let (nonce_page, opened) = (bob.browser.clone(), bob.open().await);
        assert_eq!(opened.step(), "message");
        let late = bob.at(nonce_page).press("refuse", &[("reason", "no")]).await;
        assert_eq!(late.to(), bob.link);
        assert!(bob.look().await.is(200).shows("it can no longer be refused"));
        bob.message().await.is(200);
    })
    .await;
}

#[tokio::test]
async fn wrong_codes_are_counted_and_a_new_code_makes_the_old_one_worthless() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        ana.send(&[("to", "bob@example.org")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        bob.open().await.is(303);
        town.run_jobs().await;
        let first = town.code("bob@example.org");
        let wrong = if first == "000000" { "000001" } else { "000000" };
        for _ in 0..4 {
            bob.type_code(wrong).await.is(303);
        }
        assert!(bob.type_code(wrong).await.is(422).shows("tried too often"));
        assert!(bob.type_code(&first).await.is(422).shows("tried too often"));
        assert!(bob.press("code/again", &[]).await.is(429).shows("You can ask for another in 60 seconds"));
        town.clock.advance(Duration::from_secs(61));
        assert_eq!(bob.press("code/again", &[]).await.step(), "code");
        town.run_jobs().await;
        let second = town.code("bob@example.org");
        if first != second {
            assert!(bob.browser.get(bob.type_code(&first).await.is(303).to()).await.shows("This code is not right"));
        }
        assert_eq!(bob.type_code(&second).await.step(), "message");
    })
    .await;
}

#[tokio::test]
async fn a_sender_who_hides_is_unnamed_until_accepted() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org"), ("proof", "r0"), ("hide_sender", "on"), ("accept_first", "on")]).await;
        town.run_jobs().await;
        assert!(!town.newest_to("bob@example.org").raw.contains("Ana"));
        let bob = town.recipient("bob@example.org");
        assert!(!bob.look().await.is(200).shows("Ana"));
        assert_eq!(bob.press("open", &[]).await.step(), "accept");
        assert!(!bob.page("accept").await.is(200).shows("Ana"));
        assert_eq!(key.states(&sent).await, ["notified"]);
        assert_eq!(bob.press("accept", &[]).await.step(), "message");
        assert!(bob.message().await.is(200).shows("Ana Brandt"));
        assert_eq!(key.kinds(&sent).await, ["submitted", "notice_relayed", "link_fetched", "accepted", "handed_over"]);
    })
    .await;
}

#[tokio::test]
async fn a_refused_message_is_closed_for_good() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        bob.refuse("not for me").await.is(303);
        assert!(bob.look().await.is(410).shows("This message was refused"));
        bob.press("open", &[]).await.is(410);
        assert_eq!(key.states(&sent).await, ["refused"]);
        let page = ana.page(&sent).await;
        assert!(page.shows("The content is destroyed") && page.shows("not for me"), "{}", page.text());
        town.run_jobs().await;
        let letter = town.newest_to("ana@acme.example").text;
        assert!(letter.contains("They gave a reason") && !letter.contains("not for me"), "{letter}");
    })
    .await;
}

#[tokio::test]
async fn an_expired_message_loses_its_content_and_keeps_its_timeline() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org"), ("expires_days", "3"), ("remind_days", "1")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        bob.look().await.is(200);
        town.clock.advance(Duration::from_secs(2 * 86_400 + 60));
        town.run_jobs().await;
        bob.look().await.is(200);
        town.clock.advance(Duration::from_secs(86_400 - 60));
        assert!(bob.press("open", &[]).await.is(410).shows("This message has expired"), "at the deadline, whether or not a job has run");
        town.run_jobs().await;
        assert_eq!(key.states(&sent).await, ["expired"]);
        assert!(ana.page(&sent).await.shows("The content is destroyed"));
        let kinds = key.kinds(&sent).await;
        for kind in ["reminder_relayed", "expired_unopened", "shredded", "pickup_too_late"] {
            assert_eq!(kinds.iter().filter(|k| *k == kind).count(), 1, "{kind}: {kinds:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_blocked_sender_sends_no_more_notices() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        ana.send(&[("to", "bob@example.org")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        // A mail program's one click: no cookie, no page (RFC 8058).
        for _ in 0..2 {
            bob.press("block", &[("List-Unsubscribe", "One-Click")]).await.is(200);
        }
        let second = ana.send(&[("to", "Bob@example.org")]).await;
        town.run_jobs().await;
        assert_eq!(key.states(&second).await, ["failed"]);
        assert_eq!(town.letters_to("bob@example.org"), 1);
        bob.at(town.browser()).press("unblock", &[("List-Unsubscribe", "One-Click")]).await.is(403);
        assert!(bob.page("block").await.shows("No more notices"), "a mail program takes nothing back");
    })
    .await;
}

#[tokio::test]
async fn whoever_blocked_a_sender_by_mistake_takes_it_back() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("watch").await;
        let sent = key.send(&["Bob+shop@example.org"]).await;
        town.run_jobs().await;
        let bob = town.recipient("Bob+shop@example.org");
        assert!(bob.page("block").await.shows("Stop notices from"));
        bob.press("block", &[]).await.is(200);
        assert!(bob.page("block").await.shows("No more notices"), "it says so to whoever comes again");
        for _ in 0..2 {
            bob.press("unblock", &[]).await.is(303);
        }
        assert!(bob.look().await.shows("Their notices are mailed to you again."));
        assert!(bob.page("block").await.shows("Stop notices from"));
        let next = key.send(&["bob@example.org"]).await;
        town.run_jobs().await;
        assert_eq!((key.states(&next).await, town.letters_to("bob@example.org")), (vec!["notified".to_owned()], 1));
        let kinds = key.kinds(&sent).await;
        let times = |wanted: &str| kinds.iter().filter(|kind| *kind == wanted).count();
        assert_eq!((times("sender_blocked"), times("sender_allowed")), (1, 1), "{kinds:?}");

        // Somebody who does nothing else does not fill the record.
        for _ in 0..60 {
            bob.press("block", &[]).await.is(200);
            bob.page("block").await;
            bob.press("unblock", &[]).await.is(303);
        }
        assert!(bob.look().await.shows("Their notices stay stopped."));
        let path = format!("/v1/messages/{sent}/evidence");
        let first = key.get(&path).await.is(200).json();
        let rest = key.get(&format!("{path}?after={}", first["next"])).await.is(200).json();
        let facts = [first, rest].map(|page| page["evidence"].as_array().unwrap().clone()).concat();
        assert_eq!(facts.iter().filter(|fact| fact["kind"] == "sender_allowed").count(), 50);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_blocks_a_sender_blocks_them_for_the_whole_mailbox() {
    on_both(async |town: Town| {
        let key = town.member("ana@acme.example").await.key("watch").await;
        let sent = key.send(&["Bob+shop@example.org", "bob@example.org"]).await;
        town.run_jobs().await;
        // Two programs of one person, at the same moment.
        let presses = ["Bob+shop@example.org", "bob@example.org", "bob@example.org"].map(|to| {
            let bob = town.recipient(to);
            tokio::spawn(async move { bob.press("block", &[("List-Unsubscribe", "One-Click")]).await.is(200) })
        });
        for press in presses {
            press.await.unwrap();
        }
        assert_eq!(key.kinds(&sent).await.iter().filter(|kind| *kind == "sender_blocked").count(), 1);
        for to in ["bob@example.org", "BOB+again@example.org"] {
            let next = key.send(&[to]).await;
            town.run_jobs().await;
            assert_eq!((key.states(&next).await, town.letters_to(to)), (vec!["failed".to_owned()], usize::from(!to.contains("again"))));
        }
    })
    .await;
}

#[tokio::test]
async fn a_link_with_one_character_changed_leads_nowhere() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        let absent = town.browser().get(&format!("/p/{}", "A".repeat(43))).await.is(404);
        for at in [3, 20, bob.link.len() - 1] {
            let mut changed = bob.link.clone().into_bytes();
            // Two apart, so that the four unused bits of the last character do not hide the change.
            changed[at] = if changed[at] == b'Q' { b'g' } else { b'Q' };
            let answer = town.browser().get(std::str::from_utf8(&changed).unwrap()).await.is(404);
            assert_eq!(answer.bytes, absent.bytes, "at {at}");
        }
        assert_eq!(key.kinds(&sent).await, ["submitted", "notice_relayed"], "nobody came to the door");
        bob.look().await.is(200);
        assert!(matches!(key.evidence(&sent).await[2]["kind"], Value::String(ref kind) if kind == "link_fetched"));
    })
    .await;
}

#[tokio::test]
async fn no_key_waits_for_acceptance_after_a_refusal_or_the_deadline() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let to = [("to", "bob@example.org, carol@example.org"), ("proof", "r2"), ("password", "our first dog"), ("accept_first", "on")];
        ana.send(&to).await;
        town.run_jobs().await;
        let to_acceptance = async |address: &str| {
            let recipient = town.recipient(address);
            recipient.open().await.is(303);
            town.run_jobs().await;
            assert_eq!(recipient.type_code(&town.code(address)).await.step(), "password");
            assert_eq!(recipient.type_password("our first dog").await.step(), "accept");
            recipient
        };
        let bob = to_acceptance("bob@example.org").await;
        let tenant = town.app.db.front_desk().tenants(None, 1).await.unwrap().remove(0).id;
        let waiting = async || town.database().rows_of(tenant).await["visit"].iter().filter(|row| row["key_wrapped"] != "null").count();
        assert_eq!(waiting().await, 1, "the key waits for acceptance");
        bob.refuse("no, thank you").await.is(303);
        assert_eq!(waiting().await, 0);
        to_acceptance("carol@example.org").await;
        assert_eq!(waiting().await, 1);
        town.clock.advance(Duration::from_secs(31 * 86_400));
        town.run_jobs().await;
        assert_eq!(waiting().await, 0, "the content is destroyed, and so is each key to it");
    })
    .await;
}

#[tokio::test]
async fn fifty_fetches_are_recorded_however_many_come_at_once_and_the_last_one_says_so() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("watch").await;
        let sent = ana.send(&[("to", "bob@example.org")]).await;
        town.run_jobs().await;
        let bob = town.recipient("bob@example.org");
        for _ in 0..45 {
            bob.at(town.browser()).look().await.is(200);
        }
        let others: Vec<_> = (0..20).map(|_| bob.at(town.browser())).collect();
        futures_util::future::join_all(others.iter().map(|other| other.look())).await;
        let evidence = key.evidence(&sent).await;
        let fetched: Vec<&Value> = evidence.as_array().unwrap().iter().filter(|fact| fact["kind"] == "link_fetched").collect();
        assert_eq!(fetched.len(), 50);
        let last: Vec<bool> = fetched.iter().map(|fact| fact["grounds"]["further"] == "not recorded").collect();
        assert_eq!(last.iter().position(|last| *last), Some(49), "the last one says that it is, and no other");
        assert!(ana.page(&sent).await.shows("Further fetches of this link are not recorded"));
    })
    .await;
}
