//! The certificates' part of `countersign doctor`.

use super::{
    Verdict::{self, Fine, Note, Wrong},
    doctor::files_are_nowhere,
};
use crate::{
    Config, app,
    certificates::{authorities, content_host, files, host_names, hosts, local_ca_dir},
    config::CertificateSource,
};
use kernel::{Chance, Clock, Fault, HostName, Time};
use keys::RootKeys;
use store::{Database, Db, Disk, Expiry, Ground, NameState};

/// A certificate that ends so soon should have been renewed by now.
const SOON_DAYS: i64 = 7;

/// Whether what the configuration names can be shown, for the site's own host, and for how long.
pub(super) fn certificates(config: &Config, now: Time) -> Verdict {
    if config.tls.certificates == CertificateSource::LocalCa {
        return match local_ca_dir(config).join("ca.pem") {
            root if root.exists() => Fine(format!("our own CA signs for {}; its root is {}", hosts(config).join(", "), root.display())),
            root => Note(format!("our own CA is founded on the first start; then install {} where people browse", root.display())),
        };
    }
    let mut names = Vec::new();
    for file in files(config) {
        let shown = file.certificate.display();
        match file.read() {
            Err(fault) => {
                return Wrong {
                    why: fault.to_string(),
                    todo: "put the certificate chain and its key there, readable by the user that runs countersign".into(),
                };
            }
            Ok(certificate) if certificate.not_after <= now => {
                return Wrong {
                    why: format!("{shown} ended at {}", certificate.not_after),
                    todo: "renew it; it is read again by itself".into(),
                };
            }
            Ok(certificate) if certificate.not_before > now => {
                return Wrong {
                    why: format!("{shown} begins at {}", certificate.not_before),
                    todo: "check this machine's clock, or wait".into(),
                };
            }
            Ok(certificate) if certificate.not_after < now.plus_days(SOON_DAYS) => {
                return Note(format!("{shown} ends at {}; renew it", certificate.not_after));
            }
            Ok(certificate) => names.extend(certificate.names),
        }
    }
    let mut led_to = hosts(config).into_iter().take(1).chain(content_host(config));
    match led_to.find(|host| !covered(host, &names)) {
        Some(host) => Wrong {
            why: format!("none is for {host}, a host that we send people to; they are for {}", names.join(", ")),
            todo: "get one that names it".into(),
        },
        None => Fine(format!("for {}", names.join(", "))),
    }
}

/// Names in trouble that are told one by one.
const TOLD: u64 = 5;

/// Certificates that are ordered from a CA: what the database knows of them.
pub(super) async fn ordered(config: &Config) -> Verdict {
    if let Err(fault) = authorities(&config.acme) {
        return Wrong { why: fault.to_string(), todo: "put the CA's own certificates (PEM) there".into() };
    }
    let hosts = match host_names(config) {
        Ok(hosts) => hosts,
        Err(fault) => return Wrong { why: fault.to_string(), todo: "correct site.base_url or tls.names".into() },
    };
    let Some(db) = open(config).await else {
        return Note(format!("ordered from {} once root key, files and database are fine", config.acme.directory));
    };
    let verdict = match look(&db, &hosts).await {
        Ok(verdict) => verdict,
        Err(fault) => Wrong { why: fault.to_string(), todo: "check the database".into() },
    };
    db.close().await;
    verdict
}

async fn open(config: &Config) -> Option<Db> {
    let database = Database::parse(&config.database_url()).ok()?;
    if matches!(&database, Database::Sqlite { path } if !path.exists()) {
        return None;
    }
    if files_are_nowhere(config) {
        return None;
    }
    let (roots, blobs) = (RootKeys::load(&config.root_key_file()).ok()?, app::open_blobs(config).ok()?);
    Db::open(&database, Ground { clock: Clock::system(), chance: Chance::system(), roots, blobs, disk: Disk::unwatched() }).await.ok()
}

