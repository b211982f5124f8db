//! Jobs: with their act or not at all, each once, fenced, leased.

use super::town::found;
use crate::on_both;
use kernel::Fault;
use std::{collections::HashMap, time::Duration};
use store::{Caller, ClaimedJob, Db, JobCounts, NewJob, TenantTx};

const LEASE: Duration = Duration::from_secs(60);

async fn leave(db: &Db, who: &Caller, count: usize) {
    let leave = async |tx: &mut TenantTx| {
        for i in 0..count {
            tx.later(NewJob { kind: "notice", payload: format!("{{\"n\":{i}}}"), run_at: tx.now(), held: false, urgent: false }).await?;
        }
        Ok::<_, Fault>(())
    };
    db.act(who, leave).await.unwrap();
}

async fn one(db: &Db) -> ClaimedJob {
    one_of(db, 10).await
}

async fn one_of(db: &Db, at_most: u64) -> ClaimedJob {
    let mut claimed = db.jobs().claim(at_most, LEASE).await.unwrap();
    assert_eq!(claimed.len(), 1);
    claimed.pop().unwrap()
}

on_both! {
    async fn four_claimers_take_each_job_exactly_once(town) {
        leave(&town.db, &town.a, 300).await;
        leave(&town.db, &town.b, 100).await;
        let claimers: Vec<_> = (0..4).map(|_| {
            let db = town.db.clone();
            tokio::spawn(async move {
                let (mut taken, mut empty) = (vec![], 0);
                // On PostgreSQL two may pick the same rows and one of them then skips the locked ones.
                while empty < 5 {
                    let claimed = db.jobs().claim(16, LEASE).await.unwrap();
                    empty = if claimed.is_empty() { empty + 1 } else { 0 };
                    for job in claimed {
                        assert!(db.jobs().done(&job).await.unwrap());
                        taken.push(job.id);
                    }
                }
                taken
            })
        }).collect();
        let mut times = HashMap::new();
        for claimer in claimers {
            for id in claimer.await.unwrap() {
                *times.entry(id).or_insert(0) += 1;
            }
        }
        assert_eq!((times.len(), times.values().max()), (400, Some(&1)));
        assert_eq!(town.db.jobs().counts().await.unwrap(), JobCounts::default());
    }

    async fn a_job_of_an_act_that_failed_is_not_there(town) {
        let failed = town.db.act(&town.a, async |tx: &mut TenantTx| {
            tx.later(NewJob { kind: "notice", payload: "{}".into(), run_at: tx.now(), held: false, urgent: false }).await?;
            Err::<(), _>(Fault::other("no"))
        });
        assert!(failed.await.is_err());
        assert_eq!(town.db.jobs().next_run_at().await.unwrap(), None);
    }

    async fn a_late_finisher_is_fenced_off(town) {
        leave(&town.db, &town.a, 1).await;
        let early = one(&town.db).await;
        assert!(town.db.jobs().claim(10, LEASE).await.unwrap().is_empty());
        town.db.clock().advance(LEASE);
        let late = one(&town.db).await;
        assert_eq!((early.id, early.attempts, late.attempts), (late.id, 1, 2));
        assert!(!town.db.jobs().done(&early).await.unwrap());
        assert!(!town.db.jobs().again(&early, town.db.clock().now(), "no").await.unwrap());
        assert!(!town.db.jobs().park(&early, "no").await.unwrap());
        let within = |job: ClaimedJob| {
            let db = town.db.clone();
            async move { db.act(&job.caller(), async |tx: &mut TenantTx| tx.job_done(&job).await).await.unwrap() }
        };
        assert!(!within(early).await);
        assert!(within(late.clone()).await);
        assert!(!town.db.jobs().done(&late).await.unwrap());
    }

    async fn a_job_ends_with_the_act_that_did_it_or_not_at_all(town) {
        leave(&town.db, &town.a, 1).await;
        let job = one(&town.db).await;
        let caller = job.caller();
        let failed = town.db.act(&caller, async |tx: &mut TenantTx| {
            assert!(tx.job_done(&job).await?);
            Err::<(), _>(Fault::other("no"))
        });
        assert!(failed.await.is_err());
        assert_eq!(town.db.jobs().counts().await.unwrap().running, 1);
        let foreign = town.db.act(&town.b, async |tx: &mut TenantTx| tx.job_done(&job).await).await.unwrap();
        assert!(!foreign, "another tenant does not end it");
        assert!(town.db.jobs().done(&job).await.unwrap());
    }

    async fn tries_wait_park_and_replay(town) {
        leave(&town.db, &town.a, 1).await;
        let first = one(&town.db).await;
        let later = town.db.clock().now().plus(LEASE);
        assert!(town.db.jobs().again(&first, later, "451 later").await.unwrap());
        assert!(town.db.jobs().claim(10, LEASE).await.unwrap().is_empty());
        assert_eq!(town.db.jobs().next_run_at().await.unwrap(), Some(later));
        assert_eq!(town.db.jobs().counts().await.unwrap(), JobCounts { failed_before: 1, ..JobCounts::default() });
        town.db.clock().advance(LEASE);
        let second = one(&town.db).await;
        assert_eq!(second.attempts, 2);
        assert!(town.db.jobs().park(&second, &"x".repeat(10_000)).await.unwrap());
        assert_eq!(town.db.jobs().counts().await.unwrap(), JobCounts { parked: 1, ..JobCounts::default() });
        assert_eq!(town.db.jobs().next_run_at().await.unwrap(), None);
        assert_eq!(town.db.jobs().replay_parked().await.unwrap(), 1);
        assert_eq!(one(&town.db).await.attempts, 3);
    }

    async fn one_tenants_flood_does_not_starve_another(town) {
        // In the middle of the flood, where neither the oldest nor the newest jobs are.
        leave(&town.db, &town.a, 600).await;
        town.db.clock().advance(Duration::from_millis(1));
        leave(&town.db, &town.b, 1).await;
        town.db.clock().advance(Duration::from_millis(1));
        leave(&town.db, &town.a, 600).await;
        let claimed = town.db.jobs().claim(8, LEASE).await.unwrap();
        assert!(claimed.iter().any(|job| job.tenant == town.b.tenant()));
        assert_eq!(claimed.iter().filter(|job| job.tenant == town.a.tenant()).count(), 4);
        assert_eq!(town.db.jobs().claim(8, LEASE).await.unwrap().len(), 8, "alone again, it gets every place");
    }

    async fn tenants_take_turns_even_where_one_job_is_claimed_at_a_time(town) {
        let c = found(&town.db, "Cole").await;
        for who in [&town.a, &town.b, &c] {
            leave(&town.db, who, 20).await;
        }
        let mut order = Vec::new();
        for _ in 0..9 {
            order.push(one_of(&town.db, 1).await.tenant);
        }
        let round: Vec<_> = order[..3].to_vec();
        for tenant in [town.a.tenant(), town.b.tenant(), c.tenant()] {
            assert!(round.contains(&tenant));
        }
        assert_eq!((&order[3..6], &order[6..9]), (&round[..], &round[..]));
    }

    async fn what_somebody_waits_for_goes_before_the_rest_of_the_tenant(town) {
        leave(&town.db, &town.a, 50).await;
        town.db.clock().advance(Duration::from_millis(1));
        let code = async |tx: &mut TenantTx| tx.later(NewJob { kind: "code", payload: "{}".into(), run_at: tx.now(), held: false, urgent: true }).await;
        town.db.act(&town.a, code).await.unwrap();
        assert_eq!(one_of(&town.db, 1).await.kind, "code");
    }

    async fn waiting_counts_for_no_attempt(town) {
        leave(&town.db, &town.a, 1).await;
        for _ in 0..3 {
            let job = one(&town.db).await;
            assert_eq!(job.attempts, 1);
            assert!(town.db.jobs().wait(&job, town.db.clock().now().plus(LEASE), "not yet").await.unwrap());
            assert!(!town.db.jobs().done(&job).await.unwrap());
            town.db.clock().advance(LEASE);
        }
    }

    async fn a_renewed_lease_holds_and_a_lost_one_is_not_renewed(town) {
        leave(&town.db, &town.a, 1).await;
        let job = one(&town.db).await;
        town.db.clock().advance(LEASE * 2 / 3);
        assert!(town.db.jobs().renew(&job, LEASE).await.unwrap());
        town.db.clock().advance(LEASE * 2 / 3);
        assert!(town.db.jobs().claim(10, LEASE).await.unwrap().is_empty());
        town.db.clock().advance(LEASE);
        let later = one(&town.db).await;
        assert!(!town.db.jobs().renew(&job, LEASE).await.unwrap());
        assert!(town.db.jobs().done(&later).await.unwrap());
        assert!(!town.db.jobs().renew(&later, LEASE).await.unwrap());
    }

    async fn a_job_for_later_waits_for_its_time(town) {
        let later = town.db.clock().now().plus(LEASE);
        let leave = async |tx: &mut TenantTx| tx.later(NewJob { kind: "remind", payload: "{}".into(), run_at: later, held: false, urgent: false }).await;
        town.db.act(&town.a, leave).await.unwrap();
        assert!(town.db.jobs().claim(10, LEASE).await.unwrap().is_empty());
        assert_eq!(town.db.jobs().next_run_at().await.unwrap(), Some(later));
        town.db.clock().advance(LEASE);
        one(&town.db).await;
    }

    async fn held_jobs_wait_until_they_are_queued(town) {
        town.db.act(&town.a, async |tx: &mut TenantTx| tx.later(NewJob { kind: "notice", payload: "{}".into(), run_at: tx.now(), held: true, urgent: false }).await).await.unwrap();
        assert!(town.db.jobs().claim(10, LEASE).await.unwrap().is_empty());
        let released = town.db.act(&town.a, async |tx: &mut TenantTx| tx.release_held().await);
        assert_eq!(released.await.unwrap(), 1);
        one(&town.db).await;
    }
}
