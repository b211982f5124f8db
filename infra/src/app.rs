//! The whole server, assembled: `App::build(config, outside)`.

use crate::{Config, certificates, config::networks, front::Front};
use accounts::Accounts;
use billing::Catalogue;
use client_certificates::{ClientCertificates, Lists};
use domains::{Dns, Domains};
use edge::{Draining, Shared};
use egress::{Egress, Rules};
use kernel::{Chance, Clock, EmailAddress, Fault, HostName, Site};
use keys::{Cost, PasswordHasher, RootKeys};
use mail::{Mailer, SmtpRelay};
use messages::Post;
use poem::Route;
use secrecy::ExposeSecret;
use std::{path::Path, sync::Arc};
use store::{Blobs, Database, Db, Disk, Ground, S3Config};
use url::Url;

/// All that a test replaces.
#[derive(Clone)]
pub struct Outside {
    pub clock: Clock,
    pub chance: Chance,
    pub mailer: Mailer,
}

/// The server's rooms and what they stand on. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub post: Post,
    pub accounts: Accounts,
    pub domains: Domains,
    pub certificates: ClientCertificates,
    pub mailer: Mailer,
    pub site: Site,
    pub(crate) config: Arc<Config>,
    pub(crate) shared: Shared,
}

impl Outside {
    /// The real world: the system's clock and generator, and the relay of the configuration.
    pub fn real(config: &Config) -> Result<Outside, Fault> {
        let relay = SmtpRelay::new(&config.smtp)?;
        Ok(Outside { clock: Clock::system(), chance: Chance::system(), mailer: Mailer::Smtp(Arc::new(relay)) })
    }
}

impl App {
    /// Opens (not migrates) the database and puts the rooms together. The root key is made if there is none yet.
    pub async fn build(config: &Config, outside: Outside) -> Result<App, Fault> {
        let site = site(config)?;
        let plan = sign_up_plan(config)?;
        make_private_dir(&config.data_dir)?;
        let db = open_database(config, &outside).await?;
        // Nobody serves people under a stopped clock: that is a test, which need not pay for Argon2.
        let cost = if outside.clock.is_stopped() { Cost::Test } else { Cost::Real };
        let hasher = PasswordHasher::new(cost, outside.chance);
        let post = Post { db: db.clone(), hasher: hasher.clone(), site: site.clone(), unasked: config.unasked_mail.into() };
        let accounts = Accounts { db: db.clone(), hasher, site: site.clone(), sign_up_plan: plan.name, sign_up_limits: plan.limits };
        let (dns, ca) = (Dns::new(&config.domains.resolvers)?, config.domains.caa.clone());
        let (ours, orders) = (own_host(&config.site.base_url), certificates::are_ordered(config));
        let domains = Domains { db: db.clone(), dns, site: site.clone(), ours, orders, ca };
        let egress = Egress::new(Rules { allow: networks(&config.client_certificates.list_networks)?, ..Rules::default() })?;
        let certificates = ClientCertificates { accounts: accounts.clone(), egress, lists: Lists::default() };
        Ok(App {
            db,
            post,
            accounts,
            domains,
            certificates,
            mailer: outside.mailer,
            site,
            config: Arc::new(config.clone()),
            shared: Shared::default(),
        })
    }

    /// Everything the site answers: pages, `/v1`, the API document, probes, assets, and a page for what is not there.
    pub fn endpoint(&self) -> Front {
        self.endpoint_with(|route| route)
    }

    /// As [`App::endpoint`], with routes of the demo's own.
    pub(crate) fn endpoint_with(&self, more: impl FnOnce(Route) -> Route) -> Front {
        Front::new(self, more)
    }

    /// Whether the server is on its way out, for `/ready`.
    pub fn draining(&self) -> &Draining {
        &self.shared.draining
    }
}

/// Brings the configured database up to date; answers the names of what was applied.
pub async fn migrate(config: &Config) -> Result<Vec<String>, Fault> {
    make_private_dir(&config.data_dir)?;
    Db::migrate(&Database::parse(&config.database_url())?).await
}

/// A root key is made on the first start alone: beside tenants that were sealed with another one it would open nothing, and
/// would seal new ones so that the right key cannot open them.
async fn open_database(config: &Config, outside: &Outside) -> Result<Db, Fault> {
    let (database, path) = (Database::parse(&config.database_url())?, config.root_key_file());
    let ground = |roots| {
        let (clock, chance) = (outside.clock.clone(), outside.chance.clone());
        Ok::<_, Fault>(Ground { clock, chance, roots, blobs: open_blobs(config)?, disk: watched(config, &database) })
    };
    if !path.exists() {
        // Nothing is sealed or opened with this one: it is for counting tenants.
        let db = Db::open(&database, ground(RootKeys::new(1, [0; 32]))?).await?;
        let first = db.front_desk().tenants(None, 1).await?;
        db.close().await;
        if !first.is_empty() {
            let shown = path.display();
            return Err(Fault::other(format!(
                "{shown} is missing, but there is a database sealed with it: put the root key back from its backup, or copy it from the other server"
            )));
        }
    }
    let db = Db::open(&database, ground(RootKeys::load_or_create(&path, &outside.chance)?)?).await?;
    db.front_desk().check_roots().await?;
    Ok(db)
}

