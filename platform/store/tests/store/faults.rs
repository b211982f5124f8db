//! Whatever happens to an act, rows equal answers: what was answered with `Ok` is there, and nothing else.

use super::town::{On, Town, found};
use crate::on_both;
use kernel::{Fault, FaultKind};
use sea_orm::{ActiveValue::NotSet, ColumnTrait, ExprTrait, QueryFilter, Set, sea_query::Expr};
use std::{sync::Arc, time::Duration};
use store::{
    ACT_LIMIT, Database, Db, TenantRead, TenantTx,
    entity::{blocked_address, chain},
    sea_orm,
    testing::{Postgres, SmallDisk},
};
use tokio::sync::Notify;

pub fn row(n: usize) -> blocked_address::ActiveModel {
    blocked_address::ActiveModel { tenant_id: NotSet, address: Set(format!("{n}@example.org")), created_at: Set(1) }
}

pub async fn rows(db: &Db, who: &store::Caller) -> u64 {
    db.read(who, async |read: &TenantRead| read.find::<blocked_address::Entity>().count().await).await.unwrap()
}

/// A row and a count in one act, so that a half act shows.
async fn add(tx: &TenantTx, n: usize) -> Result<(), Fault> {
    tx.insert(row(n)).await?;
    tx.update::<chain::Entity>().set(chain::Column::Seq, Expr::col(chain::Column::Seq).add(1)).exec().await.map(|_| ())
}

async fn counted(db: &Db, who: &store::Caller) -> u64 {
    let chain = db.read(who, async |read: &TenantRead| read.own::<chain::Entity>().await).await.unwrap();
    u64::try_from(chain.unwrap().seq).unwrap()
}

