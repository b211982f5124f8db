//! `countersign admin …`: tenants listed, suspended, restored; evidence verified; parked jobs queued again.

use super::{Stop, migrate::prepare_schema};
use crate::{App, Config, Outside};
use kernel::{Fault, TenantId};
use std::fmt::Write;
use store::TenantRow;

const AT_A_TIME: u64 = 500;

/// Every tenant, one a line: id, state, plan, day of founding, owner, name; tab-separated under a heading.
pub async fn list_tenants(config: &Config) -> Result<String, Stop> {
    let app = open(config).await?;
    let mut text = String::from("ID\tSTATE\tPLAN\tFOUNDED\tOWNER\tNAME\n");
    for t in all_tenants(&app).await? {
        let founded = t.created_at.utc().format("%Y-%m-%d");
        let _ = writeln!(text, "{}\t{}\t{}\t{founded}\t{}\t{}", t.id, t.state, t.plan, t.owner_email, t.name);
    }
    app.db.close().await;
    Ok(text)
}

/// `state`: suspended or active. Sessions and keys of a suspended tenant stop within a second; its recipients go on picking up.
pub async fn set_tenant_state(config: &Config, id: &str, state: &str) -> Result<String, Stop> {
    let id = parse(id)?;
    let app = open(config).await?;
    let done = app.db.front_desk().set_tenant_state(id, state).await?;
    app.db.close().await;
    if done { Ok(format!("{id} is {state}.\n")) } else { Err(unknown(id)) }
}

/// Recomputes the evidence chain of one tenant or of all; ends with an error if one does not hold.
pub async fn verify_evidence(config: &Config, only: Option<&str>) -> Result<String, Stop> {
    let only = only.map(parse).transpose()?;
    let app = open(config).await?;
    let mut tenants = all_tenants(&app).await?;
    if let Some(id) = only {
        tenants.retain(|t| t.id == id);
        if tenants.is_empty() {
            return Err(unknown(id));
        }
    }
    let (mut text, mut broken) = (String::new(), 0);
    for tenant in &tenants {
        let caller = app.db.front_desk().system(tenant.id);
        let found: Result<i64, evidence::Break> =
            app.db.read::<_, Fault, _>(&caller, async |read| evidence::verify_chain(read).await).await?;
        let _ = match found {
            Ok(rows) => writeln!(text, "{}\tholds\t{rows} facts\t{}", tenant.id, tenant.name),
            Err(at) => {
                broken += 1;
                writeln!(text, "{}\tBROKEN\t{at}\t{}", tenant.id, tenant.name)
            }
        };
    }
    app.db.close().await;
    match broken {
        0 => Ok(text),
        n => Err(Stop::Fault(Fault::other(format!(
            "{text}{n} evidence chain(s) do not hold. Keep the database as it is, and compare with a backup."
        )))),
    }
}

/// Queues every parked job again.
pub async fn replay_jobs(config: &Config) -> Result<String, Stop> {
    let app = open(config).await?;
    let count = app.db.jobs().replay_parked().await?;
    app.db.close().await;
    Ok(format!("{count} parked job(s) are queued again.\n"))
}

async fn open(config: &Config) -> Result<App, Stop> {
    prepare_schema(config, false).await?;
    Ok(App::build(config, Outside::real(config)?).await?)
}

async fn all_tenants(app: &App) -> Result<Vec<TenantRow>, Fault> {
    let mut all: Vec<TenantRow> = Vec::new();
    loop {
        let page = app.db.front_desk().tenants(all.last().map(|t| t.id), AT_A_TIME).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn parse(id: &str) -> Result<TenantId, Stop> {
    id.parse().map_err(|_| {
        Stop::Refused(format!("“{id}” is not a tenant's id; those look like ten_01jd… (see `countersign admin tenant list`)."))
    })
}

fn unknown(id: TenantId) -> Stop {
    Stop::Refused(format!("There is no tenant {id} (see `countersign admin tenant list`)."))
}
