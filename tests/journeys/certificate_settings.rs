//! What an owner is told about certificates: where they can be asked for, of whom, and what is wrong with an authority or its rules.

use super::certificate::{
    BOB,
    Sign::{ByAddress, Enrolled},
    accept,
};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Authority, Town, on_both, on_both_with};

#[tokio::test]
async fn a_certificate_is_asked_for_only_where_it_can_be_shown() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let key = ana.key("sends").await;
        let ask = async |to: &str, more: Value| {
            let mut body = json!({ "to": [to], "subject": "s", "body": "b", "proof": "r4" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            key.post("/v1/messages", &body).await
        };
        assert!(!ana.browser.get("/compose").await.is(200).shows("A certificate of theirs"));
        let page = ana.try_send(&[("to", BOB), ("proof", "r4")], &[]).await.is(422);
        assert!(page.shows("has not said yet whose certificates count") && page.shows("value=\"r4\" checked"));
        assert_eq!(ask(BOB, json!({})).await.is(422).pointers(), ["/proof"]);
        accept(&ana, &Authority::called("Acme Root"), Enrolled).await;
        assert!(ana.browser.get("/compose").await.is(200).shows("A certificate of theirs"));
        assert_eq!(ask(BOB, json!({})).await.is(422).pointers(), ["/to/0"]);
        assert_eq!(ask("ana@acme.example", json!({ "hide_sender": true })).await.is(422).pointers(), ["/proof"]);
        assert_eq!(ask("ana@acme.example", json!({ "password": "our first dog" })).await.is(422).pointers(), ["/proof"]);
        ask("ana@acme.example", json!({})).await.is(201);
        accept(&ana, &Authority::called("Acme Other"), ByAddress).await;
        let sent = ask(BOB, json!({})).await.is(201).json();
        let read = key.get(&format!("/v1/messages/{}", sent["id"].as_str().unwrap())).await.is(200).json();
        assert_eq!(read["proof"], "r4");
        let draft = ana.draft(&[("to", BOB), ("proof", "r4"), ("subject", "s")], &[]).await;
        assert!(ana.browser.get(&format!("/drafts/{draft}")).await.is(200).shows("value=\"r4\" checked"));
        town.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn a_site_without_hosts_for_it_asks_for_no_certificate() {
    let none = "has no hosts at which a certificate can be asked for";
    let plain = |config: &mut countersign::Config| config.site.base_url = "http://127.0.0.1:8080".into();
    let behind_a_proxy = |config: &mut countersign::Config| config.listen.https.clear();
    let sees_nothing = async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let page = ana.try_send(&[("to", "ana@acme.example"), ("proof", "r4")], &[]).await.is(422);
        assert!(page.shows(none), "{}", page.text());
        ana.step_up().await;
        let page = ana.browser.get("/settings/certificates").await.is(200);
        assert!(page.shows("Nobody can be asked for a certificate at this site") && !page.shows("Give out certificates here"));
    };
    on_both_with(plain, sees_nothing).await;
    on_both_with(behind_a_proxy, sees_nothing).await;
}

#[tokio::test]
async fn what_is_wrong_with_the_rules_is_said_in_their_own_form_and_a_key_is_not_sent_back() {
    on_both(async |town: Town| {
        let (ana, acme) = (town.member("ana@acme.example").await, Authority::called("Acme Root"));
        accept(&ana, &acme, ByAddress).await;
        ana.step_up().await;
        let id = ana.browser.get("/settings/certificates").await.is(200).after("name=\"authority\" value=\"").unwrap();
        let rules = [("authority", id.as_str()), ("lists", "http://acme.example/list"), ("crl_grace_hours", "a week")];
        let page = ana.browser.press("/settings/certificates/authorities/rules", &rules).await.is(422);
        let field = page.after(&format!("id=\"crl_grace_hours-{id}\"")).unwrap_or_default();
        assert!(page.shows(&format!("<a href=\"#crl_grace_hours-{id}\">Hours of grace are a number")), "{field}: {}", page.text());
        assert!(
            page.shows("value=\"a week\" aria-invalid=\"true\"")
                && page.shows("<details class=\"ask\" open><summary class=\"small\">Rules")
        );
        assert_eq!(page.text().matches("a week").count(), 1, "nowhere else");
        let chain = format!("{}-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", acme.pem);
        let page = ana.browser.press("/settings/certificates/authorities", &[("chain", &chain)]).await.is(422);
        assert!(page.shows("There is a private key in this") && !page.shows("c2VjcmV0"));
    })
    .await;
}

#[tokio::test]
async fn an_authority_that_has_expired_says_so_and_no_message_waits_for_it() {
    on_both(async |town: Town| {
        let ana = town.member("ana@acme.example").await;
        let day = Duration::from_secs(86_400);
        let acme = Authority::good_for(day, "Acme Old");
        accept(&ana, &acme, ByAddress).await;
        assert!(ana.browser.get("/settings/certificates").await.is(200).shows(&format!("SHA-256 <code>{}</code>", acme.fingerprint())));
        assert!(!ana.browser.get("/settings/certificates").await.is(200).shows(">expired<"));
        town.clock.advance(day * 2);
        ana.step_up().await;
        assert!(ana.browser.get("/settings/certificates").await.is(200).shows(">expired<"));
        let page = ana.try_send(&[("to", BOB), ("proof", "r4")], &[]).await.is(422);
        assert!(page.shows("has expired, so none can be asked for"), "{}", page.text());
    })
    .await;
}
