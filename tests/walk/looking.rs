//! Looking: GET, HEAD and OPTIONS change nothing (RFC 9110 §9.2.1) and hand nothing over, whoever asks and however far they have come.

use super::{
    callers::Caller,
    cases::{CASES, OPEN},
    compare::no_canary,
    matrix::{assert_same, unlimited},
    owned::{House, Owned},
};
use store::testing::Rows;
use tests::{Body, Browser, Fields, Recipient, Town, on_both_with};

const LOOKING: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
const EVERYTHING: [&str; 7] = ["message", "draft", "upload", "key", "session", "domain", "certificate"];
/// Each proof, and accepting first.
const PROOFS: [&Fields<'static>; 4] = [
    &[("proof", "r0")],
    &[("proof", "r1")],
    &[("proof", "r2"), ("password", "our first dog"), ("hint", "acmesealed hint")],
    &[("proof", "r0"), ("accept_first", "on")],
];

/// What a scanner leaves behind: that the link was fetched, and nothing else.
fn without_telemetry(mut rows: Rows) -> Rows {
    rows.remove("chain");
    rows.get_mut("evidence").unwrap().retain(|row| row["kind"] != "link_fetched");
    rows
}

#[tokio::test]
async fn a_scanner_that_follows_every_link_opens_nothing() {
    on_both_with(unlimited, async |town: Town| {
        let acme = House::found(&town, "acme").await;
        let everything = acme.make(&town, &EVERYTHING, 0).await;
        for (n, proof) in PROOFS.into_iter().enumerate() {
            let (bob, owned) = sealed(&town, &acme, &everything, proof, &format!("scanned{n}@example.org")).await;
            let before = without_telemetry(town.database().rows_of(acme.tenant).await);
            scan(&town.browser(), &owned, "at no cookie").await;
            bob.look().await.is(200);
            scan(&bob.browser, &owned, "after the first page").await;
            assert_same(&before, &without_telemetry(town.database().rows_of(acme.tenant).await), &format!("looking at {proof:?}"));
            if proof == PROOFS[0] {
                continue;
            }
            bob.press("open", &[]).await.is(303);
            unopened_though_scanned(&town, &acme, &bob, &owned, "after the gesture").await;
            if proof == PROOFS[2] {
                bob.type_code(&town.code(&format!("scanned{n}@example.org"))).await.is(303);
                let hinted = bob.page("password").await.is(200);
                assert!(hinted.shows("acmesealed hint"));
                unopened_though_scanned(&town, &acme, &bob, &owned, "after the code").await;
            }
        }
        town.run_jobs().await;
    })
    .await;
}

/// A message with a file behind a fresh link, its notice relayed.
async fn sealed(town: &Town, acme: &House, everything: &Owned, proof: &Fields<'_>, to: &str) -> (Recipient, Owned) {
    let file = [tests::File { name: "acmesealed.pdf", media_type: "application/pdf", bytes: b"acmesealed file" }];
    let text = [("to", to), ("subject", "acmesealed subject"), ("body", "acmesealed body")];
    let message = acme.owner.send_with(&[&text[..], proof].concat(), &file).await;
    town.run_jobs().await;
    let bob = town.recipient(to);
    let files = acme.key.get(&format!("/v1/messages/{message}/attachments")).await.json();
    let owned = everything.with("link", bob.link.trim_start_matches("/p/")).with("message", &message);
    (bob, owned.with("file", files["attachments"][0]["id"].as_str().unwrap()))
}

async fn unopened_though_scanned(town: &Town, acme: &House, bob: &Recipient, owned: &Owned, at: &str) {
    town.run_jobs().await;
    let before = without_telemetry(town.database().rows_of(acme.tenant).await);
    scan(&bob.browser, owned, at).await;
    assert_same(&before, &without_telemetry(town.database().rows_of(acme.tenant).await), at);
    assert_eq!(acme.key.states(owned.get("message")).await, ["notified"], "{at}");
}

/// Every address there is, by every method that only looks.
async fn scan(browser: &Browser, owned: &Owned, at: &str) {
    let addresses = CASES.iter().map(|case| case.path).chain(OPEN);
    for path in addresses.map(|path| owned.fill(path).replace("<reset>", "x").replace("<prove>", "x")) {
        for method in LOOKING {
            let answer = browser.copy().ask(method.parse().unwrap(), &path, &[], Body::None).await;
            // The password page has the hint, once the code is proven.
            let seen = if at == "after the code" {
                vec!["acmename".to_owned(), "acmesealed hint".to_owned()]
            } else {
                vec!["acmename".to_owned()]
            };
            no_canary(&answer, &seen, &format!("{method} {path} {at}"));
            assert!(!answer.status.is_server_error(), "{method} {path} {at}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn the_link_in_another_browser_shows_the_door_and_no_more() {
    on_both_with(unlimited, async |town: Town| {
        let (acme, bolt) = (House::found(&town, "acme").await, House::found(&town, "bolt").await);
        let (acmes, bolts) = (acme.make(&town, &["message"], 1).await, bolt.make(&town, &["message"], 1).await);
        let dan = bolts.reader.as_ref().unwrap().browser.copy();
        let before = without_telemetry(town.database().rows_of(acme.tenant).await);
        for browser in [town.browser(), dan] {
            // Dan's page is of his own message: its nonce is bound to his link.
            let caller = Caller { name: "another browser", browser, key: None, sees: vec!["acmename".into()] };
            for case in CASES.iter().filter(|case| case.path.starts_with("/p/") && case.route != "/p/:token/block") {
                let answer = caller.ask(case, &acmes).await;
                no_canary(&answer, &caller.sees, &case.name());
                match case.method {
                    "POST" => assert_eq!(answer.status.as_u16(), 403, "{}", case.name()),
                    _ => assert!([200, 303, 404].contains(&answer.status.as_u16()), "{}", case.name()),
                }
            }
        }
        assert_same(&before, &without_telemetry(town.database().rows_of(acme.tenant).await), "another browser");
        // The one thing that the link alone allows (RFC 8058): no more notices from this sender.
        town.browser().post(&format!("/p/{}/block", acmes.get("link")), &[]).await.is(200);
        assert!(acme.key.kinds(acmes.get("message")).await.contains(&"sender_blocked".to_owned()));
        town.run_jobs().await;
    })
    .await;
}
