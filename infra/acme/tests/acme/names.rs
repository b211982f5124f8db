//! Names that come and go while the site runs.

use super::town::{HOUR, On, PATIENCE, Town, host, wait_for};
use acme::Acme;
use edge::Names;
use keys::RootKeys;
use std::time::{Duration, Instant};
use store::{ChallengeKind, Db, Ground, Wanted, WantedBy};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_added_while_the_site_runs_are_live_by_either_challenge() {
    for (prefer, name) in [(ChallengeKind::TlsAlpn01, "a.town.test"), (ChallengeKind::Http01, "b.town.test")] {
        let town = Town::new(prefer).await;
        let server = town.serve(1).await;
        assert_eq!(server.curl(&town.pebble, name), "", "there is no certificate yet");
        server.want(&[name]).await;
        server.live(name).await;
        server.seen(&town.pebble, name).await;
        let (http, tls) = (town.http.connections(), town.tls.connections());
        match prefer {
            ChallengeKind::TlsAlpn01 => assert!(http == 0 && tls > 0, "{http} {tls}"),
            ChallengeKind::Http01 => assert!(http > 0 && tls == 0, "{http} {tls}"),
        }
        assert_eq!((town.pebble.accounts(), town.pebble.orders()), (1, 1));
        assert!(server.db.certificates().challenges().await.unwrap().is_empty(), "nothing is answered any more");
        server.want(&["c.town.test"]).await;
        server.seen(&town.pebble, "c.town.test").await;
        assert_eq!(town.pebble.accounts(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_was_let_go_is_shown_no_more_and_not_ordered_again() {
    let town = Town::new(ChallengeKind::TlsAlpn01).await;
    let (server, other) = (town.serve(1).await, town.serve(2).await);
    server.want(&["a.town.test", "b.town.test"]).await;
    for server in [&server, &other] {
        server.seen(&town.pebble, "a.town.test").await;
        server.seen(&town.pebble, "b.town.test").await;
    }
    assert!(server.db.certificates().unwant(&host("a.town.test"), WantedBy::Site).await.unwrap());
    for server in [&server, &other] {
        let began = Instant::now();
        while server.curl(&town.pebble, "a.town.test") == "hello" {
            assert!(began.elapsed() < PATIENCE, "it is still shown");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(server.curl(&town.pebble, "b.town.test"), "hello");
    }
    let orders = town.pebble.orders();
    town.clock.advance(Duration::from_secs(59 * 86_400));
    server.live("b.town.test").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(town.pebble.orders(), orders + 1, "b alone was renewed");
    assert_eq!(server.db.certificates().want(&host("a.town.test"), WantedBy::Operator).await.unwrap(), Wanted::Now);
    other.seen(&town.pebble, "a.town.test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_start_who_asks_for_a_name_from_before_does_not_wait_for_the_others_to_trickle_in() {
    let town = Town::new(ChallengeKind::TlsAlpn01).await;
    let before = town.serve(1).await;
    before.want(&["z.town.test"]).await;
    before.seen(&town.pebble, "z.town.test").await;
    before.stop.cancel();
    tokio::time::sleep(Duration::from_secs(1)).await;
    town.clock.advance(HOUR);
    // More than a page, and one that opens with another key than ours.
    let many: Vec<String> = (0..120).map(|n| format!("n{n}.a.test")).collect();
    town.plant(&town.open(3).await, &many).await;
    let ground = Ground { roots: RootKeys::new(1, [9; 32]), ..town.database.ground(4) };
    let foreign = Db::open(&town.database.database, ground).await.unwrap();
    town.plant(&foreign, &["foreign.b.test".to_owned()]).await;
    let (names, stop) = (Names::new().unwrap(), CancellationToken::new());
    let acme = Acme::new(town.open(5).await, town.settings.clone(), names.clone()).unwrap();
    acme.start(&[], stop.clone()).await.unwrap();
    let after = town.serve(2).await;
    assert_eq!(after.curl(&town.pebble, "z.town.test"), "hello");
    let all = || many.iter().all(|name| names.knows(name)) && names.knows("z.town.test");
    wait_for("every name", async || all().then_some(())).await;
    assert!(!names.knows("foreign.b.test"));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_names_are_issued_in_one_run() {
    const NAMES: usize = 100;
    for prefer in [ChallengeKind::TlsAlpn01, ChallengeKind::Http01] {
        let town = Town::with(On::Sqlite, prefer, |_| {}).await;
        let server = town.serve(1).await;
        let names: Vec<String> = (0..NAMES).map(|n| format!("n{n}.town{}.test", n % 7)).collect();
        let began = Instant::now();
        server.want(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        for name in &names {
            server.live(name).await;
        }
        let took = began.elapsed();
        println!("{NAMES} names by {}: {took:.1?}, {:.0?} a name", prefer.as_str(), took / NAMES as u32);
        assert_eq!((town.pebble.orders(), town.pebble.accounts()), (NAMES, 1));
        for name in ["n0.town0.test", "n99.town1.test"] {
            server.seen(&town.pebble, name).await;
        }
    }
}
