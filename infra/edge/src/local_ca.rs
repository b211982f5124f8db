//! A certificate authority of our own, for a machine without a public name and for the demo. People install its root once.
//!
//! What would surprise you: the root's key stays in the data directory (0600) and signs for this site's names alone; the site's own key is
//! never written down and is new at every start.

use crate::{Certificate, Names};
use kernel::{Chance, Clock, Fault, Time};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Browsers refuse certificates of more than 398 days, and we are always there to make a new one.
const LEAF_DAYS: i64 = 90;
/// A new one is made with a third of its life left.
const RENEW_DAYS: i64 = LEAF_DAYS / 3;
const LOOK: Duration = Duration::from_secs(3_600);

/// The authority in one directory: `ca.pem`, which people install, and `ca.key`.
pub struct LocalCa {
    issuer: Issuer<'static, KeyPair>,
    dir: PathBuf,
    clock: Clock,
    chance: Chance,
}

impl LocalCa {
    /// Opens the authority in `dir`, or founds one there.
    pub fn open_or_found(dir: &Path, clock: Clock, chance: Chance) -> Result<LocalCa, Fault> {
        let (root, key) = (dir.join("ca.pem"), dir.join("ca.key"));
        if !root.exists() {
            found(dir, &clock, &chance)?;
        }
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| Fault::other(format!("{} cannot be read: {e}", path.display())));
        let damaged =
            |e: rcgen::Error| Fault::other(format!("the local CA in {} is damaged ({e}); delete it to found a new one", dir.display()));
        let key = KeyPair::from_pem(&read(&key)?).map_err(damaged)?;
        let issuer = Issuer::from_ca_cert_pem(&read(&root)?, key).map_err(damaged)?;
        Ok(LocalCa { issuer, dir: dir.to_owned(), clock, chance })
    }

    /// What people install in their browsers.
    pub fn root_file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// A certificate for these host names and addresses, with a key of its own.
    pub fn issue(&self, hosts: &[String]) -> Result<Certificate, Fault> {
        let trouble = |e: rcgen::Error| Fault::other(format!("the local CA cannot certify {hosts:?}: {e}"));
        let key = KeyPair::generate().map_err(trouble)?;
        let mut params = issuing::leaf(ExtendedKeyUsagePurpose::ServerAuth, self.clock.now(), LEAF_DAYS, &self.chance);
        params.subject_alt_names = CertificateParams::new(hosts).map_err(trouble)?.subject_alt_names;
        let certificate = params.signed_by(&key, &self.issuer).map_err(trouble)?;
        Certificate::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes())
            .map_err(|bad| Fault::other(format!("the local CA made a certificate that cannot be used: {bad}")))
    }

    /// Shows a fresh certificate for `hosts` through `names`, and a new one whenever a third of its life is left, until `stop`.
    pub async fn keep(self, hosts: Vec<String>, names: Names, mut until: Time, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            if self.clock.now().plus_days(RENEW_DAYS) < until {
                continue;
            }
            match self.issue(&hosts) {
                Ok(certificate) => {
                    names.put(&certificate, true);
                    until = certificate.not_after;
                }
                Err(fault) => tracing::error!(%fault, "no new certificate"),
            }
        }
    }
}

fn found(dir: &Path, clock: &Clock, chance: &Chance) -> Result<(), Fault> {
    let name = format!("Countersign local CA {}", clock.now().utc().format("%Y-%m-%d"));
    let root = issuing::root(&name, clock.now(), chance).map_err(|e| Fault::other(format!("a local CA cannot be made: {e}")))?;
    std::fs::create_dir_all(dir)?;
    // The key first: a root without its key would stand in the way for ever.
    write(&dir.join("ca.key"), root.key.as_bytes(), 0o600)?;
    write(&dir.join("ca.pem"), root.certificate.as_bytes(), 0o644)
}

/// Whole or not at all.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault> {
    let new = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(std::fs::rename(&new, path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn ca(dir: &Path) -> LocalCa {
        LocalCa::open_or_found(dir, Clock::system(), Chance::seeded(1)).unwrap()
    }

    #[test]
    fn the_authority_is_founded_once_and_its_key_is_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("local-ca");
        let root = std::fs::read(ca(&home).root_file()).unwrap();
        assert_eq!(std::fs::read(ca(&home).root_file()).unwrap(), root);
        assert_eq!(std::fs::metadata(home.join("ca.key")).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(home.join("ca.key"), "damaged").unwrap();
        let fault = LocalCa::open_or_found(&home, Clock::system(), Chance::seeded(1)).err().unwrap().to_string();
        assert!(fault.contains("is damaged") && fault.contains("delete it"), "{fault}");
    }

    #[test]
    fn what_it_issues_names_the_hosts_and_ends_after_two_months() {
        let dir = tempfile::tempdir().unwrap();
        let now = Clock::system().now();
        let certificate = ca(dir.path()).issue(&["mail.test".into(), "192.0.2.1".into()]).unwrap();
        assert_eq!(certificate.names, ["mail.test", "192.0.2.1"]);
        assert!(certificate.not_before < now && certificate.not_after < now.plus_days(LEAF_DAYS + 1));
    }
}
