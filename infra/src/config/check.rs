//! What is wrong with the values of a configuration, each with the way out.

use super::{AcmeConfig, CertificateSource, Config};
use kernel::{EmailAddress, HostName, Network};
use std::net::SocketAddr;
use url::Url;

/// One thing about the configuration that needs the operator's eye.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The server does not start with it.
    pub fatal: bool,
    pub sentence: String,
}

impl Config {
    /// Everything wrong with the values, in the order of the file; looks at nothing outside.
    pub fn check(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        check_base_url(&self.site.base_url, &mut found);
        check_mail_from(&self.site.mail_from, &mut found);
        if !self.site.content_host.is_empty()
            && Url::parse(&self.site.base_url).is_ok()
            && let Err(why) = crate::app::content_origin(&self.site.base_url, &self.site.content_host)
        {
            found.push(wrong(format!("{why}.")));
        }
        check_networks("listen.trusted_proxies", &self.listen.trusted_proxies, &mut found);
        check_networks("listen.proxy_protocol", &self.listen.proxy_protocol, &mut found);
        check_tls(self, &mut found);
        let listen = &self.listen;
        for (name, value) in [
            ("max_connections", listen.max_connections),
            ("max_requests", listen.max_requests),
            ("max_requests_per_address", listen.max_requests_per_address),
        ] {
            if value == 0 {
                found.push(wrong(format!("listen.{name} is 0, so nobody would be served; leave it out for the default.")));
            }
        }
        if !self.metrics.listen.is_empty() && self.metrics.listen.parse::<SocketAddr>().is_err() {
            found.push(wrong(format!("metrics.listen “{}” is not an address with a port such as 127.0.0.1:9464.", self.metrics.listen)));
        }
        if self.domains.resolvers.len() < 2 {
            found.push(wrong("domains.resolvers names less than two, so no tenant's domain could be proven.".into()));
        }
        check_networks("client_certificates.list_networks", &self.client_certificates.list_networks, &mut found);
        if let Err(e) = store::Database::parse(&self.database_url()) {
            found.push(wrong(format!("database.url: {e}.")));
        }
        if self.unasked_mail.an_hour < 1 || self.unasked_mail.a_day < 1 {
            found.push(wrong("unasked_mail allows less than 1, so no notice would ever leave; large numbers take the brakes off.".into()));
        }
        if let Some(odd) = crate::logs::odd_part(&self.log.level) {
            found.push(wrong(format!(
                "log.level “{odd}” is none of off, error, warn, info, debug and trace, nor a part of the program with one of them, as in store=debug."
            )));
        }
        if self.worker.concurrency == 0 {
            found.push(wrong("worker.concurrency is 0, so no mail would ever leave; use at least 1.".into()));
        }
        if !self.worker.in_serve {
            found.push(advice("worker.in_serve is false: mail leaves only while `countersign work` runs somewhere.".into()));
        }
        found
    }
}

fn check_networks(setting: &str, networks: &[String], found: &mut Vec<Finding>) {
    for network in networks {
        if let Err(e) = network.parse::<Network>() {
            found.push(wrong(format!("{setting}: {e}.")));
        }
    }
}

fn check_tls(config: &Config, found: &mut Vec<Finding>) {
    if config.listen.https.is_empty() {
        return;
    }
    if config.listen.https.parse::<SocketAddr>().is_err() {
        found.push(wrong(format!("listen.https “{}” is not an address with a port such as [::]:443.", config.listen.https)));
    }
    if !config.site.base_url.starts_with("https://") {
        found.push(wrong(format!(
            "listen.https is set, but site.base_url “{}” is not https, so links would lead past it.",
            config.site.base_url
        )));
    }
    if config.tls.certificates == CertificateSource::Files && config.tls.files.is_empty() {
        found.push(wrong(
            "listen.https is set, but there is no certificate: add [[tls.files]], or write tls.certificates = \"acme\" or \"local-ca\"."
                .into(),
        ));
    }
    if config.tls.certificates == CertificateSource::Acme {
        for name in crate::certificates::hosts(config) {
            if let Err(bad) = HostName::parse(&name) {
                found.push(wrong(format!("tls.certificates is \"acme\", and no CA is asked to certify this as a host: {bad}.")));
            }
        }
        check_acme(&config.acme, found);
    }
}

fn check_acme(acme: &AcmeConfig, found: &mut Vec<Finding>) {
    if !Url::parse(&acme.directory).is_ok_and(|url| url.scheme() == "https") {
        found.push(wrong(format!("acme.directory “{}” is not an https address.", acme.directory)));
    }
    if !acme.terms_agreed {
        found.push(wrong("tls.certificates is \"acme\": read the CA's terms of service, then write acme.terms_agreed = true.".into()));
    }
    if !acme.contact.is_empty()
        && let Err(e) = EmailAddress::parse(&acme.contact)
    {
        found.push(wrong(format!("acme.contact: {e}")));
    }
    if let Err(why) = crate::certificates::external_account(acme) {
        found.push(wrong(why));
    }
    if acme.orders_an_hour < 1 || acme.orders_per_tenant_a_day < 1 || acme.orders_per_domain_a_week < 1 {
        found.push(wrong("acme.orders_… is less than 1, so no certificate would ever come; leave it out for the default.".into()));
    }
}

