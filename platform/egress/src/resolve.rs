//! From a host to its addresses, once, each of them judged.

use crate::{NotSent, is_public, send::Rules};
use std::net::IpAddr;
use url::Host;

/// Addresses of one name that are looked at; a name with more is refused rather than judged in part.
const MAX_ADDRESSES: usize = 32;

/// Names that resolve to what a test says, in place of the system's resolver.
#[cfg(feature = "test-support")]
pub type FixedNames = std::collections::HashMap<String, Vec<IpAddr>>;

/// Who knows the addresses of names.
#[derive(Clone, Debug, Default)]
pub enum Resolver {
    #[default]
    System,
    #[cfg(feature = "test-support")]
    Fixed(FixedNames),
}

impl Resolver {
    /// Every address of `host`; all of them may be called.
    pub async fn addresses(&self, host: &Host<String>, rules: &Rules) -> Result<Vec<IpAddr>, NotSent> {
        let found = match host {
            Host::Ipv4(ip) => vec![IpAddr::from(*ip)],
            Host::Ipv6(ip) => vec![IpAddr::from(*ip)],
            Host::Domain(name) => self.look_up(name).await?,
        };
        if found.is_empty() {
            return Err(NotSent::NotFound(host.to_string()));
        }
        // One bad address condemns the name: whoever mixes them wants us to try our luck.
        let all = found.len() <= MAX_ADDRESSES && found.iter().all(|ip| rules.may_call(*ip));
        if all { Ok(found) } else { Err(NotSent::NotPublic(host.to_string())) }
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, NotSent> {
        match self {
            // The root's dot keeps the resolver from trying our own network's domain.
            Resolver::System => match tokio::net::lookup_host((format!("{name}."), 0)).await {
                Ok(found) => Ok(found.map(|address| address.ip()).collect()),
                Err(_) => Err(NotSent::NotFound(name.to_owned())),
            },
            #[cfg(feature = "test-support")]
            Resolver::Fixed(names) => names.get(name).cloned().ok_or_else(|| NotSent::NotFound(name.to_owned())),
        }
    }
}

impl Rules {
    fn may_call(&self, ip: IpAddr) -> bool {
        is_public(ip) || self.allow.iter().any(|network| network.contains(ip))
    }
}
