//! kill -9 in the middle of many acts: whatever was acknowledged is there, on both databases.

use super::{
    faults::row,
    town::{On, Town, found},
};
use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::Arc,
};
use store::{Database, Db, TenantRead, TenantTx, entity::blocked_address, testing::TestDatabase};

const ADDRESS: &str = "COUNTERSIGN_KILL_DATABASE";
const TIMES: usize = 5;

/// Not a test: what the killed process does. Each act is acknowledged by a line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of the tests below"]
#[allow(clippy::disallowed_methods)]
async fn child() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let (seed, url) = address.split_once(' ').unwrap();
    let seed: u64 = seed.parse().unwrap();
    let under = TestDatabase { database: Database::parse(url).unwrap(), dir: tempfile::tempdir().unwrap() };
    let db = under.open(seed).await.unwrap();
    let who = Arc::new(found(&db, "Killed").await);
    let tenant = who.tenant().0;
    let tasks: Vec<_> = (0..16_usize)
        .map(|task| {
            let (db, who) = (db.clone(), who.clone());
            tokio::spawn(async move {
                for n in (task..).step_by(16) {
                    db.act(&who, async |tx: &mut TenantTx| tx.insert(row(n)).await).await.unwrap();
                    let line = format!("\nack {tenant} {n}\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn storm(on: On) {
    let town = Town::found(on).await;
    let url = match &town.under.database {
        Database::Sqlite { path } => format!("sqlite:{}", path.display()),
        Database::Postgres { url, .. } => format!("{url}?connections=8"),
    };
    for time in 0..TIMES {
        let (tenant, acknowledged) = kill_after(&url, 100 + time, 40 + 60 * time);
        check(&town.db, tenant, &acknowledged).await;
    }
}

/// Runs the child, kills it after so many acknowledgements, and answers all that came through the pipe.
fn kill_after(url: &str, seed: usize, acks: usize) -> (uuid::Uuid, HashSet<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::kill::child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ADDRESS, format!("{seed} {url}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut tenant, mut seen) = (None, HashSet::new());
    for line in lines.map_while(Result::ok) {
        let mut words = line.split(' ');
        if words.next() != Some("ack") {
            continue;
        }
        // The last line may be cut.
        let (Some(id), Some(n)) = (words.next().and_then(|w| w.parse().ok()), words.next()) else { continue };
        tenant = Some(id);
        seen.insert(format!("{n}@example.org"));
        if seen.len() == acks {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(seen.len() >= acks, "the child ended by itself after {} acknowledgements", seen.len());
    (tenant.unwrap(), seen)
}

async fn check(db: &Db, tenant: uuid::Uuid, acknowledged: &HashSet<String>) {
    let who = db.front_desk().system(kernel::TenantId(tenant));
    let rows = db.read(&who, async |read: &TenantRead| read.find::<blocked_address::Entity>().all().await).await.unwrap();
    let there: HashSet<String> = rows.into_iter().map(|r| r.address).collect();
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_that_was_acknowledged_on_sqlite() {
    storm(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_that_was_acknowledged_on_postgres() {
    storm(On::Postgres).await;
}
