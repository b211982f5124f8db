//! A claim: what has become due is queued, then tenants take turns at what is queued.
//!
//! What would surprise you: a claim goes on from the tenant where this process's last one stopped, and it steps from tenant to
//! tenant over an index. So it costs the same behind a backlog of a hundred thousand jobs as behind none, and the one job of a
//! tenant waits for one round, not for somebody's batch.

use crate::{Db, connection::Connection, entity::job::Model, herald::News, postgres::Reach};
use kernel::{Fault, Time};
use sea_orm::{DbBackend, FromQueryResult, Value};
use std::{sync::PoisonError, time::Duration};
use uuid::Uuid;

/// Jobs that one claim queues because their time has come or their lease is over.
const DUE_AT_A_TIME: i64 = 1_000;
/// Tenants that one claim serves.
const TENANTS_AT_A_TIME: u64 = 64;

/// $1 now, $2 how many. `{lock}`: on PostgreSQL, what another process is queueing is left to it. The two lists are one table to the
/// outside, or SQLite reads all jobs to find those on them.
const QUEUE_DUE: &str = "UPDATE job SET state = 'queued', lease_until = NULL WHERE (tenant_id, id) IN (
    SELECT tenant_id, id FROM (
        SELECT tenant_id, id FROM (SELECT tenant_id, id FROM job WHERE state = 'later' AND run_at <= $1
            ORDER BY run_at LIMIT $2 {lock}) AS due
        UNION ALL
        SELECT tenant_id, id FROM (SELECT tenant_id, id FROM job WHERE state = 'running' AND lease_until <= $1
            LIMIT $2 {lock}) AS left_behind
    ) AS due_now)";
/// Tenants with queued jobs, after $1, at most $2: one step over the index each.
const TURNS: &str = "WITH RECURSIVE turn (tenant_id, n) AS (
    SELECT (SELECT tenant_id FROM job WHERE state = 'queued' AND tenant_id > $1 ORDER BY tenant_id LIMIT 1), 1
    UNION ALL
    SELECT (SELECT job.tenant_id FROM job WHERE job.state = 'queued' AND job.tenant_id > turn.tenant_id
        ORDER BY job.tenant_id LIMIT 1), n + 1
    FROM turn WHERE turn.tenant_id IS NOT NULL AND n < $2)
    SELECT tenant_id FROM turn WHERE tenant_id IS NOT NULL";
/// The first jobs of one tenant: $1 how many.
const OF_TENANT: &str = "SELECT tenant_id, id FROM (SELECT tenant_id, id FROM job WHERE state = 'queued' AND tenant_id = {tenant}
    ORDER BY urgent DESC, run_at, id LIMIT $1 {lock}) AS of_tenant";
const TAKE: &str = "UPDATE job SET state = 'running', attempts = attempts + 1, lease_until = {lease}";

#[derive(FromQueryResult)]
struct Turn {
    tenant_id: Uuid,
}

pub(super) async fn claim(db: &Db, at_most: u64, lease: Duration) -> Result<Vec<Model>, Fault> {
    let now = db.clock().now();
    let after = *db.turn().lock().unwrap_or_else(PoisonError::into_inner);
    let (jobs, next) = db
        .across(&Reach::Worker, News::default(), async |rows| {
            queue_due(rows, now).await?;
            let (tenants, next) = turns(rows, after, at_most.clamp(1, TENANTS_AT_A_TIME)).await?;
            if tenants.is_empty() || at_most == 0 {
                return Ok((Vec::new(), next));
            }
            let each = (at_most / tenants.len() as u64).max(1);
            Ok((take(rows, &tenants, each, now.plus(lease)).await?, next))
        })
        .await?;
    *db.turn().lock().unwrap_or_else(PoisonError::into_inner) = next;
    Ok(jobs)
}

async fn queue_due(rows: &Connection, now: Time) -> Result<u64, Fault> {
    rows.run(rows.words(&QUEUE_DUE.replace("{lock}", lock(rows)), [now.0.into(), DUE_AT_A_TIME.into()])).await
}

