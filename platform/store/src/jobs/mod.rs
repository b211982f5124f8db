//! Jobs: rows written by acts, claimed by workers under a lease. The attempt number fences late finishers.
//!
//! What would surprise you: a lease is short and renewed while the job runs, so what a killed worker had in hand comes back within
//! a minute, however long its letter might have taken.

mod claim;

use crate::{
    Caller, Db, Origin, Who,
    connection::Connection,
    entity::job::{Column, Entity, Model},
    herald::News,
    postgres::Reach,
};
use kernel::{Fault, JobId, TenantId, Time};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QueryTrait, UpdateMany,
    sea_query::{Expr, SimpleExpr},
};
use std::time::Duration;

/// Reasons kept with a job, in characters.
const MAX_WHY_CHARS: usize = 500;

/// Whatever is queued is due. One look into each index.
const NEXT: &str = "SELECT min(at) AS at FROM (
    SELECT at FROM (SELECT run_at AS at FROM job WHERE state = 'queued' LIMIT 1) AS queued
    UNION ALL SELECT min(run_at) FROM job WHERE state = 'later'
    UNION ALL SELECT min(lease_until) FROM job WHERE state = 'running') AS waiting";
const COUNT: &str = "SELECT 'queued' AS state, COUNT(*) AS jobs FROM job WHERE state = 'queued'
    UNION ALL SELECT 'running', COUNT(*) FROM job WHERE state = 'running'
    UNION ALL SELECT 'parked', COUNT(*) FROM job WHERE state = 'parked'
    UNION ALL SELECT 'failed before', COUNT(*) FROM job WHERE state = 'later' AND attempts > 0";

/// Jobs that wait for a person. In words of its own, because SQLite takes an index of some rows only where it reads which.
pub fn is_held() -> SimpleExpr {
    Expr::cust("state = 'held'")
}

/// The worker's side of the job table.
pub struct Jobs<'d> {
    db: &'d Db,
}

/// A job in hand until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJob {
    pub id: JobId,
    pub tenant: TenantId,
    pub kind: String,
    pub payload: String,
    /// This attempt's number, from 1.
    pub attempts: i64,
    pub created_at: Time,
}

/// How many jobs are due, in hand, parked, and waiting for another try. Those that only wait for their time are not counted: every
/// message leaves some, so counting them would cost more the more there are. Held ones wait for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub queued: u64,
    pub running: u64,
    pub parked: u64,
    /// Tried at least once, without success; such as letters to a relay that is away.
    pub failed_before: u64,
}

impl ClaimedJob {
    /// The tenant's System caller, for the job's own acts.
    pub fn caller(&self) -> Caller {
        Caller::new(self.tenant, Who::System, Origin::default())
    }
}

impl From<Model> for ClaimedJob {
    fn from(row: Model) -> ClaimedJob {
        ClaimedJob {
            id: JobId(row.id),
            tenant: TenantId(row.tenant_id),
            kind: row.kind,
            payload: row.payload,
            attempts: row.attempts,
            created_at: Time(row.created_at),
        }
    }
}

