//! One look at a domain's DNS, and what follows from it: proven, certified, led elsewhere, lost, free again.
//!
//! What would surprise you: a resolver that does not answer changes nothing. A proof that is missing is told for a week, then the site
//! is no longer shown there, and after thirty days the name is free. Looking never ends: a name that was lost, or never proven, is looked at
//! once a week, so that whoever mends it need not ask.

use crate::{
    Domains, Seen,
    tell::{self, Step},
    view::place_of,
};
use kernel::{DomainId, Fault, FaultKind, HostName, JobEnd, Time};
use mail::Mailer;
use sea_orm::{
    ColumnTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, SimpleExpr},
};
use std::time::Duration;
use store::{
    Caller, ClaimedJob, NewJob, TenantTx, Wanted,
    entity::{
        domain::{Column, Entity, Model},
        job, tenant,
    },
};

const KIND: &str = "domains.look";
/// A lost proof is told for so long before the certificate is let go.
pub const GRACE_DAYS: i64 = 7;
/// Nobody else may prove a name that was lost or let go for so long.
pub const HELD_DAYS: i64 = 30;
/// A name that is not proven is looked at often for so long; then once a week.
const PATIENCE_DAYS: u32 = 14;
/// A certificate that is refused a new one is told of when it has so long to live.
const RENEWAL_DAYS: i64 = 14;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// Leaves a job that looks now; somebody waits for it at a page.
pub(crate) async fn soon(tx: &TenantTx, id: DomainId) -> Result<(), Fault> {
    look_at(tx, id, tx.now(), true).await
}

/// A look instead of the one that waits already: a domain has one at most.
async fn look_at(tx: &TenantTx, id: DomainId, run_at: Time, urgent: bool) -> Result<(), Fault> {
    let payload = payload(id);
    tx.delete::<job::Entity>(waiting(&payload)).await?;
    tx.later(NewJob { kind: KIND, payload, run_at, held: false, urgent }).await
}

fn payload(id: DomainId) -> String {
    format!("{{\"domain\":\"{id}\"}}")
}

/// The kind in words of its own, because SQLite takes an index of some rows only where it reads which.
fn waiting(payload: &str) -> SimpleExpr {
    Expr::cust(format!("kind = '{KIND}'")).and(job::Column::Payload.eq(payload)).and(job::Column::State.ne("running"))
}

#[derive(serde::Deserialize)]
struct Payload {
    domain: DomainId,
}

impl Domains {
    /// Whether somebody asked for a look that is not over.
    pub async fn is_looking(&self, caller: &Caller, id: DomainId) -> Result<bool, Fault> {
        let asked = Expr::cust(format!("kind = '{KIND}'")).and(job::Column::Payload.eq(payload(id))).and(job::Column::Urgent.eq(true));
        let find = async |read: &store::TenantRead| Ok::<_, Fault>(read.find::<job::Entity>().filter(asked).one().await?.is_some());
        self.db.read(caller, find).await
    }
    /// Runs a job whose kind begins with `domains.`; any other is parked.
    pub async fn run_job(&self, mailer: &Mailer, job: &ClaimedJob) -> JobEnd {
        match job.kind.as_str() {
            KIND => self.look_job(job).await,
            tell::KIND => self.tell(mailer, job).await,
            other => JobEnd::Park(format!("domains has no job {other}")),
        }
    }

    async fn look_job(&self, job: &ClaimedJob) -> JobEnd {
        let Ok(Payload { domain }) = serde_json::from_str(&job.payload) else {
            return JobEnd::Park("a domain's job without a domain".to_owned());
        };
        match self.look(job, domain).await {
            Ok(end) => end,
            Err(fault) => JobEnd::Again { after: MINUTE, why: fault.to_string() },
        }
    }

