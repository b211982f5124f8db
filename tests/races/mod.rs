//! Things done at the same moment. Retraction against pickup: one conditional update decides, so exactly one of the two wins, and the
//! loser is told and recorded; in one process, and between two that share a database.

mod drafts;
mod last_out;
mod one_process;
mod proof;
mod same_recipient;
mod two_processes;

use serde_json::{Value, json};
use std::time::Duration;
use store::Database;
use tests::{ApiKey, Recipient, Town};

/// How far the first of two acts is ahead of the second: it has begun by then, and on a database that was told to do this `slowly` it has
/// not ended.
const BEFORE: Duration = Duration::from_millis(200);

/// From now on PostgreSQL takes half a second for this (as in `INSERT ON recipient`), so that a second act comes while the first is not
/// over. On SQLite acts are alone anyway.
async fn slowly(town: &Town, what: &str) {
    if let Database::Postgres { .. } = town.database().database {
        let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END'";
        town.database().say(&format!("{slow}; CREATE TRIGGER slow AFTER {what} FOR EACH STATEMENT EXECUTE FUNCTION slow()")).await;
    }
}

/// Pairs of a pickup and a retraction at the same moment, unless `COUNTERSIGN_RACE_PAIRS` says otherwise.
const PAIRS: usize = 300;
/// Recipients of one message.
const TOGETHER: usize = 100;

#[allow(clippy::disallowed_methods)] // how long a test runs is no setting of the server's
fn pairs() -> usize {
    std::env::var("COUNTERSIGN_RACE_PAIRS").ok().and_then(|pairs| pairs.parse().ok()).unwrap_or(PAIRS)
}

/// A message to the next `count` recipients; its id, and address and id of each.
async fn send(key: &ApiKey, first: usize, count: usize) -> (String, Vec<(String, String)>) {
    let to: Vec<String> = (first..first + count).map(|n| format!("r{n}@example.org")).collect();
    let answer = key.post("/v1/messages", &json!({ "to": to, "subject": "Race", "body": "The account is 12-34.", "proof": "r0" })).await;
    let sent = answer.is(201).json();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let recipients = sent["recipients"].as_array().unwrap().iter().map(|r| (word(&r["address"]), word(&r["id"]))).collect();
    (word(&sent["id"]), recipients)
}

/// The recipient, who has the first page open, presses the button while the sender takes the message back. Which comes first in the
/// program alternates, so that both have their chance. `true`: the pickup won.
async fn race(bob: Recipient, key: ApiKey, message: &str, recipient: &str, n: usize) -> bool {
    let path = format!("/v1/messages/{message}/retraction");
    let only = json!({ "recipients": [recipient] });
    let opening = tokio::spawn(async move { bob.press("open", &[]).await });
    if n.is_multiple_of(2) {
        tokio::task::yield_now().await;
    }
    let taking = tokio::spawn({
        let key = key.clone();
        async move { key.post(&path, &only).await.is(200).json() }
    });
    let (answer, taken) = (opening.await.unwrap(), taking.await.unwrap());
    let opened = match answer.status.as_u16() {
        303 => answer.step() == "message",
        410 => {
            assert!(answer.shows("The sender took this message back") && !answer.shows("12-34"), "the loser is told: {}", answer.text());
            false
        }
        other => panic!("{other}: {}", answer.text()),
    };
    let list = |name: &str| taken[name] == json!([recipient]);
    assert!(opened != list("retracted"), "pair {n}: opened {opened}, and the retraction says {taken}");
    assert_eq!(opened, list("too_late"), "the loser is told: {taken}");
    opened
}

/// Each recipient's state and evidence agree with who won.
async fn agrees(key: &ApiKey, message: &str, recipient: &str, opened: bool) {
    let facts = key.get(&format!("/v1/messages/{message}/evidence?recipient={recipient}")).await.is(200).json()["evidence"].take();
    let count = |kind: &str| facts.as_array().unwrap().iter().filter(|fact| fact["kind"] == kind).count();
    let (won, lost) = (["handed_over", "retraction_too_late"], ["retracted", "pickup_too_late"]);
    let (there, absent) = if opened { (won, lost) } else { (lost, won) };
    assert_eq!(there.map(count), [1, 1], "{recipient} opened {opened}: {facts:#}");
    assert_eq!(absent.map(count), [0, 0], "{recipient} opened {opened}: {facts:#}");
}
