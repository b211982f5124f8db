//! The "message waiting" mail, its reminders, and the mailed code; each SMTP answer is recorded.
//!
//! What would surprise you: SMTP happens between two acts. The state and the evidence are written after the server answered, in
//! one act with the end of the job; if we die in between, the same letter goes out again under the same Message-ID.

use crate::{Post, RecipientState, block, jobs, message, pick_up, tell::Tell, visit::CODE_LIFE};
use evidence::{Entry, Kind};
use kernel::{EmailAddress, Fault, FaultKind, JobEnd, MessageId, RecipientId, Site, Time, VisitId};
use mail::{
    Letter, Mailbox, Mailer, Outcome, Rendered, SmtpAnswer,
    mails::{MessageWaiting, PickupCode, Reminder},
};
use sea_orm::{ColumnTrait, QueryFilter};
use std::time::Duration;
use store::{
    ClaimedJob, Look, TenantRead, TenantTx,
    entity::{message as message_table, recipient, visit as visit_table},
};

/// A notice is tried for this long (RFC 5321 §4.5.4.1 asks for four to five days).
const GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);
/// Pauses between tries; the last one repeats.
const PAUSES_MINUTES: [u64; 7] = [1, 5, 15, 30, 60, 180, 360];

/// A letter to one recipient, ready to go.
struct Waiting {
    recipient: recipient::Model,
    message: message_table::Model,
    letter: Letter,
}

impl Waiting {
    fn entry(&self, kind: Kind) -> Entry {
        Entry::of(kind, MessageId(self.message.id)).to(RecipientId(self.recipient.id))
    }
}

/// The first notice of one recipient.
pub(crate) async fn notify(post: &Post, mailer: &Mailer, job: &ClaimedJob, id: RecipientId) -> Result<JobEnd, Fault> {
    let Some(waiting) = post.db.read(&job.caller(), async |read| load(read, &post.site, id, None).await).await? else {
        return Ok(JobEnd::Done);
    };
    let blocked = post.db.read(&job.caller(), async |read| block::is_blocked(read, &waiting.recipient.address).await).await?;
    if blocked {
        let entry = waiting.entry(Kind::NoticeFailed).because("why", "the recipient asked for no more notices from this sender");
        return write_down(post, job, &waiting, RecipientState::Failed, vec![entry], None).await;
    }
    match mailer.deliver(&waiting.letter).await {
        Outcome::Relayed(answer) => {
            let entry = smtp(waiting.entry(Kind::NoticeRelayed), &answer).because("message_id", waiting.letter.message_id.as_str());
            write_down(post, job, &waiting, RecipientState::Notified, vec![entry], None).await
        }
        Outcome::Failed(answer) => {
            let entry = smtp(waiting.entry(Kind::NoticeFailed), &answer);
            write_down(post, job, &waiting, RecipientState::Failed, vec![entry], Some(answer.to_string())).await
        }
        Outcome::TryLater(pause) => {
            let entry = match pause.answer() {
                Some(answer) => smtp(waiting.entry(Kind::NoticeDelayed), answer),
                None => waiting.entry(Kind::NoticeDelayed).because("why", pause.to_string()),
            };
            later(post, job, &waiting, entry, pause.to_string()).await
        }
        Outcome::Unknown(why) => {
            let entry = waiting.entry(Kind::NoticeUnknown).because("why", why.as_str());
            later(post, job, &waiting, entry, why).await
        }
    }
}

/// Those who have not opened yet, `days` before the deadline. One letter after another: a reminder that is cut short starts again
/// where it stopped, because each recipient's row says which reminder went out.
pub(crate) async fn remind(post: &Post, mailer: &Mailer, job: &ClaimedJob, id: MessageId, days: i64) -> Result<JobEnd, Fault> {
    let to = post.db.read(&job.caller(), async |read| message::recipient_rows(read, id).await).await?;
    let mut again = None;
    for row in to.iter().filter(|r| r.state == RecipientState::Notified.as_str() && r.reminded_days.is_none_or(|d| d > days)) {
        let recipient = RecipientId(row.id);
        let Some(waiting) = post.db.read(&job.caller(), async |read| load(read, &post.site, recipient, Some(days)).await).await? else {
            continue;
        };
        if post.db.read(&job.caller(), async |read| block::is_blocked(read, &waiting.recipient.address).await).await? {
            continue;
        }
        match mailer.deliver(&waiting.letter).await {
            Outcome::Relayed(answer) => reminded(post, job, &waiting, days, Some(&answer)).await?,
            Outcome::Failed(_) => reminded(post, job, &waiting, days, None).await?,
            Outcome::TryLater(pause) => again = Some(pause.to_string()),
            Outcome::Unknown(why) => again = Some(why),
        }
    }
    Ok(match again {
        Some(why) if job.attempts < 5 => JobEnd::Again { after: pause(job.attempts), why },
        _ => JobEnd::Done,
    })
}

