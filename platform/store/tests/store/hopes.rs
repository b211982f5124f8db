//! Changes that are taken for granted until the next statement: never kept when they did not happen.

use crate::on_both;
use kernel::Fault;
use sea_orm::{ColumnTrait, QueryFilter, Set};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use store::{
    Caller, Database, Db, TenantTx,
    entity::{allowance, blocked_address, chain},
    sea_orm,
};

async fn allow(db: &Db, who: &Caller, sends: i64) {
    let row = allowance::ActiveModel {
        sends_used: Set(0),
        sends_limit: Set(Some(sends)),
        period_ends_at: Set(i64::MAX),
        recipients_limit: Set(None),
        message_bytes_limit: Set(None),
        stored_bytes: Set(0),
        stored_limit: Set(None),
        life_days_limit: Set(None),
        api_per_minute: Set(None),
        own_domains_limit: Set(None),
        ..Default::default()
    };
    db.act(who, async |tx: &mut TenantTx| tx.insert(row).await).await.unwrap();
}

async fn used(db: &Db, who: &Caller) -> i64 {
    db.read(who, async |read| Ok::<_, Fault>(read.own::<allowance::Entity>().await?.unwrap().sends_used)).await.unwrap()
}

/// Takes one send if fewer than `limit` were taken.
async fn take(tx: &TenantTx, limit: i64) -> Result<bool, Fault> {
    let used = allowance::Column::SendsUsed;
    tx.update::<allowance::Entity>().set(used, sea_orm::sea_query::Expr::cust("sends_used + 1")).filter(used.lt(limit)).exec_one().await
}

/// Moves the chain on by one, as evidence does.
async fn move_on(tx: &TenantTx) -> Result<i64, Fault> {
    let seq = tx.hold_own::<chain::Entity>().await?.unwrap().seq;
    tx.update::<chain::Entity>().set(chain::Column::Seq, seq + 1).exec().await?;
    Ok(seq)
}

async fn block(tx: &TenantTx, address: &str) -> Result<(), Fault> {
    tx.insert_along([blocked_address::ActiveModel { address: Set(address.into()), created_at: Set(1), ..Default::default() }]).await
}

async fn blocked(db: &Db, who: &Caller) -> u64 {
    db.read(who, async |read| read.find::<blocked_address::Entity>().count().await).await.unwrap()
}

on_both! {
    async fn what_was_hoped_for_in_vain_is_found_out_and_nothing_of_it_is_kept(town) {
        allow(&town.db, &town.a, 1).await;
        let runs = Arc::new(AtomicUsize::new(0));
        let act = async |limit| {
            town.db.act(&town.a, async |tx: &mut TenantTx| {
                runs.fetch_add(1, SeqCst);
                block(tx, &format!("{limit}@example.org")).await?;
                if !take(tx, limit).await? {
                    return Ok(None);
                }
                move_on(tx).await.map(Some)
            }).await
        };
        assert_eq!(act(1).await.unwrap(), Some(0));
        assert_eq!(runs.swap(0, SeqCst), 1, "what holds costs no second run");
        assert_eq!(act(0).await.unwrap(), None, "there was none left");
        assert_eq!(runs.swap(0, SeqCst), if matches!(town.under.database, Database::Postgres { .. }) { 2 } else { 1 });
        assert_eq!((used(&town.db, &town.a).await, act(2).await.unwrap()), (1, Some(1)), "and the chain had not moved");
        assert_eq!(blocked(&town.db, &town.a).await, 3);
    }

    async fn a_hope_is_kept_or_found_out_at_the_commit_too(town) {
        allow(&town.db, &town.a, 9).await;
        let act = async |limit| town.db.act(&town.a, async |tx: &mut TenantTx| take(tx, limit).await).await.unwrap();
        assert!(act(1).await);
        assert!(!act(1).await);
        // The next statement is about the same table, or no SELECT.
        let looked = town.db.act(&town.a, async |tx: &mut TenantTx| {
            assert!(take(tx, 9).await?);
            let used = tx.own::<allowance::Entity>().await?.unwrap().sends_used;
            assert!(take(tx, 9).await? && take(tx, 9).await?);
            tx.insert(blocked_address::ActiveModel { address: Set("x@example.org".into()), created_at: Set(1), ..Default::default() }).await?;
            Ok::<_, Fault>(used)
        });
        assert_eq!((looked.await.unwrap(), used(&town.db, &town.a).await), (2, 4));
    }

    async fn acts_that_meet_lock_in_one_order(town) {
        allow(&town.db, &town.a, 1_000).await;
        let runs = Arc::new(AtomicUsize::new(0));
        let acts = (0..40).map(|n| {
            let (db, who, runs) = (town.db.clone(), town.a.clone(), runs.clone());
            tokio::spawn(async move {
                db.act(&who, async |tx: &mut TenantTx| {
                    runs.fetch_add(1, SeqCst);
                    match n % 2 {
                        0 => tx.hold_own::<allowance::Entity>().await.map(|_| ())?,
                        _ => assert!(take(tx, 1_000).await?),
                    }
                    move_on(tx).await
                }).await
            })
        });
        for act in acts.collect::<Vec<_>>() {
            act.await.unwrap().unwrap();
        }
        assert_eq!((used(&town.db, &town.a).await, runs.load(SeqCst)), (20, 40), "one that a deadlock ended is run again");
    }
}
