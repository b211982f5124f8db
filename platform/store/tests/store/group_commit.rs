//! Acts share commits, and nobody is answered before the commit that holds his act.

use super::{
    faults::{row, rows},
    town::{On, Town},
};
use kernel::{Fault, FaultKind};
use rusqlite::{Connection, OpenFlags};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::{Brake, Database, TenantTx, entity::blocked_address};

/// What another connection sees, which is what is committed.
fn committed(town: &Town) -> u64 {
    let Database::Sqlite { path } = &town.under.database else { unreachable!() };
    let other = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    other.query_row("SELECT COUNT(*) FROM blocked_address", [], |r| r.get::<_, i64>(0)).unwrap().try_into().unwrap()
}

/// Acts that share one commit in a known order: the first stays inside until the others have queued, one behind the other.
struct InOrder {
    town: Arc<Town>,
    of: usize,
    first_is_inside: AtomicBool,
}

impl InOrder {
    fn new(town: &Arc<Town>, of: usize) -> Arc<InOrder> {
        Arc::new(InOrder { town: town.clone(), of, first_is_inside: AtomicBool::new(false) })
    }

    /// To be called inside act `n`.
    async fn inside(&self, n: usize) {
        // Not when it is run again: then the others do not wait.
        if n == 0 && !self.first_is_inside.swap(true, Ordering::AcqRel) {
            self.until_waiting(self.of - 1).await;
        }
    }

    /// To be called after act `n` was spawned: the next one comes behind it.
    async fn queued(&self, n: usize) {
        while !self.first_is_inside.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if n + 1 < self.of {
            self.until_waiting(n).await;
        }
    }