async fn reminded(post: &Post, job: &ClaimedJob, waiting: &Waiting, days: i64, answer: Option<&SmtpAnswer>) -> Result<(), Fault> {
    post.db
        .act(&job.caller(), async |tx| {
            tx.update::<recipient::Entity>()
                .set(recipient::Column::RemindedDays, days)
                .filter(recipient::Column::Id.eq(waiting.recipient.id))
                .exec()
                .await?;
            if let Some(answer) = answer {
                evidence::record(tx, smtp(waiting.entry(Kind::ReminderRelayed), answer).because("days_left", days)).await?;
                tx.changed(MessageId(waiting.message.id));
            }
            Ok(())
        })
        .await
}

/// Mails the newest code of a visit; an older one is left unsent.
pub(crate) async fn mail_code(post: &Post, mailer: &Mailer, job: &ClaimedJob, id: VisitId, nth: i64) -> Result<JobEnd, Fault> {
    let Some((letter, entry)) = post.db.read(&job.caller(), async |read| code_letter(read, &post.site, id, nth).await).await? else {
        return Ok(JobEnd::Done);
    };
    match mailer.deliver(&letter).await {
        Outcome::Relayed(answer) => code_sent(post, job, smtp(entry(Kind::CodeSent), &answer)).await,
        Outcome::Failed(answer) => code_sent(post, job, smtp(entry(Kind::NoticeFailed), &answer).because("what", "code")).await,
        Outcome::TryLater(pause) => Ok(JobEnd::Again { after: Duration::from_secs(15), why: pause.to_string() }),
        Outcome::Unknown(why) => Ok(JobEnd::Again { after: Duration::from_secs(15), why }),
    }
}

async fn code_sent(post: &Post, job: &ClaimedJob, entry: Entry) -> Result<JobEnd, Fault> {
    post.db
        .act(&job.caller(), async |tx| {
            if !tx.job_done(job).await? {
                return Ok(JobEnd::Written);
            }
            if let Some(message) = entry.message {
                tx.changed(message);
            }
            evidence::record(tx, entry.clone()).await?;
            Ok(JobEnd::Written)
        })
        .await
}

type EntryOf = Box<dyn Fn(Kind) -> Entry + Send + Sync>;

async fn code_letter(read: &TenantRead, site: &Site, id: VisitId, nth: i64) -> Result<Option<(Letter, EntryOf)>, Fault> {
    let Some(visit) = read.find::<visit_table::Entity>().filter(visit_table::Column::Id.eq(id.0)).one().await? else { return Ok(None) };
    let sent_at = Time(visit.code_sent_at.unwrap_or(visit.created_at));
    if visit.codes_sent != nth || visit.code_proven_at.is_some() || read.now().since(sent_at) > CODE_LIFE {
        return Ok(None);
    }
    let Some(row) = message::recipient_row(read, RecipientId(visit.recipient_id)).await? else { return Ok(None) };
    let minutes = (CODE_LIFE.as_secs() / 60) as i64;
    let mail = PickupCode { code: read.keys().pickup_code(id, nth), site_host: site.host().to_owned(), minutes };
    let to = address(&row.address)?;
    let letter = written(site, mail.render(), to, format!("{id}.code{nth}"), sent_at);
    let (message, recipient) = (MessageId(visit.message_id), RecipientId(visit.recipient_id));
    Ok(Some((letter, Box::new(move |kind| Entry::of(kind, message).to(recipient)))))
}

/// `None`: nothing is to be sent any more. With `days`, the reminder of that day.
async fn load(read: &TenantRead, site: &Site, id: RecipientId, days: Option<i64>) -> Result<Option<Waiting>, Fault> {
    let Some(recipient) = message::recipient_row(read, id).await? else { return Ok(None) };
    let Some(message) = message::row(read, MessageId(recipient.message_id)).await? else { return Ok(None) };
    let due = if days.is_some() { RecipientState::Notified } else { RecipientState::Waiting };
    if recipient.state != due.as_str() || message.expires_at <= read.now().0 {
        return Ok(None);
    }
    let Some((sender, tenant)) = pick_up::names(read, &message).await? else { return Ok(None) };
    let link = site.link(&format!("/p/{}", read.keys().pickup_token(id)));
    let block_link = format!("{link}/block");
    let shown = !message.hide_sender;
    let mail = MessageWaiting {
        sender_name: shown.then(|| sender.clone()),
        tenant_name: shown.then(|| tenant.clone()),
        site_host: site.host().to_owned(),
        link,
        expires: for_people(Time(message.expires_at)),
        subject: message.show_subject.then(|| message.subject.clone()),
        block_link: block_link.clone(),
        recipient: recipient.address.clone(),
    };
    let (rendered, name, date) = match days {
        None => (mail.render(), format!("{id}.notice"), Time(message.release_at)),
        Some(days_left) => {
            let date = Time(message.expires_at).plus_days(-days_left);
            (Reminder { waiting: mail, days_left }.render(), format!("{id}.reminder{days_left}"), date)
        }
    };
    let mut letter = written(site, rendered, address(&recipient.address)?, name, date);
    letter.list_unsubscribe = Some(block_link);
    if shown {
        letter.from = Mailbox::new(Some(&from_name(&sender, &tenant)), site.mail_from.clone())
            .map_err(|e| Fault::other(format!("a sender's name {e}")))?;
    }
    Ok(Some(Waiting { recipient, message, letter }))
}

