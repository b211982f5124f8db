//! The mailed code.

use super::{
    attempt::{Kinds, Mailing, Tried, attempt, note},
    letter::{address, site_of, written},
};
use crate::{Post, message, visit::CODE_LIFE};
use evidence::{Entry, Kind};
use kernel::{Fault, JobEnd, MessageId, RecipientId, Site, Time, VisitId};
use mail::{Mailer, mails::PickupCode};
use std::time::Duration;
use store::{ClaimedJob, TenantRead, entity::visit};

const CODE: Kinds = Kinds { relayed: Kind::CodeSent, failed: Kind::CodeFailed, delayed: Kind::CodeDelayed, unknown: Kind::CodeUnknown };
/// Somebody waits for it; it is tried until the code is over.
const PAUSE: Duration = Duration::from_secs(15);

/// Mails the newest code of a visit; an older one is left unsent.
pub(crate) async fn mail_code(post: &Post, mailer: &Mailer, job: &ClaimedJob, id: VisitId, nth: i64) -> Result<JobEnd, Fault> {
    let Some(mailing) = post.db.read(&job.caller(), async |read| code_letter(read, &post.site, id, nth).await).await? else {
        return Ok(JobEnd::Done);
    };
    match attempt(mailer, &mailing).await {
        Tried::Relayed(entry) | Tried::Failed(entry) => ended(post, job, entry).await,
        Tried::Open(entry, why) => {
            note(post, job, &mailing, &entry).await?;
            Ok(JobEnd::Again { after: PAUSE, why })
        }
    }
}

async fn ended(post: &Post, job: &ClaimedJob, entry: Entry) -> Result<JobEnd, Fault> {
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

async fn code_letter(read: &TenantRead, site: &Site, id: VisitId, nth: i64) -> Result<Option<Mailing>, Fault> {
    let Some(visit) = read.get::<visit::Entity>(id.0).await? else { return Ok(None) };
    let sent_at = Time(visit.code_sent_at.unwrap_or(visit.created_at));
    if visit.codes_sent != nth || visit.code_proven_at.is_some() || read.now().since(sent_at) > CODE_LIFE {
        return Ok(None);
    }
    let (message, recipient) = (MessageId(visit.message_id), RecipientId(visit.recipient_id));
    let Some(about) = message::row(read, message).await? else { return Ok(None) };
    let site = &site_of(read, site, &about).await?;
    let Some(row) = message::recipient_row(read, recipient).await? else { return Ok(None) };
    let minutes = (CODE_LIFE.as_secs() / 60) as i64;
    let mail = PickupCode { code: read.keys().pickup_code(id, nth), site_host: site.host().to_owned(), minutes };
    let letter = written(site, mail.render(), address(&row.address)?, format!("{id}.code{nth}"), sent_at);
    Ok(Some(Mailing { message, recipient, letter, kinds: &CODE, days_left: None, unasked: false }))
}
