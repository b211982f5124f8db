//! One job: to its room by the first part of its kind, bounded in time, its lease renewed meanwhile, and its end written down.

use crate::{App, front::what, numbers};
use futures_util::FutureExt;
use kernel::{Fault, JobEnd};
use std::{panic::AssertUnwindSafe, pin::pin, time::Duration};
use store::ClaimedJob;
use tokio::time::Instant;
use tracing::Instrument;

/// A job that was claimed this often is kept for a person to look at, whatever it says.
pub const MAX_ATTEMPTS: i64 = 50;
/// A job that panicked or ran out of time waits this long for each attempt it has had, ...
const PAUSE_STEP: Duration = Duration::from_secs(30);
/// ... but no longer than this.
const MAX_PAUSE: Duration = Duration::from_secs(3_600);
/// A lease is renewed when this part of it is over, so that two renewals may fail.
const RENEWALS: u32 = 3;
/// A job that turns out to be another's, or to have ended, may still come to its end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Once is nothing: many a relay takes a letter at the second try only. From this attempt on a failure is a warning.
const WORTH_A_LOOK: i64 = 3;

/// Runs the job and writes its end.
pub async fn run(app: &App, job: &ClaimedJob) {
    let span = tracing::info_span!("job", id = %job.id, kind = job.kind, tenant = %job.tenant, attempt = job.attempts);
    async {
        let began = Instant::now();
        let end = match job.attempts {
            n if n > MAX_ATTEMPTS => JobEnd::Park(format!("tried {} times without an end", n - 1)),
            // On the heap: as large as the largest job is all that runs one otherwise.
            n => bounded(held(app, job, Box::pin(dispatch(app, job))), app.job_time(), n).await,
        };
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

/// Renews the lease while `work` runs. A job that is ours no more is let go: whoever has it now does it, and the fence keeps us out.
async fn held(app: &App, job: &ClaimedJob, work: impl Future<Output = JobEnd>) -> JobEnd {
    let mut work = pin!(work);
    tokio::select! {
        end = &mut work => return end,
        () = renewed(app, job) => {}
    }
    tokio::time::timeout(LAST_WORDS, work).await.unwrap_or_else(|_| {
        tracing::warn!("the lease was lost while the job ran; another attempt has it");
        JobEnd::Written
    })
}

/// Ends when the job is not ours any more. A database that is away may come back before the lease is over.
async fn renewed(app: &App, job: &ClaimedJob) {
    loop {
        tokio::time::sleep(app.lease() / RENEWALS).await;
        match app.db.jobs().renew(job, app.lease()).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(fault) => tracing::warn!(%fault, "a lease was not renewed"),
        }
    }
}

/// A panic or too long a time means: again, later.
async fn bounded(work: impl Future<Output = JobEnd>, within: Duration, attempts: i64) -> JobEnd {
    match tokio::time::timeout(within, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(end)) => end,
        Ok(Err(panic)) => {
            tracing::error!(panic = what(&*panic), "a job panicked");
            JobEnd::Again { after: pause(attempts), why: format!("panicked: {}", what(&*panic)) }
        }
        Err(_) => {
            tracing::warn!("a job ran out of time");
            JobEnd::Again { after: pause(attempts), why: "ran out of time".into() }
        }
    }
}