    async fn look(&self, job: &ClaimedJob, id: DomainId) -> Result<JobEnd, Fault> {
        let caller = job.caller();
        let find = async |read: &store::TenantRead| read.get::<Entity>(id.0).await;
        let Some(row) = self.db.read(&caller, find).await? else { return Ok(JobEnd::Done) };
        let name = HostName::parse(&row.name).map_err(|e| Fault::other(format!("a domain's row: {e}")))?;
        let seen = match row.gone_at {
            Some(_) => Seen::default(),
            None => self.see(&name, &place_of(&name), &row.proof, Seen::read(&row.seen)).await,
        };
        let proving = row.gone_at.is_none() && row.proven_at.is_none() && seen.proven;
        let written = self.db.act(&caller, async |tx| write(tx, job, id, &name, &seen, proving).await).await;
        match written {
            // The database knows the one row that proves this name, whose it ever is.
            Err(fault) if proving && fault.kind() == FaultKind::Unique => {
                self.db.act(&caller, async |tx| taken(tx, job, id, &seen).await).await
            }
            written => written,
        }
    }
}

async fn write(tx: &mut TenantTx, job: &ClaimedJob, id: DomainId, name: &HostName, seen: &Seen, proving: bool) -> Result<JobEnd, Fault> {
    let Some(row) = tx.hold::<Entity>(id.0).await? else { return Ok(JobEnd::Done) };
    if let Some(gone_at) = row.gone_at {
        return let_go(tx, job, &row, Time(row.missed_at.unwrap_or(gone_at))).await;
    }
    let (now, proving) = (tx.now(), proving && is_active(tx).await?);
    let missed_at = match () {
        () if seen.proven => None,
        () if seen.missing && row.proven_at.is_some() => row.missed_at.or(Some(now.0)),
        () => row.missed_at,
    };
    let missed_for = |days: i64| missed_at.is_some_and(|at| now >= Time(at).plus_days(days));
    let proven_at = if proving { Some(now.0) } else { row.proven_at.filter(|_| !missed_for(HELD_DAYS)) };
    let change = tx.update::<Entity>().set(Column::ProvenAt, proven_at).set(Column::MissedAt, missed_at.filter(|_| proven_at.is_some()));
    let change = change.set(Column::TakenAt, None::<i64>).set(Column::LookedAt, now.0).set(Column::Seen, told(seen)?);
    let elsewhere_at = if proven_at.is_some() { elsewhere(tx, &row, name, seen).await? } else { None };
    let change = change.set(Column::Leads, seen.points).set(Column::ElsewhereAt, elsewhere_at.map(|at| at.0));
    change.filter(Column::Id.eq(id.0)).exec().await?;
    tell_steps(tx, &row, missed_at.map(Time)).await?;
    // At the second look that sees it: addresses that take turns, or a moment's confusion, are not worth a mail.
    let seen_last_time = row.elsewhere_at.is_some() && row.elsewhere_at == row.looked_at;
    if seen_last_time && elsewhere_at.is_some() {
        tell::later(tx, id, Step::Elsewhere).await?;
    }
    if proven_at.is_none() || missed_for(GRACE_DAYS) {
        tx.unwant_certificate(name).await?;
    } else if seen.proven && seen.points && !seen.excluded && tx.want_certificate(name).await? == Wanted::Taken {
        // The site itself serves it, whoever has its DNS.
        tx.update::<Entity>().set(Column::ProvenAt, None::<i64>).filter(Column::Id.eq(id.0)).exec().await?;
        return taken(tx, job, id, seen).await;
    } else {
        tell_of_renewal(tx, &row, name).await?;
    }
    let settled = proven_at.is_some() && missed_at.is_none() && seen.points && !seen.excluded;
    next(tx, job, &row, settled, proven_at.is_some()).await
}

/// Since when a name that was live leads elsewhere; `row` is as it was before.
async fn elsewhere(tx: &TenantTx, row: &Model, name: &HostName, seen: &Seen) -> Result<Option<Time>, Fault> {
    if seen.points || row.elsewhere_at.is_some() || !row.leads {
        return Ok(row.elsewhere_at.map(Time).filter(|_| !seen.points));
    }
    let good_until = tx.certificate(name).await?.and_then(|state| state.live_until);
    Ok(good_until.is_some_and(|end| end > tx.now()).then(|| tx.now()))
}

