//! A domain as people see it: the exact record to make, what is there instead, and the step it is at.

use crate::{
    Domains, Seen,
    look::{GRACE_DAYS, HELD_DAYS},
    name,
};
use kernel::{DomainId, Fault, HostName, Time};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use store::{
    Caller, TenantRead, Trouble,
    entity::domain::{Column, Entity, Model},
};

/// The label under which the proof is: as RFC 8552 asks, of its own and with an underscore.
const PLACE: &str = "_countersign";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainView {
    pub id: DomainId,
    pub name: HostName,
    /// In the letters of its own script.
    pub shown: String,
    pub record: TxtRecord,
    pub added_at: Time,
    pub looked_at: Option<Time>,
    pub seen: Seen,
    pub step: Step,
}

impl Step {
    /// In one word, as the API has it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Step::Prove => "prove",
            Step::Taken => "taken",
            Step::Point => "point",
            Step::Elsewhere { .. } => "elsewhere",
            Step::Excluded => "excluded",
            Step::Ordered => "ordered",
            Step::OrderFailed { .. } => "order_failed",
            Step::Live { .. } => "live",
            Step::Losing { .. } => "losing",
            Step::Lost { .. } => "lost",
        }
    }
}

/// What the tenant has to put into its DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxtRecord {
    pub name: String,
    pub value: String,
}

/// What is to be done next, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The record has to be made.
    Prove,
    /// Somebody else has proven this name, or had it less than thirty days ago.
    Taken,
    /// Proven; it has to lead to the site.
    Point,
    /// It was live, and leads elsewhere since this time.
    Elsewhere { since: Time },
    /// CAA records keep our CA from certifying it.
    Excluded,
    /// A certificate is being ordered.
    Ordered,
    /// The last order came to nothing; the next is at this time.
    OrderFailed { trouble: Trouble, next_at: Time },
    /// People can use it.
    Live { until: Time },
    /// It works, but the proof is missing; it is shown no more from this time.
    Losing { off_at: Time },
    /// The proof is missing for too long. From this time others may prove the name.
    Lost { free_at: Time },
}

impl Domains {
    /// The tenant's domains by name.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<DomainView>, Fault> {
        self.db
            .read(caller, async |read| {
                let rows = read.find::<Entity>().filter(Column::GoneAt.is_null()).order_by_asc(Column::Name).all().await?;
                let mut views = Vec::new();
                for row in rows {
                    views.push(of(read, row).await?);
                }
                Ok(views)
            })
            .await
    }
    /// `None`: there is no such domain of this tenant's.
    pub async fn get(&self, caller: &Caller, id: DomainId) -> Result<Option<DomainView>, Fault> {
        Ok(self.list(caller).await?.into_iter().find(|view| view.id == id))
    }
}

pub(crate) fn place_of(name: &HostName) -> String {
    format!("{PLACE}.{name}")
}

pub(crate) async fn of(read: &TenantRead, row: Model) -> Result<DomainView, Fault> {
    let name = HostName::parse(&row.name).map_err(|e| Fault::other(format!("a domain's row: {e}")))?;
    let seen = Seen::read(&row.seen);
    let step = step(read, &row, &name, &seen).await?;
    let record = TxtRecord { name: place_of(&name), value: row.proof };
    let (added_at, looked_at) = (Time(row.added_at), row.looked_at.map(Time));
    Ok(DomainView { id: DomainId(row.id), shown: name::shown(&name), name, record, added_at, looked_at, seen, step })
}

async fn step(read: &TenantRead, row: &Model, name: &HostName, seen: &Seen) -> Result<Step, Fault> {
    if row.proven_at.is_none() || (row.missed_at.is_some() && row.looked_at.is_none()) {
        return Ok(if row.taken_at.is_some() { Step::Taken } else { Step::Prove });
    }
    if let Some(missed_at) = row.missed_at.map(Time) {
        let (off_at, free_at) = (missed_at.plus_days(GRACE_DAYS), missed_at.plus_days(HELD_DAYS));
        return Ok(if read.now() < off_at { Step::Losing { off_at } } else { Step::Lost { free_at } });
    }
    if let Some(since) = row.elsewhere_at.map(Time) {
        return Ok(Step::Elsewhere { since });
    }
    let certificate = read.certificate(name).await?;
    if let Some(until) = certificate.as_ref().and_then(|state| state.live_until).filter(|end| *end > read.now()) {
        return Ok(if seen.points { Step::Live { until } } else { Step::Point });
    }
    Ok(match certificate {
        _ if !seen.points => Step::Point,
        _ if seen.excluded => Step::Excluded,
        Some(state) => match state.trouble {
            Some(trouble) => Step::OrderFailed { trouble, next_at: state.next_at },
            None => Step::Ordered,
        },
        None => Step::Ordered,
    })
}