on_both! {
    async fn rows_equal_answers_whatever_happens_to_each_act(town) {
        let town = Arc::new(town);
        let tasks: Vec<_> = (0..120_usize).map(|n| {
            let town = town.clone();
            tokio::spawn(async move {
                let act = town.db.act(&town.a, async |tx: &mut TenantTx| {
                    add(tx, n).await?;
                    tokio::task::yield_now().await;
                    match n % 6 {
                        1 => Err(Fault::other("refused")),
                        2 => panic!("on purpose"),
                        // A statement that fails, and a room that passes it on.
                        3 => tx.insert(row(n)).await,
                        4 => { tokio::time::sleep(Duration::from_secs(30)).await; Ok(()) }
                        _ => Ok(()),
                    }
                });
                if n % 6 == 4 {
                    return tokio::time::timeout(Duration::from_millis(2), act).await.is_ok_and(|r| r.is_ok());
                }
                act.await.is_ok()
            })
        }).collect();
        let mut good = 0;
        for task in tasks {
            good += u64::from(task.await.unwrap_or(false));
        }
        assert_eq!(good, 40);
        assert_eq!((rows(&town.db, &town.a).await, counted(&town.db, &town.a).await), (40, 40));
    }

    async fn after_a_failed_statement_an_act_can_only_fail(town) {
        let shrugged = town.db.act(&town.a, async |tx: &mut TenantTx| {
            add(tx, 0).await?;
            assert_eq!(tx.insert(row(0)).await.unwrap_err().kind(), FaultKind::Unique);
            assert!(tx.insert(row(1)).await.is_err(), "nothing more goes in");
            Ok::<_, Fault>(())
        });
        assert_eq!(shrugged.await.unwrap_err().kind(), FaultKind::Unique);
        assert_eq!((rows(&town.db, &town.a).await, counted(&town.db, &town.a).await), (0, 0));
    }

    async fn a_cancelled_waiter_does_not_leave_a_transaction_open(town) {
        let town = Arc::new(town);
        let (inside, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let holder = {
            let (town, inside, done) = (town.clone(), inside.clone(), done.clone());
            tokio::spawn(async move {
                town.db.act(&town.a, async |tx: &mut TenantTx| {
                    add(tx, 0).await?;
                    inside.notify_one();
                    done.notified().await;
                    Ok::<_, Fault>(())
                }).await
            })
        };
        inside.notified().await;
        let waiter = {
            let town = town.clone();
            tokio::spawn(async move { town.db.act(&town.a, async |tx: &mut TenantTx| add(tx, 1).await).await })
        };
        tokio::time::sleep(Duration::from_millis(65)).await;
        waiter.abort();
        assert!(waiter.await.unwrap_err().is_cancelled(), "it waited until then");
        done.notify_one();
        assert!(holder.await.unwrap().is_ok());
        assert_eq!((rows(&town.db, &town.a).await, counted(&town.db, &town.a).await), (1, 1));
        town.db.act(&town.a, async |tx: &mut TenantTx| add(tx, 1).await).await.unwrap();
    }

    async fn an_act_that_takes_too_long_is_undone_and_the_next_goes_on(town) {
        let begun = std::time::Instant::now();
        let late = town.db.act(&town.a, async |tx: &mut TenantTx| {
            add(tx, 0).await?;
            tokio::time::sleep(Duration::from_secs(600)).await;
            Ok::<_, Fault>(())
        });
        assert_eq!(late.await.unwrap_err().kind(), FaultKind::Unavailable);
        assert!(begun.elapsed() >= ACT_LIMIT && begun.elapsed() < ACT_LIMIT * 2);
        town.db.act(&town.a, async |tx: &mut TenantTx| add(tx, 1).await).await.unwrap();
        assert_eq!((rows(&town.db, &town.a).await, counted(&town.db, &town.a).await), (1, 1));
    }

    async fn a_read_sees_one_snapshot(town) {
        town.db.read(&town.a, async |read: &TenantRead| {
            let before = read.find::<blocked_address::Entity>().count().await?;
            town.db.act(&town.a, async |tx: &mut TenantTx| add(tx, 0).await).await?;
            assert_eq!(read.find::<blocked_address::Entity>().count().await?, before);
            Ok::<_, Fault>(())
        }).await.unwrap();
        assert_eq!(rows(&town.db, &town.a).await, 1);
    }

    async fn a_conditional_change_lets_exactly_as_many_through(town) {
        let town = Arc::new(town);
        let tasks: Vec<_> = (0..50).map(|_| {
            let town = town.clone();
            tokio::spawn(async move {
                town.db.act(&town.a, async |tx: &mut TenantTx| {
                    let one_more = Expr::col(chain::Column::Seq).add(1);
                    tx.update::<chain::Entity>().set(chain::Column::Seq, one_more).filter(chain::Column::Seq.lt(7)).exec().await
                }).await.unwrap()
            })
        }).collect();
        let mut won = 0;
        for task in tasks {
            won += task.await.unwrap();
        }
        assert_eq!((won, counted(&town.db, &town.a).await), (7, 7));
    }

    async fn a_closed_database_says_so(town) {
        town.db.ping().await.unwrap();
        town.db.close().await;
        let fault = town.db.act(&town.a, async |tx: &mut TenantTx| add(tx, 0).await).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Unavailable);
        assert!(town.db.ping().await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_died_in_the_pool_are_nobodys_fault() {
    let town = Arc::new(Town::found(On::Postgres).await);
    // As many connections as the pool holds.
    let fill = (0..8).map(|n| {
        let town = town.clone();
        tokio::spawn(async move {
            town.db
                .act(&town.a, async |tx: &mut TenantTx| {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    tx.insert(row(n)).await
                })
                .await
        })
    });
    for act in fill.collect::<Vec<_>>() {
        act.await.unwrap().unwrap();
    }
    let Database::Postgres { url, .. } = &town.under.database else { panic!("a town on PostgreSQL") };
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    Postgres::start().admin_in(url, end).await;
    town.db.act(&town.a, async |tx: &mut TenantTx| add(tx, 100).await).await.unwrap();
    assert_eq!(rows(&town.db, &town.a).await, 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_run_again_on_postgres() {
    let town = Arc::new(Town::found(On::Postgres).await);
    let seed = async |tx: &mut TenantTx| tx.insert_many([row(0), row(1)]).await;
    town.db.act(&town.a, seed).await.unwrap();
    let cross = |first: usize, second: usize| {
        let town = town.clone();
        tokio::spawn(async move {
            let bump = async |tx: &TenantTx, n: usize| {
                let is_it = blocked_address::Column::Address.eq(format!("{n}@example.org"));
                let more = Expr::col(blocked_address::Column::CreatedAt).add(1);
                tx.update::<blocked_address::Entity>().set(blocked_address::Column::CreatedAt, more).filter(is_it).exec().await
            };
            town.db
                .act(&town.a, async |tx: &mut TenantTx| {
                    bump(tx, first).await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    bump(tx, second).await
                })
                .await
        })
    };
    let (one, other) = (cross(0, 1), cross(1, 0));
    assert_eq!((one.await.unwrap().unwrap(), other.await.unwrap().unwrap()), (1, 1));
    let all = town.db.read(&town.a, async |read: &TenantRead| read.find::<blocked_address::Entity>().all().await).await.unwrap();
    assert!(all.iter().all(|r| r.created_at == 3), "each act counted once: {all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_uncertain_and_a_statement_is_not_on_postgres() {
    let town = Town::found(On::Postgres).await;
    let store::Database::Postgres { url, .. } = &town.under.database else { unreachable!() };
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for (after, kind) in [(false, FaultKind::Uncertain), (true, FaultKind::Unavailable)] {
        let cut_off = town.db.act(&town.a, async |tx: &mut TenantTx| {
            add(tx, 1).await?;
            Postgres::start().admin_in(url, others).await;
            if after { add(tx, 2).await } else { Ok(()) }
        });
        assert_eq!(cut_off.await.err().map(|fault: Fault| fault.kind()), Some(kind));
        // Here it was not kept; the server had no way to know. Every connection of the pool is broken, and nobody notices.
        assert_eq!(rows(&town.db, &town.a).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_answers_full_and_frees_itself() {
    let Some(disk) = SmallDisk::mount(6) else { return };
    let under = disk.database().await;
    let db = under.open(3).await.unwrap();
    let who = found(&db, "Full").await;
    let fat = |n: usize| store::entity::draft::ActiveModel {
        tenant_id: NotSet,
        id: Set(uuid::Uuid::from_u128(n as u128)),
        member_id: Set(uuid::Uuid::nil()),
        hidden: Set(false),
        content_sealed: Set(vec![7; 60_000]),
        message_key: Set(vec![]),
        revision: Set(0),
        created_at: Set(0),
        updated_at: Set(0),
    };
    let member = super::town::settle(&db, &who, "ada@example.org").await.0.id;
    let (mut kept, mut full) = (0, 0);
    for n in 0..200 {
        let mut draft = fat(n);
        draft.member_id = Set(member);
        match db.act(&who, async |tx: &mut TenantTx| tx.insert(draft).await).await {
            Ok(()) => kept += 1,
            Err(fault) => {
                assert_eq!(fault.kind(), FaultKind::Full, "{fault:?}");
                full += 1;
            }
        }
    }
    assert!(kept > 10 && full > 10, "{kept} kept, {full} refused");
    let there = db.read(&who, async |read: &TenantRead| read.find::<store::entity::draft::Entity>().count().await).await.unwrap();
    assert_eq!(there, kept, "reading goes on, and rows equal answers");
    disk.resize(64);
    let mut draft = fat(1_000);
    draft.member_id = Set(member);
    db.act(&who, async |tx: &mut TenantTx| tx.insert(draft).await).await.unwrap();
    db.close().await;
    drop(db);
    let again = under.open(4).await.unwrap();
    let there = again.read(&who, async |read: &TenantRead| read.find::<store::entity::draft::Entity>().count().await).await.unwrap();
    assert_eq!(there, kept + 1);
}

/// The first poll of an act or a read sends BEGIN; whoever goes away then must leave nothing to the next one on that connection.
#[tokio::test]
async fn who_is_given_up_at_the_beginning_leaves_no_transaction_behind_on_postgres() {
    let town = Town::found(On::Postgres).await;
    let mut given_up = 0;
    for _ in 0..20 {
        let mut act = Box::pin(town.db.act(&town.a, async |tx: &mut TenantTx| tx.find::<blocked_address::Entity>().count().await));
        given_up += usize::from(futures_util::poll!(&mut act).is_pending());
        drop(act);
        assert_eq!(rows(&town.db, &town.b).await, 0);
        let mut read = Box::pin(town.db.read(&town.a, async |read: &TenantRead| read.find::<blocked_address::Entity>().count().await));
        given_up += usize::from(futures_util::poll!(&mut read).is_pending());
        drop(read);
        let refused = town.db.act(&town.b, async |tx: &mut TenantTx| add(tx, 1).await.and(Err::<(), _>(Fault::other("not kept"))));
        assert_eq!(refused.await.unwrap_err().to_string(), "not kept");
    }
    // The server may be so quick that a first poll finds the answer.
    assert!(given_up > 10, "{given_up} of 40");
}