/// Tells the owners what this look changed. `row` is as it was before; `missed_at`: since when the proof is missing, as of now.
async fn tell_steps(tx: &TenantTx, row: &Model, missed_at: Option<Time>) -> Result<(), Fault> {
    let (Some(_), Some(missed_at)) = (row.proven_at, missed_at) else { return Ok(()) };
    let off_at = missed_at.plus_days(GRACE_DAYS);
    let before = row.looked_at.map(Time).filter(|_| row.missed_at.is_some());
    match before {
        None if row.missed_at.is_none() => tell::later(tx, DomainId(row.id), Step::Missing).await,
        Some(before) if before < off_at && tx.now() >= off_at => tell::later(tx, DomainId(row.id), Step::Lost).await,
        // Told already; or taken back a moment ago by somebody who sees the page.
        _ => Ok(()),
    }
}

/// Once for each certificate that ends.
async fn tell_of_renewal(tx: &mut TenantTx, row: &Model, name: &HostName) -> Result<(), Fault> {
    let state = tx.certificate(name).await?.filter(|state| state.trouble.is_some());
    let Some(ends) = state.and_then(|state| state.live_until).filter(|ends| *ends <= tx.now().plus_days(RENEWAL_DAYS)) else {
        return Ok(());
    };
    if row.renewal_told == Some(ends.0) {
        return Ok(());
    }
    tx.update::<Entity>().set(Column::RenewalTold, ends.0).filter(Column::Id.eq(row.id)).exec().await?;
    tell::later(tx, DomainId(row.id), Step::NotRenewed).await
}

/// Somebody else has proven it: it is shown, and looked at again in case they let it go.
async fn taken(tx: &mut TenantTx, job: &ClaimedJob, id: DomainId, seen: &Seen) -> Result<JobEnd, Fault> {
    let Some(row) = tx.hold::<Entity>(id.0).await? else { return Ok(JobEnd::Done) };
    let change = tx
        .update::<Entity>()
        .set(Column::TakenAt, tx.now().0)
        .set(Column::Leads, seen.points)
        .set(Column::LookedAt, tx.now().0)
        .set(Column::Seen, told(seen)?);
    change.filter(Column::Id.eq(id.0)).exec().await?;
    next(tx, job, &row, false, false).await
}

/// A suspended tenant keeps what it has and proves nothing new.
async fn is_active(tx: &TenantTx) -> Result<bool, Fault> {
    Ok(tx.own::<tenant::Entity>().await?.is_some_and(|tenant| tenant.state == "active"))
}

/// `since`: when its proof was last known to be there.
async fn let_go(tx: &mut TenantTx, job: &ClaimedJob, row: &Model, since: Time) -> Result<JobEnd, Fault> {
    let free_at = since.plus_days(HELD_DAYS);
    if row.proven_at.is_some() && tx.now() < free_at {
        return end(tx, job, Some(free_at)).await;
    }
    tx.delete::<Entity>(Column::Id.eq(row.id)).await?;
    end(tx, job, None).await
}

/// Daily where nothing is to be done; else often at first, while somebody is at it, then hourly, and weekly when nobody seems to be.
async fn next(tx: &TenantTx, job: &ClaimedJob, row: &Model, settled: bool, proven: bool) -> Result<JobEnd, Fault> {
    let age = tx.now().since(Time(row.added_at));
    let pause = match () {
        () if settled => DAY,
        () if age < MINUTE * 60 => MINUTE,
        () if age < DAY => MINUTE * 10,
        () if proven || age < DAY * PATIENCE_DAYS => MINUTE * 60,
        () => DAY * 7,
    };
    end(tx, job, Some(tx.now().plus(pause))).await
}

/// This look is over, and the next one is a job of its own, within the same act. Where somebody asked for one meanwhile, that is it.
async fn end(tx: &TenantTx, claimed: &ClaimedJob, at: Option<Time>) -> Result<JobEnd, Fault> {
    if !tx.job_done(claimed).await? {
        return Err(Fault::other("another attempt looks at this domain"));
    }
    let asked = tx.find::<job::Entity>().filter(waiting(&claimed.payload)).one().await?.is_some();
    if let (Some(at), false, Ok(Payload { domain })) = (at, asked, serde_json::from_str(&claimed.payload)) {
        look_at(tx, domain, at, false).await?;
    }
    Ok(JobEnd::Written)
}

fn told(seen: &Seen) -> Result<String, Fault> {
    serde_json::to_string(seen).map_err(|e| Fault::other(format!("what was seen does not serialize: {e}")))
}
