//! What goes wrong at the CA, and that it is mended by itself.

use super::town::{HOUR, On, Town, wait_for};
use acme::ExternalAccount;
use std::time::Duration;
use store::ChallengeKind;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ca_that_is_away_is_waited_for_and_shown_certificates_stay() {
    let mut town = Town::new(ChallengeKind::TlsAlpn01).await;
    let server = town.serve(1).await;
    server.want(&["a.town.test"]).await;
    server.seen(&town.pebble, "a.town.test").await;
    let root = std::fs::read(town.pebble.root_file()).unwrap();
    town.pebble.stop();
    server.want(&["b.town.test"]).await;
    let state = wait_for("away", async || Some(server.state("b.town.test").await).filter(|s| s.trouble.is_some())).await;
    let trouble = state.trouble.unwrap();
    assert!(trouble.said.contains("did not answer") && trouble.tries == 0 && state.next_at > town.clock.now(), "{}", trouble.said);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(state.next_at.since(town.clock.now()) <= Duration::from_secs(5), "it is asked again soon");
    for _ in 0..3 {
        town.clock.advance(HOUR);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let later = server.state("b.town.test").await.next_at.since(town.clock.now());
    assert!(later > Duration::from_secs(10) && later <= Duration::from_secs(15 * 60), "and not all the time: {later:?}");
    std::fs::write(town.pebble.ca_file().with_file_name("old-root.pem"), root).unwrap();
    // Another root, and it knows neither our account nor anything we ordered.
    town.pebble.start_again();
    town.clock.advance(HOUR);
    wait_for("back", async || {
        town.clock.advance(Duration::from_secs(1));
        (server.curl(&town.pebble, "b.town.test") == "hello").then_some(())
    })
    .await;
    assert_eq!(server.state("b.town.test").await.trouble, None);
    assert!(server.state("a.town.test").await.live_until.is_some_and(|end| end > town.clock.now()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarter_of_nonces_refused_changes_nothing_but_time() {
    let town = Town::with(On::Sqlite, ChallengeKind::TlsAlpn01, |manners| manners.nonces_refused = 25).await;
    let server = town.serve(1).await;
    let names: Vec<String> = (0..20).map(|n| format!("n{n}.town.test")).collect();
    server.want(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for name in &names {
        server.live(name).await;
        assert_eq!(server.state(name).await.trouble, None);
    }
    assert!(town.pebble.log().contains("badNonce") || town.pebble.orders() > names.len(), "some were refused");
    server.seen(&town.pebble, "n19.town.test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_refused_says_why_waits_longer_each_time_and_holds_up_nobody() {
    let town = Town::with(On::Sqlite, ChallengeKind::TlsAlpn01, |manners| manners.blocked = vec!["blocked.test".into()]).await;
    let server = town.serve(1).await;
    server.want(&["a.blocked.test"]).await;
    let state = server.failed("a.blocked.test", 1).await;
    let (said, pause) = (state.trouble.unwrap().said, state.next_at.since(town.clock.now()));
    assert!(said.contains("blocked.test") || said.contains("policy"), "in the CA's words: {said}");
    assert!(pause <= Duration::from_secs(60) && pause >= Duration::from_secs(45), "{pause:?}");
    server.want(&["b.town.test"]).await;
    server.seen(&town.pebble, "b.town.test").await;
    town.clock.advance(Duration::from_secs(60));
    let state = server.failed("a.blocked.test", 2).await;
    let pause = state.next_at.since(town.clock.now());
    assert!(pause <= Duration::from_secs(180) && pause >= Duration::from_secs(135), "{pause:?}");
    for tries in 3..11 {
        town.clock.advance(Duration::from_secs(86_400));
        server.failed("a.blocked.test", tries).await;
    }
    let pause = server.state("a.blocked.test").await.next_at.since(town.clock.now());
    assert!(pause <= Duration::from_secs(86_400) && pause >= Duration::from_secs(64_800), "{pause:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_one_challenge_fails_the_other_is_tried() {
    // Nobody listens where the CA asks for tls-alpn-01.
    let town = Town::with(On::Sqlite, ChallengeKind::TlsAlpn01, |manners| manners.tls_port = 1).await;
    let server = town.serve(1).await;
    server.want(&["a.town.test"]).await;
    let said = server.failed("a.town.test", 1).await.trouble.unwrap().said;
    assert!(said.contains("refused") || said.contains("connect"), "{said}");
    assert!(server.db.certificates().challenges().await.unwrap().is_empty());
    town.clock.advance(Duration::from_secs(60));
    server.seen(&town.pebble, "a.town.test").await;
    assert!(town.http.connections() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_account_is_bound_and_without_it_the_ca_s_words_are_shown() {
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let mut town = Town::with(On::Sqlite, ChallengeKind::TlsAlpn01, |manners| {
        manners.external_account = Some(("kid-1".into(), key.into()));
    })
    .await;
    let server = town.serve(1).await;
    server.want(&["a.town.test"]).await;
    let state = wait_for("refused", async || Some(server.state("a.town.test").await).filter(|s| s.trouble.is_some())).await;
    assert!(state.trouble.unwrap().said.contains("refuses us an account"));
    town.http.leave(server.http);
    town.tls.leave(server.tls);
    drop(server);
    tokio::time::sleep(Duration::from_secs(1)).await;
    town.settings.external_account = Some(ExternalAccount { key_id: "kid-1".into(), key: decoded(key) });
    let bound = town.serve(2).await;
    town.clock.advance(HOUR);
    bound.live("a.town.test").await;
}

/// base64url (RFC 4648 §5) of whole groups.
fn decoded(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: String = text.chars().map(|c| format!("{:06b}", ALPHABET.find(c).unwrap())).collect();
    bits.as_bytes().chunks_exact(8).map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap()).collect()
}
