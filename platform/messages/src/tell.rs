//! Mails that tell the sender (and, when locked out, the recipient) what happened.

use crate::{
    Post, message,
    notice::{address, for_people, site_of, written},
    pick_up,
};
use evidence::{Fact, Kind};
use kernel::{Fault, JobEnd, MessageId, RecipientId, ReplyId, Site, Time};
use mail::{
    Letter, Mailer, Outcome, Rendered,
    mails::{About, NotDelivered, Opened, Refused, Replied, SlotLocked, SlotLockedRecipient},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{
    ClaimedJob, TenantRead,
    entity::{member, message as message_table, recipient},
};

/// Tries of a mail that only tells; the timeline has it anyway.
const MAX_ATTEMPTS: i64 = 20;

/// Whom to tell what; ids only.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Tell {
    Opened { recipient: RecipientId },
    Refused { recipient: RecipientId },
    Replied { recipient: RecipientId, reply: ReplyId },
    Locked { recipient: RecipientId },
    LockedRecipient { recipient: RecipientId },
    NotDelivered { recipient: RecipientId },
}

impl Tell {
    fn recipient(self) -> RecipientId {
        match self {
            Tell::Opened { recipient }
            | Tell::Refused { recipient }
            | Tell::Replied { recipient, .. }
            | Tell::Locked { recipient }
            | Tell::LockedRecipient { recipient }
            | Tell::NotDelivered { recipient } => recipient,
        }
    }
}

pub(crate) async fn tell(post: &Post, mailer: &Mailer, job: &ClaimedJob, what: Tell) -> Result<JobEnd, Fault> {
    let Some(letter) = post.db.read(&job.caller(), async |read| letter(read, &post.site, job, what).await).await? else {
        return Ok(JobEnd::Done);
    };
    let again = |why: String| {
        let after = Duration::from_secs(60 * u64::try_from(job.attempts.max(1)).unwrap_or(1));
        if job.attempts < MAX_ATTEMPTS { JobEnd::Again { after, why } } else { JobEnd::Done }
    };
    Ok(match mailer.deliver(&letter).await {
        Outcome::Relayed(_) | Outcome::Failed(_) => JobEnd::Done,
        Outcome::TryLater(pause) => again(pause.to_string()),
        Outcome::Unknown(why) => again(why),
    })
}

async fn letter(read: &TenantRead, site: &Site, job: &ClaimedJob, what: Tell) -> Result<Option<Letter>, Fault> {
    let Some(to) = message::recipient_row(read, what.recipient()).await? else { return Ok(None) };
    let Some(row) = message::row(read, MessageId(to.message_id)).await? else { return Ok(None) };
    let Some(sender) = read.get::<member::Entity>(row.member_id).await? else { return Ok(None) };
    let site = &site_of(read, site, &row).await?;
    let (mail, whom) = match what {
        Tell::LockedRecipient { .. } => (locked_recipient(read, site, &row).await?, address(&to.address)?),
        _ => (to_sender(read, site, &row, &to, what).await?, address(&sender.email)?),
    };
    Ok(Some(written(site, mail, whom, format!("{}.tell", job.id), job.created_at)))
}

async fn locked_recipient(read: &TenantRead, site: &Site, row: &message_table::Model) -> Result<Rendered, Fault> {
    let names = pick_up::names(read, row).await?.filter(|_| !row.hide_sender);
    let (sender_name, tenant_name) = names.unzip();
    Ok(SlotLockedRecipient { sender_name, tenant_name, site_host: site.host().to_owned() }.render())
}

async fn to_sender(
    read: &TenantRead,
    site: &Site,
    row: &message_table::Model,
    to: &recipient::Model,
    what: Tell,
) -> Result<Rendered, Fault> {
    let (about, recipient) = (about(row), to.address.clone());
    let link = site.link(&format!("/messages/{}", MessageId(row.id)));
    Ok(match what {
        Tell::Opened { .. } => {
            let fact = newest(read, to, Kind::HandedOver).await?;
            let from_where = ground(fact.as_ref(), "ip").unwrap_or_else(|| "an unknown address".into());
            Opened { about, recipient, when: when(fact.as_ref()), from_where, link }.render()
        }
        Tell::Refused { .. } => {
            let fact = newest(read, to, Kind::Refused).await?;
            let with_reason = ground(fact.as_ref(), "reason").is_some();
            Refused { about, recipient, when: when(fact.as_ref()), with_reason, link }.render()
        }
        Tell::Replied { reply, .. } => {
            let fact = newest(read, to, Kind::Replied).await?;
            Replied { about, recipient, when: when(fact.as_ref()), link: site.link(&format!("/received/{reply}")) }.render()
        }
        Tell::Locked { .. } | Tell::LockedRecipient { .. } => SlotLocked { recipient, about, link }.render(),
        Tell::NotDelivered { .. } => {
            let fact = newest(read, to, Kind::NoticeFailed).await?;
            let answer = ground(fact.as_ref(), "smtp").or_else(|| ground(fact.as_ref(), "why")).unwrap_or_default();
            NotDelivered { recipient, about, answer, link }.render()
        }
    })
}

/// Mail travels in the open: it carries a subject only where the sender let the notice show it.
fn about(row: &message_table::Model) -> About {
    About { subject: row.show_subject.then(|| row.subject.clone()), sent: for_people(Time(row.created_at)) }
}

async fn newest(read: &TenantRead, to: &recipient::Model, kind: Kind) -> Result<Option<Fact>, Fault> {
    Ok(evidence::facts(read, MessageId(to.message_id), RecipientId(to.id), &[kind]).await?.pop())
}

fn ground(fact: Option<&Fact>, name: &str) -> Option<String> {
    fact?.ground(name).map(str::to_owned)
}

fn when(fact: Option<&Fact>) -> String {
    fact.map(|f| for_people(f.at)).unwrap_or_default()
}
