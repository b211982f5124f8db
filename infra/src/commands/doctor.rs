//! `countersign doctor`: what is wrong with a set-up, and what to do about it. Changes nothing that lasts.

use super::{
    doctor_certificates::{certificates, ordered},
    migrate::pending,
};
use crate::{Config, app, config::CertificateSource};
use kernel::{Chance, Clock, Fault, Time};
use keys::RootKeys;
use mail::{Mailer, SmtpRelay};
use std::{fmt, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};
use store::{Blobs, Database, Db, Disk, Ground};

/// One look at one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub what: &'static str,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine(String),
    /// Works, but should not stay so.
    Note(String),
    /// Does not work: what is wrong, and what to do.
    Wrong {
        why: String,
        todo: String,
    },
}

use Verdict::{Fine, Note, Wrong};

const PATIENCE: Duration = Duration::from_secs(20);
const GIB: u64 = 1 << 30;
/// Below this there is no room for one large attachment.
const LOW_DISK: u64 = 2 * GIB;
/// Below this the database itself is in danger.
const NO_DISK: u64 = GIB / 4;
/// A clock before the program was written is wrong: 2026-01-01.
const WRITTEN: Time = Time(1_767_225_600_000);

/// Every check, in the order in which they build on one another.
pub async fn doctor(config: &Config) -> Vec<Check> {
    let mut checks = values(config);
    checks.push(Check { what: "clock", verdict: clock(Clock::system().now()) });
    checks.push(Check { what: "data directory", verdict: data_dir(&config.data_dir) });
    checks.push(Check { what: "root key", verdict: root_key(&config.root_key_file(), &config.database_url()) });
    if !config.listen.https.is_empty() {
        let verdict = match config.tls.certificates {
            CertificateSource::Acme => patiently(ordered(config), "the database").await,
            CertificateSource::Files | CertificateSource::LocalCa => certificates(config, Clock::system().now()),
        };
        checks.push(Check { what: "certificates", verdict });
        checks.push(Check { what: "resolvers", verdict: patiently(resolvers(config), "a resolver").await });
    }
    checks.push(Check { what: "plans", verdict: plans(config) });
    let blobs = if files_are_nowhere(config) { None } else { Some(app::open_blobs(config)) };
    checks.push(Check { what: "files", verdict: files(config, blobs.as_ref()).await });
    checks.push(Check { what: "disk space", verdict: disk(config) });
    checks.push(Check { what: "database", verdict: patiently(database(config, blobs.and_then(Result::ok)), "the database").await });
    checks.push(Check { what: "mail relay", verdict: patiently(relay(config), "the mail relay").await });
    checks
}

fn values(config: &Config) -> Vec<Check> {
    let found = config.check();
    if found.is_empty() {
        return vec![Check { what: "configuration", verdict: Fine("every value makes sense".into()) }];
    }
    let verdict = |f: crate::config::Finding| match f.fatal {
        true => Wrong { why: f.sentence, todo: "correct the configuration file".into() },
        false => Note(f.sentence),
    };
    found.into_iter().map(|f| Check { what: "configuration", verdict: verdict(f) }).collect()
}

fn clock(now: Time) -> Verdict {
    if now < WRITTEN {
        return Wrong {
            why: format!("this machine thinks it is {now}"),
            todo: "set the clock and keep it right with NTP (chrony, systemd-timesyncd): evidence carries its time".into(),
        };
    }
    Fine(format!("it is {now}; keep it so with NTP, evidence carries this time"))
}

fn data_dir(dir: &Path) -> Verdict {
    let Ok(meta) = std::fs::metadata(dir) else {
        return Wrong {
            why: format!("{} is not there", dir.display()),
            todo: format!("make it for the user that runs countersign: install -d -m 0700 {}", dir.display()),
        };
    };
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    if let Err(e) = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe)) {
        return Wrong {
            why: format!("{} cannot be written: {e}", dir.display()),
            todo: "give it to the user that runs countersign (chown), and check the disk".into(),
        };
    }
    match meta.permissions().mode() & 0o077 {
        0 => Fine(format!("{} is there, writable, and closed to others", dir.display())),
        _ => Note(format!("{} can be read by other users of this machine; close it: chmod 0700 {}", dir.display(), dir.display())),
    }
}

