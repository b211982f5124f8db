//! Where the site's certificates come from, by the configuration, and who keeps them fresh.

use crate::{Config, config::CertificateSource};
use edge::{CertificateFile, CertificateFiles, LocalCa, Names};
use kernel::{Chance, Clock, Fault};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

/// Names with their certificates; a task renews them until `stop`.
pub fn certificates(config: &Config, clock: Clock, chance: Chance, stop: CancellationToken) -> Result<Names, Fault> {
    let names = Names::new()?;
    match config.tls.certificates {
        CertificateSource::Files => {
            let files = CertificateFiles::open(&files(config), names.clone(), clock)?;
            tokio::spawn(files.watch(stop));
        }
        CertificateSource::LocalCa => {
            let ca = LocalCa::open_or_found(&local_ca_dir(config), clock, chance)?;
            let hosts = hosts(config);
            let certificate = ca.issue(&hosts)?;
            names.put(&certificate, true);
            tracing::info!(root = %ca.root_file().display(), ?hosts, "certificates come from our own CA; install its root where people browse");
            tokio::spawn(ca.keep(hosts, names.clone(), certificate.not_after, stop));
        }
    }
    Ok(names)
}

pub(crate) fn files(config: &Config) -> Vec<CertificateFile> {
    config.tls.files.iter().map(|paths| CertificateFile { certificate: paths.certificate.clone(), key: paths.key.clone() }).collect()
}

pub(crate) fn local_ca_dir(config: &Config) -> PathBuf {
    config.data_dir.join("local-ca")
}

/// The site's host and what else the operator wants certified; this machine by all its names when it is the site.
pub(crate) fn hosts(config: &Config) -> Vec<String> {
    let mut hosts: Vec<String> = Url::parse(&config.site.base_url).ok().and_then(|url| url.host().map(bare)).into_iter().collect();
    if hosts.iter().any(|host| host == "localhost") {
        hosts.extend(["127.0.0.1".into(), "::1".into()]);
    }
    hosts.extend(config.tls.names.iter().cloned());
    let mut seen = std::collections::HashSet::new();
    hosts.retain(|host| seen.insert(host.clone()));
    hosts
}

/// Without the brackets of an IPv6 address.
fn bare(host: Host<&str>) -> String {
    match host {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    }
}

/// Whether the site's own host is covered by one of `names`; a certificate for other names would only make browsers warn.
pub(crate) fn covers(names: &Names, config: &Config) -> bool {
    hosts(config).first().is_some_and(|host| names.knows(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sites_host_comes_first_and_nothing_twice() {
        for (toml, expected) in [
            ("site.base_url = 'https://mail.example.org:8443'\ntls.names = ['10.0.0.7', 'mail.example.org']", "mail.example.org 10.0.0.7"),
            ("site.base_url = 'https://localhost:8443'", "localhost 127.0.0.1 ::1"),
            ("site.base_url = 'https://[fd00::1]'", "fd00::1"),
        ] {
            assert_eq!(hosts(&Config::parse(toml).unwrap()).join(" "), expected);
        }
    }
}
