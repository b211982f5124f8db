use super::{TOGETHER, agrees, pairs, race, send};
use store::testing::{TestDatabase, fresh_postgres, fresh_sqlite};
use tests::{ApiKey, Recipient, Site, wait_for};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_wins_between_two_servers_on_one_postgresql_database() {
    one_wins(fresh_postgres().await).await;
}

/// A restart that hands its sockets over has two of them for a moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_wins_between_two_servers_on_one_sqlite_directory() {
    one_wins(fresh_sqlite().await).await;
}

/// Pickups go to one server, retractions to the other.
async fn one_wins(database: TestDatabase) {
    let site = Site::set_up(crate::PROGRAM, database).await;
    let (here, there) = (site.serve().await, site.serve().await);
    let key = site.member(&here, "ana@acme.example").await.key("ci").await;
    let elsewhere = ApiKey { door: there.door.clone(), ..key.clone() };
    let (mut opened, pairs) = (0, pairs());
    for first in (0..pairs).step_by(TOGETHER) {
        let count = TOGETHER.min(pairs - first);
        let (message, recipients) = send(&key, first, count).await;
        wait_for(async || key.states(&message).await.iter().all(|state| state == "notified").then_some(())).await;
        let letters = site.letters();
        for (n, (address, id)) in recipients.iter().enumerate() {
            let notice = letters.iter().find(|letter| letter.to == *address).expect("the relay took it");
            let bob = Recipient::new(here.browser(), &notice.link("/p/"));
            bob.look().await.is(200);
            let won = race(bob, elsewhere.clone(), &message, id, n).await;
            agrees(&key, &message, id, won).await;
            opened += usize::from(won);
        }
    }
    println!("{opened} of {pairs} pickups won");
    assert!(opened > 0 && opened < pairs, "a race that one side always wins shows nothing: {opened} of {pairs}");
    let verified = site.run(&["admin", "evidence", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}
