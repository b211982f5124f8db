//! Opening is a gesture: what does not count as one.

use super::town::{Town, to};
use messages::{Outline, Proof};
use poem::http::{Method, StatusCode};

const BOB: &str = "bob@example.net";

/// A message that opens with the gesture alone, and its link.
async fn open_at_a_touch(town: &Town) -> String {
    let ana = town.member("ana@example.org").await;
    town.send(&ana, Outline { proof: Some(Proof::R0), ..to(BOB) }).await;
    town.link(BOB, "/p/")
}

async fn sealed(town: &Town, link: &str) -> bool {
    town.visitor().get(link).await.body.contains("It is sealed until you open it")
}

#[tokio::test]
async fn looking_never_opens() {
    let town = Town::new().await;
    let link = open_at_a_touch(&town).await;
    let scanner = town.visitor();
    for page in ["", "/open", "/code", "/code/again", "/password", "/accept", "/refuse", "/message", "/reply", "/block"] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let seen = scanner.ask(method, &format!("{link}{page}"), &[], None).await;
            assert!(!seen.body.contains("Wire instructions"), "{page}");
        }
    }
    assert!(sealed(&town, &link).await);
}

#[tokio::test]
async fn a_button_counts_only_where_it_was_shown() {
    let town = Town::new().await;
    let link = open_at_a_touch(&town).await;
    let open = format!("{link}/open");
    let (bob, other) = (town.visitor(), town.visitor());
    let nonce = bob.get(&link).await.hidden("nonce").unwrap();
    other.get(&link).await;

    let tries = [
        town.visitor().post(&open, &[("nonce", &nonce)]).await,
        other.post(&open, &[("nonce", &nonce)]).await,
        bob.post(&open, &[]).await,
        bob.post(&open, &[("nonce", "AAAA")]).await,
        bob.ask(Method::POST, &open, &[("sec-fetch-site", "cross-site")], Some(format!("nonce={nonce}"))).await,
        bob.ask(Method::POST, &open, &[("origin", "https://evil.example")], Some(format!("nonce={nonce}"))).await,
    ];
    for page in &tries {
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("nothing was done") && page.hidden("nonce").is_some(), "the button is offered again");
    }
    assert!(tries[0].body.contains("Allow cookies"));
    assert!(sealed(&town, &link).await);

    let opened = bob.post(&open, &[("nonce", &nonce)]).await;
    assert_eq!(opened.location(), format!("{link}/message"));
    assert!(bob.get(&format!("{link}/message")).await.body.contains("Wire instructions"));
}

#[tokio::test]
async fn a_nonce_is_good_for_its_own_link_and_its_own_day() {
    let town = Town::new().await;
    let ana = town.member("ana@example.org").await;
    for address in [BOB, "eve@example.net"] {
        town.send(&ana, Outline { proof: Some(Proof::R0), ..to(address) }).await;
    }
    let (one, two) = (town.link(BOB, "/p/"), town.link("eve@example.net", "/p/"));
    let bob = town.visitor();
    let nonce = bob.get(&one).await.hidden("nonce").unwrap();
    assert_ne!(nonce, bob.get(&one).await.hidden("nonce").unwrap(), "one a rendered page");
    assert_eq!(bob.post(&format!("{two}/open"), &[("nonce", &nonce)]).await.status, StatusCode::FORBIDDEN);
    town.clock.advance(std::time::Duration::from_secs(86_401));
    assert_eq!(bob.post(&format!("{one}/open"), &[("nonce", &nonce)]).await.status, StatusCode::FORBIDDEN);
    assert!(sealed(&town, &one).await && sealed(&town, &two).await);
}

#[tokio::test]
async fn the_same_button_pressed_twice_opens_once() {
    let town = Town::new().await;
    let link = open_at_a_touch(&town).await;
    let bob = town.visitor();
    let nonce = bob.get(&link).await.hidden("nonce").unwrap();
    for _ in 0..2 {
        assert_eq!(bob.post(&format!("{link}/open"), &[("nonce", &nonce)]).await.location(), format!("{link}/message"));
    }
}

