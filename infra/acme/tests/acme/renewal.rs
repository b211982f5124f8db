//! Renewal, by moving the clock.

use super::town::{DAY, Server, Town, wait_for};
use std::time::Duration;
use store::ChallengeKind;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_with_a_third_of_its_life_left_and_not_before() {
    let town = Town::new(ChallengeKind::TlsAlpn01).await;
    let (server, other) = (town.serve(1).await, town.serve(2).await);
    server.want(&["a.town.test"]).await;
    let first = server.live("a.town.test").await;
    other.seen(&town.pebble, "a.town.test").await;
    town.clock.advance(DAY * 37);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(town.pebble.orders(), 1, "with 23 days of 60 left");
    let serial = shown(&other);
    town.clock.advance(DAY * 3);
    wait_for("renewal", async || (town.pebble.orders() == 2).then_some(())).await;
    wait_for("renewal", async || Some(server.state("a.town.test").await).filter(|s| s.live_until != Some(first))).await;
    wait_for("renewal in the other process", async || Some(shown(&other)).filter(|now| !now.is_empty() && *now != serial)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(town.pebble.orders(), 2, "once");
}

/// The serial number of the certificate that strangers are shown.
fn shown(server: &Server) -> String {
    let ask =
        format!("openssl s_client -connect {} -servername a.town.test </dev/null 2>/dev/null | openssl x509 -noout -serial", server.tls);
    String::from_utf8(std::process::Command::new("sh").args(["-c", &ask]).output().unwrap().stdout).unwrap()
}