fn root_key(path: &Path, database: &str) -> Verdict {
    if !path.exists() {
        let started = database.strip_prefix("sqlite:").is_some_and(|db| Path::new(db).exists());
        return match started {
            true => Wrong {
                why: format!("{} is missing, but there is a database sealed with it", path.display()),
                todo: "put the root key back from its backup before starting, for a new one opens nothing of what is there; if nothing was ever \
                       started on this database, start: the first start makes one"
                    .into(),
            },
            false => Note(format!("{} is made on the first start; then keep a copy apart from the database backups", path.display())),
        };
    }
    match RootKeys::load(path) {
        Ok(_) => Fine(format!("{} is readable by its owner alone; keep a copy apart from the database backups", path.display())),
        Err(fault) => Wrong {
            why: fault.to_string(),
            todo: format!(
                "make it readable by the user that runs countersign alone (chmod 0600 {}), or put it back from its backup",
                path.display()
            ),
        },
    }
}

/// What tenants' domains are proven by.
async fn resolvers(config: &Config) -> Verdict {
    let todo = "name two resolvers in domains.resolvers that this machine may ask by UDP and TCP, such as your provider's and a public one";
    let dns = match domains::Dns::new(&config.domains.resolvers) {
        Ok(dns) => dns,
        Err(fault) => return Wrong { why: fault.to_string(), todo: todo.into() },
    };
    let silent = dns.texts("_countersign.example.com").await.into_iter().find_map(Result::err);
    match silent {
        Some(silent) => Wrong { why: format!("{silent}, so no tenant's domain can be proven"), todo: todo.into() },
        None => Fine(format!("{} of them answer", config.domains.resolvers.len())),
    }
}

fn plans(config: &Config) -> Verdict {
    match app::sign_up_plan(config) {
        Ok(plan) => Fine(format!("sign-ups start on “{}”", plan.title)),
        Err(fault) => Wrong { why: fault.to_string(), todo: "correct sign_up.plan or plans.file".into() },
    }
}

/// Opening the directory would make it, and a look changes nothing.
pub(super) fn files_are_nowhere(config: &Config) -> bool {
    config.blobs.s3.is_none() && !config.blobs_dir().exists()
}

async fn files(config: &Config, blobs: Option<&Result<Blobs, Fault>>) -> Verdict {
    let todo = || match &config.blobs.s3 {
        None => format!("give {} to the user that runs countersign", config.blobs_dir().display()),
        Some(s3) => format!("check blobs.s3: endpoint, keys, and that the bucket “{}” exists and may be written", s3.bucket),
    };
    match blobs {
        None => Note(format!("{} is not there; it is made on the first start", config.blobs_dir().display())),
        Some(Err(fault)) => Wrong { why: fault.to_string(), todo: todo() },
        Some(Ok(blobs)) => match tokio::time::timeout(PATIENCE, blobs.check(&Chance::system())).await {
            Ok(Ok(())) => Fine("a probe was written, read and deleted".into()),
            Ok(Err(fault)) => Wrong { why: fault.to_string(), todo: todo() },
            Err(_) => Wrong { why: "no answer within 20 seconds".into(), todo: todo() },
        },
    }
}

fn disk(config: &Config) -> Verdict {
    let dir = if config.blobs.s3.is_none() && config.blobs_dir().exists() { config.blobs_dir() } else { config.data_dir.clone() };
    match store::free_bytes(&dir) {
        Ok(free) => free_space(free, config.disk.low_water_mib.saturating_mul(1 << 20)),
        Err(fault) => Note(format!("cannot be told: {fault}")),
    }
}

fn free_space(free: u64, low_water: u64) -> Verdict {
    let gib = free as f64 / GIB as f64;
    match free {
        f if f < low_water.max(NO_DISK) => Wrong {
            why: format!("{gib:.1} GiB are free, so new messages and files are refused"),
            todo: "free some or grow the disk now (disk.low_water_mib is the mark)".into(),
        },
        f if f < LOW_DISK => Note(format!("{gib:.1} GiB are free; that is little where files of 1 GiB may arrive")),
        _ => Fine(format!("{gib:.1} GiB are free")),
    }
}

