//! What is wrong with a message, at both doors: the same fields, each in its own way.

use serde_json::{Value, json};
use tests::{ApiKey, Member, Town, on_both};

/// One wrong field: how the page's form and the API's JSON have it.
struct Wrong {
    field: &'static str,
    typed: String,
    json: Value,
    /// Where the API points.
    pointer: &'static str,
    /// Part of the sentence, at both doors.
    says: &'static str,
}

fn wrong(field: &'static str, typed: &str, json: Value, pointer: &'static str, says: &'static str) -> Wrong {
    Wrong { field, typed: typed.to_owned(), json, pointer, says }
}

fn every_wrong() -> Vec<Wrong> {
    let crowd: Vec<String> = (0..101).map(|n| format!("r{n}@example.org")).collect();
    let long = "x".repeat(256);
    vec![
        wrong("to", "", json!([]), "/to", "at least one address"),
        wrong("to", &crowd.join(", "), json!(crowd), "/to", "101 recipients are too many"),
        wrong("to", "j.ortiz@example", json!(["j.ortiz@example"]), "/to/0", "has no domain ending"),
        wrong("to", "nobody", json!(["nobody"]), "/to/0", "has no @"),
        wrong("to", "a@example.org, A@example.org", json!(["a@example.org", "A@example.org"]), "/to/1", "twice"),
        wrong("subject", "", json!(""), "/subject", "Give the message a subject"),
        wrong("subject", &long, json!(long), "/subject", "256"),
        wrong("subject", "Hi\r\nBcc: eve@example.org", json!("Hi\r\nBcc: eve@example.org"), "/subject", "line break"),
        wrong("subject", "Hi\u{202e}lia", json!("Hi\u{202e}lia"), "/subject", "direction of text"),
        wrong("body", " \n\u{200b}", json!(" \n\u{200b}"), "/body", "write a text, or attach a file"),
        wrong("body", "a\u{0}b", json!("a\u{0}b"), "/body", "character"),
        wrong("expires_days", "0", json!(0), "/expires_days", "between 1 and"),
        wrong("expires_days", "731", json!(731), "/expires_days", "730 days"),
        wrong("remind_days", "30", json!([30]), "/remind_days", "Reminders"),
        wrong("send_at", "2020-01-01T00:00", json!("2020-01-01T00:00:00Z"), "/send_at", "has passed"),
        wrong("proof", "r2", json!("r2"), "/password", "Choose the message password"),
        wrong("password", "abc", json!("abc"), "/password", "at least 4"),
        wrong("hint", "a hint alone", json!("a hint alone"), "/hint", "goes with a message password"),
    ]
}

#[tokio::test]
async fn each_wrong_field_is_named_at_both_doors_and_nothing_is_half_done() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        for wrong in every_wrong() {
            on_the_page(&ana, &wrong).await;
            by_the_api(&key, &wrong).await;
        }
        assert_eq!(key.get("/v1/account").await.json()["sends_used"], 0);
        assert_eq!(key.get("/v1/messages").await.json()["messages"], json!([]));
        assert_eq!(town.run_jobs().await, 0, "a refused message leaves no job behind");
    })
    .await;
}

async fn on_the_page(ana: &Member, wrong: &Wrong) {
    let at = format!("page, {} {:.40}", wrong.field, wrong.typed);
    let good = [("to", "bob@example.org"), ("subject", "Typed for an hour"), ("body", "And kept.")];
    let mut fields: Vec<(&str, &str)> = good.into_iter().filter(|(name, _)| *name != wrong.field).collect();
    fields.push((wrong.field, &wrong.typed));
    ana.browser.get("/compose").await.is(200);
    let page = ana.browser.press_with_files("/drafts?then=send", &fields, &[]).await;
    let status = page.status.as_u16();
    assert!([403, 422].contains(&status), "{at}: {status}");
    let field = wrong.pointer.split('/').nth(1).unwrap();
    let sentence = page.after(&format!("class=\"err\" id=\"{field}-wrong\"><span>"));
    let sentence = sentence.unwrap_or_else(|| panic!("{at}: no sentence by {field} in {}", page.text()));
    assert!(sentence.contains(wrong.says), "{at}: {sentence}");
    for (name, value) in fields.iter().filter(|(name, _)| ["subject", "body"].contains(name) && *name != wrong.field) {
        assert!(page.shows(value), "{at}: the {name} that was typed is gone");
    }
    // It lies in the drafts too, if the room could keep it.
    ana.browser.get("/drafts").await.is(200);
}

async fn by_the_api(key: &ApiKey, wrong: &Wrong) {
    let at = format!("API, {} {:.40}", wrong.field, wrong.typed);
    let mut message = json!({ "to": ["bob@example.org"], "subject": "Typed", "body": "And kept." });
    message[wrong.field] = wrong.json.clone();
    let answer = key.post("/v1/messages", &message).await;
    let status = answer.status.as_u16();
    assert!([403, 422].contains(&status), "{at}: {status} {}", answer.text());
    let detail = match status {
        422 => {
            assert_eq!((answer.problem().as_str(), answer.pointers()), ("invalid-fields", vec![wrong.pointer.to_owned()]), "{at}");
            answer.json()["errors"][0]["detail"].as_str().unwrap().to_owned()
        }
        _ => answer.json()["detail"].as_str().unwrap().to_owned(),
    };
    assert!(detail.contains(wrong.says) && detail.ends_with('.'), "{at}: {detail}");
}
