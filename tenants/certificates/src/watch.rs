//! Fetching the lists of revoked certificates: a job for each list, which comes back by itself.
//!
//! What would surprise you: the address is the administrator's and never one that stands in a certificate somebody shows. A list that
//! cannot be had changes nothing: the one before counts until its end and the tenant's grace, and then nobody gets in.

use crate::{
    ClientCertificates,
    authorities::find,
    authority,
    crl::{self, MAX_LIST_BYTES},
};
use egress::Outgoing;
use http::{HeaderMap, Method};
use kernel::{ClientCaId, Fault, JobEnd, Time};
use sea_orm::{ColumnTrait, Condition, QueryFilter};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{
    ClaimedJob, Look, NewJob, TenantTx,
    entity::{
        client_ca,
        client_ca_list::{Column, Entity, Model},
        job,
    },
};

pub const KIND: &str = "certificates.list";
/// Between two looks, whatever the list says of itself.
const SOONEST: Duration = Duration::from_secs(600);
const LATEST: Duration = Duration::from_secs(24 * 3_600);

#[derive(Serialize, Deserialize)]
struct Payload {
    ca: ClientCaId,
    url: String,
}

/// Looks from now on, instead of a look that waits from when the address was there before.
pub(crate) async fn begin(tx: &TenantTx, ca: ClientCaId, url: &str) -> Result<(), Fault> {
    let payload = serde_json::to_string(&Payload { ca, url: url.to_owned() }).map_err(|e| Fault::other(format!("a job: {e}")))?;
    let waits =
        Condition::all().add(job::Column::Kind.eq(KIND)).add(job::Column::Payload.eq(&payload)).add(job::Column::State.ne("running"));
    tx.delete::<job::Entity>(waits).await?;
    tx.later(NewJob { kind: KIND, payload, run_at: tx.now(), held: false, urgent: false }).await
}

impl ClientCertificates {
    pub async fn run_job(&self, job: &ClaimedJob) -> JobEnd {
        if job.kind != KIND {
            return JobEnd::Park(format!("no such work: “{}”", job.kind));
        }
        let Ok(payload) = serde_json::from_str::<Payload>(&job.payload) else { return JobEnd::Park("the payload cannot be read".into()) };
        match self.look(job, &payload).await {
            Ok(Some(after)) => JobEnd::Wait { after, why: "the next look at a list of revoked certificates".into() },
            Ok(None) => JobEnd::Done,
            Err(fault) => JobEnd::Again { after: SOONEST, why: fault.to_string() },
        }
    }

    /// How long until the next look; `None`: nobody wants this list any more.
    async fn look(&self, job: &ClaimedJob, payload: &Payload) -> Result<Option<Duration>, Fault> {
        let caller = job.caller();
        let (ca, list) = self
            .accounts
            .db
            .read(&caller, async |read| Ok::<_, Fault>((find(read, payload.ca).await?, find_list(read, payload).await?)))
            .await?;
        let (Some(ca), Some(list)) = (ca, list) else { return Ok(None) };
        let fetched = self.fetch(&ca, &list).await;
        let said = fetched.as_ref().err().cloned().unwrap_or_default();
        let now = self.accounts.db.clock().now();
        let next = fetched.as_ref().ok().map(|(_, next)| *next).or(list.next_at.map(Time));
        self.accounts.db.act(&caller, async |tx| keep(tx, payload, &fetched, &said).await).await?;
        let half = next.map_or(SOONEST, |next| next.since(now) / 2);
        Ok(Some(if said.is_empty() { half.clamp(SOONEST, LATEST) } else { SOONEST }))
    }

    /// The list and its end, or a sentence.
    async fn fetch(&self, ca: &client_ca::Model, list: &Model) -> Result<(Vec<u8>, Time), String> {
        let ask = Outgoing {
            method: Method::GET,
            address: &list.url,
            // The list is signed (RFC 5280 §8 tells authorities to publish it in the clear).
            plain: true,
            headers: HeaderMap::new(),
            body: Default::default(),
            most: MAX_LIST_BYTES,
        };
        let answer = self.egress.send(&ask).await.map_err(|bad| bad.to_string())?;
        match answer.status.as_u16() {
            200 => {}
            300..400 => return Err("The address leads to another one, which we do not follow; give that address.".into()),
            other => return Err(format!("The address answers {other} instead of 200.")),
        }
        let chain = authority::of_pem(&ca.chain).map_err(|bad| bad.to_string())?;
        let good = crl::check(&answer.body, list.der.as_deref(), &chain, self.accounts.db.clock().now()).map_err(|bad| bad.to_string())?;
        Ok((answer.body.to_vec(), good.next_at))
    }
}

async fn keep(tx: &TenantTx, payload: &Payload, fetched: &Result<(Vec<u8>, Time), String>, said: &str) -> Result<(), Fault> {
    let mut update = tx.update::<Entity>().set(Column::LookedAt, tx.now().0).set(Column::Said, said);
    if let Ok((list, next)) = fetched {
        update = update.set(Column::Der, list.clone()).set(Column::NextAt, next.0);
    }
    update.filter(named(payload)).exec().await.map(|_| ())
}

async fn find_list(look: &impl Look, payload: &Payload) -> Result<Option<Model>, Fault> {
    look.find::<Entity>().filter(named(payload)).one().await
}

fn named(payload: &Payload) -> Condition {
    Condition::all().add(Column::CaId.eq(payload.ca.0)).add(Column::Url.eq(&payload.url))
}