/// Whose turn it is, and after whom the next claim goes on: after the last of these, or from the start.
async fn turns(rows: &Connection, after: Uuid, most: u64) -> Result<(Vec<Uuid>, Uuid), Fault> {
    let from = async |after: Uuid| rows.all::<Turn>(rows.words(TURNS, [after.into(), whole(most)])).await;
    let mut turns = from(after).await?;
    if turns.is_empty() && !after.is_nil() {
        turns = from(Uuid::nil()).await?;
    }
    let tenants: Vec<Uuid> = turns.into_iter().map(|turn| turn.tenant_id).collect();
    let next = if (tenants.len() as u64) < most { Uuid::nil() } else { tenants.last().copied().unwrap_or_default() };
    Ok((tenants, next))
}

async fn take(rows: &Connection, tenants: &[Uuid], each: u64, lease_until: Time) -> Result<Vec<Model>, Fault> {
    let picked = picked(tenants.len(), lock(rows));
    let take = TAKE.replace("{lease}", &format!("${}", tenants.len() + 2));
    let mut values = vec![whole(each)];
    values.extend(tenants.iter().map(|tenant| Value::from(*tenant)));
    if rows.backend() == DbBackend::Postgres {
        values.push(lease_until.0.into());
        let sql = format!(
            "{take} FROM ({picked}) AS job_picked WHERE (job.tenant_id, job.id) = (job_picked.tenant_id, job_picked.id) RETURNING job.*"
        );
        return rows.all(rows.words(&sql, values)).await;
    }
    // In two statements, because SQLite does not say of RETURNING what its columns were declared as. The writer is alone.
    let look = format!("SELECT * FROM job WHERE (tenant_id, id) IN ({picked})");
    let mut jobs: Vec<Model> = rows.all(rows.words(&look, values.clone())).await?;
    values.push(lease_until.0.into());
    let taken = rows.run(rows.words(&format!("{take} WHERE (tenant_id, id) IN ({picked})"), values)).await?;
    if taken != jobs.len() as u64 {
        return Err(Fault::other("the jobs changed while they were claimed"));
    }
    jobs.iter_mut().for_each(|job| job.attempts += 1);
    Ok(jobs)
}

/// The first jobs of so many tenants, as one table.
fn picked(tenants: usize, lock: &str) -> String {
    let of_tenant = |n: usize| OF_TENANT.replace("{tenant}", &format!("${}", n + 2)).replace("{lock}", lock);
    let each: Vec<String> = (0..tenants).map(of_tenant).collect();
    format!("SELECT tenant_id, id FROM ({}) AS picked", each.join(" UNION ALL "))
}

fn lock(rows: &Connection) -> &'static str {
    if rows.backend() == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" }
}

fn whole(n: u64) -> Value {
    i64::try_from(n).unwrap_or(i64::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fresh_sqlite;

    /// The statements as SQLite means to run them. Reading every job where an index leads to the few that count is what made a
    /// claim cost a tenth of a second beside 200,000 jobs.
    #[tokio::test]
    async fn a_claim_reads_no_more_jobs_than_it_takes() {
        let db = fresh_sqlite().await.open(1).await.unwrap();
        let (id, few): (Value, Value) = (Uuid::nil().into(), 3_i64.into());
        let take = format!("{TAKE} WHERE (tenant_id, id) IN ({})", picked(2, "")).replace("{lease}", "$4");
        for (sql, values) in [
            (QUEUE_DUE.replace("{lock}", ""), vec![few.clone(), few.clone()]),
            (TURNS.to_owned(), vec![id.clone(), few.clone()]),
            (take, vec![few.clone(), id.clone(), id, few]),
        ] {
            let plan = db.across_read(&Reach::Worker, async |rows: &Connection| rows.plan(&sql, values).await).await.unwrap();
            assert!(plan.iter().any(|step| step.contains("INDEX job_")), "{sql}");
            for step in plan {
                assert!(!step.starts_with("SCAN job"), "{step}: {sql}");
            }
        }
    }
}
