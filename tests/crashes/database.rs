//! PostgreSQL goes away in the middle of everything and comes back: everybody is told so with a reference, nothing is half-done, and
//! the server recovers by itself.

use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use store::testing::{Postgres, fresh_on};
use tests::{Answer, ApiKey, File, Recipient, Site, wait_for};

const CLIENTS: usize = 8;
/// Accepted before the database goes.
const ENOUGH: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_is_waited_for_and_loses_nothing() {
    let cluster = Postgres::apart();
    let site = Site::set_up(crate::PROGRAM, fresh_on(&cluster).await).await;
    let server = site.serve().await;
    let ana = site.member(&server, "ana@acme.example").await;
    let key = ana.key("ci").await;
    key.send_as(json!({ "to": ["bob@example.org"], "subject": "Before", "body": "The account is 12-34.", "proof": "r0" })).await;
    let bob = Recipient::new(server.browser(), &site.letter_with("bob@example.org", "/p/").await.link("/p/"));
    bob.look().await.is(200);
    ana.browser.get("/compose").await.is(200);

    // In the middle of sends, too: each is answered, one way or the other.
    let count = Arc::new(AtomicUsize::new(0));
    let senders: Vec<_> = (0..CLIENTS).map(|client| tokio::spawn(send_until_refused(key.clone(), client, count.clone()))).collect();
    wait_for(async || (count.load(SeqCst) >= ENOUGH).then_some(())).await;
    cluster.stop();
    let (mut accepted, mut uncertain) = (BTreeSet::new(), 0);
    for sender in senders {
        let (mut ids, refused) = sender.await.unwrap();
        accepted.append(&mut ids);
        uncertain += usize::from(refused.shows("may or may not have been kept"));
    }
    everybody_is_told(&server, &key, &ana, &bob).await;

    cluster.start_again();
    wait_for(async || (server.door.ask(key.request("GET".parse().unwrap(), "/v1/account")).await.status == 200).then_some(())).await;
    nothing_is_half_done(&key, &accepted, uncertain).await;
    assert_eq!(bob.open().await.step(), "message", "the same page, the same browser, a moment later");
    assert!(bob.message().await.is(200).shows("12-34"));
    let sent = ana.send(&[("to", "carol@example.org")]).await;
    wait_for(async || (key.states(&sent).await == ["notified"]).then_some(())).await;
    let verified = site.run(&["admin", "evidence", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// The ids of those that were accepted before the first refusal, and that.
async fn send_until_refused(key: ApiKey, client: usize, count: Arc<AtomicUsize>) -> (BTreeSet<String>, Answer) {
    let (mut accepted, mut n) = (BTreeSet::new(), 0);
    loop {
        n += 1;
        let message = json!({ "to": [format!("r{client}-{n}@example.org")], "subject": "Storm", "body": "Rain." });
        let answer = key.post("/v1/messages", &message).await;
        if answer.status != 201 {
            is_our_fault(&answer);
            return (accepted, answer);
        }
        count.fetch_add(1, SeqCst);
        accepted.insert(answer.json()["id"].as_str().unwrap().to_owned());
    }
}

/// 503 as a problem, with a reference and when to come again.
fn is_our_fault(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (503, "unavailable"), "{}", answer.text());
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(answer.json()["reference"].as_str().map(str::len), Some(10), "{}", answer.text());
    assert!(!answer.text().contains("communicating"), "the cause stays in the log: {}", answer.text());
}

/// The same as a page.
fn is_a_page_of_ours(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"), "{}", answer.text());
    assert_eq!(answer.after("<code class=\"reference\">").map(|reference| reference.len()), Some(11), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_takes_no_writes_is_told_to_whoever_needs_one_and_opens_nothing() {
    let cluster = Postgres::apart();
    let site = Site::set_up(crate::PROGRAM, fresh_on(&cluster).await).await;
    let server = site.serve().await;
    let ana = site.member(&server, "ana@acme.example").await;
    let key = ana.key("ci").await;
    let message = json!({ "to": ["bob@example.org"], "subject": "s", "body": "The account is 12-34.", "proof": "r0" });
    key.send_as(message.clone()).await;
    let bob = Recipient::new(server.browser(), &site.letter_with("bob@example.org", "/p/").await.link("/p/"));
    bob.look().await.is(200);

    let stranger = server.browser();
    stranger.get("/sign-in").await.is(200);
    // As on a standby, or where an operator protects a disk that is nearly full.
    let read_only = async |value: &str| {
        cluster.admin(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}")).await;
        cluster.admin("SELECT pg_reload_conf()").await;
    };
    read_only("on").await;
    let refused = wait_for(async || Some(key.post("/v1/messages", &message).await).filter(|answer| answer.status != 201)).await;
    is_our_fault(&refused);
    is_a_page_of_ours(&bob.press("open", &[]).await);
    is_a_page_of_ours(&stranger.press("/sign-in", &[("email", "ana@acme.example"), ("password", "wrong")]).await);

    read_only("off").await;
    wait_for(async || (bob.open().await.status == 303).then_some(())).await;
    assert!(bob.message().await.is(200).shows("12-34"));
}

async fn everybody_is_told(server: &tests::Server, key: &ApiKey, ana: &tests::Member, bob: &Recipient) {
    let fields = [("to", "carol@example.org"), ("subject", "Typed for an hour"), ("body", "And the last line"), ("password", "blue heron")];
    let files = [File { name: "return.pdf", media_type: "application/pdf", bytes: b"%PDF" }];
    let answered = [("reply", "Answered for an hour")];
    let (api, list, page, pickup, reply, live, ready) = tokio::join!(
        async { key.post("/v1/messages", &json!({ "to": ["carol@example.org"], "subject": "Never", "body": "A text." })).await },
        key.get("/v1/messages"),
        ana.browser.press_with_files("/drafts?then=send", &fields, &files),
        bob.press("open", &[]),
        bob.press("reply", &answered),
        async { server.browser().get("/live").await },
        async { server.browser().get("/ready").await },
    );
    is_our_fault(&api);
    is_our_fault(&list);
    for text in ["Typed for an hour", "And the last line</textarea>", "return.pdf", "action=\"/drafts?then=send\"", "Password, once more"] {
        assert!(page.shows(text), "what was typed comes back, to be sent again: {text}: {}", page.text());
    }
    assert!(!page.shows("blue heron") && reply.shows("Answered for an hour</textarea>") && reply.shows("/reply\""));
    for answer in [page, pickup, reply] {
        is_a_page_of_ours(&answer);
        assert!(!answer.shows("12-34"));
    }
    assert_eq!((live.status.as_u16(), ready.status.as_u16()), (200, 503));
}

/// Every accepted message is there as a whole, what was said to have changed nothing has not, and the account agrees. Whose commit was
/// under way was told that nobody knows: that is what an `Idempotency-Key` is for.
async fn nothing_is_half_done(key: &ApiKey, accepted: &BTreeSet<String>, uncertain: usize) {
    let (mut there, mut after) = (BTreeSet::new(), String::new());
    loop {
        let page = key.get(&format!("/v1/messages?limit=100{after}")).await.is(200).json();
        let ids = page["messages"].as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap().to_owned());
        there.extend(ids);
        match &page["next"] {
            Value::String(next) => after = format!("&after={next}"),
            _ => break,
        }
    }
    assert!(there.is_superset(accepted), "accepted and lost: {:?}", accepted.difference(&there));
    for message in &there {
        wait_for(async || ["notified", "opened"].contains(&key.states(message).await[0].as_str()).then_some(())).await;
        assert_eq!(key.kinds(message).await[0], "submitted");
    }
    let storm = there.len() - 1;
    println!("{} accepted, {uncertain} uncertain, {storm} there", accepted.len());
    assert!(storm <= accepted.len() + uncertain, "{} accepted, {uncertain} uncertain, {storm} there", accepted.len());
    assert_eq!(key.get("/v1/account").await.json()["sends_used"], there.len());
}
