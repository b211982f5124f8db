//! A disk that is nearly full: nothing new is taken, in words and before anything is written, and recipients notice nothing.

use poem::http::Method;
use serde_json::json;
use store::testing::SmallDisk;
use tests::{Body, File, Member, Recipient, Server, Site, wait_for};

/// MiB; the mark is at 512.
const ROOMY: u32 = 2_048;
const TIGHT: u32 = 128;
const TEXT: &str = "Typed for an hour";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_nearly_full_refuses_what_is_new_and_serves_the_rest() {
    let Some(disk) = SmallDisk::mount(ROOMY) else { return };
    let site = Site::set_up(crate::PROGRAM, disk.database().await).await;
    let server = site.serve().await;
    let ana = site.member(&server, "ana@acme.example").await;
    let key = ana.key("ci").await;
    let message = json!({"to": ["bob@example.org"], "subject": "Before", "body": "Hello.", "proof": "r0"});
    let send = async |key_name: &str| {
        let ask = key.request(Method::POST, "/v1/messages").header("idempotency-key", key_name);
        key.door.ask(ask.body("application/json", message.to_string())).await
    };
    send("first").await.is(201);
    let bob = Recipient::new(server.browser(), &site.letter_with("bob@example.org", "/p/").await.link("/p/"));

    let stored = async || key.get("/v1/account").await.is(200).json()["stored_bytes"].take();
    let before = stored().await;
    disk.resize(TIGHT);
    wait_for(async || ready(&server).await.contains("nearly full").then_some(())).await;
    let refused = send("second").await.is(507);
    assert_eq!((refused.problem().as_str(), refused.header("retry-after")), ("storage-full", "60"));
    assert!(refused.text().contains("no room for new messages"), "{}", refused.text());
    for path in ["/v1/attachments?name=a.pdf", "/v1/attachments?name=a.pdf&size=9"] {
        let refused = key.upload(path, Body::Whole(b"%PDF-1.7".to_vec())).await.is(507);
        assert!(refused.text().contains("no room for new files"), "{}", refused.text());
    }
    on_the_page(&ana).await;
    assert_eq!(stored().await, before);

    send("first").await.is(201);
    assert_eq!(bob.open().await.step(), "message");
    assert!(bob.message().await.is(200).shows("Hello."));
    bob.reply("Got it.").await.is(303);

    disk.resize(ROOMY);
    wait_for(async || (ready(&server).await == "ready\n").then_some(())).await;
    send("second").await.is(201);
}

async fn ready(server: &Server) -> String {
    server.browser().get("/ready").await.is(200).text()
}

async fn on_the_page(ana: &Member) {
    let page = ana.try_send(&[("to", "bob@example.org"), ("subject", TEXT), ("body", TEXT)], &[]).await;
    assert_eq!(page.status, 507, "{}", page.text());
    assert!(page.shows("no room for new messages") && page.shows(TEXT), "{}", page.text());
    let file = [File { name: "report.pdf", media_type: "application/pdf", bytes: b"%PDF-1.7" }];
    let page = ana.try_send(&[("to", "bob@example.org"), ("subject", TEXT), ("body", TEXT)], &file).await;
    assert!(page.status == 422 || page.status == 507, "{}", page.text());
    assert!(page.shows("no room for new files") && page.shows(TEXT), "{}", page.text());
}