fn check_base_url(base: &str, found: &mut Vec<Finding>) {
    let Ok(url) = Url::parse(base) else {
        found.push(wrong(format!("site.base_url “{base}” is not an address such as https://mail.example.org.")));
        return;
    };
    let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
        found.push(wrong(format!("site.base_url “{base}” must begin with https:// and name a host.")));
        return;
    };
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        found.push(wrong(format!("site.base_url “{base}” must end after the host: paths are ours.")));
    }
    if url.scheme() == "http" && !is_this_machine(host) {
        found.push(wrong(format!(
            "site.base_url “{base}” is not https. Browsers keep our sign-in cookies only over https (or on this machine); set listen.https (or put a TLS proxy in front) and write https://{host}."
        )));
    } else if url.scheme() == "http" {
        found.push(advice("site.base_url points at this machine: links in mails work here only. Fine for a trial; set the public https address before real use.".into()));
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn check_mail_from(from: &str, found: &mut Vec<Finding>) {
    match EmailAddress::parse(from) {
        Err(e) => found.push(wrong(format!("site.mail_from: {e}"))),
        Ok(address) if address.domain().ends_with(".example") => found.push(advice(format!(
            "site.mail_from is still the example “{address}”; mails from it will be refused or treated as junk. Use an address of your domain."
        ))),
        Ok(_) => {}
    }
}

fn wrong(sentence: String) -> Finding {
    Finding { fatal: true, sentence }
}
fn advice(sentence: String) -> Finding {
    Finding { fatal: false, sentence }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fatal(text: &str) -> Vec<String> {
        Config::parse(text).unwrap().check().into_iter().filter(|f| f.fatal).map(|f| f.sentence).collect()
    }

    #[test]
    fn the_default_starts() {
        assert_eq!(fatal(""), Vec::<String>::new());
        assert_eq!(fatal("site.base_url = 'https://mail.example.org'"), Vec::<String>::new());
        assert_eq!(fatal(&acme("acme.terms_agreed = true")), Vec::<String>::new());
    }

    fn acme(more: &str) -> String {
        format!("listen.https = '[::]:443'\nsite.base_url = 'https://h.example'\ntls.certificates = 'acme'\n{more}")
    }

    #[test]
    fn each_wrong_value_has_its_sentence() {
        for (text, says) in [
            ("site.base_url = 'http://mail.example.org'", "is not https"),
            ("site.base_url = 'mail.example.org'", "is not an address"),
            ("site.base_url = 'ftp://mail.example.org'", "must begin with https"),
            ("site.base_url = 'https://mail.example.org/app'", "must end after the host"),
            ("site.mail_from = 'nobody'", "has no @"),
            ("site.content_host = 'https://files.example.org/'", "is no host name"),
            ("site.base_url = 'https://h.example:8443'\nsite.content_host = 'H.example.'", "is the host of site.base_url"),
            ("listen.trusted_proxies = ['proxy']", "neither an address nor a network"),
            ("listen.proxy_protocol = ['10.0.0.0/40']", "neither an address nor a network"),
            ("listen.https = '443'\ntls.certificates = 'local-ca'\nsite.base_url = 'https://h.example'", "is not an address with a port"),
            ("listen.https = '[::]:443'\ntls.certificates = 'local-ca'", "is not https, so links"),
            ("listen.https = '[::]:443'\nsite.base_url = 'https://h.example'", "there is no certificate"),
            (&acme(""), "terms_agreed = true"),
            (&acme("acme.terms_agreed = true\nacme.directory = 'http://ca.example/dir'"), "is not an https address"),
            (&acme("acme.terms_agreed = true\nacme.contact = 'nobody'"), "acme.contact: "),
            (&acme("acme.terms_agreed = true\nacme.external_key_id = 'kid'"), "both or neither"),
            (&acme("acme.terms_agreed = true\nacme.external_key_id = 'kid'\nacme.external_key = '!'"), "is not base64url"),
            (&acme("acme.terms_agreed = true\nacme.orders_an_hour = 0"), "no certificate would ever come"),
            (&acme("acme.terms_agreed = true\ntls.names = ['*.h.example']"), "without a star"),
            (&acme("acme.terms_agreed = true\ntls.names = ['192.0.2.1']"), "is an address"),
            ("domains.resolvers = ['9.9.9.9:53']", "less than two"),
            ("client_certificates.list_networks = ['10.0.0']", "client_certificates.list_networks: “10.0.0” is neither"),
            ("listen.max_requests = 0", "nobody would be served"),
            ("metrics.listen = '9464'", "is not an address with a port"),
            ("database.url = 'mysql://h/d'", "database.url"),
            ("unasked_mail.a_day = 0", "no notice would ever leave"),
            ("worker.concurrency = 0", "no mail would ever leave"),
        ] {
            let found = fatal(text);
            assert!(found.len() == 1 && found[0].contains(says), "{text}: {found:?}");
        }
    }
}
