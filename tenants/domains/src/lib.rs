//! Tenants' own domains: from a name that somebody typed to a site that answers there.
//!
//! What would surprise you: a name is nobody's before it is proven, so two tenants may be at it at one time; the first whose TXT record
//! both resolvers see has it, and keeps it from others for thirty days after it let go. Looking at DNS is a job: nobody waits for it in a
//! request. The certificate is the store's to want, in the act that proves the name, and `infra/acme`'s to order.

mod add;
mod dns;
mod look;
mod name;
mod records;
mod refused;
mod remove;
mod seen;
mod slips;
mod tell;
mod view;

use kernel::{HostName, Site};
use store::Db;

pub use dns::{Caa, Dns, Silent};
pub use records::Record;
pub use refused::DomainRefused;
pub use seen::Seen;
pub use view::{DomainView, Step, TxtRecord};

/// Of one tenant.
pub const MAX_DOMAINS: u64 = 50;

/// The room and what it stands on. Cheap to clone.
#[derive(Clone)]
pub struct Domains {
    pub db: Db,
    pub dns: Dns,
    /// Where links in mails to owners lead, and whom those are from.
    pub site: Site,
    /// The site's own host: where tenants' names have to lead.
    pub ours: HostName,
    /// Whether this site orders certificates by itself. Where it does not, no domain of a tenant's can go live.
    pub orders: bool,
    /// The CA's own domain in CAA records (RFC 8659 §4.2), such as `letsencrypt.org`; empty: not known, so CAA is shown and not judged.
    pub ca: String,
}

#[cfg(feature = "test-support")]
impl Domains {
    /// Those of a site at `mail.example.com` that orders certificates, whose resolvers never answer.
    pub fn unanswered(db: Db) -> Domains {
        let dns = Dns::new(&[std::net::SocketAddr::from(([127, 0, 0, 1], 9)); 2]).expect("two addresses");
        let site = Site::new("https://mail.example.com", kernel::EmailAddress::parse("post@mail.example.com").expect("an address"));
        Domains { db, dns, site, ours: HostName::parse("mail.example.com").expect("a name"), orders: true, ca: String::new() }
    }
}

impl Domains {
    /// Names that are no tenant's: the site's, and the one that files leave from.
    fn own_names(&self) -> Vec<HostName> {
        let host = |origin: &str| HostName::parse(origin.split_once("://")?.1.split(':').next()?).ok();
        self.site.content().and_then(host).into_iter().chain([self.ours.clone()]).collect()
    }
}