async fn database(config: &Config, blobs: Option<Blobs>) -> Verdict {
    let wrong = |fault: Fault, todo: &str| Wrong { why: fault.to_string(), todo: todo.into() };
    let database = match Database::parse(&config.database_url()) {
        Ok(database) => database,
        Err(fault) => return wrong(fault, "correct database.url"),
    };
    let missing = matches!(&database, Database::Sqlite { path } if !path.exists());
    if missing {
        return Note("the SQLite file is made on the first start".into());
    }
    match pending(&database).await {
        Err(fault) => {
            return wrong(
                fault,
                "check that the server runs, that database.url has the right host, name and password, and that this machine may connect",
            );
        }
        Ok(names) if !names.is_empty() => {
            return Wrong { why: format!("migrations are pending: {}", names.join(", ")), todo: "run `countersign migrate`".into() };
        }
        Ok(_) => {}
    }
    let (Some(blobs), Ok(roots)) = (blobs, RootKeys::load(&config.root_key_file())) else {
        return Note("reachable and migrated; the rest is checked once root key and files are fine".into());
    };
    let ground = Ground { clock: Clock::system(), chance: Chance::system(), roots, blobs, disk: Disk::unwatched() };
    match Db::open(&database, ground).await {
        Err(fault) => wrong(
            fault,
            "the database works against our settings (pragmas) or walls (role, row-level security); run `countersign migrate` with the owner's login, then use the login it names",
        ),
        Ok(db) => match db.front_desk().check_roots().await {
            Err(fault) => wrong(fault, "put the root key back from its backup, or copy it from the other server, before starting"),
            Ok(()) => opened(&db).await,
        },
    }
}

async fn opened(db: &Db) -> Verdict {
    let answer = async {
        db.ping().await?;
        db.jobs().counts().await
    };
    let verdict = match answer.await {
        Err(fault) => Wrong { why: fault.to_string(), todo: "check the database server's log".into() },
        Ok(counts) if counts.parked > 0 => Note(format!(
            "fine, but {} job(s) are parked; the log says why, and `countersign admin job replay` queues them again",
            counts.parked
        )),
        Ok(counts) if counts.failed_before > 0 => Note(format!(
            "fine, but {} job(s) failed and wait for another try, such as letters that the relay did not take; the log says why",
            counts.failed_before
        )),
        Ok(counts) => Fine(format!("reachable, migrated, walls checked; {} job(s) wait", counts.queued)),
    };
    db.close().await;
    verdict
}

async fn relay(config: &Config) -> Verdict {
    let todo = "check smtp.host, port, tls, user and password, and that the relay accepts this machine";
    match SmtpRelay::new(&config.smtp) {
        Err(fault) => Wrong { why: fault.to_string(), todo: todo.into() },
        Ok(relay) => match Mailer::Smtp(Arc::new(relay)).check().await {
            Ok(sentence) => Fine(sentence),
            Err(sentence) => Wrong { why: sentence, todo: todo.into() },
        },
    }
}

async fn patiently(check: impl Future<Output = Verdict>, what: &str) -> Verdict {
    let late = |_| Wrong {
        why: format!("{what} did not answer within 20 seconds"),
        todo: "check the network between this machine and it (firewall, name, port)".into(),
    };
    tokio::time::timeout(PATIENCE, check).await.unwrap_or_else(late)
}

impl Check {
    pub fn is_wrong(&self) -> bool {
        matches!(self.verdict, Wrong { .. })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Fine(text) => write!(f, "ok     {}: {text}", self.what),
            Note(text) => write!(f, "note   {}: {text}", self.what),
            Wrong { why, todo } => write!(f, "WRONG  {}: {why}\n       do:   {todo}", self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let wrong = |v: &Verdict, says: &str| {
            assert!(matches!(v, Wrong { why, todo } if format!("{why} {todo}").contains(says)), "{v:?} lacks {says}")
        };
        wrong(&data_dir(&dir.path().join("none")), "install -d -m 0700");
        wrong(&clock(Time(0)), "NTP");
        wrong(&free_space(1_000, 0), "free some");
        wrong(&free_space(GIB, 2 * GIB), "disk.low_water_mib");
        assert!(matches!(free_space(GIB, NO_DISK), Note(_)));
        assert!(matches!(free_space(3 * GIB, NO_DISK), Fine(_)));
        let database = dir.path().join("countersign.db");
        std::fs::write(&database, b"").unwrap();
        wrong(&root_key(&dir.path().join("root.key"), &format!("sqlite:{}", database.display())), "put the root key back");
        assert!(matches!(root_key(&dir.path().join("root.key"), "sqlite:/nowhere.db"), Note(_)));
    }

    #[test]
    fn an_open_data_directory_is_noted() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(data_dir(dir.path()), Note(text) if text.contains("chmod 0700")));
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(data_dir(dir.path()), Fine(_)));
    }

    #[test]
    fn a_root_key_that_others_can_read_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        RootKeys::load_or_create(&path, &Chance::seeded(1)).unwrap();
        assert!(matches!(root_key(&path, "sqlite:/x"), Fine(_)));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(root_key(&path, "sqlite:/x"), Wrong { todo, .. } if todo.contains("chmod 0600")));
    }
}