async fn dispatch(app: &App, job: &ClaimedJob) -> JobEnd {
    match job.kind.split('.').next() {
        Some("messages") => messages::run_job(&app.post, &app.mailer, job).await,
        Some("certificates") => app.certificates.run_job(job).await,
        Some("accounts") => app.accounts.run_job(&app.mailer, job).await,
        Some("domains") => app.domains.run_job(&app.mailer, job).await,
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
            let seconds = after.as_secs();
            if job.attempts < WORTH_A_LOOK {
                tracing::info!(seconds, why, "a job is tried again later");
            } else {
                tracing::warn!(seconds, why, "a job failed again; it is tried once more later");
            }
            (jobs.again(job, app.db.clock().now().plus(after), &why).await?, "again")
        }
        JobEnd::Wait { after, why } => {
            tracing::debug!(seconds = after.as_secs(), why, "a job waits");
            (jobs.wait(job, app.db.clock().now().plus(after), &why).await?, "waits")
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
    use crate::testing::Town;
    use kernel::{EmailAddress, TenantId};
    use mail::{Outcome, Pause};
    use store::{JobCounts, NewJob};

    #[test]
    fn pauses_grow_up_to_an_hour() {
        assert_eq!(pause(1), Duration::from_secs(30));
        assert_eq!(pause(4), Duration::from_secs(120));
        assert_eq!(pause(49), Duration::from_secs(1_470));
        assert_eq!(pause(1_000_000), MAX_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_panics_or_hangs_is_tried_again() {
        let panicked = bounded(async { panic!("oh") }, Duration::from_secs(1), 2).await;
        assert_eq!(panicked, JobEnd::Again { after: Duration::from_secs(60), why: "panicked: oh".into() });
        let hung = bounded(std::future::pending(), Duration::from_secs(1), 1).await;
        assert_eq!(hung, JobEnd::Again { after: Duration::from_secs(30), why: "ran out of time".into() });
    }

    /// The mail that proves the address.
    const SIGN_UP_JOBS: usize = 1;

    async fn leave(town: &Town, tenant: TenantId, kind: &'static str) {
        let caller = town.app.db.front_desk().system(tenant);
        let run_at = town.clock.now();
        town.app
            .db
            .act::<_, Fault, _>(&caller, async |tx| {
                tx.later(NewJob { kind, payload: "{}".into(), run_at, held: false, urgent: false }).await
            })
            .await
            .unwrap();
    }
    async fn counts(town: &Town) -> JobCounts {
        town.app.db.jobs().counts().await.unwrap()
    }

    #[tokio::test]
    async fn a_mail_that_is_not_taken_is_tried_again_later() {
        let town = Town::new().await;
        town.letters.answer_next_to(&EmailAddress::parse("ana@acme.example").unwrap(), Outcome::TryLater(Pause::NoAnswer("away".into())));
        town.sign_up("ana@acme.example").await;
        assert_eq!(town.app.run_due_jobs().await, SIGN_UP_JOBS);
        assert_eq!(town.letters.letters(), []);
        assert!(town.app.db.jobs().next_run_at().await.unwrap().is_some_and(|at| at > town.clock.now()));
        assert_eq!(counts(&town).await, JobCounts { failed_before: 1, ..JobCounts::default() });
        assert_eq!(town.app.run_due_jobs().await, 0, "not before its pause is over");
        town.clock.advance(Duration::from_secs(6 * 3_600));
        assert_eq!(town.app.run_due_jobs().await, 1);
        assert_eq!(town.letters.letters_to("ana@acme.example").len(), 1);
        assert_eq!(counts(&town).await, JobCounts::default());
    }

    #[tokio::test]
    async fn a_job_that_no_room_knows_is_parked() {
        let town = Town::new().await;
        let tenant = town.sign_up("ana@acme.example").await;
        town.app.run_due_jobs().await;
        for kind in ["nobody.knows", "messages.unheard", "accounts.unheard"] {
            leave(&town, tenant, kind).await;
        }
        assert_eq!(town.app.run_due_jobs().await, 3);
        assert_eq!(counts(&town).await, JobCounts { parked: 3, ..JobCounts::default() });
    }

    #[tokio::test]
    async fn a_job_that_never_ends_is_parked_after_fifty_tries() {
        let town = Town::new().await;
        town.sign_up("ana@acme.example").await;
        for attempt in 1..=MAX_ATTEMPTS {
            let claimed = town.app.db.jobs().claim(9, Duration::from_secs(1)).await.unwrap();
            assert_eq!(
                claimed.iter().map(|job| job.attempts).collect::<Vec<_>>(),
                [attempt; SIGN_UP_JOBS],
                "a worker that dies leaves them to the next"
            );
            town.clock.advance(Duration::from_secs(2));
        }
        assert_eq!(town.app.run_due_jobs().await, SIGN_UP_JOBS);
        assert_eq!(counts(&town).await, JobCounts { parked: SIGN_UP_JOBS as u64, ..JobCounts::default() });
        assert_eq!(town.letters.letters(), []);
    }

    async fn claimed(town: &Town) -> ClaimedJob {
        let jobs = town.app.db.jobs().claim(1, town.app.lease()).await.unwrap();
        jobs.into_iter().next().unwrap()
    }

    #[tokio::test]
    async fn a_long_job_keeps_its_lease_and_a_dead_workers_jobs_are_back_within_one() {
        let town = Town::with(|config| config.worker.lease_seconds = 3).await;
        let tenant = town.sign_up("ana@acme.example").await;
        town.app.run_due_jobs().await;
        leave(&town, tenant, "messages.unheard").await;
        let job = claimed(&town).await;
        let running = tokio::spawn({
            let (app, job) = (town.app.clone(), job.clone());
            async move { held(&app, &job, std::future::pending()).await }
        });
        for _ in 0..3 {
            // The clock that leases are counted by stands still: each renewal gives the whole lease again.
            let renewed = Some(town.clock.now().plus(town.app.lease()));
            while town.app.db.jobs().next_run_at().await.unwrap() != renewed {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            town.clock.advance(Duration::from_millis(2_500));
            assert_eq!(town.app.db.jobs().claim(9, town.app.lease()).await.unwrap(), [], "it runs and is renewed");
        }
        running.abort();
        town.clock.advance(town.app.lease());
        assert_eq!(claimed(&town).await.id, job.id, "nobody renews it any more");
    }

    #[tokio::test]
    async fn a_job_that_another_attempt_has_is_let_go() {
        let town = Town::with(|config| config.worker.lease_seconds = 1).await;
        let tenant = town.sign_up("ana@acme.example").await;
        town.app.run_due_jobs().await;
        leave(&town, tenant, "messages.unheard").await;
        let job = claimed(&town).await;
        town.clock.advance(town.app.lease());
        assert_eq!(claimed(&town).await.attempts, 2);
        let end = tokio::time::timeout(Duration::from_secs(10), held(&town.app, &job, std::future::pending()));
        assert_eq!(end.await.unwrap(), JobEnd::Written);
    }

    #[tokio::test]
    async fn a_worker_wakes_for_a_new_job_and_finishes_on_the_way_out() {
        let town = Town::with(|config| config.worker.poll_seconds = 3_600).await;
        let stop = tokio_util::sync::CancellationToken::new();
        let worker = tokio::spawn({
            let (app, stop) = (town.app.clone(), stop.clone());
            async move { app.worker(stop).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        town.sign_up("ana@acme.example").await;
        assert!(town.letters.wait_for("ana@acme.example", 1, Duration::from_secs(5)).await.is_some());
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), worker).await.unwrap().unwrap();
        assert_eq!(counts(&town).await, JobCounts::default());
    }
}