pub(crate) fn site(config: &Config) -> Result<Site, Fault> {
    let from = EmailAddress::parse(&config.site.mail_from).map_err(|e| Fault::other(format!("site.mail_from: {e}")))?;
    let site = Site::new(&config.site.base_url, from);
    let site = if certificates::are_asked_for(config) { site.with_asking_hosts() } else { site };
    match config.site.content_host.as_str() {
        "" => Ok(site),
        host => Ok(site.with_content(&content_origin(&config.site.base_url, host).map_err(Fault::other)?)),
    }
}

/// `base` with another host; `Err`: a sentence for the operator.
pub(crate) fn content_origin(base: &str, host: &str) -> Result<String, String> {
    let name = HostName::parse(host).map_err(|bad| format!("site.content_host: {bad}"))?;
    let mut url = Url::parse(base).map_err(|_| format!("site.base_url “{base}” is not an address"))?;
    // A browser keeps cookies by host, whatever the port.
    if url.host_str().is_some_and(|own| own.trim_end_matches('.') == name.as_str()) {
        return Err(format!("site.content_host “{host}” is the host of site.base_url; files need another one to be apart from the site"));
    }
    url.set_host(Some(name.as_str())).map_err(|_| format!("site.content_host “{host}” is no host"))?;
    Ok(url.origin().ascii_serialization())
}

/// Where tenants' names have to lead; a site that is reached by its address alone has no such names.
fn own_host(base: &str) -> HostName {
    let named = Url::parse(base).ok().and_then(|url| HostName::parse(url.host_str()?).ok());
    named.unwrap_or_else(|| HostName::parse("localhost").expect("a host name"))
}

pub(crate) fn catalogue(config: &Config) -> Result<Catalogue, Fault> {
    match config.plans.file.as_os_str().is_empty() {
        true => Ok(Catalogue::shipped()),
        false => Catalogue::load(&config.plans.file).map_err(|e| Fault::other(format!("{}: {e}", config.plans.file.display()))),
    }
}

pub(crate) fn sign_up_plan(config: &Config) -> Result<billing::Plan, Fault> {
    let name = &config.sign_up.plan;
    let catalogue = catalogue(config)?;
    catalogue.plan(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = catalogue.plans().map(|p| p.name.as_str()).collect();
        Fault::other(format!("sign_up.plan “{name}” is not in the plan catalogue; it has {}", known.join(", ")))
    })
}

pub(crate) fn open_blobs(config: &Config) -> Result<Blobs, Fault> {
    match &config.blobs.s3 {
        None => Blobs::local(&config.blobs_dir()),
        Some(s3) => Blobs::s3(&S3Config {
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            bucket: s3.bucket.clone(),
            access_key: s3.access_key.expose_secret().into(),
            secret_key: s3.secret_key.expose_secret().into(),
        }),
    }
}

/// The disks that messages and files go to from here; a bucket and a database server look after their own.
fn watched(config: &Config, database: &Database) -> Disk {
    let files = config.blobs.s3.is_none().then(|| config.blobs_dir());
    let rows = match database {
        Database::Sqlite { path } => path.parent().map(Path::to_owned),
        Database::Postgres { .. } => None,
    };
    Disk::watch(files.into_iter().chain(rows).collect(), config.disk.low_water_mib.saturating_mul(1 << 20))
}

/// Makes the directory for us alone (0700); one that is there keeps its mode.
pub(crate) fn make_private_dir(dir: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| Fault::other(format!("the directory {} cannot be made: {e}", dir.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;
    use mail::CapturedMail;

    fn outside() -> Outside {
        let mailer = Mailer::Mailbox(Arc::new(CapturedMail::new(1)));
        Outside { clock: Clock::stopped(kernel::Time(1_790_000_000_000)), chance: Chance::seeded(9), mailer }
    }

    #[tokio::test]
    async fn a_lost_root_key_is_not_replaced_beside_tenants_that_it_sealed() {
        let town = Town::new().await;
        let (config, path) = ((*town.app.config).clone(), town.app.config.root_key_file());
        let right = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(App::build(&config, outside()).await.is_ok(), "nobody is here yet");
        std::fs::write(&path, &right).unwrap();
        town.sign_up("ana@example.org").await;
        std::fs::remove_file(&path).unwrap();
        let refused = App::build(&config, outside()).await.err().expect("refused").to_string();
        assert!(refused.contains("put the root key back from its backup"), "{refused}");
        assert!(!path.exists(), "and none was made");
        RootKeys::load_or_create(&path, &Chance::seeded(77)).unwrap();
        let refused = App::build(&config, outside()).await.err().expect("refused").to_string();
        assert!(refused.contains("does not fit this database"), "{refused}");
        std::fs::write(&path, &right).unwrap();
        assert!(App::build(&config, outside()).await.is_ok());
    }
}