/// As the page's script asks for it: the hand-over is recorded, and the answer is the page that the address it names would give.
#[tokio::test]
async fn the_message_comes_in_answer_to_the_button_that_opens_it() {
    let town = Town::new().await;
    let link = open_at_a_touch(&town).await;
    let (open, message) = (format!("{link}/open"), format!("{link}/message"));
    let (bob, eve) = (town.visitor(), town.visitor());
    let nonce = bob.get(&link).await.hidden("nonce").unwrap();
    let stolen = eve.post(&open, &[("nonce", &nonce), ("here", "yes")]).await;
    assert!(stolen.status == StatusCode::FORBIDDEN && !stolen.body.contains("Wire instructions"), "{}", stolen.body);
    assert!(sealed(&town, &link).await);

    let opened = bob.post(&open, &[("nonce", &nonce), ("here", "yes")]).await;
    assert_eq!((opened.status, &opened.headers["content-location"]), (StatusCode::OK, &message.parse().unwrap()));
    assert_eq!(opened.headers["cache-control"], "no-store");
    assert!(opened.body.contains("Wire instructions") && opened.body.contains("<strong>read</strong>"), "{}", opened.body);
    assert!(opened.body.contains(&format!("data-at=\"{message}\"")), "{}", opened.body);
    assert!(!sealed(&town, &link).await, "others see that it was opened");
    let with_other_nonces = |page: &super::town::Page| page.body.replace(&page.hidden("nonce").unwrap(), "");
    assert_eq!(with_other_nonces(&opened), with_other_nonces(&bob.get(&message).await));
    assert_eq!(bob.post(&open, &[("nonce", &nonce), ("here", "yes")]).await.location(), message, "the second press finds it open");

    let refused = bob.submit_from(&message, &format!("{link}/reply"), &[("reply", " ")]).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && !refused.body.contains("data-at="), "a reload keeps what was typed");
}

/// A reply that was typed, whatever became of the page that it was typed on.
#[tokio::test]
async fn a_reply_that_cannot_be_sent_comes_back() {
    let town = Town::new().await;
    let link = open_at_a_touch(&town).await;
    let (message, reply) = (format!("{link}/message"), format!("{link}/reply"));
    let bob = town.visitor();
    bob.submit_from(&link, &format!("{link}/open"), &[]).await;
    let shows = |page: &super::town::Page, text: &str| page.body.contains(&format!(">\n{text}</textarea>"));

    let long = format!("{}the end", "ü".repeat(1_000_000));
    let page = bob.submit_from(&message, &reply, &[("reply", &long)]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(page.body.contains("1048576 fit") && shows(&page, &long), "all of it, to be shortened");
    let nonce = page.hidden("nonce").unwrap();
    let longer = bob.post(&reply, &[("nonce", &nonce), ("reply", &"x".repeat(9 << 20))]).await;
    assert_eq!(longer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(longer.body.contains("only its beginning arrived") && longer.body.len() > 8 << 20);

    let nonce = bob.get(&message).await.hidden("nonce").unwrap();
    town.clock.advance(std::time::Duration::from_secs(25 * 3600));
    let old = bob.post(&reply, &[("nonce", &nonce), ("reply", "Dear Ana")]).await;
    assert_eq!(old.status, StatusCode::FORBIDDEN);
    assert!(old.body.contains("open for too long") && shows(&old, "Dear Ana"));
    let elsewhere = town.visitor().post(&reply, &[("nonce", &nonce), ("reply", "Dear Ana")]).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    assert!(elsewhere.body.contains("Allow cookies") && shows(&elsewhere, "Dear Ana") && !elsewhere.body.contains("read</strong>"));
    let foreign = bob.ask(Method::POST, &reply, &[("sec-fetch-site", "cross-site")], Some(format!("nonce={nonce}&reply=Dear+Eve"))).await;
    assert!(foreign.status == StatusCode::FORBIDDEN && !foreign.body.contains("Dear Eve"), "another site's words are not shown");
    bob.submit_from(&link, &format!("{link}/open"), &[]).await;
    assert_eq!(bob.submit_from(&message, &reply, &[("reply", "Dear Ana")]).await.location(), message);
}
