//! What is sealed or secret stands in no log, whatever the operator asks to hear.

use serde_json::json;
use store::testing::{TestDatabase, fresh_postgres, fresh_sqlite};
use tests::{PASSWORD, Recipient, Site, wait_for};

/// The most that can be asked for; the last one names a module, which a plain `html5ever=off` would not silence.
const EVERYTHING: &str = "trace,html5ever=trace,html5ever::tree_builder=trace,sqlx=trace,hyper=trace";
/// Lists that begin with `1)`, links and fences go through the cleaner of HTML.
const BODY: &str =
    "Dear *Bob*,\n\n1) BODYCANARY\n\nSee [LINKCANARY](https://clinic.example/result?token=QUERYCANARY).\n\n```\nCODECANARY\n```\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_trace_nothing_sealed_or_secret_is_logged_on_sqlite() {
    nothing_is_told(fresh_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_trace_nothing_sealed_or_secret_is_logged_on_postgresql() {
    nothing_is_told(fresh_postgres().await).await;
}

async fn nothing_is_told(database: TestDatabase) {
    let site = Site::set_up_logging(crate::PROGRAM, database, EVERYTHING).await;
    let server = site.serve().await;
    let ana = site.member(&server, "ana@acme.example").await;
    let key = ana.key("ci").await;
    let message =
        json!({ "to": ["bob@example.org"], "subject": "Results", "body": BODY, "proof": "r2", "password": "MESSAGEPASSWORDCANARY" });
    key.send_as(message).await;
    let link = site.letter_with("bob@example.org", "/p/").await.link("/p/");
    let bob = Recipient::new(server.browser(), &link);
    assert_eq!(bob.open().await.step(), "code");
    let letter =
        wait_for(async || site.letters().into_iter().rfind(|letter| letter.to == "bob@example.org" && !letter.text.contains("/p/"))).await;
    let code = letter.code();
    assert_eq!(bob.type_code(&code).await.step(), "password");
    assert_eq!(bob.type_password("MESSAGEPASSWORDCANARY").await.step(), "message");
    assert!(bob.message().await.is(200).shows("BODYCANARY"));
    bob.reply("1) REPLYCANARY\n\nhttps://bob.example/REPLYLINKCANARY").await.is(303);
    wait_for(async || site.letters().iter().any(|letter| letter.text.contains("replied")).then_some(())).await;
    let reply = key.get("/v1/replies").await.is(200).json()["replies"][0]["id"].as_str().unwrap().to_owned();
    assert!(key.get(&format!("/v1/replies/{reply}")).await.is(200).shows("REPLYCANARY"));
    assert!(ana.browser.get(&format!("/received/{reply}")).await.is(200).shows("REPLYCANARY"));
    bob.browser.get(&link.replace("/p/", "/P/")).await.is(404);

    let log = wait_for(async || Some(server.log()).filter(|log| log.contains("/P/"))).await;
    let (key, link) = (key.secret.trim_start_matches("csk_"), &link["/p/".len()..]);
    let canaries = ["BODY", "LINK", "QUERY", "CODE", "MESSAGEPASSWORD", "REPLY", "REPLYLINK"].map(|name| format!("{name}CANARY"));
    for secret in canaries.iter().map(String::as_str).chain([PASSWORD, "four+quiet", key, link, &code]) {
        let told = log.lines().find(|line| line.contains(secret));
        assert!(told.is_none(), "{secret}: {}", told.unwrap_or_default());
    }
}
