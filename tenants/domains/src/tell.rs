//! Mail to a tenant's owners about a domain that needs them: its proof is missing, it is off, it leads elsewhere, its certificate
//! cannot be renewed.
//!
//! What would surprise you: the job is written in the act that takes the step, so each step is told once; and it looks again before it
//! mails, so that what was mended meanwhile is told no more.

use crate::{
    Domains, Record, Seen,
    look::{GRACE_DAYS, HELD_DAYS},
    view::place_of,
};
use kernel::{DomainId, EmailAddress, Fault, FaultKind, HostName, JobEnd, MemberId, Time};
use mail::{
    Letter, Mailbox, Mailer, Rendered,
    mails::{DnsRecord, DomainElsewhere, DomainLost, DomainNotRenewed, DomainProofMissing},
};
use sea_orm::{ColumnTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use store::{
    ClaimedJob, NewJob, TenantRead, TenantTx,
    entity::{
        domain::{self, Model},
        member,
    },
};

pub(crate) const KIND: &str = "domains.tell";
/// Owners who are told; a tenant hardly has more.
const MAX_OWNERS: u64 = 20;

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// The proof was there, and is not any more.
    Missing,
    /// It has been missing for so long that the domain is off.
    Lost,
    /// It was live, and leads elsewhere.
    Elsewhere,
    /// The certificate ends soon, and the CA refuses a new one.
    NotRenewed,
}

/// Ids only: job rows can be read by the worker of any tenant.
#[derive(Serialize, Deserialize)]
struct Payload {
    domain: DomainId,
    member: MemberId,
    step: Step,
}

/// Leaves a mail to each of the tenant's owners whose address is proven.
pub(crate) async fn later(tx: &TenantTx, domain: DomainId, step: Step) -> Result<(), Fault> {
    use member::Column::{EmailProvenAt, Role, State};
    let owners = tx.find::<member::Entity>().filter(Role.eq("owner")).filter(State.eq("active")).filter(EmailProvenAt.is_not_null());
    for owner in owners.limit(MAX_OWNERS).all().await? {
        let payload = serde_json::to_string(&Payload { domain, member: MemberId(owner.id), step }).expect("ids always write");
        tx.later(NewJob { kind: KIND, payload, run_at: tx.now(), held: false, urgent: false }).await?;
    }
    Ok(())
}

impl Domains {
    pub(crate) async fn tell(&self, mailer: &Mailer, job: &ClaimedJob) -> JobEnd {
        let Ok(payload) = serde_json::from_str::<Payload>(&job.payload) else {
            return JobEnd::Park("a mail about a domain without a domain".to_owned());
        };
        match self.db.read(&job.caller(), async |read| self.letter(read, job, &payload).await).await {
            Ok(Some(letter)) => mailer.deliver(&letter).await.job_end(job.attempts),
            // Mended, removed, or nobody to tell: nothing left to mail.
            Ok(None) => JobEnd::Done,
            Err(fault) => JobEnd::Again { after: mail::pause(job.attempts), why: fault.to_string() },
        }
    }

    async fn letter(&self, read: &TenantRead, job: &ClaimedJob, payload: &Payload) -> Result<Option<Letter>, Fault> {
        let row = read.find::<domain::Entity>().filter(domain::Column::Id.eq(payload.domain.0)).filter(domain::Column::GoneAt.is_null());
        let owner =
            read.find::<member::Entity>().filter(member::Column::Id.eq(payload.member.0)).filter(member::Column::State.eq("active"));
        let (Some(row), Some(owner)) = (row.one().await?, owner.one().await?) else { return Ok(None) };
        let Some(rendered) = self.rendered(read, &row, owner.name, payload.step).await? else { return Ok(None) };
        let from = self.site.mail_from.clone();
        Ok(Some(Letter {
            // The same for every try.
            message_id: format!("{}@{}", job.id, from.domain()),
            from: Mailbox::bare(from.clone()),
            to: stored_address(&owner.email)?,
            reply_to: None,
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            list_unsubscribe: None,
            date: job.created_at,
            envelope_from: from,
        }))
    }

    /// `None`: it is not so any more.
    async fn rendered(&self, read: &TenantRead, row: &Model, name: String, step: Step) -> Result<Option<Rendered>, Fault> {
        let host = HostName::parse(&row.name).map_err(|e| Fault::other(format!("a domain's row: {e}")))?;
        let (domain, link) = (host.to_string(), self.site.link(&format!("/settings/domains/{}", DomainId(row.id))));
        let proof = DnsRecord { kind: "TXT", name: place_of(&host), value: row.proof.clone() };
        let (missed_at, held) = (row.missed_at.map(Time), row.proven_at.is_some());
        Ok(match step {
            Step::Missing => missed_at.filter(|_| held).map(|at| {
                let off_on = day(at.plus_days(GRACE_DAYS));
                DomainProofMissing { name, domain, records: vec![proof], off_on, link }.render()
            }),
            Step::Lost if held && missed_at.is_none() => None,
            Step::Lost => {
                let free_on = missed_at.filter(|_| held).map(|at| day(at.plus_days(HELD_DAYS)));
                Some(DomainLost { name, domain, records: vec![proof], free_on, link }.render())
            }
            Step::Elsewhere => row.elsewhere_at.filter(|_| held).map(|at| {
                let leading = self.leading(&host, &Seen::read(&row.seen)).into_iter();
                let records = leading.map(|Record { kind, name, value }| DnsRecord { kind, name, value }).collect();
                DomainElsewhere { name, domain, records, since: day(Time(at)), link }.render()
            }),
            Step::NotRenewed => {
                let state = read.certificate(&host).await?;
                let failed = state.and_then(|state| Some((state.live_until?, state.trouble?.said)));
                failed.map(|(ends, said)| DomainNotRenewed { name, domain, ends_on: day(ends), said, link }.render())
            }
        })
    }
}

fn day(at: Time) -> String {
    at.utc().format("%-d %B %Y").to_string()
}

fn stored_address(text: &str) -> Result<EmailAddress, Fault> {
    text.parse().map_err(|bad| Fault::from_error(FaultKind::Other, "a stored address does not parse", Box::new(bad)))
}
