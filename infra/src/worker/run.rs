//! One job: to its room by the first part of its kind, bounded in time, and its end written down.

use crate::{App, front::what, numbers};
use futures_util::FutureExt;
use kernel::{Fault, JobEnd};
use std::{panic::AssertUnwindSafe, time::Duration};
use store::ClaimedJob;
use tokio::time::Instant;
use tracing::Instrument;

/// A job that was claimed this often is kept for a person to look at, whatever it says.
pub const MAX_ATTEMPTS: i64 = 50;
/// A job that panicked or ran out of time waits this long for each attempt it has had, ...
const PAUSE_STEP: Duration = Duration::from_secs(30);
/// ... but no longer than this.
const MAX_PAUSE: Duration = Duration::from_secs(3_600);

/// Runs the job and writes its end.
pub async fn run(app: &App, job: &ClaimedJob) {
    let span = tracing::info_span!("job", id = %job.id, kind = job.kind, tenant = %job.tenant, attempt = job.attempts);
    async {
        let began = Instant::now();
        let end = if job.attempts > MAX_ATTEMPTS { poison(job) } else { bounded(app, job).await };
        let word = match write(app, job, end).await {
            Ok(word) => word,
            Err(fault) => {
                tracing::error!(%fault, "a job's end cannot be written; it runs again when its lease ends");
                "unwritten"
            }
        };
        numbers::job(&job.kind, word, began.elapsed());
    }
    .instrument(span)
    .await;
}

fn poison(job: &ClaimedJob) -> JobEnd {
    JobEnd::Park(format!("tried {} times without an end", job.attempts - 1))
}

async fn bounded(app: &App, job: &ClaimedJob) -> JobEnd {
    let work = AssertUnwindSafe(dispatch(app, job)).catch_unwind();
    match tokio::time::timeout(app.job_time(), work).await {
        Ok(Ok(end)) => end,
        Ok(Err(panic)) => {
            tracing::error!(panic = what(&*panic), "a job panicked");
            JobEnd::Again { after: pause(job.attempts), why: format!("panicked: {}", what(&*panic)) }
        }
        Err(_) => {
            tracing::warn!("a job ran out of time");
            JobEnd::Again { after: pause(job.attempts), why: "ran out of time".into() }
        }
    }
}

async fn dispatch(app: &App, job: &ClaimedJob) -> JobEnd {
    match job.kind.split('.').next() {
        Some("messages") => messages::run_job(&app.post, &app.mailer, job).await,
        Some("accounts") => app.accounts.run_job(&app.mailer, job).await,
        _ => JobEnd::Park(format!("no room knows the kind “{}”", job.kind)),
    }
}

fn pause(attempts: i64) -> Duration {
    PAUSE_STEP.saturating_mul(u32::try_from(attempts).unwrap_or(1)).min(MAX_PAUSE)
}

/// Writes the end; the word is for the numbers.
async fn write(app: &App, job: &ClaimedJob, end: JobEnd) -> Result<&'static str, Fault> {
    let jobs = app.db.jobs();
    let (ours, word) = match end {
        JobEnd::Written => (true, "done"),
        JobEnd::Done => (jobs.done(job).await?, "done"),
        JobEnd::Again { why, .. } if job.attempts >= MAX_ATTEMPTS => park(app, job, &why).await?,
        JobEnd::Again { after, why } => {
            tracing::info!(seconds = after.as_secs(), why, "a job is tried again later");
            (jobs.again(job, app.db.clock().now().plus(after), &why).await?, "again")
        }
        JobEnd::Park(why) => park(app, job, &why).await?,
    };
    Ok(if ours { word } else { "fenced" })
}

async fn park(app: &App, job: &ClaimedJob, why: &str) -> Result<(bool, &'static str), Fault> {
    tracing::error!(why, "a job is parked: it will not run again by itself");
    Ok((app.db.jobs().park(job, why).await?, "parked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_an_hour() {
        assert_eq!(pause(1), Duration::from_secs(30));
        assert_eq!(pause(4), Duration::from_secs(120));
        assert_eq!(pause(49), Duration::from_secs(1_470));
        assert_eq!(pause(i64::MAX), Duration::from_secs(30));
        assert_eq!(pause(1_000_000), MAX_PAUSE);
    }
}