/// "Ana Brandt of Acme Tax Advisers", or the name alone where both are one.
fn from_name(sender: &str, tenant: &str) -> String {
    if sender == tenant { sender.to_owned() } else { format!("{sender} of {tenant}") }
}

/// A letter of ours to anyone; its Message-ID is made of what it is about, so it never changes between tries.
pub(crate) fn written(site: &Site, mail: Rendered, to: EmailAddress, name: String, date: Time) -> Letter {
    Letter {
        message_id: format!("{name}@{}", site.mail_from.domain()),
        from: Mailbox::bare(site.mail_from.clone()),
        to,
        reply_to: None,
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        list_unsubscribe: None,
        date,
        envelope_from: site.mail_from.clone(),
    }
}

pub(crate) fn address(text: &str) -> Result<EmailAddress, Fault> {
    EmailAddress::parse(text).map_err(|e| Fault::from_error(FaultKind::Other, "a stored address", e))
}

/// `23 December 2026, 17:02 UTC`.
pub(crate) fn for_people(at: Time) -> String {
    at.utc().format("%-d %B %Y, %H:%M UTC").to_string()
}

fn smtp(entry: Entry, answer: &SmtpAnswer) -> Entry {
    entry.because("smtp", answer.to_string()).because("server", answer.server.as_str())
}

/// State, evidence and the end of the job in one act. A recipient who ended meanwhile keeps their state; the fact is recorded all the same.
async fn write_down(
    post: &Post,
    job: &ClaimedJob,
    waiting: &Waiting,
    state: RecipientState,
    entries: Vec<Entry>,
    failed: Option<String>,
) -> Result<JobEnd, Fault> {
    post.db
        .act(&job.caller(), async |tx| {
            if !tx.job_done(job).await? {
                return Ok(JobEnd::Written);
            }
            tx.update::<recipient::Entity>()
                .set(recipient::Column::State, state.as_str())
                .set(recipient::Column::ChangedAt, tx.now().0)
                .filter(recipient::Column::Id.eq(waiting.recipient.id))
                .filter(recipient::Column::State.eq(RecipientState::Waiting.as_str()))
                .exec()
                .await?;
            if failed.is_some() {
                jobs::tell_later(tx, Tell::NotDelivered { recipient: RecipientId(waiting.recipient.id) }).await?;
            }
            evidence::record_many(tx, entries.clone()).await?;
            tx.changed(MessageId(waiting.message.id));
            Ok(JobEnd::Written)
        })
        .await
}

/// Tries again with a growing pause; gives up after five days. The first delay of each kind goes into the timeline.
async fn later(post: &Post, job: &ClaimedJob, waiting: &Waiting, entry: Entry, why: String) -> Result<JobEnd, Fault> {
    let since = post.db.clock().now().since(Time(waiting.message.release_at));
    if since > GIVE_UP_AFTER {
        let failed = waiting.entry(Kind::NoticeFailed).because("why", format!("not taken for five days; last: {why}"));
        return write_down(post, job, waiting, RecipientState::Failed, vec![failed], Some(why)).await;
    }
    if job.attempts == 1 {
        post.db.act(&job.caller(), async |tx| record_delay(tx, entry.clone()).await).await?;
    }
    Ok(JobEnd::Again { after: pause(job.attempts), why })
}

async fn record_delay(tx: &TenantTx, entry: Entry) -> Result<(), Fault> {
    if let Some(message) = entry.message {
        tx.changed(message);
    }
    evidence::record(tx, entry).await
}

fn pause(attempts: i64) -> Duration {
    let nth = usize::try_from(attempts.max(1) - 1).unwrap_or(0).min(PAUSES_MINUTES.len() - 1);
    Duration::from_secs(PAUSES_MINUTES[nth] * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_then_stay() {
        let minutes: Vec<u64> = (1..=9).map(|n| pause(n).as_secs() / 60).collect();
        assert_eq!(minutes, [1, 5, 15, 30, 60, 180, 360, 360, 360]);
    }

    #[test]
    fn a_home_office_is_named_once() {
        assert_eq!(from_name("Ana Brandt", "Ana Brandt"), "Ana Brandt");
        assert_eq!(from_name("Ana Brandt", "Acme"), "Ana Brandt of Acme");
    }
}
