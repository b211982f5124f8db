//! The day of a reminder: one job a recipient who has not opened, so that a slow server of one keeps nobody else waiting.

use super::letter::{Which, waits};
use crate::{Post, jobs, message};
use kernel::{Fault, JobEnd, MessageId, RecipientId};
use store::ClaimedJob;

pub(crate) async fn remind(post: &Post, job: &ClaimedJob, id: MessageId, days: i64) -> Result<JobEnd, Fault> {
    post.db
        .act(&job.caller(), async |tx| {
            if !tx.job_done(job).await? {
                return Ok(JobEnd::Written);
            }
            let to = message::recipient_rows(tx, id).await?;
            let to = to.iter().filter(|row| waits(row, Which::Reminder { days }));
            let reminders: Result<Vec<_>, Fault> = to.map(|row| jobs::reminder(RecipientId(row.id), days, tx.now())).collect();
            tx.later_many(reminders?).await?;
            Ok(JobEnd::Written)
        })
        .await
}
