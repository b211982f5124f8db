//! What happens later: notices, reminders, codes, expiry, telling the sender, deleting blobs. Payloads hold ids only.
//!
//! A job is shallow: load, call the room's verb, say how it ended. Running one twice does no harm.

use crate::{Post, expire, notice, notice::Which, tell};
use kernel::{Fault, FaultKind, JobEnd, MessageId, RecipientId, Time, VisitId};
use mail::Mailer;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{ClaimedJob, NewJob, TenantTx};

const NOTICE: &str = "messages.notice";
/// The day of a reminder, and the reminder of one recipient.
const REMIND: &str = "messages.remind";
const REMINDER: &str = "messages.reminder";
const CODE: &str = "messages.code";
const EXPIRE: &str = "messages.expire";
const TELL: &str = "messages.tell";
const BLOBS: &str = "messages.blobs";
/// Pause after a fault of ours.
const AFTER_FAULT: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
pub(crate) struct ToRecipient {
    pub recipient: RecipientId,
}
#[derive(Serialize, Deserialize)]
pub(crate) struct RemindOne {
    pub recipient: RecipientId,
    pub days: i64,
}
#[derive(Serialize, Deserialize)]
pub(crate) struct ToVisit {
    pub visit: VisitId,
    pub nth: i64,
}
#[derive(Serialize, Deserialize)]
pub(crate) struct OfMessage {
    pub message: MessageId,
    /// Days left, for reminders.
    #[serde(default)]
    pub days: i64,
}
#[derive(Serialize, Deserialize)]
struct OfBlobs {
    blobs: Vec<String>,
}

/// For job kinds that begin with `messages.`.
pub async fn run_job(post: &Post, mailer: &Mailer, job: &ClaimedJob) -> JobEnd {
    let end = match job.kind.as_str() {
        NOTICE => with(job, async |p: ToRecipient| notice::notify(post, mailer, job, p.recipient, Which::First).await).await,
        REMIND => with(job, async |p: OfMessage| notice::remind(post, job, p.message, p.days).await).await,
        REMINDER => {
            with(job, async |p: RemindOne| notice::notify(post, mailer, job, p.recipient, Which::Reminder { days: p.days }).await).await
        }
        CODE => with(job, async |p: ToVisit| notice::mail_code(post, mailer, job, p.visit, p.nth).await).await,
        EXPIRE => with(job, async |p: OfMessage| expire::expire(post, job, p.message).await).await,
        TELL => with(job, async |p: tell::Tell| tell::tell(post, mailer, job, p).await).await,
        BLOBS => with(job, async |p: OfBlobs| delete_blobs(post, p.blobs).await).await,
        other => Ok(JobEnd::Park(format!("no room knows the job kind {other}"))),
    };
    end.unwrap_or_else(|fault| {
        tracing::error!(job = %job.id, tenant = %job.tenant, kind = %job.kind, fault = %fault, "job stopped by a fault");
        JobEnd::Again { after: AFTER_FAULT, why: fault.to_string() }
    })
}

async fn with<P: for<'de> Deserialize<'de>>(job: &ClaimedJob, run: impl AsyncFnOnce(P) -> Result<JobEnd, Fault>) -> Result<JobEnd, Fault> {
    match serde_json::from_str(&job.payload) {
        Ok(payload) => run(payload).await,
        Err(e) => Ok(JobEnd::Park(format!("the payload does not read: {e}"))),
    }
}

async fn delete_blobs(post: &Post, names: Vec<String>) -> Result<JobEnd, Fault> {
    for name in names {
        post.db.blobs().delete_all(&name).await?;
    }
    Ok(JobEnd::Done)
}

/// `held`: until the sender's address is proven.
pub(crate) fn notice(recipient: RecipientId, run_at: Time, held: bool) -> Result<NewJob, Fault> {
    Ok(NewJob { held, ..job(NOTICE, &ToRecipient { recipient }, run_at)? })
}
/// For all who have not opened `days` before the deadline.
pub(crate) fn reminders(message: MessageId, days: i64, run_at: Time) -> Result<NewJob, Fault> {
    job(REMIND, &OfMessage { message, days }, run_at)
}
pub(crate) fn reminder(recipient: RecipientId, days: i64, run_at: Time) -> Result<NewJob, Fault> {
    job(REMINDER, &RemindOne { recipient, days }, run_at)
}
pub(crate) fn code(visit: VisitId, nth: i64, run_at: Time) -> Result<NewJob, Fault> {
    job(CODE, &ToVisit { visit, nth }, run_at)
}
pub(crate) fn expiry(message: MessageId, run_at: Time) -> Result<NewJob, Fault> {
    job(EXPIRE, &OfMessage { message, days: 0 }, run_at)
}
pub(crate) async fn tell_later(tx: &TenantTx, what: tell::Tell) -> Result<(), Fault> {
    tx.later(job(TELL, &what, tx.now())?).await
}
pub(crate) async fn delete_blobs_later(tx: &TenantTx, blobs: Vec<String>) -> Result<(), Fault> {
    if blobs.is_empty() {
        return Ok(());
    }
    tx.later(job(BLOBS, &OfBlobs { blobs }, tx.now())?).await
}

fn job(kind: &'static str, payload: &impl Serialize, run_at: Time) -> Result<NewJob, Fault> {
    let payload = serde_json::to_string(payload).map_err(|e| Fault::from_error(FaultKind::Other, "job to JSON", e))?;
    Ok(NewJob { kind, payload, run_at, held: false, urgent: kind == CODE })
}
