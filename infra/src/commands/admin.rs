//! `countersign admin …`: tenants listed, suspended, restored; evidence verified; parked jobs queued again; names and their certificates.

use super::{Stop, migrate::prepare_schema};
use crate::{App, Config, Outside};
use kernel::{Fault, HostName, TenantId};
use std::fmt::Write;
use store::{TenantRow, Wanted, WantedBy};

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
    if done { Ok(format!("{id} is {state}. Running servers follow within a second.\n")) } else { Err(unknown(id)) }
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
    if tenants.is_empty() {
        app.db.close().await;
        return Ok("There are no tenants yet, so there is no evidence to verify.\n".to_owned());
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

/// Every name that a certificate is kept for, one a line, tab-separated under a heading.
pub async fn list_certificates(config: &Config) -> Result<String, Stop> {
    let app = open(config).await?;
    let mut text = String::from("NAME\tFOR\tLIVE UNTIL\tNEXT\tTROUBLE\n");
    let mut after = None;
    loop {
        let page = app.db.certificates().list(after.as_ref(), AT_A_TIME).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        for s in &page {
            let by = match s.wanted_by {
                WantedBy::Site => "configuration".to_owned(),
                WantedBy::Operator => "operator".to_owned(),
                WantedBy::Asking => "client certificates".to_owned(),
                WantedBy::Tenant(id) => id.to_string(),
            };
            let live = s.live_until.map_or("-".to_owned(), |end| end.to_string());
            let trouble = s.trouble.as_ref().map_or("", |t| t.said.as_str());
            let _ = writeln!(text, "{}\t{by}\t{live}\t{}\t{trouble}", s.name, s.next_at);
        }
    }
    app.db.close().await;
    Ok(text)
}

/// From now on a certificate is kept for one more name of the site's; a running `serve` orders it within seconds.
pub async fn want_certificate(config: &Config, name: &str) -> Result<String, Stop> {
    let name = host(name)?;
    let app = open(config).await?;
    let wanted = app.db.certificates().want(&name, WantedBy::Operator).await?;
    app.db.close().await;
    match wanted {
        Wanted::Now => {
            Ok(format!("A certificate for {name} is ordered while `countersign serve` runs with tls.certificates = \"acme\".\n"))
        }
        Wanted::Already => Ok(format!("A certificate is kept for {name} already.\n")),
        Wanted::Taken => {
            Err(Stop::Refused(format!("{name} is a tenant's, or in the configuration (see `countersign admin certificate list`).")))
        }
    }
}

/// Undoes [`want_certificate`].
pub async fn unwant_certificate(config: &Config, name: &str) -> Result<String, Stop> {
    let name = host(name)?;
    let app = open(config).await?;
    let gone = app.db.certificates().unwant(&name, WantedBy::Operator).await?;
    app.db.close().await;
    match gone {
        true => Ok(format!("No certificate is kept for {name} any more.\n")),
        false => Err(Stop::Refused(format!("{name} was not added by this command (see `countersign admin certificate list`)."))),
    }
}

fn host(name: &str) -> Result<HostName, Stop> {
    HostName::parse(name).map_err(|bad| Stop::Refused(format!("This is no name for a certificate: {bad}.")))
}

/// A mistyped data directory must not look like a site without tenants.
async fn open(config: &Config) -> Result<App, Stop> {
    if let Some(file) = config.database_file().filter(|file| !file.exists()) {
        return Err(Stop::Refused(format!("There is no database at {}: `countersign serve` makes it. Is data_dir right?", file.display())));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mistyped_data_directory_is_no_site_without_tenants() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { data_dir: dir.path().join("typo"), ..Config::default() };
        for answer in [list_tenants(&config).await, verify_evidence(&config, None).await, replay_jobs(&config).await] {
            assert!(matches!(&answer, Err(Stop::Refused(why)) if why.contains("Is data_dir right?")), "{answer:?}");
        }
        assert!(!config.data_dir.exists(), "nothing is made");
    }
}
