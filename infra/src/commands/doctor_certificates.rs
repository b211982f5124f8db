//! The certificates' part of `countersign doctor`.

use super::Verdict::{self, Fine, Note, Wrong};
use crate::{
    Config,
    certificates::{files, hosts, local_ca_dir},
    config::CertificateSource,
};
use kernel::Time;

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
    match hosts(config).first() {
        Some(host) if !covered(host, &names) => Wrong {
            why: format!("none is for {host}, the host of site.base_url; they are for {}", names.join(", ")),
            todo: "get one that names it".into(),
        },
        _ => Fine(format!("for {}", names.join(", "))),
    }
}

/// RFC 6125 §6.4.3: a star stands for one whole label.
fn covered(host: &str, names: &[String]) -> bool {
    let parent = host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    names.iter().any(|name| name == host || Some(name) == parent.as_ref())
}
