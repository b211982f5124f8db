//! Several processes on one database: any is asked, one orders, all show.

use super::town::{On, Town, host};
use std::time::Duration;
use store::{ChallengeKind, WantedBy};

async fn two_share(on: On, prefer: ChallengeKind) {
    let town = Town::with(on, prefer, |_| {}).await;
    let (one, two) = (town.serve(1).await, town.serve(2).await);
    let names: Vec<String> = (0..12).map(|n| format!("n{n}.town.test")).collect();
    one.want(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for name in &names {
        two.live(name).await;
        for server in [&one, &two] {
            assert_eq!(server.curl(&town.pebble, name), "hello", "whoever reads that {name} is live finds it so at once, at any process");
        }
    }
    assert_eq!((town.pebble.orders(), town.pebble.accounts()), (names.len(), 1), "each name was ordered once, by one account");
    let state = two.state("n0.town.test").await;
    assert_eq!(state.trouble, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_postgres_order_each_name_once_and_answer_for_one_another() {
    two_share(On::Postgres, ChallengeKind::TlsAlpn01).await;
    two_share(On::Postgres, ChallengeKind::Http01).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_sqlite_directory_order_each_name_once_and_answer_for_one_another() {
    two_share(On::Sqlite, ChallengeKind::TlsAlpn01).await;
    two_share(On::Sqlite, ChallengeKind::Http01).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_left_behind_another_orders_when_the_lease_is_over() {
    let town = Town::new(ChallengeKind::TlsAlpn01).await;
    let (dead, lease) = (town.open(7).await, Duration::from_secs(180));
    dead.certificates().want(&host("a.town.test"), WantedBy::Site).await.unwrap();
    assert_eq!(dead.certificates().take_due(1, lease).await.unwrap().len(), 1);
    let server = town.serve(1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(town.pebble.orders(), 0, "it is in another's hands");
    town.clock.advance(lease * 2);
    server.seen(&town.pebble, "a.town.test").await;
    assert_eq!(town.pebble.orders(), 1);
}
