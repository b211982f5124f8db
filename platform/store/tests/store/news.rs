//! What listeners hear: after the commit, nothing of what failed, and on PostgreSQL from other processes too.

use super::town::{On, Town};
use crate::on_both;
use kernel::{Fault, MessageId};
use std::time::Duration;
use store::{Change, NewJob, TenantTx};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(5);

on_both! {
    async fn a_change_is_heard_after_the_commit_and_not_after_a_failure(town) {
        let mut changes = town.db.changes();
        let (kept, lost) = (MessageId(Uuid::from_u128(1)), MessageId(Uuid::from_u128(2)));
        let failed = town.db.act(&town.a, async |tx: &mut TenantTx| {
            tx.changed(lost);
            Err::<(), _>(Fault::other("no"))
        });
        assert!(failed.await.is_err());
        town.db.act(&town.a, async |tx: &mut TenantTx| {
            tx.changed(kept);
            tx.changed(kept);
            Ok::<_, Fault>(())
        }).await.unwrap();
        let heard = tokio::time::timeout(SOON, changes.recv()).await.unwrap().unwrap();
        assert_eq!(heard, Change { tenant: town.a.tenant(), message: kept });
        assert!(changes.try_recv().is_err());
    }

    async fn a_worker_is_woken_by_a_job(town) {
        let woken = tokio::spawn(town.db.jobs().woken());
        town.db.act(&town.a, async |tx: &mut TenantTx| tx.later(NewJob { kind: "notice", payload: "{}".into(), run_at: tx.now(), held: false, urgent: false }).await).await.unwrap();
        tokio::time::timeout(SOON, woken).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn another_process_hears_changes_and_jobs_on_postgres() {
    let town = Town::found(On::Postgres).await;
    let other = town.under.open(2).await.unwrap();
    let (mut changes, woken) = (other.changes(), tokio::spawn(other.jobs().woken()));
    let message = MessageId(Uuid::from_u128(1));
    town.db
        .act(&town.a, async |tx: &mut TenantTx| {
            tx.changed(message);
            tx.later(NewJob { kind: "notice", payload: "{}".into(), run_at: tx.now(), held: false, urgent: false }).await
        })
        .await
        .unwrap();
    let heard = tokio::time::timeout(SOON, changes.recv()).await.unwrap().unwrap();
    assert_eq!(heard, Change { tenant: town.a.tenant(), message });
    tokio::time::timeout(SOON, woken).await.unwrap().unwrap();
}
