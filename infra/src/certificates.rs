//! Where the site's certificates come from, by the configuration, and who keeps them fresh.

use crate::{
    App, Config, asking,
    config::{AcmeChallenge, AcmeConfig, CertificateSource},
};
use acme::{Acme, Budgets, ExternalAccount, Settings};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use edge::{CertificateFile, CertificateFiles, Challenges, LocalCa, Names};
use kernel::{EmailAddress, Fault, HostName};
use secrecy::ExposeSecret;
use std::path::PathBuf;
use store::ChallengeKind;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

/// What the TLS listener shows, and who keeps it fresh.
pub struct Certificates {
    pub names: Names,
    /// What CAs are answered that check a name.
    pub challenges: Option<Challenges>,
    /// Ends after `stop`; it may be writing to the database until then.
    pub ordering: Option<JoinHandle<()>>,
}

/// Names with their certificates, which a task renews until `stop`.
pub async fn certificates(config: &Config, app: &App, stop: CancellationToken) -> Result<Certificates, Fault> {
    let names = Names::new()?;
    let (clock, chance) = (app.db.clock().clone(), app.db.chance().clone());
    let (mut challenges, mut ordering, mut own) = (None, None, None);
    match config.tls.certificates {
        CertificateSource::Files => {
            let files = CertificateFiles::open(&files(config), names.clone(), clock)?;
            tokio::spawn(files.watch(stop.clone()));
        }
        CertificateSource::Acme => {
            let hosts = host_names(config)?;
            let acme = Acme::new(app.db.clone(), acme_settings(config)?, names.clone())?;
            acme.want_for_the_site(&hosts).await?;
            ordering = Some(acme.start(&hosts, stop.clone()).await?);
            challenges = Some(acme.challenges());
        }
        CertificateSource::LocalCa => {
            let ca = LocalCa::open_or_found(&local_ca_dir(config), clock.clone(), chance.clone())?;
            own = Some(LocalCa::open_or_found(&local_ca_dir(config), clock, chance)?);
            let hosts = hosts(config);
            let certificate = ca.issue(&hosts)?;
            names.put(&certificate, true);
            tracing::info!(root = %ca.root_file().display(), ?hosts, "certificates come from our own CA; install its root where people browse");
            tokio::spawn(ca.keep(hosts, names.clone(), certificate.not_after, stop.clone()));
        }
    }
    let mut hosts_that_ask = asking::Follower::new(app.db.clone(), names.clone(), own);
    hosts_that_ask.look().await?;
    tokio::spawn(hosts_that_ask.follow(stop));
    Ok(Certificates { names, challenges, ordering })
}

/// Whether a name that a tenant proves gets a certificate here, without anybody doing anything.
pub(crate) fn are_ordered(config: &Config) -> bool {
    !config.listen.https.is_empty() && config.tls.certificates == CertificateSource::Acme
}

/// Whether the hosts that ask people for certificates (`cert-….<the site's host>`) have certificates of their own here.
pub(crate) fn are_asked_for(config: &Config) -> bool {
    let host = Url::parse(&config.site.base_url).ok().and_then(|url| HostName::parse(url.host_str()?).ok());
    let Some(host) = host.filter(|_| !config.listen.https.is_empty()) else { return false };
    match config.tls.certificates {
        CertificateSource::Acme | CertificateSource::LocalCa => true,
        CertificateSource::Files => {
            let covers = |file: &CertificateFile| file.read().is_ok_and(|certificate| certificate.names.contains(&format!("*.{host}")));
            files(config).iter().any(covers)
        }
    }
}

fn acme_settings(config: &Config) -> Result<Settings, Fault> {
    let set = &config.acme;
    let contact = match set.contact.as_str() {
        "" => None,
        text => Some(EmailAddress::parse(text).map_err(|e| Fault::other(format!("acme.contact: {e}")))?),
    };
    Ok(Settings {
        directory: set.directory.clone(),
        contact,
        external_account: external_account(set).map_err(Fault::other)?,
        authorities: authorities(set)?,
        prefer: match set.challenge {
            AcmeChallenge::TlsAlpn01 => ChallengeKind::TlsAlpn01,
            AcmeChallenge::Http01 => ChallengeKind::Http01,
        },
        budgets: Budgets {
            an_hour: set.orders_an_hour,
            per_tenant_a_day: set.orders_per_tenant_a_day,
            per_domain_a_week: set.orders_per_domain_a_week,
        },
        unnamed: host_names(config)?.first().cloned(),
    })
}

/// Who vouches for the CA's directory; none: the public CAs.
pub(crate) fn authorities(set: &AcmeConfig) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, Fault> {
    if set.ca_file.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let shown = set.ca_file.display();
    let pem = std::fs::read(&set.ca_file).map_err(|e| Fault::other(format!("acme.ca_file {shown} cannot be read: {e}")))?;
    acme::authorities(&pem).map_err(|fault| Fault::other(format!("acme.ca_file {shown}: {fault}")))
}

