//! Acts share commits, and nobody is answered before the commit that holds his act.

use super::{
    faults::{row, rows},
    town::{On, Town},
};
use kernel::{Fault, FaultKind};
use rusqlite::{Connection, OpenFlags};
use std::{sync::Arc, time::Duration};
use store::{Database, TenantTx, entity::blocked_address};

/// What another connection sees, which is what is committed.
fn committed(town: &Town) -> u64 {
    let Database::Sqlite { path } = &town.under.database else { unreachable!() };
    let other = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    other.query_row("SELECT COUNT(*) FROM blocked_address", [], |r| r.get::<_, i64>(0)).unwrap().try_into().unwrap()
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

/// The first act waits in the middle until the others have queued, so that all share one commit.
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
    let tasks: Vec<_> = (0..5_usize)
        .map(|n| {
            let town = town.clone();
            tokio::spawn(async move {
                town.db
                    .act(&town.a, async |tx: &mut TenantTx| {
                        while n == 0 && town.db.stats().writer_waiting < 4 {
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                        let poison = if n == 2 { 666 } else { 1 };
                        tx.insert(blocked_address::ActiveModel { created_at: sea_orm::Set(poison), ..row(n) }).await
                    })
                    .await
            })
        })
        .collect();
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
    let act = |n: usize, fail: bool| {
        let town = town.clone();
        tokio::spawn(async move {
            let out = town
                .db
                .act(&town.a, async |tx: &mut TenantTx| {
                    while n == 0 && town.db.stats().writer_waiting < 2 {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    tx.insert(row(n)).await?;
                    if fail { Err(Fault::other("refused")) } else { Ok(()) }
                })
                .await;
            (out.is_ok(), committed(&town))
        })
    };
    let (first, refused, last) = (act(0, false), act(1, true), act(2, false));
    assert!(first.await.unwrap().0);
    let (ok, seen) = refused.await.unwrap();
    assert!(!ok && seen >= 1, "the row before the refusal was committed first");
    assert!(last.await.unwrap().0);
    assert_eq!(committed(&town), 2);
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
