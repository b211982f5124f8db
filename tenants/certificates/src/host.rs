//! A tenant's certificate host: `cert-<slug>.<the site's host>`.
//!
//! What would surprise you: the slug is the tenant's id. Names change and are secrets to some, and every name with a public
//! certificate is public (RFC 9162).

use kernel::{HostName, Site, TenantId};

const PREFIX: &str = "cert-";
/// Of the id as it is written outside.
const ID: &str = "ten_";

/// `None` where the site has no name under which another could be: it is reached by an address.
pub fn host_of(site: &Site, tenant: TenantId) -> Option<HostName> {
    let id = tenant.to_string();
    HostName::parse(&format!("{PREFIX}{}.{}", id.strip_prefix(ID)?, bare(site).0)).ok()
}

/// Where a browser goes, with the site's own port.
pub fn address_of(site: &Site, tenant: TenantId) -> Option<String> {
    let host = host_of(site, tenant)?;
    Some(format!("https://{host}{}", bare(site).1))
}

/// Whose host it is, if it could be anybody's.
pub fn tenant_of(site: &Site, host: &str) -> Option<TenantId> {
    let slug = host.strip_prefix(PREFIX)?.strip_suffix(bare(site).0)?.strip_suffix('.')?;
    format!("{ID}{slug}").parse().ok()
}

/// Host, and port with its colon where there is one.
fn bare(site: &Site) -> (&str, &str) {
    let host = site.host();
    match host.rfind(':').filter(|at| host[at + 1..].bytes().all(|b| b.is_ascii_digit())) {
        Some(at) => host.split_at(at),
        None => (host, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Chance, Time};

    fn site(base: &str) -> Site {
        Site::new(base, "notices@example.org".parse().unwrap())
    }

    #[test]
    fn a_tenants_host_reads_back() {
        let tenant = TenantId::new(Time(1_000), &Chance::seeded(1));
        for (base, port) in [("https://mail.example.org", ""), ("https://mail.example.org:8443", ":8443")] {
            let host = host_of(&site(base), tenant).unwrap();
            assert!(host.as_str().starts_with("cert-") && host.as_str().ends_with(".mail.example.org"), "{host}");
            assert_eq!(tenant_of(&site(base), host.as_str()), Some(tenant));
            assert_eq!(address_of(&site(base), tenant).unwrap(), format!("https://{host}{port}"));
        }
    }

    #[test]
    fn other_hosts_are_nobodys_and_an_address_has_none() {
        let here = site("https://mail.example.org");
        for other in
            ["mail.example.org", "cert-x.mail.example.org", "cert-.mail.example.org", "cert-01jd7q00000000000000000000.example.org", ""]
        {
            assert_eq!(tenant_of(&here, other), None, "{other}");
        }
        let tenant = TenantId::new(Time(1_000), &Chance::seeded(1));
        assert_eq!(host_of(&site("https://192.0.2.1"), tenant), None);
    }
}