async fn look(db: &Db, hosts: &[HostName]) -> Result<Verdict, Fault> {
    let (certificates, now) = (db.certificates(), db.clock().now());
    for host in hosts {
        match certificates.state(host).await? {
            Some(state) if state.live_until.is_some_and(|end| end > now) => {}
            Some(state) if state.trouble.is_none() => {
                return Ok(Note(format!("{host} has no certificate yet; it is ordered while `serve` runs")));
            }
            None => return Ok(Note(format!("{host} has no certificate yet; it is ordered when `serve` starts"))),
            Some(state) => return Ok(Wrong { why: format!("{host} has no certificate: {}", told(&state)), todo: reach(host) }),
        }
    }
    let Expiry { wanted, live, failing, late, first_end } = certificates.expiry().await?;
    let troubled: Vec<String> = certificates.failing(TOLD).await?.iter().map(|s| format!("\n         {}: {}", s.name, told(s))).collect();
    let (troubled, first) = (troubled.concat(), first_end.map(|end| format!("; the first ends at {end}")).unwrap_or_default());
    Ok(match () {
        () if late > 0 => Wrong {
            why: format!("{late} of {wanted} certificates end soon and were not renewed{first}{troubled}"),
            todo: "see that `serve` runs and that the CA reaches these names on ports 443 and 80".into(),
        },
        () if failing > 0 => {
            Note(format!("{live} of {wanted} names are live{first}; {failing} wait after an order that came to nothing:{troubled}"))
        }
        () => Fine(format!("{live} of {wanted} names are live{first}")),
    })
}

fn told(state: &NameState) -> String {
    let said = state.trouble.as_ref().map_or("", |trouble| trouble.said.as_str());
    format!("{said} (next try at {})", state.next_at)
}

fn reach(host: &HostName) -> String {
    format!("see that {host} leads to this machine in DNS, and that the CA reaches it on ports 443 and 80 from outside")
}

/// RFC 6125 §6.4.3: a star stands for one whole label.
fn covered(host: &str, names: &[String]) -> bool {
    let parent = host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    names.iter().any(|name| name == host || Some(name) == parent.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Town;
    use store::{Issued, WantedBy};

    #[tokio::test]
    async fn what_was_not_renewed_in_time_is_said() {
        let town = Town::new().await;
        let (db, host) = (&town.app.db, HostName::parse("mail.example.org").unwrap());
        let said = async || look(db, std::slice::from_ref(&host)).await.unwrap();
        db.certificates().want(&host, WantedBy::Site).await.unwrap();
        assert!(matches!(said().await, Note(why) if why.contains("has no certificate yet")));
        let order = db.certificates().take_due(1, std::time::Duration::from_secs(60)).await.unwrap().remove(0);
        let now = town.clock.now();
        let issued = Issued { chain: "CHAIN", key: "KEY", not_before: now, not_after: now.plus_days(90), renew_at: now.plus_days(60) };
        assert!(db.certificates().issued(&order, &issued).await.unwrap());
        assert!(matches!(said().await, Fine(why) if why.contains("1 of 1 names are live")));
        town.clock.advance(std::time::Duration::from_secs(80 * 86_400));
        assert!(matches!(said().await, Wrong { why, .. } if why.contains("1 of 1 certificates end soon and were not renewed")));
    }

    #[test]
    fn a_file_that_ends_or_has_ended_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("site.pem"), dir.path().join("site.key")];
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["mail.example.org".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(2026, 1, 1), rcgen::date_time_ymd(2026, 3, 1));
        std::fs::write(&paths[0], params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&paths[1], key.serialize_pem()).unwrap();
        let toml = format!(
            "site.base_url = 'https://mail.example.org'\ntls.certificates = 'files'\n[[tls.files]]\ncertificate = {:?}\nkey = {:?}",
            paths[0], paths[1]
        );
        let config = Config::parse(&toml).unwrap();
        // 2026-01-01.
        let begins = Time(1_767_225_600_000);
        assert!(
            matches!(certificates(&config, begins.minus(std::time::Duration::from_secs(60))), Wrong { why, .. } if why.contains("begins at"))
        );
        assert!(matches!(certificates(&config, begins.plus_days(30)), Fine(_)));
        assert!(matches!(certificates(&config, begins.plus_days(55)), Note(why) if why.contains("ends at")));
        assert!(matches!(certificates(&config, begins.plus_days(60)), Wrong { why, .. } if why.contains("ended at")));
    }
}
