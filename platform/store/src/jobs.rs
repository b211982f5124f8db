//! Jobs: rows written by acts, claimed by workers under a lease. The attempt number fences late finishers.

use crate::{Caller, Db};
use kernel::{Fault, JobId, TenantId, Time};
use std::{future::Future, time::Duration};

/// The worker's side of the job table.
pub struct Jobs<'d> {
    db: &'d Db,
}

/// A job in hand until its lease ends.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    pub id: JobId,
    pub tenant: TenantId,
    pub kind: String,
    pub payload: String,
    /// This attempt's number, from 1.
    pub attempts: i64,
    pub created_at: Time,
}

/// How many jobs are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub queued: u64,
    pub running: u64,
    pub parked: u64,
}

impl ClaimedJob {
    /// The tenant's System caller, for the job's own acts.
    pub fn caller(&self) -> Caller {
        todo!()
    }
}

impl Jobs<'_> {
    /// Takes due jobs and jobs whose lease ran out, at most `at_most`, tenants in turn.
    pub async fn claim(&self, at_most: u64, lease: Duration) -> Result<Vec<ClaimedJob>, Fault> {
        let _ = (self.db, at_most, lease);
        todo!()
    }
    /// Deletes the job. `false`: a later attempt has it now.
    pub async fn done(&self, job: &ClaimedJob) -> Result<bool, Fault> {
        let _ = job;
        todo!()
    }
    /// Queues the job again for `at`. `false`: a later attempt has it now.
    pub async fn again(&self, job: &ClaimedJob, at: Time, why: &str) -> Result<bool, Fault> {
        let _ = (job, at, why);
        todo!()
    }
    /// Keeps the job for a person to look at. `false`: a later attempt has it now.
    pub async fn park(&self, job: &ClaimedJob, why: &str) -> Result<bool, Fault> {
        let _ = (job, why);
        todo!()
    }
    /// When the next job is due (or a lease ends); `None`: nothing waits.
    pub async fn next_run_at(&self) -> Result<Option<Time>, Fault> {
        todo!()
    }
    pub async fn counts(&self) -> Result<JobCounts, Fault> {
        todo!()
    }
    /// Queues every parked job again; answers how many.
    pub async fn replay_parked(&self) -> Result<u64, Fault> {
        todo!()
    }
    /// Ends when an act wrote a job, here or (PostgreSQL) in another process. One that came before the call is not lost.
    pub fn woken(&self) -> impl Future<Output = ()> + Send + use<> {
        async { todo!() }
    }
}