impl<'d> Jobs<'d> {
    pub(crate) fn new(db: &'d Db) -> Jobs<'d> {
        Jobs { db }
    }

    /// Takes due jobs and jobs whose lease ran out, at most `at_most`, tenants in turn; within a tenant what is urgent first, then
    /// by time.
    pub async fn claim(&self, at_most: u64, lease: Duration) -> Result<Vec<ClaimedJob>, Fault> {
        let mut claimed: Vec<_> = claim::claim(self.db, at_most, lease).await?.into_iter().map(ClaimedJob::from).collect();
        claimed.sort_by_key(|job| (job.created_at, job.id));
        Ok(claimed)
    }

    /// Makes the lease end `lease` from now. `false`: a later attempt has the job now, or it has ended.
    pub async fn renew(&self, job: &ClaimedJob, lease: Duration) -> Result<bool, Fault> {
        let until = self.db.clock().now().plus(lease);
        let renew = Entity::update_many().filter(Column::TenantId.eq(job.tenant.0)).filter(in_hand(job));
        let renew = renew.col_expr(Column::LeaseUntil, until.0.into());
        self.db.across(&Reach::Worker, News::default(), async |rows| rows.run(renew.build(rows.backend())).await.map(|n| n == 1)).await
    }

    /// Deletes the job. `false`: a later attempt has it now.
    pub async fn done(&self, job: &ClaimedJob) -> Result<bool, Fault> {
        let delete = Entity::delete_many().filter(Column::TenantId.eq(job.tenant.0)).filter(in_hand(job));
        self.db.across(&Reach::Worker, News::default(), async |rows| rows.run(delete.build(rows.backend())).await.map(|n| n == 1)).await
    }

    /// Queues the job again for `at`. `false`: a later attempt has it now.
    pub async fn again(&self, job: &ClaimedJob, at: Time, why: &str) -> Result<bool, Fault> {
        self.put_back(job, "later", Some(at), why, job.attempts).await
    }

    /// As [`Jobs::again`], for a job that was not even tried: this attempt does not count.
    pub async fn wait(&self, job: &ClaimedJob, at: Time, why: &str) -> Result<bool, Fault> {
        self.put_back(job, "later", Some(at), why, job.attempts - 1).await
    }

    /// Keeps the job for a person to look at. `false`: a later attempt has it now.
    pub async fn park(&self, job: &ClaimedJob, why: &str) -> Result<bool, Fault> {
        self.put_back(job, "parked", None, why, job.attempts).await
    }

    /// When the next job is due (or a lease ends); `None`: nothing waits.
    pub async fn next_run_at(&self) -> Result<Option<Time>, Fault> {
        let next = self.db.across_read(&Reach::Worker, async |rows| rows.one::<Next>(rows.words(NEXT, [])).await);
        Ok(next.await?.and_then(|row| row.at).map(Time))
    }

    pub async fn counts(&self) -> Result<JobCounts, Fault> {
        let count = async |rows: &Connection| rows.all::<InState>(rows.words(COUNT, [])).await;
        let rows = self.db.across_read(&Reach::Worker, count).await?;
        let of = |state: &str| rows.iter().find(|r| r.state == state).map_or(0, |r| u64::try_from(r.jobs).unwrap_or(0));
        Ok(JobCounts { queued: of("queued"), running: of("running"), parked: of("parked"), failed_before: of("failed before") })
    }

    /// Queues every parked job again; answers how many. Their attempts go on counting, so one that fails once more is parked once more.
    pub async fn replay_parked(&self) -> Result<u64, Fault> {
        let now = self.db.clock().now().0;
        let replay = Entity::update_many().filter(Column::State.eq("parked"));
        let replay = replay.col_expr(Column::State, "queued".into()).col_expr(Column::RunAt, now.into());
        let news = News { jobs: true, ..News::default() };
        self.db.across(&Reach::Worker, news, async |rows| rows.run(replay.build(rows.backend())).await).await
    }

    /// Ends when an act wrote a job, here or (PostgreSQL) in another process. One that came before the call is kept for one
    /// listener. Look from time to time all the same: news from other processes may get lost.
    pub fn woken(&self) -> impl Future<Output = ()> + Send + use<> {
        self.db.herald().jobs()
    }

    async fn put_back(&self, job: &ClaimedJob, state: &str, at: Option<Time>, why: &str, attempts: i64) -> Result<bool, Fault> {
        let why: String = why.chars().take(MAX_WHY_CHARS).collect();
        let mut update: UpdateMany<Entity> = Entity::update_many()
            .filter(Column::TenantId.eq(job.tenant.0))
            .filter(in_hand(job))
            .col_expr(Column::State, state.into())
            .col_expr(Column::Attempts, attempts.into())
            .col_expr(Column::LeaseUntil, Expr::value(None::<i64>))
            .col_expr(Column::LastError, why.into());
        if let Some(at) = at {
            update = update.col_expr(Column::RunAt, at.0.into());
        }
        let news = News { jobs: at.is_some(), ..News::default() };
        self.db.across(&Reach::Worker, news, async |rows| rows.run(update.build(rows.backend())).await.map(|n| n == 1)).await
    }
}

/// The job, as long as this attempt is the newest.
pub(crate) fn in_hand(job: &ClaimedJob) -> Condition {
    Condition::all().add(Column::Id.eq(job.id.0)).add(Column::State.eq("running")).add(Column::Attempts.eq(job.attempts))
}

#[derive(FromQueryResult)]
struct Next {
    at: Option<i64>,
}

#[derive(FromQueryResult)]
struct InState {
    state: String,
    jobs: i64,
}