    async fn until_waiting(&self, acts: usize) {
        while self.town.db.stats().writer_waiting < acts as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_comes_after_its_commit_and_commits_are_shared() {
    let town = Arc::new(Town::found(On::Sqlite).await);
    let before = town.db.stats();
    let tasks: Vec<_> = (0..64_usize)
        .map(|task| {
            let town = town.clone();
            tokio::spawn(async move {
                for i in 0..10 {
                    let n = task * 10 + i;
                    town.db.act(&town.a, async |tx: &mut TenantTx| tx.insert(row(n)).await).await.unwrap();
                    if i == 9 {
                        assert!(committed(&town) >= 10, "my ten acts are answered, so they are committed");
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let after = town.db.stats();
    assert_eq!((committed(&town), after.acts - before.acts, after.writer_waiting), (640, 640, 0));
    assert!((after.commits - before.commits) * 4 <= 640, "{} commits for 640 acts", after.commits - before.commits);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_alone_is_committed_when_it_is_answered() {
    let town = Town::found(On::Sqlite).await;
    for n in 0..5 {
        town.db.act(&town.a, async |tx: &mut TenantTx| tx.insert(row(n)).await).await.unwrap();
        assert_eq!(committed(&town), n as u64 + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_fails_everybody_who_shared_it_and_the_next_group_is_well() {
    let town = Arc::new(Town::found(On::Sqlite).await);
    let Database::Sqlite { path } = &town.under.database else { unreachable!() };
    // A foreign key that is checked at COMMIT: the act itself succeeds.
    let other = Connection::open(path).unwrap();
    other
        .execute_batch(
            "CREATE TABLE poison (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES poison(id) DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER poisoned AFTER INSERT ON blocked_address WHEN new.created_at = 666
             BEGIN INSERT INTO poison(parent) VALUES (99); END;",
        )
        .unwrap();
    drop(other);
    let order = InOrder::new(&town, 5);
    let mut tasks = Vec::new();
    for n in 0..5 {
        let (town, inside) = (town.clone(), order.clone());
        tasks.push(tokio::spawn(async move {
            let poisoned = async |tx: &mut TenantTx| {
                inside.inside(n).await;
                let poison = if n == 2 { 666 } else { 1 };
                tx.insert(blocked_address::ActiveModel { created_at: sea_orm::Set(poison), ..row(n) }).await
            };
            town.db.act(&town.a, poisoned).await
        }));
        order.queued(n).await;
    }
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap_err().kind(), FaultKind::ForeignKey);
    }
    assert_eq!((committed(&town), rows(&town.db, &town.a).await), (0, 0));
    town.db.act(&town.a, async |tx: &mut TenantTx| tx.insert(row(9)).await).await.unwrap();
    assert_eq!(committed(&town), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_answered_when_what_it_saw_is_durable() {
    let town = Arc::new(Town::found(On::Sqlite).await);
    let order = InOrder::new(&town, 3);
    let mut tasks = Vec::new();
    for n in 0..3 {
        let (town, inside) = (town.clone(), order.clone());
        tasks.push(tokio::spawn(async move {
            let act = async |tx: &mut TenantTx| {
                inside.inside(n).await;
                if n == 1 {
                    assert_eq!(tx.find::<blocked_address::Entity>().count().await?, 1, "it sees a row that nobody else does yet");
                    return Err(Fault::other("refused"));
                }
                tx.insert(row(n)).await
            };
            (town.db.act(&town.a, act).await, committed(&town))
        }));
        order.queued(n).await;
    }
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await.unwrap());
    }
    assert_eq!(ends.iter().map(|(end, _)| end.is_ok()).collect::<Vec<_>>(), [true, false, true]);
    assert!(ends[1].1 >= 1, "the row before the refusal was committed first");
    assert_eq!(committed(&town), 2);
}

/// Three at once, of whom the second fails after it wrote; answers how often each was run.
async fn one_fails_after_it_wrote(town: &Arc<Town>, round: usize) -> Vec<usize> {
    let order = InOrder::new(town, 3);
    let mut tasks = Vec::new();
    for n in 0..3 {
        let (town, inside) = (town.clone(), order.clone());
        tasks.push(tokio::spawn(async move {
            let runs = AtomicUsize::new(0);
            let act = async |tx: &mut TenantTx| {
                runs.fetch_add(1, Ordering::Relaxed);
                inside.inside(n).await;
                tx.insert(row(round * 10 + n)).await?;
                if n == 1 { Err(Fault::other("refused")) } else { Ok(()) }
            };
            (town.db.act(&town.a, act).await.is_ok(), runs.into_inner())
        }));
        order.queued(n).await;
    }
    let mut runs = Vec::new();
    for (n, task) in tasks.into_iter().enumerate() {
        let (kept, times) = task.await.unwrap();
        assert_eq!(kept, n != 1);
        runs.push(times);
    }
    runs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_shared_a_transaction_with_an_act_that_failed_is_run_again_and_for_a_while_not_again() {
    let town = Arc::new(Town::found(On::Sqlite).await);
    assert_eq!(one_fails_after_it_wrote(&town, 0).await, [2, 2, 1], "all was rolled back, and both begin again");
    assert_eq!(committed(&town), 2);
    assert_eq!(one_fails_after_it_wrote(&town, 1).await, [1, 1, 1], "it was undone alone");
    assert_eq!(committed(&town), 4);
    for n in 0..64 {
        town.db.act(&town.a, async |tx: &mut TenantTx| tx.insert(row(1000 + n)).await).await.unwrap();
    }
    assert_eq!(one_fails_after_it_wrote(&town, 2).await, [2, 2, 1]);
    assert_eq!(committed(&town), 70);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_tenant_bounds_is_run_again_as_well() {
    let town = Arc::new(Town::found(On::Sqlite).await);
    let order = InOrder::new(&town, 3);
    let mut tasks = Vec::new();
    for n in 0..3 {
        let (town, inside) = (town.clone(), order.clone());
        tasks.push(tokio::spawn(async move {
            if n == 1 {
                return matches!(town.db.front_desk().brake("x", 1, Duration::from_secs(3600)).await, Ok(Brake::Free { left: 0 }));
            }
            let act = async |tx: &mut TenantTx| {
                inside.inside(n).await;
                tx.insert(row(n)).await?;
                if n == 2 { Err(Fault::other("refused")) } else { Ok(()) }
            };
            town.db.act(&town.a, act).await.is_ok()
        }));
        order.queued(n).await;
    }
    let mut kept = Vec::new();
    for task in tasks {
        kept.push(task.await.unwrap());
    }
    assert_eq!(kept, [true, true, false]);
    assert_eq!(committed(&town), 1);
    assert!(matches!(town.db.front_desk().brake("x", 1, Duration::from_secs(3600)).await, Ok(Brake::Held { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_may_write_in_between() {
    let town = Arc::new(Town::found(On::Sqlite).await);
    let other = Arc::new(town.under.open(2).await.unwrap());
    let tasks: Vec<_> = (0..40_usize)
        .map(|n| {
            let (town, db) = (town.clone(), if n % 2 == 0 { town.db.clone() } else { (*other).clone() });
            tokio::spawn(async move { db.act(&town.a, async |tx: &mut TenantTx| tx.insert(row(n)).await).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(committed(&town), 40);
}
