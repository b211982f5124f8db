//! Whose host a request is for.
//!
//! What would surprise you: what a request calls its host is believed only as far as a certificate says so: a name is a tenant's while one
//! that the tenant wanted is good. Every other name is the site's, as it always was.

use kernel::{Fault, HostName, Site};
use poem::{Request, http::header};
use store::Db;
use web::TenantHost;

/// `None`: the site's own, by whatever name.
pub(super) async fn tenant_host(db: &Db, site: &Site, req: &Request) -> Result<Option<TenantHost>, Fault> {
    let Some(asked) = req.uri().host().or_else(|| req.header(header::HOST)) else { return Ok(None) };
    if asked.eq_ignore_ascii_case(site.host()) {
        return Ok(None);
    }
    let Ok(name) = HostName::parse(without_port(asked)) else { return Ok(None) };
    if name.as_str() == without_port(site.host()) {
        return Ok(None);
    }
    // On the heap, for the few requests that come to it: every request's future would be as large as this one.
    let tenant = Box::pin(db.certificates().holder(&name)).await?;
    Ok(tenant.map(|tenant| TenantHost { tenant, site: site.at(&name), name }))
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(host, _)| host)
}
