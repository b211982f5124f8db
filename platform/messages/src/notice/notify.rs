//! The notice, first or reminder, to one recipient.

use super::{
    attempt::{Mailing, Tried, attempt_in_place, note, note_held},
    letter::{Due, Which, due},
};
use crate::{Post, RecipientState, jobs, tell::Tell};
use evidence::Entry;
use kernel::{Fault, JobEnd, RecipientId};
use mail::Mailer;
use sea_orm::{ColumnTrait, QueryFilter};
use std::time::Duration;
use store::{ClaimedJob, TenantTx, entity::recipient};

/// Pauses between tries; the last one repeats.
const PAUSES_MINUTES: [u64; 7] = [1, 5, 15, 30, 60, 180, 360];

/// Between two looks at whether a suspended tenant goes on.
const SUSPENDED_PAUSE: Duration = Duration::from_secs(3_600);

const HELD_TOO_LONG: &str = "held back for five days: the address has opened nothing from you, and we send such addresses few mails";

/// How a letter ended.
enum End {
    Relayed(Entry),
    Failed(Entry),
    /// As the recipient wished; nobody is told by mail.
    Blocked(Entry),
}

pub(crate) async fn notify(post: &Post, mailer: &Mailer, job: &ClaimedJob, id: RecipientId, which: Which) -> Result<JobEnd, Fault> {
    let mailing = match post.db.read(&job.caller(), async |read| due(read, &post.site, id, which).await).await? {
        Due::Nothing => return Ok(JobEnd::Done),
        Due::PutOff => return Ok(JobEnd::Wait { after: SUSPENDED_PAUSE, why: "the tenant is suspended".into() }),
        Due::Blocked(mailing) => {
            let entry = mailing.entry(mailing.kinds.failed).because("why", "the recipient asked for no more notices from this sender");
            return write_down(post, job, &mailing, which, End::Blocked(entry)).await;
        }
        Due::Send(mailing) => mailing,
    };
    let end = match attempt_in_place(post, mailer, &mailing).await? {
        Err(until) => {
            if !note_held(post, job, &mailing).await? {
                let after = until.since(post.db.clock().now());
                return Ok(JobEnd::Wait { after, why: "the address gets much mail that it did not ask for".into() });
            }
            End::Failed(mailing.entry(mailing.kinds.failed).because("why", HELD_TOO_LONG))
        }
        Ok(Tried::Relayed(entry)) => End::Relayed(entry),
        Ok(Tried::Failed(entry)) => End::Failed(entry),
        Ok(Tried::Open(entry, why)) => {
            if !note(post, job, &mailing, &entry).await? {
                return Ok(JobEnd::Again { after: pause(job.attempts), why });
            }
            End::Failed(mailing.entry(mailing.kinds.failed).because("why", format!("not taken for five days; last: {why}")))
        }
    };
    write_down(post, job, &mailing, which, end).await
}

/// State, evidence and the end of the job in one act. A recipient who ended meanwhile keeps their state; the fact is recorded all the same.
async fn write_down(post: &Post, job: &ClaimedJob, mailing: &Mailing, which: Which, end: End) -> Result<JobEnd, Fault> {
    post.db
        .act(&job.caller(), async |tx| {
            if !tx.job_done(job).await? {
                return Ok(JobEnd::Written);
            }
            match which {
                Which::First => first_ended(tx, mailing, &end).await?,
                Which::Reminder { days } => reminded(tx, mailing, days).await?,
            }
            let (End::Relayed(entry) | End::Failed(entry) | End::Blocked(entry)) = &end;
            evidence::record(tx, entry.clone()).await?;
            tx.changed(mailing.message);
            Ok(JobEnd::Written)
        })
        .await
}

async fn first_ended(tx: &TenantTx, mailing: &Mailing, end: &End) -> Result<(), Fault> {
    let state = if matches!(end, End::Relayed(_)) { RecipientState::Notified } else { RecipientState::Failed };
    tx.update::<recipient::Entity>()
        .set(recipient::Column::State, state.as_str())
        .set(recipient::Column::ChangedAt, tx.now().0)
        .filter(recipient::Column::Id.eq(mailing.recipient.0))
        .filter(recipient::Column::State.eq(RecipientState::Waiting.as_str()))
        .exec()
        .await?;
    match end {
        End::Failed(_) => jobs::tell_later(tx, Tell::NotDelivered { recipient: mailing.recipient }).await,
        End::Relayed(_) | End::Blocked(_) => Ok(()),
    }
}

/// Whatever came of the reminder, it is not sent again; the link of the notice keeps working.
async fn reminded(tx: &TenantTx, mailing: &Mailing, days: i64) -> Result<(), Fault> {
    let set = tx.update::<recipient::Entity>().set(recipient::Column::RemindedDays, days);
    set.filter(recipient::Column::Id.eq(mailing.recipient.0)).exec().await.map(|_| ())
}

/// `attempts` counts from 1.
fn pause(attempts: i64) -> Duration {
    let at = usize::try_from(attempts - 1).unwrap_or(0).min(PAUSES_MINUTES.len() - 1);
    Duration::from_secs(60 * PAUSES_MINUTES[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_then_stay() {
        let minutes: Vec<u64> = (1..=9).map(|n| pause(n).as_secs() / 60).collect();
        assert_eq!(minutes, [1, 5, 15, 30, 60, 180, 360, 360, 360]);
    }
}
