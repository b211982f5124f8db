//! Whoever was signed out, or whose key was revoked, while the body of a request was still arriving: nothing of it is done.

use poem::http::Method;
use std::sync::Arc;
use tests::{Ask, Body, Town, on_both};
use tokio::sync::Notify;

/// Waits before the last byte.
fn held(body: &str) -> (Body, Arc<Notify>) {
    let (go, (first, last)) = (Arc::new(Notify::new()), body.split_at(body.len() - 1));
    (Body::Waits(first.into(), go.clone(), last.into()), go)
}

#[tokio::test]
async fn a_key_that_was_revoked_meanwhile_sends_nothing() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("ci").await;
        let (body, go) = held(r#"{"to": ["bob@example.org"], "subject": "Late", "body": "x"}"#);
        let ask = Ask { body, ..key.request(Method::POST, "/v1/messages").header("content-type", "application/json") };
        let (answer, ()) = tokio::join!(key.door.ask(ask), async {
            tokio::task::yield_now().await;
            let id = ana.browser.get("/settings").await.is(200).after(r#"name="key" value=""#).unwrap();
            ana.browser.press("/settings/keys/revoke", &[("key", &id)]).await.is(303);
            go.notify_one();
        });
        assert!(answer.status == 401 && answer.text().contains("Nothing was done"), "{} {}", answer.status, answer.text());
        assert!(answer.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
        town.run_jobs().await;
        assert_eq!(town.letters_to("bob@example.org"), 0);
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_was_signed_out_meanwhile_changes_nothing() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        ana.browser.get("/settings").await.is(200);
        let fields: Vec<String> = ana.browser.hidden_fields().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (body, go) = held(&format!("{}&name=Somebody+Else", fields.join("&")));
        let other_tab = ana.browser.copy();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let (answer, ()) = tokio::join!(ana.browser.ask(Method::POST, "/settings/name", &headers, body), async {
            tokio::task::yield_now().await;
            other_tab.press("/sign-out", &[]).await.is(303);
            go.notify_one();
        });
        assert!(answer.status == 401 || answer.status == 303, "{}", answer.status);
        let back = ana.sign_in(town.browser()).await;
        assert!(!back.browser.get("/settings").await.is(200).shows("Somebody Else"));
    })
    .await;
}