/// `Err`: a sentence for the operator.
pub(crate) fn external_account(set: &AcmeConfig) -> Result<Option<ExternalAccount>, String> {
    match (set.external_key_id.as_str(), set.external_key.expose_secret()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err("acme.external_key_id and acme.external_key belong together: give both or neither.".into()),
        (id, key) => {
            let key = BASE64_URL_SAFE_NO_PAD.decode(key.trim_end_matches('='));
            let key = key.map_err(|_| "acme.external_key is not base64url (letters, digits, - and _).".to_owned())?;
            Ok(Some(ExternalAccount { key_id: id.to_owned(), key }))
        }
    }
}

/// The names that a CA is asked to certify for the site.
pub(crate) fn host_names(config: &Config) -> Result<Vec<HostName>, Fault> {
    hosts(config).iter().map(|host| HostName::parse(host).map_err(|bad| Fault::other(bad.to_string()))).collect()
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
    hosts.extend(content_host(config));
    hosts.extend(config.tls.names.iter().cloned());
    let mut seen = std::collections::HashSet::new();
    hosts.retain(|host| seen.insert(host.clone()));
    hosts
}

/// Where files leave from, as certificates name it.
pub(crate) fn content_host(config: &Config) -> Option<String> {
    HostName::parse(&config.site.content_host).ok().map(|name| name.as_str().to_owned())
}

/// Without the brackets of an IPv6 address.
fn bare(host: Host<&str>) -> String {
    match host {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    }
}

/// The hosts that browsers are sent to and none of `names` is for: they would warn.
pub(crate) fn uncovered(names: &Names, config: &Config) -> Vec<String> {
    let led_to = hosts(config).into_iter().take(1).chain(content_host(config));
    led_to.filter(|host| !names.knows(host)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_ordered_where_tls_ends_here_and_they_come_from_a_ca() {
        for (toml, expected) in [
            ("listen.https = '[::]:443'\ntls.certificates = 'acme'", true),
            ("tls.certificates = 'acme'", false),
            ("listen.https = '[::]:443'\ntls.certificates = 'local-ca'", false),
            ("listen.https = '[::]:443'\ntls.certificates = 'files'", false),
            ("", false),
        ] {
            assert_eq!(are_ordered(&Config::parse(toml).unwrap()), expected, "{toml}");
        }
    }

    #[test]
    fn certificates_are_asked_for_where_the_asking_hosts_have_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let named = |name: &str| {
            let (key, params) = (rcgen::KeyPair::generate().unwrap(), rcgen::CertificateParams::new([name.to_owned()]).unwrap());
            let paths = [dir.path().join("site.pem"), dir.path().join("site.key")];
            std::fs::write(&paths[0], params.self_signed(&key).unwrap().pem()).unwrap();
            std::fs::write(&paths[1], key.serialize_pem()).unwrap();
            format!("[[tls.files]]\ncertificate = {:?}\nkey = {:?}\n", paths[0], paths[1])
        };
        let site = "site.base_url = 'https://mail.example.org'\n";
        for (listens, source, files, expected) in [
            ("[::]:443", "acme", "", true),
            ("[::]:443", "local-ca", "", true),
            ("", "acme", "", false),
            ("[::]:443", "files", "mail.example.org", false),
            ("[::]:443", "files", "*.mail.example.org", true),
            ("[::]:443", "files", "*.example.org", false),
        ] {
            let files = if files.is_empty() { String::new() } else { named(files) };
            let toml = format!("{site}listen.https = '{listens}'\ntls.certificates = '{source}'\n{files}");
            assert_eq!(are_asked_for(&Config::parse(&toml).unwrap()), expected, "{toml}");
        }
        assert!(!are_asked_for(&Config::parse("site.base_url = 'https://192.0.2.1'\nlisten.https = '[::]:443'").unwrap()));
    }

    #[test]
    fn the_sites_host_comes_first_and_nothing_twice() {
        for (toml, expected) in [
            ("site.base_url = 'https://mail.example.org:8443'\ntls.names = ['10.0.0.7', 'mail.example.org']", "mail.example.org 10.0.0.7"),
            ("site.base_url = 'https://a.example'\nsite.content_host = 'B.example.'\ntls.names = ['b.example']", "a.example b.example"),
            ("site.base_url = 'https://localhost:8443'", "localhost 127.0.0.1 ::1"),
            ("site.base_url = 'https://[fd00::1]'", "fd00::1"),
        ] {
            assert_eq!(hosts(&Config::parse(toml).unwrap()).join(" "), expected);
        }
    }
}
