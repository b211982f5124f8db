//! The worker: claims due jobs, runs them a few at a time, writes down how each ended.
//!
//! What would surprise you: a job may run twice (a crash, a lease that ran out), so every job's room bears that, and the
//! attempt number fences off whoever finishes late. The lease is short and renewed while the job runs, so the jobs of a worker that
//! died are back within it.

mod run;

use crate::App;
use kernel::Fault;
use run::run;
use std::{sync::Arc, time::Duration};
use store::ClaimedJob;
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// On the way out, running jobs may take this long; what is cut off runs again when its lease ends.
const FINISH_TIME: Duration = Duration::from_secs(10);
/// After the job table could not be read.
const FAULT_PAUSE: Duration = Duration::from_secs(2);
/// Claimed at a time at most, however many could run.
const MAX_BATCH: usize = 32;
/// A bound on [`App::run_due_jobs`], so that a job that is always due again shows instead of hanging.
const MAX_RUNS: usize = 100_000;

impl App {
    /// Runs jobs (and sweeps every hour) until `stop`, then finishes those in hand (10 s at most).
    pub async fn worker(&self, stop: CancellationToken) {
        tokio::join!(self.run_jobs(&stop), self.sweep_hourly(&stop));
    }

    async fn run_jobs(&self, stop: &CancellationToken) {
        let mut running = JoinSet::new();
        let slots = Arc::new(Semaphore::new(self.config.worker.concurrency.clamp(1, 1_000)));
        while !stop.is_cancelled() {
            while running.try_join_next().is_some() {}
            match self.claim(&slots).await {
                Ok(jobs) if jobs.is_empty() => self.rest(&slots, stop).await,
                Ok(jobs) => self.start(jobs, &slots, &mut running).await,
                Err(fault) => {
                    tracing::error!(%fault, "the job table cannot be read; trying again");
                    let _ = tokio::time::timeout(FAULT_PAUSE, stop.cancelled()).await;
                }
            }
        }
        finish(running).await;
    }

    /// For tests: claims and runs, one after another, until nothing is due. Answers how many ran.
    pub async fn run_due_jobs(&self) -> usize {
        let mut ran = 0;
        while ran < MAX_RUNS {
            match self.db.jobs().claim(MAX_BATCH as u64, self.lease()).await {
                Ok(jobs) if jobs.is_empty() => return ran,
                Ok(jobs) => {
                    for job in jobs {
                        run(self, &job).await;
                        ran += 1;
                    }
                }
                Err(fault) => {
                    tracing::error!(%fault, "the job table cannot be read");
                    return ran;
                }
            }
        }
        tracing::error!(ran, "jobs are due again and again");
        ran
    }

    async fn claim(&self, slots: &Arc<Semaphore>) -> Result<Vec<ClaimedJob>, Fault> {
        let free = slots.available_permits().min(MAX_BATCH);
        if free == 0 {
            return Ok(Vec::new());
        }
        self.db.jobs().claim(free as u64, self.lease()).await
    }

    async fn start(&self, jobs: Vec<ClaimedJob>, slots: &Arc<Semaphore>, running: &mut JoinSet<()>) {
        for job in jobs {
            let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
            let app = self.clone();
            running.spawn(async move {
                run(&app, &job).await;
                drop(slot);
            });
        }
    }

    /// Until something is due: an act wrote a job, a job's time comes, a slot is free again, or the poll interval is over.
    async fn rest(&self, slots: &Semaphore, stop: &CancellationToken) {
        if slots.available_permits() == 0 {
            tokio::select! { _ = slots.acquire() => {}, () = stop.cancelled() => {} }
            return;
        }
        let poll = Duration::from_secs(self.config.worker.poll_seconds.clamp(1, 3_600));
        let pause = match self.db.jobs().next_run_at().await {
            Ok(Some(at)) => at.since(self.db.clock().now()).clamp(Duration::from_millis(20), poll),
            _ => poll,
        };
        tokio::select! {
            () = self.db.jobs().woken() => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }

    /// How long a job is ours without a word from us.
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.config.worker.lease_seconds.clamp(1, 3_600))
    }
    /// The longest that a job may take: a letter may wait for its relay.
    pub(crate) fn job_time(&self) -> Duration {
        match &self.mailer {
            mail::Mailer::Smtp(_) => {
                let smtp = &self.config.smtp;
                Duration::from_secs(
                    smtp.timeout_secs.saturating_mul(4).saturating_add(smtp.final_timeout_secs).saturating_add(30).min(86_400),
                )
            }
            mail::Mailer::Mailbox(_) => Duration::from_secs(30),
        }
    }
}

async fn finish(mut running: JoinSet<()>) {
    let (count, deadline) = (running.len(), Instant::now() + FINISH_TIME);
    let all = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout_at(deadline, all).await.is_err() {
        tracing::warn!(left = running.len(), "some jobs did not finish in time; they run again when their lease ends");
    } else if count > 0 {
        tracing::info!(count, "jobs in hand are finished");
    }
}
