//! One try of one letter: what the answer is called in evidence, and whether it is tried again.

use crate::Post;
use evidence::{Entry, Kind};
use kernel::{Fault, MessageId, RecipientId, Time};
use mail::{Letter, Mailer, Outcome, SmtpAnswer};
use std::time::Duration;
use store::{ClaimedJob, TenantTx};

/// A letter is tried for this long after its first try (RFC 5321 §4.5.4.1 asks for four to five days).
const GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);

/// A letter to a recipient, ready to go.
pub(super) struct Mailing {
    pub message: MessageId,
    pub recipient: RecipientId,
    pub letter: Letter,
    pub kinds: &'static Kinds,
    /// For reminders: what the letter says of the days left.
    pub days_left: Option<i64>,
    /// The recipient has not shown yet that they take mail from this tenant.
    pub unasked: bool,
}

/// What each end of a try is called in evidence.
pub(super) struct Kinds {
    pub relayed: Kind,
    pub failed: Kind,
    pub delayed: Kind,
    pub unknown: Kind,
}

/// How a try ended.
pub(super) enum Tried {
    Relayed(Entry),
    /// Not to be tried again.
    Failed(Entry),
    /// Not taken for now, or nobody knows; and why.
    Open(Entry, String),
}

impl Mailing {
    pub(super) fn entry(&self, kind: Kind) -> Entry {
        let entry = Entry::of(kind, self.message).to(self.recipient);
        match self.days_left {
            Some(days) => entry.because("days_left", days),
            None => entry,
        }
    }
    fn answered(&self, kind: Kind, answer: &SmtpAnswer) -> Entry {
        self.entry(kind).because("smtp", answer.to_string()).because("server", answer.server.as_str())
    }
}

impl Tried {
    /// Whether the recipient may have got the letter.
    fn may_have_arrived(&self, kinds: &Kinds) -> bool {
        match self {
            Tried::Relayed(_) => true,
            Tried::Failed(_) => false,
            Tried::Open(entry, _) => entry.kind == kinds.unknown,
        }
    }
}

/// As [`attempt`], if there is a place for a letter that was not asked for; else until when it waits.
pub(super) async fn attempt_in_place(post: &Post, mailer: &Mailer, mailing: &Mailing) -> Result<Result<Tried, Time>, Fault> {
    if !mailing.unasked {
        return Ok(Ok(attempt(mailer, mailing).await));
    }
    let to = &mailing.letter.to;
    if let Some(until) = post.unasked.take(&post.db, to).await? {
        return Ok(Err(until));
    }
    let tried = attempt(mailer, mailing).await;
    if !tried.may_have_arrived(mailing.kinds)
        && let Err(fault) = post.unasked.give_back(&post.db, to).await
    {
        // What came of the try is worth more; the place is free again when the hour is over.
        tracing::warn!(%fault, "a place for a letter was not given back");
    }
    Ok(Ok(tried))
}

pub(super) async fn attempt(mailer: &Mailer, mailing: &Mailing) -> Tried {
    let kinds = mailing.kinds;
    match mailer.deliver(&mailing.letter).await {
        Outcome::Relayed(answer) => {
            let entry = mailing.answered(kinds.relayed, &answer);
            Tried::Relayed(entry.because("message_id", mailing.letter.message_id.as_str()))
        }
        Outcome::Failed(answer) => Tried::Failed(mailing.answered(kinds.failed, &answer)),
        Outcome::TryLater(pause) => {
            let entry = match pause.answer() {
                Some(answer) => mailing.answered(kinds.delayed, answer),
                None => mailing.entry(kinds.delayed).because("why", pause.to_string()),
            };
            Tried::Open(entry, pause.to_string())
        }
        Outcome::Unknown(why) => Tried::Open(mailing.entry(kinds.unknown).because("why", why.as_str()), why),
    }
}

/// Writes down a try that stays open: the first delay of the letter, and each time that it may have arrived. Answers whether five
/// days of tries are over.
pub(super) async fn note(post: &Post, job: &ClaimedJob, mailing: &Mailing, entry: &Entry) -> Result<bool, Fault> {
    let each_time = entry.kind == mailing.kinds.unknown;
    note_among(post, job, mailing, entry, &[mailing.kinds.delayed, mailing.kinds.unknown], each_time).await
}

/// Writes down, once, that the letter was held back. Answers whether it was for five days.
pub(super) async fn note_held(post: &Post, job: &ClaimedJob, mailing: &Mailing) -> Result<bool, Fault> {
    note_among(post, job, mailing, &mailing.entry(Kind::NoticeHeld), &[Kind::NoticeHeld], false).await
}

async fn note_among(
    post: &Post,
    job: &ClaimedJob,
    mailing: &Mailing,
    entry: &Entry,
    kinds: &[Kind],
    each_time: bool,
) -> Result<bool, Fault> {
    post.db
        .act(&job.caller(), async |tx| {
            let before = since(tx, mailing, kinds, job.created_at).await?;
            let first = before.first().map_or(tx.now(), |fact| fact.at);
            let over = tx.now().since(first) > GIVE_UP_AFTER;
            if each_time || before.iter().all(|fact| fact.kind != entry.kind) {
                evidence::record(tx, entry.clone()).await?;
                tx.changed(mailing.message);
            }
            Ok(over)
        })
        .await
}

/// What was recorded of this letter: facts of its kinds, not older than its job.
async fn since(tx: &TenantTx, mailing: &Mailing, kinds: &[Kind], begun: Time) -> Result<Vec<evidence::Fact>, Fault> {
    let mut facts = evidence::facts(tx, mailing.message, mailing.recipient, kinds).await?;
    facts.retain(|fact| fact.at >= begun);
    Ok(facts)
}
